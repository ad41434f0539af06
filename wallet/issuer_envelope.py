"""Encrypted questions to an issuer, and its encrypted answers. OpenID4VCI 1.0 §8.2, §10; W-17, A-32.

Where the issuer can do both, both are encrypted, asked for or not: a proxy on the way then learns neither the badge nor
the keys. The key for the answer is made for one question and is never kept. An answer in the open to a question that
asked for an encrypted one is refused: whoever took the encryption away could have changed more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.errors import RejectedError
from kernel.jwe import create_encryption_key
from kernel.keys import public_part
from kernel.openid4vci import (
    IssuerMetadata,
    ResponseEncryption,
    decrypt_message,
    encrypt_message,
)
from kernel.strict_json import MAX_BYTES, encode_json
from runtime.fetch import FetchedResponse
from wallet.issuer_requests import post_to_issuer
from wallet.offer_record import Progress

_ENCRYPTED = "application/jwt"


def answer_limit(copies: int) -> int:
    """How large an answer with so many credentials may be: K-86 bounds each, and encryption makes it a third more."""
    return (copies + 1) * MAX_BYTES * 4 // 3


@dataclass(frozen=True, slots=True)
class Envelope:
    """How one question leaves and how its answer has to come."""

    recipient: ResponseEncryption | None
    private_jwk: Mapping[str, Any] | None = field(repr=False)
    enc: str = ""

    @property
    def response_encryption(self) -> dict[str, Any] | None:
        """The member of the request that asks for an encrypted answer. §8.2"""
        if self.private_jwk is None:
            return None
        return ResponseEncryption(public_part(self.private_jwk), self.enc).as_json()

    async def post(self, progress: Progress, endpoint: str, body: Mapping[str, Any], *, copies: int) -> FetchedResponse:
        """Send a question for so many copies with the access token, and return the answer opened."""
        limit = answer_limit(copies)
        if self.recipient is None:
            return await post_to_issuer(progress, endpoint, json.dumps(body).encode(), max_bytes=limit)
        sealed = encrypt_message(body, recipient=self.recipient.jwk, enc=self.recipient.enc)
        response = await post_to_issuer(progress, endpoint, sealed.encode(), media_type=_ENCRYPTED, max_bytes=limit)
        if self.private_jwk is None or response.status not in (200, 202):
            return response
        if response.media_type != _ENCRYPTED:
            raise RejectedError("an answer in the open where an encrypted one was asked for")
        members = decrypt_message(
            response.text(), private_jwk=self.private_jwk, enc_values=frozenset({self.enc}), max_bytes=limit
        )
        return replace(response, body=encode_json(members))


def create_envelope(metadata: IssuerMetadata) -> Envelope:
    """Choose from the issuer's metadata. An encrypted answer is asked for in an encrypted question only (A-32)."""
    request, response = metadata.credential_request_encryption, metadata.credential_response_encryption
    recipient = request.select() if request is not None else None
    enc = response.select() if response is not None else None
    if recipient is None or enc is None:
        return Envelope(recipient if request is not None and request.is_required else None, None)
    return Envelope(recipient, create_encryption_key(), enc)

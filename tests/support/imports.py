"""A small web of badges for import tests: what stands at which address, and how a caller goes round with `judge`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate

from kernel import base64url
from kernel.importing import Answer, AnswerKind, Imported, ImportReport, Lookup, LookupKind, judge, recognise
from tests.support.clock import NOW

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

HOST = "https://badges.example"
EMAIL = "sanne@student.example"
ASSERTION: dict[str, Any] = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Assertion",
    "id": f"{HOST}/assertions/1",
    "recipient": {
        "type": "email",
        "hashed": True,
        "salt": "Kosher",
        "identity": "sha256$5bffd3866a5d03d9c91bf64c6d0998a09bdcbf09273a7792f6e8e68b28ca4b38",
    },
    "badge": f"{HOST}/badges/1",
    "verification": {"type": "HostedBadge"},
    "issuedOn": "2026-01-10T10:00:00+01:00",
    "expires": "2030-01-10T10:00:00Z",
    "evidence": "https://portfolio.example/1",
}
BADGE_CLASS: dict[str, Any] = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "BadgeClass",
    "id": f"{HOST}/badges/1",
    "name": "Problemen oplossen",
    "description": "Lost problemen op.",
    "image": f"{HOST}/badges/1/image",
    "criteria": {"narrative": "Een portfolio."},
    "issuer": f"{HOST}/issuers/1",
    "tags": ["praktijk"],
    "extensions:ECTSExtension": {"ECTS": 2.5},
    "extensions:EQFExtension": {"EQF": 5},
    "extensions:LanguageExtension": {"Language": "nl_NL"},
    "extensions:LearningOutcomeExtension": {"LearningOutcome": "Kan problemen oplossen."},
}
ISSUER: dict[str, Any] = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Issuer",
    "id": f"{HOST}/issuers/1",
    "name": "Hogeschool Voorbeeld",
    "url": "https://hogeschool.example",
    "publicKey": f"{HOST}/keys/1",
    "revocationList": f"{HOST}/revoked",
}
KEY: dict[str, Any] = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "CryptographicKey",
    "id": f"{HOST}/keys/1",
    "owner": f"{HOST}/issuers/1",
    "publicKeyPem": RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
}
REVOKED: dict[str, Any] = {"id": f"{HOST}/revoked", "issuer": f"{HOST}/issuers/1", "revokedAssertions": []}
SIGNED_ASSERTION: dict[str, Any] = {
    **ASSERTION,
    "id": "urn:uuid:1b3b1b1e-0000-4000-8000-000000000001",
    "verification": {"type": "SignedBadge", "creator": f"{HOST}/keys/1"},
}


def web(*documents: Mapping[str, Any], **changed: Answer) -> dict[str, Answer]:
    """Return what stands on the web of these documents, each at its own identifier."""
    return {document["id"]: found(document) for document in documents} | changed


def found(value: object) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(AnswerKind.FOUND, json.dumps(value).encode())


def sign_rs256(
    payload: Mapping[str, Any], *, key: rsa.RSAPrivateKey = RSA_KEY, header: Mapping[str, Any] | None = None
) -> str:
    """Return a compact JWS with RS256; by default without `typ`, as Open Badges 2.0 has them."""
    parts = [base64url.encode(json.dumps(part).encode()) for part in ({"alg": "RS256", **(header or {})}, payload)]
    signing_input = ".".join(parts)
    signature = key.sign(signing_input.encode(), padding.PKCS1v15(), SHA256())
    return f"{signing_input}.{base64url.encode(signature)}"


class Round:
    """A caller that fetches what `judge` lists, from a web that stands still, until there is nothing more."""

    def __init__(
        self,
        content: bytes | str | Imported,
        pages: Mapping[str, Answer],
        *,
        email: str | None = None,
        anchors: Sequence[Certificate] = (),
    ) -> None:
        imported = content if isinstance(content, Imported) else recognise(content)
        self.asked: list[tuple[str, LookupKind]] = []
        material: dict[Lookup, Answer] = {}
        self.report: ImportReport = judge(imported, material, now=NOW, email=email, anchors=anchors)
        while self.report.lookups:
            for lookup in self.report.lookups:
                self.asked.append((lookup.url, lookup.kind))
                material[lookup] = pages.get(lookup.url, Answer(AnswerKind.UNAVAILABLE))
            self.report = judge(imported, material, now=NOW, email=email, anchors=anchors)

    def ended(self, code: str) -> tuple[str, str | None]:
        """Return how a check ended, and why."""
        check = self.report.check(code)
        return check.outcome.value, check.reason


PAGES: Mapping[str, Answer] = web(ASSERTION, BADGE_CLASS, ISSUER, KEY, REVOKED)
SIGNED = sign_rs256(SIGNED_ASSERTION)

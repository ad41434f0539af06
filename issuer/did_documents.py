"""The DID document of an organisation: which keys stand in it, and what stood in it before. did:web; K-21 to K-23.

did:web itself knows no history. So whenever a key comes, retires or is withdrawn, what the document says from then on
is written down, and it can be asked for and archived: a badge outlives many keys, and sometimes its issuer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from issuer import store
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import NotFoundError
from issuer.models import DidDocument, SigningKey
from issuer.store import Session
from kernel.did import create_did_web_document, json_web_key_2020_url, multikey_url
from kernel.keys import PublicKey, parse_public_jwk
from kernel.strict_json import encode_json

Algorithm = Literal["ES256", "Ed25519"]

KeyForm = Literal["Multikey", "JsonWebKey", "JsonWebKey2020"]
"""As what a key is looked for in the DID document: as a Multikey for embedded proofs (ECDSA §2.1.1), as a JsonWebKey
for what VC-JOSE-COSE secures (its §4.3), as a JsonWebKey2020 for all else that is signed by JOSE (decision 0053)."""

ALGORITHMS: Final[tuple[Algorithm, ...]] = ("ES256", "Ed25519")
"""ES256 for JOSE and `ecdsa-sd-2023`, Ed25519 for `eddsa-rdfc-2022`; in the order of the DID document."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A public key of an organisation, and its life until now."""

    fragment: str
    algorithm: Algorithm
    key: PublicKey
    created_at: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def signs(self) -> bool:
        """Whether it signs now."""
        return self.retired_at is None

    @property
    def is_listed_in_every_form(self) -> bool:
        """Whether it signs tokens and embedded proofs alike, so that the DID document has it in the form of each."""
        return self.algorithm == "ES256"


@dataclass(frozen=True, slots=True)
class DidDocumentVersion:
    """A DID document as it was served, from one moment until the next version."""

    valid_from: datetime
    document: bytes


async def list_keys(session: Session, organisation_id: UUID) -> Sequence[KeyView]:
    """Every key that an organisation ever had: by algorithm, newest first."""
    rows = await store.list_signing_keys(session, organisation_id)
    return [_view(row, algorithm) for algorithm in ALGORITHMS for row in rows if row.algorithm == algorithm]


async def list_published_keys(session: Session, organisation_id: UUID) -> Sequence[KeyView]:
    """Those that credentials may be signed with: all that were not withdrawn."""
    return [key for key in await list_keys(session, organisation_id) if key.withdrawn_at is None]


def key_ids(issuer: CredentialIssuer, key: KeyView) -> Sequence[str]:
    """Every name that a key has in the DID document: what it signed names it by any of them."""
    named = [issuer.verification_method(key.fragment)]
    if key.is_listed_in_every_form:
        named += [multikey_url(issuer.did, key.key), json_web_key_2020_url(issuer.did, key.key)]
    return named


async def create_did_document(session: Session, issuer: CredentialIssuer) -> Mapping[str, Any]:
    """The did:web document: every key that credentials in circulation are signed with. K-21 to K-23, D5."""
    keys = await list_published_keys(session, issuer.organisation_id)
    in_every_form = [published.key for published in keys if published.is_listed_in_every_form]
    return create_did_web_document(
        issuer.did,
        [(published.fragment, published.key) for published in keys],
        multikeys=in_every_form,
        json_web_keys_2020=in_every_form,
    )


async def keep_did_document(session: Session, issuer: CredentialIssuer) -> None:
    """Write down what the document says now, if that was not done yet."""
    kept = await store.list_did_documents(session, issuer.organisation_id)
    versions = await list_did_documents(session, issuer)
    if len(versions) > len(kept):
        document = DidDocument(
            organisation_id=issuer.organisation_id,
            version=len(versions),
            document=versions[-1].document.decode(),
            valid_from=versions[-1].valid_from,
        )
        await store.add_row(session, document)


async def list_did_documents(session: Session, issuer: CredentialIssuer) -> Sequence[DidDocumentVersion]:
    """Every version of the document that is known, oldest first; the last one stands now."""
    kept = await store.list_did_documents(session, issuer.organisation_id)
    versions = [DidDocumentVersion(row.valid_from, row.document.encode()) for row in kept]
    now = encode_json(await create_did_document(session, issuer))
    if not versions or versions[-1].document != now:
        keys = await list_keys(session, issuer.organisation_id)
        changes = [moment for key in keys for moment in (key.created_at, key.withdrawn_at) if moment is not None]
        versions.append(DidDocumentVersion(max(changes), now))
    return versions


async def get_did_document(session: Session, issuer: CredentialIssuer, at: datetime) -> bytes:
    """The document as it stood at a moment, or NotFoundError: before the first key there was none."""
    versions = [version for version in await list_did_documents(session, issuer) if version.valid_from <= at]
    if not versions:
        raise NotFoundError
    return versions[-1].document


def _view(row: SigningKey, algorithm: Algorithm) -> KeyView:
    return KeyView(
        fragment=row.fragment,
        algorithm=algorithm,
        key=parse_public_jwk(row.public_jwk),
        created_at=row.created_at,
        retired_at=row.retired_at,
        withdrawn_at=row.withdrawn_at,
    )

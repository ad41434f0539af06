"""The keys of an organisation: made here and sealed at rest, or made in a hardware security module; opened once.

For each algorithm one key signs; keys that were retired stay in the DID document, since what they signed still
circulates. A key that leaked is withdrawn: it leaves the document, and everything that it signed stops verifying.
The private part of a key is forgotten as soon as it signs no more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from issuer import did_documents, store
from issuer.credential_issuer import CredentialIssuer
from issuer.did_documents import ALGORITHMS, Algorithm, KeyForm
from issuer.errors import N_, ConflictError, NotFoundError
from issuer.models import SigningKey
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.did import json_web_key_2020_url, multikey_url
from kernel.keys import PublicKey, Signer, SoftwareSigner, parse_public_jwk
from runtime.database import BlockingConnection, run_blocking
from runtime.encryption import SealingKey
from runtime.hsm import Hsm, HsmSigner, HsmUnavailableError

# In place of `d`, in the JWK of a key whose private part is in a hardware security module.
_HSM_KEY: Final = "hsm_key"


@dataclass(frozen=True, slots=True)
class ActiveKey:
    """A key that signs now, ready to do so; the fragment is its name in the DID document."""

    fragment: str
    signer: Signer


async def create_signing_keys(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, actor: str, now: datetime
) -> None:
    """Make the first key of every algorithm."""
    for algorithm in ALGORITHMS:
        fragment = await run_blocking(session, _add_key, settings, issuer.organisation_id, algorithm, now)
        await store.add_audit(session, issuer.organisation_id, actor, "key.create", fragment, None, now)
    await did_documents.keep_did_document(session, issuer)


async def rotate_signing_key(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    algorithm: Algorithm,
    *,
    actor: str,
    now: datetime,
) -> str:
    """Make a new key that signs from now on, retire the one before it, and return its fragment."""
    await _begin_change(session, issuer)
    await store.retire_signing_key(session, issuer.organisation_id, algorithm, now)
    if algorithm == "ES256":
        # The certificates are of the key before.
        await store.set_certificate_chain(session, issuer.organisation_id, None)
    fragment = await run_blocking(session, _add_key, settings, issuer.organisation_id, algorithm, now)
    await did_documents.keep_did_document(session, issuer)
    await store.add_audit(session, issuer.organisation_id, actor, "key.create", fragment, None, now)
    return fragment


async def withdraw_signing_key(
    session: Session, issuer: CredentialIssuer, fragment: str, *, actor: str, now: datetime
) -> None:
    """Take a leaked key out of the DID document. The key that signs now must be replaced first."""
    await _begin_change(session, issuer)
    keys = {key.fragment: key for key in await store.list_signing_keys(session, issuer.organisation_id)}
    if fragment not in keys or keys[fragment].withdrawn_at is not None:
        raise NotFoundError(N_("Deze sleutel kennen we niet."))
    if not await store.withdraw_signing_key(session, keys[fragment].id, now):
        raise ConflictError(N_("Met deze sleutel wordt nu getekend. Maak eerst een nieuwe."))
    # A list that the key signed would be believed no more, and with it no status of any copy.
    await run_blocking(session, store.unpublish_status_lists, issuer.organisation_id)
    await did_documents.keep_did_document(session, issuer)
    await store.add_audit(session, issuer.organisation_id, actor, "key.withdraw", fragment, None, now)


async def _begin_change(session: Session, issuer: CredentialIssuer) -> None:
    """Let key changes come one after another, each with what stood before it on record."""
    await store.lock_organisation(session, issuer.organisation_id)
    await did_documents.keep_did_document(session, issuer)


def find_signer(
    connection: BlockingConnection, settings: IssuerSettings, organisation_id: UUID, algorithm: Algorithm
) -> ActiveKey | None:
    """The key that signs with this algorithm now; one read, and keys once opened stay open."""
    row = store.find_active_key(connection, organisation_id, algorithm)
    if row is None:
        return None
    return ActiveKey(row.fragment, open_signer(settings, organisation_id, row.sealed_private_jwk))


def get_signer(
    connection: BlockingConnection,
    settings: IssuerSettings,
    organisation_id: UUID,
    algorithm: Algorithm,
    *,
    now: datetime,
) -> ActiveKey:
    """The same in a transaction that writes: an organisation older than the algorithm gets its key here, once."""
    found = find_signer(connection, settings, organisation_id, algorithm)
    while found is None:
        _add_key(connection, settings, organisation_id, algorithm, now)
        found = find_signer(connection, settings, organisation_id, algorithm)
    return found


def key_id(issuer: CredentialIssuer, key: ActiveKey, form: KeyForm) -> str:
    """What a key is called in what it signs: its name in the DID document in the form that is looked for there. K-22.

    A key for ES256 stands there in every form. One for Ed25519 is a Multikey under its only name.
    """
    if key.signer.algorithm == "ES256" and form == "Multikey":
        return multikey_url(issuer.did, key.signer.public_key)
    if key.signer.algorithm == "ES256" and form == "JsonWebKey2020":
        return json_web_key_2020_url(issuer.did, key.signer.public_key)
    return issuer.verification_method(key.fragment)


def open_signer(settings: IssuerSettings, organisation_id: UUID, sealed_private_jwk: bytes) -> Signer:
    """The signer inside a sealed key. Opened keys stay in memory: parsing costs more than signing."""
    return _open_signer(settings.seal, settings.hsm, sealed_private_jwk, _context(organisation_id))


def _add_key(
    connection: BlockingConnection, settings: IssuerSettings, organisation_id: UUID, algorithm: Algorithm, now: datetime
) -> str:
    """Make a key that signs, unless one does already: of simultaneous callers one wins, by the index."""
    number = store.count_signing_keys(connection, organisation_id, algorithm) + 1
    fragment = f"{algorithm.lower()}-{now:%Y}-{number}"
    public_key, private_jwk = _generate(settings.hsm, algorithm)
    key = SigningKey(
        organisation_id=organisation_id,
        fragment=fragment,
        algorithm=algorithm,
        public_jwk=public_key.jwk,
        sealed_private_jwk=settings.seal.seal(json.dumps(private_jwk).encode(), context=_context(organisation_id)),
        created_at=now,
    )
    store.add_signing_key(connection, key)
    return fragment


def _generate(hsm: Hsm | None, algorithm: Algorithm) -> tuple[PublicKey, Mapping[str, Any]]:
    """A new key, and what is sealed of it: all of it, or by what name the module knows it."""
    if hsm is None:
        signer = SoftwareSigner.generate(algorithm)
        return signer.public_key, signer.private_jwk()
    made = hsm.generate(algorithm)
    return made.public_key, {**made.public_key.jwk, "alg": algorithm, _HSM_KEY: made.key_id.hex()}


@lru_cache(maxsize=256)
def _open_signer(seal: SealingKey, hsm: Hsm | None, sealed_private_jwk: bytes, context: str) -> Signer:
    members = json.loads(seal.open(sealed_private_jwk, context=context))
    if _HSM_KEY not in members:
        return SoftwareSigner.from_jwk(members)
    if hsm is None:
        raise HsmUnavailableError("the key is in a module, and the settings name none")
    return HsmSigner(hsm, bytes.fromhex(members[_HSM_KEY]), parse_public_jwk(members), members["alg"])


def _context(organisation_id: UUID) -> str:
    return f"issuer/signing-key/{organisation_id}"

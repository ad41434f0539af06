"""Relying parties: every organisation that asks has its own identifier, key, people and API keys.

The identifier is a did:web below this deployment, so the client_id is `decentralized_identifier:did:web:…`
(OpenID4VP 1.0 §5.9.3; PROFILE.md V-04). The private key is made here and lies sealed.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.did import create_did_web_document, did_web, json_web_key_2020_url
from kernel.keys import Signer, SoftwareSigner, parse_public_jwk
from runtime.tokens import create_token, hash_token
from verifier import store
from verifier.errors import ForbiddenError, InputError, NotSignedInError, SlugTakenError, UnknownError
from verifier.models import ApiKey, RelyingParty
from verifier.settings import VerifierSettings
from verifier.store import Session

RESERVED_SLUGS = frozenset(
    {
        ".well-known",
        "api",
        "ask",
        "back-office",
        "check",
        "docs",
        "health",
        "language",
        "ready",
        "result",
        "sign-in",
        "sign-out",
        "static",
        "vct",
    }
)
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

DEPLOYMENT_SCOPES = frozenset({"relying-parties:write", "relying-parties:read"})
RELYING_PARTY_SCOPES = frozenset(
    {
        "questions:write",
        "questions:read",
        "presentations:write",
        "presentations:read",
        "operators:write",
        "keys:write",
    }
)
SCOPES = DEPLOYMENT_SCOPES | RELYING_PARTY_SCOPES


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds an API key: of the deployment (no relying party), or of one relying party."""

    relying_party_id: str | None
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        if scope not in self.scopes:
            raise ForbiddenError

    def require_all(self, scopes: Collection[str]) -> None:
        """Nobody hands out what they may not do themselves; scopes that do not exist are the key maker's to name."""
        if not self.scopes >= set(scopes) & RELYING_PARTY_SCOPES:
            raise ForbiddenError

    def may_see(self, relying_party_id: str) -> bool:
        return self.relying_party_id is None or self.relying_party_id == relying_party_id


def identifier_url(settings: VerifierSettings, slug: str) -> str:
    return f"{settings.public_url}/{slug}"


def relying_party_did(settings: VerifierSettings, slug: str) -> str:
    return did_web(identifier_url(settings, slug))


def client_id(settings: VerifierSettings, slug: str) -> str:
    """The full client_id, prefix included: also the audience of every key binding (PROFILE.md W-49)."""
    return f"decentralized_identifier:{relying_party_did(settings, slug)}"


def key_id(settings: VerifierSettings, relying_party: RelyingParty) -> str:
    return f"{relying_party_did(settings, relying_party.slug)}#{relying_party.key_name}"


def request_key_id(settings: VerifierSettings, relying_party: RelyingParty) -> str:
    """The same key under the name by which requests name it, in the form that every wallet knows (decision 0053)."""
    did = relying_party_did(settings, relying_party.slug)
    return json_web_key_2020_url(did, parse_public_jwk(relying_party.public_jwk))


def create_did_document(settings: VerifierSettings, relying_party: RelyingParty) -> dict[str, Any]:
    """The DID document of a relying party (PROFILE.md K-21, K-22)."""
    key = parse_public_jwk(relying_party.public_jwk)
    did = relying_party_did(settings, relying_party.slug)
    return create_did_web_document(did, [(relying_party.key_name, key)], json_web_keys_2020=[key])


def open_signer(settings: VerifierSettings, relying_party: RelyingParty) -> Signer:
    """The key that signs this relying party's request objects."""
    private_jwk = settings.sealing_key().open(relying_party.sealed_private_jwk, context=_key_context(relying_party.id))
    return SoftwareSigner.from_jwk(json.loads(private_jwk))


async def create_relying_party(
    session: Session,
    settings: VerifierSettings,
    *,
    slug: str,
    name: str,
    url: str | None = None,
    country: str | None = None,
    registration_number: str | None = None,
    now: datetime,
) -> tuple[RelyingParty, str]:
    """Make a relying party with its own key, and its first API key, which is shown only now."""
    if not SLUG.fullmatch(slug):
        raise InputError(fields={"slug": "pattern"})
    if slug in RESERVED_SLUGS:
        raise SlugTakenError
    signer = SoftwareSigner.generate("ES256")
    relying_party_id = create_token(16)
    relying_party = RelyingParty(
        id=relying_party_id,
        slug=slug,
        name=name,
        url=url,
        country=country,
        registration_number=registration_number,
        key_name=f"es256-{now:%Y-%m}",
        public_jwk=signer.public_key.jwk,
        sealed_private_jwk=settings.sealing_key().seal(
            json.dumps(signer.private_jwk()).encode(), context=_key_context(relying_party_id)
        ),
        created_at=now,
    )
    if not await store.add_row_unless_taken(session, relying_party):
        raise SlugTakenError
    key = await create_api_key(
        session, relying_party_id=relying_party_id, name="first", scopes=RELYING_PARTY_SCOPES, now=now
    )
    return relying_party, key


async def get_relying_party(session: Session, slug: str) -> RelyingParty:
    relying_party = await store.find_relying_party(session, slug)
    if relying_party is None:
        raise UnknownError
    return relying_party


async def create_api_key(
    session: Session, *, relying_party_id: str | None, name: str, scopes: Collection[str], now: datetime
) -> str:
    """Make a key and return it; only its hash stays here."""
    allowed = SCOPES if relying_party_id is None else RELYING_PARTY_SCOPES
    if not set(scopes) <= allowed:
        raise InputError(fields={"scopes": "unknown"})
    key = create_token()
    await store.add_row(session, _key_row(key, relying_party_id, name, scopes, now))
    return key


async def keep_admin_key(session: Session, settings: VerifierSettings, *, now: datetime) -> None:
    """Store the hash of the deployment's first key, once, where the settings give one."""
    if settings.admin_key is None:
        return
    row = _key_row(settings.admin_key.get_secret_value(), None, "admin", SCOPES, now)
    if await store.find_api_key(session, row.key_hash) is None:
        await store.add_row_unless_taken(session, row)


async def authenticate(session: Session, authorization: str | None) -> Caller:
    """Who holds this API key. RFC 6750 §2.1; only the header is looked at, never the URL."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise NotSignedInError
    row = await store.find_api_key(session, hash_token(key.strip()))
    if row is None:
        raise NotSignedInError
    return Caller(row.relying_party_id, frozenset(row.scopes))


async def find_own(session: Session, caller: Caller, slug: str) -> RelyingParty:
    """The relying party that the caller acts for; another's looks like one that does not exist."""
    relying_party = await store.find_relying_party(session, slug)
    if relying_party is None or not caller.may_see(relying_party.id):
        raise UnknownError
    return relying_party


def _key_row(key: str, relying_party_id: str | None, name: str, scopes: Collection[str], now: datetime) -> ApiKey:
    return ApiKey(
        id=create_token(16),
        relying_party_id=relying_party_id,
        name=name,
        key_hash=hash_token(key),
        scopes=sorted(scopes),
        created_at=now,
    )


def _key_context(relying_party_id: str) -> str:
    return f"verifier/signing-key/{relying_party_id}"

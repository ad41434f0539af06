"""A relying party as a member of OpenID Federations: its Entity Configuration, and who stands above it. T-07; V-04.

DIIP v5, appendix B. What wallets read there replaces the `client_metadata` of its requests (OpenID4VP 1.0 §5.9.3): the
key that signs them, and one that answers are encrypted to, which for that reason is the same for every request. The key
that signs statements signs nothing else (OpenID Federation 1.0 §3.1.1): its public part goes to the superiors.

That key is replaced in three steps, so that the chain never breaks (§11): the next key is published beside it; when the
superiors name it too, it signs; when nothing is left that the one before signed, that one goes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from kernel.errors import MalformedError, RejectedError
from kernel.federation import (
    CREDENTIAL_VERIFIER,
    FEDERATION_ENTITY,
    create_entity_configuration,
    create_federation_entity,
    entity_configuration_url,
    federation_key,
    parse_authority_hints,
)
from kernel.jwe import create_encryption_key
from kernel.keys import Signer, SoftwareSigner, parse_public_jwk, public_part
from kernel.openid4vp import ClientIdPrefix, create_client_metadata
from verifier import store
from verifier.errors import InputError, NoMemberError
from verifier.models import FederationMembership, RelyingParty
from verifier.relying_parties import identifier_url, key_id, open_signer
from verifier.settings import VerifierSettings
from verifier.store import Session

# Short, so that a key that left is gone by the next day; wallets ask again each hour anyhow.
_LIFETIME: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Membership:
    """What the superiors of a relying party must know, and who they are."""

    entity: str
    entity_configuration: str
    client_id: str
    authority_hints: Sequence[str]
    public_jwk: Mapping[str, Any]
    """The key that signs now."""
    public_jwks: Sequence[Mapping[str, Any]]
    """Every key that is published, and that the superiors should name: the one that signs first."""


RolloverStep = Literal["announce", "use", "retire"]


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """A member's identifier, and the keys by which it asks and reads answers."""

    client_id: str
    signer: Signer
    key_id: str
    encryption_jwk: Mapping[str, Any]


async def join_federation(
    session: Session,
    settings: VerifierSettings,
    relying_party: RelyingParty,
    authority_hints: Sequence[str],
    *,
    now: datetime,
) -> Membership:
    """Name the superiors of a relying party, the first time with new keys."""
    entity = identifier_url(settings, relying_party.slug)
    hints = _parse_hints(authority_hints, entity)
    await store.lock_relying_party(session, relying_party.id)
    row = await store.find_federation_membership(session, relying_party.id)
    if row is None:
        row = _create_membership(settings, relying_party, now)
        await store.add_row(session, row)
    await store.set_authority_hints(session, relying_party.id, hints)
    return _membership(entity, _open_keys(settings, row), hints)


async def roll_key(
    session: Session, settings: VerifierSettings, relying_party: RelyingParty, step: RolloverStep
) -> Membership:
    """Take one step in replacing the key of statements. OpenID Federation 1.0 §11.

    `announce` publishes a next key, once. `use` lets it sign, which breaks the chain until every superior names it; the
    one before stays published. `retire` takes that away.
    """
    await store.lock_relying_party(session, relying_party.id)
    row, hints = await _get_row(session, relying_party)
    keys = _open_keys(settings, row)
    match step:
        case "announce":
            keys.setdefault("next", SoftwareSigner.generate("ES256").private_jwk())
        case "use" if "next" not in keys:
            raise InputError(fields={"step": "not_announced"})
        case "use":
            keys |= {"previous": public_part(keys["statements"]), "statements": keys.pop("next")}
        case "retire":
            keys.pop("previous", None)
    row.sealed_private_jwks = _seal_keys(settings, relying_party, keys)
    await session.flush()
    return _membership(identifier_url(settings, relying_party.slug), keys, hints)


async def leave_federation(session: Session, relying_party: RelyingParty) -> None:
    """Publish no Entity Configuration any more, and ask no more as a member. The keys stay."""
    await store.lock_relying_party(session, relying_party.id)
    await _get_row(session, relying_party)
    await store.set_authority_hints(session, relying_party.id, None)


async def get_membership(session: Session, settings: VerifierSettings, relying_party: RelyingParty) -> Membership:
    """The membership of a relying party, or NoMemberError where it has none."""
    row, hints = await _get_row(session, relying_party)
    return _membership(identifier_url(settings, relying_party.slug), _open_keys(settings, row), hints)


async def open_member_keys(session: Session, settings: VerifierSettings, relying_party: RelyingParty) -> MemberKeys:
    """By what a member asks, or NoMemberError. It signs with the relying party's own key, by the `kid` it publishes."""
    row, _ = await _get_row(session, relying_party)
    return MemberKeys(
        client_id=_client_id(identifier_url(settings, relying_party.slug)),
        signer=open_signer(settings, relying_party),
        key_id=key_id(settings, relying_party),
        encryption_jwk=_open_keys(settings, row)["encryption"],
    )


async def create_party_statement(
    session: Session, settings: VerifierSettings, relying_party: RelyingParty, *, now: datetime
) -> str:
    """The Entity Configuration, signed now. OpenID Federation 1.0 §9; DIIP v5 appendix B."""
    row, hints = await _get_row(session, relying_party)
    keys = _open_keys(settings, row)
    membership = _membership(identifier_url(settings, relying_party.slug), keys, hints)
    return create_entity_configuration(
        signer=SoftwareSigner.from_jwk(keys["statements"]),
        key_id=membership.public_jwk["kid"],
        entity=membership.entity,
        keys=membership.public_jwks,
        metadata=_metadata(settings, relying_party, keys["encryption"]),
        authority_hints=hints,
        issued_at=now,
        expires_at=now + _LIFETIME,
    )


def _metadata(
    settings: VerifierSettings, relying_party: RelyingParty, encryption_jwk: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    verifier = create_client_metadata(encryption_key=public_part(encryption_jwk), client_name=relying_party.name)
    signing = {
        **relying_party.public_jwk,
        "kid": key_id(settings, relying_party),
        "alg": "ES256",
        "use": "sig",
    }
    return {
        FEDERATION_ENTITY: create_federation_entity(relying_party.name, relying_party.url),
        CREDENTIAL_VERIFIER: {**verifier, "jwks": {"keys": [signing, *verifier["jwks"]["keys"]]}},
    }


def _create_membership(settings: VerifierSettings, relying_party: RelyingParty, now: datetime) -> FederationMembership:
    keys = {"statements": SoftwareSigner.generate("ES256").private_jwk(), "encryption": create_encryption_key()}
    return FederationMembership(
        relying_party_id=relying_party.id,
        sealed_private_jwks=_seal_keys(settings, relying_party, keys),
        created_at=now,
    )


async def _get_row(session: Session, relying_party: RelyingParty) -> tuple[FederationMembership, Sequence[str]]:
    row = await store.find_federation_membership(session, relying_party.id)
    if row is None or row.authority_hints is None:
        raise NoMemberError
    return row, row.authority_hints


def _seal_keys(settings: VerifierSettings, relying_party: RelyingParty, keys: Mapping[str, Mapping[str, Any]]) -> bytes:
    return settings.sealing_key().seal(json.dumps(keys).encode(), context=_context(relying_party.id))


def _open_keys(settings: VerifierSettings, row: FederationMembership) -> dict[str, dict[str, Any]]:
    opened = settings.sealing_key().open(row.sealed_private_jwks, context=_context(row.relying_party_id))
    keys: dict[str, dict[str, Any]] = json.loads(opened)
    return keys


def _membership(entity: str, keys: Mapping[str, Mapping[str, Any]], hints: Sequence[str]) -> Membership:
    published = [public_part(keys[name]) for name in ("statements", "next", "previous") if name in keys]
    named = [federation_key(parse_public_jwk(jwk)) for jwk in published]
    return Membership(
        entity=entity,
        entity_configuration=entity_configuration_url(entity),
        client_id=_client_id(entity),
        authority_hints=hints,
        public_jwk=named[0],
        public_jwks=named,
    )


def _client_id(entity: str) -> str:
    return f"{ClientIdPrefix.OPENID_FEDERATION}:{entity}"


def _parse_hints(hints: Sequence[str], entity: str) -> list[str]:
    try:
        return parse_authority_hints(hints, entity=entity)
    except MalformedError as exc:
        raise InputError(fields={"authority_hints": "not_https"}) from exc
    except RejectedError as exc:
        raise InputError(fields={"authority_hints": "itself"}) from exc


def _context(relying_party_id: str) -> str:
    return f"verifier/federation-keys/{relying_party_id}"

"""The Credential Endpoint: what happens on a credential request. OpenID4VCI 1.0 §8.

Everything that costs no row is checked first, so that strangers burn no nonces. The nonce is then spent in the
transaction that reserves the copies, gives each its place in the status list, signs and stores: if that
fails, the wallet may try again with the same nonce. The signed bytes are kept and never made again.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from issuer import nonce as nonces
from issuer import signing_keys, status, store
from issuer.achievements import earned_credits
from issuer.awards import open_claims
from issuer.configurations import Securing, configuration_ids, configuration_securing
from issuer.credential_issuer import CredentialIssuer, credential_issuer
from issuer.errors import (
    AccessTokenError,
    EncryptionParametersError,
    IssuanceDeniedError,
    KeyProofError,
    UnknownConfigurationError,
    UnknownIdentifierError,
)
from issuer.sender_constraint import PresentedToken, spend_dpop_proof, verify_token_use
from issuer.settings import IssuerSettings
from issuer.signing_keys import ActiveKey
from issuer.status import StatusPlace
from issuer.store import Grant
from kernel.errors import CredentialError, MalformedError
from kernel.formats import IssuerIdentity, to_wire
from kernel.keys import PublicKey
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import CredentialRequest, KeyProof, parse_credential_request, verify_key_proof
from kernel.status.token_status_list import Status
from kernel.strict_json import parse_json_object
from kernel.type_metadata import create_integrity, create_skill_badge_type
from runtime.database import BlockingConnection, BlockingDatabase, Database
from runtime.tokens import create_token, hash_token

PROOF_ALGORITHMS = frozenset({"ES256"})
_MAX_REQUEST_BYTES = 256 * 1024

_ACHIEVEMENTS_KEPT = 256
_achievements: dict[UUID, Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class _Order:
    """A credential request in which everything was checked that can be without writing."""

    grant: Grant
    issuer: CredentialIssuer
    configuration_id: str
    securing: Securing
    nonces: Mapping[str, datetime]
    holder_keys: Sequence[PublicKey]


@dataclass(frozen=True, slots=True)
class CredentialAnswer:
    """What is answered, and in whose name."""

    organisation_id: UUID
    members: Mapping[str, Any]


async def issue_credential(
    database: Database, settings: IssuerSettings, slug: str, presented: PresentedToken, body: bytes, *, now: datetime
) -> CredentialAnswer:
    """Answer a Credential Request: one copy for each proven key. OpenID4VCI 1.0 §8.2, §8.3; I-57 to I-62, I-68.

    A key that already got its copy under this offer gets the same bytes again, so a lost response costs nothing.
    """

    def answer(database: BlockingDatabase) -> CredentialAnswer:
        with database.connection() as connection:
            grants = store.list_grants(connection, presented.token_hash, slug, now)
            if not grants:
                raise AccessTokenError("unknown, expired, revoked, or another organisation's")
            organisation_id = grants[0].organisation.id
            proof = verify_token_use(settings, organisation_id, presented, grants[0].dpop_thumbprint, now)
            order = _verify_request(settings, grants, body, now)
            notification_id = create_token(16)
            with database.writing(connection):
                spend_dpop_proof(connection, proof)
                for nonce, expires_at in order.nonces.items():
                    nonces.spend_nonce(connection, nonce, expires_at)
                credentials = _issue_copies(connection, settings, order, hash_token(notification_id), now)
        members = {
            "credentials": [{"credential": to_wire(credentials[key.thumbprint])} for key in order.holder_keys],
            "notification_id": notification_id,
        }
        return CredentialAnswer(organisation_id, members)

    return await database.run(answer)


def _verify_request(settings: IssuerSettings, grants: Sequence[Grant], body: bytes, now: datetime) -> _Order:
    issuer = credential_issuer(grants[0].organisation, settings)
    request = parse_credential_request(parse_json_object(body, max_bytes=_MAX_REQUEST_BYTES))
    if request.credential_response_encryption is not None:
        raise EncryptionParametersError("not offered")
    grant, configuration = _find_configuration(settings, grants, request)
    if grant.award_status != "valid" or grant.sealed_claims is None:
        raise IssuanceDeniedError(f"the award is {grant.award_status}, or its claims were dropped")
    proofs = _verify_proofs(settings, issuer, request, now)
    expiries = {
        nonce: nonces.verify_nonce(settings, issuer.organisation_id, nonce, now=now)
        for nonce in {proof.nonce for proof in proofs}
    }
    holder_keys = [proof.holder_key for proof in proofs]
    return _Order(grant, issuer, configuration, configuration_securing(configuration), expiries, holder_keys)


def _find_configuration(
    settings: IssuerSettings, grants: Sequence[Grant], request: CredentialRequest
) -> tuple[Grant, str]:
    """What is asked for, if the token covers it. An identifier is used exactly when the token came with some. I-57."""
    if request.credential_identifier is not None:
        for grant in grants:
            if request.credential_identifier in grant.credential_identifiers:
                return grant, grant.credential_identifiers[request.credential_identifier]
        raise UnknownIdentifierError("not of this access token")
    if any(grant.credential_identifiers for grant in grants):
        raise MalformedError("the token response named credential identifiers; one of them is due")
    for grant in grants:
        covered = grant.configuration_ids
        if covered is None:
            covered = configuration_ids(settings, grant.achievement_slug)
        if request.credential_configuration_id in covered:
            return grant, str(request.credential_configuration_id)
    raise UnknownConfigurationError("not in the offer")


def _verify_proofs(
    settings: IssuerSettings, issuer: CredentialIssuer, request: CredentialRequest, now: datetime
) -> Sequence[KeyProof]:
    """Every proof, before anything is issued. OpenID4VCI 1.0 §8.2, Appendix F.4; I-58, I-60."""
    if request.proof_type != "jwt" or not 1 <= len(request.proofs) <= settings.batch_size:
        raise KeyProofError("no proofs of type jwt, or too many")
    proofs = [_verify_proof(proof, issuer, now) for proof in request.proofs]
    if len({proof.holder_key.thumbprint for proof in proofs}) != len(proofs):
        raise KeyProofError("one key twice in a batch")
    return proofs


def _verify_proof(proof: object, issuer: CredentialIssuer, now: datetime) -> KeyProof:
    if not isinstance(proof, str):
        raise KeyProofError("not a compact JWS")
    try:
        return verify_key_proof(proof, audience=issuer.identifier, algorithms=PROOF_ALGORITHMS, now=now)
    except CredentialError as exc:
        raise KeyProofError(f"{exc.code}: {exc.detail}") from exc


def _issue_copies(
    connection: BlockingConnection, settings: IssuerSettings, order: _Order, notification_hash: bytes, now: datetime
) -> Mapping[str, str]:
    """The credential for each key, by thumbprint: those issued before as they were, new ones for the others."""
    issued = _find_earlier(connection, settings, order) if order.grant.copies else {}
    new = [key for key in order.holder_keys if key.thumbprint not in issued]
    if not new:
        return issued
    grant = order.grant
    limit = settings.batch_size * len(configuration_ids(settings, grant.achievement_slug))
    if not store.claim_copies(connection, grant, len(new), limit=limit, now=now):
        raise IssuanceDeniedError("withdrawn meanwhile, or every copy was handed out")
    if grant.revokes_earlier_copies and not grant.copies:
        revoked = Status.INVALID.value_in_list
        store.set_status_of_copies(connection, grant.award_id, revoked, except_offer=grant.offer_id)
    places = status.allocate_status_places(
        connection,
        settings,
        order.issuer,
        award_id=grant.award_id,
        offer_id=grant.offer_id,
        count=len(new),
        now=now,
        kind=status.status_kind(order.securing.name),
    )
    achievement = _get_achievement(connection, grant.achievement_version_id)
    signing_key = _get_signing_key(connection, settings, order, now)
    signed = {
        key.thumbprint: _sign(settings, order, signing_key, achievement, key, place, now)
        for key, place in zip(new, places, strict=True)
    }
    for key, place in zip(new, places, strict=True):
        row = _credential_row(settings, order, key.thumbprint, signed[key.thumbprint], place, notification_hash, now)
        store.add_credential(connection, row)
    return {**issued, **signed}


def _find_earlier(connection: BlockingConnection, settings: IssuerSettings, order: _Order) -> dict[str, str]:
    thumbprints = [key.thumbprint for key in order.holder_keys]
    rows = store.find_issued_copies(connection, order.grant.offer_id, order.configuration_id, thumbprints)
    return {
        thumbprint: settings.seal.open(row.sealed_credential, context=_context(row.id)).decode()
        for thumbprint, row in rows.items()
        if row.sealed_credential is not None
    }


def _get_achievement(connection: BlockingConnection, version_id: UUID) -> Mapping[str, Any]:
    """A version of an achievement never changes, so it is read once a process."""
    if version_id not in _achievements:
        if len(_achievements) == _ACHIEVEMENTS_KEPT:
            _achievements.clear()
        _achievements[version_id] = store.get_achievement(connection, version_id)
    return _achievements[version_id]


def _get_signing_key(
    connection: BlockingConnection, settings: IssuerSettings, order: _Order, now: datetime
) -> ActiveKey:
    """The key that this securing is signed with: the one for ES256 came with the grant, another is read only here."""
    grant, algorithm = order.grant, order.securing.algorithm
    if algorithm == "ES256":
        signer = signing_keys.open_signer(settings, order.issuer.organisation_id, grant.sealed_private_jwk)
        return ActiveKey(grant.key_fragment, signer)
    return signing_keys.get_signer(connection, settings, order.issuer.organisation_id, algorithm, now=now)


def _sign(
    settings: IssuerSettings,
    order: _Order,
    signing_key: ActiveKey,
    achievement: Mapping[str, Any],
    key: PublicKey,
    place: StatusPlace,
    now: datetime,
) -> str:
    """Sign one copy: own salts, own place in the list, own identifier, times rounded to the day. I-61, I-75."""
    grant, issuer = order.grant, order.issuer
    claims = open_claims(settings, grant.award_id, grant.sealed_claims or b"")
    if not order.securing.carries_endorsements:
        achievement = {name: value for name, value in achievement.items() if name != "endorsement"}
    dataset = CredentialDataset(
        achievement=achievement,
        issuer_profile=issuer_profile(issuer),
        person=claims["person"],
        subject=earned_credits(achievement),
        evidence=claims["evidence"],
        awarded_at=grant.awarded_at,
        issuing_authority=issuer.name,
        issuing_country=issuer.country,
        credential_id=f"urn:uuid:{uuid.uuid4()}",
    )
    return order.securing.format.issue(
        dataset,
        issuer=IssuerIdentity(
            issuer.did, issuer.verification_method(signing_key.fragment), federation_entity=issuer.federation_entity
        ),
        signer=signing_key.signer,
        holder_key=key,
        type_id=settings.badge_vct,
        type_integrity=_type_integrity(settings.badge_vct),
        status=place.references,
        issued_at=now,
        valid_from=now,
        expires_at=grant.expires_at,
    )


@lru_cache(maxsize=8)
def _type_integrity(vct: str) -> str:
    return create_integrity(create_skill_badge_type(vct))


def issuer_profile(issuer: CredentialIssuer) -> dict[str, Any]:
    """The organisation as an Open Badges Profile. B-02, T-12."""
    profile: dict[str, Any] = {
        "id": issuer.did,
        "type": ["Profile"],
        "name": issuer.name,
        "address": {"type": ["Address"], "addressCountryCode": issuer.country},
    }
    if issuer.url is not None:
        profile["url"] = issuer.url
    if issuer.registration_number is not None:
        profile["otherIdentifier"] = [
            {
                "type": "IdentifierEntry",
                "identifier": issuer.registration_number,
                "identifierType": _identifier_type(issuer.registration_number),
            }
        ]
    return profile


# How Dutch registers number: schools four characters (and two for a location), companies eight digits.
_REGISTERS = {"ext:BRIN": re.compile(r"[0-9]{2}[A-Z]{2}([0-9]{2})?"), "ext:KvK": re.compile(r"[0-9]{8}")}


def _identifier_type(number: str) -> str:
    """The register that a number is from, as far as its form tells. T-12."""
    return next((name for name, form in _REGISTERS.items() if form.fullmatch(number)), "ext:RegistrationNumber")


def _credential_row(
    settings: IssuerSettings,
    order: _Order,
    thumbprint: str,
    credential: str,
    place: StatusPlace,
    notification_hash: bytes,
    now: datetime,
) -> dict[str, Any]:
    row_id = store.new_id()
    return {
        "id": row_id,
        "organisation_id": order.issuer.organisation_id,
        "award_id": order.grant.award_id,
        "offer_id": order.grant.offer_id,
        "configuration_id": order.configuration_id,
        "holder_thumbprint": thumbprint,
        "status_list_id": place.status_list_id,
        "status_index": place.index,
        "sealed_credential": settings.seal.seal(credential.encode(), context=_context(row_id)),
        "notification_hash": notification_hash,
        "notification_event": None,
        "issued_at": now,
    }


def _context(row_id: uuid.UUID) -> str:
    return f"issuer/credential/{row_id}"

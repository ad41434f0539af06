"""The Credential Endpoint: what happens on a credential request. OpenID4VCI 1.0 §8.

Everything that costs no row is checked first, so that strangers burn no nonces. The nonce is then spent in the
transaction that reserves the copies, gives each its place in the status list, signs and stores: if that
fails, the wallet may try again with the same nonce. The signed bytes are kept and never made again.
"""

import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from issuer import nonce as nonces
from issuer import signing_keys, status, store
from issuer.awards import open_claims
from issuer.configurations import (
    Securing,
    code_configuration_ids,
    configuration_ids,
    configuration_securing,
    list_code_securings,
)
from issuer.credential_issuer import CredentialIssuer, credential_issuer
from issuer.datasets import create_dataset
from issuer.errors import (
    AccessTokenError,
    InsufficientScopeError,
    IssuanceDeniedError,
    UnknownConfigurationError,
    UnknownIdentifierError,
)
from issuer.key_proofs import verify_attestation_status, verify_key_proofs
from issuer.request_encryption import Message, encode_response, find_response_encryption, open_message
from issuer.sender_constraint import PresentedToken, open_token, spend_dpop_proof
from issuer.settings import IssuerSettings
from issuer.signing_keys import ActiveKey
from issuer.status import StatusPlace
from issuer.status_messages import takes_messages
from issuer.store import Grant
from issuer.wallet_providers import WalletProviders, resolve_wallet_providers
from kernel import base64url
from kernel.errors import MalformedError
from kernel.formats import IssuerIdentity, to_wire
from kernel.keys import PublicKey
from kernel.openid4vci import (
    CredentialRequest,
    DeferredIssuance,
    ResponseEncryption,
    VerifiedKeyAttestation,
    parse_credential_request,
)
from kernel.status.token_status_list import Status
from kernel.type_metadata import create_integrity, create_skill_badge_type
from runtime.database import BlockingConnection, BlockingDatabase, Database
from runtime.resolve import Resolver
from runtime.tokens import create_token, hash_token

_MAX_REQUEST_BYTES = 256 * 1024

# Requests that wait under one offer: each securing once, and as often again.
_MAX_DEFERRED = 20
_ACHIEVEMENTS_KEPT = 256
_achievements: dict[UUID, store.AchievementTexts] = {}


@dataclass(frozen=True, slots=True)
class Order:
    """A credential request in which everything was checked that can be without writing, now or earlier."""

    grant: Grant
    issuer: CredentialIssuer
    configuration_id: str
    securing: Securing
    nonces: Mapping[str, datetime]
    holder_keys: Sequence[PublicKey]
    encryption: ResponseEncryption | None
    attestations: Sequence[VerifiedKeyAttestation] = ()


@dataclass(frozen=True, slots=True)
class CredentialAnswer:
    """What is answered, and in whose name."""

    organisation_id: UUID
    body: bytes
    media_type: str
    status: int = 200


async def issue_credential(
    database: Database,
    settings: IssuerSettings,
    resolver: Resolver,
    slug: str,
    presented: PresentedToken,
    message: Message,
    *,
    now: datetime,
) -> CredentialAnswer:
    """Answer a Credential Request: one copy for each proven key. OpenID4VCI 1.0 §8.2, §8.3; I-57 to I-62, I-68.

    A key that already got its copy under this offer gets the same bytes again, so a lost response costs nothing, and
    of several requests for it at the same moment one issues and all are answered alike. Where
    an attestation can be withdrawn, its list is asked between two checks of everything, outside any transaction.
    """
    providers = await resolve_wallet_providers(settings, resolver, now=now)
    standing: list[VerifiedKeyAttestation] = []

    def answer(database: BlockingDatabase) -> CredentialAnswer | Sequence[VerifiedKeyAttestation]:
        with database.connection() as connection:
            grants, proof = open_token(connection, settings, slug, presented, now)
            order = _verify_request(connection, settings, grants, message, providers, now)
            if unknown := [attestation for attestation in order.attestations if attestation not in standing]:
                return unknown
            with database.writing(connection):
                spend_dpop_proof(connection, proof)
                for nonce, expires_at in order.nonces.items():
                    nonces.spend_nonce(connection, nonce, expires_at)
                if order.grant.award_status == "waiting":
                    return _defer(connection, settings, order, now)
                return issue_order(connection, settings, order, now)

    while not isinstance(answered := await database.run(answer), CredentialAnswer):
        await verify_attestation_status(resolver, answered, now=now)
        standing += answered
    return answered


def issue_order(
    connection: BlockingConnection, settings: IssuerSettings, order: Order, now: datetime
) -> CredentialAnswer:
    """Issue what was checked, in the transaction of whoever spent something for it. OpenID4VCI 1.0 §8.3; I-62."""
    notification_id = _notification_id(settings, order)
    credentials = _issue_copies(connection, settings, order, hash_token(notification_id), now)
    members = {
        "credentials": [{"credential": to_wire(credentials[key.thumbprint])} for key in order.holder_keys],
        "notification_id": notification_id,
    }
    return CredentialAnswer(order.issuer.organisation_id, *encode_response(members, order.encryption))


def _notification_id(settings: IssuerSettings, order: Order) -> str:
    """What this answer is called, and any other to the same keys: whichever of them arrives can be told of. §11"""
    keys = sorted(key.thumbprint for key in order.holder_keys)
    answer = json.dumps([str(order.grant.offer_id), order.configuration_id, *keys]).encode()
    return base64url.encode(hmac.digest(settings.notification_key, answer, "sha256")[:16])


def _defer(connection: BlockingConnection, settings: IssuerSettings, order: Order, now: datetime) -> CredentialAnswer:
    """Keep what was proven until somebody else has agreed to the award. OpenID4VCI 1.0 §8.3, §9; I-63."""
    transaction_id = create_token(16)
    row = {
        "id": store.new_id(),
        "transaction_hash": hash_token(transaction_id),
        "organisation_id": order.issuer.organisation_id,
        "offer_id": order.grant.offer_id,
        "award_id": order.grant.award_id,
        "configuration_id": order.configuration_id,
        "holder_keys": [key.jwk for key in order.holder_keys],
        "created_at": now,
    }
    if not store.add_deferred_issuance(connection, row, limit=_MAX_DEFERRED):
        raise IssuanceDeniedError("as many requests as anybody needs are waiting")
    waiting = DeferredIssuance(transaction_id, settings.deferred_interval)
    return CredentialAnswer(order.issuer.organisation_id, *encode_response(waiting.as_json(), order.encryption), 202)


def _verify_request(
    connection: BlockingConnection,
    settings: IssuerSettings,
    grants: Sequence[Grant],
    message: Message,
    providers: WalletProviders | None,
    now: datetime,
) -> Order:
    issuer = credential_issuer(grants[0].organisation, settings)
    members = open_message(settings, issuer.organisation_id, message, max_bytes=_MAX_REQUEST_BYTES, now=now)
    request = parse_credential_request(members, accepts_single_proof=bool(settings.legacy_securings))
    encryption = find_response_encryption(settings, message, request.credential_response_encryption)
    grant, configuration = _find_configuration(connection, settings, issuer, grants, request)
    securing = configuration_securing(configuration)
    if "proof" in members and request.proofs and securing.name not in settings.legacy_securings:
        raise MalformedError("one proof of an earlier draft, where that is not accepted")
    if grant.award_status not in ("valid", "waiting") or grant.sealed_claims is None:
        raise IssuanceDeniedError(f"the award is {grant.award_status}, or its claims were dropped")
    if securing.policy.needs_dpop and grant.dpop_thumbprint is None:
        raise AccessTokenError("this configuration is given for bound tokens alone")
    proven = verify_key_proofs(settings, issuer, securing, request, providers, client_id=grant.client_id, now=now)
    return Order(grant, issuer, configuration, securing, proven.nonces, proven.keys, encryption, proven.attestations)


def _find_configuration(
    connection: BlockingConnection,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    grants: Sequence[Grant],
    request: CredentialRequest,
) -> tuple[Grant, str]:
    """What is asked for, if the token covers it. An identifier is used exactly when the token came with some. I-57.

    An identifier names what is somebody's: another's is as unknown as none (A-30). What configurations there are
    anybody reads in the metadata, so a token for another one is told so. OpenID4VCI 1.0 §8.3.1.1; I-34.
    """
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
    if _is_published(connection, settings, issuer, str(request.credential_configuration_id)):
        raise InsufficientScopeError("published, and not of this access token")
    raise UnknownConfigurationError("not in the metadata")


def _is_published(
    connection: BlockingConnection, settings: IssuerSettings, issuer: CredentialIssuer, configuration: str
) -> bool:
    slug = configuration.rpartition(".")[0]
    published = code_configuration_ids(settings, issuer.certificate_chain, slug)
    return configuration in published and store.is_achievement(connection, issuer.organisation_id, slug)


def _issue_copies(
    connection: BlockingConnection, settings: IssuerSettings, order: Order, notification_hash: bytes, now: datetime
) -> Mapping[str, str]:
    """The credential for each key, by thumbprint: those issued before as they were, new ones for the others."""
    issued, new = _claim_copies(connection, settings, order, notification_hash, now)
    if not new:
        return issued
    grant = order.grant
    if grant.revokes_earlier_copies and not grant.copies:
        revoked = Status.INVALID.value_in_list
        store.set_status_of_copies(connection, grant.award_id, revoked, except_offer=grant.offer_id)
    content = _get_achievement(connection, grant.achievement_version_id)
    has_messages = takes_messages(content.description)
    places = status.allocate_status_places(
        connection,
        settings,
        order.issuer,
        award_id=grant.award_id,
        offer_id=grant.offer_id,
        count=len(new),
        now=now,
        kind=status.status_kind(order.securing.name),
        message=store.get_award_message(connection, grant.award_id) if has_messages else None,
    )
    signing_key = _get_signing_key(connection, settings, order, now)
    signed = {
        key.thumbprint: _sign(settings, order, signing_key, content.achievement, key, place, now)
        for key, place in zip(new, places, strict=True)
    }
    for key, place in zip(new, places, strict=True):
        row = _credential_row(settings, order, key.thumbprint, signed[key.thumbprint], place, notification_hash, now)
        store.add_credential(connection, row)
    return {**issued, **signed}


def _claim_copies(
    connection: BlockingConnection, settings: IssuerSettings, order: Order, notification_hash: bytes, now: datetime
) -> tuple[dict[str, str], Sequence[PublicKey]]:
    """What was issued before, and the keys for which copies are reserved now.

    The offer was read before anything was written. Where another request under it was quicker, it is looked at once
    more, with the award held: that one may have been for the same keys.
    """
    grant, copies = order.grant, order.grant.copies
    limit = settings.batch_size * len(list_code_securings(settings, order.issuer.certificate_chain))
    for _ in range(2):
        issued = _find_earlier(connection, settings, order, notification_hash) if copies else {}
        new = [key for key in order.holder_keys if key.thumbprint not in issued]
        if not new or store.claim_copies(connection, grant, len(new), seen=copies, limit=limit, now=now):
            return issued, new
        copies = store.count_copies(connection, grant.offer_id)
    raise IssuanceDeniedError("withdrawn meanwhile, or every copy was handed out")


def _find_earlier(
    connection: BlockingConnection, settings: IssuerSettings, order: Order, notification_hash: bytes
) -> dict[str, str]:
    thumbprints = [key.thumbprint for key in order.holder_keys]
    rows = store.find_issued_copies(connection, order.grant.offer_id, order.configuration_id, thumbprints)
    if rows:
        store.name_issued_copies(connection, [row.id for row in rows.values()], notification_hash)
    return {
        thumbprint: settings.seal.open(row.sealed_credential, context=_context(row.id)).decode()
        for thumbprint, row in rows.items()
        if row.sealed_credential is not None
    }


def _get_achievement(connection: BlockingConnection, version_id: UUID) -> store.AchievementTexts:
    """A version of an achievement never changes, so it is read once a process."""
    if version_id not in _achievements:
        if len(_achievements) == _ACHIEVEMENTS_KEPT:
            _achievements.clear()
        _achievements[version_id] = store.get_achievement(connection, version_id)
    return _achievements[version_id]


def _get_signing_key(
    connection: BlockingConnection, settings: IssuerSettings, order: Order, now: datetime
) -> ActiveKey:
    """The key that this securing is signed with: the one for ES256 came with the grant, another is read only here."""
    grant, algorithm = order.grant, order.securing.algorithm
    if algorithm == "ES256":
        signer = signing_keys.open_signer(settings, order.issuer.organisation_id, grant.sealed_private_jwk)
        return ActiveKey(grant.key_fragment, signer)
    return signing_keys.get_signer(connection, settings, order.issuer.organisation_id, algorithm, now=now)


def _sign(
    settings: IssuerSettings,
    order: Order,
    signing_key: ActiveKey,
    achievement: Mapping[str, Any],
    key: PublicKey,
    place: StatusPlace,
    now: datetime,
) -> str:
    """Sign one copy: own salts, own place in the list, own identifier, times rounded to the day. I-61, I-75."""
    grant, issuer = order.grant, order.issuer
    claims = open_claims(settings, grant.award_id, grant.sealed_claims or b"")
    dataset = create_dataset(
        issuer,
        order.securing.carried(achievement),
        claims,
        person=claims["person"],
        awarded_at=grant.awarded_at,
        credential_id=f"urn:uuid:{uuid.uuid4()}",
    )
    return order.securing.format.issue(
        dataset,
        issuer=_identity(order, signing_key),
        signer=signing_key.signer,
        holder_key=key,
        type_id=settings.badge_vct,
        type_integrity=_type_integrity(settings.badge_vct),
        status=place.references,
        issued_at=now,
        valid_from=now,
        expires_at=grant.expires_at,
    )


def _identity(order: Order, signing_key: ActiveKey) -> IssuerIdentity:
    """How a verifier finds the key: by DID, or, in the HAIP form, by the certificates of the same key. I-75, I-76."""
    issuer = order.issuer
    kid = signing_keys.key_id(issuer, signing_key, order.securing.key_form)
    if order.securing.policy.issuer_key == "did":
        return IssuerIdentity(issuer.did, kid, federation_entity=issuer.federation_entity)
    if not issuer.certificate_chain:
        raise IssuanceDeniedError("the key of the certificates was replaced, and there are no new ones yet")
    return IssuerIdentity(issuer.identifier, kid, issuer.certificate_chain)


@lru_cache(maxsize=8)
def _type_integrity(vct: str) -> str:
    return create_integrity(create_skill_badge_type(vct))


def _credential_row(
    settings: IssuerSettings,
    order: Order,
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

"""The Deferred Credential Endpoint: badges that were asked for before somebody else had agreed. OpenID4VCI 1.0 §9.

PROFILE.md I-63, I-65; A-30. What makes an award wait here is that its achievement wants a second person to look. The
first request is checked and spent as any other; what it proved (which keys, for which configuration) is kept under a
`transaction_id`, and issued once, for a token of the same grant, when that person has agreed.

An answer may be lost on its way, and with it the badge. So the same question gets the same bytes again until the wallet
tells what became of them, or a day is over: decision 0060.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from issuer import credential, store
from issuer.configurations import configuration_securing
from issuer.credential import CredentialAnswer, Order
from issuer.credential_issuer import credential_issuer
from issuer.errors import IssuanceDeniedError, UnknownTransactionError
from issuer.request_encryption import Message, encode_response, find_response_encryption, open_message
from issuer.sender_constraint import PresentedToken, open_token, spend_dpop_proof
from issuer.settings import IssuerSettings
from issuer.store import DeferredRow, Grant
from kernel.keys import parse_public_jwk
from kernel.openid4vci import DeferredIssuance, ResponseEncryption, parse_deferred_credential_request
from runtime.database import BlockingConnection, BlockingDatabase, Database
from runtime.tokens import hash_token

_MAX_BYTES: Final = 16 * 1024
# A wallet that never tells how it ended has had time enough to ask again.
_ANSWERED_AGAIN: Final = timedelta(days=1)


async def issue_deferred_credential(
    database: Database,
    settings: IssuerSettings,
    slug: str,
    presented: PresentedToken,
    message: Message,
    *,
    now: datetime,
) -> CredentialAnswer:
    """Answer a Deferred Credential Request: the copies, or the same `transaction_id` once more. §9.1, §9.2; I-65.

    An id that is unknown, over, or of another grant or organisation is one and the same error (A-30).
    """

    def answer(database: BlockingDatabase) -> CredentialAnswer:
        with database.connection() as connection:
            grants, proof = open_token(connection, settings, slug, presented, now)
            organisation_id = grants[0].organisation.id
            members = open_message(settings, organisation_id, message, max_bytes=_MAX_BYTES, now=now)
            request = parse_deferred_credential_request(members)
            encryption = find_response_encryption(settings, message, request.credential_response_encryption)
            grant, row = _find(connection, grants, request.transaction_id, now)
            if grant.award_status not in ("valid", "waiting") or grant.sealed_claims is None:
                raise IssuanceDeniedError(f"the award is {grant.award_status}, or its claims were dropped")
            with database.writing(connection):
                spend_dpop_proof(connection, proof)
                if grant.award_status == "waiting":
                    waiting = DeferredIssuance(request.transaction_id, settings.deferred_interval)
                    return CredentialAnswer(organisation_id, *encode_response(waiting.as_json(), encryption), 202)
                store.spend_deferred_issuance(connection, row.id, now)
                order = _order(settings, grant, row, encryption)
                return credential.issue_order(connection, settings, order, now)

    return await database.run(answer)


def is_unfinished(connection: BlockingConnection, offer_id: UUID, now: datetime) -> bool:
    """Whether something that was asked for under an offer is still to be obtained by the wallet."""
    return any(not _is_over(connection, row, now) for row in store.list_deferred_issuances(connection, offer_id))


def _is_over(connection: BlockingConnection, row: DeferredRow, now: datetime) -> bool:
    """Whether the wallet has obtained what a transaction was for, as far as its issuer can know. §9.1; §11."""
    if row.spent_at is None:
        return False
    thumbprints = [parse_public_jwk(jwk).thumbprint for jwk in row.holder_keys]
    copies = store.find_issued_copies(connection, row.offer_id, row.configuration_id, thumbprints)
    is_told = any(copy.notification_event is not None for copy in copies.values())
    return is_told or row.spent_at + _ANSWERED_AGAIN <= now


def _find(
    connection: BlockingConnection, grants: Sequence[Grant], transaction_id: str, now: datetime
) -> tuple[Grant, DeferredRow]:
    row = store.find_deferred_issuance(connection, hash_token(transaction_id))
    if row is None or _is_over(connection, row, now):
        raise UnknownTransactionError("unknown or over")
    for grant in grants:
        if (grant.offer_id, grant.award_id) == (row.offer_id, row.award_id):
            return grant, row
    raise UnknownTransactionError("of another grant")


def _order(settings: IssuerSettings, grant: Grant, row: DeferredRow, encryption: ResponseEncryption | None) -> Order:
    return Order(
        grant=grant,
        issuer=credential_issuer(grant.organisation, settings),
        configuration_id=row.configuration_id,
        securing=configuration_securing(row.configuration_id),
        nonces={},
        holder_keys=[parse_public_jwk(jwk) for jwk in row.holder_keys],
        encryption=encryption,
    )

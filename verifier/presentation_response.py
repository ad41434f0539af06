"""Receive: one answer a transaction, settled exactly once. OpenID4VP 1.0 §8.2, §8.3; ARCHITECTURE, step 14.

1. Find the transaction by the secret in the URL, open the message with that transaction's own key, compare `state`.
   Whatever cannot be opened or read changes nothing: 400, and the transaction still waits (PROFILE.md A-40).
2. Spend the state, in one statement, together with keeping what came in. Eight at once: one wins, the rest get 400.
   Both are one visit to the database's thread.
3. Check it, out on the network and outside any transaction.
4. Settle: write the report down, once. If this process dies before, another takes the check up (`finish_interrupted`).
"""

import asyncio
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kernel.dcql import parse_dcql_query
from kernel.endorsement import has_endorsements
from kernel.errors import MalformedError, NonceError
from kernel.openid4vp import (
    ClientIdPrefix,
    EncryptedResponse,
    ErrorResponse,
    VpTokenResponse,
    decrypt_response,
    parse_dc_api_response,
    parse_response_form,
    parse_vp_token,
)
from runtime.database import BlockingConnection, BlockingDatabase
from runtime.encryption import SealingKey
from runtime.endorsements import JudgedEndorsement, resolve_endorsements
from runtime.logging import get_logger
from runtime.service import Service
from runtime.tokens import create_token, hash_token
from verifier import store
from verifier.answers import create_report, create_shown
from verifier.errors import WALLET_ERRORS, UnknownError, WireAnswer, answer_for_code
from verifier.models import PresentationRequest
from verifier.presentation_request import Exchange, is_encrypted, open_exchange, read_transaction_data
from verifier.questions import Requirement
from verifier.settings import VerifierSettings
from verifier.store import AskedRequest
from verifier.verification import Asked, CheckedResponse, verify_response
from verifier.webhooks import note_event

log = get_logger(__name__)


class UnknownTransactionError(NonceError):
    """No transaction waits here: it never was, it has ended, or its `state` is another."""

    sentence = "The response could not be accepted."


@dataclass(frozen=True, slots=True)
class Received:
    """What a wallet answered: a vp_token, or the word why not."""

    vp_token: Mapping[str, Sequence[str]]
    wallet_error: str | None


@dataclass(frozen=True, slots=True)
class Channel:
    """How an answer came: whom it must have been made for, and whether it came through the very browser that asked."""

    audience: str
    is_through_browser: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What we tell the wallet in return (OpenID4VP 1.0 §8.2)."""

    answer: WireAnswer
    redirect_uri: str | None

    def body(self) -> dict[str, str]:
        if self.answer.error is not None:
            return {"error": self.answer.error, "error_description": self.answer.description or ""}
        return {} if self.redirect_uri is None else {"redirect_uri": self.redirect_uri}


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer whose `state` was spent: kept, and whoever holds this has to check it."""

    request: AskedRequest
    asked: Asked
    vp_token: Mapping[str, Sequence[str]]
    channel: Channel
    received_at: datetime


async def receive_response(
    service: Service[VerifierSettings], slug: str, response_secret: str, form: Iterable[tuple[str, str]]
) -> Reply:
    """Take in the one answer to a transaction of this relying party, check it and settle it."""
    now = service.clock()

    def take_in(database: BlockingDatabase) -> Taken | Reply:
        with database.connection() as connection:
            request = _find_waiting(connection, slug, response_secret, now)
            exchange = open_exchange(service.sealing_key, request)
            channel = Channel(request.client_id)
            asked = _asked(request, exchange.nonce, channel)
            received = _read_posted(request, exchange, asked, form)
            with database.writing(connection):
                return _take_in(connection, service, request, exchange, asked, received, channel, now)

    return await _check_taken(service, await service.database.run(take_in))


async def receive_browser_response(
    service: Service[VerifierSettings], row: PresentationRequest, value: object
) -> Reply:
    """Take in the one answer to a transaction that came through the page which asked. VP §A.4; V-08.

    The caller knows that this is the transaction of that page: nothing else binds it, there is no `state` (§A.2).
    """
    now = service.clock()
    if row.state not in store.WAITING or row.expires_at <= now:
        raise UnknownTransactionError("this transaction does not wait")
    request = AskedRequest.of(row)
    exchange = open_exchange(service.sealing_key, request)
    channel = Channel(f"{ClientIdPrefix.ORIGIN}:{row.origin}", is_through_browser=True)
    asked = _asked(request, exchange.nonce, channel)
    received = _read_answer(asked, _open_response(request, exchange, parse_dc_api_response(value)))

    def take_in(database: BlockingDatabase) -> Taken | Reply:
        with database.transaction() as connection:
            return _take_in(connection, service, request, exchange, asked, received, channel, now)

    return await _check_taken(service, await service.database.run(take_in))


def _find_waiting(connection: BlockingConnection, slug: str, response_secret: str, now: datetime) -> AskedRequest:
    request = store.find_waiting_request(connection, slug, hash_token(response_secret), now)
    if request is not None:
        return request
    if not store.has_relying_party(connection, slug):
        raise UnknownError
    raise UnknownTransactionError("no transaction waits here")


def _asked(request: AskedRequest, nonce: str, channel: Channel) -> Asked:
    return Asked(parse_dcql_query(request.dcql_query), channel.audience, nonce, read_transaction_data(request))


def _take_in(
    connection: BlockingConnection,
    service: Service[VerifierSettings],
    request: AskedRequest,
    exchange: Exchange,
    asked: Asked,
    received: Received,
    channel: Channel,
    now: datetime,
) -> Taken | Reply:
    if received.wallet_error is not None:
        return _refuse(connection, service, request, exchange, channel, received.wallet_error, now)
    kept = {"vp_token": received.vp_token, "nonce": exchange.nonce, "channel": asdict(channel)}
    is_ours = store.spend_state(
        connection,
        request.id,
        hash_token(exchange.state),
        now,
        next_state="received",
        sealed_received=_seal_received(service.sealing_key, request.id, kept),
        # Settling says anew how long it is kept; what can never be settled is erased all the same (V-41).
        erase_at=now + timedelta(hours=max(request.retention_hours, 1)),
    )
    if not is_ours:
        raise UnknownTransactionError("another answer was first")
    return Taken(request, asked, received.vp_token, channel, now)


async def _check_taken(service: Service[VerifierSettings], taken: Taken | Reply) -> Reply:
    return taken if isinstance(taken, Reply) else await _check_and_settle(service, taken)


async def finish_interrupted(service: Service[VerifierSettings]) -> int:
    """Check the answers that were received but never settled, because a process ended in between.

    One that cannot be finished holds up no other: it is logged, and tried again until what it holds is erased.
    """
    now = service.clock()
    async with service.database.transaction() as session:
        requests = await store.lease_interrupted(session, now, lease=service.settings.verification_lease)
    finished = 0
    for request in requests:
        try:
            await _finish(service, request)
            finished += 1
        except UnknownTransactionError:
            log.info("settled_by_another_process")
        except Exception:
            log.exception("answer_not_finished")
    return finished


async def _finish(service: Service[VerifierSettings], row: PresentationRequest) -> None:
    kept = open_received(service.sealing_key, row)
    if kept is None or row.received_at is None:
        async with service.database.transaction() as session:
            await store.discard_unfinished(session, row.id)
        return
    request, channel = AskedRequest.of(row), Channel(**kept["channel"])
    asked = _asked(request, kept["nonce"], channel)
    await _check_and_settle(service, Taken(request, asked, kept["vp_token"], channel, row.received_at))


def open_received(sealing_key: SealingKey, request: PresentationRequest) -> dict[str, Any] | None:
    """What the holder sent, as long as it is kept."""
    if request.sealed_received is None:
        return None
    opened: dict[str, Any] = json.loads(sealing_key.open(request.sealed_received, context=_context(request.id)))
    return opened


# --- 1. reading ---


def _read_posted(request: AskedRequest, exchange: Exchange, asked: Asked, form: Iterable[tuple[str, str]]) -> Received:
    """Open and read what a wallet posted; nothing in it is believed yet. OpenID4VP 1.0 §8.2, §8.3, §8.5."""
    response = _open_response(request, exchange, parse_response_form(form))
    if not hmac.compare_digest((response.state or "").encode(), exchange.state.encode()):
        raise UnknownTransactionError("another state")
    return _read_answer(asked, response)


def _open_response(
    request: AskedRequest, exchange: Exchange, response: VpTokenResponse | EncryptedResponse | ErrorResponse
) -> VpTokenResponse | ErrorResponse:
    if isinstance(response, EncryptedResponse):
        return decrypt_response(response, private_jwk=exchange.encryption_jwk)
    if is_encrypted(request) and not isinstance(response, ErrorResponse):
        # An answer in the clear was not asked for. An error may come so, from a wallet that could not encrypt.
        raise MalformedError("the response is not encrypted")
    return response


def _read_answer(asked: Asked, response: VpTokenResponse | ErrorResponse) -> Received:
    if isinstance(response, ErrorResponse):
        return Received({}, response.error if response.error in WALLET_ERRORS else "other")
    return Received(parse_vp_token(response.vp_token, asked.query), None)


# --- 2. a wallet that says no ---


def _refuse(
    connection: BlockingConnection,
    service: Service[VerifierSettings],
    request: AskedRequest,
    exchange: Exchange,
    channel: Channel,
    wallet_error: str,
    now: datetime,
) -> Reply:
    """The wallet's error ends the transaction too, and its browser is sent back all the same (PROFILE.md V-21)."""
    code = _create_response_code(request, channel)
    is_ours = store.spend_state(
        connection,
        request.id,
        hash_token(exchange.state),
        now,
        next_state="refused",
        wallet_error=wallet_error,
        response_code_hash=None if code is None else hash_token(code),
    )
    if not is_ours:
        raise UnknownTransactionError("another answer was first")
    note_event(connection, request, "refused", now=now)
    return Reply(answer_for_code(None), _redirect_uri(service.settings, request, code))


# --- 3. and 4. checking and settling ---


async def _check_and_settle(service: Service[VerifierSettings], taken: Taken) -> Reply:
    now = service.clock()
    checked = await verify_response(
        service.resolver,
        taken.vp_token,
        asked=taken.asked,
        received_at=taken.received_at,
        now=now,
        time_limit=service.settings.verification_time_limit,
    )
    endorsements = await _resolve_endorsements(service, checked, now)
    answer = _answer_to(checked)
    # A refused sender is not redirected, so nobody would come with a code: the report goes out, without what was sent.
    code = None if answer.error is not None else _create_response_code(taken.request, taken.channel)
    requirements = [Requirement.from_json(each) for each in taken.request.requirements]
    shown = create_shown(requirements, checked, endorsements)
    settled_at = service.clock()
    await service.database.run(partial(_settle, service, taken, checked, shown, code, settled_at))
    log.info("presentation_settled", accepted=checked.report.accepted, presentations=len(checked.presentations))
    return Reply(answer, _redirect_uri(service.settings, taken.request, code))


def _settle(
    service: Service[VerifierSettings],
    taken: Taken,
    checked: CheckedResponse,
    shown: Mapping[str, Any],
    code: str | None,
    now: datetime,
    database: BlockingDatabase,
) -> None:
    """Write down what was found; what was sent is kept only where its sender is known to be whom we asked."""
    request = taken.request
    has_returned = code is not None or taken.channel.is_through_browser or request.flow != "same_device"
    keeps = request.retention_hours > 0 and has_returned
    kept = {"vp_token": taken.vp_token, "shown": shown}
    requirements = [Requirement.from_json(each) for each in request.requirements]
    with database.transaction() as connection:
        is_settled = store.settle(
            connection,
            request.id,
            now,
            report=create_report(requirements, checked, now=now, transaction_data=taken.asked.transaction_data),
            sealed_received=_seal_received(service.sealing_key, request.id, kept) if keeps else None,
            erase_at=now + timedelta(hours=request.retention_hours) if keeps else None,
            released_at=now if code is None else None,
            response_code_hash=None if code is None else hash_token(code),
        )
        if not is_settled:
            raise UnknownTransactionError("another process settled it")
        # On the same device it is told when the result is let go to whoever came for it (V-22).
        if code is None:
            note_event(connection, request, "settled", now=now)


async def _resolve_endorsements(
    service: Service[VerifierSettings], checked: CheckedResponse, now: datetime
) -> Mapping[tuple[str, int], Sequence[JudgedEndorsement]]:
    """What others say of each badge that is believed; of another nobody asks, and it proves nothing (A-50)."""
    endorsed = {
        (each.query_id, each.position): each.credential
        for each in checked.believed
        if each.credential is not None and has_endorsements(each.credential.claims, each.credential.format)
    }
    if not endorsed:
        return {}
    found = await asyncio.gather(
        *(
            resolve_endorsements(service.fetch, service.resolver, credential.claims, credential.format, now=now)
            for credential in endorsed.values()
        )
    )
    return dict(zip(endorsed, found, strict=True))


def _answer_to(checked: CheckedResponse) -> WireAnswer:
    """A response that was forged, altered or meant for another is refused to the sender's face; the rest is 200."""
    if checked.believed:
        return answer_for_code(None)
    problems = [problem for each in checked.presentations if (problem := each.report.first_problem()) is not None]
    answers = [answer_for_code(problem.error_code) for problem in problems]
    return max(answers, key=lambda answer: answer.status, default=answer_for_code(None))


def _create_response_code(request: AskedRequest, channel: Channel) -> str | None:
    """Only a same-device flow comes back with a code; across devices nobody is redirected (PROFILE.md V-22, V-23).

    Nor is anybody whose answer came through the page itself: they never left it.
    """
    return create_token() if request.flow == "same_device" and not channel.is_through_browser else None


def _redirect_uri(settings: VerifierSettings, request: AskedRequest, code: str | None) -> str | None:
    if code is None:
        return None
    return f"{request.return_uri or settings.public_url + '/result'}#response_code={code}"


def _seal_received(sealing_key: SealingKey, request_id: str, received: Mapping[str, Any]) -> bytes:
    return sealing_key.seal(json.dumps(received).encode(), context=_context(request_id))


def _context(request_id: str) -> str:
    return f"verifier/received/{request_id}"

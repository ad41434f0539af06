"""Asking the issuer for the badge: fresh nonce, fresh keys, their proofs, the request. OpenID4VCI 1.0 §7, §8, §10.

Every answer is in the row before the next question leaves, so that what came is not lost with the process, and not
asked for twice. So are the keys, before they are proven: a question whose answer was lost is asked again with the same
keys, so that an issuer that remembers has nothing to issue a second time.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from kernel.errors import CredentialError, UndecidedError
from kernel.formats import from_wire
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    INVALID_NONCE,
    INVALID_TOKEN,
    CredentialRequest,
    DeferredIssuance,
    IssuedCredentials,
    parse_credential_response,
    parse_nonce_response,
)
from runtime.fetch import FetchedResponse
from runtime.logging import get_logger
from wallet.access_token import has_ended, refresh_access_token
from wallet.configurations import count_copies
from wallet.errors import (
    CREDENTIAL_STEP,
    NONCE_STEP,
    FailedStep,
    IssuerFailedError,
    NoNonceError,
    UnreachableError,
    WalletError,
)
from wallet.holder_keys import create_holder_key
from wallet.issuer_envelope import answer_limit, create_envelope
from wallet.issuer_requests import error_of, post_for_nonce
from wallet.key_proofs import ProofWay, create_proofs, get_proof_way
from wallet.offer_record import Progress, step

log = get_logger(__name__)

# However many forms are offered and however slowly each answer comes, asking for them ends.
RECEIPT_PATIENCE = timedelta(seconds=45)
# An issuer may name several credentials for one configuration; more than this are nobody's badges.
_MOST_CREDENTIALS = 20
# The same minute is said to a whole class: each asks again up to a tenth of it later, and no more than this.
_JITTER_IN = 10
_MOST_JITTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to ask for: a configuration, or one of the credentials that the server named for it (§8.2)."""

    configuration_id: str
    identifier: str | None = None


async def request_credentials(progress: Progress) -> None:
    """Ask for everything chosen that is not there yet. A further form that fails does not cost the first. §8."""
    record = progress.record
    failure: Exception | None = None
    ends_at = monotonic() + RECEIPT_PATIENCE.total_seconds()
    for wanted in _missing(progress):
        try:
            answer = await _request_in_time(progress, wanted, ends_at - monotonic())
        except (CredentialError, WalletError) as exc:
            failure = failure or exc
            log.info("credential not received", error_class=type(exc).__name__)
            continue
        (record.deferred if "transaction_id" in answer else record.received).append(answer)
        await progress.save("redeemed", is_done=False)
    if record.received or record.deferred:
        record.is_awaited = bool(record.deferred)
        await save_received(progress, **({"expires_at": progress.remembered_until} if record.deferred else {}))
        return
    if isinstance(failure, UndecidedError | UnreachableError):
        await progress.save("redeemed")
        raise UnreachableError(failure.detail, step=CREDENTIAL_STEP) from failure
    await progress.save("failed")
    if isinstance(failure, WalletError):
        raise failure
    raise IssuerFailedError(str(failure), step=CREDENTIAL_STEP) from failure


async def save_received(progress: Progress, **more: Any) -> None:
    """Note what came: it is to be checked now, and what is still being prepared to be asked for later. W-14"""
    record = progress.record
    state = "unchecked" if record.received else "deferred"
    await progress.save(state, is_done=not record.received, due_at=next_due(progress), **more)


def read_answer(
    response: FetchedResponse,
    wanted: Wanted,
    keys: Sequence[SoftwareSigner],
    progress: Progress,
    asking: FailedStep = CREDENTIAL_STEP,
) -> dict[str, Any]:
    """What came: credentials, or the id under which they will. Nothing of it is checked yet. §8.3"""
    with step(asking):
        if response.status not in (200, 202):
            error = error_of(response)
            raise IssuerFailedError(f"{asking.code}: {error}", step=asking, answered=error)
        answer = parse_credential_response(response.json(max_bytes=answer_limit(len(keys))))
        common = _with_keys(wanted, keys)
        if isinstance(answer, IssuedCredentials):
            raw = [from_wire(credential) for credential in answer.credentials]
            return {**common, "raw": raw, "notification_id": answer.notification_id}
        return {**common, **deferred_json(answer, progress)}


def deferred_json(answer: DeferredIssuance, progress: Progress) -> dict[str, Any]:
    """Under which id, and from when, to ask again. §9.2"""
    return {
        "transaction_id": answer.transaction_id,
        "due_at": due_after(progress, answer.interval).isoformat(),
    }


def due_after(progress: Progress, interval: timedelta) -> datetime:
    """When to ask again: never before the interval is over, and a little later for each (§9.2; W-32)."""
    return progress.now + interval + progress.wallet.jitter(min(interval / _JITTER_IN, _MOST_JITTER))


def next_due(progress: Progress) -> datetime | None:
    """When the first of what is still being prepared may be asked for, or None."""
    moments = [datetime.fromisoformat(item["due_at"]) for item in progress.record.deferred]
    return min(moments, default=None)


def _missing(progress: Progress) -> Iterator[Wanted]:
    record = progress.record
    identifiers: Mapping[str, list[str]] = (record.token or {}).get("identifiers", {})
    have = {(item["configuration_id"], item["identifier"]) for item in [*record.received, *record.deferred]}
    for configuration_id in record.chosen:
        named: Sequence[str | None] = identifiers.get(configuration_id, [])[:_MOST_CREDENTIALS]
        for identifier in named or [None]:
            if (configuration_id, identifier) not in have:
                yield Wanted(configuration_id, identifier)


async def _request_in_time(progress: Progress, wanted: Wanted, seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            return await request_credential(progress, wanted)
    except TimeoutError as exc:
        raise UndecidedError("the issuer took too long") from exc


async def request_credential(progress: Progress, wanted: Wanted, state: str = "redeemed") -> dict[str, Any]:
    """`invalid_nonce` is tried once more (W-10); so is a token that ended meanwhile, where it can be refreshed.

    `state` is where another process takes the offer up if this one ends here.
    """
    token = progress.record.token or {}
    if has_ended(token, progress.now) and token.get("refresh_token"):
        await refresh_and_save(progress, state)
    configuration = progress.metadata.get_configuration(wanted.configuration_id)
    way = get_proof_way(progress.wallet.settings, configuration)
    keys = await _keep_keys(progress, wanted, way, state)
    response = await _post(progress, wanted, way, keys)
    if response.status == 400 and error_of(response) == INVALID_NONCE:
        if progress.metadata.nonce_endpoint is None:
            raise NoNonceError("invalid_nonce, and no nonce endpoint", step=NONCE_STEP, answered=INVALID_NONCE)
        response = await _post(progress, wanted, way, keys)
    elif response.status == 401 and error_of(response) == INVALID_TOKEN and token.get("refresh_token"):
        await refresh_and_save(progress, state)
        response = await _post(progress, wanted, way, keys)
    answer = read_answer(response, wanted, keys, progress)
    progress.record.asked = [item for item in progress.record.asked if wanted_of(item) != wanted]
    return answer


async def refresh_and_save(progress: Progress, state: str) -> None:
    """Get a new access token, which is in the row before anything is asked with it."""
    await refresh_access_token(progress)
    await progress.save(state, is_done=False, due_at=next_due(progress))


async def _keep_keys(progress: Progress, wanted: Wanted, way: ProofWay, state: str) -> Sequence[SoftwareSigner]:
    """The keys that this was asked for with before, or fresh ones, which are in the row before they are proven."""
    for item in progress.record.asked:
        if wanted_of(item) == wanted:
            return [SoftwareSigner.from_jwk(key) for key in item["holder_keys"]]
    configuration = progress.metadata.get_configuration(wanted.configuration_id)
    count = count_copies(progress.wallet.settings, progress.metadata, configuration)
    keys = [create_holder_key(way.algorithm) for _ in range(count)]
    progress.record.asked.append(_with_keys(wanted, keys))
    await progress.save(state, is_done=False, due_at=next_due(progress))
    return keys


def wanted_of(item: Mapping[str, Any]) -> Wanted:
    """What something in the row was asked for as."""
    return Wanted(item["configuration_id"], item["identifier"])


def _with_keys(wanted: Wanted, keys: Sequence[SoftwareSigner]) -> dict[str, Any]:
    return asdict(wanted) | {"holder_keys": [dict(key.private_jwk()) for key in keys]}


async def _post(progress: Progress, wanted: Wanted, way: ProofWay, keys: Sequence[SoftwareSigner]) -> FetchedResponse:
    configuration = progress.metadata.get_configuration(wanted.configuration_id)
    nonce = await _resolve_nonce(progress)
    envelope = create_envelope(progress.metadata)
    body = CredentialRequest(
        credential_configuration_id=None if wanted.identifier else configuration.id,
        credential_identifier=wanted.identifier,
        proof_type=way.proof_type,
        proofs=create_proofs(progress, configuration, way, keys, nonce),
        credential_response_encryption=envelope.response_encryption,
    ).as_json()
    with step(CREDENTIAL_STEP):
        return await envelope.post(progress, progress.metadata.credential_endpoint, body, copies=len(keys))


async def _resolve_nonce(progress: Progress) -> str | None:
    """A fresh `c_nonce` for each request; None where the issuer wants none, for the endpoint is optional. §7; W-10."""
    endpoint = progress.metadata.nonce_endpoint
    if endpoint is None:
        return None
    with step(NONCE_STEP):
        response = await post_for_nonce(progress, endpoint)
        if response.status != 200:
            error = error_of(response)
            raise IssuerFailedError(f"nonce: {error}", step=NONCE_STEP, answered=error)
        return parse_nonce_response(response.json())

"""Hand out: who may see what was found, and in which form.

Across devices the result belongs to whoever asked: the relying party. On the same device it is let go only to the
browser session that holds the transaction *and* shows the response code that the wallet's reply brought back; a code
that turns up anywhere else means that somebody was tricked, and the presentation is thrown away (PROFILE.md V-22,
A-36; OpenID4VP 1.0 §14.2).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runtime.database import run_blocking
from runtime.encryption import SealingKey
from runtime.tokens import hash_token
from verifier import retention, store
from verifier.answers import Answer, read_answer
from verifier.errors import NotReleasedError
from verifier.models import PresentationRequest
from verifier.presentation_request import current_state
from verifier.presentation_response import open_received
from verifier.report_texts import wallet_error_text
from verifier.store import Session
from verifier.webhooks import note_event


async def release_to_browser(
    session: Session, response_code: str, browser_session_id: str | None, *, now: datetime
) -> PresentationRequest | None:
    """The result for this browser, or None after throwing away what a foreign browser tried to fetch."""
    code_hash = hash_token(response_code)
    if browser_session_id is not None:
        released = await store.spend_response_code(session, code_hash, browser_session_id, None, now)
        if released is not None:
            await _note_release(session, released, now)
            return released
    await store.discard_by_response_code(session, code_hash, now)
    return None


async def release_to_relying_party(
    session: Session, request: PresentationRequest, response_code: str, *, now: datetime
) -> PresentationRequest:
    """The result of a request whose own page received the holder back, for its API key and the code together."""
    released = await store.spend_response_code(session, hash_token(response_code), None, request.id, now)
    if released is None:
        raise NotReleasedError
    await _note_release(session, released, now)
    return released


async def _note_release(session: Session, request: PresentationRequest, now: datetime) -> None:
    """A refusal was told when it came; a result is told when somebody may see it."""
    if request.state == "settled":
        await run_blocking(session, note_event, request, "settled", now=now)


def read_result(
    sealing_key: SealingKey, request: PresentationRequest, now: datetime, *, with_claims: bool = True
) -> Answer | None:
    """The report in words, with what was shown as long as that is kept; None while there is nothing to see."""
    if request.report is None or current_state(request, now) != "settled":
        return None
    return read_answer(request.report, _open_shown(sealing_key, request, now) if with_claims else None)


def summary_json(request: PresentationRequest, now: datetime) -> dict[str, Any]:
    """One transaction as the API lists it."""
    return {
        "id": request.id,
        "state": current_state(request, now),
        "title": request.title,
        "purpose": request.purpose,
        "flow": request.flow,
        "comparison_code": request.comparison_code,
        "created_at": request.created_at.isoformat(),
        "expires_at": request.expires_at.isoformat(),
    }


def result_json(sealing_key: SealingKey, request: PresentationRequest, now: datetime) -> dict[str, Any]:
    """One transaction with everything that may be seen of it now."""
    result = summary_json(request, now)
    if request.wallet_error is not None and request.state == "refused":
        text = wallet_error_text(request.wallet_error)
        result["wallet_error"] = {"code": request.wallet_error, "text": {"nl": text.nl, "en": text.en}}
    answer = read_result(sealing_key, request, now)
    if answer is not None and request.report is not None:
        result["report"] = _report_json(request.report, answer)
        result["shown"] = _open_shown(sealing_key, request, now)
        result["erase_at"] = None if request.erase_at is None else request.erase_at.isoformat()
    return result


def _report_json(report: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """The kept report, with the words for every check beside its codes."""
    return {
        **report,
        "answer": {"nl": answer.first_line.nl, "en": answer.first_line.en},
        "same_person": None
        if answer.same_person is None
        else {"nl": answer.same_person.nl, "en": answer.same_person.en},
        "checks": [_with_text(check, line) for check, line in zip(report["checks"], answer.checks, strict=True)],
        "presentations": [
            {
                **presentation,
                "checks": [
                    _with_text(check, line) for check, line in zip(presentation["checks"], lines.checks, strict=True)
                ],
            }
            for presentation, lines in zip(report["presentations"], answer.presentations, strict=True)
        ],
    }


def _with_text(check: Mapping[str, Any], line: Any) -> dict[str, Any]:
    return {**check, "text": {"nl": line.text.nl, "en": line.text.en}}


def _open_shown(sealing_key: SealingKey, request: PresentationRequest, now: datetime) -> dict[str, Any] | None:
    if not retention.is_kept(request, now):
        return None
    received = open_received(sealing_key, request)
    return None if received is None else received.get("shown")

"""Showing a badge: open a verifier's question, and answer it once, or say no.

The question is signed and checked before anything of it is shown (W-41). Nothing is told to the verifier, and nothing
behaves differently towards it, before the person has acted (A-39). Exactly what the person saw is sent.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

from kernel.errors import AlgorithmNotAllowedError, CredentialError, UndecidedError
from kernel.formats import FORMATS
from kernel.members import as_object
from kernel.openid4vp import (
    ACCESS_DENIED,
    VP_FORMATS_NOT_SUPPORTED,
    WALLET_UNAVAILABLE,
    AuthorizationRequest,
    Registration,
    RequestSender,
    TransactionData,
    UnsupportedRequestError,
    authorization_error_code,
    create_dc_api_error,
    create_dc_api_response,
    create_error_form,
    create_response_form,
    parse_response_reply,
    select_hash_algorithm,
    transaction_data_hashes,
)
from kernel.trust_list import Outcome
from runtime.fetch import AnsweredError, FetchedResponse, UnreadableAnswerError
from runtime.logging import get_logger
from runtime.tokens import create_token
from wallet import store
from wallet.authorities import resolve_authorities
from wallet.claims import choose_text, shown_name, shown_text
from wallet.consent import Part, RequestPage, carriers_of, choose, find_agreements, match_questions
from wallet.copies import choose_copy
from wallet.credentials import find_badges
from wallet.errors import (
    LinkError,
    RequestExpiredError,
    RequestRefusedError,
    UnconfirmedError,
    UnsentError,
    VerifierRefusedError,
)
from wallet.failures import FAILURES, Failure
from wallet.history import (
    AgreedText,
    HistoryOutcome,
    HistoryRecord,
    ShownClaim,
    add_history_record,
    set_history_outcome,
)
from wallet.links import parse_link_kind
from wallet.models import PresentationRequest
from wallet.near_skills import find_near_skills
from wallet.presentation_request import (
    attester_of,
    find_failure,
    find_sender,
    host_of,
    host_of_sender,
    identifiers_of,
    parse_link,
    read_request,
    read_sender,
    resolve_content,
    resolve_registration,
    signer_of,
)
from wallet.recognition import PartyRecognition, recognition_json, resolve_party_recognition
from wallet.settings import Wallet
from wallet.vault import Vault

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an answer: where the browser goes on (W-52), or what goes back to the page that asked (W-55)."""

    redirect_uri: str | None = None
    data: Mapping[str, Any] | None = None
    is_way_back_refused: bool = False
    """They took the answer, and named a way back that no browser is sent to."""
    is_reply_unread: bool = False
    """The answer was delivered, and what they said to it could not be read."""


# A credential query, and the form that is shown for it.
_Shown = tuple[str, str]


async def resolve_request(
    wallet: Wallet, vault: Vault, text: str, now: datetime, *, language: str = "nl"
) -> RequestPage:
    """Read a link, a QR code's text or a pasted question; fetch it, check it, and match it. OpenID4VP 1.0 §5."""
    link_digest = vault.digest("request link", text.strip())
    known = await find_known_request(wallet, vault, link_digest, now, language=language)
    if known is not None:
        return known
    content = await resolve_content(wallet, parse_link(text), now)
    try:
        read_request(content, now)
    except CredentialError as exc:
        failure, request_id = await keep_refused(wallet, vault, link_digest, content, exc, now)
        raise RequestRefusedError(exc, failure=failure.code, request_id=request_id) from exc
    return await keep_request(wallet, vault, link_digest, content, now, language=language)


async def find_known_request(
    wallet: Wallet, vault: Vault, link_digest: bytes, now: datetime, *, language: str
) -> RequestPage | None:
    """The question that came in this way before."""
    async with wallet.database.reading() as session:
        known = await store.find_request_by_link(session, vault.account_id, link_digest, now)
    return None if known is None else await get_request(wallet, vault, known.id, now, language=language)


async def keep_request(
    wallet: Wallet, vault: Vault, link_digest: bytes, content: dict[str, Any], now: datetime, *, language: str
) -> RequestPage:
    """Keep a question that holds, with what is known of its sender, for the person to answer."""
    request = read_request(content, now)
    recognition = await resolve_party_recognition(
        wallet.resolver, identifiers=identifiers_of(request), service="verification", now=now, **signer_of(content)
    )
    content["recognition"] = recognition_json(recognition)
    registration = await resolve_registration(wallet, content, request, now)
    content["registration"] = None if registration is None else asdict(registration)
    row = PresentationRequest(
        id=create_token(16),
        account_id=vault.account_id,
        link_digest=link_digest,
        request_digest=vault.digest("request", f"{request.client_id}\0{request.nonce}"),
        state="open",
        sealed=b"",
        created_at=now,
        expires_at=min(request.expires_at, now + wallet.settings.request_lifetime),
    )
    row.sealed = vault.seal("request", row.id, content)
    async with wallet.database.transaction() as session:
        await store.forget_requests(session, now=now)
        await store.add_request(session, row)
    return await get_request(wallet, vault, row.id, now, language=language)


async def get_request(
    wallet: Wallet, vault: Vault, request_id: str, now: datetime, *, language: str = "nl"
) -> RequestPage:
    """The question as it stands, matched with what the wallet holds now."""
    async with wallet.database.reading() as session:
        row = await store.get_request(session, vault.account_id, request_id)
    if row.expires_at <= now:
        raise RequestExpiredError
    content = vault.open("request", row.id, row.sealed)
    if "refusal" in content:
        raise RequestRefusedError(
            detail=content["refusal"]["cause"],
            failure=content["refusal"]["failure"],
            request_id=row.id if row.state == "open" else None,
        )
    request = read_request(content, now)
    # Every badge's state is asked for, not only that of those that fit: what is looked up tells nobody what fits.
    badges = await find_badges(wallet, vault, now)
    forms = (form for badge in badges for form in badge.forms)
    authorities = await resolve_authorities(wallet.resolver, request.dcql_query, forms, now)
    recognition = PartyRecognition(**content["recognition"])
    return RequestPage(
        id=row.id,
        state=row.state,
        client_id=request.client_id,
        host=host_of(request),
        verifier_name=recognition.entity_name or host_of(request),
        verifier_own_name=shown_name(request.client_metadata.client_name or ""),
        is_signed=request.is_signed,
        recognition=recognition,
        purpose={language: shown_text(text) for language, text in request.purpose.items()},
        comparison_code=request.comparison_code,
        # A stranger's question: however much there is to weigh, others need not wait for it.
        questions=await asyncio.to_thread(tuple, match_questions(request, badges, language, authorities)),
        agreements=find_agreements(request),
        attester=attester_of(content),
        registration=_read_registration(content),
        expires_at=row.expires_at,
        near=find_near_skills(request.dcql_query, badges, wallet.skills),
        has_common_format=_has_common_format(request),
    )


def _has_common_format(request: AuthorizationRequest) -> bool:
    return bool(request.client_metadata.find_common_formats(request.dcql_query.formats))


def _read_registration(content: Mapping[str, Any]) -> Registration | None:
    kept = content.get("registration")
    if kept is None:
        return None
    purpose = {language: shown_text(text) for language, text in kept["purpose"].items()}
    return Registration(shown_name(kept["name"]), purpose, shown_name(kept["registrar"]))


async def get_verifier_name(wallet: Wallet, vault: Vault, request_id: str, now: datetime) -> str:
    """What whoever asked is called, also where the question cannot be answered."""
    try:
        return (await get_request(wallet, vault, request_id, now)).verifier_name
    except RequestRefusedError:
        async with wallet.database.reading() as session:
            row = await store.get_request(session, vault.account_id, request_id)
        content = vault.open("request", row.id, row.sealed)
        return host_of_sender(read_sender(content, datetime.fromisoformat(content["received_at"])))


async def accept_request(
    wallet: Wallet,
    vault: Vault,
    request_id: str,
    choices: Mapping[str, Sequence[str]],
    now: datetime,
    *,
    language: str = "nl",
) -> Sent:
    """Show what was chosen, once. OpenID4VP 1.0 §8, A.4."""
    page = await get_request(wallet, vault, request_id, now, language=language)
    async with wallet.database.reading() as session:
        row = await store.get_request(session, vault.account_id, request_id)
        request = read_request(vault.open("request", row.id, row.sealed), now)
    parts = choose(page, choices)
    record = _history_of(page, parts, now, language)
    try:
        answer = await _spend_for_answer(wallet, vault, request_id, request, parts, record, now)
    except (AlgorithmNotAllowedError, UnsupportedRequestError) as exc:
        told = await _refuse_at_answer(wallet, vault, page, request, authorization_error_code(exc), now)
        failure = "answer_encryption" if isinstance(exc, AlgorithmNotAllowedError) else "question_transaction"
        raise RequestRefusedError(exc, failure=failure, data=told.data) from exc
    if request.origin is not None:
        await _settle(wallet, vault, request_id, record, "unconfirmed")
        return Sent(data=answer)
    return await _submit_response(wallet, vault, request_id, request, answer, record)


async def decline_request(wallet: Wallet, vault: Vault, request_id: str, now: datetime) -> Sent:
    """Say no. The verifier hears `access_denied`, the same as when nothing fits (§8.5, A-39).

    Of a question that cannot be answered at all it hears why: what was asked is wrong, or is only asked or read in
    formats and algorithms that no wallet of this kind has. That too only now that the person has acted (W-53).
    """
    async with wallet.database.reading() as session:
        row = await store.get_request(session, vault.account_id, request_id)
    if row.expires_at <= now:
        raise RequestExpiredError
    content = vault.open("request", row.id, row.sealed)
    if "refusal" in content:
        return await _decline_refused(wallet, vault, request_id, content, now)
    request = read_request(content, row.created_at)
    error = ACCESS_DENIED if _has_common_format(request) else VP_FORMATS_NOT_SUPPORTED
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, request_id, now)
        await add_history_record(session, vault, _declined(request, content["recognition"], now))
        await store.set_request_state(session, vault.account_id, request_id, "declined")
    return await _submit_error(wallet, request, error)


async def decline_without_wallet(wallet: Wallet, text: str, now: datetime) -> tuple[str, Sent]:
    """Let whoever asks know that somebody came who opens no wallet here, and where they are at home. §8.5; W-53.

    Only who proves to have sent the question hears it. What was asked is not looked at, and nothing is kept.
    """
    if parse_link_kind(text) != "request":
        raise LinkError("no question")
    content = await resolve_content(wallet, parse_link(text), now)
    try:
        sender = read_sender(content, now)
    except CredentialError as exc:
        is_signed = "raw" in content
        failure = find_failure(content, exc, is_sender_certain=False) if is_signed else FAILURES["unsigned"]
        raise RequestRefusedError(exc, failure=failure.code) from exc
    return host_of_sender(sender), await _submit_error(wallet, sender, WALLET_UNAVAILABLE)


async def keep_refused(
    wallet: Wallet,
    vault: Vault,
    link_digest: bytes,
    content: dict[str, Any],
    cause: CredentialError,
    now: datetime,
) -> tuple[Failure, str | None]:
    """Keep a question that cannot be answered, so that the person may let its sender know.

    None where it is not certain who sent it: then nobody is told anything.
    """
    sender = find_sender(content, now)
    failure = find_failure(content, cause, is_sender_certain=sender is not None)
    if sender is None:
        return failure, None
    content["refusal"] = {
        "error": authorization_error_code(cause),
        "cause": f"{cause.code}: {cause.detail}",
        "failure": failure.code,
    }
    row = PresentationRequest(
        id=create_token(16),
        account_id=vault.account_id,
        link_digest=link_digest,
        request_digest=vault.digest("request", f"{sender.client_id}\0{content.get('raw', link_digest.hex())}"),
        state="open",
        sealed=b"",
        created_at=now,
        expires_at=now + wallet.settings.request_lifetime,
    )
    row.sealed = vault.seal("request", row.id, content)
    async with wallet.database.transaction() as session:
        await store.forget_requests(session, now=now)
        await store.add_request(session, row)
    return failure, row.id


# --- answering


async def _spend_for_answer(
    wallet: Wallet,
    vault: Vault,
    request_id: str,
    request: AuthorizationRequest,
    parts: Sequence[Part],
    record: HistoryRecord,
    now: datetime,
) -> Mapping[str, Any]:
    """Take the question, and with it the copies that it gets: nothing is signed and no copy used for one answered."""
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, request_id, now)
        vp_token = await _create_vp_token(session, vault, request, parts, now)
        await add_history_record(session, vault, record)
        if request.origin is not None:
            return create_dc_api_response(request, vp_token)
        return create_response_form(request, vp_token)


async def _create_vp_token(
    session: store.Session, vault: Vault, request: AuthorizationRequest, parts: Sequence[Part], now: datetime
) -> dict[str, list[str]]:
    """The presentations for each query, bound to this verifier and this question (§8.1, W-48, W-49)."""
    agreed = _assign_agreements(request, parts)
    vp_token: dict[str, list[str]] = {}
    for part in parts:
        raw = await _present(session, vault, request, part, agreed.get((part.query_id, part.form_id), []), now)
        vp_token.setdefault(part.query_id, []).append(raw)
    return vp_token


def _assign_agreements(request: AuthorizationRequest, parts: Sequence[Part]) -> dict[_Shown, list[TransactionData]]:
    """By which badge each agreement is signed: the first one shown that can carry it, and no other (§8.4)."""
    assigned: dict[_Shown, list[TransactionData]] = {}
    for entry in request.transaction_data:
        carriers = carriers_of(request, entry)
        carrier = next((part.query_id, part.form_id) for part in parts if part.query_id in carriers)
        assigned.setdefault(carrier, []).append(entry)
    return assigned


async def _present(
    session: store.Session,
    vault: Vault,
    request: AuthorizationRequest,
    part: Part,
    agreed: Sequence[TransactionData],
    now: datetime,
) -> str:
    form = next(form for form in part.badge.forms if form.id == part.form_id)
    copy = await choose_copy(session, vault, form, verifier_id=request.client_id, now=now)
    query = request.dcql_query.find(part.query_id)
    if query is not None and not query.require_cryptographic_holder_binding:
        handler = FORMATS[form.credential.format]
        return handler.present_unbound(copy.credential.raw, disclose=part.answer.disclose)
    algorithm = select_hash_algorithm(agreed)
    return FORMATS[form.credential.format].present(
        copy.credential.raw,
        disclose=part.answer.disclose,
        holder_signer=copy.holder_signer,
        audience=request.audience,
        nonce=request.nonce,
        now=now,
        transaction_data_hashes=transaction_data_hashes(agreed, algorithm),
        transaction_data_hashes_alg=algorithm,
    )


async def _submit_response(
    wallet: Wallet,
    vault: Vault,
    request_id: str,
    request: AuthorizationRequest,
    form: Mapping[str, str],
    record: HistoryRecord,
) -> Sent:
    """Post the answer, once, and note how it ended. No redirect is followed (W-46)."""
    settle = partial(_settle, wallet, vault, request_id, record)
    response: FetchedResponse | UnreadableAnswerError
    try:
        response = await wallet.fetch.post_form(request.response_uri, form)
    except UndecidedError as exc:
        await settle("unconfirmed")
        raise UnconfirmedError(exc.detail) from exc
    except UnreadableAnswerError as exc:
        response = exc
    except AnsweredError as exc:
        await settle("refused")
        raise VerifierRefusedError(exc.detail) from exc
    except CredentialError as exc:
        await settle("unsent")
        raise UnsentError(f"{exc.code}: {exc.detail}") from exc
    # Whether it was taken stands in the status, whatever else they said (RFC 9110 §15).
    if not _is_taken(response.status):
        await settle("refused")
        raise VerifierRefusedError(f"status {response.status}")
    sent = _read_reply(response)
    await settle("delivered" if sent.is_reply_unread else "confirmed")
    return sent


def _is_taken(status: int) -> bool:
    """A verifier that took an answer says 200 (§8.2); one that says so with another word of success took it too."""
    return 200 <= status < 300


def _read_reply(response: FetchedResponse | UnreadableAnswerError) -> Sent:
    """Where the browser goes on. They took what was sent: a reply that cannot be used takes that not back (§8.2)."""
    if isinstance(response, UnreadableAnswerError):
        log.info("reply of the verifier not read", code=response.code, detail=response.detail)
        return Sent(is_reply_unread=True)
    if not response.body:
        return Sent()
    try:
        reply = as_object(response.json(), "the verifier's reply")
    except CredentialError as exc:
        log.info("reply of the verifier not read", code=exc.code)
        return Sent(is_reply_unread=True)
    try:
        return Sent(parse_response_reply(reply))
    except CredentialError as exc:
        log.info("way back not used", code=exc.code)
        return Sent(is_way_back_refused=True)


async def _settle(
    wallet: Wallet, vault: Vault, request_id: str, record: HistoryRecord, outcome: HistoryOutcome
) -> None:
    async with wallet.database.transaction() as session:
        await store.set_request_state(session, vault.account_id, request_id, "answered")
        await set_history_outcome(session, vault, record.id, outcome)


async def _submit_error(wallet: Wallet, request: AuthorizationRequest | RequestSender, error: str) -> Sent:
    """Tell the verifier no, or the page that asked. Whether it hears it changes nothing for the person."""
    if request.origin is not None:
        return Sent(data=create_dc_api_error(error))
    try:
        response = await wallet.fetch.post_form(request.response_uri, create_error_form(request, error))
    except CredentialError as exc:
        log.info("refusal not delivered", error_class=type(exc).__name__)
        return Sent()
    return _read_reply(response) if response.status == 200 else Sent()


async def _decline_refused(
    wallet: Wallet, vault: Vault, request_id: str, content: Mapping[str, Any], now: datetime
) -> Sent:
    sender = read_sender(content, datetime.fromisoformat(content["received_at"]))
    record = HistoryRecord(
        kind="declined",
        party_name=host_of_sender(sender),
        party_own_name=shown_name(sender.client_name or ""),
        party_id=sender.client_id,
        recognition=Outcome.NOT_LISTED.value,
        happened_at=now,
    )
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, request_id, now)
        await add_history_record(session, vault, record)
        await store.set_request_state(session, vault.account_id, request_id, "declined")
    return await _submit_error(wallet, sender, content["refusal"]["error"])


async def _refuse_at_answer(
    wallet: Wallet, vault: Vault, page: RequestPage, request: AuthorizationRequest, error: str, now: datetime
) -> Sent:
    """An answer that cannot be made as asked is not given: an error goes in the clear, never the data (W-51)."""
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, page.id, now)
        await store.set_request_state(session, vault.account_id, page.id, "failed")
    return await _submit_error(wallet, request, error)


def _history_of(page: RequestPage, parts: Sequence[Part], now: datetime, language: str) -> HistoryRecord:
    purpose = choose_text(page.purpose, language)
    return HistoryRecord(
        kind="shared",
        party_name=page.verifier_name,
        party_own_name=page.verifier_own_name,
        party_id=page.client_id,
        recognition=page.recognition.outcome,
        happened_at=now,
        badges=tuple(dict.fromkeys(part.badge.view.name for part in parts)),
        claims=tuple(
            dict.fromkeys(
                ShownClaim(part.badge.view.name, fact.label, fact.value) for part in parts for fact in part.shown
            )
        ),
        purpose=purpose.text,
        purpose_language=purpose.language,
        agreements=tuple(AgreedText(agreement.title, agreement.text) for agreement in page.agreements),
        outcome="sending",
    )


def _declined(request: AuthorizationRequest, recognition: Mapping[str, str], now: datetime) -> HistoryRecord:
    return HistoryRecord(
        kind="declined",
        party_name=recognition["entity_name"] or host_of(request),
        party_own_name=shown_name(request.client_metadata.client_name or ""),
        party_id=request.client_id,
        recognition=recognition["outcome"],
        happened_at=now,
    )

"""The pages: for operators of a relying party (`/back-office/…`), and for candidates who answer (`/ask/…`, `/result`).

Everything works without JavaScript; small modules add the live state, the search as one types, and reading the
response code from the address.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.datastructures import FormData
from starlette.responses import Response

from kernel.errors import CredentialError
from kernel.openid4vp import find_unreadable
from kernel.openid4vp.response import MAX_RESPONSE_BYTES
from kernel.strict_json import parse_json
from runtime.dependencies import DatabaseDep, NowDep, SessionDep, get_service
from runtime.errors import log_refusal
from runtime.service import Service
from runtime.web.cookies import delete_session_cookie, session_token, set_session_cookie
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.operators import SignInError, normalise_email
from runtime.web.pages import Pages, local_path
from runtime.web.qr import draw_qr
from runtime.web.routes import PageRoute, only_get
from runtime.web.visitors import remember_browser, visitor_of
from skills.skill import ESCO_MODIFIED_NOTICE, ESCO_NOTICE
from verifier import operators, questions, relying_parties, results, store
from verifier.errors import BrowserAnswerError, InputError, NobodyRecognisedError, SignInNeededError, UnknownError
from verifier.exports import ExportFormat, export_answer, export_answers
from verifier.live import OpenStreams, stream_states
from verifier.models import PresentationRequest, Question, RelyingParty
from verifier.operators import SignedIn
from verifier.presentation_request import (
    Asking,
    Flow,
    create_browser_requests,
    create_link,
    create_wallet_link,
    current_state,
    start_presentation,
    time_left,
)
from verifier.presentation_response import receive_browser_response
from verifier.report_texts import wallet_error_text
from verifier.settings import VerifierSettings
from verifier.trusted_authorities import resolve_trusted_authorities
from verifier.web.question_form import QuestionForm, read_question_form

ServiceDep = Annotated[Service[VerifierSettings], Depends(get_service)]

RETENTION_CHOICES = (0, 1, 24, 72, 168)
MAX_QR = 1200
"""Longer links make a code that cameras cannot tell apart; those are opened on the same device."""


async def get_signed_in(request: Request, slug: str, database: DatabaseDep, now: NowDep) -> SignedIn:
    """Who is signed in here, for this relying party; another's pages look like pages that do not exist (A-52).

    In a transaction of its own, which is over before a form is read: nobody waits for one that comes in slowly.
    """
    async with database.transaction() as session:
        signed_in = await operators.find_signed_in(session, session_token(request), now=now)
    if signed_in is None:
        raise SignInNeededError
    if signed_in.relying_party.slug != slug:
        raise UnknownError
    return signed_in


SignedInDep = Annotated[SignedIn, Depends(get_signed_in)]


async def find_trusted_authorities(
    slug: str, question_id: str, database: DatabaseDep, service: ServiceDep, now: NowDep
) -> Sequence[Mapping[str, Any]]:
    """Whose badges a saved question asks for now: looked up before the page's own transaction begins."""
    async with database.reading() as session:
        _, question = await _find_question(session, slug, question_id)
    if not question.trusted_authorities:
        return ()
    try:
        return await resolve_trusted_authorities(service, question.policy, now=now)
    except InputError as exc:
        raise NobodyRecognisedError from exc


TrustedAuthoritiesDep = Annotated[Sequence[Mapping[str, Any]], Depends(find_trusted_authorities)]
"""To be named before the session: dependencies are resolved in the order of a route's parameters."""


def create_router(pages: Pages) -> APIRouter:
    """All page routes, with the templates that they render."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    streams = OpenStreams()
    _add_entrance(router, pages)
    _add_questions(router, pages)
    _add_answers(router, pages, streams)
    _add_asking(router, pages, streams)
    _add_result(router, pages)
    return router


# --- front page and signing in ---


def _add_entrance(router: APIRouter, pages: Pages) -> None:
    @router.get("/", name="front_page")
    async def front_page(request: Request, session: SessionDep, now: NowDep) -> Response:
        signed_in = await operators.find_signed_in(session, session_token(request), now=now)
        return pages.render(request, "front.html", signed_in=signed_in)

    @router.get("/sign-in", name="sign_in_page")
    async def sign_in_page(request: Request, next: str = "") -> Response:
        return pages.render(request, "sign_in.html", next=local_path(next), email="", errors={})

    @router.post("/sign-in", name="sign_in")
    async def sign_in(
        request: Request, form: FormDep, database: DatabaseDep, service: ServiceDep, now: NowDep
    ) -> Response:
        email = form_text(form, "email")
        key, name = service.settings.visitor_key(), normalise_email(email)
        try:
            token, slug = await operators.sign_in(
                database,
                email=email,
                passphrase=form_text(form, "passphrase", strip=False),
                visitor=visitor_of(request, key, name),
                earlier_token=session_token(request),
                now=now,
            )
        except SignInError:
            _ = translator(request)
            errors = {
                "email": _("Dit e-mailadres en deze wachtzin horen niet bij elkaar. Na vijf keer moet u even wachten.")
            }
            next_path = local_path(form_text(form, "next"))
            return pages.render(request, "sign_in.html", status=400, next=next_path, email=email, errors=errors)
        wanted = local_path(form_text(form, "next"))
        response = RedirectResponse(wanted if wanted != "/" else f"/back-office/{slug}/questions", status_code=303)
        set_session_cookie(response, request, token)
        remember_browser(response, request, key, name)
        return response

    @router.post("/sign-out", name="sign_out")
    async def sign_out(request: Request, form: FormDep, session: SessionDep) -> Response:
        await operators.sign_out(session, session_token(request))
        response = RedirectResponse("/", status_code=303)
        delete_session_cookie(response, request)
        return response


# --- questions ---


def _add_questions(router: APIRouter, pages: Pages) -> None:
    @router.get("/back-office/{slug}", name="office")
    async def office(slug: str, signed_in: SignedInDep) -> Response:
        return RedirectResponse(f"/back-office/{slug}/questions", status_code=303)

    @router.get("/back-office/{slug}/questions", name="questions_page")
    async def questions_page(request: Request, slug: str, signed_in: SignedInDep, session: SessionDep) -> Response:
        rows = await store.list_questions(session, signed_in.relying_party.id)
        listed = [(row, questions.read_asked(row)) for row in rows]
        return pages.render(request, "questions.html", signed_in=signed_in, listed=listed)

    @router.get("/back-office/{slug}/questions/new", name="new_question_page")
    async def new_question_page(
        request: Request, slug: str, signed_in: SignedInDep, session: SessionDep, service: ServiceDep
    ) -> Response:
        empty = QuestionForm(retention_hours=service.settings.retention_hours)
        return await _render_question_form(pages, request, signed_in, session, service, empty)

    @router.post("/back-office/{slug}/questions/new", name="new_question")
    async def new_question(
        request: Request,
        slug: str,
        signed_in: SignedInDep,
        form: FormDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        filled = read_question_form(form, service.skills, language=request_language(request))
        if not filled.is_saving:
            return await _render_question_form(pages, request, signed_in, session, service, filled)
        errors = _question_errors(request, filled)
        if errors:
            return await _render_question_form(pages, request, signed_in, session, service, filled, errors)
        question = await questions.create_question(
            session,
            signed_in.relying_party,
            title=filled.title,
            purpose=filled.purpose,
            skills=filled.skills,
            minimum_level=filled.minimum_level,
            retention_hours=filled.retention_hours,
            policy=filled.policy,
            agreement=filled.agreement,
            same_device_only=filled.same_device_only,
            trusted_authorities=filled.trusted_authorities,
            now=now,
        )
        return RedirectResponse(f"/back-office/{slug}/questions/{question.id}", status_code=303)

    @router.get("/back-office/{slug}/questions/{question_id}", name="question_page")
    async def question_page(
        request: Request, slug: str, question_id: str, signed_in: SignedInDep, session: SessionDep, service: ServiceDep
    ) -> Response:
        question = await questions.get_question(session, signed_in.relying_party, question_id)
        skills = questions.read_asked(question)
        ask_url = f"{service.settings.public_url}/ask/{slug}/{question.id}"
        return pages.render(
            request,
            "question.html",
            signed_in=signed_in,
            question=question,
            skills=skills,
            relations={skill.uri: questions.find_relations(skill.uri, service.skills) for skill in skills},
            ask_url=ask_url,
            qr=draw_qr(ask_url),
            esco=_esco(request, service),
        )

    @router.post("/back-office/{slug}/questions/{question_id}/ask", name="ask_now")
    async def ask_now(
        slug: str,
        question_id: str,
        signed_in: SignedInDep,
        form: FormDep,
        trusted: TrustedAuthoritiesDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        question = await questions.get_question(session, signed_in.relying_party, question_id)
        if question.same_device_only:
            raise UnknownError
        asking = Asking.of_question(question, browser_session_id=signed_in.session_id)
        started = await start_presentation(
            session, service, signed_in.relying_party, asking, now=now, trusted_authorities=trusted
        )
        return RedirectResponse(f"/back-office/{slug}/answers/{started.id}", status_code=303)

    @router.post("/back-office/{slug}/questions/{question_id}/archive", name="archive_question_page")
    async def archive(
        slug: str, question_id: str, signed_in: SignedInDep, form: FormDep, session: SessionDep, now: NowDep
    ) -> Response:
        if not await store.archive_question(session, signed_in.relying_party.id, question_id, now):
            raise UnknownError
        return RedirectResponse(f"/back-office/{slug}/questions", status_code=303)


async def _render_question_form(
    pages: Pages,
    request: Request,
    signed_in: SignedIn,
    session: Any,
    service: Service[VerifierSettings],
    filled: QuestionForm,
    errors: Mapping[str, str] | None = None,
) -> Response:
    choices = sorted({*RETENTION_CHOICES, service.settings.retention_hours, filled.retention_hours})
    return pages.render(
        request,
        "new_question.html",
        status=400 if errors else 200,
        signed_in=signed_in,
        filled=filled,
        errors=errors or {},
        retention_choices=choices,
        can_search=service.skills.available,
        has_list=service.settings.trust_list is not None,
        has_certificate=await store.find_certificate(session, signed_in.relying_party.id) is not None,
        esco=_esco(request, service),
    )


def _question_errors(request: Request, filled: QuestionForm) -> dict[str, str]:
    _ = translator(request)
    errors = {}
    if not filled.title:
        errors["title"] = _("Geef de vraag een naam, bijvoorbeeld die van de vacature.")
    if not filled.purpose:
        errors["purpose"] = _("Vertel waarvoor u dit vraagt. De kandidaat leest dit.")
    if filled.agreement is not None and not filled.agreement_title:
        errors["agreement_title"] = _("Geef de tekst een titel, of laat beide leeg.")
    if filled.agreement is not None and not filled.agreement_text:
        errors["agreement_text"] = _("Schrijf waarmee de kandidaat akkoord gaat, of laat beide leeg.")
    if filled.agreement is not None and not errors.keys() & {"agreement_title", "agreement_text"}:
        unreadable = find_unreadable(title=filled.agreement_title, text=filled.agreement_text)
        if unreadable is not None:
            errors[f"agreement_{unreadable}"] = _("Hierin staan onzichtbare tekens. Typ de tekst opnieuw.")
    try:
        questions.require_askable(filled.skills)
    except InputError as exc:
        errors["q"] = {
            "missing": _("Kies ten minste een skill die nodig is."),
            "too_many": _("Kies elke skill een keer, en niet meer dan twintig."),
            "uri": _("Een skill heeft een webadres dat met http begint."),
        }[exc.fields["skills"]]
    return errors


# --- answers ---


def _add_answers(router: APIRouter, pages: Pages, streams: OpenStreams) -> None:
    @router.get("/back-office/{slug}/answers", name="answers_page")
    async def answers_page(
        request: Request, slug: str, signed_in: SignedInDep, session: SessionDep, service: ServiceDep, now: NowDep
    ) -> Response:
        rows = await store.list_presentation_requests(session, signed_in.relying_party.id, now)
        listed = [
            (row, current_state(row, now), results.read_result(service.sealing_key, row, now, with_claims=False))
            for row in rows
        ]
        return pages.render(request, "answers.html", signed_in=signed_in, listed=listed)

    @router.get("/back-office/{slug}/answers/{request_id}", name="answer_page")
    async def answer_page(
        request: Request,
        slug: str,
        request_id: str,
        signed_in: SignedInDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        row = await _get_request(session, signed_in.relying_party, request_id)
        here = f"/back-office/{slug}/answers/{row.id}"
        is_mine = row.browser_session_id == signed_in.session_id
        context = await _request_context(
            request, session, service, signed_in.relying_party, row, now, here=here, shows_link=is_mine
        )
        return pages.render(request, "answer.html", signed_in=signed_in, **context)

    @router.get("/back-office/{slug}/answers/{request_id}/export/{export_format}", name="answer_export")
    async def answer_export(
        request: Request,
        slug: str,
        request_id: str,
        export_format: ExportFormat,
        signed_in: SignedInDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        row = await _get_request(session, signed_in.relying_party, request_id)
        exported = export_answer(
            row,
            results.read_result(service.sealing_key, row, now),
            results.result_json(service.sealing_key, row, now),
            signed_in.relying_party,
            export_format=export_format,
            language="en" if request_language(request) == "en" else "nl",
        )
        return Response(exported.content, media_type=exported.media_type, headers=exported.headers())

    @router.get("/back-office/{slug}/answers.csv", name="answers_export")
    async def answers_export(
        request: Request, slug: str, signed_in: SignedInDep, session: SessionDep, service: ServiceDep, now: NowDep
    ) -> Response:
        rows = await store.list_presentation_requests(session, signed_in.relying_party.id, now)
        answers = [(row, results.read_result(service.sealing_key, row, now)) for row in rows]
        exported = export_answers(answers, language="en" if request_language(request) == "en" else "nl")
        return Response(exported.content, media_type=exported.media_type, headers=exported.headers())

    @router.get("/back-office/{slug}/answers/{request_id}/events", name="answer_events")
    @only_get
    async def answer_events(
        slug: str, request_id: str, signed_in: SignedInDep, session: SessionDep, service: ServiceDep
    ) -> Response:
        await _get_request(session, signed_in.relying_party, request_id)
        return _stream(service, streams, signed_in.relying_party.id, request_id)


async def _get_request(session: Any, relying_party: RelyingParty, request_id: str) -> PresentationRequest:
    row = await store.find_presentation_request(session, relying_party.id, request_id)
    if row is None:
        raise UnknownError
    return row


async def _request_context(
    request: Request,
    session: Any,
    service: Service[VerifierSettings],
    relying_party: RelyingParty,
    row: PresentationRequest,
    now: Any,
    *,
    here: str,
    shows_link: bool,
) -> dict[str, Any]:
    """What the pages about one transaction show: the link while it waits, the report when there is one."""
    state = current_state(row, now)
    link, browser_requests = None, []
    if shows_link and row.sealed_exchange is not None and state in store.WAITING:
        link = await create_link(session, service, relying_party, row, now=now)
        browser_requests = await create_browser_requests(session, service, relying_party, row, now=now)
    return {
        "relying_party": relying_party,
        "asked": row,
        "state": state,
        "here_url": here,
        "link": link,
        "browser_requests": browser_requests,
        "wallet_link": create_wallet_link(service.settings, link) if link is not None else None,
        "qr": draw_qr(link) if link is not None and row.flow == "cross_device" and len(link) <= MAX_QR else None,
        "minutes_left": _minutes(time_left(row, now)),
        "answer": results.read_result(service.sealing_key, row, now),
        "wallet_error": wallet_error_text(row.wallet_error).in_language(request_language(request))
        if state == "refused"
        else None,
    }


def _stream(
    service: Service[VerifierSettings], streams: OpenStreams, relying_party_id: str, request_id: str
) -> Response:
    seat = streams.take_seat(request_id)

    async def look() -> PresentationRequest | None:
        async with service.database.reading() as session:
            return await store.find_presentation_request(session, relying_party_id, request_id)

    return StreamingResponse(stream_states(service, seat, look), media_type="text/event-stream")


# --- candidates ---


def _add_asking(router: APIRouter, pages: Pages, streams: OpenStreams) -> None:
    @router.get("/ask/{slug}/{question_id}", name="ask_page")
    async def ask_page(
        request: Request, slug: str, question_id: str, session: SessionDep, service: ServiceDep
    ) -> Response:
        relying_party, question = await _find_question(session, slug, question_id)
        return pages.render(
            request,
            "ask.html",
            relying_party=relying_party,
            question=question,
            skills=questions.read_asked(question),
            esco=_esco(request, service),
        )

    @router.post("/ask/{slug}/{question_id}", name="ask_begin")
    async def ask_begin(
        request: Request,
        slug: str,
        question_id: str,
        form: FormDep,
        trusted: TrustedAuthoritiesDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        relying_party, question = await _find_question(session, slug, question_id)
        token = None
        browser_id = await operators.find_browser(session, session_token(request), now=now)
        if browser_id is None:
            browser_id, token = await operators.start_browser(session, now=now)
        asking = Asking.of_question(
            question,
            flow=_chosen_flow(question, form),
            browser_session_id=browser_id,
        )
        started = await start_presentation(
            session, service, relying_party, asking, now=now, trusted_authorities=trusted
        )
        response = RedirectResponse(f"/ask/{slug}/{question_id}/{started.id}", status_code=303)
        if token is not None:
            set_session_cookie(response, request, token)
        return response

    @router.get("/ask/{slug}/{question_id}/{request_id}", name="asked_page")
    async def asked_page(
        request: Request,
        slug: str,
        question_id: str,
        request_id: str,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        relying_party, row = await _find_own_request(request, session, slug, request_id, now)
        here = f"/ask/{slug}/{question_id}/{row.id}"
        context = await _request_context(request, session, service, relying_party, row, now, here=here, shows_link=True)
        return pages.render(request, "asked.html", question_id=question_id, **context)

    @router.post("/ask/{slug}/{question_id}/{request_id}/browser-answer", name="asked_browser_answer")
    async def asked_browser_answer(
        request: Request,
        slug: str,
        question_id: str,
        request_id: str,
        form: FormDep,
        database: DatabaseDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        """What the browser got from a wallet, for the transaction of this very session (V-08)."""
        async with database.transaction() as session:
            _, row = await _find_own_request(request, session, slug, request_id, now)
        try:
            value = parse_json(form_text(form, "data"), max_bytes=MAX_RESPONSE_BYTES)
            await receive_browser_response(service, row, value)
        except CredentialError as exc:
            log_refusal(exc, 400, "browser_answer")
            raise BrowserAnswerError from exc
        return RedirectResponse(f"/ask/{slug}/{question_id}/{request_id}", status_code=303)

    @router.get("/ask/{slug}/{question_id}/{request_id}/events", name="asked_events")
    @only_get
    async def asked_events(
        request: Request,
        slug: str,
        question_id: str,
        request_id: str,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        relying_party, row = await _find_own_request(request, session, slug, request_id, now)
        return _stream(service, streams, relying_party.id, row.id)


def _chosen_flow(question: Question, form: FormData) -> Flow:
    is_same = question.same_device_only or form_text(form, "flow") == "same_device"
    return "same_device" if is_same else "cross_device"


async def _find_question(session: Any, slug: str, question_id: str) -> tuple[RelyingParty, Question]:
    relying_party = await relying_parties.get_relying_party(session, slug)
    return relying_party, await questions.get_question(session, relying_party, question_id)


async def _find_own_request(
    request: Request, session: Any, slug: str, request_id: str, now: Any
) -> tuple[RelyingParty, PresentationRequest]:
    """A transaction of this very browser session; to any other browser it does not exist (V-23, A-36)."""
    relying_party = await relying_parties.get_relying_party(session, slug)
    browser_id = await operators.find_browser(session, session_token(request), now=now)
    row = None if browser_id is None else await store.find_by_session(session, browser_id, request_id)
    if row is None or row.relying_party_id != relying_party.id:
        raise UnknownError
    return relying_party, row


# --- the result on the same device ---


def _add_result(router: APIRouter, pages: Pages) -> None:
    @router.get("/result", name="result_page")
    async def result_page(request: Request) -> Response:
        return pages.render(request, "result_code.html", errors={})

    @router.post("/result", name="result_code")
    async def result_code(request: Request, form: FormDep, session: SessionDep, now: NowDep) -> Response:
        code = form_text(form, "response_code").rpartition("response_code=")[2]
        if not 0 < len(code) <= 200:
            _ = translator(request)
            errors = {"response_code": _("Plak hier het adres waarmee u terugkwam.")}
            return pages.render(request, "result_code.html", status=400, errors=errors)
        browser_id = await operators.find_browser(session, session_token(request), now=now)
        row = await results.release_to_browser(session, code, browser_id, now=now)
        if row is None:
            return pages.render(request, "result_foreign.html", status=403)
        return RedirectResponse(f"/result/{quote(row.id)}", status_code=303)

    @router.get("/result/{request_id}", name="result")
    async def result(
        request: Request, request_id: str, session: SessionDep, service: ServiceDep, now: NowDep
    ) -> Response:
        browser_id = await operators.find_browser(session, session_token(request), now=now)
        row = None if browser_id is None else await store.find_released_to_session(session, browser_id, request_id)
        if row is None:
            raise UnknownError
        relying_party = await store.get_relying_party(session, row.relying_party_id)
        context = await _request_context(
            request, session, service, relying_party, row, now, here=f"/result/{row.id}", shows_link=False
        )
        return pages.render(request, "asked.html", question_id=row.question_id, **context)


def _esco(request: Request, service: Service[VerifierSettings]) -> tuple[str, str] | None:
    """The sentences that the Commission asks for where ESCO is shown; none where this deployment has no index."""
    if not service.skills.available:
        return None
    return ESCO_NOTICE, ESCO_MODIFIED_NOTICE[request_language(request)]


def _minutes(left: timedelta) -> int:
    """Begun minutes, so that "still 1 minute" is never a promise that is already over."""
    return -(-int(left.total_seconds()) // 60)


def form_text(form: FormData, name: str, *, strip: bool = True) -> str:
    """What was typed into a field; nothing for a file or for no field at all."""
    value = form.get(name, "")
    text = value if isinstance(value, str) else ""
    return text.strip() if strip else text

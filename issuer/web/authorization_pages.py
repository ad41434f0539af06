"""The pages of whoever fetches a badge by signing in: proving who they are, and agreeing. OpenID4VCI 1.0 §5.

One browser goes on with one request: a cookie of its own, beside that of staff, holds its secret, which changes when
somebody signs in. Staff find here whom they have to hand a link.
"""

from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.background import BackgroundTask

from issuer import authorization, sign_in_links
from issuer.authorization import Choice, PendingAuthorization
from issuer.credential_issuer import CredentialIssuer, get_issuer
from issuer.errors import (
    AuthorizationOverError,
    InputError,
    IssuerError,
    NothingChosenError,
    SignInLinkError,
    TooManyError,
)
from issuer.identity_providers import (
    EMAIL_CLAIM,
    callback_url,
    find_identity_provider,
    parse_identity_provider,
    remove_identity_provider,
    set_identity_provider,
)
from issuer.operators import SignedIn
from issuer.settings import IssuerSettings
from issuer.sign_in import finish_sign_in, start_sign_in
from issuer.sign_in_links import SignInSecrets
from issuer.store import AchievementRow
from issuer.web.forms import text
from issuer.web.pages import PagesDep, ServiceDep, SignedInDep, _card, translated
from kernel.errors import CredentialError
from runtime.dependencies import DatabaseDep, NowDep, SessionDep
from runtime.errors import log_refusal
from runtime.logging import get_logger
from runtime.mail import MailError
from runtime.middleware import CONTENT_SECURITY_POLICY, source_of
from runtime.route_document import Answer, Operation, described, problem_refusal, query
from runtime.service import Service
from runtime.web.cookies import cookie_name, delete_cookie, set_cookie
from runtime.web.forms import FormDep
from runtime.web.language import translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute, only_get

log = get_logger(__name__)

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_COOKIE = "authorization"
_PAGE = {"text/html": {"type": "string"}}


async def _issuer(org: str, service: ServiceDep) -> CredentialIssuer:
    async with service.database.reading() as session:
        return await get_issuer(session, service.settings, org)


IssuerDep = Annotated[CredentialIssuer, Depends(_issuer)]


def _browser_token(request: Request) -> str | None:
    return request.cookies.get(cookie_name(request, _COOKIE))


def _keep_browser(response: Response, request: Request, settings: IssuerSettings, token: str) -> None:
    lifetime = int(settings.authorization_lifetime.total_seconds())
    set_cookie(response, request, _COOKIE, token, max_age=lifetime)


async def _pending(
    request: Request, org: str, authorization_id: UUID, service: ServiceDep, issuer: IssuerDep, now: NowDep
) -> PendingAuthorization:
    """The request that this browser goes on with, known before a form is read."""
    async with service.database.reading() as session:
        return await authorization.get_authorization(
            session, service.settings, issuer, authorization_id, _browser_token(request), now=now
        )


PendingDep = Annotated[PendingAuthorization, Depends(_pending)]


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


def _own_path(issuer: CredentialIssuer, authorization_id: UUID) -> str:
    return f"/{issuer.slug}/authorize/{authorization_id}"


# Opening


@router.get("/{org}/authorize")
@only_get
@described(
    Operation(
        parameters=(
            query("client_id", "As in the request that was pushed.", required=True),
            query("request_uri", "What the pushed authorization request was answered with.", required=True),
        ),
        answers={
            303: Answer("Signing in and agreeing begin here.", headers={"Location": "A page of this issuer."}),
            400: Answer("A page: this request is over, or was never pushed.", _PAGE),
            404: Answer("No organisation of this name.", {**_PAGE, **problem_refusal("not_found").content}),
            429: Answer("Too many requests; wait a minute.", {**_PAGE, **problem_refusal("too_many_requests").content}),
            503: Answer("Try again soon.", {**_PAGE, **problem_refusal("busy").content}),
        },
    )
)
async def authorize(request: Request, issuer: IssuerDep, service: ServiceDep, pages: PagesDep, now: NowDep) -> Response:
    """Authorization Endpoint, for requests that were pushed. RFC 9126 §4.

    A refusal is told here and never at the address that the request names: nobody agreed to go there (A-28).
    """
    query = dict(request.query_params.multi_items())
    try:
        async with service.database.transaction() as session:
            authorization_id, token = await authorization.open_authorization(
                session, service.settings, issuer, query, now=now
            )
    except CredentialError as exc:
        log_refusal(exc, 400, "invalid_request")
        return stopped(request, pages, issuer)
    response = _go(_own_path(issuer, authorization_id))
    _keep_browser(response, request, service.settings, token)
    return response


def stopped(
    request: Request, pages: Pages, issuer: CredentialIssuer, *, reason: str = "over", again: str = ""
) -> Response:
    """Why this cannot go on here, and what to do; `again` is where the same can be tried once more."""
    return pages.render(request, "holder_stopped.html", status=400, issuer=issuer, reason=reason, again=again)


async def show_stopped(request: Request, error: Exception) -> Response:
    """The same for a page whose request is over: decided, expired, or another browser's."""
    if not isinstance(error, AuthorizationOverError):
        raise error
    log_refusal(error, error.status, error.code)
    service: Service[IssuerSettings] = request.app.state.service
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, request.path_params["org"])
    response = stopped(request, request.app.state.pages, issuer)
    delete_cookie(response, request, _COOKIE)
    return response


@router.get("/{org}/authorize/{authorization_id}")
async def authorization_page(
    request: Request,
    issuer: IssuerDep,
    pending: PendingDep,
    service: ServiceDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """What comes next: signing in, the code from the mail, or agreeing."""
    if pending.subject is not None:
        return await _consent_page(request, issuer, pending, service, pages, now)
    async with service.database.reading() as session:
        provider = await find_identity_provider(session, service.settings, issuer)
        is_waiting = await sign_in_links.has_sign_in_link(session, pending, now=now)
    if provider is not None:
        wallet, path = _wallet(request, pending), _own_path(issuer, pending.id)
        return pages.render(
            request, "holder_provider.html", issuer=issuer, wallet=wallet, path=path, provider=provider.name
        )
    if is_waiting and "again" not in request.query_params:
        return _code_page(request, pages, issuer, pending)
    return _sign_in_page(request, pages, issuer, pending)


# Signing in at the organisation's OpenID Provider


@router.get("/{org}/authorize/{authorization_id}/provider")
@only_get
async def go_to_provider(
    request: Request, issuer: IssuerDep, pending: PendingDep, service: ServiceDep, pages: PagesDep, now: NowDep
) -> Response:
    """Send the browser to where the organisation's people sign in. OpenID Connect Core 1.0 §3.1.2.1."""
    async with service.database.reading() as session:
        provider = await find_identity_provider(session, service.settings, issuer)
    if provider is None:
        return _go(_own_path(issuer, pending.id))
    try:
        url = await start_sign_in(service.database, service.settings, service.fetch, issuer, pending, provider, now=now)
    except CredentialError as exc:
        log_refusal(exc, 400, exc.code)
        return stopped(request, pages, issuer, reason="provider", again=_own_path(issuer, pending.id))
    return RedirectResponse(url, status_code=303)


@router.get("/{org}/sign-in/callback")
@only_get
async def come_from_provider(
    request: Request, issuer: IssuerDep, service: ServiceDep, pages: PagesDep, now: NowDep
) -> Response:
    """What the provider's answer comes to, in the browser that was sent there and no other."""
    async with service.database.reading() as session:
        pending = await authorization.find_authorization(
            session, service.settings, issuer, _browser_token(request), now=now
        )
    if pending is None:
        raise AuthorizationOverError
    query = dict(request.query_params.multi_items())
    try:
        token = await finish_sign_in(service.database, service.settings, service.fetch, issuer, pending, query, now=now)
    except CredentialError as exc:
        log_refusal(exc, 400, exc.code)
        return stopped(request, pages, issuer, reason="provider", again=_own_path(issuer, pending.id))
    response = _go(_own_path(issuer, pending.id))
    _keep_browser(response, request, service.settings, token)
    return response


# Signing in by a one-time link


def _sign_in_page(
    request: Request, pages: Pages, issuer: CredentialIssuer, pending: PendingAuthorization, **more: Any
) -> Response:
    service: Service[IssuerSettings] = request.app.state.service
    values = {"email": "", "errors": {}, "status": 200, "by_mail": service.settings.sends_mail, **more}
    path = _own_path(issuer, pending.id)
    return pages.render(
        request, "holder_sign_in.html", issuer=issuer, wallet=_wallet(request, pending), path=path, **values
    )


def _code_page(
    request: Request, pages: Pages, issuer: CredentialIssuer, pending: PendingAuthorization, **more: Any
) -> Response:
    service: Service[IssuerSettings] = request.app.state.service
    values = {"errors": {}, "status": 200, **more}
    path = _own_path(issuer, pending.id)
    minutes = int(service.settings.sign_in_link_lifetime.total_seconds()) // 60
    by_mail = service.settings.sends_mail
    return pages.render(
        request, "holder_code.html", issuer=issuer, path=path, by_mail=by_mail, minutes=minutes, **values
    )


@router.post("/{org}/authorize/{authorization_id}/email")
async def ask_for_link(
    request: Request,
    issuer: IssuerDep,
    pending: PendingDep,
    form: FormDep,
    service: ServiceDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Send a one-time link, and say the same whether the address is known or not. A-54."""
    _ = translator(request)
    async with service.database.reading() as session:
        if await find_identity_provider(session, service.settings, issuer) is not None:
            # A link would be a way past what the organisation asks of its people where they sign in.
            return _go(_own_path(issuer, pending.id))
    email = text(form, "email")
    if not sign_in_links.is_email(email):
        errors = {"email": _("Dit is geen e-mailadres. Kijk of er een @ in staat en een punt erna.")}
        return _sign_in_page(request, pages, issuer, pending, email=email, errors=errors, status=400)
    try:
        secrets = await sign_in_links.create_sign_in_link(
            service.database, service.settings, issuer, pending, email, source=source_of(request.scope), now=now
        )
    except TooManyError as exc:
        errors = {"email": _(exc.sentence)}
        page = _sign_in_page(request, pages, issuer, pending, email=email, errors=errors, status=exc.status)
        return _waiting(page, exc)
    response = _go(_own_path(issuer, pending.id))
    if secrets is not None:
        # After the answer has left: how long a mail server takes would tell that the address is known.
        response.background = BackgroundTask(_send_mail, request, service.settings, issuer, secrets)
    return response


def _waiting(page: Response, error: IssuerError) -> Response:
    """The page, with the time to wait where that is the reason. RFC 6585 §4."""
    if isinstance(error, TooManyError):
        page.headers["Retry-After"] = error.retry_after
    return page


async def _send_mail(
    request: Request, settings: IssuerSettings, issuer: CredentialIssuer, secrets: SignInSecrets
) -> None:
    _ = translator(request)
    minutes = int(settings.sign_in_link_lifetime.total_seconds()) // 60
    body = _(
        "Hallo,\n\n"
        "Je haalt een badge op bij %(organisation)s. Open deze link in de browser waarin je begon:\n\n"
        "%(link)s\n\n"
        "Lukt dat niet? Typ dan deze code op de pagina die nog open staat: %(code)s\n\n"
        "De link en de code werken %(minutes)s minuten, een keer. Geef ze aan niemand.\n"
        "Vroeg je hier niet om? Dan hoef je niets te doen.\n"
    ) % {"organisation": issuer.name, "link": secrets.link, "code": secrets.code, "minutes": minutes}
    subject = _("Inloggen bij %(organisation)s om je badge op te halen") % {"organisation": issuer.name}
    try:
        if settings.mailer is not None:
            await settings.mailer.send(secrets.email, " ".join(subject.split()), body)
    except MailError as exc:
        log.error("mail_not_sent", reason=str(exc))


@router.post("/{org}/authorize/{authorization_id}/code")
async def sign_in_with_code(
    request: Request,
    issuer: IssuerDep,
    pending: PendingDep,
    form: FormDep,
    service: ServiceDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Sign in with the digits from the mail."""
    _ = translator(request)
    try:
        token = await sign_in_links.spend_sign_in_code(
            service.database,
            service.settings,
            issuer,
            pending,
            text(form, "code"),
            source=source_of(request.scope),
            now=now,
        )
    except (SignInLinkError, TooManyError) as exc:
        errors = {"code": _(exc.sentence)}
        return _waiting(_code_page(request, pages, issuer, pending, errors=errors, status=exc.status), exc)
    response = _go(_own_path(issuer, pending.id))
    _keep_browser(response, request, service.settings, token)
    return response


@router.get("/{org}/sign-in-link/{token}")
async def sign_in_link_page(
    request: Request, token: str, issuer: IssuerDep, service: ServiceDep, pages: PagesDep, now: NowDep
) -> Response:
    """What a mailed link opens: a button, since programs that look at mail open links too."""
    async with service.database.reading() as session:
        pending = await authorization.find_authorization(
            session, service.settings, issuer, _browser_token(request), now=now
        )
    return pages.render(request, "holder_link.html", issuer=issuer, token=token, is_here=pending is not None)


@router.post("/{org}/sign-in-link/{token}")
async def sign_in_with_link(
    request: Request,
    token: str,
    issuer: IssuerDep,
    _form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Sign in with the link, in the browser that asked for it and no other."""
    pending = await authorization.find_authorization(
        session, service.settings, issuer, _browser_token(request), now=now
    )
    if pending is None:
        raise AuthorizationOverError
    try:
        renewed = await sign_in_links.spend_sign_in_link(session, service.settings, pending, token, now=now)
    except SignInLinkError:
        return stopped(request, pages, issuer, reason="link")
    response = _go(_own_path(issuer, pending.id))
    _keep_browser(response, request, service.settings, renewed)
    return response


# Agreeing


def _wallet(request: Request, pending: PendingAuthorization) -> dict[str, Any]:
    """The wallet as people can judge it: its name where somebody vouches for it, else where the badge would go."""
    _ = translator(request)
    scheme = urlsplit(pending.redirect_uri).scheme
    return {
        "name": pending.client_name or pending.host or _("een app op dit apparaat"),
        "is_known": pending.client_name is not None,
        "host": pending.host,
        "scheme": scheme,
        "client_id": pending.client_id,
        "redirect_uri": pending.redirect_uri,
    }


async def _consent_page(
    request: Request,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    service: ServiceDep,
    pages: Pages,
    now: NowDep,
    *,
    errors: dict[str, str] | None = None,
) -> Response:
    """What the person would get and where it would go. After an error nothing is ticked: that was the error."""
    async with service.database.reading() as session:
        choices = await authorization.list_choices(session, service.settings, issuer, pending, now=now)
    template = "holder_consent.html" if choices else "holder_nothing.html"
    response = pages.render(
        request,
        template,
        status=400 if errors else 200,
        issuer=issuer,
        wallet=_wallet(request, pending),
        subject=pending.subject,
        is_invited=pending.issuer_state_hash is not None,
        choices=[_choice_card(request, issuer, choice) for choice in choices],
        path=_own_path(issuer, pending.id),
        errors=errors or {},
    )
    response.headers["Content-Security-Policy"] = _policy(pending.redirect_uri)
    return response


def _policy(redirect_uri: str) -> str:
    """Let this page's forms end at the wallet: `form-action` holds for the redirects of a form too. CSP3 §6.4.2.1.

    By scheme for https, since what answers there may send the browser on to its own app's address.
    """
    parts = urlsplit(redirect_uri)
    target = f"http://{parts.netloc}" if parts.scheme == "http" else f"{parts.scheme}:"
    return CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {target}")


def _choice_card(request: Request, issuer: CredentialIssuer, choice: Choice) -> dict[str, Any]:
    card = _card(issuer, AchievementRow(choice.row.achievement, choice.row.version), request)
    return {
        **card,
        "id": str(choice.award_id),
        "person": choice.person,
        "awarded_at": choice.row.award.awarded_at,
        "expires_at": choice.row.award.expires_at,
        "forms": authorization.securing_names(choice),
        "has_evidence": choice.has_evidence,
    }


@router.post("/{org}/authorize/{authorization_id}/agree")
async def agree(
    request: Request,
    issuer: IssuerDep,
    pending: PendingDep,
    form: FormDep,
    service: ServiceDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Send the browser back with a code for the awards that were agreed to. RFC 6749 §4.1.2, RFC 9207."""
    _ = translator(request)
    chosen = [value for value in form.getlist("award") if isinstance(value, str)]
    try:
        async with service.database.transaction() as session:
            url = await authorization.grant_authorization(session, service.settings, issuer, pending, chosen, now=now)
    except NothingChosenError as exc:
        return await _consent_page(request, issuer, pending, service, pages, now, errors={"award": _(exc.sentence)})
    return _leave(request, url)


@router.post("/{org}/authorize/{authorization_id}/refuse")
async def refuse(
    request: Request, issuer: IssuerDep, pending: PendingDep, _form: FormDep, session: SessionDep, now: NowDep
) -> Response:
    """Send the browser back with `access_denied`. RFC 6749 §4.1.2.1."""
    return _leave(request, await authorization.deny_authorization(session, issuer, pending, now=now))


def _leave(request: Request, url: str) -> Response:
    response = RedirectResponse(url, status_code=303)
    delete_cookie(response, request, _COOKIE)
    return response


# Staff: who waits for a link


@router.get("/back-office/{org}/sign-ins")
async def sign_ins_page(
    request: Request, staff: SignedInDep, service: ServiceDep, session: SessionDep, pages: PagesDep, now: NowDep
) -> Response:
    """Who asked for a link that staff hand over."""
    waiting = await sign_in_links.list_waiting_sign_ins(session, service.settings, staff.issuer, now=now)
    return pages.render(
        request,
        "sign_ins.html",
        staff=staff,
        waiting=waiting,
        secrets=None,
        by_mail=service.settings.sends_mail,
        place="sign-ins",
    )


@router.post("/back-office/{org}/sign-ins/{link_id}")
async def reveal_sign_in_link(
    request: Request,
    link_id: UUID,
    staff: SignedInDep,
    _form: FormDep,
    service: ServiceDep,
    database: DatabaseDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Show a link and its code, once."""
    async with database.transaction() as session:
        secrets = await sign_in_links.reveal_sign_in_link(
            session, service.settings, staff.issuer, link_id, actor=staff.actor, now=now
        )
    async with database.reading() as session:
        waiting = await sign_in_links.list_waiting_sign_ins(session, service.settings, staff.issuer, now=now)
    return pages.render(
        request, "sign_ins.html", staff=staff, waiting=waiting, secrets=secrets, by_mail=False, place="sign-ins"
    )


# Staff: where people sign in


_PROVIDER_FIELDS = ("issuer", "name", "client_id", "subject_claim")


@router.get("/back-office/{org}/sign-in-service")
async def provider_page(
    request: Request, staff: SignedInDep, service: ServiceDep, session: SessionDep, pages: PagesDep
) -> Response:
    """The organisation's OpenID Provider, and the address to register there."""
    found = await find_identity_provider(session, service.settings, staff.issuer)
    values = {name: getattr(found, name) if found is not None else "" for name in _PROVIDER_FIELDS}
    return _provider_page(request, pages, staff, values, is_set=found is not None)


def _provider_page(
    request: Request,
    pages: Pages,
    staff: SignedIn,
    values: dict[str, str],
    *,
    is_set: bool,
    errors: dict[str, str] | None = None,
) -> Response:
    return pages.render(
        request,
        "sign_in_service.html",
        status=400 if errors else 200,
        staff=staff,
        values={**values, "subject_claim": values["subject_claim"] or EMAIL_CLAIM},
        is_set=is_set,
        errors=errors or {},
        callback=callback_url(staff.issuer),
        place="sign-ins",
    )


@router.post("/back-office/{org}/sign-in-service")
async def keep_provider(
    request: Request,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    database: DatabaseDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Let people sign in there from now on; a secret that is left empty stays what it was."""
    values = {name: text(form, name) for name in _PROVIDER_FIELDS}
    secret = text(form, "client_secret")
    try:
        description = parse_identity_provider({**values, **({"client_secret": secret} if secret else {})})
        async with database.transaction() as session:
            await set_identity_provider(
                session, service.settings, staff.issuer, description, actor=staff.actor, now=now
            )
    except InputError as exc:
        async with database.reading() as session:
            is_set = await find_identity_provider(session, service.settings, staff.issuer) is not None
        errors = translated(request, exc.fields)
        return _provider_page(request, pages, staff, values, is_set=is_set, errors=errors)
    return _go(f"/back-office/{staff.issuer.slug}/sign-in-service")


@router.post("/back-office/{org}/sign-in-service/remove")
async def remove_provider(staff: SignedInDep, _form: FormDep, session: SessionDep, now: NowDep) -> Response:
    """Let people sign in by one-time link again."""
    await remove_identity_provider(session, staff.issuer, actor=staff.actor, now=now)
    return _go(f"/back-office/{staff.issuer.slug}/sign-in-service")

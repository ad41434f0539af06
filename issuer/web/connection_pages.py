"""The page on which an organisation connects its own system: API keys, what each may do, and who used which when."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from issuer import api_keys
from issuer.api_keys import STAFF_SCOPES, CreatedKey, KeyLine
from issuer.errors import N_, NotFoundError
from issuer.web.forms import text, texts
from issuer.web.pages import PagesDep, ServiceDep, SignedInDep
from runtime.dependencies import NowDep, SessionDep
from runtime.web.forms import FormDep
from runtime.web.language import translator
from runtime.web.routes import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

MAX_NAME: Final = 100
# What a right lets a system do; those that only the operator of the service gives stand last.
RIGHTS: Final = {
    "awards:read": N_("Uitreikingen en badges lezen"),
    "awards:write": N_("Badges uitreiken"),
    "status:write": N_("Badges goedkeuren, opschorten en intrekken"),
    "achievements:write": N_("Badges beschrijven en wijzigen"),
    "organisations:write": N_("Alles beheren, ook medewerkers en sleutels"),
}


@router.get("/back-office/{org}/connections")
async def connections_page(
    request: Request, staff: SignedInDep, service: ServiceDep, session: SessionDep, pages: PagesDep
) -> Response:
    """The keys that there are, and a form for a new one."""
    return await _render(request, staff, service, session, pages)


@router.post("/back-office/{org}/connections/api-keys")
async def add_api_key(
    request: Request,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Make a key on the name of whoever asks; it is shown on this page and never again."""
    name = text(form, "name")[:MAX_NAME]
    scopes = [scope for scope in STAFF_SCOPES if scope in texts(form, "scopes")]
    _, errors = translator(request), {}
    if not name:
        errors["name"] = _("Er is nog geen naam. Schrijf op welk systeem de sleutel krijgt.")
    if not scopes:
        errors["scopes"] = _("Er is nog niets gekozen. Kies minstens één ding dat het systeem mag.")
    if errors:
        return await _render(request, staff, service, session, pages, errors=errors, name=name, scopes=scopes)
    created = await api_keys.create_api_key(
        session,
        name=name,
        scopes=scopes,
        organisation_id=staff.issuer.organisation_id,
        operator_id=staff.operator_id,
        actor=staff.actor,
        now=now,
    )
    return await _render(request, staff, service, session, pages, created=created)


@router.get("/back-office/{org}/connections/api-keys/{key_id}/revoke")
async def revoke_page(
    request: Request, key_id: UUID, staff: SignedInDep, session: SessionDep, pages: PagesDep
) -> Response:
    """What withdrawing a key does, before it is done."""
    key = await _get_key(session, staff, key_id)
    return pages.render(request, "revoke_api_key.html", staff=staff, place="connections", key=key)


@router.post("/back-office/{org}/connections/api-keys/{key_id}/revoke")
async def revoke(key_id: UUID, staff: SignedInDep, _form: FormDep, session: SessionDep, now: NowDep) -> Response:
    """Withdraw a key: from now on it opens nothing."""
    await api_keys.revoke_api_key(session, staff.issuer.organisation_id, key_id, actor=staff.actor, now=now)
    return RedirectResponse(f"/back-office/{staff.issuer.slug}/connections", status_code=303)


async def _get_key(session: SessionDep, staff: SignedInDep, key_id: UUID) -> KeyLine:
    keys = await api_keys.list_api_keys(session, staff.issuer.organisation_id)
    found = next((key for key in keys if key.id == key_id and key.revoked_at is None), None)
    if found is None:
        raise NotFoundError(N_("Deze sleutel kennen we niet."))
    return found


async def _render(
    request: Request,
    staff: SignedInDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    *,
    errors: dict[str, str] | None = None,
    name: str = "",
    scopes: Sequence[str] = (),
    created: CreatedKey | None = None,
) -> Response:
    return pages.render(
        request,
        "connections.html",
        status=400 if errors else 200,
        staff=staff,
        place="connections",
        keys=await api_keys.list_api_keys(session, staff.issuer.organisation_id),
        rights=RIGHTS,
        staff_scopes=STAFF_SCOPES,
        errors=errors or {},
        name=name,
        chosen=scopes,
        created=created,
        api_url=f"{service.settings.public_url}/api/organisations/{staff.issuer.slug}",
    )

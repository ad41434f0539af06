"""The pages of an organisation's keys: which one signs, replace it, take one back, fetch the archive."""

from typing import Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from issuer import did_documents, signing_keys
from issuer.archive import ARCHIVE_TYPE, archive_headers, create_archive
from issuer.did_documents import KeyView
from issuer.errors import N_, NotFoundError
from issuer.web.pages import PagesDep, ServiceDep, SignedInDep
from runtime.dependencies import NowDep, SessionDep
from runtime.web.forms import FormDep
from runtime.web.routes import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

KeyChange = Literal["replace", "withdraw"]

USES: Final = {"ES256": N_("Voor badges in een wallet"), "Ed25519": N_("Voor badges als bestand")}
# Title, what happens then, and the words on the button.
_CHANGES: Final[dict[KeyChange, tuple[str, str, str]]] = {
    "replace": (
        N_("Sleutel vervangen"),
        N_("Vanaf nu tekent u met een nieuwe sleutel. Badges die u al uitreikte, blijven geldig."),
        N_("Ja, vervang"),
    ),
    "withdraw": (
        N_("Sleutel intrekken"),
        N_(
            "Elke badge die met deze sleutel is ondertekend, geldt dan niet meer. Dat kunt u niet terugdraaien. "
            "Doe dit alleen als iemand anders de sleutel heeft, en reik de badges daarna opnieuw uit."
        ),
        N_("Ja, trek in"),
    ),
}


@router.get("/back-office/{org}/keys")
async def keys_page(request: Request, staff: SignedInDep, session: SessionDep, pages: PagesDep) -> Response:
    """Every key that this organisation ever had."""
    keys = await did_documents.list_keys(session, staff.issuer.organisation_id)
    return pages.render(request, "keys.html", staff=staff, place="keys", keys=keys, uses=USES)


@router.get("/back-office/{org}/keys/archive")
async def archive(staff: SignedInDep, service: ServiceDep, now: NowDep) -> Response:
    """The archive, as a file. It signs what is due in transactions of its own."""
    made = await create_archive(service.database, service.settings, staff.issuer.slug, now=now)
    return Response(made.content, media_type=ARCHIVE_TYPE, headers=archive_headers(made))


@router.get("/back-office/{org}/keys/{fragment}/{change}")
async def change_key_page(
    request: Request, fragment: str, change: KeyChange, staff: SignedInDep, session: SessionDep, pages: PagesDep
) -> Response:
    """What replacing or taking back a key does, before it is done."""
    await _get_key(session, staff, fragment)
    return pages.render(
        request, "change_key.html", staff=staff, place="keys", fragment=fragment, change=change, words=_CHANGES[change]
    )


@router.post("/back-office/{org}/keys/{fragment}/replace")
async def replace_key(
    fragment: str,
    staff: SignedInDep,
    _form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Sign with a new key from now on. From a page that was left open, a key is not replaced a second time."""
    key = await _get_key(session, staff, fragment)
    if key.signs:
        await signing_keys.rotate_signing_key(
            session, service.settings, staff.issuer, key.algorithm, actor=staff.actor, now=now
        )
    return _to_keys(staff)


@router.post("/back-office/{org}/keys/{fragment}/withdraw")
async def withdraw_key(
    fragment: str,
    staff: SignedInDep,
    _form: FormDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Take back a key that leaked."""
    await signing_keys.withdraw_signing_key(session, staff.issuer, fragment, actor=staff.actor, now=now)
    return _to_keys(staff)


async def _get_key(session: SessionDep, staff: SignedInDep, fragment: str) -> KeyView:
    keys = await did_documents.list_keys(session, staff.issuer.organisation_id)
    found = next((key for key in keys if key.fragment == fragment and key.withdrawn_at is None), None)
    if found is None:
        raise NotFoundError(N_("Deze sleutel kennen we niet."))
    return found


def _to_keys(staff: SignedInDep) -> RedirectResponse:
    return RedirectResponse(f"/back-office/{staff.issuer.slug}/keys", status_code=303)

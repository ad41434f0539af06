"""The pages of endorsements: what others say of one's badges, and what one says of theirs."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from issuer import endorsements
from issuer.achievements import achievement_uri, description_of, get_achievement, input_problems
from issuer.endorsements import MAX_BYTES, EndorsementDescription
from issuer.errors import N_, ConflictError, InputError, IssuerError
from issuer.models import GivenEndorsement
from issuer.operators import SignedIn
from issuer.store import AchievementRow
from issuer.web.forms import text
from issuer.web.pages import PagesDep, ServiceDep, SignedInDep, translated
from runtime.dependencies import NowDep, SessionDep
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_LABELS = {
    "subject": N_("Adres van de badge"),
    "name": N_("Naam van de badge"),
    "comment": N_("Waarom beveelt u hem aan?"),
    "endorsement": N_("Aanbeveling"),
}
_GIVEN_FIELDS = ("subject", "name", "comment")


# What others say of a badge of ours


@router.get("/back-office/{org}/achievements/{slug}/endorsements")
async def received_page(
    request: Request, slug: str, staff: SignedInDep, session: SessionDep, pages: PagesDep
) -> Response:
    """What others say of this badge, and how one gets them to."""
    return _received(request, pages, staff, await get_achievement(session, staff.issuer, slug))


@router.post("/back-office/{org}/achievements/{slug}/endorsements")
async def add_endorsement(
    request: Request,
    slug: str,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Check what was received, and let badges carry it from now on."""
    try:
        await endorsements.add_endorsement(
            service.database,
            service.fetch,
            staff.issuer,
            slug,
            await _read_endorsement(form),
            actor=staff.actor,
            now=now,
        )
    except (InputError, ConflictError) as exc:
        async with service.database.reading() as session:
            row = await get_achievement(session, staff.issuer, slug)
        return _received(request, pages, staff, row, exc, pasted=text(form, "endorsement"))
    return _go(f"/back-office/{staff.issuer.slug}/achievements/{slug}/endorsements")


@router.post("/back-office/{org}/achievements/{slug}/endorsements/remove")
async def remove_endorsement(
    slug: str, staff: SignedInDep, form: FormDep, session: SessionDep, now: NowDep
) -> Response:
    """Leave it out of badges that are awarded from now on."""
    await endorsements.remove_endorsement(session, staff.issuer, slug, text(form, "id"), actor=staff.actor, now=now)
    return _go(f"/back-office/{staff.issuer.slug}/achievements/{slug}/endorsements")


async def _read_endorsement(form: FormData) -> bytes:
    upload = form.get("file")
    if isinstance(upload, UploadFile) and upload.filename:
        return await upload.read(MAX_BYTES + 1)
    return text(form, "endorsement").encode()


def _received(
    request: Request,
    pages: Pages,
    staff: SignedIn,
    row: AchievementRow,
    error: IssuerError | None = None,
    *,
    pasted: str = "",
) -> Response:
    errors = {} if error is None else error.fields or {"endorsement": error.sentence}
    return pages.render(
        request,
        "endorsements_received.html",
        status=400 if errors else 200,
        staff=staff,
        slug=row.achievement.slug,
        name=description_of(row).name.best(request_language(request)),
        uri=achievement_uri(staff.issuer, row.achievement.slug),
        received=endorsements.received_endorsements(row),
        pasted=pasted,
        errors=translated(request, errors),
        summary=_summary(request, errors),
        place="badges",
    )


# What we say of others' badges


@router.get("/back-office/{org}/endorsements")
async def given_page(request: Request, staff: SignedInDep, session: SessionDep, pages: PagesDep) -> Response:
    """What this organisation said of others' badges, and the form to say more."""
    given = await endorsements.list_given_endorsements(session, staff.issuer)
    return _given(request, pages, staff, given)


@router.post("/back-office/{org}/endorsements")
async def give_endorsement(
    request: Request,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Sign what is said; the file is for whoever issues the badge."""
    values = {name: text(form, name) for name in _GIVEN_FIELDS}
    try:
        description = EndorsementDescription.model_validate(values)
        await endorsements.give_endorsement(
            session, service.settings, staff.issuer, description, actor=staff.actor, now=now
        )
    except (ValidationError, InputError) as exc:
        fields = exc.fields if isinstance(exc, InputError) else input_problems(exc)
        given = await endorsements.list_given_endorsements(session, staff.issuer)
        return _given(request, pages, staff, given, values, fields)
    return _go(f"/back-office/{staff.issuer.slug}/endorsements")


@router.get("/back-office/{org}/endorsements/{endorsement_id}/file")
async def get_endorsement(endorsement_id: UUID, staff: SignedInDep, session: SessionDep) -> Response:
    """The signed endorsement, as it was signed."""
    given = await endorsements.get_given_endorsement(session, staff.issuer, endorsement_id)
    headers = {
        "Content-Disposition": f'attachment; filename="endorsement-{given.id}.json"',
        "Cache-Control": "no-store",
    }
    return Response(given.document, media_type="application/vc+ld+json", headers=headers)


@router.post("/back-office/{org}/endorsements/{endorsement_id}/withdraw")
async def withdraw_endorsement(
    endorsement_id: UUID, staff: SignedInDep, _form: FormDep, session: SessionDep, now: NowDep
) -> Response:
    """Take it back, for good. Pressed twice, it was taken back once."""
    given = await endorsements.get_given_endorsement(session, staff.issuer, endorsement_id)
    if given.withdrawn_at is None:
        await endorsements.withdraw_endorsement(session, staff.issuer, endorsement_id, actor=staff.actor, now=now)
    return _go(f"/back-office/{staff.issuer.slug}/endorsements")


def _given(
    request: Request,
    pages: Pages,
    staff: SignedIn,
    given: Sequence[GivenEndorsement],
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    return pages.render(
        request,
        "endorsements_given.html",
        status=400 if errors else 200,
        staff=staff,
        given=given,
        values=values or dict.fromkeys(_GIVEN_FIELDS, ""),
        errors=translated(request, errors or {}),
        summary=_summary(request, errors or {}),
        place="badges",
    )


def _summary(request: Request, fields: Mapping[str, str]) -> dict[str, str]:
    _ = translator(request)
    labels = {name: _(_LABELS.get(name, name)) for name in fields}
    return {
        name: f"{labels[name]}{'' if labels[name].endswith('?') else ':'} {_(sentence)}"
        for name, sentence in fields.items()
    }


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)

"""The pages of the issuer: for visitors one page a badge, for staff the back office."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from issuer import achievements, awards, badge_files, operators, recipients, status, status_messages, store
from issuer.achievements import (
    AchievementDescription,
    SkillReference,
    achievement_uri,
    description_of,
    get_achievement,
    logo_of,
)
from issuer.award_details import create_award_claims
from issuer.awards import AwardView
from issuer.credential_issuer import CredentialIssuer, get_issuer, list_issuers
from issuer.credential_offer import OfferPolicy
from issuer.errors import N_, ChangedMeanwhileError, ConflictError, InputError, IssuerError, NotFoundError
from issuer.images import BadgeImage
from issuer.input import LARGEST_NUMBER
from issuer.models import AuditEntry
from issuer.operators import SignedIn, SignInError
from issuer.settings import IssuerSettings
from issuer.status import Change
from issuer.store import AchievementRow
from issuer.web.award_form import ABOUT_FIELDS, create_measured
from issuer.web.forms import (
    ONE_PERSON,
    AchievementForm,
    as_description,
    errors_by_field,
    find_skills,
    form_of,
    read_achievement_form,
    read_recipients,
    read_shown_skills,
    recipients_as_json,
    recipients_from_json,
    slug_of,
    text,
)
from kernel.errors import MalformedError
from kernel.microcredential import read_microcredential_badge
from kernel.open_badges import BadgeView, badge_view
from kernel.status.messages import StatusMessage, find_message
from runtime.badge_facts import LEARNING_ELEMENTS, Fact, Outcome, create_facts
from runtime.dependencies import DatabaseDep, NowDep, SessionDep, get_service
from runtime.service import Service
from runtime.tokens import create_token
from runtime.web.cookies import delete_session_cookie, session_token, set_session_cookie
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.operators import normalise_email
from runtime.web.pages import Pages, local_path
from runtime.web.qr import draw_qr
from runtime.web.routes import PageRoute
from runtime.web.visitors import remember_browser, visitor_of
from skills.skill import ESCO_MODIFIED_NOTICE, ESCO_NOTICE

router = APIRouter(include_in_schema=False, route_class=PageRoute)

# Far beyond what anybody awards; its rows can still be counted on both databases.
_LAST_PAGE = 1_000_000

ServiceDep = Annotated[Service[IssuerSettings], Depends(get_service)]


def get_pages(request: Request) -> Pages:
    """The templates and texts of this application."""
    pages: Pages = request.app.state.pages
    return pages


PagesDep = Annotated[Pages, Depends(get_pages)]

# For each state of an award: kind and symbol of its mark, and the words.
STATES = {
    "offered": ("warn", "clock", N_("uitgenodigd, nog niet geopend")),
    "opened": ("warn", "clock", N_("uitnodiging geopend")),
    "issued": ("good", "check", N_("opgehaald")),
    "received": ("good", "check", N_("in wallet")),
    "as_file": ("good", "check", N_("als bestand uitgereikt")),
    "offer_expired": ("warn", "clock", N_("uitnodiging verlopen")),
    "offer_void": ("bad", "stop", N_("uitnodiging ongeldig")),
    "waiting": ("warn", "clock", N_("wacht op goedkeuring")),
    "suspended": ("warn", "half", N_("opgeschort")),
    "revoked": ("bad", "stop", N_("ingetrokken")),
}
IN_WALLET = frozenset({"issued", "received"})
TYPES = (
    ("Badge", N_("Badge")),
    ("Certificate", N_("Certificaat")),
    ("Competency", N_("Vaardigheid")),
    ("Course", N_("Cursus")),
    ("Fieldwork", N_("Praktijkopdracht of stage")),
    ("CommunityService", N_("Vrijwilligerswerk")),
    ("MicroCredential", N_("Microcredential")),
    ("Diploma", N_("Diploma")),
    ("Award", N_("Prijs")),
    ("Achievement", N_("Iets anders")),
)
PARTICIPATION = (
    ("", "–"),
    ("onsite", N_("Op locatie")),
    ("online", N_("Online")),
    ("blended", N_("Deels online")),
    ("onsite_or_blended", N_("Op locatie of deels online")),
    ("work_experience", N_("Op het werk")),
    ("volunteering", N_("Als vrijwilliger")),
    ("personalised", N_("Met activiteiten op maat")),
    ("project_based", N_("In een project")),
    ("research", N_("Met onderzoek")),
)


ASSESSMENT = (
    ("", "–"),
    ("written_exam", N_("Schriftelijk examen")),
    ("oral_exam", N_("Mondeling examen")),
    ("report_paper", N_("Verslag of scriptie")),
    ("portfolio_assessment", N_("Portfolio")),
    ("professional_product", N_("Beroepsproduct")),
    ("behavioural_assessment", N_("Beoordeling van gedrag")),
    ("peer_assessment", N_("Beoordeling door medestudenten of collega’s")),
    ("development_report", N_("Ontwikkelverslag")),
    ("personalized_assessment", N_("Beoordeling op maat")),
    ("testing", N_("Toets")),
    ("skill_application", N_("Toepassen van een skill")),
    ("recognition_of_prior_learning", N_("Erkenning van wat iemand al kan")),
    ("continuous_evaluation", N_("Beoordeling tijdens het werk")),
    ("group_performance", N_("Prestatie van de groep")),
    ("attendance", N_("Aanwezigheid")),
    ("project_work", N_("Projectwerk")),
    ("peer_review", N_("Feedback van medestudenten")),
    ("quiz", N_("Quiz")),
    ("problem_based_learning", N_("Werken aan een probleem")),
)
NLQF = (("", "–"), *((level, level) for level in ("Instroom", "1", "2", "3", "4", "4+", "5", "6", "7", "8")))
SUPERVISION = (
    ("", "–"),
    ("onsite", N_("Met toezicht, op locatie")),
    ("online", N_("Met toezicht, online")),
    ("unsupervised", N_("Zonder toezicht")),
)
IDENTITY_CHECK = (("", "–"), ("true", N_("Ja")), ("false", N_("Nee")))
APPROVAL = (
    ("", N_("Nee, wie uitreikt beslist")),
    ("second_person", N_("Ja, een collega keurt goed voordat de badge in de wallet komt")),
)
STACKABILITY = (("", "–"), ("standalone", N_("Staat op zichzelf")), ("stackable", N_("Telt mee voor iets groters")))

CHOICES = {
    "nlqf_level": NLQF,
    "assessment_type": ASSESSMENT,
    "participation_type": PARTICIPATION,
    "supervision": SUPERVISION,
    "identity_checked": IDENTITY_CHECK,
    "stackability": STACKABILITY,
    "approval": APPROVAL,
}


class SignInNeeded(Exception):  # noqa: N818  not an error: it sends people to the sign-in page
    """Nobody is signed in; `next_path` is where they wanted to go."""

    def __init__(self, next_path: str) -> None:
        super().__init__(next_path)
        self.next_path = next_path


async def signed_in(request: Request, service: ServiceDep, now: NowDep) -> SignedIn:
    """Who is signed in, for an organisation's own pages only; another's do not exist for them (A-52).

    Known before a form is read, and in a transaction of its own: no stranger's upload is read at all, and nobody waits
    for one that comes in slowly.
    """
    async with service.database.transaction() as session:
        found = await operators.find_signed_in(session, service.settings, session_token(request), now=now)
    if found is None:
        raise SignInNeeded(request.url.path if request.method == "GET" else "/back-office")
    if request.path_params.get("org", found.issuer.slug) != found.issuer.slug:
        raise NotFoundError
    return found


SignedInDep = Annotated[SignedIn, Depends(signed_in)]


# The fields of an achievement that are always in sight; the others unfold when one of them is wrong.
MAIN_FIELDS = frozenset({"name", "description", "criteria", "assessment", "achievement_type", "skill_query", "image"})


# Of what a badge measures: how somebody says what was reached.
RESULT_KINDS = (
    ("levels", N_("Met een niveau, zoals voldoende of goed")),
    ("number", N_("Met een getal, zoals een score")),
    ("values", N_("Met een vaste waarde, zoals A, B of C")),
    ("status", N_("Gehaald of niet gehaald")),
)


def _find_result_fields(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(("grade_", "result_", "outcomes"))}


FIELD_LABELS = {
    "name": N_("Naam van de badge"),
    "description": N_("Wat deed iemand die deze badge heeft?"),
    "criteria": N_("Wat is nodig om hem te krijgen?"),
    "assessment": N_("Hoe beoordeelt u dat?"),
    "skill_query": N_("Welke skills blijken eruit?"),
    "image": N_("Afbeelding"),
    "validity_days": N_("Hoeveel dagen geldig?"),
    "ects": N_("Studiepunten (ECTS)"),
    "sbu": N_("Studiebelastingsuren (SBU)"),
    "eqf_level": N_("EQF-niveau (1 tot 8)"),
    "nlqf_level": N_("NLQF-niveau"),
    "assessment_type": N_("Soort beoordeling"),
    "prerequisites": N_("Wat moet iemand al kunnen?"),
    "supervision": N_("Is er toezicht bij de beoordeling?"),
    "identity_checked": N_("Controleert iemand wie de deelnemer is?"),
    "stackability": N_("Hoort het bij iets groters?"),
    "approval": N_("Keurt een tweede persoon elke uitreiking goed?"),
    "participation_type": N_("Hoe doet iemand mee?"),
    "outcomes": N_("Wat kan iemand daarna?"),
    "grade_name": N_("Hoe heet het cijfer?"),
    "grade_minimum": N_("Laagste cijfer"),
    "grade_maximum": N_("Hoogste cijfer"),
    "grade_required": N_("Nodig om te halen"),
    "hours": N_("Hoeveel uur kost het?"),
    "tags": N_("Trefwoorden"),
    "field_of_study": N_("Vakgebied"),
    "isced_f": N_("ISCED-F-code"),
    "programmes": N_("Codes van de opleiding"),
    "creator_name": N_("Wie maakte het programma?"),
    "creator_url": N_("Webadres van de maker"),
    **{f"result_{place}": N_("Een resultaat") for place in range(50)},
    "quality_name": N_("Wie bewaakt de kwaliteit?"),
    "quality_url": N_("Webadres daarvan"),
    "grade": N_("Cijfer"),
    "narrative": N_("Toelichting"),
    "activity_start_date": N_("Begonnen op"),
    "activity_end_date": N_("Klaar op"),
    "credits_earned": N_("Behaalde studiepunten"),
    "role": N_("Rol"),
    "term": N_("Periode"),
    "license_number": N_("Licentienummer"),
    "birth_date": N_("Geboortedatum"),
    "on_behalf_of_name": N_("Uitgereikt namens"),
    "on_behalf_of_url": N_("Webadres van die organisatie"),
    "given_name": N_("Voornaam"),
    "family_name": N_("Achternaam"),
    "email": N_("E-mailadres"),
    "evidence_name": N_("Naam van het bewijs"),
    "evidence_description": N_("Wat het laat zien"),
    "evidence_file": N_("Bestand"),
    "evidence_url": N_("Webadres van het bewijs"),
    "people": N_("Lijst"),
    "file": N_("Bestand"),
}


def _summary(request: Request, fields: Mapping[str, str], names: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same sentences for the top of the page, where each must say which field it is about.

    `names` are what an organisation calls fields of its own, which no catalogue has.
    """
    _, own = translator(request), names or {}
    labels = {name: own.get(name) or _(FIELD_LABELS.get(name, name)) for name in fields}
    return {
        name: f"{labels[name]}{'' if labels[name].endswith('?') else ':'} {_(sentence)}"
        for name, sentence in fields.items()
    }


def translated(request: Request, fields: Mapping[str, str]) -> dict[str, str]:
    """The sentences of a refusal in the language of the page."""
    _ = translator(request)
    return {name: _(sentence) for name, sentence in fields.items()}


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


# For everybody


@router.get("/")
async def front_page(request: Request, service: ServiceDep, pages: PagesDep) -> Response:
    """What this is, and whose badges it issues."""
    async with service.database.reading() as session:
        issuers = await list_issuers(session, service.settings)
        rows = [(issuer, await achievements.list_achievements(session, issuer)) for issuer in issuers]
    cards = [(issuer, [_card(issuer, row, request) for row in found]) for issuer, found in rows]
    return pages.render(request, "front.html", organisations=cards)


def _card(issuer: CredentialIssuer, row: AchievementRow, request: Request) -> dict[str, Any]:
    language = request_language(request)
    description = description_of(row)
    return {
        "slug": description.slug,
        "name": description.name.best(language),
        "name_language": description.name.language(language),
        "description": description.description.best(language),
        "description_language": description.description.language(language),
        "image": f"/{issuer.slug}/achievements/{description.slug}/image?version={row.version.version}",
        "skills": [_skill(request, skill, language) for skill in description.skills],
        "version": row.version.version,
        "is_endorsed": "endorsement" in row.version.achievement,
        "url": f"/{issuer.slug}/achievements/{description.slug}",
    }


def _skill(request: Request, skill: SkillReference, language: str) -> dict[str, str]:
    """A skill in the language of the page where its framework has that, else as it was written down. S-02."""
    service: Service[IssuerSettings] = get_service(request)
    known = service.skills.get(skill.uri)
    if known is None:
        return {"text": skill.name, "lang": language, "uri": skill.uri}
    return {"text": known.label(language), "lang": known.label_language(language), "uri": skill.uri}


@router.get("/{org}/achievements/{slug}")
async def achievement_page(
    request: Request,
    org: str,
    slug: str,
    service: ServiceDep,
    pages: PagesDep,
    version: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None,
) -> Response:
    """An achievement for everybody; as JSON for a program that asks for it. Open Badges 3.0: `achievement.id`."""
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, org)
        row = await get_achievement(session, issuer, slug, version)
    headers = {"Access-Control-Allow-Origin": "*", "Vary": "Accept, Accept-Language, Cookie"}
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(row.version.achievement, headers=headers)
    description = description_of(row)
    response = pages.render(
        request,
        "achievement_public.html",
        issuer=issuer,
        card=_card(issuer, row, request),
        description=description,
        chosen=_chosen(request, description),
        outcomes=_outcomes(request, description),
        uri=achievement_uri(issuer, slug),
        version=row.version,
    )
    response.headers.update(headers)
    return response


def _outcomes(request: Request, description: AchievementDescription) -> list[Outcome]:
    """What somebody can do afterwards, each skill by the name that it has on the rest of the page."""
    language = request_language(request)
    names = {skill.uri: _skill(request, skill, language)["text"] for skill in description.skills}
    return [
        Outcome(
            text=outcome.text.best(language),
            language=outcome.text.language(language),
            level=outcome.level,
            skills=tuple(names[uri] for uri in outcome.skills if uri in names),
        )
        for outcome in description.learning_outcomes
    ]


def _chosen(request: Request, description: AchievementDescription) -> list[tuple[str, str]]:
    """What was chosen from a list, with the words of the form."""
    _ = translator(request)
    values = form_of(description, request_language(request)).values
    return [
        (_(FIELD_LABELS[name]), _(dict(choices)[values[name]])) for name, choices in CHOICES.items() if values[name]
    ]


@router.get("/{org}/achievements/{slug}/image")
async def achievement_image(
    org: str, slug: str, service: ServiceDep, version: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None
) -> Response:
    """The art of a version. Whatever is in it, a browser runs nothing of it and guesses no other type (A-41)."""
    async with service.database.reading() as session:
        row = await get_achievement(session, await get_issuer(session, service.settings, org), slug, version)
    return _show_art(BadgeImage(row.version.image, row.version.image_type), version)


@router.get("/{org}/achievements/{slug}/logo")
async def achievement_logo(
    org: str, slug: str, service: ServiceDep, version: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None
) -> Response:
    """The PNG that the metadata show for a version (I-19)."""
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, org)
        row = await get_achievement(session, issuer, slug, version)
    return _show_art(logo_of(issuer, row), version)


def _show_art(art: BadgeImage, version: int | None) -> Response:
    headers = {
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": f"public, max-age={86400 if version is not None else 300}",
    }
    return Response(art.content, media_type=art.media_type, headers=headers)


# Signing in


@router.get("/sign-in")
async def sign_in_page(request: Request, pages: PagesDep, next: str = "/back-office") -> Response:
    """Where staff sign in."""
    return pages.render(request, "sign_in.html", next=local_path(next), email="", wrong=False)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    form: FormDep,
    database: DatabaseDep,
    service: ServiceDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Sign in, or say that it did not work, the same for every reason."""
    email, target = text(form, "email"), local_path(text(form, "next") or "/back-office")
    passphrase = form.get("passphrase")
    given = passphrase if isinstance(passphrase, str) else ""
    key, name = service.settings.visitor_key(), normalise_email(email)
    try:
        token = await operators.sign_in(database, email, given, visitor=visitor_of(request, key, name), now=now)
    except SignInError:
        return pages.render(request, "sign_in.html", status=400, next=target, email=email, wrong=True)
    response = _go(target)
    set_session_cookie(response, request, token)
    remember_browser(response, request, key, name)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, _form: FormDep, session: SessionDep) -> Response:
    """End the session."""
    await operators.sign_out(session, session_token(request))
    response = _go("/")
    delete_session_cookie(response, request)
    return response


# Achievements


@router.get("/back-office")
async def back_office(staff: SignedInDep) -> Response:
    """To one's own organisation."""
    return _go(f"/back-office/{staff.issuer.slug}")


@router.get("/back-office/{org}")
async def achievements_page(request: Request, staff: SignedInDep, session: SessionDep, pages: PagesDep) -> Response:
    """The organisation's badges."""
    rows = await achievements.list_achievements(session, staff.issuer)
    counts = await store.count_awards(session, staff.issuer.organisation_id)
    cards = [{**_card(staff.issuer, row, request), "count": counts.get(row.achievement.id)} for row in rows]
    return pages.render(request, "achievements.html", staff=staff, cards=cards, place="badges")


def _translated_choices(request: Request) -> dict[str, list[tuple[str, str]]]:
    _ = translator(request)
    return {name: [(code, _(words)) for code, words in choices] for name, choices in CHOICES.items()}


def _form_page(
    request: Request,
    pages: Pages,
    staff: SignedIn,
    form: AchievementForm,
    *,
    current: Mapping[str, Any] | None,
    changed_meanwhile: bool = False,
) -> Response:
    service: Service[IssuerSettings] = get_service(request)
    return pages.render(
        request,
        "achievement_form.html",
        status=412 if changed_meanwhile else 400 if form.errors else 200,
        staff=staff,
        form=form,
        errors=translated(request, form.errors),
        summary=_summary(request, form.errors),
        more_is_wrong=not form.errors.keys() <= MAIN_FIELDS | _find_result_fields(form.errors),
        results_are_wrong=bool(_find_result_fields(form.errors)),
        result_kinds=RESULT_KINDS,
        types=TYPES,
        choices=_translated_choices(request),
        search_available=service.skills.available,
        esco=ESCO_NOTICE,
        esco_modified=ESCO_MODIFIED_NOTICE[request_language(request)],
        place="badges",
        current=current,
        changed_meanwhile=changed_meanwhile,
    )


@router.get("/back-office/{org}/achievements/new")
async def new_achievement_page(request: Request, staff: SignedInDep, pages: PagesDep) -> Response:
    """Describe a badge."""
    form = AchievementForm()
    form.values["achievement_type"] = "Badge"
    return _form_page(request, pages, staff, form, current=None)


@router.post("/back-office/{org}/achievements/new")
async def create_achievement(
    request: Request,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Add the badge; or search, add or remove a skill, and show the form again with all that was typed."""
    read = await read_achievement_form(form, service.skills, request_language(request))
    if text(form, "action") == "save" and not read.errors:
        try:
            description = _description(read, slug_of(read.values["name"]))
            await achievements.create_achievement(
                session, staff.issuer, description, skills=service.skills, actor=staff.actor, now=now
            )
        except (IssuerError, MalformedError) as exc:
            _keep_errors(read, exc)
        else:
            return _go(f"/back-office/{staff.issuer.slug}/achievements/{description.slug}")
    return _form_page(request, pages, staff, read, current=None)


def _description(
    read: AchievementForm, slug: str, current: AchievementDescription | None = None
) -> AchievementDescription:
    return achievements.parse_description(as_description(read, slug, current))


def _keep_errors(read: AchievementForm, error: IssuerError | MalformedError) -> None:
    """What was wrong, beside the field that it is about; what no field is to blame for goes to the name."""
    fields = error.fields if isinstance(error, IssuerError) else {}
    sentence = error.sentence if isinstance(error, IssuerError) else InputError.sentence
    read.errors = errors_by_field(fields) or {"name": sentence}


@router.get("/back-office/{org}/achievements/{slug}")
async def awards_of_achievement(
    request: Request,
    slug: str,
    staff: SignedInDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
    awarded: Annotated[int, Query(ge=0, le=recipients.MAX_LINES)] = 0,
) -> Response:
    """A badge and to whom it was awarded."""
    row = await get_achievement(session, staff.issuer, slug)
    count = (await store.count_awards(session, staff.issuer.organisation_id)).get(row.achievement.id)
    views = await awards.list_awards(
        session,
        service.settings,
        staff.issuer,
        achievement_id=row.achievement.id,
        limit=PAGE_SIZE,
        offset=(page - 1) * PAGE_SIZE,
        now=now,
    )
    return pages.render(
        request,
        "achievement.html",
        staff=staff,
        card=_card(staff.issuer, row, request),
        warnings=[translator(request)(sentence) for sentence in achievements.warnings_about(description_of(row))],
        count=count,
        awarded=awarded,
        awards=views,
        states=STATES,
        page=page,
        page_size=PAGE_SIZE,
        place="badges",
    )


PAGE_SIZE = 100


@router.get("/back-office/{org}/achievements/{slug}/change")
async def change_achievement_page(
    request: Request, slug: str, staff: SignedInDep, session: SessionDep, pages: PagesDep
) -> Response:
    """Describe the next version."""
    row = await get_achievement(session, staff.issuer, slug)
    form = form_of(description_of(row), request_language(request))
    return _form_page(request, pages, staff, form, current=_card(staff.issuer, row, request))


@router.post("/back-office/{org}/achievements/{slug}/change")
async def change_achievement(
    request: Request,
    slug: str,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Make the next version; what was awarded keeps its own. Of two editors the second is told, and loses nothing."""
    row = await get_achievement(session, staff.issuer, slug)
    read = await read_achievement_form(form, service.skills, request_language(request))
    number = row.version.version
    is_newest = read.from_version == str(number)
    if text(form, "action") == "save" and is_newest and not read.errors:
        try:
            description = _description(read, slug, description_of(row))
            await achievements.change_achievement(
                session,
                staff.issuer,
                description,
                from_version=number,
                skills=service.skills,
                actor=staff.actor,
                now=now,
            )
        except ChangedMeanwhileError:
            is_newest = False
        except (IssuerError, MalformedError) as exc:
            _keep_errors(read, exc)
        else:
            return _go(f"/back-office/{staff.issuer.slug}/achievements/{slug}")
    card = _card(staff.issuer, row, request)
    return _form_page(request, pages, staff, read, current=card, changed_meanwhile=not is_newest)


@router.get("/back-office/{org}/skills")
async def suggest_skills(
    request: Request, staff: SignedInDep, service: ServiceDep, q: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Skills while typing, for the form's script."""
    return JSONResponse({"skills": find_skills(service.skills, q, request_language(request))})


# Awards


def _award_page(
    request: Request,
    pages: Pages,
    staff: SignedIn,
    row: AchievementRow,
    form: FormData | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    """The two ways to say to whom, with all that was typed but the files, which a browser cannot fill in again."""
    measured = create_measured(description_of(row), request_language(request), translator(request))
    names = {f"result-{one.id}": one.name for one in measured.results}
    values = {name: "" if form is None else text(form, name) for name in (*ONE_PERSON, *names)}
    shown = {} if form is None else read_shown_skills(form, [one.id for one in measured.results])
    return pages.render(
        request,
        "award.html",
        status=400 if errors else 200,
        staff=staff,
        card=_card(staff.issuer, row, request),
        people="" if form is None else text(form, "people"),
        values=values,
        measured=measured,
        shown_skills=shown,
        award_is_told=any(values[name] or name in (errors or {}) for name in ABOUT_FIELDS),
        errors=translated(request, errors or {}),
        summary=_summary(request, errors or {}, names),
        place="badges",
    )


@router.get("/back-office/{org}/achievements/{slug}/award")
async def award_page(request: Request, slug: str, staff: SignedInDep, session: SessionDep, pages: PagesDep) -> Response:
    """To whom?"""
    return _award_page(request, pages, staff, await get_achievement(session, staff.issuer, slug))


@router.post("/back-office/{org}/achievements/{slug}/award/preview")
async def preview_award(
    request: Request,
    slug: str,
    staff: SignedInDep,
    form: FormDep,
    session: SessionDep,
    pages: PagesDep,
) -> Response:
    """Show who will get the badge, and which lines cannot be used, before anything happens."""
    row = await get_achievement(session, staff.issuer, slug)
    try:
        found, people = await read_recipients(form, row)
    except InputError as exc:
        return _award_page(request, pages, staff, row, form, exc.fields)
    return pages.render(
        request,
        "award_preview.html",
        staff=staff,
        card=_card(staff.issuer, row, request),
        people=people,
        recipients=recipients_as_json(found),
        views=[_view_of(create_award_claims(line.recipient, row.version.achievement), row) for line in found.good],
        found=found,
        idempotency_key=create_token(16),
        place="badges",
    )


@router.post("/back-office/{org}/achievements/{slug}/award")
async def award(
    slug: str,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Award to the people of the preview. The key from there makes a second press of the button harmless."""
    views = await awards.award_achievement(
        session,
        service.settings,
        staff.issuer,
        slug,
        awards.parse_award_request({"recipients": recipients_from_json(text(form, "people"))}),
        idempotency_key=f"page-{text(form, 'idempotency_key')[:64] or create_token(16)}",
        actor=staff.actor,
        person=staff.actor,
        now=now,
    )
    base = f"/back-office/{staff.issuer.slug}"
    return _go(
        f"{base}/awards/{views[0].id}" if len(views) == 1 else f"{base}/achievements/{slug}?awarded={len(views)}"
    )


@router.get("/back-office/{org}/awards")
async def awards_page(
    request: Request,
    staff: SignedInDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
) -> Response:
    """Everything that was awarded, newest first."""
    views = await awards.list_awards(
        session, service.settings, staff.issuer, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE, now=now
    )
    names = {
        row.achievement.slug: description_of(row).name.best(request_language(request))
        for row in await achievements.list_achievements(session, staff.issuer)
    }
    return pages.render(
        request,
        "awards.html",
        staff=staff,
        awards=views,
        names=names,
        states=STATES,
        page=page,
        page_size=PAGE_SIZE,
        place="awards",
    )


def _view_of(claims: Mapping[str, Any], row: AchievementRow) -> BadgeView:
    """What the badge of an award will say of its holder, as a reader of it would see that."""
    subject = {**claims.get("subject", {}), "achievement": row.version.achievement, "result": claims.get("result", [])}
    return badge_view({"credentialSubject": subject}, "ldp_vc")


def _learning_of(row: AchievementRow, language: str) -> Sequence[Fact]:
    """What every badge of this version says of level, workload, quality and the like."""
    content = read_microcredential_badge({"credentialSubject": {"achievement": row.version.achievement}})
    return create_facts(content, language, LEARNING_ELEMENTS)


@router.get("/back-office/{org}/awards/{award_id}")
async def one_award(
    request: Request,
    award_id: UUID,
    staff: SignedInDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """One award: the invitation while it is open, the state, what happened, and what can be done."""
    _ = translator(request)
    view = await awards.get_award(session, service.settings, staff.issuer, award_id, now=now)
    row = await get_achievement(session, staff.issuer, view.achievement_slug, view.achievement_version)
    trail = await store.list_audit(session, staff.issuer.organisation_id, str(award_id))
    return pages.render(
        request,
        "one_award.html",
        staff=staff,
        award=view,
        view=_view_of(view.claims, row),
        learning=_learning_of(row, request_language(request)),
        card=_card(staff.issuer, row, request),
        qr=None if view.offer is None else draw_qr(view.offer.link),
        haip_qr=None if view.offer is None or view.offer.haip_link is None else draw_qr(view.offer.haip_link),
        states=STATES,
        trail=trail,
        was_copied=_was_copied(trail),
        may_be_suspended=await status.may_be_suspended(session, award_id),
        actions=ACTIONS,
        file=await badge_files.find_badge_file(session, service.settings, staff.issuer, award_id),
        file_words=FILE_WORDS,
        has_messages=status_messages.takes_messages(row.version.description),
        message_options=[(message.value, _(words)) for message, words in STATUS_MESSAGES.items()],
        place="awards",
    )


def _was_copied(trail: Sequence[AuditEntry]) -> bool:
    """Whether two parties used the invitation, and nobody made a new one since. A-24."""
    told = [entry.action for entry in trail if entry.action in ("offer.redeemed_twice", "award.offer")]
    return told[-1:] == ["offer.redeemed_twice"]


# For each form of a file: what it is called, and what it is for.
FILE_WORDS = {
    "png": (
        N_("Plaatje (PNG)"),
        N_("De badge zit in het plaatje. Voor op een website, in een portfolio of in een mail."),
    ),
    "svg": (N_("Tekening (SVG)"), N_("Hetzelfde, in een tekening. Voor programma’s die om een SVG vragen.")),
    "json": (N_("Bestand (JSON)"), N_("Open Badge 3.0, voor wie hem in een andere badgedienst zet.")),
    "jws": (N_("Bestand (JWS)"), N_("Dezelfde badge, voor diensten die om een JWT vragen.")),
    "sd-jwt": (
        N_("Bestand voor een wallet (SD-JWT)"),
        N_("Voor de ontvanger alleen. Een wallet die dit bestand leest, kan er delen van laten zien."),
    ),
    "sd-json": (
        N_("Bestand voor een wallet (JSON)"),
        N_("Voor de ontvanger alleen. Een wallet die dit bestand leest, kan er delen van laten zien."),
    ),
}
ACTIONS = {
    "award.create": N_("Uitgereikt"),
    "award.offer": N_("Nieuwe uitnodiging gemaakt"),
    "award.file": N_("Bestand van de badge gemaakt"),
    "award.bulk": N_("Met een lijst uitgereikt, als bestand"),
    "award.approve": N_("Goedgekeurd"),
    "award.revoke": N_("Ingetrokken"),
    "award.suspend": N_("Opgeschort"),
    "award.reinstate": N_("Hersteld"),
    "award.message": N_("Melding veranderd"),
    "award.drop_claims": N_("Persoonsgegevens verwijderd"),
    "award.agree": N_("Ontvanger logde in en wil de badge ophalen"),
    "refresh.used_twice": N_("Toegang van een wallet twee keer gebruikt: ingetrokken"),
    "offer.void": N_("Uitnodiging geblokkeerd: te vaak een verkeerde code"),
    "offer.redeemed_twice": N_("Uitnodiging twee keer gebruikt: toegang ingetrokken"),
}


@router.post("/back-office/{org}/awards/{award_id}/offer")
async def renew_offer(
    award_id: UUID,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Make a new invitation; the one before it stops working."""
    policy = OfferPolicy(revokes_earlier_copies=bool(text(form, "revoke_earlier")))
    await awards.renew_offer(session, service.settings, staff.issuer, award_id, policy, actor=staff.actor, now=now)
    return _go(f"/back-office/{staff.issuer.slug}/awards/{award_id}")


CHANGES = {
    "approve": (
        N_("Badge goedkeuren"),
        N_("De badge kan dan worden opgehaald. Wie er al om vroeg, krijgt hem vanzelf."),
        N_("Ja, keur goed"),
    ),
    "revoke": (
        N_("Badge intrekken"),
        N_("De badge is dan voorgoed ongeldig. Dat kunt u niet terugdraaien."),
        N_("Ja, trek in"),
    ),
    "suspend": (
        N_("Badge opschorten"),
        N_("De badge geldt dan even niet. U kunt hem later herstellen."),
        N_("Ja, schort op"),
    ),
    "reinstate": (N_("Badge herstellen"), N_("De badge is dan weer geldig."), N_("Ja, herstel")),
}


async def _change_page(
    request: Request,
    staff: SignedIn,
    session: SessionDep,
    view: AwardView,
    change: Change,
    pages: Pages,
    reason: str,
    errors: dict[str, str],
) -> Response:
    row = await get_achievement(session, staff.issuer, view.achievement_slug, view.achievement_version)
    return pages.render(
        request,
        "change_status.html",
        status=400 if errors else 200,
        staff=staff,
        award=view,
        card=_card(staff.issuer, row, request),
        change=change,
        words=CHANGES[change],
        states=STATES,
        reason=reason,
        errors=translated(request, errors),
        place="awards",
    )


# In the order of the list, and as staff choose them.
STATUS_MESSAGES = {
    StatusMessage.NONE: N_("Geen melding"),
    StatusMessage.NEWER_VERSION: N_("Er is een nieuwere versie van deze badge"),
    StatusMessage.UNDER_REVIEW: N_("De badge wordt opnieuw bekeken, bijvoorbeeld na een bezwaar"),
    StatusMessage.CONTACT_ISSUER: N_("Er is nieuws; neem contact met ons op"),
}


@router.post("/back-office/{org}/awards/{award_id}/message")
async def set_status_message(
    award_id: UUID, staff: SignedInDep, form: FormDep, session: SessionDep, now: NowDep
) -> Response:
    """Tell something of a badge that goes on counting."""
    message = find_message(text(form, "message"))
    if message is None:
        raise InputError(fields={"message": N_("Kies een van deze meldingen.")})
    await status_messages.set_status_message(
        session, staff.issuer.organisation_id, award_id, message, actor=staff.actor, now=now
    )
    return _go(f"/back-office/{staff.issuer.slug}/awards/{award_id}#tell")


@router.get("/back-office/{org}/awards/{award_id}/{change}")
async def change_status_page(
    request: Request,
    award_id: UUID,
    change: Change,
    staff: SignedInDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Why, and are you sure?"""
    view = await awards.get_award(session, service.settings, staff.issuer, award_id, now=now)
    return await _change_page(request, staff, session, view, change, pages, "", {})


@router.post("/back-office/{org}/awards/{award_id}/{change}")
async def change_status(
    request: Request,
    award_id: UUID,
    change: Change,
    staff: SignedInDep,
    form: FormDep,
    service: ServiceDep,
    session: SessionDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    """Revoke, suspend or reinstate."""
    view = await awards.get_award(session, service.settings, staff.issuer, award_id, now=now)
    try:
        await status.change_status(
            session,
            staff.issuer.organisation_id,
            award_id,
            change,
            reason=text(form, "reason"),
            actor=staff.actor,
            person=staff.actor,
            now=now,
        )
    except (InputError, ConflictError) as exc:
        errors = exc.fields or {"reason": exc.sentence}
        return await _change_page(request, staff, session, view, change, pages, text(form, "reason"), errors)
    return _go(f"/back-office/{staff.issuer.slug}/awards/{award_id}")


async def send_to_sign_in(_request: Request, error: Exception) -> Response:
    """Nobody is signed in: first to the sign-in page, then on to where they wanted to be."""
    if not isinstance(error, SignInNeeded):
        raise error
    return _go(f"/sign-in?next={quote(error.next_path)}")

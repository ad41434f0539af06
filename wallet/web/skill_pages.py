"""The pages about skills: what badges show, what somebody says of themselves, and how they say it. S-08.

The form for a skill works without a script: the first press looks the words up in the list, the second keeps what was
chosen from it, or the words themselves. Words that were changed between the two are looked up first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from runtime.dependencies import NowDep
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute
from skills.search import SkillIndex
from skills.skill import ESCO_MODIFIED_NOTICE, ESCO_NOTICE, Skill
from wallet import claimed_skills, credentials
from wallet.errors import LearnedError, SkillClaimedError, SkillWordsError, TooManyClaimsError, UnknownSkillError
from wallet.settings import Wallet
from wallet.skills_profile import create_skills_profile, find_lapsed_skills
from wallet.web.routes import HolderDep, PagesDep, WalletDep, go_to, require_path, sentence_of, text_of
from wallet.web.words import badge_words, skill_kind_words

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])

OWN_WORDS = "own"
_SEARCH_LIMIT = 8
_FIELD_OF = {
    SkillWordsError: "words",
    UnknownSkillError: "choice",
    SkillClaimedError: "choice",
    TooManyClaimsError: "choice",
    LearnedError: "learned",
}


@dataclass(frozen=True, slots=True)
class ClaimForm:
    """What the form holds. `found` is None until the words were looked up, or where there is no list to look in."""

    words: str = ""
    learned: str = ""
    choice: str = ""
    found: Sequence[Skill] | None = None
    is_saving: bool = False


def read_claim_form(form: FormData, index: SkillIndex, language: str) -> ClaimForm:
    """Apply the button that was pressed to what the form held."""
    words, is_changed = text_of(form, "words").strip(), text_of(form, "words") != text_of(form, "searched")
    is_saving = text_of(form, "action") == "save" and not (index.available and is_changed)
    return ClaimForm(
        words=words,
        learned=text_of(form, "learned").replace("\r\n", "\n"),
        choice=text_of(form, "choice") if index.available else OWN_WORDS,
        found=_search(index, words, language) if index.available and words else None,
        is_saving=is_saving,
    )


def _search(index: SkillIndex, words: str, language: str) -> list[Skill]:
    return index.search(words, language="en" if language == "en" else "nl", limit=_SEARCH_LIMIT)


@router.get("/skills")
async def skills(request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep) -> Response:
    _, language = translator(request), request_language(request)
    found = await credentials.find_badges(wallet, holder.vault, now)
    rows = create_skills_profile(found)
    return pages.render(
        request,
        "skills.html",
        rows=rows,
        lapsed=[(skill, badge_words(_, skill.badge, language)) for skill in find_lapsed_skills(found)],
        claims=await claimed_skills.find_claimed_skills(wallet, holder.vault),
        attested=frozenset(wallet.skills.with_exact_matches(row.uri for row in rows)),
        attested_words=skill_kind_words(_, "attested"),
        claimed_words=skill_kind_words(_, "claimed"),
        esco=_esco(request),
    )


@router.get("/skills/add")
async def add_skill_page(request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep) -> Response:
    return _show_form(request, pages, wallet, ClaimForm())


@router.post("/skills/add")
async def add_skill(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    _, read = translator(request), read_claim_form(form, wallet.skills, request_language(request))
    if not read.words:
        return _show_form(request, pages, wallet, read, words=sentence_of(request, SkillWordsError()))
    if not read.is_saving:
        return _show_form(request, pages, wallet, read)
    if not read.choice:
        return _show_form(
            request,
            pages,
            wallet,
            read,
            choice=_("Kies wat je bedoelt. Staat het er niet bij, kies dan je eigen woorden."),
        )
    uri = None if read.choice == OWN_WORDS else read.choice
    try:
        await claimed_skills.claim_skill(wallet, holder.vault, now, uri=uri, words=read.words, learned=read.learned)
    except tuple(_FIELD_OF) as exc:
        return _show_form(request, pages, wallet, read, **{_FIELD_OF[type(exc)]: sentence_of(request, exc)})
    return go_to("/skills")


@router.get("/skills/{claim_id}")
async def claimed_skill(
    request: Request, claim_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep
) -> Response:
    claim = await claimed_skills.get_claimed_skill(wallet, holder.vault, claim_id)
    return _show_claim(request, pages, claim, learned=claim.learned, errors={})


@router.post("/skills/{claim_id}")
async def change_claimed_skill(
    request: Request, claim_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep
) -> Response:
    learned = text_of(form, "learned").replace("\r\n", "\n")
    try:
        await claimed_skills.change_claimed_skill(wallet, holder.vault, claim_id, learned=learned)
    except LearnedError as exc:
        claim = await claimed_skills.get_claimed_skill(wallet, holder.vault, claim_id)
        return _show_claim(request, pages, claim, learned=learned, errors={"learned": sentence_of(request, exc)})
    return go_to("/skills")


@router.post("/skills/{claim_id}/remove")
async def remove_claimed_skill(claim_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep) -> Response:
    await claimed_skills.remove_claimed_skill(wallet, holder.vault, claim_id)
    return go_to("/skills")


def _show_form(request: Request, pages: Pages, wallet: Wallet, form: ClaimForm, **errors: str) -> Response:
    return pages.render(
        request,
        "add_skill.html",
        status=400 if errors else 200,
        form=form,
        errors=errors,
        can_search=wallet.skills.available,
        own_words=OWN_WORDS,
        esco=_esco(request),
    )


def _show_claim(
    request: Request,
    pages: Pages,
    claim: claimed_skills.ClaimedSkill,
    *,
    learned: str,
    errors: Mapping[str, str],
) -> Response:
    return pages.render(
        request,
        "claimed_skill.html",
        status=400 if errors else 200,
        claim=claim,
        learned=learned,
        errors=errors,
        claimed_words=skill_kind_words(translator(request), claim.kind),
    )


def _esco(request: Request) -> tuple[str, str]:
    """The sentences that the Commission asks for where ESCO is shown."""
    return ESCO_NOTICE, ESCO_MODIFIED_NOTICE[request_language(request)]

"""The form with which an operator makes a question: what was typed is kept, whichever button was pressed.

One form, several buttons: search, add what was ticked, take a skill away, save. Each press but the last shows the form
again, so the page works without JavaScript; with it the search happens while one types.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData

from kernel.open_badges import HIGHEST_LEVEL
from kernel.openid4vp import MAX_AGREEMENT, MAX_TITLE
from skills.search import SkillIndex
from skills.skill import Skill
from verifier.policies import PolicyName
from verifier.questions import Agreement, AskedSkill, find_asked_skill

SEARCH_LIMIT = 12


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """What the form holds now."""

    title: str = ""
    purpose: str = ""
    retention_hours: int = 24
    search: str = ""
    skills: tuple[AskedSkill, ...] = ()
    found: tuple[Skill, ...] = ()
    has_searched: bool = False
    is_saving: bool = False
    agreement_title: str = ""
    agreement_text: str = ""
    policy: PolicyName = "diip"
    same_device_only: bool = False
    trusted_authorities: bool = False
    minimum_level: int | None = None

    @property
    def agreement(self) -> Agreement | None:
        """What is to be agreed to; nothing where neither title nor text was typed."""
        if not self.agreement_title and not self.agreement_text:
            return None
        return Agreement(self.agreement_title, self.agreement_text)

    @property
    def has_more(self) -> bool:
        """Whether something was filled in that most questions do not need."""
        return self.agreement is not None or self.policy != "diip" or self.same_device_only


def read_question_form(form: FormData, index: SkillIndex, *, language: str) -> QuestionForm:
    """Apply the button that was pressed to what the form held."""
    action = _text(form, "action")
    search = _text(form, "q")[:200]
    skills = _changed(_kept(form, index), form, index, action)
    is_searching = bool(search) and action in ("search", "")
    return QuestionForm(
        title=_text(form, "title")[:200],
        purpose=_text(form, "purpose")[:1000],
        retention_hours=_hours(_text(form, "retention_hours")),
        search=search,
        skills=skills,
        found=_search(index, search, language, skills) if is_searching else (),
        has_searched=is_searching,
        is_saving=action == "save",
        agreement_title=_text(form, "agreement_title")[:MAX_TITLE],
        agreement_text=_text(form, "agreement_text").replace("\r\n", "\n")[:MAX_AGREEMENT],
        policy="haip" if _text(form, "policy") in ("haip", "haip-listed") else "diip",
        same_device_only=bool(_text(form, "same_device_only")),
        trusted_authorities=_text(form, "policy") == "haip-listed",
        minimum_level=_level(_text(form, "minimum_level")),
    )


def _kept(form: FormData, index: SkillIndex) -> tuple[AskedSkill, ...]:
    """The skills that the form held, in its order; three fields a skill, side by side."""
    uris, names, needs = (_texts(form, name) for name in ("skill_uri", "skill_name", "skill_need"))
    return tuple(
        find_asked_skill(index, uri, name=name, required=need != "nice")
        for uri, name, need in zip(uris, names, needs, strict=False)
    )


def _changed(skills: tuple[AskedSkill, ...], form: FormData, index: SkillIndex, action: str) -> tuple[AskedSkill, ...]:
    verb, _, uri = action.partition(":")
    match verb:
        case "remove":
            return tuple(skill for skill in skills if skill.uri != uri)
        case "add":
            ticked = [find_asked_skill(index, each, name=None, required=True) for each in _texts(form, "add")]
            return _with(skills, ticked)
        case "add-own" if _text(form, "own_uri"):
            own = find_asked_skill(
                index, _text(form, "own_uri")[:500], name=_text(form, "own_name")[:300] or None, required=True
            )
            return _with(skills, [own])
        case "save":
            # Ticked and then saved at once: what was ticked was meant.
            ticked = [find_asked_skill(index, each, name=None, required=True) for each in _texts(form, "add")]
            return _with(skills, ticked)
        case _:
            return skills


def _with(skills: tuple[AskedSkill, ...], more: Sequence[AskedSkill]) -> tuple[AskedSkill, ...]:
    known = {skill.uri for skill in skills}
    return skills + tuple(skill for skill in more if skill.uri not in known)


def _search(index: SkillIndex, text: str, language: str, chosen: Sequence[AskedSkill]) -> tuple[Skill, ...]:
    known = {skill.uri for skill in chosen}
    found = index.search(text, language="en" if language == "en" else "nl", limit=SEARCH_LIMIT)
    return tuple(skill for skill in found if skill.uri not in known)


def _hours(text: str) -> int:
    return min(int(text), 720) if text.isdecimal() and len(text) < 5 else 24


def _level(text: str) -> int | None:
    """One of the levels that the page offers, else none."""
    levels = {str(level): level for level in range(1, HIGHEST_LEVEL + 1)}
    return levels.get(text)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _texts(form: FormData, name: str) -> list[str]:
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]

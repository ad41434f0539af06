"""Saved questions: from "which skills, and what for" to the DCQL query that a wallet is asked.

A question asks for skills, perhaps at a level, and for nothing else (PROFILE.md V-07). Whoever holds a narrower skill
than the one asked for holds the one asked for, and a higher level is one too: both are decided here, by listing every
accepted URL (PROFILE.md S-10), because DCQL compares values and knows no hierarchy. So it is with what a published
table calls the same skill in another taxonomy (S-05).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from kernel.formats.credential import DC_SD_JWT
from kernel.open_badges import HIGHEST_LEVEL, find_level_urls
from kernel.openid4vp import TRANSACTION_DATA_FORMATS, find_unreadable
from runtime.tokens import create_token
from skills.relations import RelatedSkill
from skills.search import SkillIndex
from skills.skill import Skill
from verifier import store
from verifier.errors import InputError, UnknownError
from verifier.models import Question, RelyingParty
from verifier.policies import PolicyName
from verifier.store import Session

_ALIGNMENT_PATH = ("achievement", "alignment", None, "targetUrl")
# In the order in which the formats are asked for: first those that let the holder hide what is not asked.
QUERY_SUFFIXES: Mapping[str, str] = {
    "dc+sd-jwt": "sd",
    "vc+sd-jwt": "w3",
    "ldp_vc": "di",
    "vc+jwt": "jwt",
    "jwt_vc_json": "w1",
}

_LEVEL_SUFFIX = "_level"

MAX_SKILLS = 20
MAX_ACCEPTED_URIS = 800
"""Of a whole question, with the levels of its skills: a very broad skill has thousands below it, each is named once a
format, and a request object has to fit a wallet's limits."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a candidate agrees to by answering: one text, shown to them in full before they sign (VP §8.4)."""

    title: str
    text: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, str] | None) -> "Agreement | None":
        return None if value is None else cls(value["title"], value["text"])


class SkillTables(Protocol):
    """The part of `skills.search.SkillIndex` that a question needs."""

    def narrower(self, uri: str) -> list[str]: ...

    def with_aliases(self, uris: Iterable[str]) -> list[str]: ...

    def with_exact_matches(self, uris: Iterable[str]) -> list[str]: ...

    def related(self, uri: str) -> list[RelatedSkill]: ...


@dataclass(frozen=True, slots=True)
class AskedSkill:
    """A skill as the operator chose it; `names` by language."""

    uri: str
    names: Mapping[str, str]
    required: bool = True

    def name(self, language: str) -> str:
        return self.names.get(language) or next(iter(self.names.values()), self.uri)

    def as_json(self) -> dict[str, Any]:
        return {"uri": self.uri, "names": dict(self.names), "required": self.required}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AskedSkill":
        return cls(value["uri"], value["names"], value["required"])


SkillMatch = Literal["same", "equal", "narrower", "related"]
"""What a skill that was shown is to the one that was asked for, the nearest first. `related` is no answer."""

_ADDRESSES = ("accepted", "same", "equal", "related")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One skill of a question that was asked, with every URL that answers it.

    `equal` are those of them that a published table calls exactly the same skill in another taxonomy; `related` are
    skills of others that are no answer: close, broader or narrower there (S-05).
    """

    id: str
    uri: str
    names: Mapping[str, str]
    required: bool
    accepted: tuple[str, ...]
    same: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    minimum_level: int | None = None
    """At which level of the EQF or higher a badge with the skill has to stand, where that was asked."""

    def name(self, language: str) -> str:
        return self.names.get(language) or next(iter(self.names.values()), self.uri)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "names": dict(self.names), **{name: list(getattr(self, name)) for name in _ADDRESSES}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Requirement":
        return cls(
            id=value["id"],
            uri=value["uri"],
            names=value["names"],
            required=value["required"],
            accepted=tuple(value["accepted"]),
            # A question asked before these were told apart: nothing is said of how a skill answers it.
            same=tuple(value.get("same", value["accepted"])),
            equal=tuple(value.get("equal", ())),
            related=tuple(value.get("related", ())),
            minimum_level=value.get("minimum_level"),
        )

    def match(self, uri: str) -> SkillMatch | None:
        """What a skill that was shown is to this one; None where nobody says that they have to do with each other."""
        if uri == self.uri or uri in self.same:
            return "same"
        if uri in self.equal:
            return "equal"
        if uri in self.accepted:
            return "narrower"
        return "related" if uri in self.related else None

    def query_ids(self) -> tuple[str, ...]:
        return query_ids(self.id)


def query_ids(requirement_id: str) -> tuple[str, ...]:
    """The credential queries that ask for one requirement: for each format its skill, then its level."""
    of_skill = [query_id(requirement_id, format_id) for format_id in QUERY_SUFFIXES]
    return (*of_skill, *map(counterpart_id, of_skill))


def query_id(requirement_id: str, format_id: str) -> str:
    return f"{requirement_id}_{QUERY_SUFFIXES[format_id]}"


def counterpart_id(query_id: str) -> str:
    """The query for the level of a skill, of the query for the skill; and the other way round."""
    return query_id.removesuffix(_LEVEL_SUFFIX) if query_id.endswith(_LEVEL_SUFFIX) else query_id + _LEVEL_SUFFIX


def create_requirements(
    skills: Sequence[AskedSkill], *, index: SkillTables, minimum_level: int | None = None
) -> tuple[Requirement, ...]:
    """Number the skills of a question and widen each to what also proves it."""
    limit = MAX_ACCEPTED_URIS // max(len(skills), 1)
    if minimum_level is not None:
        limit -= len(find_level_urls(minimum_level))
    return tuple(
        _create_requirement(f"skill_{number}", skill, index, limit, minimum_level)
        for number, skill in enumerate(skills, start=1)
    )


def _create_requirement(
    identifier: str, skill: AskedSkill, index: SkillTables, limit: int, minimum_level: int | None
) -> Requirement:
    """The skill itself first, under each address that it was published with (S-04), and under those of other taxonomies
    that are exactly the same (S-05); then what is narrower than any of these (S-10). A skill that is related, and no
    more than that, is never asked for."""
    same = index.with_aliases([skill.uri])
    equal = index.with_exact_matches(same)
    below = index.with_exact_matches(narrower for each in equal for narrower in index.narrower(each))
    accepted = tuple(dict.fromkeys([*same, *equal, *below]))[:limit]
    found = dict.fromkeys(each.skill.uri for uri in same for each in index.related(uri))
    return Requirement(
        id=identifier,
        uri=skill.uri,
        names=name_at_level(skill.names, minimum_level),
        required=skill.required,
        accepted=accepted,
        same=tuple(same[:limit]),
        equal=tuple(each for each in equal[:limit] if each not in same),
        related=tuple(each for each in index.with_aliases(found) if each not in accepted)[:limit],
        minimum_level=minimum_level,
    )


@dataclass(frozen=True, slots=True)
class Relations:
    """What a table says of one skill in other lists: `same` counts for it, `near` does not. Each once."""

    same: tuple[Skill, ...]
    near: tuple[Skill, ...]


def find_relations(uri: str, index: SkillTables) -> Relations:
    """What whoever asks for this skill should know of others (S-05)."""
    related = [each for own in index.with_aliases([uri]) for each in index.related(own)]
    same = {each.skill.uri: each.skill for each in related if each.kind == "exact"}
    near = {each.skill.uri: each.skill for each in related if each.skill.uri not in same}
    return Relations(tuple(same.values()), tuple(near.values()))


def name_at_level(names: Mapping[str, str], minimum_level: int | None) -> dict[str, str]:
    """The names of a skill, each with the level at which it is asked for."""
    if minimum_level is None:
        return dict(names)
    upwards = minimum_level < HIGHEST_LEVEL
    nl, en = f"niveau {minimum_level}{' of hoger' * upwards}", f"level {minimum_level}{' or higher' * upwards}"
    return {language: f"{name} ({nl if language == 'nl' else en})" for language, name in names.items()}


def create_dcql_query(
    requirements: Iterable[Requirement],
    *,
    vct_values: Sequence[str],
    type_values: Sequence[str],
    formats: Collection[str] = frozenset(QUERY_SUFFIXES),
    is_agreement: bool = False,
    trusted_authorities: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """One credential query for each skill and format; a set for each skill says that any of the formats will do.

    OpenID4VP 1.0 §6.1, §6.2: a set of a skill that is welcome but not needed is `required: false`. Its options stand
    in the order in which we prefer them. Who agrees to something must do so in a format that can carry it (§B.3.3).
    A level stands at the path of the skills, to which one query may point once (§6.3): it has a query of its own,
    and an option is both (decision 0085).
    """
    requirements = tuple(requirements)
    usable = frozenset(formats) & (TRANSACTION_DATA_FORMATS if is_agreement else QUERY_SUFFIXES.keys())
    asked = [each for each in QUERY_SUFFIXES if each in usable]
    if not asked:
        raise InputError(fields={"formats": "agreement"})
    authorities = {"trusted_authorities": list(trusted_authorities)} if trusted_authorities else {}
    return {
        "credentials": [
            {
                "id": name,
                "format": format_id,
                "meta": _meta(format_id, vct_values, type_values),
                **authorities,
                "claims": [{"path": _path(format_id), "values": list(values)}],
            }
            for requirement in requirements
            for format_id in asked
            for name, values in _asked_values(requirement, format_id).items()
        ],
        "credential_sets": [
            {
                "options": [list(_asked_values(requirement, format_id)) for format_id in asked],
                "required": requirement.required,
            }
            for requirement in requirements
        ],
    }


def _asked_values(requirement: Requirement, format_id: str) -> dict[str, tuple[str, ...]]:
    """What is asked of a badge in this format: for each query the addresses of which one will do."""
    name = query_id(requirement.id, format_id)
    of_skill = {name: requirement.accepted}
    if requirement.minimum_level is None:
        return of_skill
    return {**of_skill, counterpart_id(name): find_level_urls(requirement.minimum_level)}


def _meta(format_id: str, vct_values: Sequence[str], type_values: Sequence[str]) -> dict[str, Any]:
    """What counts as a badge: its `vct`, or all of these types. OpenID4VP 1.0 B.1.1, B.3.5; K-93."""
    if format_id == DC_SD_JWT:
        return {"vct_values": list(vct_values)}
    return {"type_values": [list(type_values)]}


def _path(format_id: str) -> list[str | None]:
    """Where the skills of a badge stand, and its level, from the root of the credential (K-94)."""
    return list(_ALIGNMENT_PATH if format_id == DC_SD_JWT else ("credentialSubject", *_ALIGNMENT_PATH))


# --- saving ---


async def create_question(
    session: Session,
    relying_party: RelyingParty,
    *,
    title: str,
    purpose: str,
    skills: Sequence[AskedSkill],
    retention_hours: int,
    now: datetime,
    minimum_level: int | None = None,
    policy: PolicyName = "diip",
    agreement: Agreement | None = None,
    same_device_only: bool = False,
    trusted_authorities: bool = False,
) -> Question:
    """Save a question that can be asked many times."""
    require_askable(skills)
    require_readable(agreement)
    question = Question(
        id=create_token(16),
        relying_party_id=relying_party.id,
        title=title,
        purpose=purpose,
        skills=[skill.as_json() for skill in skills],
        minimum_level=minimum_level,
        retention_hours=retention_hours,
        policy=policy,
        agreement=None if agreement is None else agreement.as_json(),
        same_device_only=same_device_only,
        trusted_authorities=trusted_authorities,
        created_at=now,
    )
    await store.add_row(session, question)
    return question


async def get_question(session: Session, relying_party: RelyingParty, question_id: str) -> Question:
    question = await store.find_question(session, relying_party.id, question_id)
    if question is None:
        raise UnknownError
    return question


def read_skills(question: Question) -> tuple[AskedSkill, ...]:
    return tuple(AskedSkill.from_json(value) for value in question.skills)


def read_asked(question: Question) -> tuple[AskedSkill, ...]:
    """The skills as people read what is asked: with the level."""
    skills = read_skills(question)
    return tuple(replace(skill, names=name_at_level(skill.names, question.minimum_level)) for skill in skills)


def require_readable(agreement: Agreement | None) -> None:
    """Nobody agrees to nothing, to more than anybody reads, or to what cannot be seen."""
    if agreement is None:
        return
    unreadable = find_unreadable(title=agreement.title, text=agreement.text)
    if unreadable is not None:
        raise InputError(fields={"agreement": unreadable})


def require_askable(skills: Sequence[AskedSkill]) -> None:
    """At least one skill that is needed, not too many, each once, each a web address (PROFILE.md V-07, S-01)."""
    uris = [skill.uri for skill in skills]
    if not any(skill.required for skill in skills):
        raise InputError(fields={"skills": "missing"})
    if len(uris) > MAX_SKILLS or len(set(uris)) != len(uris):
        raise InputError(fields={"skills": "too_many"})
    if not all(_is_skill_uri(uri) for uri in uris):
        raise InputError(fields={"skills": "uri"})


def find_asked_skill(index: SkillIndex, uri: str, *, name: str | None, required: bool) -> AskedSkill:
    """A skill with its names in both languages where the index knows it, else with the name that was given."""
    skill = index.get(uri)
    names = dict(skill.labels) if skill is not None else {"nl": name or uri}
    return AskedSkill(uri, names, required)


def _is_skill_uri(uri: str) -> bool:
    """Skills are named by opaque web addresses (PROFILE.md S-04); anything else could not be matched."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    is_web_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    return is_web_address and len(uri) <= 500 and uri.isprintable() and " " not in uri

"""Claims in words: what stands at a path, as the person who reads a consent page would say it.

What is told is everything that an answer shows, whole: what is opened for it, and what an issuer put in the open
beyond the badge itself. Values and names come from the issuer: they are text and nothing else (A-41), and what
identifies a person is called by our words, whatever its issuer calls it. For all else the issuer's words are used,
those of the type before those of its metadata (W-18).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kernel.dcql import ClaimsPath, ConcretePath
from kernel.microcredential import OUTCOME
from kernel.open_badges import SKILL as ALIGNED_SKILL
from kernel.open_badges import find_alignment_kind
from kernel.openid4vci import ClaimDescription
from kernel.openid4vp import UNDETERMINED
from kernel.type_metadata import TypeMetadata
from wallet.claim_values import say_alignment, say_claim, say_described, say_learning

_MAX_VALUE = 1000
_MAX_LABEL = 80
_MAX_NAME = 200
_MAX_LABELS = 200


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


# A skill of the badge; what the badge says of level, workload and the like; or anything else.
FactKind = Literal["skill", "learning", "claim"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that stands in a badge. `label` is a text of the catalogue, or the issuer's own word."""

    path: ConcretePath
    label: str
    value: str
    kind: FactKind = "claim"
    """By where it stands, and what an alignment is about; never by what it calls itself."""

    @property
    def is_skill(self) -> bool:
        return self.kind == "skill"

    @property
    def is_of_badge(self) -> bool:
        """Whether it says something of the badge, whoever has it, and is no skill."""
        return not self.is_skill and "achievement" in self.path[:2]

    def lies_at(self, path: ConcretePath) -> bool:
        """Whether it is what stands at a path, a part of that, or what that is a part of."""
        shorter = min(len(path), len(self.path))
        return self.path[:shorter] == path[:shorter]


@dataclass(frozen=True, slots=True)
class IssuerLabel:
    """What an issuer calls the claims at a path, by language; None in the path stands for each element."""

    path: ClaimsPath
    texts: Mapping[str, str]


SKILL = _("Skill")
# By name, where a person stands in a badge.
LABELS: Mapping[str, str] = {
    "given_name": _("Je voornaam"),
    "givenName": _("Je voornaam"),
    "family_name": _("Je achternaam"),
    "familyName": _("Je achternaam"),
    "name": _("Je naam"),
    "birthdate": _("Je geboortedatum"),
    "dateOfBirth": _("Je geboortedatum"),
    "email": _("Je e-mailadres"),
    "address": _("Je adres"),
    "phone_number": _("Je telefoonnummer"),
    "id": _("Het nummer van deze badge"),
    "identifier": _("Je e-mailadres of nummer, onleesbaar gemaakt"),
    "evidence": _("Het bewijs bij de badge"),
    "result": _("Je resultaat"),
    "endorsement": _("Wat anderen over deze badge zeggen"),
    "endorsementJwt": _("Wat anderen over deze badge zeggen"),
}
# Elements of a microcredential, as every page calls them.
LEARNING_LABELS: Mapping[str, str] = {
    "level": _("Niveau"),
    "workload": _("Hoeveel werk het was"),
    "assessment": _("Hoe het is beoordeeld"),
    "participation": _("Hoe iemand meedeed"),
    "supervision": _("Toezicht bij de beoordeling"),
    "quality_assurance": _("Wie op de kwaliteit let"),
    "prerequisites": _("Wat eerst nodig was"),
    "stackability": _("Op zichzelf of deel van meer"),
    "teaching_languages": _("Taal van het onderwijs"),
    "field": _("Vakgebied"),
    "programmes": _("Hoort bij opleiding"),
    "recheck": _("Opnieuw laten zien"),
    "other_titles": _("Naam in andere talen"),
}
LEARNING = _("Niveau, omvang en kwaliteit")
OUTCOME_LABEL = _("Wat iemand nu kan")
_MEASURE_LABEL = _("Hoe een resultaat is gemeten")
_ALIGNED_LABEL = _("Skill bij een resultaat")
# By name, where the issuer has no word of its own for it.
_OTHER_LABELS: Mapping[str, str] = {
    "creditsAvailable": _("Studiepunten"),
    "creditsEarned": _("Behaalde studiepunten"),
    "fieldOfStudy": _("Vakgebied"),
    "specialization": _("Specialisatie"),
    "humanCode": _("Code van de badge"),
    "tag": _("Trefwoorden"),
    "version": _("Versie"),
    "otherIdentifier": _("Andere nummers van de badge"),
    "related": _("Andere uitgaven van de badge"),
    "role": _("Rol"),
    "term": _("Periode"),
    "licenseNumber": _("Licentienummer"),
    "activityStartDate": _("Begonnen"),
    "activityEndDate": _("Klaar"),
    "narrative": _("Wat de uitgever over jou schrijft"),
    "source": _("Beoordeeld door"),
}
_OWN_LABELS = frozenset(
    {SKILL, LEARNING, OUTCOME_LABEL, _MEASURE_LABEL, _ALIGNED_LABEL}
    | {*LABELS.values(), *LEARNING_LABELS.values(), *_OTHER_LABELS.values()}
)
_SUBJECT = "credentialSubject"
# What makes up the badge itself: the consent page names it as a whole. Everything else in the open is told.
_BADGE_MEMBERS = frozenset(
    {"iss", "iat", "nbf", "exp", "vct", "vct#integrity", "aka_vcts", "cnf", "status", "category"}
    | {"achievement", "awarded_at", "issuing_authority", "issuing_country", "awarding_body"}
    | {"@context", "id", "type", "name", "description", "issuer", "image", "awardedDate", "validFrom", "validUntil"}
    | {"credentialStatus", "credentialSchema", _SUBJECT}
)
_SUBJECT_MEMBERS = frozenset({"id", "type", "achievement"})
_ACHIEVEMENT_MEMBERS = frozenset(
    {"id", "type", "achievementType", "name", "description", "criteria", "image", "creator", "inLanguage"}
)
# Of these each element is told by itself.
_ACHIEVEMENT_LISTS = ("alignment", "resultDescription")


def find_shown_facts(
    claims: Mapping[str, Any],
    *,
    disclosable: Collection[ConcretePath],
    opened: Collection[ConcretePath],
    labels: Collection[IssuerLabel] = (),
    language: str = "nl",
) -> tuple[Fact, ...]:
    """What the verifier sees beyond the badge itself: what is opened, and what cannot be kept back."""
    hidden = frozenset(disclosable)
    chosen = _facts(claims, _outermost(opened), hidden.difference(opened), labels, language)
    always = _facts(claims, _open_paths(claims, hidden), hidden, labels, language)
    return _skills_first((*chosen, *always))


def find_hidden_facts(
    claims: Mapping[str, Any],
    *,
    disclosable: Collection[ConcretePath],
    opened: Collection[ConcretePath],
    labels: Collection[IssuerLabel] = (),
    language: str = "nl",
) -> tuple[Fact, ...]:
    """What stands in the badge and stays hidden."""
    hidden = _outermost(frozenset(disclosable).difference(opened))
    return _skills_first(_facts(claims, hidden, frozenset(), labels, language))


def _skills_first(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(sorted(facts, key=lambda fact: not fact.is_skill))


def shown_name(text: str) -> str:
    """A name that somebody else chose, in one line and of a length that a page and a list can bear."""
    line = " ".join(text[: 2 * _MAX_NAME].split())
    return line if len(text) <= _MAX_NAME else f"{line[:_MAX_NAME]}…"


def shown_text(text: str) -> str:
    """What somebody else says about something, of a length that a page can bear."""
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


# RFC 5646 §2.1, as far as a page needs it to say in which language a text from outside is.
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A text from outside, and its language; "" where nobody said which, and then no page claims to know."""

    text: str
    language: str


def choose_text(texts: Mapping[str, str], language: str) -> SpokenText:
    """A text in this language where there is one, else the first there is; an empty one where there is none."""
    given = {tag: text for tag, text in texts.items() if text}
    tag = language if language in given else next(iter(given), UNDETERMINED)
    is_known = tag != UNDETERMINED and _LANGUAGE_TAG.fullmatch(tag) is not None
    return SpokenText(given.get(tag, ""), tag if is_known else "")


def label_text(translate: Callable[[str], str], label: str) -> str:
    """A label in the language of the page. Only our own words are looked up in the catalogue.

    A template's `_()` would take what a stranger wrote for a format, and for markup that is safe.
    """
    return translate(label) if label in _OWN_LABELS else label


def create_issuer_labels(
    types: Iterable[TypeMetadata], descriptions: Iterable[ClaimDescription]
) -> tuple[IssuerLabel, ...]:
    """What an issuer calls its claims: by the type first, then by those that it extends, then by its metadata. W-18."""
    claims = [claim for metadata in types for claim in metadata.claims]
    found = [
        *((claim.path, [(label.locale, label.label) for label in claim.labels]) for claim in claims),
        *((claim.path, [(entry.locale or "", entry.name or "") for entry in claim.display]) for claim in descriptions),
    ]
    labels: dict[ClaimsPath, IssuerLabel] = {}
    for path, texts in found:
        by_language = _by_language(texts)
        if by_language:
            labels.setdefault(path, IssuerLabel(path, by_language))
    return tuple(labels.values())[:_MAX_LABELS]


def _by_language(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for locale, text in texts:
        shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        if shown:
            found.setdefault(locale.lower().partition("-")[0], shown[:_MAX_LABEL])
    return found


def _open_paths(claims: Mapping[str, Any], disclosable: frozenset[ConcretePath]) -> list[ConcretePath]:
    """Everything in the open that is not named with the badge itself, and each of its skills that cannot be hidden."""
    subject = claims.get(_SUBJECT)
    inner = subject if isinstance(subject, Mapping) else {}
    paths: list[ConcretePath] = [(name,) for name in claims if name not in _BADGE_MEMBERS]
    paths += [(_SUBJECT, name) for name in inner if name not in _SUBJECT_MEMBERS]
    if _SUBJECT in claims and not isinstance(subject, Mapping):
        paths.append((_SUBJECT,))
    paths += [*_achievement_paths(claims, ()), *_achievement_paths(inner, (_SUBJECT,))]
    return sorted((path for path in paths if _is_open(claims, path, disclosable)), key=_position)


def _achievement_paths(described: Mapping[str, Any], parent: ConcretePath) -> list[ConcretePath]:
    """What stands in an achievement beside its name and what else the page names: each element of its lists alone."""
    place: ConcretePath = (*parent, "achievement")
    achievement = described.get("achievement")
    if not isinstance(achievement, Mapping):
        return [] if achievement is None else [place]
    lists = {name: achievement[name] for name in _ACHIEVEMENT_LISTS if isinstance(achievement.get(name), list)}
    members = [name for name in achievement if name not in _ACHIEVEMENT_MEMBERS and name not in lists]
    elements = [(*place, name, number) for name, found in lists.items() for number in range(len(found))]
    return [*((*place, name) for name in members), *elements]


def _is_open(claims: Mapping[str, Any], path: ConcretePath, disclosable: frozenset[ConcretePath]) -> bool:
    """Whether something at a path is shown always: neither is it hidden with what is around it, nor all within it."""
    if any(path[:length] in disclosable for length in range(1, len(path) + 1)):
        return False
    value = _find(claims, path)
    return not value or _without(value, path, disclosable) not in ([], {})


def _outermost(paths: Collection[ConcretePath]) -> list[ConcretePath]:
    """Only the paths that lie in no other one: what is inside goes with it."""
    known = frozenset(paths)
    inside = {path for path in known if any(path[:length] in known for length in range(1, len(path)))}
    return sorted(known - inside, key=_position)


def _position(path: ConcretePath) -> list[tuple[bool, Any]]:
    return [(isinstance(step, int), step) for step in path]


def _facts(
    claims: Mapping[str, Any],
    paths: Iterable[ConcretePath],
    concealed: frozenset[ConcretePath],
    labels: Collection[IssuerLabel],
    language: str,
) -> tuple[Fact, ...]:
    return tuple(_fact(claims, path, concealed, labels, language) for path in paths)


def _fact(
    claims: Mapping[str, Any],
    path: ConcretePath,
    concealed: frozenset[ConcretePath],
    labels: Collection[IssuerLabel],
    language: str,
) -> Fact:
    value = _without(_find(claims, path), path, concealed)
    inner = path[1:] if path[:1] == (_SUBJECT,) and len(path) > 1 else path
    match inner:
        case ("achievement", "alignment", int()):
            return _aligned_fact(claims, path, value, language)
        case ("achievement", "resultDescription", int()):
            is_outcome = isinstance(value, Mapping) and value.get("resultType") == OUTCOME
            return Fact(path, OUTCOME_LABEL if is_outcome else _MEASURE_LABEL, say_described(value, language))
        case (*_, "alignment", int()) if len(inner) > 3:
            return Fact(
                path, _find_issuer_label(path, labels, language) or _ALIGNED_LABEL, say_alignment(value, language)
            )
    return Fact(path, _label(path, inner, labels, language), say_claim(value, language))


def _aligned_fact(claims: Mapping[str, Any], path: ConcretePath, value: object, language: str) -> Fact:
    """A skill, or what the badge says of the learning in the same place (S-03)."""
    if not isinstance(value, Mapping) or find_alignment_kind(value) == ALIGNED_SKILL:
        return Fact(path, SKILL, say_alignment(value, language), "skill")
    element, said = say_learning(value, _find(claims, path[:-2]), language)
    return Fact(path, LEARNING_LABELS.get(element or "", LEARNING), said, "learning")


def _label(path: ConcretePath, inner: ConcretePath, labels: Collection[IssuerLabel], language: str) -> str:
    names = [step for step in inner if isinstance(step, str)]
    if len(names) == 1 and names[0] in LABELS:
        return LABELS[names[0]]
    name = names[-1] if names else ""
    return _find_issuer_label(path, labels, language) or _OTHER_LABELS.get(name, name)


def _find_issuer_label(path: ConcretePath, labels: Collection[IssuerLabel], language: str) -> str | None:
    for label in labels:
        if len(label.path) == len(path) and all(
            wanted == step or (wanted is None and isinstance(step, int))
            for wanted, step in zip(label.path, path, strict=True)
        ):
            return label.texts.get(language) or next(iter(label.texts.values()))
    return None


def _without(value: Any, path: ConcretePath, concealed: frozenset[ConcretePath]) -> Any:
    """What of a value goes along: everything in it that is not kept back by itself."""
    if not concealed:
        return value
    if isinstance(value, Mapping):
        return {
            name: _without(inner, (*path, name), concealed)
            for name, inner in value.items()
            if (*path, name) not in concealed
        }
    if isinstance(value, list):
        return [
            _without(inner, (*path, number), concealed)
            for number, inner in enumerate(value)
            if (*path, number) not in concealed
        ]
    return value


def _find(claims: Any, path: ConcretePath) -> Any:
    value = claims
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value

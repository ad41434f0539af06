"""States and recognitions in words: a symbol, a word and a colour, in that order (UX.md)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from kernel.trust_list import Outcome
from runtime.web.bidi import isolate
from runtime.web.language import day
from wallet.claims import LABELS, Fact, label_text
from wallet.consent import RequestPage
from wallet.credentials import Badge
from wallet.lost_badges import LostBadge
from wallet.recognition import PartyRecognition
from wallet.skills_profile import SkillKind

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Words:
    """What is shown: the colour's name, the text, and the symbol that says the same without either."""

    kind: str
    text: str
    symbol: str


def badge_words(_: Translate, badge: Badge, language: str) -> Words:
    """How a badge stands. A badge that could not be checked is never called valid."""
    state = badge.state
    match state.kind:
        case "revoked":
            return Words("bad", _("Ingetrokken door de uitgever"), "stop")
        case "suspended":
            return Words("warn", _("Tijdelijk stilgezet door de uitgever"), "half")
        case "told":
            return Words("warn", _("De uitgever meldt er iets bij"), "question")
        case "expired" if state.expires_at:
            return Words("bad", _("Verlopen op %(day)s") % {"day": day(state.expires_at, language)}, "stop")
        case "not_yet_valid":
            return Words("warn", _("Nog niet geldig"), "clock")
        case "unknown":
            return Words("warn", _("Kon nu niet worden nagekeken"), "question")
    if badge.recognition.outcome == Outcome.WITHDRAWN:
        return Words("bad", _("Geldig, maar de uitgever is niet meer erkend"), "warning")
    if state.is_expiring and state.expires_at:
        return Words("warn", _("Geldig tot %(day)s") % {"day": day(state.expires_at, language)}, "clock")
    match badge.recognition.outcome:
        case Outcome.RECOGNISED:
            return Words("good", _("Echt, geldig en van een bekende uitgever"), "shield")
        case Outcome.NOT_FOR_THIS_TYPE:
            return Words("warn", _("Echt en geldig; de uitgever is niet erkend voor dit soort badges"), "question")
        case Outcome.LIST_UNAVAILABLE:
            return Words("warn", _("Echt en geldig; of we de uitgever kennen kon niet worden nagekeken"), "question")
    return Words("warn", _("Echt en geldig; we kennen de uitgever niet"), "question")


def skill_kind_words(_: Translate, kind: SkillKind) -> Words:
    """Whose word a skill is. No two kinds have the same text or the same symbol (S-08)."""
    match kind:
        case "attested":
            return Words("", _("Van een uitgever"), "medal")
        case "claimed":
            return Words("", _("Dit zeg je zelf"), "speech")
    assert_never(kind)


def lost_words(_: Translate, lost: LostBadge) -> tuple[str, str]:
    """What became of a badge that did not come, and what to do now."""
    match lost.reason:
        case "withheld":
            told = _("%(issuer)s geeft je de badge %(name)s toch niet.")
            advice = _("Vraag hun waarom, en of je een nieuw aanbod kunt krijgen.")
        case "late":
            told = _("De badge %(name)s is niet op tijd gekomen.")
            advice = _(
                "%(issuer)s maakte hem nog klaar. We vragen er nu niet meer naar. Vraag hun of hij er nog komt, en om "
                "een nieuw aanbod."
            )
        case "unfetched":
            told = _("De badge %(name)s konden we niet ophalen.")
            advice = _("Bij %(issuer)s lukte het niet. Vraag hun om een nieuw aanbod.")
        case "unsound":
            told = _("De badge %(name)s klopte niet. We hebben hem niet bewaard.")
            advice = _("Hij kwam van %(issuer)s. Vraag hun om een nieuwe.")
        case "unchecked":
            told = _("De badge %(name)s kon niet worden nagekeken. We hebben hem niet bewaard.")
            advice = _("We hebben het lang geprobeerd. Vraag %(issuer)s om een nieuw aanbod.")
    places = {"issuer": isolate(lost.issuer_name), "name": isolate(lost.name)}
    return told % places, advice % places


def loss_words(_: Translate, reason: str) -> str:
    """The same in a few words, for the history."""
    return {
        "withheld": _("De uitgever gaf hem toch niet"),
        "late": _("Niet op tijd gekomen"),
        "unfetched": _("Het ophalen lukte niet"),
        "unsound": _("Klopte niet, daarom niet bewaard"),
        "unchecked": _("Kon niet worden nagekeken, daarom niet bewaard"),
    }[reason]


def issuer_words(_: Translate, recognition: PartyRecognition, host: str) -> Words:
    """Whether an issuer is known, and what that means for the person."""
    names = _names(recognition, host)
    match recognition.outcome:
        case Outcome.RECOGNISED:
            return Words("good", _("%(list)s erkent %(name)s als uitgever.") % names, "shield")
        case Outcome.NOT_FOR_THIS_TYPE:
            text = _(
                "%(list)s erkent %(name)s, maar niet voor dit soort badges. Anderen nemen deze badge misschien "
                "niet aan."
            )
            return Words("warn", text % names, "question")
        case Outcome.WITHDRAWN:
            text = _(
                "De erkenning van %(name)s door %(list)s is ingetrokken. Wees voorzichtig: anderen nemen deze badge "
                "misschien niet aan."
            )
            return Words("bad", text % names, "warning")
        case Outcome.LIST_UNAVAILABLE:
            text = _(
                "We konden nu niet nakijken of deze uitgever erkend is. De badge kan echt zijn; kijk zelf of je "
                "%(host)s vertrouwt."
            )
            return Words("warn", text % names, "question")
    text = _("We kennen deze uitgever niet. De badge kan echt zijn; kijk zelf of je %(host)s vertrouwt.")
    return Words("warn", text % names, "question")


def verifier_words(_: Translate, recognition: PartyRecognition, host: str, *, is_signed: bool) -> Words:
    """Whether whoever asks is known, and what that means for the person."""
    names = _names(recognition, host)
    if not is_signed:
        text = _("Wie dit vraagt heeft niet bewezen wie hij is. Je antwoord gaat naar %(host)s.")
        return Words("bad", text % names, "warning")
    match recognition.outcome:
        case Outcome.RECOGNISED:
            return Words("good", _("%(list)s kent %(host)s als %(name)s.") % names, "shield")
        case Outcome.NOT_FOR_THIS_TYPE:
            text = _("%(list)s kent %(name)s, maar niet voor zo'n vraag. Kijk zelf of je dit met hen wilt delen.")
            return Words("warn", text % names, "question")
        case Outcome.WITHDRAWN:
            text = _(
                "De erkenning van %(name)s door %(list)s is ingetrokken. Wees voorzichtig: deel alleen als je zeker "
                "weet dat je hen kunt vertrouwen."
            )
            return Words("bad", text % names, "warning")
        case Outcome.LIST_UNAVAILABLE:
            text = _("We konden nu niet nakijken of we deze partij kennen. De vraag komt echt van %(host)s.")
            return Words("warn", text % names, "question")
    text = _("We kennen deze partij niet. De vraag komt echt van %(host)s; kijk zelf of je die vertrouwt.")
    return Words("warn", text % names, "question")


def facts_in_words(_: Translate, facts: Iterable[Fact]) -> str:
    """Facts by their names, in one sentence; skills by what they are."""
    return _listed(_, [fact.value if fact.is_skill else label_text(_, fact.label) for fact in facts])


def hidden_words(_: Translate, page: RequestPage) -> str:
    """What stays hidden, in one calm line. Skills are counted: their names are one click away."""
    skills = len(page.hidden_skills())
    count = [] if not skills else [_("1 andere skill") if skills == 1 else _("%(n)s andere skills") % {"n": skills}]
    ours = list(LABELS.values())
    known = sorted(page.hidden_labels(), key=lambda label: ours.index(label) if label in ours else len(ours))
    labels = [label_text(_, label) for label in known]
    return _listed(_, [*labels, *count, _("Je andere badges en skills")])


def _listed(_: Translate, texts: Sequence[str]) -> str:
    """Words in a row, as one says them: only the first begins with a capital where it has one of its own."""
    names = [texts[0], *(_small(text) for text in texts[1:])] if texts else []
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s en %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


_WORDS_OF_A_SENTENCE = (
    *("Je ", "Het ", "Wat ", "Hoe ", "Niveau, ", "Skill "),
    *("Your ", "The ", "What ", "How ", "Level, "),
)


def _small(text: str) -> str:
    """Without the capital of a sentence; an abbreviation or a name of somebody's own keeps its letters."""
    return text[:1].lower() + text[1:] if text.startswith(_WORDS_OF_A_SENTENCE) else text


def _names(recognition: PartyRecognition, host: str) -> dict[str, object]:
    found = {"name": recognition.entity_name or host, "list": recognition.list_name, "host": host}
    return {place: isolate(text) for place, text in found.items()}


def is_web_address(url: str | None) -> bool:
    """Whether text from a badge may become a link: an https address and nothing that acts (A-41)."""
    return bool(url) and str(url).startswith("https://")

"""What the person must know before answering a verifier's question, and what was chosen. W-47, W-48.

What the wallet holds is matched here and tells the verifier nothing. A choice names the answer that was drawn on the
page; one that can no longer be given is refused instead of replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice, product
from typing import Any

from kernel.dcql import Answer, Candidate, DcqlMatch, SetMatch, match
from kernel.openid4vp import AuthorizationRequest
from wallet.claims import Fact, find_hidden_facts, find_shown_facts
from wallet.credentials import Badge, HeldForm
from wallet.errors import ChoiceError, NoMatchError
from wallet.recognition import PartyRecognition, recognition_json

_MAX_ALTERNATIVES = 50
# The same badge may be held in several forms; so many ways are looked at for those fifty.
_MAX_WAYS = 5 * _MAX_ALTERNATIVES
_STATE_ORDER = ("valid", "unknown", "told", "not_yet_valid", "suspended", "expired", "revoked")


# By credential query, which form of which badge answers it.
_Way = tuple[tuple[str, Answer], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One badge shown in answer to one credential query: what they would see of it, and what not."""

    query_id: str
    form_id: str
    badge: Badge
    answer: Answer
    shown: tuple[Fact, ...]
    hidden: tuple[Fact, ...]
    is_whole: bool
    """Whether this form of the badge hides nothing: who is shown it sees all that stands on it."""

    def asked_skills(self) -> list[str]:
        """The skills that were asked for; a badge that is shown whole shows its others too."""
        return [fact.value for fact in self.shown if fact.is_skill and self._is_asked(fact)]

    def _is_asked(self, fact: Fact) -> bool:
        return any(path[: len(fact.path)] == fact.path for path in self.answer.claims)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to answer one question. The key names exactly these forms for these queries."""

    key: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """Something that is asked, and every way in which this wallet can answer it, the best first."""

    id: str
    required: bool
    alternatives: tuple[Alternative, ...]

    @property
    def skills(self) -> tuple[str, ...]:
        """The skills that every way was asked for, by their names on the badges: what the question is about."""
        shown = [dict.fromkeys(name for part in way.parts for name in part.asked_skills()) for way in self.alternatives]
        return tuple(name for name in (shown[0] if shown else ()) if all(name in names for names in shown))

    def further_facts(self, part: Part) -> list[Fact]:
        """What one way shows besides the skills that every way shows."""
        return [fact for fact in part.shown if not (fact.is_skill and fact.value in self.skills)]


@dataclass(frozen=True, slots=True)
class RequestPage:
    """What the person must know before answering (W-47)."""

    id: str
    state: str
    client_id: str
    host: str
    verifier_name: str
    """What the list calls whoever asks, else their host."""
    verifier_own_name: str
    """What they call themselves, which nobody checked."""
    is_signed: bool
    recognition: PartyRecognition
    purpose: Mapping[str, str]
    questions: tuple[AskedQuestion, ...]
    expires_at: datetime

    @property
    def is_answerable(self) -> bool:
        """Whether everything required can be answered; if not, nothing may be sent (OpenID4VP 1.0 §6.4.2)."""
        required = [question for question in self.questions if question.required]
        return all(question.alternatives for question in required) and any(
            question.alternatives for question in self.questions
        )

    def fixed_parts(self) -> list[tuple[Badge, tuple[Fact, ...], bool]]:
        """What is shown where there is nothing to choose: each badge once, all that is shown, whether it is all of it.

        Two forms of a badge may name a fact at two places; it is told once.
        """
        shown: dict[str, list[Part]] = {}
        for question in self.questions:
            if question.required and len(question.alternatives) == 1:
                for part in question.alternatives[0].parts:
                    shown.setdefault(part.badge.id, []).append(part)
        return [(parts[0].badge, _merge(parts), any(part.is_whole for part in parts)) for parts in shown.values()]

    def hidden_labels(self) -> list[str]:
        """What of the person stays hidden, whichever way is chosen; skills are listed by `hidden_skills`."""
        facts = [fact for part in self._required_parts() for fact in part.hidden if not fact.is_skill]
        shown = {fact.label for part in self._required_parts() for fact in part.shown}
        return list(dict.fromkeys(fact.label for fact in facts if fact.label not in shown))

    def hidden_skills(self) -> list[str]:
        """The skills on the badges that stay hidden, whichever way is chosen."""
        shown = {fact.value for part in self._required_parts() for fact in part.shown}
        hidden = [fact.value for part in self._required_parts() for fact in part.hidden if fact.is_skill]
        return list(dict.fromkeys(value for value in hidden if value not in shown))

    def _required_parts(self) -> list[Part]:
        return [
            part
            for question in self.questions
            if question.required
            for alternative in question.alternatives
            for part in alternative.parts
        ]

    def skills(self) -> list[str]:
        """The skills that are asked for and would be shown if the person changed nothing."""
        asked = [name for part in self.proposed_parts() for name in part.asked_skills()]
        return list(dict.fromkeys(asked)) if self.is_answerable else []

    def proposed_parts(self) -> list[Part]:
        """What would be shown if the person changed nothing: the first way to answer what is required."""
        required = (question for question in self.questions if question.required and question.alternatives)
        return [part for question in required for part in question.alternatives[0].parts]


def request_json(page: RequestPage) -> dict[str, Any]:
    """The question for the API."""
    return {
        "id": page.id,
        "state": page.state,
        "verifier": {
            "name": page.verifier_name,
            "own_name": page.verifier_own_name,
            "client_id": page.client_id,
            "host": page.host,
            "is_signed": page.is_signed,
            "recognition": recognition_json(page.recognition),
        },
        "purpose": page.purpose.get("nl") or next(iter(page.purpose.values()), ""),
        "purposes": dict(page.purpose),
        "questions": [
            {
                "id": question.id,
                "required": question.required,
                "alternatives": [
                    {"key": alternative.key, "parts": [part_json(part) for part in alternative.parts]}
                    for alternative in question.alternatives
                ],
            }
            for question in page.questions
        ],
        "answerable": page.is_answerable,
        "share": [part_json(part) for part in page.proposed_parts()] if page.is_answerable else [],
        "expires_at": page.expires_at.isoformat(),
    }


def match_questions(request: AuthorizationRequest, badges: Sequence[Badge], language: str) -> Iterable[AskedQuestion]:
    """Each set of the query as one question; without sets, each credential query (§6.4.2)."""
    held = {form.id: (badge, form) for badge in sorted(badges, key=_rank) for form in badge.forms}
    found = match(request.dcql_query, [_candidate(form) for _, form in held.values()])
    sets: Sequence[SetMatch] = found.sets
    if not request.dcql_query.credential_sets:
        sets = [
            SetMatch(required=True, options=((query.id,),) if found.answers[query.id] else ())
            for query in request.dcql_query.credentials
        ]
    for number, asked in enumerate(sets):
        yield AskedQuestion(f"q{number}", asked.required, tuple(_alternatives(asked, found, held, language)))


def _rank(badge: Badge) -> tuple[int, bool]:
    """Badges that hold now come first, and among them those of a recognised issuer."""
    return _STATE_ORDER.index(badge.state.kind), not badge.recognition.is_recognised


def _alternatives(
    asked: SetMatch, found: DcqlMatch, held: Mapping[str, tuple[Badge, HeldForm]], language: str
) -> Iterable[Alternative]:
    """Every way to meet one set, the best first. The same badges in other forms are no other way: of those the one is
    taken in which the fewest badges are shown whole, and among equals the one that the verifier prefers."""
    flat = (
        tuple(zip(option, answers, strict=True))
        for option in asked.options
        for answers in islice(_combinations(found, option), _MAX_ALTERNATIVES)
    )
    ways: dict[frozenset[str], list[_Way]] = {}
    for way in islice(flat, _MAX_WAYS):
        ways.setdefault(frozenset(held[answer.candidate_id][0].id for _, answer in way), []).append(way)
    for same in islice(ways.values(), _MAX_ALTERNATIVES):
        best = min(same, key=lambda way: sum(held[answer.candidate_id][1].is_whole for _, answer in way))
        parts = tuple(_part(query_id, answer, *held[answer.candidate_id], language) for query_id, answer in best)
        yield Alternative(",".join(f"{part.query_id}:{part.form_id}" for part in parts), parts)


def _combinations(found: DcqlMatch, option: Sequence[str]) -> Iterable[tuple[Answer, ...]]:
    """Every choice of one answer for each query of an option, one at a time: all of them may be beyond counting."""
    return product(*(found.answers[name][:_MAX_ALTERNATIVES] for name in option))


def _candidate(form: HeldForm) -> Candidate:
    credential = form.credential
    return Candidate(
        id=form.id,
        format=credential.format,
        types=credential.types,
        claims=credential.claims,
        disclosable=form.disclosable_paths(),
        is_holder_bound=credential.holder_key is not None,
    )


def _part(query_id: str, answer: Answer, badge: Badge, form: HeldForm, language: str) -> Part:
    claims = form.credential.claims
    where: dict[str, Any] = {
        "disclosable": form.disclosable_paths(),
        "opened": answer.opened,
        "labels": form.labels,
        "language": language,
    }
    return Part(
        query_id=query_id,
        form_id=form.id,
        badge=badge,
        answer=answer,
        shown=find_shown_facts(claims, **where),
        hidden=find_hidden_facts(claims, **where),
        is_whole=form.is_whole,
    )


def _merge(parts: Sequence[Part]) -> tuple[Fact, ...]:
    """All facts of several parts of one badge, each once by what it says."""
    facts: dict[tuple[str, str], Fact] = {}
    for fact in (fact for part in parts for fact in part.shown):
        facts.setdefault((fact.label, fact.value), fact)
    return tuple(facts.values())


def choose(page: RequestPage, choices: Mapping[str, str]) -> list[Part]:
    """What the person chose: for a required question the first way unless another was named; optional ones by name."""
    if not page.is_answerable:
        raise NoMatchError
    if set(choices) - {question.id for question in page.questions}:
        raise ChoiceError("unknown question")
    chosen: dict[str, Part] = {}
    for question in page.questions:
        key = choices.get(question.id, question.alternatives[0].key if question.required else "")
        if not key and not question.required:
            continue
        found = next((way for way in question.alternatives if way.key == key), None)
        if found is None:
            raise ChoiceError("not on offer")
        for part in found.parts:
            if chosen.setdefault(part.query_id, part).form_id != part.form_id:
                raise ChoiceError("two badges for one query")
    if not chosen:
        raise ChoiceError("nothing chosen")
    return list(chosen.values())


def part_json(part: Part) -> dict[str, Any]:
    return {
        "query_id": part.query_id,
        "credential_id": part.badge.id,
        "name": part.badge.view.name,
        "state": part.badge.state.kind,
        "is_whole": part.is_whole,
        "shown": [asdict(fact) for fact in part.shown],
        "hidden": [asdict(fact) for fact in part.hidden],
    }

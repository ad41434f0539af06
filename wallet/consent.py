"""What the person must know before answering a verifier's question, and what was chosen. W-47, W-48.

What the wallet holds is matched here and tells the verifier nothing. A choice names the answer that was drawn on the
page; one that can no longer be given is refused instead of replaced.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice, product
from typing import Any

from kernel import base64url
from kernel.dcql import Answer, Authorities, Candidate, ConcretePath, DcqlMatch, DcqlQuery, SetMatch, match
from kernel.formats import FORMATS
from kernel.openid4vp import TRANSACTION_DATA_FORMATS, AuthorizationRequest, Registration, TransactionData
from kernel.strict_json import encode_json
from wallet.claims import LEARNING, Fact, choose_text, find_hidden_facts, find_shown_facts, shown_name
from wallet.credentials import Badge, HeldForm
from wallet.errors import ChoiceError, NoMatchError
from wallet.near_skills import NearSkill, near_json
from wallet.recognition import PartyRecognition, recognition_json

_MAX_ALTERNATIVES = 50
# The same badge may be held in several forms; so many ways are looked at for those fifty.
_MAX_WAYS = 5 * _MAX_ALTERNATIVES
# In all ways to answer all questions so many badges are named on one page; a few ways of each question always are.
_MAX_ON_A_PAGE = 1000
_FEW = 5
# Of one badge so many selections of claims are offered.
_MAX_CLAIM_CHOICES = 5
_STATE_ORDER = ("valid", "unknown", "told", "not_yet_valid", "suspended", "expired", "revoked")
_LAPSED = frozenset({"not_yet_valid", "suspended", "expired", "revoked"})


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
    is_multiple: bool
    """Whether the query takes several badges."""

    @property
    def asked(self) -> tuple[Fact, ...]:
        """What was asked for. Who asks for no claim of a badge that cannot be shown in part, asks for all of it."""
        is_all = self.is_whole and not self.answer.claims
        return tuple(fact for fact in self.shown if is_all or any(map(fact.lies_at, self.answer.claims)))

    @property
    def extra(self) -> frozenset[Fact]:
        """What goes along unasked: it cannot be kept back (W-47)."""
        return frozenset(self.shown).difference(self.asked)

    def looks(self) -> Hashable:
        """All that the page says of it."""
        view, state = self.badge.view, self.badge.state
        ends_on = None if state.expires_at is None else state.expires_at.date()
        said = frozenset((fact.label, fact.value) for fact in self.shown)
        badge = (
            view.name,
            view.issuer_name or self.badge.issuer_id,
            view.awarded_at,
            state.kind,
            ends_on,
            state.messages,
        )
        return self.query_id, self.is_whole, badge, said

    def asked_skills(self) -> list[str]:
        """The skills that were asked for; a badge that is shown whole shows its others too."""
        return [fact.value for fact in self.asked if fact.is_skill]


@dataclass(frozen=True, slots=True)
class ShownBadge:
    """All that is shown of one badge, whichever queries it answers."""

    badge: Badge
    facts: tuple[Fact, ...]
    extra: frozenset[Fact]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to answer one question. The key names exactly these claims of these forms for these queries."""

    key: str
    parts: tuple[Part, ...]

    @property
    def badge_ids(self) -> frozenset[str]:
        return frozenset(part.badge.id for part in self.parts)

    def looks(self) -> Hashable:
        """All that a person could tell it by."""
        return frozenset(part.looks() for part in self.parts)

    def told(self) -> frozenset[tuple[str, str]]:
        """What was asked for and would be told, in words: the same in whichever form of a badge it stands."""
        return frozenset((fact.label, fact.value) for part in self.parts for fact in part.asked)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """Something that is asked, and every way in which this wallet can answer it, the best first."""

    id: str
    required: bool
    alternatives: tuple[Alternative, ...]

    @property
    def is_multiple(self) -> bool:
        """Whether several of the ways may be chosen together: each is one badge for a query that takes several."""
        queries = {part.query_id for way in self.alternatives for part in way.parts if part.is_multiple}
        alone = all(len(way.parts) == 1 and way.parts[0].query_id in queries for way in self.alternatives)
        return alone and len(queries) == 1 and len(self.alternatives) > 1

    def difference(self, way: Alternative) -> list[Fact] | None:
        """What one way tells that another with the same badges does not; None where no other has the same badges."""
        same = [other.told() for other in self.alternatives if other.badge_ids == way.badge_ids]
        if len(same) == 1:
            return None
        common = frozenset.intersection(*same)
        told = {(fact.label, fact.value): fact for part in way.parts for fact in part.asked}
        return [fact for words, fact in told.items() if words not in common]

    @property
    def skills(self) -> tuple[str, ...]:
        """The skills that every way was asked for, by their names on the badges: what the question is about."""
        shown = [dict.fromkeys(name for part in way.parts for name in part.asked_skills()) for way in self.alternatives]
        return tuple(name for name in (shown[0] if shown else ()) if all(name in names for names in shown))

    def further_facts(self, part: Part) -> list[Fact]:
        """What one way shows besides the skills that every way shows."""
        return [fact for fact in part.shown if not (fact.is_skill and fact.value in self.skills)]

    def is_repeated(self, way: Alternative) -> bool:
        """Whether an earlier way has the same badges, so that they need no introduction."""
        earlier = self.alternatives[: self.alternatives.index(way)]
        return any(other.badge_ids == way.badge_ids for other in earlier)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Something to which the person agrees with the same answer (W-54), and by which queries' badges."""

    title: str
    text: str
    query_ids: frozenset[str]


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
    """Why they ask, by language; `und` where that is not known."""
    comparison_code: str
    """What stands on the screen from which they ask, where they show a code to compare."""
    questions: tuple[AskedQuestion, ...]
    agreements: tuple[Agreement, ...]
    attester: str
    """Who declares which party asks, where somebody does."""
    registration: Registration | None
    """What a registrar certifies of whoever asks: its name, and for what it may ask."""
    expires_at: datetime
    near: tuple[NearSkill, ...] = ()
    """What comes near to what is asked for and is no answer to it."""
    has_common_format: bool = True
    """Whether they read, by what they say, a format they ask for as wallets of this kind have it: whatever is held."""

    @property
    def is_answerable(self) -> bool:
        """Whether everything required can be answered; if not, nothing may be sent (OpenID4VP 1.0 §6.4.2)."""
        required = [question for question in self.questions if question.required]
        answered = [question for question in self.questions if question.alternatives]
        queries = {part.query_id for question in answered for way in question.alternatives for part in way.parts}
        can_agree = all(agreement.query_ids & queries for agreement in self.agreements)
        return bool(answered) and can_agree and all(question.alternatives for question in required)

    def fixed_badges(self) -> list[ShownBadge]:
        """What is shown where there is nothing to choose: each badge once, with all that is shown of it.

        Two forms of a badge may name a fact at two places; it is told once.
        """
        shown: dict[str, list[Part]] = {}
        for question in self.questions:
            if question.required and len(question.alternatives) == 1:
                for part in question.alternatives[0].parts:
                    shown.setdefault(part.badge.id, []).append(part)
        return [_merge(parts) for parts in shown.values()]

    def hidden_labels(self) -> list[str]:
        """What of the person stays hidden, whichever way is chosen; skills are listed by `hidden_skills`.

        Level, workload and the like are one thing here: nobody reads a dozen names to learn what is not shared.
        """
        facts = [fact for part in self._parts(required=True) for fact in part.hidden if not fact.is_skill]
        shown = {fact.label for part in self._parts(required=False) for fact in part.shown}
        labels = [LEARNING if fact.kind == "learning" else fact.label for fact in facts if fact.label not in shown]
        return list(dict.fromkeys(labels))

    def hidden_skills(self) -> list[str]:
        """The skills on the badges that stay hidden, whichever way is chosen."""
        shown = {fact.value for part in self._parts(required=False) for fact in part.shown}
        hidden = [fact.value for part in self._parts(required=True) for fact in part.hidden if fact.is_skill]
        return list(dict.fromkeys(value for value in hidden if value not in shown))

    def _parts(self, *, required: bool) -> list[Part]:
        """Every part of every way: of what must be answered, or also of what may be."""
        return [
            part
            for question in self.questions
            if question.required or not required
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
            "attester": page.attester,
            "registration": None if page.registration is None else asdict(page.registration),
            "recognition": recognition_json(page.recognition),
        },
        "purpose": choose_text(page.purpose, "nl").text,
        "purposes": dict(page.purpose),
        "comparison_code": page.comparison_code,
        "agreements": [{"title": agreement.title, "text": agreement.text} for agreement in page.agreements],
        "questions": [
            {
                "id": question.id,
                "required": question.required,
                "multiple": question.is_multiple,
                "alternatives": [
                    {"key": alternative.key, "parts": [part_json(part) for part in alternative.parts]}
                    for alternative in question.alternatives
                ],
            }
            for question in page.questions
        ],
        "answerable": page.is_answerable,
        "has_common_format": page.has_common_format,
        "near": [near_json(near) for near in page.near],
        "share": [part_json(part) for part in page.proposed_parts()] if page.is_answerable else [],
        "expires_at": page.expires_at.isoformat(),
    }


def match_questions(
    request: AuthorizationRequest, badges: Sequence[Badge], language: str, authorities: Mapping[str, Authorities]
) -> Iterable[AskedQuestion]:
    """Each set of the query as one question; without sets, each credential query (§6.4.2).

    `authorities`: who stands above the issuers, by form, where the question asks for that.
    """
    held = {
        form.id: (badge, form)
        for badge in sorted(badges, key=_rank)
        for form in badge.forms
        if _is_readable(request, form)
    }
    found = match(request.dcql_query, [_candidate(form, authorities) for _, form in held.values()])
    sets: Sequence[SetMatch] = found.sets
    if not request.dcql_query.credential_sets:
        sets = [
            SetMatch(required=True, options=((query.id,),) if found.answers[query.id] else ())
            for query in request.dcql_query.credentials
        ]
    agreements = find_agreements(request)
    parts = _Parts(request.dcql_query, held, language)
    longest = sum(max(map(len, asked.options), default=0) for asked in sets)
    most = max(_FEW, _MAX_ON_A_PAGE // max(longest, 1))
    proposed: set[str] = set()
    for number, asked in enumerate(sets):
        ways = _able_to_agree(_alternatives(asked, found, parts), agreements)
        question = AskedQuestion(f"q{number}", asked.required, tuple(_fewest_badges_first(ways, proposed)[:most]))
        if question.required and question.alternatives:
            proposed |= question.alternatives[0].badge_ids
        yield question


def _is_readable(request: AuthorizationRequest, form: HeldForm) -> bool:
    """Whether they ask for this format and say that they read it, signed as this form is (§11.1)."""
    credential = form.credential
    asked = [query for query in request.dcql_query.credentials if query.format == credential.format]
    if not asked:
        return False
    is_bound = any(query.require_cryptographic_holder_binding for query in asked)
    unverified = FORMATS[credential.format].parse(credential.raw)
    return request.client_metadata.can_read(unverified, credential.holder_key if is_bound else None)


def _fewest_badges_first(ways: Sequence[Alternative], proposed: set[str]) -> Sequence[Alternative]:
    """Ways whose badges hold now, and among them those that show the fewest badges that are not shown anyway."""
    return sorted(ways, key=lambda way: (_has_lapsed(way), len(way.badge_ids - proposed)))


def _able_to_agree(ways: Sequence[Alternative], agreements: Sequence[Agreement]) -> Sequence[Alternative]:
    """Without the ways by which the person could not agree, where there are others by which they can."""
    for agreement in agreements:
        able = [way for way in ways if any(part.query_id in agreement.query_ids for part in way.parts)]
        ways = able or ways
    return ways


def find_agreements(request: AuthorizationRequest) -> tuple[Agreement, ...]:
    """What the person would agree to, in the verifier's words, and with which badges that can be signed. §8.4, B.3.3"""
    return tuple(
        Agreement(
            title=shown_name(entry.members["title"]),
            text=entry.members["text"],
            query_ids=frozenset(carriers_of(request, entry)),
        )
        for entry in request.transaction_data
    )


def carriers_of(request: AuthorizationRequest, entry: TransactionData) -> list[str]:
    """The queries whose badges can carry an agreement: those that it names, in a format that has a place for it."""
    asked = [request.dcql_query.find(query_id) for query_id in entry.credential_ids]
    return [query.id for query in asked if query is not None and query.format in TRANSACTION_DATA_FORMATS]


def _rank(badge: Badge) -> tuple[int, bool]:
    """Badges that hold now come first, and among them those of a recognised issuer."""
    return _STATE_ORDER.index(badge.state.kind), not badge.recognition.is_recognised


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one form of a badge shows and hides, where certain claims of it are opened."""

    shown: tuple[Fact, ...]
    hidden: tuple[Fact, ...]
    is_whole: bool


class _Parts:
    """The parts of the ways to answer one request. What they show is told once for each form, however many there are.

    A stranger writes the question: hundreds of queries may ask the same of one badge, in thousands of ways.
    """

    def __init__(self, query: DcqlQuery, held: Mapping[str, tuple[Badge, HeldForm]], language: str) -> None:
        self._multiple = frozenset(asked.id for asked in query.credentials if asked.multiple)
        self._held = held
        self._language = language
        self._facts: dict[tuple[str, frozenset[ConcretePath]], _Facts] = {}
        self._parts: dict[tuple[str, str, frozenset[ConcretePath]], Part] = {}

    def get(self, query_id: str, answer: Answer) -> Part:
        """What is shown in answer to one query of the request."""
        key = (query_id, answer.candidate_id, answer.opened)
        if key not in self._parts:
            badge, form = self._held[answer.candidate_id]
            facts = self._facts_of(form, answer.opened)
            self._parts[key] = Part(
                query_id=query_id,
                form_id=form.id,
                badge=badge,
                answer=answer,
                shown=facts.shown,
                hidden=facts.hidden,
                is_whole=facts.is_whole,
                is_multiple=query_id in self._multiple,
            )
        return self._parts[key]

    def _facts_of(self, form: HeldForm, opened: frozenset[ConcretePath]) -> _Facts:
        if (form.id, opened) not in self._facts:
            claims = form.credential.claims
            where: dict[str, Any] = {
                "disclosable": form.disclosable_paths(),
                "opened": opened,
                "labels": form.labels,
                "language": self._language,
            }
            self._facts[form.id, opened] = _Facts(
                find_shown_facts(claims, **where), find_hidden_facts(claims, **where), form.is_whole
            )
        return self._facts[form.id, opened]


def _alternatives(asked: SetMatch, found: DcqlMatch, described: "_Parts") -> list[Alternative]:
    """Every way to meet one set that a person could tell from the others, as the verifier prefers (§6.4.1, §6.4.2).

    The same badges in other forms are no other way unless they tell something else; among those, only the ones in which
    the fewest badges are shown whole.
    """
    flat = (
        tuple(zip(option, answers, strict=True))
        for option in asked.options
        for answers in islice(_combinations(found, option), _MAX_WAYS)
    )
    by_badges: dict[frozenset[str], list[Alternative]] = {}
    for way in islice(flat, _MAX_WAYS):
        parts = tuple(described.get(query_id, answer) for query_id, answer in way)
        alternative = Alternative(",".join(map(_key, parts)), parts)
        by_badges.setdefault(alternative.badge_ids, []).append(alternative)
    ways = [way for same in islice(by_badges.values(), _MAX_ALTERNATIVES) for way in _distinct(same)]
    return list(_offer_once(ways))


def _has_lapsed(way: Alternative) -> bool:
    return any(part.badge.state.kind in _LAPSED for part in way.parts)


def _offer_once(ways: Iterable[Alternative]) -> Iterable[Alternative]:
    """Of ways that look the same the best: whoever received a badge twice has nothing to choose there."""
    offered: dict[Hashable, Alternative] = {}
    for way in ways:
        offered.setdefault(way.looks(), way)
    return offered.values()


def _distinct(ways: Sequence[Alternative]) -> Iterable[Alternative]:
    """Of ways with the same badges those that tell different things, and hide what can be hidden."""
    fewest = min(_whole_forms(way) for way in ways)
    told: dict[frozenset[tuple[str, str]], Alternative] = {}
    for way in ways:
        if _whole_forms(way) == fewest:
            told.setdefault(way.told(), way)
    return islice(told.values(), _MAX_CLAIM_CHOICES)


def _whole_forms(way: Alternative) -> int:
    return sum(part.is_whole for part in way.parts)


def _key(part: Part) -> str:
    """Names a form and what is asked of it, so that what is sent is what stood on the page."""
    claims = encode_json(sorted(part.answer.opened, key=str))
    return f"{part.query_id}:{part.form_id}:{base64url.encode(sha256(claims).digest()[:9])}"


def _combinations(found: DcqlMatch, option: Sequence[str]) -> Iterable[tuple[Answer, ...]]:
    """Choices of one answer for each query of an option, one at a time: all of them may be beyond counting.

    First those in which one badge answers all. It is shown with no other: nobody need show two where one will do.
    """
    answers = [found.answers[name][:_MAX_ALTERNATIVES] for name in option]
    held = [[answer.candidate_id for answer in each] for each in answers]
    alone = [one for one in dict.fromkeys(held[0]) if all(one in each for each in held)]
    for one in alone:
        yield from product(*([answer for answer in each if answer.candidate_id == one] for each in answers))
    yield from product(*([answer for answer in each if answer.candidate_id not in alone] for each in answers))


def _candidate(form: HeldForm, authorities: Mapping[str, Authorities]) -> Candidate:
    credential = form.credential
    return Candidate(
        id=form.id,
        format=credential.format,
        types=credential.types,
        claims=credential.claims,
        disclosable=form.disclosable_paths(),
        authorities=authorities.get(form.id, Authorities()),
        is_holder_bound=credential.holder_key is not None,
    )


def _merge(parts: Sequence[Part]) -> ShownBadge:
    """All facts of several parts of one badge, each once by what it says. What one of them asks for is no extra."""
    facts: dict[tuple[str, str], Fact] = {}
    for fact in (fact for part in parts for fact in part.shown):
        facts.setdefault((fact.label, fact.value), fact)
    asked = {(fact.label, fact.value) for part in parts for fact in part.asked}
    return ShownBadge(
        badge=parts[0].badge,
        facts=tuple(facts.values()),
        extra=frozenset(fact for words, fact in facts.items() if words not in asked),
        is_whole=any(part.is_whole for part in parts),
    )


def choose(page: RequestPage, choices: Mapping[str, Sequence[str]]) -> list[Part]:
    """What the person chose: for a required question the first way unless others were named; optional ones by name."""
    if not page.is_answerable:
        raise NoMatchError
    if set(choices) - {question.id for question in page.questions}:
        raise ChoiceError("unknown question")
    chosen: dict[tuple[str, str], Part] = {}
    for question in page.questions:
        for way in _chosen_ways(question, choices.get(question.id)):
            chosen.update({(part.query_id, part.form_id): part for part in way.parts})
    if not chosen:
        raise ChoiceError("nothing chosen")
    for agreement in page.agreements:
        if agreement.query_ids.isdisjoint(query_id for query_id, _ in chosen):
            raise ChoiceError("nothing to agree with")
    _require_one_badge_for_each_query(chosen.values())
    return list(chosen.values())


def _chosen_ways(question: AskedQuestion, keys: Sequence[str] | None) -> list[Alternative]:
    if keys is None:
        return [question.alternatives[0]] if question.required else []
    wanted = [key for key in dict.fromkeys(keys) if key]
    found = [way for way in question.alternatives if way.key in wanted]
    if len(found) < len(wanted) or (question.required and not found):
        raise ChoiceError("not on offer")
    if len(found) > 1 and not question.is_multiple:
        raise ChoiceError("one way is enough")
    return found


def _require_one_badge_for_each_query(parts: Iterable[Part]) -> None:
    """§8.1: several presentations only for a query that takes several, and no badge twice."""
    seen: dict[str, list[Part]] = {}
    for part in parts:
        seen.setdefault(part.query_id, []).append(part)
    for same in seen.values():
        if len(same) > 1 and not (same[0].is_multiple and len({part.badge.id for part in same}) == len(same)):
            raise ChoiceError("two badges for one query")


def part_json(part: Part) -> dict[str, Any]:
    extra = part.extra
    return {
        "query_id": part.query_id,
        "credential_id": part.badge.id,
        "name": part.badge.view.name,
        "state": part.badge.state.kind,
        "is_whole": part.is_whole,
        "shown": [_fact_json(fact) | {"is_extra": fact in extra} for fact in part.shown],
        "hidden": [_fact_json(fact) for fact in part.hidden],
    }


def _fact_json(fact: Fact) -> dict[str, Any]:
    return {"path": fact.path, "label": fact.label, "value": fact.value, "kind": fact.kind}

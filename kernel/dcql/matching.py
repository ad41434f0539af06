"""What a wallet holds against what is asked: who could answer, and what exactly would be shown. OpenID4VP 1.0 §6.4."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from kernel.dcql.claims_path import ClaimsPath, ConcretePath, find_path
from kernel.dcql.query import ClaimsQuery, CredentialQuery, DcqlQuery, TrustedAuthority
from kernel.errors import QueryNotSatisfiedError

# Of one credential so many combinations of claims are looked at: a query may name hundreds.
MAX_SELECTIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Authorities:
    """By what an issuer could be recognised, as far as the credential and the lists at hand say it. §6.1.1.

    `key_identifiers`: AuthorityKeyIdentifiers of the credential's certificate chain, base64url.
    `trust_lists`: URLs of the trusted lists that name the issuer. `federation_entities`: entity identifiers on
    the issuer's trust path, its own included.
    """

    key_identifiers: frozenset[str] = frozenset()
    trust_lists: frozenset[str] = frozenset()
    federation_entities: frozenset[str] = frozenset()

    def meet(self, wanted: TrustedAuthority) -> bool:
        """Tell whether one value of one entry is met; a type that is not known here meets nothing."""
        stated = {
            "aki": self.key_identifiers,
            "etsi_tl": self.trust_lists,
            "openid_federation": self.federation_entities,
        }.get(wanted.type, frozenset())
        return not stated.isdisjoint(wanted.values)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A credential that could answer: all its processed claims, and which of them can be kept back.

    `disclosable` has the concrete path of everything that is disclosed only on purpose, elements of arrays
    included; what lies outside of it is shown with the credential, whatever is asked.
    """

    id: str
    format: str
    types: frozenset[str]
    claims: Mapping[str, Any]
    disclosable: Collection[ClaimsPath] = frozenset()
    authorities: Authorities = field(default=Authorities())
    is_holder_bound: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """One credential that answers one credential query, and what it would show.

    `claims`: the concrete paths of what was asked. `disclose`: what `present` is to be given, those paths and
    whatever hides below them. `opened`: the members of `Candidate.disclosable` that would become visible.
    """

    candidate_id: str
    claims: tuple[ConcretePath, ...]
    disclose: frozenset[ConcretePath]
    opened: frozenset[ConcretePath]


@dataclass(frozen=True, slots=True)
class SetMatch:
    """The options of one credential set that can be met, most wanted first; none when the set cannot."""

    required: bool
    options: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class DcqlMatch:
    """All ways to answer a query. `answers` is for the holder's eyes; nothing of it reaches the verifier (A-39).

    A credential that can give several of the combinations in `claim_sets` has an answer for each, the one that the
    verifier wants most first: it SHOULD be returned, and the holder may prefer another (§6.4.1).
    """

    answers: Mapping[str, tuple[Answer, ...]]
    sets: tuple[SetMatch, ...]

    @property
    def satisfiable(self) -> bool:
        """Whether everything that is required can be answered; if not, nothing may be sent at all. §6.4.2."""
        return all(found.options for found in self.sets if found.required)

    def first_choice(self) -> dict[str, Answer]:
        """Return the answer that shows what is required and no more: first options, first credentials.

        Optional sets stay out until the holder chooses them, and one credential answers a query even where
        `multiple` would take more. Raises QueryNotSatisfiedError when there is no answer.
        """
        if not self.satisfiable:
            raise QueryNotSatisfiedError("the required credentials are not held")
        chosen = [name for found in self.sets if found.required for name in found.options[0]]
        return {name: self.answers[name][0] for name in chosen}


def match(query: DcqlQuery, held: Sequence[Candidate]) -> DcqlMatch:
    """Find every credential that answers, and which combinations will do. OpenID4VP 1.0 §6.4.

    Changes and reveals nothing. Trusted authorities only narrow the choice here; whether an issuer is
    recognised is decided by whoever verifies.
    """
    answers = {wanted.id: _find_answers(wanted, held) for wanted in query.credentials}
    answered = frozenset(name for name, found in answers.items() if found)
    sets = tuple(
        SetMatch(wanted.required, tuple(option for option in wanted.options if answered.issuperset(option)))
        for wanted in query.sets
    )
    return DcqlMatch(answers, sets)


def meets_constraints(query: CredentialQuery, candidate: Candidate) -> bool:
    """Tell whether format, type, holder binding and authorities of a credential are those asked for. §6.1."""
    return (
        candidate.format == query.format
        and (not query.types or any(types <= candidate.types for types in query.types))
        and (candidate.is_holder_bound or not query.require_cryptographic_holder_binding)
        and (not query.trusted_authorities or any(map(candidate.authorities.meet, query.trusted_authorities)))
    )


def select_claims(query: CredentialQuery, claims: Mapping[str, Any]) -> tuple[ConcretePath, ...] | None:
    """Return what is asked of these claims, by the first combination that they can give; None when by none. §6.4.1."""
    return next(_selections(query, claims), None)


def _selections(query: CredentialQuery, claims: Mapping[str, Any]) -> Iterator[tuple[ConcretePath, ...]]:
    """Go through the combinations that these claims can give, most wanted first, each with the claims it selects."""
    found: dict[ClaimsQuery, tuple[ConcretePath, ...]] = {}

    def is_met(claim: ClaimsQuery) -> bool:
        if claim not in found:
            found[claim] = _select_values(claim, claims)
        return bool(found[claim])

    for option in query.claim_options():
        if all(is_met(claim) for claim in option):
            yield tuple(dict.fromkeys(path for claim in option for path in found[claim]))


def _find_answers(query: CredentialQuery, held: Sequence[Candidate]) -> tuple[Answer, ...]:
    suitable = (candidate for candidate in held if meets_constraints(query, candidate))
    return tuple(answer for candidate in suitable for answer in _answers_of(query, candidate))


def _answers_of(query: CredentialQuery, candidate: Candidate) -> Iterable[Answer]:
    """What one credential could show: by the first combination of claims that it can give, then by the others."""
    hidden = frozenset(tuple(step for step in path if step is not None) for path in candidate.disclosable)
    answers: dict[frozenset[ConcretePath], Answer] = {}
    for paths in islice(_selections(query, candidate.claims), MAX_SELECTIONS):
        answer = _create_answer(candidate.id, paths, hidden)
        answers.setdefault(answer.opened, answer)
    return answers.values()


def _create_answer(candidate_id: str, paths: tuple[ConcretePath, ...], hidden: frozenset[ConcretePath]) -> Answer:
    # A claim comes with everything in it (§7.3) and out of everything around it; nothing else is opened.
    asked = frozenset(paths)
    around = frozenset(path[:length] for path in paths for length in range(1, len(path) + 1))
    below = frozenset(path for path in hidden if _starts_with_any(path, asked))
    return Answer(candidate_id, paths, asked | below, below | (around & hidden))


def _select_values(claim: ClaimsQuery, claims: Mapping[str, Any]) -> tuple[ConcretePath, ...]:
    """Return the concrete paths whose value will do; of an array only the elements that match (K-98)."""
    return tuple(path for path, value in find_path(claims, claim.path).items() if claim.accepts(value))


def _starts_with_any(path: ConcretePath, heads: Collection[ConcretePath]) -> bool:
    return any(path[:length] in heads for length in range(1, len(path) + 1))

"""What was shown against what was asked, judged on verified claims only. OpenID4VP 1.0 §8.6, §14.9."""

from collections.abc import Callable, Mapping, Sequence

from kernel.dcql.matching import Authorities, Candidate, meets_constraints, select_claims
from kernel.dcql.query import CredentialQuery, DcqlQuery
from kernel.errors import QueryNotSatisfiedError
from kernel.formats.credential import VerifiedCredential

FindAuthorities = Callable[[VerifiedCredential], Authorities]


def no_authorities(credential: VerifiedCredential) -> Authorities:
    """State nothing about who stands behind an issuer: queries that ask for an authority are then not satisfied."""
    return Authorities()


def verify_answer(
    query: DcqlQuery,
    shown: Mapping[str, Sequence[VerifiedCredential]],
    *,
    authorities: FindAuthorities = no_authorities,
) -> None:
    """Check that verified presentations answer the whole query, or raise QueryNotSatisfiedError. §8.6.

    What the wallet matched is not believed: formats, types, authorities, values and claim sets are judged again
    on what was disclosed (K-99, V-28). A presentation that failed elsewhere must already be left out.
    """
    for query_id, credentials in shown.items():
        wanted = query.find(query_id)
        if wanted is None:
            raise QueryNotSatisfiedError("an answer to a question that was not asked")
        if len(credentials) > 1 and not wanted.multiple:
            raise QueryNotSatisfiedError("several credentials where one was asked for")
        for credential in credentials:
            verify_credential_answer(wanted, credential, authorities=authorities)
    answered = frozenset(query_id for query_id, credentials in shown.items() if credentials)
    for wanted_set in query.sets:
        if wanted_set.required and not any(answered.issuperset(option) for option in wanted_set.options):
            raise QueryNotSatisfiedError("a required credential was not shown")


def verify_credential_answer(
    query: CredentialQuery, credential: VerifiedCredential, *, authorities: FindAuthorities = no_authorities
) -> None:
    """Check that one verified credential answers one credential query, or raise QueryNotSatisfiedError. §8.6."""
    candidate = Candidate(
        id=query.id,
        format=credential.format,
        types=credential.types,
        claims=credential.claims,
        authorities=authorities(credential),
        is_holder_bound=credential.holder_key is not None,
    )
    if not meets_constraints(query, candidate):
        raise QueryNotSatisfiedError("another kind of credential than was asked for")
    if select_claims(query, candidate.claims) is None:
        raise QueryNotSatisfiedError("the claims that were asked for are not among those shown")

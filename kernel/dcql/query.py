"""A DCQL query as it is written: credentials, their claims, and which combinations will do. OpenID4VP 1.0 §6."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.dcql.claims_path import ClaimsPath, parse_claims_path
from kernel.errors import MalformedError
from kernel.members import (
    as_array,
    as_object,
    as_text,
    as_texts,
    as_unique_texts,
    find_flag,
    find_objects,
    get_text,
)

# What one question may ask at most: more than a hundred skills in three formats, and no work for hours.
MAX_CREDENTIAL_QUERIES: Final = 512
MAX_CLAIMS_QUERIES: Final = 2048
MAX_ALTERNATIVES: Final = 512
# In all sets together: every query of the largest question twice. All of it is weighed for one page.
MAX_NAMED_IN_SETS: Final = 2 * MAX_CREDENTIAL_QUERIES


class QueryTooLargeError(MalformedError):
    """A query that asks for more than anybody could look through."""


_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")

Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class ClaimsQuery:
    """One claim that is asked for, and, when `values` is not empty, which of them will do. OpenID4VP 1.0 §6.3."""

    path: ClaimsPath
    id: str | None = None
    values: tuple[Scalar, ...] = ()

    def accepts(self, value: object) -> bool:
        """Tell whether a claim's value is among those asked for, by type and value: 1 is neither true nor "1"."""
        return not self.values or any(type(value) is type(wanted) and value == wanted for wanted in self.values)


@dataclass(frozen=True, slots=True)
class TrustedAuthority:
    """One way in which the verifier would recognise the issuer. OpenID4VP 1.0 §6.1.1."""

    type: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CredentialQuery:
    """One credential that is asked for. OpenID4VP 1.0 §6.1.

    `types` holds alternatives, of which one must be contained in the credential's types; empty is no constraint.
    """

    id: str
    format: str
    types: tuple[frozenset[str], ...] = ()
    multiple: bool = False
    trusted_authorities: tuple[TrustedAuthority, ...] = ()
    require_cryptographic_holder_binding: bool = True
    claims: tuple[ClaimsQuery, ...] = ()
    claim_sets: tuple[tuple[str, ...], ...] = ()

    def claim_options(self) -> tuple[tuple[ClaimsQuery, ...], ...]:
        """Return the combinations of claims that will do, most wanted first. OpenID4VP 1.0 §6.4.1.

        A claim that is asked for twice counts once, as its first query says (§6.1).
        """
        if not self.claim_sets:
            return (_without_repeats(self.claims),)
        by_id = {claim.id: claim for claim in self.claims}
        return tuple(_without_repeats(by_id[name] for name in names) for names in self.claim_sets)


@dataclass(frozen=True, slots=True)
class CredentialSetQuery:
    """Combinations of credentials of which one will do, most wanted first. OpenID4VP 1.0 §6.2."""

    options: tuple[tuple[str, ...], ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class DcqlQuery:
    """What a verifier asks for. OpenID4VP 1.0 §6."""

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSetQuery, ...] = ()

    @property
    def formats(self) -> frozenset[str]:
        """Every credential format that is asked for."""
        return frozenset(query.format for query in self.credentials)

    @property
    def sets(self) -> tuple[CredentialSetQuery, ...]:
        """The combinations that will do; without `credential_sets` there is one: everything. OpenID4VP 1.0 §6.4.2."""
        return self.credential_sets or (CredentialSetQuery((tuple(query.id for query in self.credentials),)),)

    def find(self, query_id: str) -> CredentialQuery | None:
        """Return the credential query of that id."""
        return next((query for query in self.credentials if query.id == query_id), None)


def parse_dcql_query(value: object) -> DcqlQuery:
    """Read a DCQL query, or raise MalformedError. OpenID4VP 1.0 §6.

    Members that are not defined there are ignored at every level. A format that is not known here is read and
    then matches nothing, so that a query may offer it as one alternative among others.
    """
    members = as_object(value, "the DCQL query")
    listed = as_array(members.get("credentials"), "'credentials'", limit=MAX_CREDENTIAL_QUERIES)
    credentials = tuple(_parse_credential_query(as_object(element, "a credential query")) for element in listed)
    _require_unique((query.id for query in credentials), "two credential queries with one id")
    if sum(len(query.claims) for query in credentials) > MAX_CLAIMS_QUERIES:
        raise QueryTooLargeError("the DCQL query asks for too many claims")
    known = frozenset(query.id for query in credentials)
    return DcqlQuery(credentials, _parse_credential_sets(members, known))


def verify_own_query(query: DcqlQuery) -> None:
    """Refuse a question that a verifier must not put: one that points to a claim twice. OpenID4VP 1.0 §6.1.

    A wallet reads such a query and ignores the repetition; our own verifier never sends one.
    """
    for credential in query.credentials:
        _require_unique((claim.path for claim in credential.claims), "a claim that is asked for twice")


def _parse_credential_query(members: Mapping[str, Any]) -> CredentialQuery:
    claims = tuple(_parse_claims_query(element) for element in find_objects(members, "claims"))
    named = [claim.id for claim in claims if claim.id is not None]
    _require_unique(named, "two claims queries with one id")
    authorities = find_objects(members, "trusted_authorities")
    credential_format = get_text(members, "format")
    return CredentialQuery(
        id=_parse_id(members.get("id")),
        format=credential_format,
        types=_parse_types(credential_format, as_object(members.get("meta"), "'meta'")),
        multiple=find_flag(members, "multiple", default=False),
        trusted_authorities=tuple(_parse_authority(element) for element in authorities),
        require_cryptographic_holder_binding=find_flag(members, "require_cryptographic_holder_binding", default=True),
        claims=claims,
        claim_sets=_parse_claim_sets(members, claims),
    )


def _parse_types(credential_format: str, meta: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    """Read what `meta` says about types. OpenID4VP 1.0 §6.1, B.1.1, B.2.3, B.3.5."""
    match credential_format:
        case "dc+sd-jwt" if "vct_values" in meta:
            return tuple(frozenset({vct}) for vct in as_texts(meta["vct_values"], "'vct_values'"))
        case "vc+sd-jwt" | "ldp_vc" | "vc+jwt" | "jwt_vc_json" if "type_values" in meta:
            alternatives = as_array(meta["type_values"], "'type_values'", limit=MAX_ALTERNATIVES)
            return tuple(frozenset(as_texts(types, "'type_values'")) for types in alternatives)
        case "mso_mdoc" if "doctype_value" in meta:
            return (frozenset({as_text(meta["doctype_value"], "'doctype_value'")}),)
    return ()


def _parse_claims_query(members: Mapping[str, Any]) -> ClaimsQuery:
    return ClaimsQuery(
        path=parse_claims_path(members.get("path")),
        id=_parse_id(members["id"]) if "id" in members else None,
        values=_parse_values(members["values"]) if "values" in members else (),
    )


def _parse_values(value: object) -> tuple[Scalar, ...]:
    values = tuple(as_array(value, "'values'"))
    if not all(isinstance(element, str | int) for element in values):
        raise MalformedError("'values' holds something that is no string, integer or boolean")
    return values


def _parse_authority(members: Mapping[str, Any]) -> TrustedAuthority:
    return TrustedAuthority(get_text(members, "type"), as_texts(members.get("values"), "'values'"))


def _parse_claim_sets(members: Mapping[str, Any], claims: tuple[ClaimsQuery, ...]) -> tuple[tuple[str, ...], ...]:
    if "claim_sets" not in members:
        return ()
    # A query without `claims` has no ids either, so that every claim set names one that does not exist.
    if any(claim.id is None for claim in claims):
        raise MalformedError("a claims query without id beside 'claim_sets'")
    known = frozenset(claim.id for claim in claims if claim.id is not None)
    return _parse_alternatives(members["claim_sets"], "'claim_sets'", known)


def _parse_credential_sets(members: Mapping[str, Any], known: frozenset[str]) -> tuple[CredentialSetQuery, ...]:
    listed = find_objects(members, "credential_sets")
    if len(listed) > MAX_ALTERNATIVES:
        raise QueryTooLargeError("'credential_sets' has too many elements")
    sets = tuple(
        CredentialSetQuery(
            options=_parse_alternatives(element.get("options"), "'options'", known),
            required=find_flag(element, "required", default=True),
        )
        for element in listed
    )
    if sum(len(option) for each in sets for option in each.options) > MAX_NAMED_IN_SETS:
        raise QueryTooLargeError("'credential_sets' offers too many combinations")
    return sets


def _parse_alternatives(value: object, what: str, known: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Read arrays of ids, each of which must be known."""
    alternatives = tuple(as_unique_texts(names, what) for names in as_array(value, what, limit=MAX_ALTERNATIVES))
    if any(name not in known for names in alternatives for name in names):
        raise MalformedError(f"{what} names an id that does not exist")
    return alternatives


def _parse_id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise MalformedError("an id that is no word of letters, digits, '_' and '-'")
    return value


def _require_unique(values: Iterable[object], complaint: str) -> None:
    listed = list(values)
    if len(set(listed)) != len(listed):
        raise MalformedError(complaint)


def _without_repeats(claims: Iterable[ClaimsQuery]) -> tuple[ClaimsQuery, ...]:
    first: dict[ClaimsPath, ClaimsQuery] = {}
    for claim in claims:
        first.setdefault(claim.path, claim)
    return tuple(first.values())

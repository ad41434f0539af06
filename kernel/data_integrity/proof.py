"""Proofs as they stand in a document: read, not believed. VC Data Integrity 1.0 §2.1; PROFILE.md K-60, K-62."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.errors import MalformedError, TooLargeError
from kernel.members import as_array, as_object, as_text, find_text, get_text
from kernel.open_badges import format_date_time, parse_date_time
from kernel.strict_json import MAX_STRING

PROOF_TYPE: Final = "DataIntegrityProof"
# A chain of more proofs than this is nobody's credential; each costs a canonical form and a signature.
MAX_PROOFS: Final = 8


@dataclass(frozen=True, slots=True)
class UnverifiedProof:
    """One proof of a document. `members` is all of it, `options` all but the `proofValue`."""

    members: Mapping[str, Any]
    identifier: str | None
    cryptosuite: str
    verification_method: str
    proof_purpose: str
    value: str
    created_at: datetime | None
    expires_at: datetime | None
    previous: tuple[str, ...]
    challenge: str | None
    domains: tuple[str, ...]

    @property
    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.members.items() if name != "proofValue"}

    @property
    def controller(self) -> str:
        """Whose key it says it is: the verification method's URL without its fragment."""
        return self.verification_method.partition("#")[0]


def parse_proofs(document: Mapping[str, Any]) -> tuple[UnverifiedProof, ...]:
    """Read the proofs of a document, at least one, in the order in which they stand. DI §2.1.1: a set, one or many.

    Of more than are read at once, TooLargeError: that says nothing about any of them.
    """
    value = document.get("proof")
    elements = as_array(value if isinstance(value, list) else [value], "`proof`")
    if len(elements) > MAX_PROOFS:
        raise TooLargeError("a document with more proofs than are read at once")
    proofs = tuple(_parse_proof(as_object(element, "`proof`")) for element in elements)
    identifiers = [proof.identifier for proof in proofs if proof.identifier is not None]
    if len(set(identifiers)) != len(identifiers):
        raise MalformedError("two proofs with the same `id`")
    return proofs


def without_proof(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the unsecured document."""
    return {name: value for name, value in document.items() if name != "proof"}


def create_options(
    *,
    cryptosuite: str,
    verification_method: str,
    proof_purpose: str,
    created_at: datetime,
    expires_at: datetime | None = None,
    identifier: str | None = None,
    previous: Sequence[str] = (),
    challenge: str | None = None,
    domain: str | None = None,
) -> dict[str, Any]:
    """Create everything of a proof except its value; times are cut to the second."""
    options: dict[str, Any] = {
        "id": identifier,
        "type": PROOF_TYPE,
        "cryptosuite": cryptosuite,
        "created": format_date_time(int(created_at.timestamp())),
        "expires": None if expires_at is None else format_date_time(int(expires_at.timestamp())),
        "verificationMethod": verification_method,
        "proofPurpose": proof_purpose,
        "challenge": challenge,
        "domain": domain,
        "previousProof": previous[0] if len(previous) == 1 else list(previous) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _parse_proof(members: Mapping[str, Any]) -> UnverifiedProof:
    if members.get("type") != PROOF_TYPE:
        raise MalformedError("a proof that is not a DataIntegrityProof")
    return UnverifiedProof(
        members=members,
        identifier=find_text(members, "id"),
        cryptosuite=get_text(members, "cryptosuite"),
        verification_method=get_text(members, "verificationMethod"),
        proof_purpose=get_text(members, "proofPurpose"),
        value=get_text(members, "proofValue", limit=MAX_STRING),
        created_at=_find_date(members, "created"),
        expires_at=_find_date(members, "expires"),
        previous=_find_many(members, "previousProof"),
        challenge=find_text(members, "challenge"),
        domains=_find_many(members, "domain"),
    )


def _find_date(members: Mapping[str, Any], name: str) -> datetime | None:
    return parse_date_time(members[name]) if name in members else None


def _find_many(members: Mapping[str, Any], name: str) -> tuple[str, ...]:
    if name not in members:
        return ()
    value = members[name]
    return tuple(
        as_text(element, repr(name)) for element in as_array(value if isinstance(value, list) else [value], name)
    )

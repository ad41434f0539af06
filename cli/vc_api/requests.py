"""What a request of the VC API contains: JSON objects, and options of which none is passed over in silence."""

from collections.abc import Mapping
from typing import Any, get_args

from kernel.did import Relation
from kernel.errors import MalformedError
from kernel.members import as_object, find_text

Members = Mapping[str, Any]


def get_options(body: Members) -> Members:
    """Return the options of a request, none where it has none."""
    return as_object(body.get("options", {}), "`options`")


def get_object(body: Members, name: str) -> dict[str, Any]:
    """Return the document that a request is about."""
    return dict(as_object(body.get(name), f"`{name}`"))


def get_pointers(options: Members, name: str) -> list[str]:
    """Return JSON pointers, none where the option is absent; what they point to is judged by the cryptosuite."""
    value = options.get(name, [])
    if not isinstance(value, list) or not all(isinstance(pointer, str) for pointer in value):
        raise MalformedError(f"`{name}` is not an array of texts")
    return value


def find_binding(options: Members) -> tuple[str | None, str | None]:
    """Return the challenge and domain that a proof is to have, None for what nothing is said about."""
    return find_text(options, "challenge"), find_text(options, "domain")


def get_proof_purpose(options: Members, usual: Relation) -> Relation:
    """Return the purpose that a proof must have."""
    wanted = options.get("expectedProofPurpose", usual)
    for relation in get_args(Relation):
        if relation == wanted:
            found: Relation = relation
            return found
    raise MalformedError("`expectedProofPurpose` is none that we know")


def asks_for_proof_alone(options: Members) -> bool:
    """Whether only proofs are to be checked. A check that we do not make is refused: the answer would promise it."""
    checks = options.get("checks", [])
    if checks not in ([], ["proof"]):
        raise MalformedError("`checks` has something else than `proof`")
    return bool(checks)

"""Claims path pointers: which claims of a credential are meant. OpenID4VP 1.0 §7; OpenID4VCI 1.0 Appendix C."""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import MalformedError, QueryNotSatisfiedError
from kernel.members import as_array

ClaimsPath = tuple[str | int | None, ...]
# A path whose every step is taken: nothing but names and positions.
ConcretePath = tuple[str | int, ...]

# No honest credential is nested deeper (K-86).
MAX_STEPS: Final = 32


def parse_claims_path(value: object) -> ClaimsPath:
    """Read a non-empty array of strings, non-negative integers and nulls. OpenID4VP 1.0 §7."""
    steps = tuple(as_array(value, "a claims path", limit=MAX_STEPS))
    if not all(_is_step(step) for step in steps):
        raise MalformedError("a claims path with a step that is no name, position or null")
    return steps


def select_path(claims: Mapping[str, Any], path: ClaimsPath) -> dict[ConcretePath, Any]:
    """Return what the path selects in processed claims: each concrete path with its value, in document order.

    OpenID4VP 1.0 §7.1.1. A step that does not fit what it is applied to, or a path that selects nothing, raises
    QueryNotSatisfiedError. Positions count the elements of the claims as given: of a presentation, those shown.
    """
    selected: dict[ConcretePath, Any] = {(): claims}
    for step in path:
        selected = _take(step, selected)
    if not selected:
        raise QueryNotSatisfiedError("the claims path selects nothing")
    return selected


def find_path(claims: Mapping[str, Any], path: ClaimsPath) -> dict[ConcretePath, Any]:
    """Return what the path selects, empty when it cannot be followed or selects nothing."""
    try:
        return select_path(claims, path)
    except QueryNotSatisfiedError:
        return {}


def _is_step(step: object) -> bool:
    if isinstance(step, str) or step is None:
        return True
    return isinstance(step, int) and not isinstance(step, bool) and step >= 0


def _take(step: str | int | None, selected: dict[ConcretePath, Any]) -> dict[ConcretePath, Any]:
    # (1) A name selects a member; whatever is not an object ends the processing.
    if isinstance(step, str):
        _require(Mapping, selected)
        return {(*at, step): value[step] for at, value in selected.items() if step in value}
    _require(list | tuple, selected)
    # (2) null selects every element.
    if step is None:
        return {(*at, index): element for at, value in selected.items() for index, element in enumerate(value)}
    # (3) A position selects one element; arrays too short drop out.
    return {(*at, step): value[step] for at, value in selected.items() if step < len(value)}


def _require(kind: Any, selected: dict[ConcretePath, Any]) -> None:
    if not all(isinstance(value, kind) for value in selected.values()):
        raise QueryNotSatisfiedError("the claims path does not fit the credential")

"""Metadata policies: what superiors set, add to and allow in the metadata below them. OpenID Federation 1.0 §6.1.

A policy that contradicts itself, or that metadata does not meet, makes the whole chain worthless (§6.1.4).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from kernel.errors import MalformedError, RejectedError
from kernel.jcs import canonicalize_json
from kernel.members import as_object

# By entity type, by parameter, by operator.
MetadataPolicy = Mapping[str, Mapping[str, Mapping[str, Any]]]

_LISTS: Final = frozenset({"add", "one_of", "subset_of", "superset_of"})
# Which operators may never stand together. §6.1.3.1.
_APART: Final = (("one_of", "add"), ("one_of", "subset_of"), ("one_of", "superset_of"))
# An OAuth scope is a text of words, and is treated as their list. §6.1.3.1.8.
_SCOPE: Final = "scope"


def parse_metadata_policy(value: object) -> MetadataPolicy:
    """Read a policy and check that its operators go together. §6.1.2. Operators that are not known are ignored."""
    types = as_object(value, "'metadata_policy'")
    policy = {
        entity_type: {
            parameter: _parse_operators(as_object(operators, "the policy of a parameter"))
            for parameter, operators in as_object(parameters, "the policy of an entity type").items()
        }
        for entity_type, parameters in types.items()
    }
    _require_compatible(policy)
    return policy


def merge_metadata_policies(policies: Iterable[MetadataPolicy]) -> MetadataPolicy:
    """Join the policies of a chain, the most superior first; each further one may only narrow. §6.1.4.1."""
    merged: dict[str, dict[str, dict[str, Any]]] = {}
    for policy in policies:
        for entity_type, parameters in policy.items():
            for parameter, operators in parameters.items():
                current = merged.setdefault(entity_type, {}).setdefault(parameter, {})
                for operator, value in operators.items():
                    current[operator] = _MERGES[operator](current[operator], value) if operator in current else value
    _require_compatible(merged)
    return merged


def apply_metadata_policy(
    policy: MetadataPolicy, metadata: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return the metadata as a policy leaves it, or raise RejectedError where it is not met. §6.1.4.2."""
    return {name: _apply_parameters(policy.get(name, {}), members) for name, members in metadata.items()}


def _apply_parameters(policy: Mapping[str, Mapping[str, Any]], members: Mapping[str, Any]) -> Mapping[str, Any]:
    result = dict(members)
    for parameter, operators in policy.items():
        is_scope = parameter == _SCOPE and isinstance(result.get(parameter), str)
        value = result.pop(parameter).split() if is_scope else result.pop(parameter, None)
        applied = _apply_operators(operators, value)
        if applied is not None:
            result[parameter] = " ".join(applied) if is_scope else applied
    return result


def _apply_operators(operators: Mapping[str, Any], value: Any) -> Any:
    """Apply the operators in their order; None stands for a parameter that is absent. §6.1.3.1."""
    if "value" in operators:
        value = operators["value"]
    if "add" in operators:
        value = _union(value if value is not None else [], operators["add"])
    if value is None:
        value = operators.get("default")
    if value is None:
        if operators.get("essential", False):
            raise RejectedError("metadata without a parameter that its superiors demand")
        return None
    if "one_of" in operators and _key(value) not in _keys(operators["one_of"]):
        raise RejectedError("metadata with another value than its superiors allow")
    if "subset_of" in operators:
        value = _intersection(_list(value), operators["subset_of"])
    if "superset_of" in operators and not _keys(operators["superset_of"]) <= _keys(_list(value)):
        raise RejectedError("metadata without a value that its superiors demand")
    return value


def _parse_operators(operators: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in operators.items() if name in _MERGES}
    for name in _LISTS & known.keys():
        _list(known[name])
    if not isinstance(known.get("essential", False), bool):
        raise MalformedError("'essential' is not true or false")
    if "default" in known and known["default"] is None:
        raise MalformedError("a default that is null")
    return known


def _require_compatible(policy: MetadataPolicy) -> None:
    for parameters in policy.values():
        for operators in parameters.values():
            _require_operators_compatible(operators)


def _require_operators_compatible(operators: Mapping[str, Any]) -> None:
    """§6.1.3.1: which operators may stand together, and with which values."""
    if any(one in operators and other in operators for one, other in _APART):
        raise RejectedError("a metadata policy whose operators exclude each other")
    if "value" in operators:
        _require_value_compatible(operators["value"], operators)
    subset = operators.get("subset_of")
    if subset is not None:
        smaller = [operators[name] for name in ("add", "superset_of") if name in operators]
        if not all(_keys(values) <= _keys(subset) for values in smaller):
            raise RejectedError("a metadata policy that allows less than it demands")


def _require_value_compatible(value: Any, operators: Mapping[str, Any]) -> None:
    if value is None:
        is_possible = "default" not in operators and not operators.get("essential", False)
        is_possible = is_possible and _LISTS.isdisjoint(operators)
    else:
        is_possible = (
            ("one_of" not in operators or _key(value) in _keys(operators["one_of"]))
            and ("add" not in operators or _keys(operators["add"]) <= _keys(_list(value)))
            and ("subset_of" not in operators or _keys(_list(value)) <= _keys(operators["subset_of"]))
            and ("superset_of" not in operators or _keys(operators["superset_of"]) <= _keys(_list(value)))
        )
    if not is_possible:
        raise RejectedError("a metadata policy that sets what it does not allow")


def _merge_equal(superior: Any, subordinate: Any) -> Any:
    if _key(superior) != _key(subordinate):
        raise RejectedError("two superiors that set a parameter differently")
    return superior


def _merge_one_of(superior: Any, subordinate: Any) -> Any:
    common = _intersection(superior, subordinate)
    if not common:
        raise RejectedError("two superiors that allow nothing in common")
    return common


def _union(one: Any, other: Any) -> list[Any]:
    present = _keys(_list(one))
    return [*one, *(value for value in other if _key(value) not in present)]


def _intersection(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    allowed = _keys(other)
    return [value for value in one if _key(value) in allowed]


def _merge_either(superior: Any, subordinate: Any) -> bool:
    return bool(superior or subordinate)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise MalformedError("a metadata parameter or policy that is not a list where one is due")
    return value


def _keys(values: Iterable[Any]) -> frozenset[str]:
    return frozenset(map(_key, values))


def _key(value: Any) -> str:
    """Values are compared as JSON: true is not 1."""
    return canonicalize_json(value)


# In how two superiors' words are joined, and which operators are known. §6.1.3.1.
_MERGES: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "value": _merge_equal,
    "add": _union,
    "default": _merge_equal,
    "one_of": _merge_one_of,
    "subset_of": _intersection,
    "superset_of": _union,
    "essential": _merge_either,
}

"""Hypothesis strategies for messages that nobody meant: any JSON at all, and valid JSON with one thing changed."""

import copy
from typing import Any

from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["", "https://h.example/x", "did:web:h.example", "http://10.0.0.1/", "\ud800", "é", "1", "-"])
)


def json_values(max_leaves: int = 12) -> st.SearchStrategy[Any]:
    """Any JSON value."""
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=max_leaves,
    )


def nearly(valid: Any) -> st.SearchStrategy[Any]:
    """The valid value with one place in it replaced by any JSON value, or taken out."""
    places = [path for path in _paths(valid) if path]
    return st.builds(
        lambda path, value, remove: _changed(valid, path, value, remove),
        st.sampled_from(places),
        json_values(6),
        st.booleans(),
    )


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] + [path for key, child in children for path in _paths(child, (*at, key))]


def _changed(valid: Any, path: tuple[Any, ...], value: Any, remove: bool) -> Any:
    changed = copy.deepcopy(valid)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    if remove:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed

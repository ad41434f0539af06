"""Credential configurations: each achievement is offered in each format, under one identifier per pair."""

from collections.abc import Mapping, Sequence
from typing import Any

FORMAT_SUFFIXES: Mapping[str, str] = {"dc+sd-jwt": "dc-sd-jwt", "vc+sd-jwt": "vc-sd-jwt"}


def configuration_id(achievement_slug: str, format_id: str) -> str:
    """The `credential_configuration_id` of an achievement in one format."""
    return f"{achievement_slug}.{FORMAT_SUFFIXES[format_id]}"


def configuration_ids(achievement_slug: str) -> Sequence[str]:
    """Every configuration of an achievement: what its offers name."""
    return [configuration_id(achievement_slug, format_id) for format_id in FORMAT_SUFFIXES]


def configuration_format(identifier: str) -> str:
    """The format of one of our configurations."""
    suffix = identifier.rpartition(".")[2]
    return next(format_id for format_id, known in FORMAT_SUFFIXES.items() if known == suffix)


def verify_claims_descriptions(claims: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValueError where descriptions repeat or contradict one another. OpenID4VCI 1.0 §12.2.4, B.3; I-16.

    One display a language; no path twice; and below one path either names (an object) or indices and null (an
    array), an array either by null or by index. Checked when the service is loaded, so a wrong table never starts.
    """
    steps: dict[tuple[Any, ...], set[str]] = {}
    paths = [tuple(claim["path"]) for claim in claims]
    for claim in claims:
        locales = [display["locale"] for display in claim["display"]]
        if len(set(locales)) != len(locales):
            raise ValueError(f"one language twice at {claim['path']}")
    for path in paths:
        if paths.count(path) > 1:
            raise ValueError(f"described twice: {path}")
        for depth, step in enumerate(path):
            steps.setdefault(path[:depth], set()).add(_kind(step))
    for path, kinds in steps.items():
        if len(kinds) > 1:
            raise ValueError(f"below {path}: {' and '.join(sorted(kinds))}")


def _kind(step: str | int | None) -> str:
    if step is None:
        return "every element of an array"
    return "a member of an object" if isinstance(step, str) else "one element of an array"

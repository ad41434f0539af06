"""Credential configurations: each achievement is offered in each format, under one identifier per pair."""

from collections.abc import Mapping, Sequence

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

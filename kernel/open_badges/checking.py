"""Checking the shape of badges: strictly what we issue, and widely what others issued. Open Badges 3.0 Appendix B."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

import schemas
from kernel.errors import MalformedError
from kernel.strict_json import parse_json_object

_ISSUED: Final = "achievement.schema.json"
_READ: Final = "open-badge.schema.json"


def parse_open_badge(raw: bytes | str) -> dict[str, Any]:
    """Read the JSON of an Open Badges 3.0 credential by anybody, bounded and with all that it must have. B-02 to B-10.

    Nothing is believed of it. Other members are allowed, and single values where an array is meant.
    """
    badge = parse_json_object(raw)
    verify_open_badge(badge)
    return badge


def verify_open_badge(badge: Mapping[str, Any]) -> None:
    """Check the claims of a badge against our copy of what `1EdTechJsonSchemaValidator2019` asks. B-11, B-21.

    Never by download: whoever names another schema in `credentialSchema` is not asked what it says.
    """
    verify_shape(badge, "AchievementCredential", _READ)


def verify_endorsement_shape(endorsement: Mapping[str, Any]) -> None:
    """Check an EndorsementCredential by anybody, of which `name` and a subject are required. B-09."""
    verify_shape(endorsement, "EndorsementCredential", _READ)


def verify_profile(profile: Mapping[str, Any]) -> None:
    """Check a Profile by anybody, such as one that is sent over the Open Badges API. Open Badges 3.0 §B.1.19, B-40."""
    verify_shape(profile, "Profile", _READ)


def verify_achievement(achievement: Mapping[str, Any]) -> None:
    """Check that an Achievement is one that we would issue. B-04 to B-07, B-10.

    Stricter than a reader of foreign badges would be: `schemas/achievement.schema.json` says which members there
    are, and references inside the badge resolve.
    """
    verify_shape(achievement, "Achievement")
    verify_endorsed(achievement, achievement["id"])
    descriptions = achievement.get("resultDescription", ())
    if len({description["id"] for description in descriptions}) != len(descriptions):
        raise MalformedError("two result descriptions with the same `id`")
    for description in descriptions:
        _verify_result_description(description)


def verify_endorsed(endorsed: Mapping[str, Any], *identifiers: str) -> None:
    """Check that what others said stands on what they said it of; a reader would not count it otherwise. B-09, A-50."""
    for endorsement in endorsed.get("endorsement", ()):
        if endorsement["credentialSubject"]["id"] not in identifiers:
            raise MalformedError("an endorsement of something else")


def _verify_result_description(description: Mapping[str, Any]) -> None:
    if "requiredLevel" in description and description["requiredLevel"] not in _get_levels(description):
        raise MalformedError("a `requiredLevel` that is not one of the levels")
    if "requiredValue" in description and not _is_possible(description["requiredValue"], description):
        raise MalformedError("a `requiredValue` that nobody can reach")


def verify_result(result: Mapping[str, Any], achievement: Mapping[str, Any]) -> None:
    """Check that a result is one that the achievement describes. B-07."""
    verify_shape(result, "Result")
    if "resultDescription" not in result:
        return
    described = {description["id"]: description for description in achievement.get("resultDescription", ())}
    description = described.get(result["resultDescription"])
    if description is None:
        raise MalformedError("a result whose description is not in the badge")
    if "achievedLevel" in result and result["achievedLevel"] not in _get_levels(description):
        raise MalformedError("a result on a level that is not in the badge")
    if description["resultType"] == "Status" and "status" not in result:
        raise MalformedError("a result of the type Status that does not tell it")
    if "value" in result and not _is_possible(result["value"], description):
        raise MalformedError("a result with a value that the badge does not have")


def _get_levels(description: Mapping[str, Any]) -> list[str]:
    return [level["id"] for level in description.get("rubricCriterionLevel", ())]


def _is_possible(value: str, description: Mapping[str, Any]) -> bool:
    """Whether a value is one of the allowed ones, and within the range where it and the range are numbers."""
    allowed, number = description.get("allowedValue"), _as_number(value)
    if allowed is not None and value not in allowed:
        return False
    lowest, highest = (_as_number(description.get(name, "")) for name in ("valueMin", "valueMax"))
    if number is None:
        return lowest is None and highest is None
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)


def _as_number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def verify_shape(value: Any, kind: str, schema: str = _ISSUED) -> None:
    """Check against one definition of our schema. The library counts text that is no Unicode as a ValueError too."""
    try:
        _load_validator(schema, kind).validate(value)
    except ValueError as exc:
        place = "/".join(map(str, getattr(exc, "instance_path", ())))
        raise MalformedError(f"not a well-formed {kind}, at /{place}") from exc


@lru_cache
def _load_validator(schema: str, kind: str) -> jsonschema_rs.Validator:
    definition = {**schemas.load(schema), "$ref": f"#/$defs/{kind}"}
    return jsonschema_rs.validator_for(definition, validate_formats=False)

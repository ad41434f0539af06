"""Describing an achievement and what belongs to it. Open Badges 3.0 Appendix B; B-04 to B-07, B-09, B-10."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.open_badges.checking import verify_achievement, verify_shape


def create_alignment(
    *,
    target_url: str,
    target_name: str,
    target_framework: str | None = None,
    target_code: str | None = None,
    target_description: str | None = None,
    target_type: str | None = None,
) -> dict[str, Any]:
    """Return an alignment to one concept, whose URI stands there exactly as published. B-06, S-01."""
    alignment = without_absent(
        {
            "type": ["Alignment"],
            "targetType": target_type,
            "targetFramework": target_framework,
            "targetName": target_name,
            "targetCode": target_code,
            "targetUrl": target_url,
            "targetDescription": target_description,
        }
    )
    verify_shape(alignment, "Alignment")
    return alignment


def create_achievement(
    *,
    achievement_id: str,
    name: str,
    description: str,
    criteria_narrative: str | None = None,
    criteria_url: str | None = None,
    achievement_type: str | None = None,
    alignments: Sequence[Mapping[str, Any]] = (),
    image: str | None = None,
    image_caption: str | None = None,
    language: str | None = None,
    version: str | None = None,
    tags: Sequence[str] = (),
    result_descriptions: Sequence[Mapping[str, Any]] = (),
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a well-formed Achievement; what is not given is left out, never null or empty. B-04, B-10.

    `details` are further members by their names in Open Badges: `creator`, `creditsAvailable`, `endorsement`,
    `fieldOfStudy`, `humanCode`, `otherIdentifier`, `related`, `specialization`.
    """
    achievement = without_absent(
        {
            **(details or {}),
            "id": achievement_id,
            "type": ["Achievement"],
            "achievementType": achievement_type,
            "name": name,
            "description": description,
            "inLanguage": language,
            "version": version,
            "criteria": without_absent({"id": criteria_url, "narrative": criteria_narrative}),
            "image": image and without_absent({"id": image, "type": "Image", "caption": image_caption}),
            "tag": list(tags),
            "alignment": [dict(alignment) for alignment in alignments],
            "resultDescription": [dict(description) for description in result_descriptions],
        }
    )
    verify_achievement(achievement)
    return achievement


def create_evidence(
    *,
    name: str,
    description: str | None = None,
    url: str | None = None,
    digest: str | None = None,
    narrative: str | None = None,
    genre: str | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """Return a piece of evidence; `digest` is a Subresource Integrity value such as `sha256-…` over its bytes. B-09."""
    return without_absent(
        {
            "id": url,
            "type": ["Evidence"],
            "name": name,
            "description": description,
            "narrative": narrative,
            "genre": genre,
            "audience": audience,
            "digestSRI": digest,
        }
    )


def without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that say something. B-10: no null, nothing empty."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}

"""What an award says of somebody beside who they are: results, grade, evidence, when, in which role. B-03, B-07, B-09.

It is kept sealed with the person's name, and dropped with it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints

from issuer.errors import N_
from issuer.input import Input, Moment, Organisation, ShortText, WebAddress
from issuer.results import Result, create_results, find_result_problems
from kernel.microcredential.writing import write_moment
from kernel.open_badges import create_evidence, without_absent

ENDS_BEFORE_IT_BEGINS: Final = N_("De laatste dag ligt voor de eerste.")


class Evidence(Input):
    """A piece of evidence: what it is, and the digest of its bytes."""

    name: ShortText
    description: str | None = Field(default=None, max_length=2000)
    url: WebAddress | None = None
    digest: Annotated[str, StringConstraints(pattern=r"^sha(?:256|384|512)-[A-Za-z0-9+/]+={0,2}$")] | None = None
    narrative: str | None = Field(default=None, min_length=1, max_length=5000)
    genre: ShortText | None = None
    audience: ShortText | None = None


def _from_day(value: object) -> object:
    """A day stands for its beginning."""
    return f"{value}T00:00:00Z" if isinstance(value, str) and len(value) == len("2026-01-31") else value


class AwardDetails(Input):
    """What one award says beside the achievement and the person."""

    evidence: list[Evidence] = Field(default_factory=list, max_length=20)
    results: list[Result] = Field(default_factory=list, max_length=50)
    grade: str | None = Field(default=None, min_length=1, max_length=100)
    narrative: str | None = Field(default=None, min_length=1, max_length=5000)
    activity_start_date: Annotated[Moment, BeforeValidator(_from_day)] | None = None
    activity_end_date: Annotated[Moment, BeforeValidator(_from_day)] | None = None
    credits_earned: float | None = Field(default=None, ge=0, le=1000, allow_inf_nan=False)
    """Without it all credits of the achievement are earned."""
    license_number: ShortText | None = None
    role: ShortText | None = None
    term: ShortText | None = None
    source: Organisation | None = None
    """Who assessed it for the organisation that issues."""
    on_behalf_of: Organisation | None = None
    """For whom the organisation issues it."""


def find_detail_problems(details: AwardDetails, achievement: Mapping[str, Any]) -> dict[str, str]:
    """What of an award does not fit its achievement, by field. B-03, B-07."""
    problems = find_result_problems(details.results, details.grade, achievement)
    start, end = details.activity_start_date, details.activity_end_date
    if start is not None and end is not None and end < start:
        problems["activity_end_date"] = ENDS_BEFORE_IT_BEGINS
    return problems


def create_award_claims(details: AwardDetails, achievement: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of it, in the words of Open Badges; nothing where nothing was said."""
    return without_absent(
        {
            "evidence": [create_evidence(**item.model_dump()) for item in details.evidence],
            "result": create_results(details.results, details.grade, achievement),
            "subject": _create_subject(details),
            "parentOrg": details.on_behalf_of and _create_profile(details.on_behalf_of),
        }
    )


def _create_subject(details: AwardDetails) -> dict[str, Any]:
    return without_absent(
        {
            "activityStartDate": write_moment(details.activity_start_date),
            "activityEndDate": write_moment(details.activity_end_date),
            "creditsEarned": details.credits_earned,
            "licenseNumber": details.license_number,
            "narrative": details.narrative,
            "role": details.role,
            "source": details.source and _create_profile(details.source),
            "term": details.term,
        }
    )


def _create_profile(organisation: Organisation) -> dict[str, Any]:
    """Another organisation as an Open Badges Profile. B-02."""
    return without_absent(
        {
            "id": organisation.identifier,
            "type": ["Profile"],
            "name": organisation.name,
            "url": organisation.url,
        }
    )

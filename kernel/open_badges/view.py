"""A badge as a person wants to see it: one view, whatever format it came in and whoever issued it. B-05, B-10.

Reading is not checking. What is not readable is absent, and nothing that anybody wrote makes this fail.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from kernel.errors import MalformedError
from kernel.keys import PublicKey
from kernel.open_badges.alignments import SKILL, find_alignment_kind
from kernel.open_badges.dates import parse_date_time
from kernel.open_badges.reading import read_many, read_number, read_object, read_objects, read_text
from kernel.open_badges.vocabulary import ACHIEVEMENT_TYPES, PERSON_MEMBERS
from kernel.report import Outcome

# The one format whose claims are not those of an Open Badges credential.
DC_SD_JWT: Final = "dc+sd-jwt"

EndorsedThing = Literal["credential", "achievement", "issuer", "creator", "source"]

_IMAGE_URL: Final = re.compile(r"https://[^\s]+|data:image/(png|svg\+xml|jpeg|webp|gif);base64,[A-Za-z0-9+/]+=*")


@dataclass(frozen=True, slots=True)
class Skill:
    """A concept of a framework that the issuer says this badge stands for: a skill, or in `statements` a level."""

    uri: str
    name: str
    framework: str | None
    code: str | None = None
    target_type: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that shows why the badge was given; `digest` is over its bytes."""

    name: str
    description: str | None
    url: str | None
    digest: str | None
    narrative: str | None = None
    genre: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What somebody achieved: a value, a level of a rubric or a status; what was required, and on which scale."""

    name: str | None
    value: str | None
    level: str | None
    status: str | None
    required: str | None
    level_description: str | None = None
    lowest: str | None = None
    highest: str | None = None
    skills: tuple[Skill, ...] = ()
    """What the level that was reached, or this result alone, is aligned with. OB 3.0 Appendix B"""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number or name by which a school, or an achievement, is known elsewhere."""

    identifier_type: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A person or organisation as the badge describes it; whether that is true, the badge does not prove."""

    id: str | None
    name: str | None
    url: str | None
    description: str | None
    image: str | None
    email: str | None
    phone: str | None
    country_code: str | None
    locality: str | None
    identifiers: tuple[Identifier, ...]
    parent_name: str | None


@dataclass(frozen=True, slots=True)
class Related:
    """Another edition of the same achievement: in another language, or an earlier version."""

    id: str
    language: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Endorsement:
    """Somebody spoke for a badge. Only where `outcome` is PASSED is it sure that they did (A-50).

    Then `endorser_key` is the key that they signed with, and `issued_at` since when they say so.
    """

    endorser_id: str | None
    endorser_name: str | None
    comment: str | None
    endorsed: EndorsedThing
    outcome: Outcome
    error_code: str | None = None
    endorser_key: PublicKey | None = field(default=None, repr=False)
    issued_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BadgeView:
    """A badge as a person wants to see it, whatever format it came in. What was not shown is absent.

    `endorsements` are there when `kernel.endorsement.check_endorsements` was asked for them.
    """

    name: str
    description: str | None
    criteria: str | None
    criteria_url: str | None
    image: str | None
    issuer_name: str | None
    issuer_url: str | None
    achievement_id: str | None
    achievement_type: str | None
    is_known_type: bool
    language: str | None
    skills: tuple[Skill, ...]
    evidence: tuple[Evidence, ...] = field(repr=False)
    person: Mapping[str, str] = field(repr=False)
    awarded_at: datetime | None
    # The achievement
    version: str | None = None
    human_code: str | None = None
    field_of_study: str | None = None
    specialization: str | None = None
    tags: tuple[str, ...] = ()
    credits_available: float | None = None
    identifiers: tuple[Identifier, ...] = ()
    related: tuple[Related, ...] = ()
    # What alignments say of it beside its skills: level, credits, form of participation, who watches over the quality.
    statements: tuple[Skill, ...] = ()
    # What this person did
    results: tuple[Result, ...] = field(default=(), repr=False)
    credits_earned: float | None = None
    narrative: str | None = field(default=None, repr=False)
    role: str | None = None
    term: str | None = None
    license_number: str | None = field(default=None, repr=False)
    activity_started_at: datetime | None = None
    activity_ended_at: datetime | None = None
    # Who stands behind it
    issuer_profile: Profile | None = None
    creator: Profile | None = None
    source: Profile | None = None
    endorsements: tuple[Endorsement, ...] = ()


@dataclass(frozen=True, slots=True)
class BadgeParts:
    """The objects of which a badge is made, wherever its format keeps them. Nothing in them is checked."""

    credential: Mapping[str, Any]
    issuer: Mapping[str, Any]
    subject: Mapping[str, Any]
    achievement: Mapping[str, Any]
    creator: Mapping[str, Any]
    source: Mapping[str, Any]


def read_parts(claims: Mapping[str, Any], format: str) -> BadgeParts:
    """Find the parts of a badge: in an SD-JWT VC as we write it, or in any Open Badges 3.0 credential.

    The credential of VCDM 1.1 stands in the claim `vc` of a JWT (K-69).
    """
    if format == DC_SD_JWT:
        achievement = read_object(claims, "achievement")
        creator, source = read_object(achievement, "creator"), read_object(claims, "source")
        if body := read_object(claims, "awarding_body"):
            return BadgeParts(claims, body, claims, achievement, creator, source)
        return BadgeParts(claims, creator, claims, achievement, {}, source)
    credential = read_object(claims, "vc") or claims
    subject = read_object(credential, "credentialSubject")
    achievement = read_object(subject, "achievement")
    issuer, creator = read_object(credential, "issuer"), read_object(achievement, "creator")
    return BadgeParts(credential, issuer, subject, achievement, creator, read_object(subject, "source"))


def badge_view(claims: Mapping[str, Any], format: str, *, languages: Sequence[str] = ()) -> BadgeView:
    """Read the processed claims of a badge, ours or a stranger's, and leave out what is not readable. B-05, B-10.

    Of a text in several languages comes the first of `languages` that is there, such as `["en", "nl"]`.
    """
    parts, read = read_parts(claims, format), _Reader(tuple(languages))
    is_sd_jwt_vc = format == DC_SD_JWT
    achievement, subject, criteria = parts.achievement, parts.subject, read_object(parts.achievement, "criteria")
    achievement_type = read.text(achievement, "achievementType")
    authority = read.text(claims, "issuing_authority") if is_sd_jwt_vc else None
    alignments = [
        (find_alignment_kind(element), skill)
        for element in read_objects(achievement, "alignment")
        if (skill := read.skill(element))
    ]
    return BadgeView(
        name=read.text(achievement, "name") or "",
        description=read.text(achievement, "description"),
        criteria=read.text(criteria, "narrative"),
        criteria_url=read.text(criteria, "id"),
        image=_read_image(achievement),
        issuer_name=authority or read.text(parts.issuer, "name"),
        issuer_url=read.text(parts.issuer, "url"),
        achievement_id=read.text(achievement, "id"),
        achievement_type=achievement_type,
        is_known_type=achievement_type in ACHIEVEMENT_TYPES,
        language=read.text(achievement, "inLanguage"),
        skills=tuple(aligned for kind, aligned in alignments if kind == SKILL),
        statements=tuple(aligned for kind, aligned in alignments if kind != SKILL),
        evidence=tuple(read.evidence(element) for element in read_objects(parts.credential, "evidence")),
        person=read.person(subject, {name: name for name in PERSON_MEMBERS} if is_sd_jwt_vc else PERSON_MEMBERS),
        awarded_at=_read_date(parts.credential, "awarded_at" if is_sd_jwt_vc else "awardedDate"),
        version=read.text(achievement, "version"),
        human_code=read.text(achievement, "humanCode"),
        field_of_study=read.text(achievement, "fieldOfStudy"),
        specialization=read.text(achievement, "specialization"),
        tags=tuple(tag for tag in read_many(achievement, "tag") if isinstance(tag, str) and tag),
        credits_available=read_number(achievement, "creditsAvailable"),
        identifiers=read.identifiers(achievement),
        related=read.related(achievement),
        results=read.results(subject, achievement),
        credits_earned=read_number(subject, "creditsEarned"),
        narrative=read.text(subject, "narrative"),
        role=read.text(subject, "role"),
        term=read.text(subject, "term"),
        license_number=read.text(subject, "licenseNumber"),
        activity_started_at=_read_date(subject, "activityStartDate"),
        activity_ended_at=_read_date(subject, "activityEndDate"),
        issuer_profile=read.profile(parts.issuer),
        creator=read.profile(parts.creator),
        source=read.profile(parts.source),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of a badge in the languages that somebody wants."""

    languages: tuple[str, ...]

    def text(self, value: Mapping[str, Any], name: str) -> str | None:
        return read_text(value, name, self.languages)

    def person(self, subject: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, str]:
        """Names and address; an address that is there unhashed as an identifier counts too."""
        person = {name: text for name, member in members.items() if (text := self.text(subject, member))}
        for identity in read_objects(subject, "identifier"):
            if identity.get("identityType") == "emailAddress" and identity.get("hashed") is False:
                person.setdefault("email", self.text(identity, "identityHash") or "")
        return {name: text for name, text in person.items() if text}

    def skill(self, alignment: Mapping[str, Any]) -> Skill | None:
        uri, name = self.text(alignment, "targetUrl"), self.text(alignment, "targetName")
        if uri is None:
            return None
        about = [self.text(alignment, member) for member in ("targetFramework", "targetCode", "targetType")]
        return Skill(uri, name or uri, *about)

    def evidence(self, evidence: Mapping[str, Any]) -> Evidence:
        description, narrative = self.text(evidence, "description"), self.text(evidence, "narrative")
        return Evidence(
            name=self.text(evidence, "name") or "",
            description=description or narrative,
            url=self.text(evidence, "id"),
            digest=self.text(evidence, "digestSRI") or self.text(evidence, "digestMultibase"),
            narrative=narrative,
            genre=self.text(evidence, "genre"),
            audience=self.text(evidence, "audience"),
        )

    def results(self, subject: Mapping[str, Any], achievement: Mapping[str, Any]) -> tuple[Result, ...]:
        described = {self.text(each, "id"): each for each in read_objects(achievement, "resultDescription")}
        return tuple(
            self.result(result, described.get(self.text(result, "resultDescription") or "", {}))
            for result in read_objects(subject, "result")
        )

    def result(self, result: Mapping[str, Any], description: Mapping[str, Any]) -> Result:
        levels = {self.text(level, "id"): level for level in read_objects(description, "rubricCriterionLevel")}
        achieved = levels.get(self.text(result, "achievedLevel") or "", {})
        required = levels.get(self.text(description, "requiredLevel") or "", {})
        return Result(
            name=self.text(description, "name"),
            value=self.text(result, "value"),
            level=self.text(achieved, "name"),
            status=self.text(result, "status"),
            required=self.text(required, "name") or self.text(description, "requiredValue"),
            level_description=self.text(achieved, "description"),
            lowest=self.text(description, "valueMin"),
            highest=self.text(description, "valueMax"),
            skills=self.aligned(achieved, result),
        )

    def aligned(self, *members: Mapping[str, Any]) -> tuple[Skill, ...]:
        """The skills that these are aligned with, each once."""
        alignments = [each for member in members for each in read_objects(member, "alignment")]
        found = [self.skill(each) for each in alignments if find_alignment_kind(each) == SKILL]
        return tuple({skill.uri: skill for skill in found if skill is not None}.values())

    def identifiers(self, value: Mapping[str, Any]) -> tuple[Identifier, ...]:
        pairs = [
            (self.text(entry, "identifierType"), self.text(entry, "identifier"))
            for entry in read_objects(value, "otherIdentifier")
        ]
        return tuple(Identifier(kind, identifier) for kind, identifier in pairs if kind and identifier)

    def related(self, achievement: Mapping[str, Any]) -> tuple[Related, ...]:
        return tuple(
            Related(identifier, self.text(each, "inLanguage"), self.text(each, "version"))
            for each in read_objects(achievement, "related")
            if (identifier := self.text(each, "id"))
        )

    def profile(self, profile: Mapping[str, Any]) -> Profile | None:
        if not profile:
            return None
        address = read_object(profile, "address")
        return Profile(
            id=self.text(profile, "id"),
            name=self.text(profile, "name"),
            url=self.text(profile, "url"),
            description=self.text(profile, "description"),
            image=_read_image(profile),
            email=self.text(profile, "email"),
            phone=self.text(profile, "phone"),
            country_code=self.text(address, "addressCountryCode"),
            locality=self.text(address, "addressLocality"),
            identifiers=self.identifiers(profile),
            parent_name=self.text(read_object(profile, "parentOrg"), "name"),
        )


def _read_image(value: Mapping[str, Any]) -> str | None:
    url = read_text(read_object(value, "image"), "id") or read_text(value, "image")
    return url if url is not None and _IMAGE_URL.fullmatch(url) else None


def _read_date(value: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return parse_date_time(value.get(name))
    except MalformedError:
        return None

"""The Open Badges 3.0 model: achievements, alignments, evidence and results, and how a badge is read. OB 3.0 §B.

An achievement is described once. From one `CredentialDataset` come the claims of an SD-JWT VC and the document of a
VCDM 2.0 credential, each with the claims paths that its holder may keep hidden; `badge_view` reads both back alike.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

import schemas
from kernel.errors import MalformedError, RejectedError
from kernel.sd_jwt import ClaimsPath

CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES_3_0_3: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
# The contexts that are pinned, and their files in `schemas`.
CONTEXTS: Final[Mapping[str, str]] = {
    CREDENTIALS_V2: "credentials-v2.json",
    OPEN_BADGES_3_0_3: "open-badges-3.0.3.json",
}

# Open Badges 3.0 Appendix B; `ext:` values are allowed beside them (B-05).
ACHIEVEMENT_TYPES: Final = frozenset(
    schemas.load("achievement.schema.json")["$defs"]["AchievementType"]["anyOf"][0]["enum"]
)

PERSON_MEMBERS: Final[Mapping[str, str]] = {
    "given_name": "givenName",
    "family_name": "familyName",
    "email": "email",
}

_IDENTITY_HASHES: Final = frozenset({"sha256", "md5"})
_IMAGE_URL: Final = re.compile(r"https://[^\s]+|data:image/(png|svg\+xml|jpeg|webp|gif);base64,[A-Za-z0-9+/]+=*")
_DATE_TIME_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class CredentialDataset:
    """What one badge says about one person, before any format. OpenID4VCI 1.0 §3.3.2 calls it Credential Dataset.

    `person` may hold given_name, family_name and email. `credential_id` differs in each copy of a badge (I-61).
    """

    achievement: Mapping[str, Any]
    issuer_profile: Mapping[str, Any]
    person: Mapping[str, str] = field(repr=False)
    issuing_authority: str
    credential_id: str
    evidence: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    result: Sequence[Mapping[str, Any]] = ()
    awarded_at: datetime | None = None
    issuing_country: str = "NL"


# Describing


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
    alignment = _without_absent(
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
    _verify_shape(alignment, "Alignment")
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
) -> dict[str, Any]:
    """Return a well-formed Achievement; what is not given is left out, never null or empty. B-04, B-10."""
    achievement = _without_absent(
        {
            "id": achievement_id,
            "type": ["Achievement"],
            "achievementType": achievement_type,
            "name": name,
            "description": description,
            "inLanguage": language,
            "version": version,
            "criteria": _without_absent({"id": criteria_url, "narrative": criteria_narrative}),
            "image": image and _without_absent({"id": image, "type": "Image", "caption": image_caption}),
            "tag": list(tags),
            "alignment": [dict(alignment) for alignment in alignments],
            "resultDescription": [dict(description) for description in result_descriptions],
        }
    )
    verify_achievement(achievement)
    return achievement


def create_evidence(
    *, name: str, description: str | None = None, url: str | None = None, digest: str | None = None
) -> dict[str, Any]:
    """Return a piece of evidence; `digest` is a Subresource Integrity value such as `sha256-…` over its bytes. B-09."""
    return _without_absent(
        {"id": url, "type": ["Evidence"], "name": name, "description": description, "digestSRI": digest}
    )


def create_identity_object(identifier: str, *, identity_type: str, salt: str) -> dict[str, Any]:
    """Return an IdentityObject that names somebody without saying the name. B-08.

    For formats that cannot hide an e-mail address. Who can guess the identifier can check the guess, salt or not.
    """
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${_hash_identity('sha256', identifier, salt)}",
        "identityType": identity_type,
        "salt": salt,
    }


def _hash_identity(algorithm: str, identifier: str, salt: str) -> str:
    return hashlib.new(algorithm, f"{identifier}{salt}".encode(), usedforsecurity=False).hexdigest()


def _without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


# Checking what we issue


def verify_achievement(achievement: Mapping[str, Any]) -> None:
    """Check that an Achievement is one that we would issue. B-04 to B-07, B-10.

    Stricter than a reader of foreign badges would be: `schemas/achievement.schema.json` says which members there
    are, and references inside the badge resolve.
    """
    _verify_shape(achievement, "Achievement")
    for description in achievement.get("resultDescription", ()):
        if "requiredLevel" in description and description["requiredLevel"] not in _get_levels(description):
            raise MalformedError("a `requiredLevel` that is not one of the levels")


def verify_dataset(dataset: CredentialDataset) -> None:
    """Check everything that a badge will say before it is signed. B-02 to B-10."""
    verify_achievement(dataset.achievement)
    _verify_shape(dataset.issuer_profile, "Profile")
    for evidence in dataset.evidence:
        _verify_shape(evidence, "Evidence")
    for result in dataset.result:
        _verify_result(result, dataset.achievement)
    if not dataset.person.keys() <= PERSON_MEMBERS.keys():
        raise MalformedError("a member of the person that no badge has room for")
    for text in (*dataset.person.values(), dataset.issuing_authority):
        _verify_shape(text, "Text")
    _verify_shape(dataset.credential_id, "URI")
    if not re.fullmatch("[A-Z]{2}", dataset.issuing_country):
        raise MalformedError("`issuing_country` is no ISO 3166-1 alpha-2 code")


def _verify_result(result: Mapping[str, Any], achievement: Mapping[str, Any]) -> None:
    _verify_shape(result, "Result")
    if "resultDescription" not in result:
        return
    described = {description["id"]: description for description in achievement.get("resultDescription", ())}
    description = described.get(result["resultDescription"])
    if description is None:
        raise MalformedError("a result whose description is not in the badge")
    if "achievedLevel" in result and result["achievedLevel"] not in _get_levels(description):
        raise MalformedError("a result on a level that is not in the badge")


def _get_levels(description: Mapping[str, Any]) -> list[str]:
    return [level["id"] for level in description.get("rubricCriterionLevel", ())]


def _verify_shape(value: Any, kind: str) -> None:
    """Check against one definition of our schema. The library counts text that is no Unicode as a ValueError too."""
    try:
        _load_validator(kind).validate(value)
    except ValueError as exc:
        place = "/".join(map(str, getattr(exc, "instance_path", ())))
        raise MalformedError(f"not {kind} as we issue it, at /{place}") from exc


@lru_cache
def _load_validator(kind: str) -> jsonschema_rs.Validator:
    schema = {**schemas.load("achievement.schema.json"), "$ref": f"#/$defs/{kind}"}
    return jsonschema_rs.validator_for(schema, validate_formats=False)


# Writing


def create_sd_jwt_vc_claims(dataset: CredentialDataset) -> tuple[dict[str, Any], list[ClaimsPath]]:
    """Return the claims of an SD-JWT VC that speak of the badge, and the paths its holder may hide. S-09.

    Open are the achievement without its skills, and the day of the award: they say which badge this is.
    """
    verify_dataset(dataset)
    claims = _without_absent(
        {
            "id": dataset.credential_id,
            "achievement": {"creator": dict(dataset.issuer_profile), **dataset.achievement},
            "awarded_at": dataset.awarded_at and format_date_time(_day(dataset.awarded_at)),
            **dataset.person,
            "evidence": [dict(evidence) for evidence in dataset.evidence],
            "result": [dict(result) for result in dataset.result],
        }
    )
    hidden = [(name,) for name in ("id", *PERSON_MEMBERS, "evidence", "result") if name in claims]
    return claims, [*hidden, *_alignment_paths(dataset, ("achievement",))]


def create_open_badge(
    dataset: CredentialDataset, *, issuer_id: str, subject_id: str
) -> tuple[dict[str, Any], list[ClaimsPath]]:
    """Return an Open Badges 3.0 credential without dates and proof, and the paths its holder may hide. B-01 to B-04.

    The subject is a Profile as well, since only a Profile has a name and an e-mail address in the vocabulary.
    """
    verify_dataset(dataset)
    person = {PERSON_MEMBERS[name]: value for name, value in dataset.person.items()}
    subject = _without_absent(
        {
            "id": subject_id,
            "type": ["AchievementSubject", "Profile"] if person else ["AchievementSubject"],
            "achievement": dict(dataset.achievement),
            **person,
            "result": [dict(result) for result in dataset.result],
        }
    )
    badge = _without_absent(
        {
            "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
            "id": dataset.credential_id,
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": dataset.achievement["name"],
            "issuer": {**dataset.issuer_profile, "id": issuer_id},
            "awardedDate": dataset.awarded_at and format_date_time(_day(dataset.awarded_at)),
            "credentialSubject": subject,
            "evidence": [dict(evidence) for evidence in dataset.evidence],
        }
    )
    hidden: list[ClaimsPath] = [("evidence",)] if "evidence" in badge else []
    hidden += [("credentialSubject", name) for name in (*PERSON_MEMBERS.values(), "result") if name in subject]
    return badge, [*hidden, *_alignment_paths(dataset, ("credentialSubject", "achievement"))]


def _alignment_paths(dataset: CredentialDataset, parent: ClaimsPath) -> list[ClaimsPath]:
    return [(*parent, "alignment", None)] if "alignment" in dataset.achievement else []


def _day(moment: datetime) -> int:
    seconds = int(moment.timestamp())
    return seconds - seconds % 86_400


def format_date_time(seconds: int) -> str:
    """Return a date and time as Open Badges and VCDM write it. B-02, XSD dateTimeStamp."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_date_time(text: object) -> datetime:
    """Read an XSD dateTimeStamp: the zone is required. VCDM 2.0 §4.9, K-55."""
    if not isinstance(text, str) or not _DATE_TIME_STAMP.fullmatch(text):
        raise MalformedError("a date and time without its zone, or none at all")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise MalformedError("a date that does not exist") from exc


# Reading


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """Somebody is the one that a badge names; weakly so when the hash is MD5 or has no salt."""

    identity_type: str | None
    is_weak: bool


def verify_identity_object(identity: Mapping[str, Any], *, identifier: str) -> VerifiedIdentity:
    """Check that an identifier is the one that an IdentityObject names. B-08, A-51.

    An e-mail address is also tried in lower case, as edubadges hashes it.
    """
    named, salt = _read_text(identity, "identityHash") or "", _read_text(identity, "salt") or ""
    algorithm, _, digest = named.partition("$")
    spellings = {identifier, identifier.lower()}
    if not identity.get("hashed"):
        is_same, is_weak = named in spellings, False
    elif algorithm in _IDENTITY_HASHES:
        hashes = {_hash_identity(algorithm, spelling, salt) for spelling in spellings}
        is_same, is_weak = digest.lower() in hashes, algorithm == "md5" or not salt
    else:
        raise MalformedError("an identity hash of an unknown kind")
    if not is_same:
        raise RejectedError("the badge names somebody else")
    return VerifiedIdentity(_read_text(identity, "identityType"), is_weak)


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill that the issuer says this badge stands for."""

    uri: str
    name: str
    framework: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that shows why the badge was given."""

    name: str
    description: str | None
    url: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class BadgeView:
    """A badge as a person wants to see it, whatever format it came in. What was not shown is absent."""

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


def badge_view(claims: Mapping[str, Any], format: str) -> BadgeView:
    """Read the processed claims of a badge, ours or a stranger's, and leave out what is not readable. B-05, B-10."""
    read = _VIEWS[format]
    return read(claims)


def _view_sd_jwt_vc(claims: Mapping[str, Any]) -> BadgeView:
    achievement = _read_object(claims, "achievement")
    return _view(
        achievement,
        issuer=_read_object(achievement, "creator"),
        issuer_name=_read_text(claims, "issuing_authority"),
        evidence=read_many(claims, "evidence"),
        person={name: text for name in PERSON_MEMBERS if (text := _read_text(claims, name))},
        awarded_at=_read_date(claims, "awarded_at"),
    )


def _view_open_badge(claims: Mapping[str, Any]) -> BadgeView:
    subject = _read_object(claims, "credentialSubject")
    person = {name: text for name, member in PERSON_MEMBERS.items() if (text := _read_text(subject, member))}
    return _view(
        _read_object(subject, "achievement"),
        issuer=_read_object(claims, "issuer"),
        issuer_name=None,
        evidence=read_many(claims, "evidence"),
        person=person,
        awarded_at=_read_date(claims, "awardedDate"),
    )


_VIEWS: Final[Mapping[str, Callable[[Mapping[str, Any]], BadgeView]]] = {
    "dc+sd-jwt": _view_sd_jwt_vc,
    "vc+sd-jwt": _view_open_badge,
}


def _view(
    achievement: Mapping[str, Any],
    *,
    issuer: Mapping[str, Any],
    issuer_name: str | None,
    evidence: Sequence[Any],
    person: Mapping[str, str],
    awarded_at: datetime | None,
) -> BadgeView:
    criteria = _read_object(achievement, "criteria")
    achievement_type = _read_text(achievement, "achievementType")
    return BadgeView(
        name=_read_text(achievement, "name") or "",
        description=_read_text(achievement, "description"),
        criteria=_read_text(criteria, "narrative"),
        criteria_url=_read_text(criteria, "id"),
        image=_read_image(achievement),
        issuer_name=issuer_name or _read_text(issuer, "name"),
        issuer_url=_read_text(issuer, "url"),
        achievement_id=_read_text(achievement, "id"),
        achievement_type=achievement_type,
        is_known_type=achievement_type in ACHIEVEMENT_TYPES,
        language=_read_text(achievement, "inLanguage"),
        skills=tuple(skill for element in read_many(achievement, "alignment") if (skill := _read_skill(element))),
        evidence=tuple(_read_evidence(element) for element in evidence if isinstance(element, dict)),
        person=person,
        awarded_at=awarded_at,
    )


def read_many(value: Mapping[str, Any], name: str) -> list[Any]:
    """Return the values of a member that may be one value or an array of them. B-10."""
    found = value.get(name)
    return list(found) if isinstance(found, list) else [] if found is None else [found]


def _read_object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object below a member, the first one if there are several, an empty one if there is none."""
    return next((found for found in read_many(value, name) if isinstance(found, dict)), {})


def _read_text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and found else None


def _read_image(achievement: Mapping[str, Any]) -> str | None:
    url = _read_text(_read_object(achievement, "image"), "id") or _read_text(achievement, "image")
    return url if url is not None and _IMAGE_URL.fullmatch(url) else None


def _read_skill(alignment: Any) -> Skill | None:
    if not isinstance(alignment, dict):
        return None
    uri, name = _read_text(alignment, "targetUrl"), _read_text(alignment, "targetName")
    return Skill(uri, name or uri, _read_text(alignment, "targetFramework")) if uri else None


def _read_evidence(evidence: Mapping[str, Any]) -> Evidence:
    return Evidence(
        name=_read_text(evidence, "name") or "",
        description=_read_text(evidence, "description") or _read_text(evidence, "narrative"),
        url=_read_text(evidence, "id"),
        digest=_read_text(evidence, "digestSRI"),
    )


def _read_date(value: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return parse_date_time(value.get(name))
    except MalformedError:
        return None

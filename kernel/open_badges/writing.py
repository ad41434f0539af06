"""Writing a badge: from one `CredentialDataset` the claims of an SD-JWT VC and a VCDM 2.0 credential."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.open_badges.checking import verify_achievement, verify_endorsed, verify_result, verify_shape
from kernel.open_badges.dates import format_date_time, parse_date_time
from kernel.open_badges.description import without_absent
from kernel.open_badges.vocabulary import (
    CREDENTIALS_V2,
    LEARNING_OUTCOME,
    OPEN_BADGES_3_0_3,
    OPEN_BADGES_EXTENSIONS,
    PERSON_MEMBERS,
)
from kernel.sd_jwt import ClaimsPath

_SCHEMAS: Final = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json"


@dataclass(frozen=True, slots=True)
class CredentialDataset:
    """What one badge says about one person, before any format. OpenID4VCI 1.0 §3.3.2 calls it Credential Dataset.

    `person` may hold given_name, family_name, birthdate and email. `credential_id` differs in each copy of a badge
    (I-61). `subject` has further members of an AchievementSubject, such as `role`, `term` and `creditsEarned` (B-03),
    and `endorsement` the credentials in which others spoke for the achievement or its issuer (B-09).
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
    subject: Mapping[str, Any] = field(default_factory=dict, repr=False)
    endorsement: Sequence[Mapping[str, Any]] = ()


def verify_dataset(dataset: CredentialDataset) -> None:
    """Check everything that a badge will say before it is signed. B-02 to B-10."""
    verify_achievement(dataset.achievement)
    _verify_issuer(dataset)
    for evidence in dataset.evidence:
        verify_shape(evidence, "Evidence")
    for result in dataset.result:
        verify_result(result, dataset.achievement)
    _verify_subject(dataset.subject)
    _verify_person(dataset)
    verify_shape(dataset.credential_id, "URI")


def _verify_issuer(dataset: CredentialDataset) -> None:
    """An endorsement of the credential itself is not for here: each copy has an identifier of its own (I-61)."""
    verify_shape(dataset.issuer_profile, "Profile")
    issuer_id = dataset.issuer_profile.get("id", "")
    verify_endorsed(dataset.issuer_profile, issuer_id)
    for endorsement in dataset.endorsement:
        verify_shape(endorsement, "Endorsement")
    verify_endorsed({"endorsement": dataset.endorsement}, issuer_id, dataset.achievement["id"])


def _verify_subject(subject: Mapping[str, Any]) -> None:
    verify_shape(subject, "SubjectDetails")
    dates = [parse_date_time(subject[name]) for name in ("activityStartDate", "activityEndDate") if name in subject]
    if dates != sorted(dates):
        raise MalformedError("an activity that ends before it begins")


def _verify_person(dataset: CredentialDataset) -> None:
    if not dataset.person.keys() <= PERSON_MEMBERS.keys():
        raise MalformedError("a member of the person that no badge has room for")
    for text in (*dataset.person.values(), dataset.issuing_authority):
        verify_shape(text, "Text")
    if "birthdate" in dataset.person:
        verify_shape(dataset.person["birthdate"], "Date")
    if not re.fullmatch("[A-Z]{2}", dataset.issuing_country):
        raise MalformedError("`issuing_country` is no ISO 3166-1 alpha-2 code")


def create_sd_jwt_vc_claims(dataset: CredentialDataset) -> tuple[dict[str, Any], list[ClaimsPath]]:
    """Return the claims of an SD-JWT VC that speak of the badge, and the paths its holder may hide. S-09.

    The issuer's profile stands for the creator of the achievement, and in `awarding_body` where somebody else made it.
    Open are the achievement without its skills and learning outcomes, the day of the award and what others said of the
    badge: they say which badge this is.
    """
    verify_dataset(dataset)
    claims = without_absent(
        {
            "id": dataset.credential_id,
            "achievement": {"creator": dict(dataset.issuer_profile), **dataset.achievement},
            "awarding_body": dict(dataset.issuer_profile) if "creator" in dataset.achievement else None,
            "awarded_at": dataset.awarded_at and format_date_time(_day(dataset.awarded_at)),
            **dataset.person,
            **dataset.subject,
            "evidence": [dict(evidence) for evidence in dataset.evidence],
            "result": [dict(result) for result in dataset.result],
            "endorsement": [dict(endorsement) for endorsement in dataset.endorsement],
        }
    )
    hidden = ("id", *PERSON_MEMBERS, *dataset.subject, "evidence", "result")
    paths: list[ClaimsPath] = [(name,) for name in hidden if name in claims]
    return claims, [*paths, *_achievement_paths(dataset, ("achievement",)), *_result_paths(dataset, ())]


def create_open_badge(
    dataset: CredentialDataset, *, issuer_id: str, subject_id: str | None
) -> tuple[dict[str, Any], list[ClaimsPath]]:
    """Return an Open Badges 3.0 credential without dates and proof, and the paths its holder may hide. B-01 to B-04.

    The subject is a Profile as well, since only a Profile has a name and an e-mail address in the vocabulary. Without
    a `subject_id` it is bound to no key, and an `identifier` has to say whom it is about.
    """
    verify_dataset(dataset)
    if subject_id is None and "identifier" not in dataset.subject:
        raise MalformedError("a badge that does not say whom it is about")
    person = {PERSON_MEMBERS[name]: value for name, value in dataset.person.items()}
    subject = without_absent(
        {
            "id": subject_id,
            "type": ["AchievementSubject", "Profile"] if person else ["AchievementSubject"],
            "achievement": dict(dataset.achievement),
            **person,
            **dataset.subject,
            "result": [dict(result) for result in dataset.result],
        }
    )
    badge = without_absent(
        {
            "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
            "id": dataset.credential_id,
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": dataset.achievement["name"],
            "issuer": {**dataset.issuer_profile, "id": issuer_id},
            "awardedDate": dataset.awarded_at and format_date_time(_day(dataset.awarded_at)),
            "credentialSubject": subject,
            "evidence": [dict(evidence) for evidence in dataset.evidence],
            "endorsement": [dict(endorsement) for endorsement in dataset.endorsement],
        }
    )
    hidden = (*PERSON_MEMBERS.values(), *dataset.subject, "result")
    paths: list[ClaimsPath] = [("evidence",)] if "evidence" in badge else []
    paths += [("credentialSubject", name) for name in hidden if name in subject]
    paths += _achievement_paths(dataset, ("credentialSubject", "achievement"))
    return badge, [*paths, *_result_paths(dataset, ("credentialSubject",))]


def with_credential_schema(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an unsigned badge or endorsement that names the JSON Schema of 1EdTech for its kind. B-11.

    Its type is defined in a context of its own, without which signing refuses the document (K-64); wallets that do
    not know that context cannot read the badge, so it is for those who ask for it.
    """
    kind = "endorsementcredential" if "EndorsementCredential" in document["type"] else "achievementcredential"
    schema = {"id": f"{_SCHEMAS}/ob_v3p0_{kind}_schema.json", "type": "1EdTechJsonSchemaValidator2019"}
    return _with_extensions(document, credentialSchema=[schema])


def with_refresh_service(document: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return an unsigned badge that says where its newest form can be had. B-13."""
    verify_shape(url, "URI")
    return _with_extensions(document, refreshService={"id": url, "type": "1EdTechCredentialRefresh"})


def _with_extensions(document: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    contexts = dict.fromkeys([*document["@context"], OPEN_BADGES_EXTENSIONS])
    return {**document, "@context": list(contexts), **members}


def _achievement_paths(dataset: CredentialDataset, parent: ClaimsPath) -> list[ClaimsPath]:
    """Each skill by itself, also where an outcome or a level names it: else that would tell what is hidden.

    Each learning outcome by itself too: its text says in words which skills the badge has. How a result is measured
    stays in the open, since without it nobody could read the result.
    """
    places: list[tuple[ClaimsPath, Mapping[str, Any]]] = [(parent, dataset.achievement)]
    outcomes: list[ClaimsPath] = []
    for number, one in enumerate(dataset.achievement.get("resultDescription", ())):
        place = (*parent, "resultDescription", number)
        levels = enumerate(one.get("rubricCriterionLevel", ()))
        places += [(place, one), *(((*place, "rubricCriterionLevel", level), each) for level, each in levels)]
        outcomes += [place] if one["resultType"] == LEARNING_OUTCOME else []
    return [*outcomes, *((*place, "alignment", None) for place, one in places if "alignment" in one)]


def _result_paths(dataset: CredentialDataset, parent: ClaimsPath) -> list[ClaimsPath]:
    """Each skill that a result of somebody is aligned with: who shows the result need not show those."""
    return [
        (*parent, "result", number, "alignment", None)
        for number, one in enumerate(dataset.result)
        if "alignment" in one
    ]


def _day(moment: datetime) -> int:
    seconds = int(moment.timestamp())
    return seconds - seconds % 86_400

"""A microcredential as a European Digital Credential, unsigned JSON-LD. European Learning Model 3; PROFILE.md E-11.

The members are those of the EDC application profile (context `edc-ap`); lists are always arrays, texts stand under
their language. What the model has no member for stands in an `additionalNote` whose subject says what it is, or in
an identifier. The seal is for a sealing service of the issuer: what we write proves nothing by itself.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from kernel.elm import vocabulary
from kernel.microcredential.members import write_number, write_present
from kernel.microcredential.model import (
    GradingScheme,
    Identifier,
    LearningOutcome,
    Microcredential,
    Organisation,
    QualityAssurance,
    Skill,
    Translation,
)
from kernel.microcredential.vocabulary import (
    ASSESSMENT_TYPES,
    ECTS,
    EQF,
    ISCED_F,
    NLQF_LEVELS,
    PARTICIPATION_TYPES,
)
from kernel.microcredential.writing import part_of, write_moment
from kernel.open_badges import CREDENTIALS_V2

CONTEXT: Final = "http://data.europa.eu/snb/model/context/edc-ap"
SCHEMA: Final = "http://data.europa.eu/snb/model/ap/edc-generic-full"
ESCO_SKILL: Final = "http://data.europa.eu/esco/skill/"
_DATA_URL: Final = re.compile(r"data:(image/[a-z+]+);base64,(.+)")

_LANGUAGE_TAG: Final = re.compile(r"[a-z]{2}(?=$|-)")

JsonObject = dict[str, Any]


def create_elm_credential(microcredential: Microcredential) -> JsonObject:
    """Return the ELM document of one microcredential, unsigned. E-11.

    What EDC demands and a microcredential may lack (an image for the display, for one) is left out, never invented.
    """
    return _Document(microcredential).create()


def language_key(language: str) -> str:
    """Return under which language the texts of a document stand: the first part of its tag, which ELM wants."""
    found = _LANGUAGE_TAG.match(language.lower())
    return found[0] if found else "en"


class _Document:
    """One document in the making: what every part of it needs to know."""

    def __init__(self, microcredential: Microcredential) -> None:
        self.microcredential = microcredential
        self.further = microcredential.further_information
        self.language = language_key(self.further.language)

    def create(self) -> JsonObject:
        dates = self.microcredential.dates
        return write_present(
            {
                "@context": [CREDENTIALS_V2, CONTEXT],
                "id": self.microcredential.id,
                "type": ["VerifiableCredential", "VerifiableAttestation", "EuropeanDigitalCredential"],
                "credentialProfiles": [_concept(vocabulary.GENERIC)],
                "credentialSchema": [{"id": SCHEMA, "type": "ShaclValidator2017"}],
                "displayParameter": self._create_display(),
                "issuer": self._create_issuer(),
                "issued": dates and write_moment(dates.issued),
                "validFrom": dates and write_moment(dates.issued),
                "validUntil": dates and write_moment(dates.valid_until),
                "credentialSubject": self._create_person(),
                "evidence": self._create_evidence(),
            }
        )

    def _text(self, text: str | None, translations: tuple[Translation, ...] = ()) -> JsonObject:
        """Return a text under its language, several of one language in one array."""
        texts: dict[str, list[str]] = {} if text is None else {self.language: [text]}
        for translation in translations:
            texts.setdefault(language_key(translation.language), []).append(translation.text)
        return texts

    def _part(self, name: str) -> str:
        return part_of(self.microcredential.achievement_id, name)

    def _note(self, code: str, text: str | None) -> list[JsonObject]:
        """Say what ELM has no member for, under a code by which it is found again."""
        if text is None:
            return []
        return [{"type": "Note", "noteLiteral": self._text(text), "subject": _concept(notation=code)}]

    def _create_person(self) -> JsonObject:
        learner = self.microcredential.learner
        return write_present(
            {
                "id": learner.id,
                "type": "Person",
                "identifier": [_create_identifier(each) for each in learner.identifiers],
                "givenName": self._text(learner.given_name),
                "familyName": self._text(learner.family_name),
                "dateOfBirth": learner.birth_date and f"{learner.birth_date.isoformat()}T00:00:00Z",
                "hasClaim": [self._create_achievement()],
            }
        )

    def _create_achievement(self) -> JsonObject:
        earned = write_number(self.microcredential.workload.ects_earned)
        return write_present(
            {
                "id": self.microcredential.achievement_id,
                "type": "LearningAchievement",
                "title": self._create_title(),
                "description": self._text(self.further.description),
                "awardedBy": self._create_awarding(),
                "creditReceived": earned and [_create_credit(earned)],
                "provenBy": self._create_assessments(),
                "influencedBy": self._create_activities(),
                "specifiedBy": self._create_qualification(),
                "additionalNote": self._create_achievement_notes(),
                "supplementaryDocument": self._create_image_link(),
            }
        )

    def _create_achievement_notes(self) -> list[JsonObject]:
        """Say the full language tags of the translations, and what the evidence shows: `Evidence` has one text only."""
        title = self.microcredential.title
        texts = [("titleLanguage", each.language) for each in (title.translations if title else ())]
        described = [(f"evidence-{number}", each.description) for number, each in enumerate(self.further.evidence, 1)]
        return [note for code, text in (*texts, *described) for note in self._note(code, text)]

    def _create_title(self) -> JsonObject:
        title = self.microcredential.title
        return self._text(title.text, title.translations) if title else {}

    def _create_awarding(self) -> JsonObject:
        body, dates = self.microcredential.awarding_body, self.microcredential.dates
        roles = (("issuer", body.issuer), ("creator", body.creator), ("onBehalfOf", body.on_behalf_of)) if body else ()
        achieved = write_moment(dates.achieved) if dates else None
        bodies = [self._create_organisation(found, role) for role, found in roles if found is not None]
        awarding = write_present({"awardingBody": bodies, "awardingDate": achieved})
        return {"type": "AwardingProcess", **awarding} if awarding else {}

    def _create_issuer(self) -> JsonObject:
        body, brin = self.microcredential.awarding_body, self.further.brin
        known = self._create_organisation(body.issuer, "issuer") if body else self._create_place()
        issuer = write_present({**known, "identifier": [_identifier("BRIN", brin)] if brin else []})
        return {"type": "Organisation", **issuer} if issuer else {}

    def _create_place(self) -> JsonObject:
        country = self.microcredential.country
        return {"location": [_create_location(country)]} if country else {}

    def _create_organisation(self, organisation: Organisation, role: str) -> JsonObject:
        return write_present(
            {
                "id": organisation.id,
                "type": "Organisation",
                "dcType": [_concept(notation=role)],
                "legalName": self._text(organisation.name),
                "homepage": organisation.url and [{"type": "WebResource", "contentURL": organisation.url}],
                **self._create_place(),
            }
        )

    def _create_qualification(self) -> JsonObject:
        microcredential = self.microcredential
        level, workload, stackability = microcredential.level, microcredential.workload, microcredential.stackability
        ects, nlqf = write_number(workload.ects), level.nlqf
        known = NLQF_LEVELS.get(nlqf or "")
        return write_present(
            {
                "id": self._part("qualification"),
                "type": "Qualification",
                "title": self._create_title(),
                "eqfLevel": level.eqf and _concept(f"{EQF}{level.eqf}"),
                "nqfLevel": nlqf and [_concept(known or self._part("nlqf"), notation=nlqf)],
                "creditPoint": ects and [_create_credit(ects)],
                "volumeOfLearning": None if workload.hours is None else _write_duration(workload.hours),
                "learningOutcome": [self._create_outcome(each) for each in microcredential.learning_outcomes],
                "mode": [
                    _coded(code, PARTICIPATION_TYPES, self._part("mode")) for code in microcredential.participation
                ],
                "accreditation": self._create_accreditation(microcredential.quality_assurance),
                "entryRequirement": self._create_note(microcredential.prerequisites.text),
                "supplementaryDocument": self._create_links(),
                "thematicArea": self.further.isced_f and [_concept(ISCED_F + self.further.isced_f)],
                "language": [_create_language(each) for each in self.further.teaching_languages],
                "isPartialQualification": stackability.kind == "stackable" if stackability.kind else None,
                "isPartOf": [self._create_whole(each) for each in stackability.part_of],
                "additionalNote": self._create_notes(),
                "qualificationCode": [_concept(notation=each) for each in self.further.programmes],
            }
        )

    def _create_whole(self, identifier: str) -> JsonObject:
        return {"id": identifier, "type": "Qualification", "title": self._text(identifier)}

    def _create_note(self, text: str | None) -> JsonObject:
        return {"type": "Note", "noteLiteral": self._text(text)} if text else {}

    def _create_notes(self) -> list[JsonObject]:
        further, supervision = self.further, self.microcredential.supervision
        recheck = None if further.recheck_months is None else str(further.recheck_months)
        texts = [
            ("criteria", further.criteria),
            ("sector", further.sector),
            ("recheckMonths", recheck),
            ("levelVerified", "verified" if self.microcredential.level.is_verified else None),
            ("stackability", self.microcredential.stackability.kind),
            ("supervised", _write_flag(supervision.is_supervised)),
            ("assessmentPlace", supervision.place),
            ("identityChecked", _write_flag(supervision.identity_checked)),
            *(("tag", tag) for tag in further.tags),
        ]
        return [note for code, text in texts for note in self._note(code, text)]

    def _create_links(self) -> list[JsonObject]:
        links = (("criteria", self.further.criteria_url), ("prerequisites", self.microcredential.prerequisites.url))
        return [_create_link(name, url) for name, url in links if url]

    def _create_image_link(self) -> list[JsonObject]:
        image = self.further.image
        return [_create_link("image", image)] if image and not _create_picture(image) else []

    def _create_outcome(self, outcome: LearningOutcome) -> JsonObject:
        esco = [self._create_skill(skill) for skill in outcome.skills if skill.uri.startswith(ESCO_SKILL)]
        others = [self._create_skill(skill) for skill in outcome.skills if not skill.uri.startswith(ESCO_SKILL)]
        return write_present(
            {
                "type": "LearningOutcome",
                "title": self._text(outcome.text),
                "relatedESCOSkill": esco,
                "relatedSkill": others,
                "additionalNote": [
                    *self._note("level", outcome.level),
                    *(note for skill in outcome.skills for note in self._note("skill", skill.uri)),
                ],
            }
        )

    def _create_skill(self, skill: Skill) -> JsonObject:
        return _concept(skill.uri, notation=skill.framework) | {"prefLabel": self._text(skill.name)}

    def _create_accreditation(self, quality: QualityAssurance | None) -> list[JsonObject]:
        if quality is None:
            return []
        body = self.microcredential.awarding_body
        return [
            write_present(
                {
                    "type": "Accreditation",
                    "dcType": _concept(vocabulary.PROGRAMME_QUALITY),
                    "title": self._text(quality.name),
                    "description": self._text(quality.description),
                    "identifier": quality.code and _identifier("decision", quality.code),
                    "landingPage": quality.url and [_create_link("decision", quality.url)],
                    "accreditingAgent": body and self._create_organisation(body.issuer, "issuer"),
                }
            )
        ]

    def _create_assessments(self) -> list[JsonObject]:
        grade, awarding = self.microcredential.grade, self._create_awarding()
        if grade is None and not self.microcredential.assessment:
            return []
        return [
            write_present(
                {
                    "type": "LearningAssessment",
                    "title": self._create_title(),
                    "awardedBy": awarding,
                    "grade": self._create_note(grade.value if grade else None),
                    "specifiedBy": self._create_assessment_specifications(),
                }
            )
        ]

    def _create_assessment_specifications(self) -> list[JsonObject]:
        grade = self.microcredential.grade
        types = [
            {
                "type": "LearningAssessmentSpecification",
                "title": self._text(code),
                "dcType": _coded(code, ASSESSMENT_TYPES, self._part("assessment")),
            }
            for code in self.microcredential.assessment
        ]
        if grade is None or grade.scheme is None:
            return types
        scheme = {"gradingScheme": self._create_scheme(grade.scheme)}
        first, *others = types or [{"type": "LearningAssessmentSpecification", "title": self._text(grade.scheme.name)}]
        return [first | scheme, *others]

    def _create_scheme(self, scheme: GradingScheme) -> JsonObject:
        limits = (("minimum", scheme.minimum), ("maximum", scheme.maximum), ("required", scheme.required))
        return write_present(
            {
                "type": "GradingScheme",
                "title": self._text(scheme.name),
                "identifier": [_identifier(name, value) for name, value in limits if value],
                "supplementaryDocument": scheme.url and [_create_link("gradingTable", scheme.url)],
            }
        )

    def _create_activities(self) -> list[JsonObject]:
        sbu = self.microcredential.workload.sbu
        if sbu is None:
            return []
        activity = {"type": "LearningActivity", "title": self._create_title(), "workload": _write_duration(sbu)}
        return [write_present({**activity, "awardedBy": self._create_awarding()})]

    def _create_evidence(self) -> list[JsonObject]:
        return [
            write_present(
                {
                    "id": item.url,
                    "type": "Evidence",
                    "evidenceStatement": item.name,
                    "dcType": item.digest and _concept(notation=item.digest),
                }
            )
            for item in self.further.evidence
        ]

    def _create_display(self) -> JsonObject:
        """Return how the credential looks; the picture only where the badge carries its bytes."""
        title, language = self._create_title(), _create_language(self.further.language)
        picture = _create_picture(self.further.image or "")
        display = [{"type": "DisplayDetail", "image": picture, "page": 1}] if picture else []
        individual = [{"type": "IndividualDisplay", "language": language, "displayDetail": display}] if display else []
        return write_present(
            {
                "type": "DisplayParameter",
                "title": title,
                "description": self._text(self.further.description),
                "language": [language],
                "primaryLanguage": language,
                "individualDisplay": individual,
            }
        )


def _concept(identifier: str | None = None, *, notation: str | None = None) -> JsonObject:
    return write_present({"id": identifier, "type": "Concept", "notation": notation})


def _coded(code: str, known: Mapping[str, str], own: str) -> JsonObject:
    """Return the published concept of a code, with the code beside it: two codes may share a concept."""
    return _concept(known.get(code) or own, notation=code)


def _identifier(scheme: str, notation: str) -> JsonObject:
    return {"type": "Identifier", "schemeName": scheme, "notation": notation}


def _create_identifier(identifier: Identifier) -> JsonObject:
    return write_present({**_identifier(identifier.kind, identifier.value), "schemeVersion": identifier.salt})


def _create_credit(point: str) -> JsonObject:
    return {"type": "CreditPoint", "framework": _concept(ECTS), "point": point}


def _create_link(name: str, url: str) -> JsonObject:
    return {"type": "WebResource", "title": {"en": [name]}, "contentURL": url}


def _create_location(country: str) -> JsonObject:
    code = vocabulary.COUNTRIES.get(country)
    concept = _concept(vocabulary.COUNTRY + code if code else None, notation=country)
    return {"type": "Location", "address": [{"type": "Address", "countryCode": concept}]}


def _create_language(language: str) -> JsonObject:
    code = vocabulary.LANGUAGES.get(language_key(language))
    return _concept(vocabulary.LANGUAGE + code if code else None, notation=language)


def _create_picture(image: str) -> JsonObject:
    """Return the picture that a data: URL carries; empty where it is another URL, or of a type that EDC has not."""
    found = _DATA_URL.fullmatch(image)
    file_type = vocabulary.FILE_TYPES.get(found[1]) if found else None
    if found is None or file_type is None:
        return {}
    return {
        "type": "MediaObject",
        "contentType": _concept(vocabulary.FILE_TYPE + file_type, notation=found[1]),
        "contentEncoding": _concept(vocabulary.BASE64),
        "content": found[2],
    }


def _write_duration(hours: float) -> str:
    """Return hours as an XSD duration; parts of an hour in seconds, so that nothing is lost."""
    whole, seconds = divmod(round(hours * 3600), 3600)
    return f"PT{whole}H" + (f"{seconds}S" if seconds else "")


def _write_flag(flag: bool | None) -> str | None:
    return None if flag is None else ("yes" if flag else "no")

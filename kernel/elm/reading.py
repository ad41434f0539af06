"""Read the sixteen elements of a European Digital Credential: ours, or any of the EDC application profile. E-10.

European Learning Model 3. Members may be single or in arrays, texts under any language; what cannot be read is
absent, and nothing raises. Only the first achievement is read: others are in the document for who wants to see it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from kernel.elm import vocabulary
from kernel.elm.writing import language_key
from kernel.microcredential.members import (
    JsonObject,
    read_count,
    read_day,
    read_moment,
    read_number,
    read_object,
    read_objects,
    read_text,
    read_texts,
)
from kernel.microcredential.model import (
    AwardingBody,
    Dates,
    EvidenceItem,
    FurtherInformation,
    Grade,
    GradingScheme,
    Identifier,
    Learner,
    LearningOutcome,
    Level,
    Microcredential,
    Organisation,
    Prerequisites,
    QualityAssurance,
    Skill,
    Stackability,
    Supervision,
    Title,
    Translation,
    Workload,
)
from kernel.microcredential.vocabulary import (
    ASSESSMENT_TYPES,
    ECTS,
    EQF,
    ISCED_F,
    NLQF_LEVELS,
    PARTICIPATION_TYPES,
)

_DURATION: Final = re.compile(r"PT(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,7})S)?")


def read_elm_credential(document: Mapping[str, Any]) -> Microcredential:
    """Read the sixteen elements of an ELM document; nothing in it is believed, and whether it is sealed is not asked.

    The text of each element is the one in the document's primary language, or else the first there is.
    """
    return _Reading(document).read()


class _Reading:
    """One document being read: its parts, each looked up once."""

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.person = read_object(document, "credentialSubject")
        self.achievement = next(_achievements(self.person), {})
        self.qualification = read_object(self.achievement, "specifiedBy")
        self.assessments = read_objects(self.achievement, "provenBy")
        self.specifications = [spec for each in self.assessments for spec in read_objects(each, "specifiedBy")]
        self.notes = _read_notes(self.qualification) | _read_notes(self.achievement)
        self.tag = _read_language(read_object(read_object(document, "displayParameter"), "primaryLanguage")) or "nl"
        self.language = language_key(self.tag)

    def read(self) -> Microcredential:
        issuer = read_object(self.document, "issuer")
        return Microcredential(
            id=read_text(self.document, "id") or "",
            achievement_id=read_text(self.achievement, "id") or "",
            learner=self._read_learner(),
            title=self._read_title(),
            country=_read_country(issuer) or _read_country(next(iter(self._bodies()), {})),
            awarding_body=self._read_awarding_body(),
            dates=self._read_dates(),
            learning_outcomes=tuple(self._read_outcomes()),
            workload=self._read_workload(),
            level=self._read_level(),
            assessment=tuple(
                self._read_codes((read_object(each, "dcType") for each in self.specifications), _ASSESSED)
            ),
            participation=tuple(self._read_codes(iter(read_objects(self.qualification, "mode")), _PARTICIPATED)),
            quality_assurance=self._read_quality(),
            prerequisites=Prerequisites(
                self._text(read_object(self.qualification, "entryRequirement"), "noteLiteral"),
                _read_link(self.qualification, "prerequisites"),
            ),
            supervision=self._read_supervision(),
            grade=self._read_grade(),
            stackability=Stackability(
                kind=self._first_note("stackability"),
                part_of=tuple(
                    whole for each in read_objects(self.qualification, "isPartOf") if (whole := read_text(each, "id"))
                ),
            ),
            further_information=self._read_further(issuer),
        )

    def _texts(self, value: JsonObject, name: str) -> dict[str, tuple[str, ...]]:
        """Return the texts of a member by language; a text without a language counts as the document's."""
        plain = read_text(value, name)
        if plain is not None:
            return {self.language: (plain,)}
        found = read_object(value, name)
        return {language: texts for language in found if (texts := read_texts(found, language))}

    def _text(self, value: JsonObject, name: str) -> str | None:
        texts = self._texts(value, name)
        found = texts.get(self.language) or next(iter(texts.values()), ())
        return next(iter(found), None)

    def _first_note(self, code: str) -> str | None:
        return next(iter(self.notes.get(code, ())), None)

    def _bodies(self) -> list[JsonObject]:
        return read_objects(read_object(self.achievement, "awardedBy"), "awardingBody")

    def _read_learner(self) -> Learner:
        return Learner(
            id=read_text(self.person, "id"),
            identifiers=tuple(
                Identifier(read_text(each, "schemeName") or "", value, read_text(each, "schemeVersion"))
                for each in read_objects(self.person, "identifier")
                if (value := read_text(each, "notation"))
            ),
            given_name=self._text(self.person, "givenName"),
            family_name=self._text(self.person, "familyName"),
            birth_date=read_day(self.person, "dateOfBirth"),
        )

    def _read_title(self) -> Title | None:
        text = self._text(self.achievement, "title")
        if text is None:
            return None
        texts = {language: list(found) for language, found in self._texts(self.achievement, "title").items()}
        own = self.language if text in texts.get(self.language, ()) else next(iter(texts))
        texts[own].remove(text)
        named = [
            Translation(tag, texts[language_key(tag)].pop(0))
            for tag in self.notes.get("titleLanguage", ())
            if texts.get(language_key(tag))
        ]
        rest = [Translation(language, each) for language, found in texts.items() for each in found]
        return Title(text, (*named, *rest))

    def _read_organisation(self, organisation: JsonObject) -> Organisation | None:
        name = self._text(organisation, "legalName") or self._text(organisation, "prefLabel")
        url = read_text(read_object(organisation, "homepage"), "contentURL")
        return Organisation(name, read_text(organisation, "id"), url) if name else None

    def _read_awarding_body(self) -> AwardingBody | None:
        by_role = {read_text(read_object(each, "dcType"), "notation"): each for each in reversed(self._bodies())}
        issuer = self._read_organisation(
            by_role.get("issuer") or by_role.get(None) or read_object(self.document, "issuer")
        )
        creator, parent = (self._read_organisation(by_role.get(role, {})) for role in ("creator", "onBehalfOf"))
        return AwardingBody(issuer, creator, parent) if issuer else None

    def _read_dates(self) -> Dates | None:
        achieved = read_moment(read_object(self.achievement, "awardedBy"), "awardingDate")
        begins = (read_moment(self.document, name) for name in ("issued", "validFrom", "issuanceDate"))
        issued = next((moment for moment in begins if moment), achieved)
        until = read_moment(self.document, "validUntil") or read_moment(self.document, "expirationDate")
        return Dates(issued, achieved, until) if issued else None

    def _read_outcomes(self) -> Iterator[LearningOutcome]:
        for outcome in read_objects(self.qualification, "learningOutcome"):
            concepts = [*read_objects(outcome, "relatedESCOSkill"), *read_objects(outcome, "relatedSkill")]
            skills = {skill.uri: skill for each in concepts if (skill := self._read_skill(each))}
            notes = _read_notes(outcome)
            ordered = tuple(skills[uri] for uri in notes.get("skill", tuple(skills)) if uri in skills)
            if text := self._text(outcome, "title"):
                yield LearningOutcome(text, ordered, next(iter(notes.get("level", ())), None))

    def _read_skill(self, concept: JsonObject) -> Skill | None:
        uri = read_text(concept, "id")
        framework = read_text(concept, "notation")
        return Skill(uri, self._text(concept, "prefLabel") or uri, framework) if uri else None

    def _read_workload(self) -> Workload:
        activity = next((each for each in read_objects(self.achievement, "influencedBy") if "workload" in each), {})
        sbu = _read_duration(activity, "workload")
        return Workload(
            ects=_read_credit(self.qualification, "creditPoint"),
            sbu=None if sbu is None else int(sbu),
            hours=_read_duration(self.qualification, "volumeOfLearning"),
            ects_earned=_read_credit(self.achievement, "creditReceived"),
        )

    def _read_level(self) -> Level:
        eqf = (read_text(read_object(self.qualification, "eqfLevel"), "id") or "").removeprefix(EQF)
        nlqf = next(self._read_codes(iter(read_objects(self.qualification, "nqfLevel")), _NLQF, known_only=True), None)
        return Level(
            eqf=int(eqf) if eqf in tuple("12345678") else None,
            nlqf=nlqf,
            is_verified=self._first_note("levelVerified") == "verified",
        )

    def _read_codes(
        self, concepts: Iterator[JsonObject], known: Mapping[str, str], *, known_only: bool = False
    ) -> Iterator[str]:
        """Return our codes of concepts: the one written beside it, the one of the published concept, or its words."""
        for concept in concepts:
            notation, by_uri = read_text(concept, "notation"), known.get(read_text(concept, "id") or "")
            words = None if known_only and "prefLabel" in concept else notation or self._text(concept, "prefLabel")
            if code := (notation if notation in known.values() else by_uri or words):
                yield code

    def _read_quality(self) -> QualityAssurance | None:
        found = read_object(self.qualification, "accreditation")
        name = self._text(found, "title")
        url = read_text(read_object(found, "landingPage"), "contentURL")
        code = read_text(read_object(found, "identifier"), "notation")
        return QualityAssurance(name, url, self._text(found, "description"), code) if name else None

    def _read_supervision(self) -> Supervision:
        checks = (read_object(each, "idVerification") for each in self.assessments)
        words = next((text for each in checks if (text := self._text(each, "prefLabel"))), "").lower()
        identity = "with id verification" in words and "without" not in words if words else None
        place = next((each for each in ("online", "onsite") if each in words), None)
        supervised, checked = self._first_note("supervised"), self._first_note("identityChecked")
        return Supervision(
            is_supervised=supervised == "yes" if supervised else ("unsupervised" not in words if words else None),
            place=self._first_note("assessmentPlace") or place,
            identity_checked=checked == "yes" if checked else identity,
        )

    def _read_grade(self) -> Grade | None:
        values = (self._text(read_object(each, "grade"), "noteLiteral") for each in self.assessments)
        value = next((each for each in values if each), None)
        schemes = (read_object(each, "gradingScheme") for each in self.specifications)
        return Grade(value, self._read_scheme(next((each for each in schemes if each), {}))) if value else None

    def _read_scheme(self, scheme: JsonObject) -> GradingScheme | None:
        name = self._text(scheme, "title")
        limits = {
            read_text(each, "schemeName"): read_text(each, "notation") for each in read_objects(scheme, "identifier")
        }
        minimum, maximum, required = (limits.get(each) for each in ("minimum", "maximum", "required"))
        return GradingScheme(name, minimum, maximum, required, _read_link(scheme, "gradingTable")) if name else None

    def _read_further(self, issuer: JsonObject) -> FurtherInformation:
        registrations = (each for each in read_objects(issuer, "identifier") if each.get("schemeName") == "BRIN")
        recheck = self._first_note("recheckMonths")
        return FurtherInformation(
            language=self.tag,
            description=self._text(self.achievement, "description"),
            criteria=self._first_note("criteria"),
            criteria_url=_read_link(self.qualification, "criteria"),
            image=_read_link(self.achievement, "image") or self._read_picture(),
            programmes=tuple(self._read_codes(iter(read_objects(self.qualification, "qualificationCode")), {})),
            brin=read_text(next(registrations, {}), "notation"),
            isced_f=_read_isced_f(self.qualification),
            sector=self._first_note("sector"),
            tags=self.notes.get("tag", ()),
            teaching_languages=tuple(
                language for each in read_objects(self.qualification, "language") if (language := _read_language(each))
            ),
            recheck_months=read_count({"": recheck}, ""),
            evidence=tuple(self._read_evidence()),
        )

    def _read_picture(self) -> str | None:
        display = read_object(read_object(self.document, "displayParameter"), "individualDisplay")
        picture = read_object(read_object(display, "displayDetail"), "image")
        media_type, content = read_text(read_object(picture, "contentType"), "notation"), read_text(picture, "content")
        return f"data:{media_type};base64,{content}" if media_type in vocabulary.FILE_TYPES and content else None

    def _read_evidence(self) -> Iterator[EvidenceItem]:
        for number, each in enumerate(read_objects(self.document, "evidence"), 1):
            yield EvidenceItem(
                read_text(each, "evidenceStatement") or "",
                read_text(each, "id"),
                self._first_note(f"evidence-{number}"),
                read_text(read_object(each, "dcType"), "notation"),
            )


_ASSESSED: Final = {uri: code for code, uri in ASSESSMENT_TYPES.items()}
_PARTICIPATED: Final = {uri: code for code, uri in PARTICIPATION_TYPES.items()}
_NLQF: Final = {uri: code for code, uri in NLQF_LEVELS.items()}


def _achievements(person: JsonObject) -> Iterator[JsonObject]:
    """Return the achievements among the claims, or what is a claim at all where no type says so."""
    claims = read_objects(person, "hasClaim")
    yield from (claim for claim in claims if "LearningAchievement" in read_texts(claim, "type"))
    yield from claims


def _read_notes(value: JsonObject) -> dict[str, tuple[str, ...]]:
    """Return the notes that say, by their subject, what they are about."""
    notes: dict[str, tuple[str, ...]] = {}
    for note in read_objects(value, "additionalNote"):
        code, literal = read_text(read_object(note, "subject"), "notation"), read_object(note, "noteLiteral")
        texts = tuple(text for language in literal for text in read_texts(literal, language))
        if code:
            notes[code] = (*notes.get(code, ()), *texts)
    return notes


def _read_link(value: JsonObject, name: str) -> str | None:
    for link in read_objects(value, "supplementaryDocument"):
        if read_texts(read_object(link, "title"), "en") == (name,):
            return read_text(link, "contentURL")
    return None


def _read_country(organisation: JsonObject) -> str | None:
    address = read_object(read_object(organisation, "location"), "address")
    concept = read_object(address, "countryCode")
    code = (read_text(concept, "id") or "").removeprefix(vocabulary.COUNTRY)
    notation = read_text(concept, "notation")
    return vocabulary.COUNTRIES_BY_ALPHA_3.get(code) or (notation if notation and len(notation) == 2 else None)


def _read_language(concept: JsonObject) -> str | None:
    """Return the language tag written beside a concept, or the language that the concept is."""
    code = (read_text(concept, "id") or "").removeprefix(vocabulary.LANGUAGE)
    notation = read_text(concept, "notation")
    return vocabulary.LANGUAGES_BY_ALPHA_3.get(code) if notation in (None, "language") else notation


def _read_credit(value: JsonObject, name: str) -> float | None:
    """Return the points of the European Credit Transfer System; others are not ECTS."""
    credits = (each for each in read_objects(value, name) if read_text(read_object(each, "framework"), "id") == ECTS)
    return read_number(next(credits, {}), "point")


def _read_duration(value: JsonObject, name: str) -> float | None:
    """Return hours; a duration in days or months is not one of work."""
    found = _DURATION.fullmatch(read_text(value, name) or "")
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds) / timedelta(hours=1)


def _read_isced_f(qualification: JsonObject) -> str | None:
    areas = (read_text(each, "id") or "" for each in read_objects(qualification, "thematicArea"))
    return next((area.removeprefix(ISCED_F) for area in areas if area.startswith(ISCED_F)), None)

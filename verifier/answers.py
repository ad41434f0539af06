"""What the report says to a person: does it meet what was asked, how sure is that, by whom, since when.

Two parts are kept apart from the start. The *report* holds what we asked and what we found: outcomes, codes, keys and
lists, never a claim of the holder; it stays. What was *shown* (badge, dates, evidence, names if they were shown) is
sealed and goes when its time has passed (PROFILE.md V-40, V-41). Pages and API read both through `Answer`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from kernel.formats import VerifiedCredential
from kernel.microcredential import read_microcredential
from kernel.open_badges import badge_view
from kernel.openid4vp import TransactionData
from kernel.report import CHECK_CODES, Outcome, VerificationReport
from runtime.badge_facts import LEARNING_ELEMENTS, create_facts
from runtime.endorsements import JudgedEndorsement
from runtime.import_view import EndorsementLine, create_endorsement_line
from runtime.status_texts import message_text
from runtime.web.language import LANGUAGES
from verifier.questions import Requirement, SkillMatch, query_ids
from verifier.report_texts import (
    CHECK_TITLES,
    FAILURES,
    OTHER_BADGE,
    Text,
    answer_text,
    check_text,
    next_step_text,
    reason_of,
    same_person_text,
    shown_skill_text,
    shown_whole_text,
)
from verifier.verification import VALIDITY_CODES, CheckedPresentation, CheckedResponse

MET = "met"
NOT_SHOWN = "not_shown"
UNRECOGNISED = "unrecognised"
UNDECIDED = "undecided"
REFUSED = "refused"

# How sure is that? The ladder of five (UX.md, 4). Which kinds of achievement stand on the highest step: those that end
# in a formal paper. Every other achievement that a recognised issuer awarded was assessed by it.
CERTIFIED_TYPES = frozenset(
    {
        "ApprenticeshipCertificate",
        "AssociateDegree",
        "BachelorDegree",
        "Certification",
        "Degree",
        "Diploma",
        "DoctoralDegree",
        "JourneymanCertificate",
        "License",
        "MasterCertificate",
        "MasterDegree",
        "ProfessionalDoctorate",
        "ResearchDoctorate",
        "SecondarySchoolDiploma",
    }
)
ASSESSED, CERTIFIED = 4, 5


# --- what is stored ---


def create_report(
    requirements: Sequence[Requirement],
    checked: CheckedResponse,
    *,
    now: datetime,
    transaction_data: Sequence[TransactionData] = (),
) -> dict[str, Any]:
    """The report as it is stored and sent: no claim of the holder is in it."""
    holders = checked.holder_numbers()
    return {
        "accepted": checked.report.accepted,
        "valid": _is_valid(checked.report) and bool(checked.presentations),
        "recognised": checked.report.outcome("issuer_recognised") is Outcome.PASSED,
        "checked_at": now.isoformat(),
        "requirements": [_judge(requirement, checked) for requirement in requirements],
        "agreements": [_judge_agreement(entry, checked) for entry in transaction_data],
        "checks": [check.as_json() for check in checked.report.checks],
        "presentations": [
            {
                "query_id": each.query_id,
                "position": each.position,
                "accepted": each in checked.believed,
                "valid": _is_valid(each.report),
                "recognised": each.report.outcome("issuer_recognised") is Outcome.PASSED,
                "is_whole": each.is_whole,
                "holder": holders.get((each.query_id, each.position)),
                "checks": [check.as_json() for check in each.report.checks],
            }
            for each in checked.presentations
        ],
    }


def create_shown(
    requirements: Sequence[Requirement],
    checked: CheckedResponse,
    endorsements: Mapping[tuple[str, int], Sequence[JudgedEndorsement]],
) -> dict[str, Any]:
    """The claims that were shown and whose signature holds; sealed before they are stored."""
    return {
        _presentation_name(each.query_id, each.position): {
            **_shown(each.credential, requirements),
            "endorsements": [said.as_json() for said in endorsements.get((each.query_id, each.position), ())],
        }
        for each in checked.presentations
        if each.credential is not None
    }


def _shown(credential: VerifiedCredential, requirements: Sequence[Requirement]) -> dict[str, Any]:
    badge = badge_view(credential.claims, credential.format)
    learning = read_microcredential(credential.claims, credential.format)
    return {
        "name": badge.name,
        "issuer": credential.issuer,
        "issuer_name": badge.issuer_name,
        "achievement_type": badge.achievement_type,
        "skills": [
            {"uri": skill.uri, "name": skill.name, "match": _matches(skill.uri, requirements)} for skill in badge.skills
        ],
        "evidence": [{"name": item.name, "url": item.url} for item in badge.evidence],
        "person": dict(badge.person),
        "results": [asdict(result) for result in badge.results],
        "learning": {
            language: [asdict(fact) for fact in create_facts(learning, language, LEARNING_ELEMENTS)]
            for language in LANGUAGES
        },
        "issued_at": _iso(badge.awarded_at or credential.issued_at or credential.valid_from),
        "expires_at": _iso(credential.expires_at),
    }


def _matches(uri: str, requirements: Sequence[Requirement]) -> dict[str, SkillMatch]:
    """What a skill is to each of those that were asked for; left out where it is nothing to one."""
    found = ((requirement.id, requirement.match(uri)) for requirement in requirements)
    return {identifier: match for identifier, match in found if match is not None}


def _judge(requirement: Requirement, checked: CheckedResponse) -> dict[str, Any]:
    # The skill before its level, whatever order they came in.
    order = requirement.query_ids()
    answers = (each for each in checked.presentations if each.query_id in order)
    shown = sorted(answers, key=lambda each: order.index(each.query_id))
    believed = [each for each in shown if each in checked.believed]
    outcome, reason = (MET, None) if believed else _why_not(shown)
    return {
        "id": requirement.id,
        "uri": requirement.uri,
        "names": dict(requirement.names),
        "required": requirement.required,
        "minimum_level": requirement.minimum_level,
        "outcome": outcome,
        "reason": reason,
        "presentations": [_presentation_name(each.query_id, each.position) for each in (believed or shown)],
    }


def _judge_agreement(entry: TransactionData, checked: CheckedResponse) -> dict[str, Any]:
    """What was to be agreed to, in our own words, and with which badge it was."""
    signed = checked.agreed_to(entry)
    return {
        "title": entry.members["title"],
        "text": entry.members["text"],
        "agreed": signed is not None,
        "presentation": None if signed is None else _presentation_name(signed.query_id, signed.position),
    }


def _why_not(shown: Sequence[CheckedPresentation]) -> tuple[str, str | None]:
    """What stands in the way of the best that was shown: level, unknown issuer, not checked, refused, in that order."""
    found = [_problem(each.report) for each in shown]
    order = (NOT_SHOWN, UNRECOGNISED, UNDECIDED, REFUSED)
    return min(found, key=lambda pair: order.index(pair[0]), default=(NOT_SHOWN, None))


def _problem(report: VerificationReport) -> tuple[str, str | None]:
    problem = report.first_problem()
    if problem is None:
        # All its own checks passed: it was left out with a response that was replayed.
        return REFUSED, "nonce"
    reason = reason_of(problem.error_code, problem.evidence)
    if reason == OTHER_BADGE:
        return NOT_SHOWN, reason
    if problem.outcome is Outcome.UNKNOWN:
        return UNDECIDED, reason
    failed = {check.code for check in report.checks if check.outcome is Outcome.FAILED}
    return UNRECOGNISED if failed == {"issuer_recognised"} and _is_valid(report) else REFUSED, reason


def _is_valid(report: VerificationReport) -> bool:
    """Authentic, in its time, the presenter's own, not withdrawn: the first of the two answers (T-01)."""
    return all(report.outcome(code) in (Outcome.PASSED, Outcome.NOT_APPLICABLE) for code in VALIDITY_CODES)


def _presentation_name(query_id: str, position: int) -> str:
    return f"{query_id}/{position}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


# --- what is read ---


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check in words."""

    code: str
    outcome: str
    reason: str | None
    """Which failure it is, of those that `verifier.report_texts` has words for."""
    title: Text
    text: Text
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """What was to be agreed to, and whether it was."""

    title: str
    text: str
    agreed: bool


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One thing that was asked: was it met, how sure, by whom, since when."""

    names: Mapping[str, str]
    uri: str
    required: bool
    outcome: str
    why_not: Text | None
    level: int | None
    by: str | None
    is_listed_name: bool
    badge_name: str | None
    issued_at: datetime | None
    expires_at: datetime | None
    messages: tuple[str, ...] = ()
    """What the issuers of what was shown for it tell beside it, by the words of their lists, each once."""

    shown_skill: Text | None = None
    """Which skill was shown, where that is not the one asked for under its own address; and what it is to that."""

    def message_lines(self, language: str) -> list[str]:
        """The same in words; of two that we do not know the meaning is said once."""
        return list(dict.fromkeys(message_text(word).say(language) for word in self.messages))

    def name(self, language: str) -> str:
        return self.names.get(language) or next(iter(self.names.values()), self.uri)

    def name_language(self, language: str) -> str | None:
        return language if language in self.names else next(iter(self.names), None)


@dataclass(frozen=True, slots=True)
class PresentationLine:
    """One presentation with its own checks."""

    name: str
    title: str | None
    skill: Mapping[str, str]
    """Names, by language, of the skill that it was to prove."""
    holder: int | None
    is_whole: bool
    checks: tuple[CheckLine, ...]
    endorsements: tuple[Mapping[str, Any], ...] = ()
    """What others say of it, as `runtime.endorsements.JudgedEndorsement` writes it."""
    messages: tuple[str, ...] = ()
    """What its issuer tells beside it, by the words of its status list, each once."""

    results: tuple[Mapping[str, Any], ...] = ()
    """What the holder showed of grades and results, as `kernel.open_badges.Result` has it."""

    learning: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What it says of level, workload and the like, in each language as `runtime.badge_facts.Fact` has it."""

    def tells_as(self, other: "PresentationLine") -> bool:
        """Whether a reader learns nothing of the badge here that the other has not told."""
        own, theirs = ((line.title, line.results, line.learning, line.endorsements) for line in (self, other))
        return own == theirs

    def endorsement_lines(self, language: str) -> list[EndorsementLine]:
        return [create_endorsement_line(said, language) for said in self.endorsements]

    def message_lines(self, language: str) -> list[str]:
        return list(dict.fromkeys(message_text(word).say(language) for word in self.messages))

    def skill_name(self, language: str) -> str:
        return self.skill.get(language) or next(iter(self.skill.values()), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything a report page needs."""

    accepted: bool
    valid: bool
    recognised: bool
    checked_at: datetime
    requirements: tuple[RequirementLine, ...]
    checks: tuple[CheckLine, ...]
    presentations: tuple[PresentationLine, ...]
    persons: tuple[Mapping[str, str], ...]
    agreements: tuple[AgreementLine, ...] = ()

    @property
    def first_line(self) -> Text:
        """The answer to the question, before anything else."""
        outcomes = [line.outcome for line in self.requirements if line.required]
        return answer_text(
            met=outcomes.count(MET),
            required=len(outcomes),
            refused=outcomes.count(REFUSED),
            undecided=outcomes.count(UNDECIDED),
            unrecognised=outcomes.count(UNRECOGNISED),
        )

    @property
    def same_person(self) -> Text | None:
        holders = [line.holder for line in self.presentations if line.holder is not None]
        return same_person_text(presentations=len(holders), holders=len(set(holders)))

    @property
    def shown_whole(self) -> Text | None:
        """Why more was shown than was asked for, where that is so."""
        return shown_whole_text(sum(line.is_whole for line in self.presentations))

    @property
    def told(self) -> tuple[PresentationLine, ...]:
        """What was shown, without what tells the same as one before it: a badge that is shown for two skills."""
        told: list[PresentationLine] = []
        for line in self.presentations:
            if not any(line.tells_as(other) for other in told):
                told.append(line)
        return tuple(told)

    def message_lines(self, language: str) -> list[str]:
        """What issuers tell beside what was shown, each sentence once, whoever of them says it."""
        return list(dict.fromkeys(text for line in self.presentations for text in line.message_lines(language)))

    @property
    def passed_count(self) -> int:
        """Checks that passed, or for which there was nothing to check."""
        return sum(check.outcome in ("passed", "not_applicable") for check in self.checks)

    @property
    def has_failure(self) -> bool:
        """Whether something that was shown is not valid; not being recognised or asked for is another matter."""
        return any(check.outcome == "failed" and check.code in VALIDITY_CODES for check in self.checks)

    @property
    def next_step(self) -> Text:
        """What to do about the first thing that is not valid."""
        failed = (check for check in self.checks if check.outcome == "failed" and check.code in VALIDITY_CODES)
        return next_step_text(next((check.reason for check in failed), None))

    @property
    def recognition_withdrawn(self) -> bool:
        """Whether somebody who was recognised once is no longer."""
        return any(check.evidence.get("recognition") == "withdrawn" for check in self._recognitions())

    @property
    def recognition_unknown(self) -> bool:
        """Whether it could not be found out if an issuer is recognised, and of none was it found that it is not."""
        outcomes = {check.outcome for check in self._recognitions()}
        return "unknown" in outcomes and "failed" not in outcomes

    def _recognitions(self) -> list[CheckLine]:
        return [check for line in self.presentations for check in line.checks if check.code == "issuer_recognised"]

    @property
    def first_problem(self) -> Text | None:
        """The words for what went wrong first, failures before what could not be checked."""
        problems = [check for check in self.checks if check.outcome in ("failed", "unknown")]
        problems.sort(key=lambda check: (check.code == "query", check.outcome == "unknown"))
        return problems[0].text if problems else None


def read_answer(report: Mapping[str, Any], shown: Mapping[str, Any] | None) -> Answer:
    """Put the kept report, and what is still kept of what was shown, into words and order."""
    shown = shown or {}
    entities = {
        _presentation_name(each["query_id"], each["position"]): _entity(each["checks"])
        for each in report["presentations"]
    }
    skills = {query_id: each["names"] for each in report["requirements"] for query_id in query_ids(each["id"])}
    presentations = tuple(_read_presentation(each, shown, skills) for each in report["presentations"])
    messages = {line.name: line.messages for line in presentations}
    believed = [
        shown.get(_presentation_name(each["query_id"], each["position"]), {})
        for each in report["presentations"]
        if each["accepted"]
    ]
    return Answer(
        accepted=report["accepted"],
        valid=report["valid"],
        recognised=report["recognised"],
        checked_at=datetime.fromisoformat(report["checked_at"]),
        requirements=tuple(
            _read_requirement(each, shown, entities, messages, believed) for each in report["requirements"]
        ),
        checks=_read_checks(report["checks"]),
        presentations=presentations,
        persons=tuple(each["person"] for each in shown.values() if each["person"]),
        agreements=tuple(
            AgreementLine(each["title"], each["text"], each["agreed"]) for each in report.get("agreements", [])
        ),
    )


def _read_requirement(
    line: Mapping[str, Any],
    shown: Mapping[str, Any],
    entities: Mapping[str, str | None],
    messages: Mapping[str, Sequence[str]],
    believed: Sequence[Mapping[str, Any]],
) -> RequirementLine:
    name = next(iter(line["presentations"]), "")
    badge = shown.get(name, {})
    listed = entities.get(name)
    is_met = line["outcome"] == MET
    failure = FAILURES.get(line["reason"] or "")
    return RequirementLine(
        names=line["names"],
        uri=line["uri"],
        required=line["required"],
        outcome=line["outcome"],
        why_not=None if failure is None else failure.happened,
        level=_level(badge.get("achievement_type")) if is_met and badge else None,
        by=listed or badge.get("issuer_name") or badge.get("issuer"),
        is_listed_name=listed is not None,
        badge_name=badge.get("name"),
        issued_at=_moment(badge.get("issued_at")),
        expires_at=_moment(badge.get("expires_at")),
        messages=tuple(dict.fromkeys(word for name in line["presentations"] for word in messages.get(name, ()))),
        shown_skill=read_shown_skill(line, [badge] if is_met else believed),
    )


def read_shown_skill(line: Mapping[str, Any], badges: Sequence[Mapping[str, Any]]) -> Text | None:
    """The skill that is nearest to the one asked for: as its answer, or related where nothing was shown for it. S-05"""
    found: dict[str, str] = {}
    for skill in (skill for badge in badges for skill in badge.get("skills", ())):
        found.setdefault(skill.get("match", {}).get(line["id"], ""), skill["name"])
    wanted = {MET: ("same", "equal", "narrower"), NOT_SHOWN: ("related",)}.get(line["outcome"], ())
    nearest = next((match for match in wanted if match in found), None)
    return None if nearest is None else shown_skill_text(nearest, found[nearest])


def _read_presentation(
    each: Mapping[str, Any], shown: Mapping[str, Any], skills: Mapping[str, Mapping[str, str]]
) -> PresentationLine:
    name = _presentation_name(each["query_id"], each["position"])
    return PresentationLine(
        name=name,
        title=shown.get(name, {}).get("name"),
        skill=skills.get(each["query_id"], {}),
        holder=each["holder"],
        is_whole=each.get("is_whole", False),
        checks=_read_checks(each["checks"]),
        endorsements=tuple(shown.get(name, {}).get("endorsements", ())),
        messages=_read_messages(each["checks"]),
        results=tuple(shown.get(name, {}).get("results", ())),
        learning=shown.get(name, {}).get("learning", {}),
    )


def _read_messages(checks: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The words that lists tell, each once: several lists of one badge may tell the same."""
    return tuple(dict.fromkeys(word for check in checks for word in check["evidence"].get("messages", ())))


def _read_checks(checks: Sequence[Mapping[str, Any]]) -> tuple[CheckLine, ...]:
    found = {check["code"]: check for check in checks}
    return tuple(_read_check(found[code]) for code in CHECK_CODES)


def _read_check(check: Mapping[str, Any]) -> CheckLine:
    code, outcome, evidence = check["code"], check["outcome"], check["evidence"]
    reason = reason_of(check["error_code"], evidence)
    return CheckLine(code, outcome, reason, CHECK_TITLES[code], check_text(code, outcome, reason), evidence)


def _entity(checks: Sequence[Mapping[str, Any]]) -> str | None:
    """The issuer's name as the trust list has it: before what a badge says of itself."""
    for check in checks:
        if check["code"] == "issuer_recognised" and check["outcome"] == Outcome.PASSED.value:
            entity: str | None = check["evidence"].get("entity")
            return entity
    return None


def _level(achievement_type: str | None) -> int:
    return CERTIFIED if achievement_type in CERTIFIED_TYPES else ASSESSED


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

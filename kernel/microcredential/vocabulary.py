"""The published concepts behind the codes of a microcredential. EU Vocabularies of the Publications Office.

Europass controlled lists of learning assessment types, modes of learning, credit systems, EQF and NQF levels. Codes
that no list has (some of edubadges) stay codes; a code is never replaced by the concept nearest to it without being
written beside it.
"""

from collections.abc import Mapping
from typing import Final

from kernel.open_badges import LEARNING_OUTCOME
from kernel.open_badges.alignments import ECTS as ECTS
from kernel.open_badges.alignments import EQF as EQF
from kernel.open_badges.alignments import ISCED_F as ISCED_F
from kernel.open_badges.alignments import NLQF_LEVELS as NLQF_LEVELS

_SNB: Final = "http://data.europa.eu/snb"

# How Open Badges' own extension points are filled; the grade is what edubadges calls one, whatever the scale.
OUTCOME: Final = LEARNING_OUTCOME
GRADE: Final = "ext:ECTSGradeScore"
BRIN: Final = "ext:BRIN"

# How SURF spells in its own lists (edubadges-server; educredentials/obv3-examples) what has a code here. What is one
# thing there and two here, "onsite or blended", has a code of its own.
SURF_SPELLINGS: Final[Mapping[str, str]] = {
    "oram_exam": "oral_exam",
    "application of a skill": "skill_application",
    "portfolio": "portfolio_assessment",
    "recognition of prior learning": "recognition_of_prior_learning",
    "onsite or blended": "onsite_or_blended",
    "work": "work_experience",
    "work experience": "work_experience",
    "personalized learning activities": "personalised",
}
# edubadges' codes first, then those of the Europass list that edubadges lacks.
ASSESSMENT_TYPES: Final[Mapping[str, str]] = {
    "written_exam": f"{_SNB}/assessment/6e6cb2cc78",
    "oral_exam": f"{_SNB}/assessment/d30284d7df",
    "report_paper": f"{_SNB}/assessment/2939dae15f",
    "portfolio_assessment": f"{_SNB}/assessment/4f03b91c0e",
    "professional_product": f"{_SNB}/assessment/de4d165a6c",
    "behavioural_assessment": f"{_SNB}/assessment/6a4db9f11d",
    "peer_assessment": f"{_SNB}/assessment/19a2e5e671",
    "continuous_evaluation": f"{_SNB}/assessment/3484bd7e51",
    "group_performance": f"{_SNB}/assessment/56539a6507",
    "attendance": f"{_SNB}/assessment/7331eb4762",
    "project_work": f"{_SNB}/assessment/795dac4096",
    "peer_review": f"{_SNB}/assessment/812e3b0ae1",
    "quiz": f"{_SNB}/assessment/b1b68f6735",
    "problem_based_learning": f"{_SNB}/assessment/c4256a2726",
}
PARTICIPATION_TYPES: Final[Mapping[str, str]] = {
    "online": f"{_SNB}/learning-assessment/920fbb3cbe",
    "onsite": f"{_SNB}/learning-assessment/9191af2ed9",
    "blended": f"{_SNB}/learning-assessment/e92d221e4d",
    "work_experience": f"{_SNB}/learning-assessment/729f3bed4b",
    "project_based": f"{_SNB}/learning-assessment/7813801c77",
    "research": f"{_SNB}/learning-assessment/ed4c557045",
}

"""The examples that 1EdTech publishes with Open Badges 3.0: they have the shape that we ask for, and are shown."""

import json
from dataclasses import replace
from typing import Any

import pytest

from kernel.endorsement import EndorsementPolicy, check_endorsements
from kernel.errors import CredentialError, UntrustedIssuerError
from kernel.json_ld import JsonLdError, Reason, to_rdf
from kernel.open_badges import BadgeView, Result, badge_view, parse_open_badge, verify_endorsement_shape
from kernel.report import Outcome
from tests.kernel.conftest import SHARED
from tests.support.clock import NOW

FOLDER = SHARED / "data" / "credentials" / "1edtech" / "examples"
BADGES = ["Achievement_Alignment", "Basic_OpenBadgeCredential", "Complete_OpenBadgeCredential", "Skill_Assertion"]


def read_example(name: str) -> bytes:
    path = FOLDER / f"{name}.json"
    if not path.exists():
        pytest.skip("../shared/data/credentials/1edtech is not there")
    return path.read_bytes()


@pytest.mark.parametrize("name", BADGES)
def test_B02_B11_published_badge_has_all_that_a_badge_must_have(name: str) -> None:
    badge = parse_open_badge(read_example(name))
    shown = badge_view(badge, "ldp_vc")
    assert shown.name
    assert shown.description
    assert shown.criteria
    assert shown.issuer_name


def test_B09_published_endorsement_has_all_that_one_must_have() -> None:
    endorsement = json.loads(read_example("EndorsementCredential"))
    verify_endorsement_shape(endorsement)
    with pytest.raises(CredentialError):
        verify_endorsement_shape({name: value for name, value in endorsement.items() if name != "name"})


def show_complete() -> BadgeView:
    return badge_view(parse_open_badge(read_example("Complete_OpenBadgeCredential")), "ldp_vc")


def test_B03_B04_B07_published_complete_badge_is_shown_in_full() -> None:
    shown = show_complete()
    assert (shown.achievement_type, shown.is_known_type, shown.human_code) == ("Degree", True, "R1")
    assert (shown.credits_available, shown.credits_earned) == (36.0, 42.0)
    assert (shown.role, shown.term, shown.license_number) == ("Major Domo", "Fall", "A-9320041")
    assert shown.tags == ("research", "computer science")
    assert shown.person == {"email": "student@1edtech.edu"}
    assert shown.creator is not None
    assert (shown.creator.country_code, shown.creator.parent_name) == ("US", "Universal Universities")
    assert [identifier.identifier for identifier in shown.creator.identifiers] == ["12345", "67890"]
    assert len(shown.evidence) == 2


def test_B07_level_that_is_not_in_its_own_description_is_not_made_up() -> None:
    """The second result of the example names a level of another description; no reader can tell what was meant.

    What the result itself is aligned with is told.
    """
    result = show_complete().results[1]
    assert replace(result, skills=()) == Result("Final Project Grade", None, None, None, "C")
    assert [(skill.name, skill.code) for skill in result.skills] == [("Final Project", "project")]


def test_A50_endorsements_of_the_complete_badge_are_told_of_and_none_is_believed() -> None:
    def nobody(*_: Any) -> Any:
        raise UntrustedIssuerError

    policy = EndorsementPolicy(
        find_key=nobody,
        verify_status=lambda document: None,
        cryptosuites=frozenset({"eddsa-rdfc-2022"}),
        algorithms=frozenset({"ES256"}),
        now=NOW,
    )
    badge = parse_open_badge(read_example("Complete_OpenBadgeCredential"))
    checked = check_endorsements(badge, "ldp_vc", policy=policy)
    assert {each.endorsed for each in checked} == {"achievement", "issuer", "creator", "credential"}
    assert {each.outcome for each in checked} == {Outcome.FAILED}


@pytest.mark.parametrize("name", [*BADGES, "EndorsementCredential"])
def test_K64_terms_of_the_published_examples_are_all_defined(name: str) -> None:
    """All but one: the complete badge is described a second time, as its own refresh service."""
    document = {key: value for key, value in json.loads(read_example(name)).items() if key != "proof"}
    if name != "Complete_OpenBadgeCredential":
        assert to_rdf(document)
        return
    with pytest.raises(JsonLdError) as refusal:
        to_rdf(document)
    assert refusal.value.reason is Reason.REGROUPED
    assert document["refreshService"]["id"] == document["id"]

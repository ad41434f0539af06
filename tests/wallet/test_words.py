"""What the pages say of a state or a party: every one has a symbol and words, and none but a checked one is good."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from kernel.dcql import find_path
from kernel.errors import CredentialError
from kernel.formats import FORMATS, parse_credential
from kernel.open_badges import badge_view
from kernel.trust_list import Outcome
from tests.support.badges import HOLDER_SIGNER, ISSUER_SIGNER, NOW, issue_badge
from wallet.claims import find_hidden_facts, find_shown_facts
from wallet.credentials import Badge, BadgeState, HeldForm
from wallet.errors import EXPLANATIONS, explain
from wallet.recognition import PartyRecognition
from wallet.skills_profile import ASSESSED, CERTIFIED, NOT_ESTABLISHED, create_skills_profile, find_lapsed_skills
from wallet.web.words import badge_words, issuer_words, verifier_words

STATES = ("valid", "not_yet_valid", "expired", "revoked", "suspended", "unknown", "told")


def badge(state="valid", outcome=Outcome.RECOGNISED, *, is_expiring=False, identifier="b1", **view) -> Badge:
    raw = issue_badge("dc+sd-jwt")
    credential = FORMATS["dc+sd-jwt"].verify(
        parse_credential(raw), key=ISSUER_SIGNER.public_key, algorithms=frozenset({"ES256"}), now=NOW
    )
    return Badge(
        id=identifier,
        view=replace(badge_view(credential.claims, credential.format), **view),
        forms=(HeldForm("f1", identifier, "c1", credential),),
        credential_issuer="https://issuer.example/stmw",
        has_image=False,
        received_at=NOW,
        state=BadgeState(state, NOW + timedelta(days=9), is_expiring, NOW),
        recognition=PartyRecognition(outcome.value, "Lijst", "Partij"),
    )


def say(text: str) -> str:
    return text


@pytest.mark.parametrize(("state", "outcome", "expiring"), [*product(STATES, Outcome, (False, True))])
def test_only_a_checked_badge_of_a_recognised_issuer_is_called_good(state, outcome, expiring):
    words = badge_words(say, badge(state, outcome, is_expiring=expiring), "nl")
    is_good = (state, outcome, expiring) == ("valid", Outcome.RECOGNISED, False)
    assert (words.kind == "good") is is_good
    assert words.text
    assert words.symbol
    if state != "valid":
        assert "echt" not in words.text.lower()


@pytest.mark.parametrize("outcome", Outcome)
def test_T06_every_outcome_of_recognition_is_explained(outcome):
    recognition = PartyRecognition(outcome.value, "Lijst", "Partij")
    for words in (
        issuer_words(say, recognition, "school.example"),
        verifier_words(say, recognition, "werk.example", is_signed=True),
    ):
        assert (words.kind == "good") == (outcome is Outcome.RECOGNISED)
        assert "%(" not in words.text
    assert verifier_words(say, recognition, "werk.example", is_signed=False).kind == "bad"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.RECOGNISED])
def test_T06_whoever_is_not_recognised_is_told_of_with_what_it_means_and_what_to_do(outcome):
    recognition = PartyRecognition(outcome.value, "Lijst", "Partij")
    told = [
        issuer_words(say, recognition, "school.example").text,
        verifier_words(say, recognition, "werk.example", is_signed=True).text,
    ]
    means = ("kijk zelf", "misschien niet aan", "deel alleen", "komt echt van")
    assert all(any(words in text.lower() for words in means) for text in told), told


@pytest.mark.parametrize("error", [CredentialError, *EXPLANATIONS])
def test_every_kernel_error_has_words(error):
    assert explain(error()).meaning

    class Finer(error):
        """One that a later kernel may have."""

    assert explain(Finer()) == explain(error())


def test_skills_are_listed_once_with_the_surest_source_first():
    rows = create_skills_profile(
        [
            badge(identifier="unknown", outcome=Outcome.NOT_LISTED),
            badge(identifier="assessed"),
            badge(identifier="diploma", achievement_type="Diploma"),
            badge("revoked", identifier="revoked"),
            badge("expired", identifier="expired"),
        ]
    )
    assert len(rows) == len({row.uri for row in rows}) == 4
    for row in rows:
        assert [(s.credential_id, s.level) for s in row.sources] == [
            ("diploma", CERTIFIED),
            ("assessed", ASSESSED),
            ("unknown", NOT_ESTABLISHED),
        ]


def test_skills_of_a_badge_that_lapsed_are_told_apart_with_the_badge_that_says_why():
    badges = [badge(state, identifier=state) for state in STATES]
    lapsed = find_lapsed_skills(badges)
    assert {skill.badge.state.kind for skill in lapsed} == {"revoked", "expired", "suspended", "not_yet_valid", "told"}
    assert len(lapsed) == 5 * 4
    assert lapsed == find_lapsed_skills(reversed(badges))
    counted = {source.credential_id for row in create_skills_profile(badges) for source in row.sources}
    assert counted == {"valid", "unknown"}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.RECOGNISED])
def test_no_badge_of_an_unrecognised_issuer_makes_a_skill_sure(outcome):
    assert {row.level for row in create_skills_profile([badge(outcome=outcome, achievement_type="Diploma")])} == {0}


def test_skills_profile_is_a_pure_function_of_what_is_held():
    badges = [badge(identifier="a"), badge(identifier="b", outcome=Outcome.NOT_LISTED)]
    assert create_skills_profile(badges) == create_skills_profile(reversed(badges))
    assert create_skills_profile([]) == []


def test_facts_name_what_is_opened_what_is_hidden_and_what_cannot_be_hidden():
    credential = badge().forms[0].credential
    disclosable = frozenset(FORMATS[credential.format].disclosable_paths(credential.raw))
    [skill, *_] = sorted(path for path in disclosable if "alignment" in path)
    shown = find_shown_facts(credential.claims, disclosable=disclosable, opened={skill})
    hidden = find_hidden_facts(credential.claims, disclosable=disclosable, opened={skill})
    assert [fact.path for fact in shown] == [skill]
    assert {fact.path for fact in shown + hidden} == disclosable
    assert all(find_path(credential.claims, fact.path) for fact in shown + hidden)
    without = disclosable - {("given_name",)}
    always = find_shown_facts(credential.claims, disclosable=without, opened=frozenset())
    assert [(fact.label, fact.value) for fact in always] == [("Je voornaam", "Sanne")]
    assert HOLDER_SIGNER.public_key.thumbprint not in str(shown)

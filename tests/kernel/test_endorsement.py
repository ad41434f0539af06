"""kernel.endorsement: who speaks for a badge is believed only after their own signature was checked. B-09, A-50."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.data_integrity import add_proof, verify_credential
from kernel.did import Relation, resolve_static_did
from kernel.endorsement import (
    MAX_ENDORSEMENTS,
    EndorsementPolicy,
    check_endorsements,
    create_endorsement,
    has_endorsements,
    list_verification_methods,
    sign_endorsement,
    verify_endorsement,
)
from kernel.errors import CredentialError, RevokedError, UndecidedError
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import PublicKey, SoftwareSigner
from kernel.open_badges import Endorsement, create_open_badge, create_sd_jwt_vc_claims
from kernel.report import Outcome
from tests.support.badges import ISSUER
from tests.support.clock import NOW
from tests.support.full_badge import (
    ACHIEVEMENT_ID,
    CREDENTIAL_ID,
    ENDORSER,
    ENDORSER_KEY,
    ENDORSER_SIGNER,
    PERSON,
    create_full_dataset,
    create_test_endorsement,
    sign_test_endorsement,
)
from tests.support.json_values import json_values, nearly

STRANGER = SoftwareSigner.generate("Ed25519")
STATUS = {"id": "https://status.example/1#1", "type": "BitstringStatusListEntry"}
ENDORSED = frozenset({ACHIEVEMENT_ID})


def find_key(method: str, relation: Relation) -> PublicKey:
    return resolve_static_did(method.partition("#")[0]).find_key(method, relation=relation)


def no_status(document: Mapping[str, Any]) -> None:
    raise UndecidedError


POLICY = EndorsementPolicy(
    find_key=find_key,
    verify_status=no_status,
    cryptosuites=frozenset({"eddsa-rdfc-2022"}),
    algorithms=frozenset({"Ed25519", "RS256"}),
    now=NOW,
)


def signed_jwt(document: Mapping[str, Any] | None = None, **changes: Any) -> str:
    return sign_endorsement(
        {**(document or create_test_endorsement()), **changes}, signer=ENDORSER_SIGNER, key_id=ENDORSER_KEY
    )


BOTH = pytest.mark.parametrize("form", ["embedded", "jwt"])


def signed(form: str, document: dict[str, Any]) -> Any:
    return sign_test_endorsement(document) if form == "embedded" else signed_jwt(document)


# On its own


@BOTH
def test_B09_endorsement_is_verified_in_its_own_right(form: str) -> None:
    verified = verify_endorsement(signed(form, create_test_endorsement()), endorsed=ENDORSED, policy=POLICY)
    assert (verified.issuer, verified.subject_id) == (ENDORSER, ACHIEVEMENT_ID)
    assert verified.comment == "Deze badge is in orde."


def test_B09_endorsement_without_comment_or_end_is_one() -> None:
    document = create_endorsement(
        endorsement_id="urn:uuid:1",
        issuer_profile={"id": ENDORSER, "type": ["Profile"]},
        subject_id=ACHIEVEMENT_ID,
        name="Goedkeuring",
        comment=None,
        valid_from=NOW,
    )
    for endorsement in (sign_test_endorsement(document), signed_jwt(document)):
        assert verify_endorsement(endorsement, endorsed=ENDORSED, policy=POLICY).comment is None


@pytest.mark.parametrize(
    "changes",
    [{"endorsement_id": "1"}, {"subject_id": "no url"}, {"issuer_profile": {"name": "x"}}],
)
def test_B09_what_is_no_endorsement_is_not_created(changes: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        "endorsement_id": "urn:uuid:1",
        "issuer_profile": {"id": ENDORSER, "type": ["Profile"]},
        "subject_id": ACHIEVEMENT_ID,
    }
    with pytest.raises(CredentialError) as refusal:
        create_endorsement(**{**values, **changes}, name="x", comment="y", valid_from=NOW)
    assert refusal.value.code == "malformed"


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"validFrom": "2026-05-28T12:02:00Z"}, "not_yet_valid"),
    ({"validUntil": "2026-05-28T11:59:00Z"}, "expired"),
    ({"name": None}, "malformed"),
    ({"id": None}, "malformed"),
    ({"validFrom": None}, "malformed"),
    ({"type": ["VerifiableCredential"]}, "malformed"),
    ({"credentialSubject": {"id": "urn:uuid:another", "type": ["EndorsementSubject"]}}, "rejected"),
    ({"credentialSubject": {"id": ACHIEVEMENT_ID, "type": ["AchievementSubject"]}}, "malformed"),
    ({"credentialSubject": {"type": ["EndorsementSubject"]}}, "malformed"),
]


@pytest.mark.parametrize(("changes", "code"), BROKEN)
def test_B09_endorsement_with_one_thing_broken_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(sign_test_endorsement(create_test_endorsement(**changes)), endorsed=ENDORSED, policy=POLICY)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"), [case for case in BROKEN if not {"id", "validFrom"} & {n for n, v in case[0].items() if not v}]
)
def test_B09_B20_endorsement_in_a_jwt_with_one_thing_broken_is_refused(changes: dict[str, Any], code: str) -> None:
    document = create_test_endorsement()
    if "id" in (subject := changes.get("credentialSubject", {"id": ""})):
        document = create_test_endorsement(**changes)
        endorsement = signed_jwt(document)
    else:
        endorsement = sign_jwt(
            {**document, "credentialSubject": subject}, signer=ENDORSER_SIGNER, typ="JWT", header={"kid": ENDORSER_KEY}
        )
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(endorsement, endorsed=ENDORSED, policy=POLICY)
    assert refusal.value.code == code


@BOTH
def test_A50_endorsement_signed_by_another_key_is_refused(form: str) -> None:
    document = create_test_endorsement()
    forged: Any = sign_test_endorsement(document, STRANGER)
    if form == "jwt":
        forged = sign_endorsement(document, signer=STRANGER, key_id=ENDORSER_KEY)
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(forged, endorsed=ENDORSED, policy=POLICY)
    assert refusal.value.code == "signature"


def test_A50_endorsement_whose_words_were_changed_is_refused() -> None:
    endorsement = sign_test_endorsement(create_test_endorsement())
    endorsement["credentialSubject"]["endorsementComment"] = "De beste badge van het land."
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(endorsement, endorsed=ENDORSED, policy=POLICY)
    assert refusal.value.code == "signature"


def test_A50_endorsement_in_the_name_of_another_is_refused() -> None:
    named = create_test_endorsement(issuer={"id": "did:web:inspectie.example", "type": ["Profile"]})
    for endorsement in (sign_test_endorsement(named), signed_jwt(named)):
        with pytest.raises(CredentialError) as refusal:
            verify_endorsement(endorsement, endorsed=ENDORSED, policy=POLICY)
        assert refusal.value.code == "issuer"


@pytest.mark.parametrize("endorsement", [create_test_endorsement(), {}, None, 1, [], "", "a.b.c", "text"])
def test_A50_what_is_unsigned_or_nothing_is_refused(endorsement: object) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(endorsement, endorsed=ENDORSED, policy=POLICY)
    assert refusal.value.code == "malformed"


@pytest.mark.parametrize(
    ("claims", "header", "typ", "code"),
    [
        ({"iss": "did:web:x.example"}, {}, "JWT", "malformed"),
        ({"jti": "urn:uuid:another"}, {}, "JWT", "malformed"),
        ({"sub": "urn:uuid:another"}, {}, "JWT", "malformed"),
        ({"nbf": int(NOW.timestamp()) - 1}, {}, "JWT", "malformed"),
        ({"exp": int(NOW.timestamp()) + 60}, {}, "JWT", "malformed"),
        ({"iss": None}, {}, "JWT", "malformed"),
        ({"nbf": None}, {}, "JWT", "malformed"),
        ({"exp": None}, {}, "JWT", "malformed"),
        ({"iat": int(NOW.timestamp()) + 120}, {}, "JWT", "not_yet_valid"),
        ({}, {"kid": None}, "JWT", "issuer"),
        ({}, {"kid": 1}, "JWT", "issuer"),
        ({}, {"kid": None, "jwk": ENDORSER_SIGNER.public_key.jwk}, "JWT", "issuer"),
        ({}, {"kid": "did:web:x.example#1"}, "JWT", "issuer"),
        ({}, {"kid": f"{ENDORSER}#another"}, "JWT", "issuer"),
        ({}, {}, "kb+jwt", "type"),
    ],
    ids=range(15),
)
def test_B20_endorsement_in_a_jwt_says_everything_once(
    claims: dict[str, Any], header: dict[str, Any], typ: str, code: str
) -> None:
    payload = {**parse_jwt(signed_jwt()).payload, **claims}
    token = sign_jwt(
        {name: value for name, value in payload.items() if value is not None},
        signer=ENDORSER_SIGNER,
        typ=typ,
        header={name: value for name, value in {"kid": ENDORSER_KEY, **header}.items() if value is not None},
    )
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(token, endorsed=ENDORSED, policy=POLICY)
    assert refusal.value.code == code


def test_B20_algorithms_and_cryptosuites_are_those_of_the_policy() -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(signed_jwt(), endorsed=ENDORSED, policy=replace(POLICY, algorithms=frozenset({"ES256"})))
    assert refusal.value.code == "algorithm"
    policy = replace(POLICY, cryptosuites=frozenset({"ecdsa-rdfc-2019"}))
    with pytest.raises(CredentialError) as refusal:
        verify_endorsement(sign_test_endorsement(create_test_endorsement()), endorsed=ENDORSED, policy=policy)
    assert refusal.value.code == "algorithm"


@BOTH
def test_B09_endorsement_that_was_withdrawn_is_refused_and_one_of_which_nobody_knows_is_undecided(form: str) -> None:
    endorsement = signed(form, create_test_endorsement(credentialStatus={**STATUS, "statusPurpose": "revocation"}))
    seen: list[Mapping[str, Any]] = []

    def revoked(document: Mapping[str, Any]) -> None:
        seen.append(document["credentialStatus"])
        raise RevokedError

    for verify_status, code in ((revoked, "revoked"), (no_status, "undecided")):
        with pytest.raises(CredentialError) as refusal:
            verify_endorsement(endorsement, endorsed=ENDORSED, policy=replace(POLICY, verify_status=verify_status))
        assert refusal.value.code == code
    assert seen == [{**STATUS, "statusPurpose": "revocation"}]
    assert verify_endorsement(
        endorsement, endorsed=ENDORSED, policy=replace(POLICY, verify_status=lambda document: None)
    )


# In a badge


@lru_cache
def full_badge() -> dict[str, Any]:
    return create_open_badge(create_full_dataset(), issuer_id=ISSUER.id, subject_id="did:jwk:x")[0]


def test_B09_endorsements_of_a_badge_are_each_told_of() -> None:
    said: dict[str, Any] = {
        "endorser_id": ENDORSER,
        "endorser_name": "Inspectie",
        "comment": "Deze badge is in orde.",
        "outcome": Outcome.PASSED,
        "endorser_key": ENDORSER_SIGNER.public_key,
        "issued_at": NOW,
    }
    expected = tuple(Endorsement(**said, endorsed=thing) for thing in ("achievement", "issuer", "credential"))
    assert check_endorsements(full_badge(), "ldp_vc", policy=POLICY) == expected
    claims, _ = create_sd_jwt_vc_claims(create_full_dataset(achievement=without_creator()))
    assert check_endorsements({**claims, "iss": ISSUER.id}, "dc+sd-jwt", policy=POLICY) == expected


def test_B09_a_badge_of_which_nobody_says_anything_needs_no_look_at_it() -> None:
    assert has_endorsements(full_badge(), "ldp_vc")
    assert not has_endorsements({"credentialSubject": {}}, "ldp_vc")


@pytest.mark.parametrize("signer", [{}, {"iss": "did:web:another.example"}])
def test_A50_who_borrows_the_profile_of_another_is_not_endorsed_with_it(signer: dict[str, Any]) -> None:
    claims, _ = create_sd_jwt_vc_claims(create_full_dataset(achievement=without_creator(), endorsement=()))
    checked = check_endorsements({**claims, **signer}, "dc+sd-jwt", policy=POLICY)
    assert [each.endorsed for each in checked] == ["achievement", "creator"]


def without_creator() -> dict[str, Any]:
    return {name: value for name, value in create_full_dataset().achievement.items() if name != "creator"}


def test_B09_signed_badge_keeps_its_endorsements_verifiable() -> None:
    """The proof of the outer badge covers those inside it, and theirs still hold afterwards."""
    signed_badge = add_proof(
        {**full_badge(), "issuer": ENDORSER, "validFrom": "2026-05-28T12:00:00Z"},
        cryptosuite="eddsa-rdfc-2022",
        signer=ENDORSER_SIGNER,
        verification_method=ENDORSER_KEY,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    secured = verify_credential(signed_badge, find_key=find_key, cryptosuites=POLICY.cryptosuites, now=NOW)
    checked = check_endorsements(secured.document, "ldp_vc", policy=POLICY)
    assert [each.outcome for each in checked] == [Outcome.PASSED, Outcome.PASSED]


@pytest.mark.parametrize(
    ("subject_id", "place", "outcome"),
    [
        (ACHIEVEMENT_ID, "achievement", Outcome.PASSED),
        (ISSUER.id, "achievement", Outcome.FAILED),
        (CREDENTIAL_ID, "achievement", Outcome.FAILED),
        (ACHIEVEMENT_ID, "credential", Outcome.PASSED),
        (ISSUER.id, "credential", Outcome.PASSED),
        (CREDENTIAL_ID, "credential", Outcome.PASSED),
        (PERSON["id"], "creator", Outcome.PASSED),
        (PERSON["id"], "source", Outcome.PASSED),
        (ACHIEVEMENT_ID, "source", Outcome.FAILED),
        ("urn:uuid:another", "credential", Outcome.FAILED),
    ],
)
@BOTH
def test_A50_endorsement_counts_only_for_what_it_is_about(
    form: str, subject_id: str, place: str, outcome: Outcome
) -> None:
    member = "endorsement" if form == "embedded" else "endorsementJwt"
    things: dict[str, dict[str, Any]] = {
        "achievement": {"id": ACHIEVEMENT_ID},
        "creator": {"id": PERSON["id"]},
        "source": {"id": PERSON["id"]},
        "issuer": {"id": ISSUER.id},
        "credential": {"id": CREDENTIAL_ID},
    }
    things[place][member] = [signed(form, create_test_endorsement(subject_id))]
    achievement = {**things["achievement"], "creator": things["creator"]}
    subject = {"achievement": achievement, "source": things["source"]}
    badge = {**things["credential"], "issuer": things["issuer"], "credentialSubject": subject}
    [checked] = check_endorsements(badge, "vc+sd-jwt", policy=POLICY)
    assert (checked.endorsed, checked.outcome, checked.endorser_name) == (place, outcome, "Inspectie")
    assert checked.error_code == (None if outcome is Outcome.PASSED else "rejected")


def test_A50_endorsement_whose_key_cannot_be_had_is_unknown_and_never_passed() -> None:
    def nobody(method: str, relation: Relation) -> PublicKey:
        raise UndecidedError

    checked = check_endorsements(full_badge(), "ldp_vc", policy=replace(POLICY, find_key=nobody))
    assert {(each.outcome, each.error_code) for each in checked} == {(Outcome.UNKNOWN, "undecided")}


def test_A50_what_does_not_name_a_thing_is_never_endorsed() -> None:
    badge = {"issuer": {"endorsement": sign_test_endorsement(create_test_endorsement())}}
    assert check_endorsements(badge, "ldp_vc", policy=POLICY)[0].outcome is Outcome.FAILED


def test_A50_a_thousand_endorsements_cost_no_more_than_a_few() -> None:
    endorsement = sign_test_endorsement(create_test_endorsement())
    badge = {"id": CREDENTIAL_ID, "endorsement": [endorsement] * 1000, "endorsementJwt": [signed_jwt()] * 1000}
    assert len(check_endorsements(badge, "ldp_vc", policy=POLICY)) == MAX_ENDORSEMENTS


def test_A50_endorsements_of_endorsers_are_not_followed() -> None:
    nested = sign_test_endorsement(create_test_endorsement(ENDORSER))
    issuer = {"id": ENDORSER, "type": ["Profile"], "endorsement": [nested]}
    endorsement = sign_test_endorsement(create_test_endorsement(id="urn:uuid:outer", issuer=issuer))
    badge = {"id": ACHIEVEMENT_ID, "endorsement": [endorsement]}
    assert len(check_endorsements(badge, "ldp_vc", policy=POLICY)) == 1


def test_B09_keys_that_are_needed_can_be_fetched_beforehand() -> None:
    assert list_verification_methods(full_badge(), "ldp_vc") == (ENDORSER_KEY,)
    badge = {
        "endorsementJwt": [signed_jwt(), "a.b.c", sign_jwt({}, signer=STRANGER, typ="JWT")],
        "endorsement": [1, {}],
    }
    assert list_verification_methods(badge, "ldp_vc") == (ENDORSER_KEY,)


# Anything at all


@given(json_values() | nearly(sign_test_endorsement(create_test_endorsement())))
def test_A50_no_endorsement_makes_the_check_raise(raw: Any) -> None:
    badge = {"id": ACHIEVEMENT_ID, "endorsement": raw, "endorsementJwt": raw}
    for checked in check_endorsements(badge, "ldp_vc", policy=POLICY):
        assert isinstance(checked.outcome, Outcome)
    list_verification_methods(badge, "ldp_vc")


@given(nearly(dict(parse_jwt(signed_jwt()).payload)), st.sampled_from(["JWT", "vc+jwt", "x"]))
def test_A50_no_jwt_makes_the_check_raise(payload: dict[str, Any], typ: str) -> None:
    try:
        token = sign_jwt(payload, signer=ENDORSER_SIGNER, typ=typ, header={"kid": ENDORSER_KEY})
    except UnicodeEncodeError:
        return
    [checked] = check_endorsements({"id": ACHIEVEMENT_ID, "endorsementJwt": token}, "ldp_vc", policy=POLICY)
    assert checked.endorsed == "credential"

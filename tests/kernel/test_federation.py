"""kernel.federation: chains of those who vouch for each other. OpenID Federation 1.0; PROFILE.md T-06, T-07."""

import contextlib
import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import (
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    RejectedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.federation import (
    ENTITY_STATEMENT,
    TrustChain,
    create_federation_entity,
    entity_configuration_url,
    federation_key,
    find_federation_entity,
    parse_authority_hints,
    parse_entity_statement,
    recognise_credential_issuer,
    recognise_entity,
    verify_entity_configuration,
    verify_trust_chain,
)
from kernel.federation.metadata_policy import (
    apply_metadata_policy,
    merge_metadata_policies,
    parse_metadata_policy,
)
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from kernel.trust_list import Outcome, Recognition
from tests.support.federation import ANCHOR, INTERMEDIATE, LEAF, Federation, Member
from tests.support.json_values import json_values, nearly

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
ISSUER_KEY = SoftwareSigner.generate().public_key
KEY_ID = "did:web:issuer.skills.example:stichting#key-1"
VCT = "https://types.skills.example/vct/skill-badge/1"

Break = Callable[[Federation], list[str]]


def issuer_metadata() -> dict[str, dict[str, Any]]:
    return {
        "federation_entity": {"display_name": "Stichting Techniek"},
        "vc_issuer": {"jwks": {"keys": [{**ISSUER_KEY.jwk, "kid": KEY_ID}]}},
        "openid_credential_issuer": {
            "credential_configurations_supported": {
                "badge": {"format": "dc+sd-jwt", "vct": VCT},
                "w3c": {
                    "format": "vc+sd-jwt",
                    "credential_definition": {"type": ["VerifiableCredential", "OpenBadgeCredential"]},
                },
            }
        },
    }


@pytest.fixture
def federation() -> Federation:
    made = Federation(NOW)
    made.leaf.metadata = issuer_metadata()
    return made


def verify(federation: Federation, chain: Any) -> TrustChain:
    return verify_trust_chain(chain, subject=LEAF, anchors=federation.anchors, now=NOW)


def signed(claims: Mapping[str, Any], signer: SoftwareSigner, kid: str, typ: str = ENTITY_STATEMENT) -> str:
    return sign_jwt(claims, signer=signer, typ=typ, header={"kid": kid})


def changed(raw: str, member: Member, **changes: Any) -> str:
    """The statement with other claims, signed anew by the same party. None takes a claim out."""
    claims = {**parse_jwt(raw).payload, **changes}
    return signed({name: value for name, value in claims.items() if value is not None}, member.signer, member.key_id)


def test_T07_chain_up_to_a_pinned_anchor_is_believed(federation: Federation) -> None:
    chain = verify(federation, federation.chain())
    assert (chain.subject, chain.anchor, chain.superiors) == (LEAF, ANCHOR, (INTERMEDIATE, ANCHOR))
    assert chain.metadata == issuer_metadata()
    assert chain.expires_at == NOW + timedelta(hours=1)


def test_T07_chain_is_good_until_its_first_statement_ends(federation: Federation) -> None:
    chain = list(federation.chain())
    soon = NOW + timedelta(minutes=5)
    chain[2] = federation.anchor.statement(federation.intermediate, NOW, expires_at=soon)
    assert verify(federation, chain).expires_at == soon


def test_T07_anchor_is_a_chain_of_its_own(federation: Federation) -> None:
    raw = [federation.anchor.configuration(NOW)]
    chain = verify_trust_chain(raw, subject=ANCHOR, anchors=federation.anchors, now=NOW)
    assert (chain.anchor, chain.superiors) == (ANCHOR, ())


def test_T07_party_directly_below_the_anchor_is_believed(federation: Federation) -> None:
    federation.leaf.superiors = (ANCHOR,)
    chain = [
        federation.leaf.configuration(NOW),
        federation.anchor.statement(federation.leaf, NOW),
        federation.anchor.configuration(NOW),
    ]
    assert verify(federation, chain).superiors == (ANCHOR,)


def test_T07_address_of_a_configuration_is_appended() -> None:
    assert entity_configuration_url(LEAF) == f"{LEAF}/.well-known/openid-federation"
    assert entity_configuration_url("https://h.example/") == "https://h.example/.well-known/openid-federation"


@pytest.mark.parametrize("entity", ["http://h.example", "https://h.example/?a=1", "https://h.example/#a", "h", "", 7])
def test_T07_entity_that_is_no_https_address_is_refused(entity: Any) -> None:
    with pytest.raises(MalformedError):
        entity_configuration_url(entity)


def _of_stranger(federation: Federation, place: int, statement: Callable[[Member], str]) -> list[str]:
    chain = list(federation.chain())
    chain[place] = statement(Member("https://stranger.example"))
    return chain


def _leaf_signed_by_another(federation: Federation) -> list[str]:
    """The leaf says that another key is its own, and its superior does not."""
    chain = list(federation.chain())
    thief = Member(LEAF, (INTERMEDIATE,), issuer_metadata())
    return [thief.configuration(NOW), *chain[1:]]


def _superior_signed_by_another(federation: Federation) -> list[str]:
    chain = list(federation.chain())
    chain[1] = Member(INTERMEDIATE, (ANCHOR,)).statement(federation.leaf, NOW)
    return chain


def _anchor_with_another_key(federation: Federation) -> list[str]:
    """Somebody who bears the anchor's name, and vouches for all below."""
    thief = Member(ANCHOR)
    federation.anchor, pinned = thief, federation.anchor
    chain = list(federation.chain())
    federation.anchor = pinned
    return chain


def _superior_not_named(federation: Federation) -> list[str]:
    federation.leaf.superiors = ("https://elsewhere.example",)
    return list(federation.chain())


def _without_superiors(federation: Federation) -> list[str]:
    federation.leaf.superiors = ()
    return list(federation.chain())


def _without_link(federation: Federation) -> list[str]:
    chain = list(federation.chain())
    return [chain[0], chain[2], chain[3]]


def _about_another(federation: Federation) -> list[str]:
    chain = list(federation.chain())
    chain[1] = federation.intermediate.statement(Member("https://other.example"), NOW)
    return chain


def _self_statement_between(federation: Federation) -> list[str]:
    chain = list(federation.chain())
    return [chain[0], federation.leaf.configuration(NOW), *chain[1:]]


def _unknown_anchor(federation: Federation) -> list[str]:
    return list(federation.chain())[:3]


def _anchor_statement_last(federation: Federation) -> list[str]:
    """The last word is what somebody says of the anchor, and not its own."""
    chain = list(federation.chain())
    return [*chain[:3], federation.intermediate.statement(federation.anchor, NOW)]


@pytest.mark.parametrize(
    ("breaking", "error"),
    [
        (_leaf_signed_by_another, UntrustedIssuerError),
        (_superior_signed_by_another, UntrustedIssuerError),
        (_anchor_with_another_key, UntrustedIssuerError),
        (_superior_not_named, UntrustedIssuerError),
        (_without_superiors, UntrustedIssuerError),
        (_without_link, UntrustedIssuerError),
        (_about_another, UntrustedIssuerError),
        (_self_statement_between, UntrustedIssuerError),
        (_unknown_anchor, UntrustedIssuerError),
        (_anchor_statement_last, UntrustedIssuerError),
        (lambda federation: [], RejectedError),
        (lambda federation: [federation.leaf.configuration(NOW), federation.anchor.configuration(NOW)], RejectedError),
        (lambda federation: [federation.chain()[0]] * 40, RejectedError),
    ],
)
def test_T07_A47_chain_with_one_thing_broken_is_refused(
    federation: Federation, breaking: Break, error: type[CredentialError]
) -> None:
    with pytest.raises(error):
        verify(federation, breaking(federation))


def test_T07_chain_of_another_party_is_refused(federation: Federation) -> None:
    with pytest.raises(UntrustedIssuerError):
        verify_trust_chain(federation.chain(), subject="https://other.example", anchors=federation.anchors, now=NOW)


def test_T07_right_kid_with_another_key_is_refused(federation: Federation) -> None:
    chain = list(federation.chain())
    chain[1] = federation.intermediate.statement(federation.leaf, NOW, signer=SoftwareSigner.generate())
    with pytest.raises(InvalidSignatureError):
        verify(federation, chain)


def test_T07_chain_of_more_than_four_superiors_is_refused(federation: Federation) -> None:
    members = [federation.leaf]
    for number in range(4):
        members[-1].superiors = (f"https://s{number}.example",)
        members.append(Member(f"https://s{number}.example"))
    members[-1].superiors = (ANCHOR,)
    members.append(federation.anchor)
    links = [above.statement(below, NOW) for below, above in itertools.pairwise(members)]
    chain = [federation.leaf.configuration(NOW), *links, federation.anchor.configuration(NOW)]
    with pytest.raises(RejectedError, match="longer"):
        verify(federation, chain)


def test_T07_chain_that_comes_back_is_refused(federation: Federation) -> None:
    federation.leaf.superiors = (INTERMEDIATE,)
    federation.intermediate.superiors = (LEAF, ANCHOR)
    chain = [
        federation.leaf.configuration(NOW),
        federation.intermediate.statement(federation.leaf, NOW),
        federation.leaf.statement(federation.intermediate, NOW),
        federation.anchor.statement(federation.leaf, NOW),
        federation.anchor.configuration(NOW),
    ]
    with pytest.raises(RejectedError, match="comes back"):
        verify(federation, chain)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_T07_A47_statement_that_ended_or_lies_ahead_breaks_the_chain(federation: Federation, place: int) -> None:
    members = [federation.leaf, federation.intermediate, federation.anchor, federation.anchor]
    chain = list(federation.chain())
    past, ahead = int((NOW - timedelta(hours=1)).timestamp()), int((NOW + timedelta(minutes=10)).timestamp())
    with pytest.raises(ExpiredError):
        verify(federation, _with(chain, place, changed(chain[place], members[place], exp=past)))
    with pytest.raises(NotYetValidError):
        verify(federation, _with(chain, place, changed(chain[place], members[place], iat=ahead)))


def _with(chain: list[str], place: int, statement: str) -> list[str]:
    return [*chain[:place], statement, *chain[place + 1 :]]


@pytest.mark.parametrize("claim", ["iss", "sub", "iat", "exp", "jwks"])
def test_T07_statement_without_a_required_claim_is_refused(federation: Federation, claim: str) -> None:
    chain = list(federation.chain())
    with pytest.raises(CredentialError):
        verify(federation, _with(chain, 1, changed(chain[1], federation.intermediate, **{claim: None})))


@pytest.mark.parametrize("place", [0, 1])
def test_T07_A03_statement_of_another_type_is_refused(federation: Federation, place: int) -> None:
    chain = list(federation.chain())
    member = [federation.leaf, federation.intermediate][place]
    other = signed(parse_jwt(chain[place]).payload, member.signer, member.key_id, typ="JWT")
    with pytest.raises(WrongTypeError):
        verify(federation, _with(chain, place, other))


def test_T07_statement_that_names_no_key_is_refused(federation: Federation) -> None:
    leaf = federation.leaf
    raw = sign_jwt(parse_jwt(leaf.configuration(NOW)).payload, signer=leaf.signer, typ=ENTITY_STATEMENT)
    with pytest.raises(MalformedError):
        verify_entity_configuration(parse_entity_statement(raw), entity=LEAF, now=NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"metadata_policy": {}},
        {"constraints": {}},
        {"source_endpoint": "https://h.example"},
        {"aud": "https://h.example"},
        {"trust_anchor": ANCHOR},
        {"jwks": {"keys": []}},
        {"jwks": [{"kty": "EC"}]},
        {"jwks": {"keys": [{"kty": "EC"}]}},
        {"jwks": {"keys": [{"kty": "EC", "kid": "1"}, {"kty": "EC", "kid": "1"}]}},
        {"metadata": []},
        {"metadata": {"vc_issuer": None}},
        {"metadata": {"vc_issuer": {"jwks": None}}},
        {"authority_hints": []},
        {"authority_hints": ["http://h.example"]},
        {"authority_hints": [ANCHOR, ANCHOR]},
        {"authority_hints": [f"https://h{number}.example" for number in range(33)]},
        {"trust_marks": [{"trust_mark_type": "https://mark.example", "trust_mark": "a.e30.c"}]},
        {"trust_marks": [{"trust_mark_type": "https://mark.example", "trust_mark": "."}]},
    ],
)
def test_T07_configuration_with_a_claim_that_may_not_be_is_refused(
    federation: Federation, claims: Mapping[str, Any]
) -> None:
    with pytest.raises(MalformedError):
        parse_entity_statement(changed(federation.leaf.configuration(NOW), federation.leaf, **claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"authority_hints": [ANCHOR]},
        {"trust_marks": []},
        {"constraints": []},
        {"constraints": {"max_path_length": -1}},
        {"constraints": {"naming_constraints": {"permitted": "h.example"}}},
        {"constraints": {"allowed_entity_types": "vc_issuer"}},
        {"metadata_policy": []},
        {"metadata_policy": {"vc_issuer": []}},
        {"metadata_policy": {"vc_issuer": {"jwks": []}}},
    ],
)
def test_T07_subordinate_statement_with_a_claim_that_may_not_be_is_refused(
    federation: Federation, claims: Mapping[str, Any]
) -> None:
    with pytest.raises(MalformedError):
        parse_entity_statement(federation.intermediate.statement(federation.leaf, NOW, claims=claims))


@pytest.mark.parametrize("claims", [{"crit": ["jti"]}, {"metadata_policy_crit": ["regexp"]}])
def test_T07_critical_extension_is_refused(federation: Federation, claims: Mapping[str, Any]) -> None:
    with pytest.raises(RejectedError):
        parse_entity_statement(federation.intermediate.statement(federation.leaf, NOW, claims=claims))


def test_T07_marks_and_chains_in_the_header_are_read_for_their_shape(federation: Federation) -> None:
    leaf = federation.leaf
    mark = "e30.eyJ0cnVzdF9tYXJrX3R5cGUiOiJodHRwczovL21hcmsuZXhhbXBsZSJ9.c2ln"
    claims = dict(parse_jwt(leaf.configuration(NOW)).payload)
    claims["trust_marks"] = [{"trust_mark_type": "https://mark.example", "trust_mark": mark}]
    header: dict[str, Any] = {"kid": leaf.key_id, "trust_chain": list(federation.chain())}
    raw = sign_jwt(claims, signer=leaf.signer, typ=ENTITY_STATEMENT, header=header)
    assert parse_entity_statement(raw).subject == LEAF
    header["trust_chain"] = "a chain"
    with pytest.raises(MalformedError):
        parse_entity_statement(sign_jwt(claims, signer=leaf.signer, typ=ENTITY_STATEMENT, header=header))


def test_T07_configuration_of_somebody_else_is_refused(federation: Federation) -> None:
    statement = parse_entity_statement(federation.intermediate.statement(federation.leaf, NOW))
    with pytest.raises(UntrustedIssuerError):
        verify_entity_configuration(statement, entity=LEAF, now=NOW)


def test_T07_superiors_are_named_once_and_nobody_is_above_itself() -> None:
    assert parse_authority_hints([ANCHOR, INTERMEDIATE, ANCHOR], entity=LEAF) == [ANCHOR, INTERMEDIATE]
    with pytest.raises(MalformedError):
        parse_authority_hints([], entity=LEAF)
    with pytest.raises(MalformedError):
        parse_authority_hints(["http://federation.example"], entity=LEAF)
    with pytest.raises(RejectedError):
        parse_authority_hints([ANCHOR, LEAF], entity=LEAF)


def test_T07_member_is_called_by_its_name_and_its_key_by_its_thumbprint() -> None:
    assert create_federation_entity("School", None) == {"display_name": "School", "organization_name": "School"}
    assert create_federation_entity("School", "https://school.example")["homepage_uri"] == "https://school.example"
    named = {"kid": ISSUER_KEY.thumbprint, "alg": "ES256", "use": "sig"}
    assert federation_key(ISSUER_KEY) == {**ISSUER_KEY.jwk, **named}


# Constraints, §6.2


@pytest.mark.parametrize(
    ("at_leaf", "at_intermediate", "is_allowed"),
    [
        ({}, {"max_path_length": 1}, True),
        ({"max_path_length": 0}, {}, True),
        ({}, {"max_path_length": 0}, False),
        ({}, {"naming_constraints": {"permitted": [".skills.example"]}}, True),
        ({}, {"naming_constraints": {"permitted": ["issuer.skills.example"]}}, False),
        ({"naming_constraints": {"permitted": ["ISSUER.skills.example"]}}, {}, True),
        ({"naming_constraints": {"permitted": []}}, {}, False),
        ({"naming_constraints": {"permitted": [".issuer.skills.example"]}}, {}, False),
        ({}, {"naming_constraints": {"excluded": ["surf.skills.example"]}}, False),
        ({}, {"naming_constraints": {"excluded": ["issuer.skills.example"], "permitted": [".example"]}}, False),
        ({}, {"of_tomorrow": True}, True),
    ],
)
def test_T07_constraints_of_every_superior_hold(
    federation: Federation, at_leaf: Mapping[str, Any], at_intermediate: Mapping[str, Any], is_allowed: bool
) -> None:
    chain = federation.chain(about_leaf={"constraints": at_leaf}, about_intermediate={"constraints": at_intermediate})
    if is_allowed:
        assert verify(federation, chain).subject == LEAF
    else:
        with pytest.raises(RejectedError):
            verify(federation, chain)


def test_T07_role_that_a_superior_does_not_allow_is_gone(federation: Federation) -> None:
    chain = federation.chain(
        about_intermediate={"constraints": {"allowed_entity_types": ["openid_credential_verifier"]}}
    )
    assert verify(federation, chain).metadata.keys() == {"federation_entity"}
    chain = federation.chain(about_intermediate={"constraints": {"allowed_entity_types": []}})
    assert verify(federation, chain).metadata.keys() == {"federation_entity"}


# Metadata, §6.1


def test_T07_superior_may_say_metadata_in_place_of_the_party(federation: Federation) -> None:
    about = {"metadata": {"federation_entity": {"display_name": "Zoals wij haar kennen"}, "openid_provider": {"a": 1}}}
    metadata = verify(federation, federation.chain(about_leaf=about)).metadata
    assert metadata["federation_entity"]["display_name"] == "Zoals wij haar kennen"
    assert "openid_provider" not in metadata
    # What is said of the one in between is not said of those below it.
    assert verify(federation, federation.chain(about_intermediate=about)).metadata == issuer_metadata()


def test_T07_policies_of_a_chain_are_joined_and_applied_as_in_the_specification() -> None:
    anchor = {
        "openid_relying_party": {
            "grant_types": {
                "default": ["authorization_code"],
                "subset_of": ["authorization_code", "refresh_token"],
                "superset_of": ["authorization_code"],
            },
            "token_endpoint_auth_method": {
                "one_of": ["private_key_jwt", "self_signed_tls_client_auth"],
                "essential": True,
            },
            "token_endpoint_auth_signing_alg": {"one_of": ["PS256", "ES256"]},
            "subject_type": {"value": "pairwise"},
            "contacts": {"add": ["helpdesk@federation.example.org"]},
        }
    }
    intermediate = {
        "openid_relying_party": {
            "grant_types": {"subset_of": ["authorization_code"]},
            "token_endpoint_auth_method": {"one_of": ["self_signed_tls_client_auth"]},
            "contacts": {"add": ["helpdesk@org.example.org"]},
        }
    }
    merged = merge_metadata_policies([parse_metadata_policy(anchor), parse_metadata_policy(intermediate)])
    assert merged["openid_relying_party"] == {
        "grant_types": {
            "default": ["authorization_code"],
            "superset_of": ["authorization_code"],
            "subset_of": ["authorization_code"],
        },
        "token_endpoint_auth_method": {"one_of": ["self_signed_tls_client_auth"], "essential": True},
        "token_endpoint_auth_signing_alg": {"one_of": ["PS256", "ES256"]},
        "subject_type": {"value": "pairwise"},
        "contacts": {"add": ["helpdesk@federation.example.org", "helpdesk@org.example.org"]},
    }
    metadata = {
        "openid_relying_party": {
            "redirect_uris": ["https://rp.example.org/callback"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "contacts": ["rp_admins@rp.example.org"],
        }
    }
    assert apply_metadata_policy(merged, metadata)["openid_relying_party"] == {
        "redirect_uris": ["https://rp.example.org/callback"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "subject_type": "pairwise",
        "contacts": [
            "rp_admins@rp.example.org",
            "helpdesk@federation.example.org",
            "helpdesk@org.example.org",
        ],
    }


@pytest.mark.parametrize(
    ("operators", "value", "expected"),
    [
        # OpenID Federation 1.0, table 1.
        ({"essential": True, "subset_of": ["a", "b", "c"]}, ["a", "e"], ["a"]),
        ({"essential": False, "subset_of": ["a", "b", "c"]}, ["a", "e"], ["a"]),
        ({"essential": True, "subset_of": ["a", "b", "c"]}, ["d", "e"], []),
        ({"essential": False, "subset_of": ["a", "b", "c"]}, ["d", "e"], []),
        ({"essential": True, "subset_of": ["a", "b", "c"]}, None, RejectedError),
        ({"essential": False, "subset_of": ["a", "b", "c"]}, None, None),
        ({"value": None}, "x", None),
        ({"value": 1}, None, 1),
        ({"value": True, "one_of": [True]}, 1, True),
        ({"one_of": [True]}, 1, RejectedError),
        ({"one_of": ["a"]}, "b", RejectedError),
        ({"one_of": ["a"], "default": "a"}, None, "a"),
        ({"superset_of": ["a"]}, ["a", "b"], ["a", "b"]),
        ({"superset_of": ["a"]}, ["b"], RejectedError),
        ({"superset_of": ["a"]}, "a", MalformedError),
        ({"add": ["a"]}, None, ["a"]),
        ({"add": ["a"]}, ["a", "b"], ["a", "b"]),
        ({"add": ["a"], "value": ["a", "b"]}, ["c"], ["a", "b"]),
        ({"value": ["a"], "subset_of": ["a", "b"], "superset_of": ["a"]}, None, ["a"]),
        ({"regexp": "^a$"}, "b", "b"),
    ],
)
def test_T07_each_operator_does_what_it_says(operators: dict[str, Any], value: Any, expected: Any) -> None:
    policy = parse_metadata_policy({"vc_issuer": {"parameter": operators}})
    metadata = {"vc_issuer": {} if value is None else {"parameter": value}}
    if isinstance(expected, type):
        with pytest.raises(expected):
            apply_metadata_policy(policy, metadata)
    else:
        applied = apply_metadata_policy(policy, metadata)["vc_issuer"].get("parameter")
        assert applied == expected
        assert type(applied) is type(expected)


def test_T07_scope_is_treated_as_the_list_of_its_words() -> None:
    policy = parse_metadata_policy({"oauth_client": {"scope": {"subset_of": ["a", "b"]}}})
    assert apply_metadata_policy(policy, {"oauth_client": {"scope": "b c"}}) == {"oauth_client": {"scope": "b"}}


@pytest.mark.parametrize(
    "operators",
    [
        {"one_of": ["a"], "add": ["a"]},
        {"one_of": ["a"], "subset_of": ["a"]},
        {"one_of": ["a"], "superset_of": ["a"]},
        {"value": None, "default": "a"},
        {"value": None, "essential": True},
        {"value": None, "one_of": ["a"]},
        {"value": "b", "one_of": ["a"]},
        {"value": ["b"], "add": ["a"]},
        {"value": ["b"], "subset_of": ["a"]},
        {"value": ["b"], "superset_of": ["a"]},
        {"add": ["b"], "subset_of": ["a"]},
        {"superset_of": ["b"], "subset_of": ["a"]},
    ],
)
def test_T07_policy_that_contradicts_itself_is_refused(operators: dict[str, Any]) -> None:
    with pytest.raises(RejectedError):
        parse_metadata_policy({"vc_issuer": {"parameter": operators}})


@pytest.mark.parametrize("operators", [{"add": "a"}, {"essential": "yes"}, {"default": None}, {"one_of": {}}])
def test_T07_operator_with_a_value_of_another_kind_is_refused(operators: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        parse_metadata_policy({"vc_issuer": {"parameter": operators}})


@pytest.mark.parametrize(
    ("superior", "subordinate"),
    [
        ({"value": "a"}, {"value": "b"}),
        ({"default": 1}, {"default": True}),
        ({"one_of": ["a"]}, {"one_of": ["b"]}),
        ({"subset_of": ["a"]}, {"add": ["b"]}),
        ({"one_of": ["a"]}, {"add": ["a"]}),
    ],
)
def test_T07_two_superiors_that_contradict_each_other_break_the_chain(
    federation: Federation, superior: dict[str, Any], subordinate: dict[str, Any]
) -> None:
    policies = [{"metadata_policy": {"vc_issuer": {"p": operators}}} for operators in (subordinate, superior)]
    with pytest.raises(RejectedError):
        verify(federation, federation.chain(about_leaf=policies[0], about_intermediate=policies[1]))


def test_T07_superiors_may_agree_and_narrow(federation: Federation) -> None:
    superior = {"value": "a", "essential": False}
    subordinate = {"value": "a", "essential": True}
    chain = federation.chain(
        about_leaf={"metadata_policy": {"vc_issuer": {"p": subordinate}}},
        about_intermediate={"metadata_policy": {"vc_issuer": {"p": superior}}},
    )
    assert verify(federation, chain).metadata["vc_issuer"]["p"] == "a"


# What a chain means


def test_T06_T07_issuer_of_a_chain_is_recognised_by_its_key_and_type(federation: Federation) -> None:
    chain = verify(federation, federation.chain())
    recognised = recognise_credential_issuer(chain, key=ISSUER_KEY, key_id=KEY_ID, types={VCT})
    assert recognised == Recognition(Outcome.RECOGNISED, "Federatie Onderwijs", "Stichting Techniek")
    w3c = {"VerifiableCredential", "OpenBadgeCredential"}
    assert recognise_credential_issuer(chain, key=ISSUER_KEY, key_id=None, types=w3c).outcome is Outcome.RECOGNISED


def test_T06_T07_key_that_the_issuer_does_not_name_is_nobodys(federation: Federation) -> None:
    chain = verify(federation, federation.chain())
    other = SoftwareSigner.generate().public_key
    unlisted = Recognition(Outcome.NOT_LISTED, "Federatie Onderwijs")
    assert recognise_credential_issuer(chain, key=other, key_id=KEY_ID, types={VCT}) == unlisted
    assert recognise_credential_issuer(chain, key=ISSUER_KEY, key_id="another", types={VCT}) == unlisted


@pytest.mark.parametrize("role", [None, {}, {"jwks": []}, {"jwks": {"keys": [{"kty": "AKP", "kid": "1"}]}}])
def test_T06_T07_issuer_without_such_keys_is_not_listed(federation: Federation, role: Any) -> None:
    del federation.leaf.metadata["vc_issuer"]
    if role is not None:
        federation.leaf.metadata["vc_issuer"] = role
    chain = verify(federation, federation.chain())
    found = recognise_credential_issuer(chain, key=ISSUER_KEY, key_id=KEY_ID, types={VCT})
    assert found.outcome is Outcome.NOT_LISTED


@pytest.mark.parametrize(
    "configurations",
    [
        {"badge": {"vct": "https://types.example/other"}},
        {"badge": {"credential_definition": {"type": ["VerifiableCredential"]}}},
        {"badge": {}},
        {"badge": {"credential_definition": {}}},
        [],
    ],
)
def test_T04_T07_type_that_the_chain_does_not_allow_is_not_recognised(
    federation: Federation, configurations: Any
) -> None:
    narrowed = {"metadata": {"openid_credential_issuer": {"credential_configurations_supported": configurations}}}
    chain = verify(federation, federation.chain(about_leaf=narrowed))
    found = recognise_credential_issuer(chain, key=ISSUER_KEY, key_id=KEY_ID, types={VCT, "VerifiableCredential"})
    assert found.outcome is Outcome.NOT_FOR_THIS_TYPE


def test_T07_issuer_whose_types_nobody_names_may_issue_any(federation: Federation) -> None:
    federation.leaf.metadata["openid_credential_issuer"] = {}
    chain = verify(federation, federation.chain())
    assert recognise_credential_issuer(chain, key=ISSUER_KEY, key_id=KEY_ID, types={VCT}).outcome is Outcome.RECOGNISED


@pytest.mark.parametrize(
    ("claims", "entity"),
    [
        ({"fed": LEAF}, LEAF),
        ({"termsOfUse": {"type": "OpenIDFederation", "policyId": LEAF}}, LEAF),
        ({"termsOfUse": [{"type": "Other"}, {"type": ["OpenIDFederation"], "policyId": LEAF}]}, LEAF),
        ({"fed": 7, "termsOfUse": {"type": "OpenIDFederation", "policyId": LEAF}}, LEAF),
        ({"termsOfUse": "OpenIDFederation"}, None),
        ({"termsOfUse": {"type": "OpenIDFederation"}}, None),
        ({"fed": {"a": 1}}, None),
        ({}, None),
    ],
)
def test_T07_credential_names_its_issuer_in_a_federation(claims: dict[str, Any], entity: str | None) -> None:
    assert find_federation_entity(claims) == entity


def test_T07_T10_party_is_recognised_in_the_roles_that_its_superiors_leave_it(federation: Federation) -> None:
    chain = verify(federation, federation.chain())
    assert recognise_entity(chain, role="openid_credential_issuer").outcome is Outcome.RECOGNISED
    assert recognise_entity(chain, role="openid_credential_verifier").outcome is Outcome.NOT_FOR_THIS_TYPE


@pytest.mark.parametrize("display", [{}, {"display_name": 7}])
def test_T07_party_without_a_name_is_called_by_its_address(federation: Federation, display: dict[str, Any]) -> None:
    federation.leaf.metadata["federation_entity"] = display
    chain = verify(federation, federation.chain())
    assert recognise_entity(chain, role="vc_issuer").entity_name == LEAF


# Anything at all


@given(st.text() | st.binary())
def test_T07_no_text_makes_the_parser_raise_anything_but_a_credential_error(raw: object) -> None:
    with pytest.raises(CredentialError):
        parse_entity_statement(raw)


_MEMBER = Member(LEAF, (INTERMEDIATE,), issuer_metadata())
_CLAIMS = dict(parse_jwt(_MEMBER.configuration(NOW)).payload)


@given(nearly(_CLAIMS))
def test_T07_no_claims_make_the_parser_raise_anything_but_a_credential_error(claims: dict[str, Any]) -> None:
    try:
        raw = signed(claims, _MEMBER.signer, _MEMBER.key_id)
    except (UnicodeEncodeError, MalformedError):
        return
    with contextlib.suppress(CredentialError):
        parse_entity_statement(raw)


@given(json_values(), json_values(), json_values())
def test_T07_no_policy_and_no_metadata_make_anything_but_a_credential_error(one: Any, other: Any, value: Any) -> None:
    try:
        policies = [parse_metadata_policy({"t": {"p": operators}}) for operators in (one, other)]
        apply_metadata_policy(merge_metadata_policies(policies), {"t": {"p": value}})
    except CredentialError:
        pass

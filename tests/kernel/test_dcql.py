"""kernel.dcql: what may be asked, who can answer with what, and whether it did. PROFILE.md K-90 to K-99, A-18, A-38."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.dcql import (
    Authorities,
    Candidate,
    DcqlMatch,
    find_path,
    match,
    parse_claims_path,
    parse_dcql_query,
    select_path,
    verify_answer,
    verify_credential_answer,
    verify_own_query,
)
from kernel.errors import CredentialError, MalformedError, QueryNotSatisfiedError
from kernel.formats import VerifiedCredential
from kernel.keys import SoftwareSigner
from tests.support.effort import count_calls
from tests.support.json_values import json_values, nearly

VCT = "https://types.skills.example/vct/skill-badge/1"
ADVISING = "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041"
RESEARCH = "http://data.europa.eu/esco/skill/11430d93-c835-48ed-8e70-285fa69c9ae6"
OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
VCDM = "https://www.w3.org/2018/credentials#VerifiableCredential"
HOLDER_KEY = SoftwareSigner.generate().public_key

CLAIMS: dict[str, Any] = {
    "vct": VCT,
    "given_name": "Noor",
    "achievement": {
        "name": "Adviseur Lerende Regio",
        "hours": 28,
        "final": True,
        "alignment": [
            {"targetUrl": "http://data.europa.eu/esco/skill/other", "targetName": "Iets anders"},
            {"targetUrl": ADVISING, "targetName": "Adviseren"},
            {"targetUrl": RESEARCH, "targetName": "Onderzoeken"},
        ],
    },
    "evidence": [{"name": "Adviesrapport", "pages": [1, 2, 3]}, {"name": "Presentatie", "pages": []}],
    "nationalities": ["NL", "BE"],
}
DISCLOSABLE = frozenset(
    {
        ("given_name",),
        ("evidence",),
        ("evidence", 0),
        ("evidence", 1),
        ("achievement", "alignment", 0),
        ("achievement", "alignment", 1),
        ("achievement", "alignment", 2),
        ("nationalities", 0),
        ("nationalities", 1),
    }
)
TARGET_URLS = ["achievement", "alignment", None, "targetUrl"]


def candidate(**changes: Any) -> Candidate:
    members = {"id": "c1", "format": "dc+sd-jwt", "types": frozenset({VCT}), "claims": CLAIMS}
    return Candidate(**{**members, "disclosable": DISCLOSABLE, **changes})


def credential_query(**changes: Any) -> dict[str, Any]:
    members = {"id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, **changes}
    return {name: value for name, value in members.items() if value is not ...}


def query(*credentials: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"credentials": list(credentials or [credential_query()]), **members}


def matched(*credentials: dict[str, Any], held: list[Candidate] | None = None, **members: Any) -> DcqlMatch:
    return match(parse_dcql_query(query(*credentials, **members)), [candidate()] if held is None else held)


def verified(**changes: Any) -> VerifiedCredential:
    members: dict[str, Any] = {
        "format": "dc+sd-jwt",
        "raw": "",
        "issuer": "did:web:issuer.skills.example",
        "claims": CLAIMS,
        "types": frozenset({VCT}),
        "holder_key": HOLDER_KEY,
        "issued_at": datetime(2026, 5, 28, tzinfo=UTC),
        "valid_from": None,
        "expires_at": None,
        "statuses": (),
        "key": HOLDER_KEY,
        "key_id": None,
    }
    return VerifiedCredential(**{**members, **changes})


# Claims paths


def test_K90_published_examples_of_paths_select_what_the_specification_says():
    """OpenID4VP 1.0 §7.3."""
    claims = {
        "name": "Arthur Dent",
        "address": {"street_address": "42 Market Street", "locality": "Milliways", "postal_code": "12345"},
        "degrees": [
            {"type": "Bachelor of Science", "university": "University of Betelgeuse"},
            {"type": "Master of Science", "university": "University of Betelgeuse"},
        ],
        "nationalities": ["British", "Betelgeusian"],
    }
    assert select_path(claims, ("name",)) == {("name",): "Arthur Dent"}
    assert select_path(claims, ("address",)) == {("address",): claims["address"]}
    assert select_path(claims, ("address", "street_address")) == {("address", "street_address"): "42 Market Street"}
    assert select_path(claims, ("degrees", None, "type")) == {
        ("degrees", 0, "type"): "Bachelor of Science",
        ("degrees", 1, "type"): "Master of Science",
    }
    assert select_path(claims, ("nationalities", 1)) == {("nationalities", 1): "Betelgeusian"}


@pytest.mark.parametrize("path", [["a"], ["a", 0], ["a", None, "b"], [None], [""], ["0"]])
def test_K90_a_path_of_names_positions_and_nulls_is_read(path):
    assert parse_claims_path(path) == tuple(path)


@pytest.mark.parametrize(
    "path", [[], None, "a", {"a": 1}, [True], ["a", False], [-1], [1.0], [["a"]], [{}], ["a"] * 33]
)
def test_K90_a_path_with_anything_else_is_malformed(path):
    with pytest.raises(MalformedError):
        parse_claims_path(path)


@pytest.mark.parametrize(
    "path",
    [
        ("achievement", "name", "first"),
        ("evidence", "name"),
        ("given_name", None),
        ("achievement", None),
        ("achievement", 0),
        ("given_name", 0),
        ("achievement", "alignment", None, None),
    ],
)
def test_K90_a_step_that_does_not_fit_ends_the_processing(path):
    with pytest.raises(QueryNotSatisfiedError):
        select_path(CLAIMS, path)


@pytest.mark.parametrize(
    "path", [("absent",), ("evidence", 2), ("evidence", 1, "pages", None), ("evidence", None, "x")]
)
def test_K90_an_empty_selection_is_an_error(path):
    with pytest.raises(QueryNotSatisfiedError):
        select_path(CLAIMS, path)
    assert find_path(CLAIMS, path) == {}


def test_K90_nodes_without_the_key_and_arrays_too_short_drop_out():
    claims = {"list": [{"a": [1, 2]}, {"b": 0}, {"a": [3]}]}
    assert select_path(claims, ("list", None, "a", 1)) == {("list", 0, "a", 1): 2}


def test_K90_one_node_that_is_no_object_ends_the_processing_even_when_others_fit():
    with pytest.raises(QueryNotSatisfiedError):
        select_path({"list": [{"a": 1}, "text"]}, ("list", None, "a"))


def test_K90_a_name_that_looks_like_a_position_stays_a_name():
    with pytest.raises(QueryNotSatisfiedError):
        select_path(CLAIMS, ("nationalities", "0"))


# The query


def test_K91_members_that_are_not_defined_are_ignored_at_every_level():
    parsed = parse_dcql_query(
        {
            "x": 1,
            "credentials": [
                credential_query(
                    x=1,
                    meta={"vct_values": [VCT], "x": 1},
                    claims=[{"id": "a", "path": ["given_name"], "x": 1}],
                    claim_sets=[["a"]],
                    trusted_authorities=[{"type": "aki", "values": ["k"], "x": 1}],
                )
            ],
            "credential_sets": [{"options": [["badge"]], "purpose": "x"}],
        }
    )
    assert parsed == parse_dcql_query(
        query(
            credential_query(
                claims=[{"id": "a", "path": ["given_name"]}],
                claim_sets=[["a"]],
                trusted_authorities=[{"type": "aki", "values": ["k"]}],
            ),
            credential_sets=[{"options": [["badge"]]}],
        )
    )


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "query",
        {},
        {"credentials": []},
        {"credentials": {}},
        {"credentials": [1]},
        {"credentials": [credential_query()], "credential_sets": []},
        {"credentials": [credential_query()], "credential_sets": {}},
        {"credentials": [credential_query()], "credential_sets": [[]]},
        {"credentials": [credential_query()], "credential_sets": None},
    ],
)
def test_K91_a_query_without_credentials_or_with_empty_sets_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_dcql_query(value)


@pytest.mark.parametrize("query_id", ["a", "A-Z_0-9", "x" * 128])
def test_K92_ids_of_letters_digits_underscore_and_hyphen_are_read(query_id):
    assert parse_dcql_query(query(credential_query(id=query_id))).credentials[0].id == query_id


@pytest.mark.parametrize("query_id", [..., "", "a b", "é", "a.b", 1, None, "x" * 129, "a\n"])
def test_K92_A38_any_other_id_is_malformed(query_id):
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_query(id=query_id)))


def test_K92_A38_one_id_for_two_credentials_is_malformed():
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_query(), credential_query()))


def test_K92_defaults_are_one_credential_and_holder_binding():
    parsed = parse_dcql_query(query()).credentials[0]
    assert (parsed.multiple, parsed.require_cryptographic_holder_binding, parsed.claims) == (False, True, ())


@pytest.mark.parametrize(
    "broken",
    [
        {"format": ...},
        {"format": 1},
        {"format": ""},
        {"meta": ...},
        {"meta": None},
        {"meta": []},
        {"meta": {"vct_values": []}},
        {"meta": {"vct_values": VCT}},
        {"meta": {"vct_values": [1]}},
        {"multiple": "true"},
        {"multiple": None},
        {"require_cryptographic_holder_binding": 0},
        {"trusted_authorities": []},
        {"trusted_authorities": [{"type": "aki"}]},
        {"trusted_authorities": [{"type": "aki", "values": []}]},
        {"trusted_authorities": [{"type": "aki", "values": [1]}]},
        {"trusted_authorities": [{"values": ["a"]}]},
        {"claims": []},
        {"claims": {}},
        {"claims": [[]]},
        {"claims": [{}]},
        {"claims": [{"path": []}]},
        {"claims": [{"path": ["a"], "values": []}]},
        {"claims": [{"path": ["a"], "values": "x"}]},
        {"claims": [{"path": ["a"], "values": [1.5]}]},
        {"claims": [{"path": ["a"], "values": [None]}]},
        {"claims": [{"path": ["a"], "values": [["x"]]}]},
        {"claims": [{"path": ["a"], "id": "not ok"}]},
        {"claims": [{"path": ["a"], "id": "x"}, {"path": ["b"], "id": "x"}]},
    ],
)
def test_K92_K94_A38_one_broken_member_makes_a_credential_query_malformed(broken):
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_query(**broken)))


@pytest.mark.parametrize("credential_format", ["vc+sd-jwt", "ldp_vc", "jwt_vc_json"])
@pytest.mark.parametrize("types", [[], [[]], ["a"], [[1]], "a"])
def test_K93_type_values_are_arrays_of_arrays_of_types(credential_format, types):
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_query(format=credential_format, meta={"type_values": types})))


def test_K93_doctype_value_is_one_text():
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_query(format="mso_mdoc", meta={"doctype_value": []})))
    parsed = parse_dcql_query(query(credential_query(format="mso_mdoc", meta={"doctype_value": "org.iso.mDL"})))
    assert parsed.credentials[0].types == (frozenset({"org.iso.mDL"}),)
    assert parsed.formats == {"mso_mdoc"}


@pytest.mark.parametrize(
    "broken",
    [
        {"claims": ..., "claim_sets": [["a"]]},
        {"claims": [{"path": ["a"]}], "claim_sets": [["a"]]},
        {"claims": [{"path": ["a"], "id": "a"}, {"path": ["b"]}], "claim_sets": [["a"]]},
        {"claims": [{"path": ["a"], "id": "a"}], "claim_sets": []},
        {"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [[]]},
        {"claims": [{"path": ["a"], "id": "a"}], "claim_sets": ["a"]},
        {"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [["b"]]},
        {"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [["a", "a"]]},
        {"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [[1]]},
    ],
)
def test_K94_K95_A38_claim_sets_need_claims_with_ids_and_name_only_those(broken):
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_query(**broken)))


@pytest.mark.parametrize(
    "broken",
    [
        {"options": ...},
        {"options": []},
        {"options": [[]]},
        {"options": [["absent"]]},
        {"options": [["badge", "absent"]]},
        {"options": ["badge"]},
        {"required": "no"},
    ],
)
def test_K96_A38_credential_sets_name_only_credential_queries_that_exist(broken):
    members = {"options": [["badge"]], **broken}
    members = {name: value for name, value in members.items() if value is not ...}
    with pytest.raises(MalformedError):
        parse_dcql_query(query(credential_sets=[members]))


@pytest.mark.parametrize(
    "huge",
    [
        query(*(credential_query(id=f"q{number}") for number in range(513))),
        query(credential_query(claims=[{"path": [str(number)]} for number in range(2049)])),
        query(credential_sets=[{"options": [["badge"]]}] * 513),
        query(credential_sets=[{"options": [["badge"]] * 513}]),
        query(credential_sets=[{"options": [["badge"]] * 205}] * 5),
        query(
            *(credential_query(id=f"q{number}") for number in range(205)),
            credential_sets=[{"options": [[f"q{number}" for number in range(205)]] * 5}],
        ),
    ],
)
def test_K86_a_query_larger_than_anybody_asks_is_malformed(huge):
    with pytest.raises(MalformedError):
        parse_dcql_query(huge)


def test_K86_a_question_may_name_every_query_of_the_largest_twice():
    names = [f"q{number}" for number in range(512)]
    sets = [{"options": [names]}, {"options": [[name] for name in names]}]
    assert parse_dcql_query(query(*(credential_query(id=name) for name in names), credential_sets=sets))


def test_K94_a_verifier_never_asks_for_a_claim_twice_and_a_wallet_ignores_the_second_time():
    claims = [{"path": ["given_name"]}, {"path": ["given_name"], "values": ["Somebody else"]}]
    parsed = parse_dcql_query(query(credential_query(claims=claims)))
    with pytest.raises(MalformedError):
        verify_own_query(parsed)
    assert match(parsed, [candidate()]).answers["badge"][0].claims == (("given_name",),)


def test_K94_a_question_that_asks_each_claim_once_may_be_sent():
    verify_own_query(parse_dcql_query(query(credential_query(claims=[{"path": ["a"]}, {"path": ["a", 0]}]))))


# Which credentials fit


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"format": "vc+sd-jwt"}, False),
        ({"types": frozenset({"other"})}, False),
        ({"types": frozenset({"other", VCT})}, True),
        ({"types": frozenset()}, False),
        ({"is_holder_bound": False}, False),
    ],
)
def test_K92_K93_format_type_and_binding_decide_who_can_answer(changes, fits):
    assert matched(held=[candidate(**changes)]).satisfiable is fits


def test_K92_without_required_binding_a_credential_without_a_key_can_answer():
    asked = credential_query(require_cryptographic_holder_binding=False)
    assert matched(asked, held=[candidate(is_holder_bound=False)]).satisfiable


def test_K93_empty_meta_is_no_constraint():
    assert matched(credential_query(meta={}), held=[candidate(types=frozenset({"any"}))]).satisfiable


def test_K93_one_of_several_vct_values_is_enough():
    assert matched(credential_query(meta={"vct_values": ["other", VCT]})).satisfiable


@pytest.mark.parametrize(
    ("types", "fits"),
    [
        ([[VCDM, OPEN_BADGE]], True),
        ([[OPEN_BADGE]], True),
        ([["absent"], [OPEN_BADGE]], True),
        ([[VCDM, OPEN_BADGE, "absent"]], False),
        ([["absent"]], False),
    ],
)
def test_K93_one_alternative_of_types_must_be_contained_whole(types, fits):
    held = [candidate(format="vc+sd-jwt", types=frozenset({VCDM, OPEN_BADGE, "OpenBadgeCredential"}))]
    asked = credential_query(format="vc+sd-jwt", meta={"type_values": types})
    assert matched(asked, held=held).satisfiable is fits


def test_A38_a_format_that_is_not_known_is_read_and_matches_nothing():
    asked = credential_query(format="paper", meta={"anything": 1})
    assert not matched(asked).satisfiable
    assert matched(asked, credential_query(id="b"), credential_sets=[{"options": [["badge"], ["b"]]}]).satisfiable


@pytest.mark.parametrize(
    ("stated", "wanted", "fits"),
    [
        ({"key_identifiers": frozenset({"k1"})}, [("aki", ["k0", "k1"])], True),
        ({"key_identifiers": frozenset({"k1"})}, [("aki", ["k0"])], False),
        ({"key_identifiers": frozenset({"k1"})}, [("etsi_tl", ["k1"])], False),
        ({"trust_lists": frozenset({"https://l.example"})}, [("etsi_tl", ["https://l.example"])], True),
        ({"trust_lists": frozenset({"https://l.example"})}, [("etsi_tl", ["https://m.example"])], False),
        (
            {"federation_entities": frozenset({"https://t.example"})},
            [("openid_federation", ["https://t.example"])],
            True,
        ),
        (
            {"federation_entities": frozenset({"https://t.example"})},
            [("openid_federation", ["https://u.example"])],
            False,
        ),
        ({"key_identifiers": frozenset({"k1"})}, [("unknown", ["k1"])], False),
        ({"key_identifiers": frozenset({"k1"})}, [("unknown", ["k1"]), ("aki", ["k1"])], True),
        ({}, [("aki", ["k1"])], False),
    ],
)
def test_K97_one_trusted_authority_met_is_enough_and_an_unknown_kind_meets_nothing(stated, wanted, fits):
    asked = credential_query(trusted_authorities=[{"type": kind, "values": values} for kind, values in wanted])
    assert matched(asked, held=[candidate(authorities=Authorities(**stated))]).satisfiable is fits


# Which claims are shown


def test_K95_without_claims_nothing_hidden_is_opened():
    answer = matched().answers["badge"][0]
    assert (answer.claims, answer.disclose, answer.opened) == ((), frozenset(), frozenset())


def test_K95_claims_without_sets_are_all_shown_and_nothing_else():
    claims = [{"path": ["given_name"]}, {"path": ["nationalities", 1]}, {"path": ["achievement", "name"]}]
    answer = matched(credential_query(claims=claims)).answers["badge"][0]
    assert answer.claims == (("given_name",), ("nationalities", 1), ("achievement", "name"))
    assert answer.disclose == set(answer.claims)
    assert answer.opened == {("given_name",), ("nationalities", 1)}


def test_K95_a_credential_that_lacks_one_claim_is_not_returned():
    found = matched(credential_query(claims=[{"path": ["given_name"]}, {"path": ["middle_name"]}]))
    assert found.answers["badge"] == ()
    assert not found.satisfiable


def test_K95_the_first_claim_set_that_can_be_met_is_taken():
    claims = [
        {"id": "m", "path": ["middle_name"]},
        {"id": "g", "path": ["given_name"]},
        {"id": "n", "path": ["achievement", "name"]},
    ]
    answer = matched(credential_query(claims=claims, claim_sets=[["m", "g"], ["g", "n"], ["n"]])).answers["badge"][0]
    assert answer.claims == (("given_name",), ("achievement", "name"))


def test_K95_every_combination_that_can_be_given_is_an_answer_and_the_first_is_the_most_wanted():
    claims = [{"id": "g", "path": ["given_name"]}, {"id": "m", "path": ["middle_name"]}, {"id": "s", "path": ["vct"]}]
    sets = [["m"], ["g"], ["s"], ["g", "s"]]
    answers = matched(credential_query(claims=claims, claim_sets=sets)).answers["badge"]
    # The last one opens what the first one opens already.
    assert [answer.claims for answer in answers] == [(("given_name",),), (("vct",),)]


def test_K95_no_more_than_eight_combinations_of_a_credential_are_looked_at():
    paths = [list(path) for path in sorted(DISCLOSABLE, key=str)]
    claims = [{"id": f"n{number}", "path": path} for number, path in enumerate(paths)]
    assert len(claims) == 9
    answers = matched(credential_query(claims=claims, claim_sets=[[claim["id"]] for claim in claims])).answers["badge"]
    assert [list(answer.claims[0]) for answer in answers] == paths[:8]


def test_K95_no_claim_set_that_can_be_met_is_no_answer():
    claims = [{"id": "m", "path": ["middle_name"]}]
    assert not matched(credential_query(claims=claims, claim_sets=[["m"]])).satisfiable


@pytest.mark.parametrize(
    ("path", "values", "fits"),
    [
        (["given_name"], ["Noor"], True),
        (["given_name"], ["Piet", "Noor"], True),
        (["given_name"], ["noor"], False),
        (["achievement", "hours"], [28], True),
        (["achievement", "hours"], ["28"], False),
        (["achievement", "hours"], [True], False),
        (["achievement", "final"], [True], True),
        (["achievement", "final"], [1], False),
        (["achievement", "final"], ["true"], False),
        (["nationalities"], ["NL"], False),
        (["nationalities", None], ["NL"], True),
        (["achievement"], ["Adviseur Lerende Regio"], False),
    ],
)
def test_K94_values_match_by_type_and_value(path, values, fits):
    assert matched(credential_query(claims=[{"path": path, "values": values}])).satisfiable is fits


def test_K94_an_integer_value_is_not_met_by_a_fraction_of_the_same_size():
    held = [candidate(claims={"level": 1.0})]
    assert not matched(credential_query(claims=[{"path": ["level"], "values": [1]}]), held=held).satisfiable


def test_K98_only_the_array_elements_that_match_are_shown():
    answer = matched(credential_query(claims=[{"path": TARGET_URLS, "values": [ADVISING]}])).answers["badge"][0]
    assert answer.claims == (("achievement", "alignment", 1, "targetUrl"),)
    assert answer.disclose == {("achievement", "alignment", 1, "targetUrl")}
    assert answer.opened == {("achievement", "alignment", 1)}


def test_K98_all_array_elements_that_match_are_shown():
    values = [RESEARCH, "urn:absent", ADVISING]
    answer = matched(credential_query(claims=[{"path": TARGET_URLS, "values": values}])).answers["badge"][0]
    assert answer.opened == {("achievement", "alignment", 1), ("achievement", "alignment", 2)}


def test_K98_without_values_a_null_shows_every_element():
    answer = matched(credential_query(claims=[{"path": TARGET_URLS}])).answers["badge"][0]
    assert answer.opened == {("achievement", "alignment", index) for index in range(3)}


def test_K98_no_element_that_matches_is_no_answer():
    assert not matched(credential_query(claims=[{"path": TARGET_URLS, "values": ["urn:absent"]}])).satisfiable


def test_K95_a_claim_is_shown_with_everything_hidden_in_it():
    answer = matched(credential_query(claims=[{"path": ["evidence"]}])).answers["badge"][0]
    assert answer.opened == {("evidence",), ("evidence", 0), ("evidence", 1)}
    assert answer.disclose == answer.opened


def test_K95_a_claim_inside_a_hidden_one_opens_what_lies_around_it_and_not_what_lies_beside_it():
    answer = matched(credential_query(claims=[{"path": ["evidence", 0, "name"]}])).answers["badge"][0]
    assert answer.opened == {("evidence",), ("evidence", 0)}
    assert answer.disclose == {("evidence", 0, "name")}


# Which combinations


def test_K96_without_sets_every_query_must_be_answered():
    two = [credential_query(), credential_query(id="other", meta={"vct_values": ["other"]})]
    assert not matched(*two).satisfiable
    held = [candidate(), candidate(id="c2", types=frozenset({"other"}))]
    found = matched(*two, held=held)
    assert {name: answer.candidate_id for name, answer in found.first_choice().items()} == {
        "badge": "c1",
        "other": "c2",
    }


def test_K96_one_option_of_each_required_set_is_enough():
    asked = [
        credential_query(id=name, meta={"vct_values": [vct]}) for name, vct in [("a", "x"), ("b", VCT), ("c", VCT)]
    ]
    found = matched(*asked, credential_sets=[{"options": [["a"], ["b", "c"], ["c"]]}])
    assert found.sets[0].options == (("b", "c"), ("c",))
    assert found.first_choice().keys() == {"b", "c"}


def test_K96_an_optional_set_is_offered_and_never_taken_unasked():
    asked = [credential_query(id="a"), credential_query(id="b")]
    found = matched(*asked, credential_sets=[{"options": [["a"]]}, {"options": [["b"]], "required": False}])
    assert [(wanted.required, wanted.options) for wanted in found.sets] == [(True, (("a",),)), (False, (("b",),))]
    assert found.first_choice().keys() == {"a"}


def test_K96_an_optional_set_that_cannot_be_met_changes_nothing():
    asked = [credential_query(id="a"), credential_query(id="b", format="paper")]
    found = matched(*asked, credential_sets=[{"options": [["a"]]}, {"options": [["b"]], "required": False}])
    assert found.satisfiable
    assert found.sets[1].options == ()


def test_K96_when_a_required_set_cannot_be_met_nothing_is_returned():
    asked = [credential_query(id="a"), credential_query(id="b", format="paper")]
    found = matched(*asked, credential_sets=[{"options": [["a"]]}, {"options": [["b"]]}])
    assert not found.satisfiable
    with pytest.raises(QueryNotSatisfiedError):
        found.first_choice()


def test_A39_holding_nothing_and_holding_the_wrong_thing_end_in_the_same_error():
    wrong_value = credential_query(claims=[{"path": ["given_name"], "values": ["Piet"]}])
    for found in (matched(held=[]), matched(wrong_value)):
        with pytest.raises(QueryNotSatisfiedError) as refusal:
            found.first_choice()
        assert (refusal.value.code, refusal.value.detail) == ("query", "the required credentials are not held")


def test_K92_multiple_still_answers_with_one_credential_unless_the_holder_adds_more():
    found = matched(credential_query(multiple=True), held=[candidate(), candidate(id="c2")])
    assert [answer.candidate_id for answer in found.answers["badge"]] == ["c1", "c2"]
    assert found.first_choice()["badge"].candidate_id == "c1"


# What was shown


def shown_query(**changes: Any) -> dict[str, Any]:
    claims = [{"path": ["achievement", "name"]}, {"path": TARGET_URLS, "values": [ADVISING]}]
    return query(credential_query(**{"claims": claims, **changes}))


def test_K99_V28_verified_claims_that_answer_are_accepted():
    verify_answer(parse_dcql_query(shown_query()), {"badge": [verified()]})


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "vc+sd-jwt"},
        {"types": frozenset({"other"})},
        {"holder_key": None},
        {"claims": {"achievement": {"name": "Adviseur Lerende Regio", "alignment": []}}},
        {"claims": {"achievement": {"name": "Adviseur", "alignment": [{"targetUrl": RESEARCH}]}}},
        {"claims": {"achievement": {"alignment": [{"targetUrl": ADVISING}]}}},
        {"claims": {}},
    ],
)
def test_K99_V28_A18_what_was_not_shown_does_not_answer(changes):
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(parse_dcql_query(shown_query()), {"badge": [verified(**changes)]})


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"badge": []},
        {"other": [verified()]},
        {"badge": [verified()], "other": []},
        {"badge": [verified(), verified()]},
    ],
)
def test_K99_V24_missing_unasked_or_repeated_answers_are_refused(shown):
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(parse_dcql_query(shown_query()), shown)


def test_K99_several_credentials_answer_where_multiple_was_asked_and_each_must_fit():
    asked = parse_dcql_query(shown_query(multiple=True))
    verify_answer(asked, {"badge": [verified(), verified()]})
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(asked, {"badge": [verified(), verified(claims={})]})


def test_K99_V28_the_verifier_judges_trusted_authorities_itself():
    asked = parse_dcql_query(shown_query(trusted_authorities=[{"type": "aki", "values": ["k1"]}]))
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(asked, {"badge": [verified()]})
    verify_answer(
        asked, {"badge": [verified()]}, authorities=lambda credential: Authorities(key_identifiers=frozenset({"k1"}))
    )


def test_K99_one_option_of_a_required_set_must_be_shown_whole():
    asked = parse_dcql_query(
        query(
            *(credential_query(id=name) for name in "abc"),
            credential_sets=[{"options": [["a", "b"], ["c"]]}, {"options": [["a"]], "required": False}],
        )
    )
    verify_answer(asked, {"c": [verified()]})
    verify_answer(asked, {"a": [verified()], "b": [verified()]})
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(asked, {"a": [verified()]})


def test_K99_one_credential_can_be_judged_alone():
    asked = parse_dcql_query(shown_query()).credentials[0]
    verify_credential_answer(asked, verified())
    with pytest.raises(QueryNotSatisfiedError):
        verify_credential_answer(asked, verified(claims={}))


def test_K99_one_claim_set_that_was_shown_is_enough():
    claims = [{"id": "m", "path": ["middle_name"]}, {"id": "n", "path": ["achievement", "name"]}]
    asked = parse_dcql_query(shown_query(claims=claims, claim_sets=[["m"], ["n"]]))
    verify_answer(asked, {"badge": [verified()]})
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(asked, {"badge": [verified(claims={"achievement": {}})]})


# Anything at all

ADVANCED = query(
    credential_query(
        multiple=True,
        trusted_authorities=[{"type": "aki", "values": ["k"]}],
        claims=[{"id": "n", "path": TARGET_URLS, "values": [ADVISING, 1, True]}, {"id": "e", "path": ["evidence", 0]}],
        claim_sets=[["n", "e"], ["n"]],
    ),
    credential_query(id="w3", format="vc+sd-jwt", meta={"type_values": [[VCDM, OPEN_BADGE]]}),
    credential_sets=[{"options": [["badge"], ["w3"]]}, {"options": [["w3"]], "required": False}],
)


@given(json_values() | nearly(ADVANCED), json_values())
def test_A38_no_query_makes_reading_or_matching_fail_otherwise_than_said(value, claims):
    try:
        parsed = parse_dcql_query(copy.deepcopy(value))
    except CredentialError:
        return
    held = [candidate(), candidate(id="c2", claims=claims if isinstance(claims, dict) else {"a": claims})]
    found = match(parsed, held)
    assert found.satisfiable in (True, False)


@given(st.lists(st.none() | st.integers(0, 3) | st.text(max_size=2), min_size=1, max_size=5), json_values(20))
def test_K90_a_path_selects_values_that_stand_at_its_concrete_paths(path, value):
    claims = {"": value, "a": value}
    for concrete, selected in find_path(claims, parse_claims_path(path)).items():
        reached: Any = claims
        for step in concrete:
            reached = reached[step]
        assert reached is selected
        assert all(asked in (None, taken) for asked, taken in zip(path, concrete, strict=True))


def match_alternatives(alternatives, credentials):
    """Alternatives that all fail at their last claim, over a number of credentials."""
    claims = [{"id": f"a{number}", "path": ["list", number, "x"]} for number in range(2 * alternatives)]
    claims += [{"id": f"b{number}", "path": ["list", None, f"m{number}"]} for number in range(alternatives)]
    sets = [["a0", "a1", f"b{number}"] for number in range(alternatives)]
    asked = parse_dcql_query(query(credential_query(claims=claims, claim_sets=sets)))
    full = {"list": [{"x": number} for number in range(100)]}
    held = [candidate(id=str(number), claims=full) for number in range(credentials)]
    assert not match(asked, held).satisfiable


def test_A38_a_hostile_query_over_many_credentials_costs_as_much_as_it_is_long():
    once = count_calls(lambda: match_alternatives(50, 4))
    assert count_calls(lambda: match_alternatives(200, 4)) < 5 * once
    assert count_calls(lambda: match_alternatives(50, 16)) < 5 * once

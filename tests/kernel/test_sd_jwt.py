"""RFC 9901: concealing, reading, presenting, key binding. Every MUST has a test that breaks exactly that."""

import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice, repeat
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url, sd_jwt
from kernel.errors import CredentialError, DisclosureError, MalformedError, TooLargeError
from kernel.jwt import LEEWAY, parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from kernel.sd_jwt import (
    MAX_CHARACTERS,
    MAX_DISCLOSURES,
    ClaimsPath,
    ConcealTemplate,
    Disclosure,
    conceal,
    create_disclosure,
    create_key_binding_jwt,
    create_salts,
    disclosable_paths,
    parse_disclosure,
    parse_sd_jwt,
    present,
    present_bound,
    reveal,
    verify_key_binding_jwt,
)
from kernel.strict_json import encode_json

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ISSUER = SoftwareSigner.generate()
HOLDER = SoftwareSigner.generate()
AUDIENCE, NONCE = "https://verifier.example", "n-0S6_WzA2Mj"
NONE = frozenset[str]()
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "given_name": "Sanne",
    "address": {"street": "Voorbeeldlaan 1", "place": {"city": "Druten", "country": "NL"}},
    "skills": [{"name": "adviseren"}, {"name": "onderzoeken"}, {"name": "schrijven"}],
}
PATHS: list[ClaimsPath] = [
    ("given_name",),
    ("address",),
    ("address", "place", "city"),
    ("skills", None),
    ("skills", 1, "name"),
]


def issue(claims: Mapping[str, Any] = CLAIMS, paths: list[ClaimsPath] = PATHS, **options: Any) -> str:
    return assemble(*conceal(claims, disclosable=paths, **options))


def conceal_and_parse(claims: Mapping[str, Any], **options: Any) -> tuple[dict[str, Any], list[Disclosure]]:
    payload, disclosures = conceal(claims, **options)
    return payload, [parse_disclosure(raw) for raw in disclosures]


def assemble(payload: Mapping[str, Any], disclosures: list[str], key_binding_jwt: str = "") -> str:
    token = sign_jwt(payload, signer=ISSUER, typ="example+sd-jwt")
    return "~".join([token, *disclosures, key_binding_jwt])


def read(raw: str, protected: frozenset[str] = NONE) -> dict[str, Any]:
    parsed = parse_sd_jwt(raw)
    return reveal(parsed.issuer_jwt.payload, parsed.disclosures, protected=protected)


def hide(*content: Any, hash_name: str = "sha256") -> Disclosure:
    raw = base64url.encode(encode_json(list(content)))
    digest = base64url.encode(hashlib.new(hash_name, raw.encode()).digest())
    name = content[1] if len(content) == 3 else None
    return Disclosure(raw, content[0], name, content[-1], digest)


# Disclosures


@pytest.mark.parametrize(
    ("raw", "name", "value", "digest"),
    [
        (
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "family_name",
            "Möbius",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
        ),
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0", None, "FR", "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"),
    ],
)
def test_K31_disclosures_of_rfc_9901_are_read_and_hashed_as_printed(
    raw: str, name: str | None, value: str, digest: str
) -> None:
    """RFC 9901 §4.2.1 to §4.2.3."""
    disclosure = parse_disclosure(raw)
    assert (disclosure.name, disclosure.value, disclosure.digest) == (name, value, digest)


def test_K31_digest_is_over_the_text_received_and_not_over_json_written_anew() -> None:
    spaced = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    parsed = parse_disclosure(spaced)
    rewritten = parse_disclosure(create_disclosure(parsed.name, parsed.value, salt=parsed.salt))
    assert rewritten.value == parsed.value
    assert rewritten.digest != parsed.digest


@pytest.mark.parametrize(
    "content",
    [["salt"], ["salt", "name", "value", "more"], [], {"salt": 1}, "text", [1, "name", "value"], ["salt", 1, "value"]],
)
def test_A12_disclosure_of_another_shape_is_refused(content: Any) -> None:
    with pytest.raises(CredentialError) as refusal:
        parse_disclosure(base64url.encode(encode_json(content)))
    assert refusal.value.code == "malformed"


# Concealing


def test_K32_concealed_payload_has_sorted_digests_the_hash_name_and_none_of_the_values() -> None:
    payload, disclosures = conceal_and_parse(CLAIMS, disclosable=PATHS)
    assert payload["_sd"] == sorted(payload["_sd"])
    assert len(payload["_sd"]) == 2
    assert payload["_sd_alg"] == "sha-256"
    assert payload["iss"] == CLAIMS["iss"]
    assert [list(element) for element in payload["skills"]] == [["..."]] * 3
    assert not any(secret in str(payload) for secret in ("Sanne", "Druten", "Voorbeeldlaan", "adviseren"))
    assert len(disclosures) == 7


def test_K32_every_disclosure_has_a_fresh_salt_of_at_least_128_bits() -> None:
    salts = [disclosure.salt for _ in range(50) for disclosure in conceal_and_parse(CLAIMS, disclosable=PATHS)[1]]
    assert len(set(salts)) == len(salts)
    assert {len(base64url.decode(salt)) for salt in salts} == {18}
    many = list(islice(create_salts(), 1000))
    assert len(set(many)) == 1000


def test_K32_recursive_disclosure_holds_the_digest_of_the_inner_one() -> None:
    """RFC 9901 §6.3."""
    _, disclosures = conceal_and_parse(CLAIMS, disclosable=[("address",), ("address", "place", "city")])
    by_name = {disclosure.name: disclosure for disclosure in disclosures}
    assert by_name["address"].value["place"]["_sd"] == [by_name["city"].digest]
    assert "city" not in by_name["address"].value["place"]


def test_concealing_leaves_the_claims_of_the_caller_alone() -> None:
    before = copy.deepcopy(CLAIMS)
    conceal(CLAIMS, disclosable=PATHS, decoys=3)
    assert before == CLAIMS


def test_chosen_salts_make_the_same_disclosures_again() -> None:
    first, second = (conceal(CLAIMS, disclosable=PATHS, salts=repeat("salt")) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("absent",),
        ("address", "absent"),
        ("address", None),
        ("address", 0),
        ("skills", 3),
        ("skills", -1),
        ("skills", "name"),
        ("given_name", "first"),
        ("iss", None),
    ],
)
def test_S09_a_path_to_nothing_is_the_callers_error_and_never_published_in_the_open(path: ClaimsPath) -> None:
    with pytest.raises(ValueError, match=r".+"):
        conceal(CLAIMS, disclosable=[path])


def test_S09_each_element_of_an_empty_array_is_no_error() -> None:
    payload, disclosures = conceal_and_parse({"skills": []}, disclosable=[("skills", None)])
    assert (payload["skills"], disclosures) == ([], [])


@pytest.mark.parametrize(
    "claims",
    [
        {"_sd": []},
        {"...": "x"},
        {"_sd_alg": "sha-256"},
        {"open": {"_sd": []}},
        {"open": [{"...": "x"}]},
        {"given_name": {"deep": ({"_sd": 1},)}},
        {"address": {"street": "x", "_sd": []}},
    ],
)
def test_K34_claims_with_reserved_names_are_not_concealed(claims: dict[str, Any]) -> None:
    paths: list[ClaimsPath] = [("given_name",)] if "given_name" in claims else []
    paths += [("address", "street")] if "address" in claims else []
    with pytest.raises(CredentialError) as refusal:
        conceal(claims, disclosable=paths)
    assert refusal.value.code == "malformed"


def test_K34_claims_with_reserved_names_come_into_no_template() -> None:
    with pytest.raises(MalformedError):
        ConcealTemplate({"open": {"_sd": []}}, disclosable=())
    with pytest.raises(MalformedError):
        ConcealTemplate({"open": 1}, disclosable=()).fill({"open": {"...": "x"}})


def test_K33_a_number_of_decoys_joins_every_object_and_array_with_something_hidden() -> None:
    payload, disclosures = conceal_and_parse(CLAIMS, disclosable=[("given_name",), ("skills", None)], decoys=5)
    assert len(payload["_sd"]) == 1 + 5
    assert len(payload["skills"]) == 3 + 5
    assert "_sd" not in payload["address"]
    raw = assemble(payload, [disclosure.raw for disclosure in disclosures])
    assert read(raw) == CLAIMS


def test_K33_decoys_look_like_digests() -> None:
    payload, disclosures = conceal_and_parse({"a": 1}, disclosable=[("a",)], decoys=3)
    assert {len(base64url.decode(digest)) for digest in payload["_sd"]} == {32}
    assert disclosures[0].digest in payload["_sd"]


def test_K33_decoys_stand_last_in_an_array() -> None:
    """Wallets that count them among the elements find the right one all the same."""
    payload, disclosures = conceal_and_parse({"skills": ["x", "y"]}, disclosable=[("skills", None)], decoys=3)
    assert [entry["..."] for entry in payload["skills"][:2]] == [disclosure.digest for disclosure in disclosures]
    assert len(payload["skills"]) == 2 + 3


def test_K33_a_decoy_policy_is_asked_for_every_place_on_a_disclosable_path() -> None:
    asked = {}

    def policy(path: ClaimsPath, hidden: int) -> int:
        asked[path] = hidden
        return 1

    payload, disclosures = conceal_and_parse(CLAIMS, disclosable=PATHS, decoys=policy)
    assert asked == {
        (): 2,
        ("address",): 0,
        ("address", "place"): 1,
        ("skills",): 3,
        ("skills", 1): 1,
    }
    assert read(assemble(payload, [disclosure.raw for disclosure in disclosures])) == CLAIMS


# Parsing


def test_K30_parts_of_an_sd_jwt_are_told_apart() -> None:
    raw = issue()
    parsed = parse_sd_jwt(raw)
    assert parsed.key_binding_jwt is None
    assert parsed.presented == raw
    assert [disclosure.raw for disclosure in parsed.disclosures] == raw.split("~")[1:-1]
    bound = parse_sd_jwt(raw + "kb")
    assert (bound.key_binding_jwt, bound.presented) == ("kb", raw)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.split("~")[0],
        lambda raw: "",
        lambda raw: "~",
        lambda raw: raw.replace("~", "~~", 1),
        lambda raw: raw.replace("~", "~é~", 1),
        lambda raw: raw.replace("~", "~WyJh~", 1),
        lambda raw: raw.split("~")[0] + "=~",
        lambda raw: None,
        lambda raw: [raw],
    ],
)
def test_K30_what_is_no_sd_jwt_is_refused(damage: Callable[[str], str]) -> None:
    with pytest.raises(CredentialError) as refusal:
        parse_sd_jwt(damage(issue()))
    assert refusal.value.code == "malformed"


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.replace("~", "~" * (MAX_DISCLOSURES + 2), 1),
        lambda raw: raw + "A" * MAX_CHARACTERS,
    ],
)
def test_K30_K74_what_is_too_much_to_read_is_refused_as_that(damage: Callable[[str], str]) -> None:
    with pytest.raises(TooLargeError):
        parse_sd_jwt(damage(issue()))


@pytest.mark.parametrize("name", ["sha-1", "md5", "SHA-256", "", 256, None, ["sha-256"]])
def test_K34_unknown_hash_algorithm_is_refused(name: Any) -> None:
    with pytest.raises(CredentialError) as refusal:
        parse_sd_jwt(assemble({"_sd_alg": name}, []))
    assert refusal.value.code == "algorithm"


@pytest.mark.parametrize(("name", "hash_name"), [("sha-384", "sha384"), ("sha-512", "sha512"), (None, "sha256")])
def test_K34_other_strong_hashes_are_understood_and_sha_256_is_meant_when_none_is_named(
    name: str | None, hash_name: str
) -> None:
    """RFC 9901 §4.1.1."""
    disclosure = hide("salt", "a", 1, hash_name=hash_name)
    payload = {"_sd": [disclosure.digest]} if name is None else {"_sd": [disclosure.digest], "_sd_alg": name}
    assert read(assemble(payload, [disclosure.raw])) == {"a": 1}


# Revealing


def test_K35_all_disclosures_give_the_claims_back_without_a_trace() -> None:
    assert read(issue(decoys=4)) == CLAIMS


def test_K34_without_disclosures_decoys_and_digests_leave_nothing_behind() -> None:
    raw = issue(
        paths=[("given_name",), ("address", "place", "city"), ("address", "place", "country"), ("skills", None)]
    )
    assert read(raw.split("~")[0] + "~") == {
        "iss": CLAIMS["iss"],
        "address": {"street": "Voorbeeldlaan 1", "place": {}},
        "skills": [],
    }


def test_K35_the_result_is_a_new_object_and_the_payload_is_left_alone() -> None:
    payload, disclosures = conceal_and_parse(CLAIMS, disclosable=PATHS)
    before = copy.deepcopy(payload)
    reveal(payload, disclosures, protected=NONE)
    assert payload == before


A, B, ELEMENT = hide("s1", "a", 1), hide("s2", "b", 2), hide("s3", "x")
A_AGAIN = hide("s4", "a", 3)
NAMED_SD, NAMED_DOTS, NAMED_ALG = hide("s5", "_sd", []), hide("s6", "...", "x"), hide("s7", "_sd_alg", "sha-256")
OUTER = hide("s8", "outer", {"_sd": [A.digest]})
REPEATING = hide("s9", "outer", {"_sd": [B.digest]})


@pytest.mark.parametrize(
    ("payload", "disclosures"),
    [
        pytest.param({"_sd": [A.digest]}, [A, A], id="same disclosure twice"),
        pytest.param({"_sd": [A.digest, A.digest]}, [A], id="same digest twice in one place"),
        pytest.param({"_sd": [A.digest], "o": {"_sd": [A.digest]}}, [A], id="same digest in two places"),
        pytest.param({"_sd": [A.digest, A.digest]}, [], id="same digest twice without its disclosure"),
        pytest.param({"_sd": [B.digest, REPEATING.digest]}, [B, REPEATING], id="digest repeated in a disclosure"),
        pytest.param({"l": [{"...": ELEMENT.digest}] * 2}, [ELEMENT], id="same digest twice in an array"),
    ],
)
def test_A11_repeated_digest_or_disclosure_is_refused(payload: dict[str, Any], disclosures: list[Disclosure]) -> None:
    with pytest.raises(CredentialError) as refusal:
        reveal(payload, disclosures, protected=NONE)
    assert refusal.value.code == "disclosure"


@pytest.mark.parametrize(
    ("payload", "disclosures"),
    [
        pytest.param({"_sd": [A.digest]}, [A, B], id="referenced by no digest"),
        pytest.param({"_sd": []}, [A], id="no digest at all"),
        pytest.param({"_sd": [A.digest[:-1] + "A"]}, [A], id="digest differs in one character"),
        pytest.param({"_sd": [OUTER.digest]}, [A], id="inner disclosure without the outer one"),
        pytest.param({"_sd": [ELEMENT.digest]}, [ELEMENT], id="array element at the place of a member"),
        pytest.param({"l": [{"...": A.digest}]}, [A], id="member at the place of an array element"),
        pytest.param({"_sd": [NAMED_SD.digest]}, [NAMED_SD], id="called _sd"),
        pytest.param({"_sd": [NAMED_DOTS.digest]}, [NAMED_DOTS], id="called ..."),
        pytest.param({"_sd": [NAMED_ALG.digest]}, [NAMED_ALG], id="called _sd_alg at the top"),
        pytest.param({"a": 0, "_sd": [A.digest]}, [A], id="called as an open member"),
        pytest.param({"_sd": [A.digest, A_AGAIN.digest]}, [A, A_AGAIN], id="called as another disclosure"),
    ],
)
def test_A12_disclosure_that_does_not_fit_its_place_is_refused(
    payload: dict[str, Any], disclosures: list[Disclosure]
) -> None:
    with pytest.raises(CredentialError) as refusal:
        reveal(payload, disclosures, protected=NONE)
    assert refusal.value.code == "disclosure"


@pytest.mark.parametrize(
    "payload",
    [
        {"_sd": A.digest},
        {"_sd": {A.digest: 1}},
        {"_sd": [1]},
        {"_sd": None},
        {"o": {"...": A.digest}},
        {"...": A.digest},
        {"l": [{"...": A.digest, "more": 1}]},
        {"l": [{"...": 1}]},
        {"l": [{"...": [A.digest]}]},
    ],
)
def test_K34_reserved_names_used_for_something_else_are_refused(payload: dict[str, Any]) -> None:
    """RFC 9901 §4.1: they appear for digests only."""
    with pytest.raises(CredentialError) as refusal:
        reveal(payload, [], protected=NONE)
    assert refusal.value.code == "disclosure"


@pytest.mark.parametrize("name", ["iss", "nbf", "exp", "cnf", "vct", "status", "@context", "type"])
def test_A13_disclosure_that_plants_a_protected_claim_is_refused(name: str) -> None:
    planted = hide("salt", name, "planted")
    assert reveal({"_sd": [planted.digest]}, [planted], protected=NONE) == {name: "planted"}
    with pytest.raises(CredentialError) as refusal:
        reveal({"_sd": [planted.digest]}, [planted], protected=frozenset({name}))
    assert refusal.value.code == "disclosure"


@pytest.mark.parametrize(
    "payload",
    [{"cnf": {"_sd": [A.digest]}}, {"cnf": {"l": [{"...": ELEMENT.digest}]}}, {"cnf": {"o": {"_sd": ["decoy"]}}}],
)
def test_K39_nothing_may_be_hidden_below_a_protected_claim_even_when_it_is_not_shown(payload: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as refusal:
        reveal(payload, [], protected=frozenset({"cnf"}))
    assert refusal.value.code == "disclosure"


def test_K39_a_nested_claim_may_bear_a_protected_name() -> None:
    inner = hide("salt", "type", "Profile")
    payload = {"subject": {"_sd": [inner.digest]}}
    assert reveal(payload, [inner], protected=frozenset({"type"})) == {"subject": {"type": "Profile"}}


def test_A08_disclosures_chained_deeper_than_any_honest_credential_are_refused() -> None:
    chain = [hide("salt", "a", "end")]
    for number in range(40):
        chain.append(hide(f"salt{number}", "a", {"_sd": [chain[-1].digest]}))
    with pytest.raises(TooLargeError):
        reveal({"_sd": [chain[-1].digest]}, chain, protected=NONE)


# Presenting


def test_disclosable_paths_are_concrete_and_have_their_values() -> None:
    assert disclosable_paths(issue(decoys=3)) == {
        ("given_name",): "Sanne",
        ("address",): CLAIMS["address"],
        ("address", "place", "city"): "Druten",
        ("skills", 0): {"name": "adviseren"},
        ("skills", 1): {"name": "onderzoeken"},
        ("skills", 1, "name"): "onderzoeken",
        ("skills", 2): {"name": "schrijven"},
    }


@pytest.mark.parametrize(
    ("disclose", "shown"),
    [
        ([], {"iss": CLAIMS["iss"], "skills": []}),
        ([("iss",)], {"iss": CLAIMS["iss"], "skills": []}),
        ([("given_name",)], {"iss": CLAIMS["iss"], "skills": [], "given_name": "Sanne"}),
        ([("skills", 2)], {"iss": CLAIMS["iss"], "skills": [{"name": "schrijven"}]}),
        ([("skills", 2, "name")], {"iss": CLAIMS["iss"], "skills": [{"name": "schrijven"}]}),
        ([("skills", 1)], {"iss": CLAIMS["iss"], "skills": [{}]}),
        ([("skills", 1, "name")], {"iss": CLAIMS["iss"], "skills": [{"name": "onderzoeken"}]}),
        (
            [("address",)],
            {"iss": CLAIMS["iss"], "skills": [], "address": {"street": "Voorbeeldlaan 1", "place": {"country": "NL"}}},
        ),
        (
            [("address", "place", "city")],
            {"iss": CLAIMS["iss"], "skills": [], "address": CLAIMS["address"]},
        ),
    ],
)
def test_presentation_shows_the_paths_with_what_leads_to_them_and_no_more(
    disclose: list[ClaimsPath], shown: dict[str, Any]
) -> None:
    """RFC 9901 §7.2, step 2."""
    assert read(present(issue(decoys=2), disclose=disclose)) == shown


def test_A14_paths_count_in_the_full_array_whatever_decoys_stand_between() -> None:
    """Where other issuers may put them."""
    payload, disclosures = conceal_and_parse(CLAIMS, disclosable=PATHS)
    for place in (0, 2, 4):
        payload["skills"].insert(place, {"...": base64url.encode(bytes([place]) * 32)})
    raw = assemble(payload, [disclosure.raw for disclosure in disclosures])
    assert read(present(raw, disclose=[("skills", 0), ("skills", 2)]))["skills"] == [
        {"name": "adviseren"},
        {"name": "schrijven"},
    ]


def test_a_presentation_keeps_the_issuers_bytes() -> None:
    raw = issue()
    assert present(raw, disclose=disclosable_paths(raw)) == raw
    assert present(raw, disclose=[]) == raw.split("~")[0] + "~"


@pytest.mark.parametrize(
    "path",
    [
        ("absent",),
        ("skills", 3),
        ("skills", -1),
        ("skills", None),
        ("skills", True),
        ("given_name", "x"),
        ("address", 0),
        (1,),
        ("_sd",),
        ("_sd_alg",),
        ("address", "_sd"),
        ("skills", 0, "..."),
    ],
)
def test_a_path_to_nothing_is_not_presented(path: ClaimsPath) -> None:
    with pytest.raises(CredentialError) as refusal:
        present(issue(), disclose=[path])
    assert refusal.value.code == "disclosure"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"_sd": []},
        {"_sd": ["x"]},
        {"_sd": "the digest of the disclosure is in here: {digest}"},
        {"_sd": None, "inner": {"_sd": ["{digest}"]}},
    ],
)
def test_a_disclosure_whose_digest_is_not_where_the_path_leads_is_not_presented(payload: dict[str, Any]) -> None:
    """RFC 9901 §7.2, step 2."""
    disclosure = create_disclosure("given_name", "Sanne", salt="salt")
    digest = base64url.encode(hashlib.sha256(disclosure.encode()).digest())
    raw = assemble(json.loads(json.dumps(payload).replace("{digest}", digest)), [disclosure])
    with pytest.raises(DisclosureError):
        present(raw, disclose=[("given_name",)])


@pytest.mark.parametrize("digest", ["x", 1, None, ["x"]])
def test_an_element_whose_digest_no_disclosure_has_is_passed_over_as_a_decoy(digest: Any) -> None:
    raw = assemble({"skills": [{"...": digest}, "lassen"]}, [])
    assert present(raw, disclose=[("skills", 0)]) == raw
    with pytest.raises(DisclosureError):
        present(raw, disclose=[("skills", 1)])


@pytest.mark.parametrize("content", ['"text"', "{}", '["salt"]', '["salt","name","value","more"]', "[]"])
def test_nothing_is_presented_beside_what_is_no_disclosure(content: str) -> None:
    raw = assemble({}, [base64url.encode(content.encode())])
    with pytest.raises(MalformedError):
        present(raw, disclose=[])


def test_a_presentation_is_bound_with_the_hash_of_the_issuer() -> None:
    raw = assemble({"_sd_alg": "sha-512"}, [])
    bound = present_bound(raw, disclose=[], signer=HOLDER, audience=AUDIENCE, nonce=NONCE, now=NOW)
    shown, _, key_binding_jwt = bound.rpartition("~")
    expected = base64url.encode(hashlib.sha512(f"{shown}~".encode()).digest())
    assert parse_jwt(key_binding_jwt).payload["sd_hash"] == expected


def test_a_presentation_is_not_presented_again() -> None:
    with pytest.raises(CredentialError) as refusal:
        present(bind(issue()), disclose=[])
    assert refusal.value.code == "malformed"


# Key binding


def bind(sd_jwt: str, **changes: Any) -> str:
    values: dict[str, Any] = {"signer": HOLDER, "audience": AUDIENCE, "nonce": NONCE, "now": NOW}
    return sd_jwt + create_key_binding_jwt(sd_jwt, **{**values, **changes})


def sign_binding(sd_jwt: str, *, typ: str = "kb+jwt", signer: SoftwareSigner = HOLDER, **changes: Any) -> str:
    digest = base64url.encode(hashlib.sha256(sd_jwt.encode()).digest())
    payload = {"iat": int(NOW.timestamp()), "aud": AUDIENCE, "nonce": NONCE, "sd_hash": digest, **changes}
    payload = {name: value for name, value in payload.items() if value != "absent"}
    return sd_jwt + sign_jwt(payload, signer=signer, typ=typ)


def verify_binding(raw: str, **changes: Any) -> None:
    values: dict[str, Any] = {
        "key": HOLDER.public_key,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": NOW,
        "algorithms": frozenset({"ES256"}),
    }
    verify_key_binding_jwt(parse_sd_jwt(raw), **{**values, **changes})


def test_K36_key_binding_of_the_holder_is_accepted() -> None:
    verify_binding(bind(issue()))
    verify_binding(sign_binding(issue()))


def test_K36_the_hash_of_the_issuer_covers_the_presentation() -> None:
    """RFC 9901 §4.3.1."""
    disclosure = hide("salt", "a", 1, hash_name="sha512")
    raw = assemble({"_sd": [disclosure.digest], "_sd_alg": "sha-512"}, [disclosure.raw])
    verify_binding(bind(raw, hash_algorithm="sha-512"))
    with pytest.raises(CredentialError) as refusal:
        verify_binding(bind(raw, hash_algorithm="sha-256"))
    assert refusal.value.code == "holder_binding"


def test_K37_missing_key_binding_is_never_taken_for_not_needed() -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_binding(issue())
    assert refusal.value.code == "holder_binding"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audience": "https://other.example"}, "audience"),
        ({"audience": "x:https://verifier.example"}, "audience"),
        ({"nonce": "another"}, "nonce"),
        ({"key": ISSUER.public_key}, "holder_binding"),
        ({"algorithms": frozenset({"Ed25519"})}, "holder_binding"),
        ({"algorithms": frozenset()}, "holder_binding"),
    ],
)
def test_K36_kb_jwt_for_another_expectation_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_binding(bind(issue()), **changes)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "absent"}, "audience"),
        ({"aud": [AUDIENCE]}, "audience"),
        ({"aud": None}, "audience"),
        ({"nonce": "absent"}, "nonce"),
        ({"nonce": [NONCE]}, "nonce"),
        ({"nonce": "é"}, "nonce"),
        ({"sd_hash": "absent"}, "holder_binding"),
        ({"sd_hash": "AAAA"}, "holder_binding"),
        ({"sd_hash": 1}, "holder_binding"),
        ({"iat": "absent"}, "holder_binding"),
        ({"iat": str(int(NOW.timestamp()))}, "malformed"),
        ({"iat": True}, "malformed"),
        ({"exp": int(NOW.timestamp()) - 3600}, "holder_binding"),
        ({"nbf": int(NOW.timestamp()) + 3600}, "holder_binding"),
        ({"typ": "jwt"}, "holder_binding"),
        ({"typ": "openid4vci-proof+jwt"}, "holder_binding"),
        ({"signer": ISSUER}, "holder_binding"),
    ],
)
def test_K36_kb_jwt_with_one_thing_broken_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_binding(sign_binding(issue(), **changes))
    assert refusal.value.code == code


@pytest.mark.parametrize("kb_jwt", ["a", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."])
def test_A15_kb_jwt_that_is_none_is_refused(kb_jwt: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_binding(issue() + kb_jwt)
    assert refusal.value.code in {"malformed", "holder_binding"}


@pytest.mark.parametrize(
    ("age", "is_accepted"),
    [
        (timedelta(minutes=5) + LEEWAY, True),
        (timedelta(minutes=5, seconds=1) + LEEWAY, False),
        (-LEEWAY, True),
        (-LEEWAY - timedelta(seconds=1), False),
    ],
)
def test_A16_kb_jwt_is_accepted_to_the_second_and_no_longer(age: timedelta, is_accepted: bool) -> None:
    raw = bind(issue(), now=NOW - age)
    if is_accepted:
        verify_binding(raw)
        return
    with pytest.raises(CredentialError) as refusal:
        verify_binding(raw)
    assert refusal.value.code == "holder_binding"


def test_A16_kb_jwt_over_other_disclosures_is_refused() -> None:
    raw = issue()
    bound = bind(present(raw, disclose=[("given_name",)])).rpartition("~")[2]
    for other in (present(raw, disclose=[]), present(raw, disclose=[("skills", 0)]), raw):
        with pytest.raises(CredentialError) as refusal:
            verify_binding(other + bound)
        assert refusal.value.code == "holder_binding"


# Properties

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).filter(
                lambda name: name not in {"_sd", "..."}
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
claim_sets = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "é"]), json_values, min_size=1)


def every_path(value: Any, path: ClaimsPath = ()) -> list[ClaimsPath]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, member in members for found in [(*path, name), *every_path(member, (*path, name))]]


def keep(value: Any, hidden: set[ClaimsPath], shown: set[ClaimsPath], path: ClaimsPath = ()) -> Any:
    """Say in the plainest way what remains of claims of which some are hidden and some of these shown."""
    if isinstance(value, dict):
        entries = [(name, (*path, name), member) for name, member in value.items()]
        return {name: keep(m, hidden, shown, p) for name, p, m in entries if p not in hidden or p in shown}
    if isinstance(value, list):
        elements = [((*path, index), member) for index, member in enumerate(value)]
        return [keep(member, hidden, shown, p) for p, member in elements if p not in hidden or p in shown]
    return value


@given(st.data())
def test_K32_a_template_conceals_as_if_the_claims_had_come_alone(data: st.DataObject) -> None:
    claims, differing = data.draw(claim_sets), data.draw(claim_sets)
    hidden = data.draw(st.lists(st.sampled_from(every_path(claims)), unique=True))
    hidden = [path for path in hidden if path[0] not in differing or len(path) == 1]
    alone, salts = {**claims, **differing}, [f"salt {number}" for number in range(100)]
    template = ConcealTemplate(claims, disclosable=hidden)
    with patch.object(sd_jwt, "create_salts", lambda: iter(salts)):
        payload, disclosures = template.fill(differing)
    expected = conceal(alone, disclosable=hidden, salts=salts)
    assert (json.loads(encode_json(payload)), disclosures) == expected
    assert encode_json(payload) == encode_json(expected[0])


@given(st.data())
def test_K35_what_is_presented_is_what_was_chosen_and_nothing_else(data: st.DataObject) -> None:
    claims = data.draw(claim_sets)
    paths = every_path(claims)
    hidden = set(data.draw(st.lists(st.sampled_from(paths), unique=True)))
    wanted = data.draw(st.lists(st.sampled_from(paths), unique=True))
    raw = issue(claims, sorted(hidden, key=str), decoys=data.draw(st.integers(0, 3)))
    assert read(raw) == claims
    assert set(disclosable_paths(raw)) == hidden
    shown = {path[:length] for path in wanted for length in range(1, len(path) + 1)}
    presented = parse_sd_jwt(present(raw, disclose=wanted))
    assert len(presented.disclosures) == len(shown & hidden)
    assert reveal(presented.issuer_jwt.payload, presented.disclosures, protected=NONE) == keep(claims, hidden, shown)


@given(st.text(st.characters(codec="ascii"), max_size=200) | st.text(max_size=50))
def test_K30_no_text_makes_the_parser_raise_anything_but_a_credential_error(raw: str) -> None:
    for text in (raw, f"{raw}~", raw.join("~~"), issue({"a": 1}, [("a",)]) + raw):
        try:
            parse_sd_jwt(text)
        except CredentialError:
            continue


@given(json_values, st.lists(json_values, max_size=3))
def test_K34_no_payload_and_no_disclosure_makes_anything_but_a_credential_error(
    payload: Any, contents: list[Any]
) -> None:
    disclosures = [base64url.encode(encode_json(content)) for content in contents]
    digests = [base64url.encode(hashlib.sha256(text.encode()).digest()) for text in disclosures]
    hostile = {"p": payload, "_sd": digests[:2], "l": [{"...": digest} for digest in digests[1:]]}
    raw = assemble(hostile, disclosures)
    with suppress(CredentialError):
        read(raw)
    for path in [("a",), ("l", 0), ("l", 1, "a"), ("p", "a"), ("p", 0, "a")]:
        with suppress(CredentialError):
            present(raw, disclose=[path])


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_byte_is_read_as_something_else(place: int, byte: int) -> None:
    raw = issue({"a": 1, "b": ["x"]}, [("a",), ("b", None)])
    place %= len(raw)
    changed = raw[:place] + chr(byte) + raw[place + 1 :]
    try:
        claims = read(changed)
        is_bound = parse_sd_jwt(changed).key_binding_jwt is not None
    except CredentialError:
        return
    assert is_bound or changed.split("~")[0] != raw.split("~")[0] or claims == {"a": 1, "b": ["x"]}

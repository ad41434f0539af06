"""kernel.did: did:jwk, did:key, did:web, and what a document lets a key do. PROFILE.md K-20 to K-24, A-02, A-04."""

import copy
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url, multikey
from kernel.did import (
    create_did_web_document,
    did_jwk,
    did_key,
    did_web,
    did_web_url,
    json_web_key_2020_url,
    multikey_url,
    parse_did_document,
    resolve_static_did,
)
from kernel.errors import CredentialError, MalformedError, UntrustedIssuerError
from kernel.jwt import verify_jwt
from kernel.keys import PublicKey, SoftwareSigner, parse_public_jwk, public_key_from

DID = "did:web:issuer.example:hogeschool"
KID = f"{DID}#es256-2026"
KEY = SoftwareSigner.generate().public_key
OTHER_KEY = SoftwareSigner.generate("Ed25519").public_key

# The examples of the did:jwk and did:key specifications.
PUBLISHED_DID_JWK = (
    "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAi"
    "LCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9"
)
PUBLISHED_DID_JWK_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0",
    "y": "_KcyLj9vWMptnmKtm46GqDz8wf74I5LKgrl2GzH3nSE",
}
PUBLISHED_DID_KEYS = {
    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp": "Ed25519",
    "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169": "ES256",
    "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv": "ES256",
    "did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9": "ES384",
}


def jwk_method(**changes: Any) -> dict[str, Any]:
    return {"id": KID, "type": "JsonWebKey", "controller": DID, "publicKeyJwk": KEY.jwk, **changes}


def did_document(**changes: Any) -> dict[str, Any]:
    return {"id": DID, "verificationMethod": [jwk_method()], "assertionMethod": [KID], **changes}


def find_key(document: dict[str, Any], kid: object = KID) -> PublicKey:
    return parse_did_document(document, did=DID).find_key(kid, relation="assertionMethod")


def multikey_of(key: PublicKey) -> str:
    return did_key(key.jwk).removeprefix("did:key:")


# The did:jwk method


def test_K20_published_did_jwk_is_resolved():
    document = resolve_static_did(PUBLISHED_DID_JWK)
    for relation in ("assertionMethod", "authentication"):
        assert document.find_key(f"{PUBLISHED_DID_JWK}#0", relation=relation).jwk == PUBLISHED_DID_JWK_KEY


def test_K20_did_jwk_that_we_make_resolves_to_the_key():
    did = did_jwk({**KEY.jwk, "kid": "left out"})
    assert json.loads(base64url.decode(did.removeprefix("did:jwk:"))) == KEY.jwk
    assert resolve_static_did(did).find_key(f"{did}#0", relation="authentication") == KEY


def test_K20_did_jwk_for_encryption_is_in_no_relation_that_signs():
    did = "did:jwk:" + base64url.encode(json.dumps({**KEY.jwk, "use": "enc"}).encode())
    with pytest.raises(UntrustedIssuerError):
        resolve_static_did(did).find_key(f"{did}#0", relation="authentication")


@pytest.mark.parametrize("kid", ["", "#0", "#1", "0"])
def test_K20_did_jwk_has_the_key_zero_and_no_other(kid: str):
    with pytest.raises(UntrustedIssuerError):
        resolve_static_did(PUBLISHED_DID_JWK).find_key(
            PUBLISHED_DID_JWK + kid.replace("#0", ""), relation="authentication"
        )


@pytest.mark.parametrize(
    "jwk",
    [
        {**PUBLISHED_DID_JWK_KEY, "d": "AA"},
        {**PUBLISHED_DID_JWK_KEY, "y": PUBLISHED_DID_JWK_KEY["x"]},
        {"kty": "OKP", "crv": "X25519", "use": "enc", "x": base64url.encode(bytes(32))},
        [],
        None,
    ],
)
def test_K20_A07_did_jwk_of_anything_but_a_public_key_is_refused(jwk: object):
    with pytest.raises(MalformedError):
        resolve_static_did("did:jwk:" + base64url.encode(json.dumps(jwk).encode()))


# The did:key method


@pytest.mark.parametrize(("did", "algorithm"), PUBLISHED_DID_KEYS.items())
def test_K24_published_did_key_is_resolved_and_made_again(did: str, algorithm: str):
    key = resolve_static_did(did).find_key(f"{did}#{did.removeprefix('did:key:')}", relation="authentication")
    assert algorithm in key.algorithms
    assert did_key(key.jwk) == did


def test_K24_no_did_key_is_made_of_an_rsa_key():
    with pytest.raises(MalformedError):
        did_key(public_key_from(rsa.generate_private_key(65537, 2048).public_key()).jwk)


def test_K24_did_key_with_an_uncompressed_point_is_refused():
    public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with pytest.raises(MalformedError):
        resolve_static_did("did:key:" + multikey.encode_multikey(multikey.P256_PUBLIC_KEY, point))


@pytest.mark.parametrize(
    ("codec", "key"),
    [
        (multikey.P256_PUBLIC_KEY, b"\x02" + b"\xff" * 32),
        (multikey.P256_PUBLIC_KEY, b"\x02" + bytes(31)),
        (multikey.P384_PUBLIC_KEY, b"\x03" + bytes(32)),
        (multikey.ED25519_PUBLIC_KEY, bytes(31)),
        (0xEC, bytes(32)),
        (0xE7, b"\x02" + bytes(32)),
    ],
    ids=["off the curve", "too short", "size of another curve", "short Ed25519", "X25519", "secp256k1"],
)
def test_K24_did_key_of_anything_but_a_public_key_is_refused(codec: int, key: bytes):
    with pytest.raises(MalformedError):
        resolve_static_did("did:key:" + multikey.encode_multikey(codec, key))


@pytest.mark.parametrize("did", ["", "did:web:issuer.example", "DID:KEY:z6Mk", "did:jwk:" + "e" * 5000, "did:peer:2"])
def test_K24_only_did_jwk_and_did_key_are_resolved_without_network(did: str):
    with pytest.raises(MalformedError):
        resolve_static_did(did)


def test_K20_did_jwk_longer_than_any_key_is_refused():
    padded = {**KEY.jwk, "note": "x" * 3000}
    did = "did:jwk:" + base64url.encode(json.dumps(padded).encode())
    with pytest.raises(MalformedError):
        resolve_static_did(did)
    padded["note"] = "x" * 2000
    assert resolve_static_did("did:jwk:" + base64url.encode(json.dumps(padded).encode()))


@given(st.sampled_from(["did:jwk:", "did:key:", "did:key:z", ""]), st.text(max_size=60))
def test_K24_no_did_raises_anything_but_a_credential_error(prefix: str, text: str):
    try:
        document = resolve_static_did(prefix + text)
    except CredentialError:
        return
    assert document.did == prefix + text


# The did:web method


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
        ("did:web:localhost%3a8101:a-b_c~d.e", "https://localhost:8101/a-b_c~d.e/did.json"),
        ("did:web:example.com:caf%C3%A9", "https://example.com/caf%C3%A9/did.json"),
        ("did:web:xn--caf-dma.example", "https://xn--caf-dma.example/.well-known/did.json"),
    ],
)
def test_K21_did_web_names_one_https_url(did: str, url: str):
    """The first four are the examples of the did:web method."""
    assert did_web_url(did) == url


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        ":a",
        "example.com:",
        "example.com::a",
        "example.com:..",
        "example.com:%2e%2e",
        "example.com:.",
        "example.com:a%2Fb",
        "example.com:a%5Cb",
        "example.com:a%3Fb",
        "example.com:a%23b",
        "example.com:a%00b",
        "example.com:a%FFb",
        "example.com:a%2",
        "example.com:a/b",
        "example.com:a?b",
        "example.com:a#b",
        "example.com:a b",
        "example.com:é",
        "example.com/a",
        "example.com#0",
        "example.com?x",
        "user%40example.com",
        "user@example.com",
        "example.com%2Fa",
        "example.com%3A",
        "example.com%3A0",
        "example.com%3A65536",
        "example.com%3A-1",
        "example.com%3A80%3A80",
        "example.com%3Aa",
        "example..com",
        "-example.com",
        "example.com.",
        "127.0.0.1",
        "127.0.0.1%3A80",
        "2130706433",
        "0x7f000001",
        "127.0.0.0x1",
        "127.1",
        "%5B%3A%3A1%5D",
        "[::1]",
        "example.com\n",
        "ex\u00e1mple.com",
    ],
)
def test_K21_A42_did_web_of_anything_but_a_domain_and_plain_path_is_refused(identifier: str):
    with pytest.raises(MalformedError):
        did_web_url(f"did:web:{identifier}")


@pytest.mark.parametrize("did", ["", "did:jwk:example.com", "xdid:web:example.com", "did:WEB:example.com"])
def test_K21_another_method_is_not_read_as_did_web(did: str):
    with pytest.raises(MalformedError):
        did_web_url(did)


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://h:1/a/b", "did:web:h%3A1:a:b"),
        ("https://issuer.example", "did:web:issuer.example"),
        ("https://issuer.example/", "did:web:issuer.example"),
        ("https://Issuer.Example/hogeschool", "did:web:issuer.example:hogeschool"),
        ("http://localhost:8101/hogeschool", "did:web:localhost%3A8101:hogeschool"),
    ],
)
def test_K21_our_url_has_one_did_web(url: str, did: str):
    assert did_web(url) == did
    assert did_web_url(did).startswith("https://")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "issuer.example",
        "ftp://issuer.example",
        "https://",
        "https://user@issuer.example",
        "https://issuer.example/?a",
        "https://issuer.example/#a",
        "https://issuer.example:port/",
        "https://issuer.example:70000/",
        "https://issuer.example/a//b",
        "https://issuer.example/a:b",
        "https://issuer.example/../b",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::1/",
    ],
)
def test_K21_a_url_that_no_did_web_can_name_is_refused(url: str):
    with pytest.raises(MalformedError):
        did_web(url)


@given(st.text(max_size=40) | st.text(alphabet="ab.:%3A2F0/[]@#?", max_size=30))
def test_K21_no_text_makes_a_did_web_crash_or_leave_its_host(text: str):
    try:
        url = did_web_url(f"did:web:{text}")
    except MalformedError:
        return
    assert did_web(url.removesuffix("/did.json").removesuffix("/.well-known")).lower() == f"did:web:{text}".lower()


# Documents


def test_K21_document_of_another_subject_is_refused():
    for document in (
        did_document(id="did:web:evil.example"),
        did_document(id=None),
        did_document(id=[DID]),
        [],
        None,
        5,
    ):
        with pytest.raises(MalformedError):
            parse_did_document(document, did=DID)


def test_K22_both_forms_of_a_key_are_read_and_the_older_names_too():
    edwards = multikey_of(OTHER_KEY)
    forms: list[tuple[dict[str, Any], PublicKey]] = [
        ({"type": "JsonWebKey", "publicKeyJwk": {"kid": "1", **KEY.jwk}}, KEY),
        ({"type": "JsonWebKey2020", "publicKeyJwk": KEY.jwk}, KEY),
        ({"type": "Multikey", "publicKeyMultibase": multikey_of(KEY)}, KEY),
        ({"type": "Multikey", "publicKeyMultibase": edwards}, OTHER_KEY),
        ({"type": "Ed25519VerificationKey2020", "publicKeyMultibase": edwards}, OTHER_KEY),
    ]
    for form, key in forms:
        method = {"id": KID, "controller": DID, **form}
        assert find_key(did_document(verificationMethod=[method])) == key


@pytest.mark.parametrize(
    "form",
    [
        {"type": "JsonWebKey"},
        {"type": "JsonWebKey", "publicKeyJwk": {**KEY.jwk, "d": "AA"}},
        {"type": "JsonWebKey", "publicKeyJwk": KEY.jwk, "publicKeyMultibase": multikey_of(KEY)},
        {"type": "Multikey", "publicKeyJwk": KEY.jwk},
        {"type": "Multikey", "publicKeyMultibase": 5},
        {"type": "Multikey", "publicKeyMultibase": "u" + multikey_of(KEY)},
        {"type": "JsonWebKey", "publicKeyMultibase": multikey_of(KEY)},
        {"type": "Ed25519VerificationKey2020", "publicKeyMultibase": multikey_of(KEY)},
        {"type": "EcdsaSecp256k1VerificationKey2019", "publicKeyJwk": KEY.jwk},
        {"type": ["JsonWebKey"], "publicKeyJwk": KEY.jwk},
        {"publicKeyJwk": KEY.jwk},
    ],
)
def test_K22_a_method_without_exactly_one_key_of_its_type_is_refused(form: dict[str, Any]):
    document = did_document(verificationMethod=[{"id": KID, "controller": DID, **form}])
    with pytest.raises(MalformedError):
        find_key(document)


def test_K22_a_key_of_an_unknown_kind_does_not_spoil_the_others():
    unknown = {"id": f"{DID}#x", "type": "X25519KeyAgreementKey2020", "controller": DID, "publicKeyMultibase": "z1"}
    assert find_key(did_document(verificationMethod=[unknown, jwk_method()])) == KEY


def test_K23_A04_a_key_is_usable_in_the_relation_that_lists_it_and_no_other():
    document = did_document(assertionMethod=[], authentication=[KID])
    with pytest.raises(UntrustedIssuerError):
        find_key(document)
    assert parse_did_document(document, did=DID).find_key(KID, relation="authentication") == KEY


def test_K23_an_embedded_method_is_usable_in_its_relation_only():
    document = did_document(verificationMethod=[], assertionMethod=[jwk_method()])
    assert find_key(document) == KEY
    with pytest.raises(UntrustedIssuerError):
        parse_did_document(document, did=DID).find_key(KID, relation="authentication")


def test_K23_relative_references_are_resolved_against_the_subject():
    """DID Core 1.0 §3.2.2."""
    assert (
        find_key(did_document(verificationMethod=[jwk_method(id="#es256-2026")], assertionMethod=["#es256-2026"]))
        == KEY
    )


@pytest.mark.parametrize("controller", [None, "did:web:evil.example", f"{DID}/", [DID]])
def test_K23_a_method_of_another_controller_is_refused(controller: object):
    with pytest.raises(UntrustedIssuerError):
        find_key(did_document(verificationMethod=[jwk_method(controller=controller)]))


@pytest.mark.parametrize("end", [{"revoked": "2026-01-01T00:00:00Z"}, {"expires": "2999-01-01T00:00:00Z"}])
def test_K23_a_method_that_ended_or_will_end_is_refused(end: dict[str, str]):
    with pytest.raises(UntrustedIssuerError):
        find_key(did_document(verificationMethod=[jwk_method(**end)]))


@pytest.mark.parametrize(
    "kid",
    [
        "#es256-2026",
        "es256-2026",
        KID.upper(),
        f"{KID} ",
        f"{DID}#",
        f"{DID}?a#es256-2026",
        "did:web:evil.example#es256-2026",
        "https://evil.example/key",
        "' OR 1=1 --",
        "../../etc/passwd",
        "",
        None,
        5,
        [KID],
        {"kid": KID},
    ],
)
def test_A02_kid_is_compared_character_by_character(kid: object):
    with pytest.raises(UntrustedIssuerError):
        find_key(did_document(), kid)


def test_A02_a_reference_to_a_method_elsewhere_is_no_key_of_this_document():
    elsewhere = "did:web:evil.example#1"
    with pytest.raises(UntrustedIssuerError):
        find_key(did_document(assertionMethod=[elsewhere]), elsewhere)


def test_A10_a_key_that_was_rotated_out_is_no_longer_found():
    document = did_document(verificationMethod=[jwk_method(id=f"{DID}#new")], assertionMethod=[f"{DID}#new"])
    with pytest.raises(UntrustedIssuerError):
        find_key(document)


@pytest.mark.parametrize(
    "change",
    [
        {"verificationMethod": {}},
        {"verificationMethod": "x"},
        {"verificationMethod": [5]},
        {"verificationMethod": [{}]},
        {"verificationMethod": [jwk_method(id=5)]},
        {"verificationMethod": [jwk_method(), jwk_method()]},
        {"assertionMethod": KID},
        {"assertionMethod": [5]},
        {"assertionMethod": [jwk_method()]},
        {"authentication": {}},
    ],
)
def test_K23_a_document_of_another_shape_is_refused(change: dict[str, Any]):
    with pytest.raises(MalformedError):
        parse_did_document(did_document(**change), did=DID)


@given(
    st.recursive(
        st.none() | st.integers() | st.sampled_from([DID, KID, "#es256-2026", "z6Mk", "Multikey", "JsonWebKey"]),
        lambda children: (
            st.lists(children, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "type",
                        "controller",
                        "publicKeyJwk",
                        "publicKeyMultibase",
                        "verificationMethod",
                        "assertionMethod",
                    ]
                ),
                children,
            )
        ),
        max_leaves=12,
    )
)
def test_K23_no_document_raises_anything_but_a_credential_error(document: Any):
    raw = {"verificationMethod": [], **document, "id": DID} if isinstance(document, dict) else document
    try:
        key = find_key(raw)
    except CredentialError:
        return
    assert key.algorithms


def test_K06_document_with_a_name_given_twice_is_refused():
    raw = json.dumps(did_document())
    parse_did_document(raw.encode(), did=DID)
    with pytest.raises(MalformedError):
        parse_did_document((raw[:-1] + f',"id":"{DID}"}}').encode(), did=DID)


def test_K20_our_own_document_gives_back_its_keys_in_both_relations():
    service = [{"id": f"{DID}#site", "type": "LinkedDomains", "serviceEndpoint": "https://issuer.example"}]
    document = create_did_web_document(DID, [("es256-2026", KEY), ("ed25519-2026", OTHER_KEY)], service=service)
    parsed = parse_did_document(json.dumps(document).encode(), did=DID)
    for relation in ("assertionMethod", "authentication"):
        assert parsed.find_key(KID, relation=relation) == KEY
        assert parsed.find_key(f"{DID}#ed25519-2026", relation=relation) == OTHER_KEY
    assert document["verificationMethod"][0]["publicKeyJwk"] == {"kid": "es256-2026", "alg": "ES256", **KEY.jwk}
    assert document["service"] == service
    assert "service" not in create_did_web_document(DID, [])


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()])
def test_K22_a_key_for_tokens_and_embedded_proofs_stands_in_our_document_in_the_form_of_each(curve: Any):
    key = public_key_from(ec.generate_private_key(curve).public_key())
    document = create_did_web_document(DID, [("ecdsa", key)], multikeys=[key])
    parsed = parse_did_document(json.dumps(document).encode(), did=DID)
    jose, embedded = document["verificationMethod"]
    assert (jose["type"], embedded["type"]) == ("JsonWebKey", "Multikey")
    assert embedded["id"] == multikey_url(DID, key) == f"{DID}#{embedded['publicKeyMultibase']}"
    assert document["assertionMethod"] == document["authentication"] == [jose["id"], embedded["id"]]
    for method in document["assertionMethod"]:
        assert parsed.find_key(method, relation="assertionMethod") == key


def test_K22_a_key_stands_in_our_document_under_the_type_of_before_vc_jose_cose_too():
    document = create_did_web_document(DID, [("es256", KEY)], json_web_keys_2020=[KEY])
    jose, older = document["verificationMethod"]
    assert (jose["type"], older["type"]) == ("JsonWebKey", "JsonWebKey2020")
    assert older["id"] == json_web_key_2020_url(DID, KEY) == f"{DID}#{KEY.thumbprint}"
    assert older["publicKeyJwk"] == {"kid": KEY.thumbprint, "alg": "ES256", **KEY.jwk}
    assert document["@context"][-1] == "https://w3id.org/security/suites/jws-2020/v1"
    assert document["assertionMethod"] == document["authentication"] == [jose["id"], older["id"]]
    parsed = parse_did_document(json.dumps(document).encode(), did=DID)
    assert parsed.find_key(older["id"], relation="assertionMethod") == KEY


# Worked examples


def test_K22_worked_example_20_both_keys_of_the_did_document_are_found(profile_vectors: dict[str, Any]):
    document = copy.deepcopy(profile_vectors["did_document"])
    parsed = parse_did_document(document, did=document["id"])
    signing, linked_data = (parsed.find_key(kid, relation="assertionMethod") for kid in document["assertionMethod"])
    assert signing == parse_public_jwk(document["verificationMethod"][0]["publicKeyJwk"])
    assert multikey_of(linked_data) == document["verificationMethod"][1]["publicKeyMultibase"]
    with pytest.raises(UntrustedIssuerError):
        parsed.find_key(document["assertionMethod"][0], relation="authentication")


def test_K20_worked_example_6_key_proof_names_its_key_by_did_jwk(profile_vectors: dict[str, Any]):
    proof = profile_vectors["key_proof"]
    did, _, _ = proof["header"]["kid"].partition("#")
    assert did == did_jwk(proof["holder_jwk"])
    key = resolve_static_did(did).find_key(proof["header"]["kid"], relation="authentication")
    verified = verify_jwt(proof["jwt"], key=key, typ="openid4vci-proof+jwt", algorithms=frozenset({"ES256"}))
    assert verified.payload == proof["payload"]


# Keys of who asks, for which no relation is named


@pytest.mark.parametrize(
    "changes",
    [
        {"assertionMethod": []},
        {},
        {"authentication": [KID]},
        {"verificationMethod": [], "assertionMethod": [], "authentication": [jwk_method()]},
    ],
)
def test_W43_key_of_a_request_is_any_that_the_document_lists(changes: dict[str, Any]):
    assert parse_did_document(did_document(**changes), did=DID).find_listed_key(KID) == KEY


@pytest.mark.parametrize(
    ("changes", "kid"),
    [
        ({}, f"{DID}#another"),
        ({}, "#es256-2026"),
        ({}, [KID]),
        ({}, None),
        ({"verificationMethod": [], "assertionMethod": [jwk_method()]}, KID),
        ({"verificationMethod": [], "authentication": [KID]}, KID),
        ({"verificationMethod": [jwk_method(controller="did:web:other.example")]}, KID),
        ({"verificationMethod": [jwk_method(revoked="2026-01-01T00:00:00Z")]}, KID),
        ({"verificationMethod": [jwk_method(publicKeyJwk={**KEY.jwk, "use": "enc"})]}, KID),
    ],
    ids=range(9),
)
def test_W43_A02_A34_no_other_key_signs_a_request(changes: dict[str, Any], kid: object):
    with pytest.raises(UntrustedIssuerError):
        parse_did_document(did_document(**changes), did=DID).find_listed_key(kid)

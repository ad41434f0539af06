"""kernel.jwt: compact JWS, in one fixed order of refusals. PROFILE.md K-01 to K-06, K-10, A-01 to A-03, A-06, A-09."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jwcrypto.jwk
import jwcrypto.jws
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    WrongTypeError,
)
from kernel.jwt import (
    LEEWAY,
    UnverifiedJwt,
    find_numeric_date,
    get_numeric_date,
    parse_jwt,
    sign_jwt,
    verify_jwt,
    verify_times,
)
from kernel.keys import PublicKey, SoftwareSigner, parse_public_jwk

TYP = "openid4vci-proof+jwt"
ES256 = frozenset({"ES256"})
SIGNER = SoftwareSigner.generate()
PAYLOAD = {"aud": "https://issuer.example", "iat": 1795262400, "nonce": "Oba9Tyv6M2vwDDe-0Qiv2g"}
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def forge(header: object, payload: object = PAYLOAD, *, signer: SoftwareSigner = SIGNER) -> str:
    """Sign whatever the attacker likes to write; header and payload may be raw text."""
    segments = [part if isinstance(part, str) else json.dumps(part) for part in (header, payload)]
    signing_input = ".".join(base64url.encode(segment.encode()) for segment in segments)
    return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode()))}"


def verify(token: str | UnverifiedJwt, **changes: Any) -> Any:
    expected: dict[str, Any] = {"key": SIGNER.public_key, "typ": TYP, "algorithms": ES256}
    return verify_jwt(token, **{**expected, **changes})


# What is accepted


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA"])
def test_K01_what_we_sign_we_verify(algorithm: str):
    signer = SoftwareSigner.generate(algorithm)
    raw = sign_jwt(PAYLOAD, signer=signer, typ=TYP, header={"kid": "key-1"})
    verified = verify(raw, key=signer.public_key, algorithms=frozenset({algorithm}))
    assert verified.header == {"alg": algorithm, "typ": TYP, "kid": "key-1"}
    assert (verified.payload, verified.raw, verified.key) == (PAYLOAD, raw, signer.public_key)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kid": "did:web:issuer.example#1"},
        {"x5c": ["AAAA", "BBBB"]},
        {"x5c": ("AAAA",)},
        {"jwk": SIGNER.public_key.jwk},
        {"trust_chain": [["a"]], "kid": "é"},
    ],
)
def test_K01_header_members_are_signed_as_given(header: dict[str, Any]):
    for _ in range(2):
        verified = verify(sign_jwt(PAYLOAD, signer=SIGNER, typ=TYP, header=header))
        assert verified.header == {"alg": "ES256", "typ": TYP, **json.loads(json.dumps(header))}


def test_K01_a_header_that_is_reused_after_a_change_is_encoded_anew():
    header = {"x5c": ["AAAA"]}
    sign_jwt(PAYLOAD, signer=SIGNER, typ=TYP, header=header)
    header["x5c"].append("BBBB")
    assert verify(sign_jwt(PAYLOAD, signer=SIGNER, typ=TYP, header=header)).header["x5c"] == ["AAAA", "BBBB"]
    assert verify(sign_jwt(PAYLOAD, signer=SIGNER, typ="kb+jwt"), typ="kb+jwt").header["typ"] == "kb+jwt"


def test_K01_one_of_several_expected_types_is_enough():
    raw = sign_jwt(PAYLOAD, signer=SIGNER, typ="vc+sd-jwt")
    assert verify(raw, typ=frozenset({"dc+sd-jwt", "vc+sd-jwt"})).payload == PAYLOAD


def test_K01_rfc_7515_token_without_typ_is_read_but_not_verified():
    """RFC 7515, Appendix A.3: a good signature, and no type to expect."""
    raw = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    assert parse_jwt(raw).payload["iss"] == "joe"
    with pytest.raises(WrongTypeError):
        verify(raw)


# A-01: algorithms


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "ES256K", "PS256", "ES512", "ECDH-ES", ""]
)
def test_K02_A01_an_algorithm_never_allowed_is_refused_before_any_key_is_looked_up(algorithm: str):
    raw = forge({"alg": algorithm, "typ": TYP})
    with pytest.raises(AlgorithmNotAllowedError):
        parse_jwt(raw)


def test_A01_unsigned_token_is_refused():
    unsigned = ".".join(base64url.encode(json.dumps(part).encode()) for part in ({"alg": "none", "typ": TYP}, PAYLOAD))
    with pytest.raises(AlgorithmNotAllowedError):
        parse_jwt(f"{unsigned}.")


def test_A01_hmac_with_the_public_key_is_refused():
    for secret in (
        SIGNER.public_key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(SIGNER.public_key.jwk).encode(),
    ):
        segments = [base64url.encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": TYP}, PAYLOAD)]
        mac = hmac.digest(secret, ".".join(segments).encode(), hashlib.sha256)
        with pytest.raises(AlgorithmNotAllowedError):
            verify(".".join([*segments, base64url.encode(mac)]), algorithms=frozenset({"ES256", "HS256"}))


class UnaskedKey:
    """A key that fails the test when it is asked for anything."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError("the key was used before the algorithm was judged")


@pytest.mark.parametrize("algorithms", [frozenset[str](), frozenset({"EdDSA"}), frozenset({"none", "HS256"})])
def test_K02_the_callers_algorithms_are_judged_before_type_and_key(algorithms: frozenset[str]):
    raw = sign_jwt(PAYLOAD, signer=SIGNER, typ="kb+jwt")
    with pytest.raises(AlgorithmNotAllowedError):
        verify(raw, key=UnaskedKey(), algorithms=algorithms)


def test_K02_the_type_is_judged_before_the_signature():
    with pytest.raises(WrongTypeError):
        verify(sign_jwt(PAYLOAD, signer=SIGNER, typ="kb+jwt"), key=UnaskedKey())


def test_K02_an_allowed_algorithm_that_does_not_fit_the_key_is_refused():
    raw = forge({"alg": "EdDSA", "typ": TYP})
    with pytest.raises(AlgorithmNotAllowedError):
        verify(raw, algorithms=frozenset({"ES256", "EdDSA"}))


@pytest.mark.parametrize("alg", [None, 5, ["ES256"], {"ES256": 1}, True])
def test_A01_alg_that_is_no_text_is_refused(alg: object):
    with pytest.raises(MalformedError):
        parse_jwt(forge({"alg": alg, "typ": TYP}))


# A-02: keys from the header


def test_K04_A02_key_locations_in_the_header_are_not_followed():
    mallory = SoftwareSigner.generate()
    header = {
        "alg": "ES256",
        "typ": TYP,
        "jwk": mallory.public_key.jwk,
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/x5u",
        "x5c": ["AAAA"],
        "kid": "../../evil",
    }
    with pytest.raises(InvalidSignatureError):
        verify(forge(header, signer=mallory))
    assert verify(forge(header)).payload == PAYLOAD


@pytest.mark.parametrize("member", ["d", "p", "q", "k", "oth"])
def test_K05_A07_private_key_in_the_header_is_refused(member: str):
    jwk = {**SIGNER.public_key.jwk, member: "AA"}
    with pytest.raises(MalformedError):
        parse_jwt(forge({"alg": "ES256", "typ": TYP, "jwk": jwk}))


@pytest.mark.parametrize("jwk", [None, "key", {}, {**SIGNER.public_key.jwk, "y": SIGNER.public_key.jwk["x"]}])
def test_A06_key_in_the_header_that_is_none_is_refused(jwk: object):
    with pytest.raises(MalformedError):
        parse_jwt(forge({"alg": "ES256", "typ": TYP, "jwk": jwk}))


# A-03: types


@pytest.mark.parametrize(
    "typ",
    [
        None,
        "",
        "JWT",
        "kb+jwt",
        "dc+sd-jwt",
        "vc+sd-jwt",
        "statuslist+jwt",
        "oauth-authz-req+jwt",
        "application/openid4vci-proof+jwt",
        "OPENID4VCI-PROOF+JWT",
        "openid4vci-proof+jwt ",
        ["openid4vci-proof+jwt"],
        {"openid4vci-proof+jwt": 1},
        5,
    ],
)
def test_K03_A03_right_signature_of_another_type_is_refused(typ: object):
    header = {"alg": "ES256"} if typ is None else {"alg": "ES256", "typ": typ}
    for expected in (TYP, frozenset({TYP})):
        with pytest.raises(WrongTypeError):
            verify(forge(header), typ=expected)


# K-06: one spelling


@pytest.mark.parametrize("crit", [["b64"], ["exp"], [], None, "b64", ["alg"]])
def test_K06_critical_extensions_are_refused(crit: object):
    with pytest.raises(MalformedError):
        parse_jwt(forge({"alg": "ES256", "typ": TYP, "crit": crit, "b64": False}))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        pytest.param('{"alg":"ES256","alg":"none"}', PAYLOAD, id="alg twice"),
        pytest.param({"alg": "ES256"}, '{"aud":"a","aud":"b"}', id="aud twice"),
        pytest.param({"alg": "ES256"}, '{"cnf":{"kid":"a","kid":"b"}}', id="name twice inside"),
        pytest.param([], PAYLOAD, id="header no object"),
        pytest.param("alg", PAYLOAD, id="header no JSON"),
        pytest.param({"alg": "ES256"}, [], id="payload no object"),
        pytest.param({"alg": "ES256"}, '{"exp":NaN}', id="NaN in payload"),
        pytest.param({"alg": "ES256"}, '{"exp":1e999}', id="infinite number in payload"),
        pytest.param({"alg": "ES256"}, "[" * 100, id="depth bomb"),
        pytest.param({}, PAYLOAD, id="empty header"),
    ],
)
def test_K06_A08_json_with_two_readings_is_refused(header: object, payload: object):
    with pytest.raises(MalformedError):
        parse_jwt(forge(header, payload))


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda h, p, s: f"{h}=.{p}.{s}", id="padded header"),
        pytest.param(lambda h, p, s: f"{h}.{p}=.{s}", id="padded payload"),
        pytest.param(lambda h, p, s: f"{h}.{p}.{s}==", id="padded signature"),
        pytest.param(lambda h, p, s: f"{h}.{p}.{s}\n", id="line feed"),
        pytest.param(lambda h, p, s: f" {h}.{p}.{s}", id="leading space"),
        pytest.param(lambda h, p, s: f"{h}.{p}.{s}.", id="four segments"),
        pytest.param(lambda h, p, s: f"{h}.{p}", id="two segments"),
        pytest.param(lambda h, p, s: f"{h}..{s}", id="detached payload"),
        pytest.param(lambda h, p, s: f".{p}.{s}", id="no header"),
        pytest.param(lambda h, p, s: json.dumps({"protected": h, "payload": p, "signature": s}), id="JSON form"),
        pytest.param(lambda h, p, s: f"{h}.{p}.{s}".encode(), id="bytes"),
        pytest.param(lambda h, p, s: [h, p, s], id="list"),
        pytest.param(lambda h, p, s: None, id="nothing"),
    ],
)
def test_K06_a_second_spelling_of_a_token_is_refused(spell: Any):
    header, payload, signature = sign_jwt(PAYLOAD, signer=SIGNER, typ=TYP).split(".")
    with pytest.raises(MalformedError):
        parse_jwt(spell(header, payload, signature))


def test_K06_trailing_bits_of_the_signature_are_refused():
    """64 bytes leave four unused bits in the last of 86 characters: sixteen spellings, one of them right."""
    raw = sign_jwt(PAYLOAD, signer=SIGNER, typ=TYP)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for character in alphabet:
        try:
            accepted.append(verify(raw[:-1] + character).raw)
        except (MalformedError, InvalidSignatureError):
            continue
    assert accepted == [raw]


def test_K86_a_token_over_the_limit_is_refused():
    raw = sign_jwt({"a": "b" * 1000}, signer=SIGNER, typ=TYP)
    assert parse_jwt(raw, max_bytes=len(raw))
    with pytest.raises(MalformedError):
        parse_jwt(raw, max_bytes=len(raw) - 1)
    with pytest.raises(MalformedError):
        parse_jwt("a" * 600_000)


@given(
    st.text(max_size=80)
    | st.lists(st.binary(max_size=30).map(base64url.encode), min_size=2, max_size=4).map(".".join)
    | st.tuples(
        st.dictionaries(
            st.sampled_from(["alg", "typ", "crit", "jwk", "kid"]),
            st.none() | st.integers() | st.lists(st.text(max_size=2)) | st.sampled_from(["ES256", "none", TYP]),
        ),
        st.dictionaries(st.text(max_size=3), st.integers()),
    ).map(lambda parts: forge(*parts))
)
def test_A08_no_text_makes_parsing_or_verifying_raise_anything_but_a_credential_error(raw: str):
    try:
        verified = verify(raw)
    except CredentialError:
        return
    assert verified.header["typ"] == TYP


# Signatures


def test_A06_changing_any_character_of_a_token_breaks_it():
    raw = sign_jwt({"a": 1}, signer=SIGNER, typ=TYP)
    for position, character in enumerate(raw):
        changed = raw[:position] + ("A" if character != "A" else "B") + raw[position + 1 :]
        with pytest.raises(CredentialError):
            verify(changed)


def test_A06_zero_and_der_signatures_are_refused():
    signing_input, _, _ = sign_jwt(PAYLOAD, signer=SIGNER, typ=TYP).rpartition(".")
    raw_signature = SIGNER.sign(signing_input.encode())
    der = encode_dss_signature(int.from_bytes(raw_signature[:32]), int.from_bytes(raw_signature[32:]))
    for signature in (bytes(64), bytes(32) + b"\1" * 32, b"\1" * 32 + bytes(32), der, b"", b"\1" * 63, b"\1" * 65):
        with pytest.raises(InvalidSignatureError):
            verify(f"{signing_input}.{base64url.encode(signature)}")


# Times


def times(**payload: object) -> None:
    verify_times(payload, now=NOW)


NOW_NUMBER = int(NOW.timestamp())
SKEW = int(LEEWAY.total_seconds())


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"exp": NOW_NUMBER - SKEW + 1},
        {"exp": NOW_NUMBER - SKEW + 0.5},
        {"nbf": NOW_NUMBER + SKEW},
        {"iat": NOW_NUMBER + SKEW},
        {"iat": NOW_NUMBER, "nbf": NOW_NUMBER, "exp": NOW_NUMBER + 1},
        {"iat": 0, "exp": 253402300799},
    ],
)
def test_K10_A09_times_within_the_leeway_are_accepted(payload: dict[str, Any]):
    times(**payload)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"exp": NOW_NUMBER - SKEW}, ExpiredError),
        ({"exp": NOW_NUMBER - SKEW - 1}, ExpiredError),
        ({"exp": 0}, ExpiredError),
        ({"nbf": NOW_NUMBER + SKEW + 1}, NotYetValidError),
        ({"nbf": NOW_NUMBER + SKEW + 0.5}, NotYetValidError),
        ({"iat": NOW_NUMBER + SKEW + 1}, NotYetValidError),
        ({"nbf": 253402300799}, NotYetValidError),
        ({"iat": 253402300799}, NotYetValidError),
    ],
)
def test_K10_A09_times_beyond_the_leeway_are_refused_at_the_second(payload: dict[str, Any], error: type[Exception]):
    with pytest.raises(error):
        times(**payload)


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    ["1795262400", "", None, True, False, -1, -0.5, float("nan"), float("inf"), 253402300800, 10**18, [], {}],
)
def test_A09_a_time_that_is_no_numeric_date_is_refused(name: str, value: object):
    with pytest.raises(MalformedError):
        times(**{name: value})


def test_K10_the_leeway_is_the_callers_up_to_five_minutes():
    payload = {"exp": NOW_NUMBER}
    with pytest.raises(ExpiredError):
        verify_times(payload, now=NOW, leeway=timedelta(0))
    verify_times(payload, now=NOW + timedelta(seconds=299), leeway=timedelta(seconds=300))
    for leeway in (timedelta(seconds=301), timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="leeway"):
            verify_times(payload, now=NOW, leeway=leeway)


def test_K10_the_same_moment_in_another_time_zone_is_the_same():
    amsterdam = NOW.astimezone(timezone(timedelta(hours=1)))
    verify_times({"exp": NOW_NUMBER - SKEW + 1, "nbf": NOW_NUMBER + SKEW}, now=amsterdam)
    with pytest.raises(TypeError):
        verify_times({"exp": NOW_NUMBER}, now=NOW.replace(tzinfo=None))


def test_A09_a_numeric_date_is_read_as_aware_time_and_required_where_it_is_required():
    assert get_numeric_date({"iat": NOW_NUMBER}, "iat") == NOW
    assert get_numeric_date({"iat": NOW_NUMBER}, "iat").tzinfo is UTC
    assert find_numeric_date({}, "iat") is None
    with pytest.raises(MalformedError):
        get_numeric_date({}, "iat")


# The other party: jwcrypto, and the published worked examples


@pytest.mark.parametrize(
    ("algorithm", "parameters"),
    [
        ("ES256", {"kty": "EC", "crv": "P-256"}),
        ("ES384", {"kty": "EC", "crv": "P-384"}),
        ("EdDSA", {"kty": "OKP", "crv": "Ed25519"}),
        ("RS256", {"kty": "RSA", "size": 2048}),
    ],
)
def test_K01_a_token_made_by_jwcrypto_is_verified(algorithm: str, parameters: dict[str, Any]):
    key = jwcrypto.jwk.JWK.generate(**parameters)
    token = jwcrypto.jws.JWS(json.dumps(PAYLOAD))
    token.add_signature(key, protected=json.dumps({"alg": algorithm, "typ": TYP}))
    raw = token.serialize(compact=True)
    public_key: PublicKey = parse_public_jwk(key.export_public(as_dict=True))
    verified = verify(raw, key=public_key, algorithms=frozenset({algorithm}))
    assert verified.payload == PAYLOAD
    assert public_key.thumbprint == key.thumbprint()


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_K01_a_token_made_by_us_is_verified_by_jwcrypto(algorithm: str):
    signer = SoftwareSigner.generate(algorithm)
    raw = sign_jwt({"naam": "Zoë 👋"}, signer=signer, typ=TYP)
    token = jwcrypto.jws.JWS()
    token.deserialize(raw, jwcrypto.jwk.JWK(**signer.public_key.jwk))
    assert json.loads(token.payload) == {"naam": "Zoë 👋"}


def test_K01_worked_example_12_request_object_is_verified(profile_vectors: dict[str, Any]):
    request = profile_vectors["request_diip"]
    key = parse_public_jwk(request["verifier_jwk"])
    verified = verify(request["jwt"], key=key, typ="oauth-authz-req+jwt")
    assert (verified.header, verified.payload) == (request["header"], request["payload"])
    issued_at = get_numeric_date(verified.payload, "iat")
    verify_times(verified.payload, now=issued_at)
    with pytest.raises(ExpiredError):
        verify_times(verified.payload, now=issued_at + timedelta(seconds=300) + LEEWAY)


@pytest.mark.parametrize(
    ("example", "typ"),
    [("request_diip", "kb+jwt"), ("request_diip", TYP), ("request_haip", "dc+sd-jwt"), ("key_proof", "kb+jwt")],
)
def test_K03_worked_examples_offered_as_another_type_are_refused(
    profile_vectors: dict[str, Any], example: str, typ: str
):
    with pytest.raises(WrongTypeError):
        verify(profile_vectors[example]["jwt"], key=UnaskedKey(), typ=typ)

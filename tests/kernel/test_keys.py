"""kernel.keys: JWKs, thumbprints, raw signatures and signers. PROFILE.md K-01, K-02, K-05, K-12, A-06, A-07."""

import base64
import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import AlgorithmNotAllowedError, InvalidSignatureError, MalformedError
from kernel.keys import SoftwareSigner, jwk_thumbprint, parse_public_jwk, public_key_from

DATA = b"bytes to be signed"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# RFC 7515, Appendix A.3.1
RFC7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
# RFC 8037, Appendix A.1
RFC8037_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
# RFC 7638 §3.1
RFC7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}


def public(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"}


def uint(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8 or 1))


# Thumbprints and forms


def test_K01_thumbprint_of_an_rsa_key_is_that_of_rfc_7638():
    assert jwk_thumbprint(RFC7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_K01_thumbprint_of_an_ed25519_key_is_that_of_rfc_8037():
    """RFC 8037, Appendix A.3."""
    assert jwk_thumbprint(public(RFC8037_KEY)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_K01_keys_are_the_same_whatever_else_their_jwk_says():
    plain = parse_public_jwk(public(RFC7515_KEY))
    adorned = parse_public_jwk({"kid": "1", "alg": "ES256", "use": "sig", "note": [], **public(RFC7515_KEY)})
    assert plain == adorned
    assert hash(plain) == hash(adorned)
    assert adorned.jwk == public(RFC7515_KEY)
    assert plain != parse_public_jwk(public(RFC8037_KEY))


def test_K01_a_jwk_handed_out_cannot_change_the_key():
    key = parse_public_jwk(public(RFC7515_KEY))
    key.jwk["x"] = "changed"
    assert parse_public_jwk(public(RFC7515_KEY)).jwk == public(RFC7515_KEY)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
    ],
    ids=["P-256", "P-384", "Ed25519", "RSA"],
)
def test_K01_a_library_key_and_its_jwk_are_the_same_key(key: object):
    assert parse_public_jwk(public_key_from(key).jwk) == public_key_from(key)
    assert public_key_from(key).key == key


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
        None,
    ],
    ids=["P-521", "secp256k1", "X25519", "nothing"],
)
def test_K01_a_library_key_of_another_kind_is_refused(key: object):
    with pytest.raises(MalformedError):
        public_key_from(key)


# What a JWK must be


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_K05_A07_private_member_in_a_public_jwk_is_refused_and_not_repeated(member: str):
    with pytest.raises(MalformedError) as refused:
        parse_public_jwk({**public(RFC7515_KEY), member: "secret-value"})
    assert "secret-value" not in str(refused.value)


@pytest.mark.parametrize("base", [public(RFC7515_KEY), public(RFC8037_KEY), RFC7638_KEY], ids=["EC", "OKP", "RSA"])
@pytest.mark.parametrize("value", [None, 1, True, [], {}, "", "*", "AA", "QQ=="])
def test_A06_every_required_member_is_needed_in_its_form(base: dict[str, Any], value: object):
    for member in base:
        broken = {**base, member: value}
        with pytest.raises(MalformedError):
            parse_public_jwk(broken)
        del broken[member]
        with pytest.raises(MalformedError):
            parse_public_jwk(broken)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"y": RFC7515_KEY["x"]}, id="point off the curve"),
        pytest.param({"x": uint(2**256 - 1)}, id="coordinate beyond the field"),
        pytest.param({"x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))}, id="point at zero"),
        pytest.param({"x": base64url.encode(b"\0" + base64url.decode(RFC7515_KEY["x"]))}, id="coordinate too long"),
        pytest.param({"x": base64url.encode(base64url.decode(RFC7515_KEY["x"])[:31])}, id="coordinate too short"),
        pytest.param(
            {
                "x": base64url.encode(base64url.decode(RFC7515_KEY["x"]) + base64url.decode(RFC7515_KEY["y"])[:1]),
                "y": base64url.encode(base64url.decode(RFC7515_KEY["y"])[1:]),
            },
            id="coordinates cut at another place",
        ),
        pytest.param({"crv": "P-384"}, id="another curve"),
        pytest.param({"crv": "secp256k1"}, id="unknown curve"),
        pytest.param({"kty": "oct"}, id="symmetric key type"),
        pytest.param({"kty": "ec"}, id="key type in small letters"),
    ],
)
def test_A06_invalid_curve_point_is_refused(change: dict[str, str]):
    with pytest.raises(MalformedError):
        parse_public_jwk({**public(RFC7515_KEY), **change})


@pytest.mark.parametrize("change", [{"crv": "X25519"}, {"crv": "Ed448"}, {"x": base64url.encode(bytes(31))}])
def test_A06_okp_key_other_than_ed25519_is_refused(change: dict[str, str]):
    with pytest.raises(MalformedError):
        parse_public_jwk({**public(RFC8037_KEY), **change})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"n": uint(2**2046 + 1)}, id="2047 bits"),
        pytest.param({"n": uint(2**8192 + 1)}, id="8193 bits"),
        pytest.param({"n": base64url.encode(b"\0" + base64url.decode(RFC7638_KEY["n"]))}, id="leading zero"),
        pytest.param({"e": base64url.encode(b"\0")}, id="exponent zero"),
        pytest.param({"e": uint(1)}, id="exponent one"),
        pytest.param({"e": uint(65536)}, id="even exponent"),
        pytest.param({"e": uint(2**32 + 1)}, id="exponent too large"),
    ],
)
def test_K01_rsa_key_of_unaccepted_size_is_refused(change: dict[str, str]):
    with pytest.raises(MalformedError):
        parse_public_jwk({**RFC7638_KEY, **change})


@pytest.mark.parametrize("value", [None, 1, "text", [], [("kty", "EC")]])
def test_A07_a_jwk_that_is_no_object_is_refused(value: object):
    with pytest.raises(MalformedError):
        parse_public_jwk(value)
    with pytest.raises(MalformedError):
        SoftwareSigner.from_jwk(value)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=3), children, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"]),
        JSON_LIKE
        | st.sampled_from(["EC", "OKP", "RSA", "P-256", "P-384", "Ed25519", "AQAB"])
        | st.binary(min_size=32, max_size=32).map(base64url.encode)
        | st.binary(min_size=256, max_size=256).map(base64url.encode),
    )
)
def test_A06_no_jwk_raises_anything_but_malformed(jwk: dict[str, Any]):
    try:
        key = parse_public_jwk(jwk)
    except MalformedError:
        return
    assert {name: jwk[name] for name in key.jwk} == key.jwk


# Which algorithm a key may verify


@pytest.mark.parametrize(
    ("change", "algorithms"),
    [
        ({}, {"ES256"}),
        ({"alg": "ES256"}, {"ES256"}),
        ({"use": "sig"}, {"ES256"}),
        ({"use": "enc"}, set()),
        ({"use": None}, set()),
        ({"alg": "ECDH-ES"}, set()),
        ({"alg": "ES384"}, set()),
        ({"alg": "none"}, set()),
        ({"alg": ["ES256"]}, set()),
    ],
)
def test_K02_alg_and_use_narrow_a_key_and_never_widen_it(change: dict[str, Any], algorithms: set[str]):
    assert parse_public_jwk({**public(RFC7515_KEY), **change}).algorithms == algorithms


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_K02_both_names_of_the_edwards_signature_mean_the_same(alg: str):
    """RFC 9864 §2.2: `Ed25519` is what `EdDSA` with this curve always meant."""
    assert parse_public_jwk({**public(RFC8037_KEY), "alg": alg}).algorithms == {"EdDSA", "Ed25519"}


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", "EdDSA", "Ed25519", "RS256", "PS256", "ES256K", ""])
def test_K02_A01_an_algorithm_that_does_not_fit_the_key_is_refused(algorithm: str):
    signer = SoftwareSigner.generate()
    with pytest.raises(AlgorithmNotAllowedError):
        signer.public_key.verify(algorithm, DATA, signer.sign(DATA))


# Signatures


def test_K01_rfc_7515_es256_signature_is_accepted():
    """RFC 7515, Appendix A.3."""
    signing_input = (
        b"eyJhbGciOiJFUzI1NiJ9"
        b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    parse_public_jwk(public(RFC7515_KEY)).verify("ES256", signing_input, base64url.decode(signature))


def test_K01_rfc_8037_eddsa_signature_is_made_and_accepted():
    """RFC 8037, Appendix A.4 and A.5; Ed25519 signatures repeat exactly."""
    signing_input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    signer = SoftwareSigner.from_jwk({**RFC8037_KEY, "alg": "EdDSA"})
    assert base64url.encode(signer.sign(signing_input)) == expected
    signer.public_key.verify("EdDSA", signing_input, base64url.decode(expected))


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA"])
def test_K01_a_signature_fits_its_data_and_key_only(algorithm: str):
    signer, other = SoftwareSigner.generate(algorithm), SoftwareSigner.generate(algorithm)
    signature = signer.sign(DATA)
    signer.public_key.verify(algorithm, DATA, signature)
    for key, data in ((signer.public_key, DATA + b"!"), (other.public_key, DATA)):
        with pytest.raises(InvalidSignatureError):
            key.verify(algorithm, data, signature)


def test_K01_every_raw_es256_signature_is_64_bytes_long():
    """r and s shorter than 32 bytes are padded: one signature in 128 needs it."""
    signer = SoftwareSigner.generate()
    signatures = [signer.sign(number.to_bytes(2)) for number in range(1200)]
    assert {len(signature) for signature in signatures} == {64}
    assert any(signature[0] == 0 or signature[32] == 0 for signature in signatures)
    for number, signature in enumerate(signatures):
        if signature[0] == 0 or signature[32] == 0 or number < 5:
            signer.public_key.verify("ES256", number.to_bytes(2), signature)


def _raw(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size) + s.to_bytes(size)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda r, s: _raw(0, s), id="r zero"),
        pytest.param(lambda r, s: _raw(r, 0), id="s zero"),
        pytest.param(lambda r, s: _raw(0, 0), id="both zero"),
        pytest.param(lambda r, s: _raw(P256_ORDER, s), id="r equal to the order"),
        pytest.param(lambda r, s: _raw(r, 2**256 - 1), id="s beyond the order"),
        pytest.param(encode_dss_signature, id="DER"),
        pytest.param(lambda r, s: _raw(r, s)[:-1], id="a byte short"),
        pytest.param(lambda r, s: _raw(r, s) + b"\0", id="a byte long"),
        pytest.param(lambda r, s: r.to_bytes(32) + s.to_bytes(33), id="a zero before s"),
        pytest.param(lambda r, s: _raw(r, s, 48), id="size of another curve"),
        pytest.param(lambda r, s: _raw(s, r), id="r and s swapped"),
        pytest.param(lambda r, s: b"", id="empty"),
    ],
)
def test_A06_es256_signature_of_another_form_is_refused(change: Any):
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.sign(DATA, ec.ECDSA(SHA256()))
    public_key = public_key_from(key.public_key())
    r, s = decode_dss_signature(der)
    public_key.verify("ES256", DATA, _raw(r, s))
    with pytest.raises(InvalidSignatureError):
        public_key.verify("ES256", DATA, change(r, s))


def test_K01_es384_is_verified_with_its_own_hash_and_size():
    key = ec.generate_private_key(ec.SECP384R1())
    public_key = public_key_from(key.public_key())
    public_key.verify("ES384", DATA, _raw(*decode_dss_signature(key.sign(DATA, ec.ECDSA(SHA384()))), 48))
    with pytest.raises(InvalidSignatureError):
        public_key.verify("ES384", DATA, _raw(*decode_dss_signature(key.sign(DATA, ec.ECDSA(SHA256()))), 48))
    with pytest.raises(AlgorithmNotAllowedError):
        public_key.verify("ES256", DATA, bytes(96))


def test_K01_rs256_is_verified_with_its_own_hash():
    key = rsa.generate_private_key(65537, 2048)
    public_key = public_key_from(key.public_key())
    public_key.verify("RS256", DATA, key.sign(DATA, PKCS1v15(), SHA256()))
    for signature in (key.sign(DATA, PKCS1v15(), SHA1()), b"", bytes(256)):
        with pytest.raises(InvalidSignatureError):
            public_key.verify("RS256", DATA, signature)


@given(st.binary(max_size=100))
def test_A06_no_signature_bytes_raise_anything_but_invalid_signature(signature: bytes):
    for jwk, algorithm in ((public(RFC7515_KEY), "ES256"), (public(RFC8037_KEY), "EdDSA"), (RFC7638_KEY, "RS256")):
        with pytest.raises(InvalidSignatureError):
            parse_public_jwk(jwk).verify(algorithm, DATA, signature)


# Signers


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "Ed25519", "EdDSA"])
def test_K12_a_stored_private_key_signs_as_before(algorithm: str):
    signer = SoftwareSigner.generate(algorithm)
    restored = SoftwareSigner.from_jwk(signer.private_jwk())
    assert (restored.algorithm, restored.public_key) == (algorithm, signer.public_key)
    signer.public_key.verify(algorithm, DATA, restored.sign(DATA))


def test_K12_a_private_jwk_without_alg_gets_the_algorithm_of_its_curve():
    assert SoftwareSigner.from_jwk(RFC7515_KEY).algorithm == "ES256"
    assert SoftwareSigner.from_jwk(RFC8037_KEY).algorithm == "Ed25519"
    assert SoftwareSigner.from_jwk(RFC7515_KEY).private_jwk() == {**RFC7515_KEY, "alg": "ES256"}


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "ES512", "Ed448", "ES256K", ""])
def test_K02_no_signer_is_made_for_an_algorithm_that_we_only_verify_or_refuse(algorithm: str):
    with pytest.raises(AlgorithmNotAllowedError):
        SoftwareSigner.generate(algorithm)


@pytest.mark.parametrize(
    ("base", "change", "error"),
    [
        pytest.param(RFC7515_KEY, {"d": None}, MalformedError, id="no d"),
        pytest.param(RFC7515_KEY, {"d": "AA"}, MalformedError, id="short d"),
        pytest.param(
            RFC7515_KEY,
            {"d": base64url.encode(b"\0" + base64url.decode(RFC7515_KEY["d"]))},
            MalformedError,
            id="a zero before d",
        ),
        pytest.param(RFC7515_KEY, {"d": base64url.encode(bytes(32))}, MalformedError, id="d zero"),
        pytest.param(RFC7515_KEY, {"d": base64url.encode(b"\xff" * 32)}, MalformedError, id="d beyond the order"),
        pytest.param(RFC7515_KEY, {"d": base64url.encode(b"\1" * 32)}, MalformedError, id="d of another key"),
        pytest.param(RFC8037_KEY, {"d": base64url.encode(b"\1" * 32)}, MalformedError, id="edwards d of another key"),
        pytest.param(RFC7515_KEY, {"y": RFC7515_KEY["x"]}, MalformedError, id="public point off the curve"),
        pytest.param(RFC7515_KEY, {"alg": "ECDH-ES"}, AlgorithmNotAllowedError, id="for key agreement"),
        pytest.param(RFC7515_KEY, {"use": "enc"}, AlgorithmNotAllowedError, id="for encryption"),
        pytest.param(RFC7515_KEY, {"alg": ["ES256"]}, AlgorithmNotAllowedError, id="alg no text"),
        pytest.param(RFC7638_KEY, {"d": base64url.encode(b"\1" * 32)}, AlgorithmNotAllowedError, id="RSA"),
    ],
)
def test_K12_a_private_jwk_that_is_not_one_signing_key_is_refused(
    base: dict[str, Any], change: dict[str, Any], error: type[Exception]
):
    with pytest.raises(error):
        SoftwareSigner.from_jwk({**base, **change})


def test_K61_a_signature_on_p384_has_96_bytes_however_short_its_numbers_are():
    signer = SoftwareSigner.generate("ES384")
    key = ec.derive_private_key(int.from_bytes(base64url.decode(signer.private_jwk()["d"])), ec.SECP384R1())
    assert public_key_from(key.public_key()) == signer.public_key
    # One in 128 of them begins with a zero byte in one of its halves.
    for signature in (signer.sign(DATA) for _ in range(300)):
        assert len(signature) == 96
        signer.public_key.verify("ES384", DATA, signature)


def test_K12_a_private_key_signs_on_its_own_curve_alone():
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    for key, algorithm in ((p256, "ES384"), (p384, "ES256"), (p384, "Ed25519")):
        with pytest.raises(AlgorithmNotAllowedError):
            SoftwareSigner(key, algorithm)
    stored = SoftwareSigner.generate("ES384").private_jwk()
    assert SoftwareSigner.from_jwk({name: stored[name] for name in stored if name != "alg"}).algorithm == "ES384"
    for change in ({"d": stored["d"][:43]}, {"alg": "ES256"}, {"crv": "P-256"}):
        with pytest.raises((MalformedError, AlgorithmNotAllowedError)):
            SoftwareSigner.from_jwk({**stored, **change})


@pytest.mark.parametrize("curve", ["Ed448", "X25519", "P-521", "secp256k1", "BP-256"])
def test_K02_a_key_on_another_curve_is_none(curve: str):
    kind = "OKP" if curve in ("Ed448", "X25519") else "EC"
    with pytest.raises(MalformedError):
        parse_public_jwk({"kty": kind, "crv": curve, "x": RFC8037_KEY["x"], "y": RFC8037_KEY["x"]})


def test_K12_A07_a_signer_shows_no_key_bytes_when_printed():
    signer = SoftwareSigner.from_jwk(RFC7515_KEY)
    shown = f"{signer!r} {signer} {signer.public_key!r}"
    assert RFC7515_KEY["d"] not in shown
    assert base64.b64encode(base64url.decode(RFC7515_KEY["d"])).decode() not in shown


def test_K05_reading_a_jwk_does_not_change_it():
    jwk = {"kid": "1", **public(RFC7515_KEY)}
    before = copy.deepcopy(jwk)
    parse_public_jwk(jwk)
    assert jwk == before

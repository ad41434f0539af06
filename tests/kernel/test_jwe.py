"""kernel.jwe: messages that only one key can open. PROFILE.md K-08, K-09, A-06, A-40, A-43."""

import json
import zlib
from typing import Any

import jwcrypto.jwe
import jwcrypto.jwk
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import AlgorithmNotAllowedError, CredentialError, MalformedError, RejectedError
from kernel.jwe import ENC_VALUES, create_encryption_key, decrypt_jwe, encrypt_jwe
from kernel.keys import SoftwareSigner, public_key_from, public_part

PLAINTEXT = b'{"vp_token":{"badge":["eyJ..."]},"state":"zmgZNeOC1kYzqZ4tnu4LRg"}'


def create_key(kid: str | None = "e-1") -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    secret = base64url.encode(key.private_numbers().private_value.to_bytes(32))
    named = {} if kid is None else {"kid": kid}
    return {**public_key_from(key.public_key()).jwk, **named, "alg": "ECDH-ES", "use": "enc", "d": secret}


PRIVATE = create_key()
PUBLIC = {name: value for name, value in PRIVATE.items() if name != "d"}


def decrypt(raw: object, **changes: Any) -> bytes:
    return decrypt_jwe(raw, **{"private_jwk": PRIVATE, "enc_values": ENC_VALUES, **changes})


def header_of(raw: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(base64url.decode(raw.split(".")[0]))
    return header


def with_header(raw: str, **changes: Any) -> str:
    """The same message under another header; None removes a member."""
    header = {name: value for name, value in {**header_of(raw), **changes}.items() if value is not None}
    return ".".join([base64url.encode(json.dumps(header).encode()), *raw.split(".")[1:]])


def with_segment(raw: str, index: int, segment: str) -> str:
    segments = raw.split(".")
    return ".".join([*segments[:index], segment, *segments[index + 1 :]])


def create_by_jwcrypto(plaintext: bytes, **header: Any) -> str:
    protected = {"alg": "ECDH-ES", "enc": "A128GCM", "kid": "e-1", **header}
    message = jwcrypto.jwe.JWE(plaintext, json.dumps(protected))
    message.allowed_algs = [*jwcrypto.jwe.default_allowed_algs]
    message.add_recipient(jwcrypto.jwk.JWK(**PUBLIC))
    raw: str = message.serialize(compact=True)
    return raw


# What is accepted


@pytest.mark.parametrize("enc", sorted(ENC_VALUES))
@pytest.mark.parametrize("kid", ["e-1", None])
def test_K08_what_we_encrypt_the_recipient_can_read(enc: str, kid: str | None):
    private = create_key(kid)
    recipient = {name: value for name, value in private.items() if name != "d"}
    raw = encrypt_jwe(PLAINTEXT, recipient=recipient, enc=enc)
    assert decrypt(raw, private_jwk=private, enc_values=frozenset({enc})) == PLAINTEXT
    header = header_of(raw)
    assert (header["alg"], header["enc"], header.get("kid")) == ("ECDH-ES", enc, kid)
    assert set(header["epk"]) == {"kty", "crv", "x", "y"}


def test_K08_each_message_has_its_own_ephemeral_key():
    epks = [header_of(encrypt_jwe(PLAINTEXT, recipient=PUBLIC))["epk"]["x"] for _ in range(3)]
    assert len(set(epks)) == 3


def test_K08_header_members_are_kept_and_cannot_replace_ours():
    header = {"apv": base64url.encode(b"nonce"), "apu": base64url.encode(b"wallet"), "cty": "JWT"}
    raw = encrypt_jwe(PLAINTEXT, recipient=PUBLIC, header={**header, "alg": "dir", "enc": "A128CBC-HS256", "kid": "x"})
    assert {**header_of(raw), **header, "alg": "ECDH-ES", "enc": "A256GCM", "kid": "e-1"} == header_of(raw)
    assert decrypt(raw) == PLAINTEXT


@pytest.mark.parametrize("enc", sorted(ENC_VALUES))
def test_K08_a_message_of_jwcrypto_is_read(enc: str):
    assert decrypt(create_by_jwcrypto(PLAINTEXT, enc=enc, apv=base64url.encode(b"nonce"))) == PLAINTEXT


@pytest.mark.parametrize("enc", sorted(ENC_VALUES))
def test_K08_a_message_of_ours_is_read_by_jwcrypto(enc: str):
    message = jwcrypto.jwe.JWE()
    message.deserialize(encrypt_jwe(PLAINTEXT, recipient=PUBLIC, enc=enc), jwcrypto.jwk.JWK(**PRIVATE))
    assert message.payload == PLAINTEXT


# Who is encrypted to


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"alg": None}, AlgorithmNotAllowedError),
        ({"alg": "ECDH-ES+A128KW"}, AlgorithmNotAllowedError),
        ({"alg": "RSA-OAEP-256"}, AlgorithmNotAllowedError),
        ({"d": PRIVATE["d"]}, MalformedError),
        ({"y": PRIVATE["x"]}, MalformedError),
        ({"crv": "P-384"}, MalformedError),
        ({"kty": "OKP"}, MalformedError),
    ],
)
def test_K08_nothing_is_encrypted_to_a_key_for_something_else(change: dict[str, Any], error: type[Exception]):
    recipient = {name: value for name, value in {**PUBLIC, **change}.items() if value is not None}
    with pytest.raises(error):
        encrypt_jwe(PLAINTEXT, recipient=recipient)


def test_K08_nothing_is_encrypted_to_a_key_on_another_curve():
    p384 = public_key_from(ec.generate_private_key(ec.SECP384R1()).public_key()).jwk
    ed25519 = SoftwareSigner.generate("Ed25519").public_key.jwk
    for jwk in (p384, ed25519):
        with pytest.raises(MalformedError):
            encrypt_jwe(PLAINTEXT, recipient={**jwk, "alg": "ECDH-ES"})


@pytest.mark.parametrize("enc", ["A192GCM", "A128CBC-HS256", "", "a256gcm"])
def test_K08_nothing_is_encrypted_with_another_enc(enc: str):
    with pytest.raises(AlgorithmNotAllowedError):
        encrypt_jwe(PLAINTEXT, recipient=PUBLIC, enc=enc)


# What is refused


MESSAGE = encrypt_jwe(PLAINTEXT, recipient=PUBLIC)


@pytest.mark.parametrize("alg", [None, "none", "dir", "ECDH-ES+A256KW", "RSA-OAEP", "ecdh-es", ["ECDH-ES"], 5])
def test_A40_alg_other_than_that_of_the_key_is_refused(alg: object):
    with pytest.raises(AlgorithmNotAllowedError):
        decrypt(with_header(MESSAGE, alg=alg))


def test_K08_a_key_without_alg_opens_nothing():
    with pytest.raises(AlgorithmNotAllowedError):
        decrypt(MESSAGE, private_jwk={name: value for name, value in PRIVATE.items() if name != "alg"})


@pytest.mark.parametrize("enc", [None, "A128GCM", "A192GCM", "A256CBC-HS512", ["A256GCM"], 5])
def test_A40_enc_other_than_those_advertised_is_refused(enc: object):
    with pytest.raises(AlgorithmNotAllowedError):
        decrypt(with_header(MESSAGE, enc=enc), enc_values=frozenset({"A256GCM", "A192GCM"}))


def test_A40_an_enc_that_we_support_but_did_not_advertise_is_refused():
    with pytest.raises(AlgorithmNotAllowedError):
        decrypt(MESSAGE, enc_values=frozenset({"A128GCM"}))


@pytest.mark.parametrize("kid", [None, "e-2", "", ["e-1"]])
def test_A40_wrong_kid_is_refused(kid: object):
    with pytest.raises(RejectedError):
        decrypt(with_header(MESSAGE, kid=kid))


def test_A40_a_message_to_our_key_under_another_name_is_refused():
    with pytest.raises(RejectedError):
        decrypt(encrypt_jwe(PLAINTEXT, recipient={**PUBLIC, "kid": "e-2"}))


def test_A40_a_message_to_another_transactions_key_is_refused():
    for other in (create_key("e-2"), create_key("e-1")):
        with pytest.raises(RejectedError):
            decrypt(MESSAGE, private_jwk=other)


@pytest.mark.parametrize("plaintext", [PLAINTEXT, bytes(5_000_000)], ids=["small", "bomb"])
def test_K09_A43_a_compressed_message_is_refused_unopened(plaintext: bytes):
    assert len(zlib.compress(plaintext)) < 10_000
    with pytest.raises(MalformedError):
        decrypt(create_by_jwcrypto(plaintext, zip="DEF"))


@pytest.mark.parametrize("change", [{"zip": "none"}, {"zip": ""}, {"crit": ["exp"]}, {"crit": []}])
def test_K06_A40_compression_and_critical_extensions_are_refused_in_every_form(change: dict[str, Any]):
    with pytest.raises(MalformedError):
        decrypt(with_header(MESSAGE, **change))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"y": PRIVATE["x"]}, id="point off the curve"),
        pytest.param({"x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))}, id="point at zero"),
        pytest.param({"d": PRIVATE["d"]}, id="private member"),
        pytest.param({"crv": "P-384"}, id="another curve"),
        pytest.param({"kty": "oct"}, id="another key type"),
        pytest.param({"x": 5}, id="number as coordinate"),
    ],
)
def test_K08_A06_epk_that_is_no_public_point_on_the_curve_is_refused(change: dict[str, Any]):
    epk = {**header_of(MESSAGE)["epk"], **change}
    with pytest.raises(MalformedError):
        decrypt(with_header(MESSAGE, epk=epk))


@pytest.mark.parametrize("epk", [None, "point", [], {}])
def test_K08_A06_message_without_epk_is_refused(epk: object):
    with pytest.raises(MalformedError):
        decrypt(with_header(MESSAGE, epk=epk))


def test_K08_epk_on_another_curve_is_refused():
    p384 = public_key_from(ec.generate_private_key(ec.SECP384R1()).public_key()).jwk
    with pytest.raises(MalformedError):
        decrypt(with_header(MESSAGE, epk=p384))


@pytest.mark.parametrize("index", range(5))
def test_A40_a_message_with_one_changed_byte_is_refused(index: int):
    segment = MESSAGE.split(".")[index]
    data = bytearray(base64url.decode(segment) or b"\0")
    data[len(data) // 2] ^= 1
    with pytest.raises(CredentialError):
        decrypt(with_segment(MESSAGE, index, base64url.encode(bytes(data))))


def test_A40_a_header_member_added_later_is_refused():
    with pytest.raises(RejectedError):
        decrypt(with_header(MESSAGE, apu="AAAA"))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(with_segment(MESSAGE, 1, "AAAA"), id="encrypted key"),
        pytest.param(with_segment(MESSAGE, 2, base64url.encode(bytes(16))), id="long iv"),
        pytest.param(with_segment(MESSAGE, 2, ""), id="no iv"),
        pytest.param(with_segment(MESSAGE, 4, base64url.encode(bytes(12))), id="short tag"),
        pytest.param(with_segment(MESSAGE, 4, ""), id="no tag"),
        pytest.param(MESSAGE + "=", id="padding"),
        pytest.param(MESSAGE + ".", id="six segments"),
        pytest.param(MESSAGE.rpartition(".")[0], id="four segments"),
        pytest.param(json.dumps({"ciphertext": MESSAGE}), id="JSON form"),
        pytest.param(with_segment(MESSAGE, 0, base64url.encode(b'{"alg":"ECDH-ES","alg":"dir"}')), id="alg twice"),
        pytest.param(with_segment(MESSAGE, 0, base64url.encode(b"[]")), id="header no object"),
        pytest.param(MESSAGE.encode(), id="bytes"),
        pytest.param(None, id="nothing"),
    ],
)
def test_K06_A40_message_of_another_form_is_refused(raw: object):
    with pytest.raises(MalformedError):
        decrypt(raw)


def test_K86_A43_a_message_over_the_limit_is_refused():
    assert decrypt(MESSAGE, max_bytes=len(MESSAGE)) == PLAINTEXT
    with pytest.raises(MalformedError):
        decrypt(MESSAGE, max_bytes=len(MESSAGE) - 1)


@given(
    st.text(max_size=60)
    | st.lists(st.binary(max_size=20).map(base64url.encode), min_size=5, max_size=5).map(".".join)
    | st.dictionaries(
        st.sampled_from(["alg", "enc", "epk", "kid", "apu", "apv", "p2c", "jwk"]),
        st.none() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=2)),
    ).map(lambda changes: with_header(MESSAGE, **changes))
)
def test_A40_no_text_raises_anything_but_a_credential_error(raw: str):
    try:
        plaintext = decrypt(raw)
    except CredentialError:
        return
    assert plaintext == PLAINTEXT


def test_K08_a_fresh_key_is_published_without_its_private_part_and_opens_what_is_encrypted_to_it():
    key = create_encryption_key()
    published = public_part(key)
    assert published.keys() == {"kty", "crv", "x", "y", "alg", "use", "kid"}
    message = encrypt_jwe(PLAINTEXT, recipient=published)
    assert decrypt_jwe(message, private_jwk=key, enc_values=ENC_VALUES) == PLAINTEXT
    assert create_encryption_key()["kid"] != key["kid"]

"""Compact JWE with ECDH-ES: encrypted responses of wallets and issuers. RFC 7516, RFC 7518 §4.6; HAIP 1.0 §5; K-08.

The envelope is read and judged here with the kernel's own strict parsers; `jwcrypto` derives the key and decrypts
what passed. Compression is never accepted (K-09: we advertise none), so a small message cannot become a large one.
"""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.common import JWException  # type: ignore[import-untyped]
from jwcrypto.jwe import JWE  # type: ignore[import-untyped]
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]

from kernel import base64url
from kernel.errors import AlgorithmNotAllowedError, MalformedError, RejectedError
from kernel.keys import Jwk, SoftwareSigner, parse_public_jwk
from kernel.members import find_text
from kernel.strict_json import encode_json, parse_json_object

KEY_AGREEMENT: Final = "ECDH-ES"
ENC_VALUES: Final = frozenset({"A128GCM", "A256GCM"})
MAX_BYTES: Final = 1024 * 1024

_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16


def create_encryption_key() -> dict[str, Any]:
    """Return a fresh private JWK whose public part is published for others to encrypt to."""
    key = SoftwareSigner.generate("ES256")
    return {**key.private_jwk(), "alg": KEY_AGREEMENT, "use": "enc", "kid": key.public_key.thumbprint}


def encrypt_jwe(
    plaintext: bytes, *, recipient: Jwk, enc: str = "A256GCM", header: Mapping[str, Any] | None = None
) -> str:
    """Encrypt to a recipient's public JWK, which must carry `alg`; its `kid` is copied. OpenID4VP 1.0 §8.3."""
    key = parse_recipient(recipient)
    if recipient.get("alg") != KEY_AGREEMENT or enc not in ENC_VALUES:
        raise AlgorithmNotAllowedError("the recipient's key or `enc` is for another algorithm")
    kid = {"kid": recipient["kid"]} if "kid" in recipient else {}
    protected = {**(header or {}), "alg": KEY_AGREEMENT, "enc": enc, **kid}
    envelope = JWE(plaintext, encode_json(protected).decode("utf-8"), algs=[KEY_AGREEMENT, enc])
    envelope.add_recipient(JWK(**key))
    return str(envelope.serialize(compact=True))


def decrypt_jwe(raw: object, *, private_jwk: Jwk, enc_values: frozenset[str], max_bytes: int = MAX_BYTES) -> bytes:
    """Return the plaintext of a message for this key, or raise. RFC 7516 §5.2.

    (1) Size, five canonical segments, no encrypted key: agreement is direct.
    (2) `alg` is that of the key and `enc` one that the caller advertised; `zip` and `crit` are refused.
    (3) `kid` is that of the key, if the key has one.
    (4) `epk` is a public point on the key's curve.
    (5) Only then the private key is used.
    """
    if not isinstance(raw, str) or len(raw) > max_bytes:
        raise MalformedError("not a text, or one larger than allowed here")
    header = _parse_envelope(raw)
    if header.get("alg") != KEY_AGREEMENT or private_jwk.get("alg") != KEY_AGREEMENT:
        raise AlgorithmNotAllowedError("`alg` is not that of the key")
    enc = header.get("enc")
    if not isinstance(enc, str) or enc not in enc_values & ENC_VALUES:
        raise AlgorithmNotAllowedError("`enc` is not one of those advertised")
    if "zip" in header or "crit" in header:
        raise MalformedError("compression and critical extensions are not accepted")
    if "kid" in private_jwk and header.get("kid") != private_jwk["kid"]:
        raise RejectedError("encrypted to another key")
    parse_recipient(header.get("epk"))
    return _decrypt(raw, private_jwk, enc, max_bytes)


def find_key_id(raw: object) -> str | None:
    """Return the `kid` of a message, for whoever has several keys; None when it names none. Nothing is believed."""
    if not isinstance(raw, str) or len(raw) > MAX_BYTES:
        raise MalformedError("not a text, or one larger than allowed here")
    return find_text(_parse_envelope(raw), "kid")


def parse_recipient(jwk: object) -> dict[str, Any]:
    """Return the public members of a key that can be encrypted to, or raise MalformedError."""
    key = parse_public_jwk(jwk)
    if not isinstance(key.key, ec.EllipticCurvePublicKey) or key.key.curve.name != "secp256r1":
        raise MalformedError("key agreement is on P-256 only")
    return key.jwk


def _parse_envelope(raw: str) -> dict[str, Any]:
    segments = raw.split(".")
    if len(segments) != 5:
        raise MalformedError("a compact JWE has five segments")
    protected, encrypted_key, iv, _, tag = (base64url.decode(segment) for segment in segments)
    if encrypted_key or len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:
        raise MalformedError("not a JWE of direct key agreement with AES-GCM")
    return parse_json_object(protected)


def _decrypt(raw: str, private_jwk: Jwk, enc: str, max_bytes: int) -> bytes:
    key = JWK(**{name: private_jwk[name] for name in ("kty", "crv", "x", "y", "d")})
    envelope = JWE(algs=[KEY_AGREEMENT, enc])
    try:
        envelope.deserialize(raw)
        envelope.decrypt(key, max_plaintext=max_bytes)
    except JWException as exc:
        raise RejectedError("cannot be decrypted with this key") from exc
    return bytes(envelope.payload)

"""Public keys and signers: JWKs read once and kept, raw JOSE signatures made and checked. RFC 7517, RFC 7518, RFC 8037.

Algorithms: ES256, ES384 and Ed25519 (also under its older name EdDSA, RFC 9864) to sign and verify; RS256 to verify
only. A key carries the algorithms that fit it; nothing in a token can widen that. DIDs are in `kernel.did`.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel import base64url
from kernel.errors import AlgorithmNotAllowedError, InvalidSignatureError, MalformedError
from kernel.strict_json import encode_json

Jwk = Mapping[str, Any]
CryptographyPublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

VERIFIABLE_ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA", "RS256"})
SIGNING_ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA"})

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
_EDWARDS_ALGORITHMS: Final = frozenset({"Ed25519", "EdDSA"})
_ES256: Final = ec.ECDSA(SHA256())
_ES384: Final = ec.ECDSA(SHA384())
_RS256: Final = PKCS1v15()
_SHA256: Final = SHA256()
_X962: Final = Encoding.X962
_UNCOMPRESSED: Final = PublicFormat.UncompressedPoint
_RSA_BITS: Final = range(2048, 8192 + 1)
_RSA_EXPONENT_MAX: Final = 2**32 - 1


@dataclass(frozen=True)
class _Curve:
    name: str
    implementation: ec.EllipticCurve
    size: int
    algorithm: str


_CURVES: Final = {
    curve.name: curve
    for curve in (
        _Curve("P-256", ec.SECP256R1(), 32, "ES256"),
        _Curve("P-384", ec.SECP384R1(), 48, "ES384"),
    )
}
_CURVES_BY_ALGORITHM: Final = {curve.algorithm: curve for curve in _CURVES.values()}
_CURVES_BY_IMPLEMENTATION: Final = {curve.implementation.name: curve for curve in _CURVES.values()}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, known to be well-formed; two of them are equal when they are the same key."""

    members: tuple[tuple[str, str], ...]
    thumbprint: str = field(compare=False)
    algorithms: frozenset[str] = field(compare=False)
    key: CryptographyPublicKey = field(compare=False, repr=False)

    @property
    def jwk(self) -> dict[str, Any]:
        """The required public members and nothing else: no `kid`, no `alg`, never a private one."""
        return dict(self.members)

    def verify(self, algorithm: str, data: bytes, signature: bytes) -> None:
        """Raise unless the raw JOSE signature (RFC 7518 §3) over the data was made with this key and algorithm."""
        if algorithm not in self.algorithms:
            raise AlgorithmNotAllowedError(f"{algorithm!r} does not fit this key")
        try:
            _VERIFY[algorithm](self.key, data, signature)
        except InvalidSignature as exc:
            raise InvalidSignatureError(f"{algorithm} signature does not fit") from exc


def parse_public_jwk(jwk: object) -> PublicKey:
    """Return the public key of a JWK, or raise MalformedError.

    Private members are refused and never repeated in the error (K-05). The point must lie on its curve, an RSA
    modulus have 2048 to 8192 bits. `alg` and `use` narrow what the key may verify and can never widen it.
    """
    if not isinstance(jwk, Mapping):
        raise MalformedError("a JWK is a JSON object")
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise MalformedError("a JWK with private members where a public key belongs")
    key = _parse_members(_public_members(jwk))
    return _narrow(key, jwk) if "alg" in jwk or "use" in jwk else key


def public_part(jwk: Jwk) -> dict[str, Any]:
    """Return a JWK without its private members; whatever else it says, as it says it."""
    return {name: value for name, value in jwk.items() if name not in _PRIVATE_MEMBERS}


def public_key_from(key: object) -> PublicKey:
    """Return the PublicKey of a `cryptography` public key, as certificates and multikeys give it."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES_BY_IMPLEMENTATION:
        curve, point = _CURVES_BY_IMPLEMENTATION[key.curve.name], key.public_bytes(_X962, _UNCOMPRESSED)
        x, y = base64url.encode(point[1 : 1 + curve.size]), base64url.encode(point[1 + curve.size :])
        # The library lets no point be a key that is not on its curve, so that it need not be read again.
        return _create_key((("kty", "EC"), ("crv", curve.name), ("x", x), ("y", y)), frozenset({curve.algorithm}), key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _parse_members((("kty", "OKP"), ("crv", "Ed25519"), ("x", base64url.encode(key.public_bytes_raw()))))
    if isinstance(key, rsa.RSAPublicKey):
        n, e = (_encode_uint(number) for number in (key.public_numbers().n, key.public_numbers().e))
        return _parse_members((("kty", "RSA"), ("n", n), ("e", e)))
    raise MalformedError("a public key of an unknown kind")


def jwk_thumbprint(jwk: object) -> str:
    """Return the SHA-256 thumbprint of a public JWK. RFC 7638."""
    return parse_public_jwk(jwk).thumbprint


class Signer(Protocol):
    """What makes signatures: a key in memory, a hardware token or a remote service; key bytes stay behind it (K-12)."""

    @property
    def algorithm(self) -> str: ...

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, data: bytes) -> bytes:
        """Return the raw JOSE signature over the data."""


class SoftwareSigner:
    """A signer whose private key is in this process's memory."""

    __slots__ = ("_key", "algorithm", "public_key")

    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, algorithm: str) -> None:
        self.public_key: Final = public_key_from(key.public_key())
        self.algorithm: Final = algorithm
        self._key: Final = key
        if algorithm not in self.public_key.algorithms & SIGNING_ALGORITHMS:
            raise AlgorithmNotAllowedError(f"no signing with {algorithm!r} and this key")

    @classmethod
    def generate(cls, algorithm: str = "ES256") -> "SoftwareSigner":
        """Make a fresh key from the operating system's random generator."""
        curve = _CURVES_BY_ALGORITHM.get(algorithm)
        if curve is not None:
            return cls(ec.generate_private_key(curve.implementation), algorithm)
        return cls(ed25519.Ed25519PrivateKey.generate(), algorithm)

    @classmethod
    def from_jwk(cls, private_jwk: object) -> "SoftwareSigner":
        """Read a private JWK whose public members belong to its `d`; `alg` decides between Ed25519 and EdDSA."""
        if not isinstance(private_jwk, Mapping):
            raise MalformedError("a JWK is a JSON object")
        public = parse_public_jwk(public_part(private_jwk))
        secret = private_jwk.get("d")
        if not isinstance(secret, str):
            raise MalformedError("a private JWK needs `d`")
        curve = _CURVES.get(public.jwk.get("crv", ""))
        algorithm = private_jwk.get("alg", curve.algorithm if curve is not None else "Ed25519")
        if algorithm not in tuple(public.algorithms):
            raise AlgorithmNotAllowedError("a private JWK that is not for signatures")
        return cls(_private_key(public, base64url.decode(secret)), algorithm)

    def private_jwk(self) -> dict[str, Any]:
        """Return the whole key, to be encrypted and stored; it belongs in no log and no message."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            size = _CURVES_BY_ALGORITHM[self.algorithm].size
            secret = self._key.private_numbers().private_value.to_bytes(size)
        else:
            secret = self._key.private_bytes_raw()
        return {**self.public_key.jwk, "alg": self.algorithm, "d": base64url.encode(secret)}

    def sign(self, data: bytes) -> bytes:
        """Return the raw JOSE signature over the data. RFC 7518 §3.4, RFC 8037 §3.1."""
        return _SIGN[self.algorithm](self._key, data)


def _public_members(jwk: Jwk) -> tuple[tuple[str, str], ...]:
    kty = jwk.get("kty")
    names = _PUBLIC_MEMBERS.get(kty) if isinstance(kty, str) else None
    if names is None:
        raise MalformedError("a JWK of an unknown key type")
    members = [("kty", str(kty))]
    for name in names:
        value = jwk.get(name)
        if not isinstance(value, str):
            raise MalformedError(f"a JWK without text in {name!r}")
        members.append((name, value))
    return tuple(members)


@lru_cache(maxsize=4096)
def _parse_members(members: tuple[tuple[str, str], ...]) -> PublicKey:
    """Parse each key once: checking a point costs as much as a third of a signature."""
    jwk = dict(members)
    return _create_key(members, *_PARSERS[jwk["kty"]](jwk))


def _create_key(
    members: tuple[tuple[str, str], ...], algorithms: frozenset[str], key: CryptographyPublicKey
) -> PublicKey:
    digest = hashlib.sha256(encode_json(dict(sorted(members)))).digest()
    return PublicKey(members, base64url.encode(digest), algorithms, key)


def _parse_ec(jwk: dict[str, str]) -> tuple[frozenset[str], CryptographyPublicKey]:
    curve = _CURVES.get(jwk["crv"])
    if curve is None:
        raise MalformedError("a JWK on an unknown curve")
    x, y = base64url.decode(jwk["x"]), base64url.decode(jwk["y"])
    if not len(x) == len(y) == curve.size:
        raise MalformedError("a JWK whose coordinates have the wrong length")
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve.implementation, b"\x04" + x + y)
    except ValueError as exc:
        raise MalformedError("a JWK whose point is not on the curve") from exc
    return frozenset({curve.algorithm}), point


def _parse_okp(jwk: dict[str, str]) -> tuple[frozenset[str], CryptographyPublicKey]:
    x = base64url.decode(jwk["x"])
    if jwk["crv"] != "Ed25519" or len(x) != 32:
        raise MalformedError("an OKP key other than Ed25519")
    return _EDWARDS_ALGORITHMS, ed25519.Ed25519PublicKey.from_public_bytes(x)


def _parse_rsa(jwk: dict[str, str]) -> tuple[frozenset[str], CryptographyPublicKey]:
    n, e = (_decode_uint(jwk[name]) for name in ("n", "e"))
    if n.bit_length() not in _RSA_BITS or e > _RSA_EXPONENT_MAX:
        raise MalformedError("an RSA key of a size not accepted")
    try:
        return frozenset({"RS256"}), rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError as exc:
        raise MalformedError("an RSA key that is none") from exc


_PARSERS: Final = {"EC": _parse_ec, "OKP": _parse_okp, "RSA": _parse_rsa}


def _narrow(key: PublicKey, jwk: Jwk) -> PublicKey:
    """Keep only the algorithms that the JWK's own `alg` and `use` leave. RFC 7517 §4.2 and §4.4."""
    algorithms = key.algorithms if jwk.get("use", "sig") == "sig" else frozenset[str]()
    if "alg" in jwk and jwk["alg"] not in tuple(algorithms):
        algorithms = frozenset()
    return key if algorithms == key.algorithms else replace(key, algorithms=algorithms)


def _private_key(public: PublicKey, secret: bytes) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    """Return the private key, once it is clear that the public members are its own."""
    curve = _CURVES.get(public.jwk["crv"])
    if len(secret) != (32 if curve is None else curve.size):
        raise MalformedError("a private JWK whose `d` has the wrong length")
    if isinstance(public.key, ec.EllipticCurvePublicKey):
        numbers = ec.EllipticCurvePrivateNumbers(int.from_bytes(secret), public.key.public_numbers())
        try:
            return numbers.private_key()
        except ValueError as exc:
            raise MalformedError("a private JWK whose `d` is not a key of its public members") from exc
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    if key.public_key() != public.key:
        raise MalformedError("a private JWK whose `d` is not a key of its public members")
    return key


# An algorithm that is among a key's own tells its kind already, so nothing below asks for that again.


def _sign_es256(key: Any, data: bytes) -> bytes:
    return _raw_es256_signature(key.sign(data, _ES256))


def _sign_es384(key: Any, data: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(data, _ES384))
    return r.to_bytes(48) + s.to_bytes(48)


def _sign_ed25519(key: Any, data: bytes) -> bytes:
    signature: bytes = key.sign(data)
    return signature


def _verify_es256(key: Any, data: bytes, signature: bytes) -> None:
    key.verify(_der_signature(signature, 32), data, _ES256)


def _verify_es384(key: Any, data: bytes, signature: bytes) -> None:
    key.verify(_der_signature(signature, 48), data, _ES384)


def _verify_ed25519(key: Any, data: bytes, signature: bytes) -> None:
    key.verify(signature, data)


def _verify_rs256(key: Any, data: bytes, signature: bytes) -> None:
    key.verify(signature, data, _RS256, _SHA256)


_SIGN: Final[Mapping[str, Callable[[Any, bytes], bytes]]] = {
    "ES256": _sign_es256,
    "ES384": _sign_es384,
    "Ed25519": _sign_ed25519,
    "EdDSA": _sign_ed25519,
}
_VERIFY: Final[Mapping[str, Callable[[Any, bytes, bytes], None]]] = {
    "ES256": _verify_es256,
    "ES384": _verify_es384,
    "Ed25519": _verify_ed25519,
    "EdDSA": _verify_ed25519,
    "RS256": _verify_rs256,
}


def _der_signature(signature: bytes, size: int) -> bytes:
    """Turn r||s into what the library reads; DER, other lengths and zeros are no signature. RFC 7518 §3.4."""
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    if r == 0 or s == 0:
        raise InvalidSignature
    return encode_dss_signature(r, s)


def _raw_es256_signature(der: bytes) -> bytes:
    """Cut r and s out of a DER signature that our own library just made; every length in it is one byte."""
    r_end = 4 + der[3]
    r, s = der[4:r_end], der[r_end + 2 :]
    return r[-32:].rjust(32, b"\0") + s[-32:].rjust(32, b"\0")


def _encode_uint(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8))


def _decode_uint(text: str) -> int:
    """Read a Base64urlUInt: no leading zero bytes. RFC 7518 §2."""
    data = base64url.decode(text)
    if data[:1] in (b"", b"\0"):
        raise MalformedError("a JWK number with leading zero bytes")
    return int.from_bytes(data)

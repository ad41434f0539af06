"""Compact JWS: the one place where a JOSE signature is made or checked. RFC 7515, RFC 7519, RFC 8725.

A token is judged in a fixed order: its shape and header first (an algorithm that is none, symmetric or unknown
never reaches a key look-up), then the caller's algorithms, then `typ`, and the signature last. What the header
says about where a key could be found (`jku`, `x5u`) is never followed; `kid`, `x5c` and `jwk` are for the caller,
who knows by policy which one of them may speak (K-04).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from kernel import base64url
from kernel.errors import (
    AlgorithmNotAllowedError,
    ExpiredError,
    MalformedError,
    NotYetValidError,
    TooLargeError,
    WrongTypeError,
)
from kernel.keys import VERIFIABLE_ALGORITHMS, PublicKey, Signer, parse_public_jwk
from kernel.strict_json import MAX_BYTES, encode_json, parse_json_object

LEEWAY: Final = timedelta(seconds=60)
MAX_LEEWAY: Final = timedelta(seconds=300)
_NO_LEEWAY: Final = timedelta(0)

# The last second of the year 9999: the latest that a datetime can hold.
_LATEST_DATE: Final = 253402300799

# Longer headers carry certificates and are read each time, so that strangers cannot fill the memory with them.
_KEPT_HEADER: Final = 512


class UnverifiedJwt(NamedTuple):
    """A token that has been read; nobody has checked who signed it.

    Named tuples here and below, since several are made for every presentation: they cost a third of a dataclass.
    """

    raw: str
    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    signing_input: bytes
    signature: bytes

    def __repr__(self) -> str:
        """Without its claims. A-55."""
        return f"UnverifiedJwt(typ={self.header.get('typ')!r})"


class VerifiedJwt(NamedTuple):
    """A token whose signature, algorithm and type held. Times, audience and nonce are still the caller's to check."""

    raw: str
    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    key: PublicKey

    def __repr__(self) -> str:
        """Without its claims. A-55."""
        return f"VerifiedJwt(typ={self.header.get('typ')!r})"


def parse_jwt(raw: object, *, max_bytes: int = MAX_BYTES) -> UnverifiedJwt:
    """Read a compact JWS whose payload is a JSON object, and believe nothing of it.

    Refused already here: an unknown or symmetric `alg` and `none` (AlgorithmNotAllowedError), any `crit`, since no
    extension is understood (RFC 7515 §4.1.11), a private key in the header (K-05), and every second spelling of
    the same bytes (K-06).
    """
    if not isinstance(raw, str):
        raise MalformedError("not a text")
    if len(raw) > max_bytes:
        raise TooLargeError("a text larger than allowed here")
    protected, _, rest = raw.partition(".")
    claims, dot, signature = rest.partition(".")
    if not dot or "." in signature:
        raise MalformedError("a compact JWS has three segments")
    header = dict(_parse_repeated_header(protected)) if len(protected) < _KEPT_HEADER else _parse_header(protected)
    payload = parse_json_object(base64url.decode(claims), max_bytes=max_bytes)
    signing_input = raw[: -len(signature) - 1].encode("ascii")
    return UnverifiedJwt(raw, header, payload, signing_input, base64url.decode(signature))


def verify_jwt(
    token: UnverifiedJwt | str, *, key: PublicKey, typ: str | frozenset[str], algorithms: frozenset[str]
) -> VerifiedJwt:
    """Check algorithm, type and signature of a token, and return it as verified. RFC 8725 §3.1, §3.11.

    `typ` is compared character by character; a token without one is refused. Times are checked by `verify_times`.
    """
    token = parse_jwt(token) if isinstance(token, str) else token
    algorithm = token.header["alg"]
    if algorithm not in algorithms:
        raise AlgorithmNotAllowedError(f"{algorithm} is not allowed here")
    given = token.header.get("typ")
    if given != typ if isinstance(typ, str) else given not in tuple(typ):
        raise WrongTypeError("another `typ` than expected")
    key.verify(algorithm, token.signing_input, token.signature)
    return VerifiedJwt(token.raw, token.header, token.payload, key)


def sign_jwt(payload: Mapping[str, Any], *, signer: Signer, typ: str, header: Mapping[str, Any] | None = None) -> str:
    """Create a compact JWS; `alg` comes from the signer, `typ` from the caller, other header members as given."""
    protected = _encode_header(signer.algorithm, typ, header or {})
    signing_input = f"{protected}.{base64url.encode(encode_json(payload))}"
    return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode('ascii')))}"


def verify_times(payload: Mapping[str, Any], *, now: datetime, leeway: timedelta = LEEWAY) -> None:
    """Raise when `exp` has passed, or `nbf` or `iat` lies ahead, by more than the leeway. RFC 7519 §4.1.

    Only what is there is judged: a message that must carry one of them says so with `get_numeric_date`.
    At `exp` plus leeway exactly the token has expired; at `nbf` or `iat` minus leeway exactly it is valid.
    """
    if not _NO_LEEWAY <= leeway <= MAX_LEEWAY:
        raise ValueError("the leeway is 0 to 300 seconds")
    if now.tzinfo is None:
        raise TypeError("a time without a zone")
    issued_at, not_before = _find_seconds(payload, "iat"), _find_seconds(payload, "nbf")
    expires_at = _find_seconds(payload, "exp")
    moment, grace = now.timestamp(), leeway.total_seconds()
    if expires_at is not None and moment - grace >= expires_at:
        raise ExpiredError("`exp` has passed")
    if not_before is not None and moment + grace < not_before:
        raise NotYetValidError("`nbf` lies ahead")
    if issued_at is not None and moment + grace < issued_at:
        raise NotYetValidError("`iat` lies ahead")


def find_numeric_date(payload: Mapping[str, Any], name: str) -> datetime | None:
    """Return a NumericDate member as aware UTC datetime, None when absent. RFC 7519 §2.

    Text, true and false, NaN, negative numbers and years after 9999 are refused.
    """
    seconds = _find_seconds(payload, name)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _find_seconds(payload: Mapping[str, Any], name: str) -> int | float | None:
    if name not in payload:
        return None
    value = payload[name]
    if (type(value) is not int and type(value) is not float) or not 0 <= value <= _LATEST_DATE:
        raise MalformedError(f"{name!r} is not a NumericDate")
    return value


def get_numeric_date(payload: Mapping[str, Any], name: str) -> datetime:
    """Return a NumericDate member that must be there, as aware UTC datetime."""
    value = find_numeric_date(payload, name)
    if value is None:
        raise MalformedError(f"{name!r} is missing")
    return value


def _parse_header(segment: str) -> dict[str, Any]:
    header = parse_json_object(base64url.decode(segment))
    _require_known_header(header)
    return header


@lru_cache(maxsize=256)
def _parse_repeated_header(segment: str) -> dict[str, Any]:
    """Read a header once: all credentials of one issuer key share it, and so do all Key Binding JWTs of one wallet."""
    return _parse_header(segment)


def _require_known_header(header: Mapping[str, Any]) -> None:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise MalformedError("a header without `alg`")
    if algorithm not in VERIFIABLE_ALGORITHMS:
        raise AlgorithmNotAllowedError("an algorithm that is never allowed")
    if "crit" in header:
        raise MalformedError("a header with critical extensions, none of which is understood")
    if "jwk" in header:
        parse_public_jwk(header["jwk"])


def _encode_header(algorithm: str, typ: str, header: Mapping[str, Any]) -> str:
    try:
        return _encode_repeated_header(algorithm, typ, tuple([(name, _frozen(header[name])) for name in header]))
    except TypeError:
        return base64url.encode(encode_json({"alg": algorithm, "typ": typ, **header}))


@lru_cache(maxsize=256)
def _encode_repeated_header(algorithm: str, typ: str, members: tuple[tuple[str, str | tuple[str, ...]], ...]) -> str:
    """Encode a header once: all credentials of one issuer key share it."""
    return base64url.encode(encode_json({"alg": algorithm, "typ": typ, **dict(members)}))


def _frozen(value: object) -> str | tuple[str, ...]:
    """Return a text, or a chain of texts, as something that can be looked up; raise TypeError for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(element, str) for element in value):
        return tuple(value)
    raise TypeError

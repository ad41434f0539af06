"""Decentralized identifiers: did:jwk, did:key and did:web, and what their documents let a key do.

Nothing here goes out on the network: a did:web document is fetched by `runtime.resolve` and handed in.
DID Core 1.0, Controlled Identifiers 1.0, did:jwk, did:key, did:web; PROFILE.md K-20 to K-24.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel import base64url, multikey
from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.keys import PublicKey, parse_public_jwk, public_key_from
from kernel.strict_json import encode_json, parse_json_object

Relation = Literal["assertionMethod", "authentication"]

_RELATIONS: Final[tuple[Relation, ...]] = ("assertionMethod", "authentication")
# K-22: what is written today, and the two older names that are still met.
_JWK_TYPES: Final = frozenset({"JsonWebKey", "JsonWebKey2020"})
_MULTIBASE_TYPES: Final = frozenset({"Multikey", "Ed25519VerificationKey2020"})
_CODEC_CURVES: Final[Mapping[int, ec.EllipticCurve]] = {
    multikey.P256_PUBLIC_KEY: ec.SECP256R1(),
    multikey.P384_PUBLIC_KEY: ec.SECP384R1(),
}
_CURVE_CODECS: Final = {curve.name: codec for codec, curve in _CODEC_CURVES.items()}
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_HOST_AND_PORT: Final = re.compile(rf"({_HOST.pattern})(?:%3[Aa]([0-9]{{1,5}}))?")
_PATH_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
# Never in a segment, not even encoded. U+FFFD stands for bytes that are not UTF-8.
_DELIMITERS: Final = frozenset("/\\?#\ufffd")
_MAX_DID_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class DidDocument:
    """A DID document whose subject is the DID that was asked for."""

    did: str
    raw: Mapping[str, Any]
    _methods: Mapping[str, Mapping[str, Any]] = field(repr=False)
    _relations: Mapping[Relation, frozenset[str]] = field(repr=False)
    _listed: frozenset[str] = field(repr=False)

    def find_key(self, kid: object, *, relation: Relation) -> PublicKey:
        """Return the key with exactly this DID URL, if the document lists it in this relation.

        K-23, A-02, A-04: no match by fragment or by guess. A method of another controller, one that was revoked
        and one with an end date (which nobody here could judge) are not usable.
        """
        if not isinstance(kid, str) or kid not in self._relations[relation]:
            raise UntrustedIssuerError(f"the DID document has no such key in {relation}")
        return self._get_key(kid)

    def find_listed_key(self, kid: object) -> PublicKey:
        """The same of a key in `verificationMethod`, whatever it is used for, or in `authentication` alone.

        For what is neither a credential nor a presentation: OpenID4VP 1.0 §5.9.3 names no relation for requests. A key
        that is there to encrypt signs nothing (RFC 7517 §4.2).
        """
        if not isinstance(kid, str) or kid not in self._listed | self._relations["authentication"]:
            raise UntrustedIssuerError("the DID document has no such key")
        if _is_for_encryption(self._methods.get(kid, {})):
            raise UntrustedIssuerError("the key is there to encrypt")
        return self._get_key(kid)

    def _get_key(self, kid: str) -> PublicKey:
        method = self._methods.get(kid)
        if method is None:
            raise UntrustedIssuerError("the DID document has the key elsewhere")
        if method.get("controller") != self.did:
            raise UntrustedIssuerError("the key belongs to another controller")
        if "revoked" in method or "expires" in method:
            raise UntrustedIssuerError("the key was revoked or has an end date")
        return _parse_method_key(method)


def parse_did_document(raw: object, *, did: str) -> DidDocument:
    """Read a DID document, as bytes or as parsed JSON, that must be about this DID.

    Keys in it are read when they are asked for: one of a kind unknown to us is no reason to refuse the others.
    """
    document = parse_json_object(raw) if isinstance(raw, bytes) else raw
    if not isinstance(document, Mapping) or document.get("id") != did:
        raise MalformedError("the DID document is about another subject")
    methods: dict[str, Mapping[str, Any]] = {}
    for method in _elements(document, "verificationMethod"):
        _add_method(methods, method, did)
    listed = frozenset(methods)
    relations = {relation: _parse_relation(document, relation, methods, did) for relation in _RELATIONS}
    return DidDocument(did, document, methods, relations, listed)


def create_did_web_document(
    did: str,
    keys: Sequence[tuple[str, PublicKey]],
    *,
    multikeys: Sequence[PublicKey] = (),
    json_web_keys_2020: Sequence[PublicKey] = (),
    service: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Create the document of our own DID: each key with its fragment, for assertion and authentication.

    `multikeys` are those that stand in it once more as `Multikey`, by the name of `multikey_url`: keys on P-256 or
    P-384 that sign JOSE and embedded proofs alike. VC-JOSE-COSE §4.3 knows them as `JsonWebKey`, ECDSA §2.1.1 as
    `Multikey`, and one verification method cannot be both. `json_web_keys_2020` are those that stand in it as
    `JsonWebKey2020`, by the name of `json_web_key_2020_url`: the name from before that section, and the only one that
    some wallets know. K-22.
    """
    methods = [_create_method(did, fragment, key) for fragment, key in keys]
    methods += [_create_multikey_method(did, create_multikey(key), key) for key in multikeys]
    methods += [_create_jwk_method(did, key.thumbprint, key, "JsonWebKey2020") for key in json_web_keys_2020]
    identifiers = [method["id"] for method in methods]
    document = {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/multikey/v1",
            "https://w3id.org/security/jwk/v1",
            *(["https://w3id.org/security/suites/jws-2020/v1"] if json_web_keys_2020 else []),
        ],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": identifiers,
        "authentication": identifiers,
    }
    return {**document, "service": list(service)} if service else document


def did_jwk(jwk: object) -> str:
    """Return the did:jwk of a public JWK, without fragment; its one key is `#0`."""
    return "did:jwk:" + base64url.encode(encode_json(parse_public_jwk(jwk).jwk))


def did_key(jwk: object) -> str:
    """Return the did:key of a public JWK on P-256, P-384 or Ed25519."""
    return "did:key:" + create_multikey(parse_public_jwk(jwk))


def create_multikey(public_key: PublicKey) -> str:
    """Return a key on P-256, P-384 or Ed25519 as the text of a Multikey. Controlled Identifiers 1.0 §2.2.2."""
    key = public_key.key
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return multikey.encode_multikey(_CURVE_CODECS[key.curve.name], point)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return multikey.encode_multikey(multikey.ED25519_PUBLIC_KEY, key.public_bytes_raw())
    raise MalformedError("no multikey is made of an RSA key")


def multikey_url(did: str, key: PublicKey) -> str:
    """Return the DID URL of a key that stands in its document as a Multikey: named by itself, as did:key does it."""
    return f"{did}#{create_multikey(key)}"


def json_web_key_2020_url(did: str, key: PublicKey) -> str:
    """Return the DID URL of a key that stands in its document as a JsonWebKey2020: named by its thumbprint."""
    return f"{did}#{key.thumbprint}"


def resolve_static_did(did: str) -> DidDocument:
    """Return the document that a did:jwk or did:key itself contains."""
    if len(did) > _MAX_DID_CHARACTERS:
        raise MalformedError("a DID longer than any key")
    if did.startswith("did:jwk:"):
        return _resolve_did_jwk(did)
    if did.startswith("did:key:"):
        return _resolve_did_key(did)
    raise MalformedError("neither did:jwk nor did:key")


def did_web_url(did: str) -> str:
    """Return the https URL of the document of a did:web. did:web §3.2; K-21.

    IP addresses, empty segments, dot segments and encoded slashes are refused.
    """
    method, _, identifier = did.partition("did:web:")
    host, *segments = identifier.split(":")
    match = _HOST_AND_PORT.fullmatch(host)
    if method or match is None:
        raise MalformedError("not a did:web with a host")
    _require_domain_name(match[1])
    port = f":{_parse_port(match[2])}" if match[2] else ""
    path = "/".join(_require_plain_segment(segment) for segment in segments) or ".well-known"
    return f"https://{match[1]}{port}/{path}/did.json"


def did_web(url: str) -> str:
    """Return the did:web that belongs to an https (or, for local development, http) URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise MalformedError("not a URL") from exc
    if (
        parts.scheme not in ("https", "http")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or ":" in parts.path
    ):
        raise MalformedError("not a URL that can be a did:web")
    segments = parts.path.strip("/").split("/") if parts.path.strip("/") else []
    did = ":".join(["did:web", host if port is None else f"{host}%3A{port}", *segments])
    did_web_url(did)
    return did


def _elements(document: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise MalformedError(f"{name!r} of a DID document is not a list")
    return value


def _add_method(methods: dict[str, Mapping[str, Any]], method: object, did: str) -> str:
    if not isinstance(method, Mapping) or not isinstance(method.get("id"), str):
        raise MalformedError("a verification method without `id`")
    identifier = _absolute(method["id"], did)
    if identifier in methods:
        raise MalformedError("two verification methods with the same `id`")
    methods[identifier] = method
    return identifier


def _parse_relation(
    document: Mapping[str, Any], relation: str, methods: dict[str, Mapping[str, Any]], did: str
) -> frozenset[str]:
    """Return the DID URLs in a relation; an embedded method is usable in that relation only. DID Core 1.0 §5.3."""
    identifiers = set()
    for element in _elements(document, relation):
        if isinstance(element, str):
            identifiers.add(_absolute(element, did))
        else:
            identifiers.add(_add_method(methods, element, did))
    return frozenset(identifiers)


def _absolute(reference: str, did: str) -> str:
    """Resolve a relative DID URL against the document's subject. DID Core 1.0 §3.2.2."""
    return did + reference if reference.startswith("#") else reference


def _is_for_encryption(method: Mapping[str, Any]) -> bool:
    jwk = method.get("publicKeyJwk")
    return isinstance(jwk, Mapping) and jwk.get("use") == "enc"


def _parse_method_key(method: Mapping[str, Any]) -> PublicKey:
    jwk, multibase, kind = method.get("publicKeyJwk"), method.get("publicKeyMultibase"), method.get("type")
    if not isinstance(kind, str):
        raise MalformedError("a verification method without type")
    if jwk is not None and multibase is None and kind in _JWK_TYPES:
        return parse_public_jwk(jwk)
    if isinstance(multibase, str) and jwk is None and kind in _MULTIBASE_TYPES:
        key = _parse_multikey(multibase)
        if kind == "Multikey" or isinstance(key.key, ed25519.Ed25519PublicKey):
            return key
    raise MalformedError("a verification method without exactly one key of its type")


@lru_cache(maxsize=4096)
def _parse_multikey(text: str) -> PublicKey:
    """Parse each key once, as `kernel.keys` does; a badge's issuer names the same ones again and again."""
    codec, data = multikey.decode_multikey(text)
    try:
        if codec in _CODEC_CURVES:
            return public_key_from(_decompress(_CODEC_CURVES[codec], data))
        if codec == multikey.ED25519_PUBLIC_KEY:
            return public_key_from(ed25519.Ed25519PublicKey.from_public_bytes(data))
    except ValueError as exc:
        raise MalformedError("a multikey that is not a key of its kind") from exc
    raise MalformedError("a multikey of an unknown kind")


def _decompress(curve: ec.EllipticCurve, data: bytes) -> ec.EllipticCurvePublicKey:
    if data[:1] not in (b"\x02", b"\x03"):
        raise ValueError("a multikey holds a compressed point")
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, data)


def _create_method(did: str, fragment: str, key: PublicKey) -> dict[str, Any]:
    """Write a key as those who check with it expect: JOSE a JsonWebKey, `eddsa-rdfc-2022` a Multikey. K-22."""
    if isinstance(key.key, ed25519.Ed25519PublicKey):
        return _create_multikey_method(did, fragment, key)
    return _create_jwk_method(did, fragment, key, "JsonWebKey")


def _create_jwk_method(did: str, fragment: str, key: PublicKey, method_type: str) -> dict[str, Any]:
    (algorithm,) = key.algorithms
    jwk = {"kid": fragment, "alg": algorithm, **key.jwk}
    return {"id": f"{did}#{fragment}", "type": method_type, "controller": did, "publicKeyJwk": jwk}


def _create_multikey_method(did: str, fragment: str, key: PublicKey) -> dict[str, Any]:
    return {
        "id": f"{did}#{fragment}",
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": create_multikey(key),
    }


def _resolve_did_jwk(did: str) -> DidDocument:
    """Expand a did:jwk; a key whose `use` is `enc` gets no relation that signs. did:jwk, "Read"."""
    jwk = parse_json_object(base64url.decode(did.removeprefix("did:jwk:")))
    parse_public_jwk(jwk)
    method = {"id": f"{did}#0", "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk}
    return _static_document(did, method, () if jwk.get("use") == "enc" else _RELATIONS)


def _resolve_did_key(did: str) -> DidDocument:
    value = did.removeprefix("did:key:")
    _parse_multikey(value)
    method = {"id": f"{did}#{value}", "type": "Multikey", "controller": did, "publicKeyMultibase": value}
    return _static_document(did, method, _RELATIONS)


def _static_document(did: str, method: Mapping[str, Any], relations: Sequence[Relation]) -> DidDocument:
    document: dict[str, Any] = {"id": did, "verificationMethod": [method]}
    document.update((relation, [method["id"]]) for relation in relations)
    return parse_did_document(document, did=did)


def _require_domain_name(host: str) -> None:
    """Refuse what a browser would read as an IP address: a host whose last label is a number. URL Standard §3.1."""
    if ".." in host or re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", host.rpartition(".")[2]):
        raise MalformedError("a did:web names a domain, not an address")


def _parse_port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise MalformedError("a did:web with an impossible port")
    return port


def _require_plain_segment(segment: str) -> str:
    decoded = unquote(segment) if _PATH_SEGMENT.fullmatch(segment) else ""
    if decoded in ("", ".", "..") or not decoded.isprintable() or set(decoded) & _DELIMITERS:
        raise MalformedError("a did:web with an unusable path segment")
    return segment

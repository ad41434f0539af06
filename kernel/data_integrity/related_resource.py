"""Resources that a credential names with their digests: files that it stands or falls with. VCDM 2.0 §5.3; K-58."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from kernel import base64url
from kernel.errors import InvalidSignatureError, MalformedError, UndecidedError
from kernel.members import as_object, find_text, get_text
from kernel.multikey import decode_base58btc, decode_varint
from kernel.type_metadata import verify_integrity

MAX_RESOURCES: Final = 32

# Multicodec numbers of the hashes that a multihash may name, as VCDM 2.0 §5.3 recommends them.
_MULTIHASHES: Final = {0x12: "sha256", 0x20: "sha384"}


def verify_related_resources(document: Mapping[str, Any], *, resources: Mapping[str, bytes]) -> None:
    """Raise unless every related resource of a credential has the digest that the credential gives it.

    `resources` are the bytes by URL, the pinned contexts among them. What is not there could not be checked.
    """
    if "relatedResource" not in document:
        return
    value = document["relatedResource"]
    entries = [as_object(entry, "`relatedResource`") for entry in (value if isinstance(value, list) else [value])]
    identifiers = [get_text(entry, "id") for entry in entries]
    if len(entries) > MAX_RESOURCES or len(set(identifiers)) != len(identifiers):
        raise MalformedError("too many related resources, or one named twice")
    for identifier, entry in zip(identifiers, entries, strict=True):
        if identifier not in resources:
            raise UndecidedError("a related resource that is not there")
        _verify_digests(entry, resources[identifier])


def _verify_digests(entry: Mapping[str, Any], data: bytes) -> None:
    integrity, multibase = find_text(entry, "digestSRI"), find_text(entry, "digestMultibase")
    if integrity is None and multibase is None:
        raise MalformedError("a related resource without a digest")
    if integrity is not None:
        verify_integrity(data, integrity=integrity)
    if multibase is not None:
        _verify_multihash(data, multibase)


def _verify_multihash(data: bytes, multibase: str) -> None:
    code, rest = decode_varint(_decode_multibase(multibase))
    length, digest = decode_varint(rest)
    if code not in _MULTIHASHES or len(digest) != length:
        raise MalformedError("a digest of an unknown kind")
    if not hmac.compare_digest(digest, hashlib.new(_MULTIHASHES[code], data).digest()):
        raise InvalidSignatureError("a related resource with another digest")


def _decode_multibase(text: str) -> bytes:
    if text.startswith("u"):
        return base64url.decode(text[1:])
    if text.startswith("z"):
        return decode_base58btc(text[1:])
    raise MalformedError("a digest that is neither base64url nor base58btc")

"""JWT VC Issuer Metadata: the keys of an issuer that is named by its https address. SD-JWT VC §4; PROFILE.md K-25.

Where the metadata stands follows from the credential's `iss`, and what it says counts only if it names that very
`iss`. Fetching it, and `jwks_uri` where the keys stand apart, is the caller's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.keys import PublicKey, parse_public_jwk
from kernel.members import as_array, as_object
from kernel.openid4vci.metadata import well_known_url
from kernel.strict_json import parse_json_object
from kernel.web_urls import web_url

_MAX_KEYS: Final = 100


@dataclass(frozen=True, slots=True)
class JwtVcIssuerMetadata:
    """Metadata about the issuer that was asked for: its keys themselves, or the address where they stand."""

    issuer: str
    jwks: "JwkSet | None"
    jwks_uri: str | None


@dataclass(frozen=True, slots=True)
class JwkSet:
    """Keys by `kid`. Each is read when it is asked for: one of a kind unknown to us spoils none of the others."""

    members: Sequence[Mapping[str, Any]] = field(repr=False)

    def find_key(self, kid: object) -> PublicKey:
        """Return the one signing key with exactly this `kid`; none, or two of them, is UntrustedIssuerError."""
        found = [member for member in self.members if isinstance(kid, str) and member.get("kid") == kid]
        if len(found) != 1 or found[0].get("use", "sig") != "sig":
            raise UntrustedIssuerError("the issuer's metadata has no such signing key")
        return parse_public_jwk(found[0])


def jwt_vc_issuer_url(issuer: str) -> str:
    """Return where the metadata of this `iss` stands: inserted before the path, without the path's last slash. §4.1."""
    return well_known_url(issuer, "jwt-vc-issuer")


def parse_jwt_vc_issuer_metadata(raw: bytes, *, issuer: str) -> JwtVcIssuerMetadata:
    """Read metadata that must be about this very `iss`, with either `jwks` or `jwks_uri`. §4.2, §4.3."""
    members = parse_json_object(raw)
    if members.get("issuer") != issuer:
        raise MalformedError("the metadata is about another issuer")
    if ("jwks" in members) is ("jwks_uri" in members):
        raise MalformedError("issuer metadata has either 'jwks' or 'jwks_uri'")
    if "jwks" in members:
        return JwtVcIssuerMetadata(issuer, read_jwk_set(members["jwks"]), None)
    return JwtVcIssuerMetadata(issuer, None, web_url(members["jwks_uri"], "'jwks_uri'"))


def parse_jwk_set(raw: bytes) -> JwkSet:
    """Read what stands at a `jwks_uri`. RFC 7517 §5."""
    return read_jwk_set(parse_json_object(raw))


def read_jwk_set(value: object) -> JwkSet:
    """Read a JWK Set that stands inside another document. RFC 7517 §5."""
    keys = as_array(as_object(value, "the key set").get("keys"), "'keys'", limit=_MAX_KEYS)
    return JwkSet(tuple(as_object(key, "a key") for key in keys))

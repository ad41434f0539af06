"""What a Relying Party reads from an OpenID Provider: its metadata, its keys, and who signed in.

OpenID Connect Core 1.0 §3.1.3, OpenID Connect Discovery 1.0 §3, §4. Only the code flow: an ID Token comes over TLS from
the Token Endpoint, and is checked in full all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.errors import AudienceError, InvalidSignatureError, MalformedError, NonceError, UntrustedIssuerError
from kernel.jwt import LEEWAY, UnverifiedJwt, get_numeric_date, parse_jwt, verify_times
from kernel.keys import PublicKey, parse_public_jwk
from kernel.members import as_array, as_object, find_text, find_texts, get_text, is_same_text
from kernel.web_urls import web_url

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
ID_TOKEN_ALGORITHMS: Final = frozenset({"RS256", "ES256", "ES384", "Ed25519", "EdDSA"})
# An ID Token is asked for and read within one sign-in.
_OLDEST: Final = timedelta(minutes=10)
_MAX_KEYS: Final = 50


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """Where an OpenID Provider signs people in. Discovery §3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods: frozenset[str]
    is_iss_in_response: bool


@dataclass(frozen=True, slots=True)
class VerifiedIdToken:
    """Who signed in, by the provider that was asked. Core §2."""

    issuer: str
    subject: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def verified_email(self) -> str | None:
        """The e-mail address, where the provider says that it is the person's. Core §5.1."""
        return find_text(self.claims, "email") if self.claims.get("email_verified") is True else None


def discovery_url(issuer: str) -> str:
    """Return where the metadata of a provider is. Discovery §4.1: a final slash goes before the path is appended."""
    return issuer.removesuffix("/") + DISCOVERY_PATH


def parse_provider_metadata(value: object, *, issuer: str) -> ProviderMetadata:
    """Read a provider's metadata, which must name the issuer that it was asked of, exactly. Discovery §4.3."""
    members = as_object(value, "the provider's metadata")
    if get_text(members, "issuer") != issuer:
        raise UntrustedIssuerError("the metadata names another issuer")
    methods = find_texts(members, "token_endpoint_auth_methods_supported")
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=web_url(members.get("authorization_endpoint"), "'authorization_endpoint'"),
        token_endpoint=web_url(members.get("token_endpoint"), "'token_endpoint'"),
        jwks_uri=web_url(members.get("jwks_uri"), "'jwks_uri'"),
        token_endpoint_auth_methods=frozenset(methods or ("client_secret_basic",)),
        is_iss_in_response=members.get("authorization_response_iss_parameter_supported") is True,
    )


def verify_id_token(
    raw: str, *, key_set: object, issuer: str, client_id: str, nonce: str, now: datetime
) -> VerifiedIdToken:
    """Check an ID Token and return who signed in. Core §3.1.3.7.

    (1) `iss` is the provider that was asked. (2) `aud` is us; with others beside us, `azp` is us too. (3) The signature
    holds with a key of the provider's, by an algorithm of a list of ours: never `none`, never one with a shared secret.
    (4) `exp` has not passed, `iat` is there and recent. (5) `nonce` is that of this sign-in.
    """
    token = parse_jwt(raw)
    claims = token.payload
    if token.header.get("typ", "JWT") != "JWT":
        raise MalformedError("another type than an ID Token has")
    if get_text(claims, "iss") != issuer:
        raise UntrustedIssuerError("another issuer's ID Token")
    _verify_audience(claims, client_id)
    _verify_signature(token, key_set)
    issued_at = get_numeric_date(claims, "iat")
    get_numeric_date(claims, "exp")
    verify_times(claims, now=now)
    if issued_at + _OLDEST + LEEWAY < now:
        raise NonceError("an ID Token from before this sign-in")
    if not is_same_text(claims.get("nonce"), nonce):
        raise NonceError("another sign-in's ID Token")
    return VerifiedIdToken(issuer, get_text(claims, "sub"), claims)


def _verify_audience(claims: Mapping[str, Any], client_id: str) -> None:
    given = claims.get("aud")
    audiences = [given] if isinstance(given, str) else list(as_array(given, "'aud'"))
    if client_id not in audiences:
        raise AudienceError("for another client")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise AudienceError("authorised for another client")


def _verify_signature(token: UnverifiedJwt, key_set: object) -> None:
    """Try the keys that could have signed: those of the token's `kid`, or all of the right kind when it has none."""
    algorithm, kid = token.header["alg"], token.header.get("kid")
    for key in _find_keys(key_set, algorithm, kid):
        try:
            return key.verify(algorithm, token.signing_input, token.signature)
        except InvalidSignatureError:
            continue
    raise InvalidSignatureError("no key of the provider's made this signature")


def _find_keys(key_set: object, algorithm: str, kid: object) -> Sequence[PublicKey]:
    """The keys that fit. Key sets hold keys for other uses and of kinds that are not known here: those are skipped."""
    listed = as_array(as_object(key_set, "the key set").get("keys"), "'keys'", limit=_MAX_KEYS)
    found = []
    for jwk in listed:
        if not isinstance(jwk, Mapping) or (kid is not None and jwk.get("kid") != kid):
            continue
        try:
            key = parse_public_jwk(jwk)
        except MalformedError:
            continue
        if algorithm in key.algorithms & ID_TOKEN_ALGORITHMS:
            found.append(key)
    return found

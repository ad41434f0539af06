"""What an OpenID Provider says, and every way in which an ID Token is refused. OpenID Connect Core 1.0 §3.1.3.7."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from kernel.errors import (
    AudienceError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    UntrustedIssuerError,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid_connect import (
    discovery_url,
    parse_provider_metadata,
    verify_id_token,
)

ISSUER = "https://login.school.example/realm"
CLIENT = "badges"
NONCE = "n-0S6_WzA2Mj"
SIGNER = SoftwareSigner.generate("ES256")
OTHER = SoftwareSigner.generate("ES256")
METADATA: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}


def key_set(**changes: Any) -> dict[str, Any]:
    return {"keys": [{**SIGNER.public_key.jwk, "kid": "1", **changes}]}


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT,
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "iat": int(now.timestamp()),
        "nonce": NONCE,
        "email": "sanne@student.example",
        "email_verified": True,
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def token(now: datetime, *, typ: str = "JWT", kid: str | None = "1", **changes: Any) -> str:
    header = {} if kid is None else {"kid": kid}
    return sign_jwt(claims(now, **changes), signer=SIGNER, typ=typ, header=header)


def verify(raw: str, now: datetime, keys: object = None) -> Any:
    key_set_ = key_set() if keys is None else keys
    return verify_id_token(raw, key_set=key_set_, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now=now)


def test_an_id_token_says_who_signed_in(now: datetime) -> None:
    verified = verify(token(now), now)
    assert (verified.issuer, verified.subject) == (ISSUER, "248289761001")
    assert verified.verified_email == "sanne@student.example"


@pytest.mark.parametrize("said", [None, False, "true"])
def test_an_address_that_is_not_verified_is_nobodys(now: datetime, said: object) -> None:
    assert verify(token(now, email_verified=said), now).verified_email is None


def test_an_id_token_without_key_id_holds_with_any_key_of_the_provider(now: datetime) -> None:
    keys = {"keys": [OTHER.public_key.jwk, "no key", {"kty": "oct"}, *key_set(kid="2")["keys"]]}
    assert verify(token(now, kid=None), now, keys).subject


def test_a_client_among_others_is_the_authorised_party(now: datetime) -> None:
    assert verify(token(now, aud=[CLIENT, "other"], azp=CLIENT), now).subject
    assert verify(token(now, aud=[CLIENT]), now).subject


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "https://login.evil.example"}, UntrustedIssuerError),
        ({"iss": None}, MalformedError),
        ({"aud": "other"}, AudienceError),
        ({"aud": ["other"]}, AudienceError),
        ({"aud": [CLIENT, "other"]}, AudienceError),
        ({"azp": "other"}, AudienceError),
        ({"aud": None}, MalformedError),
        ({"nonce": None}, NonceError),
        ({"nonce": "another"}, NonceError),
        ({"sub": None}, MalformedError),
        ({"exp": None}, MalformedError),
        ({"iat": None}, MalformedError),
    ],
)
def test_A27_an_id_token_with_one_thing_wrong_is_refused(
    now: datetime, changes: dict[str, Any], error: type[CredentialError]
) -> None:
    with pytest.raises(error):
        verify(token(now, **changes), now)


@pytest.mark.parametrize(
    ("exp", "iat", "error"),
    [
        (timedelta(minutes=-2), timedelta(minutes=-5), ExpiredError),
        (timedelta(minutes=30), timedelta(minutes=5), NotYetValidError),
        (timedelta(hours=1), timedelta(minutes=-12), NonceError),
    ],
)
def test_A09_an_id_token_of_another_time_is_refused(
    now: datetime, exp: timedelta, iat: timedelta, error: type[CredentialError]
) -> None:
    times = {"exp": int((now + exp).timestamp()), "iat": int((now + iat).timestamp())}
    with pytest.raises(error):
        verify(token(now, **times), now)


def forged(now: datetime) -> str:
    return sign_jwt(claims(now), signer=OTHER, typ="JWT", header={"kid": "1"})


@pytest.mark.parametrize(
    ("make", "keys", "error"),
    [
        (forged, key_set(), InvalidSignatureError),
        (token, key_set(kid="2"), InvalidSignatureError),
        (token, key_set(use="enc"), InvalidSignatureError),
        (token, {"keys": []}, MalformedError),
        (token, {}, MalformedError),
        (token, [], MalformedError),
        (lambda now: token(now, typ="kb+jwt"), key_set(), MalformedError),
        (lambda now: "a.b.c", key_set(), MalformedError),
    ],
    ids=["another key", "another kid", "another use", "no keys", "no member", "an array", "typ", "no token"],
)  # fmt: skip
def test_A01_A03_an_id_token_that_the_provider_did_not_sign_is_refused(
    now: datetime, make: Callable[[datetime], str], keys: object, error: type[CredentialError]
) -> None:
    with pytest.raises(error):
        verify(make(now), now, keys)


def test_a_providers_metadata_says_where_to_go() -> None:
    metadata = parse_provider_metadata(METADATA, issuer=ISSUER)
    assert metadata.token_endpoint == f"{ISSUER}/token"
    assert metadata.token_endpoint_auth_methods == {"client_secret_basic"}
    assert not metadata.is_iss_in_response
    more = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    more |= {"authorization_response_iss_parameter_supported": True}
    richer = parse_provider_metadata({**METADATA, **more}, issuer=ISSUER)
    assert richer.token_endpoint_auth_methods == {"client_secret_post"}
    assert richer.is_iss_in_response


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"issuer": f"{ISSUER}/"}, UntrustedIssuerError),
        ({"issuer": None}, MalformedError),
        ({"authorization_endpoint": "http://login.school.example/authorize"}, MalformedError),
        ({"token_endpoint": None}, MalformedError),
        ({"jwks_uri": "javascript:alert(1)"}, MalformedError),
    ],
)
def test_A27_metadata_of_another_provider_is_refused(changes: dict[str, Any], error: type[CredentialError]) -> None:
    with pytest.raises(error):
        parse_provider_metadata({**METADATA, **changes}, issuer=ISSUER)


def test_discovery_is_below_the_issuer() -> None:
    assert discovery_url(ISSUER) == f"{ISSUER}/.well-known/openid-configuration"
    assert discovery_url(f"{ISSUER}/") == f"{ISSUER}/.well-known/openid-configuration"

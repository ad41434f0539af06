"""Wallets whose provider vouches for them: OAuth 2.0 Attestation-Based Client Authentication, drafts -07 and -10.

OpenID4VCI 1.0 Appendix E; PROFILE.md I-45 to I-49, W-09, A-33. Section numbers are those of -10. What -07 has besides
(`iss` in both tokens) is accepted where it agrees. Whether a `jti` was seen before, whether a `challenge` was handed
out, and whether the provider withdrew the attestation (`status`), is for the server: all three are returned.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509

from kernel import base64url
from kernel.errors import AudienceError, CredentialError, ExpiredError, MalformedError, RejectedError
from kernel.formats.status_reference import StatusReference, find_status_claim
from kernel.jwt import LEEWAY, UnverifiedJwt, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import Jwk, PublicKey, Signer, parse_public_jwk
from kernel.members import find_object, find_text, get_text
from kernel.openid4vci.dpop import DpopProof
from kernel.x5c import verify_x5c

ATTESTATION_HEADER: Final = "OAuth-Client-Attestation"
POP_HEADER: Final = "OAuth-Client-Attestation-PoP"
CHALLENGE_HEADER: Final = "OAuth-Client-Attestation-Challenge"
ATTESTATION_TYP: Final = "oauth-client-attestation+jwt"
POP_TYP: Final = "oauth-client-attestation-pop+jwt"
# As with DPoP proofs: made for one request, and replays are known for as long as one could be accepted.
MAX_AGE: Final = timedelta(minutes=5)
REMEMBERED: Final = MAX_AGE + 2 * LEEWAY

_MAX_BYTES: Final = 64 * 1024
_MAX_JTI: Final = 1024


class ClientAttestationError(RejectedError):
    """A wallet attestation, or the proof that it is this wallet's, is broken, foreign or not trusted."""

    code = "client_attestation"
    sentence = "The client attestation or its proof of possession is not valid here."


class StaleClientAttestationError(ClientAttestationError):
    """The wallet attestation is genuine and too old: the wallet's provider makes new ones."""

    code = "client_attestation_stale"
    sentence = "The client attestation is too old; send a fresh one."


@dataclass(frozen=True, slots=True)
class UnverifiedClientAttestation:
    """What an attestation says before anybody checked who signed it: enough to find out whose key that should be."""

    token: UnverifiedJwt
    client_id: str
    unverified_issuer: str | None
    x5c: object
    key_id: str | None


@dataclass(frozen=True, slots=True)
class VerifiedClientAttestation:
    """A client that a trusted provider vouches for, and that proved to hold its instance key. Appendix E."""

    client_id: str
    instance_key: PublicKey
    provider_key: PublicKey
    jti: str
    challenge: str | None
    proven_at: datetime
    expires_at: datetime
    wallet_name: str | None = None
    wallet_link: str | None = None
    status: tuple[StatusReference, ...] = ()
    provider_anchor: x509.Certificate | None = None


def create_client_attestation(
    *,
    signer: Signer,
    client_id: str,
    instance_key: Jwk,
    issued_at: datetime,
    expires_at: datetime,
    header: Mapping[str, Any],
    issuer: str | None = None,
    wallet_name: str | None = None,
    wallet_link: str | None = None,
    status: Mapping[str, Any] | None = None,
) -> str:
    """Create what a wallet provider says of one instance of its wallet. §4; `header` has `x5c` or `kid`.

    `issuer` is for servers that follow -07. `client_id` is that of the product, shared by all instances (I-47).
    """
    optional = {"iss": issuer, "wallet_name": wallet_name, "wallet_link": wallet_link, "status": status}
    payload = {
        "sub": client_id,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "cnf": {"jwk": parse_public_jwk(instance_key).jwk},
        **{name: value for name, value in optional.items() if value is not None},
    }
    return sign_jwt(payload, signer=signer, typ=ATTESTATION_TYP, header=header)


def create_client_attestation_pop(
    *, signer: Signer, audience: str, now: datetime, challenge: str | None = None, client_id: str | None = None
) -> str:
    """Create the proof that goes with an attestation, for one request to one server. §5.1.

    `client_id` becomes `iss`, which servers that follow -07 demand.
    """
    payload: dict[str, Any] = {} if client_id is None else {"iss": client_id}
    payload |= {"aud": audience, "jti": base64url.encode(secrets.token_bytes(16)), "iat": int(now.timestamp())}
    if challenge is not None:
        payload["challenge"] = challenge
    return sign_jwt(payload, signer=signer, typ=POP_TYP)


def parse_client_attestation(raw: str) -> UnverifiedClientAttestation:
    """Read an attestation and believe nothing of it; raise ClientAttestationError for what is none."""
    try:
        token = parse_jwt(raw, max_bytes=_MAX_BYTES)
        return UnverifiedClientAttestation(
            token=token,
            client_id=get_text(token.payload, "sub"),
            unverified_issuer=find_text(token.payload, "iss"),
            x5c=token.header.get("x5c"),
            key_id=find_text(token.header, "kid"),
        )
    except CredentialError as exc:
        raise ClientAttestationError(f"{exc.code}: {exc.detail}") from exc


def verify_client_attestation(
    attestation: UnverifiedClientAttestation,
    pop: str | DpopProof,
    *,
    anchors: Sequence[x509.Certificate] = (),
    key: PublicKey | None = None,
    audience: str,
    now: datetime,
    algorithms: frozenset[str],
    client_id: str | None,
) -> VerifiedClientAttestation:
    """Check attestation and proof of possession, and return whom they authenticate, or raise ClientAttestationError.

    The provider's key is `key` where policy knows it, and else that of a chain to one of `anchors`; with neither,
    nobody is trusted. `pop` may be a DPoP proof that was verified for this request (§5.2). `audience` is the
    authorization server's issuer identifier; `client_id` the one that the request names, if it names one.
    """
    try:
        return _verify(attestation, pop, anchors, key, audience, now, algorithms, client_id)
    except ClientAttestationError:
        raise
    except CredentialError as exc:
        raise ClientAttestationError(f"{exc.code}: {exc.detail}") from exc


def _verify(
    attestation: UnverifiedClientAttestation,
    pop: str | DpopProof,
    anchors: Sequence[x509.Certificate],
    key: PublicKey | None,
    audience: str,
    now: datetime,
    algorithms: frozenset[str],
    client_id: str | None,
) -> VerifiedClientAttestation:
    # §7.1 (2) to (4) The attestation is of this type, and its provider's.
    provider_key, provider_anchor = _find_provider(attestation.x5c, anchors, now) if key is None else (key, None)
    payload = verify_jwt(attestation.token, key=provider_key, typ=ATTESTATION_TYP, algorithms=algorithms).payload
    # (5) It names a public key of the instance.
    instance_key = parse_public_jwk((find_object(payload, "cnf") or {}).get("jwk"))
    # (6) It is fresh.
    expires_at = get_numeric_date(payload, "exp")
    try:
        verify_times(payload, now=now)
    except ExpiredError as exc:
        raise StaleClientAttestationError("`exp` has passed") from exc
    # (7) It is about the client that the request names.
    if client_id is not None and client_id != attestation.client_id:
        raise RejectedError("the attestation is about another client")
    jti, challenge, proven_at = (
        _use_dpop(pop, instance_key)
        if isinstance(pop, DpopProof)
        else _verify_pop(pop, instance_key, attestation.client_id, audience, now, algorithms)
    )
    return VerifiedClientAttestation(
        client_id=attestation.client_id,
        instance_key=instance_key,
        provider_key=provider_key,
        jti=jti,
        challenge=challenge,
        proven_at=proven_at,
        expires_at=expires_at,
        wallet_name=find_text(payload, "wallet_name"),
        wallet_link=find_text(payload, "wallet_link"),
        status=find_status_claim(payload),
        provider_anchor=provider_anchor,
    )


def _find_provider(
    x5c: object, anchors: Sequence[x509.Certificate], now: datetime
) -> tuple[PublicKey, x509.Certificate]:
    chain = verify_x5c(x5c, anchors=anchors, now=now)
    return chain.leaf_key, chain.anchor


def _verify_pop(
    pop: str, instance_key: PublicKey, client_id: str, audience: str, now: datetime, algorithms: frozenset[str]
) -> tuple[str, str | None, datetime]:
    # §7.2 (2) to (4) Of its own type, signed by the instance key.
    payload = verify_jwt(parse_jwt(pop, max_bytes=_MAX_BYTES), key=instance_key, typ=POP_TYP, algorithms=algorithms)
    members = payload.payload
    # (6) Made just now.
    issued_at = get_numeric_date(members, "iat")
    if now - issued_at > MAX_AGE + LEEWAY:
        raise ExpiredError("the proof of possession was made too long ago")
    verify_times(members, now=now)
    # (7) Made for this server; and, as -07 has it, by this client.
    if get_text(members, "aud") != audience:
        raise AudienceError("the proof of possession was made for another server")
    if find_text(members, "iss") not in (None, client_id):
        raise RejectedError("the proof of possession was made by another client")
    jti = get_text(members, "jti")
    if len(jti) > _MAX_JTI:
        raise MalformedError("'jti' is longer than any identifier")
    # (5), (8), (9) Challenge and replay are the server's.
    return jti, find_text(members, "challenge"), issued_at


def _use_dpop(proof: DpopProof, instance_key: PublicKey) -> tuple[str, str | None, datetime]:
    """§7.3 (4), (5): the same key, and the challenge as nonce; its `jti` is spent as that of a DPoP proof."""
    if proof.key != instance_key:
        raise RejectedError("the DPoP proof was made with another key than the instance's")
    return proof.jti, proof.nonce, proof.issued_at

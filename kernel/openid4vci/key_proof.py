"""Key proofs of type `jwt`: a wallet shows that it holds the key a credential will name. OpenID4VCI 1.0 Appendix F."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.did import resolve_static_did
from kernel.errors import AudienceError, ExpiredError, HolderBindingError, MalformedError
from kernel.jwt import LEEWAY, UnverifiedJwt, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer, parse_public_jwk
from kernel.members import find_text, get_text

TYP: Final = "openid4vci-proof+jwt"
# A proof is made for a fresh nonce, which lives five minutes (I-56); one older than that was kept.
MAX_AGE: Final = timedelta(minutes=5)

_KEY_MEMBERS: Final = ("kid", "jwk", "x5c")


@dataclass(frozen=True, slots=True)
class KeyProof:
    """A key that was proven to be held, and the nonce it was proven with: the issuer's store knows if that is live.

    `key_id` is the DID URL by which the wallet named the key, None when it gave the key itself.
    """

    holder_key: PublicKey
    nonce: str
    key_id: str | None


def create_key_proof(
    *,
    signer: Signer,
    audience: str,
    nonce: str,
    now: datetime,
    key_id: str | None = None,
    client_id: str | None = None,
) -> str:
    """Create a key proof for a Credential Issuer. Appendix F.1.

    The key is named by the DID URL `key_id`, or given as `jwk`. `client_id` stays out in anonymous
    pre-authorized access.
    """
    header: dict[str, Any] = {"jwk": signer.public_key.jwk} if key_id is None else {"kid": key_id}
    payload: dict[str, Any] = {"aud": audience, "iat": int(now.timestamp()), "nonce": nonce}
    if client_id is not None:
        payload = {"iss": client_id, **payload}
    return sign_jwt(payload, signer=signer, typ=TYP, header=header)


def verify_key_proof(
    proof: str,
    *,
    audience: str,
    algorithms: frozenset[str],
    now: datetime,
    client_id: str | None = None,
) -> KeyProof:
    """Check a wallet's `jwt` key proof and return the holder key it proves. Appendix F.1 and F.4.

    The nonce is returned, not judged: only the issuer's database knows whether it was handed out and is still
    unspent. Without `client_id` access was anonymous, and `iss` is absent, or, as DIIP wallets write it, the DID
    of the key (I-58).
    """
    token = parse_jwt(proof)
    # (1) Exactly one key, in a form that our metadata offers.
    key, key_id = _find_key(token)
    # (2) Type, algorithm, signature.
    payload = verify_jwt(token, key=key, typ=TYP, algorithms=algorithms).payload
    # (3) Made for this issuer, by this client.
    if get_text(payload, "aud") != audience:
        raise AudienceError("the key proof was made for another issuer")
    _require_client(find_text(payload, "iss"), client_id, key_id)
    # (4) Made just now.
    if now - get_numeric_date(payload, "iat") > MAX_AGE + LEEWAY:
        raise ExpiredError("the key proof was made too long ago")
    verify_times(payload, now=now)
    # (5) For a nonce of the issuer.
    return KeyProof(key, get_text(payload, "nonce"), key_id)


def _find_key(token: UnverifiedJwt) -> tuple[PublicKey, str | None]:
    named = [name for name in _KEY_MEMBERS if name in token.header]
    if len(named) != 1:
        raise MalformedError("a key proof names its key in exactly one way")
    if named == ["jwk"]:
        return parse_public_jwk(token.header["jwk"]), None
    if named == ["x5c"]:
        raise HolderBindingError("keys in certificates are not among the binding methods offered")
    key_id = get_text(token.header, "kid")
    document = resolve_static_did(key_id.partition("#")[0])
    return document.find_key(key_id, relation="authentication"), key_id


def _require_client(issuer: str | None, client_id: str | None, key_id: str | None) -> None:
    allowed = {client_id} if client_id is not None else {None, key_id.partition("#")[0] if key_id else None}
    if issuer not in allowed:
        raise AudienceError("the key proof was made by another client")

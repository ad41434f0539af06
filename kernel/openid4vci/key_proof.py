"""Key proofs: a wallet shows that it holds the key a credential will name. OpenID4VCI 1.0 Appendix F; I-50, I-58, I-59.

Three types: `jwt`, with a key attestation in its header or without; `di_vp`, a presentation without credentials; and
`attestation`, where a trusted attester speaks for keys that sign nothing themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.data_integrity import add_proof, parse_proofs, verify_proofs
from kernel.data_integrity.verification import identifier_of
from kernel.did import Relation, resolve_static_did
from kernel.errors import AudienceError, ExpiredError, HolderBindingError, MalformedError, WrongTypeError
from kernel.jwt import LEEWAY, UnverifiedJwt, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer, parse_public_jwk
from kernel.members import find_text, get_text
from kernel.open_badges import CREDENTIALS_V2
from kernel.openid4vci.key_attestation import KeyAttesters, VerifiedKeyAttestation, verify_key_attestation

PROOF_TYPES: Final = ("jwt", "di_vp", "attestation")
TYP: Final = "openid4vci-proof+jwt"
# A proof is made for a fresh nonce, which lives five minutes (I-56); one older than that was kept.
MAX_AGE: Final = timedelta(minutes=5)

_KEY_MEMBERS: Final = ("kid", "jwk", "x5c")


@dataclass(frozen=True, slots=True)
class KeyProof:
    """A key that was proven to be held, and the nonce it was proven with: the issuer's store knows if that is live.

    `key_id` is the DID URL by which the wallet named the key, None when it gave the key itself. With an attestation
    all keys in it may be bound to, and its own nonce, if it has one, has to be live too.
    """

    holder_key: PublicKey
    nonce: str
    key_id: str | None
    attestation: VerifiedKeyAttestation | None = None

    @property
    def holder_keys(self) -> tuple[PublicKey, ...]:
        """Every key that a credential may be bound to by this proof."""
        return (self.holder_key,) if self.attestation is None else self.attestation.keys

    @property
    def nonces(self) -> frozenset[str]:
        """Every nonce that this proof was made with."""
        attested = None if self.attestation is None else self.attestation.nonce
        return frozenset({self.nonce} if attested is None else {self.nonce, attested})


def create_key_proof(
    *,
    signer: Signer,
    audience: str,
    nonce: str | None,
    now: datetime,
    key_id: str | None = None,
    client_id: str | None = None,
    key_attestation: str | None = None,
) -> str:
    """Create a key proof for a Credential Issuer. Appendix F.1.

    The key is named by the DID URL `key_id`, or given as `jwk`. `client_id` stays out in anonymous
    pre-authorized access, and the nonce where the issuer has no Nonce Endpoint.
    """
    header: dict[str, Any] = {"jwk": signer.public_key.jwk} if key_id is None else {"kid": key_id}
    if key_attestation is not None:
        header["key_attestation"] = key_attestation
    payload: dict[str, Any] = {"aud": audience, "iat": int(now.timestamp())}
    if nonce is not None:
        payload["nonce"] = nonce
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
    attesters: KeyAttesters | None = None,
) -> KeyProof:
    """Check a wallet's `jwt` key proof and return the holder key it proves. Appendix F.1 and F.4.

    The nonce is returned, not judged: only the issuer's database knows whether it was handed out and is still
    unspent. A key attestation in the header needs none of its own, since the key that it vouches for signs with a
    fresh one (errata to F.1); where it has one, that is returned too. `iss` may be left out, and is otherwise the
    client. Without `client_id` access was anonymous, and `iss` is absent, or, as DIIP wallets write it, the DID of the
    key (I-58). Without `attesters` nobody's key attestation is evaluated, and one in the header is ignored.
    """
    token = parse_jwt(proof)
    attestation = None
    if attesters is not None and "key_attestation" in token.header:
        attestation = verify_key_attestation(
            get_text(token.header, "key_attestation"),
            attesters=attesters,
            algorithms=algorithms,
            now=now,
            is_expiry_required=True,
        )
    # (1) Exactly one key, in a form that our metadata offers; one of those attested, if some are.
    key, key_id = _find_key(token, attestation)
    if attestation is not None and key not in attestation.keys:
        raise HolderBindingError("the key of the proof is not among those attested")
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
    return KeyProof(key, get_text(payload, "nonce"), key_id, attestation)


def create_di_vp_proof(
    *, signer: Signer, key_id: str, audience: str, nonce: str | None, now: datetime, cryptosuite: str
) -> dict[str, Any]:
    """Create a key proof that is a presentation of nothing. Appendix F.2. `key_id` is a DID URL.

    Without a nonce for an issuer that has no Nonce Endpoint.
    """
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": key_id.partition("#")[0],
    }
    return add_proof(
        presentation,
        cryptosuite=cryptosuite,
        signer=signer,
        verification_method=key_id,
        proof_purpose="authentication",
        created_at=now,
        challenge=nonce,
        domain=audience,
    )


def verify_di_vp_proof(
    proof: Mapping[str, Any], *, audience: str, cryptosuites: frozenset[str], now: datetime
) -> KeyProof:
    """Check a wallet's `di_vp` key proof and return the holder key it proves. Appendix F.2 and F.4.

    The nonce is returned, not judged, as with `jwt`.
    """
    types = proof.get("type")
    if "VerifiablePresentation" not in (types if isinstance(types, list) else [types]):
        raise WrongTypeError("not a presentation")
    proofs = parse_proofs(proof)
    if len(proofs) != 1:
        raise MalformedError("a presentation with several proofs")
    # (1) The holder, if somebody is called so, is the one whose key it is.
    if "holder" in proof and identifier_of(proof["holder"], "'holder'") != proofs[0].controller:
        raise HolderBindingError("the holder is not the controller of the key")
    # (2) Cryptosuite, purpose, signature, times.
    (held,) = verify_proofs(
        proof,
        controller=proofs[0].controller,
        find_key=_find_did_key,
        cryptosuites=cryptosuites,
        proof_purpose="authentication",
        now=now,
    )
    if held.proof.created_at is not None and now - held.proof.created_at > MAX_AGE + LEEWAY:
        raise ExpiredError("the key proof was made too long ago")
    # (3) Made for this issuer.
    if held.proof.domains != (audience,):
        raise AudienceError("the key proof was made for another issuer")
    # (4) For a nonce of the issuer.
    if held.proof.challenge is None:
        raise MalformedError("a key proof without 'challenge'")
    return KeyProof(held.key, held.proof.challenge, held.proof.verification_method)


def verify_attestation_proof(
    proof: str, *, attesters: KeyAttesters, algorithms: frozenset[str], now: datetime
) -> KeyProof:
    """Check an `attestation` key proof: a trusted attester vouches for keys, none of which signed. Appendix F.3.

    Nothing else is fresh here, so its nonce is the issuer's.
    """
    attestation = verify_key_attestation(
        proof, attesters=attesters, algorithms=algorithms, now=now, is_expiry_required=False
    )
    if attestation.nonce is None:
        raise MalformedError("a key attestation without 'nonce'")
    return KeyProof(attestation.keys[0], attestation.nonce, None, attestation)


def _find_key(token: UnverifiedJwt, attestation: VerifiedKeyAttestation | None) -> tuple[PublicKey, str | None]:
    named = [name for name in _KEY_MEMBERS if name in token.header]
    if len(named) != 1:
        raise MalformedError("a key proof names its key in exactly one way")
    if named == ["jwk"]:
        return parse_public_jwk(token.header["jwk"]), None
    if named == ["x5c"]:
        raise HolderBindingError("keys in certificates are not among the binding methods offered")
    key_id = get_text(token.header, "kid")
    if attestation is not None and not key_id.startswith("did:"):
        return attestation.find_key(key_id), None
    document = resolve_static_did(key_id.partition("#")[0])
    return document.find_key(key_id, relation="authentication"), key_id


def _find_did_key(verification_method: str, relation: Relation) -> PublicKey:
    document = resolve_static_did(verification_method.partition("#")[0])
    return document.find_key(verification_method, relation=relation)


def _require_client(issuer: str | None, client_id: str | None, key_id: str | None) -> None:
    allowed = {None, client_id} if client_id is not None else {None, key_id.partition("#")[0] if key_id else None}
    if issuer not in allowed:
        raise AudienceError("the key proof was made by another client")

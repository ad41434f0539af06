"""The key proofs of a credential request: every one of them, before anything is issued. OpenID4VCI 1.0 §8.2, F.4.

PROFILE.md I-50, I-58 to I-60; A-22, A-23, A-33. Which proof types and algorithms count stands with the configuration,
and the metadata says the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from issuer import nonce as nonces
from issuer.configurations import Securing, credential_type, proof_types
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import KeyProofError
from issuer.settings import IssuerSettings
from issuer.wallet_providers import WalletProviders
from kernel.errors import CredentialError, RejectedError, UndecidedError, UntrustedIssuerError
from kernel.keys import PublicKey
from kernel.openid4vci import (
    CredentialRequest,
    KeyProof,
    VerifiedKeyAttestation,
    require_key_properties,
    verify_attestation_proof,
    verify_di_vp_proof,
    verify_key_proof,
)
from kernel.status.token_status_list import Status
from runtime.resolve import Resolver


@dataclass(frozen=True, slots=True)
class ProvenKeys:
    """The keys that copies may be bound to, and the nonces to spend for them, with when those end."""

    keys: Sequence[PublicKey]
    nonces: Mapping[str, datetime]
    attestations: Sequence[VerifiedKeyAttestation] = ()
    """Those that can be withdrawn: `verify_attestation_status` has to be asked before anything is issued."""


def verify_key_proofs(
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    securing: Securing,
    request: CredentialRequest,
    providers: WalletProviders | None,
    *,
    client_id: str | None,
    now: datetime,
) -> ProvenKeys:
    """Check all proofs of a request and their nonces, or raise KeyProofError or NonceError; nothing is spent yet."""
    accepted = proof_types(settings, securing).get(request.proof_type or "")
    if accepted is None or not 1 <= len(request.proofs) <= settings.batch_size:
        raise KeyProofError("no proofs of a type that is accepted here, or too many")
    try:
        proofs = _verify(issuer, request, accepted, providers, client_id, now)
        _require_attestations(settings, securing, proofs, accepted, providers, now)
    except (KeyProofError, UndecidedError):
        raise
    except CredentialError as exc:
        raise KeyProofError(f"{exc.code}: {exc.detail}") from exc
    keys = [key for proof in proofs for key in proof.holder_keys]
    if len({key.thumbprint for key in keys}) != len(keys) or len(keys) > settings.batch_size:
        raise KeyProofError("one key twice in a batch, or too many of them")
    # What an attestation names may be of any kind; what a copy is bound to has to sign presentations.
    if any(key.algorithms.isdisjoint(securing.holder_algorithms) for key in keys):
        raise KeyProofError("a key of a kind that is not accepted here")
    spent = {nonce for proof in proofs for nonce in proof.nonces}
    verify = nonces.verify_nonce
    return ProvenKeys(
        keys,
        {nonce: verify(settings, issuer.organisation_id, nonce, now=now) for nonce in spent},
        [proof.attestation for proof in proofs if proof.attestation is not None and proof.attestation.status],
    )


async def verify_attestation_status(
    resolver: Resolver, attestations: Sequence[VerifiedKeyAttestation], *, now: datetime
) -> None:
    """Raise KeyProofError for attestations that were withdrawn, UndecidedError where that cannot be found out. A-33.

    Lists are fetched: never within a transaction.
    """
    for attestation in attestations:
        statuses, key = attestation.status, attestation.attester_key
        try:
            status = await resolver.resolve_attestation_status(statuses, key=key, now=now)
        except RejectedError as exc:
            raise KeyProofError(f"{exc.code}: {exc.detail}") from exc
        if status is not Status.VALID:
            raise KeyProofError(f"the key attestation is {status}")


def _verify(
    issuer: CredentialIssuer,
    request: CredentialRequest,
    accepted: Mapping[str, Any],
    providers: WalletProviders | None,
    client_id: str | None,
    now: datetime,
) -> Sequence[KeyProof]:
    algorithms = frozenset(accepted["proof_signing_alg_values_supported"])
    if request.proof_type == "di_vp":
        return [
            verify_di_vp_proof(proof, audience=issuer.identifier, cryptosuites=algorithms, now=now)
            for proof in request.proofs
            if isinstance(proof, Mapping)
        ]
    raws = [proof for proof in request.proofs if isinstance(proof, str)]
    attesters = None if providers is None else providers.attesters
    try:
        if request.proof_type == "attestation":
            if len(raws) != 1 or attesters is None:
                raise KeyProofError("not exactly one attestation")
            return [verify_attestation_proof(raws[0], attesters=attesters, algorithms=algorithms, now=now)]
        return [
            verify_key_proof(
                raw,
                audience=issuer.identifier,
                algorithms=algorithms,
                now=now,
                client_id=client_id,
                attesters=attesters,
            )
            for raw in raws
        ]
    except UntrustedIssuerError as exc:
        if providers is not None:
            providers.require_decided(exc)
        raise


def _require_attestations(
    settings: IssuerSettings,
    securing: Securing,
    proofs: Sequence[KeyProof],
    accepted: Mapping[str, Any],
    providers: WalletProviders | None,
    now: datetime,
) -> None:
    """Raise unless whoever attested is recognised for what is asked, and every key that needs it is attested. I-50."""
    required: Mapping[str, Any] | None = accepted.get("key_attestations_required")
    types = {credential_type(settings, securing)}
    for attestation in (proof.attestation for proof in proofs):
        if attestation is not None and providers is not None:
            key, anchor = attestation.attester_key, attestation.attester_anchor
            providers.require_recognised(key, anchor, types=types, now=now)
        if required is not None:
            if attestation is None:
                raise KeyProofError("a key attestation is demanded here")
            require_key_properties(attestation, required)

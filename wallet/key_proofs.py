"""How the wallet proves to an issuer that it holds the keys to which a badge will be bound. OpenID4VCI 1.0 Appendix F.

PROFILE.md W-11, W-12. A badge is asked for in the first of these ways that its configuration takes:

- `jwt`: every key signs a token; with an attestation where the issuer wants one.
- `di_vp`: every key signs a presentation of nothing. It has no place for an attestation.
- `attestation`: last, since then the wallet's provider speaks for keys that sign nothing themselves.

The keys are for ES256. Only where an issuer takes nothing but cryptosuites of Ed25519 are they of that kind, and only
for a format in which such a key can show the badge afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kernel.did import did_jwk, did_key, multikey_url
from kernel.formats import ALGORITHMS
from kernel.keys import PublicKey, SoftwareSigner
from kernel.openid4vci import CredentialConfiguration, create_di_vp_proof, create_key_proof
from wallet.errors import CREDENTIAL_STEP, OfferNotSupportedError
from wallet.issuer_requests import client_id_of
from wallet.offer_record import Progress
from wallet.settings import WalletSettings
from wallet.wallet_provider import find_wallet_provider

KeyAlgorithm = Literal["ES256", "Ed25519"]

# By cryptosuite, the kind of key; the first that an issuer takes is used. Those over RDF read a document's meaning.
_CRYPTOSUITES: Final[Mapping[str, KeyAlgorithm]] = {
    "ecdsa-rdfc-2019": "ES256",
    "ecdsa-jcs-2019": "ES256",
    "eddsa-rdfc-2022": "Ed25519",
    "eddsa-jcs-2022": "Ed25519",
}


@dataclass(frozen=True, slots=True)
class ProofWay:
    """A proof type, the keys that it is made with, and whether a wallet provider has to vouch for them."""

    proof_type: Literal["jwt", "di_vp", "attestation"]
    algorithm: KeyAlgorithm = "ES256"
    cryptosuite: str = ""
    """Of `di_vp` alone."""
    is_attested: bool = False


def find_proof_way(settings: WalletSettings, configuration: CredentialConfiguration) -> ProofWay | None:
    """The way in which keys are proven for a configuration; None when it takes none that this wallet has."""
    return next(_ways(settings, configuration), None)


def get_proof_way(settings: WalletSettings, configuration: CredentialConfiguration) -> ProofWay:
    """The way in which keys are proven for a configuration, or OfferNotSupportedError."""
    found = find_proof_way(settings, configuration)
    if found is None:
        raise OfferNotSupportedError("no proof type that this wallet makes", step=CREDENTIAL_STEP)
    return found


def create_proofs(
    progress: Progress,
    configuration: CredentialConfiguration,
    way: ProofWay,
    keys: Sequence[SoftwareSigner],
    nonce: str | None,
) -> tuple[str | Mapping[str, Any], ...]:
    """One proof a key; with an attestation one proof for all keys in it. Appendix F.1 to F.3.

    `nonce` is None where the issuer has no Nonce Endpoint.
    """
    if way.proof_type == "di_vp":
        return tuple(_create_presentation(progress, configuration, way, key, nonce) for key in keys)
    if not way.is_attested:
        return tuple(_create_token(progress, configuration, key, nonce, None) for key in keys)
    attestation = _create_attestation(progress, keys, nonce)
    if way.proof_type == "attestation":
        return (attestation,)
    return (_create_token(progress, configuration, keys[0], nonce, attestation),)


def _ways(settings: WalletSettings, configuration: CredentialConfiguration) -> Iterator[ProofWay]:
    jwt, di_vp, attestation = (configuration.proof_types.get(name) for name in ("jwt", "di_vp", "attestation"))
    if jwt is not None and "ES256" in jwt.algorithms:
        required = jwt.key_attestations_required
        if required is None or _can_attest(settings, required):
            yield ProofWay("jwt", is_attested=required is not None)
    if di_vp is not None and di_vp.key_attestations_required is None:
        for cryptosuite, algorithm in _CRYPTOSUITES.items():
            if cryptosuite in di_vp.algorithms and algorithm in ALGORITHMS[configuration.format]:
                yield ProofWay("di_vp", algorithm, cryptosuite)
    if attestation is not None and "ES256" in attestation.algorithms:
        required = attestation.key_attestations_required
        if _can_attest(settings, required or {}):
            yield ProofWay("attestation", is_attested=True)


def _can_attest(settings: WalletSettings, required: Mapping[str, Any]) -> bool:
    """Whether somebody vouches for the keys here, and says of them what an issuer wants to hear. §12.2.4"""
    if find_wallet_provider(settings) is None:
        return False
    said = {"key_storage": settings.key_storage, "user_authentication": settings.user_authentication}
    return all(_says_enough(said.get(name, frozenset()), wanted) for name, wanted in required.items())


def _says_enough(said: frozenset[str], wanted: object) -> bool:
    return not isinstance(wanted, list) or not wanted or not said.isdisjoint(map(str, wanted))


def _create_token(
    progress: Progress,
    configuration: CredentialConfiguration,
    key: SoftwareSigner,
    nonce: str | None,
    attestation: str | None,
) -> str:
    """The key is named by its DID where the issuer binds to DIDs, else given as it is. Appendix F.1."""
    return create_key_proof(
        signer=key,
        audience=progress.metadata.credential_issuer,
        nonce=nonce,
        now=progress.now,
        key_id=_find_key_id(configuration, key.public_key),
        client_id=client_id_of(progress),
        key_attestation=attestation,
    )


def _create_presentation(
    progress: Progress, configuration: CredentialConfiguration, way: ProofWay, key: SoftwareSigner, nonce: str | None
) -> Mapping[str, Any]:
    """A proof in a document can only name its key by an address, so by a DID whatever the issuer binds to. F.2"""
    return create_di_vp_proof(
        signer=key,
        key_id=_find_key_id(configuration, key.public_key) or _did_jwk_key_id(key.public_key),
        audience=progress.metadata.credential_issuer,
        nonce=nonce,
        now=progress.now,
        cryptosuite=way.cryptosuite,
    )


def _create_attestation(progress: Progress, keys: Sequence[SoftwareSigner], nonce: str | None) -> str:
    provider = find_wallet_provider(progress.wallet.settings)
    if provider is None:
        raise OfferNotSupportedError("no key attestation without a wallet provider", step=CREDENTIAL_STEP)
    return provider.create_key_attestation([key.public_key for key in keys], nonce=nonce, now=progress.now)


def _find_key_id(configuration: CredentialConfiguration, key: PublicKey) -> str | None:
    """The DID URL of a key, by a method of the configuration; None where it binds to keys as they are. W-11."""
    if "did:jwk" in configuration.binding_methods:
        return _did_jwk_key_id(key)
    if "did:key" in configuration.binding_methods and "jwk" not in configuration.binding_methods:
        return multikey_url(did_key(key.jwk), key)
    return None


def _did_jwk_key_id(key: PublicKey) -> str:
    return f"{did_jwk(key.jwk)}#0"

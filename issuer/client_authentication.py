"""Which wallet is asking: client authentication by what its provider attests. OpenID4VCI 1.0 Appendix E; I-45 to I-49.

OAuth 2.0 Attestation-Based Client Authentication -07 and -10; HAIP 1.0 §4.4.1. Of what is unique to one instance
of a wallet two things are kept, and no longer than they serve: that one of its proofs was used, and the thumbprint of
its key with a grant, which nobody else may renew (I-32, I-47).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from issuer import store
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import AttestationChallengeError
from issuer.nonce import create_challenge, verify_challenge
from issuer.settings import IssuerSettings
from issuer.wallet_providers import WalletProviders, resolve_wallet_providers
from kernel.errors import NonceError, RejectedError, UntrustedIssuerError
from kernel.keys import PublicKey
from kernel.openid4vci import (
    ATTESTATION_HEADER,
    ATTESTATION_REMEMBERED,
    POP_HEADER,
    ClientAttestationError,
    DpopProof,
    KeyAttesters,
    UnverifiedClientAttestation,
    VerifiedClientAttestation,
    parse_client_attestation,
    verify_client_attestation,
)
from kernel.status.token_status_list import Status
from runtime.database import BlockingDatabase, Database
from runtime.resolve import Resolver
from runtime.tokens import hash_token

ATTESTATION_ALGORITHMS: Final = frozenset({"ES256"})


class HeaderFields(Protocol):
    """The header fields of a request, of which one may be there more than once."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class ClientInstance:
    """A wallet that its provider vouches for. `client_id` is shared by all its instances; the key is this one's."""

    client_id: str
    instance_key: PublicKey
    wallet_name: str | None = None

    @property
    def thumbprint(self) -> str:
        """What a refresh token of this instance is bound to."""
        return self.instance_key.thumbprint


async def authenticate_client(
    database: Database,
    settings: IssuerSettings,
    resolver: Resolver,
    issuer: CredentialIssuer,
    headers: HeaderFields,
    *,
    client_id: str | None,
    now: datetime,
    dpop_proof: DpopProof | None = None,
) -> ClientInstance | None:
    """The wallet that sent a request, or ClientAttestationError; None when it sent no attestation at all. I-46, I-47.

    `client_id` is the one that the request names. Without a proof of possession of its own, the request's DPoP proof
    serves as one, when it was made with the same key (I-48); that one's `jti` was spent before. An attestation that can
    be withdrawn counts when its list says now that it was not; UndecidedError when that cannot be found out.
    """
    attestations, proofs = headers.getlist(ATTESTATION_HEADER), headers.getlist(POP_HEADER)
    if not attestations and not proofs:
        return None
    pop = dpop_proof if not proofs else proofs[0]
    if len(attestations) != 1 or len(proofs) > 1 or pop is None:
        raise ClientAttestationError("not exactly one attestation with one proof of possession")
    attestation = parse_client_attestation(attestations[0])
    providers = await resolve_wallet_providers(settings, resolver, now=now) or WalletProviders(KeyAttesters())
    try:
        verified = verify_client_attestation(
            attestation,
            pop,
            **_provider(providers, attestation),
            audience=issuer.identifier,
            now=now,
            algorithms=ATTESTATION_ALGORITHMS,
            client_id=client_id,
        )
    except ClientAttestationError as exc:
        providers.require_decided(exc.__cause__)
        raise
    try:
        providers.require_recognised(verified.provider_key, verified.provider_anchor, types=None, now=now)
    except UntrustedIssuerError as exc:
        raise ClientAttestationError(f"{exc.code}: {exc.detail}") from exc
    try:
        verify_challenge(settings, issuer.organisation_id, verified.challenge, now=now)
    except NonceError as exc:
        fresh = create_challenge(settings, issuer.organisation_id, now=now)
        raise AttestationChallengeError(exc.detail, challenge=fresh) from exc
    if not isinstance(pop, DpopProof):
        await _spend(database, verified)
    # Last, so that somebody who copied a request makes nobody fetch anything.
    try:
        status = await resolver.resolve_attestation_status(verified.status, key=verified.provider_key, now=now)
    except RejectedError as exc:
        raise ClientAttestationError(f"{exc.code}: {exc.detail}") from exc
    if status is not Status.VALID:
        raise ClientAttestationError(f"the attestation is {status}")
    return ClientInstance(verified.client_id, verified.instance_key, verified.wallet_name)


async def _spend(database: Database, verified: VerifiedClientAttestation) -> None:
    """Use up a proof of possession; one caller wins. A-33."""
    proof_hash = hash_token(f"attestation {verified.instance_key.thumbprint} {verified.jti}")

    def spend(database: BlockingDatabase) -> bool:
        with database.transaction() as connection:
            return store.spend_nonce(connection, proof_hash, verified.proven_at + ATTESTATION_REMEMBERED)

    if not await database.run(spend):
        raise ClientAttestationError("the proof of possession was used before")


def _provider(providers: WalletProviders, attestation: UnverifiedClientAttestation) -> Mapping[str, Any]:
    """By which mechanism this provider's key is known: certificates where the attestation has some, else its `kid`."""
    attesters = providers.attesters
    if attestation.x5c is not None:
        return {"anchors": attesters.anchors}
    return {"key": attesters.keys.get(attestation.key_id or "")}

"""Who makes a request to the authorization server: the key that it proves, and the wallet that somebody vouches for.

Wallets need neither. What a request came with, its grant is bound to: later requests under it must come with the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from issuer.client_authentication import ClientInstance, HeaderFields, authenticate_client
from issuer.configurations import configuration_securing
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import ClientAuthenticationError, ClientSecretError
from issuer.models import Authorization
from issuer.policies import require_grant
from issuer.sender_constraint import HEADER, find_dpop_proof
from issuer.settings import IssuerSettings
from kernel.openid4vci import DpopProofError
from runtime.database import Database
from runtime.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Client:
    """What one request proved of whoever sent it."""

    instance: ClientInstance | None = None
    dpop_thumbprint: str | None = None

    @property
    def is_bound(self) -> bool:
        """Whether a refresh token could be bound to something. I-32."""
        return self.instance is not None or self.dpop_thumbprint is not None


async def verify_client(
    database: Database,
    settings: IssuerSettings,
    resolver: Resolver,
    issuer: CredentialIssuer,
    headers: HeaderFields,
    *,
    client_id: str | None,
    url: str,
    now: datetime,
) -> Client:
    """Check and use up what a POST to the authorization server came with. I-30, I-33, I-45 to I-48.

    Who tries to authenticate with a secret is told that this is no way here, and not taken for anybody (RFC 6749 §5.2).
    """
    if any(value.partition(" ")[0].lower() == "basic" for value in headers.getlist("authorization")):
        raise ClientSecretError("the Authorization header of a registered client")
    proof = await find_dpop_proof(database, settings, issuer, headers.getlist(HEADER), method="POST", url=url, now=now)
    instance = await authenticate_client(
        database, settings, resolver, issuer, headers, client_id=client_id, now=now, dpop_proof=proof
    )
    return Client(instance, None if proof is None else proof.thumbprint)


def verify_same_client(authorization: Authorization, client: Client) -> None:
    """Raise unless a request under an authorization comes with the key and the wallet that this is bound to.

    RFC 9449 §10; OAuth 2.0 Attestation-Based Client Authentication-10 §10; HAIP 1.0 §4.4.1.
    """
    if authorization.client_thumbprint is not None:
        instance = client.instance
        known = (authorization.client_id, authorization.client_thumbprint)
        if instance is None or (instance.client_id, instance.thumbprint) != known:
            raise ClientAuthenticationError("not the wallet that asked for this")
    if authorization.dpop_thumbprint is not None and client.dpop_thumbprint != authorization.dpop_thumbprint:
        raise DpopProofError("no proof, or one of another key")


def require_policies(
    configuration_ids: Iterable[str], client: Client, *, is_code_grant: bool, is_sender_constrained: bool
) -> None:
    """Raise unless the policy of each configuration is content with how it is asked for. I-33."""
    policies = {configuration_securing(identifier).policy for identifier in configuration_ids}
    require_grant(
        policies,
        is_code_grant=is_code_grant,
        is_client_authenticated=client.instance is not None,
        is_sender_constrained=is_sender_constrained,
    )

"""Which profile a credential configuration follows, as a named object: DIIP v5, HAIP 1.0, or neither. PROFILE.md §6.

A policy says what must have happened before a configuration is given out, and how the issuer shows who it is. It is
chosen by the securing of a configuration; the authorization server asks it at each grant, the credential endpoint at
each request (I-33, I-75, I-76).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from issuer.errors import ClientAuthenticationError, UnauthorizedClientError
from kernel.openid4vci import DpopProofError


@dataclass(frozen=True, slots=True)
class Policy:
    """What a configuration demands of whoever asks for it, and how its issuer is known."""

    name: str
    needs_code_grant: bool = False
    """Never by a pre-authorized code: the person signs in. HAIP §4."""
    needs_client_authentication: bool = False
    """By a wallet attestation, at the pushed authorization request and the token endpoint. HAIP §4.3, §4.4.1; I-33."""
    needs_dpop: bool = False
    """Tokens are bound to a key. HAIP §4."""
    needs_key_attestation: bool = False
    """Wallets show how well they keep the key that a copy is bound to. HAIP §4.5.1."""
    issuer_key: Literal["did", "x5c"] = "did"
    """`kid` of a did:web key, or a certificate chain. I-75, I-76."""
    may_suspend: bool = True
    """Whether a copy can be put on hold, or only be revoked. I-78."""


OPEN: Final = Policy("open")
"""Open Badges and plain W3C credentials: what OpenID4VCI asks for, and no more."""
DIIP: Final = Policy("diip")
"""DIIP v5: did:web, both grants, nothing else demanded."""
HAIP: Final = Policy(
    "haip",
    needs_code_grant=True,
    needs_client_authentication=True,
    needs_dpop=True,
    needs_key_attestation=True,
    issuer_key="x5c",
    may_suspend=False,
)
"""HAIP 1.0: code, client authentication, DPoP, key attestation, certificates."""


def require_grant(
    policies: Iterable[Policy], *, is_code_grant: bool, is_client_authenticated: bool, is_sender_constrained: bool
) -> None:
    """Raise unless every policy is content with how its configuration is asked for. I-33; HAIP §4."""
    for policy in policies:
        if policy.needs_code_grant and not is_code_grant:
            raise UnauthorizedClientError(f"{policy.name} gives nothing by a pre-authorized code")
        if policy.needs_client_authentication and not is_client_authenticated:
            raise ClientAuthenticationError(f"{policy.name} wants to know the wallet")
        if policy.needs_dpop and not is_sender_constrained:
            raise DpopProofError(f"{policy.name} binds every token")

"""Whoever runs this wallet vouches for it: which wallet it is, and how the keys that it makes are kept. W-12.

OpenID4VCI 1.0 Appendix D and E, HAIP 1.0 §4.4.1 and §4.5.1. Everybody who uses this wallet has the same `client_id` and
the same words about key storage, so that an attestation tells no two people apart (I-47). The only thing in it that
differs is the key of the issuance.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509

from kernel.keys import PublicKey, SoftwareSigner
from kernel.openid4vci import create_client_attestation, create_key_attestation
from kernel.x5c import create_x5c
from wallet.settings import WalletSettings

# It is made for one issuance; a refresh makes a new one.
_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WalletProvider:
    """The key of whoever runs this wallet, and what is said with it."""

    signer: SoftwareSigner
    header: dict[str, Any]
    client_id: str
    wallet_link: str
    key_storage: tuple[str, ...]
    user_authentication: tuple[str, ...]
    """Empty: nothing is said of it."""

    def create_attestation(self, instance_key: PublicKey, *, now: datetime) -> str:
        """Say that the holder of this key is this wallet. Appendix E."""
        return create_client_attestation(
            signer=self.signer,
            client_id=self.client_id,
            instance_key=instance_key.jwk,
            issued_at=now,
            expires_at=now + _LIFETIME,
            header=self.header,
            issuer=self.client_id,
            wallet_name="Skillswallet",
            wallet_link=self.wallet_link,
        )

    def create_key_attestation(self, keys: Sequence[PublicKey], *, nonce: str | None, now: datetime) -> str:
        """Say how these keys are kept, for one nonce of an issuer that gives some. Appendix D.1."""
        return create_key_attestation(
            signer=self.signer,
            keys=[key.jwk for key in keys],
            issued_at=now,
            expires_at=now + _LIFETIME,
            nonce=nonce,
            header=self.header,
            key_storage=self.key_storage,
            user_authentication=self.user_authentication,
        )


def find_wallet_provider(settings: WalletSettings) -> WalletProvider | None:
    """The provider that this deployment has a key of, if it has one."""
    if settings.provider_key is None:
        return None
    return _read(
        settings.provider_key.get_secret_value(),
        settings.provider_certificates,
        settings.client_id,
        settings.public_url,
        tuple(sorted(settings.key_storage)),
        tuple(sorted(settings.user_authentication)),
    )


@lru_cache(maxsize=8)
def _read(
    key: str,
    certificates: Path | None,
    client_id: str,
    wallet_link: str,
    key_storage: tuple[str, ...],
    user_authentication: tuple[str, ...],
) -> WalletProvider:
    signer = SoftwareSigner.from_jwk(json.loads(key))
    header: dict[str, Any] = {"kid": signer.public_key.thumbprint}
    if certificates is not None:
        header = {"x5c": create_x5c(x509.load_pem_x509_certificates(certificates.read_bytes()))}
    return WalletProvider(signer, header, client_id, wallet_link, key_storage, user_authentication)

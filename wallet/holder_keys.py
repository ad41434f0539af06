"""The seam where a holder's keys live: one private key for each signed form of a badge (W-11, A-48).

Today the key is made here and kept sealed under the vault key; a browser or phone that holds keys itself
will take this module's place. Everything else asks for a `Signer` and never sees key bytes (K-12).
"""

import json
from typing import Any

from kernel.jwe import KEY_AGREEMENT
from kernel.keys import Signer, SoftwareSigner
from wallet import store
from wallet.models import HolderKey
from wallet.vault import Vault


def create_holder_key() -> SoftwareSigner:
    """A fresh ES256 key, for one credential and no other."""
    return SoftwareSigner.generate("ES256")


def create_response_key() -> dict[str, Any]:
    """A fresh private key to which one answer of an issuer is encrypted. OpenID4VCI 1.0 §10"""
    key = SoftwareSigner.generate("ES256")
    return {**key.private_jwk(), "alg": KEY_AGREEMENT, "use": "enc", "kid": key.public_key.thumbprint}


def seal_holder_key(vault: Vault, form_id: str, key: SoftwareSigner) -> HolderKey:
    """The row that keeps the key, sealed for its form."""
    plaintext = json.dumps(dict(key.private_jwk())).encode()
    return HolderKey(
        form_id=form_id, account_id=vault.account_id, sealed=vault.seal_bytes("holder_key", form_id, plaintext)
    )


async def get_holder_signer(session: store.Session, vault: Vault, form_id: str) -> Signer:
    """Who signs as the holder of this form."""
    return open_holder_key(vault, await store.get_holder_key(session, vault.account_id, form_id))


def open_holder_key(vault: Vault, row: HolderKey) -> SoftwareSigner:
    return SoftwareSigner.from_jwk(json.loads(vault.open_bytes("holder_key", row.form_id, row.sealed)))

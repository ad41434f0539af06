"""The seam where a holder's keys live: one private key for each signed form of a badge (W-11, A-48).

Today the key is made here and kept sealed under the vault key; a browser or phone that holds keys itself
will take this module's place. Everything else asks for a `Signer` and never sees key bytes (K-12).
"""

import json
from typing import Literal

from kernel.keys import Signer, SoftwareSigner
from wallet import store
from wallet.models import HolderKey
from wallet.vault import Vault


def create_holder_key(algorithm: Literal["ES256", "Ed25519"] = "ES256") -> SoftwareSigner:
    """A fresh key, for one credential and no other."""
    return SoftwareSigner.generate(algorithm)


def seal_holder_key(vault: Vault, form_id: str, key: SoftwareSigner) -> HolderKey:
    """The row that keeps the key, sealed for its form."""
    plaintext = json.dumps(key.private_jwk()).encode()
    return HolderKey(
        form_id=form_id, account_id=vault.account_id, sealed=vault.seal_bytes("holder_key", form_id, plaintext)
    )


async def get_holder_signer(session: store.Session, vault: Vault, form_id: str) -> Signer:
    """Who signs as the holder of this form."""
    return open_holder_key(vault, await store.get_holder_key(session, vault.account_id, form_id))


def open_holder_key(vault: Vault, row: HolderKey) -> SoftwareSigner:
    return SoftwareSigner.from_jwk(json.loads(vault.open_bytes("holder_key", row.form_id, row.sealed)))

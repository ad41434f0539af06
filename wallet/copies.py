"""Several copies of one badge, each with its own key: two verifiers cannot tell from them that they met one person.

W-13, A-48; OpenID4VP 1.0 §15.5. A verifier that comes again gets the copy that it knows, since another would tell it
nothing less and would use up the stock. When none is left, the one that was shown longest ago goes out again: a badge
that cannot be shown helps nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.formats import VerifiedCredential
from kernel.keys import Signer, SoftwareSigner
from runtime.tokens import create_token
from wallet import store
from wallet.credentials import HeldForm
from wallet.holder_keys import get_holder_signer
from wallet.kept_credential import read_kept_credential, write_kept_credential
from wallet.models import CredentialCopy
from wallet.vault import Vault


@dataclass(frozen=True, slots=True)
class Copy:
    """One signed copy of a form, and the key that it is bound to."""

    credential: VerifiedCredential
    holder_key: SoftwareSigner


@dataclass(frozen=True, slots=True)
class ChosenCopy:
    """What goes to one verifier: the signed bytes, and who signs as their holder."""

    credential: VerifiedCredential
    holder_signer: Signer


def seal_copies(vault: Vault, form_id: str, copies: Sequence[Copy], *, is_refill: bool = False) -> list[CredentialCopy]:
    """The rows of a form that came in several copies; none where one is all there is."""
    if len(copies) == 1 and not is_refill:
        return []
    rows = []
    for copy in copies:
        copy_id = create_token(16)
        content = {
            "credential": write_kept_credential(copy.credential),
            "holder_key": copy.holder_key.private_jwk(),
        }
        rows.append(
            CredentialCopy(
                id=copy_id,
                account_id=vault.account_id,
                form_id=form_id,
                sealed=vault.seal("copy", copy_id, content),
            )
        )
    return rows


def open_copy(vault: Vault, row: CredentialCopy) -> Copy:
    content = vault.open("copy", row.id, row.sealed)
    return Copy(read_kept_credential(content["credential"]), SoftwareSigner.from_jwk(content["holder_key"]))


async def choose_copy(
    session: store.Session, vault: Vault, form: HeldForm, *, verifier_id: str, now: datetime
) -> ChosenCopy:
    """The copy of this form that this verifier gets. The session has to be one that writes."""
    shown_to = vault.digest("copy for", verifier_id)
    row = await store.take_copy(session, vault.account_id, form.id, shown_to, now)
    if row is None:
        return ChosenCopy(form.credential, await get_holder_signer(session, vault, form.id))
    copy = open_copy(vault, row)
    return ChosenCopy(copy.credential, copy.holder_key)

"""Several badges in one file that anybody can check, badge by badge: a CLR 2.0 of their holder's making. E-02.

The key that signs it is made for this one file and forgotten: two files say nothing of having the same maker. Nobody
is named in it but in the badges, and it proves no holder: whoever has it can show it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kernel.errors import MalformedError
from kernel.importing.recognition import MAX_PARTS
from kernel.keys import SoftwareSigner
from kernel.learner_record import HeldCredential, create_learner_record
from kernel.strict_json import MAX_BYTES, encode_json
from wallet.badge_files import BadgeFile, choose_form, open_text
from wallet.credentials import HeldForm, find_held_forms
from wallet.errors import NothingChosenError, TooMuchChosenError
from wallet.settings import Wallet
from wallet.vault import Vault

MAX_NAME: Final = 100


async def create_record_file(
    wallet: Wallet, vault: Vault, credential_ids: Sequence[str], *, name: str, now: datetime
) -> BadgeFile:
    """Return the file with these badges of the account, in the order of the wallet.

    NothingChosenError: none of them is there. TooMuchChosenError: more than a reader takes in one file.
    """
    wanted = set(credential_ids)
    chosen = [forms for row, forms in await find_held_forms(wallet, vault) if row.id in wanted]
    if not chosen:
        raise NothingChosenError
    if len(chosen) > MAX_PARTS:
        raise TooMuchChosenError
    try:
        content = await asyncio.to_thread(_create, chosen, name, now)
    except MalformedError as exc:
        # The same badge twice over, or graphs together that take more work than anybody would do to read them.
        raise TooMuchChosenError from exc
    if len(content) > MAX_BYTES:
        raise TooMuchChosenError
    return BadgeFile("badges.json", "application/json", content)


def _create(badges: Sequence[Sequence[HeldForm]], name: str, now: datetime) -> bytes:
    forms = [choose_form(held) for held in badges]
    credentials = [HeldCredential(form.credential.format, open_text(form)) for form in forms]
    signer = SoftwareSigner.generate("Ed25519")
    return encode_json(create_learner_record(credentials, name=name, signer=signer, created_at=now))

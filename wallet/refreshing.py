"""The newest form of a badge from elsewhere, from the address that its issuer put in it. Open Badges 3.0 §9.1, B-13.

Only when its owner asks for it: whoever has that address learns that somebody looks at this badge, and when. What comes
from there takes the place of the badge only if it is proven itself, and a newer form of the same one; else the badge
stays as it is, and its owner reads why.
"""

from datetime import datetime

from kernel.errors import CredentialError
from kernel.importing import ImportReport, Kind, Verdict
from kernel.open_badges import is_newer, verify_replacement
from runtime.importing import read_badge, resolve_report
from wallet import importing
from wallet.errors import BadgeTooLargeError, NoBadgeError, NoRefreshError
from wallet.importing import RefreshOutcome, find_refresh_address
from wallet.settings import Wallet
from wallet.vault import Vault


async def refresh_imported_badge(wallet: Wallet, vault: Vault, badge_id: str, now: datetime) -> RefreshOutcome:
    """Ask for the newest form of a badge, put it in the badge's place if it may stand there, and say what became of it.

    NoRefreshError: the badge is not proven to be its issuer's, or names no address. Both are judged anew.
    """
    file = await importing.get_imported_file(wallet, vault, badge_id, now)
    with importing.take_turn():
        anchors = await wallet.resolver.resolve_anchors(now=now)
        held = await resolve_report(wallet.fetch, await read_badge(file.content), now=now, anchors=anchors)
        url = find_refresh_address(held)
        if url is None:
            raise NoRefreshError
        outcome = await _replace(wallet, vault, badge_id, held, url, now)
    await importing.note_refresh(wallet, vault, badge_id, outcome, now)
    return outcome


async def _replace(
    wallet: Wallet, vault: Vault, badge_id: str, held: ImportReport, url: str, now: datetime
) -> RefreshOutcome:
    try:
        content, imported = await importing.read_content(wallet, url)
    except BadgeTooLargeError:
        return RefreshOutcome.NOT_PROVEN
    except NoBadgeError:
        return RefreshOutcome.NO_BADGE
    if imported.kind is Kind.ADDRESS:
        return RefreshOutcome.UNREACHABLE
    offered, found = await importing.judge_badge(wallet, imported, content, now)
    if offered.verdict is not Verdict.PROVEN:
        return RefreshOutcome.NOT_PROVEN
    refusal = _find_refusal(held, offered)
    if refusal is not None:
        return refusal
    await importing.replace_imported_badge(wallet, vault, badge_id, offered.imported, found, content, now)
    return RefreshOutcome.REPLACED


def _find_refusal(held: ImportReport, offered: ImportReport) -> RefreshOutcome | None:
    before, after = held.imported.document, offered.imported.document
    try:
        verify_replacement(before, after)
    except CredentialError:
        is_same = before.get("id") == after.get("id") and not is_newer(before, after)
        return RefreshOutcome.NO_NEWER if is_same else RefreshOutcome.ANOTHER
    return None

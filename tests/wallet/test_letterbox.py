"""What somebody may put into a vault, or read of it, while it is locked. W-30; decision 0080."""

import pytest

from runtime.encryption import SealError
from wallet.letterbox import LETTERBOX_KINDS, MARK, Letterbox, Slot
from wallet.vault import Vault, create_vault_key

VAULT = Vault("account-1", create_vault_key())


@pytest.mark.parametrize("kind", LETTERBOX_KINDS)
def test_W30_what_came_through_the_slot_opens_for_the_vault_and_the_letterbox(kind):
    letterbox = VAULT.letterbox(kind)
    sealed = letterbox.slot.seal("row-1", {"name": "é"})
    assert VAULT.open(kind, "row-1", sealed) == letterbox.open("row-1", sealed) == {"name": "é"}
    assert b"name" not in sealed


def test_W30_a_slot_is_the_public_half_alone():
    slot = VAULT.letterbox("shelf").slot
    sealed = slot.seal_bytes("row-1", b"badge")
    assert slot.public_key not in (VAULT.key, VAULT.letterbox("shelf").private_key)
    with pytest.raises(SealError):
        Letterbox(slot.account_id, "shelf", slot.public_key).open_bytes("row-1", sealed)


@pytest.mark.parametrize(
    "other",
    [
        Vault("account-1", create_vault_key()).letterbox("shelf"),
        VAULT.letterbox("history"),
        Letterbox("account-2", "shelf", VAULT.letterbox("shelf").private_key),
        Letterbox("account-1", "history", VAULT.letterbox("shelf").private_key),
    ],
    ids=["another vault", "another kind", "another account", "the same key for another kind"],
)
def test_W30_no_other_letterbox_opens_it(other):
    sealed = VAULT.letterbox("shelf").slot.seal_bytes("row-1", b"badge")
    with pytest.raises(SealError):
        other.open_bytes("row-1", sealed)


def test_W30_it_opens_as_its_own_row_and_unaltered_only():
    letterbox = VAULT.letterbox("shelf")
    sealed = letterbox.slot.seal_bytes("row-1", b"badge")
    changed = [sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in (0, 1, 32, 33, -1)]
    for broken in (*changed, sealed[:-1], sealed[:33], MARK, b"", MARK + bytes(32) + sealed[33:]):
        with pytest.raises(SealError):
            letterbox.open_bytes("row-1", broken)
    with pytest.raises(SealError):
        letterbox.open_bytes("row-2", sealed)


def test_W30_nothing_of_another_kind_comes_in_while_the_vault_is_locked():
    """A form or a holder key that came through a slot would be taken for one that this wallet verified."""
    slot = Slot(VAULT.account_id, "shelf", VAULT.letterbox("shelf").slot.public_key)
    sealed = slot.seal_bytes("row-1", b"key")
    for kind in ("form", "holder_key", "account", "connection"):
        with pytest.raises(SealError):
            VAULT.open_bytes(kind, "row-1", sealed)


def test_W30_what_the_vault_seals_itself_no_letterbox_opens():
    sealed = VAULT.seal_bytes("shelf", "row-1", b"badge")
    assert VAULT.open_bytes("shelf", "row-1", sealed) == b"badge"
    with pytest.raises(SealError):
        VAULT.letterbox("shelf").open_bytes("row-1", sealed)


def test_W30_keys_of_different_purposes_have_nothing_in_common():
    keys = {VAULT.key, VAULT.derive("badge-identity"), *(VAULT.letterbox(kind).private_key for kind in LETTERBOX_KINDS)}
    assert len(keys) == 2 + len(LETTERBOX_KINDS)

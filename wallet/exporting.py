"""Everything a person holds, to take along: readable, complete, and without secrets in the open.

Badges are written with their signed bytes exactly as received. Holder keys go only into a part that is
encrypted under a passphrase given for this export (W-30), in a form that any tool can open: Argon2id with the
parameters that stand beside it (RFC 9106), then AES-256-GCM.
"""

import asyncio
import json
import secrets
import zipfile
from base64 import b64decode
from datetime import datetime
from io import BytesIO
from typing import Any

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel import base64url
from runtime.encryption import MINIMUM_PASSPHRASE_LENGTH
from wallet import store
from wallet.accounts import get_account_name
from wallet.claimed_skills import claimed_json, find_claimed_skills
from wallet.connections import connection_json, find_connections
from wallet.copies import open_copy
from wallet.credentials import Badge, HeldForm, badge_json, find_badges
from wallet.errors import PassphraseError
from wallet.history import find_history, history_json
from wallet.holder_keys import open_holder_key
from wallet.importing import export_imported_badges
from wallet.open_badges_api import find_own_profile
from wallet.platforms import export_connections
from wallet.settings import Wallet
from wallet.vault import Vault

# A file that leaves us can be guessed at for ever, so it costs more than a sign-in: RFC 9106 §4, second choice.
_MEMORY_KIB, _PASSES, _LANES = 64 * 1024, 3, 4
_README = """Dit is alles wat er in je wallet staat. / This is everything in your wallet.

wallet.json        je badges, wat je zelf zegt dat je kunt, je geschiedenis
                   your badges, what you say yourself that you can do, your history
badges/            elke badge precies zoals de uitgever hem ondertekende / each badge exactly as its issuer signed it
imported/          badges die je zelf van elders toevoegde / badges that you added from elsewhere
holder_keys.json   (alleen als je een wachtzin gaf) de sleutels van je badges, versleuteld: Argon2id met de
                   genoemde parameters maakt van je wachtzin de sleutel voor AES-256-GCM. Van een badge waarvan je
                   meer exemplaren kreeg staan ook die erin, elk met zijn eigen sleutel.
                   (only if you gave a passphrase) the keys of your badges, encrypted: Argon2id with the parameters
                   named there turns your passphrase into the key for AES-256-GCM. Of a badge of which you got
                   several copies, those are in it too, each with its own key.
"""


async def create_export(wallet: Wallet, vault: Vault, *, passphrase: str | None, now: datetime) -> dict[str, Any]:
    """The whole account as one JSON document; with the keys, encrypted, when a passphrase is given."""
    if passphrase is not None and len(passphrase) < MINIMUM_PASSPHRASE_LENGTH:
        raise PassphraseError
    badges = await find_badges(wallet, vault, now)
    content: dict[str, Any] = {
        "exported_at": now.isoformat(),
        "name": await get_account_name(wallet.database, vault),
        "credentials": [_badge_content(badge) for badge in badges],
        "imported_badges": await export_imported_badges(wallet, vault),
        "platforms": await export_connections(wallet, vault),
        "connections": [connection_json(each) for each in await find_connections(wallet, vault, now)],
        "profile": await find_own_profile(wallet, vault),
        "claimed_skills": [claimed_json(claim) for claim in await find_claimed_skills(wallet, vault)],
        "history": [history_json(record) for record in await find_history(wallet.database, vault)],
    }
    if passphrase is not None:
        content["holder_keys"] = await _create_encrypted_keys(wallet, vault, passphrase)
    return content


def create_archive(content: dict[str, Any]) -> bytes:
    """The same as a zip file for people: the signed badges as files of their own."""
    written = BytesIO()
    keys = content.get("holder_keys")
    document = {name: value for name, value in content.items() if name != "holder_keys"}
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        archive.writestr("wallet.json", json.dumps(document, ensure_ascii=False, indent=2))
        if keys is not None:
            archive.writestr("holder_keys.json", json.dumps(keys, indent=2))
        for credential in content["credentials"]:
            for form in credential["forms"]:
                archive.writestr(f"badges/{form['id']}.{form['format'].replace('+', '-')}.txt", form["raw"])
        for imported in content["imported_badges"]:
            archive.writestr(f"imported/{imported['id']}-{imported['file_name']}", b64decode(imported["file"]))
    return written.getvalue()


def open_encrypted_keys(part: dict[str, Any], passphrase: str) -> list[dict[str, Any]]:
    """What another program does with the encrypted part: the keys again, or InvalidTag for another passphrase."""
    kdf = part["kdf"]
    key = _derive(passphrase, base64url.decode(kdf["salt"]), kdf["memory_kib"], kdf["passes"], kdf["lanes"])
    plaintext = AESGCM(key).decrypt(base64url.decode(part["nonce"]), base64url.decode(part["ciphertext"]), None)
    keys: list[dict[str, Any]] = json.loads(plaintext)
    return keys


def _badge_content(badge: Badge) -> dict[str, Any]:
    return badge_json(badge) | {"forms": [_form_content(form) for form in badge.forms]}


def _form_content(form: HeldForm) -> dict[str, Any]:
    credential = form.credential
    return {
        "id": form.id,
        "format": credential.format,
        "configuration_id": form.configuration_id,
        "raw": credential.raw,
        "issuer_key": credential.key.jwk,
    }


async def _create_encrypted_keys(wallet: Wallet, vault: Vault, passphrase: str) -> dict[str, Any]:
    """The key of each form; and each of its further copies with its own key, and whether somebody has seen it."""
    async with wallet.database.reading() as session:
        rows = await store.find_holder_keys(session, vault.account_id)
        copies = [(row, open_copy(vault, row)) for row in await store.find_copies(session, vault.account_id)]
    opened = {row.form_id: open_holder_key(vault, row) for row in rows}
    keys: list[dict[str, Any]] = [{"form_id": form, "jwk": key.private_jwk()} for form, key in opened.items()]
    own = {key.public_key.thumbprint for key in opened.values()}
    keys += [
        {
            "form_id": row.form_id,
            "jwk": copy.holder_key.private_jwk(),
            "raw": copy.credential.raw,
            "is_shown": row.shown_at is not None,
        }
        for row, copy in copies
        if copy.holder_key.public_key.thumbprint not in own
    ]
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key = await asyncio.to_thread(_derive, passphrase, salt, _MEMORY_KIB, _PASSES, _LANES)
    return {
        "kdf": {
            "name": "argon2id",
            "version": 19,
            "memory_kib": _MEMORY_KIB,
            "passes": _PASSES,
            "lanes": _LANES,
            "salt": base64url.encode(salt),
        },
        "cipher": "A256GCM",
        "nonce": base64url.encode(nonce),
        "ciphertext": base64url.encode(AESGCM(key).encrypt(nonce, json.dumps(keys).encode(), None)),
    }


def _derive(passphrase: str, salt: bytes, memory_kib: int, passes: int, lanes: int) -> bytes:
    return hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=passes,
        memory_cost=memory_kib,
        parallelism=lanes,
        hash_len=32,
        type=Type.ID,
    )

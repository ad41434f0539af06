"""A badge out of the wallet as a file: as its issuer signed it, inside its picture, or as a European document. E-11.

Whoever has such a file can show it, but nobody can use it in this person's name: the key stays here. A badge of which
parts can be hidden goes into a picture with everything shown, since what its holder needs for hiding opens all of it.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kernel.baking import bake
from kernel.elm import create_elm_credential
from kernel.formats import FORMATS
from kernel.formats.credential import DC_SD_JWT, JWT_VC_JSON, LDP_VC, VC_JWT
from kernel.microcredential import read_microcredential_badge, read_microcredential_claims
from wallet.credentials import Badge, HeldForm, get_badge, get_badge_image
from wallet.errors import NotFoundError
from wallet.model_check import find_document, is_open_badge
from wallet.settings import Wallet
from wallet.vault import Vault

BadgeFileKind = Literal["original", "picture", "elm"]

# What others can do most with comes first: one file that says all, then a JWS, then what only wallets read.
_ORDER: Final = (LDP_VC, VC_JWT, JWT_VC_JSON)


@dataclass(frozen=True, slots=True)
class BadgeFile:
    """A file to store; its name and media type are ours."""

    name: str
    media_type: str
    content: bytes


def list_file_kinds(badge: Badge) -> Sequence[BadgeFileKind]:
    """In which kinds of file a badge can be had."""
    has_picture = badge.has_image and find_open_badge(badge.forms) is not None
    return ("original", "picture", "elm") if has_picture else ("original", "elm")


async def create_badge_file(
    wallet: Wallet, vault: Vault, credential_id: str, kind: BadgeFileKind, now: datetime
) -> BadgeFile:
    """Return a badge as a file of this kind, or raise NotFoundError where it has none."""
    badge = await get_badge(wallet, vault, credential_id, now)
    if kind not in list_file_kinds(badge):
        raise NotFoundError("file")
    if kind == "original":
        return _create_original(choose_form(badge.forms))
    if kind == "elm":
        return await asyncio.to_thread(_create_elm, choose_form(badge.forms))
    picture = await get_badge_image(wallet, vault, credential_id)
    return await asyncio.to_thread(_create_picture, badge, picture.content, picture.media_type)


def choose_form(forms: Sequence[HeldForm]) -> HeldForm:
    """One that was signed whole before one of which parts can be hidden, then by its format."""

    def order(form: HeldForm) -> tuple[bool, int]:
        format_id = form.credential.format
        return not form.is_whole, _ORDER.index(format_id) if format_id in _ORDER else len(_ORDER)

    return min(forms, key=order)


def find_open_badge(forms: Sequence[HeldForm]) -> HeldForm | None:
    """The form that pictures and the Open Badges API carry: JSON with a proof, or a JWS. OB §5.3, §6"""
    fitting = [form for form in forms if form.credential.format in (LDP_VC, VC_JWT) and is_open_badge(form.credential)]
    return choose_form(fitting) if fitting else None


def open_text(form: HeldForm) -> str:
    """The signed text with everything shown, and without what its holder needs for hiding parts of it."""
    raw = form.credential.raw
    if form.credential.format != LDP_VC or form.is_whole:
        return raw
    handler = FORMATS[LDP_VC]
    return handler.present_unbound(raw, disclose=handler.disclosable_paths(raw).keys())


def is_sendable(badge: Badge) -> bool:
    """Whether programs of Open Badges can take it."""
    return find_open_badge(badge.forms) is not None


def find_open_badge_text(badge: Badge) -> BadgeFile | None:
    """The badge as programs of Open Badges take it, with everything shown; None where it has no such form.

    Open Badges 3.0 §6.2.3: JSON with its proof, or a JWS as text.
    """
    form = find_open_badge(badge.forms)
    if form is None:
        return None
    is_json = form.credential.format == LDP_VC
    name, media_type = ("badge.json", "application/json") if is_json else ("badge.jwt", "text/plain")
    return BadgeFile(name, media_type, open_text(form).encode())


def _create_original(form: HeldForm) -> BadgeFile:
    """The signed bytes as they came."""
    raw, format_id = form.credential.raw, form.credential.format
    if format_id == LDP_VC:
        return BadgeFile("badge.json", "application/json", raw.encode())
    extension = "jwt" if format_id in _ORDER else "txt"
    return BadgeFile(f"badge.{extension}", "application/octet-stream", raw.encode())


def _create_picture(badge: Badge, art: bytes, media_type: str) -> BadgeFile:
    form = find_open_badge(badge.forms)
    if form is None:
        raise NotFoundError("file")
    extension = "png" if media_type == "image/png" else "svg"
    return BadgeFile(f"badge.{extension}", media_type, bake(art, open_text(form)))


def _create_elm(form: HeldForm) -> BadgeFile:
    """Unsigned: what its issuer signed is in the other files. PROFILE.md E-11"""
    credential = form.credential
    content = (
        read_microcredential_claims(credential.claims)
        if credential.format == DC_SD_JWT
        else read_microcredential_badge(find_document(credential))
    )
    document = create_elm_credential(content)
    return BadgeFile(
        "badge-elm.json", "application/ld+json", json.dumps(document, ensure_ascii=False, indent=2).encode()
    )

"""Pictures from outside: made small and harmless before they are kept, and QR codes read from them.

A badge's picture is fetched once, when the badge is received, and never again (W-19, A-48): looking at a
badge tells its issuer nothing. PNG, JPEG and WebP are decoded within bounds and drawn anew as a small PNG,
so that nothing but pixels survives (A-41, A-43). SVG is kept as it came, when it has no part that acts or
points outside, and is only ever served with a policy under which it can do nothing.
"""

import asyncio
import re
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote_to_bytes

from PIL import ImageOps

from kernel.errors import CredentialError
from runtime import pictures
from runtime.fetch import Fetcher, FetchKind
from wallet.errors import PictureError, QrCodeError

MAXIMUM_PICTURE_BYTES = pictures.MAX_PICTURE_BYTES
_MAXIMUM_BADGE_BYTES = 1024 * 1024
_BADGE_SIDE = 384
_DATA_URL = re.compile(r"data:(image/[a-z.+-]+)((?:;[a-z]+=[^;,]*)*)(;base64)?,(.*)", re.DOTALL)
# What acts, loads or expands inside an SVG (`use` of `use` of … has no end). A picture that needs it is not shown.
_SVG_REFUSED = re.compile(
    rb"<!(?:doctype|entity)|<\?xml-stylesheet|<(?:\w+:)?(?:script|foreignobject|iframe|embed|object|audio|video|image"
    rb"|animate|set|handler|use)\b|\son\w+\s*=|javascript:|@import|url\(\s*['\"]?(?!#)|href\s*=\s*['\"](?!#)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SafeImage:
    """A picture that may be shown."""

    media_type: str
    content: bytes


async def resolve_badge_image(fetch: Fetcher, reference: str | None) -> SafeImage | None:
    """The badge's picture from its `data:` or https URL, made safe; None when there is none that can be shown.

    A missing picture is no reason to refuse a badge, so failures end here.
    """
    if not reference:
        return None
    try:
        content = _parse_data_url(reference) if reference.startswith("data:") else await _fetch(fetch, reference)
        return await asyncio.to_thread(create_safe_image, content)
    except (PictureError, CredentialError):
        return None


def create_safe_image(content: bytes) -> SafeImage:
    """Check and redraw a badge's picture, or raise PictureError."""
    if len(content) > _MAXIMUM_BADGE_BYTES:
        raise PictureError("too large")
    if _looks_like_svg(content):
        return _create_safe_svg(content)
    try:
        with pictures.opened_picture(content) as image:
            drawn = ImageOps.exif_transpose(image).convert("RGBA")
            drawn.thumbnail((_BADGE_SIDE, _BADGE_SIDE))
            output = BytesIO()
            drawn.save(output, "PNG", optimize=True)
    except pictures.UnreadablePictureError as exc:
        raise PictureError(str(exc)) from exc
    return SafeImage("image/png", output.getvalue())


async def read_qr_code(content: bytes) -> str:
    """The text of the QR code in a photo or screenshot, or PictureError or QrCodeError."""
    try:
        return await pictures.read_qr_code(content)
    except pictures.UnreadablePictureError as exc:
        raise PictureError(str(exc)) from exc
    except pictures.NoQrCodeError as exc:
        raise QrCodeError from exc


def _looks_like_svg(content: bytes) -> bool:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype"))


def _create_safe_svg(content: bytes) -> SafeImage:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise PictureError("svg is not UTF-8") from exc
    # Character references could hide a refused word from the search below.
    if b"<svg" not in content.lower() or _SVG_REFUSED.search(content) or re.search(rb"&#", content):
        raise PictureError("svg acts or points outside")
    return SafeImage("image/svg+xml", content)


def _parse_data_url(url: str) -> bytes:
    """The bytes of a `data:` URL of an image (RFC 2397)."""
    if len(url) > 2 * _MAXIMUM_BADGE_BYTES or not (match := _DATA_URL.fullmatch(url)):
        raise PictureError("data URL")
    try:
        return b64decode(match[4], validate=True) if match[3] else unquote_to_bytes(match[4])
    except ValueError as exc:
        raise PictureError("base64") from exc


async def _fetch(fetch: Fetcher, url: str) -> bytes:
    response = await fetch.get(url, accept="image/png, image/svg+xml", kind=FetchKind.IMAGE)
    if response.status != 200:
        raise PictureError(f"status {response.status}")
    return response.body

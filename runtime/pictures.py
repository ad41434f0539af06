"""Pictures of strangers, decoded within bounds; and the QR codes in them.

    with opened_picture(content) as picture: …
    text = read_qr_code(content)

Decoding is slow and blocks: call it from a thread. `UnreadablePictureError` is all that a picture can raise.
"""

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

import zxingcpp
from PIL import Image, ImageOps

# A photo of a phone.
MAX_PICTURE_BYTES: Final = 10 * 1024 * 1024
_MAX_PIXELS: Final = 40_000_000
# A code that fills a tenth of a photo can be read at this size, in a fraction of the time.
_SEEN_SIDE: Final = 2_000
# A photo of the largest size takes some 250 MB while it is decoded: eight at once would be too much for a small server.
_ONE_AT_A_TIME: Final = threading.Lock()
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
# What the decoder raises on broken files, as found by breaking them; a full memory is one of its words for "too big".
_UNDECODABLE: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError, MemoryError),
    *(ZeroDivisionError, NotImplementedError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class UnreadablePictureError(Exception):
    """No picture, a broken one, or one that is larger than we open."""


class NoQrCodeError(Exception):
    """A picture without a QR code in it that can be read."""


@contextmanager
def opened_picture(content: bytes) -> Iterator[Image.Image]:
    """Open a picture for as long as it is needed; its size is judged before a pixel is decoded (A-43)."""
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise UnreadablePictureError("too many pixels")
            image.load()
            yield image
    except _UNDECODABLE as exc:
        raise UnreadablePictureError("not decodable") from exc


def read_qr_code(content: bytes) -> str:
    """Return the text of the QR code in a photo or screenshot, or raise UnreadablePictureError or NoQrCodeError."""
    if len(content) > MAX_PICTURE_BYTES:
        raise UnreadablePictureError("too large")
    with _ONE_AT_A_TIME, opened_picture(content) as image:
        grey = ImageOps.exif_transpose(image).convert("L")
        small = grey.copy()
        small.thumbnail((_SEEN_SIDE, _SEEN_SIDE))
        found = _read_codes(small) or (_read_codes(grey) if small.size != grey.size else [])
    if not found:
        raise NoQrCodeError
    return found[0]


def _read_codes(grey: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [result.text for result in found if result.valid and result.text]

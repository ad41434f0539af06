"""The process in which the picture of a stranger is looked through for a QR code: what is in it comes out as text.

    python -I runtime/picture_process.py SECONDS < picture       text, or exit status 3 (no code) or 4 (no picture)

Whoever looks for a code tries everything that might be a part of one, and a picture can be full of such parts. No
option of the reader bounds that, and nothing ends it in a thread; a process can be ended, and takes nobody's memory or
keys with it. This file imports nothing of ours, so that such a process starts in a twentieth of a second.
"""

import os
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps

NO_CODE: Final = 3
UNREADABLE: Final = 4

_MAX_PIXELS: Final = 40_000_000
# Each scan of a JPEG goes over all its pixels; a photo has ten or so, and another ten in its preview.
_MAX_SCANS: Final = 100
_START_OF_SCAN: Final = b"\xff\xda"
# A code that fills a tenth of a photo can be read at this size, in a fraction of the time.
_SEEN_SIDE: Final = 2_000
_MEMORY: Final = 1024 * 1024 * 1024
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
# What the decoder raises on broken files, as found by breaking them; a full memory is one of its words for "too big".
_UNDECODABLE: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError, MemoryError),
    *(ZeroDivisionError, NotImplementedError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class UnreadablePictureError(Exception):
    """No picture, a broken one, or one that takes more to open than we give."""


@contextmanager
def opened_picture(content: bytes) -> Iterator[Image.Image]:
    """Open a picture for as long as it is needed; what it takes is judged before a pixel is decoded (A-43)."""
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise UnreadablePictureError("too many pixels")
            # Within a scan these two bytes never follow one another.
            if image.format == "JPEG" and content.count(_START_OF_SCAN) > _MAX_SCANS:
                raise UnreadablePictureError("too many scans")
            image.load()
            yield image
    except _UNDECODABLE as exc:
        raise UnreadablePictureError("not decodable") from exc


def find_qr_code(content: bytes) -> str | None:
    """The text of a QR code in a photo or screenshot, or None, or UnreadablePictureError."""
    with opened_picture(content) as image:
        grey = ImageOps.exif_transpose(image).convert("L")
        small = grey.copy()
        small.thumbnail((_SEEN_SIDE, _SEEN_SIDE))
        found = _read_codes(small) or (_read_codes(grey) if small.size != grey.size else [])
    return found[0] if found else None


def _read_codes(grey: Image.Image) -> list[str]:
    import zxingcpp  # here, since whoever imports this module for `opened_picture` has no use for it

    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [result.text for result in found if result.valid and result.text]


def _limit(seconds: int) -> None:
    """As much of the machine as a picture may have. Where a system has no such limits, its caller has the clock."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        os.nice(10)


def main() -> int:
    """Read a picture from standard input, and write the text of its code."""
    _limit(int(sys.argv[1]))
    try:
        text = find_qr_code(sys.stdin.buffer.read())
    except UnreadablePictureError:
        return UNREADABLE
    if text is None:
        return NO_CODE
    sys.stdout.buffer.write(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())

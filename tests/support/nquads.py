"""Read N-Quads, as published tests write them, into the terms of `kernel.rdf_canon`. RDF 1.1 N-Quads."""

import re

from kernel.rdf_canon import Quad, iri, literal

_TERM = r'<([^>]*)>|(_:[^\s]+)|"((?:[^"\\]|\\.)*)"(?:\^\^<([^>]*)>|@([A-Za-z0-9-]+))?'
_TERMS = re.compile(rf"\s*(?:{_TERM})")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def parse_nquads(text: str) -> list[Quad]:
    """Return the quads of a document that is known to be well-formed."""
    return [_parse_line(line) for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]


def _parse_line(line: str) -> Quad:
    terms, position = [], 0
    while match := _TERMS.match(line, position):
        terms.append(_term(match))
        position = match.end()
    assert line[position:].strip().startswith("."), line
    subject, predicate, object_, graph = (*terms, "")[:4]
    return subject, predicate, object_, graph


def _term(match: re.Match[str]) -> str:
    reference, blank, text, datatype, language = match.groups()
    if blank:
        return blank.removesuffix(".") if blank.endswith(".") else blank
    if text is None:
        return iri(_unescape(reference))
    return literal(_unescape(text), language=language, **({"datatype": _unescape(datatype)} if datatype else {}))


def _unescape(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _CHARACTERS.get(match[3], match[3])

    return _ESCAPE.sub(character, text)

"""URLs that messages carry: https, absolute, one spelling of who is meant. RFC 3986; PROFILE.md K-81, W-46, A-35.

Plain http is read for loopback names only, so that the three services can run on one machine; whether such an
address may then be called is for the guarded fetcher to say, never for the message.
"""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from kernel.errors import MalformedError

MAX_URL: Final = 2048
_MAX_LINK: Final = 64 * 1024
_MAX_PARAMETERS: Final = 64
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_PORTS: Final = {"https": 443, "http": 80}
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")
_NAME: Final = re.compile(
    r"(?!.*(^|\.)(\d+|0x[0-9a-f]*)$)([a-z0-9]([a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9_-]*[a-z0-9])?"
)


def parse_web_url(value: object, what: str, *, query: bool = True, fragment: bool = False) -> SplitResult:
    """Read an absolute https URL with a host and without user information, or raise MalformedError.

    Numeric hosts are refused: nobody's identifier is an address, and addresses are how a message would point
    into the network it is read in (A-35). Fragments and queries only where the caller says so.
    """
    parts = _split(value, what)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_HOSTS):
        raise MalformedError(f"{what} is not an https URL")
    if "@" in parts.netloc or len(host) > 253 or not (_NAME.fullmatch(host) or host in LOOPBACK_HOSTS):
        raise MalformedError(f"{what} does not name a host")
    if (parts.query and not query) or (parts.fragment and not fragment):
        raise MalformedError(f"{what} has a query or a fragment")
    return parts


def parse_link(text: str, *, schemes: Collection[str]) -> dict[str, str]:
    """Read the parameters of a link that opens a wallet, or raise MalformedError; none of them is given twice.

    It begins with one of these schemes, or is the https address of a wallet (a universal link).
    """
    if len(text) > _MAX_LINK:
        raise MalformedError("a link longer than any that opens a wallet")
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS, errors="strict")
    except ValueError as exc:
        raise MalformedError("the link cannot be read") from exc
    if f"{parts.scheme}://" not in schemes:
        parse_web_url(text.partition("?")[0], "the link")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise MalformedError("a link that gives a parameter twice")
    return parameters


def web_url(value: object, what: str, *, query: bool = True, fragment: bool = False) -> str:
    """Return the text of a URL that `parse_web_url` reads, unchanged: identifiers are compared as they came."""
    parse_web_url(value, what, query=query, fragment=fragment)
    return str(value)


def host_of(url: str) -> str:
    """Return host and explicit port of a URL that was read before, in lower case."""
    return urlsplit(url).netloc.lower()


def normalise_web_url(url: object) -> str:
    """Return how a URL is spelled once: without query and fragment, RFC 3986 §6.2.2 and §6.2.3 applied.

    Letters of scheme and host in lower case, the scheme's own port left out, an empty path as `/`, percent-encoding of
    characters that need none undone and of the others in upper case, dot segments removed. RFC 9449 §4.3.
    """
    parts = parse_web_url(url, "the URL", fragment=True)
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    host = parts.hostname or ""
    path = _remove_dot_segments(_ENCODED.sub(_normalise_encoded, parts.path)) or "/"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{path}"


def _normalise_encoded(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[1], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()


def _remove_dot_segments(path: str) -> str:
    """RFC 3986 §5.2.4, for a path that is absolute or empty."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    ends_in_dots = bool(segments) and segments[-1] in (".", "..")
    return "".join(f"/{segment}" for segment in kept) + ("/" if ends_in_dots else "")


def _split(value: object, what: str) -> SplitResult:
    if not isinstance(value, str) or len(value) > MAX_URL:
        raise MalformedError(f"{what} is not a URL of sensible length")
    if not value.isascii() or not value.isprintable() or any(character in value for character in ' "<>\\^`{|}'):
        raise MalformedError(f"{what} has characters that no URL has")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as exc:
        raise MalformedError(f"{what} is not a URL") from exc
    return parts

"""What a file or a picture may carry: JSON, a compact JWS, in older badges an address. Open Badges 3.0 §5.1, §5.3."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from kernel.errors import MalformedError, TooLargeError
from kernel.strict_json import MAX_BYTES, parse_json_object

# B-32: larger art is no badge; and what it carries is bounded like any JSON text.
MAX_ART_BYTES: Final = 2 * 1024 * 1024
MAX_TEXT_BYTES: Final = MAX_BYTES
MAX_PICTURE_BYTES: Final = MAX_ART_BYTES + 2 * MAX_TEXT_BYTES

_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s\"'<>\\^`{|}]{1,2048}", re.ASCII)

OpenBadgesVersion = Literal["3.0", "2.0"]


class CredentialForm(StrEnum):
    """How a credential is written; `URL` is a hosted Open Badge 2.0, of which only the address travels."""

    JSON = "json"
    JWS = "jws"
    URL = "url"

    @property
    def media_type(self) -> str:
        """The type under which a file of this form is served. B-33, Open Badges 3.0 §5.1 and §5.2."""
        return "application/vc+ld+json" if self is CredentialForm.JSON else "text/plain"

    @property
    def file_extension(self) -> str:
        """How the name of such a file ends. B-33."""
        return ".json" if self is CredentialForm.JSON else ".jws"


@dataclass(frozen=True, slots=True)
class BakedCredential:
    """Text that claims to be a credential; nobody has checked who signed it, or even read it."""

    raw: str = field(repr=False)
    form: CredentialForm
    version: OpenBadgesVersion


def parse_file(content: bytes) -> BakedCredential:
    """Return the credential in a `.json`, `.jws` or `.jwt` file. B-33."""
    if len(content) > MAX_TEXT_BYTES:
        raise TooLargeError("a file that is too large to be a badge")
    return parse_text(decode_utf8(content.removeprefix(b"\xef\xbb\xbf")))


def parse_text(text: str, *, version: OpenBadgesVersion = "3.0") -> BakedCredential:
    """Say what a text is by its content, or raise MalformedError; only Open Badges 2.0 has addresses."""
    stripped = text.strip()
    if stripped.startswith("{"):
        parse_json_object(stripped)
        return BakedCredential(stripped, CredentialForm.JSON, version)
    if len(stripped) > MAX_TEXT_BYTES:
        raise TooLargeError("a text that is too long to be a badge")
    if _COMPACT_JWS.fullmatch(stripped):
        return BakedCredential(stripped, CredentialForm.JWS, version)
    if version == "2.0" and _URL.fullmatch(stripped):
        return BakedCredential(stripped, CredentialForm.URL, version)
    raise MalformedError("neither JSON nor a compact JWS")


def decode_utf8(content: bytes) -> str:
    """Return text, or raise MalformedError."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("a text that is not UTF-8") from exc

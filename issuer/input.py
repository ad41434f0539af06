"""What people and programs may fill in: the rules that every field of the API and of the pages shares.

What is let in must be storable on both databases and issuable in both formats: a badge that was accepted and
cannot be signed would fail at the holder's wallet, where nobody can mend it.
"""

from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from runtime.visible_text import hides_something, is_blank

# The largest whole number of an INTEGER column on both databases, and so of a version or a list.
LARGEST_NUMBER: Final = 2**31 - 1
# Longer than any offer may stand open; the settings say how long that is.
MANY_SECONDS: Final = 10**9

# The context in which what was stored is read again: it met the rules of its day, and must be legible for ever.
STORED: Final = {"stored": True}


class Input(BaseModel):
    """Members that are not there are refused, and so are characters that nobody can see (A-08, A-41)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _is_visible(cls, value: object, info: ValidationInfo) -> object:
        if info.context is STORED:
            return value
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and (hides_something(text) or (text.strip() and is_blank(text))):
                raise PydanticCustomError("invisible_character", "has a character that cannot be seen")
        return value


def _verify_address(address: str, info: ValidationInfo) -> str:
    if info.context is STORED:
        return address
    try:
        parts = urlsplit(address)
        is_good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise PydanticCustomError("string_pattern_mismatch", "is not a web address")
    return address


WebAddress = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", max_length=500), AfterValidator(_verify_address)
]


def _in_utc(moment: datetime) -> datetime:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        utc = None
    if utc is None or utc.year < 1900:
        raise PydanticCustomError("datetime_parsing", "is out of range")
    return utc


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class LocalisedText(Input):
    """A text in Dutch, and in English where there is one. A plain string is Dutch."""

    nl: str = Field(min_length=1, max_length=5000)
    en: str | None = Field(default=None, max_length=5000)

    def best(self, language: str) -> str:
        """The text in this language, or in Dutch."""
        return self.en if language == "en" and self.en else self.nl

    def language(self, language: str) -> str:
        """The language of what `best` gives."""
        return "en" if language == "en" and self.en else "nl"


Localised = Annotated[LocalisedText, BeforeValidator(lambda value: {"nl": value} if isinstance(value, str) else value)]

# What a part of something is called in a badge and in a list: the end of its address.
PartName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Organisation(Input):
    """A school, company or body beside the one that issues. Where it has no identifier, its web address is that."""

    name: ShortText
    id: Annotated[str, StringConstraints(pattern=r"^(?:https?|did|urn):[^\s<>\"]+$", max_length=500)] | None = None
    url: WebAddress | None = None

    @model_validator(mode="after")
    def _is_known_by_something(self) -> "Organisation":
        if self.id is None and self.url is None:
            raise PydanticCustomError("missing", "needs an identifier or a web address")
        return self

    @property
    def identifier(self) -> str:
        """By what it is known."""
        return self.id or self.url or ""

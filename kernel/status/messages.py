"""The messages that an issuer can give beside a badge that goes on counting. Bitstring Status List 1.0 §2.1, `message`.

Their words in the list are for programs (§2.1: not to be shown to people); whoever shows one says it in words of their
own, in the person's language. A value that others define means what they say it means, which is not known here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

# Two bits: no message, and three.
SIZE: Final = 2


class StatusMessage(StrEnum):
    """What an issuer can tell of a badge without touching its validity; each member is its word in the list."""

    NONE = "no_message"
    NEWER_VERSION = "newer_version"
    UNDER_REVIEW = "under_review"
    CONTACT_ISSUER = "contact_issuer"

    @property
    def value_in_list(self) -> int:
        """The number that a list holds for it."""
        return _NUMBERS[self]


_NUMBERS: Final[Mapping[StatusMessage, int]] = {message: number for number, message in enumerate(StatusMessage)}
# What every entry commits to when its credential is issued: a message for each value.
MESSAGES: Final = tuple((message.value_in_list, message.value) for message in StatusMessage)


def message_of(value: int) -> StatusMessage:
    """Return the message that a number in a list of ours stands for."""
    return list(StatusMessage)[value]


def find_message(word: str | None) -> StatusMessage | None:
    """Return the message that a list's word stands for, None for one that nobody here knows."""
    return StatusMessage(word) if word in set(StatusMessage) else None

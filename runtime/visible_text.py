"""Text that people can see: what hides in a text, and what is no text to anybody's eye. A-08, A-41.

A name of nothing but a zero-width space looks empty on every page and is another name to every program.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

_LAYOUT: Final = frozenset("\t\n\r")
# Two letters that stand beside each other are written joined, or not: Persian, the languages of India, and emoji need
# them. They have a meaning only between two signs that can be seen.
_JOINERS: Final = frozenset("\u200c\u200d")
# Unicode's "prepended concatenation marks" are signs that can be seen, though of the category of those that cannot.
_SEEN: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Letters and signs by their category that leave the paper white: fillers of Hangul, and Braille without a dot.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def hides_something(text: str) -> bool:
    """Whether a character stands in a text that nobody can see, or that makes it read otherwise than it is written."""
    if text.isascii() and text.isprintable():
        return False
    return any(
        _is_hidden(character) and not (character in _JOINERS and _joins(before, after))
        for before, character, after in _with_neighbours(text)
    )


def is_blank(text: str) -> bool:
    """Whether nothing in a text can be seen, though it may have characters."""
    return not any(_leaves_ink(character) for character in text)


def _with_neighbours(text: str) -> Iterator[tuple[str, str, str]]:
    return zip(f" {text}", text, f"{text[1:]} ", strict=False)


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return (category == "Cc" and character not in _LAYOUT) or (category == "Cf" and character not in _SEEN)


def _joins(before: str, after: str) -> bool:
    return all(unicodedata.category(character)[0] in "LMS" and character not in _BLANK for character in (before, after))


def _leaves_ink(character: str) -> bool:
    return character in _SEEN or (unicodedata.category(character)[0] in "LNPS" and character not in _BLANK)

"""Names from outside turn only themselves around, never the words of the page that stand beside them.

Unicode writes Hebrew and Arabic from right to left, and has invisible characters that command a direction: with one of
them in its name a party could have a sentence of ours read in another order. Unicode Standard Annex #9, §2.1 to §2.7
(the characters), §2.4.2 and §2.7 (what isolates are for); Unicode Technical Report #36, §2.5.

`isolate` is for a name inside a sentence, `without_commands` for all that a page prints. What stands in an element of
its own is isolated by the stylesheet.
"""

import re
from typing import Final

from markupsafe import Markup

_OPEN, _CLOSE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_COMMANDS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_OWN_ISOLATE: Final = re.compile(f"({_OPEN}[^\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*{_CLOSE})")
# The blocks whose letters and digits run from right to left, or that hold such letters (UAX #9, classes R, AL and AN).
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


def isolate(value: object) -> object:
    """A text for a place in a sentence: without commands, and kept apart where it runs from right to left."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return value
    text = _COMMANDS.sub("", value)
    return f"{_OPEN}{text}{_CLOSE}" if _RIGHT_TO_LEFT.search(text) else text


def without_commands(value: object) -> object:
    """Any text as a page prints it: without commands of direction, except what `isolate` put there."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii() or not _COMMANDS.search(value):
        return value
    parts = _OWN_ISOLATE.split(value)
    return "".join(part if number % 2 else _COMMANDS.sub("", part) for number, part in enumerate(parts))

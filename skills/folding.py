"""How text is made comparable: the same for what is stored and for what is typed."""

import re
import unicodedata

_NO_DECOMPOSITION = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"})
_DROPPED = re.compile("['\u2018\u2019\u0300-\u036f]")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces: "Coördinatie HR-beleid" is "coordinatie hr beleid"."""
    lower = text.casefold()
    if not lower.isascii():
        lower = unicodedata.normalize("NFKD", lower.translate(_NO_DECOMPOSITION))
    return _BETWEEN_WORDS.sub(" ", _DROPPED.sub("", lower)).strip()


def trigrams(folded: str) -> list[str]:
    """The distinct runs of three characters, word borders included, in the order of the text."""
    padded = f" {folded} "
    return list(dict.fromkeys([padded[i : i + 3] for i in range(len(padded) - 2)]))

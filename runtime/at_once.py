"""So many pieces of heavy work at once in this process, and no more: who comes later is told so at once.

turns = Turns(8)
with turns.take(TooManyError()): …

turns = Turns(4, each=1)  # of which nobody has more than one
with turns.take(TooManyError(), holder=account_id): …
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Counted in one event loop, so nothing can come between looking and taking."""

    def __init__(self, at_once: int, *, each: int | None = None) -> None:
        self._free = at_once
        self._each = at_once if each is None else each
        self._held = Counter[str]()

    @contextmanager
    def take(self, refusal: Exception, *, holder: str = "") -> Iterator[None]:
        """Do something as one of those, or raise the refusal: all are taken, or this holder has as many as one may."""
        if self._free == 0 or self._held[holder] >= self._each:
            raise refusal
        self._free -= 1
        self._held[holder] += 1
        try:
            yield
        finally:
            self._free += 1
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

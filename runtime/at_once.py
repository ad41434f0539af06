"""So many pieces of heavy work at once in this process, and no more: who comes later is told so at once.

turns = Turns(8)
with turns.take(TooManyError()): …
"""

from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Counted in one event loop, so nothing can come between looking and taking."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once

    @contextmanager
    def take(self, refusal: Exception) -> Iterator[None]:
        """Do something as one of those, or raise the refusal."""
        if self._free == 0:
            raise refusal
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

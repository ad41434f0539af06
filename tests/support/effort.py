"""How much work something is, counted and not timed: the same on every machine, however busy it is."""

import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# What no test of ours takes, on the slowest machine beside the busiest neighbour: beyond it something hangs.
HANGS = 60.0


def count_calls(work: Callable[[], object]) -> int:
    """How many functions are called, of ours and of the interpreter's. What one of those does inside is not seen."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(previous)
    return calls


def count_bytes(work: Callable[[], object]) -> int:
    """How many bytes are held at once, at most, beside what there was before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextmanager
def not_hanging() -> Iterator[None]:
    """Fails where the work takes a minute of this process's time, which is no matter of how fast it is."""
    began = time.process_time()
    yield
    assert time.process_time() - began < HANGS

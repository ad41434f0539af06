"""What several parties want of one limited thing, in turns: who wants much keeps it from nobody else."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turns(wanted: Sequence[Sequence[T]]) -> list[T]:
    """Everything that is wanted: the first of each party, then the second of each, and so on."""
    rounds = max(map(len, wanted), default=0)
    return [each[number] for number in range(rounds) for each in wanted if number < len(each)]

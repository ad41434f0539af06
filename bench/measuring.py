"""How anything is measured here: the contenders take short turns, so that a busy machine slows them all alike.

Of a round the median turn of each counts. What comes from outside disturbs few turns, and those of all contenders; what
a program does now and then by itself, such as collecting its garbage or writing back its log, is part of its cost, and
the best of its turns would leave that out. It is CPU time of this process with all its threads, so "per second" is per
second and core; only the ratios mean something elsewhere.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

Turn = Callable[[int], object]
"""Does one thing so many times. A number that it returns is the seconds of CPU that another process took for it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to measure: the floor that nothing can undercut, ours, and the peer that ours is held against.

    `must` is the ratio of the peer's time to ours that the worst round has to reach, if one was promised. `repeats`
    is how often a turn does the thing; None finds a number that takes long enough for the clock.
    """

    name: str
    floor: Turn
    ours: Turn
    peer: Turn
    floor_name: str
    peer_name: str
    must: float | None
    turns: int = 60
    repeats: int | None = None
    turn_seconds: float = 0.004
    """Long enough for the clock, short enough to interleave."""


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of CPU for each contender, each in its median turn."""

    floor: float
    ours: float
    peer: float


def repeated(run: Callable[[], object]) -> Turn:
    """The turn that calls a function again and again."""

    def turn(repeats: int) -> None:
        for _ in range(repeats):
            run()

    return turn


def measure(operation: Operation) -> Round:
    """Let the three contenders take turns."""
    contenders = (operation.floor, operation.ours, operation.peer)
    repeats = [operation.repeats or _calibrate(turn, operation.turn_seconds) for turn in contenders]
    taken: list[list[float]] = [[] for _ in contenders]
    for _ in range(operation.turns):
        for number, turn in enumerate(contenders):
            taken[number].append(_seconds(turn, repeats[number]) / repeats[number])
    return Round(*map(median, taken))


def _calibrate(turn: Turn, seconds: float) -> int:
    """Find a number of repeats; what takes long enough at once is not done ten times to learn that."""
    turn(1)
    if _seconds(turn, 1) >= seconds:
        return 1
    return max(1, round(seconds / (_seconds(turn, 10) / 10)))


def _seconds(turn: Turn, repeats: int) -> float:
    began = time.process_time()
    elsewhere = turn(repeats)
    return elsewhere if isinstance(elsewhere, float) else time.process_time() - began


def report(operation: Operation, rounds: Sequence[Round]) -> tuple[str, bool]:
    """Say in a few lines how it went, and whether the worst round was good enough."""
    floor, ours, peer = (median(getattr(found, name) for found in rounds) for name in ("floor", "ours", "peer"))
    over_floor = [found.ours / found.floor for found in rounds]
    against_peer = [found.peer / found.ours for found in rounds]
    is_met = operation.must is None or min(against_peer) >= operation.must
    demanded = "" if operation.must is None else f"   must {operation.must:.2f}: {'met' if is_met else 'NOT MET'}"
    return (
        f"{operation.name}\n"
        f"  floor: {operation.floor_name:<34} {floor * 1e6:8.1f} µs {1 / floor:8.0f} a second\n"
        f"  ours                                      {ours * 1e6:8.1f} µs {1 / ours:8.0f} a second\n"
        f"  peer:  {operation.peer_name:<34} {peer * 1e6:8.1f} µs {1 / peer:8.0f} a second\n"
        f"  ours costs so many floors    median {median(over_floor):5.2f}   worst {max(over_floor):5.2f}\n"
        f"  times as fast as the peer    median {median(against_peer):5.2f}   worst {min(against_peer):5.2f}"
        f"{demanded}\n"
    ), is_met

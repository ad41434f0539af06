"""`make bench`: what an SD-JWT costs here, against bare ES256 and against openvc-core.

Each operation is run in short turns (bare, ours, peer, bare, ours, …), so that a busy machine slows all three alike,
and of a round the least disturbed turn of each counts: what makes a turn slower comes from outside. Only the ratios
mean something elsewhere. Five rounds; worst and median are shown, and the worst has to reach what we promise.
CPU time of one process, so "per second" is per second and core.
"""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.sd_jwt import OPERATIONS

ROUNDS = 5
TURNS = 60
# Long enough for the clock, short enough to interleave.
TURN_SECONDS = 0.004


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to measure, and the ratio to the peer that has to be reached in the worst round, if any."""

    name: str
    contenders: Mapping[str, Callable[[], object]]
    must: float | None


def measure(contenders: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return seconds of CPU per call for each contender, in its best turn."""
    repeats = {name: _calibrate(run) for name, run in contenders.items()}
    best = dict.fromkeys(contenders, math.inf)
    for _ in range(TURNS):
        for name, run in contenders.items():
            began = time.process_time()
            for _ in range(repeats[name]):
                run()
            best[name] = min(best[name], (time.process_time() - began) / repeats[name])
    return best


def _calibrate(run: Callable[[], object]) -> int:
    run()
    began = time.perf_counter()
    for _ in range(10):
        run()
    return max(1, round(TURN_SECONDS / ((time.perf_counter() - began) / 10)))


def _report(operation: Operation, rounds: Sequence[Mapping[str, float]]) -> bool:
    """Print one operation, and tell whether its worst round was good enough."""
    typical = {name: median(found[name] for found in rounds) for name in operation.contenders}
    over_bare = [found["ours"] / found["bare"] for found in rounds]
    against_peer = [found["peer"] / found["ours"] for found in rounds]
    is_met = operation.must is None or min(against_peer) >= operation.must
    demanded = "" if operation.must is None else f"  (must: {operation.must}) {'met' if is_met else 'NOT MET'}"
    print(operation.name)
    print(
        f"  microseconds   bare ES256 {typical['bare'] * 1e6:7.1f}   ours {typical['ours'] * 1e6:7.1f}"
        f"   openvc-core {typical['peer'] * 1e6:7.1f}"
    )
    print(f"  per second     bare ES256 {1 / typical['bare']:7.0f}   ours {1 / typical['ours']:7.0f}")
    print(f"  cost in bare ES256   median {median(over_bare):5.2f}   worst {max(over_bare):5.2f}")
    print(f"  times openvc-core    median {median(against_peer):5.2f}   worst {min(against_peer):5.2f}{demanded}\n")
    return is_met


def main() -> int:
    """Measure everything; exit status 1 when a promise was not kept."""
    operations = [Operation(*operation) for operation in OPERATIONS]
    rounds: dict[str, list[dict[str, float]]] = {operation.name: [] for operation in operations}
    for number in range(1, ROUNDS + 1):
        for operation in operations:
            print(f"round {number} of {ROUNDS}: {operation.name}", file=sys.stderr, flush=True)
            rounds[operation.name].append(measure(operation.contenders))
    print(f"SD-JWT with 12 disclosable claims, ES256, Python {sys.version.split()[0]}, {ROUNDS} rounds\n")
    results = [_report(operation, rounds[operation.name]) for operation in operations]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

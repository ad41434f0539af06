"""How soon a graph is refused that was made to keep us busy (A-21): seconds, which the tests count in steps instead."""

import time
from collections.abc import Mapping
from typing import Final

from kernel.errors import MalformedError
from kernel.rdf_canon import Quad, canonicalize, iri

MUST: Final = 0.1
_P: Final = iri("https://example.org/p")
GRAPHS: Final[Mapping[str, list[Quad]]] = {
    "clique of 8": [(f"_:n{a}", _P, f"_:n{b}", "") for a in range(8) for b in range(8) if a != b],
    "clique of 40": [(f"_:n{a}", _P, f"_:n{b}", "") for a in range(40) for b in range(40) if a != b],
    "ring of 9,000": [(f"_:n{n}", _P, f"_:n{(n + 1) % 9_000}", "") for n in range(9_000)],
    "three thousand twins": [(f"_:{n}", _P, f"_:{n ^ 1}", "") for n in range(3_000)],
}


def measure(turns: int = 5) -> tuple[str, bool]:
    """Say how long each took in its best turn, and whether all stayed within what we promise."""
    seconds = {name: min(_refuse(quads) for _ in range(turns)) for name, quads in GRAPHS.items()}
    is_met = max(seconds.values()) < MUST
    said = "\n".join(f"  {name:<40} {took * 1e3:6.1f} ms" for name, took in seconds.items())
    return f"RDFC-1.0: poison is refused   must {MUST * 1e3:.0f} ms: {'met' if is_met else 'NOT MET'}\n{said}\n", is_met


def _refuse(quads: list[Quad]) -> float:
    began = time.process_time()
    try:
        canonicalize(quads)
    except MalformedError:
        return time.process_time() - began
    raise AssertionError("poison was taken for a graph")

"""`make bench`: proofs, SD-JWT and status lists against bare signatures and openvc-core, proofs and SD-JWT against the
libraries for Node, the endpoints that issue and verify against bare ASGI, badges in bulk, graphs made to keep us
busy, and what each service takes to start and to wait.

Five rounds; worst and median are shown, and the worst has to reach what we promise: exit status 1 when it does not.
"""

import sys

from bench import (
    bulk,
    credential_endpoint,
    data_integrity,
    node_peers,
    poison,
    response_endpoint,
    sd_jwt,
    start_up,
    status_list,
)
from bench.measuring import measure, report

ROUNDS = 5


def main() -> int:
    """Measure everything; exit status 1 when a promise was not kept."""
    with (
        credential_endpoint.prepare(rounds=ROUNDS) as credential_requests,
        response_endpoint.prepare(rounds=ROUNDS) as presentations,
        node_peers.prepare() as beside_node,
    ):
        operations = [
            *data_integrity.OPERATIONS,
            *sd_jwt.OPERATIONS,
            *status_list.OPERATIONS,
            *credential_requests,
            presentations,
            *beside_node,
        ]
        rounds = []
        for number in range(1, ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr, flush=True)
            rounds.append([measure(operation) for operation in operations])
    print(f"CPU time on Python {sys.version.split()[0]}, {ROUNDS} rounds\n")
    results = [report(operation, found) for operation, found in zip(operations, zip(*rounds, strict=True), strict=True)]
    results.append(poison.measure())
    results += [bulk.measure(kind, count) for kind, count in bulk.IN_MAKE_BENCH.items()]
    print("\n".join([*(text for text, _ in results), start_up.measure()]))
    return 0 if all(is_met for _, is_met in results) else 1


if __name__ == "__main__":
    sys.exit(main())

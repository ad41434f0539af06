"""The same work beside the libraries that most of this world's issuers and wallets in JavaScript stand on.

Digital Bazaar's and the OpenWallet Foundation's run in a Node process, which is told how often to do a thing and says
how much processor time it took, all its threads included; what goes between the processes counts on neither side. They
get the input that ours gets, their contexts are held in memory, their keys imported once, and they are warm.

`@sd-jwt` checks less where it verifies: neither for whom a presentation is, nor when it was made.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import data_integrity, sd_jwt
from bench.measuring import Operation, Turn, repeated
from kernel.did import resolve_static_did
from kernel.json_ld import pinned_contexts
from kernel.keys import SoftwareSigner
from tests.support.node_peers import NodePeers, find_node

DIGITAL_BAZAAR, SD_JWT = "@digitalbazaar/vc", "@sd-jwt/core"
WARM_UP_SECONDS = 0.5
# Their engine collects garbage every few milliseconds: a turn is long enough for its share of that.
TURN_SECONDS = 0.03
NOW = data_integrity.NOW.isoformat()


@contextmanager
def prepare() -> Iterator[Sequence[Operation]]:
    """The rows beside these peers; none, and a line that says so, where there is no Node.js or not their packages."""
    node = find_node()
    if node is None:
        print("No rows beside @digitalbazaar and @sd-jwt: no Node.js here, or not their packages (make node-peers).\n")
        yield ()
        return
    with tempfile.TemporaryDirectory() as folder:
        peers = NodePeers(node, Path(folder) / "log")
        try:
            yield [*_data_integrity(peers), *_sd_jwt(peers)]
        finally:
            peers.close()


def _turn(peers: NodePeers, party: str, does: str, arguments: Any, *, fresh: bool = False) -> Turn:
    name = f"{party} {does} {len(json.dumps(arguments))}"
    peers.call("bench", "prepare", name=name, party=party, does=does, arguments=arguments, fresh=fresh)

    def turn(repeats: int) -> float:
        return float(peers.call("bench", "turn", name=name, repeats=repeats))

    warmed = 0.0
    while warmed < WARM_UP_SECONDS:
        warmed += turn(1)
    return turn


def _data_integrity(peers: NodePeers) -> Iterator[Operation]:
    documents: dict[str, Any] = {url: dict(context) for url, context in pinned_contexts().contexts.items()}
    for case in (data_integrity.WHOLE, data_integrity.SELECTIVE):
        did = case.method.partition("#")[0]
        documents[did] = {"@context": ["https://www.w3.org/ns/did/v1"], **resolve_static_did(did).raw}
    peers.call("digital_bazaar", "publish", **documents)
    edwards, p256 = (peers.call("digital_bazaar", "createKey", curve=curve)["method"] for curve in ("Ed25519", "P-256"))

    def issue(badge: Any, cryptosuite: str, method: str, **more: Any) -> Turn:
        arguments = {"credential": badge, "cryptosuite": cryptosuite, "method": method, "now": NOW, **more}
        return _turn(peers, "digital_bazaar", "issue", arguments, fresh=True)

    def verify(badge: Any) -> Turn:
        return _turn(peers, "digital_bazaar", "verify", {"credential": badge, "now": NOW})

    whole = issue(data_integrity.WHOLE.badge, "eddsa-rdfc-2022", edwards)
    selective = issue(data_integrity.SELECTIVE.badge, "ecdsa-sd-2023", p256, mandatory=data_integrity.MANDATORY)
    derive = _turn(peers, "digital_bazaar", "derive", {"credential": data_integrity.BASE, "show": data_integrity.SHOWN})
    theirs = {
        "eddsa-rdfc-2022: issue": (whole, 25),
        "eddsa-rdfc-2022: issue in bulk, one badge of a run": (whole, 50),
        "eddsa-rdfc-2022: verify, known shape": (verify(data_integrity.ISSUED), 18),
        "ecdsa-sd-2023: issue": (selective, 12),
        "ecdsa-sd-2023: derive": (derive, 8),
        "ecdsa-sd-2023: verify derived": (verify(data_integrity.DERIVED), 4),
    }
    for name, floor, floor_name, ours, *_ in data_integrity.ROWS:
        turn, must = theirs[name]
        yield _operation(f"Full badge, {name}", floor, ours, turn, floor_name, DIGITAL_BAZAAR, must)


def _sd_jwt(peers: NodePeers) -> Iterator[Operation]:
    issuer, holder = _private(sd_jwt.ISSUER), _private(sd_jwt.HOLDER)
    claims = {
        "iss": "https://issuer.example",
        "iat": int(sd_jwt.NOW.timestamp()),
        "vct": sd_jwt.VCT,
        "cnf": {"jwk": sd_jwt.HOLDER.public_key.jwk},
        **sd_jwt.CLAIMS,
    }
    issue = {
        "claims": claims,
        "frame": {"_sd": list(sd_jwt.CLAIMS)},
        "header": {"typ": "dc+sd-jwt", "kid": sd_jwt.PEER_ISSUER.kid},
        "key": issuer,
    }
    present = {
        "credential": sd_jwt.ISSUED,
        "frame": {str(name): True for (name,) in sd_jwt.SHOWN},
        "binding": {"iat": int(sd_jwt.NOW.timestamp()), "aud": sd_jwt.AUDIENCE, "nonce": sd_jwt.NONCE},
        "key": holder,
    }
    verify = {"presentation": sd_jwt.PRESENTED, "key": sd_jwt.ISSUER.public_key.jwk, "nonce": sd_jwt.NONCE}
    # The bare signatures alone are hardly three times as fast as they verify: decision 0051.
    theirs = (("issue", issue, 4), ("present", present, 6), ("verify", verify, None))
    for (name, floor, floor_name, ours, _, _), (does, arguments, must) in zip(sd_jwt.ROWS, theirs, strict=True):
        turn = _turn(peers, "sd_jwt", does, arguments)
        yield _operation(name, floor, ours, turn, floor_name, SD_JWT, must)


def _operation(
    name: str,
    floor: Callable[[], object],
    ours: Callable[[], object],
    turn: Turn,
    floor_name: str,
    peer_name: str,
    must: float | None,
) -> Operation:
    return Operation(
        name,
        repeated(floor),
        repeated(ours),
        turn,
        floor_name,
        peer_name,
        must,
        turns=12,
        turn_seconds=TURN_SECONDS,
    )


def _private(signer: SoftwareSigner) -> dict[str, Any]:
    """A key as Web Cryptography imports it, which knows no `alg` of JOSE among its own."""
    return {name: value for name, value in signer.private_jwk().items() if name != "alg"}

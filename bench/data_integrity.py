"""One full Open Badge with a proof in it: the bare signatures and hashes, ours, and openvc-core's.

About 4 kB and 120 statements. Its shape was met before, as it was for all badges of an achievement but the first two;
its texts were not, where it is issued: each badge has an identifier of its own. Bulk is the rate of a long run: what is
made once for all its badges is not counted, since ten thousand of them make it vanish.

PERFORMANCE.md demands 100 and 80 times openvc-core for issuing and verifying whole badges. Its other demands are
against libraries for Node, which `bench.node_peers` measures where they are installed. Where they are not, its table
helps, which has openvc-core and Node side by side: 50 times the one (9,600 µs) is 218 times the other (42,000) for
bulk; for `ecdsa-sd-2023` 12 times 40,000 is 19.5 times 65,000 to issue, and 4 times 12,700 is 12.7 times 40,500 to
verify. Of deriving the table knows neither, so nothing is demanded; and the peer cannot derive from a badge with
unnamed nodes, so that it gets the same badge with every node named, which is less to do.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from openvc.keys import Ed25519SigningKey, P256SigningKey
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.ecdsa_sd import EcdsaSdProofSuite

from bench.measuring import Operation, repeated
from kernel.data_integrity import (
    add_base_proof,
    add_proof,
    derive_credential,
    parse_proofs,
    verify_credential,
    without_proof,
)
from kernel.data_integrity.bulk import BulkTemplate
from kernel.data_integrity.canonical_form import canonical_text
from kernel.data_integrity.ecdsa_sd_2023 import parse_base_proof, parse_derived_proof
from kernel.did import Relation, did_key, multikey_url, resolve_static_did
from kernel.json_ld import CREDENTIALS_V2, pinned_contexts
from kernel.keys import PublicKey, SoftwareSigner
from kernel.open_badges import create_open_badge, format_date_time
from tests.support.badges import create_test_achievement, create_test_dataset
from tests.support.full_badge import DESCRIPTIONS, PROFILE, RESULTS, SUBJECT

NOW = datetime.now(UTC)
SUITES = frozenset({"eddsa-rdfc-2022", "ecdsa-sd-2023"})
ED25519, ES256 = SoftwareSigner.generate("Ed25519"), SoftwareSigner.generate("ES256")
PEER, SELECTIVE_PEER = DataIntegrityProofSuite(), EcdsaSdProofSuite()
# The contexts that the peer does not carry itself, and what it cannot read: lists, and types of a place on the map.
PEER_CONTEXTS = {url: dict(context) for url, context in pinned_contexts().contexts.items() if url != CREDENTIALS_V2}
PROFILE_MEMBERS: dict[str, Any] = dict(PROFILE)
ADDRESS = {name: value for name, value in PROFILE_MEMBERS["address"].items() if name != "geo"}
PERSONAL = ("activityStartDate", "activityEndDate", "creditsEarned", "licenseNumber", "narrative", "role", "term")


def method(signer: SoftwareSigner) -> str:
    return multikey_url(did_key(signer.public_key.jwk), signer.public_key)


def find_key(verification_method: str, relation: Relation) -> PublicKey:
    return resolve_static_did(verification_method.partition("#")[0]).find_key(verification_method, relation=relation)


def create_badge(signer: SoftwareSigner) -> dict[str, Any]:
    issuer_id = did_key(signer.public_key.jwk)
    dataset = create_test_dataset(
        achievement=create_test_achievement(
            resultDescription=DESCRIPTIONS[2:],
            fieldOfStudy="Bedrijfskunde",
            version="2",
            humanCode="ALR-1",
            tag=["HRM"],
        ),
        issuer_profile={**PROFILE, "id": issuer_id, "address": ADDRESS},
        result=RESULTS[2:],
        subject={name: SUBJECT[name] for name in PERSONAL},
    )
    badge, _ = create_open_badge(dataset, issuer_id=issuer_id, subject_id="did:example:holder")
    return {
        **badge,
        "validFrom": format_date_time(int(NOW.timestamp())),
        "validUntil": format_date_time(int((NOW + timedelta(days=365)).timestamp())),
        "credentialStatus": {
            "id": "https://issuer.example/status/1#7",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "7",
            "statusListCredential": "https://issuer.example/status/1",
        },
    }


def with_named_nodes(value: Any, numbers: Any) -> Any:
    """The same badge with an identifier at every object that has none."""
    if isinstance(value, list):
        return [with_named_nodes(element, numbers) for element in value]
    if isinstance(value, dict):
        named = {name: with_named_nodes(member, numbers) for name, member in value.items()}
        return named if "@context" in value else {"id": f"urn:example:{next(numbers)}", **named}
    return value


@dataclass(frozen=True, slots=True)
class Case:
    """A badge of one issuer, and the issuer's key as the peer takes it."""

    badge: Mapping[str, Any]
    signer: SoftwareSigner
    method: str
    peer_key: Any

    def next_badge(self) -> dict[str, Any]:
        return {**self.badge, "id": f"urn:example:badge:{next(_numbers)}"}

    def for_peer(self, badge: Mapping[str, Any]) -> dict[str, Any]:
        """The peer reads a single proof only, not an array of one."""
        [proof] = badge["proof"]
        return {**badge, "proof": proof}


_numbers = count()
WHOLE = Case(
    create_badge(ED25519),
    ED25519,
    method(ED25519),
    Ed25519SigningKey.from_jwk(ED25519.private_jwk(), method(ED25519)),
)
SELECTIVE = Case(create_badge(ES256), ES256, method(ES256), P256SigningKey.from_jwk(ES256.private_jwk(), method(ES256)))

# What the issuer shows always, as our formats do it; of the other statements the holder chooses.
_OPEN_IN_ACHIEVEMENT = (
    *("id", "type", "achievementType", "name", "description", "inLanguage", "criteria", "image"),
    *("resultDescription", "fieldOfStudy", "version", "humanCode", "tag"),
)
MANDATORY = [
    *(f"/{name}" for name in ("type", "issuer", "validFrom", "validUntil", "credentialStatus", "id", "name")),
    *(f"/credentialSubject/{name}" for name in ("id", "type", "creditsEarned", "role", "term")),
    *(f"/credentialSubject/achievement/{name}" for name in _OPEN_IN_ACHIEVEMENT),
]
SHOWN = ["/evidence", "/credentialSubject/result", "/credentialSubject/achievement/alignment/1"]
# The peer cannot point into arrays.
SHOWN_BY_PEER = ["/evidence", "/credentialSubject/result"]


def issue(badge: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return add_proof(
        badge or WHOLE.next_badge(),
        cryptosuite="eddsa-rdfc-2022",
        signer=WHOLE.signer,
        verification_method=WHOLE.method,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )


def issue_as_peer() -> dict[str, Any]:
    return PEER.add_proof(
        WHOLE.next_badge(),
        signing_key=WHOLE.peer_key,
        verification_method=WHOLE.method,
        created=NOW,
        extra_contexts=PEER_CONTEXTS,
    )


def issue_next_of_run() -> bytes:
    number = next(_numbers)
    return RUN.sign([f"urn:example:badge:{number}", f"did:example:{number}", f"Uitgereikt als nummer {number}"])


def verify() -> object:
    return verify_credential(ISSUED, find_key=find_key, cryptosuites=SUITES, now=NOW)


def verify_as_peer() -> object:
    return PEER.verify(PEER_ISSUED, now=NOW, extra_contexts=PEER_CONTEXTS)


def issue_selective(badge: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return add_base_proof(
        badge or SELECTIVE.next_badge(),
        signer=SELECTIVE.signer,
        verification_method=SELECTIVE.method,
        created_at=NOW,
        mandatory_pointers=MANDATORY,
    )


def issue_selective_as_peer() -> dict[str, Any]:
    return SELECTIVE_PEER.add_base_proof(
        SELECTIVE.next_badge(),
        signing_key=SELECTIVE.peer_key,
        verification_method=SELECTIVE.method,
        mandatory_pointers=MANDATORY,
        created=NOW,
        extra_contexts=PEER_CONTEXTS,
    )


def derive() -> dict[str, Any]:
    return derive_credential(BASE, pointers=SHOWN)


def derive_as_peer() -> dict[str, Any]:
    return SELECTIVE_PEER.derive_proof(PEER_BASE, selective_pointers=SHOWN_BY_PEER, extra_contexts=PEER_CONTEXTS)


def verify_derived() -> object:
    return verify_credential(DERIVED, find_key=find_key, cryptosuites=SUITES, now=NOW)


def verify_derived_as_peer() -> object:
    return SELECTIVE_PEER.verify(PEER_DERIVED, now=NOW, extra_contexts=PEER_CONTEXTS)


RUN = BulkTemplate(
    WHOLE.next_badge(),
    pointers=["/id", "/credentialSubject/id", "/credentialSubject/narrative"],
    signer=WHOLE.signer,
    verification_method=WHOLE.method,
    created_at=NOW,
)
ISSUED, BASE = issue(), issue_selective()
DERIVED = derive()
PEER_ISSUED, PEER_DERIVED = WHOLE.for_peer(ISSUED), SELECTIVE.for_peer(DERIVED)
PEER_BASE = SELECTIVE.for_peer(issue_selective(with_named_nodes(SELECTIVE.badge, count())))

DOCUMENT = canonical_text(without_proof(ISSUED))
[PROOF] = parse_proofs(ISSUED)
OPTIONS = canonical_text({**PROOF.options, "@context": ISSUED["@context"]})
LINE = DOCUMENT.splitlines()[-1]
NODES = len({word for word in DOCUMENT.split() if word.startswith(b"_:")})
BASE_SIGNATURES = 1 + len(parse_base_proof(BASE["proof"][0]["proofValue"]).signatures)
DERIVED_SIGNATURES = 1 + len(parse_derived_proof(DERIVED["proof"][0]["proofValue"]).signatures)
HASHES = hashlib.sha256(OPTIONS).digest() + hashlib.sha256(DOCUMENT).digest()
SIGNATURE, LINE_SIGNATURE = ED25519.sign(HASHES), ES256.sign(LINE)


def hash_once() -> bytes:
    return hashlib.sha256(OPTIONS).digest() + hashlib.sha256(DOCUMENT).digest()


def sign_once() -> bytes:
    return ED25519.sign(hash_once())


def check_once() -> None:
    ED25519.public_key.verify("Ed25519", hash_once(), SIGNATURE)


def sign_lines() -> object:
    return hash_once(), [ES256.sign(LINE) for _ in range(BASE_SIGNATURES)]


def label_nodes() -> object:
    return [hmac.digest(bytes(32), hashlib.sha256(LINE).digest(), "sha256") for _ in range(NODES)]


def check_lines() -> None:
    hash_once()
    for _ in range(DERIVED_SIGNATURES):
        ES256.public_key.verify("ES256", LINE, LINE_SIGNATURE)


Run = Callable[[], object]
ROWS: tuple[tuple[str, Run, str, Run, Run, str, float | None], ...] = (
    ("eddsa-rdfc-2022: issue", sign_once, "one signature, two hashes", issue, issue_as_peer, "openvc-core", 100),
    (
        "eddsa-rdfc-2022: issue in bulk, one badge of a run",
        sign_once,
        "one signature, two hashes",
        issue_next_of_run,
        issue_as_peer,
        "openvc-core, one by one",
        218,
    ),
    (
        "eddsa-rdfc-2022: verify, known shape",
        check_once,
        "one verification, two hashes",
        verify,
        verify_as_peer,
        "openvc-core",
        80,
    ),
    (
        "ecdsa-sd-2023: issue",
        sign_lines,
        f"{BASE_SIGNATURES} signatures, two hashes",
        issue_selective,
        issue_selective_as_peer,
        "openvc-core",
        19.5,
    ),
    (
        "ecdsa-sd-2023: derive",
        label_nodes,
        f"hash and HMAC of {NODES} nodes",
        derive,
        derive_as_peer,
        "openvc-core, all nodes named",
        None,
    ),
    (
        "ecdsa-sd-2023: verify derived",
        check_lines,
        f"{DERIVED_SIGNATURES} verifications, two hashes",
        verify_derived,
        verify_derived_as_peer,
        "openvc-core",
        12.7,
    ),
)
# A turn of the peer takes long enough as it is.
OPERATIONS = tuple(
    Operation(
        f"Full badge, {name}", repeated(floor), repeated(ours), repeated(peer), floor_name, peer_name, must, turns=12
    )
    for name, floor, floor_name, ours, peer, peer_name, must in ROWS
)

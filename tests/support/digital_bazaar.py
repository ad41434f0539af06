"""Digital Bazaar's libraries as issuer, holder and verifier, and two issuers of ours that they know."""

from collections.abc import Mapping
from typing import Any

from kernel.data_integrity import add_proof
from kernel.did import DidDocument, Relation, did_key, multikey_url, resolve_static_did
from kernel.json_ld import pinned_contexts
from kernel.keys import PublicKey, SoftwareSigner
from kernel.open_badges import format_date_time
from tests.support.clock import NOW
from tests.support.node_peers import NodePeers

ED25519, ES256 = SoftwareSigner.generate("Ed25519"), SoftwareSigner.generate()
TIME = format_date_time(int(NOW.timestamp()))
DID_CONTEXT = "https://www.w3.org/ns/did/v1"

Document = dict[str, Any]


class DigitalBazaar:
    """Their libraries, which know our contexts and the documents of our DIDs; `ask` takes what the party exports."""

    def __init__(self, peers: NodePeers) -> None:
        self._peers = peers
        self.publish({url: dict(context) for url, context in pinned_contexts().contexts.items()})
        for signer in (ED25519, ES256):
            self.publish_did(resolve_static_did(did_of(signer)))

    def ask(self, does: str, **arguments: Any) -> Any:
        return self._peers.call("digital_bazaar", does, **arguments)

    def publish(self, documents: Mapping[str, Any]) -> None:
        self.ask("publish", **documents)

    def publish_did(self, document: DidDocument) -> None:
        """A document that its own identifier contains has no context; theirs read one."""
        self.publish({document.did: {"@context": [DID_CONTEXT], **document.raw}})

    def verify(self, credential: Mapping[str, Any], now: str = TIME) -> None:
        self.ask("verify", credential=credential, now=now)


def did_of(signer: SoftwareSigner) -> str:
    return did_key(signer.public_key.jwk)


def method_of(signer: SoftwareSigner) -> str:
    return multikey_url(did_of(signer), signer.public_key)


def sign(badge: Mapping[str, Any], suite: str, signer: SoftwareSigner) -> Document:
    return add_proof(
        badge,
        cryptosuite=suite,
        signer=signer,
        verification_method=method_of(signer),
        proof_purpose="assertionMethod",
        created_at=NOW,
    )


def find_key(verification_method: str, relation: Relation) -> PublicKey:
    document = resolve_static_did(verification_method.partition("#")[0])
    return document.find_key(verification_method, relation=relation)

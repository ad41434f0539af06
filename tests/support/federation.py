"""A small federation: an anchor, one organisation below it, and who belongs to that; each can be told to lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kernel.federation import create_entity_configuration, create_subordinate_statement
from kernel.jwt_vc_issuer import JwkSet
from kernel.keys import SoftwareSigner

ANCHOR = "https://federation.skills.example"
INTERMEDIATE = "https://surf.skills.example"
LEAF = "https://issuer.skills.example/stichting"
LIFETIME = timedelta(hours=1)


@dataclass
class Member:
    """A party of the federation, with the key that signs its statements and what it says of itself."""

    entity: str
    superiors: tuple[str, ...] = ()
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)

    @property
    def key_id(self) -> str:
        return self.signer.public_key.thumbprint

    @property
    def jwk(self) -> dict[str, Any]:
        return {**self.signer.public_key.jwk, "kid": self.key_id}

    @property
    def keys(self) -> JwkSet:
        return JwkSet((self.jwk,))

    def configuration(self, now: datetime, **changes: Any) -> str:
        """What it says of itself."""
        given: dict[str, Any] = {
            "signer": self.signer,
            "key_id": self.key_id,
            "entity": self.entity,
            "keys": [self.jwk],
            "metadata": self.metadata,
            "authority_hints": self.superiors,
            "issued_at": now,
            "expires_at": now + LIFETIME,
        }
        return create_entity_configuration(**given | changes)

    def statement(self, subject: "Member", now: datetime, **changes: Any) -> str:
        """What it says of one below it."""
        given: dict[str, Any] = {
            "signer": self.signer,
            "key_id": self.key_id,
            "issuer": self.entity,
            "subject": subject.entity,
            "keys": [subject.jwk],
            "issued_at": now,
            "expires_at": now + LIFETIME,
        }
        return create_subordinate_statement(**given | changes)


@dataclass
class Federation:
    """Anchor, intermediate and leaf, and the statements of the two superiors about the one below."""

    now: datetime
    anchor: Member = field(default_factory=lambda: Member(ANCHOR, metadata=_fetching(ANCHOR, "Federatie Onderwijs")))
    intermediate: Member = field(
        default_factory=lambda: Member(INTERMEDIATE, (ANCHOR,), _fetching(INTERMEDIATE, "Samenwerkende scholen"))
    )
    leaf: Member = field(default_factory=lambda: Member(LEAF, (INTERMEDIATE,)))

    @property
    def anchors(self) -> Mapping[str, JwkSet]:
        return {ANCHOR: self.anchor.keys}

    def chain(
        self, *, about_leaf: Mapping[str, Any] | None = None, about_intermediate: Mapping[str, Any] | None = None
    ) -> Sequence[str]:
        """The whole chain, leaf first, with further claims of the superiors."""
        return [
            self.leaf.configuration(self.now),
            self.intermediate.statement(self.leaf, self.now, claims=about_leaf),
            self.anchor.statement(self.intermediate, self.now, claims=about_intermediate),
            self.anchor.configuration(self.now),
        ]


def _fetching(entity: str, name: str) -> dict[str, dict[str, Any]]:
    return {"federation_entity": {"display_name": name, "federation_fetch_endpoint": f"{entity}/fetch"}}

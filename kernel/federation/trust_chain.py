"""A Trust Chain: from a party's own words up to a Trust Anchor that is pinned here. OpenID Federation 1.0 §4, §10.2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kernel.errors import RejectedError, UntrustedIssuerError
from kernel.federation.entity_statement import (
    EntityStatement,
    parse_entity_statement,
    verify_entity_configuration,
    verify_entity_statement,
)
from kernel.federation.metadata_policy import apply_metadata_policy, merge_metadata_policies
from kernel.jwt_vc_issuer import JwkSet

# T-07: a longer chain is nobody's.
MAX_SUPERIORS: Final = 4


@dataclass(frozen=True, slots=True)
class TrustChain:
    """A chain that held: its subject, the anchor at its end, and the subject's metadata as its superiors allow it.

    `metadata` is by entity type; `superiors` are those above the subject, the anchor last. Good until `expires_at`.
    """

    subject: str
    superiors: tuple[str, ...]
    metadata: Mapping[str, Mapping[str, Any]] = field(repr=False)
    anchor_metadata: Mapping[str, Mapping[str, Any]] = field(repr=False)
    expires_at: datetime

    @property
    def anchor(self) -> str:
        """The Entity Identifier of the Trust Anchor, which is the subject itself where nobody stands above it."""
        return self.superiors[-1] if self.superiors else self.subject


def verify_trust_chain(raw: Sequence[str], *, subject: str, anchors: Mapping[str, JwkSet], now: datetime) -> TrustChain:
    """Check a chain and resolve its subject's metadata, or raise. §10.2, §6; T-07.

    `raw` begins with the subject's Entity Configuration and ends with that of the anchor. `anchors` are the pinned keys
    by Entity Identifier: what an anchor says of its own keys is never believed.

    (1) Who is at its end, and how long it is. (2) The subject's own words. (3) Each superior about the next below,
    with the keys that the one above it names, the anchor with its pinned ones. (4) Constraints. (5) Metadata.
    """
    statements = [parse_entity_statement(statement) for statement in raw[: MAX_SUPERIORS + 3]]
    if not statements or len(statements) == 2 or len(statements) > MAX_SUPERIORS + 2:
        raise RejectedError("no trust chain, or a longer one than anybody follows")
    own, *between = statements[:-1] or statements
    anchor = statements[-1]
    pinned = anchors.get(anchor.subject)
    if pinned is None or not anchor.is_configuration:
        raise UntrustedIssuerError("a trust chain that ends with nobody we know")
    verify_entity_configuration(own, entity=subject, now=now)
    verify_entity_statement(anchor, keys=pinned, now=now)
    _verify_links(own, between, anchor, pinned, now)
    _verify_constraints(own, between)
    return TrustChain(
        subject=subject,
        superiors=tuple(statement.issuer for statement in between),
        metadata=_resolve_metadata(own, between),
        anchor_metadata=anchor.metadata,
        expires_at=min(statement.expires_at for statement in statements),
    )


def _verify_links(
    own: EntityStatement, between: Sequence[EntityStatement], anchor: EntityStatement, pinned: JwkSet, now: datetime
) -> None:
    """ES[j].iss is ES[j+1].sub, and ES[j] is signed with a key of ES[j+1]; the last with the anchor's. §4, §10.2."""
    if between and between[0].issuer not in own.authority_hints:
        raise UntrustedIssuerError("a superior that the party does not name as its own")
    below = own
    for statement, above in zip(between, [*between, anchor][1:], strict=True):
        if statement.is_configuration or statement.subject != below.issuer or statement.issuer != above.subject:
            raise UntrustedIssuerError("a trust chain with a link about somebody else")
        # Which keys are the subject's is for its superior to say, not for itself.
        verify_entity_statement(below, keys=statement.keys, now=now)
        below = statement
    if between:
        verify_entity_statement(below, keys=pinned, now=now)
    names = [own.subject, *(statement.issuer for statement in between)]
    if len(set(names)) != len(names):
        raise RejectedError("a trust chain that comes back to where it was")


def _verify_constraints(own: EntityStatement, between: Sequence[EntityStatement]) -> None:
    for intermediates, statement in enumerate(between):
        if statement.constraints is not None:
            below = [own.subject, *(lower.subject for lower in between[: intermediates + 1])]
            statement.constraints.verify(intermediates=intermediates, subordinates=below)


def _resolve_metadata(own: EntityStatement, between: Sequence[EntityStatement]) -> dict[str, Mapping[str, Any]]:
    """The subject's words, what its superior says instead, without roles that it may not have, by policy. §6.1.4.2."""
    stated = between[0].metadata if between else {}
    metadata: dict[str, Mapping[str, Any]] = {
        name: {**members, **stated.get(name, {})} for name, members in own.metadata.items()
    }
    for statement in between:
        if statement.constraints is not None:
            metadata = statement.constraints.keep_allowed(metadata)
    policies = [statement.metadata_policy for statement in reversed(between) if statement.metadata_policy is not None]
    return apply_metadata_policy(merge_metadata_policies(policies), metadata)

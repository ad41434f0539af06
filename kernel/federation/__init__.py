"""OpenID Federation 1.0: who vouches for whom, up to a Trust Anchor that we chose. PROFILE.md T-06, T-07.

A party publishes an Entity Configuration about itself; each superior signs a Subordinate Statement about those below
it. `verify_trust_chain` believes such a chain only when its last keys are pinned here. Fetching is `runtime`'s.
"""

from kernel.federation.entity_statement import (
    ALGORITHMS,
    ENTITY_STATEMENT,
    MEDIA_TYPE,
    EntityStatement,
    create_entity_configuration,
    create_federation_entity,
    create_subordinate_statement,
    entity_configuration_url,
    entity_identifier,
    federation_key,
    parse_authority_hints,
    parse_entity_statement,
    verify_entity_configuration,
    verify_entity_statement,
)
from kernel.federation.recognition import (
    CREDENTIAL_ISSUER,
    CREDENTIAL_VERIFIER,
    FEDERATION_ENTITY,
    VC_ISSUER,
    find_federation_entity,
    recognise_credential_issuer,
    recognise_entity,
)
from kernel.federation.trust_chain import MAX_SUPERIORS, TrustChain, verify_trust_chain

__all__ = [
    "ALGORITHMS",
    "CREDENTIAL_ISSUER",
    "CREDENTIAL_VERIFIER",
    "ENTITY_STATEMENT",
    "FEDERATION_ENTITY",
    "MAX_SUPERIORS",
    "MEDIA_TYPE",
    "VC_ISSUER",
    "EntityStatement",
    "TrustChain",
    "create_entity_configuration",
    "create_federation_entity",
    "create_subordinate_statement",
    "entity_configuration_url",
    "entity_identifier",
    "federation_key",
    "find_federation_entity",
    "parse_authority_hints",
    "parse_entity_statement",
    "recognise_credential_issuer",
    "recognise_entity",
    "verify_entity_configuration",
    "verify_entity_statement",
    "verify_trust_chain",
]

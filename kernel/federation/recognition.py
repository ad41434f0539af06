"""What a Trust Chain means for a badge or a question: the same five outcomes as a trust list gives. T-06, T-07.

Terms of DIIP v5, appendix B: the roles under which issuers and verifiers publish what they are.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from kernel.errors import CredentialError
from kernel.federation.trust_chain import TrustChain
from kernel.jwt_vc_issuer import read_jwk_set
from kernel.keys import PublicKey
from kernel.members import as_object, as_texts, find_text
from kernel.trust_list import Outcome, Recognition

FEDERATION_ENTITY: Final = "federation_entity"
CREDENTIAL_ISSUER: Final = "openid_credential_issuer"
VC_ISSUER: Final = "vc_issuer"
CREDENTIAL_VERIFIER: Final = "openid_credential_verifier"


def recognise_credential_issuer(
    chain: TrustChain, *, key: PublicKey, key_id: str | None, types: Collection[str]
) -> Recognition:
    """Say whether a credential's issuer is recognised by a federation. DIIP v5 appendix B, "Trust Establishment".

    Its key must be among those that the resolved `vc_issuer` metadata names, under the `kid` that the credential has,
    if it has one; another key under the same name is somebody else. Where the metadata says which credentials are
    issued, the credential must be one of those.
    """
    if not _has_key(chain.metadata.get(VC_ISSUER), key, key_id):
        return Recognition(Outcome.NOT_LISTED, _name(chain.anchor_metadata, chain.anchor))
    offered = _credential_types(chain.metadata.get(CREDENTIAL_ISSUER, {}))
    outcome = Outcome.RECOGNISED if offered is None or offered & set(types) else Outcome.NOT_FOR_THIS_TYPE
    return _recognition(chain, outcome)


def find_federation_entity(claims: Mapping[str, Any]) -> str | None:
    """Return the member of a federation that a credential names as its issuer, if any. DIIP v5 appendix B.

    An SD-JWT VC has it in `fed`, a W3C credential in `termsOfUse`. It is the credential's own word, and counts only
    with a chain that names the credential's key.
    """
    terms = claims.get("termsOfUse", [])
    named = [
        claims.get("fed"),
        *(term.get("policyId") for term in (terms if isinstance(terms, list) else [terms]) if _is_federation(term)),
    ]
    return next((entity for entity in named if isinstance(entity, str)), None)


def recognise_entity(chain: TrustChain, *, role: str) -> Recognition:
    """Say whether a party is recognised in a role: who offers badges, or who asks for them. T-10."""
    return _recognition(chain, Outcome.RECOGNISED if role in chain.metadata else Outcome.NOT_FOR_THIS_TYPE)


def _is_federation(term: object) -> bool:
    return isinstance(term, Mapping) and term.get("type") in ("OpenIDFederation", ["OpenIDFederation"])


def _recognition(chain: TrustChain, outcome: Outcome) -> Recognition:
    return Recognition(outcome, _name(chain.anchor_metadata, chain.anchor), _name(chain.metadata, chain.subject))


def _name(metadata: Mapping[str, Mapping[str, Any]], entity: str) -> str:
    """The name that is shown: `display_name` of the federation entity, else its identifier. DIIP v5 appendix B."""
    try:
        return find_text(metadata.get(FEDERATION_ENTITY, {}), "display_name") or entity
    except CredentialError:
        return entity


def _has_key(members: Mapping[str, Any] | None, key: PublicKey, key_id: str | None) -> bool:
    """Tell whether a key is named; keys of kinds that are unknown here are somebody's, and not this one."""
    wanted = key.jwk if key_id is None else {**key.jwk, "kid": key_id}
    try:
        keys = read_jwk_set((members or {}).get("jwks")).members
    except CredentialError:
        return False
    return any(all(named.get(name) == value for name, value in wanted.items()) for named in keys)


def _credential_types(members: Mapping[str, Any]) -> set[str] | None:
    """The types of all configurations, None where the metadata has no configurations at all."""
    if "credential_configurations_supported" not in members:
        return None
    found: set[str] = set()
    try:
        configurations = as_object(members["credential_configurations_supported"], "the configurations")
        for configuration in configurations.values():
            found.update(_types_of(as_object(configuration, "a configuration")))
    except CredentialError:
        return set()
    return found


def _types_of(configuration: Mapping[str, Any]) -> tuple[str, ...]:
    if "vct" in configuration:
        return (str(configuration["vct"]),)
    definition = as_object(configuration.get("credential_definition", {}), "a credential definition")
    # Every credential is a VerifiableCredential: that alone says nothing about its kind.
    return tuple(name for name in as_texts(definition.get("type"), "types") if name != "VerifiableCredential")

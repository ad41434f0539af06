"""Entity Statements: what a party says of itself, and its superiors of it. OpenID Federation 1.0 §3."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kernel import base64url
from kernel.errors import MalformedError, RejectedError, UntrustedIssuerError
from kernel.federation.constraints import Constraints, parse_constraints
from kernel.federation.metadata_policy import MetadataPolicy, parse_metadata_policy
from kernel.jwt import UnverifiedJwt, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.jwt_vc_issuer import JwkSet, read_jwk_set
from kernel.keys import Jwk, PublicKey, Signer
from kernel.members import as_object, as_unique_texts, find_objects, get_text
from kernel.strict_json import parse_json_object
from kernel.web_urls import web_url

ENTITY_STATEMENT: Final = "entity-statement+jwt"
MEDIA_TYPE: Final = "application/entity-statement+jwt"
# §3 wants RS256 of whoever verifies; the others are those of this ecosystem.
ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA", "RS256"})
_WELL_KNOWN: Final = "/.well-known/openid-federation"
# An issuer's has all its metadata inside, which grows with each badge that it describes.
_MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_HINTS: Final = 32

_CONFIGURATION_ONLY: Final = frozenset(
    {"authority_hints", "trust_anchor_hints", "trust_marks", "trust_mark_issuers", "trust_mark_owners"}
)
_SUBORDINATE_ONLY: Final = frozenset({"constraints", "metadata_policy", "metadata_policy_crit", "source_endpoint"})
# Claims of Explicit Registration, which is not spoken here. §3.1.4, §3.1.5.
_REGISTRATION_ONLY: Final = frozenset({"aud", "trust_anchor"})


@dataclass(frozen=True, slots=True)
class EntityStatement:
    """A statement that was read. `parse_entity_statement` believes nothing of it; the `verify_` functions do.

    Where `issuer` and `subject` are the same it is an Entity Configuration, else a Subordinate Statement.
    """

    token: UnverifiedJwt = field(repr=False)
    issuer: str
    subject: str
    keys: JwkSet = field(repr=False)
    expires_at: datetime
    metadata: Mapping[str, Mapping[str, Any]]
    authority_hints: tuple[str, ...] = ()
    constraints: Constraints | None = None
    metadata_policy: MetadataPolicy | None = None

    @property
    def is_configuration(self) -> bool:
        """Whether the party speaks about itself."""
        return self.issuer == self.subject


def entity_identifier(value: object) -> str:
    """Return an Entity Identifier as it came: an https URL without query and fragment. §1.2."""
    return web_url(value, "an entity identifier", query=False)


def entity_configuration_url(entity: str) -> str:
    """Return where a party publishes its Entity Configuration: the well-known name after its identifier. §9."""
    return f"{entity_identifier(entity).removesuffix('/')}{_WELL_KNOWN}"


def parse_entity_statement(raw: object) -> EntityStatement:
    """Read a statement's shape, or raise. §3.1, and of §3.2 the steps that need no key."""
    token = parse_jwt(raw, max_bytes=_MAX_BYTES)
    claims = token.payload
    issuer, subject = entity_identifier(claims.get("iss")), entity_identifier(claims.get("sub"))
    _require_claims_of_its_kind(claims, is_configuration=issuer == subject)
    # Any claim named here would have to be understood, and those that are may not be named. §3.1.1.
    if "crit" in claims or "metadata_policy_crit" in claims:
        raise RejectedError("a critical extension that is not understood here")
    for name in ("trust_chain", "peer_trust_chain"):
        if name in token.header:
            as_unique_texts(token.header[name], repr(name))
    _require_trust_marks(claims)
    return EntityStatement(
        token=token,
        issuer=issuer,
        subject=subject,
        keys=_parse_keys(claims.get("jwks")),
        expires_at=get_numeric_date(claims, "exp"),
        metadata=_parse_metadata(claims.get("metadata", {})),
        authority_hints=_find_identifiers(claims, "authority_hints"),
        constraints=parse_constraints(claims["constraints"]) if "constraints" in claims else None,
        metadata_policy=parse_metadata_policy(claims["metadata_policy"]) if "metadata_policy" in claims else None,
    )


def verify_entity_statement(statement: EntityStatement, *, keys: JwkSet, now: datetime) -> EntityStatement:
    """Check type, signature and times of a statement against its issuer's keys, and return it. §3.2 steps 2 to 12."""
    get_numeric_date(statement.token.payload, "iat")
    key = keys.find_key(get_text(statement.token.header, "kid"))
    verify_jwt(statement.token, key=key, typ=ENTITY_STATEMENT, algorithms=ALGORITHMS)
    verify_times(statement.token.payload, now=now)
    return statement


def verify_entity_configuration(statement: EntityStatement, *, entity: str, now: datetime) -> EntityStatement:
    """Check that a party says this of itself, with a key of its own. It is no more believed than the party is. §9."""
    if not statement.is_configuration or statement.subject != entity:
        raise UntrustedIssuerError("not the entity configuration of the party that was asked")
    return verify_entity_statement(statement, keys=statement.keys, now=now)


def parse_authority_hints(hints: Sequence[str], *, entity: str) -> list[str]:
    """Return the superiors that a party names, each once; none, and itself, cannot be one. §3.1.2."""
    parsed = [entity_identifier(hint) for hint in dict.fromkeys(hints)]
    if not parsed:
        raise MalformedError("no superior")
    if entity in parsed:
        raise RejectedError("a party above itself")
    return parsed


def federation_key(key: PublicKey) -> dict[str, Any]:
    """Return a key of statements as its statement and its superiors' name it: by its thumbprint. §3.1.1."""
    return {**key.jwk, "kid": key.thumbprint, "alg": "ES256", "use": "sig"}


def create_federation_entity(name: str, url: str | None) -> dict[str, Any]:
    """Create the metadata that every member has: what it is called. §5.1.1; DIIP v5 appendix B."""
    website = {"homepage_uri": url} if url is not None else {}
    return {"display_name": name, "organization_name": name, **website}


def create_entity_configuration(
    *,
    signer: Signer,
    key_id: str,
    entity: str,
    keys: Sequence[Jwk],
    metadata: Mapping[str, Mapping[str, Any]],
    authority_hints: Sequence[str],
    issued_at: datetime,
    expires_at: datetime,
) -> str:
    """Create what a party publishes about itself. §3.1; T-07. A Trust Anchor has no `authority_hints`."""
    hints = {"authority_hints": list(authority_hints)} if authority_hints else {}
    statement = _claims(entity, entity, keys, issued_at, expires_at) | {"metadata": metadata} | hints
    return sign_jwt(statement, signer=signer, typ=ENTITY_STATEMENT, header={"kid": key_id})


def create_subordinate_statement(
    *,
    signer: Signer,
    key_id: str,
    issuer: str,
    subject: str,
    keys: Sequence[Jwk],
    issued_at: datetime,
    expires_at: datetime,
    claims: Mapping[str, Any] | None = None,
) -> str:
    """Create what a superior says of a party. `claims`: `metadata`, `metadata_policy`, `constraints`. §3.1.3."""
    statement = {**_claims(issuer, subject, keys, issued_at, expires_at), **(claims or {})}
    return sign_jwt(statement, signer=signer, typ=ENTITY_STATEMENT, header={"kid": key_id})


def _claims(
    issuer: str, subject: str, keys: Sequence[Jwk], issued_at: datetime, expires_at: datetime
) -> dict[str, Any]:
    return {
        "iss": issuer,
        "sub": subject,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jwks": {"keys": [dict(key) for key in keys]},
    }


def _require_claims_of_its_kind(claims: Mapping[str, Any], *, is_configuration: bool) -> None:
    """Refuse a claim that only the other kind of statement has. §3.2 steps 14 to 23, 26, 27."""
    foreign = _REGISTRATION_ONLY | (_SUBORDINATE_ONLY if is_configuration else _CONFIGURATION_ONLY)
    if not foreign.isdisjoint(claims):
        raise MalformedError("an entity statement with a claim of another kind of statement")


def _parse_keys(value: object) -> JwkSet:
    """Read `jwks`; each key has a `kid` of its own. §3.1.1."""
    keys = read_jwk_set(value)
    as_unique_texts([key.get("kid") for key in keys.members], "the key ids")
    return keys


def _parse_metadata(value: object) -> Mapping[str, Mapping[str, Any]]:
    """Read `metadata`: an object by entity type, in which nothing is null. §3.1.1, §5."""
    types = as_object(value, "'metadata'")
    metadata = {name: as_object(members, "the metadata of an entity type") for name, members in types.items()}
    if any(parameter is None for members in metadata.values() for parameter in members.values()):
        raise MalformedError("metadata with a null")
    return metadata


def _find_identifiers(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    if name not in claims:
        return ()
    hints = as_unique_texts(claims[name], repr(name))
    if len(hints) > _MAX_HINTS:
        raise MalformedError("more superiors than anybody has")
    return tuple(entity_identifier(hint) for hint in hints)


def _require_trust_marks(claims: Mapping[str, Any]) -> None:
    """Check the shape of trust marks, which nothing here relies on. §3.2 step 20."""
    for mark in find_objects(claims, "trust_marks"):
        _, _, rest = get_text(mark, "trust_mark").partition(".")
        inside = parse_json_object(base64url.decode(rest.partition(".")[0]))
        if inside.get("trust_mark_type") != get_text(mark, "trust_mark_type"):
            raise MalformedError("a trust mark of another type than is said of it")

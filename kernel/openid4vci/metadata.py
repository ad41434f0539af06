"""What a Credential Issuer and its Authorization Server say about themselves. OpenID4VCI 1.0 §12.2, §12.3; RFC 8414.

A wallet reads metadata from a host that it does not trust yet: every address in it is checked for its shape
here, and once more by the guarded fetcher when it is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.dcql.claims_path import ClaimsPath, parse_claims_path
from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.members import (
    as_array,
    as_object,
    as_text,
    find_count,
    find_flag,
    find_object,
    find_objects,
    find_text,
    find_texts,
    get_text,
)
from kernel.openid4vci.credential_offer import CredentialOffer
from kernel.openid4vci.encryption import (
    RequestEncryptionMetadata,
    ResponseEncryptionMetadata,
    parse_request_encryption_metadata,
    parse_response_encryption_metadata,
)
from kernel.web_urls import parse_web_url, web_url

CREDENTIAL_ISSUER: Final = "openid-credential-issuer"
AUTHORIZATION_SERVER: Final = "oauth-authorization-server"

# As many members as the strict JSON parser reads in one object: each costs its reader some tens of microseconds.
MAX_CONFIGURATIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that metadata points to, by https: or data: URL; what it is worth is for whoever shows it."""

    uri: str
    alt_text: str | None = None


@dataclass(frozen=True, slots=True)
class Display:
    """How an issuer, a credential or a claim is called in one language. Plain text, never markup. §12.2.4."""

    name: str | None
    locale: str | None = None
    description: str | None = None
    logo: Image | None = None
    background_image: Image | None = None
    background_color: str | None = None
    text_color: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimDescription:
    """One claim that a credential will have. Appendix B.2."""

    path: ClaimsPath
    mandatory: bool = False
    display: tuple[Display, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofType:
    """One way to prove a key, with the algorithms that the issuer takes. §12.2.4."""

    algorithms: frozenset[str]
    key_attestations_required: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CredentialConfiguration:
    """One kind of credential that the issuer gives. §12.2.4, Appendix A.

    `vct` for `dc+sd-jwt`; `types` of the credential definition for the W3C formats. Both binding methods and proof
    types are empty when the credential is not bound to a key.
    """

    id: str
    format: str
    scope: str | None = None
    vct: str | None = None
    types: tuple[str, ...] = ()
    binding_methods: frozenset[str] = frozenset()
    proof_types: Mapping[str, ProofType] = field(default_factory=dict)
    signing_algorithms: frozenset[str | int] = frozenset()
    display: tuple[Display, ...] = ()
    claims: tuple[ClaimDescription, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """The metadata of one Credential Issuer. §12.2.4.

    A configuration that cannot be read is in `unreadable`, with the reason: it says nothing against the others.
    """

    credential_issuer: str
    credential_endpoint: str
    credential_configurations: Mapping[str, CredentialConfiguration]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    nonce_endpoint: str | None = None
    deferred_credential_endpoint: str | None = None
    notification_endpoint: str | None = None
    authorization_servers: tuple[str, ...] = ()
    batch_size: int = 1
    credential_request_encryption: RequestEncryptionMetadata | None = None
    credential_response_encryption: ResponseEncryptionMetadata | None = None
    display: tuple[Display, ...] = ()

    def get_configuration(self, configuration_id: str) -> CredentialConfiguration:
        """Return a configuration; one that the issuer does not have, or that cannot be read, is MalformedError."""
        configuration = self.credential_configurations.get(configuration_id)
        if configuration is None:
            missing = "a credential configuration that the issuer does not have"
            raise MalformedError(self.unreadable.get(configuration_id, missing))
        return configuration


@dataclass(frozen=True, slots=True)
class AuthorizationServerMetadata:
    """The metadata of one Authorization Server. RFC 8414 §2; OpenID4VCI 1.0 §12.3."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    require_pushed_authorization_requests: bool = False
    grant_types: frozenset[str] = frozenset()
    code_challenge_methods: frozenset[str] = frozenset()
    dpop_algorithms: frozenset[str] = frozenset()
    token_endpoint_auth_methods: frozenset[str] = frozenset()
    is_anonymous_access_supported: bool = False
    is_iss_parameter_supported: bool = False
    challenge_endpoint: str | None = None
    client_attestation_algorithms: frozenset[str] = frozenset()
    client_attestation_pop_algorithms: frozenset[str] = frozenset()


def well_known_url(identifier: str, name: str) -> str:
    """Return where metadata lies: the well-known name put between host and path. §12.2.2, RFC 8414 §3.1."""
    parts = parse_web_url(identifier, "the identifier", query=False)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path.removesuffix('/')}"


def appended_well_known_url(identifier: str, name: str) -> str:
    """Return where issuers of earlier drafts have their metadata: the name after the path; only after a 404 (W-04)."""
    parse_web_url(identifier, "the identifier", query=False)
    return f"{identifier.removesuffix('/')}/.well-known/{name}"


def parse_issuer_metadata(value: object, *, credential_issuer: str) -> IssuerMetadata:
    """Read metadata that was fetched for this issuer; another issuer's is refused. §12.2.4; I-11, W-04.

    What the issuer says of itself is read strictly, each of its configurations by itself. A member that is null says
    nothing, which is how many write one that they do not have.
    """
    members = _members(value, "the issuer metadata")
    if get_text(members, "credential_issuer") != credential_issuer:
        raise UntrustedIssuerError("the metadata is about another issuer")
    configurations = as_object(members.get("credential_configurations_supported"), "the credential configurations")
    if len(configurations) > MAX_CONFIGURATIONS:
        raise MalformedError("more credential configurations than anybody reads")
    read, unreadable = _parse_configurations(configurations)
    batch = find_object(members, "batch_credential_issuance")
    return IssuerMetadata(
        credential_issuer=web_url(credential_issuer, "'credential_issuer'", query=False),
        credential_endpoint=web_url(members.get("credential_endpoint"), "'credential_endpoint'"),
        credential_configurations=read,
        unreadable=unreadable,
        nonce_endpoint=_find_url(members, "nonce_endpoint"),
        deferred_credential_endpoint=_find_url(members, "deferred_credential_endpoint"),
        notification_endpoint=_find_url(members, "notification_endpoint"),
        authorization_servers=_parse_authorization_servers(members),
        batch_size=1 if batch is None else _parse_batch_size(batch),
        credential_request_encryption=_find_request_encryption(members),
        credential_response_encryption=_find_response_encryption(members),
        display=_parse_displays(members),
    )


def parse_authorization_server_metadata(value: object, *, issuer: str) -> AuthorizationServerMetadata:
    """Read metadata that was fetched for this Authorization Server; another's is refused. RFC 8414 §3.3; W-05."""
    members = _members(value, "the authorization server metadata")
    if get_text(members, "issuer") != issuer:
        raise UntrustedIssuerError("the metadata is about another authorization server")
    return AuthorizationServerMetadata(
        issuer=web_url(issuer, "'issuer'", query=False),
        token_endpoint=web_url(members.get("token_endpoint"), "'token_endpoint'"),
        authorization_endpoint=_find_url(members, "authorization_endpoint"),
        pushed_authorization_request_endpoint=_find_url(members, "pushed_authorization_request_endpoint"),
        require_pushed_authorization_requests=find_flag(
            members, "require_pushed_authorization_requests", default=False
        ),
        grant_types=frozenset(find_texts(members, "grant_types_supported")),
        code_challenge_methods=frozenset(find_texts(members, "code_challenge_methods_supported")),
        dpop_algorithms=frozenset(find_texts(members, "dpop_signing_alg_values_supported")),
        token_endpoint_auth_methods=frozenset(find_texts(members, "token_endpoint_auth_methods_supported")),
        is_anonymous_access_supported=find_flag(
            members, "pre-authorized_grant_anonymous_access_supported", default=False
        ),
        is_iss_parameter_supported=find_flag(members, "authorization_response_iss_parameter_supported", default=False),
        challenge_endpoint=_find_url(members, "challenge_endpoint"),
        client_attestation_algorithms=frozenset(find_texts(members, "client_attestation_signing_alg_values_supported")),
        client_attestation_pop_algorithms=frozenset(
            find_texts(members, "client_attestation_pop_signing_alg_values_supported")
        ),
    )


def select_authorization_server(metadata: IssuerMetadata, offer: CredentialOffer) -> str:
    """Return the authorization server to use: the one that the offer names, else the first, else the issuer. W-05.

    A server that the offer names and the issuer's metadata does not is refused: an offer is not to be believed.
    """
    listed = metadata.authorization_servers
    if offer.authorization_server is None:
        return listed[0] if listed else metadata.credential_issuer
    if offer.authorization_server not in listed:
        raise UntrustedIssuerError("the offer names an authorization server that the issuer does not have")
    return offer.authorization_server


def _members(value: object, what: str) -> dict[str, Any]:
    """The members of an object that say something."""
    return {name: member for name, member in as_object(value, what).items() if member is not None}


def _parse_configurations(
    configurations: Mapping[str, Any],
) -> tuple[dict[str, CredentialConfiguration], dict[str, str]]:
    """What can be read, and of the others why it cannot."""
    read: dict[str, CredentialConfiguration] = {}
    unreadable: dict[str, str] = {}
    for identifier, configuration in configurations.items():
        try:
            read[identifier] = _parse_configuration(identifier, _members(configuration, "a credential configuration"))
        except MalformedError as exc:
            unreadable[identifier] = exc.detail
    return read, unreadable


def _parse_configuration(identifier: str, members: Mapping[str, Any]) -> CredentialConfiguration:
    proof_types = find_object(members, "proof_types_supported") or {}
    binding_methods = frozenset(find_texts(members, "cryptographic_binding_methods_supported"))
    # Only for the formats that are received here: even published examples of the others leave one out.
    if bool(proof_types) is not bool(binding_methods) and members.get("format") in ("dc+sd-jwt", "vc+sd-jwt"):
        raise MalformedError("binding methods and proof types are both there or both absent")
    metadata = _members(members.get("credential_metadata", {}), "'credential_metadata'")
    return CredentialConfiguration(
        id=as_text(identifier, "a credential configuration id"),
        format=get_text(members, "format"),
        scope=find_text(members, "scope"),
        vct=_parse_vct(members),
        types=_parse_types(members),
        binding_methods=binding_methods,
        proof_types={as_text(name, "a proof type"): _parse_proof_type(entry) for name, entry in proof_types.items()},
        signing_algorithms=_parse_signing_algorithms(members),
        display=_parse_displays(metadata),
        claims=tuple(_parse_claim(claim) for claim in find_objects(metadata, "claims")),
    )


def _parse_vct(members: Mapping[str, Any]) -> str | None:
    """Return the `vct`, which `dc+sd-jwt` must have and `vc+sd-jwt` must not. Appendix A.3; I-14."""
    credential_format = get_text(members, "format")
    if credential_format == "vc+sd-jwt" and "vct" in members:
        raise MalformedError("a W3C credential has no 'vct'")
    return get_text(members, "vct") if credential_format == "dc+sd-jwt" else None


def _parse_types(members: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types of the credential definition, which the W3C formats must have. Appendix A.1; I-14."""
    if get_text(members, "format") not in ("jwt_vc_json", "ldp_vc", "vc+sd-jwt", "vc+jwt", "jwt_vc_json-ld"):
        return ()
    definition = as_object(members.get("credential_definition"), "'credential_definition'")
    return tuple(as_text(name, "a type") for name in as_array(definition.get("type"), "'type'"))


def _parse_proof_type(value: object) -> ProofType:
    members = as_object(value, "a proof type")
    algorithms = as_array(members.get("proof_signing_alg_values_supported"), "'proof_signing_alg_values_supported'")
    return ProofType(
        frozenset(as_text(algorithm, "an algorithm") for algorithm in algorithms),
        find_object(members, "key_attestations_required"),
    )


def _parse_signing_algorithms(members: Mapping[str, Any]) -> frozenset[str | int]:
    """Return JOSE names and, for mdoc, COSE numbers."""
    name = "credential_signing_alg_values_supported"
    if name not in members:
        return frozenset()
    listed = as_array(members[name], repr(name))
    return frozenset(value if isinstance(value, int) else as_text(value, "an algorithm") for value in listed)


def _parse_claim(members: Mapping[str, Any]) -> ClaimDescription:
    return ClaimDescription(
        parse_claims_path(members.get("path")),
        find_flag(members, "mandatory", default=False),
        _parse_displays(members),
    )


def _parse_displays(members: Mapping[str, Any]) -> tuple[Display, ...]:
    return tuple(_parse_display(_members(display, "'display'")) for display in find_objects(members, "display"))


def _parse_display(members: Mapping[str, Any]) -> Display:
    return Display(
        name=find_text(members, "name"),
        locale=find_text(members, "locale"),
        description=find_text(members, "description"),
        logo=_find_image(members, "logo"),
        background_image=_find_image(members, "background_image"),
        background_color=find_text(members, "background_color"),
        text_color=find_text(members, "text_color"),
    )


def _find_image(members: Mapping[str, Any], name: str) -> Image | None:
    """Return an image that may be shown. One that may not is no image: the text beside it says what has to be said."""
    try:
        return _parse_image(as_object(members[name], repr(name))) if name in members else None
    except MalformedError:
        return None


def _parse_image(members: Mapping[str, Any]) -> Image:
    uri = members.get("uri")
    if not isinstance(uri, str):
        raise MalformedError("an image without 'uri'")
    if not uri.startswith("data:"):
        web_url(uri, "'uri'")
    return Image(uri, find_text(members, "alt_text"))


def _parse_authorization_servers(members: Mapping[str, Any]) -> tuple[str, ...]:
    listed = find_texts(members, "authorization_servers")
    return tuple(web_url(server, "'authorization_servers'", query=False) for server in listed)


def _parse_batch_size(members: Mapping[str, Any]) -> int:
    size = find_count(members, "batch_size", minimum=2)
    if size is None:
        raise MalformedError("'batch_size' is missing")
    return size


def _find_request_encryption(members: Mapping[str, Any]) -> RequestEncryptionMetadata | None:
    name = "credential_request_encryption"
    return parse_request_encryption_metadata(members[name]) if name in members else None


def _find_response_encryption(members: Mapping[str, Any]) -> ResponseEncryptionMetadata | None:
    name = "credential_response_encryption"
    return parse_response_encryption_metadata(members[name]) if name in members else None


def _find_url(members: Mapping[str, Any], name: str) -> str | None:
    return web_url(members[name], repr(name)) if name in members else None

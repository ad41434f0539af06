"""What the messages of the protocol endpoints look like, for the OpenAPI document. JSON Schema 2020-12.

The endpoints read messages with the kernel's parsers and never with these: parameters and members that stand nowhere
here are ignored, as the specifications want it. `tests/issuer` holds every answer against them.
"""

from collections.abc import Mapping
from typing import Any, Final

from issuer.configurations import SECURINGS
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    CHALLENGE_HEADER,
    PRE_AUTHORIZED_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
)

Schema = Mapping[str, Any]

FORM: Final = "application/x-www-form-urlencoded"
# What a response carries beside its body.
DPOP_NONCE: Final = {"DPoP-Nonce": "The nonce for the next DPoP proof (RFC 9449 section 8.2), where one was sent."}
CHALLENGE: Final = {CHALLENGE_HEADER: "The challenge for the next proof of possession of a client attestation."}

_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_URL: Final[Schema] = {"type": "string", "format": "uri"}
_SECONDS: Final[Schema] = {"type": "integer", "minimum": 1}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}, **more}


def _form(title: str, required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """A form: further parameters are ignored, and one that is there twice is refused. RFC 6749 §3.1, §3.2."""
    return _object(required, optional, title=title, additionalProperties={"type": "string"})


# OpenID4VCI 1.0 §5.1.1, §6.2
_AUTHORIZATION_DETAIL: Final = _object(
    {"type": {"const": "openid_credential"}, "credential_configuration_id": _TEXT},
    {"locations": _TEXTS, "claims": {"type": "array", "items": {"type": "object"}}},
    title="AuthorizationDetail",
)
_GRANTED_DETAIL: Final = _object(
    {
        "type": {"const": "openid_credential"},
        "credential_configuration_id": _TEXT,
        "credential_identifiers": {**_TEXTS, "minItems": 1},
    },
    title="GrantedAuthorizationDetail",
)
_DETAILS_TEXT: Final[Schema] = {
    "type": "string",
    "description": "Authorization details as JSON (RFC 9396).",
    "contentMediaType": "application/json",
    "contentSchema": {"type": "array", "items": _AUTHORIZATION_DETAIL},
}

# RFC 8707 §2: the one parameter that may be there more than once.
_RESOURCES: Final[Schema] = {"type": "array", "items": _URL, "description": "This issuer, however often."}

# RFC 9126 §2; OpenID4VCI 1.0 §5.1; RFC 7636; RFC 8707; RFC 9449 §10
PUSHED_AUTHORIZATION_REQUEST: Final = _form(
    "PushedAuthorizationRequest",
    {
        "response_type": {"const": "code"},
        "client_id": {**_TEXT, "maxLength": 2048},
        "redirect_uri": _URL,
        "code_challenge": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "code_challenge_method": {"const": "S256"},
    },
    {
        "response_mode": {"const": "query"},
        "state": {**_TEXT, "maxLength": 4096},
        "scope": _TEXT,
        "authorization_details": _DETAILS_TEXT,
        "issuer_state": {**_TEXT, "description": "What the offer said, so that staff's offer is found again."},
        "resource": _RESOURCES,
        "dpop_jkt": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    },
)
PUSHED_AUTHORIZATION_RESPONSE: Final = _object(
    {"request_uri": _URL, "expires_in": _SECONDS}, title="PushedAuthorizationResponse"
)

# OpenID4VCI 1.0 §6.1; RFC 6749 §4.1.3, §6
TOKEN_REQUEST: Final[Schema] = {
    "title": "TokenRequest",
    "oneOf": [
        _form(
            "PreAuthorizedCodeTokenRequest",
            {"grant_type": {"const": PRE_AUTHORIZED_CODE_GRANT}, "pre-authorized_code": _TEXT},
            {
                "tx_code": {**_TEXT, "description": "Due exactly when the offer says so."},
                "client_id": _TEXT,
                "authorization_details": _DETAILS_TEXT,
                "resource": _RESOURCES,
            },
        ),
        _form(
            "AuthorizationCodeTokenRequest",
            {
                "grant_type": {"const": AUTHORIZATION_CODE_GRANT},
                "code": _TEXT,
                "redirect_uri": _URL,
                "code_verifier": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{43,128}$"},
            },
            {"client_id": _TEXT, "authorization_details": _DETAILS_TEXT, "resource": _RESOURCES},
        ),
        _form(
            "RefreshTokenRequest",
            {"grant_type": {"const": REFRESH_TOKEN_GRANT}, "refresh_token": _TEXT},
            {"client_id": _TEXT, "scope": _TEXT, "resource": _RESOURCES},
        ),
    ],
}
TOKEN_RESPONSE: Final = _object(
    {"access_token": _TEXT, "token_type": {"enum": ["Bearer", "DPoP"]}, "expires_in": _SECONDS},
    {
        "refresh_token": _TEXT,
        "scope": _TEXT,
        "authorization_details": {"type": "array", "minItems": 1, "items": _GRANTED_DETAIL},
    },
    title="TokenResponse",
    additionalProperties=False,
)

# OpenID4VCI 1.0 §7.2; Attestation-Based Client Authentication §6.1
NONCE_RESPONSE: Final = _object({"c_nonce": _TEXT}, title="NonceResponse", additionalProperties=False)
CHALLENGE_RESPONSE: Final = _object(
    {"attestation_challenge": _TEXT}, title="ChallengeResponse", additionalProperties=False
)

# OpenID4VCI 1.0 §8.2, §8.3
ENCRYPTED_MESSAGE: Final[Schema] = {
    "title": "EncryptedMessage",
    "type": "string",
    "description": "The same members as a compact JWE (OpenID4VCI 1.0 section 10).",
    "pattern": r"^[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){4}$",
}
_RESPONSE_ENCRYPTION: Final = _object(
    {"jwk": {"type": "object"}, "enc": _TEXT},
    title="ResponseEncryption",
    description="To which key the response is encrypted; only in a request that is encrypted itself.",
)
_PROOFS: Final[Schema] = {
    "title": "Proofs",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {
        "jwt": {**_TEXTS, "minItems": 1},
        "di_vp": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "attestation": {**_TEXTS, "minItems": 1, "maxItems": 1},
    },
}
CREDENTIAL_REQUEST: Final[Schema] = {
    "title": "CredentialRequest",
    "type": "object",
    "properties": {
        "credential_identifier": {**_TEXT, "description": "Of the token response, where that named some."},
        "credential_configuration_id": {**_TEXT, "description": "Where the token response named no identifiers."},
        "proofs": _PROOFS,
        "credential_response_encryption": _RESPONSE_ENCRYPTION,
    },
    "oneOf": [{"required": ["credential_identifier"]}, {"required": ["credential_configuration_id"]}],
}
CREDENTIAL_RESPONSE: Final = _object(
    {
        "credentials": {
            "type": "array",
            "minItems": 1,
            "items": _object({"credential": {"type": ["string", "object"]}}, additionalProperties=False),
        },
        "notification_id": _TEXT,
    },
    title="CredentialResponse",
    additionalProperties=False,
)
DEFERRED_RESPONSE: Final = _object(
    {"transaction_id": _TEXT, "interval": _SECONDS}, title="DeferredIssuance", additionalProperties=False
)

# OpenID4VCI 1.0 §9.1, §11.1
DEFERRED_REQUEST: Final = _object(
    {"transaction_id": _TEXT},
    {"credential_response_encryption": _RESPONSE_ENCRYPTION},
    title="DeferredCredentialRequest",
)
NOTIFICATION_REQUEST: Final = _object(
    {
        "notification_id": _TEXT,
        "event": {"enum": ["credential_accepted", "credential_failure", "credential_deleted"]},
    },
    {"event_description": {"type": "string", "description": "Read and not kept."}},
    title="NotificationRequest",
)

# OpenID4VCI 1.0 §4.1.1
CREDENTIAL_OFFER: Final = _object(
    {
        "credential_issuer": _URL,
        "credential_configuration_ids": {**_TEXTS, "minItems": 1},
        "grants": _object(
            {
                AUTHORIZATION_CODE_GRANT: _object({}, {"issuer_state": _TEXT}),
                PRE_AUTHORIZED_CODE_GRANT: _object(
                    {"pre-authorized_code": _TEXT},
                    {
                        "tx_code": _object(
                            {"input_mode": {"const": "numeric"}, "length": {"type": "integer"}, "description": _TEXT}
                        )
                    },
                ),
            },
            additionalProperties=False,
        ),
    },
    title="CredentialOffer",
    additionalProperties=False,
)

# OpenID4VCI 1.0 §12.2.4
_JWKS: Final = _object({"keys": {"type": "array", "items": {"type": "object", "required": ["kty"]}}}, title="JwkSet")
_DISPLAYS: Final[Schema] = {
    "type": "array",
    "minItems": 1,
    "items": _object({"name": _TEXT, "locale": _TEXT}, title="Display"),
}
_CONFIGURATION: Final = _object(
    {
        "format": {"enum": sorted({securing.format.format_id for securing in SECURINGS})},
        "scope": _TEXT,
        "credential_signing_alg_values_supported": {"type": "array", "minItems": 1},
        "cryptographic_binding_methods_supported": {**_TEXTS, "minItems": 1},
        "proof_types_supported": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _object(
                {"proof_signing_alg_values_supported": _TEXTS}, {"key_attestations_required": {"type": "object"}}
            ),
        },
        "credential_metadata": _object({"display": _DISPLAYS, "claims": {"type": "array"}}),
    },
    {"vct": _URL, "credential_definition": {"type": "object"}},
    title="CredentialConfiguration",
)
_ENCRYPTION: Final = {"enc_values_supported": _TEXTS, "encryption_required": {"type": "boolean"}}
ISSUER_METADATA: Final = _object(
    {
        "credential_issuer": _URL,
        "credential_endpoint": _URL,
        "nonce_endpoint": _URL,
        "deferred_credential_endpoint": _URL,
        "notification_endpoint": _URL,
        "credential_request_encryption": _object({"jwks": _JWKS, **_ENCRYPTION}),
        "credential_response_encryption": _object({"alg_values_supported": _TEXTS, **_ENCRYPTION}),
        "batch_credential_issuance": _object({"batch_size": _SECONDS}),
        "display": _DISPLAYS,
        "credential_configurations_supported": {"type": "object", "additionalProperties": _CONFIGURATION},
    },
    title="CredentialIssuerMetadata",
)

# RFC 8414 §2; RFC 9126 §5; RFC 9207 §3; RFC 9449 §5.1; OpenID4VCI 1.0 §12.3
AUTHORIZATION_SERVER_METADATA: Final = _object(
    {
        "issuer": _URL,
        "authorization_endpoint": _URL,
        "token_endpoint": _URL,
        "pushed_authorization_request_endpoint": _URL,
        "require_pushed_authorization_requests": {"const": True},
        "authorization_response_iss_parameter_supported": {"const": True},
        "response_types_supported": _TEXTS,
        "response_modes_supported": _TEXTS,
        "code_challenge_methods_supported": _TEXTS,
        "grant_types_supported": _TEXTS,
        "authorization_details_types_supported": _TEXTS,
        "dpop_signing_alg_values_supported": _TEXTS,
        "token_endpoint_auth_methods_supported": _TEXTS,
        "pre-authorized_grant_anonymous_access_supported": {"type": "boolean"},
        "status_list_aggregation_endpoint": _URL,
    },
    {
        "scopes_supported": _TEXTS,
        "challenge_endpoint": _URL,
        "client_attestation_signing_alg_values_supported": _TEXTS,
        "client_attestation_pop_signing_alg_values_supported": _TEXTS,
    },
    title="AuthorizationServerMetadata",
)

# SD-JWT VC §4, §5; DID Core 1.0 §5; Token Status List §9
JWT_VC_ISSUER_METADATA: Final = _object({"issuer": _URL, "jwks": _JWKS}, title="JwtVcIssuerMetadata")
TYPE_METADATA: Final = _object({"vct": _URL}, {"name": _TEXT, "display": {"type": "array"}}, title="TypeMetadata")
DID_DOCUMENT: Final = _object(
    {
        "@context": {"type": "array", "minItems": 1},
        "id": {"type": "string", "pattern": "^did:web:"},
        "verificationMethod": {"type": "array", "items": {"type": "object", "required": ["id", "type", "controller"]}},
        "assertionMethod": {"type": "array"},
    },
    title="DidDocument",
)
STATUS_LISTS: Final = _object({"status_lists": {"type": "array", "items": _URL}}, title="StatusListAggregation")
STATUS_MESSAGES: Final = _object(
    {"messages": {"type": "array", "items": {"type": "object", "required": ["status", "message"]}}},
    title="StatusMessages",
)
STATUS_LIST_CREDENTIAL: Final = _object(
    {
        "@context": {"type": "array"},
        "type": {"type": "array", "contains": {"const": "BitstringStatusListCredential"}},
        "issuer": {"type": ["string", "object"]},
        "validFrom": _TEXT,
        "validUntil": _TEXT,
        "credentialSubject": {"type": "object", "required": ["type", "statusPurpose", "encodedList"]},
        "proof": {"type": ["object", "array"]},
    },
    title="StatusListCredential",
)
JWT: Final[Schema] = {
    "title": "CompactJwt",
    "type": "string",
    "description": "A signed JWT in compact form.",
    "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
}

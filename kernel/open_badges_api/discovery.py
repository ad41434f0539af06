"""The Service Description Document: where a host has what, as an OpenAPI document. Open Badges 3.0 §6.3, §B.4; B-40."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.members import as_object, find_text
from kernel.open_badges_api.scopes import (
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    PROFILE_READONLY,
    PROFILE_UPDATE,
)
from kernel.web_urls import parse_web_url, web_url

BASE_PATH: Final = "/ims/ob/v3p0"
API_VERSION: Final = "3.0"
_OPENAPI_VERSION: Final = "3.0.3"
_SCHEME: Final = "OAuth2ACG"
_JSON: Final = "application/json"
_JSON_LD: Final = "application/vc+ld+json"
_JWS: Final = "text/plain"
_BADGE_TYPES: Final = (_JSON_LD, _JSON, _JWS)
_MAX_SCOPES: Final = 100

_Content = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """What a consumer has to know of a host before it registers with it. §B.4.

    `scopes` are those that the host knows, each with a sentence of its own about it.
    """

    title: str
    version: str
    terms_of_service: str
    privacy_policy_url: str
    registration_url: str
    authorization_url: str
    token_url: str
    refresh_url: str
    scopes: Mapping[str, str]
    image: str | None = None


def create_service_description(description: ServiceDescription, *, api_url: str) -> dict[str, Any]:
    """Return the document that `GET /discovery` answers with. `api_url` is the address that ends in `BASE_PATH`."""
    info = {
        "title": description.title,
        "version": description.version,
        "termsOfService": description.terms_of_service,
        "x-imssf-privacyPolicyUrl": description.privacy_policy_url,
    }
    if description.image is not None:
        info["x-imssf-image"] = description.image
    scheme = {
        "type": "oauth2",
        "description": "OAuth 2.0 authorization code grant, with PKCE (S256).",
        "x-imssf-registrationUrl": description.registration_url,
        "flows": {
            "authorizationCode": {
                "authorizationUrl": description.authorization_url,
                "tokenUrl": description.token_url,
                "refreshUrl": description.refresh_url,
                "scopes": dict(description.scopes),
            }
        },
    }
    return {
        "openapi": _OPENAPI_VERSION,
        "info": info,
        "servers": [{"url": api_url}],
        "paths": _create_paths(),
        "components": {"securitySchemes": {_SCHEME: scheme}, "schemas": _create_schemas()},
    }


def parse_service_description(value: object) -> ServiceDescription:
    """Read a host's document, or raise MalformedError. Nothing beyond what a consumer needs has to be there.

    Whatever is to be called is an https address; whether it may be called is for the guarded fetcher. What is only
    told to people (title, terms, privacy policy, image) is read as text, empty when absent.
    """
    document = as_object(value, "the service description")
    info = as_object(document.get("info", {}), "'info'")
    schemes = as_object(as_object(document.get("components"), "'components'").get("securitySchemes"), "the schemes")
    scheme = as_object(schemes.get(_SCHEME), "the scheme for the authorization code grant")
    flow = as_object(as_object(scheme.get("flows"), "'flows'").get("authorizationCode"), "the authorization code flow")
    token_url = web_url(flow.get("tokenUrl"), "'tokenUrl'")
    return ServiceDescription(
        title=find_text(info, "title") or "",
        version=find_text(info, "version") or "",
        terms_of_service=find_text(info, "termsOfService") or "",
        privacy_policy_url=find_text(info, "x-imssf-privacyPolicyUrl") or "",
        image=find_text(info, "x-imssf-image"),
        registration_url=web_url(scheme.get("x-imssf-registrationUrl"), "'x-imssf-registrationUrl'"),
        authorization_url=web_url(flow.get("authorizationUrl"), "'authorizationUrl'"),
        token_url=token_url,
        refresh_url=web_url(flow.get("refreshUrl", token_url), "'refreshUrl'"),
        scopes=_parse_scopes(flow),
    )


def find_api_url(discovery_url: str) -> str:
    """Return the address under which a host has its endpoints, from that of its discovery document. §6.3.1"""
    parse_web_url(discovery_url, "the address of the discovery document", query=False)
    if not discovery_url.endswith(f"{BASE_PATH}/discovery"):
        raise MalformedError("not the address of a discovery document")
    return discovery_url.removesuffix("/discovery")


def _parse_scopes(flow: Mapping[str, Any]) -> dict[str, str]:
    scopes = as_object(flow.get("scopes"), "'scopes'")
    if len(scopes) > _MAX_SCOPES or not all(isinstance(text, str) for text in scopes.values()):
        raise MalformedError("'scopes' is not an object of sentences")
    return dict(scopes)


def _create_paths() -> dict[str, Any]:
    badge = tuple(
        (media_type, "CompactJws" if media_type == _JWS else "AchievementCredential") for media_type in _BADGE_TYPES
    )
    profile = ((_JSON, "Profile"),)
    page = {"200": ("The badges of this page.", ((_JSON, "GetOpenBadgeCredentialsResponse"),))}
    replaced = {"200": ("It took the place of one.", badge), "201": ("It is new.", badge)}
    read = {"200": ("The profile.", profile)}
    return {
        "/discovery": {
            "get": _operation(
                "getServiceDescription", None, {"200": ("This document.", ((_JSON, "ServiceDescriptionDocument"),))}
            )
        },
        "/credentials": {
            "get": {**_operation("getCredentials", CREDENTIAL_READONLY, page), "parameters": _page_parameters()},
            "post": {**_operation("upsertCredential", CREDENTIAL_UPSERT, replaced), "requestBody": _body(badge)},
        },
        "/profile": {
            "get": _operation("getProfile", PROFILE_READONLY, read),
            "put": {**_operation("putProfile", PROFILE_UPDATE, read), "requestBody": _body(profile)},
        },
    }


def _operation(name: str, scope: str | None, answers: Mapping[str, tuple[str, _Content]]) -> dict[str, Any]:
    refused = {"default": ("Why not.", ((_JSON, "Imsx_StatusInfo"),))}
    responses = {
        status: {"description": text, "content": _content(content)}
        for status, (text, content) in {**answers, **refused}.items()
    }
    return {"operationId": name, "security": [] if scope is None else [{_SCHEME: [scope]}], "responses": responses}


def _body(content: _Content) -> dict[str, Any]:
    return {"required": True, "content": _content(content)}


def _content(content: _Content) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}} for media_type, name in content}


def _page_parameters() -> list[dict[str, Any]]:
    schemas: Mapping[str, Mapping[str, Any]] = {
        "limit": {"type": "integer", "minimum": 1},
        "offset": {"type": "integer", "minimum": 0},
        "since": {"type": "string", "format": "date-time"},
    }
    return [{"name": name, "in": "query", "schema": dict(schema)} for name, schema in schemas.items()]


def _create_schemas() -> dict[str, Any]:
    """Only as much as shapes these messages: what a badge is, its own JSON Schema says (§B.1.2)."""
    anything = {"type": "object", "additionalProperties": True}
    jws = {"type": "string", "pattern": r"^[-A-Za-z0-9_]+\.[-A-Za-z0-9_]*\.[-A-Za-z0-9_]*$"}
    field = {
        "type": "object",
        "required": ["imsx_codeMinorFieldName", "imsx_codeMinorFieldValue"],
        "properties": {
            "imsx_codeMinorFieldName": {"type": "string"},
            "imsx_codeMinorFieldValue": {"type": "string"},
        },
    }
    return {
        "AchievementCredential": {**anything, "required": ["@context", "id", "type", "issuer", "credentialSubject"]},
        "CompactJws": jws,
        "GetOpenBadgeCredentialsResponse": {
            "type": "object",
            "properties": {
                "credential": {"type": "array", "items": {"$ref": "#/components/schemas/AchievementCredential"}},
                "compactJwsString": {"type": "array", "items": {"$ref": "#/components/schemas/CompactJws"}},
            },
        },
        "Imsx_StatusInfo": {
            "type": "object",
            "required": ["imsx_codeMajor", "imsx_severity"],
            "properties": {
                "imsx_codeMajor": {"type": "string", "enum": ["failure", "processing", "success", "unsupported"]},
                "imsx_severity": {"type": "string", "enum": ["error", "status", "warning"]},
                "imsx_description": {"type": "string"},
                "imsx_codeMinor": {
                    "type": "object",
                    "required": ["imsx_codeMinorField"],
                    "properties": {"imsx_codeMinorField": {"type": "array", "items": field}},
                },
            },
        },
        "Profile": {**anything, "required": ["id", "type"]},
        "ServiceDescriptionDocument": {**anything, "required": ["openapi", "info", "components"]},
    }

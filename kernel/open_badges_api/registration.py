"""How a consumer becomes known to a host by itself. RFC 7591; Open Badges 3.0 §7.1.1.2; PROFILE.md B-42."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from kernel.errors import MalformedError, RejectedError
from kernel.members import as_object, as_unique_texts, find_count, find_text, find_texts, get_text
from kernel.open_badges_api.scopes import known_scopes
from kernel.openid4vci.authorization import CODE
from kernel.openid4vci.credential_offer import AUTHORIZATION_CODE_GRANT
from kernel.openid4vci.scopes import parse_scopes
from kernel.openid4vci.token_request import REFRESH_TOKEN_GRANT
from kernel.web_urls import host_of, web_url

CLIENT_SECRET_BASIC: Final = "client_secret_basic"
MAX_REDIRECT_URIS: Final = 10
_MAX_TEXT: Final = 200
_MAX_CONTACTS: Final = 10
_MAX_TIME: Final = 253_402_300_799  # the last second that a date can name
# Addresses that only tell people something.
_PAGES: Final = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
_TEXTS: Final = ("software_id", "software_version")


class RedirectUriError(RejectedError):
    """A redirect URI is none that anybody may be sent to, or is on another host than the client."""

    code = "redirect_uri"
    sentence = "A redirect URI of the registration cannot be used."


class ClientMetadataError(RejectedError):
    """A member of the registration has a value that the API does not allow."""

    code = "client_metadata"
    sentence = "The registration has a value that is not allowed here."


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """What a consumer says of itself, and what it will ask for. All its addresses are on one host (§7.1.1.2).

    Nobody checked the name; only the host is more than a claim, since that is where people are sent back to.
    """

    client_name: str
    client_uri: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    grant_types: tuple[str, ...] = (AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT)
    contacts: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Return the one host of all its addresses."""
        return host_of(self.client_uri)

    def as_json(self) -> dict[str, Any]:
        """Return the members of the request, which are also in the answer."""
        members: dict[str, Any] = {
            "client_name": self.client_name,
            "client_uri": self.client_uri,
            "logo_uri": self.logo_uri,
            "tos_uri": self.tos_uri,
            "policy_uri": self.policy_uri,
            "software_id": self.software_id,
            "software_version": self.software_version,
            "contacts": list(self.contacts) or None,
            "redirect_uris": list(self.redirect_uris),
            "token_endpoint_auth_method": CLIENT_SECRET_BASIC,
            "grant_types": list(self.grant_types),
            "response_types": [CODE],
            "scope": " ".join(self.scopes),
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """What the host answered: as whom the consumer comes from now on, and what was registered of it. RFC 7591 §3.2.1.

    `client_secret_expires_at` is None for a secret that does not expire. The host may have changed what was asked for.
    """

    client_id: str
    client_secret: str = field(repr=False)
    registration: ClientRegistration
    client_id_issued_at: datetime | None = None
    client_secret_expires_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the members of the answer."""
        issued = self.client_id_issued_at
        members = {"client_id": self.client_id, "client_secret": self.client_secret}
        times = {
            **({} if issued is None else {"client_id_issued_at": int(issued.timestamp())}),
            "client_secret_expires_at": _as_seconds(self.client_secret_expires_at),
        }
        return {**members, **times, **self.registration.as_json()}


def parse_client_registration(value: object) -> ClientRegistration:
    """Read a registration request, or raise RedirectUriError, ClientMetadataError, or MalformedError.

    (1) Redirect URIs, at least one, each https and without fragment; plain http only on loopback, which the host may
    refuse. (2) Every address on the host of `client_uri` (§7.1.1.2). (3) `client_secret_basic` and the code flow, said
    or left out. (4) Scopes: those that the API knows; none of them is a mistake. What was left out of `grant_types` is
    not granted: RFC 7591 §2 has the code alone as default.
    """
    members = as_object(value, "the registration")
    client_uri = _read_address(members, "client_uri")
    if client_uri is None:
        raise ClientMetadataError("no `client_uri`")
    redirect_uris = _read_redirect_uris(members, host_of(client_uri))
    pages = {name: _read_address(members, name) for name in _PAGES}
    if any(host_of(page) != host_of(client_uri) for page in pages.values() if page is not None):
        raise ClientMetadataError("addresses on more than one host")
    if members.get("token_endpoint_auth_method", CLIENT_SECRET_BASIC) != CLIENT_SECRET_BASIC:
        raise ClientMetadataError("another way to authenticate than `client_secret_basic`")
    if CODE not in find_texts({"response_types": [CODE], **members}, "response_types"):
        raise ClientMetadataError("not the response type `code`")
    return ClientRegistration(
        client_name=_bounded(get_text(members, "client_name")),
        client_uri=client_uri,
        redirect_uris=redirect_uris,
        scopes=_read_scopes(members),
        logo_uri=pages["logo_uri"],
        tos_uri=pages["tos_uri"],
        policy_uri=pages["policy_uri"],
        grant_types=_read_grant_types(members),
        contacts=tuple(_bounded(contact) for contact in find_texts(members, "contacts")[:_MAX_CONTACTS]),
        **{name: _bounded(members[name]) for name in _TEXTS if find_text(members, name) is not None},
    )


def parse_registration_response(value: object, *, registration: ClientRegistration) -> RegisteredClient:
    """Read what a host answered to this registration, or raise MalformedError.

    Hosts may leave out what they registered as it was asked for, and may grant other scopes (RFC 7591 §3.2.1). A host
    that would send people elsewhere than to the consumer's own addresses is refused.
    """
    members = as_object(value, "the registration response")
    if not set(find_texts(members, "redirect_uris")) <= set(registration.redirect_uris):
        raise MalformedError("redirect URIs that nobody asked for")
    asked = registration.as_json()
    # Some hosts write null for what they left out.
    merged = {name: members.get(name) or value for name, value in asked.items()}
    return RegisteredClient(
        client_id=get_text(members, "client_id"),
        client_secret=get_text(members, "client_secret"),
        registration=parse_client_registration(merged),
        client_id_issued_at=_find_time(members, "client_id_issued_at"),
        client_secret_expires_at=_find_time(members, "client_secret_expires_at"),
    )


def _read_redirect_uris(members: Mapping[str, Any], host: str) -> tuple[str, ...]:
    try:
        uris = as_unique_texts(members.get("redirect_uris"), "'redirect_uris'")
        texts = tuple(web_url(uri, "a redirect URI") for uri in uris)
    except MalformedError as exc:
        raise RedirectUriError("not a list of web addresses") from exc
    if len(texts) > MAX_REDIRECT_URIS:
        raise RedirectUriError("more of them than anybody needs")
    if any(host_of(uri) != host for uri in texts):
        raise RedirectUriError("on another host than `client_uri`")
    return texts


def _read_address(members: Mapping[str, Any], name: str) -> str | None:
    if name not in members:
        return None
    try:
        return web_url(members[name], repr(name))
    except MalformedError as exc:
        raise ClientMetadataError(f"{name!r} is not a web address") from exc


def _read_scopes(members: Mapping[str, Any]) -> tuple[str, ...]:
    scopes = known_scopes(parse_scopes(members))
    if not scopes:
        raise ClientMetadataError("no scope of this API")
    return scopes


def _read_grant_types(members: Mapping[str, Any]) -> tuple[str, ...]:
    asked = find_texts(members, "grant_types") or (AUTHORIZATION_CODE_GRANT,)
    granted = tuple(grant for grant in (AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT) if grant in asked)
    if AUTHORIZATION_CODE_GRANT not in granted:
        raise ClientMetadataError("without the grant type `authorization_code`")
    return granted


def _bounded(text: str) -> str:
    if len(text) > _MAX_TEXT or not text.isprintable() or not text.strip():
        raise ClientMetadataError("a text that cannot be shown")
    return text.strip()


def _find_time(members: Mapping[str, Any], name: str) -> datetime | None:
    """A moment; 0 and absence stand for none. RFC 7591 §3.2.1"""
    seconds = find_count(members, name)
    return datetime.fromtimestamp(min(seconds, _MAX_TIME), UTC) if seconds else None


def _as_seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())

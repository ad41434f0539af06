"""Credential offers: written, put into a link, read back. OpenID4VCI 1.0 §4.1; PROFILE.md I-01 to I-07, W-01.

An offer is never signed and never believed: reading one says what somebody offers, not who they are (W-02).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

from kernel.errors import MalformedError
from kernel.members import as_object, as_unique_texts, find_count, find_object, find_text, get_text
from kernel.strict_json import encode_json, parse_json_object
from kernel.web_urls import parse_link, web_url

PRE_AUTHORIZED_CODE_GRANT: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
AUTHORIZATION_CODE_GRANT: Final = "authorization_code"
OFFER_SCHEME: Final = "openid-credential-offer://"
HAIP_OFFER_SCHEME: Final = "haip-vci://"

MAX_DESCRIPTION: Final = 300
MAX_TX_CODE_LENGTH: Final = 64
MAX_OFFERED: Final = 100


@dataclass(frozen=True, slots=True)
class TxCode:
    """How the transaction code looks that travels another way. §4.1.1. The description is plain text to show."""

    input_mode: Literal["numeric", "text"] = "numeric"
    length: int | None = None
    description: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the `tx_code` member."""
        members: dict[str, Any] = {"input_mode": self.input_mode}
        if self.length is not None:
            members["length"] = self.length
        if self.description is not None:
            members["description"] = self.description
        return members


@dataclass(frozen=True, slots=True)
class PreAuthorizedCodeGrant:
    """The grant for somebody whom the issuer already knows. §4.1.1. `tx_code` is None when none is asked for."""

    pre_authorized_code: str = field(repr=False)
    tx_code: TxCode | None = None
    authorization_server: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the grant's members."""
        members: dict[str, Any] = {"pre-authorized_code": self.pre_authorized_code}
        if self.tx_code is not None:
            members["tx_code"] = self.tx_code.as_json()
        if self.authorization_server is not None:
            members["authorization_server"] = self.authorization_server
        return members


@dataclass(frozen=True, slots=True)
class AuthorizationCodeGrant:
    """The grant in which the holder signs in with the issuer first. §4.1.1."""

    issuer_state: str | None = field(default=None, repr=False)
    authorization_server: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the grant's members."""
        members = {"issuer_state": self.issuer_state, "authorization_server": self.authorization_server}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CredentialOffer:
    """What somebody offers. §4.1.1. Without grants, the authorization server's metadata says which ones there are."""

    credential_issuer: str
    credential_configuration_ids: tuple[str, ...]
    authorization_code: AuthorizationCodeGrant | None = None
    pre_authorized_code: PreAuthorizedCodeGrant | None = None

    @property
    def authorization_server(self) -> str | None:
        """The authorization server that the pre-authorized code, or else the authorization code grant, names."""
        grants = (self.pre_authorized_code, self.authorization_code)
        return next((grant.authorization_server for grant in grants if grant is not None), None)

    def as_json(self) -> dict[str, Any]:
        """Return the credential offer object."""
        grants: dict[str, Any] = {}
        if self.authorization_code is not None:
            grants[AUTHORIZATION_CODE_GRANT] = self.authorization_code.as_json()
        if self.pre_authorized_code is not None:
            grants[PRE_AUTHORIZED_CODE_GRANT] = self.pre_authorized_code.as_json()
        members: dict[str, Any] = {
            "credential_issuer": self.credential_issuer,
            "credential_configuration_ids": list(self.credential_configuration_ids),
        }
        return members | ({"grants": grants} if grants else {})


@dataclass(frozen=True, slots=True)
class ByValue:
    """A link that carries its offer."""

    offer: CredentialOffer


@dataclass(frozen=True, slots=True)
class ByReference:
    """A link that says where its offer is to be fetched: by GET, as application/json. §4.1.3."""

    uri: str


def parse_credential_offer(value: object, *, most: int = MAX_OFFERED) -> CredentialOffer:
    """Read a credential offer object, or raise MalformedError. §4.1.1. Unknown members and grants are ignored.

    A stranger offers at most so many; who reads an offer of their own making may say that it is more.
    """
    members = as_object(value, "the credential offer")
    offered = as_unique_texts(members.get("credential_configuration_ids"), "'credential_configuration_ids'")
    if len(offered) > most:
        raise MalformedError("more credentials are offered than anybody wants at once")
    grants = find_object(members, "grants") or {}
    return CredentialOffer(
        credential_issuer=web_url(members.get("credential_issuer"), "'credential_issuer'", query=False),
        credential_configuration_ids=offered,
        authorization_code=_parse_authorization_code(find_object(grants, AUTHORIZATION_CODE_GRANT)),
        pre_authorized_code=_parse_pre_authorized_code(find_object(grants, PRE_AUTHORIZED_CODE_GRANT)),
    )


def parse_credential_offer_link(text: str) -> ByValue | ByReference:
    """Read a link, scanned or pasted, by which an offer reaches the wallet. §4.1; W-01.

    `openid-credential-offer://`, `haip-vci://` and https links; exactly one of `credential_offer` and
    `credential_offer_uri`, once. Other parameters are ignored.
    """
    parameters = parse_link(text.strip(), schemes=(OFFER_SCHEME, HAIP_OFFER_SCHEME))
    by_value, by_reference = parameters.get("credential_offer"), parameters.get("credential_offer_uri")
    if (by_value is None) is (by_reference is None):
        raise MalformedError("a link has either 'credential_offer' or 'credential_offer_uri'")
    if by_value is not None:
        return ByValue(parse_credential_offer(parse_json_object(by_value)))
    return ByReference(web_url(by_reference, "'credential_offer_uri'"))


def create_offer_link(offer: CredentialOffer | str, *, scheme: str = OFFER_SCHEME) -> str:
    """Return the link for an offer, by value, or by reference when a URL is given. §4.1; I-01.

    `scheme` is one of the two custom schemes, or the https address of a wallet (a universal link).
    """
    if isinstance(offer, str):
        return f"{scheme}?credential_offer_uri={quote(offer, safe='')}"
    return f"{scheme}?credential_offer={quote(encode_json(offer.as_json()), safe='')}"


def _parse_authorization_code(members: Mapping[str, Any] | None) -> AuthorizationCodeGrant | None:
    if members is None:
        return None
    return AuthorizationCodeGrant(find_text(members, "issuer_state"), _find_authorization_server(members))


def _parse_pre_authorized_code(members: Mapping[str, Any] | None) -> PreAuthorizedCodeGrant | None:
    if members is None:
        return None
    return PreAuthorizedCodeGrant(
        pre_authorized_code=get_text(members, "pre-authorized_code"),
        tx_code=_parse_tx_code(find_object(members, "tx_code")),
        authorization_server=_find_authorization_server(members),
    )


def _parse_tx_code(members: Mapping[str, Any] | None) -> TxCode | None:
    if members is None:
        return None
    input_mode = members.get("input_mode", "numeric")
    length = find_count(members, "length", minimum=1)
    description = find_text(members, "description")
    if input_mode not in ("numeric", "text"):
        raise MalformedError("'input_mode' is neither numeric nor text")
    if length is not None and length > MAX_TX_CODE_LENGTH:
        raise MalformedError("a transaction code longer than anybody types")
    if description is not None and len(description) > MAX_DESCRIPTION:
        raise MalformedError("a 'description' of more than 300 characters")
    return TxCode("text" if input_mode == "text" else "numeric", length, description)


def _find_authorization_server(members: Mapping[str, Any]) -> str | None:
    if "authorization_server" not in members:
        return None
    return web_url(members["authorization_server"], "'authorization_server'", query=False)

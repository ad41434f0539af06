"""Authorization details; nonce, credential and notification messages. OpenID4VCI 1.0 §5.1.1, §7, §8, §11."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

from kernel.dcql.claims_path import ClaimsPath, parse_claims_path
from kernel.errors import MalformedError, RejectedError
from kernel.members import (
    as_array,
    as_object,
    as_text,
    as_unique_texts,
    find_count,
    find_object,
    find_objects,
    find_text,
    get_text,
)
from kernel.strict_json import parse_json

OPENID_CREDENTIAL: Final = "openid_credential"
MAX_PROOFS: Final = 100
_MAX_SECONDS: Final = 10 * 366 * 24 * 3600

NotificationEvent = Literal["credential_accepted", "credential_failure", "credential_deleted"]


class AuthorizationDetailsError(RejectedError):
    """An authorization detail is broken, of another type, or names what is unknown here, not granted, or another's."""

    code = "authorization_details"
    sentence = "An authorization detail cannot be granted."


@dataclass(frozen=True, slots=True)
class AuthorizationDetail:
    """One credential configuration that is asked for or granted. §5.1.1, §6.2."""

    credential_configuration_id: str
    credential_identifiers: tuple[str, ...] = ()
    claims: tuple[ClaimsPath, ...] = ()
    locations: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the authorization details object."""
        members: dict[str, Any] = {
            "type": OPENID_CREDENTIAL,
            "credential_configuration_id": self.credential_configuration_id,
            "credential_identifiers": list(self.credential_identifiers),
            "claims": [{"path": list(path)} for path in self.claims],
            "locations": list(self.locations),
        }
        return {name: value for name, value in members.items() if value}


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """A request for credentials, one for each proof. §8.2. Exactly one of the two identifiers is there.

    No proof is a shape that may be right; the issuer, who knows what it demands, answers `invalid_proof`.
    """

    credential_configuration_id: str | None
    credential_identifier: str | None
    proof_type: str | None
    proofs: tuple[str | Mapping[str, Any], ...]
    credential_response_encryption: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Return the request's members."""
        members: dict[str, Any] = {}
        if self.credential_configuration_id is not None:
            members["credential_configuration_id"] = self.credential_configuration_id
        if self.credential_identifier is not None:
            members["credential_identifier"] = self.credential_identifier
        if self.proof_type is not None:
            members["proofs"] = {self.proof_type: list(self.proofs)}
        if self.credential_response_encryption is not None:
            members["credential_response_encryption"] = dict(self.credential_response_encryption)
        return members


@dataclass(frozen=True, slots=True)
class IssuedCredentials:
    """Credentials as the issuer gave them: compact texts, or objects for `ldp_vc`. §8.3."""

    credentials: tuple[str | Mapping[str, Any], ...] = field(repr=False)
    notification_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the response's members."""
        members: dict[str, Any] = {"credentials": [{"credential": credential} for credential in self.credentials]}
        return members | ({"notification_id": self.notification_id} if self.notification_id is not None else {})


@dataclass(frozen=True, slots=True)
class DeferredIssuance:
    """Credentials that are not ready: under which id, and after how long, to ask again. §8.3, §9."""

    transaction_id: str = field(repr=False)
    interval: timedelta

    def as_json(self) -> dict[str, Any]:
        """Return the response's members."""
        return {"transaction_id": self.transaction_id, "interval": int(self.interval.total_seconds())}


@dataclass(frozen=True, slots=True)
class DeferredCredentialRequest:
    """Asks once more for credentials that were not ready. §9.1. How to encrypt is said anew."""

    transaction_id: str = field(repr=False)
    credential_response_encryption: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the request's members."""
        members: dict[str, Any] = {"transaction_id": self.transaction_id}
        if self.credential_response_encryption is not None:
            members["credential_response_encryption"] = dict(self.credential_response_encryption)
        return members


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error that the other side reports. The description is its own text: shown as text, never interpreted."""

    error: str
    error_description: str | None = None


@dataclass(frozen=True, slots=True)
class NotificationRequest:
    """What became of issued credentials. §11.1."""

    notification_id: str
    event: NotificationEvent
    event_description: str | None = None


def parse_authorization_details(value: object) -> tuple[AuthorizationDetail, ...]:
    """Read `authorization_details` of type `openid_credential`; another type is refused. §5.1.1, RFC 9396 §5."""
    details = [as_object(detail, "an authorization detail") for detail in as_array(value, "'authorization_details'")]
    return tuple(_parse_authorization_detail(detail) for detail in details)


def parse_requested_details(text: str) -> tuple[AuthorizationDetail, ...]:
    """Read what a request has as `authorization_details`, or raise AuthorizationDetailsError. RFC 9396 §5."""
    try:
        return parse_authorization_details(parse_json(text))
    except MalformedError as exc:
        raise AuthorizationDetailsError(exc.detail) from exc


def parse_nonce_response(value: object) -> str:
    """Return the `c_nonce` of a nonce response. §7.2."""
    return get_text(as_object(value, "the nonce response"), "c_nonce")


def parse_credential_request(value: object, *, accepts_single_proof: bool = False) -> CredentialRequest:
    """Read a credential request, or raise MalformedError. §8.2; I-57. Unknown members are ignored.

    With `accepts_single_proof` also one of draft 15, whose member `proof` has one proof (PROFILE.md §6, DIIP v4).
    """
    members = as_object(value, "the credential request")
    configuration_id = find_text(members, "credential_configuration_id")
    identifier = find_text(members, "credential_identifier")
    if (configuration_id is None) is (identifier is None):
        raise MalformedError("a request names either a credential configuration or a credential identifier")
    proof_type, proofs = _parse_proofs(find_object(members, "proofs"))
    if accepts_single_proof and "proof" in members:
        if proof_type is not None:
            raise MalformedError("both 'proof' and 'proofs'")
        proof_type, proofs = _parse_single_proof(as_object(members["proof"], "'proof'"))
    return CredentialRequest(
        credential_configuration_id=configuration_id,
        credential_identifier=identifier,
        proof_type=proof_type,
        proofs=proofs,
        credential_response_encryption=find_object(members, "credential_response_encryption"),
    )


def parse_credential_response(value: object) -> IssuedCredentials | DeferredIssuance:
    """Read a credential response: credentials, or the id under which they will come. §8.3; I-62, I-63."""
    members = as_object(value, "the credential response")
    if ("credentials" in members) is ("transaction_id" in members):
        raise MalformedError("a response has either 'credentials' or a 'transaction_id'")
    if "transaction_id" in members:
        interval = find_seconds(members, "interval")
        if interval is None:
            raise MalformedError("'interval' is missing")
        return DeferredIssuance(get_text(members, "transaction_id"), interval)
    issued = find_objects(members, "credentials")
    credentials = tuple(_parse_issued_credential(entry.get("credential")) for entry in issued)
    return IssuedCredentials(credentials, find_text(members, "notification_id"))


def parse_deferred_credential_request(value: object) -> DeferredCredentialRequest:
    """Read a deferred credential request. §9.1; I-65. Unknown members are ignored."""
    members = as_object(value, "the deferred credential request")
    encryption = find_object(members, "credential_response_encryption")
    return DeferredCredentialRequest(get_text(members, "transaction_id"), encryption)


def parse_error_response(value: object) -> ErrorResponse:
    """Read the body of an error answer. §6.3, §8.3.1.2; RFC 6749 §5.2."""
    members = as_object(value, "the error response")
    return ErrorResponse(get_text(members, "error"), find_text(members, "error_description"))


def parse_notification_request(value: object) -> NotificationRequest:
    """Read a notification. §11.1."""
    members = as_object(value, "the notification")
    event = members.get("event")
    match event:
        case "credential_accepted" | "credential_failure" | "credential_deleted":
            description = find_text(members, "event_description")
            return NotificationRequest(get_text(members, "notification_id"), event, description)
    raise MalformedError("an event that is not known here")


def _parse_authorization_detail(members: Mapping[str, Any]) -> AuthorizationDetail:
    if get_text(members, "type") != OPENID_CREDENTIAL:
        raise MalformedError("an authorization detail of another type")
    identifiers, locations = members.get("credential_identifiers"), members.get("locations")
    return AuthorizationDetail(
        credential_configuration_id=get_text(members, "credential_configuration_id"),
        credential_identifiers=() if identifiers is None else as_unique_texts(identifiers, "'credential_identifiers'"),
        claims=tuple(parse_claims_path(claim.get("path")) for claim in find_objects(members, "claims")),
        locations=() if locations is None else as_unique_texts(locations, "'locations'"),
    )


def _parse_proofs(members: Mapping[str, Any] | None) -> tuple[str | None, tuple[str | Mapping[str, Any], ...]]:
    if members is None:
        return None, ()
    if len(members) != 1:
        raise MalformedError("'proofs' has exactly one proof type")
    proof_type, listed = next(iter(members.items()))
    proofs = as_array(listed, "'proofs'", limit=MAX_PROOFS)
    if proof_type == "di_vp":
        return proof_type, tuple(as_object(proof, "a proof") for proof in proofs)
    return as_text(proof_type, "a proof type"), tuple(_parse_compact(proof) for proof in proofs)


def _parse_single_proof(members: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    if get_text(members, "proof_type") != "jwt":
        raise MalformedError("a single proof of another type than jwt")
    return "jwt", (_parse_compact(members.get("jwt")),)


def _parse_compact(value: object) -> str:
    """Return a compact token or credential; its own parser says how long it may be."""
    if not isinstance(value, str) or not value:
        raise MalformedError("a proof or credential that is no text")
    return value


def _parse_issued_credential(value: object) -> str | Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _parse_compact(value)


def find_seconds(members: Mapping[str, Any], name: str) -> timedelta | None:
    """Return a member that is a number of seconds, at most ten years of them; None when absent."""
    seconds = find_count(members, name, minimum=1)
    return None if seconds is None else timedelta(seconds=min(seconds, _MAX_SECONDS))

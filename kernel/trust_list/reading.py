"""Reading a list: believed only when the pinned operator signed it, in time, and not before the one seen last. T-03."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from kernel import base64url
from kernel.errors import MalformedError, NotYetValidError, RejectedError
from kernel.jwt import LEEWAY, parse_jwt, verify_jwt
from kernel.keys import PublicKey, parse_public_jwk, public_key_from
from kernel.members import as_array, as_count, as_object, as_text, find_objects, find_text, find_texts, get_text
from kernel.trust_list.recognition import (
    ListPointer,
    Service,
    ServiceState,
    TrustedEntity,
    TrustedService,
    TrustList,
    first_name,
)
from kernel.web_urls import web_url

TYP: Final = "trustlist+jwt"
ALGORITHMS: Final = frozenset({"ES256"})
MAX_BYTES: Final = 1024 * 1024
# How the kinds of service and their states are named: a URI of the scheme that ends in one of these (T-02).
SERVICE_PATH: Final = "/svc/"
STATE_PATH: Final = "/status/"

_SERVICES: Final[Mapping[str, Service]] = {name: name for name in get_args(Service)}
MAX_POINTERS: Final = 100

_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")


def verify_trust_list(raw: str, *, signer_key: PublicKey, now: datetime, previous_sequence: int | None) -> TrustList:
    """Check a list against the operator's pinned key, and return it. T-03.

    (1) Signature by the pinned key, whatever the header says about keys. (2) Its shape. (3) Not from the future,
    not past `NextUpdate`. (4) A sequence number that does not go back (A-47).
    """
    verified = verify_jwt(parse_jwt(raw, max_bytes=MAX_BYTES), key=signer_key, typ=TYP, algorithms=ALGORITHMS)
    trust_list = _parse_list(verified.payload)
    if now + LEEWAY < trust_list.issued_at:
        raise NotYetValidError("the trust list comes from the future")
    trust_list.verify_current(now)
    if previous_sequence is not None and trust_list.sequence < previous_sequence:
        raise RejectedError("an older trust list than the one seen before")
    return trust_list


def _parse_list(payload: Mapping[str, Any]) -> TrustList:
    members = as_object(payload.get("LoTE"), "'LoTE'")
    scheme = as_object(members.get("ListAndSchemeInformation"), "'ListAndSchemeInformation'")
    if as_count(scheme.get("LoTEVersionIdentifier"), "'LoTEVersionIdentifier'") != 1:
        raise MalformedError("a version of the list format that is not known here")
    return TrustList(
        operator_names=_parse_names(scheme.get("SchemeOperatorName"), "value"),
        sequence=as_count(scheme.get("LoTESequenceNumber"), "'LoTESequenceNumber'", minimum=1),
        issued_at=_parse_instant(scheme.get("ListIssueDateTime")),
        next_update=_parse_instant(scheme.get("NextUpdate")),
        entities=_parse_entities(members),
        list_type=find_text(scheme, "LoTEType"),
        territory=find_text(scheme, "SchemeTerritory"),
        pointers=_parse_pointers(scheme.get("PointersToOtherLoTE", [])),
    )


def _parse_pointers(value: object) -> tuple[ListPointer, ...]:
    """Read where other lists are; one without a key that we know vouches for nothing, and is left out. T-06.

    On the web, and nowhere else: the operator's own list may be a file of ours, what it points to may not.
    """
    if value == []:
        return ()
    entries = as_array(value, "'PointersToOtherLoTE'", limit=MAX_POINTERS)
    pointers = [as_object(entry, "a pointer") for entry in entries]
    parsed = (
        ListPointer(web_url(pointer.get("LoTELocation"), "'LoTELocation'"), _parse_signers(pointer))
        for pointer in pointers
    )
    return tuple(pointer for pointer in parsed if pointer.keys)


def _parse_signers(pointer: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    identities = pointer.get("ServiceDigitalIdentities")
    if not identities:
        return ()
    keys: list[PublicKey] = []
    for identity in find_objects(pointer, "ServiceDigitalIdentities"):
        certificates = (_parse_certificate(entry) for entry in find_objects(identity, "X509Certificates"))
        keys += [public_key_from(certificate.public_key()) for certificate in certificates]
        keys += [parse_public_jwk(jwk) for jwk in find_objects(identity, "PublicKeyValues")]
    return tuple(keys)


def _parse_entities(members: Mapping[str, Any]) -> tuple[TrustedEntity, ...]:
    """Read the parties; a list on which nobody is yet is a list."""
    if members.get("TrustedEntitiesList") == []:
        return ()
    return tuple(_parse_entity(entity) for entity in find_objects(members, "TrustedEntitiesList"))


def _parse_entity(members: Mapping[str, Any]) -> TrustedEntity:
    information = as_object(members.get("TrustedEntityInformation"), "'TrustedEntityInformation'")
    address = as_object(information.get("TEAddress", {}), "'TEAddress'")
    services = as_array(members.get("TrustedEntityServices"), "'TrustedEntityServices'")
    parsed = (_parse_service(as_object(service, "a service")) for service in services)
    return TrustedEntity(
        names=_parse_names(information.get("TEName"), "value"),
        services=tuple(service for service in parsed if service is not None),
        information_urls=_find_names(information, "TEInformationURI", "uriValue"),
        electronic_addresses=_find_names(address, "TEElectronicAddress", "uriValue"),
        other_identifiers=find_texts(information, "otherIdentifier"),
    )


def _parse_service(members: Mapping[str, Any]) -> TrustedService | None:
    """Read one service; a kind that is not known here is left out, since it recognises nobody for anything."""
    information = as_object(members.get("ServiceInformation"), "'ServiceInformation'")
    kind = _last_step(get_text(information, "ServiceTypeIdentifier"), SERVICE_PATH)
    service = _SERVICES.get(kind)
    if service is None:
        return None
    identity = as_object(information.get("ServiceDigitalIdentity"), "'ServiceDigitalIdentity'")
    certificates = tuple(_parse_certificate(entry) for entry in find_objects(identity, "X509Certificates"))
    scopes = find_objects(information, "ServiceInformationExtensions")
    history = find_objects(members, "ServiceHistory")
    return TrustedService(
        name=first_name(_parse_names(information.get("ServiceName"), "value")),
        service=service,
        states=_parse_states((information, *history)),
        identifiers=frozenset(find_texts(identity, "OtherIds")),
        keys=tuple(parse_public_jwk(jwk) for jwk in find_objects(identity, "PublicKeyValues")),
        certificates=certificates,
        subject_key_identifiers=_parse_key_identifiers(identity, certificates),
        credential_types=_parse_scope(scopes, "credentialTypes"),
        achievement_types=_parse_scope(scopes, "achievementTypes"),
        frameworks=_parse_scope(scopes, "frameworks"),
        archive_keys=_parse_scope(scopes, "archiveKeys"),
    )


def _parse_states(entries: Iterable[Mapping[str, Any]]) -> tuple[ServiceState, ...]:
    """Read the present state and the earlier ones, the newest first. A state that is not "granted" is a withdrawal."""
    states = [
        ServiceState(
            state="granted" if _last_step(get_text(entry, "ServiceStatus"), STATE_PATH) == "granted" else "withdrawn",
            since=_parse_instant(entry.get("StatusStartingTime")),
        )
        for entry in entries
    ]
    # Of two states from one moment on, the one that the list gives first is the later one.
    return tuple(sorted(states, key=lambda state: state.since, reverse=True))


def _parse_scope(scopes: Iterable[Mapping[str, Any]], name: str) -> frozenset[str]:
    return frozenset(text for scope in scopes for text in find_texts(scope, name))


def _parse_certificate(entry: Mapping[str, Any]) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(get_text(entry, "val"), validate=True))
        public_key_from(certificate.public_key())
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as exc:
        raise MalformedError("a certificate on the list that cannot be read") from exc
    return certificate


def _parse_key_identifiers(identity: Mapping[str, Any], certificates: Sequence[x509.Certificate]) -> frozenset[str]:
    stated = (base64url.encode(_decode_base64(text)) for text in find_texts(identity, "X509SKIs"))
    return frozenset((*stated, *filter(None, map(_subject_key_identifier, certificates))))


def _subject_key_identifier(certificate: x509.Certificate) -> str | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
    return base64url.encode(extension.value.digest)


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise MalformedError("a key identifier that is not base64") from exc


def _parse_names(value: object, member: str) -> dict[str, str]:
    """Read texts by language; at least one."""
    entries = [as_object(entry, "a text with its language") for entry in as_array(value, "texts by language")]
    return {get_text(entry, "lang"): get_text(entry, member) for entry in entries}


def _find_names(members: Mapping[str, Any], name: str, member: str) -> dict[str, str]:
    return _parse_names(members[name], member) if name in members else {}


def _parse_instant(value: object) -> datetime:
    text = as_text(value, "a moment")
    if not _INSTANT.fullmatch(text):
        raise MalformedError("a moment that is no date and time with zone")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise MalformedError("a moment that does not exist") from exc


def _last_step(uri: str, path: str) -> str:
    """Return what a URI names after a path of the scheme; nothing when it is not under that path."""
    _, found, step = uri.rpartition(path)
    return step if found else ""

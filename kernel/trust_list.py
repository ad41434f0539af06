"""The ecosystem's signed list: who is recognised, for what, and since when. PROFILE.md T-01 to T-06, A-47.

The shape is the JSON of ETSI TS 119 602 (list of trusted entities), secured as a compact JWS. That a signature
is valid and that its issuer is recognised are two answers; this module gives the second one only.
"""

import base64
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kernel import base64url
from kernel.errors import ExpiredError, MalformedError, NotYetValidError, RejectedError
from kernel.jwt import LEEWAY, parse_jwt, sign_jwt, verify_jwt
from kernel.keys import PublicKey, Signer, parse_public_jwk, public_key_from
from kernel.members import as_array, as_count, as_object, as_text, find_objects, find_text, find_texts, get_text

TYP: Final = "trustlist+jwt"
ALGORITHMS: Final = frozenset({"ES256"})
MAX_BYTES: Final = 1024 * 1024

Service = Literal["issuance", "verification"]
State = Literal["granted", "withdrawn"]

# How the kinds of service and their states are named: a URI of the scheme that ends in one of these (T-02).
_SERVICE_PATH: Final = "/svc/"
_STATE_PATH: Final = "/status/"
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")


class Outcome(StrEnum):
    """What the list says of a party. T-06."""

    RECOGNISED = "recognised"
    NOT_FOR_THIS_TYPE = "not_for_this_type"
    WITHDRAWN = "withdrawn"
    NOT_LISTED = "not_listed"
    LIST_UNAVAILABLE = "list_unavailable"


@dataclass(frozen=True, slots=True)
class Recognition:
    """The answer, by which list and entry it was given, and since when the entry has the state that decided."""

    outcome: Outcome
    list_name: str | None = None
    entity_name: str | None = None
    since: datetime | None = None


LIST_UNAVAILABLE: Final = Recognition(Outcome.LIST_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """That a service was recognised, or was no longer, from a moment on."""

    state: State
    since: datetime


@dataclass(frozen=True, slots=True)
class TrustedService:
    """One service of a listed party: who provides it, in which states it was, and for which types. T-02, T-04.

    `identifiers` are DIDs and issuer URLs. Where `keys` or `certificates` are stated they bind: another key under
    the same identifier is somebody else. `states` has the newest first.
    """

    name: str
    service: Service
    states: tuple[ServiceState, ...]
    identifiers: frozenset[str] = frozenset()
    keys: tuple[PublicKey, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    subject_key_identifiers: frozenset[str] = frozenset()
    credential_types: frozenset[str] = frozenset()
    achievement_types: frozenset[str] = frozenset()
    frameworks: frozenset[str] = frozenset()

    def is_about(
        self, identifiers: Collection[str], key: PublicKey | None, authority_key_identifiers: Collection[str]
    ) -> bool:
        """Tell whether a party is the listed one: nothing that both state differs, and something agrees.

        Names are never compared (A-47).
        """
        agreements = []
        if self.identifiers and identifiers:
            agreements.append(not self.identifiers.isdisjoint(identifiers))
        if self._thumbprints and key is not None:
            is_vouched_for = not self.subject_key_identifiers.isdisjoint(authority_key_identifiers)
            agreements.append(key.thumbprint in self._thumbprints or is_vouched_for)
        return bool(agreements) and all(agreements)

    def covers(self, types: Collection[str], achievement_type: str | None) -> bool:
        """Tell whether a credential is of a type that the entry names; an issuer without types issues nothing. T-04."""
        if self.service == "verification":
            return not self.credential_types or self.credential_types.issuperset(types)
        is_covered = not self.credential_types.isdisjoint(types)
        return is_covered and (not self.achievement_types or achievement_type in self.achievement_types)

    def state_at(self, at: datetime) -> ServiceState | None:
        """Return the state that was in force at a moment; None before the first. T-04: history is consulted."""
        return next((state for state in self.states if state.since <= at), None)

    @property
    def _thumbprints(self) -> frozenset[str]:
        certified = (public_key_from(certificate.public_key()) for certificate in self.certificates)
        return frozenset(key.thumbprint for key in (*self.keys, *certified))


@dataclass(frozen=True, slots=True)
class TrustedEntity:
    """A listed party. Names and addresses are by language and are shown, never compared."""

    names: Mapping[str, str]
    services: tuple[TrustedService, ...]
    information_urls: Mapping[str, str] = field(default_factory=dict)
    electronic_addresses: Mapping[str, str] = field(default_factory=dict)
    other_identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustList:
    """A verified list. It answers for as long as `verify_current` does not raise."""

    operator_names: Mapping[str, str]
    sequence: int
    issued_at: datetime
    next_update: datetime
    entities: tuple[TrustedEntity, ...]
    list_type: str | None = None
    territory: str | None = None

    @property
    def name(self) -> str:
        """The operator's name, in the first language that the list has it in."""
        return _first(self.operator_names)

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """Every certificate on the list of a service that issues: anchors for X.509 paths. T-05."""
        services = (service for entity in self.entities for service in entity.services)
        return tuple(cert for service in services if service.service == "issuance" for cert in service.certificates)

    def verify_current(self, now: datetime) -> None:
        """Raise ExpiredError from `next_update` on: the last good copy is kept to that moment only. T-03."""
        if now >= self.next_update:
            raise ExpiredError("the trust list has not been renewed in time")

    def recognise(
        self,
        *,
        identifiers: Collection[str],
        key: PublicKey | None,
        service: Service,
        types: Collection[str],
        achievement_type: str | None,
        at: datetime,
        authority_key_identifiers: Collection[str] = (),
    ) -> Recognition:
        """Say whether a party is recognised for a service and type at a moment. T-04, T-06.

        `at` is when a credential was issued; `identifiers` are its issuer's DID or URL, as verified; `key` is the
        one that verified it and `authority_key_identifiers` those of its certificate chain, if it has one. An entry
        that names achievement types does not recognise an achievement without type. Of several entries the most
        refusing decides: withdrawn, recognised, not for this type.
        """
        asked = (types, achievement_type)
        found = [
            self._judge(entity, offered, at, asked)
            for entity in self.entities
            for offered in entity.services
            if offered.service == service and offered.is_about(identifiers, key, authority_key_identifiers)
        ]
        return min(found, key=_decisiveness, default=Recognition(Outcome.NOT_LISTED, self.name))

    def recognise_party(self, *, identifiers: Collection[str], service: Service, at: datetime) -> Recognition:
        """Say whether a party is recognised at all, before anything it signed is at hand: an offer, a request. T-10."""
        found = [
            self._judge(entity, offered, at, None)
            for entity in self.entities
            for offered in entity.services
            if offered.service == service and not offered.identifiers.isdisjoint(identifiers)
        ]
        return min(found, key=_decisiveness, default=Recognition(Outcome.NOT_LISTED, self.name))

    def _judge(
        self,
        entity: TrustedEntity,
        service: TrustedService,
        at: datetime,
        asked: tuple[Collection[str], str | None] | None,
    ) -> Recognition:
        state = service.state_at(at)
        if state is None:
            return Recognition(Outcome.NOT_LISTED, self.name)
        if asked is not None and not service.covers(*asked):
            return Recognition(Outcome.NOT_FOR_THIS_TYPE, self.name, _first(entity.names), state.since)
        outcome = Outcome.RECOGNISED if state.state == "granted" else Outcome.WITHDRAWN
        return Recognition(outcome, self.name, _first(entity.names), state.since)


def combine_recognitions(recognitions: Iterable[Recognition]) -> Recognition:
    """Return what several lists say together: an explicit denial wins, then a recognition. T-06."""
    return min(recognitions, key=_decisiveness, default=LIST_UNAVAILABLE)


def create_trust_list(
    *,
    scheme: str,
    operator_names: Mapping[str, str],
    territory: str,
    sequence: int,
    issued_at: datetime,
    next_update: datetime,
    entities: Sequence[TrustedEntity],
) -> dict[str, Any]:
    """Build the payload of a list. `scheme` is the URL under which the operator names its own types. T-02, T-04."""
    base = scheme.rstrip("/")
    return {
        "LoTE": {
            "ListAndSchemeInformation": {
                "LoTEVersionIdentifier": 1,
                "LoTESequenceNumber": sequence,
                "LoTEType": f"{base}/lote/type/skills-issuers",
                "SchemeOperatorName": _write_names(operator_names),
                "SchemeTerritory": territory,
                "ListIssueDateTime": _write_instant(issued_at),
                "NextUpdate": _write_instant(next_update),
            },
            "TrustedEntitiesList": [_write_entity(entity, base) for entity in entities],
        }
    }


def sign_trust_list(payload: Mapping[str, Any], *, signer: Signer, header: Mapping[str, Any]) -> str:
    """Sign a list; `header` names the signer's key by `kid` or `x5c`. T-03."""
    return sign_jwt(payload, signer=signer, typ=TYP, header=header)


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
        entities=tuple(_parse_entity(entity) for entity in find_objects(members, "TrustedEntitiesList")),
        list_type=find_text(scheme, "LoTEType"),
        territory=find_text(scheme, "SchemeTerritory"),
    )


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
    kind = _last_step(get_text(information, "ServiceTypeIdentifier"), _SERVICE_PATH)
    if kind not in ("issuance", "verification"):
        return None
    identity = as_object(information.get("ServiceDigitalIdentity"), "'ServiceDigitalIdentity'")
    certificates = tuple(_parse_certificate(entry) for entry in find_objects(identity, "X509Certificates"))
    scopes = find_objects(information, "ServiceInformationExtensions")
    history = find_objects(members, "ServiceHistory")
    return TrustedService(
        name=_first(_parse_names(information.get("ServiceName"), "value")),
        service="issuance" if kind == "issuance" else "verification",
        states=_parse_states((information, *history)),
        identifiers=frozenset(find_texts(identity, "OtherIds")),
        keys=tuple(_parse_key(jwk) for jwk in find_objects(identity, "PublicKeyValues")),
        certificates=certificates,
        subject_key_identifiers=_parse_key_identifiers(identity, certificates),
        credential_types=_parse_scope(scopes, "credentialTypes"),
        achievement_types=_parse_scope(scopes, "achievementTypes"),
        frameworks=_parse_scope(scopes, "frameworks"),
    )


def _parse_states(entries: Iterable[Mapping[str, Any]]) -> tuple[ServiceState, ...]:
    """Read the present state and the earlier ones, the newest first. A state that is not "granted" is a withdrawal."""
    states = [
        ServiceState(
            state="granted" if _last_step(get_text(entry, "ServiceStatus"), _STATE_PATH) == "granted" else "withdrawn",
            since=_parse_instant(entry.get("StatusStartingTime")),
        )
        for entry in entries
    ]
    # Of two states from one moment on, the one that the list gives first is the later one.
    return tuple(sorted(states, key=lambda state: state.since, reverse=True))


def _parse_scope(scopes: Iterable[Mapping[str, Any]], name: str) -> frozenset[str]:
    return frozenset(text for scope in scopes for text in find_texts(scope, name))


def _parse_key(jwk: Mapping[str, Any]) -> PublicKey:
    return parse_public_jwk(jwk)


def _parse_certificate(entry: Mapping[str, Any]) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(get_text(entry, "val"), validate=True))
        public_key_from(certificate.public_key())
    except (ValueError, x509.InvalidVersion) as exc:
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
    return uri.rpartition(path)[2]


def _first(names: Mapping[str, str]) -> str:
    return next(iter(names.values()))


def _decisiveness(recognition: Recognition) -> int:
    return _MOST_DECISIVE_FIRST.index(recognition.outcome)


def _write_entity(entity: TrustedEntity, base: str) -> dict[str, Any]:
    information: dict[str, Any] = {"TEName": _write_names(entity.names)}
    if entity.electronic_addresses:
        information["TEAddress"] = {"TEElectronicAddress": _write_names(entity.electronic_addresses, "uriValue")}
    if entity.information_urls:
        information["TEInformationURI"] = _write_names(entity.information_urls, "uriValue")
    if entity.other_identifiers:
        information["otherIdentifier"] = list(entity.other_identifiers)
    return {
        "TrustedEntityInformation": information,
        "TrustedEntityServices": [_write_service(service, base) for service in entity.services],
    }


def _write_service(service: TrustedService, base: str) -> dict[str, Any]:
    present, *earlier = ({**_write_state(state, base)} for state in service.states)
    information: dict[str, Any] = {
        "ServiceName": _write_names({"nl": service.name}),
        "ServiceTypeIdentifier": f"{base}{_SERVICE_PATH}{service.service}",
        **present,
        "ServiceDigitalIdentity": _write_identity(service),
        "ServiceInformationExtensions": [_write_scope(service)],
    }
    return {"ServiceInformation": information} | ({"ServiceHistory": earlier} if earlier else {})


def _write_state(state: ServiceState, base: str) -> dict[str, Any]:
    return {
        "ServiceStatus": f"{base}{_STATE_PATH}{state.state}",
        "StatusStartingTime": _write_instant(state.since),
    }


def _write_identity(service: TrustedService) -> dict[str, Any]:
    ders = (certificate.public_bytes(Encoding.DER) for certificate in service.certificates)
    members: dict[str, list[Any]] = {
        "X509Certificates": [{"val": base64.b64encode(der).decode("ascii")} for der in ders],
        "PublicKeyValues": [key.jwk for key in service.keys],
        "OtherIds": sorted(service.identifiers),
    }
    return {name: values for name, values in members.items() if values}


def _write_scope(service: TrustedService) -> dict[str, Any]:
    members = {
        "credentialTypes": sorted(service.credential_types),
        "achievementTypes": sorted(service.achievement_types),
        "frameworks": sorted(service.frameworks),
    }
    return {name: values for name, values in members.items() if values}


def _write_names(names: Mapping[str, str], member: str = "value") -> list[dict[str, str]]:
    return [{"lang": language, member: text} for language, text in names.items()]


def _write_instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


# An explicit denial wins; a list that does not know the party says less than one that does. T-06.
_MOST_DECISIVE_FIRST: Final = (
    Outcome.WITHDRAWN,
    Outcome.RECOGNISED,
    Outcome.NOT_FOR_THIS_TYPE,
    Outcome.LIST_UNAVAILABLE,
    Outcome.NOT_LISTED,
)

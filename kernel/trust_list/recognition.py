"""Who is recognised, for what, and since when: the list as it is asked. PROFILE.md T-01, T-04 to T-06, A-47."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from cryptography import x509

from kernel.errors import ExpiredError
from kernel.keys import PublicKey, public_key_from

Service = Literal["issuance", "verification"]
State = Literal["granted", "withdrawn"]


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


# What a reader says who has no list, or none that is still good.
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
    _pinned: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        certified = (public_key_from(certificate.public_key()) for certificate in self.certificates)
        pinned = frozenset(key.thumbprint for key in (*self.keys, *certified))
        object.__setattr__(self, "_pinned", pinned)

    def is_about(self, identifiers: Collection[str], key: PublicKey | None) -> bool:
        """Tell whether a party is the listed one: nothing that both state differs, and something agrees.

        Names are never compared (A-47). A key that a listed certificate authority vouches for is not followed
        here; only keys and certificates that are themselves on the list count.
        """
        agreements = []
        if self.identifiers and identifiers:
            agreements.append(not self.identifiers.isdisjoint(identifiers))
        if self._pinned and key is not None:
            agreements.append(key.thumbprint in self._pinned)
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


@dataclass(frozen=True, slots=True)
class TrustedEntity:
    """A listed party. Names and addresses are by language and are shown, never compared."""

    names: Mapping[str, str]
    services: tuple[TrustedService, ...]
    information_urls: Mapping[str, str] = field(default_factory=dict)
    electronic_addresses: Mapping[str, str] = field(default_factory=dict)
    other_identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListPointer:
    """Where another list stands, and whose keys sign it: vouched for by the list that points there. T-06."""

    location: str
    keys: tuple[PublicKey, ...]


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
    pointers: tuple[ListPointer, ...] = ()

    @property
    def name(self) -> str:
        """The operator's name, in the first language that the list has it in."""
        return first_name(self.operator_names)

    @property
    def subject_key_identifiers(self) -> frozenset[str]:
        """By what a DCQL query asks for certificates under a listed one: the values of `aki`. T-05."""
        services = (service for entity in self.entities for service in entity.services)
        return frozenset().union(*(service.subject_key_identifiers for service in services))

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """Every certificate on the list of a service that issues: anchors for X.509 paths of issuers. T-05."""
        return self._certificates("issuance")

    @property
    def verifier_anchors(self) -> tuple[x509.Certificate, ...]:
        """The same for services that verify: who may certify issuers may not by that certify who asks. T-05."""
        return self._certificates("verification")

    def _certificates(self, service: Service) -> tuple[x509.Certificate, ...]:
        services = (offered for entity in self.entities for offered in entity.services)
        return tuple(cert for offered in services if offered.service == service for cert in offered.certificates)

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
    ) -> Recognition:
        """Say whether a party is recognised for a service and type at a moment. T-04, T-06.

        `at` is when a credential was issued; `identifiers` are its issuer's DID or URL, as verified, and `key` is the
        one that verified it. An entry that names achievement types does not recognise an achievement without type.
        Of several entries the most decisive counts: withdrawn, then recognised, then not for this type.
        """
        asked = (types, achievement_type)
        found = [
            self._judge(entity, offered, at, asked)
            for entity in self.entities
            for offered in entity.services
            if offered.service == service and offered.is_about(identifiers, key)
        ]
        return most_decisive(found) or Recognition(Outcome.NOT_LISTED, self.name)

    def recognise_party(
        self,
        *,
        identifiers: Collection[str],
        service: Service,
        at: datetime,
        key: PublicKey | None = None,
        certificate: x509.Certificate | None = None,
    ) -> Recognition:
        """Say whether a party is recognised at all, for whatever type: who offers something, or asks for it. T-10.

        `key` and `certificate` are those that signed, where something is signed already. A certificate that is itself
        on the list is its holder's identifier, whatever name the holder goes by.
        """
        found = [
            self._judge(entity, offered, at, None)
            for entity in self.entities
            for offered in entity.services
            if offered.service == service
            and (offered.is_about(identifiers, key) or certificate in offered.certificates)
        ]
        return most_decisive(found) or Recognition(Outcome.NOT_LISTED, self.name)

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
            return Recognition(Outcome.NOT_FOR_THIS_TYPE, self.name, first_name(entity.names), state.since)
        outcome = Outcome.RECOGNISED if state.state == "granted" else Outcome.WITHDRAWN
        return Recognition(outcome, self.name, first_name(entity.names), state.since)


def first_name(names: Mapping[str, str]) -> str:
    return next(iter(names.values()))


def most_decisive(found: Iterable[Recognition]) -> Recognition | None:
    """Return the answer that decides, of several lists or entries; the first one of those that say the same. T-06."""
    return min(found, key=_decisiveness, default=None)


def _decisiveness(recognition: Recognition) -> int:
    return _MOST_DECISIVE_FIRST.index(recognition.outcome)


# An explicit denial wins; an entry that does not hold yet says least. T-06.
_MOST_DECISIVE_FIRST: Final = (
    Outcome.WITHDRAWN,
    Outcome.RECOGNISED,
    Outcome.NOT_FOR_THIS_TYPE,
    Outcome.NOT_LISTED,
)

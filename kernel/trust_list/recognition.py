"""Who is recognised, for what, and since when: the list as it is asked. PROFILE.md T-01, T-04 to T-06, A-47."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from cryptography import x509

from kernel.errors import CredentialError, ExpiredError
from kernel.keys import PublicKey, public_key_from
from kernel.x5c import create_x5c, list_authority_key_identifiers, parse_x5c, verify_x5c

Service = Literal["issuance", "verification", "wallet-provision"]
State = Literal["granted", "withdrawn"]
# Types of credential and the type of achievement; None: whatever type.
_Asked = tuple[Collection[str], str | None]


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
    the same identifier is somebody else. `states` has the newest first. `archive_keys` are the thumbprints (RFC 7638)
    of keys that may have signed the archive which the issuer leaves behind (decision 0009).
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
    archive_keys: frozenset[str] = frozenset()
    _pinned: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        certified = (public_key_from(certificate.public_key()) for certificate in self.certificates)
        pinned = frozenset(key.thumbprint for key in (*self.keys, *certified))
        object.__setattr__(self, "_pinned", pinned)

    def is_about(
        self, identifiers: Collection[str], key: PublicKey | None, anchor: x509.Certificate | None = None
    ) -> bool:
        """Tell whether a party is the listed one: nothing that both state differs, and something agrees.

        Names are never compared (A-47). `anchor` is where a verified chain of the key ended. An authority that is
        listed certifies many, so that being certified under it agrees only for those that its entry identifies.
        """
        agreements = []
        is_identified = not self.identifiers.isdisjoint(identifiers)
        if self.identifiers and identifiers:
            agreements.append(is_identified)
        if self._pinned and key is not None:
            is_certified = is_identified and anchor in self.certificates
            agreements.append(key.thumbprint in self._pinned or is_certified)
        return bool(agreements) and all(agreements)

    def covers(self, types: Collection[str], achievement_type: str | None) -> bool:
        """Tell whether a credential is of a type that the entry names; an issuer without types issues nothing. T-04."""
        if self.service != "issuance":
            return not self.credential_types or self.credential_types.issuperset(types)
        is_covered = not self.credential_types.isdisjoint(types)
        return is_covered and (not self.achievement_types or achievement_type in self.achievement_types)

    def authority_key_identifiers(self, types: Collection[str], at: datetime) -> frozenset[str]:
        """What certificates under those of this service name as their authority; none where it may not issue such."""
        state = self.state_at(at)
        is_granted = state is not None and state.state == "granted"
        if self.service != "issuance" or not is_granted or self.credential_types.isdisjoint(types):
            return frozenset()
        return self.subject_key_identifiers | list_authority_key_identifiers(self.certificates)

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

    def authority_key_identifiers(self, types: Collection[str], at: datetime) -> frozenset[str]:
        """By what a DCQL query asks for certificates under a listed one: the values of `aki`. T-05.

        Of those who may issue one of these types now. A certificate that is pinned itself is found by its issuer's.
        """
        return frozenset().union(*(offered.authority_key_identifiers(types, at) for offered in self._services))

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """Every certificate on the list of a service that issues: anchors for X.509 paths of issuers. T-05."""
        return self._certificates("issuance")

    @property
    def verifier_anchors(self) -> tuple[x509.Certificate, ...]:
        """The same for services that verify: who may certify issuers may not by that certify who asks. T-05."""
        return self._certificates("verification")

    @property
    def wallet_provider_anchors(self) -> tuple[x509.Certificate, ...]:
        """The same for services that provide wallets: they attest which wallet asks, and how it keeps keys."""
        return self._certificates("wallet-provision")

    @property
    def wallet_provider_keys(self) -> dict[str, PublicKey]:
        """The keys of wallet providers without certificates, by the thumbprint that attestations have as `kid`."""
        providers = (offered for offered in self._services if offered.service == "wallet-provision")
        listed = (key for offered in providers for key in offered.keys)
        return {key.thumbprint: key for key in listed}

    @property
    def _services(self) -> Iterator[TrustedService]:
        return (offered for entity in self.entities for offered in entity.services)

    def _certificates(self, service: Service) -> tuple[x509.Certificate, ...]:
        return tuple(cert for offered in self._services if offered.service == service for cert in offered.certificates)

    def verify_current(self, now: datetime) -> None:
        """Raise ExpiredError from `next_update` on: the last good copy is kept to that moment only. T-03."""
        if now >= self.next_update:
            raise ExpiredError("the trust list has not been renewed in time")

    def find_archive_keys(self, issuer: str) -> frozenset[str] | None:
        """Return the thumbprints of keys that may have signed the archive of this issuer; None: it is not listed."""
        about = [each for each in self._services if each.service == "issuance" and each.is_about({issuer}, None)]
        return frozenset().union(*(each.archive_keys for each in about)) if about else None

    def recognise(
        self,
        *,
        identifiers: Collection[str],
        key: PublicKey | None,
        service: Service,
        types: Collection[str],
        achievement_type: str | None,
        at: datetime,
        x5c: Sequence[str] = (),
    ) -> Recognition:
        """Say whether a party is recognised for a service and type at a moment. T-04, T-06.

        `at` is when a credential was issued; `identifiers` are its issuer's DID or URL, as verified, and `key` is the
        one that verified it, of which `x5c` may be a chain up to a certificate on this list (T-05). An entry that names
        achievement types does not recognise an achievement without type. Of several entries the most decisive counts:
        withdrawn, then recognised, then not for this type.
        """
        anchor = _find_anchor(x5c, self._certificates(service), key, at)

        def is_theirs(offered: TrustedService) -> bool:
            return offered.is_about(identifiers, key, anchor)

        return self._decide(service, is_theirs, at, (types, achievement_type))

    def recognise_party(
        self,
        *,
        identifiers: Collection[str],
        service: Service,
        at: datetime,
        key: PublicKey | None = None,
        x5c: Sequence[str] = (),
    ) -> Recognition:
        """Say whether a party is recognised at all, for whatever type: who offers something, or asks for it. T-10.

        `key` is the one that signed, where something is signed already, and `x5c` its chain. A certificate that is
        itself on the list is its holder's identifier, whatever name the holder goes by.
        """
        anchor = _find_anchor(x5c, self._certificates(service), key, at)
        is_its_own = anchor is not None and create_x5c([anchor]) == list(x5c)

        def is_theirs(offered: TrustedService) -> bool:
            return offered.is_about(identifiers, key, anchor) or (is_its_own and anchor in offered.certificates)

        return self._decide(service, is_theirs, at, None)

    def recognise_wallet_provider(
        self, *, key: PublicKey, anchor: x509.Certificate | None, types: Collection[str] | None, at: datetime
    ) -> Recognition:
        """Say whether whoever attested something for a wallet may do so, for these types of credential. T-04, T-06.

        `key` signed the attestation, and its chain ended in `anchor`; None: it has none. Its name is not asked: nothing
        but the signature says whose attestation it is. `types` None: whatever type.
        """

        def is_theirs(offered: TrustedService) -> bool:
            return offered.is_about((), key) or anchor in offered.certificates

        return self._decide("wallet-provision", is_theirs, at, None if types is None else (types, None))

    def _decide(
        self, service: Service, is_theirs: Callable[[TrustedService], bool], at: datetime, asked: _Asked | None
    ) -> Recognition:
        """Judge by every entry that is about the party; that of none is that it is not listed."""
        found = [
            self._judge(entity, offered, at, asked)
            for entity in self.entities
            for offered in entity.services
            if offered.service == service and is_theirs(offered)
        ]
        return most_decisive(found) or Recognition(Outcome.NOT_LISTED, self.name)

    def _judge(self, entity: TrustedEntity, service: TrustedService, at: datetime, asked: _Asked | None) -> Recognition:
        state = service.state_at(at)
        if state is None:
            return Recognition(Outcome.NOT_LISTED, self.name)
        if asked is not None and not service.covers(*asked):
            return Recognition(Outcome.NOT_FOR_THIS_TYPE, self.name, first_name(entity.names), state.since)
        outcome = Outcome.RECOGNISED if state.state == "granted" else Outcome.WITHDRAWN
        return Recognition(outcome, self.name, first_name(entity.names), state.since)


def _find_anchor(
    x5c: Sequence[str], anchors: Sequence[x509.Certificate], key: PublicKey | None, at: datetime
) -> x509.Certificate | None:
    """Where a chain of this key ended when it signed; None where it does not lead to one of these.

    What is issued may be dated back to the beginning of its day, before its certificate was made.
    """
    if not x5c or not anchors:
        return None
    try:
        made_at = max(certificate.not_valid_before_utc for certificate in parse_x5c(x5c))
        chain = verify_x5c(x5c, anchors=anchors, now=max(at, made_at))
    except CredentialError:
        return None
    return chain.anchor if chain.leaf_key == key else None


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

"""kernel.trust_list: who is recognised, for what, and since when. PROFILE.md T-01 to T-06, A-47."""

import base64
import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given

from kernel import base64url
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    RejectedError,
    WrongTypeError,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk, public_key_from
from kernel.trust_list import (
    ListPointer,
    Outcome,
    Recognition,
    Service,
    ServiceState,
    TrustedEntity,
    TrustedService,
    TrustList,
    create_trust_list,
    sign_trust_list,
    verify_trust_list,
)
from tests.support.certificates import create_authority, create_leaf
from tests.support.json_values import json_values, nearly

OPERATOR = SoftwareSigner.generate()
ISSUER_KEY = SoftwareSigner.generate().public_key
OTHER_KEY = SoftwareSigner.generate().public_key
DID = "did:web:issuer.skills.example:stichting"
URL = "https://issuer.skills.example/stichting"
VCT = "https://types.skills.example/vct/skill-badge/1"
SCHEME = "https://trust.skills.example"
ISSUED_AT = datetime(2026, 5, 28, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
GRANTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
WITHDRAWN_AT = datetime(2026, 5, 1, tzinfo=UTC)
AUTHORITY = create_authority(NOW)
CERTIFIED = create_leaf(AUTHORITY, NOW)


def service(**changes: Any) -> TrustedService:
    members: dict[str, Any] = {
        "name": "Uitgifte",
        "service": "issuance",
        "states": (ServiceState("granted", GRANTED_AT),),
        "identifiers": frozenset({DID, URL}),
        "keys": (ISSUER_KEY,),
        "credential_types": frozenset({VCT}),
        "achievement_types": frozenset({"Badge", "MicroCredential"}),
    }
    return TrustedService(**{**members, **changes})


def payload(*services: TrustedService, **changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "scheme": SCHEME,
        "operator_names": {"nl": "Stichting Skills Ecosysteem", "en": "Skills Ecosystem Foundation"},
        "territory": "NL",
        "sequence": 12,
        "issued_at": ISSUED_AT,
        "next_update": ISSUED_AT + timedelta(days=1),
        "entities": (TrustedEntity({"nl": "Stichting Techniek"}, services or (service(),)),),
    }
    return create_trust_list(**{**members, **changes})


def signed(value: Any = None, *, typ: str = "trustlist+jwt", signer: SoftwareSigner = OPERATOR) -> str:
    return sign_jwt(payload() if value is None else value, signer=signer, typ=typ, header={"kid": "operator"})


def verify(raw: str, **changes: Any) -> TrustList:
    expected: dict[str, Any] = {"signer_key": OPERATOR.public_key, "now": NOW, "previous_sequence": None}
    return verify_trust_list(raw, **{**expected, **changes})


def recognise(*services: TrustedService, **changes: Any) -> Recognition:
    asked: dict[str, Any] = {
        "identifiers": {DID},
        "key": ISSUER_KEY,
        "service": "issuance",
        "types": {VCT},
        "achievement_type": "Badge",
        "at": NOW,
    }
    return verify(signed(payload(*services))).recognise(**{**asked, **changes})


def certificate(
    key: ec.EllipticCurvePrivateKey | None = None, *, with_ski: bool = True, aki: bytes | None = None
) -> x509.Certificate:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stichting")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(GRANTED_AT)
        .not_valid_after(NOW + timedelta(days=365))
    )
    if with_ski:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(b"\x01" * 20), critical=False)
    if aki is not None:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(aki, None, None), critical=False)
    return builder.sign(key, hashes.SHA256())


# Making and reading a list


def test_T02_what_is_written_is_read_back():
    full = service(
        certificates=(certificate(),),
        frameworks=frozenset({"ESCO"}),
        states=(ServiceState("withdrawn", WITHDRAWN_AT), ServiceState("granted", GRANTED_AT)),
    )
    entity = TrustedEntity(
        {"nl": "Stichting Techniek", "en": "Technology Foundation"},
        (full, service(service="verification", credential_types=frozenset(), achievement_types=frozenset())),
        {"nl": "https://stichting.example"},
        {"nl": "mailto:badges@stichting.example"},
        ("NTRNL-12345678",),
    )
    read = verify(sign_trust_list(payload(entities=(entity,)), signer=OPERATOR, header={"kid": "operator"}))
    [found] = read.entities
    assert (found.names, found.information_urls, found.electronic_addresses, found.other_identifiers) == (
        entity.names,
        entity.information_urls,
        entity.electronic_addresses,
        entity.other_identifiers,
    )
    issuing, verifying = found.services
    assert (issuing.states, issuing.identifiers, issuing.keys) == (full.states, full.identifiers, full.keys)
    assert (issuing.credential_types, issuing.achievement_types) == (full.credential_types, full.achievement_types)
    assert (issuing.certificates, issuing.frameworks) == (full.certificates, full.frameworks)
    assert verifying.service == "verification"
    assert (read.name, read.sequence, read.territory) == ("Stichting Skills Ecosysteem", 12, "NL")
    assert (read.issued_at, read.next_update) == (ISSUED_AT, ISSUED_AT + timedelta(days=1))
    assert read.list_type == "https://trust.skills.example/lote/type/skills-issuers"


def test_T02_a_list_on_which_nobody_is_yet_is_a_list():
    read = verify(signed(payload(entities=())))
    assert read.entities == ()
    without = payload()
    del without["LoTE"]["TrustedEntitiesList"]
    assert verify(signed(without)).entities == ()


def test_T03_the_worked_example_of_the_profile_is_verified(profile_vectors):
    example = profile_vectors["trust_list"]
    read = verify(
        example["jws"],
        signer_key=parse_public_jwk(example["signer_jwk"]),
        now=datetime(2026, 11, 21, 12, tzinfo=UTC),
        previous_sequence=12,
    )
    issuer_key = parse_public_jwk(profile_vectors["sdjwtvc"]["issuer_jwk"])
    recognition = read.recognise(
        identifiers={"did:web:issuer.skills.example:hogeschool"},
        key=issuer_key,
        service="issuance",
        types={VCT},
        achievement_type="MicroCredential",
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )
    assert recognition == Recognition(
        Outcome.RECOGNISED,
        "Stichting Skills Ecosysteem (voorbeeld)",
        "Hogeschool Voorbeeld",
        datetime(2026, 9, 1, tzinfo=UTC),
    )
    named = read.authority_key_identifiers({VCT}, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert len(read.anchors) == 1
    assert named >= {"-cDAPqjsfiBXl1apox8xMlSyPBQ"}


@pytest.mark.parametrize(
    ("raw", "changes", "error"),
    [
        (signed(typ="JWT"), {}, WrongTypeError),
        (signed(signer=SoftwareSigner.generate()), {}, InvalidSignatureError),
        (signed(), {"signer_key": OTHER_KEY}, InvalidSignatureError),
        (signed(), {"now": ISSUED_AT + timedelta(days=1)}, ExpiredError),
        (signed(), {"now": ISSUED_AT - timedelta(seconds=61)}, NotYetValidError),
        (signed(), {"previous_sequence": 13}, RejectedError),
    ],
)
def test_T03_A47_a_list_of_another_type_signer_or_time_or_an_older_one_is_refused(raw, changes, error):
    with pytest.raises(error):
        verify(raw, **changes)


def test_T03_a_list_signed_with_another_algorithm_is_refused():
    ed25519 = SoftwareSigner.generate("Ed25519")
    with pytest.raises(AlgorithmNotAllowedError):
        verify(signed(signer=ed25519), signer_key=ed25519.public_key)


def test_T03_a_list_holds_to_the_last_second_before_next_update_and_its_number_may_stay():
    read = verify(signed(), now=ISSUED_AT + timedelta(days=1, seconds=-1), previous_sequence=12)
    read.verify_current(ISSUED_AT + timedelta(days=1, seconds=-1))
    with pytest.raises(ExpiredError):
        read.verify_current(ISSUED_AT + timedelta(days=1))


Change = Callable[[dict[str, Any]], Any]


def scheme_without(name: str) -> Change:
    return lambda value: value["LoTE"]["ListAndSchemeInformation"].pop(name)


def scheme_with(name: str, changed: Any) -> Change:
    return lambda value: value["LoTE"]["ListAndSchemeInformation"].__setitem__(name, changed)


def entity_with(name: str, changed: Any) -> Change:
    return lambda value: value["LoTE"]["TrustedEntitiesList"][0].__setitem__(name, changed)


def named_with(name: str, changed: Any) -> Change:
    return lambda value: value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityInformation"].__setitem__(name, changed)


def service_with(name: str, changed: Any) -> Change:
    def change(value: dict[str, Any]) -> None:
        services = value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"]
        services[0]["ServiceInformation"][name] = changed

    return change


def identity_with(name: str, changed: Any) -> Change:
    def change(value: dict[str, Any]) -> None:
        services = value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"]
        services[0]["ServiceInformation"]["ServiceDigitalIdentity"][name] = changed

    return change


@pytest.mark.parametrize(
    "change",
    [
        *map(
            scheme_without,
            (
                "LoTEVersionIdentifier",
                "LoTESequenceNumber",
                "SchemeOperatorName",
                "ListIssueDateTime",
                "NextUpdate",
            ),
        ),
        scheme_with("LoTEVersionIdentifier", 2),
        scheme_with("LoTESequenceNumber", 0),
        scheme_with("LoTESequenceNumber", True),
        scheme_with("LoTESequenceNumber", "12"),
        scheme_with("SchemeOperatorName", []),
        scheme_with("SchemeOperatorName", [{"lang": "nl"}]),
        scheme_with("SchemeOperatorName", [{"value": "x"}]),
        scheme_with("SchemeOperatorName", "x"),
        scheme_with("NextUpdate", "2026-05-29"),
        scheme_with("NextUpdate", "2026-05-29T06:00:00"),
        scheme_with("NextUpdate", "2026-13-29T06:00:00Z"),
        scheme_with("NextUpdate", "0001-01-01T00:00:00+23:59"),
        scheme_with("NextUpdate", "2026-05-29T06:00:00Z\n"),
        scheme_with("NextUpdate", 1780000000),
        lambda value: value.__setitem__("LoTE", []),
        lambda value: value.pop("LoTE"),
        lambda value: value["LoTE"].__setitem__("TrustedEntitiesList", {}),
        entity_with("TrustedEntityInformation", []),
        entity_with("TrustedEntityServices", []),
        entity_with("TrustedEntityServices", [1]),
        entity_with("TrustedEntityServices", [{}]),
        named_with("TEName", []),
        named_with("TEAddress", []),
        named_with("otherIdentifier", [1]),
        service_with("ServiceTypeIdentifier", 1),
        service_with("ServiceName", []),
        service_with("ServiceStatus", None),
        service_with("StatusStartingTime", "yesterday"),
        service_with("ServiceDigitalIdentity", []),
        service_with("ServiceInformationExtensions", [1]),
        service_with("ServiceInformationExtensions", [{"credentialTypes": VCT}]),
        identity_with("OtherIds", [1]),
        identity_with("PublicKeyValues", [{"kty": "EC"}]),
        identity_with("PublicKeyValues", [SoftwareSigner.generate().private_jwk()]),
        identity_with("X509Certificates", [{"val": "MII"}]),
        identity_with("X509Certificates", [{"val": "€"}]),
        identity_with("X509Certificates", [{}]),
        identity_with("X509SKIs", ["no base64!"]),
    ],
)
def test_T02_a_list_with_one_thing_missing_or_broken_is_malformed(change):
    value = copy.deepcopy(payload())
    change(value)
    with pytest.raises(MalformedError):
        verify(signed(value))


@pytest.mark.parametrize("moment", ["2026-05-29T06:00:00Z", "2026-05-29T08:00:00+02:00", "2026-05-29T06:00:00.000Z"])
def test_T02_a_moment_is_the_same_in_every_zone(moment):
    value = payload()
    value["LoTE"]["ListAndSchemeInformation"]["NextUpdate"] = moment
    assert verify(signed(value)).next_update == ISSUED_AT + timedelta(days=1)


# Recognition


def test_T06_pointers_to_other_lists_are_read_with_the_keys_that_sign_those():
    pointer = ListPointer("https://other.example/list", (OTHER_KEY,))
    assert verify(signed(payload(pointers=[pointer]))).pointers == (pointer,)
    certified = certificate()
    value = payload(pointers=[pointer])
    scheme = value["LoTE"]["ListAndSchemeInformation"]
    der = base64.b64encode(certified.public_bytes(Encoding.DER)).decode()
    scheme["PointersToOtherLoTE"][0]["ServiceDigitalIdentities"] = [{"X509Certificates": [{"val": der}]}]
    assert verify(signed(value)).pointers[0].keys == (public_key_from(certified.public_key()),)


@pytest.mark.parametrize("identities", [None, [], [{"X509SKIs": ["AQ=="]}]])
def test_T06_a_pointer_without_a_key_vouches_for_nothing(identities):
    value = payload(pointers=[ListPointer("https://other.example/list", (OTHER_KEY,))])
    value["LoTE"]["ListAndSchemeInformation"]["PointersToOtherLoTE"][0]["ServiceDigitalIdentities"] = identities
    assert verify(signed(value)).pointers == ()
    value["LoTE"]["ListAndSchemeInformation"]["PointersToOtherLoTE"] = []
    assert verify(signed(value)).pointers == ()


@pytest.mark.parametrize(
    "pointers",
    [
        {},
        [7],
        [{}],
        [{"LoTELocation": 7}],
        [{"LoTELocation": "/etc/hostname"}],
        [{"LoTELocation": "file:///etc/hostname"}],
        [{"LoTELocation": "https://h.example"}] * 101,
    ],
)
def test_T06_pointers_of_another_shape_are_malformed(pointers):
    value = payload()
    value["LoTE"]["ListAndSchemeInformation"]["PointersToOtherLoTE"] = pointers
    with pytest.raises(MalformedError):
        verify(signed(value))


def test_T04_T06_a_listed_issuer_is_recognised_and_the_answer_says_by_what():
    assert recognise() == Recognition(
        Outcome.RECOGNISED, "Stichting Skills Ecosysteem", "Stichting Techniek", GRANTED_AT
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"identifiers": {DID, "did:web:other.example"}},
        {"identifiers": {URL}},
        {"identifiers": set()},
        {"key": None},
        {"types": {VCT, "other"}},
        {"achievement_type": "MicroCredential"},
        {"at": GRANTED_AT},
    ],
)
def test_T04_one_identifier_or_the_key_is_enough_when_nothing_differs(changes):
    assert recognise(**changes).outcome is Outcome.RECOGNISED


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER_KEY},
        {"identifiers": {"did:web:attacker.example"}},
        {"identifiers": {"Stichting Techniek"}, "key": None},
        {"identifiers": {DID.upper()}},
        {"identifiers": {DID + ":"}},
        {"identifiers": set(), "key": None},
        {"service": "verification"},
        {"at": GRANTED_AT - timedelta(seconds=1)},
    ],
)
def test_T04_A47_another_key_identifier_service_or_an_earlier_time_is_not_listed(changes):
    assert recognise(**changes) == Recognition(Outcome.NOT_LISTED, "Stichting Skills Ecosysteem")


@pytest.mark.parametrize(
    "changes",
    [{"types": {"other"}}, {"types": set()}, {"achievement_type": "Diploma"}, {"achievement_type": None}],
)
def test_T04_A47_an_issuer_outside_its_types_is_known_but_not_for_this_one(changes):
    recognition = recognise(**changes)
    assert (recognition.outcome, recognition.entity_name) == (Outcome.NOT_FOR_THIS_TYPE, "Stichting Techniek")


def test_T04_an_issuer_without_types_is_recognised_for_none():
    assert recognise(service(credential_types=frozenset())).outcome is Outcome.NOT_FOR_THIS_TYPE


def test_T04_an_issuer_without_achievement_types_is_not_limited_in_them():
    unlimited = service(achievement_types=frozenset())
    assert recognise(unlimited, achievement_type=None).outcome is Outcome.RECOGNISED


HISTORY = (ServiceState("withdrawn", WITHDRAWN_AT), ServiceState("granted", GRANTED_AT))


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (WITHDRAWN_AT + timedelta(seconds=1), Outcome.WITHDRAWN),
        (WITHDRAWN_AT, Outcome.WITHDRAWN),
        (WITHDRAWN_AT - timedelta(seconds=1), Outcome.RECOGNISED),
        (GRANTED_AT - timedelta(seconds=1), Outcome.NOT_LISTED),
    ],
)
def test_T04_A47_the_state_at_the_time_of_issuance_decides_and_history_is_consulted(at, outcome):
    assert recognise(service(states=HISTORY), at=at).outcome is outcome


def test_T04_A47_withdrawn_without_history_was_never_granted():
    withdrawn = service(states=(ServiceState("withdrawn", WITHDRAWN_AT),))
    assert recognise(withdrawn, at=NOW) == Recognition(
        Outcome.WITHDRAWN, "Stichting Skills Ecosysteem", "Stichting Techniek", WITHDRAWN_AT
    )
    assert recognise(withdrawn, at=GRANTED_AT).outcome is Outcome.NOT_LISTED


@pytest.mark.parametrize(
    "status",
    [
        "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
        "https://trust.skills.example/status/suspended",
        "https://trust.skills.example/status/Granted",
        "granted",
        "granted/",
    ],
)
def test_T04_a_state_that_is_not_exactly_granted_is_a_withdrawal(status):
    value = payload()
    services = value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"]
    services[0]["ServiceInformation"]["ServiceStatus"] = status
    listed = verify(signed(value)).entities[0].services[0]
    assert listed.states[0].state == "withdrawn"


def test_T04_a_service_of_a_kind_that_is_not_known_recognises_nobody():
    value = payload()
    services = value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"]
    services[0]["ServiceInformation"]["ServiceTypeIdentifier"] = "https://trust.skills.example/svc/archiving"
    assert verify(signed(value)).entities[0].services == ()


def test_T04_A47_listed_certificates_bind_the_key_as_listed_keys_do():
    key = ec.generate_private_key(ec.SECP256R1())
    listed = service(keys=(), certificates=(certificate(key),))
    assert recognise(listed, key=public_key_from(key.public_key())).outcome is Outcome.RECOGNISED
    assert recognise(listed, key=ISSUER_KEY).outcome is Outcome.NOT_LISTED


def test_T04_an_entry_that_states_no_key_leaves_the_key_to_the_identifier():
    assert recognise(service(keys=()), key=OTHER_KEY).outcome is Outcome.RECOGNISED


def test_T05_certificates_are_anchors_and_their_key_identifiers_are_for_dcql():
    listed = service(certificates=(certificate(), certificate(with_ski=False)))
    checking = service(service="verification", certificates=(certificate(),))
    value = payload(listed, checking)
    identity = value["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"][0]["ServiceInformation"]
    identity["ServiceDigitalIdentity"]["X509SKIs"] = ["AgICAg=="]
    read = verify(signed(value))
    assert read.anchors == listed.certificates
    assert read.verifier_anchors == checking.certificates
    assert read.authority_key_identifiers({VCT}, NOW) == {"AQEBAQEBAQEBAQEBAQEBAQEBAQE", "AgICAg"}


def test_T05_a_pinned_certificate_is_found_by_its_issuers_key_identifier_however_many_are_pinned():
    pinned = tuple(certificate(with_ski=False, aki=bytes([number])) for number in range(6))
    read = verify(signed(payload(service(certificates=pinned))))
    assert read.authority_key_identifiers({VCT}, NOW) == {base64url.encode(bytes([number])) for number in range(6)}


def test_T05_only_who_may_issue_the_type_now_is_asked_for_by_key_identifier():
    withdrawn = (ServiceState("withdrawn", WITHDRAWN_AT), ServiceState("granted", GRANTED_AT))
    for changes in ({"states": withdrawn}, {"service": "wallet-provision"}, {"credential_types": frozenset({"x"})}):
        read = verify(signed(payload(service(certificates=(certificate(),), **changes))))
        assert read.authority_key_identifiers({VCT}, NOW) == frozenset()
    read = verify(signed(payload(service(certificates=(certificate(),)))))
    assert read.authority_key_identifiers({VCT}, NOW)
    assert read.authority_key_identifiers({VCT}, GRANTED_AT - timedelta(days=1)) == frozenset()


@pytest.mark.parametrize(
    ("types", "asked", "outcome"),
    [
        (frozenset(), {VCT}, Outcome.RECOGNISED),
        (frozenset({VCT}), {VCT}, Outcome.RECOGNISED),
        (frozenset({VCT}), set(), Outcome.RECOGNISED),
        (frozenset({VCT}), {VCT, "other"}, Outcome.NOT_FOR_THIS_TYPE),
    ],
)
def test_T10_a_verifier_is_recognised_for_the_types_that_it_may_ask_for(types, asked, outcome):
    listed = service(service="verification", credential_types=types)
    recognition = recognise(listed, service="verification", types=asked, achievement_type=None)
    assert recognition.outcome is outcome


def test_T06_a_withdrawal_wins_over_a_recognition_and_that_over_another_type():
    withdrawn = service(states=HISTORY)
    other_type = service(credential_types=frozenset({"other"}))
    assert recognise(service(), withdrawn).outcome is Outcome.WITHDRAWN
    assert recognise(other_type, service()).outcome is Outcome.RECOGNISED
    assert recognise(other_type).outcome is Outcome.NOT_FOR_THIS_TYPE


@pytest.mark.parametrize(
    ("identifiers", "at", "outcome"),
    [
        ({URL}, NOW, Outcome.RECOGNISED),
        ({"https://attacker.example"}, NOW, Outcome.NOT_LISTED),
        (set(), NOW, Outcome.NOT_LISTED),
        ({URL}, GRANTED_AT - timedelta(days=1), Outcome.NOT_LISTED),
    ],
)
def test_T10_a_party_is_known_by_its_identifier_before_it_signed_anything(identifiers, at, outcome):
    read = verify(signed())
    assert read.recognise_party(identifiers=identifiers, service="issuance", at=at).outcome is outcome


def test_T05_T10_a_party_that_signed_is_known_by_its_own_listed_certificate_and_key():
    public, x5c = CERTIFIED.signer.public_key, [CERTIFIED.x5c]
    read = verify(signed(payload(service(keys=(), certificates=(CERTIFIED.certificate,)))))

    def outcome(**party):
        return read.recognise_party(service="issuance", at=NOW, **party).outcome

    assert outcome(identifiers={"x509_hash:x"}, key=public, x5c=x5c) is Outcome.RECOGNISED
    assert outcome(identifiers={URL}, key=public) is Outcome.RECOGNISED
    assert outcome(identifiers={URL}, key=OTHER_KEY, x5c=[create_leaf(AUTHORITY, NOW).x5c]) is Outcome.NOT_LISTED
    assert outcome(identifiers={"x509_hash:x"}, key=public) is Outcome.NOT_LISTED


def test_T05_T10_a_party_that_is_certified_under_a_listed_authority_is_the_one_that_the_entry_names():
    read = verify(signed(payload(service(keys=(), certificates=(AUTHORITY.certificate,)))))
    party = {"key": CERTIFIED.signer.public_key, "x5c": [CERTIFIED.x5c], "service": "issuance", "at": NOW}
    assert read.recognise_party(identifiers={URL}, **party).outcome is Outcome.RECOGNISED
    assert read.recognise_party(identifiers={"https://other.example"}, **party).outcome is Outcome.NOT_LISTED


def test_T10_a_party_of_another_service_or_a_withdrawn_one_is_not_recognised():
    read = verify(signed(payload(service(states=HISTORY))))
    assert read.recognise_party(identifiers={URL}, service="issuance", at=NOW).outcome is Outcome.WITHDRAWN
    assert read.recognise_party(identifiers={URL}, service="verification", at=NOW).outcome is Outcome.NOT_LISTED


@given(json_values() | nearly(payload(service(certificates=(certificate(),), states=HISTORY))))
def test_T02_no_payload_makes_reading_fail_otherwise_than_said(value):
    try:
        raw = signed(value if isinstance(value, dict) else {"LoTE": value})
    except UnicodeEncodeError:
        return
    try:
        read = verify(raw)
    except CredentialError:
        return
    found = read.recognise(
        identifiers={DID}, key=ISSUER_KEY, service="issuance", types={VCT}, achievement_type="Badge", at=NOW
    )
    assert found.outcome in Outcome


# Chains


def certified(*services: TrustedService, **changes: Any) -> Outcome:
    asked: dict[str, Any] = {"key": CERTIFIED.signer.public_key, "x5c": [CERTIFIED.x5c]}
    return recognise(*services, **{**asked, **changes}).outcome


def test_T05_who_is_certified_under_a_listed_certificate_and_identified_beside_it_is_the_listed_party():
    listed = service(certificates=(AUTHORITY.certificate,), keys=())
    assert certified(listed) is Outcome.RECOGNISED
    assert certified(listed, identifiers={"did:web:other.example"}) is Outcome.NOT_LISTED
    assert certified(listed, x5c=()) is Outcome.NOT_LISTED
    assert certified(listed, x5c=["AAAA"]) is Outcome.NOT_LISTED
    assert certified(listed, x5c=[create_leaf(create_authority(NOW), NOW).x5c]) is Outcome.NOT_LISTED
    assert certified(listed, key=OTHER_KEY) is Outcome.NOT_LISTED
    assert certified(listed, at=NOW + timedelta(days=40)) is Outcome.NOT_LISTED
    assert certified(service(keys=()), service(certificates=(AUTHORITY.certificate,), keys=())) is Outcome.RECOGNISED


def test_T05_a_badge_that_is_dated_back_to_its_day_may_be_older_than_its_certificate():
    long_ago = (ServiceState("granted", NOW - timedelta(days=400)),)
    listed = service(certificates=(AUTHORITY.certificate,), keys=(), states=long_ago)
    assert certified(listed, at=NOW - timedelta(days=40)) is Outcome.RECOGNISED


def test_T05_an_authority_that_is_listed_alone_certifies_many_and_names_none_of_them():
    listed = service(certificates=(AUTHORITY.certificate,), keys=(), identifiers=frozenset())
    assert certified(listed) is Outcome.NOT_LISTED
    assert certified(listed, identifiers={""}) is Outcome.NOT_LISTED
    pinned = service(certificates=(CERTIFIED.certificate,), keys=(), identifiers=frozenset())
    assert certified(pinned, identifiers={""}) is Outcome.RECOGNISED


# Wallet providers


def test_T05_wallet_providers_are_read_with_their_authorities_and_keys_and_are_nobody_elses():
    anchor = certificate()
    listed = service(service="wallet-provision", certificates=(anchor,), keys=(OTHER_KEY,), identifiers=frozenset())
    read = verify(signed(payload(listed, service())))
    assert [found.service for entity in read.entities for found in entity.services] == ["wallet-provision", "issuance"]
    assert read.wallet_provider_anchors == (anchor,)
    assert read.wallet_provider_keys == {OTHER_KEY.thumbprint: OTHER_KEY}
    assert (read.anchors, read.verifier_anchors) == ((), ())


def test_T04_T06_wallet_providers_are_recognised_by_authority_or_key_and_withdrawn_first():
    anchor, other = certificate(), certificate()
    by_authority = service(service="wallet-provision", certificates=(anchor,), keys=(), identifiers=frozenset())
    by_key = service(service="wallet-provision", keys=(OTHER_KEY,), identifiers=frozenset({DID}))
    withdrawn = (ServiceState("withdrawn", WITHDRAWN_AT), ServiceState("granted", GRANTED_AT))
    gone = service(service="wallet-provision", keys=(OTHER_KEY,), states=withdrawn)

    def outcome(*services: TrustedService, **changes: Any) -> Outcome:
        asked = {"key": OTHER_KEY, "anchor": anchor, "types": None, "at": NOW, **changes}
        return verify(signed(payload(*services))).recognise_wallet_provider(**asked).outcome

    assert outcome(by_authority) is Outcome.RECOGNISED
    assert outcome(by_key, anchor=None) is Outcome.RECOGNISED
    assert outcome(by_authority, anchor=None) is Outcome.NOT_LISTED
    assert outcome(by_authority, anchor=other) is Outcome.NOT_LISTED
    assert outcome(service(keys=(OTHER_KEY,)), anchor=None) is Outcome.NOT_LISTED
    assert outcome(by_authority, gone) is Outcome.WITHDRAWN
    assert outcome(by_authority, gone, at=WITHDRAWN_AT - timedelta(days=1)) is Outcome.RECOGNISED
    assert outcome(by_authority, types={VCT}) is Outcome.RECOGNISED
    assert outcome(by_authority, types={"other"}) is Outcome.NOT_FOR_THIS_TYPE


def test_T04_the_key_of_an_archive_is_named_by_the_entry_of_its_issuer() -> None:
    def entity(did: str, service: Service, *keys: str) -> TrustedEntity:
        states = (ServiceState("granted", NOW - timedelta(days=1)),)
        named = TrustedService("x", service, states, identifiers=frozenset({did}), archive_keys=frozenset(keys))
        return TrustedEntity({"nl": "Naam"}, (named,))

    school, other = "did:web:school.example", "did:web:other.example"
    payload = create_trust_list(
        scheme="https://trust.example",
        operator_names={"nl": "Naam"},
        territory="NL",
        sequence=1,
        issued_at=NOW,
        next_update=NOW + timedelta(days=1),
        entities=[
            entity(school, "issuance", "one"),
            entity(school, "issuance", "two"),
            entity(school, "verification", "three"),
            entity(other, "issuance"),
        ],
    )
    signer = SoftwareSigner.generate()
    raw = sign_trust_list(payload, signer=signer, header={"kid": "1"})
    found = verify_trust_list(raw, signer_key=signer.public_key, now=NOW, previous_sequence=None)
    assert found.find_archive_keys(school) == {"one", "two"}
    assert found.find_archive_keys(other) == frozenset()
    assert found.find_archive_keys("did:web:nobody.example") is None

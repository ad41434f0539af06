"""kernel.status.bitstring_status_list. W3C Bitstring Status List 1.0; PROFILE.md K-80.1 to K-80.4, A-43, A-46."""

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel import base64url
from kernel.data_integrity import add_proof
from kernel.did import resolve_static_did
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    RejectedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import sign_jwt
from kernel.keys import PublicKey, SoftwareSigner
from kernel.status.bitstring_status_list import (
    TYP,
    Bitstring,
    EntryStatus,
    UnverifiedStatusListCredential,
    VerifiedBitstringStatusList,
    create_status_list_credential,
    encode_segments,
    parse_status_list_credential,
    sign_as_jwt,
    sign_with_proof,
    verify_status_list_credential,
)
from kernel.status.messages import MESSAGES as MESSAGES_OF_OURS
from kernel.status.messages import SIZE, StatusMessage, find_message, message_of
from kernel.status.problems import (
    STATUS_LIST_LENGTH_ERROR,
    STATUS_RETRIEVAL_ERROR,
    STATUS_VERIFICATION_ERROR,
    StatusIndexError,
    StatusListLengthError,
    status_problem_type,
)
from kernel.status.segments import MAX_LIST_BYTES, pack_segment
from kernel.status.token_status_list import MINIMUM_SIZE, Status
from tests.support.effort import count_bytes, count_calls
from tests.support.json_values import json_values, nearly

URI = "https://status.skills.example/bsl/7"
ISSUER = "did:web:issuer.skills.example:hogeschool"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ED25519, ES256 = SoftwareSigner.generate("Ed25519"), SoftwareSigner.generate("ES256")
SUITES = frozenset({"eddsa-rdfc-2022", "ecdsa-rdfc-2019"})
ALGORITHMS = frozenset({"ES256", "Ed25519"})
# §2.2, Example 3: 131,072 zeros.
PUBLISHED = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"

Secure = Callable[[Mapping[str, Any]], str]


def method(signer: SoftwareSigner) -> str:
    return f"{ISSUER}#{signer.algorithm.lower()}"


def with_proof(document: Mapping[str, Any], signer: SoftwareSigner = ED25519) -> str:
    return sign_with_proof(document, signer=signer, verification_method=method(signer), created_at=NOW)


def as_jwt(document: Mapping[str, Any], signer: SoftwareSigner = ES256) -> str:
    return sign_as_jwt(document, signer=signer, verification_method=method(signer))


BOTH = pytest.mark.parametrize("secure", [with_proof, as_jwt])


def find_key(url: str, relation: str) -> PublicKey:
    for signer in (ED25519, ES256):
        if (url, relation) == (method(signer), "assertionMethod"):
            return signer.public_key
    raise UntrustedIssuerError("no such key")


def bitstring(*indexes: int) -> Bitstring:
    made = Bitstring()
    for index in indexes:
        made.set(index, 1)
    return made


def document(subject: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A valid list in which entry 7 is set, with anything changed; `...` leaves a member out."""
    made = create_status_list_credential(
        bitstring(7).encode(),
        uri=URI,
        issuer=ISSUER,
        purpose="revocation",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
        ttl=timedelta(hours=1),
    )
    made["credentialSubject"] = without_gaps({**made["credentialSubject"], **(subject or {})})
    return without_gaps({**made, **changes})


def without_gaps(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}


def verify(raw: str | UnverifiedStatusListCredential, **changes: Any) -> VerifiedBitstringStatusList:
    expected: dict[str, Any] = {
        "uri": URI,
        "issuer": ISSUER,
        "find_key": find_key,
        "cryptosuites": SUITES,
        "algorithms": ALGORITHMS,
        "now": NOW,
    }
    return verify_status_list_credential(raw, **{**expected, **changes})


# Bits and bytes


def test_K80_2_the_published_list_is_131072_zeros_and_ours_says_the_same():
    read = Bitstring.decode(PUBLISHED)
    assert len(read) == len(Bitstring()) == MINIMUM_SIZE == 131_072
    assert not any(bytes(read))
    assert bytes(Bitstring.decode(Bitstring().encode())) == bytes(read)


def test_K80_2_the_first_entry_is_the_left_most_bit():
    assert bytes(bitstring(0, 9))[:2] == bytes([0b10000000, 0b01000000])


def test_K80_1_entries_of_more_bits_stand_one_behind_the_other():
    made = Bitstring()
    made.set(1, 0b101, size=3)
    made.set(2, 0b011, size=3)
    assert bytes(made)[:2] == bytes([0b00010101, 0b10000000])
    assert [made.get(index, size=3) for index in range(4)] == [0, 5, 3, 0]


@given(st.integers(1, 8), st.data())
def test_K80_2_what_was_written_is_read_and_neighbours_stay(size, data):
    values = data.draw(st.lists(st.integers(0, 2**size - 1), min_size=1, max_size=40))
    made = Bitstring(512)
    for index, value in enumerate(values):
        made.set(index, 2**size - 1, size)
        made.set(index, value, size)
    assert [made.get(index, size) for index in range(len(values))] == values
    assert bytes(Bitstring.decode(made.encode())) == bytes(made)
    assert made.encode() == encode_segments([pack_segment(bytes(made))])


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (64, 1), (10**30, 1), (8, 8), (21, 3)])
def test_K80_3_A46_an_index_outside_the_list_is_no_status(index, size):
    made = Bitstring(64)
    with pytest.raises(StatusIndexError):
        made.get(index, size)
    with pytest.raises(StatusIndexError):
        made.set(index, 0, size)


@pytest.mark.parametrize("length", [0, -8, 7])
def test_a_bitstring_of_no_or_broken_bytes_is_our_own_mistake(length):
    with pytest.raises(ValueError, match="whole bytes"):
        Bitstring(length)


@pytest.mark.parametrize("value", [-1, 2])
def test_a_status_that_does_not_fit_its_entry_is_our_own_mistake(value):
    with pytest.raises(ValueError, match="does not fit"):
        Bitstring().set(0, value)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        PUBLISHED[1:],
        "z" + PUBLISHED[1:],
        "U" + PUBLISHED[1:],
        PUBLISHED + "=",
        PUBLISHED[:-4],
        PUBLISHED + "AAAA",
        "ueNrbuRgAAhcBXQ",
    ],
)
def test_K80_2_a_list_in_another_encoding_cut_short_or_longer_is_refused(encoded):
    with pytest.raises(MalformedError):
        Bitstring.decode(encoded)


def test_K79_A43_a_bomb_is_refused_before_it_is_unpacked():
    bomb = encode_segments([pack_segment(bytes(MAX_LIST_BYTES))] * 100)

    def decode():
        with pytest.raises(MalformedError, match="larger"):
            Bitstring.decode(bomb)

    assert count_bytes(decode) < 4 * MAX_LIST_BYTES


# The list credential


@BOTH
def test_K80_2_a_created_list_is_verified_and_says_what_was_put_in(secure: Secure):
    verified = verify(secure(document()))
    assert (verified.uri, verified.issued_at, verified.expires_at) == (URI, NOW, NOW + timedelta(days=1))
    assert verified.ttl == timedelta(hours=1)
    assert verified.purposes == {"revocation"}
    assert verified.byte_length == 16_384
    assert verified.get(7, purpose="revocation") == EntryStatus(Status.INVALID, 1)
    assert verified.get(8, purpose="revocation") == EntryStatus(Status.VALID, 0)


def test_K80_2_the_list_has_the_form_of_the_worked_example(profile_vectors):
    example = profile_vectors["bsl"]["signed"]
    made = json.loads(with_proof(document()))
    assert {**made["credentialSubject"], "encodedList": ...} == {**example["credentialSubject"], "encodedList": ...}
    assert {name: made[name] for name in made if name not in ("credentialSubject", "proof")} == {
        name: example[name] for name in example if name not in ("credentialSubject", "proof")
    }
    assert made["proof"].keys() == example["proof"].keys()
    assert made["proof"]["cryptosuite"] == example["proof"]["cryptosuite"] == "eddsa-rdfc-2022"


def test_K80_3_the_worked_example_of_the_profile_is_verified(profile_vectors):
    example = profile_vectors["bsl"]
    methods = profile_vectors["did_document"]["verificationMethod"]
    keys = {entry["id"]: entry["publicKeyMultibase"] for entry in methods if "publicKeyMultibase" in entry}

    def find_published_key(url: str, relation: str) -> PublicKey:
        did = f"did:key:{keys[url]}"
        return resolve_static_did(did).find_key(f"{did}#{keys[url]}", relation="assertionMethod")

    verified = verify(json.dumps(example["signed"]), find_key=find_published_key)
    found = [index for index in range(MINIMUM_SIZE) if verified.entries.get(index)]
    assert found == example["set_indices"]


def test_K80_2_a_p256_key_signs_with_its_own_suite():
    raw = with_proof(document(), ES256)
    assert json.loads(raw)["proof"]["cryptosuite"] == "ecdsa-rdfc-2019"
    assert verify(raw).key == ES256.public_key


def test_K66_a_list_as_jwt_is_the_document_itself():
    token = parse_status_list_credential(as_jwt(document())).jwt
    assert token is not None
    assert token.header == {"alg": "ES256", "typ": "vc+jwt", "cty": "vc", "kid": method(ES256)}
    assert token.payload == document()
    read = parse_status_list_credential(as_jwt(document()).encode())
    assert verify(read).key == ES256.public_key


def test_K80_3_a_list_says_which_keys_it_needs():
    assert parse_status_list_credential(as_jwt(document())).verification_methods == {method(ES256)}
    assert parse_status_list_credential(with_proof(document())).verification_methods == {method(ED25519)}


@pytest.mark.parametrize("secure", [with_proof, as_jwt])
def test_a_list_with_less_in_it_is_read(secure: Secure):
    made = document({"ttl": ..., "id": ...}, id=..., validUntil=...)
    verified = verify(secure(made))
    assert (verified.ttl, verified.expires_at) == (None, None)
    assert verified.fresh_until(NOW) == NOW + timedelta(minutes=15)


def test_K75_a_copy_is_used_for_ttl_and_never_past_the_end():
    verified = verify(with_proof(document({"ttl": 3_600_000})))
    assert verified.fresh_until(NOW) == NOW + timedelta(hours=1)
    late = NOW + timedelta(hours=23, minutes=30)
    assert verified.fresh_until(late) == NOW + timedelta(days=1)
    assert verify(as_jwt(document({"ttl": 10**15}))).ttl == timedelta(days=366)


def changed_jwt(raw: str) -> str:
    head, payload, signature = raw.split(".")
    members = json.loads(base64url.decode(payload)) | {"validUntil": "2030-01-01T00:00:00Z"}
    return ".".join([head, base64url.encode(json.dumps(members).encode()), signature])


SECOND = timedelta(seconds=1)
MINUTE = timedelta(seconds=60)


@BOTH
@pytest.mark.parametrize(
    ("changes", "expected", "error"),
    [
        ({"type": ["VerifiableCredential"]}, {}, WrongTypeError),
        ({"id": URI + "8"}, {}, WrongTypeError),
        ({}, {"uri": URI + "?timestamp=2026-11-21T12:00:00Z"}, WrongTypeError),
        ({}, {"issuer": ISSUER + ":other"}, WrongTypeError),
        ({"validUntil": "2026-11-21T11:58:59Z", "validFrom": "2026-11-20T00:00:00Z"}, {}, ExpiredError),
        ({}, {"now": NOW + timedelta(days=1) + MINUTE}, ExpiredError),
        ({}, {"now": NOW - MINUTE - SECOND}, NotYetValidError),
        ({}, {"previously_issued_at": NOW + SECOND}, RejectedError),
        ({"validFrom": ...}, {}, MalformedError),
    ],
)
def test_K80_3_A46_a_list_of_the_wrong_kind_issuer_place_or_time_is_refused(
    secure: Secure, changes: dict[str, Any], expected: dict[str, Any], error: type[CredentialError]
):
    with pytest.raises(error):
        verify(secure(document(**changes)), **expected)


@BOTH
def test_A46_the_list_seen_before_may_come_again(secure: Secure):
    assert verify(secure(document()), previously_issued_at=NOW).get(7, purpose="revocation").status is Status.INVALID


def test_K80_3_A46_a_list_whose_proof_does_not_hold_is_refused():
    changed = {**json.loads(with_proof(document())), "validUntil": "2030-01-01T00:00:00Z"}
    with pytest.raises(InvalidSignatureError):
        verify(json.dumps(changed))
    with pytest.raises(InvalidSignatureError):
        verify(with_proof(document()), find_key=lambda *_: SoftwareSigner.generate("Ed25519").public_key)
    with pytest.raises(AlgorithmNotAllowedError):
        verify(with_proof(document()), cryptosuites=frozenset({"ecdsa-rdfc-2019"}))
    with pytest.raises(MalformedError):
        verify(json.dumps(document()))


def test_K80_3_A46_a_list_whose_jwt_does_not_hold_is_refused():
    with pytest.raises(InvalidSignatureError):
        verify(changed_jwt(as_jwt(document())))
    with pytest.raises(InvalidSignatureError):
        verify(as_jwt(document()), find_key=lambda *_: SoftwareSigner.generate("ES256").public_key)
    with pytest.raises(AlgorithmNotAllowedError):
        verify(as_jwt(document()), algorithms=frozenset({"Ed25519"}))


@pytest.mark.parametrize("typ", ["JWT", "vc+sd-jwt", "statuslist+jwt", "kb+jwt"])
def test_A03_a_jwt_of_another_type_is_no_list(typ):
    raw = sign_jwt(document(), signer=ES256, typ=typ, header={"kid": method(ES256)})
    with pytest.raises(WrongTypeError):
        verify(raw)


def test_K66_a_jwt_names_its_key_and_no_other_issuer():
    with pytest.raises(MalformedError):
        verify(sign_jwt(document(), signer=ES256, typ=TYP))
    with pytest.raises(WrongTypeError):
        verify(as_jwt(document(iss="did:web:other.example")))
    assert verify(as_jwt(document(iss=ISSUER))).key == ES256.public_key


def test_K66_the_times_of_a_jwt_count_too():
    seconds = int(NOW.timestamp())
    with pytest.raises(ExpiredError):
        verify(as_jwt(document(exp=seconds - 60)))
    with pytest.raises(NotYetValidError):
        verify(as_jwt(document(nbf=seconds + 61)))


@pytest.mark.parametrize("claim", ["vc", "vp"])
def test_K66_a_credential_in_a_claim_of_its_own_is_refused(claim):
    with pytest.raises(MalformedError):
        verify(as_jwt(document(**{claim: document()})))


def test_A04_a_key_that_may_not_sign_credentials_is_refused():
    raw = sign_as_jwt(document(), signer=ES256, verification_method=f"{ISSUER}#authentication")
    with pytest.raises(UntrustedIssuerError):
        verify(raw)
    raw = sign_with_proof(document(), signer=ED25519, verification_method=f"{ISSUER}#authentication", created_at=NOW)
    with pytest.raises(UntrustedIssuerError):
        verify(raw)


def test_A19_a_proof_for_another_purpose_is_refused():
    secured = add_proof(
        document(),
        cryptosuite="eddsa-rdfc-2022",
        signer=ED25519,
        verification_method=method(ED25519),
        proof_purpose="authentication",
        created_at=NOW,
    )
    with pytest.raises(WrongTypeError):
        verify(json.dumps(secured))


@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        ({}, {"@context": ...}),
        ({}, {"@context": []}),
        ({}, {"@context": "https://www.w3.org/ns/credentials/v2"}),
        ({}, {"@context": ["https://www.w3.org/2018/credentials/v1"]}),
        ({}, {"type": "BitstringStatusListCredential"}),
        ({}, {"type": ...}),
        ({}, {"id": 7}),
        ({}, {"issuer": ...}),
        ({}, {"issuer": {"name": "nobody"}}),
        ({}, {"validFrom": "2026-11-21"}),
        ({}, {"validUntil": None}),
        ({}, {"credentialSubject": ...}),
        ({}, {"credentialSubject": []}),
        ({"type": ...}, {}),
        ({"type": "StatusList2021"}, {}),
        ({"statusPurpose": ...}, {}),
        ({"statusPurpose": []}, {}),
        ({"statusPurpose": 1}, {}),
        ({"encodedList": ...}, {}),
        ({"encodedList": 1}, {}),
        ({"encodedList": "u"}, {}),
        ({"ttl": 0}, {}),
        ({"ttl": -1}, {}),
        ({"ttl": "3600000"}, {}),
        ({"ttl": True}, {}),
    ],
)
def test_K80_3_a_list_that_is_none_is_refused(subject, changes):
    with pytest.raises((MalformedError, WrongTypeError)):
        verify(as_jwt(document(subject, **changes)))


def test_an_issuer_with_a_name_and_a_subject_of_one_type_in_an_array_are_read():
    verified = verify(as_jwt(document({"type": ["BitstringStatusList"]}, issuer={"id": ISSUER, "name": "Hogeschool"})))
    assert verified.get(7, purpose="revocation").status is Status.INVALID


# What an entry says


@pytest.mark.parametrize(
    ("purpose", "set_", "unset"),
    [
        ("revocation", Status.INVALID, Status.VALID),
        ("suspension", Status.SUSPENDED, Status.VALID),
        ("message", Status.VALID, Status.VALID),
        ("refresh", Status.VALID, Status.VALID),
        ("anything else", Status.UNASSIGNED, Status.VALID),
    ],
)
def test_K80_1_each_purpose_has_its_meaning(purpose, set_, unset):
    verified = verify(as_jwt(document({"statusPurpose": purpose})))
    assert [verified.get(index, purpose=purpose).status for index in (7, 8)] == [set_, unset]


def test_K80_3_one_list_may_serve_several_purposes():
    verified = verify(with_proof(document({"statusPurpose": ["revocation", "suspension"]})))
    assert verified.get(7, purpose="revocation").status is Status.INVALID
    assert verified.get(7, purpose="suspension").status is Status.SUSPENDED


@pytest.mark.parametrize("purpose", ["suspension", "message", "Revocation", "", None])
def test_K80_3_A46_a_list_for_another_purpose_says_nothing(purpose):
    with pytest.raises(WrongTypeError):
        verify(as_jwt(document())).get(7, purpose=purpose)


def test_K80_1_a_message_is_told_in_the_words_of_the_credential():
    made = Bitstring(2 * MINIMUM_SIZE)
    made.set(9, 2, size=2)
    verified = verify(as_jwt(document({"statusPurpose": "message", "encodedList": made.encode()})))
    assert verified.get(9, purpose="message", size=2, messages=MESSAGES) == EntryStatus(Status.VALID, 2, "rejected")
    unset = verified.get(8, purpose="message", size=2, messages=MESSAGES)
    assert unset == EntryStatus(Status.VALID, 0, "pending_review")
    assert verified.get(9, purpose="message", size=2) == EntryStatus(Status.VALID, 2)


MESSAGES = [(0, "pending_review"), (1, "accepted"), (2, "rejected"), (3, "undefined")]


def message_list(subject: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A list of two bits an entry that says what they mean, with entry 9 set."""
    made = Bitstring(2 * MINIMUM_SIZE)
    made.set(9, 2, size=2)
    created = create_status_list_credential(
        made.encode(),
        uri=URI,
        issuer=ISSUER,
        purpose="message",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
        ttl=timedelta(hours=1),
        size=2,
        messages=MESSAGES,
    )
    return document({**created["credentialSubject"], **(subject or {})})


def test_K80_1_a_list_may_say_itself_what_its_messages_are():
    verified = verify(as_jwt(message_list()))
    assert verified.get(9, purpose="message", size=2) == EntryStatus(Status.VALID, 2, "rejected")
    ours = verified.get(9, purpose="message", size=2, messages=[(2, "geweigerd")])
    assert ours.message == "geweigerd"


def test_K80_1_our_messages_have_a_word_for_each_value_of_an_entry():
    assert MESSAGES_OF_OURS == ((0, "no_message"), (1, "newer_version"), (2, "under_review"), (3, "contact_issuer"))
    assert len(MESSAGES_OF_OURS) == 2**SIZE
    assert [find_message(word) for _, word in MESSAGES_OF_OURS] == list(StatusMessage)
    assert [message_of(value) for value, _ in MESSAGES_OF_OURS] == list(StatusMessage)


@pytest.mark.parametrize("word", [None, "", "Newer_version", "NEWER_VERSION", "accepted", "undefined"])
def test_K80_1_a_message_that_nobody_here_knows_is_none_of_ours(word):
    assert find_message(word) is None


def test_K80_1_an_entry_of_another_size_than_its_list_is_refused():
    with pytest.raises(MalformedError):
        verify(as_jwt(message_list())).get(9, purpose="message")


def test_K64_a_proof_that_would_not_cover_the_messages_is_refused():
    with pytest.raises(MalformedError):
        with_proof(message_list())


@pytest.mark.parametrize(
    "subject",
    [
        {"statusSize": 0},
        {"statusSize": "2"},
        {"statusMessages": []},
        {"statusMessages": {}},
        {"statusMessages": ["0x0"]},
        {"statusMessages": [{"status": 0, "message": "x"}]},
        {"statusMessages": [{"status": "2", "message": "x"}]},
        {"statusMessages": [{"status": "0x2"}]},
    ],
)
def test_K80_1_messages_that_cannot_be_read_are_refused(subject):
    with pytest.raises(MalformedError):
        verify(as_jwt(message_list(subject)))


def test_K80_3_A45_a_list_with_too_few_entries_is_refused():
    short = verify(as_jwt(document({"encodedList": Bitstring(MINIMUM_SIZE - 8).encode()})))
    with pytest.raises(StatusListLengthError):
        short.get(7, purpose="revocation")
    with pytest.raises(StatusListLengthError):
        verify(as_jwt(document())).get(7, purpose="revocation", size=2)


@pytest.mark.parametrize("size", [0, -1, 9])
def test_K80_1_an_entry_of_no_or_too_many_bits_is_refused(size):
    with pytest.raises(MalformedError):
        verify(as_jwt(document())).get(7, purpose="revocation", size=size)


def test_K80_3_A46_an_index_beyond_the_list_is_refused():
    with pytest.raises(StatusIndexError):
        verify(as_jwt(document())).get(MINIMUM_SIZE, purpose="revocation")


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (UndecidedError(), STATUS_RETRIEVAL_ERROR),
        (InvalidSignatureError(), STATUS_VERIFICATION_ERROR),
        (WrongTypeError(), STATUS_VERIFICATION_ERROR),
        (StatusListLengthError(), STATUS_LIST_LENGTH_ERROR),
        (StatusIndexError(), "https://www.w3.org/TR/vc-data-model#RANGE_ERROR"),
        (MalformedError(), "https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR"),
    ],
)
def test_K80_3_every_refusal_has_its_problem_type(error, problem):
    assert status_problem_type(error) == problem
    assert STATUS_RETRIEVAL_ERROR == "https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR"


# Strangers


def signed(payload: Any) -> str:
    """A JWT over anything, also over what our own writer of JSON would not write."""
    header = {"alg": "ES256", "typ": TYP, "kid": method(ES256)}
    signing_input = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, payload))
    return f"{signing_input}.{base64url.encode(ES256.sign(signing_input.encode()))}"


@given(nearly(document()) | json_values())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_K80_3_whatever_is_signed_is_a_list_or_refused(payload):
    for raw in (json.dumps(payload), signed(payload)):
        try:
            assert verify(raw).purposes
        except CredentialError:
            continue


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: gzip.compress(data).hex()))
def test_K80_3_any_text_is_read_or_refused(raw):
    for text in (raw, "{" + raw, f"u{raw}", f"a.{raw}.b"):
        for read in (parse_status_list_credential, Bitstring.decode):
            try:
                read(text)
            except CredentialError:
                continue


@given(st.binary(max_size=200))
def test_K80_3_any_bytes_are_read_or_refused(raw):
    for data in (raw, b"{" + raw, b" {" + raw):
        with suppress(CredentialError):
            assert parse_status_list_credential(data).document is not None


def test_A21_a_list_of_a_million_entries_is_verified_in_as_many_steps_as_a_smaller_one():
    def signed(entries):
        filled = Bitstring(entries)
        for index in range(0, entries, 50):
            filled.set(index, 1)
        return with_proof(document({"encodedList": filled.encode()}))

    smaller, large = signed(200_000), signed(1_000_000)
    # What depends on the contexts alone is there before anything is counted.
    verified = verify(large)
    assert verified.get(50, purpose="revocation").status is Status.INVALID
    assert count_calls(lambda: verify(large)) < 1.5 * count_calls(lambda: verify(smaller))

"""kernel.openid4vp.transaction_data: what somebody agrees to by showing a badge. OpenID4VP 1.0 §8.4, B.3.3; W-54."""

import hashlib
from typing import Any

import pytest

from kernel import base64url, sd_jwt
from kernel.dcql import parse_dcql_query
from kernel.errors import HolderBindingError
from kernel.formats import FORMATS, VerifiedPresentation
from kernel.openid4vp import (
    AGREEMENT,
    INVALID_TRANSACTION_DATA,
    TransactionData,
    UnsupportedRequestError,
    create_agreement,
    create_request_object,
    create_unsigned_parameters,
    create_unsigned_request_link,
    parse_authorization_request_link,
    parse_transaction_data,
    select_hash_algorithm,
    transaction_data_hashes,
    verify_transaction_data,
    verify_unsigned_request,
)
from kernel.sd_jwt import TransactionDataHashes
from kernel.strict_json import encode_json
from tests.support import badges
from tests.support.requests import CLIENT_ID, KID, NOW, QUERY, RESPONSE_URI, VERIFIER, parameters, signed, verify

TYPES = frozenset({AGREEMENT, "example"})
ASKED = parse_dcql_query(QUERY)


def encoded(**changes: Any) -> str:
    members = {"type": "example", "credential_ids": ["badge"], "amount": "12.00", **changes}
    return base64url.encode(encode_json({name: value for name, value in members.items() if value is not ...}))


def agreed(**changes: Any) -> str:
    return encoded(**{"type": AGREEMENT, "amount": ..., "title": "T", "text": "t", **changes})


def parse(*raws: Any) -> tuple[TransactionData, ...]:
    return parse_transaction_data(list(raws), known_types=TYPES, query=ASKED)


def test_W54_transaction_data_says_its_type_credentials_algorithms_and_content():
    raw = encoded(transaction_data_hashes_alg=["sha-512", "sha-256"])
    (entry,) = parse(raw)
    assert (entry.raw, entry.type, entry.credential_ids) == (raw, "example", ("badge",))
    assert entry.hash_algorithms == ("sha-512", "sha-256")
    assert entry.members["amount"] == "12.00"


def test_W54_an_agreement_is_created_and_read():
    agreement = create_agreement(title="Voorwaarden", text="Ik ga akkoord.", credential_ids=["badge", "w3"])
    assert parse(agreement.raw) == (agreement,)
    assert parse(agreed(text="Een.\r\n\tTwee: caf\u00e9, \u05d1\u05d9\u05ea, \u200dz"))[0].type == AGREEMENT
    assert (agreement.members["title"], agreement.members["text"]) == ("Voorwaarden", "Ik ga akkoord.")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        [1],
        ["not base64url!"],
        [base64url.encode(b"[]")],
        [encoded()] * 9,
        [encoded(type=...)],
        [encoded(type="unknown")],
        [encoded(credential_ids=...)],
        [encoded(credential_ids=[])],
        [encoded(credential_ids=["badge", "badge"])],
        [encoded(credential_ids=["other"])],
        [encoded(credential_ids=["whole"])],
        [encoded(transaction_data_hashes_alg=[])],
        [encoded(transaction_data_hashes_alg=["md5"])],
        [encoded(), encoded(type="unknown")],
        [agreed(title=...)],
        [agreed(text=...)],
        [agreed(title="")],
        [agreed(title="T" * 201)],
        [agreed(title="T\u202eT")],
        [agreed(text="t" * 4001)],
        [agreed(text="t\x00")],
        [agreed(text="12\u206634\u2069")],
        [agreed(amount="12.00")],
        [agreed(), agreed(terms="https://verifier.example/terms")],
    ],
)
def test_W54_W53_transaction_data_with_one_thing_wrong_spoils_the_request(value):
    """Mirrors UnknownTransactionDataType."""
    with pytest.raises(UnsupportedRequestError) as refusal:
        parse_transaction_data(value, known_types=TYPES, query=ASKED)
    assert refusal.value.error == INVALID_TRANSACTION_DATA


def test_W54_transaction_data_without_holder_binding_is_refused():
    unbound = {"credentials": [{**QUERY["credentials"][0], "require_cryptographic_holder_binding": False}]}
    with pytest.raises(UnsupportedRequestError):
        parse_transaction_data([encoded()], known_types=TYPES, query=parse_dcql_query(unbound))


def test_W54_a_request_is_read_with_the_types_that_the_caller_knows_and_refused_with_others():
    raw = signed(transaction_data=[encoded()])
    (entry,) = verify(raw, transaction_data_types=TYPES).transaction_data
    assert entry.members["amount"] == "12.00"
    with pytest.raises(UnsupportedRequestError) as refusal:
        verify(raw)
    assert refusal.value.error == INVALID_TRANSACTION_DATA


def test_W54_V03_a_verifier_sends_transaction_data_signed_and_unsigned():
    agreement = create_agreement(title="T", text="t", credential_ids=["badge"])
    question = {
        "response_uri": RESPONSE_URI,
        "nonce": "n",
        "state": "s",
        "dcql_query": QUERY,
        "client_metadata": parameters()["client_metadata"],
        "transaction_data": [agreement],
        "purpose": {"nl": "Waarom"},
    }
    raw = create_request_object(
        signer=VERIFIER,
        key_reference={"kid": KID},
        client_id=CLIENT_ID,
        response_mode="direct_post.jwt",
        issued_at=NOW,
        expires_at=NOW,
        **question,
    )
    assert verify(raw, transaction_data_types=TYPES).transaction_data == (agreement,)
    link = create_unsigned_request_link(create_unsigned_parameters(response_mode="direct_post", **question))
    read = verify_unsigned_request(parse_authorization_request_link(link), now=NOW, transaction_data_types=TYPES)
    assert (read.transaction_data, read.purpose, read.is_signed) == ((agreement,), {"nl": "Waarom"}, False)
    assert read.client_id == f"redirect_uri:{RESPONSE_URI}"


def test_V03_an_unsigned_request_without_purpose_has_no_verifier_info():
    created = create_unsigned_parameters(
        response_mode="direct_post",
        response_uri=RESPONSE_URI,
        nonce="n",
        state="s",
        dcql_query=QUERY,
        client_metadata={},
    )
    assert created.keys().isdisjoint({"verifier_info", "transaction_data"})


# Hashes


def test_W54_a_hash_is_made_over_the_text_as_it_came():
    raw = encoded()
    expected = base64url.encode(hashlib.sha256(raw.encode("ascii")).digest())
    assert transaction_data_hashes(parse(raw), "sha-256") == (expected,)


@pytest.mark.parametrize(
    ("algorithms", "chosen"),
    [
        ([...], "sha-256"),
        ([["sha-512"]], "sha-512"),
        ([["sha-512", "sha-256"]], "sha-256"),
        ([["sha-384", "sha-512"], ["sha-512"]], "sha-512"),
    ],
)
def test_W54_the_algorithm_is_one_that_everything_to_be_signed_allows(algorithms, chosen):
    entries = parse(*(encoded(transaction_data_hashes_alg=each) for each in algorithms))
    assert select_hash_algorithm(entries) == chosen


def test_W54_what_no_one_algorithm_allows_cannot_be_signed_together():
    with pytest.raises(UnsupportedRequestError):
        select_hash_algorithm(parse(encoded(), encoded(transaction_data_hashes_alg=["sha-512"])))


# What was signed


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
def test_W54_a_holder_agrees_with_the_signature_that_shows_the_credential(format_id):
    sent = parse(encoded(), encoded(amount="7"))
    found = verify_presented(format_id, present(format_id, sent))
    assert verify_transaction_data(sent, "badge", found.transaction_data) == sent
    assert verify_transaction_data(sent, "badge", TransactionDataHashes()) == ()


@pytest.mark.parametrize("format_id", ["ldp_vc", "vc+jwt"])
def test_W54_a_presentation_of_another_format_cannot_carry_an_agreement(format_id):
    with pytest.raises(HolderBindingError):
        present(format_id, parse(encoded()))


@pytest.mark.parametrize(
    "claims",
    [
        {"transaction_data_hashes": "x"},
        {"transaction_data_hashes": []},
        {"transaction_data_hashes": [1]},
        {"transaction_data_hashes": ["x"], "transaction_data_hashes_alg": 1},
    ],
)
def test_W54_hashes_in_another_shape_are_refused(claims, monkeypatch):
    sign = sd_jwt.sign_jwt
    monkeypatch.setattr(sd_jwt, "sign_jwt", lambda payload, **how: sign({**payload, **claims}, **how))
    with pytest.raises(HolderBindingError):
        verify_presented("dc+sd-jwt", present("dc+sd-jwt", ()))


def hashes_of(*raws: str, algorithm: str = "sha-256") -> tuple[str, ...]:
    return transaction_data_hashes(parse(*raws), algorithm)


@pytest.mark.parametrize(
    ("sent", "query_id", "signed_hashes"),
    [
        ([encoded()], "badge", TransactionDataHashes(hashes_of(encoded(amount="0")), "sha-256")),
        ([encoded()], "badge", TransactionDataHashes(hashes_of(encoded()) * 2, "sha-256")),
        ([encoded()], "badge", TransactionDataHashes(hashes_of(encoded(), algorithm="sha-512"), "sha-512")),
        ([encoded()], "badge", TransactionDataHashes(hashes_of(encoded()), "md5")),
        ([encoded()], "badge", TransactionDataHashes((), "sha-256")),
        ([encoded()], "w3", TransactionDataHashes(hashes_of(encoded()), "sha-256")),
        ([], "badge", TransactionDataHashes(hashes_of(encoded()), "sha-256")),
        (
            [encoded(transaction_data_hashes_alg=["sha-256"])],
            "badge",
            TransactionDataHashes(hashes_of(encoded(transaction_data_hashes_alg=["sha-256"])), None),
        ),
    ],
)
def test_W54_V24_another_agreement_credential_or_algorithm_than_was_sent_is_refused(sent, query_id, signed_hashes):
    entries = parse(*sent) if sent else ()
    with pytest.raises(HolderBindingError):
        verify_transaction_data(entries, query_id, signed_hashes)


def test_W54_the_algorithm_need_not_be_named_where_the_request_names_none():
    sent = parse(encoded())
    assert verify_transaction_data(sent, "badge", TransactionDataHashes(hashes_of(encoded()))) == sent


def present(format_id: str, sent: tuple[TransactionData, ...]) -> str:
    raw = badges.issue_badge(format_id, status=None)
    hashes = transaction_data_hashes(sent, "sha-256")
    return badges.present_badge(format_id, raw, transaction_data_hashes=hashes)


def verify_presented(format_id: str, presented: str) -> VerifiedPresentation:
    return FORMATS[format_id].verify_presentation(
        presented,
        key=badges.ISSUER_SIGNER.public_key,
        algorithms=badges.ES256,
        audience=badges.AUDIENCE,
        nonce=badges.NONCE,
        now=badges.NOW,
    )

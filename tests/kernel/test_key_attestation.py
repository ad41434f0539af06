"""kernel.openid4vci: key attestations, and key proofs of type `attestation` and `di_vp`. I-50, I-59, A-33."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from kernel.data_integrity import SIGNING_CRYPTOSUITES
from kernel.did import did_jwk, did_key
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    KeyAttesters,
    KeyProof,
    VerifiedKeyAttestation,
    create_di_vp_proof,
    create_key_attestation,
    create_key_proof,
    require_key_properties,
    verify_attestation_proof,
    verify_di_vp_proof,
    verify_key_attestation,
    verify_key_proof,
)
from tests.support.certificates import create_authority, create_leaf
from tests.support.json_values import json_values, nearly

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://issuer.example/stmw"
ES256 = frozenset({"ES256"})
AUTHORITY = create_authority(NOW)
ATTESTER = create_leaf(AUTHORITY, NOW)
KNOWN = SoftwareSigner.generate()
HOLDER, SECOND = SoftwareSigner.generate(), SoftwareSigner.generate()
ATTESTERS = KeyAttesters([AUTHORITY.certificate], {"11": KNOWN.public_key})
MODERATE = ["iso_18045_moderate"]


def created(**changes: Any) -> str:
    values: dict[str, Any] = {
        "signer": ATTESTER.signer,
        "keys": [HOLDER.public_key.jwk, SECOND.public_key.jwk],
        "issued_at": NOW,
        "expires_at": NOW + timedelta(days=1),
        "nonce": "Oba9Tyv6",
        "header": {"x5c": [ATTESTER.x5c]},
    }
    return create_key_attestation(**{**values, **changes})


def attestation(typ: str = "key-attestation+jwt", header: dict[str, Any] | None = None, **changes: Any) -> str:
    keys = [HOLDER.public_key.jwk, {**SECOND.public_key.jwk, "kid": "two"}]
    members = {"iat": AT, "exp": AT + 3600, "attested_keys": keys, "nonce": "Oba9Tyv6", **changes}
    payload = {name: value for name, value in members.items() if value is not ...}
    header = {"x5c": [ATTESTER.x5c]} if header is None else header
    return sign_jwt(payload, signer=ATTESTER.signer, typ=typ, header=header)


def verify(raw: str, **changes: Any) -> VerifiedKeyAttestation:
    expected: dict[str, Any] = {"attesters": ATTESTERS, "algorithms": ES256, "now": NOW, "is_expiry_required": True}
    return verify_key_attestation(raw, **{**expected, **changes})


# Attestations


def test_I50_an_attestation_says_which_keys_are_kept_how_well():
    raw = created(
        key_storage=MODERATE,
        user_authentication=MODERATE,
        certification="https://attester.example/cert#1",
        status={"status_list": {"idx": 3, "uri": "https://attester.example/status"}},
    )
    read = verify(raw)
    assert read.keys == (HOLDER.public_key, SECOND.public_key)
    assert (read.nonce, read.expires_at) == ("Oba9Tyv6", NOW + timedelta(days=1))
    assert (read.key_storage, read.user_authentication) == (("iso_18045_moderate",), ("iso_18045_moderate",))
    assert (read.certification, read.status[0].index) == ("https://attester.example/cert#1", 3)


def test_I50_an_attester_whose_key_is_known_needs_no_certificates():
    assert verify(created(signer=KNOWN, header={"kid": "11"})).key_storage == ()
    for header in ({"kid": "12"}, {}):
        with pytest.raises(UntrustedIssuerError):
            verify(created(signer=KNOWN, header=header))


def test_I50_without_the_jwt_proof_type_an_attestation_need_not_end():
    assert verify(created(expires_at=None), is_expiry_required=False).expires_at is None
    with pytest.raises(MalformedError):
        verify(created(expires_at=None))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"typ": "openid4vci-proof+jwt"}, WrongTypeError),
        ({"typ": "oauth-client-attestation+jwt"}, WrongTypeError),
        ({"header": {"x5c": [create_leaf(AUTHORITY, NOW).x5c]}}, InvalidSignatureError),
        ({"header": {"x5c": [create_leaf(create_authority(NOW), NOW).x5c]}}, UntrustedIssuerError),
        ({"header": {"x5c": [ATTESTER.x5c, AUTHORITY.x5c]}}, UntrustedIssuerError),
        ({"iat": ...}, MalformedError),
        ({"iat": AT + 61}, NotYetValidError),
        ({"exp": ...}, MalformedError),
        ({"exp": AT - 60}, ExpiredError),
        ({"attested_keys": ...}, MalformedError),
        ({"attested_keys": []}, MalformedError),
        ({"attested_keys": ["key"]}, MalformedError),
        ({"attested_keys": [HOLDER.public_key.jwk, HOLDER.public_key.jwk]}, MalformedError),
        ({"attested_keys": [HOLDER.private_jwk()]}, MalformedError),
        ({"attested_keys": [{**HOLDER.public_key.jwk, "kid": 7}]}, MalformedError),
        ({"key_storage": []}, MalformedError),
        ({"user_authentication": "high"}, MalformedError),
        ({"certification": "none"}, MalformedError),
        ({"nonce": ""}, MalformedError),
        ({"status": {}}, MalformedError),
    ],
)
def test_I50_A33_an_attestation_with_one_thing_missing_or_broken_is_refused(changes, error):
    """Mirrors VCIIssuerFailOnInvalidKeyAttestationSignature, among others."""
    with pytest.raises(error):
        verify(attestation(**changes))


def test_I13_the_properties_that_metadata_asks_for_must_be_attested():
    read = verify(created(key_storage=["iso_18045_high", *MODERATE]))
    require_key_properties(read, {})
    require_key_properties(read, {"key_storage": MODERATE})
    for required in ({"key_storage": ["iso_18045_basic"]}, {"key_storage": MODERATE, "user_authentication": MODERATE}):
        with pytest.raises(HolderBindingError):
            require_key_properties(read, required)


# Key proofs with attestations


def prove(raw: str, **changes: Any) -> KeyProof:
    expected: dict[str, Any] = {"audience": ISSUER, "algorithms": ES256, "now": NOW, "attesters": ATTESTERS}
    return verify_key_proof(raw, **{**expected, **changes})


def proof(**changes: Any) -> str:
    values: dict[str, Any] = {"signer": HOLDER, "audience": ISSUER, "nonce": "Oba9Tyv6", "now": NOW}
    return create_key_proof(**{"key_attestation": created(), **values, **changes})


def test_I50_a_proof_with_an_attestation_is_for_all_attested_keys():
    read = prove(proof(key_attestation=created(nonce="another")))
    assert (read.holder_key, read.holder_keys) == (HOLDER.public_key, (HOLDER.public_key, SECOND.public_key))
    assert read.nonces == {"Oba9Tyv6", "another"}


def test_I50_a_proof_without_one_is_for_its_own_key():
    read = prove(proof(key_attestation=None))
    assert (read.holder_keys, read.nonces) == ((HOLDER.public_key,), {"Oba9Tyv6"})


def test_I50_where_nobody_evaluates_attestations_they_count_for_nothing():
    assert prove(proof(key_attestation="nonsense"), attesters=None).holder_keys == (HOLDER.public_key,)
    with pytest.raises(CredentialError):
        prove(proof(key_attestation="nonsense"))


@pytest.mark.parametrize(("key_id", "signer"), [("0", HOLDER), ("1", SECOND), ("two", SECOND)])
def test_I50_a_proof_may_name_its_key_by_the_attestation(key_id, signer):
    read = prove(proof(signer=signer, key_id=key_id, key_attestation=attestation()))
    assert (read.holder_key, read.key_id) == (signer.public_key, None)


@pytest.mark.parametrize("key_id", ["2", "three", "-1", "9" * 30, "²"])
def test_A33_a_proof_that_names_a_key_which_is_not_attested_is_refused(key_id):
    with pytest.raises(HolderBindingError):
        prove(proof(key_id=key_id))


@pytest.mark.parametrize("key_id", [None, f"{did_jwk(KNOWN.public_key.jwk)}#0"])
def test_A33_a_proof_by_a_key_that_is_not_attested_is_refused(key_id):
    with pytest.raises(HolderBindingError):
        prove(proof(signer=KNOWN, key_id=key_id))


def test_I50_the_attestation_of_a_proof_needs_no_nonce_of_its_own_and_the_proof_does():
    """It may be made before anybody knows which issuer it is for. Appendix F.1."""
    read = prove(proof(key_attestation=created(nonce=None)))
    assert (read.holder_keys, read.nonces) == ((HOLDER.public_key, SECOND.public_key), {"Oba9Tyv6"})
    with pytest.raises(MalformedError):
        prove(
            sign_jwt(
                {"aud": ISSUER, "iat": int(NOW.timestamp())},
                signer=HOLDER,
                typ="openid4vci-proof+jwt",
                header={"jwk": HOLDER.public_key.jwk, "key_attestation": created()},
            )
        )


def test_I50_an_attestation_alone_is_a_proof_of_its_own_type():
    read = verify_attestation_proof(created(expires_at=None), attesters=ATTESTERS, algorithms=ES256, now=NOW)
    assert (read.holder_keys, read.nonces) == ((HOLDER.public_key, SECOND.public_key), {"Oba9Tyv6"})
    with pytest.raises(MalformedError):
        verify_attestation_proof(created(nonce=None), attesters=ATTESTERS, algorithms=ES256, now=NOW)


# Presentations as key proofs

SUITES = frozenset({"eddsa-rdfc-2022", "ecdsa-rdfc-2019", "eddsa-jcs-2022"})
EDWARDS = SoftwareSigner.generate("Ed25519")
KEY_ID = f"{did_jwk(EDWARDS.public_key.jwk)}#0"


def presentation(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"signer": EDWARDS, "key_id": KEY_ID, "audience": ISSUER, "nonce": "Oba9Tyv6", "now": NOW}
    return create_di_vp_proof(**{**values, "cryptosuite": "eddsa-rdfc-2022", **changes})


def present(value: dict[str, Any], **changes: Any) -> KeyProof:
    expected: dict[str, Any] = {"audience": ISSUER, "cryptosuites": SUITES, "now": NOW}
    return verify_di_vp_proof(value, **{**expected, **changes})


def test_I59_a_presentation_of_nothing_proves_a_key():
    read = present(presentation())
    assert (read.holder_key, read.nonce, read.key_id) == (EDWARDS.public_key, "Oba9Tyv6", KEY_ID)
    key = did_key(HOLDER.public_key.jwk)
    other = presentation(signer=HOLDER, key_id=f"{key}#{key[8:]}", cryptosuite="ecdsa-rdfc-2019")
    assert present(other).holder_keys == (HOLDER.public_key,)


def test_I59_a_holder_need_not_be_named():
    unnamed = presentation(cryptosuite="eddsa-jcs-2022")
    assert present(unnamed).holder_key == EDWARDS.public_key
    with pytest.raises(InvalidSignatureError):
        present({name: value for name, value in unnamed.items() if name != "holder"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": "https://issuer.example/other"}, AudienceError),
        ({"now": NOW - timedelta(minutes=6, seconds=1)}, ExpiredError),
        ({"now": NOW + timedelta(seconds=61)}, NotYetValidError),
        ({"cryptosuite": "ecdsa-jcs-2019", "signer": HOLDER, "key_id": f"{did_jwk(HOLDER.public_key.jwk)}#0"},
         AlgorithmNotAllowedError),
        ({"key_id": f"{did_jwk(HOLDER.public_key.jwk)}#0"}, CredentialError),
    ],
)  # fmt: skip
def test_I59_A23_a_presentation_with_one_thing_wrong_is_refused(changes, error):
    with pytest.raises(error):
        present(presentation(**changes))


def test_I59_A19_a_presentation_that_was_changed_is_refused():
    whole = presentation()
    changed = [
        ({**whole, "type": ["VerifiableCredential"]}, WrongTypeError),
        ({**whole, "type": "VerifiableCredential"}, WrongTypeError),
        ({**whole, "holder": did_jwk(HOLDER.public_key.jwk)}, HolderBindingError),
        ({**whole, "proof": []}, MalformedError),
        ({**whole, "proof": [*whole["proof"], *presentation()["proof"]]}, MalformedError),
        ({**whole, "proof": {**whole["proof"][0], "proofPurpose": "assertionMethod"}}, WrongTypeError),
        ({**whole, "proof": {**whole["proof"][0], "challenge": "another"}}, InvalidSignatureError),
    ]
    for value, error in changed:
        with pytest.raises(error):
            present(value)


def test_I59_a_presentation_without_challenge_is_refused():
    unchallenged = create_di_vp_proof(
        signer=EDWARDS, key_id=KEY_ID, audience=ISSUER, nonce=None, now=NOW, cryptosuite="eddsa-rdfc-2022"
    )
    with pytest.raises(MalformedError):
        present(unchallenged)


def test_I59_a_presentation_without_a_date_is_as_fresh_as_its_challenge():
    whole = presentation(cryptosuite="eddsa-jcs-2022")
    unsecured = {name: value for name, value in whole.items() if name != "proof"}
    options = {name: value for name, value in whole["proof"][0].items() if name not in ("created", "proofValue")}
    value = SIGNING_CRYPTOSUITES["eddsa-jcs-2022"].sign(unsecured, options, signer=EDWARDS, contexts=None)
    assert present({**unsecured, "proof": {**options, "proofValue": value}}).nonce == "Oba9Tyv6"


@given(json_values() | nearly(presentation()))
def test_A08_no_presentation_makes_a_proof_fail_otherwise_than_said(value):
    try:
        present(value if isinstance(value, dict) else {"proof": value})
    except CredentialError:
        return


@given(json_values() | nearly({"iat": AT, "exp": AT + 60, "attested_keys": [HOLDER.public_key.jwk], "nonce": "n"}))
def test_A08_no_payload_makes_an_attestation_fail_otherwise_than_said(value):
    payload = value if isinstance(value, dict) else {"attested_keys": value}
    try:
        raw = sign_jwt(payload, signer=ATTESTER.signer, typ="key-attestation+jwt", header={"x5c": [ATTESTER.x5c]})
    except UnicodeEncodeError:
        return
    try:
        verify(raw)
    except CredentialError:
        return

"""What a registrar says of a verifier, believed only up to an anchor and only of whoever asks. W-57."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from kernel.errors import CredentialError, ExpiredError, MalformedError, UntrustedIssuerError, WrongTypeError
from kernel.jwt import sign_jwt
from kernel.openid4vp import Registration, organization_identifiers, verify_registration_certificate
from tests.support.certificates import Certified, create_authority, create_leaf
from tests.support.clock import NOW

AUTHORITY = create_authority(NOW)
REGISTRAR = create_leaf(AUTHORITY, NOW)
SUBJECT = "NTRNL-12345678"


def certificate(*, registrar: Certified = REGISTRAR, typ: str = "rc-wrp+jwt", chain: Any = None, **changes: Any) -> str:
    payload = {
        "sub": SUBJECT,
        "name": "Bakker Bouw B.V.",
        "purpose": [
            {"lang": "nl-NL", "value": "Nagaan welke skills een sollicitant heeft"},
            {"lang": "en", "content": "Find out which skills an applicant has"},
        ],
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(days=365)).timestamp()),
        **changes,
    }
    members = {name: value for name, value in payload.items() if value is not ...}
    return sign_jwt(
        members, signer=registrar.signer, typ=typ, header={"x5c": [registrar.x5c] if chain is None else chain}
    )


def verify(raw: str) -> Registration:
    return verify_registration_certificate(
        raw, anchors=[AUTHORITY.certificate], subjects={SUBJECT, "x509_hash:abc"}, now=NOW
    )


def test_W57_registration_tells_name_purpose_and_registrar() -> None:
    found = verify(certificate())
    assert found.name == "Bakker Bouw B.V."
    assert found.purpose == {
        "nl": "Nagaan welke skills een sollicitant heeft",
        "en": "Find out which skills an applicant has",
    }
    assert found.registrar == "Leaf"
    assert verify(certificate(purpose=...)).purpose == {}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sub": "NTRNL-87654321"}, UntrustedIssuerError),
        ({"sub": ...}, MalformedError),
        ({"name": ...}, MalformedError),
        ({"purpose": "skills"}, MalformedError),
        ({"purpose": [{"lang": "nl"}]}, MalformedError),
        ({"exp": ...}, MalformedError),
        ({"exp": int((NOW - timedelta(days=1)).timestamp())}, ExpiredError),
        ({"typ": "jwt"}, WrongTypeError),
        ({"registrar": create_leaf(create_authority(NOW), NOW)}, UntrustedIssuerError),
        ({"chain": []}, MalformedError),
        ({"chain": [create_leaf(AUTHORITY, NOW).x5c]}, CredentialError),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value.__name__,
)
def test_W57_registration_that_is_wrong_is_refused(change: dict[str, Any], error: type[CredentialError]) -> None:
    with pytest.raises(error):
        verify(certificate(**change))


def named(*attributes: x509.NameAttribute[str]) -> Certified:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(list(attributes)))
        .issuer_name(AUTHORITY.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    return Certified(builder.sign(AUTHORITY.key, SHA256()), key)


def test_W57_certificate_names_the_registration_number_of_its_holder() -> None:
    number = x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, SUBJECT)
    assert organization_identifiers(named(number).certificate) == {SUBJECT}
    assert organization_identifiers(REGISTRAR.certificate) == frozenset()


def test_W57_registrar_without_a_common_name_is_called_by_its_whole_name() -> None:
    registrar = named(x509.NameAttribute(NameOID.ORGANIZATION_NAME, "KVK"))
    assert verify(certificate(registrar=registrar)).registrar == "O=KVK"

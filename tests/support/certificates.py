"""A small certificate authority for tests, and leaves under it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kernel.keys import SoftwareSigner


@dataclass(frozen=True)
class Certified:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def x5c(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode("ascii")

    @property
    def signer(self) -> SoftwareSigner:
        return SoftwareSigner(self.key, "ES256")


def create_authority(now: datetime) -> Certified:
    """A self-signed anchor."""
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    builder = _builder("Authority", "Authority", key, key, now).add_extension(constraints, critical=True)
    return Certified(builder.sign(key, SHA256()), key)


def create_leaf(authority: Certified, now: datetime, *, dns_names: Sequence[str] = (), number: str = "") -> Certified:
    """A leaf under an anchor, for the DNS names given, and of the organisation with this registration number."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("Leaf", "Authority", key, authority.key, now, number)
    if dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names])
        builder = builder.add_extension(names, critical=False)
    return Certified(builder.sign(authority.key, SHA256()), key)


def _builder(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signing_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    number: str = "",
) -> x509.CertificateBuilder:
    numbers = [x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, number)] if number else []
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject), *numbers]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
    )

"""Certificates of a local deployment: an authority that lives for this folder alone, and the wallet provider under it.

Its private key is thrown away as soon as the one certificate is signed: nothing else can ever come from it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kernel.keys import SoftwareSigner

_LIFETIME = timedelta(days=365)
_EARLIER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LocalProvider:
    """A wallet provider's key, its certificate, and the authority that issuers have to know."""

    signer: SoftwareSigner
    certificate_pem: bytes
    authority_pem: bytes


def create_provider(now: datetime) -> LocalProvider:
    """Make a wallet provider for one deployment on one machine."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Skillswallet local authority")
    authority = (
        _builder(authority_name, authority_name, authority_key, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, SHA256())
    )
    leaf = _builder(_name("Skillswallet local wallet provider"), authority_name, key, authority_key, now).sign(
        authority_key, SHA256()
    )
    return LocalProvider(
        SoftwareSigner(key, "ES256"), leaf.public_bytes(Encoding.PEM), authority.public_bytes(Encoding.PEM)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signing_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.CertificateBuilder:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
    )

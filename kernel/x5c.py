"""Certificate chains in a JOSE header: from the leaf that signed to an anchor that policy configured.

RFC 7515 §4.1.6, RFC 5280 §6, HAIP 1.0 §4.1, §5 and §6.1.1; PROFILE.md K-07. Path building and its rules (validity,
signatures, path length, name constraints, unknown critical extensions) are `cryptography`'s; what the profile adds
is checked here. Revocation of certificates is not checked: trust lists withdraw services instead.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from kernel import base64url
from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.keys import PublicKey, public_key_from

_MAX_CERTIFICATES: Final = 5
_MAX_CHARACTERS: Final = 16 * 1024
# What the library raises for a certificate that it cannot read, besides ValueError.
_UNREADABLE: Final = (ValueError, x509.DuplicateExtension, x509.InvalidVersion, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """A leaf certificate that a configured anchor vouches for, at the time of the check; it may be its own."""

    leaf: x509.Certificate
    leaf_key: PublicKey
    authority_key_identifiers: frozenset[str]
    anchor: x509.Certificate


def verify_x5c(
    x5c: object, *, anchors: Sequence[x509.Certificate], now: datetime, dns_name: str | None = None
) -> VerifiedChain:
    """Check a chain, leaf first, up to one of the anchors, and return the leaf's key.

    The chain must be exactly the path: no anchor in it, no certificate too many, no self-signed leaf. A leaf that is
    itself configured is its own path, and stands alone in its chain (PROFILE.md T-05: a pinned certificate). With
    `dns_name` the leaf must name it as a DNS alternative name, without wildcards (OpenID4VP 1.0 §5.9.3).
    `authority_key_identifiers` are those of every certificate of the chain, for DCQL's `aki` (§6.1.1.1).
    """
    certificates = parse_x5c(x5c)
    leaf = certificates[0]
    try:
        _require_own_rules(leaf, anchors, dns_name)
        path = _verify_path(certificates, anchors, now)
        identifiers = _authority_key_identifiers(certificates)
        leaf_key = public_key_from(leaf.public_key())
    except _UNREADABLE as exc:
        raise MalformedError("a certificate with unreadable contents") from exc
    # The path ends in the anchor, so this also refuses a chain that brings its own.
    expected = path if path == [leaf] else path[:-1]
    if certificates != expected:
        raise UntrustedIssuerError("the chain is not exactly the path to the anchor")
    return VerifiedChain(leaf, leaf_key, identifiers, path[-1])


def parse_x5c(x5c: object) -> list[x509.Certificate]:
    """Read the certificates of an `x5c` header, leaf first; nothing is said about who issued them."""
    if not isinstance(x5c, list | tuple) or not 0 < len(x5c) <= _MAX_CERTIFICATES:
        raise MalformedError("`x5c` is a list of one to five certificates")
    return [_parse_certificate(text) for text in x5c]


def find_authority_key_identifiers(x5c: object) -> frozenset[str]:
    """Return what the certificates of a chain say of who issued them, for DCQL's `aki` (§6.1.1.1). Nothing is believed.

    Enough for a wallet, which only filters by it. None where the chain cannot be read.
    """
    try:
        return list_authority_key_identifiers(parse_x5c(x5c))
    except MalformedError:
        return frozenset()


def list_authority_key_identifiers(certificates: Iterable[x509.Certificate]) -> frozenset[str]:
    """The same of certificates, however many: they need not be a chain. Of one whose contents are unreadable, none."""
    found: set[str] = set()
    for certificate in certificates:
        with suppress(*_UNREADABLE):
            found |= _authority_key_identifiers([certificate])
    return frozenset(found)


def create_x5c(certificates: Sequence[x509.Certificate]) -> list[str]:
    """Return a chain as the `x5c` header writes it: DER in standard base64, leaf first. RFC 7515 §4.1.6."""
    return [base64.b64encode(each.public_bytes(Encoding.DER)).decode("ascii") for each in certificates]


def x509_hash(leaf: x509.Certificate) -> str:
    """Return the `x509_hash` client identifier, without its prefix. OpenID4VP 1.0 §5.9.3."""
    return base64url.encode(hashlib.sha256(leaf.public_bytes(Encoding.DER)).digest())


def dns_names(leaf: x509.Certificate) -> set[str]:
    """Return the DNS alternative names of a certificate, in lower case, with wildcards as they are."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _parse_certificate(text: object) -> x509.Certificate:
    """Read one certificate: DER in standard base64, unlike everything else in JOSE. RFC 7515 §4.1.6."""
    if not isinstance(text, str) or len(text) > _MAX_CHARACTERS:
        raise MalformedError("a certificate of `x5c` is a base64 text")
    try:
        der = binascii.a2b_base64(text, strict_mode=True)
        certificate = x509.load_der_x509_certificate(der)
    except _UNREADABLE as exc:
        raise MalformedError("a certificate of `x5c` cannot be read") from exc
    if base64.b64encode(der).decode("ascii") != text:
        raise MalformedError("a certificate of `x5c` in a second spelling")
    return certificate


def _require_own_rules(leaf: x509.Certificate, anchors: Sequence[x509.Certificate], dns_name: str | None) -> None:
    if not anchors:
        raise UntrustedIssuerError("no trust anchor is configured")
    if leaf.issuer == leaf.subject:
        raise UntrustedIssuerError("the leaf certificate is self-signed")
    if dns_name is not None and dns_name.lower() not in dns_names(leaf):
        raise UntrustedIssuerError("the leaf certificate is for another name")


def _verify_path(
    certificates: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], now: datetime
) -> list[x509.Certificate]:
    verifier = (
        PolicyBuilder()
        .store(Store(list(anchors)))
        .time(now)
        .max_chain_depth(_MAX_CERTIFICATES)
        .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
        .build_client_verifier()
    )
    try:
        return verifier.verify(certificates[0], list(certificates[1:])).chain
    except VerificationError as exc:
        raise UntrustedIssuerError(f"no valid path to a trust anchor: {exc}") from exc


def _authority_key_identifiers(certificates: Sequence[x509.Certificate]) -> frozenset[str]:
    return frozenset(filter(None, map(_authority_key_identifier, certificates)))


def _authority_key_identifier(certificate: x509.Certificate) -> str | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    identifier = extension.value.key_identifier
    return base64url.encode(identifier) if identifier is not None else None


def _check_leaf_constraints(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints | None) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("a leaf that is a certificate authority")


def _check_leaf_usage(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("a leaf whose key may not sign")


def _check_ca_usage(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer whose key may not sign certificates")


# Not the rules of the web: a signer of credentials needs no host name and no server authentication.
_LEAF_POLICY: Final = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _check_leaf_constraints)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_leaf_usage)
)
# That `cA` is true wherever basic constraints are, the library checks by itself.
_CA_POLICY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.CRITICAL, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_ca_usage)
)

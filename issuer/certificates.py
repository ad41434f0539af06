"""The certificate chain of an organisation's key: how verifiers that follow HAIP know it. HAIP 1.0 §6.1.1; I-76, K-07.

An authority certifies the key that signs ES256 now. The chain that is kept begins with that certificate and ends below
the authority's own, which verifiers have. When the key is replaced the chain goes with it, and with it the HAIP
configurations, until the new key is certified.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from issuer import store
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, InputError
from issuer.store import Session
from kernel.errors import MalformedError
from kernel.keys import PublicKey, parse_public_jwk, public_key_from
from runtime.database import run_blocking

_FIELD = "pem"
_MAX_CERTIFICATES = 5


async def set_certificate_chain(
    session: Session, issuer: CredentialIssuer, pem: str, *, actor: str, now: datetime
) -> Sequence[x509.Certificate]:
    """Keep a chain for the key that signs now, or raise InputError that says what is wrong with it."""
    await store.lock_organisation(session, issuer.organisation_id)
    key = await _get_active_key(session, issuer)
    certificates = _parse(pem)
    _verify_chain(certificates, key, host=urlsplit(issuer.identifier).hostname or "", now=now)
    chain = " ".join(base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates)
    await _keep(session, issuer, chain)
    until = f"valid until {certificates[0].not_valid_after_utc:%Y-%m-%d}"
    await store.add_audit(session, issuer.organisation_id, actor, "certificates.set", issuer.slug, until, now)
    return certificates


async def remove_certificate_chain(session: Session, issuer: CredentialIssuer, *, actor: str, now: datetime) -> None:
    """Be known by DID alone from now on."""
    await _keep(session, issuer, None)
    await store.add_audit(session, issuer.organisation_id, actor, "certificates.remove", issuer.slug, None, now)


def read_certificate_chain(issuer: CredentialIssuer) -> Sequence[x509.Certificate]:
    """The chain that is kept, leaf first."""
    return [x509.load_der_x509_certificate(base64.b64decode(each)) for each in issuer.certificate_chain]


async def _keep(session: Session, issuer: CredentialIssuer, chain: str | None) -> None:
    await store.set_certificate_chain(session, issuer.organisation_id, chain)
    # Lists that were signed before name the key in the old way only.
    await run_blocking(session, store.unpublish_status_lists, issuer.organisation_id)


async def _get_active_key(session: Session, issuer: CredentialIssuer) -> PublicKey:
    keys = await store.list_signing_keys(session, issuer.organisation_id)
    return next(parse_public_jwk(key.public_jwk) for key in keys if key.algorithm == "ES256" and not key.retired_at)


def _parse(pem: str) -> Sequence[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as exc:
        raise InputError(fields={_FIELD: N_("Hier staat geen certificaat in PEM-vorm in.")}) from exc
    if len(certificates) > _MAX_CERTIFICATES:
        raise InputError(fields={_FIELD: N_("Dit zijn te veel certificaten: hooguit vijf.")})
    return certificates


def _verify_chain(certificates: Sequence[x509.Certificate], key: PublicKey, *, host: str, now: datetime) -> None:
    """What verifiers will check, checked here: whoever sets a wrong chain should hear it now, and not from them."""
    leaf = certificates[0]
    try:
        if public_key_from(leaf.public_key()) != key:
            _refuse(N_("Het eerste certificaat is niet van de sleutel waarmee nu wordt getekend."))
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if host not in [name.lower() for name in names.get_values_for_type(x509.DNSName)]:
            _refuse(N_("Het eerste certificaat noemt dit webadres niet."))
    except (MalformedError, ValueError, x509.ExtensionNotFound) as exc:
        raise InputError(fields={_FIELD: N_("Het eerste certificaat noemt dit webadres niet.")}) from exc
    if any(certificate.issuer == certificate.subject for certificate in certificates):
        _refuse(N_("Laat het certificaat van de autoriteit zelf weg. Wie controleert, heeft dat al."))
    if not all(each.not_valid_before_utc <= now < each.not_valid_after_utc for each in certificates):
        _refuse(N_("Een van de certificaten is nog niet geldig, of niet meer."))
    try:
        for certificate, signed_by in pairwise(certificates):
            certificate.verify_directly_issued_by(signed_by)
    except (ValueError, TypeError, InvalidSignature) as exc:
        sentence = N_("De certificaten vormen geen keten: elk wordt getekend door het volgende.")
        raise InputError(fields={_FIELD: sentence}) from exc


def _refuse(sentence: str) -> None:
    raise InputError(fields={_FIELD: sentence})

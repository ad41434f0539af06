"""As whom we ask: each relying party's client identifiers, and the key and proof that go with each (V-04; VP §5.9.3).

The DID is always there. A certificate, with its key, and a verifier attestation come from others, are checked when they
are handed in, and replace what was there; the private key lies sealed. Nothing is said by a proof that has ended.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kernel.errors import CredentialError
from kernel.jwt import LEEWAY, get_numeric_date
from kernel.keys import Signer, SoftwareSigner, parse_public_jwk, public_key_from
from kernel.members import as_object, get_text
from kernel.openid4vp import (
    VERIFIER_ATTESTATION_TYP,
    ClientIdPrefix,
    parse_verifier_attestation,
)
from kernel.x5c import create_x5c, parse_x5c, x509_hash
from verifier import store
from verifier.errors import InputError, NoMemberError
from verifier.federation import open_member_keys
from verifier.models import ClientCertificate, RelyingParty
from verifier.relying_parties import client_id, open_signer, request_key_id
from verifier.settings import VerifierSettings
from verifier.store import Session

MAX_PEM = 64 * 1024


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A client identifier and how to sign as that client; no signer where requests cannot be signed.

    `encryption_jwk` where the client publishes one key for all answers; None: each request brings its own.
    """

    client_id: str
    signer: Signer | None = None
    key_reference: Mapping[str, Any] = field(default_factory=dict)
    encryption_jwk: Mapping[str, Any] | None = None


async def open_identity(
    session: Session,
    settings: VerifierSettings,
    relying_party: RelyingParty,
    prefix: ClientIdPrefix,
    *,
    response_uri: str,
    now: datetime,
) -> ClientIdentity:
    """The relying party as this prefix names it, or InputError where it has nothing to prove that with."""
    match prefix:
        case ClientIdPrefix.REDIRECT_URI:
            return ClientIdentity(f"{prefix}:{response_uri}")
        case ClientIdPrefix.X509_HASH | ClientIdPrefix.X509_SAN_DNS:
            return await _open_certificate(session, settings, relying_party, prefix, now)
        case ClientIdPrefix.VERIFIER_ATTESTATION:
            return _open_attestation(settings, relying_party, now)
        case ClientIdPrefix.OPENID_FEDERATION:
            return await _open_membership(session, settings, relying_party)
        case _:
            return ClientIdentity(
                client_id(settings, relying_party.slug),
                open_signer(settings, relying_party),
                {"kid": request_key_id(settings, relying_party)},
            )


async def keep_certificate(
    session: Session,
    settings: VerifierSettings,
    relying_party: RelyingParty,
    *,
    chain_pem: str,
    key_pem: str,
    now: datetime,
) -> ClientCertificate:
    """Check a chain and its key, and keep both in the place of what was there. HAIP §5; K-07."""
    chain = _read_chain(chain_pem)
    _require_usable_chain(chain, host=_host(settings), now=now)
    signer = _read_key(key_pem)
    if public_key_from(chain[0].public_key()) != signer.public_key:
        raise InputError(fields={"key": "other_key"})
    sealed = settings.sealing_key().seal(json.dumps(signer.private_jwk()).encode(), context=_context(relying_party.id))
    row = ClientCertificate(
        relying_party_id=relying_party.id,
        x5c=create_x5c(chain),
        subject=chain[0].subject.rfc4514_string()[:300],
        sealed_private_jwk=sealed,
        expires_at=chain[0].not_valid_after_utc,
        added_at=now,
    )
    await store.replace_certificate(session, row)
    return row


def keep_attestation(relying_party: RelyingParty, raw: str, *, now: datetime) -> None:
    """Check an attestation of this relying party's own key, and keep it; its issuer's signature is for wallets. §12."""
    try:
        attestation = parse_verifier_attestation(raw)
        claims = attestation.token.payload
        expires_at = get_numeric_date(claims, "exp")
        confirmed = parse_public_jwk(as_object(claims.get("cnf"), "'cnf'").get("jwk"))
        get_text(claims, "sub")
    except CredentialError as exc:
        raise InputError(fields={"attestation": "malformed"}) from exc
    if attestation.token.header.get("typ") != VERIFIER_ATTESTATION_TYP:
        raise InputError(fields={"attestation": "malformed"})
    if confirmed != parse_public_jwk(relying_party.public_jwk):
        raise InputError(fields={"attestation": "other_key"})
    if expires_at <= now:
        raise InputError(fields={"attestation": "expired"})
    relying_party.attestation = raw


def find_attestation(relying_party: RelyingParty) -> dict[str, Any] | None:
    """Who attests this relying party, and until when; None for nobody."""
    if relying_party.attestation is None:
        return None
    attestation = parse_verifier_attestation(relying_party.attestation)
    return {
        "client_id": f"{ClientIdPrefix.VERIFIER_ATTESTATION}:{attestation.token.payload['sub']}",
        "issuer": attestation.unverified_issuer,
        "expires_at": get_numeric_date(attestation.token.payload, "exp"),
    }


def describe_attestation(relying_party: RelyingParty) -> dict[str, str] | None:
    """The same for the API."""
    found = find_attestation(relying_party)
    return None if found is None else {**found, "expires_at": found["expires_at"].isoformat()}


def describe_certificate(settings: VerifierSettings, row: ClientCertificate | None) -> dict[str, Any] | None:
    """The certificate as wallets know it, without its key; None for none."""
    if row is None:
        return None
    return {
        "client_ids": [
            _certified_id(settings, row, ClientIdPrefix.X509_HASH),
            _certified_id(settings, row, ClientIdPrefix.X509_SAN_DNS),
        ],
        "subject": row.subject,
        "certificates": len(row.x5c),
        "expires_at": row.expires_at.isoformat(),
    }


# --- opening


async def _open_certificate(
    session: Session, settings: VerifierSettings, relying_party: RelyingParty, prefix: ClientIdPrefix, now: datetime
) -> ClientIdentity:
    row = await store.find_certificate(session, relying_party.id)
    if row is None:
        raise InputError(fields={"policy": "no_certificate"})
    if row.expires_at <= now:
        raise InputError(fields={"policy": "certificate_expired"})
    private_jwk = settings.sealing_key().open(row.sealed_private_jwk, context=_context(relying_party.id))
    signer = SoftwareSigner.from_jwk(json.loads(private_jwk))
    return ClientIdentity(_certified_id(settings, row, prefix), signer, {"x5c": row.x5c})


def _certified_id(settings: VerifierSettings, row: ClientCertificate, prefix: ClientIdPrefix) -> str:
    if prefix is ClientIdPrefix.X509_SAN_DNS:
        return f"{prefix}:{_host(settings)}"
    return f"{prefix}:{x509_hash(_leaf(row))}"


def _open_attestation(settings: VerifierSettings, relying_party: RelyingParty, now: datetime) -> ClientIdentity:
    if relying_party.attestation is None:
        raise InputError(fields={"client_id_prefix": "no_attestation"})
    claims = parse_verifier_attestation(relying_party.attestation).token.payload
    if get_numeric_date(claims, "exp") + LEEWAY <= now:
        raise InputError(fields={"client_id_prefix": "attestation_expired"})
    return ClientIdentity(
        f"{ClientIdPrefix.VERIFIER_ATTESTATION}:{claims['sub']}",
        open_signer(settings, relying_party),
        {"jwt": relying_party.attestation},
    )


async def _open_membership(session: Session, settings: VerifierSettings, relying_party: RelyingParty) -> ClientIdentity:
    try:
        keys = await open_member_keys(session, settings, relying_party)
    except NoMemberError as exc:
        raise InputError(fields={"client_id_prefix": "no_federation"}) from exc
    return ClientIdentity(keys.client_id, keys.signer, {"kid": keys.key_id}, keys.encryption_jwk)


# --- reading what is handed in


def _read_chain(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode("ascii"))
    except ValueError as exc:
        raise InputError(fields={"chain": "malformed"}) from exc


def _read_key(pem: str) -> SoftwareSigner:
    try:
        key = load_pem_private_key(pem.encode("ascii"), password=None)
    except (ValueError, TypeError) as exc:
        raise InputError(fields={"key": "malformed"}) from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InputError(fields={"key": "not_p256"})
    return SoftwareSigner(key, "ES256")


def _require_usable_chain(chain: list[x509.Certificate], *, host: str, now: datetime) -> None:
    """Leaf first, each signed by the next, none self-signed, all valid now, the leaf for our own host. K-07, W-46."""
    moment = now.astimezone(UTC)
    for certificate in chain:
        if certificate.issuer == certificate.subject:
            raise InputError(fields={"chain": "self_signed"})
        if not certificate.not_valid_before_utc <= moment < certificate.not_valid_after_utc:
            raise InputError(fields={"chain": "expired"})
    for certificate, issuer in pairwise(chain):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as exc:
            raise InputError(fields={"chain": "order"}) from exc
    if host not in _dns_names(chain[0]):
        raise InputError(fields={"chain": "other_host"})


def _dns_names(leaf: x509.Certificate) -> set[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _leaf(row: ClientCertificate) -> x509.Certificate:
    return parse_x5c(row.x5c)[0]


def _host(settings: VerifierSettings) -> str:
    return (urlsplit(settings.public_url).hostname or "").lower()


def _context(relying_party_id: str) -> str:
    return f"verifier/certificate-key/{relying_party_id}"

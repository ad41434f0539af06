"""What every credential format gives and takes: the same verbs and the same results, whatever secures the bytes.

What has been read and not yet believed is an `UnverifiedCredential`; only a `verify_…` function makes the rest.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from kernel.did import did_jwk, resolve_static_did
from kernel.errors import ExpiredError, HolderBindingError, MalformedError, NotYetValidError, UntrustedIssuerError
from kernel.formats.status_reference import Statuses, StatusReference
from kernel.jwt import LEEWAY, UnverifiedJwt
from kernel.keys import PublicKey, Signer, parse_public_jwk
from kernel.open_badges import CredentialDataset
from kernel.sd_jwt import DEFAULT_HASH, ClaimsPath, SdJwt, TransactionDataHashes

DC_SD_JWT = "dc+sd-jwt"
VC_SD_JWT = "vc+sd-jwt"
LDP_VC = "ldp_vc"
VC_JWT = "vc+jwt"
JWT_VC_JSON = "jwt_vc_json"

_SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class IssuerIdentity:
    """Who signs, and how a verifier finds the key: by the DID URL `kid`, or by a certificate chain when there is one.

    `id` is a did:web for the DIIP form, or the https identifier that the leaf certificate names for HAIP.
    `federation_entity` is its Entity Identifier, where it is a member of an OpenID Federation (T-07).
    """

    id: str
    kid: str
    x5c: tuple[str, ...] = ()
    federation_entity: str | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedCredential:
    """A credential or presentation that was read; nobody has checked who signed it.

    `unverified_issuer` is empty when only a certificate chain says who the issuer is (HAIP). `is_legacy` marks
    an SD-JWT VC under the media type of before November 2024 (K-45). `header` is what the signature says about itself:
    of JOSE, or the options of the issuer's embedded proof. `secured` is what that signature stands on, and
    `presentation` what the holder put around it, where the format has one; an SD-JWT carries its own.
    """

    format: str
    raw: str = field(repr=False)
    header: Mapping[str, Any]
    payload: Mapping[str, Any] = field(repr=False)
    unverified_issuer: str
    key_id: str | None
    x5c: tuple[str, ...]
    is_legacy: bool
    secured: SdJwt | UnverifiedJwt | Mapping[str, Any] = field(repr=False)
    presentation: UnverifiedJwt | Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def algorithm(self) -> str:
        """What it says it was signed with: an algorithm of JOSE, or a cryptosuite."""
        return str(self.header.get("alg", self.header.get("cryptosuite")))

    @property
    def is_selective(self) -> bool:
        """Whether it is of a kind of which a holder can hide parts."""
        return isinstance(self.secured, SdJwt) or self.algorithm == "ecdsa-sd-2023"

    @property
    def sd_jwt(self) -> SdJwt:
        """The SD-JWT that it is; asking this of a credential in another format is a mistake of ours."""
        if not isinstance(self.secured, SdJwt):
            raise TypeError(f"{self.format} is no SD-JWT")
        return self.secured


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """A credential whose signature, disclosures and shape held.

    Whether it is still valid, not withdrawn, and from a recognised issuer are checks of their own. `may_hide_status`:
    it may name a status list that whoever shows it left out, so that without a status it is not known to be good.
    """

    format: str
    raw: str = field(repr=False)
    issuer: str
    claims: dict[str, Any] = field(repr=False)
    types: frozenset[str]
    holder_key: PublicKey | None
    issued_at: datetime | None
    valid_from: datetime | None
    expires_at: datetime | None
    statuses: tuple[StatusReference, ...]
    key: PublicKey
    key_id: str | None
    is_legacy: bool = False
    may_hide_status: bool = False
    x5c: tuple[str, ...] = field(default=(), repr=False)
    """The chain that the signature covers, leaf first; whether it leads to an anchor is not said here."""


@dataclass(frozen=True, slots=True)
class VerifiedPresentation:
    """A credential that its holder showed: made just now, for this verifier and this transaction."""

    credential: VerifiedCredential
    holder_key: PublicKey
    transaction_data: TransactionDataHashes = field(default=TransactionDataHashes())
    """What else the holder signed with it; whether that was asked, `verify_transaction_data` says."""


class CredentialFormat(Protocol):
    """The verbs that each format has; `FORMATS` finds them by format identifier."""

    @property
    def format_id(self) -> str: ...

    def parse(self, raw: str) -> UnverifiedCredential: ...

    def verify(
        self,
        credential: UnverifiedCredential,
        *,
        key: PublicKey,
        algorithms: frozenset[str],
        now: datetime,
        check_validity: bool = True,
    ) -> VerifiedCredential: ...

    def verify_signature(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str]
    ) -> VerifiedCredential: ...

    def verify_holder_binding(
        self,
        presented: UnverifiedCredential,
        credential: VerifiedCredential,
        *,
        algorithms: frozenset[str],
        audience: str,
        nonce: str,
        now: datetime,
    ) -> VerifiedPresentation: ...

    def verify_presentation(
        self,
        presented: UnverifiedCredential | str,
        *,
        key: PublicKey,
        algorithms: frozenset[str],
        audience: str,
        nonce: str,
        now: datetime,
        check_validity: bool = True,
    ) -> VerifiedPresentation: ...

    def present(
        self,
        raw: str,
        *,
        disclose: Collection[ClaimsPath],
        holder_signer: Signer,
        audience: str,
        nonce: str,
        now: datetime,
        transaction_data_hashes: Sequence[str] = (),
        transaction_data_hashes_alg: str = DEFAULT_HASH,
    ) -> str: ...

    def present_unbound(self, raw: str, *, disclose: Collection[ClaimsPath]) -> str: ...

    def disclosable_paths(self, raw: str) -> dict[ClaimsPath, Any]: ...


class IssuableFormat(CredentialFormat, Protocol):
    """A format, or a flavour of one, in which badges are issued; `ISSUABLE` finds it by name."""

    def issue(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        holder_key: PublicKey,
        type_id: str,
        status: Statuses,
        issued_at: datetime,
        valid_from: datetime,
        expires_at: datetime | None,
        type_integrity: str | None = None,
    ) -> str: ...


def read_key_reference(header: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Return the `kid` and the `x5c` of a JOSE header, unverified; one of another shape is refused. K-04"""
    key_id, x5c = header.get("kid"), header.get("x5c", [])
    if key_id is not None and not isinstance(key_id, str):
        raise MalformedError("a `kid` that is no text")
    if not isinstance(x5c, list) or not all(isinstance(certificate, str) for certificate in x5c):
        raise MalformedError("an `x5c` that is no array of text")
    return key_id, tuple(x5c)


def absolute_key_id(key_id: str | None, issuer: str) -> str | None:
    """Return a `kid` as DID URL: one that is a fragment alone is of the issuer's own DID. DID Core 1.0 §3.2.2."""
    is_relative = key_id is not None and key_id.startswith("#") and issuer.startswith("did:")
    return f"{issuer}{key_id}" if is_relative else key_id


def verify_validity(credential: VerifiedCredential, *, now: datetime) -> None:
    """Check that the credential's time has come and has not passed, with the usual leeway. K-10, K-46, K-56."""
    if credential.expires_at is not None and now - LEEWAY >= credential.expires_at:
        raise ExpiredError("the end of the credential's validity has passed")
    for begins_at in (credential.issued_at, credential.valid_from):
        if begins_at is not None and now + LEEWAY < begins_at:
            raise NotYetValidError("the credential's validity lies ahead")


def find_holder_key(claims: Mapping[str, Any]) -> PublicKey | None:
    """Return the key of the `cnf` claim, None when the credential is bound to nobody. RFC 7800 §3, K-47, K-48.

    Read are `jwk`, and `kid` when it is a DID URL that contains its own key; if both are there they must name
    the same key. A binding that cannot be read is refused: it is no credential without binding.
    """
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict):
        raise MalformedError("a `cnf` claim that is no object")
    kid = confirmation.get("kid")
    by_kid = _resolve_holder_kid(kid) if isinstance(kid, str) and kid.startswith("did:") else None
    by_jwk = parse_public_jwk(confirmation["jwk"]) if "jwk" in confirmation else None
    if by_kid is not None and by_jwk is not None and by_kid != by_jwk:
        raise HolderBindingError("`cnf` names two different keys")
    key = by_jwk or by_kid
    if key is None:
        raise HolderBindingError("a holder binding of a kind that is not known here")
    return key


def _resolve_holder_kid(kid: str) -> PublicKey:
    did = kid.partition("#")[0]
    if not did.startswith(("did:jwk:", "did:key:")):
        raise HolderBindingError("a holder key behind a DID that does not contain it")
    try:
        return resolve_static_did(did).find_key(kid, relation="authentication")
    except UntrustedIssuerError as exc:
        raise HolderBindingError("a holder DID without the key that is named") from exc


def cut_to_day(moment: datetime) -> int:
    """Return the NumericDate of the beginning of the day in UTC. I-61."""
    seconds = int(moment.timestamp())
    return seconds - seconds % _SECONDS_A_DAY


def judged_at(credential: VerifiedCredential, now: datetime) -> datetime:
    """Return the moment at which a credential's issuer is to have been recognised: when it was issued. T-04."""
    return judged_when_issued(credential.issued_at or credential.valid_from or now, now)


def judged_when_issued(issued_at: datetime, now: datetime) -> datetime:
    """Return the moment at which the issuer of something issued then is to have been recognised. T-04.

    A time cut to the day (I-61) stands for the whole of that day, so its last moment counts, or now if that is
    earlier. Who was listed in the morning is recognised for a badge of that afternoon; who was withdrawn that day
    is not, since the badge may be younger than the withdrawal.
    """
    if issued_at.timestamp() % _SECONDS_A_DAY:
        return issued_at
    return min(issued_at + timedelta(days=1, microseconds=-1), now)


def create_confirmation(holder_key: PublicKey) -> dict[str, Any]:
    """Name the holder's key twice: as JWK for HAIP, as DID URL for DIIP. K-47."""
    return {"kid": f"{did_jwk(holder_key.jwk)}#0", "jwk": holder_key.jwk}

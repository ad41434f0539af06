"""What the two SD-JWT formats have in common: everything but what the claims mean."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from kernel.errors import HolderBindingError, MalformedError
from kernel.formats.credential import (
    DC_SD_JWT,
    VC_SD_JWT,
    IssuerIdentity,
    UnverifiedCredential,
    VerifiedCredential,
    VerifiedPresentation,
    absolute_key_id,
    read_key_reference,
    verify_validity,
)
from kernel.jwt import sign_jwt, verify_jwt
from kernel.keys import PublicKey, Signer
from kernel.sd_jwt import (
    DEFAULT_HASH,
    ClaimsPath,
    SdJwt,
    conceal,
    disclosable_paths,
    parse_sd_jwt,
    present,
    present_bound,
    reveal,
    verify_key_binding_jwt,
)

_DECOY_STEP = 8


def pad_with_decoys(path: ClaimsPath, hidden: int) -> int:
    """Fill up every object and array with something hidden to a multiple of eight digests. K-33, S-09.

    Then neither the number of somebody's skills nor, at the top, the presence of evidence can be counted.
    """
    return -hidden % _DECOY_STEP if hidden or path else _DECOY_STEP


class SdJwtFormat(ABC):
    """The verbs of a format that is secured as SD-JWT."""

    format_id: ClassVar[str]
    typ_values: ClassVar[frozenset[str]]
    protected_claims: ClassVar[frozenset[str]]

    def parse(self, raw: str) -> UnverifiedCredential:
        """Read a credential or presentation whose content is of this format."""
        sd_jwt = parse_sd_jwt(raw)
        if get_content_format(sd_jwt.issuer_jwt.payload) != self.format_id:
            raise MalformedError(f"the content is not that of {self.format_id}")
        return self.read(sd_jwt)

    def read(self, sd_jwt: SdJwt) -> UnverifiedCredential:
        """Say who a credential claims to come from, and how its key would be found."""
        header, payload = sd_jwt.issuer_jwt.header, sd_jwt.issuer_jwt.payload
        key_id, x5c = read_key_reference(header)
        issuer = self._read_issuer(payload, is_certified=bool(x5c))
        return UnverifiedCredential(
            format=self.format_id,
            raw=sd_jwt.raw,
            header=header,
            payload=payload,
            unverified_issuer=issuer,
            key_id=absolute_key_id(key_id, issuer),
            x5c=x5c,
            is_legacy=header.get("typ") != self.format_id,
            secured=sd_jwt,
        )

    def verify(
        self,
        credential: UnverifiedCredential,
        *,
        key: PublicKey,
        algorithms: frozenset[str],
        now: datetime,
        check_validity: bool = True,
    ) -> VerifiedCredential:
        """Check a credential as its issuer hands it over: signature, disclosures, shape, validity. RFC 9901 §7.1, §7.2.

        One that arrives with a Key Binding JWT was somebody's presentation, and is refused (K-38). The status and
        the standing of the issuer are not judged here.
        """
        if credential.sd_jwt.key_binding_jwt is not None:
            raise HolderBindingError("a presentation was offered where a credential belongs")
        verified = self.verify_signature(credential, key=key, algorithms=algorithms)
        if check_validity:
            verify_validity(verified, now=now)
        return verified

    def verify_signature(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str]
    ) -> VerifiedCredential:
        """Check signature, type, disclosures and shape; neither the validity nor the holder. RFC 9901 §7.1.

        One of the three steps of `verify_presentation`, for who reports on each of them.
        """
        sd_jwt = credential.sd_jwt
        # (2): algorithm, type and signature of the Issuer-signed JWT.
        verify_jwt(sd_jwt.issuer_jwt, key=key, typ=self.typ_values, algorithms=algorithms)
        # (3) to (5): disclosures and digests.
        claims = reveal(sd_jwt.issuer_jwt.payload, sd_jwt.disclosures, protected=self.protected_claims)
        return self._read_claims(credential, claims, key)

    def verify_holder_binding(
        self,
        presented: UnverifiedCredential,
        credential: VerifiedCredential,
        *,
        algorithms: frozenset[str],
        audience: str,
        nonce: str,
        now: datetime,
    ) -> VerifiedPresentation:
        """Check that whoever the credential was issued to shows it here and now. RFC 9901 §7.3 step 5, K-36, K-37.

        `credential` is what `verify_signature` made of `presented`.
        """
        if credential.raw != presented.raw:
            raise HolderBindingError("the binding of one credential was offered for another")
        if credential.holder_key is None:
            raise HolderBindingError("the credential names no holder key")
        transaction_data = verify_key_binding_jwt(
            presented.sd_jwt,
            key=credential.holder_key,
            audience=audience,
            nonce=nonce,
            now=now,
            algorithms=algorithms,
        )
        return VerifiedPresentation(credential, credential.holder_key, transaction_data)

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
    ) -> VerifiedPresentation:
        """Check what a wallet shows: signature and disclosures, validity, holder binding. RFC 9901 §7.3."""
        presented = self.parse(presented) if isinstance(presented, str) else presented
        credential = self.verify_signature(presented, key=key, algorithms=algorithms)
        if check_validity:
            verify_validity(credential, now=now)
        return self.verify_holder_binding(
            presented, credential, algorithms=algorithms, audience=audience, nonce=nonce, now=now
        )

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
    ) -> str:
        """Show these concrete claims paths and nothing else, bound to one verifier and transaction. RFC 9901 §7.2.

        With `transaction_data_hashes` the holder agrees to what was hashed, by the same signature (VP B.3.3.1).
        """
        return present_bound(
            raw,
            disclose=disclose,
            signer=holder_signer,
            audience=audience,
            nonce=nonce,
            now=now,
            transaction_data_hashes=transaction_data_hashes,
            transaction_data_hashes_alg=transaction_data_hashes_alg,
        )

    def present_unbound(self, raw: str, *, disclose: Collection[ClaimsPath]) -> str:
        """Show these paths to whoever asks for no holder binding. OpenID4VP 1.0 §5.3."""
        return present(raw, disclose=disclose)

    def disclosable_paths(self, raw: str) -> dict[ClaimsPath, Any]:
        """Return every claim that the holder may show or keep hidden, by its path, with its value."""
        return disclosable_paths(raw)

    def sign_claims(
        self,
        claims: Mapping[str, Any],
        *,
        disclosable: Sequence[ClaimsPath],
        issuer: IssuerIdentity,
        signer: Signer,
        header: Mapping[str, Any],
        decoys: Callable[[ClaimsPath, int], int] = pad_with_decoys,
    ) -> str:
        """Return the credential with these claims, for a holder to show parts of."""
        concealed = conceal(claims, disclosable=disclosable, decoys=decoys)
        return self.sign_concealed(*concealed, issuer=issuer, signer=signer, header=header)

    def sign_concealed(
        self,
        payload: Mapping[str, Any],
        disclosures: Sequence[str],
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        header: Mapping[str, Any],
    ) -> str:
        """Return the credential of a payload in which the digests of these disclosures stand."""
        key_reference = {"x5c": list(issuer.x5c)} if issuer.x5c else {"kid": issuer.kid}
        token = sign_jwt(payload, signer=signer, typ=self.format_id, header={**header, **key_reference})
        return "~".join([token, *disclosures, ""])

    @abstractmethod
    def _read_issuer(self, payload: Mapping[str, Any], *, is_certified: bool) -> str:
        """Return the issuer that the payload names, unverified."""

    @abstractmethod
    def _read_claims(
        self, credential: UnverifiedCredential, claims: dict[str, Any], key: PublicKey
    ) -> VerifiedCredential:
        """Check the shape of the processed claims and say what they mean."""


def get_content_format(payload: Mapping[str, Any]) -> str:
    """Tell the format from what is in the payload and never from a label. K-68, A-49."""
    is_sd_jwt_vc, is_vcdm = "vct" in payload, "@context" in payload and "type" in payload
    if is_sd_jwt_vc and "@context" in payload:
        raise MalformedError("a credential that wants to be two kinds at once")
    if not is_sd_jwt_vc and not is_vcdm:
        raise MalformedError("a credential of no known kind")
    return DC_SD_JWT if is_sd_jwt_vc else VC_SD_JWT

"""What the formats have in common whose holder puts a presentation around the credential: all but SD-JWT.

The credential is signed by its issuer and stays as it is, or shows a part of itself; the presentation is signed by the
holder for one verifier and one request. VCDM 2.0 §4.13; OpenID4VP 1.0 B.1; PROFILE.md W-50, V-27.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from kernel.errors import HolderBindingError
from kernel.formats.credential import (
    UnverifiedCredential,
    VerifiedCredential,
    VerifiedPresentation,
    verify_validity,
)
from kernel.keys import PublicKey


class PresentedFormat(ABC):
    """The verbs that check a credential and the presentation around it."""

    format_id: ClassVar[str]

    @abstractmethod
    def parse(self, raw: str) -> UnverifiedCredential:
        """Read a credential, or a presentation of exactly one, whose content is of this format."""

    def verify(
        self,
        credential: UnverifiedCredential,
        *,
        key: PublicKey,
        algorithms: frozenset[str],
        now: datetime,
        check_validity: bool = True,
    ) -> VerifiedCredential:
        """Check a credential as its issuer hands it over: signature, shape, validity.

        One inside a presentation was shown by somebody, and is refused (K-38). The status and the standing of the
        issuer are not judged here.
        """
        if credential.presentation is not None:
            raise HolderBindingError("a presentation was offered where a credential belongs")
        verified = self._verify_issuer(credential, key=key, algorithms=algorithms, on_receipt=True)
        if check_validity:
            verify_validity(verified, now=now)
        return verified

    def verify_signature(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str]
    ) -> VerifiedCredential:
        """Check what the issuer signed and its shape; neither the validity nor the holder.

        One of the three steps of `verify_presentation`, for who reports on each of them.
        """
        return self._verify_issuer(credential, key=key, algorithms=algorithms, on_receipt=False)

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
        """Check that whoever the credential was issued to shows it here and now. V-27, A-15 to A-17.

        `credential` is what `verify_signature` made of `presented`.
        """
        if credential.raw != presented.raw:
            raise HolderBindingError("the binding of one credential was offered for another")
        if presented.presentation is None:
            raise HolderBindingError("a credential without the presentation that binds it")
        if credential.holder_key is None:
            raise HolderBindingError("the credential names no holder key")
        self._verify_presenter(
            presented, credential.holder_key, algorithms=algorithms, audience=audience, nonce=nonce, now=now
        )
        return VerifiedPresentation(credential, credential.holder_key)

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
        """Check what a wallet shows: what the issuer signed, validity, holder binding. V-27."""
        presented = self.parse(presented) if isinstance(presented, str) else presented
        credential = self.verify_signature(presented, key=key, algorithms=algorithms)
        if check_validity:
            verify_validity(credential, now=now)
        return self.verify_holder_binding(
            presented, credential, algorithms=algorithms, audience=audience, nonce=nonce, now=now
        )

    @abstractmethod
    def _verify_issuer(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str], on_receipt: bool
    ) -> VerifiedCredential:
        """Check what the issuer signed, and its shape."""

    @abstractmethod
    def _verify_presenter(
        self,
        presented: UnverifiedCredential,
        holder_key: PublicKey,
        *,
        algorithms: frozenset[str],
        audience: str,
        nonce: str,
        now: datetime,
    ) -> None:
        """Check what the holder signed: by this key, for this audience, with this nonce."""


def require_no_transaction_data(hashes: Sequence[str]) -> None:
    """Raise where a holder would agree to something with a presentation that has no place for it. VP §8.4.

    Only SD-JWT says where in what the holder signs the hashes stand (B.3.3); of W3C presentations nothing is written.
    """
    if hashes:
        raise HolderBindingError("a presentation of this format cannot carry transaction data")

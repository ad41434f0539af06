"""What an issuer left behind, as a judgement uses it: only where the issuer itself no longer answers. Decision 0009."""

from dataclasses import dataclass

from kernel.archive import VerifiedArchive


@dataclass(frozen=True, slots=True)
class IssuerArchive:
    """An archive that is believed, and whether its issuer has ended.

    While an issuer still exists it may have withdrawn a badge after the archive was made: then the archive proves who
    signed, and not that the badge still holds.
    """

    archive: VerifiedArchive
    is_last_word: bool

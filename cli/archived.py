"""Check a badge with the archive of its issuer, and nothing else: no network, and no issuer that still exists.

What the archive cannot know is said: whether the badge was withdrawn after the archive was made.
"""

from datetime import datetime
from pathlib import Path

from kernel.archive import VerifiedArchive
from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.importing import ImportReport, IssuerArchive, judge, recognise
from kernel.importing.recognition import MAX_FILE_BYTES


def read_file(path: Path, limit: int) -> bytes:
    """The content of a file of at most this size, or MalformedError before more of it is read."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise MalformedError("a file that is larger than any of its kind")
    return content


def judge_with_archive(path: Path, archive: VerifiedArchive, *, now: datetime) -> ImportReport:
    """Judge the badge in a file by what its issuer left behind; MalformedError where it is none.

    Whoever names the archive's key says by that that it is the last word. UntrustedIssuerError: it is another's badge.
    """
    imported = recognise(read_file(path, MAX_FILE_BYTES))
    if imported.unverified_issuer != archive.did:
        raise UntrustedIssuerError("the badge is another issuer's than the archive")
    return judge(imported, {}, now=now, left_behind=IssuerArchive(archive, is_last_word=True))

"""Whatever badge people already have: say what it is, what has to be fetched to prove it, and what it proves.

`recognise` reads a file or text, `judge` makes every check that can be made and lists the lookups that are missing;
the caller fetches them with the guarded fetcher and judges again. Issue 3, items 5, 6 and 9.
"""

from kernel.importing.archives import IssuerArchive
from kernel.importing.endorsements import EndorsementReport, judge_endorsements
from kernel.importing.imported import Container, Imported, Kind, Securing
from kernel.importing.judging import judge
from kernel.importing.lookups import Answer, AnswerKind, Lookup, LookupKind, Material
from kernel.importing.recognition import AddressRefusedError, recognise
from kernel.importing.report import IMPORT_CHECK_CODES, REASONS, ImportCheck, ImportReport, Signer, Verdict

__all__ = [
    "IMPORT_CHECK_CODES",
    "REASONS",
    "AddressRefusedError",
    "Answer",
    "AnswerKind",
    "Container",
    "EndorsementReport",
    "ImportCheck",
    "ImportReport",
    "Imported",
    "IssuerArchive",
    "Kind",
    "Lookup",
    "LookupKind",
    "Material",
    "Securing",
    "Signer",
    "Verdict",
    "judge",
    "judge_endorsements",
    "recognise",
]

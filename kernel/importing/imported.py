"""What an imported file turned out to be, before anything in it is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kernel.microcredential import Microcredential


class Kind(StrEnum):
    """What somebody brought."""

    OPEN_BADGE_2 = "open_badge_2"
    OPEN_BADGE_3 = "open_badge_3"
    ENDORSEMENT = "endorsement"
    CLR = "clr"
    ELM = "elm"
    SD_JWT_VC = "sd_jwt_vc"
    CREDENTIAL = "credential"
    ADDRESS = "address"


class Container(StrEnum):
    """In what it came."""

    PICTURE = "picture"
    JSON = "json"
    JWT = "jwt"
    SD_JWT = "sd_jwt"
    ADDRESS = "address"


class Securing(StrEnum):
    """What could prove it.

    `HOSTED` is an Open Badge 2.0 that its issuer publishes; `SEAL` a JAdES seal, which is not checked here (E-10);
    `OTHER_PROOF` an embedded proof of a kind that is older than Data Integrity.
    """

    DATA_INTEGRITY = "data_integrity"
    OTHER_PROOF = "other_proof"
    JWT = "jwt"
    SD_JWT = "sd_jwt"
    HOSTED = "hosted"
    SEAL = "seal"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Imported:
    """A thing that was recognised; nobody has checked who made it.

    `document` is the credential or assertion as it stands (in a JWT, its claims), `content` the same read into one
    model for people to look at, `token` the text that is signed where it is not the document itself. `parts` are
    credentials inside it, each with an issuer of its own (A-50). `data_model` is the version of the W3C's data model.
    """

    kind: Kind
    container: Container
    securing: Securing
    document: Mapping[str, Any] = field(repr=False)
    content: Microcredential = field(repr=False)
    unverified_issuer: str | None
    token: str | None = field(default=None, repr=False)
    data_model: str | None = None
    parts: tuple["Imported", ...] = field(default=(), repr=False)

    @property
    def is_older_form(self) -> bool:
        """Whether it is of a form that is read but no longer written. B-22."""
        return self.kind is Kind.OPEN_BADGE_2 or self.data_model == "1.1"

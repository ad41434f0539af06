"""A badge as a file: an Open Badge for people without a wallet, as JSON, as JWS, and baked into its picture. B-20.

A file proves no holder: whoever has it can show it. So it carries no name and no e-mail address, but a salted hash of
the address, by which a reader can check who it was given to (B-08). It is signed once and kept; reading it signs
nothing. It has its own place in the status lists, so that revoking the award revokes it with every other copy.
"""

import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from issuer import signing_keys, status, store
from issuer.awards import open_claims
from issuer.credential_issuer import CredentialIssuer
from issuer.datasets import create_dataset
from issuer.did_documents import KeyForm
from issuer.errors import N_, ConflictError, NotFoundError
from issuer.images import BadgeImage, as_svg
from issuer.models import BadgeFile
from issuer.settings import IssuerSettings
from issuer.signing_keys import ActiveKey
from issuer.status_messages import takes_messages
from issuer.store import AwardRow, Session
from kernel import base64url
from kernel.baking import CredentialForm, bake
from kernel.formats import IssuerIdentity
from kernel.formats.badge_file import create_badge_file, sign_badge_file, sign_open_badge_jwt
from kernel.formats.credential import LDP_VC
from kernel.formats.status_reference import StatusKind
from kernel.open_badges import create_identity_object
from runtime.database import BlockingConnection, run_blocking
from runtime.tokens import create_token

FileForm = Literal["json", "jws", "png", "svg", "sd-jwt", "sd-json"]

Kind = Literal["json", "jws", "sd-jwt"]
"""The signed texts that they are made of."""

_KINDS: Final[Mapping[FileForm, Kind]] = {
    "json": "json",
    "jws": "jws",
    "png": "json",
    "svg": "json",
    "sd-jwt": "sd-jwt",
    "sd-json": "json",
}
_PICTURES: Final = {"png": "image/png", "svg": "image/svg+xml"}
# The media type of each text, and how the name of its file ends. B-33; SD-JWT VC §3.1.
_TYPES: Final[Mapping[Kind, tuple[str, str]]] = {
    "json": (CredentialForm.JSON.media_type, CredentialForm.JSON.file_extension),
    "jws": (CredentialForm.JWS.media_type, CredentialForm.JWS.file_extension),
    "sd-jwt": ("application/dc+sd-jwt", ".sd-jwt"),
}


@dataclass(frozen=True, slots=True)
class FileView:
    """The file of an award, the forms in which it can be had, and the address at which its recipient can fetch it.

    Who has the address has the file, and nothing that the file does not say: it can be sent as the file itself could.
    """

    created_at: datetime
    forms: tuple[FileForm, ...]
    link: str


@dataclass(frozen=True, slots=True)
class SharedFile:
    """What the recipient finds at the address."""

    row: AwardRow
    view: FileView


@dataclass(frozen=True, slots=True)
class Download:
    """A file as it goes over the wire."""

    content: bytes
    media_type: str
    file_name: str

    @property
    def headers(self) -> dict[str, str]:
        """How a browser is to keep it; nobody in between is to."""
        return {"Content-Disposition": f'attachment; filename="{self.file_name}"', "Cache-Control": "no-store"}


async def make_badge_file(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID, *, actor: str, now: datetime
) -> FileView:
    """Sign the badge of an award as a file; asked again, it stays the file that it was for as long as it holds."""
    await store.lock_award(session, award_id)
    row = await _get_row(session, issuer, award_id)
    get_claims_for_file(row)
    file = await store.find_badge_file(session, award_id)
    if file is None:
        number = await store.next_file_number(session, award_id)
        file = await run_blocking(session, _sign, settings, issuer, row, number, now)
        await store.add_row(session, file)
        await store.add_audit(session, issuer.organisation_id, actor, "award.file", str(award_id), None, now)
    return _view(settings, issuer, file, row)


async def find_badge_file(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID
) -> FileView | None:
    """What was made of an award, None when nothing was or it is gone."""
    file = await store.find_badge_file(session, award_id)
    if file is None or not _kept(file):
        return None
    return _view(settings, issuer, file, await _get_row(session, issuer, award_id))


async def get_shared_file(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, file_id: UUID, secret: str
) -> SharedFile:
    """The file at an address that staff passed on, or NotFoundError: the same for a wrong and for an old address."""
    award_id = await store.find_award_of_file(session, issuer.organisation_id, file_id)
    is_right = hmac.compare_digest(secret.encode(), _secret(settings, file_id).encode())
    file = None if award_id is None or not is_right else await store.find_badge_file(session, award_id)
    if file is None or file.id != file_id or not _kept(file):
        raise NotFoundError(N_("Dit adres werkt niet (meer). Vraag een nieuw aan bij wie het u stuurde."))
    row = await _get_row(session, issuer, file.award_id)
    return SharedFile(row, _view(settings, issuer, file, row))


async def get_badge_file(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID, form: FileForm
) -> Download:
    """One form of the file that was made of an award, or NotFoundError. B-30 to B-33."""
    row = await _get_row(session, issuer, award_id)
    file = await store.find_badge_file(session, award_id)
    kept = {} if file is None else _kept(file)
    if file is None or not kept:
        raise NotFoundError(N_("Van deze uitreiking is geen bestand. Maak het eerst."))
    if form not in _forms(row, file):
        raise NotFoundError(N_("In deze vorm is het bestand er niet. Neem een van de andere."))
    name = file_name(row)
    kind = _KINDS[form]
    signed = settings.seal.open(kept[kind], context=_context(file.id, kind)).decode()
    if form not in _PICTURES:
        media_type, ending = _TYPES[kind]
        return Download(signed.encode(), media_type, name + ending)
    art = BadgeImage(row.version.image, row.version.image_type)
    picture = as_svg(art) if form == "svg" else art
    return Download(bake(picture.content, signed), _PICTURES[form], f"{name}.{form}")


def get_claims_for_file(row: AwardRow) -> bytes:
    """The sealed claims of an award that counts now, or ConflictError that says why no file comes of it."""
    if row.award.status == "waiting":
        raise ConflictError(N_("Deze badge wacht nog op goedkeuring. Daarna kunt u het bestand maken."))
    if row.award.status != "valid":
        raise ConflictError(N_("Deze badge is opgeschort of ingetrokken. Er komt geen bestand van."))
    if row.award.sealed_claims is None:
        raise ConflictError(N_("De gegevens van deze persoon zijn verwijderd. Reik de badge opnieuw uit."))
    return row.award.sealed_claims


def file_name(row: AwardRow) -> str:
    """What a file of this award is called, without its extension: of letters that every system can keep."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{row.achievement.slug}-{row.award.reference}").strip("-")


async def _get_row(session: Session, issuer: CredentialIssuer, award_id: UUID) -> AwardRow:
    row = await store.find_award(session, issuer.organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    return row


def _view(settings: IssuerSettings, issuer: CredentialIssuer, file: BadgeFile, row: AwardRow) -> FileView:
    return FileView(file.created_at, _forms(row, file), file_link(settings, issuer, file.id))


def file_link(settings: IssuerSettings, issuer: CredentialIssuer, file_id: UUID) -> str:
    """The address at which the recipient of a file can fetch it."""
    return issuer.endpoint(f"files/{file_id}/{_secret(settings, file_id)}")


def _secret(settings: IssuerSettings, file_id: UUID) -> str:
    """What nobody can guess, and staff can be shown again: made from a key of the service, so that none is kept."""
    return base64url.encode(hmac.digest(settings.request_key, f"badge-file/{file_id}".encode(), "sha256"))


def _kept(file: BadgeFile) -> dict[Kind, bytes]:
    """The signed texts of a file that were made and not dropped."""
    texts: dict[Kind, bytes | None] = {"json": file.sealed_json, "jws": file.sealed_jws, "sd-jwt": file.sealed_sd_jwt}
    return {kind: sealed for kind, sealed in texts.items() if sealed is not None}


def _forms(row: AwardRow, file: BadgeFile) -> tuple[FileForm, ...]:
    """Its texts, and the pictures that one of them can be baked into.

    A drawing cannot be made into a photo here; the other way round the photo goes into a drawing. A picture is for
    anybody to see, and so carries nothing from which its holder would choose parts to show (`sd-…`).
    """
    kept = _kept(file)
    if "json" not in kept:
        return tuple(kept)
    if file.securing != LDP_VC:
        return ("sd-json",)
    return ("png", "svg", *kept) if row.version.image_type == "image/png" else ("svg", *kept)


def _sign(
    connection: BlockingConnection,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    row: AwardRow,
    number: int,
    now: datetime,
) -> BadgeFile:
    """One badge with one place and one identifier, signed in both ways: they are one copy, not two (B-23)."""
    award = row.award
    [place] = status.allocate_status_places(
        connection,
        settings,
        issuer,
        award_id=award.id,
        offer_id=None,
        count=1,
        now=now,
        kind=StatusKind.BITSTRING_STATUS_LIST,
        message=award.message if takes_messages(row.version.description) else None,
    )
    claims = open_claims(settings, award.id, award.sealed_claims or b"")
    # Of the person a hashed address, and no name. B-08
    dataset = create_dataset(
        issuer,
        row.version.achievement,
        claims,
        person={},
        identifiers=[create_identity(claims["person"]["email"])],
        awarded_at=award.awarded_at,
        credential_id=create_credential_id(),
    )
    keys = {
        algorithm: signing_keys.get_signer(connection, settings, issuer.organisation_id, algorithm, now=now)
        for algorithm in ("Ed25519", "ES256")
    }
    embedded = identity_of(issuer, keys["Ed25519"], "Multikey")
    jws = identity_of(issuer, keys["ES256"], "JsonWebKey")
    badge = create_badge_file(
        dataset, issuer=embedded, status=place.references, valid_from=now, expires_at=award.expires_at
    )
    signed: dict[Kind, str] = {
        "json": sign_badge_file(badge, issuer=embedded, signer=keys["Ed25519"].signer),
        "jws": sign_open_badge_jwt(badge, issuer=jws, signer=keys["ES256"].signer),
    }
    file_id = store.new_id()
    sealed = {kind: seal_file(settings, file_id, kind, text.encode()) for kind, text in signed.items()}
    return BadgeFile(
        id=file_id,
        award_id=award.id,
        number=number,
        status_list_id=place.status_list_id,
        status_index=place.index,
        sealed_json=sealed["json"],
        sealed_jws=sealed["jws"],
        created_at=now,
    )


# What every file is made of, whether alone or in bulk (issuer.bulk_signing).


def create_identity(email: str) -> dict[str, Any]:
    """The person, under a salt of their own."""
    return create_identity_object(email.lower(), identity_type="emailAddress", salt=create_token(16))


def create_credential_id() -> str:
    """The identifier of one copy: random, so that it tells neither when it was made nor after which other one."""
    return f"urn:uuid:{uuid.uuid4()}"


def identity_of(issuer: CredentialIssuer, key: ActiveKey, form: KeyForm) -> IssuerIdentity:
    """As whom the issuer signs with a key."""
    return IssuerIdentity(issuer.did, signing_keys.key_id(issuer, key, form))


def seal_file(settings: IssuerSettings, file_id: UUID, kind: Kind, text: bytes) -> bytes:
    """A signed text as it is kept."""
    return settings.seal.seal(text, context=_context(file_id, kind))


def _context(file_id: UUID, kind: Kind) -> str:
    return f"issuer/badge-file-{kind}/{file_id}"

"""A badge as a file: an Open Badge for people without a wallet, as JSON, as JWS, and baked into its picture. B-20.

A file proves no holder: whoever has it can show it. So it carries no name and no e-mail address, but a salted hash of
the address, by which a reader can check who it was given to (B-08). It is signed once and kept; reading it signs
nothing. It has its own place in the status lists, so that revoking the award revokes it with every other copy.
"""

import hmac
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from issuer import signing_keys, status, store
from issuer.achievements import earned_credits
from issuer.awards import open_claims
from issuer.credential import issuer_profile
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, ConflictError, NotFoundError
from issuer.images import BadgeImage, as_svg
from issuer.models import BadgeFile
from issuer.settings import IssuerSettings
from issuer.signing_keys import ActiveKey
from issuer.store import AwardRow, Session
from kernel import base64url
from kernel.baking import CredentialForm, bake
from kernel.formats import IssuerIdentity
from kernel.formats.badge_file import create_badge_file, sign_badge_file, sign_open_badge_jwt
from kernel.formats.status_reference import StatusKind
from kernel.open_badges import CredentialDataset, create_identity_object
from runtime.database import BlockingConnection, run_blocking
from runtime.tokens import create_token

FileForm = Literal["json", "jws", "png", "svg"]

_PICTURES: Final = {"png": "image/png", "svg": "image/svg+xml"}


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
    if row.award.status != "valid":
        raise ConflictError(N_("Deze badge is opgeschort of ingetrokken. Er komt geen bestand van."))
    if row.award.sealed_claims is None:
        raise ConflictError(N_("De gegevens van deze persoon zijn verwijderd. Reik de badge opnieuw uit."))
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
    if file is None or file.sealed_json is None:
        return None
    return _view(settings, issuer, file, await _get_row(session, issuer, award_id))


async def get_shared_file(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, file_id: UUID, secret: str
) -> SharedFile:
    """The file at an address that staff passed on, or NotFoundError: the same for a wrong and for an old address."""
    award_id = await store.find_award_of_file(session, issuer.organisation_id, file_id)
    is_right = hmac.compare_digest(secret.encode(), _secret(settings, file_id).encode())
    file = None if award_id is None or not is_right else await store.find_badge_file(session, award_id)
    if file is None or file.id != file_id or file.sealed_json is None:
        raise NotFoundError(N_("Dit adres werkt niet (meer). Vraag een nieuw aan bij wie het u stuurde."))
    row = await _get_row(session, issuer, file.award_id)
    return SharedFile(row, _view(settings, issuer, file, row))


async def get_badge_file(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID, form: FileForm
) -> Download:
    """One form of the file that was made of an award, or NotFoundError. B-30 to B-33."""
    row = await _get_row(session, issuer, award_id)
    file = await store.find_badge_file(session, award_id)
    if file is None or file.sealed_json is None or file.sealed_jws is None:
        raise NotFoundError(N_("Van deze uitreiking is geen bestand. Maak het eerst."))
    if form not in _forms(row):
        raise NotFoundError(N_("De afbeelding van deze badge is een SVG. Daar maken we geen PNG van; neem de SVG."))
    name = file_name(row)
    kind = CredentialForm.JWS if form == "jws" else CredentialForm.JSON
    signed = settings.seal.open(
        file.sealed_jws if form == "jws" else file.sealed_json, context=_context(file.id, kind)
    ).decode()
    if form not in _PICTURES:
        return Download(signed.encode(), kind.media_type, name + kind.file_extension)
    art = BadgeImage(row.version.image, row.version.image_type)
    picture = as_svg(art) if form == "svg" else art
    return Download(bake(picture.content, signed), _PICTURES[form], f"{name}.{form}")


def file_name(row: AwardRow) -> str:
    """What a file of this award is called, without its extension: of letters that every system can keep."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{row.achievement.slug}-{row.award.reference}").strip("-")


async def _get_row(session: Session, issuer: CredentialIssuer, award_id: UUID) -> AwardRow:
    row = await store.find_award(session, issuer.organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    return row


def _view(settings: IssuerSettings, issuer: CredentialIssuer, file: BadgeFile, row: AwardRow) -> FileView:
    link = issuer.endpoint(f"files/{file.id}/{_secret(settings, file.id)}")
    return FileView(file.created_at, _forms(row), link)


def _secret(settings: IssuerSettings, file_id: UUID) -> str:
    """What nobody can guess, and staff can be shown again: made from a key of the service, so that none is kept."""
    return base64url.encode(hmac.digest(settings.request_key, f"badge-file/{file_id}".encode(), "sha256"))


def _forms(row: AwardRow) -> tuple[FileForm, ...]:
    """A drawing cannot be made into a photo here; the other way round the photo goes into a drawing."""
    return ("png", "svg", "json", "jws") if row.version.image_type == "image/png" else ("svg", "json", "jws")


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
    )
    claims = open_claims(settings, award.id, award.sealed_claims or b"")
    address = claims["person"]["email"].lower()
    dataset = CredentialDataset(
        achievement=row.version.achievement,
        issuer_profile=issuer_profile(issuer),
        person={},
        subject={
            "identifier": [create_identity_object(address, identity_type="emailAddress", salt=create_token(16))],
            **earned_credits(row.version.achievement),
        },
        evidence=claims["evidence"],
        awarded_at=award.awarded_at,
        issuing_authority=issuer.name,
        issuing_country=issuer.country,
        credential_id=f"urn:uuid:{uuid.uuid4()}",
    )
    keys = {
        algorithm: signing_keys.get_signer(connection, settings, issuer.organisation_id, algorithm, now=now)
        for algorithm in ("Ed25519", "ES256")
    }
    embedded, jws = _identity(issuer, keys["Ed25519"]), _identity(issuer, keys["ES256"])
    badge = create_badge_file(
        dataset, issuer=embedded, status=place.references, valid_from=now, expires_at=award.expires_at
    )
    signed = {
        CredentialForm.JSON: sign_badge_file(badge, issuer=embedded, signer=keys["Ed25519"].signer),
        CredentialForm.JWS: sign_open_badge_jwt(badge, issuer=jws, signer=keys["ES256"].signer),
    }
    file_id = store.new_id()
    sealed = {form: settings.seal.seal(text.encode(), context=_context(file_id, form)) for form, text in signed.items()}
    return BadgeFile(
        id=file_id,
        award_id=award.id,
        number=number,
        status_list_id=place.status_list_id,
        status_index=place.index,
        sealed_json=sealed[CredentialForm.JSON],
        sealed_jws=sealed[CredentialForm.JWS],
        created_at=now,
    )


def _identity(issuer: CredentialIssuer, key: ActiveKey) -> IssuerIdentity:
    return IssuerIdentity(issuer.did, issuer.verification_method(key.fragment))


def _context(file_id: UUID, form: CredentialForm) -> str:
    return f"issuer/badge-file-{form}/{file_id}"

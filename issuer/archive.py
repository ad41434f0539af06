"""The archive that an organisation keeps elsewhere: with it its badges stay checkable when this issuer is gone.

It holds nothing about people: keys and when each signed, DID documents, status lists, contexts, the type of badges,
and every achievement in every version with its picture. The form is that of `kernel.archive`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import schemas
from issuer import did_documents, signing_keys, status_lists, store
from issuer.achievements import achievement_image_uri, achievement_uri
from issuer.credential_issuer import CredentialIssuer, get_issuer
from issuer.did_documents import KeyView
from issuer.errors import N_, ConflictError
from issuer.settings import IssuerSettings
from issuer.status_lists import ListForm
from issuer.store import Session
from kernel import archive
from kernel.archive import ArchivedFile, ArchivedKey
from kernel.jcs import canonicalize_json
from kernel.json_ld.pinned import PINNED
from kernel.type_metadata import create_skill_badge_type
from runtime.database import Database, run_blocking

ARCHIVE_TYPE: Final = "application/vnd.skillswallet.archive"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive, what to call the file, and by which key's thumbprint it can be recognised later."""

    content: bytes
    file_name: str
    signer_thumbprint: str


async def create_archive(database: Database, settings: IssuerSettings, slug: str, *, now: datetime) -> Archive:
    """Write and sign the archive of an organisation; status lists are those that are served now."""
    async with database.transaction() as session:
        issuer = await get_issuer(session, settings, slug)
        await store.lock_organisation(session, issuer.organisation_id)
        signer = await run_blocking(
            session, signing_keys.get_signer, settings, issuer.organisation_id, "Ed25519", now=now
        )
        await did_documents.keep_did_document(session, issuer)
        keys = await did_documents.list_keys(session, issuer.organisation_id)
        files = [*await _files(session, issuer), *_published_files(settings)]
        lists = await run_blocking(session, store.list_status_lists, issuer.organisation_id)
    for number, kind in lists:
        files += await _status_lists(database, settings, issuer, number, kind, now)
    # Megabytes to encode, and maybe a security module to wait for: not while others wait for this thread.
    content = await asyncio.to_thread(
        archive.create_archive,
        did=issuer.did,
        organisation=_organisation(issuer),
        keys=[archived for key in keys for archived in _archived_keys(issuer, key)],
        files=files,
        signer=signer.signer,
        kid=issuer.verification_method(signer.fragment),
        created_at=now,
    )
    return Archive(content, f"{slug}-{now:%Y-%m-%d}.archive", signer.signer.public_key.thumbprint)


def archive_headers(made: Archive) -> dict[str, str]:
    """How a browser is to keep the file, and the thumbprint of its signer for whoever fetches it."""
    return {
        "Content-Disposition": f'attachment; filename="{made.file_name}"',
        "Archive-Signer-Thumbprint": made.signer_thumbprint,
    }


def _organisation(issuer: CredentialIssuer) -> dict[str, str]:
    members = {
        "credential_issuer": issuer.identifier,
        "name": issuer.name,
        "url": issuer.url,
        "country": issuer.country,
        "registration_number": issuer.registration_number,
    }
    return {name: value for name, value in members.items() if value is not None}


def _archived_keys(issuer: CredentialIssuer, key: KeyView) -> Sequence[ArchivedKey]:
    """A key under every name that it has in the DID document: badges name it by any."""
    kids = did_documents.key_ids(issuer, key)
    return [ArchivedKey(kid, key.key, key.created_at, key.retired_at, key.withdrawn_at) for kid in kids]


async def _files(session: Session, issuer: CredentialIssuer) -> list[ArchivedFile]:
    """What stands in this issuer's own rows: DID documents, achievements, pictures."""
    files = [
        ArchivedFile("did_document", f"{issuer.did}?versionId={number}", "application/did+json", version.document)
        for number, version in enumerate(await did_documents.list_did_documents(session, issuer), start=1)
    ]
    for row in await store.list_achievement_versions(session, issuer.organisation_id):
        name = f"{achievement_uri(issuer, row.achievement.slug)}?version={row.version.version}"
        text = canonicalize_json(row.version.achievement).encode()
        files.append(ArchivedFile("achievement", name, "application/json", text))
        image = achievement_image_uri(issuer, row)
        files.append(ArchivedFile("image", image, row.version.image_type, row.version.image))
    return files


def _published_files(settings: IssuerSettings) -> Sequence[ArchivedFile]:
    """What is the same for every issuer, and might one day be hard to find."""
    contexts = [
        ArchivedFile("context", url, "application/ld+json", schemas.load_bytes(name))
        for url, (name, _digest) in PINNED.items()
    ]
    badge_type = create_skill_badge_type(settings.badge_vct)
    return [*contexts, ArchivedFile("type_metadata", settings.badge_vct, "application/json", badge_type)]


async def _status_lists(
    database: Database, settings: IssuerSettings, issuer: CredentialIssuer, number: int, kind: str, now: datetime
) -> Sequence[ArchivedFile]:
    """One list as it is served, in each of its forms; a change that is not served yet must not get lost."""
    files = []
    for file_kind, name, form in _forms(issuer, number, kind):
        served = await status_lists.get_status_list(database, settings, issuer.slug, number, form, now=now)
        if not served.is_latest:
            raise ConflictError(
                N_("Een badge kreeg net een andere status. Wacht een kwartier en maak het archief dan.")
            )
        files.append(ArchivedFile(file_kind, name, form.media_type, served.document.encode()))
    return files


def _forms(issuer: CredentialIssuer, number: int, kind: str) -> Sequence[tuple[str, str, ListForm]]:
    if kind == status_lists.TOKEN.kind:
        return [("status_list", status_lists.status_list_uri(issuer, number), status_lists.TOKEN)]
    return [
        (
            "status_list_jwt" if as_jwt else "status_list",
            status_lists.bitstring_uri(issuer, number, purpose),
            status_lists.bitstring_form(purpose, as_jwt=as_jwt),
        )
        for purpose in status_lists.PURPOSES
        for as_jwt in (False, True)
    ]

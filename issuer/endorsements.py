"""Endorsements: what one organisation says of another's badge, signed by whoever says it. Open Badges 3.0; B-09, A-50.

Given: an `EndorsementCredential` of ours, with a place in a status list, so that it can be taken back. Received: one by
somebody else, verified in its own right before a new version of the achievement carries it. A reader verifies it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from issuer import achievements, signing_keys, status, store
from issuer.achievements import achievement_uri, get_achievement
from issuer.credential_issuer import CredentialIssuer
from issuer.datasets import issuer_profile
from issuer.errors import N_, ConflictError, InputError, NotFoundError
from issuer.input import Input, Moment
from issuer.models import GivenEndorsement
from issuer.settings import IssuerSettings
from issuer.store import AchievementRow, Session
from kernel.data_integrity import add_proof
from kernel.endorsement import create_endorsement
from kernel.errors import CredentialError, MalformedError
from kernel.formats.status_reference import StatusKind, create_credential_status
from kernel.importing import Imported, Verdict
from kernel.importing.imported import Kind, Securing
from kernel.keys import SoftwareSigner
from kernel.open_badges import CREDENTIALS_V2, OPEN_BADGES_3_0_3, verify_achievement
from kernel.open_badges.checking import verify_shape
from kernel.strict_json import encode_json
from runtime.database import BlockingConnection, Database, run_blocking
from runtime.fetch import Fetcher
from runtime.importing import read_badge, resolve_report

# Each travels in every badge, and each costs whoever checks the badge a signature.
MAX_ENDORSEMENTS: Final = 5
MAX_BYTES: Final = 16 * 1024

Subject = Annotated[str, StringConstraints(pattern=r"^(?:https?://|urn:uuid:|did:web:)[^\s<>\"]+$", max_length=500)]


class EndorsementDescription(Input):
    """What is endorsed, under which name it is known, and why."""

    subject: Subject
    name: str = Field(min_length=1, max_length=200)
    comment: str = Field(min_length=1, max_length=2000)
    expires_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class ReceivedEndorsement:
    """What somebody else says of an achievement."""

    id: str
    endorser: str
    endorser_name: str
    comment: str
    valid_from: str
    valid_until: str | None


# Given


async def give_endorsement(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    description: EndorsementDescription,
    *,
    actor: str,
    now: datetime,
) -> GivenEndorsement:
    """Sign an endorsement of somebody else's badge or organisation, to be handed to them. B-09."""
    if description.expires_at is not None and description.expires_at <= now:
        raise InputError(fields={"expires_at": N_("De einddatum ligt in het verleden.")})
    if description.subject == issuer.did or description.subject.startswith(f"{issuer.identifier}/"):
        raise InputError(fields={"subject": N_("Dit is van uzelf. Wat u van uw eigen badge vindt, staat er al in.")})
    row = await run_blocking(session, _sign, settings, issuer, description, now)
    await store.add_row(session, row)
    await store.add_audit(session, issuer.organisation_id, actor, "endorsement.give", str(row.id), row.subject, now)
    return row


def _sign(
    connection: BlockingConnection,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    description: EndorsementDescription,
    now: datetime,
) -> GivenEndorsement:
    kind = StatusKind.BITSTRING_STATUS_LIST
    [place] = status.allocate_status_places(
        connection, settings, issuer, award_id=None, offer_id=None, count=1, now=now, kind=kind
    )
    key = signing_keys.get_signer(connection, settings, issuer.organisation_id, "Ed25519", now=now)
    row_id = store.new_id()
    document = create_endorsement(
        endorsement_id=f"urn:uuid:{row_id}",
        issuer_profile=issuer_profile(issuer),
        subject_id=description.subject,
        name=description.name,
        comment=description.comment,
        valid_from=now,
        valid_until=description.expires_at,
    )
    signed = add_proof(
        {**document, **create_credential_status(place.references)},
        cryptosuite="eddsa-rdfc-2022",
        signer=key.signer,
        verification_method=signing_keys.key_id(issuer, key, "Multikey"),
        proof_purpose="assertionMethod",
        created_at=now,
    )
    return GivenEndorsement(
        id=row_id,
        organisation_id=issuer.organisation_id,
        subject=description.subject,
        name=description.name,
        comment=description.comment,
        document=encode_json(signed).decode(),
        status_list_id=place.status_list_id,
        status_index=place.index,
        created_at=now,
        expires_at=description.expires_at,
    )


async def list_given_endorsements(session: Session, issuer: CredentialIssuer) -> Sequence[GivenEndorsement]:
    """What this organisation endorsed, newest first."""
    return await store.list_given_endorsements(session, issuer.organisation_id)


async def get_given_endorsement(session: Session, issuer: CredentialIssuer, endorsement_id: UUID) -> GivenEndorsement:
    """One endorsement that this organisation gave, or NotFoundError."""
    found = await store.find_given_endorsement(session, issuer.organisation_id, endorsement_id)
    if found is None:
        raise NotFoundError(N_("Deze aanbeveling kennen we niet."))
    return found


async def withdraw_endorsement(
    session: Session, issuer: CredentialIssuer, endorsement_id: UUID, *, actor: str, now: datetime
) -> None:
    """Take an endorsement back, for good: whoever checks it from now on sees so."""
    given = await get_given_endorsement(session, issuer, endorsement_id)
    if not await store.withdraw_endorsement(session, given.id, now):
        raise ConflictError(N_("Deze aanbeveling is al ingetrokken. Dat blijft zo."))
    await session.refresh(given)
    await run_blocking(session, store.revoke_place, given.status_list_id, given.status_index)
    await store.add_audit(session, issuer.organisation_id, actor, "endorsement.withdraw", str(given.id), None, now)


# Received


async def add_endorsement(
    database: Database,
    fetch: Fetcher,
    issuer: CredentialIssuer,
    slug: str,
    content: bytes,
    *,
    actor: str,
    now: datetime,
) -> AchievementRow:
    """Let badges of this achievement carry what somebody else says of it, once that was verified. B-09, A-50.

    It is verified as anybody's reader would: by its signer's published key and its status, fetched while no
    transaction is open. Only an endorsement that holds, and of this very achievement, gets in.
    """
    async with database.reading() as session:
        row = await get_achievement(session, issuer, slug)
    document = await _verify(fetch, content, achievement_uri(issuer, slug), now=now)
    if document["issuer"]["id"] == issuer.did:
        raise _refused(N_("Dit is van uzelf. Wat u van uw eigen badge vindt, staat er al in."))
    kept = list(row.version.achievement.get("endorsement", []))
    if document["id"] in {each["id"] for each in kept}:
        raise _refused(N_("Deze aanbeveling staat er al bij."))
    if len(kept) == MAX_ENDORSEMENTS:
        raise _refused(N_("Er staan al vijf aanbevelingen bij deze badge. Haal er eerst een weg."))
    _require_issuable({**row.version.achievement, "endorsement": [*kept, document]}, now)
    async with database.transaction() as session:
        return await achievements.change_endorsements(
            session, issuer, slug, [*kept, document], from_version=row.version.version, actor=actor, now=now
        )


async def remove_endorsement(
    session: Session, issuer: CredentialIssuer, slug: str, endorsement_id: str, *, actor: str, now: datetime
) -> AchievementRow:
    """Leave an endorsement out of badges that are awarded from now on; those before keep it."""
    row = await get_achievement(session, issuer, slug)
    before = row.version.achievement.get("endorsement", [])
    kept = [each for each in before if each["id"] != endorsement_id]
    if len(kept) == len(before):
        raise NotFoundError(N_("Deze aanbeveling kennen we niet."))
    return await achievements.change_endorsements(
        session, issuer, slug, kept, from_version=row.version.version, actor=actor, now=now
    )


def received_endorsements(row: AchievementRow) -> list[ReceivedEndorsement]:
    """What badges of this version carry, for people to read."""
    return [
        ReceivedEndorsement(
            id=each["id"],
            endorser=each["issuer"]["id"],
            endorser_name=each["issuer"].get("name", each["issuer"]["id"]),
            comment=each["credentialSubject"].get("endorsementComment", ""),
            valid_from=each["validFrom"],
            valid_until=each.get("validUntil"),
        )
        for each in row.version.achievement.get("endorsement", [])
    ]


async def _verify(fetch: Fetcher, content: bytes, subject: str, *, now: datetime) -> Mapping[str, Any]:
    # (1) As we write them, with an embedded proof: the context does not have the terms of JWTs inside badges (B-14).
    imported = await _read(content)
    if imported.kind is not Kind.ENDORSEMENT or imported.securing is not Securing.DATA_INTEGRITY:
        raise _refused(N_("Dit is geen aanbeveling. Vraag om een EndorsementCredential als JSON."))
    try:
        verify_shape(imported.document, "Endorsement")
    except MalformedError as exc:
        raise _refused(N_("In deze aanbeveling ontbreekt iets. Vraag om een die aan Open Badges 3.0 voldoet.")) from exc
    # (2) Of this achievement, and not taken from another one.
    if imported.document["credentialSubject"]["id"] != subject:
        raise _refused(N_("Deze aanbeveling gaat over iets anders dan deze badge."))
    # (3) Signed by who it says, within its time, and not withdrawn.
    report = await resolve_report(fetch, imported, now=now)
    if report.verdict is Verdict.REFUTED:
        raise _refused(N_("Deze aanbeveling klopt niet: de handtekening, de geldigheid of de status is niet goed."))
    if report.verdict is Verdict.UNPROVEN:
        raise _refused(N_("We konden deze aanbeveling nu niet nakijken. Probeer het over een paar minuten opnieuw."))
    return imported.document


async def _read(content: bytes) -> Imported:
    if len(content) > MAX_BYTES:
        raise _refused(N_("Deze aanbeveling is te groot om in elke badge mee te gaan: hooguit 16 kB."))
    try:
        return await read_badge(content)
    except MalformedError as exc:
        raise _refused(N_("Dit is geen aanbeveling. Vraag om een EndorsementCredential als JSON.")) from exc


def _require_issuable(achievement: Mapping[str, Any], now: datetime) -> None:
    """Raise InputError where a badge with these words could not be signed: nobody could mend it at a wallet.

    Tried with a key that is thrown away, in the way that processes JSON-LD and carries endorsements.
    """
    document = {
        "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
        "id": "urn:uuid:00000000-0000-0000-0000-000000000000",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": "did:web:issuer.example", "type": ["Profile"], "name": "-"},
        "validFrom": "2026-01-01T00:00:00Z",
        "name": achievement["name"],
        "credentialSubject": {"id": "did:jwk:x", "type": ["AchievementSubject"], "achievement": dict(achievement)},
    }
    try:
        verify_achievement(achievement)
        add_proof(
            document,
            cryptosuite="eddsa-rdfc-2022",
            signer=SoftwareSigner.generate("Ed25519"),
            verification_method="did:web:issuer.example#x",
            proof_purpose="assertionMethod",
            created_at=now,
        )
    except CredentialError as exc:
        raise _refused(N_("Deze aanbeveling heeft woorden die niet in een badge passen. Vraag om een gewone.")) from exc


def _refused(sentence: str) -> InputError:
    return InputError(fields={"endorsement": sentence})

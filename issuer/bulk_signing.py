"""What a worker process does for a run in bulk: sign and seal the files of a chunk of people, and touch no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from issuer import signing_keys, store
from issuer.awards import create_reference, seal_claims
from issuer.badge_files import Kind, create_credential_id, create_identity, identity_of, seal_file
from issuer.configurations import securing_of
from issuer.credential_issuer import CredentialIssuer
from issuer.datasets import create_dataset
from issuer.holders import hash_email
from issuer.settings import IssuerSettings
from issuer.signing_keys import ActiveKey
from issuer.status import StatusPlace, status_kind
from issuer.status_lists import status_list_uri
from issuer.store import ActiveKeyRow, BulkAward, BulkFile, ChunkRow, OpenStatusList
from kernel.formats.badge_file import BadgeFileTemplate, SdJwtTemplate, SelectiveTemplate, WholeTemplate
from kernel.formats.credential import DC_SD_JWT, LDP_VC
from kernel.strict_json import encode_json
from kernel.type_metadata import create_integrity, create_skill_badge_type


@dataclass(frozen=True, slots=True)
class SigningOrder:
    """What all files of a run share. Another process can be given it; the key in it is sealed."""

    settings: IssuerSettings
    issuer: CredentialIssuer
    securing: str
    achievement: Mapping[str, Any]
    has_messages: bool
    key: ActiveKeyRow
    awarded_at: datetime
    valid_from: datetime
    expires_at: datetime | None


class Person(NamedTuple):
    """Somebody of the list."""

    given_name: str
    family_name: str
    email: str
    reference: str | None
    claims: Mapping[str, Any] | None = None
    """What the badge says of them alone, as `award_details.create_award_claims` gives it."""
    birth_date: str | None = None
    """Kept with their name, and like that in no file."""


class ChunkTask(NamedTuple):
    """People to sign for, each with a place in one status list."""

    chunk: ChunkRow
    people: Sequence[Person]
    status_list: OpenStatusList
    places: Sequence[int]
    now: datetime


class SignedChunk(NamedTuple):
    """Rows to write, all of them or none."""

    chunk: ChunkRow
    status_list_id: UUID
    awards: Sequence[BulkAward]
    files: Sequence[BulkFile]


# As many templates of what people have in common (the same grade, the same level) as a process keeps.
_TEMPLATES: Final = 64


class ChunkSigner:
    """A template that is made once, and filled in for each person; one more for each thing that is said of some alone.

    Results change the shape of a badge, so who has them gets a template of that shape. People with the same results
    share it.
    """

    def __init__(self, order: SigningOrder) -> None:
        self._order = order
        self._settings = order.settings
        self._issuer = order.issuer
        self._status_kind = status_kind(order.securing)
        self._kind: Kind = file_kind(order.securing)
        self._template = _create_template(order, {})
        self._templates: dict[bytes, BadgeFileTemplate] = {}

    def __call__(self, task: ChunkTask) -> SignedChunk:
        """Make the awards and the files of some people."""
        count = len(task.people)
        award_ids, file_ids = store.new_ids(count, task.now), store.new_ids(count, task.now)
        uri = status_list_uri(self._issuer, task.status_list.number)
        awards, files = [], []
        for number, (person, index) in enumerate(zip(task.people, task.places, strict=True)):
            place = StatusPlace(task.status_list.id, self._status_kind, uri, index, self._order.has_messages)
            awards.append(self._award(award_ids[number], task.chunk.first + number, person))
            files.append(
                BulkFile(file_ids[number], award_ids[number], index, self._sign(file_ids[number], person, place))
            )
        return SignedChunk(task.chunk, task.status_list.id, awards, files)

    def _award(self, award_id: UUID, position: int, person: Person) -> BulkAward:
        named = {"given_name": person.given_name, "family_name": person.family_name, "email": person.email}
        named |= {} if person.birth_date is None else {"birthdate": person.birth_date}
        return BulkAward(
            award_id,
            position,
            person.reference or create_reference(),
            hash_email(self._settings, person.email),
            seal_claims(self._settings, award_id, named, person.claims or {}),
        )

    def _sign(self, file_id: UUID, person: Person, place: StatusPlace) -> bytes:
        template = self._template if person.claims is None else self._get_template(person.claims)
        signed = template.sign(create_credential_id(), create_identity(person.email), place.references)
        return seal_file(self._settings, file_id, self._kind, signed)

    def _get_template(self, claims: Mapping[str, Any]) -> BadgeFileTemplate:
        said = encode_json(claims)
        if said not in self._templates:
            if len(self._templates) == _TEMPLATES:
                self._templates.clear()
            self._templates[said] = _create_template(self._order, claims)
        return self._templates[said]


def file_kind(securing: str) -> Kind:
    """As which text a file in this securing is kept."""
    return "sd-jwt" if securing == DC_SD_JWT else "json"


def _create_template(order: SigningOrder, claims: Mapping[str, Any]) -> BadgeFileTemplate:
    signer = signing_keys.open_signer(order.settings, order.issuer.organisation_id, order.key.sealed_private_jwk)
    # An example of what differs; the template keeps none of it.
    dataset = create_dataset(
        order.issuer,
        order.achievement,
        claims,
        person={},
        identifiers=[create_identity("example@example.org")],
        awarded_at=order.awarded_at,
        credential_id=create_credential_id(),
    )
    example = StatusPlace(
        order.issuer.organisation_id,
        status_kind(order.securing),
        status_list_uri(order.issuer, 0),
        0,
        order.has_messages,
    )
    shared: dict[str, Any] = {
        "issuer": identity_of(
            order.issuer, ActiveKey(order.key.fragment, signer), securing_of(order.securing).key_form
        ),
        "signer": signer,
        "status": example.references,
        "valid_from": order.valid_from,
        "expires_at": order.expires_at,
    }
    if order.securing == DC_SD_JWT:
        vct = order.settings.badge_vct
        return SdJwtTemplate(
            dataset, **shared, type_id=vct, type_integrity=create_integrity(create_skill_badge_type(vct))
        )
    return WholeTemplate(dataset, **shared) if order.securing == LDP_VC else SelectiveTemplate(dataset, **shared)

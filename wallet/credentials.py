"""The badges that a person holds: what stands on them, how they stand now, and how they go.

A badge may have several signed forms; the person sees one badge. The forms lie here exactly as they were
received, with what their one full check found. Looking at a badge asks the issuer's status list, whole and through a
cache (W-32), and nothing else.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from kernel.dcql import ConcretePath
from kernel.errors import CredentialError
from kernel.formats import FORMATS, VerifiedCredential
from kernel.jwt import LEEWAY
from kernel.microcredential import Microcredential, read_microcredential
from kernel.open_badges import BadgeView, badge_view
from kernel.status.token_status_list import Status
from runtime.status_texts import message_text
from wallet import store
from wallet.claims import IssuerLabel, shown_name
from wallet.errors import NotFoundError
from wallet.history import HistoryRecord, add_history_record
from wallet.images import SafeImage
from wallet.kept_credential import read_kept_credential, write_kept_credential
from wallet.models import Credential, CredentialForm
from wallet.recognition import PartyRecognition, recognition_json, resolve_recognition, signers_of
from wallet.settings import Wallet
from wallet.vault import Vault

StateKind = Literal["valid", "not_yet_valid", "expired", "revoked", "suspended", "unknown", "told"]


@dataclass(frozen=True, slots=True)
class HeldForm:
    """One signed form of a badge, as it was verified when it was received."""

    id: str
    credential_id: str
    configuration_id: str
    credential: VerifiedCredential
    labels: tuple[IssuerLabel, ...] = ()

    def disclosable_paths(self) -> frozenset[ConcretePath]:
        """Every place in this form that its holder may keep back."""
        paths = FORMATS[self.credential.format].disclosable_paths(self.credential.raw)
        return frozenset(tuple(step for step in path if step is not None) for path in paths)

    @property
    def is_whole(self) -> bool:
        """Whether nothing in this form can be kept back."""
        return not self.disclosable_paths()

    @property
    def preference(self) -> tuple[bool, int]:
        """Which form of a badge comes first: those of which its holder can hide parts, then by their format."""
        return self.is_whole, list(FORMATS).index(self.credential.format)


@dataclass(frozen=True, slots=True)
class BadgeState:
    """Whether a badge holds now. `unknown` means that it could not be checked, which is no kind of yes.

    `told`: its issuer's list says something of it that is neither yes nor no. `messages`: what the issuer tells beside
    it, by the words of its lists (`runtime.status_texts`), whatever the badge's state is.
    """

    kind: StateKind
    expires_at: datetime | None = None
    is_expiring: bool = False
    checked_at: datetime | None = None
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was found when it was received: each check with its outcome (B-21), and what others say of it (B-09)."""

    checks: tuple[tuple[str, str], ...] = ()
    endorsements: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge as its owner sees it."""

    id: str
    view: BadgeView
    forms: tuple[HeldForm, ...]
    credential_issuer: str
    has_image: bool
    received_at: datetime
    state: BadgeState
    recognition: PartyRecognition
    receipt: Receipt = Receipt()

    @property
    def issuer_id(self) -> str:
        return self.forms[0].credential.issuer

    @property
    def issued_at(self) -> datetime:
        return issued_at(self.forms[0].credential, self.received_at)


def seal_form(vault: Vault, form: HeldForm) -> CredentialForm:
    """The row that keeps a signed form, byte for byte."""
    content = {
        **write_kept_credential(form.credential),
        "configuration_id": form.configuration_id,
        "labels": [[list(label.path), dict(label.texts)] for label in form.labels],
    }
    return CredentialForm(
        id=form.id,
        account_id=vault.account_id,
        credential_id=form.credential_id,
        sealed=vault.seal("form", form.id, content),
    )


def open_form(vault: Vault, row: CredentialForm) -> HeldForm:
    """Open a stored form. It was verified before it was sealed; whether it holds now is judged by `resolve_state`."""
    content = vault.open("form", row.id, row.sealed)
    credential = read_kept_credential(content)
    labels = tuple(IssuerLabel(tuple(path), texts) for path, texts in content.get("labels", ()))
    return HeldForm(row.id, row.credential_id, content["configuration_id"], credential, labels)


async def find_forms(session: store.Session, vault: Vault) -> list[HeldForm]:
    return [open_form(vault, row) for row in await store.find_forms(session, vault.account_id)]


async def find_held_forms(wallet: Wallet, vault: Vault) -> list[tuple[Credential, list[HeldForm]]]:
    """All badges as they lie here, newest first, each with its forms, the preferred one first. Nobody is asked."""
    async with wallet.database.reading() as session:
        rows = await store.find_credentials(session, vault.account_id)
        forms = await find_forms(session, vault)
    held = [(row, _in_order(form for form in forms if form.credential_id == row.id)) for row in rows]
    # A badge that is being deleted in another tab may have lost its forms between the two reads.
    return [(row, of_row) for row, of_row in held if of_row]


async def find_badges(wallet: Wallet, vault: Vault, now: datetime) -> list[Badge]:
    """All badges, newest first, each with its state and its issuer's recognition, asked for at the same time."""
    held = await find_held_forms(wallet, vault)
    return list(await asyncio.gather(*(_resolve_badge(wallet, vault, row, forms, now) for row, forms in held)))


async def get_badge(wallet: Wallet, vault: Vault, credential_id: str, now: datetime) -> Badge:
    async with wallet.database.reading() as session:
        row = await store.get_credential(session, vault.account_id, credential_id)
        rows = await store.find_forms(session, vault.account_id, credential_id)
    if not rows:
        raise NotFoundError("forms")
    return await _resolve_badge(wallet, vault, row, _in_order(open_form(vault, form) for form in rows), now)


async def get_badge_image(wallet: Wallet, vault: Vault, credential_id: str) -> SafeImage:
    """The picture that was kept when the badge was received."""
    async with wallet.database.reading() as session:
        row = await store.get_credential(session, vault.account_id, credential_id)
    media_type = vault.open("credential", row.id, row.sealed)["image_media_type"]
    if row.sealed_image is None or media_type is None:
        raise NotFoundError("image")
    return SafeImage(media_type, vault.open_bytes("image", row.id, row.sealed_image))


async def delete_badge(wallet: Wallet, vault: Vault, credential_id: str, now: datetime) -> None:
    """Remove a badge, its forms and their keys (W-30). The history keeps that it was there.

    Its issuer is not told, although OpenID4VCI 1.0 §11.1 has `credential_deleted` for it and W-16 would have us
    send it. What a person does with a badge afterwards is not the issuer's to know, unless the person asks for it: an
    issuer that hears of deletions can tell which people gave up on it. The access token that the notification needs is
    thrown away with the receipt, so that nothing could be sent by mistake either. The event is sent in one case
    only, where the person says no to a badge that the issuer just handed over and waits to hear about; see
    `wallet.issuance.discard_offer`.
    """
    badge = await get_badge(wallet, vault, credential_id, now)
    async with wallet.database.transaction() as session:
        await store.remove_credential(session, vault.account_id, credential_id)
        await add_history_record(
            session,
            vault,
            HistoryRecord(
                kind="deleted",
                party_name=badge.view.issuer_name or badge.issuer_id,
                party_id=badge.issuer_id,
                recognition=badge.recognition.outcome,
                happened_at=now,
                badges=(badge.view.name,),
            ),
        )
    await wallet.database.forget_erased()


def seal_badge(
    vault: Vault,
    credential_id: str,
    *,
    credential_issuer: str,
    image: SafeImage | None,
    receipt: Receipt,
    now: datetime,
) -> Credential:
    """The row of a new badge. What stands on it is read from its signed form whenever it is shown."""
    content = {
        "credential_issuer": credential_issuer,
        "image_media_type": image.media_type if image else None,
        "checks": [list(check) for check in receipt.checks],
        "endorsements": list(receipt.endorsements),
    }
    return Credential(
        id=credential_id,
        account_id=vault.account_id,
        sealed=vault.seal("credential", credential_id, content),
        sealed_image=vault.seal_bytes("image", credential_id, image.content) if image else None,
        received_at=now,
    )


async def resolve_state(wallet: Wallet, credential: VerifiedCredential, now: datetime) -> BadgeState:
    """Validity first, which needs nobody; then the issuer's status list, within the patience of a page."""
    expires_at = credential.expires_at
    if expires_at is not None and now >= expires_at:
        return BadgeState("expired", expires_at)
    if credential.valid_from is not None and now + LEEWAY < credential.valid_from:
        return BadgeState("not_yet_valid", expires_at)
    is_expiring = expires_at is not None and expires_at - now <= wallet.settings.expiry_warning
    try:
        async with asyncio.timeout(wallet.settings.status_patience.total_seconds()):
            answer = await wallet.resolver.resolve_status(credential, now=now)
    except (CredentialError, TimeoutError):
        return BadgeState("unknown", expires_at, is_expiring)
    if answer is None:
        return BadgeState("valid", expires_at, is_expiring, now)
    kind = _STATE_OF_STATUS.get(answer.status, "told")
    return BadgeState(kind, expires_at, is_expiring, answer.checked_at, answer.messages)


async def resolve_issuer_recognition(
    wallet: Wallet, credential: VerifiedCredential, *, credential_issuer: str, now: datetime
) -> PartyRecognition:
    """Whether the issuer was recognised for this kind of badge when it issued it (T-04).

    The address of whoever handed it out counts only where that is the signer: its own URL, or the did:web of it.
    """
    signers = signers_of(credential_issuer)
    identifiers = signers if credential.issuer in signers else (credential.issuer,)
    return await resolve_recognition(wallet.resolver, credential, identifiers=identifiers, now=now)


def create_view(credential: VerifiedCredential) -> BadgeView:
    """What stands on a badge, with every name of a length that a page can bear. The signed form keeps it whole."""
    view = badge_view(credential.claims, credential.format)
    return replace(
        view,
        name=shown_name(view.name),
        issuer_name=shown_name(view.issuer_name or "") or None,
        skills=tuple(replace(skill, name=shown_name(skill.name)) for skill in view.skills),
        results=tuple(
            replace(
                result,
                name=shown_name(result.name or "") or None,
                level=shown_name(result.level or "") or None,
                value=shown_name(result.value or "") or None,
                skills=tuple(replace(skill, name=shown_name(skill.name)) for skill in result.skills),
            )
            for result in view.results
        ),
        statements=tuple(replace(stated, name=shown_name(stated.name)) for stated in view.statements),
        evidence=tuple(replace(evidence, name=shown_name(evidence.name)) for evidence in view.evidence),
    )


def read_learning(badge: Badge) -> Microcredential:
    """What the form that is shown first says of the learning: level, workload, quality and the like."""
    credential = badge.forms[0].credential
    return read_microcredential(credential.claims, credential.format)


def issued_at(credential: VerifiedCredential, otherwise: datetime) -> datetime:
    """When the issuer signed it, as far as the credential says so."""
    return credential.issued_at or credential.valid_from or otherwise


def badge_json(badge: Badge) -> dict[str, Any]:
    """A badge for the API. Person's claims are among them: this goes to the owner alone."""
    return {
        "id": badge.id,
        "state": badge.state.kind,
        "expires_at": _iso(badge.state.expires_at),
        "is_expiring": badge.state.is_expiring,
        "checked_at": _iso(badge.state.checked_at),
        "status_messages": [status_message_json(word) for word in badge.state.messages],
        "issued_at": _iso(badge.issued_at),
        "received_at": _iso(badge.received_at),
        "issuer": badge.issuer_id,
        "credential_issuer": badge.credential_issuer,
        "recognition": recognition_json(badge.recognition),
        "formats": [form.credential.format for form in badge.forms],
        **view_json(badge.view),
        "endorsements": list(badge.receipt.endorsements),
        "receipt_checks": [{"code": code, "outcome": outcome} for code, outcome in badge.receipt.checks],
    }


def status_message_json(word: str) -> dict[str, Any]:
    """What an issuer tells beside a badge: the word in its list, and what that means in both languages."""
    meaning = message_text(word)
    return {"message": shown_name(word) or None, "meaning": {"nl": meaning.nl, "en": meaning.en}}


def view_json(view: BadgeView) -> dict[str, Any]:
    content = {name: _iso(value) if isinstance(value, datetime) else value for name, value in asdict(view).items()}
    content.pop("image", None)
    return content


_STATE_OF_STATUS: Mapping[Status, StateKind] = {
    Status.VALID: "valid",
    Status.INVALID: "revoked",
    Status.SUSPENDED: "suspended",
}
# Several forms of one badge share one fate: the worst answer counts.
_WORST_FIRST: Sequence[StateKind] = ("revoked", "suspended", "expired", "not_yet_valid", "told", "unknown", "valid")


def _in_order(forms: Iterable[HeldForm]) -> list[HeldForm]:
    return sorted(forms, key=lambda form: form.preference)


async def _resolve_badge(
    wallet: Wallet, vault: Vault, row: Credential, forms: Sequence[HeldForm], now: datetime
) -> Badge:
    content = vault.open("credential", row.id, row.sealed)
    first = forms[0].credential
    recognition, states = await asyncio.gather(
        resolve_issuer_recognition(wallet, first, credential_issuer=content["credential_issuer"], now=now),
        asyncio.gather(*(resolve_state(wallet, form.credential, now) for form in forms)),
    )
    return Badge(
        id=row.id,
        view=create_view(first),
        forms=tuple(forms),
        credential_issuer=content["credential_issuer"],
        has_image=row.sealed_image is not None,
        received_at=row.received_at,
        state=_worst(states),
        recognition=recognition,
        receipt=Receipt(
            tuple((code, outcome) for code, outcome in content.get("checks", ())),
            tuple(content.get("endorsements", ())),
        ),
    )


def _worst(states: Sequence[BadgeState]) -> BadgeState:
    worst = min(states, key=lambda state: _WORST_FIRST.index(state.kind))
    messages = dict.fromkeys(word for state in states for word in state.messages)
    return replace(worst, is_expiring=any(state.is_expiring for state in states), messages=tuple(messages))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

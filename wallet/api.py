"""The wallet's JSON API: one page of URLs. It and the pages use the same use cases.

A program signs in with `POST /api/sessions` and sends the token as a bearer token. The token opens the vault
and is stored nowhere, so it is as good as the passphrase while it lives. Cookies are ignored here.
"""

from base64 import b64decode
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from runtime.api_document import operation_id
from runtime.dependencies import NowDep, get_service
from runtime.management import Gate, ManagementRoute
from runtime.web.language import request_language
from runtime.web.visitors import Visitor, visitor_of
from wallet import (
    accounts,
    authorization,
    claimed_skills,
    connections,
    consent,
    credentials,
    dc_api,
    deferred,
    exporting,
    history,
    importing,
    issuance,
    learner_record,
    lost_badges,
    presentation,
    refill,
    refreshing,
    skills_profile,
)
from wallet.accounts import SignedIn, get_signed_in
from wallet.claims import FactKind
from wallet.errors import NoBadgeError
from wallet.links import require_identifiers
from wallet.recognition import recognition_json
from wallet.settings import Wallet


def require_path(request: Request) -> None:
    require_identifiers(request.path_params.values())


class Body(BaseModel):
    """A request body: nothing beyond what is named (A-52)."""

    model_config = ConfigDict(extra="forbid", str_max_length=64 * 1024)


class NewAccountBody(Body):
    name: str
    passphrase: str


class SessionBody(Body):
    name: str
    passphrase: str


class RecoveryBody(Body):
    name: str
    recovery_code: str
    passphrase: str


class PassphraseBody(Body):
    passphrase: str


class NewPassphraseBody(Body):
    old: str
    new: str


class OfferBody(Body):
    offer: str


class AcceptOfferBody(Body):
    tx_code: str | None = None
    credential_configuration_ids: list[str] | None = Field(default=None, min_length=1, max_length=100)


class IssuerBody(Body):
    issuer: str


class AuthorizationBody(Body):
    credential_configuration_ids: list[str] | None = Field(default=None, min_length=1, max_length=100)


class AuthorizationResponseBody(Body):
    """The query with which the browser came back, and the address to which it did (RFC 6749 §4.1.2, RFC 9207 §2)."""

    redirect_uri: str
    state: str
    code: str | None = None
    iss: str | None = None
    error: str | None = None
    error_description: str | None = None


class ImportBody(Body):
    """A badge from elsewhere: its text or address, or its file in base64 (a larger one goes by the page)."""

    text: str | None = Field(default=None, max_length=700_000)
    file: str | None = Field(default=None, max_length=960_000)

    @model_validator(mode="after")
    def require_one(self) -> "ImportBody":
        if bool(self.text) == bool(self.file):
            raise ValueError("either `text` or `file`")
        return self

    def content(self) -> bytes | str:
        try:
            return b64decode(self.file or "", validate=True) if self.text is None else self.text.strip()
        except ValueError as exc:
            raise NoBadgeError("no base64") from exc


class RecordBody(Body):
    """Which badges go into one file, and what it is called."""

    credential_ids: list[Annotated[str, Field(max_length=100)]] = Field(min_length=1, max_length=100)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=learner_record.MAX_NAME)]


class NewClaimBody(Body):
    """A skill of the list by its address, or what one can do in `words` of one's own."""

    uri: str | None = Field(default=None, max_length=500)
    words: str | None = Field(default=None, max_length=1000)
    learned: str = Field(default="", max_length=5000)

    @model_validator(mode="after")
    def require_one(self) -> "NewClaimBody":
        if bool(self.uri) == bool(self.words):
            raise ValueError("either `uri` or `words`")
        return self


class ClaimBody(Body):
    learned: str = Field(max_length=5000)


class RequestBody(Body):
    request: str


class DcRequestBody(Body):
    """What the browser said: from which origin, by which protocol of the API, and what (Appendix A.1)."""

    origin: str
    protocol: str
    data: dict[str, Any]


class AcceptRequestBody(Body):
    choices: dict[str, str | list[str]] = Field(default_factory=dict)
    """By question the `key` of the alternative to share, where several fit, or a list where `multiple` says so.

    A required question without a choice is answered by its first alternative, an optional one is not answered.
    """

    def keys(self) -> dict[str, list[str]]:
        return {question: [key] if isinstance(key, str) else key for question, key in self.choices.items()}


class Answer(BaseModel):
    """What is answered. A later version may add members, and readers ignore those that they do not know."""

    model_config = ConfigDict(extra="allow")


class ProblemAnswer(Answer):
    """Any refusal (RFC 9457): `code` is for programs, `hint` says what to do, `trace_id` finds it in the log."""

    title: str
    status: int
    code: str
    trace_id: str
    step: str | None = None
    hint: str | None = None
    fields: dict[str, str] | None = None
    failed_step: str | None = None
    """The step of receiving or presenting that failed, on which `side`, by which `rule` of which document."""
    side: str | None = None
    rule: str | None = None
    failure: str | None = None
    request_id: str | None = None
    data: dict[str, Any] | None = None
    """What goes back to the page that asked, of a question from a page that cannot be answered as it wants."""
    answered: str | None = None


class RecoveryCodeAnswer(Answer):
    recovery_code: str


class TokenAnswer(Answer):
    token: str


class RecoveredAnswer(Answer):
    token: str
    recovery_code: str


class RecognitionAnswer(Answer):
    outcome: str
    list_name: str
    entity_name: str


class OfferedCredentialAnswer(Answer):
    configuration_id: str
    format: str
    name: str
    description: str


class OfferAnswer(Answer):
    id: str
    state: str
    credential_issuer: str
    host: str
    issuer_name: str
    recognition: RecognitionAnswer
    credentials: list[OfferedCredentialAnswer]
    grants: list[str]
    tx_code: dict[str, Any] | None
    expires_at: str


class AuthorizationAnswer(Answer):
    authorization_url: str


class SkillAnswer(Answer):
    uri: str
    name: str
    framework: str | None


class ListedSkillAnswer(Answer):
    """A skill of the list; its name in the language asked for, or in the other where that has none."""

    uri: str
    name: str
    language: str
    description: str


class ListedSkillsAnswer(Answer):
    """`available`: whether this wallet has a list of skills at all."""

    available: bool
    skills: list[ListedSkillAnswer]


class SkillSourceAnswer(Answer):
    """A badge that shows a skill. `level`: 5 certified, 4 assessed, 0 where we cannot say how sure it is."""

    credential_id: str
    badge_name: str
    issuer_name: str
    awarded_at: str | None
    level: int


class AttestedSkillAnswer(Answer):
    """A skill that issuers attest, with the badges that show it, the surest first."""

    kind: Literal["attested"]
    uri: str
    name: str
    level: int
    sources: list[SkillSourceAnswer]


class ClaimedSkillAnswer(Answer):
    """A skill that the person claims. Nobody checked it, and it leaves the wallet with its export alone.

    `uri`: its address where it is one of the list. `language`: of the name, "" for the person's own words.
    """

    kind: Literal["claimed"]
    id: str
    uri: str | None
    name: str
    language: str
    learned: str
    claimed_at: str


class SkillsAnswer(Answer):
    """What somebody can do, and whose word that is: `kind` says it of each."""

    skills: list[AttestedSkillAnswer | ClaimedSkillAnswer]


class KeptClaimAnswer(Answer):
    """A claim as it was kept: `names` by language of a skill of the list, or else `words`."""

    kind: Literal["claimed"]
    id: str
    uri: str | None
    names: dict[str, str]
    words: str
    learned: str
    claimed_at: str


class EvidenceAnswer(Answer):
    name: str
    description: str | None
    url: str | None
    digest: str | None


class StatusMessageAnswer(Answer):
    """What an issuer tells beside a badge: the word in its list, null where it gives none, and what that means."""

    message: str | None
    meaning: dict[str, str]


class CredentialAnswer(Answer):
    """A badge with its state now. `unknown` means that it could not be checked, which is no kind of yes."""

    id: str
    name: str
    state: credentials.StateKind
    expires_at: str | None
    is_expiring: bool
    checked_at: str | None
    status_messages: list[StatusMessageAnswer]
    issued_at: str | None
    received_at: str | None
    awarded_at: str | None
    issuer: str
    issuer_name: str | None
    issuer_url: str | None
    credential_issuer: str
    recognition: RecognitionAnswer
    formats: list[str]
    description: str | None
    criteria: str | None
    criteria_url: str | None
    achievement_id: str | None
    achievement_type: str | None
    is_known_type: bool
    language: str | None
    skills: list[SkillAnswer]
    evidence: list[EvidenceAnswer]
    person: dict[str, str]


class CredentialsAnswer(Answer):
    credentials: list[CredentialAnswer]


class ImportedBadgeAnswer(Answer):
    """A badge from elsewhere. `verdict`: `proven`, `unproven` (neither yes nor no) or `refuted`.

    `refresh_host`: where its issuer says that its newest form can be had; `refresh`: what became of asking there.
    `brought_by`: the host of the connected service that brought it.
    """

    id: str
    is_kept: bool
    checked_at: str
    verdict: str
    name: str
    issuer: str
    refresh_host: str | None
    refresh: importing.RefreshOutcome | None
    brought_by: str | None
    found: dict[str, Any]


class ImportedBadgesAnswer(Answer):
    imported_badges: list[ImportedBadgeAnswer]


class ReceiptAnswer(CredentialsAnswer):
    is_awaiting: bool


class AwaitedBadgeAnswer(Answer):
    offer_id: str
    name: str
    issuer_name: str
    due_at: str
    expires_at: str


class LostBadgeAnswer(Answer):
    """A badge that was on its way and did not come."""

    offer_id: str
    name: str
    issuer_name: str
    reason: history.LossReason


class AwaitedAnswer(Answer):
    awaited: list[AwaitedBadgeAnswer]
    lost: list[LostBadgeAnswer]


class FactAnswer(Answer):
    """One thing on a badge; `is_extra`: it is shown although nobody asked, since it cannot be kept back."""

    path: list[str | int]
    label: str
    value: str
    kind: FactKind
    is_extra: bool | None = None


class PartAnswer(Answer):
    """One badge in answer to one query: what they would see of it, and what stays hidden."""

    query_id: str
    credential_id: str
    name: str
    state: credentials.StateKind
    shown: list[FactAnswer]
    hidden: list[FactAnswer]


class AlternativeAnswer(Answer):
    key: str
    parts: list[PartAnswer]


class QuestionAnswer(Answer):
    id: str
    required: bool
    multiple: bool
    alternatives: list[AlternativeAnswer]


class RegistrationAnswer(Answer):
    """What a registrar certifies of a verifier; the purpose by language."""

    name: str
    purpose: dict[str, str]
    registrar: str


class VerifierAnswer(Answer):
    """`name` is what the trust list calls it, else its host; `own_name` is what it calls itself, unchecked.

    `attester` declares which party this is, where somebody whom the wallet trusts for that does.
    """

    name: str
    own_name: str
    client_id: str
    host: str
    is_signed: bool
    attester: str
    registration: RegistrationAnswer | None
    recognition: RecognitionAnswer


class AgreementAnswer(Answer):
    """Something to which the person agrees with the same answer, in the verifier's words."""

    title: str
    text: str


class NearSkillAnswer(Answer):
    """A skill on a badge that is no answer to what is asked: the same in another list (`exact`), or `related`."""

    uri: str
    name: str
    credential_id: str
    match: Literal["exact", "related"]


class RequestAnswer(Answer):
    id: str
    state: str
    verifier: VerifierAnswer
    purpose: str
    purposes: dict[str, str]
    comparison_code: str
    agreements: list[AgreementAnswer]
    questions: list[QuestionAnswer]
    answerable: bool
    has_common_format: bool
    near: list[NearSkillAnswer]
    share: list[PartAnswer]
    expires_at: str


class SentAnswer(Answer):
    """Where the verifier wants the browser to go on, if it says so (OpenID4VP 1.0 §8.2).

    `data`: what goes back to the page, where the question came from one (Appendix A.4). `is_reply_unread`: the answer
    was delivered, and what they said to it could not be read.
    """

    redirect_uri: str | None = None
    data: dict[str, Any] | None = None
    is_reply_unread: bool | None = None


class ShownClaimAnswer(Answer):
    badge: str
    label: str
    value: str


class HistoryEntryAnswer(Answer):
    id: str
    kind: history.HistoryKind
    outcome: history.HistoryOutcome
    happened_at: str
    party_name: str
    party_own_name: str
    party_id: str
    recognition: str
    purpose: str
    purpose_language: str
    badges: list[str]
    claims: list[ShownClaimAnswer]
    agreements: list[AgreementAnswer]


class HistoryAnswer(Answer):
    history: list[HistoryEntryAnswer]


class ConnectionAnswer(Answer):
    """A service that is connected: where it is, what it calls itself, what it may do, and until when."""

    id: str
    host: str
    name: str
    scopes: list[str]
    connected_at: str
    used_at: str | None
    expires_at: str


class ConnectionsAnswer(Answer):
    connections: list[ConnectionAnswer]


class ExportAnswer(Answer):
    """Everything that the account holds; `holder_keys` only encrypted, and only when a passphrase was given."""

    exported_at: str
    name: str
    credentials: list[CredentialAnswer]
    connections: list[ConnectionAnswer]
    profile: dict[str, Any]
    claimed_skills: list[KeptClaimAnswer]
    history: list[HistoryEntryAnswer]
    holder_keys: dict[str, Any] | None = None


router = APIRouter(
    prefix="/api",
    route_class=ManagementRoute,
    tags=["wallet"],
    dependencies=[Depends(require_path)],
    responses={"default": {"model": ProblemAnswer, "description": "Refused, with the reason."}},
    generate_unique_id_function=operation_id,
)


def get_wallet(request: Request) -> Wallet:
    wallet: Wallet = get_service(request)
    return wallet


WalletDep = Annotated[Wallet, Depends(get_wallet)]


async def _open_vault(request: Request) -> SignedIn:
    """The opened vault of the bearer token, or SignedOutError."""
    wallet = get_wallet(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    return await get_signed_in(wallet.database, wallet.settings, token=given, now=wallet.clock())


BearerDep = Annotated[SignedIn, Depends(Gate(_open_vault))]
LanguageDep = Annotated[str, Depends(request_language)]


@router.post("/accounts", status_code=201, response_model=RecoveryCodeAnswer, response_model_exclude_unset=True)
async def create_account(body: NewAccountBody, wallet: WalletDep, now: NowDep) -> dict[str, str]:
    """Make a wallet. The recovery code is shown this once."""
    made = await accounts.create_account(
        wallet.database, wallet.settings, name=body.name, passphrase=body.passphrase, now=now
    )
    await accounts.sign_out(wallet.database, made.signed_in.token)
    return {"recovery_code": made.recovery_code}


@router.post("/sessions", status_code=201, response_model=TokenAnswer, response_model_exclude_unset=True)
async def create_session(request: Request, body: SessionBody, wallet: WalletDep, now: NowDep) -> dict[str, str]:
    """Sign in: open the vault, and get the token that keeps it open."""
    signed_in = await accounts.sign_in(
        wallet.database,
        wallet.settings,
        name=body.name,
        passphrase=body.passphrase,
        visitor=_visitor(request, wallet, body.name),
        now=now,
    )
    return {"token": signed_in.token}


def _visitor(request: Request, wallet: Wallet, name: str) -> Visitor:
    return visitor_of(request, wallet.settings.visitor_key(), accounts.door_name(wallet.settings, name))


@router.delete("/sessions", status_code=204)
async def delete_session(signed_in: BearerDep, wallet: WalletDep) -> Response:
    """Sign out."""
    await accounts.sign_out(wallet.database, signed_in.token)
    return Response(status_code=204)


@router.post("/recovery", status_code=201, response_model=RecoveredAnswer, response_model_exclude_unset=True)
async def recover(request: Request, body: RecoveryBody, wallet: WalletDep, now: NowDep) -> dict[str, str]:
    """Open the vault with the recovery code and set a new passphrase. The code is replaced."""
    made = await accounts.recover(
        wallet.database,
        wallet.settings,
        name=body.name,
        recovery_code=body.recovery_code,
        passphrase=body.passphrase,
        visitor=_visitor(request, wallet, body.name),
        now=now,
    )
    return {"token": made.signed_in.token, "recovery_code": made.recovery_code}


@router.put("/passphrase", status_code=204)
async def change_passphrase(body: NewPassphraseBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Change the passphrase; every other session ends."""
    await accounts.change_passphrase(wallet.database, wallet.settings, signed_in, old=body.old, new=body.new, now=now)
    return Response(status_code=204)


@router.post("/recovery-code", status_code=201, response_model=RecoveryCodeAnswer, response_model_exclude_unset=True)
async def replace_recovery_code(
    body: PassphraseBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep
) -> dict[str, str]:
    """Make a new recovery code; the one before stops working."""
    code = await accounts.replace_recovery_code(
        wallet.database, wallet.settings, signed_in.vault, passphrase=body.passphrase, now=now
    )
    return {"recovery_code": code}


@router.delete("/account", status_code=204)
async def erase_account(body: PassphraseBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Erase the account and everything in it."""
    await accounts.erase_account(wallet.database, wallet.settings, signed_in.vault, passphrase=body.passphrase, now=now)
    return Response(status_code=204)


@router.post("/offers", status_code=201, response_model=OfferAnswer, response_model_exclude_unset=True)
async def open_offer(
    body: OfferBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Read an offer and say who offers what. Nothing is accepted yet."""
    page = await issuance.resolve_offer(wallet, signed_in.vault, body.offer, now, language=language)
    return _offer_json(page)


@router.get("/offers/{offer_id}", response_model=OfferAnswer, response_model_exclude_unset=True)
async def get_offer(
    offer_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """An offer that was opened."""
    return _offer_json(await issuance.get_offer(wallet, signed_in.vault, offer_id, now, language=language))


@router.post(
    "/offers/{offer_id}/accept", status_code=201, response_model=ReceiptAnswer, response_model_exclude_unset=True
)
async def accept_offer(
    offer_id: str, body: AcceptOfferBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep
) -> dict[str, Any]:
    """Receive what is offered, verify it fully, and keep it. `is_awaiting`: there is more, still being prepared."""
    receipt = await issuance.accept_offer(
        wallet,
        signed_in.vault,
        offer_id,
        tx_code=body.tx_code,
        configuration_ids=body.credential_configuration_ids,
        now=now,
    )
    return await _receipt_json(wallet, signed_in, receipt, now)


@router.post("/issuers", status_code=201, response_model=OfferAnswer, response_model_exclude_unset=True)
async def open_issuer(
    body: IssuerBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """What an issuer gives to whoever asks. Nothing is asked for yet."""
    return _offer_json(
        await issuance.resolve_issuer_offer(wallet, signed_in.vault, body.issuer, now, language=language)
    )


@router.post(
    "/offers/{offer_id}/authorization",
    status_code=201,
    response_model=AuthorizationAnswer,
    response_model_exclude_unset=True,
)
async def begin_authorization(
    offer_id: str, body: AuthorizationBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep
) -> dict[str, Any]:
    """Where the person signs in with the issuer. The answer comes back to the wallet, below `/callback/`."""
    url = await authorization.begin_authorization(
        wallet, signed_in, offer_id, configuration_ids=body.credential_configuration_ids, now=now
    )
    return {"authorization_url": url}


@router.post(
    "/authorization-responses", status_code=201, response_model=ReceiptAnswer, response_model_exclude_unset=True
)
async def complete_authorization(
    body: AuthorizationResponseBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep
) -> dict[str, Any]:
    """Go on with the answer of the authorization server, in the session that began."""
    response = body.model_dump(exclude_none=True, exclude={"redirect_uri"})
    receipt = await issuance.complete_authorization(wallet, signed_in, response, now, redirect_uri=body.redirect_uri)
    return await _receipt_json(wallet, signed_in, receipt, now)


@router.delete("/offers/{offer_id}", status_code=204)
async def discard_offer(offer_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Turn an offer down."""
    await issuance.discard_offer(wallet, signed_in.vault, offer_id, now)
    return Response(status_code=204)


@router.get("/awaited", response_model=AwaitedAnswer, response_model_exclude_unset=True)
async def list_awaited(signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep) -> dict[str, Any]:
    """Badges that issuers are still preparing, and when each may be asked for again; and those that did not come."""
    await lost_badges.settle_ended_offers(wallet, signed_in.vault, now)
    found = await deferred.find_awaited_badges(wallet, signed_in.vault, now, language=language)
    lost = await lost_badges.find_lost_badges(wallet, signed_in.vault, now, language=language)
    return {
        "awaited": [deferred.awaited_json(awaited) for awaited in found],
        "lost": [lost_badges.lost_json(badge) for badge in lost],
    }


@router.post("/offers/{offer_id}/forget", status_code=204)
async def forget_lost_badges(offer_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """What of this offer did not come was seen; the history stays."""
    await lost_badges.forget_lost_badges(wallet, signed_in.vault, offer_id, now)
    return Response(status_code=204)


@router.post("/awaited", response_model=CredentialsAnswer, response_model_exclude_unset=True)
async def ask_for_awaited(signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> dict[str, Any]:
    """Ask for what is due, and for new copies where all were shown. Return the badges that came."""
    came = await deferred.resolve_due_offers(wallet, signed_in.vault, now)
    await refill.refill_copies(wallet, signed_in.vault, now)
    badges = [await credentials.get_badge(wallet, signed_in.vault, badge.id, now) for badge in came]
    return {"credentials": [credentials.badge_json(badge) for badge in badges]}


@router.get("/credentials", response_model=CredentialsAnswer, response_model_exclude_unset=True)
async def list_credentials(signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> dict[str, Any]:
    """All badges, with their state now."""
    badges = await credentials.find_badges(wallet, signed_in.vault, now)
    return {"credentials": [credentials.badge_json(badge) for badge in badges]}


@router.get("/credentials/{credential_id}", response_model=CredentialAnswer, response_model_exclude_unset=True)
async def get_credential(credential_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> dict[str, Any]:
    """One badge, with its state now."""
    return credentials.badge_json(await credentials.get_badge(wallet, signed_in.vault, credential_id, now))


@router.delete("/credentials/{credential_id}", status_code=204)
async def delete_credential(credential_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Delete a badge with its keys; the history keeps that it was there."""
    await credentials.delete_badge(wallet, signed_in.vault, credential_id, now)
    return Response(status_code=204)


@router.get("/skills", response_model=SkillsAnswer, response_model_exclude_unset=True)
async def list_skills(signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep) -> dict[str, Any]:
    """What the person can do: first what issuers attest, the surest first, then what they claim themselves."""
    badges = await credentials.find_badges(wallet, signed_in.vault, now)
    attested = skills_profile.create_skills_profile(badges)
    claimed = await claimed_skills.find_claimed_skills(wallet, signed_in.vault)
    return {
        "skills": [
            *(skills_profile.skill_json(row) for row in attested),
            *(_claim_json(claim, language) for claim in claimed),
        ]
    }


@router.get("/skills/list", response_model=ListedSkillsAnswer, response_model_exclude_unset=True)
async def search_skills(
    signed_in: BearerDep,
    wallet: WalletDep,
    language: LanguageDep,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> dict[str, Any]:
    """Look a skill up in the list, in Dutch or English, to claim it."""
    found = wallet.skills.search(q, language="en" if language == "en" else "nl", limit=limit)
    return {
        "available": wallet.skills.available,
        "skills": [
            {
                "uri": skill.uri,
                "name": skill.label(language),
                "language": skill.label_language(language),
                "description": skill.description,
            }
            for skill in found
        ],
    }


@router.post("/skills", status_code=201, response_model=ClaimedSkillAnswer, response_model_exclude_unset=True)
async def claim_skill(
    body: NewClaimBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Say "this I can do as well". It stays with the person: no verifier sees it, no question is answered by it."""
    claim = await claimed_skills.claim_skill(
        wallet, signed_in.vault, now, uri=body.uri or None, words=body.words or "", learned=body.learned
    )
    return _claim_json(claim, language)


@router.put("/skills/{claim_id}", response_model=ClaimedSkillAnswer, response_model_exclude_unset=True)
async def change_claimed_skill(
    claim_id: str, body: ClaimBody, signed_in: BearerDep, wallet: WalletDep, language: LanguageDep
) -> dict[str, Any]:
    """Say where it was learned, or no longer ("")."""
    claim = await claimed_skills.change_claimed_skill(wallet, signed_in.vault, claim_id, learned=body.learned)
    return _claim_json(claim, language)


@router.delete("/skills/{claim_id}", status_code=204)
async def remove_claimed_skill(claim_id: str, signed_in: BearerDep, wallet: WalletDep) -> Response:
    """Say it no longer."""
    await claimed_skills.remove_claimed_skill(wallet, signed_in.vault, claim_id)
    return Response(status_code=204)


@router.get("/imported-badges", response_model=ImportedBadgesAnswer, response_model_exclude_unset=True)
async def list_imported_badges(signed_in: BearerDep, wallet: WalletDep, language: LanguageDep) -> dict[str, Any]:
    """The badges from elsewhere that were kept, with what was found when each was last checked. Nobody is asked."""
    found = await importing.find_imported_badges(wallet, signed_in.vault, language)
    return {"imported_badges": [importing.imported_json(badge) for badge in found]}


@router.post("/imported-badges", status_code=201, response_model=ImportedBadgeAnswer, response_model_exclude_unset=True)
async def import_badge(
    body: ImportBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Check a badge from elsewhere. Without an `id` it was refuted; else it waits an hour for `keep`."""
    found = await importing.check_badge(wallet, signed_in.vault, body.content(), language=language, now=now)
    return importing.imported_json(found)


@router.get("/imported-badges/{badge_id}", response_model=ImportedBadgeAnswer, response_model_exclude_unset=True)
async def get_imported_badge(
    badge_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """One that was kept, or that waits, as it was found when it was last checked."""
    return importing.imported_json(
        await importing.get_imported_badge(wallet, signed_in.vault, badge_id, language=language, now=now)
    )


@router.get(
    "/imported-badges/{badge_id}/file",
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {}, "image/svg+xml": {}, "application/json": {}, "application/octet-stream": {}},
            "description": "The file.",
        }
    },
)
async def get_imported_file(badge_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Its file, byte for byte as it came."""
    file = await importing.get_imported_file(wallet, signed_in.vault, badge_id, now)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "X-Content-Type-Options": "nosniff"}
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.post("/imported-badges/{badge_id}/keep", response_model=ImportedBadgeAnswer, response_model_exclude_unset=True)
async def keep_imported_badge(
    badge_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Keep it for good."""
    await importing.keep_imported_badge(wallet, signed_in.vault, badge_id, now)
    return await get_imported_badge(badge_id, signed_in, wallet, now, language)


@router.post("/imported-badges/{badge_id}/check", response_model=ImportedBadgeAnswer, response_model_exclude_unset=True)
async def check_imported_badge(
    badge_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Check it anew: it may have been withdrawn since."""
    await importing.check_imported_badge(wallet, signed_in.vault, badge_id, now)
    return await get_imported_badge(badge_id, signed_in, wallet, now, language)


@router.post(
    "/imported-badges/{badge_id}/refresh", response_model=ImportedBadgeAnswer, response_model_exclude_unset=True
)
async def refresh_imported_badge(
    badge_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Ask the badge's issuer for its newest form, where the badge says where; `refresh` says what became of it."""
    await refreshing.refresh_imported_badge(wallet, signed_in.vault, badge_id, now)
    return await get_imported_badge(badge_id, signed_in, wallet, now, language)


@router.delete("/imported-badges/{badge_id}", status_code=204)
async def delete_imported_badge(badge_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Delete it with its file; the history keeps that it was there."""
    await importing.delete_imported_badge(wallet, signed_in.vault, badge_id, now)
    return Response(status_code=204)


@router.post("/requests", status_code=201, response_model=RequestAnswer, response_model_exclude_unset=True)
async def open_request(
    body: RequestBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Read a verifier's question, and say what an answer would show and what not. Nothing is sent."""
    page = await presentation.resolve_request(wallet, signed_in.vault, body.request, now, language=language)
    return consent.request_json(page)


@router.post("/dc-requests", status_code=201, response_model=RequestAnswer, response_model_exclude_unset=True)
async def open_dc_request(
    body: DcRequestBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """Read a question that a page asked through the browser (Digital Credentials API), for an app or extension."""
    page = await dc_api.resolve_dc_api_request(
        wallet,
        signed_in.vault,
        origin=body.origin,
        protocol=body.protocol,
        data=body.data,
        now=now,
        language=language,
    )
    return consent.request_json(page)


@router.get("/requests/{request_id}", response_model=RequestAnswer, response_model_exclude_unset=True)
async def get_request(
    request_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep, language: LanguageDep
) -> dict[str, Any]:
    """A question that was opened."""
    page = await presentation.get_request(wallet, signed_in.vault, request_id, now, language=language)
    return consent.request_json(page)


@router.post("/requests/{request_id}/accept", response_model=SentAnswer, response_model_exclude_unset=True)
async def accept_request(
    request_id: str,
    body: AcceptRequestBody,
    signed_in: BearerDep,
    wallet: WalletDep,
    now: NowDep,
    language: LanguageDep,
) -> dict[str, Any]:
    """Share: answer the question, once."""
    sent = await presentation.accept_request(wallet, signed_in.vault, request_id, body.keys(), now, language=language)
    return _sent_json(sent)


@router.post("/requests/{request_id}/decline", response_model=SentAnswer, response_model_exclude_unset=True)
async def decline_request(request_id: str, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> dict[str, Any]:
    """Do not share: the verifier hears `access_denied` and nothing else."""
    return _sent_json(await presentation.decline_request(wallet, signed_in.vault, request_id, now))


@router.get("/history", response_model=HistoryAnswer, response_model_exclude_unset=True)
async def list_history(signed_in: BearerDep, wallet: WalletDep) -> dict[str, Any]:
    """What was received and shown, newest first."""
    records = await history.find_history(wallet.database, signed_in.vault)
    return {"history": [history.history_json(record) for record in records]}


@router.delete("/history/{entry_id}", status_code=204)
async def delete_history_entry(entry_id: str, signed_in: BearerDep, wallet: WalletDep) -> Response:
    """Forget one line of the history."""
    await history.delete_history_record(wallet.database, signed_in.vault, entry_id)
    return Response(status_code=204)


@router.get("/connections", response_model=ConnectionsAnswer, response_model_exclude_unset=True)
async def list_connections(signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> dict[str, Any]:
    """The services that are connected by the Open Badges API, newest first."""
    found = await connections.find_connections(wallet, signed_in.vault, now)
    return {"connections": [connections.connection_json(each) for each in found]}


@router.delete("/connections/{connection_id}", status_code=204)
async def end_connection(connection_id: str, signed_in: BearerDep, wallet: WalletDep) -> Response:
    """End a connection at once; what the service has already, it has."""
    await connections.end_connection(wallet, signed_in.vault, connection_id)
    return Response(status_code=204)


@router.get("/export", response_model=ExportAnswer, response_model_exclude_unset=True)
async def export(signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> dict[str, Any]:
    """Everything the account holds except the keys: badges with their signed bytes as received, and the history."""
    return await exporting.create_export(wallet, signed_in.vault, passphrase=None, now=now)


@router.post("/export", response_model=ExportAnswer, response_model_exclude_unset=True)
async def export_with_keys(
    body: PassphraseBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep
) -> dict[str, Any]:
    """Everything, with the holder keys encrypted under the passphrase given here."""
    return await exporting.create_export(wallet, signed_in.vault, passphrase=body.passphrase, now=now)


@router.post(
    "/learner-record",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}, "description": "The file."}},
)
async def create_learner_record(body: RecordBody, signed_in: BearerDep, wallet: WalletDep, now: NowDep) -> Response:
    """Several badges in one file that anybody can check, badge by badge: a CLR 2.0 signed with a key of its own."""
    file = await learner_record.create_record_file(
        wallet, signed_in.vault, body.credential_ids, name=body.name, now=now
    )
    return Response(file.content, media_type=file.media_type)


async def _receipt_json(
    wallet: Wallet, signed_in: SignedIn, receipt: issuance.Receipt, now: datetime
) -> dict[str, Any]:
    badges = [await credentials.get_badge(wallet, signed_in.vault, badge.id, now) for badge in receipt.badges]
    return {"credentials": [credentials.badge_json(badge) for badge in badges], "is_awaiting": receipt.is_awaiting}


def _claim_json(claim: claimed_skills.ClaimedSkill, language: str) -> dict[str, Any]:
    return {
        "kind": claim.kind,
        "id": claim.id,
        "uri": claim.uri,
        "name": claim.name(language),
        "language": claim.name_language(language),
        "learned": claim.learned,
        "claimed_at": claim.claimed_at.isoformat(),
    }


def _sent_json(sent: presentation.Sent) -> dict[str, Any]:
    found = {"redirect_uri": sent.redirect_uri, "data": sent.data, "is_reply_unread": sent.is_reply_unread or None}
    return {name: value for name, value in found.items() if value is not None}


def _offer_json(page: issuance.OfferPage) -> dict[str, Any]:
    return {
        "id": page.id,
        "state": page.state,
        "credential_issuer": page.credential_issuer,
        "host": page.host,
        "issuer_name": page.issuer_name,
        "recognition": recognition_json(page.recognition),
        "credentials": [
            {
                "configuration_id": offered.configuration_id,
                "format": offered.format,
                "name": offered.name,
                "description": offered.description,
                "skills": [],
            }
            for offered in page.credentials
        ],
        "grants": list(page.grants),
        "tx_code": page.tx_code,
        "expires_at": page.expires_at.isoformat(),
    }

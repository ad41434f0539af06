"""Receiving a badge: read the offer, let the person decide, get the badge, check it, keep it.

An offer is untrusted until its badge is verified. Nothing is asked of the issuer beyond its public metadata
before the person says yes (W-02). One-time values are sent once: the offer's state is taken in one statement
before its code leaves, and an answer that never came is not asked for again. What was received and could not
be checked yet waits in the offer, and is no badge until every check of W-15 has passed.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from kernel.data_integrity import CRYPTOSUITES
from kernel.did import did_jwk
from kernel.errors import (
    CredentialError,
    HolderBindingError,
    MalformedError,
    RejectedError,
    RevokedError,
    SuspendedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.formats import ALGORITHMS, FORMATS, VerifiedCredential, from_wire, parse_credential
from kernel.formats.credential import LDP_VC
from kernel.keys import SoftwareSigner
from kernel.open_badges import BadgeView, badge_view
from kernel.openid4vci import (
    AUTHORIZATION_SERVER,
    CREDENTIAL_ISSUER,
    INVALID_GRANT,
    INVALID_NONCE,
    INVALID_REQUEST,
    PRE_AUTHORIZED_CODE_GRANT,
    ByReference,
    ByValue,
    CredentialConfiguration,
    CredentialOffer,
    CredentialRequest,
    Display,
    IssuedCredentials,
    IssuerMetadata,
    PreAuthorizedCodeGrant,
    TokenResponse,
    appended_well_known_url,
    create_key_proof,
    parse_authorization_server_metadata,
    parse_credential_offer,
    parse_credential_offer_link,
    parse_credential_response,
    parse_error_response,
    parse_issuer_metadata,
    parse_nonce_response,
    parse_token_response,
    select_authorization_server,
    well_known_url,
)
from kernel.status.token_status_list import Status
from kernel.type_metadata import TypeMetadata, find_extended, parse_type_metadata
from runtime.fetch import AnsweredError, FetchedResponse, FetchKind
from runtime.logging import get_logger
from runtime.tokens import create_token
from wallet import store
from wallet.claims import IssuerLabel, create_issuer_labels, shown_name, shown_text
from wallet.credentials import HeldForm, create_view, resolve_issuer_recognition, seal_badge, seal_form
from wallet.errors import (
    CredentialRefusedError,
    IssuerFailedError,
    LinkError,
    NotCheckedYetError,
    OfferExpiredError,
    OfferNotSupportedError,
    OfferRefusedError,
    OfferSpentError,
    TxCodeError,
    UnreachableError,
)
from wallet.history import HistoryRecord, add_history_record
from wallet.holder_keys import create_holder_key, seal_holder_key
from wallet.images import resolve_badge_image
from wallet.model_check import verify_model
from wallet.models import Offer
from wallet.recognition import PartyRecognition, recognition_json, resolve_party_recognition, signers_of
from wallet.settings import Wallet
from wallet.vault import Vault

log = get_logger(__name__)

# However many forms are offered and however slowly each answer comes, asking for them ends.
RECEIPT_PATIENCE = timedelta(seconds=45)
# What claims are called is worth this wait and no more.
TYPES_PATIENCE = timedelta(seconds=10)
_TX_CODE_TRIES = 10  # our own bound; issuers void the code sooner (OpenID4VCI 1.0 §13.6.3)
_PROOF_TYPE = "jwt"


@dataclass(frozen=True, slots=True)
class OfferedCredential:
    """One badge in one form, as the offer and its issuer's metadata describe it. Not verified."""

    configuration_id: str
    format: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class OfferPage:
    """What the person must know before saying yes: who, how sure that is, what, and which code is asked (W-02)."""

    id: str
    state: str
    credential_issuer: str
    host: str
    code_host: str
    issuer_name: str
    recognition: PartyRecognition
    credentials: tuple[OfferedCredential, ...]
    tx_code: Mapping[str, Any] | None
    expires_at: datetime

    @property
    def known_name(self) -> str:
        """What the list calls whoever offers, else their host: never what they call themselves."""
        return self.recognition.entity_name or self.host


@dataclass(frozen=True, slots=True)
class ReceivedBadge:
    """A badge that was verified and kept."""

    id: str
    name: str
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Received:
    """A credential as it came from the issuer, with the key it should be bound to. Nothing is checked yet."""

    configuration_id: str
    raw: str
    holder_key: SoftwareSigner
    notification_id: str | None


@dataclass
class _OfferRecord:
    """What an offer's row holds, sealed."""

    offer: dict[str, Any]
    metadata: dict[str, Any]
    server_metadata: dict[str, Any]
    recognition: dict[str, str]
    chosen: list[str] = field(default_factory=list)
    tries: int = 0
    token: dict[str, Any] | None = None
    received: list[dict[str, Any]] = field(default_factory=list)


async def resolve_offer(wallet: Wallet, vault: Vault, text: str, now: datetime, *, language: str = "nl") -> OfferPage:
    """Read a link, a QR code's text or a pasted offer, and say who offers what. OpenID4VCI 1.0 §4.1, §12.2.

    The same link opened twice is the same offer: it is fetched once.
    """
    link_digest = vault.digest("offer link", text.strip())
    async with wallet.database.reading() as session:
        known = await store.find_offer_by_link(session, vault.account_id, link_digest, now)
    if known is not None and known.state != "fetching":
        return _offer_page(vault, known, language)
    link = _parse_link(text)
    row = Offer(
        id=create_token(16),
        account_id=vault.account_id,
        link_digest=link_digest,
        state="fetching",
        sealed=b"",
        created_at=now,
        expires_at=now + wallet.settings.offer_lifetime,
    )
    async with wallet.database.transaction() as session:
        await store.remove_expired_offer_link(session, vault.account_id, link_digest, now)
        await store.add_offer(session, row)
    try:
        record = await _resolve_record(wallet, link, now)
    except BaseException:
        async with wallet.database.transaction() as session:
            await store.remove_offer(session, vault.account_id, row.id)
        raise
    row.state, row.sealed = "open", _seal(vault, row.id, record)
    async with wallet.database.transaction() as session:
        await store.set_offer(session, vault.account_id, row.id, state=row.state, sealed=row.sealed)
    return _offer_page(vault, row, language)


async def get_offer(wallet: Wallet, vault: Vault, offer_id: str, now: datetime, *, language: str = "nl") -> OfferPage:
    async with wallet.database.reading() as session:
        row = await store.get_offer(session, vault.account_id, offer_id)
    if row.state == "fetching":
        raise OfferSpentError
    if row.expires_at <= now:
        raise OfferExpiredError
    return _offer_page(vault, row, language)


async def accept_offer(
    wallet: Wallet,
    vault: Vault,
    offer_id: str,
    *,
    tx_code: str | None,
    configuration_ids: Sequence[str] | None,
    now: datetime,
) -> list[ReceivedBadge]:
    """Get what is offered, verify it fully, keep it, and tell the issuer. OpenID4VCI 1.0 §6, §7, §8, §11.

    An offer whose token was received, or whose badges wait unchecked, goes on from there: its one-time code is
    never sent again.
    """
    async with wallet.database.reading() as session:
        record = _open(vault, await store.get_offer(session, vault.account_id, offer_id))
    _check_tx_code_given(record, tx_code)
    async with wallet.database.transaction() as session:
        before = await store.spend_offer(session, vault.account_id, offer_id, now)
        record = _open(vault, await store.get_offer(session, vault.account_id, offer_id))
    progress = _Progress(wallet, vault, offer_id, record, now)
    if before == "open":
        record.chosen = _choose_configurations(record, configuration_ids)
        await progress.redeem_code(tx_code)
    if before in ("open", "redeemed"):
        await progress.request_credentials()
    return await progress.verify_and_keep()


async def discard_offer(wallet: Wallet, vault: Vault, offer_id: str, now: datetime) -> None:
    """Say no. An issuer that already handed over a badge hears that it was not kept (§11.1, `credential_deleted`)."""
    async with wallet.database.transaction() as session:
        before = await store.spend_offer(session, vault.account_id, offer_id, now)
        record = _open(vault, await store.get_offer(session, vault.account_id, offer_id))
    progress = _Progress(wallet, vault, offer_id, record, now)
    if before == "unchecked":
        await progress.notify("credential_deleted", progress.received())
    record.token, record.received = None, []
    await progress.save("discarded")


@dataclass
class _Progress:
    """One offer on its way; every step leaves in the row what the next one needs."""

    wallet: Wallet
    vault: Vault
    offer_id: str
    record: _OfferRecord
    now: datetime

    @property
    def offer(self) -> CredentialOffer:
        return parse_credential_offer(self.record.offer)

    @property
    def metadata(self) -> IssuerMetadata:
        return _metadata_of(self.record)

    def received(self) -> list[_Received]:
        return [
            _Received(
                item["configuration_id"],
                item["raw"],
                SoftwareSigner.from_jwk(item["holder_key"]),
                item["notification_id"],
            )
            for item in self.record.received
        ]

    async def save(self, state: str, *, is_done: bool = True) -> None:
        sealed = _seal(self.vault, self.offer_id, self.record)
        async with self.wallet.database.transaction() as session:
            await store.set_offer(
                session, self.vault.account_id, self.offer_id, state=state, sealed=sealed, is_done=is_done
            )

    async def redeem_code(self, tx_code: str | None) -> None:
        """Exchange the pre-authorized code. §6.1. No answer means that it may be spent: it is not sent again."""
        grant = _grant_of(self.record)
        form = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": grant.pre_authorized_code}
        if grant.tx_code is not None and tx_code is not None:
            form["tx_code"] = tx_code.strip()
        try:
            response = await self.wallet.fetch.post_form(_token_endpoint(self.record), form)
            if response.status != 200:
                await self._refuse_code(_error_of(response))
            token = parse_token_response(response.json())
        except CredentialError as exc:
            await self.save("failed")
            raise IssuerFailedError(f"token: {exc.code}: {exc.detail}") from exc
        self.record.token = _token_json(token)
        await self.save("redeemed", is_done=False)

    async def _refuse_code(self, error: str) -> None:
        """The offer stays open for another try of its `tx_code`; every other refusal ends it. §6.3."""
        self.record.tries += 1
        if _grant_of(self.record).tx_code is not None and error in (INVALID_GRANT, INVALID_REQUEST):
            await self.save("open" if self.record.tries < _TX_CODE_TRIES else "failed")
            raise TxCodeError(error)
        await self.save("failed")
        raise OfferRefusedError(error) if error == INVALID_GRANT else IssuerFailedError(f"token: {error}")

    async def request_credentials(self) -> None:
        """Ask for every chosen form with a key of its own. A further form that fails does not cost the first. §8."""
        failure: Exception | None = None
        ends_at = monotonic() + RECEIPT_PATIENCE.total_seconds()
        for configuration_id in self.record.chosen:
            try:
                received = await self._request_in_time(configuration_id, ends_at - monotonic())
            except (CredentialError, IssuerFailedError) as exc:
                failure = failure or exc
                log.info("credential not received", error_class=type(exc).__name__)
                continue
            self.record.received.append(_received_json(received))
        if self.record.received:
            await self.save("unchecked", is_done=False)
            return
        if isinstance(failure, UndecidedError):
            await self.save("redeemed")
            raise UnreachableError(failure.detail) from failure
        await self.save("failed")
        raise IssuerFailedError(str(failure)) from failure

    async def _request_in_time(self, configuration_id: str, seconds: float) -> _Received:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                return await self._request_credential(configuration_id)
        except TimeoutError as exc:
            raise UndecidedError("the issuer took too long") from exc

    async def _request_credential(self, configuration_id: str) -> _Received:
        """Fresh nonce, fresh key, proof, request; `invalid_nonce` is tried once more (W-10)."""
        configuration = self.metadata.get_configuration(configuration_id)
        holder_key = create_holder_key()
        response = await self._post_credential_request(configuration, holder_key)
        if response.status == 400 and _error_of(response) == INVALID_NONCE:
            response = await self._post_credential_request(configuration, holder_key)
        if response.status not in (200, 202):
            raise IssuerFailedError(f"credential: {_error_of(response)}")
        answer = parse_credential_response(response.json())
        if not isinstance(answer, IssuedCredentials):
            raise IssuerFailedError("deferred issuance, which this wallet cannot wait for")
        return _Received(configuration_id, from_wire(answer.credentials[0]), holder_key, answer.notification_id)

    async def _post_credential_request(
        self, configuration: CredentialConfiguration, holder_key: SoftwareSigner
    ) -> FetchedResponse:
        token = self.record.token or {}
        nonce = await self._resolve_nonce()
        key_id = None
        if "did:jwk" in configuration.binding_methods:
            key_id = f"{did_jwk(holder_key.public_key.jwk)}#0"
        proof = create_key_proof(
            signer=holder_key, audience=self.offer.credential_issuer, nonce=nonce, now=self.now, key_id=key_id
        )
        identifier = token["identifiers"].get(configuration.id)
        body = CredentialRequest(
            credential_configuration_id=None if identifier else configuration.id,
            credential_identifier=identifier,
            proof_type=_PROOF_TYPE,
            proofs=(proof,),
            credential_response_encryption=None,
        ).as_json()
        return await self.wallet.fetch.post_json(
            self.metadata.credential_endpoint,
            json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token['access_token']}"},
        )

    async def _resolve_nonce(self) -> str:
        """A fresh `c_nonce` for each request. §7."""
        endpoint = self.metadata.nonce_endpoint
        if endpoint is None:
            raise IssuerFailedError("no nonce endpoint")
        response = await self.wallet.fetch.post_json(endpoint, b"")
        if response.status != 200:
            raise IssuerFailedError(f"nonce: {_error_of(response)}")
        return parse_nonce_response(response.json())

    async def verify_and_keep(self) -> list[ReceivedBadge]:
        """W-15, then one transaction that keeps everything; or nothing is kept, and the issuer hears why."""
        received = self.received()
        try:
            verified = [await self._verify(item) for item in received]
        except UndecidedError as exc:
            await self.save("unchecked")
            raise NotCheckedYetError(exc.detail) from exc
        except CredentialError as exc:
            await self.notify("credential_failure", received)
            self.record.received, self.record.token = [], None
            await self.save("failed")
            raise CredentialRefusedError(exc) from exc
        badges = await self._keep(received, verified)
        await self.notify("credential_accepted", received)
        self.record.token, self.record.received = None, []
        await self.save("received")
        return badges

    async def _verify(self, item: _Received) -> VerifiedCredential:
        """Everything that must hold before a credential is kept. RFC 9901 §7.1; W-15."""
        configuration = self.metadata.get_configuration(item.configuration_id)
        unverified = parse_credential(item.raw)
        # (1) The format that was promised.
        if unverified.format != configuration.format:
            raise WrongTypeError("another format than the configuration's")
        # (2) Signed by its issuer's key, disclosures and validity hold.
        key = await self.wallet.resolver.resolve_issuer_key(unverified, now=self.now)
        credential = FORMATS[unverified.format].verify(
            unverified, key=key, algorithms=ALGORITHMS[unverified.format], now=self.now
        )
        # (3) That issuer is the party the person said yes to.
        await self._verify_issuer(credential)
        # (4) The type that was promised.
        _verify_type(configuration, credential)
        # (5) Bound to the key that was made for it, and to no other.
        if credential.holder_key is None or credential.holder_key.thumbprint != item.holder_key.public_key.thumbprint:
            raise HolderBindingError("bound to another key than the one proven")
        # (6) An Open Badge, where it calls itself one.
        verify_model(credential)
        # (7) Not withdrawn.
        answer = await self.wallet.resolver.resolve_status(credential, now=self.now)
        if answer is not None:
            _verify_status(answer.status)
        return credential

    async def _verify_issuer(self, credential: VerifiedCredential) -> None:
        """The signer is the host that made the offer, or one that the ecosystem's list recognises for this badge."""
        credential_issuer = self.offer.credential_issuer
        if _is_same_party(credential.issuer, credential_issuer):
            return
        found = await resolve_issuer_recognition(
            self.wallet, credential, credential_issuer=credential_issuer, now=self.now
        )
        if not found.is_recognised:
            raise UntrustedIssuerError("signed by another party than the one that offered it")

    async def _keep(self, received: list[_Received], verified: list[VerifiedCredential]) -> list[ReceivedBadge]:
        groups = _group_by_achievement(received, verified)
        images = [await resolve_badge_image(self.wallet.fetch, _view(group).image) for group in groups]
        recognition = [
            await resolve_issuer_recognition(
                self.wallet, group[0][1], credential_issuer=self.offer.credential_issuer, now=self.now
            )
            for group in groups
        ]
        found_labels = {
            item.configuration_id: await self._resolve_labels(item.configuration_id, credential)
            for group in groups
            for item, credential in group
        }
        badges = []
        async with self.wallet.database.transaction() as session:
            for group, image, recognised in zip(groups, images, recognition, strict=True):
                credential_id = create_token(16)
                row = seal_badge(
                    self.vault,
                    credential_id,
                    credential_issuer=self.offer.credential_issuer,
                    image=image,
                    now=self.now,
                )
                await store.add_credential(session, row)
                for item, credential in group:
                    labels = found_labels[item.configuration_id]
                    form = HeldForm(create_token(16), credential_id, item.configuration_id, credential, labels)
                    await store.add_credential_form(
                        session, seal_form(self.vault, form), seal_holder_key(self.vault, form.id, item.holder_key)
                    )
                await add_history_record(session, self.vault, _receipt(group, recognised, self.now))
                formats = tuple(credential.format for _, credential in group)
                badges.append(ReceivedBadge(credential_id, _view(group).name, formats))
            sealed = _seal(self.vault, self.offer_id, replace(self.record, received=[]))
            await store.set_offer(session, self.vault.account_id, self.offer_id, state="received", sealed=sealed)
        return badges

    async def _resolve_labels(self, configuration_id: str, credential: VerifiedCredential) -> tuple[IssuerLabel, ...]:
        """What the claims are called: asked once, at receipt. Without an answer our own words will do. W-18, A-48."""
        types = await resolve_types(self.wallet, credential)
        return create_issuer_labels(types, self.metadata.get_configuration(configuration_id).claims)

    async def notify(self, event: str, received: Iterable[_Received]) -> None:
        """Tell the issuer how it ended. §11: its answer changes nothing here, so a failure is only logged."""
        endpoint, token = self.metadata.notification_endpoint, self.record.token
        if endpoint is None or token is None:
            return
        for notification_id in dict.fromkeys(item.notification_id for item in received):
            if notification_id is None:
                continue
            body = json.dumps({"notification_id": notification_id, "event": event}).encode()
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            try:
                await self.wallet.fetch.post_json(endpoint, body, headers=headers)
            except CredentialError as exc:
                log.info("notification not delivered", error_class=type(exc).__name__)


# --- reading the offer and its issuer's metadata


def _parse_link(text: str) -> ByReference | ByValue:
    try:
        return parse_credential_offer_link(text.strip())
    except MalformedError as exc:
        raise LinkError(exc.detail) from exc


async def _resolve_record(wallet: Wallet, link: ByReference | ByValue, now: datetime) -> _OfferRecord:
    """The offer, its issuer's metadata and authorization server, each checked against the one before."""
    try:
        offer_json = await _resolve_offer_json(wallet, link)
        offer = parse_credential_offer(offer_json)
        if offer.pre_authorized_code is None:
            raise OfferNotSupportedError("no pre-authorized code")
        metadata_json = await _resolve_issuer_metadata(wallet, offer.credential_issuer)
        metadata = parse_issuer_metadata(metadata_json, credential_issuer=offer.credential_issuer)
        server_json = await _resolve_server_metadata(wallet, select_authorization_server(metadata, offer))
    except UndecidedError as exc:
        raise UnreachableError(exc.detail) from exc
    except CredentialError as exc:
        raise LinkError(f"{exc.code}: {exc.detail}") from exc
    record = _OfferRecord(dict(offer_json), dict(metadata_json), dict(server_json), {})
    if not _supported(record):
        raise OfferNotSupportedError("no configuration that this wallet can hold")
    recognition = await resolve_party_recognition(
        wallet.resolver,
        identifiers=signers_of(offer.credential_issuer),
        service="issuance",
        now=now,
    )
    record.recognition = recognition_json(recognition)
    return record


async def _resolve_offer_json(wallet: Wallet, link: ByReference | ByValue) -> dict[str, Any]:
    """§4.1.2, §4.1.3: the offer itself, or where it can be fetched, once."""
    if isinstance(link, ByValue):
        return link.offer.as_json()
    response = await wallet.fetch.get(link.uri, accept="application/json", kind=FetchKind.CREDENTIAL_OFFER)
    return _json_object(response)


async def _resolve_issuer_metadata(wallet: Wallet, credential_issuer: str) -> dict[str, Any]:
    """§12.2.2: at the inserted URL; for older issuers, when that does not exist, at the appended one (W-04).

    Only unsigned metadata is asked for, so that signed metadata never has to be believed (W-06).
    """
    return await _get_well_known(wallet, credential_issuer, CREDENTIAL_ISSUER)


async def _resolve_server_metadata(wallet: Wallet, server: str) -> dict[str, Any]:
    """RFC 8414 §3; its `issuer` must be the server that was asked for (W-05)."""
    content = await _get_well_known(wallet, server, AUTHORIZATION_SERVER)
    parse_authorization_server_metadata(content, issuer=server)
    return content


async def _get_well_known(wallet: Wallet, identifier: str, name: str) -> dict[str, Any]:
    inserted, appended = well_known_url(identifier, name), appended_well_known_url(identifier, name)
    try:
        response = await wallet.fetch.get(inserted, accept="application/json", kind=FetchKind.METADATA)
    except AnsweredError as exc:
        if exc.status != 404 or inserted == appended:
            raise
        response = await wallet.fetch.get(appended, accept="application/json", kind=FetchKind.METADATA)
    return _json_object(response)


def _json_object(response: FetchedResponse) -> dict[str, Any]:
    content = response.json()
    if not isinstance(content, dict):
        raise MalformedError("not a JSON object")
    return content


# --- what is offered


def _offer_page(vault: Vault, row: Offer, language: str) -> OfferPage:
    record = _open(vault, row)
    offer = parse_credential_offer(record.offer)
    metadata = _metadata_of(record)
    issuer = _choose_display(metadata.display, language)
    tx_code = _grant_of(record).tx_code
    return OfferPage(
        id=row.id,
        state=row.state,
        credential_issuer=offer.credential_issuer,
        host=host_of(offer.credential_issuer),
        code_host=host_of(_token_endpoint(record)),
        issuer_name=shown_name((issuer.name if issuer else None) or ""),
        recognition=PartyRecognition(**record.recognition),
        credentials=tuple(_offered(metadata.get_configuration(name), language) for name in _supported(record)),
        tx_code=tx_code.as_json() if tx_code else None,
        expires_at=row.expires_at,
    )


def _offered(configuration: CredentialConfiguration, language: str) -> OfferedCredential:
    display = _choose_display(configuration.display, language)
    return OfferedCredential(
        configuration_id=configuration.id,
        format=configuration.format,
        name=shown_name((display.name if display else None) or configuration.id),
        description=shown_text((display.description if display else None) or ""),
    )


def _choose_display(displays: Sequence[Display], language: str) -> Display | None:
    """The entry in the person's language, else the first there is. Shown as text, never as markup (W-18)."""
    fitting = [entry for entry in displays if (entry.locale or "").lower().partition("-")[0] == language]
    return next(iter([*fitting, *displays]), None)


def _metadata_of(record: _OfferRecord) -> IssuerMetadata:
    return parse_issuer_metadata(record.metadata, credential_issuer=record.metadata["credential_issuer"])


def _grant_of(record: _OfferRecord) -> PreAuthorizedCodeGrant:
    grant = parse_credential_offer(record.offer).pre_authorized_code
    if grant is None:
        raise OfferNotSupportedError("no pre-authorized code")
    return grant


def _token_endpoint(record: _OfferRecord) -> str:
    server = record.server_metadata
    return parse_authorization_server_metadata(server, issuer=server["issuer"]).token_endpoint


def _supported(record: _OfferRecord) -> list[str]:
    """The offered configurations that this wallet can hold, the preferred format first."""
    metadata = _metadata_of(record)
    offered = parse_credential_offer(record.offer).credential_configuration_ids
    known = [metadata.credential_configurations[name] for name in offered if name in metadata.credential_configurations]
    usable = [configuration for configuration in known if _is_usable(metadata, configuration)]
    return [found.id for found in sorted(usable, key=lambda found: list(FORMATS).index(found.format))]


def _is_usable(metadata: IssuerMetadata, configuration: CredentialConfiguration) -> bool:
    """A format that we hold, a proof that we can give, and no encryption that we cannot (W-11, W-17)."""
    proof_type = configuration.proof_types.get(_PROOF_TYPE)
    encryption = metadata.credential_response_encryption
    return (
        configuration.format in FORMATS
        and _can_verify(configuration)
        and proof_type is not None
        and "ES256" in proof_type.algorithms
        and proof_type.key_attestations_required is None
        and (encryption is None or not encryption.is_required)
    )


def _can_verify(configuration: CredentialConfiguration) -> bool:
    """Whether the issuer signs in a way that is checked here; one that does not say which may. VCI A.1.1.2, A.1.2.2"""
    ways = CRYPTOSUITES.keys() if configuration.format == LDP_VC else ALGORITHMS[configuration.format]
    return not configuration.signing_algorithms or not configuration.signing_algorithms.isdisjoint(ways)


def _choose_configurations(record: _OfferRecord, wanted: Sequence[str] | None) -> list[str]:
    supported = _supported(record)
    chosen = supported if wanted is None else [name for name in supported if name in wanted]
    if not chosen:
        raise OfferNotSupportedError("none of the wanted configurations is offered")
    return chosen


def _check_tx_code_given(record: _OfferRecord, tx_code: str | None) -> None:
    """Refuse before anything is spent when the code that is asked for is missing or of another shape (W-07)."""
    asked = _grant_of(record).tx_code
    if asked is None or record.token is not None or record.received:
        return
    given = (tx_code or "").strip()
    if not given or len(given) > 64 or (asked.input_mode == "numeric" and not given.isdecimal()):
        raise TxCodeError("missing or of another shape")


def host_of(credential_issuer: str) -> str:
    """The host of an issuer, with its port where it has one: what the person is shown."""
    return urlsplit(credential_issuer).netloc


# --- verifying


def _is_same_party(issuer: str, credential_issuer: str) -> bool:
    """Whether a credential's issuer speaks from the host that the person saw: its URL, or a did:web of that host."""
    if issuer == credential_issuer:
        return True
    host = urlsplit(credential_issuer).netloc.lower().replace(":", "%3a")
    return issuer.lower() == f"did:web:{host}" or issuer.lower().startswith(f"did:web:{host}:")


def _verify_status(status: Status) -> None:
    """Raise unless the issuer's list says no worse than something to read: that stands on the badge's page."""
    match status:
        case Status.INVALID:
            raise RevokedError
        case Status.SUSPENDED:
            raise SuspendedError
        case Status.UNASSIGNED:
            raise RejectedError("a status value that nobody knows")


def _verify_type(configuration: CredentialConfiguration, credential: VerifiedCredential) -> None:
    """W-15: `vct`, or every type of the credential definition, as the configuration promised."""
    promised = {configuration.vct} if configuration.vct else set(configuration.types)
    if not promised <= credential.types:
        raise WrongTypeError("another type than the configuration's")


_Group = list[tuple[_Received, VerifiedCredential]]


def _group_by_achievement(received: Iterable[_Received], verified: Iterable[VerifiedCredential]) -> list[_Group]:
    """Forms of one achievement from one issuer are one badge."""
    groups: dict[tuple[str, str], _Group] = {}
    for item, credential in zip(received, verified, strict=True):
        achievement = badge_view(credential.claims, credential.format).achievement_id
        groups.setdefault((credential.issuer, achievement or item.configuration_id), []).append((item, credential))
    return list(groups.values())


def _view(group: _Group) -> BadgeView:
    return create_view(group[0][1])


def _receipt(group: _Group, recognition: PartyRecognition, now: datetime) -> HistoryRecord:
    view = _view(group)
    return HistoryRecord(
        kind="received",
        party_name=view.issuer_name or group[0][1].issuer,
        party_id=group[0][1].issuer,
        recognition=recognition.outcome,
        happened_at=now,
        badges=(view.name,),
    )


async def resolve_types(wallet: Wallet, credential: VerifiedCredential) -> list[TypeMetadata]:
    """The type of a credential and those that it extends, the nearest first, as far as they can be had and hold. K-51.

    They are words and nothing else: what is missing or not what its integrity value names costs only its labels.
    """
    vct, integrity = credential.claims.get("vct"), credential.claims.get("vct#integrity")
    wanted = (vct, integrity if isinstance(integrity, str) else None) if isinstance(vct, str) else None
    chain: list[TypeMetadata] = []
    try:
        async with asyncio.timeout(TYPES_PATIENCE.total_seconds()):
            while wanted is not None and wanted[0].startswith(("https://", "http://")):
                chain.append(await _resolve_type(wallet, *wanted))
                wanted = find_extended(chain)
    except (CredentialError, TimeoutError) as exc:
        log.info("no type metadata", error_class=type(exc).__name__)
    return chain


async def _resolve_type(wallet: Wallet, vct: str, integrity: str | None) -> TypeMetadata:
    response = await wallet.fetch.get(vct, accept="application/json", kind=FetchKind.METADATA)
    return parse_type_metadata(response.body, vct=vct, integrity=integrity)


# --- rows and messages


def _seal(vault: Vault, offer_id: str, record: _OfferRecord) -> bytes:
    return vault.seal("offer", offer_id, asdict(record))


def _open(vault: Vault, row: Offer) -> _OfferRecord:
    if row.state == "fetching":
        raise OfferSpentError
    return _OfferRecord(**vault.open("offer", row.id, row.sealed))


def _received_json(received: _Received) -> dict[str, Any]:
    return {
        "configuration_id": received.configuration_id,
        "raw": received.raw,
        "holder_key": dict(received.holder_key.private_jwk()),
        "notification_id": received.notification_id,
    }


def _error_of(response: FetchedResponse) -> str:
    """The error code of an answer; what else it says is the other side's text and goes nowhere."""
    with contextlib.suppress(CredentialError):
        return parse_error_response(response.json()).error[:64]
    return f"status {response.status}"


def _token_json(token: TokenResponse) -> dict[str, Any]:
    """The token, and for each configuration the first credential identifier that the server named. §6.2."""
    if token.token_type != "Bearer":
        raise IssuerFailedError("a token bound to a key, which was not asked for")
    identifiers = {
        detail.credential_configuration_id: detail.credential_identifiers[0] for detail in token.authorization_details
    }
    return {"access_token": token.access_token, "identifiers": identifiers}

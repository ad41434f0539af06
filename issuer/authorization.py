"""The Authorization Endpoint: one browser opens a pushed request, a person signs in there, and agrees or not.

RFC 6749 §4.1, RFC 9126 §4, RFC 9207; OpenID4VCI 1.0 §5. Nothing of a request is believed: an `issuer_state` picks out
an award only among those of whoever signed in (I-25, A-29). Before the person decided, failures are told on our own
page: a browser is sent to the address that a wallet pushed only with an answer that a person gave here (A-28).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from issuer import store
from issuer.awards import open_claims
from issuer.configurations import code_configuration_ids, configuration_securing
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import AuthorizationOverError, NothingChosenError, RequestUriError
from issuer.holders import Subject, list_own_awards, subject_context
from issuer.models import Authorization
from issuer.pushed_authorization import REQUEST_URI
from issuer.settings import IssuerSettings
from issuer.store import AwardRow, Session
from kernel.openid4vci import ACCESS_DENIED, create_authorization_response_url
from runtime.tokens import create_token, hash_token


@dataclass(frozen=True, slots=True)
class Choice:
    """An award of the person that the wallet asks for, in which configurations, and for whom it was made out."""

    award_id: UUID
    row: AwardRow
    configuration_ids: Sequence[str]
    person: Mapping[str, str]
    has_evidence: bool


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """A request that is being decided in a browser, and who signed in for it."""

    id: UUID
    client_id: str
    client_name: str | None
    redirect_uri: str
    requested: Sequence[str]
    issuer_state_hash: bytes | None
    subject: Subject | None

    @property
    def slugs(self) -> Sequence[str]:
        """The achievements whose configurations are asked for."""
        return sorted({identifier.rpartition(".")[0] for identifier in self.requested})

    @property
    def host(self) -> str | None:
        """Where the browser goes back to, as people can judge it; None for an app on this device."""
        parts = urlsplit(self.redirect_uri)
        return parts.netloc if parts.scheme in ("https", "http") else None


async def open_authorization(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, query: Mapping[str, str], *, now: datetime
) -> tuple[UUID, str]:
    """Tie a pushed request to the browser that brings its name, once; its identifier and the browser's secret.

    Only `client_id` and `request_uri` count; a request that was not pushed is refused. RFC 9126 §4, §5; I-21.
    """
    client_id, request_uri = query.get("client_id"), query.get("request_uri", "")
    if not client_id or "\x00" in client_id or not request_uri.startswith(REQUEST_URI):
        raise RequestUriError("not pushed")
    token = create_token(32)
    authorization_id = await store.open_authorization(
        session,
        issuer.organisation_id,
        hash_token(request_uri.removeprefix(REQUEST_URI)),
        client_id,
        browser_hash=hash_token(token),
        expires_at=now + settings.authorization_lifetime,
        now=now,
    )
    if authorization_id is None:
        raise RequestUriError("unknown, another client's, used or expired")
    return authorization_id, token


async def get_authorization(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    authorization_id: UUID,
    browser_token: str | None,
    *,
    now: datetime,
) -> PendingAuthorization:
    """The undecided request of this browser, or AuthorizationOverError, for unknown, foreign and ended ones alike."""
    found = await find_authorization(session, settings, issuer, browser_token, now=now)
    if found is None or found.id != authorization_id:
        raise AuthorizationOverError
    return found


async def find_authorization(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    browser_token: str | None,
    *,
    now: datetime,
) -> PendingAuthorization | None:
    """Whatever undecided request this browser goes on with."""
    if not browser_token:
        return None
    row = await store.find_authorization(session, issuer.organisation_id, hash_token(browser_token), now)
    return None if row is None else _pending(settings, row)


def _pending(settings: IssuerSettings, row: Authorization) -> PendingAuthorization:
    subject = None
    if row.sealed_subject is not None:
        subject = Subject.unseal(settings, row.sealed_subject, context=subject_context(row.id))
    return PendingAuthorization(
        id=row.id,
        client_id=row.client_id,
        client_name=row.client_name,
        redirect_uri=row.redirect_uri,
        requested=row.requested,
        issuer_state_hash=row.issuer_state_hash,
        subject=subject,
    )


async def sign_in(
    session: Session, settings: IssuerSettings, authorization_id: UUID, subject: Subject, *, now: datetime
) -> str:
    """Note who signed in, and give the browser a new secret: one that was planted before is worth nothing after."""
    token = create_token(32)
    sealed = subject.seal(settings, context=subject_context(authorization_id))
    if not await store.sign_in_authorization(session, authorization_id, hash_token(token), sealed, now):
        raise AuthorizationOverError
    return token


async def list_choices(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    *,
    now: datetime,
) -> Sequence[Choice]:
    """What the person who signed in may have of what is asked for. I-25, A-29.

    With an `issuer_state` only the award of that open offer, and only if it is theirs: whatever else the person could
    have was not what they were invited to.
    """
    if pending.subject is None:
        return ()
    rows = await list_own_awards(session, settings, issuer, pending.subject, slugs=pending.slugs)
    if pending.issuer_state_hash is not None:
        offer = await store.find_offer_by_issuer_state(session, issuer.organisation_id, pending.issuer_state_hash, now)
        rows = [row for row in rows if offer is not None and row.award.id == offer.award_id]
    return [choice for row in rows if (choice := _choice(settings, issuer, pending, row)).configuration_ids]


def _choice(settings: IssuerSettings, issuer: CredentialIssuer, pending: PendingAuthorization, row: AwardRow) -> Choice:
    offered = code_configuration_ids(settings, issuer.certificate_chain, row.achievement.slug)
    claims = open_claims(settings, row.award.id, row.award.sealed_claims or b"")
    asked = [identifier for identifier in pending.requested if identifier in offered]
    return Choice(row.award.id, row, asked, claims["person"], bool(claims["evidence"]))


async def grant_authorization(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    award_ids: Sequence[str],
    *,
    now: datetime,
) -> str:
    """Where the browser goes with a fresh code, after the person agreed to these awards of theirs. I-26."""
    choices = await list_choices(session, settings, issuer, pending, now=now)
    chosen = [choice for choice in choices if str(choice.award_id) in award_ids]
    if not chosen:
        raise NothingChosenError
    code = create_token(32)
    granted = [{"award": str(choice.award_id), "configurations": list(choice.configuration_ids)} for choice in chosen]
    state = await store.decide_authorization(
        session,
        pending.id,
        granted=granted,
        code_hash=hash_token(code),
        code_expires_at=now + settings.code_lifetime,
        now=now,
    )
    for choice in chosen:
        await store.add_audit(session, issuer.organisation_id, "holder", "award.agree", str(choice.award_id), None, now)
    return _answer(issuer, pending, state, {"code": code})


async def deny_authorization(
    session: Session, issuer: CredentialIssuer, pending: PendingAuthorization, *, now: datetime
) -> str:
    """Where the browser goes after the person said no, or cannot go on. RFC 6749 §4.1.2.1; I-26."""
    state = await store.decide_authorization(
        session, pending.id, granted=[], code_hash=None, code_expires_at=None, now=now
    )
    return _answer(issuer, pending, state, {"error": ACCESS_DENIED})


def _answer(
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    decided: tuple[str | None] | None,
    answer: Mapping[str, str],
) -> str:
    if decided is None:
        raise AuthorizationOverError
    return create_authorization_response_url(
        pending.redirect_uri, issuer=issuer.identifier, state=decided[0], answer=answer
    )


def securing_names(choice: Choice) -> Sequence[str]:
    """The forms in which a choice would be issued, for whoever asks for the details."""
    return [configuration_securing(identifier).name for identifier in choice.configuration_ids]

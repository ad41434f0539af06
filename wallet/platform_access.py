"""Somebody's access to their badges at a platform: signing in there, the token that it brings, and giving it back.

Open Badges 3.0 §7.1.2 to §7.3; RFC 6749, RFC 7636, RFC 7009. What comes back from the platform is believed only in the
browser session that began (A-28, A-29), at the address that this platform was given (A-27, decision 0034), and once.
Tokens lie sealed in the vault: while it is locked, nobody can ask the platform anything (decision 0033).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from kernel.errors import CredentialError, MalformedError, UndecidedError
from kernel.members import as_object, find_text, get_text
from kernel.open_badges_api import (
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    ClientCredentials,
    RevocationRequest,
)
from kernel.openid4vci import (
    AUTHORIZATION_SERVER,
    INVALID_CLIENT,
    AuthorizationCodeTokenRequest,
    AuthorizationDeniedError,
    AuthorizationRequestParameters,
    RefreshTokenRequest,
    TokenResponse,
    code_challenge,
    create_code_verifier,
    create_direct_authorization_url,
    parse_authorization_response,
    parse_token_response,
    well_known_url,
)
from kernel.web_urls import host_of, web_url
from runtime.fetch import FetchedResponse, FetchKind
from runtime.logging import get_logger
from runtime.tokens import create_token, hash_token
from wallet import store
from wallet.access_token import has_ended
from wallet.accounts import SignedIn
from wallet.errors import (
    PLATFORM_SIGN_IN_STEP,
    PLATFORM_TOKEN_STEP,
    FailedStep,
    MixedUpPlatformError,
    PlatformAccessEndedError,
    PlatformDeniedError,
    PlatformFailedError,
    PlatformResponseError,
    UnreachableError,
)
from wallet.issuer_requests import error_of
from wallet.models import PlatformConnection
from wallet.platform_discovery import (
    Platform,
    find_client,
    forget_client,
    is_own_address,
    open_platform,
    parse_platform_address,
    platform_callback_uri,
    resolve_client,
    resolve_platform,
)
from wallet.settings import Wallet
from wallet.vault import Vault

log = get_logger(__name__)

Revocation = Literal["confirmed", "unconfirmed", "nothing"]
"""Whether the platform said that the tokens are void; `nothing`: there were none any more."""

# As long as somebody may take to sign in there.
_SIGN_IN_TIME: Final = timedelta(hours=1)
_MOST_CONNECTIONS: Final = 20
# B-42: as long as a token lives whose platform does not say how long.
_TOKEN_LIFE: Final = timedelta(hours=1)


@dataclass
class ConnectionRecord:
    """What the row of a connection holds, sealed. The platform is as it described itself when it was connected."""

    platform: dict[str, Any]
    client_id: str = ""
    """As whom the token was got: one of another registration is void there."""
    scopes: list[str] = field(default_factory=list)
    """What the person allowed at the platform."""
    token: dict[str, Any] | None = None
    authorization: dict[str, Any] | None = None
    """While the person is at the platform: what its answer must fit to."""
    refused_client: str | None = None
    """The client of a sign-in whose code brought no token, because the platform said that it knows no such client."""
    fetched_at: str | None = None
    """Since when there may be badges that were not listed yet."""
    listing: dict[str, Any] | None = None
    """How far a list is that takes several visits: the page to go on with, and when it was begun."""

    def described(self) -> Platform:
        return open_platform(self.platform)

    @property
    def has_access(self) -> bool:
        return self.token is not None

    @property
    def may_read(self) -> bool:
        return self.has_access and CREDENTIAL_READONLY in self.scopes

    @property
    def may_send(self) -> bool:
        return self.has_access and CREDENTIAL_UPSERT in self.scopes


@dataclass
class Access:
    """One connection that one request works with."""

    wallet: Wallet
    vault: Vault
    connection_id: str
    record: ConnectionRecord
    now: datetime

    @property
    def platform(self) -> Platform:
        return self.record.described()

    async def save(self, **values: object) -> None:
        async with self.wallet.database.transaction() as session:
            await self.write(session, **values)

    async def write(self, session: store.Session, **values: object) -> None:
        sealed = self.vault.seal("platform_connection", self.connection_id, asdict(self.record))
        await store.set_platform_connection(session, self.vault.account_id, self.connection_id, sealed=sealed, **values)


@dataclass(frozen=True, slots=True)
class SignInPage:
    """Where the browser goes now, and whose page that is."""

    url: str
    host: str


def open_connection(vault: Vault, row: PlatformConnection) -> ConnectionRecord:
    return ConnectionRecord(**vault.open("platform_connection", row.id, row.sealed))


async def begin_connection(
    wallet: Wallet, holder: SignedIn, typed: str, *, may_send: bool, now: datetime
) -> SignInPage:
    """Ask a platform what it can, register there if need be, and say where the person signs in.

    It may be begun again as often as they like, each time with a state and a verifier of its own. Access that there is
    stays until another comes.
    """
    platform = await resolve_platform(wallet, parse_platform_address(typed))
    client = await resolve_client(
        wallet, platform, now, unanswered=await _find_unanswered(wallet, holder.vault, platform)
    )
    state, verifier = create_token(), create_code_verifier()
    scopes = _wanted_scopes(platform, may_send=may_send)
    authorization: dict[str, Any] = {
        "state": state,
        "code_verifier": verifier,
        "session": hash_token(holder.token).hex(),
        "redirect_uri": platform_callback_uri(wallet.settings, platform.base),
        "client_id": client.client_id,
        "scopes": list(scopes),
        "platform": platform.as_json(),
        "ends_at": (now + _SIGN_IN_TIME).isoformat(),
    }
    await _save_authorization(wallet, holder.vault, platform, authorization, now)
    parameters = AuthorizationRequestParameters(
        client_id=client.client_id,
        redirect_uri=authorization["redirect_uri"],
        code_challenge=code_challenge(verifier),
        state=state,
        scopes=scopes,
    )
    return SignInPage(create_direct_authorization_url(platform.authorization_url, parameters), platform.host)


async def finish_connection(
    wallet: Wallet, holder: SignedIn, response: Mapping[str, str], now: datetime, *, redirect_uri: str
) -> str:
    """Take the answer that the browser brought, exchange its code for a token, and return which connection it is.

    (1) It fits a sign-in that this very session began, within its hour. (2) One caller takes it, and with it the
    verifier. (3) It came to the address of the platform that was asked. (4) Its code leaves, once.
    """
    vault, state_hash = holder.vault, hash_token(response.get("state", ""))
    async with wallet.database.transaction() as session:
        found = await store.find_connection_by_state(session, vault.account_id, state_hash)
        if found is None:
            raise PlatformResponseError("no such state in this account", step=PLATFORM_SIGN_IN_STEP)
        row = await store.spend_platform_state(session, vault.account_id, found.id, state_hash, now)
        access = Access(wallet, vault, row.id, open_connection(vault, row), now)
        began = access.record.authorization or {}
        if began.get("session") != hash_token(holder.token).hex() or datetime.fromisoformat(began["ends_at"]) <= now:
            raise PlatformResponseError("begun in another session, or long ago", step=PLATFORM_SIGN_IN_STEP)
        access.record.authorization = None
        await access.write(session)
    try:
        await _redeem(access, began, response, redirect_uri)
    finally:
        await release_access(access)
    return access.connection_id


async def take_access(wallet: Wallet, vault: Vault, connection_id: str, now: datetime) -> Access:
    """Take a connection to work with it, or raise NotFoundError or PlatformBusyError. Whoever takes it releases it."""
    async with wallet.database.transaction() as session:
        row = await store.take_platform_connection(session, vault.account_id, connection_id, now)
    return Access(wallet, vault, connection_id, open_connection(vault, row), now)


async def release_access(access: Access) -> None:
    """Let another request work with the connection."""
    async with access.wallet.database.transaction() as session:
        await store.release_platform_connection(session, access.vault.account_id, access.connection_id)


async def require_token(access: Access) -> dict[str, Any]:
    """The token of today, refreshed where it ended, or PlatformAccessEndedError."""
    token = access.record.token
    if token is None:
        raise PlatformAccessEndedError("no token", step=PLATFORM_TOKEN_STEP)
    return await _refresh(access) if has_ended(token, access.now) else token


async def call_platform(
    access: Access, send: Callable[[Mapping[str, str]], Awaitable[FetchedResponse]], *, failed: FailedStep
) -> FetchedResponse:
    """Send a request with the token, refreshed where it ended; once more where the platform says that it has.

    A request that was refused for its token was not carried out, so that none is carried out twice (RFC 6750 §3.1).
    PlatformAccessEndedError where no token can be had any more.
    """
    response = await send(_bearer(await require_token(access)))
    if response.status != 401:
        return response
    response = await send(_bearer(await _refresh(access)))
    if response.status == 401:
        raise PlatformFailedError("a fresh token is not taken", step=failed)
    return response


async def revoke_access(access: Access) -> Revocation:
    """Give the tokens back at the platform, and say what it confirmed of that. RFC 7009.

    Where that is done, the specification has no place for in the description (§7.3): it is asked of the metadata of the
    authorization server, by RFC 8414. Nothing that goes wrong here keeps anybody from disconnecting.
    """
    token, platform = access.record.token, access.platform
    if token is None:
        return "nothing"
    client = await find_client(access.wallet, platform, access.record.client_id, access.now)
    if client is None:
        return "unconfirmed"
    try:
        endpoint = await _find_revocation_endpoint(access.wallet, platform)
        is_confirmed = endpoint is not None and await _revoke(access.wallet, endpoint, client, token)
    except CredentialError as exc:
        log.info("revocation_failed", code=exc.code)
        is_confirmed = False
    return "confirmed" if is_confirmed else "unconfirmed"


def _wanted_scopes(platform: Platform, *, may_send: bool) -> tuple[str, ...]:
    """No more than the person wants to do there (B-41)."""
    upsert = (CREDENTIAL_UPSERT,) if may_send and platform.takes_badges else ()
    return (CREDENTIAL_READONLY, *upsert, OFFLINE_ACCESS)


async def _find_unanswered(wallet: Wallet, vault: Vault, platform: Platform) -> str | None:
    """The client with which this person went to sign in there, and did not come back, or came back for nothing."""
    async with wallet.database.reading() as session:
        row = await store.find_connection_to(session, vault.account_id, vault.digest("platform", platform.base))
    if row is None:
        return None
    record = open_connection(vault, row)
    return record.refused_client if record.authorization is None else str(record.authorization["client_id"])


async def _save_authorization(
    wallet: Wallet, vault: Vault, platform: Platform, authorization: dict[str, Any], now: datetime
) -> None:
    digest, state_hash = vault.digest("platform", platform.base), hash_token(authorization["state"])
    async with wallet.database.transaction() as session:
        row = await store.find_connection_to(session, vault.account_id, digest)
        if row is not None:
            row = await store.claim_platform_connection(session, vault.account_id, row.id, now)
            access = Access(wallet, vault, row.id, open_connection(vault, row), now)
            access.record.authorization = authorization
            expires_at = None if row.expires_at is None else now + _SIGN_IN_TIME
            await access.write(session, state_hash=state_hash, expires_at=expires_at)
            return
        connection_id = create_token(16)
        record = ConnectionRecord(platform.as_json(), authorization=authorization)
        made = PlatformConnection(
            id=connection_id,
            account_id=vault.account_id,
            platform_digest=digest,
            state_hash=state_hash,
            sealed=vault.seal("platform_connection", connection_id, asdict(record)),
            created_at=now,
            expires_at=now + _SIGN_IN_TIME,
        )
        await store.add_platform_connection(session, made, at_most=_MOST_CONNECTIONS)


async def _redeem(access: Access, began: dict[str, Any], response: Mapping[str, str], redirect_uri: str) -> None:
    platform = open_platform(began["platform"])
    if redirect_uri != began["redirect_uri"]:
        raise MixedUpPlatformError("an answer at the address of another platform", step=PLATFORM_SIGN_IN_STEP)
    code = _verify_response(platform, response, began["state"])
    client = await find_client(access.wallet, platform, began["client_id"], access.now)
    if client is None:
        raise PlatformAccessEndedError("the registration is gone", step=PLATFORM_TOKEN_STEP)
    form = AuthorizationCodeTokenRequest(code, redirect_uri, began["code_verifier"]).as_form()
    # §7.1.2.3 wants the scopes there too, which RFC 6749 does not know; servers that need none pass over them.
    token = await _ask_for_token(access, client, platform.token_url, form | _scope_form(began["scopes"]))
    if isinstance(token, _Refusal):
        if token.error == INVALID_CLIENT:
            access.record.refused_client = client.client_id
            await access.save()
        raise token.as_failure()
    granted = list(token.scopes or began["scopes"])
    if not {CREDENTIAL_READONLY, CREDENTIAL_UPSERT} & set(granted):
        raise PlatformDeniedError("no scope that opens anything", step=PLATFORM_TOKEN_STEP)
    access.record.platform, access.record.client_id = platform.as_json(), client.client_id
    access.record.scopes, access.record.token = granted, _token_json(token, access.now)
    access.record.refused_client = None
    await access.save(expires_at=None)


def _verify_response(platform: Platform, response: Mapping[str, str], state: str) -> str:
    """RFC 6749 §4.1.2. A platform that names itself as RFC 9207 has it names an address of its own host."""
    named = response.get("iss")
    if named is not None and not _names(platform, named):
        raise MixedUpPlatformError("the response names another party", step=PLATFORM_SIGN_IN_STEP)
    try:
        return parse_authorization_response(response, issuer=named or "", is_iss_expected=False, state=state)
    except AuthorizationDeniedError as exc:
        raise PlatformDeniedError(exc.error, step=PLATFORM_SIGN_IN_STEP, answered=exc.error) from exc
    except CredentialError as exc:
        raise PlatformResponseError(exc.detail, step=PLATFORM_SIGN_IN_STEP) from exc


def _names(platform: Platform, issuer: str) -> bool:
    try:
        return is_own_address(platform, web_url(issuer, "`iss`", query=False))
    except MalformedError:
        return False


async def _refresh(access: Access) -> dict[str, Any]:
    """A new token for one that ended; it is written down before it is used. RFC 6749 §6."""
    token, platform = access.record.token or {}, access.platform
    client = await find_client(access.wallet, platform, access.record.client_id, access.now)
    if token.get("refresh_token") is None or client is None:
        raise await _lose_access(access)
    form = RefreshTokenRequest(token["refresh_token"]).as_form()
    renewed = await _ask_for_token(access, client, platform.refresh_url, form)
    if isinstance(renewed, _Refusal):
        if renewed.error == INVALID_CLIENT:
            await forget_client(access.wallet, platform, client, access.now)
        if renewed.error in ("invalid_grant", INVALID_CLIENT) or renewed.status == 401:
            raise await _lose_access(access)
        raise renewed.as_failure()
    access.record.scopes = [
        scope for scope in access.record.scopes if scope in (renewed.scopes or access.record.scopes)
    ]
    access.record.token = {**token, **_token_json(renewed, access.now)}
    await access.save()
    return access.record.token


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The platform gives no token, and why not.

    `invalid_client` is believed of a registration that all share only where a refresh token was sent, which nobody but
    the platform made: whoever comes back with a code of their own invention hears that at a sloppy platform too.
    """

    error: str
    status: int

    def as_failure(self) -> PlatformFailedError:
        return PlatformFailedError(f"token: {self.error}", step=PLATFORM_TOKEN_STEP, answered=self.error)


async def _ask_for_token(
    access: Access, client: ClientCredentials, url: str, form: Mapping[str, str]
) -> TokenResponse | _Refusal:
    headers = {"Authorization": client.as_header()}
    try:
        response = await access.wallet.fetch.post_form(url, form, headers=headers)
        if response.status == 200:
            token = parse_token_response(response.json())
            if token.token_type != "Bearer":
                raise MalformedError("a token of another type than was asked for")
            return token
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, step=PLATFORM_TOKEN_STEP) from exc
    except CredentialError as exc:
        raise PlatformFailedError(f"token: {exc.code}: {exc.detail}", step=PLATFORM_TOKEN_STEP) from exc
    return _Refusal(error_of(response), response.status)


def _token_json(token: TokenResponse, now: datetime) -> dict[str, Any]:
    members = {
        "access_token": token.access_token,
        "refresh_token": token.refresh_token,
        "expires_at": (now + (token.expires_in or _TOKEN_LIFE)).isoformat(),
    }
    return {name: value for name, value in members.items() if value is not None}


def _scope_form(scopes: list[str]) -> dict[str, str]:
    return {"scope": " ".join(scopes)}


def _bearer(token: Mapping[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['access_token']}"}


async def _lose_access(access: Access) -> PlatformAccessEndedError:
    """Write down that the person has to sign in there again, and return what says so."""
    access.record.token = None
    await access.save()
    return PlatformAccessEndedError(step=PLATFORM_TOKEN_STEP)


async def _find_revocation_endpoint(wallet: Wallet, platform: Platform) -> str | None:
    origin = f"{platform.token_url.partition('://')[0]}://{host_of(platform.token_url)}"
    response = await wallet.fetch.get(
        well_known_url(origin, AUTHORIZATION_SERVER), accept="application/json", kind=FetchKind.METADATA
    )
    named = find_text(as_object(response.json(), "the metadata"), "revocation_endpoint")
    return named if named is not None and is_own_address(platform, web_url(named, "the endpoint")) else None


async def _revoke(wallet: Wallet, endpoint: str, client: ClientCredentials, token: Mapping[str, Any]) -> bool:
    """The refresh token first: at most servers the access tokens that it gave end with it (RFC 7009 §2.1)."""
    headers, is_confirmed = {"Authorization": client.as_header()}, False
    for kind in ("refresh_token", "access_token"):
        if kind in token:
            form = RevocationRequest(get_text(token, kind), kind).as_form()
            is_confirmed = (await wallet.fetch.post_form(endpoint, form, headers=headers)).status == 200
            if not is_confirmed:
                return False
    return is_confirmed

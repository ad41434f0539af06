"""Connected services: what a person lets them do, the tokens by which they do it, and how that ends. Decision 0080.

The vault is locked most of the time, so whatever a service may do while its owner is away it must be able to do by its
token alone. At consent, with the vault open, the token is given exactly the keys that its permissions need
(`AccessKeys`): slots to put rows in, letterboxes to read some. They lie in the database sealed under the token, which
nobody keeps. Neither the database nor a permission that was not given opens anything; the holder's keys are never among
them. RFC 6749, RFC 7636, RFC 7009, RFC 9700; PROFILE.md B-41, B-42.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from kernel.errors import CredentialError
from kernel.open_badges_api import (
    API_SCOPES,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    PROFILE_UPDATE,
    ClientRegistration,
    known_scopes,
    parse_authorization_request,
    parse_revocation_request,
)
from kernel.openid4vci import (
    ACCESS_DENIED,
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_SCOPE,
    UNSUPPORTED_GRANT_TYPE,
    UNSUPPORTED_RESPONSE_TYPE,
    AuthorizationCodeTokenRequest,
    AuthorizationRequestParameters,
    RefreshTokenRequest,
    TokenResponse,
    UnsupportedGrantError,
    UnsupportedResponseTypeError,
    create_authorization_response_url,
    parse_token_request,
    verify_code_verifier,
)
from kernel.openid4vci.token_request import REFRESH_TOKEN_GRANT
from kernel.strict_json import encode_json, parse_json_object
from runtime.encryption import SealError, SealingKey
from runtime.tokens import create_token, hash_token
from wallet import store
from wallet.api_clients import find_client
from wallet.delivery_notes import identity_key
from wallet.errors import (
    NoPermissionChosenError,
    NotFoundError,
    OAuthRefusal,
    ScopeError,
    ServiceAddressError,
    ServiceRequestError,
    TooManyConnectionsError,
    UnknownServiceError,
    UnknownTokenError,
)
from wallet.letterbox import Letterbox, LetterboxKind, Slot
from wallet.models import Connection, ConnectionToken
from wallet.settings import Wallet
from wallet.vault import Vault

AUTHORIZE_PATH: Final = "/oauth/authorize"
"""Where a service sends a person to be asked."""
ABOUT_PATH: Final = "/about-connecting"
"""What its makers read before."""
ACCESS_TOKEN_LIFETIME: Final = timedelta(seconds=3600)  # B-42
_CODE_LIFETIME: Final = timedelta(minutes=2)
# A code that comes back is recognised as copied for longer than anybody holds one. RFC 6749 §4.1.2
_CODE_REMEMBERED: Final = timedelta(days=1)
_TOUCH_EVERY: Final = timedelta(minutes=5)
_TOUCH_CLIENT_EVERY: Final = timedelta(days=1)
CONNECTIONS_AT_MOST: Final = 50
_LABEL: Final = b"skillswallet connection token"

TokenKind = Literal["code", "access", "refresh"]

# What each permission opens: rows that can be put in, and rows that can be read.
_SLOTS: Final[Mapping[str, Sequence[LetterboxKind]]] = {
    CREDENTIAL_READONLY: ("history",),
    CREDENTIAL_UPSERT: ("imported_badge", "imported_file", "shelf", "history"),
    PROFILE_UPDATE: ("profile",),
}
_LETTERBOXES: Final[Mapping[str, Sequence[LetterboxKind]]] = {
    CREDENTIAL_READONLY: ("shelf",),
    PROFILE_READONLY: ("profile",),
}


@dataclass(frozen=True, slots=True)
class Service:
    """A product as a person knows it: where it is, which is certain, and what it calls itself, which is not."""

    client_id: str
    host: str
    name: str
    address: str
    policy: str = ""
    terms: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What a service asks a person for, checked as far as can be: it is known, and is where people are sent back to."""

    service: Service
    parameters: AuthorizationRequestParameters
    scopes: tuple[str, ...]

    def leave(self, wallet: Wallet, answer: Mapping[str, str]) -> str:
        """Where the person goes back to, with a code or an error."""
        return _answer_url(wallet, self.parameters.redirect_uri, self.parameters.state, answer)


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """What a token is for, and the keys for that and for nothing else."""

    account_id: str
    scopes: tuple[str, ...]
    service: Service
    slots: Mapping[str, bytes] = field(repr=False)
    letterboxes: Mapping[str, bytes] = field(repr=False)
    identity_key: bytes = field(default=b"", repr=False)
    profile_id: str = ""

    def slot(self, kind: LetterboxKind) -> Slot:
        return Slot(self.account_id, kind, self.slots[kind])

    def letterbox(self, kind: LetterboxKind) -> Letterbox:
        return Letterbox(self.account_id, kind, self.letterboxes[kind])

    def narrow(self, scopes: Collection[str]) -> "AccessKeys":
        """The same for fewer permissions: keys that only the others need are left out."""
        kept = tuple(scope for scope in self.scopes if scope in scopes)
        return AccessKeys(
            self.account_id,
            kept,
            self.service,
            {kind: self.slots[kind] for kind in _kinds(_SLOTS, kept)},
            {kind: self.letterboxes[kind] for kind in _kinds(_LETTERBOXES, kept)},
            self.identity_key if CREDENTIAL_UPSERT in kept else b"",
            self.profile_id if {PROFILE_READONLY, PROFILE_UPDATE} & {*kept} else "",
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "scopes": list(self.scopes),
            "service": asdict(self.service),
            "slots": {kind: _encode(key) for kind, key in self.slots.items()},
            "letterboxes": {kind: _encode(key) for kind, key in self.letterboxes.items()},
            "identity_key": _encode(self.identity_key),
            "profile_id": self.profile_id,
        }


@dataclass(frozen=True, slots=True)
class Access:
    """A live access token, opened."""

    connection_id: str
    keys: AccessKeys

    def require(self, scope: str) -> None:
        """Raise ScopeError unless the person permitted this. B-41"""
        if scope not in self.keys.scopes:
            raise ScopeError


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection as its owner sees it."""

    id: str
    service: Service
    scopes: tuple[str, ...]
    connected_at: datetime
    used_at: datetime | None
    expires_at: datetime


# --- asking, and saying yes or no


async def read_consent_request(wallet: Wallet, query: Mapping[str, str]) -> ConsentRequest:
    """Read what a service asks, or raise. Open Badges 3.0 §7.1.2.1, RFC 6749 §4.1.2.1

    (1) UnknownServiceError, ServiceAddressError: nobody is sent anywhere, since nobody knows where to (A-28).
    (2) ServiceRequestError for whatever else is wrong: the service hears it if the person goes back. The page does not
    send people on by itself, since anybody may register an address (RFC 9700 §4.11.2).
    """
    registration = await find_client(wallet, query.get("client_id", ""))
    if registration is None:
        raise UnknownServiceError
    redirect_uri = query.get("redirect_uri", "")
    if redirect_uri not in registration.redirect_uris:
        raise ServiceAddressError

    def refused(error: str) -> ServiceRequestError:
        url = _answer_url(wallet, redirect_uri, query.get("state"), {"error": error})
        return ServiceRequestError(error, host=registration.host, url=url)

    try:
        parameters = parse_authorization_request(query)
    except UnsupportedResponseTypeError as exc:
        raise refused(UNSUPPORTED_RESPONSE_TYPE) from exc
    except CredentialError as exc:
        raise refused(INVALID_REQUEST) from exc
    scopes = known_scopes(parameters.scopes) if parameters.scopes else registration.scopes
    scopes = tuple(scope for scope in scopes if scope in registration.scopes)
    if REFRESH_TOKEN_GRANT not in registration.grant_types:
        scopes = tuple(scope for scope in scopes if scope != OFFLINE_ACCESS)
    if not set(scopes) & set(API_SCOPES):
        raise refused(INVALID_SCOPE)
    return ConsentRequest(_describe(parameters.client_id, registration), parameters, scopes)


async def consent(
    wallet: Wallet, vault: Vault, asked: ConsentRequest, chosen: Collection[str], *, profile_id: str, now: datetime
) -> str:
    """Connect a service with the chosen permissions, at most those that it asked for; return where the person goes on.

    NoPermissionChosenError when nothing of the API is among them, TooManyConnectionsError beyond what one wallet bears.
    """
    scopes = tuple(scope for scope in asked.scopes if scope in chosen)
    if not set(scopes) & set(API_SCOPES):
        raise NoPermissionChosenError
    keys = _create_keys(vault, asked.service, scopes, profile_id)
    code, connection_id = create_token(), create_token(16)
    content = {
        "keys": keys.as_json(),
        "redirect_uri": asked.parameters.redirect_uri,
        "code_challenge": asked.parameters.code_challenge,
    }
    described = {"service": asdict(asked.service), "scopes": list(scopes)}
    connection = Connection(
        id=connection_id,
        account_id=vault.account_id,
        client_digest=_client_digest(wallet, connection_id, asked.service.client_id),
        reads=CREDENTIAL_READONLY in scopes,
        sealed=vault.seal("connection", connection_id, described),
        created_at=now,
    )
    row = _seal_token(connection, "code", code, content, now=now, expires_at=now + _CODE_LIFETIME)
    async with wallet.database.transaction() as session:
        if not await store.add_connection(session, connection, row, at_most=CONNECTIONS_AT_MOST, now=now):
            raise TooManyConnectionsError
        await store.touch_api_client(session, asked.service.client_id, now, unless_since=now)
    return asked.leave(wallet, {"code": code, "scope": " ".join(scopes)})


def decline(wallet: Wallet, asked: ConsentRequest) -> str:
    """Where the person goes on who said no."""
    return asked.leave(wallet, {"error": ACCESS_DENIED})


# --- tokens


async def exchange_token(wallet: Wallet, client_id: str, form: Mapping[str, str], now: datetime) -> Mapping[str, Any]:
    """Give tokens for a code or a refresh token, or raise OAuthRefusal. RFC 6749 §4.1.3, §5, §6; B-42"""
    try:
        request = parse_token_request(form)
    except UnsupportedGrantError as exc:
        raise OAuthRefusal(UNSUPPORTED_GRANT_TYPE, exc.sentence) from exc
    except CredentialError as exc:
        raise OAuthRefusal(INVALID_REQUEST, "The token request cannot be read.") from exc
    if request.client_id not in (None, client_id):
        raise OAuthRefusal(INVALID_REQUEST, "Two clients in one request.")
    match request:
        case AuthorizationCodeTokenRequest():
            return await _exchange_code(wallet, client_id, request, now)
        case RefreshTokenRequest():
            return await _exchange_refresh_token(wallet, client_id, request, now)
    raise OAuthRefusal(UNSUPPORTED_GRANT_TYPE, "Only a code or a refresh token is exchanged here.")


async def open_access(wallet: Wallet, token: str, now: datetime) -> Access:
    """Open a live access token, or raise UnknownTokenError. The use is noted, to five minutes."""
    async with wallet.database.reading() as session:
        found = await store.find_connection_token(session, hash_token(token))
    if found is None or found[0].kind != "access" or found[0].expires_at <= now:
        raise UnknownTokenError
    row, connection = found
    keys = _read_keys(row.account_id, _open_token(row, token)["keys"])
    if connection.used_at is None or now - connection.used_at >= _TOUCH_EVERY:
        async with wallet.database.transaction() as session:
            await store.touch_connection(session, connection.id, now, unless_since=now - _TOUCH_EVERY)
    return Access(connection.id, keys)


async def revoke_token(wallet: Wallet, client_id: str, form: Mapping[str, str]) -> None:
    """End what a client gives back. RFC 7009 §2.1, §2.2

    A refresh token ends its connection with all that hangs on it, an access token itself alone. What is unknown, or
    another client's, is answered as if it were gone: that is what was asked for.
    """
    try:
        request = parse_revocation_request(form)
    except CredentialError as exc:
        raise OAuthRefusal(INVALID_REQUEST, "The revocation request cannot be read.") from exc
    token_hash = hash_token(request.token)
    async with wallet.database.transaction() as session:
        found = await store.find_connection_token(session, token_hash)
        if found is None or not _is_client_of(wallet, found[1], client_id):
            return
        if found[0].kind == "access":
            await store.remove_connection_token(session, token_hash)
        else:
            await store.remove_connection(session, found[1].id)
    await wallet.database.forget_erased()


# --- what its owner sees of it


async def find_connections(wallet: Wallet, vault: Vault, now: datetime) -> list[ConnectionView]:
    """Every service that is connected, newest first."""
    async with wallet.database.reading() as session:
        rows = await store.find_connections(session, vault.account_id, now)
        expiries = await store.find_latest_expiries(session, vault.account_id, now)
    return [_view(vault, row, expiries.get(row.id, now)) for row in rows]


async def end_connection(wallet: Wallet, vault: Vault, connection_id: str) -> None:
    """End a connection at once, or raise NotFoundError. What the service has already, it has."""
    async with wallet.database.transaction() as session:
        if not await store.remove_connection(session, connection_id, account_id=vault.account_id):
            raise NotFoundError("connection")
    await wallet.database.forget_erased()


def connection_json(connection: ConnectionView) -> dict[str, Any]:
    """A connection for the API of its owner, and for the export."""
    return {
        "id": connection.id,
        "host": connection.service.host,
        "name": connection.service.name,
        "scopes": list(connection.scopes),
        "connected_at": connection.connected_at.isoformat(),
        "used_at": connection.used_at.isoformat() if connection.used_at else None,
        "expires_at": connection.expires_at.isoformat(),
    }


# --- inside


async def _exchange_code(
    wallet: Wallet, client_id: str, request: AuthorizationCodeTokenRequest, now: datetime
) -> Mapping[str, Any]:
    row, connection = await _find_grant(wallet, client_id, request.code, "code", now)
    content = _open_token(row, request.code)
    if request.redirect_uri != content["redirect_uri"]:
        raise OAuthRefusal(INVALID_GRANT, "Another redirect URI than the one that was asked with.")
    try:
        verify_code_verifier(request.code_verifier, code_challenge=content["code_challenge"])
    except CredentialError as exc:
        raise OAuthRefusal(INVALID_GRANT, "The code verifier does not belong to this code.") from exc
    keys = _read_keys(row.account_id, content["keys"])
    return await _give_tokens(wallet, connection, row, keys, keys, known_until=now + _CODE_REMEMBERED, now=now)


async def _exchange_refresh_token(
    wallet: Wallet, client_id: str, request: RefreshTokenRequest, now: datetime
) -> Mapping[str, Any]:
    """RFC 6749 §6: the same permissions or fewer for the access token; the next refresh token has all of them."""
    row, connection = await _find_grant(wallet, client_id, request.refresh_token, "refresh", now)
    keys = _read_keys(row.account_id, _open_token(row, request.refresh_token)["keys"])
    wanted = set(request.scopes or keys.scopes)
    if not wanted <= set(keys.scopes):
        raise OAuthRefusal(INVALID_SCOPE, "More than was granted.")
    narrowed = keys.narrow(wanted)
    return await _give_tokens(wallet, connection, row, keys, narrowed, known_until=row.expires_at, now=now)


async def _find_grant(
    wallet: Wallet, client_id: str, token: str, kind: TokenKind, now: datetime
) -> tuple[ConnectionToken, Connection]:
    """The live code or refresh token of this client, or OAuthRefusal. One that comes back ends its connection.

    Whoever brings another client's ends nothing by it: a stolen code is worth nothing without the client's secret.
    """
    async with wallet.database.reading() as session:
        found = await store.find_connection_token(session, hash_token(token))
    if found is None or found[0].kind != kind or not _is_client_of(wallet, found[1], client_id):
        raise _no_grant()
    row, connection = found
    if row.spent_at is not None:
        await _end_copied(wallet, connection.id)
        raise _no_grant()
    if row.expires_at <= now:
        raise _no_grant()
    return row, connection


async def _give_tokens(
    wallet: Wallet,
    connection: Connection,
    spent: ConnectionToken,
    keys: AccessKeys,
    access: AccessKeys,
    *,
    known_until: datetime,
    now: datetime,
) -> Mapping[str, Any]:
    """Spend what was brought with what it buys; of two at the same moment one is a thief, and both lose (RFC 9700)."""
    token, refresh_token = create_token(), create_token() if OFFLINE_ACCESS in keys.scopes else None
    rows = [
        _seal_token(
            connection, "access", token, {"keys": access.as_json()}, now=now, expires_at=now + ACCESS_TOKEN_LIFETIME
        )
    ]
    if refresh_token is not None:
        until = now + wallet.settings.connection_lifetime
        rows.append(
            _seal_token(connection, "refresh", refresh_token, {"keys": keys.as_json()}, now=now, expires_at=until)
        )
    async with wallet.database.transaction() as session:
        is_first = await store.spend_connection_token(session, spent.token_hash, now, known_until=known_until)
        if is_first:
            await store.add_connection_tokens(session, rows)
            await store.touch_connection(session, connection.id, now, unless_since=now)
            await store.touch_api_client(session, keys.service.client_id, now, unless_since=now - _TOUCH_CLIENT_EVERY)
    if not is_first:
        await _end_copied(wallet, connection.id)
        raise _no_grant()
    response = TokenResponse(
        access_token=token,
        token_type="Bearer",
        expires_in=ACCESS_TOKEN_LIFETIME,
        refresh_token=refresh_token,
        scopes=access.scopes,
    )
    return response.as_json()


async def _end_copied(wallet: Wallet, connection_id: str) -> None:
    """End a connection of which somebody else has a token. RFC 6749 §4.1.2, RFC 9700 §4.14.2"""
    async with wallet.database.transaction() as session:
        await store.remove_connection(session, connection_id)
    await wallet.database.forget_erased()


def _no_grant() -> OAuthRefusal:
    return OAuthRefusal(INVALID_GRANT, "The code or refresh token is not known, has expired, or was used before.")


def _answer_url(wallet: Wallet, redirect_uri: str, state: str | None, answer: Mapping[str, str]) -> str:
    return create_authorization_response_url(
        redirect_uri, issuer=wallet.settings.public_url, state=state, answer=answer
    )


def _describe(client_id: str, registration: ClientRegistration) -> Service:
    return Service(
        client_id,
        registration.host,
        registration.client_name,
        registration.client_uri,
        registration.policy_uri or "",
        registration.tos_uri or "",
    )


def _create_keys(vault: Vault, service: Service, scopes: tuple[str, ...], profile_id: str) -> AccessKeys:
    everything = AccessKeys(
        vault.account_id,
        scopes,
        service,
        {kind: vault.letterbox(kind).slot.public_key for kind in _kinds(_SLOTS, scopes)},
        {kind: vault.letterbox(kind).private_key for kind in _kinds(_LETTERBOXES, scopes)},
        identity_key(vault),
        profile_id,
    )
    return everything.narrow(scopes)


def _kinds(permitted: Mapping[str, Sequence[LetterboxKind]], scopes: Collection[str]) -> list[LetterboxKind]:
    return list(dict.fromkeys(kind for scope in scopes for kind in permitted.get(scope, ())))


def _read_keys(account_id: str, content: Mapping[str, Any]) -> AccessKeys:
    return AccessKeys(
        account_id,
        tuple(content["scopes"]),
        Service(**content["service"]),
        {kind: b64decode(key) for kind, key in content["slots"].items()},
        {kind: b64decode(key) for kind, key in content["letterboxes"].items()},
        b64decode(content["identity_key"]),
        content["profile_id"],
    )


def _encode(key: bytes) -> str:
    return b64encode(key).decode()


def _client_digest(wallet: Wallet, connection_id: str, client_id: str) -> bytes:
    key = wallet.sealing_key.derive("wallet/connection-client")
    return hmac.digest(key, f"{connection_id}\0{client_id}".encode(), "sha256")


def _is_client_of(wallet: Wallet, connection: Connection, client_id: str) -> bool:
    return hmac.compare_digest(connection.client_digest, _client_digest(wallet, connection.id, client_id))


def _seal_token(
    connection: Connection,
    kind: TokenKind,
    token: str,
    content: Mapping[str, Any],
    *,
    now: datetime,
    expires_at: datetime,
) -> ConnectionToken:
    return ConnectionToken(
        token_hash=hash_token(token),
        connection_id=connection.id,
        account_id=connection.account_id,
        kind=kind,
        sealed=_token_key(token).seal(encode_json(content), context=_context(kind, connection.id)),
        created_at=now,
        expires_at=expires_at,
    )


def _open_token(row: ConnectionToken, token: str) -> dict[str, Any]:
    """What a token opens; one that was spent between two looks opens nothing any more."""
    try:
        return parse_json_object(_token_key(token).open(row.sealed, context=_context(row.kind, row.connection_id)))
    except SealError as exc:
        raise _no_grant() from exc


def _context(kind: str, connection_id: str) -> str:
    return f"wallet:connection-token:{kind}:{connection_id}"


def _token_key(token: str) -> SealingKey:
    return SealingKey(hmac.digest(_LABEL, token.encode(), "sha256"))


def _view(vault: Vault, row: Connection, expires_at: datetime) -> ConnectionView:
    content = vault.open("connection", row.id, row.sealed)
    return ConnectionView(
        row.id, Service(**content["service"]), tuple(content["scopes"]), row.created_at, row.used_at, expires_at
    )

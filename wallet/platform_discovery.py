"""A platform where people have badges: what it says of itself, and this wallet as a client there.

Open Badges 3.0 §6.3, §7.1.1; RFC 7591; B-40, B-42.

Whatever the platform wants done lies on its own host, or below it: a platform that could name the sign-in page or the
token endpoint of another would get what people have there (A-27; RFC 9700 §4.4). Decision 0081.

This wallet registers once at a platform, for everybody who uses it: the platform learns of a wallet, and not of people.
"""

import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

from kernel.errors import CredentialError, MalformedError, UndecidedError
from kernel.open_badges_api import (
    BASE_PATH,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    ClientCredentials,
    ClientRegistration,
    parse_registration_response,
    parse_service_description,
)
from kernel.strict_json import encode_json
from kernel.web_urls import host_of, parse_web_url
from runtime.encryption import SealError
from runtime.fetch import FetchKind
from runtime.tokens import create_token
from wallet import store
from wallet.authorization import callback_name
from wallet.errors import (
    DISCOVERY_STEP,
    REGISTRATION_STEP,
    PlatformAddressError,
    PlatformFailedError,
    PlatformUnsafeError,
    UnreachableError,
)
from wallet.issuer_requests import error_of
from wallet.models import PlatformClient
from wallet.settings import Wallet, WalletSettings

# Where platforms send the browser back to, each to its own address below it (decision 0034).
PLATFORM_CALLBACK_PATH: Final = "/platforms/callback"
# One program, whoever runs it (RFC 7591 §2).
_SOFTWARE_ID: Final = "6f3e2f0c-6d0e-4c1f-9d3c-0b7a5d7c9a51"
_DISCOVERY: Final = "/discovery"
_MAX_NAME: Final = 100
# A registration that is younger is not replaced because somebody did not come back: they may have changed their mind.
_REGISTRATION_REST: Final = timedelta(minutes=10)
# At one platform; then whoever cannot sign in there has to wait for the oldest to be forgotten.
_MOST_CLIENTS: Final = 50


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as it described itself when the person connected. `base` is where its API lies, without its path."""

    base: str
    name: str
    registration_url: str
    authorization_url: str
    token_url: str
    refresh_url: str
    scopes: tuple[str, ...]

    @property
    def host(self) -> str:
        """What people are shown: everything else is what the platform says of itself."""
        return host_of(self.base)

    @property
    def api_url(self) -> str:
        return f"{self.base}{BASE_PATH}"

    @property
    def takes_badges(self) -> bool:
        """Whether badges can be sent there."""
        return CREDENTIAL_UPSERT in self.scopes

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def open_platform(members: dict[str, Any]) -> Platform:
    return Platform(**{**members, "scopes": tuple(members["scopes"])})


def parse_platform_address(typed: str) -> str:
    """Where a platform's API lies, from what people copy and type: a host, the API's address, that of its discovery."""
    text = typed.strip().removesuffix("/").removesuffix(_DISCOVERY).removesuffix(BASE_PATH).removesuffix("/")
    address = text if "://" in text else f"https://{text}"
    try:
        parts = parse_web_url(address, "the platform", query=False)
    except MalformedError as exc:
        raise PlatformAddressError(exc.detail, step=DISCOVERY_STEP) from exc
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


async def resolve_platform(wallet: Wallet, base: str) -> Platform:
    """Ask a platform what it can and where, or raise: PlatformAddressError where nobody answers in that language."""
    try:
        response = await wallet.fetch.get(
            f"{base}{BASE_PATH}{_DISCOVERY}", accept="application/json", kind=FetchKind.METADATA
        )
        described = parse_service_description(response.json())
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, step=DISCOVERY_STEP) from exc
    except CredentialError as exc:
        raise PlatformAddressError(f"discovery: {exc.code}: {exc.detail}", step=DISCOVERY_STEP) from exc
    platform = Platform(
        base=base,
        name=described.title.strip()[:_MAX_NAME] if described.title.isprintable() else "",
        registration_url=described.registration_url,
        authorization_url=described.authorization_url,
        token_url=described.token_url,
        refresh_url=described.refresh_url,
        scopes=tuple(described.scopes),
    )
    _verify_addresses(platform)
    if CREDENTIAL_READONLY not in platform.scopes:
        raise PlatformFailedError("gives nobody their badges", step=DISCOVERY_STEP)
    return platform


def is_own_address(platform: Platform, url: str) -> bool:
    """Whether an address is one that the platform may speak for: of its own host, or of one below it."""
    host = host_of(url)
    return host == platform.host or host.endswith(f".{platform.host}")


async def resolve_client(
    wallet: Wallet, platform: Platform, now: datetime, *, unanswered: str | None = None
) -> ClientCredentials:
    """As whom this wallet comes to a platform: as it registered last, or else it registers now. RFC 7591 §3.

    `unanswered`: the client of a sign-in from which nobody came back. A platform that forgot its clients says so on its
    own page, to the person and never to us, so that after a while it gets another registration; those who signed in
    with the one before keep it.
    """
    known = [found for found in await _find_clients(wallet, platform, now) if not found.is_over]
    newest = known[0] if known else None
    if newest is not None and not (_is_doubtful(newest, unanswered, now) and len(known) < _MOST_CLIENTS):
        await _touch(wallet, newest, now)
        return newest.credentials
    members = await _register(wallet, platform)
    digest, row_id = platform_client_digest(wallet.settings, platform.base), create_token(16)
    row = PlatformClient(
        id=row_id,
        platform_digest=digest,
        sealed=_seal(wallet.settings, row_id, members),
        registered_at=now,
        used_at=now,
    )
    async with wallet.database.transaction() as session:
        await store.add_platform_client(session, row)
    return _credentials(members)


async def find_client(wallet: Wallet, platform: Platform, client_id: str, now: datetime) -> ClientCredentials | None:
    """The client with which somebody signed in there, None where that registration is gone."""
    for found in await _find_clients(wallet, platform, now):
        if found.credentials.client_id == client_id:
            await _touch(wallet, found, now)
            return found.credentials
    return None


async def forget_client(wallet: Wallet, platform: Platform, client: ClientCredentials, now: datetime) -> None:
    """Forget a registration of which the platform says that it knows it no more; the next sign-in makes another."""
    for found in await _find_clients(wallet, platform, now):
        if found.credentials == client:
            async with wallet.database.transaction() as session:
                await store.remove_platform_client(session, found.row_id)


def platform_client_digest(settings: WalletSettings, base: str) -> bytes:
    """Under which name a registration lies here: nobody reads from it where the people of this wallet have badges."""
    return hmac.digest(settings.sealing_key().derive("wallet/platform"), base.encode(), "sha256")


def platform_callback_uri(settings: WalletSettings, base: str) -> str:
    """The redirect URI of one platform: the same for everybody who uses this wallet."""
    return f"{settings.public_url}{PLATFORM_CALLBACK_PATH}/{callback_name(base)}"


def _verify_addresses(platform: Platform) -> None:
    for url in (platform.registration_url, platform.authorization_url, platform.token_url, platform.refresh_url):
        if not is_own_address(platform, url):
            raise PlatformUnsafeError("an address of another host", step=DISCOVERY_STEP)


@dataclass(frozen=True, slots=True)
class _Client:
    """A registration. `is_over`: its secret ended, or it is for an address at which this wallet is no more."""

    row_id: str
    credentials: ClientCredentials
    registered_at: datetime
    is_over: bool


async def _find_clients(wallet: Wallet, platform: Platform, now: datetime) -> list[_Client]:
    """Newest first; one that was sealed under another key than that of today is none."""
    digest = platform_client_digest(wallet.settings, platform.base)
    async with wallet.database.reading() as session:
        rows = await store.find_platform_clients(session, digest)
    opened = [(row, _open(wallet.settings, row)) for row in rows]
    return [
        _Client(row.id, _credentials(members), row.registered_at, _is_over(wallet.settings, members, platform, now))
        for row, members in opened
        if members is not None
    ]


async def _touch(wallet: Wallet, client: _Client, now: datetime) -> None:
    async with wallet.database.transaction() as session:
        await store.touch_platform_client(session, client.row_id, now)


def _is_doubtful(client: _Client, unanswered: str | None, now: datetime) -> bool:
    return client.credentials.client_id == unanswered and client.registered_at + _REGISTRATION_REST <= now


def _is_over(settings: WalletSettings, members: dict[str, Any], platform: Platform, now: datetime) -> bool:
    ends_at = members["ends_at"]
    has_ended = ends_at is not None and datetime.fromisoformat(ends_at) <= now
    return has_ended or members["redirect_uri"] != platform_callback_uri(settings, platform.base)


async def _register(wallet: Wallet, platform: Platform) -> dict[str, Any]:
    registration = _create_registration(wallet.settings, platform)
    try:
        response = await wallet.fetch.post_json(platform.registration_url, encode_json(registration.as_json()))
        if response.status not in (200, 201):
            error = error_of(response)
            raise PlatformFailedError(f"registration: {error}", step=REGISTRATION_STEP, answered=error)
        client = parse_registration_response(response.json(), registration=registration)
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, step=REGISTRATION_STEP) from exc
    except CredentialError as exc:
        raise PlatformFailedError(f"registration: {exc.code}: {exc.detail}", step=REGISTRATION_STEP) from exc
    ends_at = client.client_secret_expires_at
    return {
        "base": platform.base,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uri": platform_callback_uri(wallet.settings, platform.base),
        "ends_at": None if ends_at is None else ends_at.isoformat(),
    }


def _create_registration(settings: WalletSettings, platform: Platform) -> ClientRegistration:
    """Everything that somebody may ever ask for there; what one person asks for is in their own sign-in. B-42"""
    wanted = (CREDENTIAL_READONLY, CREDENTIAL_UPSERT)
    return ClientRegistration(
        client_name="Skillswallet",
        client_uri=f"{settings.public_url}/",
        logo_uri=f"{settings.public_url}/static/wallet-512.png",
        tos_uri=f"{settings.public_url}/terms",
        policy_uri=f"{settings.public_url}/privacy",
        software_id=_SOFTWARE_ID,
        software_version=version("skillswallet"),
        redirect_uris=(platform_callback_uri(settings, platform.base),),
        scopes=(*(scope for scope in wanted if scope in platform.scopes), OFFLINE_ACCESS),
    )


def _seal(settings: WalletSettings, row_id: str, members: dict[str, Any]) -> bytes:
    return settings.sealing_key().seal(encode_json(members), context=_context(row_id))


def _open(settings: WalletSettings, row: PlatformClient) -> dict[str, Any] | None:
    try:
        opened = settings.sealing_key().open(row.sealed, context=_context(row.id))
    except SealError:
        return None
    members: dict[str, Any] = json.loads(opened)
    return members


def _context(row_id: str) -> str:
    return f"wallet:platform_client:{row_id}"


def _credentials(members: dict[str, Any]) -> ClientCredentials:
    return ClientCredentials(members["client_id"], members["client_secret"])

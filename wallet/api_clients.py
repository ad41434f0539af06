"""Products that register themselves, so that people can connect them. RFC 7591; Open Badges 3.0 §7.1.1; B-42.

Anybody may register: it gives no right to anything, only a name by which to ask a person. What a product says of itself
is believed by nobody; its host is more than words, since people are sent back there. Nothing is fetched from its
addresses, its logo neither. A registration that nobody connected goes after a day.
"""

import hmac
import json
import re
from datetime import datetime, timedelta
from typing import Final

from kernel.errors import CredentialError
from kernel.open_badges_api import (
    ClientCredentials,
    ClientMetadataError,
    ClientRegistration,
    RedirectUriError,
    RegisteredClient,
    parse_client_credentials,
    parse_client_registration,
)
from kernel.openid4vci import INVALID_CLIENT
from kernel.strict_json import parse_json
from runtime.tokens import create_token, hash_token
from wallet import store
from wallet.errors import OAuthRefusal
from wallet.models import ApiClient
from wallet.settings import Wallet

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
# From one source; a test system begins anew a few times, and nobody else more often than once.
REGISTRATIONS_AN_HOUR: Final = 20
# Longer than any connection lives unused, so that a product is not forgotten before its last connection.
_REMEMBERED_CONNECTIONS: Final = 2
_MAX_REGISTRATION: Final = 16 * 1024
# Ours are such; what else comes, a NUL for one, is asked of no database.
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def register_client(wallet: Wallet, body: bytes, *, source: str, now: datetime) -> RegisteredClient:
    """Register a product, or raise OAuthRefusal with a word of RFC 7591 §3.2.2. The secret is told this once."""
    registration = _read_registration(wallet, body)
    counter = hmac.digest(wallet.sealing_key.derive("wallet/api-counter"), f"register {source}".encode(), "sha256")
    secret = create_token()
    client = ApiClient(
        id=create_token(16),
        secret_hash=hash_token(secret),
        registration=json.dumps(registration.as_json()),
        registered_at=now,
    )
    async with wallet.database.transaction() as session:
        limit = REGISTRATIONS_AN_HOUR
        if not await store.count_api_use(session, counter, limit=limit, since=now - _HOUR, now=now):
            raise OAuthRefusal("temporarily_unavailable", "Too many registrations; try again in an hour.", status=429)
        await store.remove_unused_api_clients(
            session,
            registered_before=now - _DAY,
            used_before=now - _REMEMBERED_CONNECTIONS * wallet.settings.connection_lifetime,
        )
        await store.add_api_client(session, client)
    return RegisteredClient(client.id, secret, registration, now)


async def find_client(wallet: Wallet, client_id: str) -> ClientRegistration | None:
    """What the product with this identifier registered, None when there is none."""
    client = await _find(wallet, client_id)
    return None if client is None else _open(client)


async def verify_client(wallet: Wallet, authorization: str | None) -> str:
    """Return which product shows its secret, or raise OAuthRefusal: `client_secret_basic` and no other way. B-42"""
    try:
        credentials = parse_client_credentials(authorization or "")
    except CredentialError as exc:
        raise _refused() from exc
    client = await _find(wallet, credentials.client_id)
    if client is None or not _is_secret_of(client, credentials):
        raise _refused()
    return client.id


async def _find(wallet: Wallet, client_id: str) -> ApiClient | None:
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    async with wallet.database.reading() as session:
        return await store.find_api_client(session, client_id)


def _is_secret_of(client: ApiClient, credentials: ClientCredentials) -> bool:
    return hmac.compare_digest(client.secret_hash, hash_token(credentials.client_secret))


def _refused() -> OAuthRefusal:
    return OAuthRefusal(INVALID_CLIENT, "The client is not known, or this is not its secret.", status=401)


def _read_registration(wallet: Wallet, body: bytes) -> ClientRegistration:
    try:
        registration = parse_client_registration(parse_json(body, max_bytes=_MAX_REGISTRATION))
    except RedirectUriError as exc:
        raise OAuthRefusal("invalid_redirect_uri", exc.sentence) from exc
    except CredentialError as exc:
        raise OAuthRefusal("invalid_client_metadata", ClientMetadataError.sentence) from exc
    if not _may_be_reached(wallet, registration):
        raise OAuthRefusal("invalid_redirect_uri", RedirectUriError.sentence)
    return registration


def _may_be_reached(wallet: Wallet, registration: ClientRegistration) -> bool:
    """Plain http is for hosts that were named for development. Decision 0006."""
    urls = (registration.client_uri, *registration.redirect_uris)
    return registration.host in wallet.settings.local_hosts or all(url.startswith("https:") for url in urls)


def _open(client: ApiClient) -> ClientRegistration:
    return parse_client_registration(json.loads(client.registration))

"""What a token of the Open Badges API is for. Open Badges 3.0 §6.2.1; PROFILE.md B-41."""

from collections.abc import Iterable
from typing import Final

_PREFIX: Final = "https://purl.imsglobal.org/spec/ob/v3p0/scope/"

CREDENTIAL_READONLY: Final = f"{_PREFIX}credential.readonly"
CREDENTIAL_UPSERT: Final = f"{_PREFIX}credential.upsert"
PROFILE_READONLY: Final = f"{_PREFIX}profile.readonly"
PROFILE_UPDATE: Final = f"{_PREFIX}profile.update"
# For a refresh token beside the access token; alone it opens nothing.
OFFLINE_ACCESS: Final = "offline_access"

API_SCOPES: Final = (CREDENTIAL_READONLY, CREDENTIAL_UPSERT, PROFILE_READONLY, PROFILE_UPDATE)
SCOPES: Final = (*API_SCOPES, OFFLINE_ACCESS)


def known_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return those that this API knows, in its own order; a server may leave out the others. RFC 6749 §3.3."""
    asked = frozenset(scopes)
    return tuple(scope for scope in SCOPES if scope in asked)

"""The contexts that credentials may name: published files, byte by byte, by URL and digest. PROFILE.md K-63, K-65.

Where each file comes from stands in `schemas/SOURCE.md`. Nothing here, and nothing that reads it, fetches anything.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import schemas
from kernel.json_ld.contexts import ContextStore

CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
DATA_INTEGRITY_V2: Final = "https://w3id.org/security/data-integrity/v2"

_OPEN_BADGES: Final = "https://purl.imsglobal.org/spec/ob/v3p0"
PINNED: Final[Mapping[str, tuple[str, str]]] = {
    CREDENTIALS_V2: (
        "credentials-v2.json",
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    ),
    DATA_INTEGRITY_V2: (
        "data-integrity-v2.json",
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ),
    f"{_OPEN_BADGES}/context-3.0.1.json": (
        "open-badges-3.0.1.json",
        "5f3d9dd6288ef437ff8286cf95ffbff609c748a66f24a1e9450c45ca64be1571",
    ),
    f"{_OPEN_BADGES}/context-3.0.2.json": (
        "open-badges-3.0.2.json",
        "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53",
    ),
    f"{_OPEN_BADGES}/context-3.0.3.json": (
        "open-badges-3.0.3.json",
        "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
    ),
    f"{_OPEN_BADGES}/extensions.json": (
        "open-badges-extensions.json",
        "87c06c81bc2317663bf288d740d94fddd2818c4342b186270ff6371dfaa63f93",
    ),
    "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json": (
        "clr-2.0.1.json",
        "880f1902d4158f2f33ce06af41b90719977cd1ea337a9de2e41edb3ff5e543d6",
    ),
}


@lru_cache(maxsize=1)
def pinned_contexts() -> ContextStore:
    """Return the store of published contexts; a file with other bytes than its pin stops whoever asks."""
    return ContextStore({url: json.loads(_load(name, digest)) for url, (name, digest) in PINNED.items()})


def _load(name: str, digest: str) -> bytes:
    data = schemas.load_bytes(name)
    if hashlib.sha256(data).hexdigest() != digest:
        raise RuntimeError(f"schemas/{name} is not the published file")
    return data

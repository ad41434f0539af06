"""Published data: contexts as others wrote them, byte by byte, and our own schemas and types. See SOURCE.md."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """Return the JSON value of a file of this folder, such as `credentials-v2.json`; each caller gets its own."""
    return json.loads(load_bytes(name))


@lru_cache
def load_bytes(name: str) -> bytes:
    """Return the bytes of a file of this folder. Only names of our own code come here, never one from outside."""
    return (_FOLDER / name).read_bytes()

"""The `scope` parameter. RFC 6749 §3.3; OpenID4VCI 1.0 §5.1.2; PROFILE.md I-24."""

import re
from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.members import find_text

MAX_SCOPES: Final = 100
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def parse_scopes(members: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the scopes of a request or response, none when absent. Order counts for nothing, and none is there twice."""
    text = find_text(members, "scope")
    if text is None:
        return ()
    scopes = text.split(" ")
    if len(scopes) > MAX_SCOPES or not all(map(_SCOPE.fullmatch, scopes)):
        raise MalformedError("'scope' is not a list of scopes with one space between two")
    return tuple(dict.fromkeys(scopes))

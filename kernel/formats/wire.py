"""How a credential or presentation stands in a message: an object where it is JSON, a text where it is compact.

OpenID4VCI 1.0 §8.3 and Appendix A, OpenID4VP 1.0 §8.1 and B.1.3; PROFILE.md I-62, W-50. Everywhere else it is text.
"""

from collections.abc import Mapping
from typing import Any

from kernel.errors import MalformedError
from kernel.strict_json import encode_json, parse_json_object


def to_wire(raw: str) -> str | dict[str, Any]:
    """Return what a Credential Response or a `vp_token` holds for a credential or presentation of any format."""
    return parse_json_object(raw) if raw.startswith("{") else raw


def from_wire(value: object) -> str:
    """Return the text of a credential or presentation in a message, or raise MalformedError."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise MalformedError("a credential that is neither text nor object")
    try:
        return encode_json(value).decode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise MalformedError("a credential that is no JSON") from exc

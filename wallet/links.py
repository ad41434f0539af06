"""One entrance for whatever was scanned, pasted or clicked: is it an offer of a badge, or a question? W-01, W-40."""

import re
from collections.abc import Iterable
from typing import Literal

from kernel.errors import CredentialError, MalformedError
from kernel.openid4vci import parse_credential_offer_link
from kernel.openid4vp import parse_authorization_request_link
from wallet.errors import LinkError, NotFoundError

LinkKind = Literal["offer", "request"]
_MAX_LINK = 64 * 1024
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def require_identifiers(values: Iterable[object]) -> None:
    """Refuse parts of an address that cannot be identifiers of ours, some of which no database takes (a NUL)."""
    if not all(_IDENTIFIER.fullmatch(str(value)) for value in values):
        raise NotFoundError("no identifier")


def parse_link_kind(text: str) -> LinkKind:
    """Tell what a link is for, or raise LinkError. What it says is read, and checked, by whoever opens it."""
    link = text.strip()
    if not link or len(link) > _MAX_LINK:
        raise LinkError("empty or too long")
    try:
        parse_credential_offer_link(link)
    except MalformedError as exc:
        offer_error = exc
    else:
        return "offer"
    try:
        parse_authorization_request_link(link)
    except MalformedError as exc:
        raise LinkError(f"no offer: {offer_error.detail}; no request: {exc.detail}") from exc
    except CredentialError:
        # Readable as a question, and one to refuse: the use case says why.
        return "request"
    return "request"

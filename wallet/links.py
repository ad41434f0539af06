"""One entrance for whatever was scanned, pasted or clicked: is it an offer of a badge, or a question? W-01, W-40."""

import re
from collections.abc import Iterable
from typing import Literal

from kernel.errors import CredentialError, MalformedError
from kernel.openid4vci import parse_credential_offer_link
from kernel.openid4vp import parse_authorization_request_link
from wallet.errors import LINK_STEP, LinkError, NotFoundError

LinkKind = Literal["offer", "request"]
_MAX_LINK = 64 * 1024
_ABOUT_AN_OFFER = re.compile(r"[?&]credential_offer(_uri)?=")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def require_identifiers(values: Iterable[object]) -> None:
    """Refuse parts of an address that cannot be identifiers of ours, some of which no database takes (a NUL)."""
    if not all(_IDENTIFIER.fullmatch(str(value)) for value in values):
        raise NotFoundError("no identifier")


def is_about_an_offer(text: str) -> bool:
    """Whether a link names an offer, readable or not."""
    return _ABOUT_AN_OFFER.search(text) is not None


def parse_link_kind(text: str) -> LinkKind:
    """Tell what a link is for, or raise LinkError. What it says is read, and checked, by whoever opens it.

    A link about an offer that cannot be read is one all the same: whoever opens it says why.
    """
    link = text.strip()
    if not link or len(link) > _MAX_LINK:
        raise LinkError("empty or too long", step=LINK_STEP)
    try:
        parse_credential_offer_link(link)
    except MalformedError as exc:
        offer_error = exc
    else:
        return "offer"
    try:
        parse_authorization_request_link(link)
    except MalformedError as exc:
        if is_about_an_offer(link):
            return "offer"
        raise LinkError(f"no offer: {offer_error.detail}; no request: {exc.detail}", step=LINK_STEP) from exc
    except CredentialError:
        # Readable as a question, and one to refuse: the use case says why.
        return "request"
    return "request"

"""Badges a page at a time, and where the other pages are. Open Badges 3.0 §6.2.2, §6.4; RFC 8288; B-40, B-43."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from kernel.errors import MalformedError
from kernel.members import as_array, as_object
from kernel.open_badges import parse_date_time
from kernel.strict_json import MAX_BYTES
from kernel.web_urls import web_url

MAX_LIMIT: Final = 100
TOTAL_COUNT_HEADER: Final = "X-Total-Count"
# Of a host that gives more than it was asked for.
_MAX_READ: Final = 1_000
_MAX_OFFSET: Final = 1_000_000
_NUMBER: Final = re.compile(r"[0-9]{1,7}", re.ASCII)
_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_MAX_HEADER: Final = 16 * 1024
_LINK: Final = re.compile(r"<([^<>]*)>((?:[^<,\"]|\"[^\"]*\")*)")
_RELATION: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
# The member as §B.2.1 has it, and as the example of §6.2.2 spells it.
_JWS_MEMBERS: Final = ("compactJwsString", "compactJwsStrings")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which badges are asked for: so many from there on, issued after a moment."""

    limit: int = MAX_LIMIT
    offset: int = 0
    since: datetime | None = None

    def as_query(self) -> dict[str, str]:
        """Return the parameters of the request."""
        since = {} if self.since is None else {"since": self.since.isoformat().replace("+00:00", "Z")}
        return {"limit": str(self.limit), "offset": str(self.offset), **since}


@dataclass(frozen=True, slots=True)
class CredentialsPage:
    """The `GetOpenBadgeCredentialsResponse`: badges with an embedded proof, and those that are a JWS. §B.2.1"""

    credentials: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    compact_jws: tuple[str, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the members of the answer; both are there, empty or not."""
        return {"credential": list(self.credentials), "compactJwsString": list(self.compact_jws)}


def parse_page_request(query: Mapping[str, str]) -> PageRequest:
    """Read the parameters of a request, or raise MalformedError. More than `MAX_LIMIT` are never given (B-43)."""
    limit = _parse_number(query.get("limit", str(MAX_LIMIT)), "'limit'")
    offset = _parse_number(query.get("offset", "0"), "'offset'")
    if limit < 1 or offset > _MAX_OFFSET:
        raise MalformedError("a page that cannot be")
    since = parse_date_time(query["since"]) if "since" in query else None
    return PageRequest(min(limit, MAX_LIMIT), offset, since)


def parse_credentials_page(value: object) -> CredentialsPage:
    """Read what a host answered, of which nothing is believed yet: neither what its badges are, nor who signed them."""
    members = as_object(value, "the answer")
    jws = [text for name in _JWS_MEMBERS for text in _find_array(members, name)]
    return CredentialsPage(
        tuple(as_object(badge, "a badge") for badge in _find_array(members, "credential")),
        tuple(_as_jws(text) for text in jws),
    )


def sift_credentials_page(value: object) -> tuple[CredentialsPage, tuple[Any, ...]]:
    """Read what a host answered, and return beside its badges what stands among them and can be none.

    One wrong element must not keep somebody from the others; an answer that is no page at all is MalformedError.
    """
    members = as_object(value, "the answer")
    credentials: list[Mapping[str, Any]] = []
    jws: list[str] = []
    others: list[Any] = []
    for element in _find_array(members, "credential"):
        (credentials if isinstance(element, Mapping) else others).append(element)
    for element in (text for name in _JWS_MEMBERS for text in _find_array(members, name)):
        try:
            jws.append(_as_jws(element))
        except MalformedError:
            others.append(element)
    return CredentialsPage(tuple(credentials), tuple(jws)), tuple(others)


def create_link_header(url: str, page: PageRequest, total: int) -> str:
    """Return the header that names the first and last page, and those before and after this one where there are any."""
    last = max(total - 1, 0) // page.limit * page.limit
    offsets = {"first": 0, "last": last}
    if page.offset + page.limit < total:
        offsets["next"] = page.offset + page.limit
    if page.offset > 0:
        offsets["prev"] = max(page.offset - page.limit, 0)
    pages = {relation: replace(page, offset=offset) for relation, offset in offsets.items()}
    return ", ".join(f'<{url}?{urlencode(to.as_query())}>; rel="{relation}"' for relation, to in pages.items())


def parse_link_header(header: str) -> dict[str, str]:
    """Return the address of each relation that a header names, the first where it names one twice. RFC 8288 §3.

    An address that is not an absolute https one is left out: a consumer follows none of another kind.
    """
    if len(header) > _MAX_HEADER:
        raise MalformedError("a Link header longer than any that has pages")
    links: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        matched = _RELATION.search(parameters)
        if matched is None or not _is_web_url(target):
            continue
        for relation in (matched[1] or matched[2]).lower().split():
            links.setdefault(relation, target)
    return links


def _parse_number(text: str, what: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise MalformedError(f"{what} is not a number")
    return int(text)


def _find_array(members: Mapping[str, Any], name: str) -> list[Any]:
    """An array; what is absent, null or empty stands for none, since hosts write all three."""
    value = members.get(name)
    return list(as_array(value, repr(name), limit=_MAX_READ)) if value not in (None, [], ()) else []


def _as_jws(value: object) -> str:
    """A text of three parts; whether it is a badge, whoever judges it finds out."""
    if not isinstance(value, str) or len(value) > MAX_BYTES or not _JWS.fullmatch(value):
        raise MalformedError("not a compact JWS")
    return value


def _is_web_url(text: str) -> bool:
    try:
        web_url(text, "the page")
    except MalformedError:
        return False
    return True

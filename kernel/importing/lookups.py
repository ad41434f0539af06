"""What has to be fetched before an imported thing can be judged, and what came of it. The kernel fetches nothing.

The judgement itself is the plan: where it needs something that is not there it says so and goes on, so that nothing
is asked for before what has to come first has held (house rule: nothing named inside a credential is fetched before
its signature holds, except the issuer's key).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kernel.errors import RejectedError, UndecidedError
from kernel.web_urls import MAX_URL

# A badge needs four; who asks for more than this is using us to knock on doors.
MAX_LOOKUPS: Final = 32
_WEB: Final = ("https://", "http://")


class LookupKind(StrEnum):
    """Why something is fetched: it tells the fetcher which types and sizes to expect."""

    SHOWN_ADDRESS = "shown_address"
    ASSERTION = "assertion"
    BADGE_CLASS = "badge_class"
    ISSUER_PROFILE = "issuer_profile"
    ISSUER_KEY = "issuer_key"
    REVOCATION_LIST = "revocation_list"
    DID_DOCUMENT = "did_document"
    ISSUER_METADATA = "issuer_metadata"
    STATUS_LIST = "status_list"
    STATUS_LIST_CREDENTIAL = "status_list_credential"


_OF_THE_ISSUER: Final = frozenset(
    {
        LookupKind.ISSUER_KEY,
        LookupKind.DID_DOCUMENT,
        LookupKind.ISSUER_METADATA,
        LookupKind.REVOCATION_LIST,
        LookupKind.STATUS_LIST,
        LookupKind.STATUS_LIST_CREDENTIAL,
    }
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One address to fetch with the guarded fetcher, which may refuse it: private hosts are for it to know."""

    url: str
    kind: LookupKind


class AnswerKind(StrEnum):
    """How a lookup ended. `UNAVAILABLE` is everything that says nothing about the badge: no connection, an answer that
    is too large, an address that may not be called."""

    FOUND = "found"
    GONE = "gone"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a lookup: 200, 410 (the body may say why), 404, or nothing."""

    kind: AnswerKind
    body: bytes = b""


Material = Mapping[Lookup, Answer]
"""By address and reason: what was fetched by the rules for one kind, redirects among them, answers no other."""


class NotHostedError(RejectedError):
    """Whoever is said to publish it answers that there is no such thing."""

    code = "not_hosted"
    sentence = "The issuer no longer publishes this."


class Library:
    """The material for one judgement; what is missing from it is written down."""

    def __init__(self, material: Material) -> None:
        self._material: Final = material
        self._missing: dict[Lookup, None] = {}

    @property
    def missing(self) -> tuple[Lookup, ...]:
        """Return what is still to be fetched, nothing once enough has been: what is unknown then stays unknown."""
        room = MAX_LOOKUPS - len(self._material)
        return tuple(self._missing)[: max(room, 0)]

    def expect(self, urls: Iterable[str], kind: LookupKind) -> None:
        """Write down what will be needed, so that it can be fetched side by side."""
        for lookup in (Lookup(url, kind) for url in urls):
            if lookup not in self._material and lookup.url.startswith(_WEB) and len(lookup.url) <= MAX_URL:
                self._missing[lookup] = None

    def get(self, url: str, kind: LookupKind) -> bytes:
        """Return what stands at an address; NotHostedError when nothing does, UndecidedError when nobody knows.

        An issuer that is gone takes its keys and lists with it: that says nothing about its badges (K-74).
        """
        answer = self.answer(url, kind)
        if answer.kind is AnswerKind.FOUND:
            return answer.body
        if kind in _OF_THE_ISSUER:
            raise UndecidedError(f"no {kind.value} at its address")
        raise NotHostedError(f"nothing at the address of the {kind.value}")

    def answer(self, url: str, kind: LookupKind) -> Answer:
        """Return what came of a lookup, or UndecidedError; addresses that are not of the web are never asked for."""
        self.expect([url], kind)
        answer = self._material.get(Lookup(url, kind))
        if answer is None or answer.kind is AnswerKind.UNAVAILABLE:
            raise UndecidedError(f"the {kind.value} could not be fetched")
        return answer

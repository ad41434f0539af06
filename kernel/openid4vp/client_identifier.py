"""Client identifiers of verifiers: who asks, and by which rules that is proven. OpenID4VP 1.0 §5.9; PROFILE.md W-43."""

from dataclasses import dataclass
from enum import StrEnum

from kernel.errors import MalformedError, RejectedError

MAX_CLIENT_ID = 4096


class ClientIdPrefix(StrEnum):
    """The ways of proving who asks that are implemented here.

    `origin` is no way of asking: it is how a caller of the Digital Credentials API is called in an answer (§A.4).
    """

    DECENTRALIZED_IDENTIFIER = "decentralized_identifier"
    X509_HASH = "x509_hash"
    X509_SAN_DNS = "x509_san_dns"
    REDIRECT_URI = "redirect_uri"
    VERIFIER_ATTESTATION = "verifier_attestation"
    OPENID_FEDERATION = "openid_federation"
    ORIGIN = "origin"


class EarlierDraftError(RejectedError):
    """The client identifier is written as drafts before OpenID4VP 1.0 had it, without one of its prefixes."""

    code = "earlier_draft"
    sentence = "The client identifier is written as in a draft of OpenID4VP before 1.0."


_OF_DRAFTS = frozenset({"did", "https", "x509_san_uri"})
_IN_REQUESTS = frozenset(ClientIdPrefix) - {ClientIdPrefix.ORIGIN}


@dataclass(frozen=True, slots=True)
class ClientIdentifier:
    """A client identifier, taken apart at its first colon; `text` is the whole, which is what audiences name."""

    text: str
    prefix: ClientIdPrefix
    value: str


def parse_client_identifier(text: object) -> ClientIdentifier:
    """Read a client identifier; a prefix that is not implemented, or none at all, is refused. §5.9.2.

    Without a colon it would be pre-registered, and nobody is. `origin:` is never accepted from a request, and a bare
    DID or address is how drafts wrote it, up to 23 at least: EarlierDraftError, so that it can be said (A-34).
    """
    if not isinstance(text, str) or not 0 < len(text) <= MAX_CLIENT_ID or not text.isascii() or not text.isprintable():
        raise MalformedError("'client_id' is not a text of sensible length")
    prefix, colon, value = text.partition(":")
    if prefix in _OF_DRAFTS and value:
        raise EarlierDraftError("a client identifier of a draft")
    if prefix not in _IN_REQUESTS or not colon or not value:
        raise RejectedError("a client identifier prefix that is not supported")
    return ClientIdentifier(text, ClientIdPrefix(prefix), value)

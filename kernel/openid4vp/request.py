"""Authorization requests of verifiers: created, read, and believed only after every check. OpenID4VP 1.0 §5.

A wallet takes two steps. `parse_request_object` says by which key the request would have to be signed, and
believes nothing; the caller finds that key; `verify_request_object` then checks all of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote

from cryptography import x509

from kernel.dcql import DcqlQuery, parse_dcql_query, verify_own_query
from kernel.errors import AudienceError, MalformedError, NonceError, RejectedError, UntrustedIssuerError
from kernel.jwt import UnverifiedJwt, VerifiedJwt, find_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import as_object, find_objects, find_text, get_text
from kernel.openid4vp.client_identifier import ClientIdentifier, ClientIdPrefix, parse_client_identifier
from kernel.openid4vp.client_metadata import ClientMetadata, parse_client_metadata
from kernel.openid4vp.error_codes import (
    INVALID_SCOPE,
    INVALID_TRANSACTION_DATA,
    UnsupportedRequestError,
)
from kernel.openid4vp.request_link import UnsignedRequest
from kernel.strict_json import parse_json
from kernel.web_urls import parse_web_url, web_url
from kernel.x5c import parse_x5c, verify_x5c, x509_hash

TYP: Final = "oauth-authz-req+jwt"
MEDIA_TYPE: Final = "application/oauth-authz-req+jwt"
ALGORITHMS: Final = frozenset({"ES256"})
# The audience of a request to a wallet whose issuer identifier the verifier does not know. §5.8.
ANY_WALLET: Final = "https://self-issued.me/v2"
# A wallet forgets a request after this long, whatever the request says (W-58).
MAX_LIFETIME: Final = timedelta(minutes=10)
# The format of the entry of `verifier_info` in which our verifier says why it asks (V-07). §5.11.
PURPOSE_FORMAT: Final = "urn:skillswallet:purpose"

ResponseMode = Literal["direct_post", "direct_post.jwt"]

# "ASCII URL safe": what a nonce and a state are made of. §5.2, §5.3.
_URL_SAFE: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")
# Parameters that are JSON in a signed request, and JSON in a text where the link is the request.
_JSON_PARAMETERS: Final = ("dcql_query", "client_metadata", "transaction_data", "verifier_info")


@dataclass(frozen=True, slots=True)
class UnverifiedRequest:
    """A request object that was read. Which key must have signed it follows from the client identifier alone.

    `did` and `key_id` for a decentralized identifier: resolve the DID, take that key from `authentication`. Else
    `x5c`: the chain that must lead to an anchor.
    """

    client_id: ClientIdentifier
    token: UnverifiedJwt
    did: str | None
    key_id: str | None
    x5c: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that held every check, or one that by its client identifier cannot be signed (`is_signed` is false).

    `purpose` is the verifier's own text by language. `response_uri` belongs to the client. After `expires_at` the
    request is not answered.
    """

    client_id: str
    prefix: ClientIdPrefix
    nonce: str
    state: str | None
    response_mode: ResponseMode
    response_uri: str
    dcql_query: DcqlQuery
    client_metadata: ClientMetadata
    expires_at: datetime
    is_signed: bool
    key: PublicKey | None = None
    purpose: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestSender:
    """Who sent a request whose question cannot be answered, and where that may be said. §8.5; W-53.

    Proven as for any other request, so `response_uri` belongs to the client.
    """

    client_id: str
    response_uri: str
    state: str | None
    client_name: str | None = None


def create_request_object(
    *,
    signer: Signer,
    key_reference: Mapping[str, Any],
    client_id: str,
    response_mode: ResponseMode,
    response_uri: str,
    nonce: str,
    state: str,
    dcql_query: Mapping[str, Any],
    client_metadata: Mapping[str, Any],
    issued_at: datetime,
    expires_at: datetime,
    wallet_nonce: str | None = None,
    purpose: Mapping[str, str] | None = None,
) -> str:
    """Create a signed request object. §5; V-03, V-04.

    `key_reference` is `{"kid": …}` for a decentralized identifier, `{"x5c": […]}` without the anchor for x509.
    `wallet_nonce` is what the wallet sent with its POST (§5.10). A query that no verifier may send is refused here.
    """
    verify_own_query(parse_dcql_query(dcql_query))
    payload: dict[str, Any] = {
        "client_id": client_id,
        "aud": ANY_WALLET,
        "response_type": "vp_token",
        "response_mode": response_mode,
        "response_uri": response_uri,
        "nonce": nonce,
        "state": state,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "dcql_query": dcql_query,
        "client_metadata": client_metadata,
    }
    if wallet_nonce is not None:
        payload["wallet_nonce"] = wallet_nonce
    if purpose:
        payload["verifier_info"] = [{"format": PURPOSE_FORMAT, "data": dict(purpose)}]
    return sign_jwt(payload, signer=signer, typ=TYP, header=key_reference)


def parse_request_object(raw: str, *, client_id: str | ClientIdentifier) -> UnverifiedRequest:
    """Read a request object far enough to know which key must have signed it. §5.9.3, §5.10.1.

    `client_id` is the one outside of the object, from the link; it decides, and the one inside must be the same.
    """
    client = parse_client_identifier(client_id) if isinstance(client_id, str) else client_id
    token = parse_jwt(raw)
    if get_text(token.payload, "client_id") != client.text:
        raise RejectedError("the client identifier inside the request is another than outside")
    if client.prefix is ClientIdPrefix.REDIRECT_URI:
        raise RejectedError("a request with this client identifier prefix cannot be signed")
    if client.prefix is ClientIdPrefix.DECENTRALIZED_IDENTIFIER:
        return UnverifiedRequest(client, token, client.value, _get_key_id(token, client.value), ())
    return UnverifiedRequest(client, token, None, None, _get_x5c(token))


def verify_request_object(
    request: UnverifiedRequest | str,
    *,
    client_id: str | ClientIdentifier,
    key: PublicKey | None = None,
    anchors: Sequence[x509.Certificate] = (),
    now: datetime,
    wallet_nonce: str | None,
    audiences: frozenset[str] = frozenset({ANY_WALLET}),
    algorithms: frozenset[str] = ALGORITHMS,
    response_hosts: frozenset[str] = frozenset(),
) -> AuthorizationRequest:
    """Check a signed request object and return what it asks. §5; W-41 to W-46.

    `key` is the one that the resolved DID document names for `UnverifiedRequest.key_id`; `anchors` are for x509.
    `wallet_nonce` is the one sent with a POST to the `request_uri`, None after a GET. `response_hosts` are further
    hosts (with their port, if one is given) that a trust list names for this verifier.
    """
    request = parse_request_object(request, client_id=client_id) if isinstance(request, str) else request
    if request.client_id.text != (client_id if isinstance(client_id, str) else client_id.text):
        raise RejectedError("the request was read for another client identifier")
    # (1) The key, by the rules of the prefix; then type, algorithm and signature.
    signing_key, hosts = _find_signing_key(request, key, anchors, now)
    verified = verify_jwt(request.token, key=signing_key, typ=TYP, algorithms=algorithms)
    # (2) Made for a wallet, for now, and in answer to our nonce.
    _require_made_for_us(verified, audiences, wallet_nonce, now)
    # (3) What it asks, and where the answer would go.
    parsed = _parse_parameters(verified.payload, request.client_id, now, key=signing_key)
    _require_response_host(parsed.response_uri, hosts, response_hosts)
    return parsed


def verify_request_sender(
    raw: str,
    *,
    client_id: str,
    key: PublicKey | None = None,
    anchors: Sequence[x509.Certificate] = (),
    now: datetime,
    wallet_nonce: str | None,
) -> RequestSender:
    """Check who sent a request that `verify_request_object` refused, and where a refusal may go. §8.5; W-53.

    Raises like it where the request is not its sender's own, was not made for us, or names somebody else's address:
    then nobody is told anything.
    """
    request = parse_request_object(raw, client_id=client_id)
    signing_key, hosts = _find_signing_key(request, key, anchors, now)
    members = verify_jwt(request.token, key=signing_key, typ=TYP, algorithms=ALGORITHMS)
    _require_made_for_us(members, frozenset({ANY_WALLET}), wallet_nonce, now)
    response_uri = web_url(members.payload.get("response_uri"), "'response_uri'")
    _require_response_host(response_uri, hosts, frozenset())
    state = _parse_url_safe(members.payload, "state") if "state" in members.payload else None
    name = parse_client_metadata(members.payload.get("client_metadata", {})).client_name
    return RequestSender(request.client_id.text, response_uri, state, name)


def verify_unsigned_request(request: UnsignedRequest, *, now: datetime) -> AuthorizationRequest:
    """Read a request that is the link itself. §5.9.3: only the prefix `redirect_uri` may be unsigned.

    All that is known of the verifier is where the answer goes, and that is its identifier.
    """
    if request.client_id.prefix is not ClientIdPrefix.REDIRECT_URI:
        raise RejectedError("a request with this client identifier prefix must be signed")
    parameters: dict[str, Any] = dict(request.parameters)
    for name in _JSON_PARAMETERS:
        if name in parameters:
            parameters[name] = parse_json(parameters[name])
    parsed = _parse_parameters(parameters, request.client_id, now, key=None)
    if parsed.response_uri != request.client_id.value:
        raise RejectedError("the answer would not go to the client that the identifier names")
    return parsed


def _get_key_id(token: UnverifiedJwt, did: str) -> str:
    key_id = get_text(token.header, "kid")
    if key_id.partition("#")[0] != did:
        raise UntrustedIssuerError("the request names a key of another DID")
    return key_id


def _get_x5c(token: UnverifiedJwt) -> tuple[str, ...]:
    chain: Any = token.header.get("x5c")
    parse_x5c(chain)
    return tuple(chain)


def _find_signing_key(
    request: UnverifiedRequest, key: PublicKey | None, anchors: Sequence[x509.Certificate], now: datetime
) -> tuple[PublicKey, frozenset[str] | None]:
    """Return the key that must have signed, and the hosts that the client is known by; None: by none at all."""
    client = request.client_id
    if client.prefix is ClientIdPrefix.DECENTRALIZED_IDENTIFIER:
        if key is None:
            raise UntrustedIssuerError("the key of the decentralized identifier was not found")
        return key, _did_hosts(client.value)
    is_named = client.prefix is ClientIdPrefix.X509_SAN_DNS
    chain = verify_x5c(request.x5c, anchors=anchors, now=now, dns_name=client.value if is_named else None)
    if is_named:
        return chain.leaf_key, frozenset({client.value.lower()})
    if x509_hash(chain.leaf) != client.value:
        raise UntrustedIssuerError("the certificate is not the one that the client identifier names")
    return chain.leaf_key, _certificate_hosts(chain.leaf)


def _did_hosts(did: str) -> frozenset[str] | None:
    """Return the host of a did:web; the key of a did:jwk or did:key is nobody's but its own, on any host."""
    method, _, identifier = did.partition("did:web:")
    return None if method or not identifier else frozenset({unquote(identifier.partition(":")[0]).lower()})


def _certificate_hosts(leaf: x509.Certificate) -> frozenset[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _require_made_for_us(
    verified: VerifiedJwt, audiences: frozenset[str], wallet_nonce: str | None, now: datetime
) -> None:
    _require_audience(verified, audiences)
    verify_times(verified.payload, now=now)
    if wallet_nonce is not None and verified.payload.get("wallet_nonce") != wallet_nonce:
        raise NonceError("the request does not carry the nonce that the wallet sent")


def _require_audience(verified: VerifiedJwt, audiences: frozenset[str]) -> None:
    audience = verified.payload.get("aud")
    if not isinstance(audience, str) or audience not in audiences:
        raise AudienceError("the request was made for another wallet")


def _require_response_host(response_uri: str, hosts: frozenset[str] | None, more_hosts: frozenset[str]) -> None:
    """Refuse an answer to anybody but the client. W-46, A-35. DIDs name a host with its port, certificates without."""
    parts = parse_web_url(response_uri, "'response_uri'")
    names = {parts.netloc.lower(), (parts.hostname or "") if parts.port in (None, 443) else ""}
    if hosts is not None and names.isdisjoint(hosts | more_hosts):
        raise RejectedError("the answer would go to another party than the one that asks")


def _parse_parameters(
    members: Mapping[str, Any], client: ClientIdentifier, now: datetime, *, key: PublicKey | None
) -> AuthorizationRequest:
    """Read the parameters of a request. §5.1, §5.2, §8.2; W-45. Parameters that are not known here are ignored."""
    if get_text(members, "response_type") != "vp_token":
        raise MalformedError("a response type other than vp_token")
    response_mode = _parse_response_mode(members)
    if "transaction_data" in members:
        raise UnsupportedRequestError(INVALID_TRANSACTION_DATA, "transaction data is not supported")
    query = _parse_query(members)
    state = _parse_url_safe(members, "state") if "state" in members else None
    if state is None and not all(wanted.require_cryptographic_holder_binding for wanted in query.credentials):
        raise MalformedError("without holder binding a request has a 'state'")
    expires_at = find_numeric_date(members, "exp")
    return AuthorizationRequest(
        client_id=client.text,
        prefix=client.prefix,
        nonce=_parse_url_safe(members, "nonce"),
        state=state,
        response_mode=response_mode,
        response_uri=web_url(members.get("response_uri"), "'response_uri'"),
        dcql_query=query,
        client_metadata=parse_client_metadata(members.get("client_metadata", {})),
        expires_at=min(expires_at or now + MAX_LIFETIME, now + MAX_LIFETIME),
        is_signed=key is not None,
        key=key,
        purpose=_parse_purpose(members),
    )


def _parse_response_mode(members: Mapping[str, Any]) -> ResponseMode:
    if "redirect_uri" in members:
        raise MalformedError("'redirect_uri' beside a response mode that posts")
    match get_text(members, "response_mode"):
        case "direct_post":
            return "direct_post"
        case "direct_post.jwt":
            return "direct_post.jwt"
    raise MalformedError("a response mode that is not supported")


def _parse_query(members: Mapping[str, Any]) -> DcqlQuery:
    """Read what is asked: exactly one of `dcql_query` and `scope`, and no scope is defined here. §5.1, §5.5."""
    if ("dcql_query" in members) is ("scope" in members):
        raise MalformedError("a request has either 'dcql_query' or 'scope'")
    if "scope" in members:
        raise UnsupportedRequestError(INVALID_SCOPE, "no scope stands for a query here")
    return parse_dcql_query(members["dcql_query"])


def _parse_url_safe(members: Mapping[str, Any], name: str) -> str:
    text = get_text(members, name)
    if not _URL_SAFE.fullmatch(text):
        raise MalformedError(f"{name!r} has characters that are not URL safe")
    return text


def _parse_purpose(members: Mapping[str, Any]) -> dict[str, str]:
    """Return our own verifier's reason for asking, by language; information of other formats is ignored. §5.11."""
    for entry in find_objects(members, "verifier_info"):
        if find_text(entry, "format") == PURPOSE_FORMAT:
            texts = as_object(entry.get("data"), "the purpose")
            return {language: get_text(texts, language) for language in texts}
    return {}

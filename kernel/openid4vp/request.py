"""Authorization requests of verifiers: created, read, and believed only after every check. OpenID4VP 1.0 §5.

A wallet takes two steps. `parse_request_object` says by which key the request would have to be signed, and
believes nothing; the caller finds that key; `verify_request_object` then checks all of it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote

from cryptography import x509

from kernel.dcql import DcqlQuery, parse_dcql_query, verify_own_query
from kernel.errors import AudienceError, MalformedError, NonceError, RejectedError, UntrustedIssuerError
from kernel.jwt import UnverifiedJwt, VerifiedJwt, find_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import find_text, find_texts, get_text
from kernel.openid4vp.client_identifier import ClientIdentifier, ClientIdPrefix, parse_client_identifier
from kernel.openid4vp.client_metadata import ClientMetadata, find_client_name, parse_client_metadata
from kernel.openid4vp.error_codes import INVALID_SCOPE, UnsupportedRequestError
from kernel.openid4vp.request_link import UnsignedRequest
from kernel.openid4vp.transaction_data import TransactionData, parse_transaction_data
from kernel.openid4vp.verifier_attestation import (
    UnverifiedAttestation,
    parse_verifier_attestation,
    verify_verifier_attestation,
)
from kernel.openid4vp.verifier_info import (
    VerifierInfo,
    create_verifier_info,
    parse_verifier_info,
    read_comparison_code,
    read_purpose,
)
from kernel.strict_json import encode_json, parse_json
from kernel.web_urls import parse_web_url, web_url
from kernel.x5c import VerifiedChain, dns_names, parse_x5c, verify_x5c, x509_hash

TYP: Final = "oauth-authz-req+jwt"
MEDIA_TYPE: Final = "application/oauth-authz-req+jwt"
ALGORITHMS: Final = frozenset({"ES256"})
# The audience of a request to a wallet whose issuer identifier the verifier does not know. §5.8.
ANY_WALLET: Final = "https://self-issued.me/v2"
# A wallet forgets a request after this long, whatever the request says (W-58).
MAX_LIFETIME: Final = timedelta(minutes=10)
ResponseMode = Literal["direct_post", "direct_post.jwt", "dc_api", "dc_api.jwt"]
# Where an answer is posted, and where it goes back through the browser.
_POSTED: Final = frozenset({"direct_post", "direct_post.jwt"})
_RETURNED: Final = frozenset({"dc_api", "dc_api.jwt"})

# "ASCII URL safe": what a nonce and a state are made of. §5.2, §5.3.
_URL_SAFE: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")
# Parameters that are JSON in a signed request, and JSON in a text where the link is the request.
_JSON_PARAMETERS: Final = ("dcql_query", "client_metadata", "transaction_data", "verifier_info")


@dataclass(frozen=True, slots=True)
class UnverifiedRequest:
    """A request object that was read. Which key must have signed it follows from the client identifier alone.

    `did` and `key_id` for a decentralized identifier: resolve the DID, take that key of its document. `key_id`
    alone for a federation entity: that key of what its trust chain says. `attestation`: find the key of its issuer, if
    that one is trusted for it. Else `x5c`: the chain that must lead to an anchor.
    """

    client_id: ClientIdentifier
    token: UnverifiedJwt
    did: str | None = None
    key_id: str | None = None
    x5c: tuple[str, ...] = ()
    attestation: UnverifiedAttestation | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that held every check, or one that by its client identifier cannot be signed (`is_signed` is false).

    `purpose` is the verifier's own text by language, `und` where that is not known, and `comparison_code` what stands
    on the screen from which it asks; both come from `verifier_info`. `response_uri` belongs to the client; it is empty
    over the Digital Credentials API, where the answer goes back to `origin`. After `expires_at` the request is not
    answered.
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
    comparison_code: str = ""
    transaction_data: tuple[TransactionData, ...] = ()
    verifier_info: tuple[VerifierInfo, ...] = ()
    expected_origins: tuple[str, ...] = ()
    origin: str | None = None

    @property
    def audience(self) -> str:
        """For whom a presentation is made: the full client identifier, or the caller's origin. §14.1.2, A.4; W-49."""
        return self.client_id if self.origin is None else f"{ClientIdPrefix.ORIGIN}:{self.origin}"


@dataclass(frozen=True, slots=True)
class RequestSender:
    """Who sent a request whose question cannot be answered, and where that may be said. §8.5; W-53.

    Proven as for any other request, so `response_uri` belongs to the client. Over the Digital Credentials API it is
    empty, and what is said goes back to `origin`.
    """

    client_id: str
    response_uri: str
    state: str | None
    client_name: str | None = None
    origin: str | None = None


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
    comparison_code: str = "",
    transaction_data: Sequence[TransactionData] = (),
) -> str:
    """Create a signed request object. §5; V-03, V-04.

    `key_reference` is `{"kid": …}` for a decentralized identifier, `{"x5c": […]}` without the anchor for x509,
    `{"jwt": …}` with the attestation of a verifier that has one. `wallet_nonce` is what the wallet sent with its POST
    (§5.10). A query that no verifier may send is refused here.
    """
    payload: dict[str, Any] = {
        "client_id": client_id,
        "aud": ANY_WALLET,
        **create_question(nonce, dcql_query, client_metadata, transaction_data),
        **create_verifier_info(purpose, comparison_code),
        "response_mode": response_mode,
        "response_uri": response_uri,
        "state": state,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    if wallet_nonce is not None:
        payload["wallet_nonce"] = wallet_nonce
    return sign_jwt(payload, signer=signer, typ=TYP, header=key_reference)


def create_unsigned_parameters(
    *,
    response_mode: ResponseMode,
    response_uri: str,
    nonce: str,
    state: str,
    dcql_query: Mapping[str, Any],
    client_metadata: Mapping[str, Any],
    purpose: Mapping[str, str] | None = None,
    comparison_code: str = "",
    transaction_data: Sequence[TransactionData] = (),
) -> dict[str, str]:
    """Create the parameters of a request that nobody signs: whoever gets the answer is who asks. §5.9.3, §5.4.

    For a wallet that must know who asks, it says nothing; so it is for those that cannot read anything else.
    """
    members: dict[str, Any] = {
        "client_id": f"{ClientIdPrefix.REDIRECT_URI}:{response_uri}",
        "response_mode": response_mode,
        "response_uri": response_uri,
        "state": state,
        **create_question(nonce, dcql_query, client_metadata, transaction_data),
        **create_verifier_info(purpose, comparison_code),
    }
    return {name: encode_json(value).decode() if name in _JSON_PARAMETERS else value for name, value in members.items()}


def create_question(
    nonce: str,
    dcql_query: Mapping[str, Any],
    client_metadata: Mapping[str, Any],
    transaction_data: Sequence[TransactionData],
) -> dict[str, Any]:
    """Return what every request has, however it travels; a query that no verifier may send is refused. §5.1, §5.2."""
    verify_own_query(parse_dcql_query(dcql_query))
    sent = {"transaction_data": [entry.raw for entry in transaction_data]} if transaction_data else {}
    return {
        "response_type": "vp_token",
        "nonce": nonce,
        "dcql_query": dcql_query,
        "client_metadata": client_metadata,
        **sent,
    }


def parse_request_object(raw: str, *, client_id: str | ClientIdentifier) -> UnverifiedRequest:
    """Read a request object far enough to know which key must have signed it. §5.9.3, §5.10.1.

    `client_id` is the one outside of the object, from the link; it decides, and the one inside must be the same.
    """
    client = parse_client_identifier(client_id) if isinstance(client_id, str) else client_id
    token = parse_jwt(raw)
    if get_text(token.payload, "client_id") != client.text:
        raise RejectedError("the client identifier inside the request is another than outside")
    return read_request_key(client, token)


def read_request_key(client: ClientIdentifier, token: UnverifiedJwt) -> UnverifiedRequest:
    """Say by what key a request of this client must have been signed. §5.9.3."""
    match client.prefix:
        case ClientIdPrefix.DECENTRALIZED_IDENTIFIER:
            return UnverifiedRequest(client, token, did=client.value, key_id=_get_key_id(token, client.value))
        case ClientIdPrefix.OPENID_FEDERATION:
            return UnverifiedRequest(client, token, key_id=find_text(token.header, "kid"))
        case ClientIdPrefix.VERIFIER_ATTESTATION:
            attestation = parse_verifier_attestation(token.header.get("jwt"))
            return UnverifiedRequest(client, token, attestation=attestation)
        case ClientIdPrefix.X509_HASH | ClientIdPrefix.X509_SAN_DNS:
            return UnverifiedRequest(client, token, x5c=_get_x5c(token))
    raise RejectedError("a request with this client identifier prefix cannot be signed")


def verify_request_object(
    request: UnverifiedRequest | str,
    *,
    client_id: str | ClientIdentifier,
    key: PublicKey | None = None,
    anchors: Sequence[x509.Certificate] = (),
    attestation_key: PublicKey | None = None,
    federation_metadata: Mapping[str, Any] | None = None,
    now: datetime,
    wallet_nonce: str | None,
    audiences: frozenset[str] = frozenset({ANY_WALLET}),
    algorithms: frozenset[str] = ALGORITHMS,
    transaction_data_types: Collection[str] = frozenset(),
) -> AuthorizationRequest:
    """Check a signed request object and return what it asks. §5; W-41 to W-46.

    `key` is the one that the resolved DID document, or the trust chain of a federation entity, names for
    `UnverifiedRequest.key_id`; `anchors` are for x509; `attestation_key` is that of an issuer whom the wallet trusts
    to attest verifiers. `federation_metadata` is what the chain says of the entity: what it says of itself is ignored.
    `wallet_nonce` is the one sent with a POST to the `request_uri`, None after a GET. `transaction_data_types` are
    those that the caller shows to the person; of any other the request is refused.
    """
    request = parse_request_object(request, client_id=client_id) if isinstance(request, str) else request
    if request.client_id.text != (client_id if isinstance(client_id, str) else client_id.text):
        raise RejectedError("the request was read for another client identifier")
    # (1) The key, by the rules of the prefix; then type, algorithm and signature.
    proven = find_signing_key(request, key=key, anchors=anchors, attestation_key=attestation_key, now=now)
    verified = verify_jwt(request.token, key=proven.key, typ=TYP, algorithms=algorithms)
    # (2) Made for a wallet, for now, and in answer to our nonce.
    _require_made_for_us(verified, audiences, wallet_nonce, now)
    # (3) What it asks, and where the answer would go.
    members = with_federation_metadata(verified.payload, request.client_id, federation_metadata)
    parsed = parse_parameters(
        members, request.client_id, now, key=proven.key, transaction_data_types=transaction_data_types
    )
    _require_response_uri(parsed.response_uri, proven)
    return parsed


def verify_request_sender(
    raw: str,
    *,
    client_id: str,
    key: PublicKey | None = None,
    anchors: Sequence[x509.Certificate] = (),
    attestation_key: PublicKey | None = None,
    federation_metadata: Mapping[str, Any] | None = None,
    now: datetime,
    wallet_nonce: str | None,
    audiences: frozenset[str] = frozenset({ANY_WALLET}),
) -> RequestSender:
    """Check who sent a request that `verify_request_object` refused, and where a refusal may go. §8.5; W-53.

    Raises like it where the request is not its sender's own, was not made for us, or names somebody else's address:
    then nobody is told anything. Whatever else is wrong with it leaves its sender certain; a refusal goes without a
    `state` that is none.
    """
    request = parse_request_object(raw, client_id=client_id)
    proven = find_signing_key(request, key=key, anchors=anchors, attestation_key=attestation_key, now=now)
    members = verify_jwt(request.token, key=proven.key, typ=TYP, algorithms=ALGORITHMS)
    _require_made_for_us(members, audiences, wallet_nonce, now)
    response_uri = web_url(members.payload.get("response_uri"), "'response_uri'")
    _require_response_uri(response_uri, proven)
    described = with_federation_metadata(members.payload, request.client_id, federation_metadata)
    name = find_client_name(described.get("client_metadata"))
    return RequestSender(request.client_id.text, response_uri, _find_state(members.payload), name)


def verify_unsigned_request(
    request: UnsignedRequest, *, now: datetime, transaction_data_types: Collection[str] = frozenset()
) -> AuthorizationRequest:
    """Read a request that is the link itself. §5.9.3: only the prefix `redirect_uri` may be unsigned.

    All that is known of the verifier is where the answer goes, and that is its identifier.
    """
    if request.client_id.prefix is not ClientIdPrefix.REDIRECT_URI:
        raise RejectedError("a request with this client identifier prefix must be signed")
    # The client identifier says where the answer goes; saying it again is left to the verifier. §5.9.3.
    parameters: dict[str, Any] = {"response_uri": request.client_id.value, **request.parameters}
    for name in _JSON_PARAMETERS:
        if name in parameters:
            parameters[name] = parse_json(parameters[name])
    parsed = parse_parameters(
        parameters, request.client_id, now, key=None, transaction_data_types=transaction_data_types
    )
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


@dataclass(frozen=True, slots=True)
class ProvenClient:
    """The key that must have signed; where the client is known to be (None: nowhere); if attested, where exactly.

    It may also be on any host that is one label below one of `parents`, which a certificate names with a wildcard.
    """

    key: PublicKey
    hosts: frozenset[str] | None
    redirect_uris: tuple[str, ...] = ()
    parents: frozenset[str] = frozenset()


def find_signing_key(
    request: UnverifiedRequest,
    *,
    key: PublicKey | None,
    anchors: Sequence[x509.Certificate],
    attestation_key: PublicKey | None,
    now: datetime,
) -> ProvenClient:
    """Return the key that must have signed, proven as the prefix of the client wants it. §5.9.3."""
    client = request.client_id
    if request.attestation is not None:
        return _find_attested_key(client, request.attestation, attestation_key, now)
    if not request.x5c:
        if key is None:
            raise UntrustedIssuerError("the key of the client identifier was not found")
        is_did = client.prefix is ClientIdPrefix.DECENTRALIZED_IDENTIFIER
        return ProvenClient(key, _did_hosts(client.value) if is_did else _entity_hosts(client.value))
    is_named = client.prefix is ClientIdPrefix.X509_SAN_DNS
    chain = verify_x5c(request.x5c, anchors=anchors, now=now, dns_name=client.value if is_named else None)
    if is_named:
        return ProvenClient(chain.leaf_key, frozenset({client.value.lower()}))
    if x509_hash(chain.leaf) != client.value:
        raise UntrustedIssuerError("the certificate is not the one that the client identifier names")
    return _find_certified_client(chain)


def _find_attested_key(
    client: ClientIdentifier, attestation: UnverifiedAttestation, key: PublicKey | None, now: datetime
) -> ProvenClient:
    attested = verify_verifier_attestation(attestation, key=key, now=now, algorithms=ALGORITHMS)
    if attested.subject != client.value:
        raise UntrustedIssuerError("the attestation is about another verifier")
    return ProvenClient(attested.key, None, attested.redirect_uris)


def with_federation_metadata(
    members: Mapping[str, Any], client: ClientIdentifier, federation_metadata: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return a request as its trust chain wants it read: what a federation entity says of itself counts for nothing."""
    if client.prefix is not ClientIdPrefix.OPENID_FEDERATION:
        return members
    return {**members, "client_metadata": federation_metadata or {}}


def _entity_hosts(entity_id: str) -> frozenset[str]:
    return frozenset({parse_web_url(entity_id, "the entity identifier").netloc.lower()})


def _did_hosts(did: str) -> frozenset[str] | None:
    """Return the host of a did:web; the key of a did:jwk or did:key is nobody's but its own, on any host."""
    method, _, identifier = did.partition("did:web:")
    return None if method or not identifier else frozenset({unquote(identifier.partition(":")[0]).lower()})


def _find_certified_client(chain: VerifiedChain) -> ProvenClient:
    """Bind the client to the host names of its certificate, where it has any. Decision 0088.

    `x509_hash` names a party by its certificate alone (§5.9.3), and one for an organisation has no host name.
    """
    names = dns_names(chain.leaf)
    parents = frozenset(name.removeprefix("*.") for name in names if name.startswith("*.") and name.count(".") > 1)
    return ProvenClient(chain.leaf_key, frozenset(names) if names else None, parents=parents)


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


def _require_response_uri(response_uri: str, proven: ProvenClient) -> None:
    """Refuse an answer to anybody but the client. W-46, A-35. DIDs name a host with its port, certificates without.

    No list names further hosts: a verifier whose answers go elsewhere asks under a name of that place.
    """
    parts = parse_web_url(response_uri, "'response_uri'")
    names = {parts.netloc.lower(), (parts.hostname or "") if parts.port in (None, 443) else ""}
    # RFC 9525 §6.3: a wildcard stands for one whole label, the first.
    is_below = any(name.partition(".")[2] in proven.parents for name in names)
    is_elsewhere = proven.hosts is not None and names.isdisjoint(proven.hosts) and not is_below
    if is_elsewhere or (proven.redirect_uris and response_uri not in proven.redirect_uris):
        raise RejectedError("the answer would go to another party than the one that asks")


def parse_parameters(
    members: Mapping[str, Any],
    client: ClientIdentifier,
    now: datetime,
    *,
    key: PublicKey | None,
    transaction_data_types: Collection[str],
    origin: str | None = None,
) -> AuthorizationRequest:
    """Read the parameters of a request. §5.1, §5.2, §8.2; W-45. Parameters that are not known here are ignored.

    With an `origin` it came over the Digital Credentials API, which knows no `state` and no `response_uri`. §A.2.
    """
    if get_text(members, "response_type") != "vp_token":
        raise MalformedError("a response type other than vp_token")
    response_mode = _parse_response_mode(members, _POSTED if origin is None else _RETURNED)
    query = _parse_query(members)
    state = _parse_url_safe(members, "state") if "state" in members and origin is None else None
    is_bound = all(wanted.require_cryptographic_holder_binding for wanted in query.credentials)
    if state is None and origin is None and not is_bound:
        raise MalformedError("without holder binding a request has a 'state'")
    expires_at = find_numeric_date(members, "exp")
    verifier_info = parse_verifier_info(members, query)
    return AuthorizationRequest(
        client_id=client.text,
        prefix=client.prefix,
        nonce=_parse_url_safe(members, "nonce"),
        state=state,
        response_mode=response_mode,
        response_uri="" if origin is not None else web_url(members.get("response_uri"), "'response_uri'"),
        dcql_query=query,
        client_metadata=parse_client_metadata(members.get("client_metadata", {})),
        expires_at=min(expires_at or now + MAX_LIFETIME, now + MAX_LIFETIME),
        is_signed=key is not None,
        key=key,
        purpose=read_purpose(verifier_info),
        comparison_code=read_comparison_code(verifier_info),
        transaction_data=_parse_transaction_data(members, query, transaction_data_types),
        verifier_info=verifier_info,
        expected_origins=find_texts(members, "expected_origins") if origin is not None and key is not None else (),
        origin=origin,
    )


def _parse_transaction_data(
    members: Mapping[str, Any], query: DcqlQuery, known_types: Collection[str]
) -> tuple[TransactionData, ...]:
    if "transaction_data" not in members:
        return ()
    return parse_transaction_data(members["transaction_data"], known_types=known_types, query=query)


def _parse_response_mode(members: Mapping[str, Any], allowed: frozenset[str]) -> ResponseMode:
    if "redirect_uri" in members and allowed is _POSTED:
        raise MalformedError("'redirect_uri' beside a response mode that posts")
    match get_text(members, "response_mode"):
        case ("direct_post" | "direct_post.jwt" | "dc_api" | "dc_api.jwt") as mode if mode in allowed:
            return mode
    raise MalformedError("a response mode that is not supported")


def _parse_query(members: Mapping[str, Any]) -> DcqlQuery:
    """Read what is asked: exactly one of `dcql_query` and `scope`, and no scope is defined here. §5.1, §5.5."""
    if ("dcql_query" in members) is ("scope" in members):
        raise MalformedError("a request has either 'dcql_query' or 'scope'")
    if "scope" in members:
        raise UnsupportedRequestError(INVALID_SCOPE, "no scope stands for a query here")
    return parse_dcql_query(members["dcql_query"])


def _find_state(members: Mapping[str, Any]) -> str | None:
    """Return the state that an error goes with, None where there is none or one that no request may have. §5.3."""
    try:
        return _parse_url_safe(members, "state")
    except MalformedError:
        return None


def _parse_url_safe(members: Mapping[str, Any], name: str) -> str:
    text = get_text(members, name)
    if not _URL_SAFE.fullmatch(text):
        raise MalformedError(f"{name!r} has characters that are not URL safe")
    return text

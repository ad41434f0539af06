"""Requests to an issuer's servers as one client: bound to a key, with the nonces and the attestation that they ask for.

Every issuance has a key of its own towards the issuer's servers, so that two issuances cannot be linked by it. It signs
the DPoP proofs and is the key in the wallet attestation, so that neither can be used with the other's token.

A request is sent once more in one case only: the server answered that it wants a fresh nonce or challenge and gave
one. It has then looked at nothing else, so that a code in the request is still unspent (RFC 9449 §8; draft-ietf-
oauth-attestation-based-client-auth §6). Silence, or any other answer, is never followed by the same code again.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from kernel.errors import CredentialError
from kernel.keys import SoftwareSigner
from kernel.members import as_object, get_text
from kernel.openid4vci import (
    ATTESTATION_HEADER,
    CHALLENGE_HEADER,
    POP_HEADER,
    USE_ATTESTATION_CHALLENGE,
    USE_DPOP_NONCE,
    USE_FRESH_ATTESTATION,
    AuthorizationServerMetadata,
    create_client_attestation_pop,
    create_dpop_proof,
    parse_error_response,
)
from runtime.fetch import FetchedResponse
from wallet.errors import CHALLENGE_STEP, IssuerFailedError, WalletNotKnownError
from wallet.offer_record import Progress, step
from wallet.wallet_provider import find_wallet_provider

_ATTESTED, _ATTESTED_BY_DPOP = "attest_jwt_client_auth", "attest_jwt_client_auth_dpop"
_WANTS_ANOTHER = frozenset({USE_DPOP_NONCE, USE_ATTESTATION_CHALLENGE, USE_FRESH_ATTESTATION})


def error_of(response: FetchedResponse) -> str:
    """The error code of an answer; what else it says is the other side's text and goes nowhere."""
    with suppress(CredentialError):
        return parse_error_response(response.json()).error[:64]
    return f"status {response.status}"


def is_anonymous(server: AuthorizationServerMetadata) -> bool:
    """Whether a pre-authorized code is redeemed without saying which wallet this is. §6.1, §12.3.

    Wherever the server allows it, for the less an issuer hears the better, and wherever it knows no other way.
    """
    return server.is_anonymous_access_supported or server.token_endpoint_auth_methods.isdisjoint(
        {_ATTESTED, _ATTESTED_BY_DPOP}
    )


def create_client(progress: Progress, server: AuthorizationServerMetadata, *, is_anonymous: bool) -> None:
    """Decide once, before the first request, as whom this issuance speaks: its key, and its name if it needs one."""
    signer = SoftwareSigner.generate("ES256")
    ways = server.token_endpoint_auth_methods
    is_attested = not is_anonymous and not ways.isdisjoint({_ATTESTED, _ATTESTED_BY_DPOP})
    if is_attested and find_wallet_provider(progress.wallet.settings) is None:
        if "none" not in ways:
            raise WalletNotKnownError("no wallet provider is configured", step=CHALLENGE_STEP)
        is_attested = False
    progress.record.client = {
        "key": dict(signer.private_jwk()),
        "id": None if is_anonymous else progress.wallet.settings.client_id,
        "is_attested": is_attested,
        "by_dpop": _ATTESTED not in ways,
        "is_bound": signer.algorithm in server.dpop_algorithms,
        "nonces": {},
    }


def client_id_of(progress: Progress) -> str | None:
    """The name under which this issuance speaks; None in anonymous access with a pre-authorized code."""
    found: str | None = progress.record.client.get("id")
    return found


def client_thumbprint(progress: Progress) -> str | None:
    """The key to which tokens of this issuance are bound; None where the server binds none."""
    return _signer(progress).public_key.thumbprint if progress.record.client["is_bound"] else None


async def post_to_server(
    progress: Progress, server: AuthorizationServerMetadata, endpoint: str, form: Mapping[str, str]
) -> FetchedResponse:
    """Post a form to the authorization server as this client. RFC 9449 §5, §8; OpenID4VCI 1.0 App. E."""
    seen: set[str] = set()
    while True:
        headers = await _server_headers(progress, server, endpoint)
        response = await progress.wallet.fetch.post_form(endpoint, form, headers=headers)
        gave_nonce = _note(progress, "server", endpoint, response)
        error = error_of(response) if response.status in (400, 401) else ""
        if error not in _WANTS_ANOTHER or error in seen or (error == USE_DPOP_NONCE and not gave_nonce):
            return response
        seen.add(error)


async def post_to_issuer(
    progress: Progress,
    endpoint: str,
    content: bytes,
    *,
    media_type: str = "application/json",
    max_bytes: int | None = None,
) -> FetchedResponse:
    """Post to a protected endpoint of the issuer with the access token. RFC 9449 §7, §9; RFC 6750 §2.1."""
    for attempt in (1, 2):
        headers = {"Content-Type": media_type, **_resource_headers(progress, endpoint)}
        response = await progress.wallet.fetch.post_json(endpoint, content, headers=headers, max_bytes=max_bytes)
        gave_nonce = _note(progress, "issuer", endpoint, response)
        if attempt == 2 or response.status != 401 or not gave_nonce or not _asks_nonce(response):
            break
    return response


async def post_for_nonce(progress: Progress, endpoint: str) -> FetchedResponse:
    """Ask for a `c_nonce`, without a token; a DPoP nonce for the next request may come with it. §7.2"""
    response = await progress.wallet.fetch.post_json(endpoint, b"")
    _note(progress, "issuer", endpoint, response)
    return response


def _asks_nonce(response: FetchedResponse) -> bool:
    return USE_DPOP_NONCE in response.headers.get("www-authenticate", "") or error_of(response) == USE_DPOP_NONCE


def _resource_headers(progress: Progress, endpoint: str) -> dict[str, str]:
    token = progress.record.token or {}
    headers = {"Authorization": f"{token['token_type']} {token['access_token']}"}
    if token["token_type"] != "DPoP":
        return headers
    return headers | {"DPoP": _proof(progress, "issuer", endpoint, access_token=token["access_token"])}


async def _server_headers(progress: Progress, server: AuthorizationServerMetadata, endpoint: str) -> dict[str, str]:
    """The proof of the key, and the attestation of whose key it is. Where the server takes it, one proof does both."""
    client = progress.record.client
    is_one_proof = client["is_attested"] and client["by_dpop"] and client["is_bound"]
    challenge = await _find_challenge_as_nonce(progress, server, endpoint) if is_one_proof else None
    headers = {"DPoP": _proof(progress, "server", endpoint, nonce=challenge)} if client["is_bound"] else {}
    if not client["is_attested"]:
        return headers
    provider = find_wallet_provider(progress.wallet.settings)
    if provider is None:
        raise WalletNotKnownError("the wallet provider is gone", step=CHALLENGE_STEP)
    signer = _signer(progress)
    headers[ATTESTATION_HEADER] = provider.create_attestation(signer.public_key, now=progress.now)
    if is_one_proof:
        return headers
    headers[POP_HEADER] = create_client_attestation_pop(
        signer=signer,
        audience=server.issuer,
        now=progress.now,
        challenge=await _resolve_challenge(progress, server),
        client_id=client["id"],
    )
    return headers


async def _find_challenge_as_nonce(
    progress: Progress, server: AuthorizationServerMetadata, endpoint: str
) -> str | None:
    """One proof for key and attestation has one fresh value: a challenge stands where the nonce does (§5.2)."""
    client = progress.record.client
    if "challenge" not in client and _place("server", endpoint) in client["nonces"]:
        return None
    return await _resolve_challenge(progress, server)


async def _resolve_challenge(progress: Progress, server: AuthorizationServerMetadata) -> str | None:
    """The challenge that came with the last answer, else a fresh one where the server hands them out (I-46)."""
    given: str | None = progress.record.client.pop("challenge", None)
    if given is not None or server.challenge_endpoint is None:
        return given
    with step(CHALLENGE_STEP):
        response = await progress.wallet.fetch.post_form(server.challenge_endpoint, {})
        if response.status != 200:
            error = error_of(response)
            raise IssuerFailedError(f"challenge: {error}", step=CHALLENGE_STEP, answered=error)
        return get_text(as_object(response.json(), "the challenge response"), "attestation_challenge")


def _proof(
    progress: Progress, party: str, endpoint: str, *, access_token: str | None = None, nonce: str | None = None
) -> str:
    nonce = nonce or progress.record.client["nonces"].get(_place(party, endpoint))
    return create_dpop_proof(
        signer=_signer(progress), method="POST", url=endpoint, now=progress.now, access_token=access_token, nonce=nonce
    )


def _note(progress: Progress, party: str, endpoint: str, response: FetchedResponse) -> bool:
    """Keep what the next request needs; say whether a DPoP nonce came that was not used before. RFC 9449 §8.2."""
    client: dict[str, Any] = progress.record.client
    challenge = response.headers.get(CHALLENGE_HEADER.lower())
    if challenge:
        client["challenge"] = challenge
    given = response.headers.get("dpop-nonce")
    if not given or given == client["nonces"].get(_place(party, endpoint)):
        return False
    client["nonces"][_place(party, endpoint)] = given
    return True


def _place(party: str, endpoint: str) -> str:
    """Nonces are a server's own: the two sides of one host may each have theirs. RFC 9449 §8."""
    return f"{party} {urlsplit(endpoint).netloc}"


def _signer(progress: Progress) -> SoftwareSigner:
    return SoftwareSigner.from_jwk(progress.record.client["key"])

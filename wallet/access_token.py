"""Getting the access token for what the person said yes to, by either grant, and a new one later. OpenID4VCI 1.0 §6.

A code leaves once. Before it does, the offer's state says so; no answer means that it may be spent.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from kernel.errors import CredentialError, UndecidedError
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    INVALID_CLIENT,
    INVALID_CLIENT_ATTESTATION,
    INVALID_GRANT,
    INVALID_REQUEST,
    OPENID_CREDENTIAL,
    AuthorizationCodeTokenRequest,
    AuthorizationDetail,
    PreAuthorizedCodeGrant,
    PreAuthorizedTokenRequest,
    RefreshTokenRequest,
    TokenResponse,
    parse_token_response,
)
from runtime.fetch import FetchedResponse
from wallet.errors import (
    TOKEN_STEP,
    FailedStep,
    IssuerFailedError,
    OfferNotSupportedError,
    OfferRefusedError,
    TxCodeError,
    WalletError,
    WalletNotKnownError,
)
from wallet.issuer_requests import client_id_of, error_of, post_to_server
from wallet.offer_record import OfferRecord, Progress

_TX_CODE_TRIES = 10  # our own bound; issuers void the code sooner (OpenID4VCI 1.0 §13.6.3)
# A token that ends within this is taken to have ended: the request with it takes time too.
_SPARE = timedelta(seconds=5)


def pre_authorized_grant(record: OfferRecord) -> PreAuthorizedCodeGrant:
    grant = record.parsed_offer().pre_authorized_code
    if grant is None:
        raise OfferNotSupportedError("no pre-authorized code")
    return grant


def require_tx_code(record: OfferRecord, tx_code: str | None) -> None:
    """Refuse before anything is spent when the code that is asked for is missing or of another shape (W-07)."""
    asked = pre_authorized_grant(record).tx_code
    if asked is None or record.token is not None or record.received:
        return
    given = (tx_code or "").strip()
    if not given or len(given) > 64 or (asked.input_mode == "numeric" and not given.isdecimal()):
        raise TxCodeError("missing or of another shape")


def wanted_details(record: OfferRecord, *, server: Mapping[str, Any]) -> tuple[AuthorizationDetail, ...]:
    """What was chosen, as `authorization_details`, where the server says that it knows them. §5.1.1; W-08.

    It is the more exact of the two ways: the answer names each credential.
    """
    known = server.get("authorization_details_types_supported")
    if not isinstance(known, list) or OPENID_CREDENTIAL not in known:
        return ()
    metadata = record.issuer_metadata()
    locations = (metadata.credential_issuer,) if metadata.authorization_servers else ()
    return tuple(AuthorizationDetail(chosen, locations=locations) for chosen in record.chosen)


async def redeem_pre_authorized_code(progress: Progress, tx_code: str | None) -> None:
    """Exchange the pre-authorized code. §6.1. The offer stays open for another try of its `tx_code` alone (§6.3)."""
    grant = pre_authorized_grant(progress.record)
    form = PreAuthorizedTokenRequest(
        grant.pre_authorized_code,
        tx_code.strip() if grant.tx_code is not None and tx_code is not None else None,
        client_id_of(progress),
    ).as_form()
    response = await _post(progress, form)
    if response.status != 200:
        progress.record.tries += 1
        error = error_of(response)
        if grant.tx_code is not None and error in (INVALID_GRANT, INVALID_REQUEST):
            await progress.save("open" if progress.record.tries < _TX_CODE_TRIES else "failed")
            raise TxCodeError(error)
        await progress.save("failed")
        raise refusal(error)
    await _keep(progress, response)


async def redeem_authorization_code(progress: Progress, *, code: str, redirect_uri: str, code_verifier: str) -> None:
    """Exchange the code of an authorization response, with the verifier that only this wallet has. §6.1, RFC 7636."""
    form = AuthorizationCodeTokenRequest(code, redirect_uri, code_verifier, client_id_of(progress)).as_form()
    response = await _post(progress, form)
    if response.status != 200:
        await _give_up(progress)
        raise refusal(error_of(response))
    await _keep(progress, response)


async def refresh_access_token(progress: Progress) -> None:
    """Get a new access token for an old one that ended. RFC 6749 §6. A rotated refresh token takes the old one's place.

    The row has the new one before anything is done with it, for the old one may be void by then. UndecidedError when
    the server does not answer: it may do so later.
    """
    before = progress.record.token or {}
    if before.get("refresh_token") is None:
        raise IssuerFailedError("the access token ended, and there is no refresh token", step=TOKEN_STEP)
    form = RefreshTokenRequest(before["refresh_token"], client_id_of(progress)).as_form()
    try:
        response = await post_to_server(
            progress, progress.record.server(), progress.record.server().token_endpoint, form
        )
        if response.status != 200:
            raise refusal(error_of(response))
        token = _token_json(progress, parse_token_response(response.json()))
    except UndecidedError:
        raise
    except CredentialError as exc:
        raise IssuerFailedError(f"refresh: {exc.code}: {exc.detail}", step=TOKEN_STEP) from exc
    progress.record.token = {
        "refresh_token": before["refresh_token"],
        **{k: v for k, v in token.items() if v is not None},
    }
    progress.record.token["identifiers"] = token["identifiers"] or before["identifiers"]


def has_ended(token: Mapping[str, Any], now: datetime) -> bool:
    """Whether an access token is past what its server said of its life."""
    ends_at = token.get("expires_at")
    return ends_at is not None and datetime.fromisoformat(ends_at) - _SPARE <= now


async def _post(progress: Progress, form: Mapping[str, str]) -> FetchedResponse:
    server = progress.record.server()
    try:
        return await post_to_server(progress, server, server.token_endpoint, form)
    except CredentialError as exc:
        await _give_up(progress)
        raise IssuerFailedError(f"token: {exc.code}: {exc.detail}", step=TOKEN_STEP) from exc


async def _give_up(progress: Progress) -> None:
    """A pre-authorized code that may be spent ends the offer; a person who signs in once more gets another code."""
    await progress.save("open" if progress.record.grant == AUTHORIZATION_CODE_GRANT else "failed")


async def _keep(progress: Progress, response: FetchedResponse) -> None:
    try:
        progress.record.token = _token_json(progress, parse_token_response(response.json()))
    except CredentialError as exc:
        await _give_up(progress)
        raise IssuerFailedError(f"token: {exc.code}: {exc.detail}", step=TOKEN_STEP) from exc
    except IssuerFailedError:
        await _give_up(progress)
        raise
    await progress.save("redeemed", is_done=False)


def refusal(error: str, failed: FailedStep = TOKEN_STEP) -> WalletError:
    """What an error of an authorization server means for the person."""
    if error == INVALID_GRANT:
        return OfferRefusedError(error, step=failed, answered=error)
    if error in (INVALID_CLIENT, INVALID_CLIENT_ATTESTATION):
        return WalletNotKnownError(error, step=failed, answered=error)
    return IssuerFailedError(f"{failed.code}: {error}", step=failed, answered=error)


def _token_json(progress: Progress, token: TokenResponse) -> dict[str, Any]:
    """The token, and for each configuration the credentials that the server named. §6.2.

    (1) Bound to a key where the server says that it binds: a bearer token instead is a downgrade (A-31).
    (2) Not bound where no proof was sent.
    """
    if (token.token_type == "DPoP") is not progress.record.client["is_bound"]:
        raise IssuerFailedError(f"a token of type {token.token_type}, which was not asked for", step=TOKEN_STEP)
    return {
        "access_token": token.access_token,
        "token_type": token.token_type,
        "expires_at": (progress.now + token.expires_in).isoformat() if token.expires_in else None,
        "refresh_token": token.refresh_token,
        "identifiers": {
            detail.credential_configuration_id: list(detail.credential_identifiers)
            for detail in token.authorization_details
        },
    }

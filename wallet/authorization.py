"""Signing in with the issuer first: a pushed request, the browser's way there and back. OpenID4VCI 1.0 §5; W-08.

What comes back is believed only in the browser session that began (A-28, A-29), from the server that was asked (A-27),
and once. A link with an answer that somebody else began, or that arrives while the vault is locked, changes nothing.

Every authorization server sends the browser back to an address of its own (RFC 9700 §4.4.2.2), so that one that does
not say who it is in its answer (RFC 9207) cannot be mistaken for another; decision 0034.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from kernel import base64url
from kernel.errors import CredentialError, UntrustedIssuerError
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    AuthorizationDeniedError,
    AuthorizationRequestParameters,
    AuthorizationServerMetadata,
    code_challenge,
    create_authorization_url,
    create_code_verifier,
    create_direct_authorization_url,
    parse_authorization_response,
    parse_pushed_authorization_response,
)
from runtime.tokens import create_token, hash_token
from wallet import store
from wallet.access_token import redeem_authorization_code, refusal, wanted_details
from wallet.accounts import SignedIn
from wallet.configurations import choose_configurations
from wallet.errors import (
    AUTHORIZATION_STEP,
    PAR_STEP,
    ForeignResponseError,
    IssuerFailedError,
    MixedUpServerError,
    OfferNotSupportedError,
    SignInRefusedError,
)
from wallet.issuer_discovery import takes_grant
from wallet.issuer_requests import client_thumbprint, create_client, error_of, post_to_server
from wallet.offer_record import OfferRecord, Progress, open_record, step
from wallet.settings import Wallet, WalletSettings

# Where authorization servers send the browser back to, each to its own address below it.
CALLBACK_PATH = "/callback"
_CALLBACK_BYTES = 16


def callback_uri(settings: WalletSettings, server: str) -> str:
    """The redirect URI of one authorization server: the same for everybody who uses this wallet (I-47)."""
    return f"{settings.public_url}{CALLBACK_PATH}/{callback_name(server)}"


def callback_name(server: str) -> str:
    """What stands at the end of a server's own redirect URI: no two servers have the same (decision 0034)."""
    return base64url.encode(hashlib.sha256(server.encode()).digest()[:_CALLBACK_BYTES])


def may_sign_in(record: OfferRecord) -> bool:
    """Whether the code grant can be used: the offer has it, or no grants at all, and the server takes it (§4.1.1)."""
    offer = record.parsed_offer()
    if offer.authorization_code is None and offer.pre_authorized_code is not None:
        return False
    return takes_grant(record.server(AUTHORIZATION_CODE_GRANT), AUTHORIZATION_CODE_GRANT)


async def begin_authorization(
    wallet: Wallet, holder: SignedIn, offer_id: str, *, configuration_ids: Sequence[str] | None, now: datetime
) -> str:
    """Ask the authorization server for what the person wants, and return where the browser has to go.

    It may be begun again as often as the person likes: each time with a state, a verifier and a key of its own.
    """
    async with wallet.database.transaction() as session:
        await store.begin_offer(session, holder.vault.account_id, offer_id, now)
        record = open_record(holder.vault, await store.get_offer(session, holder.vault.account_id, offer_id))
    progress = Progress(wallet, holder.vault, offer_id, record, now)
    try:
        if not may_sign_in(record):
            raise OfferNotSupportedError("no authorization code grant")
        return await _begin(progress, holder, configuration_ids)
    except Exception:
        async with wallet.database.transaction() as session:
            await store.release_offer(session, holder.vault.account_id, offer_id)
        raise


async def finish_authorization(
    wallet: Wallet, holder: SignedIn, response: Mapping[str, str], now: datetime, *, redirect_uri: str
) -> Progress:
    """Take the answer that the browser brought, and exchange its code for an access token; each answer once.

    (1) It fits an authorization that this very session began. (2) One caller takes it. (3) It comes from the server
    that was asked, at the address that this server was given: `redirect_uri` is where it came. (4) Its code leaves,
    with the verifier that nobody else has.
    """
    vault, state = holder.vault, response.get("state", "")
    async with wallet.database.reading() as session:
        row = await store.find_offer_by_state(session, vault.account_id, hash_token(state), now)
    if row is None:
        raise ForeignResponseError("no such state in this account", step=AUTHORIZATION_STEP)
    record = open_record(vault, row)
    began = record.authorization or {}
    if began.get("session") != hash_token(holder.token).hex():
        raise ForeignResponseError("begun in another session", step=AUTHORIZATION_STEP)
    progress = Progress(wallet, vault, row.id, record, now)
    async with wallet.database.transaction() as session:
        await store.spend_authorization(session, vault.account_id, row.id, hash_token(state), now)
    record.authorization = None
    if redirect_uri != began["redirect_uri"]:
        await progress.save("open")
        raise MixedUpServerError("an answer at the address of another server", step=AUTHORIZATION_STEP)
    code = await _verify_response(progress, response, state)
    await progress.save("redeeming", is_done=False)
    await redeem_authorization_code(
        progress, code=code, redirect_uri=began["redirect_uri"], code_verifier=began["code_verifier"]
    )
    return progress


async def _begin(progress: Progress, holder: SignedIn, configuration_ids: Sequence[str] | None) -> str:
    record, wallet = progress.record, progress.wallet
    record.grant = AUTHORIZATION_CODE_GRANT
    record.chosen = choose_configurations(progress.wallet.settings, record, configuration_ids)
    server = record.server()
    create_client(progress, server, is_anonymous=False)
    state, verifier = create_token(), create_code_verifier()
    record.authorization = {
        "state": state,
        "code_verifier": verifier,
        "session": hash_token(holder.token).hex(),
        "redirect_uri": callback_uri(wallet.settings, server.issuer),
    }
    parameters = _parameters(progress, state, verifier)
    url = await _authorization_url(progress, server, parameters)
    await progress.save("authorizing", state_hash=hash_token(state))
    return url


def _parameters(progress: Progress, state: str, verifier: str) -> AuthorizationRequestParameters:
    """§5.1: what is wanted, by `scope` or by `authorization_details`; W-08.

    (1) By `scope` where the server wants of a wallet what HAIP wants, for HAIP §4.2 and §4.3 know no other way; unless
    its scopes stand for more than what was chosen. (2) By details where the server knows them, as DIIP's do: they are
    the more exact. (3) By `scope`, all the same.
    """
    record, client = progress.record, progress.record.client
    is_haip = client["is_attested"] and client["is_bound"] and _is_scope_exact(record)
    known = record.code_server_metadata or record.server_metadata
    details = () if is_haip else wanted_details(record, server=known)
    metadata, grant = record.issuer_metadata(), record.parsed_offer().authorization_code
    scopes = () if details else _scopes(record)
    return AuthorizationRequestParameters(
        client_id=client["id"],
        redirect_uri=record.authorization["redirect_uri"] if record.authorization else "",
        code_challenge=code_challenge(verifier),
        state=state,
        scopes=scopes,
        authorization_details=details,
        issuer_state=grant.issuer_state if grant else None,
        resource=(metadata.credential_issuer,) if scopes and metadata.authorization_servers else (),
        dpop_jkt=client_thumbprint(progress),
    )


def _is_scope_exact(record: OfferRecord) -> bool:
    """Whether scopes can say what was chosen, and nothing besides."""
    configurations = record.issuer_metadata().credential_configurations
    wanted = {configurations[chosen].scope for chosen in record.chosen}
    meant = {name for name, configuration in configurations.items() if configuration.scope in wanted}
    return None not in wanted and meant == set(record.chosen) and wanted.isdisjoint(record.other_scopes)


def _scopes(record: OfferRecord) -> tuple[str, ...]:
    metadata = record.issuer_metadata()
    scopes = [metadata.get_configuration(chosen).scope for chosen in record.chosen]
    if not scopes or None in scopes:
        raise OfferNotSupportedError("neither authorization details nor a scope for each configuration")
    return tuple(dict.fromkeys(scope for scope in scopes if scope))


async def _authorization_url(
    progress: Progress, server: AuthorizationServerMetadata, parameters: AuthorizationRequestParameters
) -> str:
    """Push the request wherever the server takes it so, for then nobody on the way can read or change it. RFC 9126."""
    endpoint = server.authorization_endpoint or ""
    if server.pushed_authorization_request_endpoint is None:
        if server.require_pushed_authorization_requests:
            raise IssuerFailedError("pushed requests are required, and there is nowhere to push them", step=PAR_STEP)
        return create_direct_authorization_url(endpoint, parameters)
    with step(PAR_STEP):
        pushed = await post_to_server(
            progress, server, server.pushed_authorization_request_endpoint, parameters.as_form()
        )
        if pushed.status not in (200, 201):
            raise refusal(error_of(pushed), PAR_STEP)
        found = parse_pushed_authorization_response(pushed.json())
    return create_authorization_url(endpoint, client_id=parameters.client_id, request_uri=found.request_uri)


async def _verify_response(progress: Progress, response: Mapping[str, str], state: str) -> str:
    """§5.2, RFC 9207 §2.4. Whatever is wrong, this authorization is over; the offer is not."""
    server = progress.record.server()
    try:
        return parse_authorization_response(
            response, issuer=server.issuer, is_iss_expected=server.is_iss_parameter_supported, state=state
        )
    except CredentialError as exc:
        await progress.save("open")
        raise _explain(exc) from exc


def _explain(error: CredentialError) -> Exception:
    match error:
        case AuthorizationDeniedError():
            return SignInRefusedError(error.error, step=AUTHORIZATION_STEP, answered=error.error)
        case UntrustedIssuerError():
            return MixedUpServerError(error.detail, step=AUTHORIZATION_STEP)
    return ForeignResponseError(error.detail, step=AUTHORIZATION_STEP)

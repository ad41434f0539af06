"""A question that a page asks through the browser: the Digital Credentials API. OpenID4VP 1.0 Appendix A; W-55.

A browser hands such a question to an app of the platform, or to an extension; a wallet that is a website hears nothing
of it. So whoever does hear it hands it over here, says from which origin it came, and takes the answer back to the
page. The origin is believed, since it comes with the holder's own session; it is what the answer is bound to.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kernel.errors import CredentialError, MalformedError, UndecidedError
from kernel.openid4vp import UnverifiedDcApiRequest, origin_of, parse_dc_api_request
from kernel.strict_json import encode_json
from wallet.consent import RequestPage
from wallet.errors import RequestRefusedError, UnreachableError
from wallet.failures import dc_api_failure, page_failure
from wallet.presentation import find_known_request, keep_refused, keep_request
from wallet.presentation_request import find_sender, read_request, resolve_key
from wallet.settings import Wallet
from wallet.vault import Vault


async def resolve_dc_api_request(
    wallet: Wallet,
    vault: Vault,
    *,
    origin: str,
    protocol: str,
    data: Mapping[str, Any],
    now: datetime,
    language: str = "nl",
) -> RequestPage:
    """Read what a page asks, check it, and match it. Of several signatures one that holds is enough. §A.2, §A.3."""
    _require_origin(origin)
    request = _parse(protocol, data)
    asked = {"origin": origin, "protocol": protocol, "data": dict(data)}
    link_digest = vault.digest("request link", encode_json(asked).decode())
    known = await find_known_request(wallet, vault, link_digest, now, language=language)
    if known is not None:
        return known
    content, problem = await _read(wallet, request, asked, now)
    if problem is None:
        return await keep_request(wallet, vault, link_digest, content, now, language=language)
    if isinstance(problem, UndecidedError):
        raise UnreachableError(problem.detail, failure=dc_api_failure(problem).code) from problem
    failure, request_id = await keep_refused(wallet, vault, link_digest, content, problem, now)
    raise RequestRefusedError(problem, failure=failure.code, request_id=request_id) from problem


def _require_origin(origin: str) -> None:
    try:
        if origin_of(origin) != origin:
            raise MalformedError("not an origin as browsers write it")
    except CredentialError as exc:
        raise RequestRefusedError(exc, failure="page_origin") from exc


def _parse(protocol: str, data: Mapping[str, Any]) -> UnverifiedDcApiRequest:
    try:
        return parse_dc_api_request(protocol, data)
    except CredentialError as exc:
        raise RequestRefusedError(exc, failure=page_failure(exc, protocol).code) from exc


async def _read(
    wallet: Wallet, request: UnverifiedDcApiRequest, asked: dict[str, Any], now: datetime
) -> tuple[dict[str, Any], CredentialError | None]:
    """Everything needed to read the question again, by the first signature that holds, or unsigned.

    Where none can be answered, that of a sender who is certain and may hear so, if there is one, and what is wrong.
    """
    refused: list[tuple[dict[str, Any], CredentialError]] = []
    for number, candidate in enumerate(request.candidates or (None,)):
        content: dict[str, Any] = {"dc_api": {**asked, "number": number}, "received_at": now.isoformat()}
        try:
            if candidate is not None:
                content |= await resolve_key(wallet, candidate, now)
            read_request(content, now)
        except CredentialError as exc:
            refused.append((content, exc))
        else:
            return content, None
    return next((each for each in refused if find_sender(each[0], now)), refused[-1])

"""A question that a page asks through the browser: the Digital Credentials API. OpenID4VP 1.0 Appendix A; W-55.

A browser hands such a question to an app of the platform, or to an extension; a wallet that is a website hears nothing
of it. So whoever does hear it hands it over here, says from which origin it came, and takes the answer back to the
page. The origin is believed, since it comes with the holder's own session; it is what the answer is bound to.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kernel.errors import CredentialError, MalformedError, RejectedError, UndecidedError
from kernel.openid4vp import UnverifiedDcApiRequest, origin_of, parse_dc_api_request
from kernel.strict_json import encode_json
from wallet.consent import RequestPage
from wallet.errors import RequestRefusedError, UnreachableError
from wallet.failures import dc_api_failure
from wallet.presentation import find_known_request, keep_request
from wallet.presentation_request import read_request, resolve_key
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
    try:
        if origin_of(origin) != origin:
            raise MalformedError("not an origin as browsers write it")
        request = parse_dc_api_request(protocol, data)
    except CredentialError as exc:
        raise RequestRefusedError(exc, failure="link") from exc
    asked = {"origin": origin, "protocol": protocol, "data": dict(data)}
    link_digest = vault.digest("request link", encode_json(asked).decode())
    known = await find_known_request(wallet, vault, link_digest, now, language=language)
    if known is not None:
        return known
    content = await _find_readable(wallet, request, asked, now)
    return await keep_request(wallet, vault, link_digest, content, now, language=language)


async def _find_readable(
    wallet: Wallet, request: UnverifiedDcApiRequest, asked: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """Everything needed to read the question again, by the first signature that holds, or unsigned."""
    problem: CredentialError = RejectedError("no signature of a client that is known here")
    for number, candidate in enumerate(request.candidates or (None,)):
        content: dict[str, Any] = {"dc_api": {**asked, "number": number}, "received_at": now.isoformat()}
        try:
            if candidate is not None:
                content |= await resolve_key(wallet, candidate, now)
            read_request(content, now)
        except CredentialError as exc:
            problem = exc
        else:
            return content
    failure = dc_api_failure(problem, is_signed=bool(request.candidates)).code
    if isinstance(problem, UndecidedError):
        raise UnreachableError(problem.detail, failure=failure) from problem
    raise RequestRefusedError(problem, failure=failure) from problem

"""Credentials that anybody can sign for themselves: odd in every member, pointing at hosts that answer badly or not.

Whatever a stranger's badge says or names, the answer is settled with a report, in bounded time, and never accepted.
"""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from kernel.did import create_did_web_document, did_jwk
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.sd_jwt import create_key_binding_jwt
from tests.conftest import NewDatabase
from tests.support.clock import NOW
from tests.support.simulated_wallet import Misbehaviour
from tests.verifier.conftest import SKILL_URIS, MakeStage, Stage
from tests.verifier.issuer_host import VCT

pytestmark = pytest.mark.over_http

STRANGER = SoftwareSigner.generate()
STRANGER_DID = did_jwk(STRANGER.public_key.jwk)
EVIL = "evil.example"
EVIL_DID = f"did:web:{EVIL}"
DAY = 24 * 3600


def create_payload(holder: SoftwareSigner, **changes: Any) -> dict[str, Any]:
    """A stranger's badge that would answer the question; None leaves a member out."""
    payload = {
        "iss": STRANGER_DID,
        "vct": VCT,
        "iat": int(NOW.timestamp()) - DAY,
        "exp": int(NOW.timestamp()) + DAY,
        "cnf": {"jwk": holder.public_key.jwk},
        "achievement": {
            "name": "Badge",
            "achievementType": "Badge",
            "alignment": [{"targetUrl": SKILL_URIS[0], "targetName": "skill"}],
        },
    }
    return {name: value for name, value in {**payload, **changes}.items() if value is not None}


def create_document_payload(holder: SoftwareSigner, **changes: Any) -> dict[str, Any]:
    """The same as a VCDM document."""
    payload = {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        ],
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": STRANGER_DID, "type": ["Profile"], "name": "Stranger"},
        "validFrom": "2026-05-01T00:00:00Z",
        "name": "Badge",
        "cnf": {"jwk": holder.public_key.jwk},
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "https://evil.example/1",
                "type": ["Achievement"],
                "name": "Badge",
                "description": "d",
                "criteria": {"narrative": "n"},
                "alignment": [{"type": ["Alignment"], "targetUrl": SKILL_URIS[0], "targetName": "skill"}],
            },
        },
    }
    return {name: value for name, value in {**payload, **changes}.items() if value is not None}


def forge(payload: dict[str, Any], *, typ: str = "dc+sd-jwt", header: dict[str, Any] | None = None) -> str:
    return sign_jwt(payload, signer=STRANGER, typ=typ, header=header or {"kid": f"{STRANGER_DID}#0"}) + "~"


async def show(stage: Stage, raw: str, query_id: str = "skill_1_sd") -> tuple[httpx.Response, dict[str, Any]]:
    """Present this, well bound; what the wallet hears, and what the relying party sees."""
    started = await stage.ask()
    wallet = stage.wallet()
    request = await wallet.read_request(started["link"])
    bound = raw + create_key_binding_jwt(
        raw, signer=stage.holder, audience=request.client_id, nonce=request.nonce, now=stage.clock()
    )
    form = wallet.create_form(request, Misbehaviour(change_vp_token=lambda _: {query_id: [bound]}))
    reply = await wallet.post(request, form)
    return reply, await stage.result(started)


def outcomes(result: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    (shown,) = result["report"]["presentations"]
    return {check["code"]: (check["outcome"], check["error_code"]) for check in shown["checks"]}


ODD_VALUES: tuple[Any, ...] = (
    -1,
    10**15,
    True,
    "",
    "\x00<script>",
    [[5]],
    {"a": {"b": []}},
    [{"targetUrl": 5}],
)
MEMBERS = ("iss", "vct", "iat", "nbf", "exp", "cnf", "status", "achievement", "evidence", "result", "given_name",
           "awarded_at", "issuing_authority", "aka_vcts", "vct#integrity", "_sd", "_sd_alg",
           "type")  # fmt: skip
DOCUMENT_MEMBERS = ("@context", "type", "issuer", "validFrom", "validUntil", "cnf", "credentialStatus", "status",
                    "name", "credentialSubject", "evidence", "awardedDate", "id", "vct", "iss", "exp",
                    "_sd")  # fmt: skip


@pytest.mark.parametrize("member", MEMBERS)
async def test_V24_V40_A08_A09_an_odd_member_in_a_strangers_badge_is_settled_and_never_accepted(
    stage: Stage, member: str
) -> None:
    for odd in ODD_VALUES:
        reply, result = await show(stage, forge(create_payload(stage.holder, **{member: odd})))
        assert reply.status_code in (200, 400), (odd, reply.text)
        assert result["state"] == "settled", (odd, reply.text)
        assert result["report"]["accepted"] is False, odd


@pytest.mark.parametrize("member", DOCUMENT_MEMBERS)
async def test_V24_V40_A08_A09_an_odd_member_in_a_strangers_document_is_settled_and_never_accepted(
    stage: Stage, member: str
) -> None:
    for odd in ODD_VALUES:
        raw = forge(create_document_payload(stage.holder, **{member: odd}), typ="vc+sd-jwt")
        reply, result = await show(stage, raw, "skill_1_w3")
        assert reply.status_code in (200, 400), (odd, reply.text)
        assert result["state"] == "settled", (odd, reply.text)
        assert result["report"]["accepted"] is False, odd


# Hosts that do not behave


class EvilHost:
    """`did:web:evil.example…`: each path behaves badly in its own way."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.asked.append(path)
        if "slow" in path:
            await asyncio.sleep(3600)
        await self._answer(path)(scope, receive, send)

    def _answer(self, path: str) -> Response:
        kind = path.split("/")[1]
        did = f"{EVIL_DID}:{kind}"
        good = create_did_web_document(did, [("0", STRANGER.public_key)])
        match kind:
            case "good":
                return JSONResponse(good)
            case "other-id":
                return JSONResponse(create_did_web_document(EVIL_DID, [("0", STRANGER.public_key)]))
            case "wrong-relation":
                return JSONResponse({**good, "assertionMethod": []})
            case "other-key":
                return JSONResponse(create_did_web_document(did, [("0", SoftwareSigner.generate().public_key)]))
            case "redirect":
                return RedirectResponse(f"https://{EVIL}/good/did.json")
            case "redirect-inside":
                return RedirectResponse("http://169.254.169.254/latest/meta-data/")
            case "huge":
                return JSONResponse({**good, "x": "a" * 2_000_000})
            case "deep":
                return Response("[" * 100_000, media_type="application/json")
            case "html":
                return PlainTextResponse("<html>", media_type="text/html")
            case "loop":
                return JSONResponse({**good, "assertionMethod": [did, f"{did}#0", f"{did}#1"], "controller": did})
            case "error":
                return Response(status_code=500)
        return Response(status_code=404)


@pytest.fixture
def evil(stage: Stage) -> EvilHost:
    host = EvilHost()
    stage.transport.apps[f"{EVIL}:443"] = host
    return host


@pytest.mark.parametrize(
    "kind",
    ["other-id", "wrong-relation", "other-key", "redirect", "redirect-inside", "huge", "deep", "html", "error", "none"],
)
async def test_K27_A02_A04_A42_a_did_document_that_is_not_as_it_should_be_is_never_accepted(
    stage: Stage, evil: EvilHost, kind: str
) -> None:
    did = f"{EVIL_DID}:{kind}"
    reply, result = await show(stage, forge(create_payload(stage.holder, iss=did), header={"kid": f"{did}#0"}))
    assert reply.status_code in (200, 400)
    assert result["report"]["accepted"] is False
    assert outcomes(result)["signature" if kind == "other-key" else "issuer_key"][0] in ("failed", "unknown")
    assert evil.asked == [f"/{kind}/did.json"]
    assert {request.url.host for request in stage.transport.requests} <= {"verifier.example", "issuer.example", EVIL}


@pytest.mark.parametrize("kid", [f"{EVIL_DID}:good#1", f"{EVIL_DID}#0", "https://169.254.169.254/#0", "#1", "0", ""])
async def test_K22_A02_A42_a_kid_that_is_not_the_issuers_own_is_refused(stage: Stage, evil: EvilHost, kid: str) -> None:
    payload = create_payload(stage.holder, iss=f"{EVIL_DID}:good")
    _, result = await show(stage, forge(payload, header={"kid": kid}))
    assert result["report"]["accepted"] is False
    assert outcomes(result)["issuer_key"][0] == "failed"


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/status",
        "https://127.0.0.1/status",
        "https://169.254.169.254/status",
        "https://[::1]/status",
        "https://2130706433/status",
        "https://metadata.internal/status",
        "https://evil.example:8443/status",
        "file:///etc/passwd",
        f"https://{EVIL}/none",
        f"https://{EVIL}/redirect-inside",
        f"https://{EVIL}/html",
    ],
)
async def test_K74_A42_a_status_list_inside_or_in_no_good_place_is_undecided_at_best(
    stage: Stage, evil: EvilHost, uri: str
) -> None:
    did = f"{EVIL_DID}:good"
    status = {"status_list": {"uri": uri, "idx": 1}}
    _, result = await show(
        stage, forge(create_payload(stage.holder, iss=did, status=status), header={"kid": f"{did}#0"})
    )
    assert result["report"]["accepted"] is False
    assert outcomes(result).get("status", ("failed", ""))[0] in ("failed", "unknown")
    assert {request.url.host for request in stage.transport.requests} <= {"verifier.example", "issuer.example", EVIL}


@pytest.mark.in_process
async def test_K74_K83_slow_hosts_end_in_undecided_in_bounded_time_and_hold_up_nobody_else(
    make_stage: MakeStage, new_sqlite_database: NewDatabase
) -> None:
    """Every skill of the question answered with a badge of another slow host; meanwhile a good badge is shown."""
    stage: Stage = await make_stage(new_sqlite_database("verifier"), verification_time_limit=timedelta(seconds=6))
    stage.transport.apps[f"{EVIL}:443"] = EvilHost()
    started = await stage.ask(*SKILL_URIS)
    wallet = stage.wallet()
    request = await wallet.read_request(started["link"])

    def bound(number: int) -> str:
        did = f"{EVIL_DID}:slow:{number}"
        raw = forge(create_payload(stage.holder, iss=did), header={"kid": f"{did}#0"})
        return raw + create_key_binding_jwt(
            raw, signer=stage.holder, audience=request.client_id, nonce=request.nonce, now=stage.clock()
        )

    shown = {f"skill_{number}_sd": [bound(number)] for number in range(1, 5)}
    form = wallet.create_form(request, Misbehaviour(change_vp_token=lambda _: shown))
    slow = asyncio.create_task(wallet.post(request, form))
    _, good = await stage.ask_and_answer(stage.holding())
    assert good["report"]["accepted"] is True
    assert not slow.done()
    # The hosts answer after an hour.
    reply = await asyncio.wait_for(slow, timeout=60)
    assert (reply.status_code, reply.json()) == (200, {})
    result = await stage.result(started)
    assert result["report"]["accepted"] is False
    assert {each["outcome"] for each in result["report"]["requirements"]} == {"undecided"}

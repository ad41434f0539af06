"""Break one thing: everything that a wallet, or somebody between, can do wrong at the response endpoint."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kernel import base64url
from kernel.keys import SoftwareSigner
from kernel.report import CHECK_CODES
from kernel.status.token_status_list import Status
from kernel.trust_list import ServiceState
from tests.support.clock import NOW
from tests.support.simulated_wallet import Misbehaviour, VpToken
from tests.verifier.conftest import SKILL_URIS, FewSkills, Stage
from tests.verifier.issuer_host import IssuerHost
from verifier.questions import AskedSkill, Requirement, create_dcql_query, create_requirements

pytestmark = pytest.mark.over_http

MALLORY = SoftwareSigner.generate()


def check(result: dict[str, Any], code: str, query_id: str = "skill_1_sd") -> tuple[str, str | None]:
    """How one check of one presentation ended."""
    shown = next(each for each in result["report"]["presentations"] if each["query_id"] == query_id)
    found = next(each for each in shown["checks"] if each["code"] == code)
    return found["outcome"], found["error_code"]


def change_disclosure(presented: str) -> str:
    """Say another skill in the first disclosure."""
    issuer_jwt, first, *rest = presented.split("~")
    content = json.loads(base64url.decode(first))
    content[-1] = {**content[-1], "targetName": "raketgeleerde"}
    return "~".join([issuer_jwt, base64url.encode(json.dumps(content).encode()), *rest])


def drop_disclosure(presented: str) -> str:
    issuer_jwt, _first, *rest = presented.split("~")
    return "~".join([issuer_jwt, *rest])


def repeat_disclosure(presented: str) -> str:
    issuer_jwt, first, *rest = presented.split("~")
    return "~".join([issuer_jwt, first, first, *rest])


def plant_disclosure(name: str, value: object) -> Callable[[str], str]:
    def plant(presented: str) -> str:
        issuer_jwt, *rest = presented.split("~")
        planted = base64url.encode(json.dumps(["c2FsdHNhbHRzYWx0c2FsdA", name, value]).encode())
        return "~".join([issuer_jwt, planted, *rest])

    return plant


def strip_key_binding(presented: str) -> str:
    return presented.rpartition("~")[0] + "~"


def change_issuer_signature(presented: str) -> str:
    issuer_jwt, *rest = presented.split("~")
    head, signature = issuer_jwt.rsplit(".", 1)
    changed = ("B" if signature[10] != "B" else "C").join([signature[:10], signature[11:]])
    return "~".join([f"{head}.{changed}", *rest])


def change_issuer_algorithm(presented: str) -> str:
    issuer_jwt, *rest = presented.split("~")
    header, payload, _signature = issuer_jwt.split(".")
    changed = {**json.loads(base64url.decode(header)), "alg": "none"}
    return "~".join([f"{base64url.encode(json.dumps(changed).encode())}.{payload}.", *rest])


FORGERIES = {
    "K36 another nonce": (Misbehaviour(nonce="fremd-nonce-aaaaaaaaaa"), "holder_binding", "nonce"),
    "K36 another audience": (Misbehaviour(audience="https://else.example"), "holder_binding", "audience"),
    "W49 A16 our id without its prefix": (
        Misbehaviour(audience="did:web:verifier.example:bakker"),
        "holder_binding",
        "audience",
    ),
    "A17 bound by another key": (Misbehaviour(signer=MALLORY), "holder_binding", "holder_binding"),
    "A16 made too long ago": (Misbehaviour(age=timedelta(minutes=7)), "holder_binding", "holder_binding"),
    "A16 made in the future": (Misbehaviour(age=timedelta(minutes=-3)), "holder_binding", "holder_binding"),
    "K37 A15 without key binding": (
        Misbehaviour(change_presentation=strip_key_binding),
        "holder_binding",
        "holder_binding",
    ),
    "A16 with a disclosure left out afterwards": (
        Misbehaviour(change_presentation=drop_disclosure),
        "holder_binding",
        "holder_binding",
    ),
    "A12 with a changed disclosure": (
        Misbehaviour(change_presentation=change_disclosure),
        "signature",
        "disclosure",
    ),
    "A11 with a disclosure twice": (Misbehaviour(change_presentation=repeat_disclosure), "signature", "disclosure"),
    "A13 with a planted issuer": (
        Misbehaviour(change_presentation=plant_disclosure("iss", "did:web:evil.example")),
        "signature",
        "disclosure",
    ),
    "A12 with a planted claim": (
        Misbehaviour(change_presentation=plant_disclosure("given_name", "Mallory")),
        "signature",
        "disclosure",
    ),
    "K36 with a changed signature": (
        Misbehaviour(change_presentation=change_issuer_signature),
        "signature",
        "signature",
    ),
    "A01 without an algorithm": (Misbehaviour(change_presentation=change_issuer_algorithm), "format", "algorithm"),
    "K68 that is no credential": (Misbehaviour(change_presentation=lambda raw: "e30.e30."), "format", "malformed"),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_A01_A11_A12_A13_A15_A16_A17_V24_V40_K73_a_forgery_is_refused_to_the_senders_face_with_every_check(
    stage: Stage, name: str
) -> None:
    misbehaviour, code, error_code = FORGERIES[name]
    reply, result = await stage.ask_and_answer(stage.holding(), misbehaviour)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    assert check(result, code) == ("failed", error_code)
    assert result["report"]["accepted"] is False
    assert result["report"]["valid"] is False
    assert {each["outcome"] for each in result["report"]["requirements"]} == {"refused"}
    assert [each["code"] for each in result["report"]["checks"]] == list(CHECK_CODES)
    assert check(result, "status") == ("unknown", "skipped")
    # The reason is said once, and first: of what is not believed nobody asks whether it answers the question.
    overall = [(each["code"], each["error_code"]) for each in result["report"]["checks"] if each["outcome"] == "failed"]
    assert overall[0] == (code, error_code)
    assert "query" not in dict(overall)
    assert result["report"]["checks"][-1]["outcome"] == "unknown"
    assert not [path for path in stage.issuer.fetched if "status" in path]


async def test_V25_one_wrong_nonce_spoils_the_whole_response(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    request = await wallet.read_request(started["link"])
    honest = wallet.create_vp_token(request)
    replayed = wallet.create_vp_token(request, Misbehaviour(nonce="another-nonce-aaaaaaaaa"))
    mixed = {"skill_1_sd": honest["skill_1_sd"], "skill_2_sd": replayed["skill_2_sd"]}
    reply = await wallet.post(request, wallet.create_form(request, Misbehaviour(change_vp_token=lambda _: mixed)))
    result = await stage.result(started)
    assert reply.status_code == 400
    assert result["report"]["accepted"] is False
    assert {each["outcome"] for each in result["report"]["requirements"]} == {"refused"}


def extra_id(vp_token: VpToken) -> VpToken:
    return {**vp_token, "another": vp_token["skill_1_sd"]}


def two_for_one(vp_token: VpToken) -> VpToken:
    return {**vp_token, "skill_1_sd": vp_token["skill_1_sd"] * 2}


NOT_PROCESSED: dict[str, tuple[str, Misbehaviour]] = {
    "V20 another state": ("direct_post.jwt", Misbehaviour(state="zmgZNeOC1kYzqZ4tnu4LRg")),
    "V20 another state in the clear": ("direct_post", Misbehaviour(state="zmgZNeOC1kYzqZ4tnu4LRg")),
    "V24 an id that was not asked": ("direct_post.jwt", Misbehaviour(change_vp_token=extra_id)),
    "V24 two presentations for one": ("direct_post.jwt", Misbehaviour(change_vp_token=two_for_one)),
    "V24 presentations that are no list": (
        "direct_post",
        Misbehaviour(change_plaintext=lambda plain: {**plain, "vp_token": {"skill_1_sd": "text"}}),
    ),
    "V24 a vp_token that is no object": (
        "direct_post",
        Misbehaviour(change_plaintext=lambda plain: {**plain, "vp_token": ["text"]}),
    ),
    "V20 no state": ("direct_post", Misbehaviour(change_form=lambda form: {"vp_token": form["vp_token"]})),
    "V20 no vp_token": ("direct_post", Misbehaviour(change_form=lambda form: {"state": form["state"]})),
    "V20 an answer and an error at once": (
        "direct_post",
        Misbehaviour(change_form=lambda form: {**form, "error": "access_denied"}),
    ),
    "A40 encrypted to another kid": (
        "direct_post.jwt",
        Misbehaviour(change_recipient=lambda jwk: {**jwk, "kid": "another"}),
    ),
    "A40 encrypted to another key": (
        "direct_post.jwt",
        Misbehaviour(change_recipient=lambda jwk: {**jwk, **public_point(MALLORY)}),
    ),
    "A40 with a changed tag": ("direct_post.jwt", Misbehaviour(change_form=lambda form: change_tag(form))),
    "A40 with another alg": (
        "direct_post.jwt",
        Misbehaviour(change_form=lambda form: change_protected(form, alg="ECDH-ES+A256KW")),
    ),
    "A40 with another enc": (
        "direct_post.jwt",
        Misbehaviour(change_form=lambda form: change_protected(form, enc="A128CBC-HS256")),
    ),
    "A40 that claims compression": (
        "direct_post.jwt",
        Misbehaviour(change_form=lambda form: change_protected(form, zip="DEF")),
    ),
}


def public_point(signer: SoftwareSigner) -> dict[str, str]:
    jwk = signer.public_key.jwk
    return {"x": jwk["x"], "y": jwk["y"]}


def change_tag(form: dict[str, str]) -> dict[str, str]:
    body, tag = form["response"].rsplit(".", 1)
    raw = bytearray(base64url.decode(tag))
    raw[0] ^= 1
    return {"response": f"{body}.{base64url.encode(bytes(raw))}"}


def change_protected(form: dict[str, str], **members: str) -> dict[str, str]:
    protected, *rest = form["response"].split(".")
    header = {**json.loads(base64url.decode(protected)), **members}
    return {"response": ".".join([base64url.encode(json.dumps(header).encode()), *rest])}


@pytest.mark.parametrize("name", NOT_PROCESSED)
async def test_V20_A40_what_cannot_be_read_changes_nothing_and_the_honest_answer_still_counts(
    stage: Stage, name: str
) -> None:
    response_mode, misbehaviour = NOT_PROCESSED[name]
    started = await stage.ask(response_mode=response_mode)
    wallet = stage.holding()
    refused = await wallet.answer(started["link"], misbehaviour)
    assert refused.status_code == 400
    assert refused.json() == {
        "error": "invalid_request",
        "error_description": "The response could not be accepted.",
    }
    assert (await stage.result(started))["state"] == "fetched"
    assert (await wallet.answer(started["link"])).status_code == 200
    assert (await stage.result(started))["report"]["accepted"] is True


async def test_V06_an_answer_in_the_clear_is_refused_where_encryption_was_asked_for(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    request = await wallet.read_request(started["link"])
    form = {"vp_token": json.dumps(wallet.create_vp_token(request)), "state": str(request.state)}
    assert (await wallet.post(request, form)).status_code == 400
    assert (await stage.result(started))["state"] == "fetched"


async def test_A40_the_key_of_another_transaction_opens_nothing(stage: Stage) -> None:
    wallet = stage.holding()
    first = await wallet.read_request((await stage.ask())["link"])
    started = await stage.ask()
    second = await wallet.read_request(started["link"])
    recipient = first.client_metadata.encryption_keys[0]
    form = wallet.create_form(second, Misbehaviour(change_recipient=lambda _: dict(recipient)))
    assert (await wallet.post(second, form)).status_code == 400
    assert (await stage.result(started))["state"] == "fetched"


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"vp_token=%7B%7D&state=a&state=a", {"content-type": "application/x-www-form-urlencoded"}),
        (b'{"vp_token": {}}', {"content-type": "application/json"}),
        (b"\xff\xfe", {"content-type": "application/x-www-form-urlencoded"}),
        (b"", {"content-type": "application/x-www-form-urlencoded"}),
        (b"&".join(b"a%d=1" % n for n in range(50)), {"content-type": "application/x-www-form-urlencoded"}),
        (b"", {}),
    ],
)
async def test_V20_a_body_that_is_no_form_is_400_and_never_422(
    stage: Stage, content: bytes, headers: dict[str, str]
) -> None:
    wallet = stage.holding()
    request = await wallet.read_request((await stage.ask())["link"])
    reply = await wallet.client.post(request.response_uri, content=content, headers=headers)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


async def test_V20_an_unknown_response_uri_gets_the_same_400(stage: Stage) -> None:
    wallet = stage.holding()
    started = await stage.ask()
    request = await wallet.read_request(started["link"])
    form = wallet.create_form(request)
    unknown = request.response_uri.rsplit("/", 1)[0] + "/mpel7V1-3FtIklF5mpel7V1-3FtIklF5"
    reply = await wallet.client.post(unknown, data=form)
    first = await wallet.post(request, form)
    again = await wallet.post(request, form)
    assert (reply.status_code, first.status_code, again.status_code) == (400, 200, 400)
    assert reply.json() == again.json()


async def test_A37_a_presentation_for_one_transaction_does_not_fit_another(stage: Stage) -> None:
    wallet = stage.holding()
    old = await wallet.read_request((await stage.ask())["link"])
    stolen = wallet.create_vp_token(old)
    started = await stage.ask()
    reply = await wallet.answer(started["link"], Misbehaviour(change_vp_token=lambda _: stolen))
    assert reply.status_code == 400
    assert check(await stage.result(started), "holder_binding") == ("failed", "nonce")


async def test_V01_after_its_time_a_transaction_takes_no_answer_and_serves_no_request(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    request = await wallet.read_request(started["link"])
    form = wallet.create_form(request)
    stage.clock.advance(timedelta(minutes=5))
    assert (await wallet.post(request, form)).status_code == 400
    assert (await wallet.client.get(started["request_uri"])).status_code == 404
    assert (await stage.result(started))["state"] == "expired"


async def test_V20_A37_A53_of_eight_posts_at_once_one_is_accepted(any_stage: Stage) -> None:
    started = await any_stage.ask()
    wallet = any_stage.holding()
    request = await wallet.read_request(started["link"])
    forms = [wallet.create_form(request) for _ in range(8)]
    replies = await asyncio.gather(*(wallet.post(request, form) for form in forms))
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 7
    assert (await any_stage.result(started))["report"]["accepted"] is True


async def test_V21_a_refusal_by_the_wallet_ends_the_transaction(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    reply = await wallet.refuse(started["link"])
    assert (reply.status_code, reply.json()) == (200, {})
    result = await stage.result(started)
    assert (result["state"], result["wallet_error"]["code"]) == ("refused", "access_denied")
    assert "report" not in result
    assert (await wallet.client.get(started["request_uri"])).status_code == 404


@pytest.mark.parametrize(
    "said",
    ["invalid_request", "invalid_scope", "invalid_client", "access_denied", "vp_formats_not_supported",
     "invalid_request_uri_method", "invalid_transaction_data", "wallet_unavailable"],
)  # fmt: skip
async def test_W53_V21_every_word_of_a_wallet_that_does_not_answer_is_understood(stage: Stage, said: str) -> None:
    """OpenID4VP 1.0 §8.5."""
    started = await stage.ask()
    assert (await stage.holding().refuse(started["link"], said)).status_code == 200
    result = await stage.result(started)
    assert (result["state"], result["wallet_error"]["code"]) == ("refused", said)
    assert all(result["wallet_error"]["text"].values())


async def test_V21_an_unknown_word_of_a_wallet_is_kept_as_other(stage: Stage) -> None:
    started = await stage.ask()
    await stage.holding().refuse(started["link"], "<script>")
    assert (await stage.result(started))["wallet_error"]["code"] == "other"


# --- what was shown is genuine, but not good enough: 200, and the report says no ---


async def test_K46_an_expired_badge_is_reported_as_expired(stage: Stage) -> None:
    wallet = stage.holding(expires_at=NOW - timedelta(days=1))
    reply, result = await stage.ask_and_answer(wallet)
    assert reply.status_code == 200
    assert check(result, "validity") == ("failed", "expired")
    assert check(result, "signature") == ("passed", None)
    assert check(result, "issuer_recognised") == ("passed", None)
    assert result["report"]["accepted"] is False
    assert not [path for path in stage.issuer.fetched if "status" in path]


@pytest.mark.parametrize(("status", "code"), [(Status.INVALID, "revoked"), (Status.SUSPENDED, "suspended")])
async def test_K73_a_withdrawn_badge_is_reported_with_its_meaning(stage: Stage, status: Status, code: str) -> None:
    wallet = stage.holding()
    stage.issuer.set_status(stage.badge_index, status)
    reply, result = await stage.ask_and_answer(wallet)
    assert reply.status_code == 200
    assert check(result, "status") == ("failed", code)
    assert result["report"]["valid"] is False
    assert result["report"]["recognised"] is True


async def test_K72_a_status_value_that_nobody_assigned_is_not_valid(stage: Stage) -> None:
    wallet = stage.holding()
    stage.issuer.statuses.set(stage.badge_index, 3)
    _, result = await stage.ask_and_answer(wallet)
    assert check(result, "status") == ("failed", "rejected")


def break_the_host(stage: Stage) -> None:
    stage.issuer.status_is_down = True


def sign_by_another(stage: Stage) -> None:
    stage.issuer.list_signer = MALLORY


def name_another_list(stage: Stage) -> None:
    stage.issuer.list_uri = "https://issuer.example/stmw/status/2"


def let_it_expire(stage: Stage) -> None:
    stage.issuer.list_age = timedelta(days=3)


@pytest.mark.parametrize("break_it", [break_the_host, sign_by_another, name_another_list, let_it_expire])
async def test_K74_A46_a_status_list_that_cannot_be_had_is_unknown_and_never_valid(
    stage: Stage, break_it: Callable[[Stage], None]
) -> None:
    wallet = stage.holding()
    break_it(stage)
    reply, result = await stage.ask_and_answer(wallet)
    assert reply.status_code == 200
    assert check(result, "status") == ("unknown", "undecided")
    assert (result["report"]["valid"], result["report"]["accepted"]) == (False, False)
    assert {each["outcome"] for each in result["report"]["requirements"]} == {"undecided"}
    assert result["report"]["answer"]["nl"] == "Voldoet aan geen van de 2 eisen, 2 konden niet worden nagekeken"


async def test_K73_a_status_index_beyond_the_list_is_refused(stage: Stage) -> None:
    stage.issuer._next_index = 200_000
    _, result = await stage.ask_and_answer(stage.holding())
    assert check(result, "status") == ("failed", "rejected")


async def test_K75_a_status_list_is_not_kept_beyond_its_ttl(stage: Stage) -> None:
    wallet = stage.holding()
    _, result = await stage.ask_and_answer(wallet)
    assert check(result, "status") == ("passed", None)
    stage.issuer.set_status(stage.badge_index, Status.INVALID)
    stage.clock.advance(timedelta(seconds=2))
    _, result = await stage.ask_and_answer(wallet)
    assert check(result, "status") == ("failed", "revoked")


async def test_K70_a_badge_without_status_is_accepted_and_says_so(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding(with_status=False))
    assert check(result, "status") == ("not_applicable", None)
    assert result["report"]["accepted"] is True


async def test_T01_a_badge_of_an_unlisted_issuer_is_valid_but_not_recognised(stage: Stage) -> None:
    stranger = IssuerHost(stage.clock, host="unknown.example", slug="ander")
    stage.transport.apps["unknown.example:443"] = stranger.app()
    reply, result = await stage.ask_and_answer(stage.holding(issuer=stranger))
    report = result["report"]
    assert reply.status_code == 200
    assert check(result, "issuer_recognised") == ("failed", "issuer")
    assert (report["valid"], report["recognised"], report["accepted"]) == (True, False, False)
    assert {each["outcome"] for each in report["requirements"]} == {"unrecognised"}
    recognised = next(each for each in report["checks"] if each["code"] == "issuer_recognised")
    assert recognised["evidence"]["recognition"] == "not_listed"


TRUST_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "T04 not for this achievement type": ({"achievement_types": frozenset({"Diploma"})}, "not_for_this_type"),
    "T04 not for this credential type": ({"credential_types": frozenset({"urn:other"})}, "not_for_this_type"),
    "A47 withdrawn before issuance": (
        {"states": (ServiceState("withdrawn", NOW - timedelta(days=60)),)},
        "withdrawn",
    ),
    "A47 listed with another key": ({"key": MALLORY}, "not_listed"),
}


@pytest.mark.parametrize("name", TRUST_CASES)
async def test_T06_the_list_says_why_an_issuer_is_not_recognised(stage: Stage, name: str) -> None:
    changes, recognition = TRUST_CASES[name]
    stage.write_trust_list(stage.issuer, sequence=2, **changes)
    _, result = await stage.ask_and_answer(stage.holding())
    found = next(each for each in result["report"]["checks"] if each["code"] == "issuer_recognised")
    assert (found["outcome"], found["evidence"]["recognition"]) == ("failed", recognition)
    assert (result["report"]["valid"], result["report"]["accepted"]) == (True, False)


async def test_T04_an_issuer_whose_recognition_was_withdrawn_after_issuance_counts(stage: Stage) -> None:
    states = (
        ServiceState("withdrawn", NOW - timedelta(days=10)),
        ServiceState("granted", NOW - timedelta(days=100)),
    )
    stage.write_trust_list(stage.issuer, sequence=2, states=states)
    _, result = await stage.ask_and_answer(stage.holding())
    assert result["report"]["recognised"] is True


async def test_T03_A47_without_a_good_list_recognition_is_unknown(stage: Stage) -> None:
    stage.write_trust_list(stage.issuer, next_update=NOW + timedelta(hours=1))
    stage.clock.advance(timedelta(hours=2))
    _, result = await stage.ask_and_answer(stage.holding())
    assert check(result, "issuer_recognised") == ("unknown", "undecided")
    assert (result["report"]["valid"], result["report"]["accepted"]) == (True, False)


async def test_A49_another_vct_does_not_answer_the_query(stage: Stage) -> None:
    wallet = stage.holding(type_id="https://evil.example/vct/1")
    started = await stage.ask()
    request = await wallet.read_request(started["link"])
    held = wallet.held[0]
    answers = stage.holding().match(request).answers["skill_1_sd"]
    forced = {"skill_1_sd": [wallet._present(held, answers[0].disclose, request, Misbehaviour())]}
    reply = await wallet.answer(started["link"], Misbehaviour(change_vp_token=lambda _: forced))
    result = await stage.result(started)
    assert reply.status_code == 200
    assert check(result, "query") == ("failed", "query")
    assert check(result, "issuer_recognised")[0] == "failed"


async def test_V28_A18_a_skill_that_was_not_disclosed_does_not_count(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    request = await wallet.read_request(started["link"])
    swapped = wallet.create_vp_token(request)
    swapped = {"skill_1_sd": swapped["skill_2_sd"], "skill_2_sd": swapped["skill_1_sd"]}
    reply = await wallet.answer(started["link"], Misbehaviour(change_vp_token=lambda _: swapped))
    result = await stage.result(started)
    assert reply.status_code == 200
    assert check(result, "query") == ("failed", "query")
    assert result["report"]["valid"] is True
    assert result["report"]["accepted"] is False


async def test_V24_a_presentation_that_fails_is_left_out_and_the_rest_is_judged(stage: Stage) -> None:
    """The badge is shown in both formats; the one that is broken does not spoil the other."""
    wallet = stage.holding("dc+sd-jwt", expires_at=NOW - timedelta(days=1))
    raw, _ = stage.issuer.issue("vc+sd-jwt", holder=stage.holder)
    wallet.keep(raw, stage.holder, stage.issuer.signer.public_key)
    reply, result = await stage.ask_and_answer(wallet)
    assert reply.status_code == 200
    assert check(result, "validity", "skill_1_sd") == ("failed", "expired")
    assert result["report"]["accepted"] is True
    assert [each["accepted"] for each in result["report"]["presentations"]].count(True) == 2


async def test_V24_half_an_answer_says_which_half_is_missing(stage: Stage) -> None:
    wallet = stage.holding()
    only_first = Misbehaviour(change_vp_token=lambda vp_token: {"skill_1_sd": vp_token["skill_1_sd"]})
    reply, result = await stage.ask_and_answer(wallet, only_first)
    assert reply.status_code == 200
    assert [each["outcome"] for each in result["report"]["requirements"]] == ["met", "not_shown"]
    assert result["report"]["accepted"] is False
    assert result["report"]["answer"]["en"] == "Meets 1 of the 2 requirements, 1 is not proven yet"


async def test_V24_what_is_left_when_a_badge_does_not_count_is_not_said_to_be_another_answer(stage: Stage) -> None:
    """The line about the whole answer points at the badge that does not count; what the other one proves stands."""
    started = await stage.ask()
    good, lapsed = stage.holding(), stage.holding(expires_at=NOW - timedelta(days=1))
    request = await good.read_request(started["link"])
    mixed = {
        "skill_1_sd": good.create_vp_token(request)["skill_1_sd"],
        "skill_2_sd": lapsed.create_vp_token(request)["skill_2_sd"],
    }
    await good.answer(started["link"], Misbehaviour(change_vp_token=lambda _: mixed))
    report = (await stage.result(started))["report"]
    assert [each["outcome"] for each in report["requirements"]] == ["met", "refused"]
    [line] = [each for each in report["checks"] if each["code"] == "query"]
    assert (line["outcome"], line["error_code"], line["evidence"]) == ("failed", "query", {"left_out": 1})
    assert line["text"]["en"].startswith("A badge that was shared does not count.")


async def test_V24_an_empty_answer_is_no_acceptance(stage: Stage) -> None:
    reply, result = await stage.ask_and_answer(stage.holding(), Misbehaviour(change_vp_token=lambda _: {}))
    assert reply.status_code == 200
    report = result["report"]
    assert (report["accepted"], report["valid"], report["recognised"]) == (False, False, False)
    assert {each["outcome"] for each in report["checks"]} == {"unknown", "failed"}


async def test_V29_badges_with_one_key_are_said_to_be_one_persons(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    assert (
        result["report"]["same_person"]["en"]
        == "Everything that was shared belongs to one person: the same key proves it."
    )
    assert {each["holder"] for each in result["report"]["presentations"]} == {1}


async def test_V29_badges_with_two_keys_are_reported_as_separate(stage: Stage) -> None:
    wallet = stage.holding("dc+sd-jwt")
    other = SoftwareSigner.generate()
    raw, _ = stage.issuer.issue("vc+sd-jwt", holder=other)
    wallet.keep(raw, other, stage.issuer.signer.public_key)
    _, result = await stage.ask_and_answer(wallet)
    assert {each["holder"] for each in result["report"]["presentations"]} == {1, 2}
    assert "not proven" in result["report"]["same_person"]["en"]


async def test_K26_an_issuer_that_does_not_list_the_key_is_not_believed(stage: Stage) -> None:
    wallet = stage.holding(signer=MALLORY)
    reply, result = await stage.ask_and_answer(wallet)
    assert reply.status_code == 400
    assert check(result, "signature") == ("failed", "signature")


async def test_K27_an_issuer_that_does_not_answer_leaves_everything_unknown(stage: Stage) -> None:
    wallet = stage.holding()
    stage.transport.down.add("issuer.example:443")
    reply, result = await stage.ask_and_answer(wallet)
    assert reply.status_code == 200
    assert check(result, "issuer_key") == ("unknown", "undecided")
    assert check(result, "signature") == ("unknown", "skipped")
    assert result["report"]["accepted"] is False


async def test_S10_a_narrower_skill_answers_a_broader_question(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding(), skills=[{"uri": FewSkills.BROADER}])
    assert result["report"]["accepted"] is True
    assert result["report"]["requirements"][0]["uri"] == FewSkills.BROADER


async def test_S04_a_skill_answers_a_question_that_names_it_by_another_of_its_addresses(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding(), skills=[{"uri": FewSkills.ALIAS, "name": "denken"}])
    assert result["report"]["accepted"] is True
    assert result["report"]["requirements"][0]["uri"] == FewSkills.ALIAS
    unknown = [{"uri": f"{FewSkills.ALIAS}0", "name": "denken"}]
    _, result = await stage.ask_and_answer(stage.holding(), skills=unknown)
    assert result["report"]["accepted"] is False


def matches(result: dict[str, Any], requirement: str) -> set[str]:
    """What the skills that were shown are to this one of those that were asked for."""
    skills = [skill for badge in result["shown"].values() for skill in badge["skills"]]
    return {skill["match"][requirement] for skill in skills if requirement in skill["match"]}


async def test_S05_an_exact_match_answers_and_is_said_to_be_one(stage: Stage) -> None:
    wanted = [{"uri": FewSkills.EXACT, "name": "Onderzoek"}, {"uri": SKILL_URIS[0]}, {"uri": FewSkills.BROADER}]
    _, result = await stage.ask_and_answer(stage.holding(), skills=wanted)
    assert result["report"]["accepted"] is True
    assert [matches(result, f"skill_{number}") for number in (1, 2, 3)] == [{"equal"}, {"same"}, {"narrower"}]
    # What was asked for stays what was asked for: the report calls no skill by another's address.
    assert [line["uri"] for line in result["report"]["requirements"]] == [skill["uri"] for skill in wanted]


@pytest.mark.parametrize("way", ["dc+sd-jwt", "ldp_vc"])
async def test_S05_a_related_skill_is_no_answer_and_is_said_to_be_related(stage: Stage, way: str) -> None:
    """Close, broader or narrower in another taxonomy: never asked for, and no proof where a whole badge shows it."""
    wanted = [{"uri": SKILL_URIS[0]}, {"uri": FewSkills.CLOSE, "name": "Zoiets", "required": False}]
    _, result = await stage.ask_and_answer(stage.holding(way), skills=wanted)
    assert [line["outcome"] for line in result["report"]["requirements"]] == ["met", "not_shown"]
    assert matches(result, "skill_2") == (set() if way == "dc+sd-jwt" else {"related"})


def test_S05_related_skills_are_in_no_question() -> None:
    asked = [AskedSkill(FewSkills.CLOSE, {"nl": "Zoiets"}), AskedSkill(FewSkills.EXACT, {"nl": "Onderzoek"})]
    close, exact = create_requirements(asked, index=FewSkills())
    assert (close.accepted, close.equal, close.related) == ((FewSkills.CLOSE,), (), (SKILL_URIS[1],))
    assert (exact.accepted, exact.equal, exact.related) == ((FewSkills.EXACT, SKILL_URIS[1]), (SKILL_URIS[1],), ())
    query = create_dcql_query([close, exact], vct_values=["a"], type_values=["b"])
    values = [claim["values"] for each in query["credentials"] for claim in each["claims"]]
    assert SKILL_URIS[1] not in [value for each in values if FewSkills.CLOSE in each for value in each]
    assert Requirement.from_json(exact.as_json()) == exact


async def test_V07_a_welcome_skill_that_is_missing_does_not_spoil_the_answer(stage: Stage) -> None:
    wanted = [{"uri": SKILL_URIS[0]}, {"uri": "https://elsewhere.example/skill/9", "name": "lijmen", "required": False}]
    _, result = await stage.ask_and_answer(stage.holding(), skills=wanted)
    assert result["report"]["accepted"] is True
    assert [each["outcome"] for each in result["report"]["requirements"]] == ["met", "not_shown"]
    assert result["report"]["answer"]["nl"] == "Voldoet aan de eis"

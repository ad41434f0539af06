"""The management API: keys with scopes, relying parties that never see one another, problem details. V-43, A-52."""

from typing import Any

import httpx
import pytest

from tests.support.gates import JSON, UNREADABLE, guarded_operations
from tests.verifier.conftest import ADMIN_KEY, SKILL_URIS, FewSkills, Stage
from verifier.relying_parties import RELYING_PARTY_SCOPES

QUESTION = {"title": "Adviseur", "purpose": "Vacature", "skills": [{"uri": SKILL_URIS[0]}]}
PARTY = "/api/relying-parties/bakker"


async def other_party(stage: Stage) -> httpx.AsyncClient:
    created = await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    return stage.client({"authorization": f"Bearer {created.json()['api_key']}"})


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer wrong", "Basic YTpi", ADMIN_KEY])
async def test_A52_without_a_good_key_everything_is_401_with_a_challenge(
    stage: Stage, authorization: str | None
) -> None:
    client = stage.client({} if authorization is None else {"authorization": authorization})
    for method, path in (("GET", f"{PARTY}/questions"), ("POST", "/api/relying-parties"), ("GET", PARTY)):
        refused = await client.request(method, path, json={"slug": "x", "name": "x"})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.headers["content-type"] == "application/problem+json"


async def test_A52_whoever_may_not_do_something_is_told_so_before_their_body_is_read(stage: Stage) -> None:
    """Every operation of the document: 401 without a key and 403 without its scope, whatever the body is."""
    keys = {"relying-parties:write": stage.api_key}
    for missing in RELYING_PARTY_SCOPES:
        body = {"name": "bijna alles", "scopes": sorted(RELYING_PARTY_SCOPES - {missing})}
        keys[missing] = (await stage.api.post(f"{PARTY}/keys", json=body)).json()["api_key"]
    operations = list(guarded_operations(stage.app.openapi(), slug="bakker"))
    assert {scope for _, _, scope in operations} == {*keys, None}
    for method, path, scope in operations:
        stranger = await stage.client().request(method, path, content=UNREADABLE, headers=JSON)
        assert (stranger.status_code, stranger.json()["code"]) == (401, "unauthorized"), path
        if scope is not None:
            client = stage.client({"Authorization": f"Bearer {keys[scope]}"})
            refused = await client.request(method, path, content=UNREADABLE, headers=JSON)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), (method, path)


async def test_A52_the_document_names_the_key_on_every_path_but_the_open_one(stage: Stage) -> None:
    documented = {
        (path, method): operation.get("security")
        for path, operations in stage.app.openapi()["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/")
    }
    assert [each for each, security in documented.items() if security is None] == [("/api/skills", "get")]


async def test_A52_another_relying_party_looks_like_one_that_does_not_exist(stage: Stage) -> None:
    question = (await stage.api.post(f"{PARTY}/questions", json=QUESTION)).json()
    started = await stage.ask()
    stranger = await other_party(stage)
    for path in (
        PARTY,
        f"{PARTY}/questions",
        f"{PARTY}/questions/{question['id']}",
        f"{PARTY}/presentations/{started['id']}",
        f"/api/relying-parties/ander/questions/{question['id']}",
        f"/api/relying-parties/ander/presentations/{started['id']}",
    ):
        refused = await stranger.get(path)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), path
    body = {"question_id": question["id"]}
    refused = await stranger.post("/api/relying-parties/ander/presentations", json=body)
    assert refused.status_code == 404


async def test_A52_a_key_can_do_what_its_scopes_say_and_no_more(stage: Stage) -> None:
    made = await stage.api.post(f"{PARTY}/keys", json={"name": "ats", "scopes": ["questions:read"]})
    narrow = stage.client({"authorization": f"Bearer {made.json()['api_key']}"})
    assert (await narrow.get(f"{PARTY}/questions")).status_code == 200
    for method, path, body in (
        ("POST", f"{PARTY}/questions", QUESTION),
        ("POST", f"{PARTY}/presentations", {"purpose": "x", "skills": [{"uri": SKILL_URIS[0]}]}),
        ("POST", f"{PARTY}/keys", {"name": "more", "scopes": ["questions:write"]}),
        ("POST", f"{PARTY}/operators", {"email": "a@b.example", "name": "A", "passphrase": "x" * 20}),
        ("POST", "/api/relying-parties", {"slug": "new", "name": "New"}),
    ):
        refused = await narrow.request(method, path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path


async def test_A52_a_relying_partys_key_cannot_be_given_the_deployments_rights(stage: Stage) -> None:
    refused = await stage.api.post(f"{PARTY}/keys", json={"name": "x", "scopes": ["relying-parties:write"]})
    assert (refused.status_code, refused.json()["fields"]) == (400, {"scopes": "unknown"})


async def test_A52_a_key_cannot_give_another_key_more_than_it_has(stage: Stage) -> None:
    narrow = await stage.api.post(
        "/api/relying-parties/bakker/keys", json={"name": "keys", "scopes": ["keys:write", "questions:read"]}
    )
    client = stage.client({"authorization": f"Bearer {narrow.json()['api_key']}"})
    for scopes, status in ((["questions:read"], 201), (["presentations:read"], 403), (["nothing:such"], 400)):
        response = await client.post("/api/relying-parties/bakker/keys", json={"name": "more", "scopes": scopes})
        assert response.status_code == status, scopes


@pytest.mark.parametrize(
    "return_uri",
    [
        "https://[::1",
        "https://a b.example/",
        "https://bakker.example/#",
        "https://bak\nker.example/",
        "https://bakker.example:99999999/",
        "https://shop@bakker.example/",
        "//bakker.example/",
        "http://bakker.example/",
        "javascript:alert(1)",
        "https://10.0.0.1/",
    ],
)
async def test_A35_a_return_address_that_is_no_proper_one_is_400(stage: Stage, return_uri: str) -> None:
    response = await stage.api.post(
        "/api/relying-parties/bakker/presentations",
        json={
            "purpose": "Vacature",
            "skills": [{"uri": SKILL_URIS[0]}],
            "flow": "same_device",
            "return_uri": return_uri,
        },
    )
    assert (response.status_code, response.json()["fields"]) == (400, {"return_uri": "not_allowed"})


@pytest.mark.parametrize("uri", ["http://[", "https://[x]/", "http://", "http:x", "http://a b/", "ftp://a.example/"])
async def test_S04_a_skill_that_is_no_web_address_is_400(stage: Stage, uri: str) -> None:
    response = await stage.api.post(
        "/api/relying-parties/bakker/presentations", json={"purpose": "Vacature", "skills": [{"uri": uri}]}
    )
    assert (response.status_code, response.json()["fields"]) == (400, {"skills": "uri"})


async def test_A52_a_nul_character_is_refused_in_bodies_forms_and_addresses(any_stage: Stage) -> None:
    body = {"slug": "nul", "name": "Nul\x00len"}
    assert (await any_stage.admin.post("/api/relying-parties", json=body)).status_code == 400
    assert (await any_stage.browser.get("/%00/did.json")).status_code == 404
    assert (await any_stage.browser.get("/ask/bakker/%00")).status_code == 404
    page = await any_stage.browser.get("/sign-in")
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    response = await any_stage.browser.post(
        "/sign-in", data={"csrf_token": token, "email": "a\x00@bakker.example", "passphrase": "x"}
    )
    assert response.status_code == 400


async def test_A52_a_revoked_key_opens_nothing(stage: Stage) -> None:
    made = (await stage.api.post(f"{PARTY}/keys", json={"name": "ats", "scopes": ["questions:read"]})).json()
    listed = (await stage.api.get(f"{PARTY}/keys")).json()["keys"]
    assert made["api_key"] not in str(listed)
    found = next(key for key in listed if key["name"] == "ats")
    assert (await stage.api.delete(f"{PARTY}/keys/{found['id']}")).status_code == 204
    client = stage.client({"authorization": f"Bearer {made['api_key']}"})
    assert (await client.get(f"{PARTY}/questions")).status_code == 401
    assert (await stage.api.delete(f"{PARTY}/keys/{found['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("slug", "status", "code"),
    [
        ("bakker", 409, "slug_taken"),
        ("back-office", 409, "slug_taken"),
        ("result", 409, "slug_taken"),
        ("ask", 409, "slug_taken"),
        ("Bakker", 400, "input"),
        ("-x", 400, "input"),
        ("a/b", 400, "input"),
        ("..", 400, "input"),
        ("", 400, "input"),
    ],
)
async def test_a_slug_is_free_and_can_stand_in_an_address(stage: Stage, slug: str, status: int, code: str) -> None:
    refused = await stage.admin.post("/api/relying-parties", json={"slug": slug, "name": "X"})
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_questions_are_saved_listed_asked_and_put_away(stage: Stage) -> None:
    created = (await stage.api.post(f"{PARTY}/questions", json=QUESTION)).json()
    assert created["retention_hours"] == 24
    assert created["skills"][0]["names"]["nl"]
    assert (await stage.api.get(f"{PARTY}/questions")).json()["questions"] == [created]
    started = await stage.api.post(f"{PARTY}/presentations", json={"question_id": created["id"]})
    assert started.status_code == 201
    await stage.holding().answer(started.json()["link"])
    assert (await stage.result(started.json()))["report"]["accepted"] is True
    assert (await stage.api.delete(f"{PARTY}/questions/{created['id']}")).status_code == 204
    assert (await stage.api.get(f"{PARTY}/questions")).json()["questions"] == []
    gone = await stage.api.post(f"{PARTY}/presentations", json={"question_id": created["id"]})
    assert gone.status_code == 404
    assert (await stage.result(started.json()))["state"] == "settled"


BAD_QUESTIONS: dict[str, dict[str, Any]] = {
    "no skills": {"skills": []},
    "only welcome skills": {"skills": [{"uri": SKILL_URIS[0], "required": False}]},
    "the same skill twice": {"skills": [{"uri": SKILL_URIS[0]}, {"uri": SKILL_URIS[0]}]},
    "too many skills": {"skills": [{"uri": f"https://x.example/{n}"} for n in range(21)]},
    "a skill that is no address": {"skills": [{"uri": "metselen"}]},
    "a script for an address": {"skills": [{"uri": "javascript:alert(1)"}]},
    "no purpose": {"purpose": " "},
    "negative retention": {"retention_hours": -1},
    "retention for years": {"retention_hours": 10_000},
    "a member that is not known": {"relying_party_id": "another"},
    "skills that are no list": {"skills": {"uri": SKILL_URIS[0]}},
}


@pytest.mark.parametrize("name", BAD_QUESTIONS)
async def test_V07_a_question_that_cannot_be_asked_is_400_and_names_the_field(stage: Stage, name: str) -> None:
    refused = await stage.api.post(f"{PARTY}/questions", json={**QUESTION, **BAD_QUESTIONS[name]})
    assert refused.status_code == 400
    assert refused.json()["fields"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"purpose": "x"},
        {"skills": [{"uri": SKILL_URIS[0]}]},
        {"question_id": "a", "skills": [{"uri": SKILL_URIS[0]}]},
        {"purpose": "x", "skills": [{"uri": SKILL_URIS[0]}], "flow": "other"},
        {"purpose": "x", "skills": [{"uri": SKILL_URIS[0]}], "response_mode": "fragment"},
    ],
)
async def test_V43_a_presentation_needs_a_question_or_skills_with_a_purpose(stage: Stage, body: dict[str, Any]) -> None:
    assert (await stage.api.post(f"{PARTY}/presentations", json=body)).status_code == 400


async def test_V40_the_report_has_its_words_in_both_languages(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    for check in result["report"]["checks"]:
        assert check["text"]["nl"]
        assert check["text"]["en"]
        assert check["text"]["nl"] != check["text"]["en"]


async def test_V40_the_report_names_the_evidence(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    evidence = {check["code"]: check["evidence"] for check in result["report"]["presentations"][0]["checks"]}
    assert evidence["issuer_key"]["key_id"] == stage.issuer.key_id
    assert evidence["status"]["list"] == stage.issuer.status_uri
    assert evidence["status"]["checked_at"].startswith("2026-05-28T12:00")
    assert evidence["issuer_recognised"]["list"] == "Skillsregio Rivierenland"
    assert evidence["issuer_recognised"]["entity"] == "Stichting Stimulering Techniek Maas en Waal"


async def test_skills_are_found_in_two_languages(stage: Stage) -> None:
    found = (await stage.api.get("/api/skills", params={"q": "onderzoek", "language": "nl"})).json()
    assert found["skills"] == []
    found = (await stage.api.get("/api/skills", params={"q": "research", "language": "nl"})).json()
    assert [(each["name"], each["language"]) for each in found["skills"]] == [("doing research", "en")]
    assert (await stage.api.get("/api/skills", params={"q": "x", "language": "fr"})).status_code == 400
    assert FewSkills().available


async def test_A52_a_settled_request_is_not_listed_for_another_relying_party(stage: Stage) -> None:
    await stage.ask()
    stranger = await other_party(stage)
    assert (await stranger.get("/api/relying-parties/ander/presentations")).json()["presentations"] == []


@pytest.mark.parametrize("name", ["\u200b", "Bakker\u202e", "\u3164", "nul\x00", "soft\u00adhyphen"])
async def test_A08_A41_a_text_that_nobody_can_see_is_refused(stage: Stage, name: str) -> None:
    for path, body in (
        ("/api/relying-parties", {"slug": "ander", "name": name}),
        (f"{PARTY}/keys", {"name": name, "scopes": ["questions:read"]}),
        (f"{PARTY}/questions", {**QUESTION, "title": name}),
    ):
        client = stage.admin if path == "/api/relying-parties" else stage.api
        refused = await client.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed"), path

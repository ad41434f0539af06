"""The management API: keys with scopes, organisations that do not see each other, awards that happen once."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from issuer.api import protocol_routes
from issuer.api_keys import keep_admin_key
from issuer.credential_issuer import CredentialIssuer
from issuer.housekeeping import clean_up
from kernel.microcredential import (
    QualityAssurance,
    Supervision,
    missing_elements,
    read_microcredential_badge,
    read_microcredential_claims,
)
from runtime.badge_facts import create_facts
from tests.conftest import NewDatabase
from tests.issuer.conftest import ORG, SKILLS, SLUG, Issuer, achievement, create_issuer, recipient
from tests.support.clock import FixedClock

ROUTES = [
    ("POST", "/organisations", "organisations:write"),
    ("GET", f"/organisations/{ORG}", "awards:read"),
    ("POST", f"/organisations/{ORG}/operators", "organisations:write"),
    ("POST", f"/organisations/{ORG}/api-keys", "organisations:write"),
    ("POST", f"/organisations/{ORG}/signing-keys", "organisations:write"),
    ("POST", f"/organisations/{ORG}/achievements", "achievements:write"),
    ("GET", f"/organisations/{ORG}/achievements", "awards:read"),
    ("PUT", f"/organisations/{ORG}/achievements/{SLUG}", "achievements:write"),
    ("POST", f"/organisations/{ORG}/achievements/{SLUG}/awards", "awards:write"),
    ("GET", f"/organisations/{ORG}/awards", "awards:read"),
    ("POST", f"/organisations/{ORG}/awards/{{award}}/offer", "awards:write"),
    ("POST", f"/organisations/{ORG}/awards/{{award}}/drop-claims", "awards:write"),
    ("POST", f"/organisations/{ORG}/awards/{{award}}/file", "awards:write"),
    ("GET", f"/organisations/{ORG}/awards/{{award}}/elm", "awards:read"),
    ("POST", f"/organisations/{ORG}/awards/{{award}}/revoke", "status:write"),
]
BODIES: dict[str, Any] = {
    "/organisations": {"slug": "nieuw", "name": "Nieuw"},
    "operators": {"email": "staf@stmw.example", "name": "Staf", "passphrase": "een lange wachtzin"},
    "api-keys": {"name": "lms", "scopes": ["organisations:write"]},
    "achievements": achievement(slug="nieuwe-badge"),
    SLUG: achievement(),
    "awards": {"recipients": [recipient(5)]},
    "offer": {},
    "revoke": {"reason": "Vergissing"},
}


def body_for(path: str) -> Any:
    return BODIES.get(path.rpartition("/")[2] if path != "/organisations" else path)


async def create_key(issuer: Issuer, *scopes: str, org: str = ORG) -> dict[str, str]:
    response = await issuer.api("POST", f"/organisations/{org}/api-keys", json={"name": "test", "scopes": list(scopes)})
    assert response.status_code == 201, response.text
    return {"Authorization": f"Bearer {response.json()['api_key']}"}


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
@pytest.mark.parametrize("authorization", ["", "Bearer swi_onbekend", "Basic abc"])
async def test_A52_no_route_answers_without_a_known_key(
    issuer: Issuer, method: str, path: str, scope: str, authorization: str
) -> None:
    path = path.format(award="00000000-0000-0000-0000-000000000000")
    headers = {"Authorization": authorization}
    response = await issuer.client.request(method, f"/api{path}", json=body_for(path), headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "api_key")


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_A52_every_route_needs_its_scope_and_no_other(issuer: Issuer, method: str, path: str, scope: str) -> None:
    path = path.format(award=(await issuer.award())["id"])
    every = {"organisations:write", "achievements:write", "awards:write", "awards:read", "status:write"}
    without = await create_key(issuer, *(every - {scope}))
    refused = await issuer.api(method, path, json=body_for(path), headers=without)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope")
    if path != "/organisations":
        headers = {**await create_key(issuer, scope), "If-Match": '"1"'}
        allowed = await issuer.api(method, path, json=body_for(path), headers=headers)
        assert allowed.status_code in {200, 201}, allowed.text


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_A52_a_key_of_one_organisation_does_not_find_another(
    issuer: Issuer, method: str, path: str, scope: str
) -> None:
    await issuer.add_organisation("ander")
    path = path.format(award=(await issuer.award())["id"])
    foreign = await create_key(issuer, scope, org="ander")
    response = await issuer.api(method, path, json=body_for(path), headers=foreign)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_A52_an_award_of_another_organisation_is_not_found_even_with_its_id(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    award = await issuer.award()
    path = f"/organisations/ander/awards/{award['id']}"
    for method, suffix, body in (
        ("GET", "", None),
        ("POST", "/offer", {}),
        ("POST", "/revoke", {"reason": "x"}),
        ("POST", "/drop-claims", None),
    ):
        assert (await issuer.api(method, path + suffix, json=body)).status_code == 404
    assert (await issuer.get_award(award["id"]))["state"] == "offered"


async def test_a_key_makes_no_key_that_may_do_more_than_itself(issuer: Issuer) -> None:
    limited = await create_key(issuer, "organisations:write")
    response = await issuer.api(
        "POST", f"/organisations/{ORG}/api-keys", json={"name": "x", "scopes": ["status:write"]}, headers=limited
    )
    assert response.status_code == 403


async def test_a_withdrawn_key_is_refused_and_keys_are_kept_as_hashes(issuer: Issuer) -> None:
    made = (
        await issuer.api("POST", f"/organisations/{ORG}/api-keys", json={"name": "lms", "scopes": ["awards:read"]})
    ).json()
    async with issuer.database.reading() as session:
        stored = str((await session.execute(text("SELECT * FROM api_keys"))).all())
    assert made["api_key"] not in stored
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards", headers=headers)).status_code == 200
    assert (await issuer.api("DELETE", f"/organisations/{ORG}/api-keys/{made['id']}")).status_code == 204
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards", headers=headers)).status_code == 401


async def test_who_may_only_read_sees_no_link_and_no_code(issuer: Issuer) -> None:
    award = await issuer.award()
    reader = await create_key(issuer, "awards:read")
    listed = await issuer.api("GET", f"/organisations/{ORG}/awards", headers=reader)
    one = await issuer.api("GET", f"/organisations/{ORG}/awards/{award['id']}", headers=reader)
    assert listed.json()["awards"][0]["offer"] is None
    assert one.json()["offer"] is None
    assert (await issuer.get_award(award["id"]))["offer"]["tx_code"] == award["offer"]["tx_code"]


async def test_the_key_of_the_settings_opens_a_fresh_deployment(new_database: NewDatabase, clock: FixedClock) -> None:
    key = "k" * 40
    issuer = await create_issuer(new_database("issuer"), clock, admin_key=key)
    for _ in range(2):
        await keep_admin_key(issuer.database, issuer.settings, now=clock())
    response = await issuer.client.get(f"/api/organisations/{ORG}", headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 200
    await issuer.app.state.service.close()


# Organisations and achievements


async def test_an_organisation_answers_with_what_a_trust_list_needs(issuer: Issuer) -> None:
    made = await issuer.add_organisation("ander", registration_number="KVK 1")
    assert made["did"] == "did:web:issuer.example:ander"
    assert made["credential_issuer"] == "https://issuer.example/ander"
    assert made["kid"].startswith(made["did"] + "#")
    assert made["public_jwk"].keys() == {"kty", "crv", "x", "y"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"slug": "api", "name": "x"}, 400, "input"),
        ({"slug": "back-office", "name": "x"}, 400, "input"),
        ({"slug": ORG, "name": "x"}, 409, "conflict"),
        ({"slug": "Hoofd", "name": "x"}, 400, "malformed"),
        ({"slug": "../x", "name": "x"}, 400, "malformed"),
        ({"slug": "nieuw", "name": ""}, 400, "malformed"),
        ({"slug": "nieuw", "name": "x", "admin": True}, 400, "malformed"),
        ({"slug": "nieuw", "name": "x", "url": "javascript:alert(1)"}, 400, "malformed"),
        ({"slug": "nieuw", "name": "x", "claims_retention_days": 400}, 400, "input"),
        ({"slug": "nieuw", "name": "x", "offer_lifetime_seconds": 10**9}, 400, "input"),
    ],
)
async def test_A52_an_organisation_that_cannot_be(issuer: Issuer, body: dict[str, Any], status: int, code: str) -> None:
    response = await issuer.api("POST", "/organisations", json=body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["trace_id"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"slug": SLUG}, 409),
        ({"slug": "Met Spatie"}, 400),
        ({"name": {"en": "no Dutch"}}, 400),
        ({"name": ""}, 400),
        ({"skills": []}, 400),
        ({"skills": [{"uri": "javascript:alert(1)", "name": "x"}]}, 400),
        ({"skills": [{"uri": SKILLS[0][0], "name": "a"}, {"uri": SKILLS[0][0], "name": "b"}]}, 400),
        ({"achievement_type": "Bedenksel"}, 400),
        ({"validity_days": 0}, 400),
        ({"image": "https://evil.example/x.png"}, 400),
        ({"image": "data:image/png;base64,AAAA"}, 400),
        ({"owner": "mallory"}, 400),
    ],
)
async def test_an_achievement_with_one_thing_wrong_is_refused(
    issuer: Issuer, change: dict[str, Any], status: int
) -> None:
    response = await issuer.add_achievement(**{"slug": "andere-badge", **change})
    assert response.status_code == status
    names = (await issuer.api("GET", f"/organisations/{ORG}/achievements")).json()["achievements"]
    assert [item["slug"] for item in names] == [SLUG]


@pytest.mark.parametrize("missing", ["assessment", "ects", "eqf_level", "participation_type", "quality_assurance"])
async def test_E20_E22_a_microcredential_misses_no_mandatory_element(issuer: Issuer, missing: str) -> None:
    complete: dict[str, Any] = {
        "slug": "micro",
        "achievement_type": "MicroCredential",
        "assessment": "Portfolio en gesprek",
        "ects": 3,
        "eqf_level": 5,
        "participation_type": "blended",
        "quality_assurance": {"name": "NVAO", "url": "https://www.nvao.net"},
    }
    refused = await issuer.add_achievement(**{**complete, missing: None})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [missing])
    made = await issuer.add_achievement(**complete)
    assert made.status_code == 201
    assert made.json()["warnings"] == []


# edubadges-server; educredentials/obv3-examples, schemas/microcredential.json.
SURF_ASSESSMENTS = {
    **{
        code: code
        for code in (
            *("written_exam", "report_paper", "behavioural_assessment", "professional_product", "development_report"),
            *("portfolio_assessment", "personalized_assessment", "testing"),
        )
    },
    "oram_exam": "oral_exam",
    "application of a skill": "skill_application",
    "portfolio": "portfolio_assessment",
    "recognition of prior learning": "recognition_of_prior_learning",
}
SURF_PARTICIPATIONS = {
    **{code: code for code in ("online", "onsite", "blended", "work_experience", "volunteering", "personalised")},
    "onsite or blended": "onsite_or_blended",
    "work": "work_experience",
    "work experience": "work_experience",
    "personalized learning activities": "personalised",
}


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_E20_every_code_of_both_lists_of_surf_is_taken_and_has_words(issuer: Issuer, language: str) -> None:
    made = await issuer.add_achievement(
        slug="micro",
        language=language,
        assessment_type=list(SURF_ASSESSMENTS),
        participation_type=list(SURF_PARTICIPATIONS),
    )
    assert made.status_code == 201, made.text
    assert made.json()["assessment_type"] == list(SURF_ASSESSMENTS.values())
    assert made.json()["participation_type"] == list(SURF_PARTICIPATIONS.values())
    alignments = (await issuer.client.get(f"/{ORG}/achievements/micro")).json()["alignment"]
    content = read_microcredential_badge({"credentialSubject": {"achievement": {"alignment": alignments}}})
    assert content.assessment == tuple(dict.fromkeys(SURF_ASSESSMENTS.values()))
    assert content.participation == tuple(dict.fromkeys(SURF_PARTICIPATIONS.values()))
    said = {fact.element: fact.lines for fact in create_facts(content, language, ("assessment", "participation"))}
    assert len(said["assessment"]) == len(content.assessment)
    assert all("_" not in line for lines in said.values() for line in lines)
    assert {"nl": "activiteiten op maat", "en": "personalised activities"}[language] in said["participation"]
    assert (await issuer.add_achievement(slug="other", assessment_type="improvisation")).status_code == 400


@pytest.mark.parametrize(
    ("language", "words"),
    [("nl", "Manier van meedoen: deels online"), ("en", "Form of participation: partly online")],
)
async def test_E20_the_form_of_participation_stands_in_the_badge_and_on_its_page(
    issuer: Issuer, language: str, words: str
) -> None:
    """It was asked for and kept, and then reached nobody."""
    made = await issuer.add_achievement(slug="micro", participation_type="blended", language=language)
    assert made.status_code == 201
    awarded = await issuer.api(
        "POST", f"/organisations/{ORG}/achievements/micro/awards", json={"recipients": [recipient()]}
    )
    raw = await issuer.fetch(awarded.json()["awards"][0], configuration="micro.dc-sd-jwt")
    claims = (await issuer.verify(raw[0])).claims
    assert claims["achievement"]["criteria"]["narrative"].endswith(words)
    page = await issuer.client.get(f"/{ORG}/achievements/micro", headers={"Accept": "text/html"})
    assert "Deels online" in page.text


MICRO: dict[str, Any] = {
    "slug": "micro",
    "achievement_type": "MicroCredential",
    "assessment": "Portfolio en gesprek",
    "assessment_type": "portfolio_assessment",
    "ects": 3,
    "eqf_level": 5,
    "nlqf_level": "5",
    "participation_type": "blended",
    "quality_assurance": {"name": "NVAO", "url": "https://www.nvao.net"},
    "prerequisites": "Een diploma op niveau 4.",
    "supervision": "onsite",
    "identity_checked": True,
    "stackability": "stackable",
}


@pytest.mark.parametrize("securing", ["dc-sd-jwt", "vc-sd-jwt", "ldp-vc", "open-badge-jwt"])
async def test_E20_E21_every_element_reaches_the_badge_in_each_securing_and_can_be_read_back(
    issuer: Issuer, securing: str
) -> None:
    assert (await issuer.add_achievement(**MICRO)).status_code == 201
    path = f"/organisations/{ORG}/achievements/micro/awards"
    awarded = await issuer.api("POST", path, json={"recipients": [recipient()]})
    [raw] = await issuer.fetch(awarded.json()["awards"][0], configuration=f"micro.{securing}")
    claims = (await issuer.verify(raw)).claims
    is_sd_jwt = securing == "dc-sd-jwt"
    read = read_microcredential_claims(claims) if is_sd_jwt else read_microcredential_badge(claims)
    # What an SD-JWT VC says of its days stands in claims of JWT.
    assert missing_elements(read) == ()
    assert (read.workload.ects, read.level.eqf, read.level.nlqf) == (3, 5, "5")
    assert (read.assessment, read.participation) == (("portfolio_assessment",), ("blended",))
    assert read.quality_assurance == QualityAssurance("NVAO", "https://www.nvao.net")
    assert read.prerequisites.text == "Een diploma op niveau 4."
    assert read.supervision == Supervision(is_supervised=True, place="onsite", identity_checked=True)
    assert read.stackability.kind == "stackable"
    if not is_sd_jwt:
        assert read.workload.ects_earned == 3
    assert [outcome.skills[0].uri for outcome in read.learning_outcomes] == [uri for uri, _ in SKILLS]


@pytest.mark.parametrize("instead", [{"ects": None, "sbu": 240}, {"eqf_level": None}])
async def test_E22_study_load_does_for_credits_and_a_dutch_level_for_a_european(
    issuer: Issuer, instead: dict[str, Any]
) -> None:
    made = await issuer.add_achievement(**{**MICRO, **instead})
    assert (made.status_code, made.json()["warnings"]) == (201, [])


@pytest.mark.parametrize(("number", "register"), [("21PL", "ext:BRIN"), ("41057134", "ext:KvK"), ("X1", "ext:Regi")])
async def test_T12_the_registration_of_the_organisation_says_of_which_register_it_is(
    issuer: Issuer, number: str, register: str
) -> None:
    await issuer.add_organisation("ander", registration_number=number)
    await issuer.add_achievement("ander")
    award = await issuer.award("ander")
    made = await issuer.api("POST", f"/organisations/ander/awards/{award['id']}/file")
    badge = (await issuer.client.get(urlsplit(made.json()["files"]["json"]).path, headers=issuer.admin)).json()
    [entry] = badge["issuer"]["otherIdentifier"]
    assert entry["identifier"] == number
    assert entry["identifierType"].startswith(register)


async def test_E22_unusual_credits_are_a_warning(issuer: Issuer) -> None:
    response = await issuer.add_achievement(
        slug="micro",
        achievement_type="MicroCredential",
        ects=1,
        eqf_level=5,
        participation_type="online",
        quality_assurance={"name": "NVAO", "url": "https://www.nvao.net"},
    )
    assert response.status_code == 201
    assert len(response.json()["warnings"]) == 1


async def test_S01_every_skill_is_an_alignment_with_its_address_as_published(issuer: Issuer) -> None:
    page = await issuer.client.get(f"/{ORG}/achievements/{SLUG}")
    alignments = page.json()["alignment"]
    assert [alignment["targetUrl"] for alignment in alignments] == [uri for uri, _ in SKILLS]
    assert {alignment["targetType"] for alignment in alignments} == {"ext:ESCOAlignment"}
    assert alignments[0]["targetCode"] == SKILLS[0][0].rpartition("/")[2]


# Awards


async def test_a_list_is_awarded_wholly_and_in_order(any_issuer: Issuer) -> None:
    people = [recipient(number) for number in range(1, 6)]
    response = await any_issuer.post_awards(recipients=people)
    awards = response.json()["awards"]
    assert [award["person"]["email"] for award in awards] == [person["email"] for person in people]
    assert len({award["offer"]["tx_code"] for award in awards}) > 1
    assert {award["state"] for award in awards} == {"offered"}


async def test_one_bad_recipient_and_nobody_is_awarded(issuer: Issuer) -> None:
    response = await issuer.post_awards(recipients=[recipient(1), recipient(2, email="geen adres")])
    assert response.status_code == 400
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"] == []


async def test_the_same_idempotency_key_awards_once_and_answers_the_same(any_issuer: Issuer) -> None:
    issuer = any_issuer
    people = [recipient(1), recipient(2)]
    first = await issuer.post_awards(key="lms-42", recipients=people)
    second = await issuer.post_awards(key="lms-42", recipients=people)
    assert second.status_code == 201
    assert second.json() == first.json()
    other = await issuer.post_awards(key="lms-42", recipients=[recipient(3)])
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert len((await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]) == 2


async def test_the_same_key_of_another_organisation_is_another_key(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    await issuer.add_achievement("ander")
    first = await issuer.post_awards(key="1")
    second = await issuer.post_awards("ander", key="1")
    assert first.json()["awards"][0]["id"] != second.json()["awards"][0]["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"recipients": []},
        {"expires_at": "2026-05-28T11:00:00Z"},
        {"awarded_at": "2027-01-01T00:00:00Z"},
        {"awarded_at": "2026-05-28T11:00:00"},
        {"recipients": [recipient(email="x")]},
        {"recipients": [recipient(given_name=" ")]},
        {"recipients": [recipient(evidence=[{"name": "x", "digest": "md5-abc"}])]},
        {"recipients": [recipient(evidence=[{"name": "x", "url": "javascript:1"}])]},
        {"recipients": [recipient(bsn="123456782")]},
    ],
)
async def test_an_award_with_one_thing_wrong_is_refused(issuer: Issuer, change: dict[str, Any]) -> None:
    response = await issuer.post_awards(**change)
    assert response.status_code == 400
    assert response.json()["fields"]


async def test_I80_claims_go_when_their_time_is_over_and_not_before(
    new_database: NewDatabase, clock: FixedClock
) -> None:
    issuer = await create_issuer(new_database("issuer"), clock)
    await issuer.add_organisation("lang", claims_retention_days=365, claims_retention_ground="Archiefwet")
    await issuer.add_achievement("lang")
    award, waiting = await issuer.award(), await issuer.award(offer_valid_seconds=50 * 24 * 3600)
    await issuer.fetch(award)
    kept = (await issuer.post_awards("lang")).json()["awards"][0]
    grant = await issuer.post_token(await issuer.code(kept), kept["offer"]["tx_code"], org="lang")
    nonce = await issuer.nonce("lang")
    proof = await issuer.proof(nonce=nonce, audience="https://issuer.example/lang")
    body = {"credential_configuration_id": f"{SLUG}.dc-sd-jwt", "proofs": {"jwt": [proof]}}
    assert (await issuer.post_credential(grant.json()["access_token"], body, org="lang")).status_code == 200
    clock.advance(timedelta(days=90) - timedelta(seconds=1))
    await clean_up(issuer.database, issuer.settings, now=clock())
    assert (await issuer.get_award(award["id"]))["person"] is not None
    clock.advance(timedelta(seconds=1))
    await clean_up(issuer.database, issuer.settings, now=clock())
    assert (await issuer.get_award(award["id"]))["person"] is None
    assert (await issuer.get_award(waiting["id"]))["person"] is not None
    longer = await issuer.api("GET", f"/organisations/lang/awards/{kept['id']}")
    assert longer.json()["person"] is not None
    await issuer.app.state.service.close()


async def test_I80_an_organisation_whose_cleaning_fails_keeps_no_other_from_being_cleaned(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for slug in ("een", "twee"):
        await issuer.add_organisation(slug)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    async def fail_for_one(_session: Any, _settings: Any, of: CredentialIssuer, **_: object) -> None:
        if of.slug == broken:
            raise RuntimeError("broken")
        cleaned.append(of.slug)

    cleaned: list[str] = []
    monkeypatch.setattr("issuer.housekeeping.drop_expired_claims", fail_for_one)
    monkeypatch.setattr("issuer.housekeeping.store.delete_expired", fail)
    slugs = {ORG, "een", "twee"}
    for broken in slugs:
        cleaned.clear()
        await clean_up(issuer.database, issuer.settings, now=issuer.clock())
        assert set(cleaned) == slugs - {broken}
        logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "clean_up_failed" in line]
        assert [(line["task"], line.get("organisation")) for line in logged] == [("expired", None), ("claims", broken)]


async def test_what_has_run_out_is_removed(issuer: Issuer) -> None:
    await issuer.fetch()
    await issuer.award()
    issuer.clock.advance(timedelta(days=15))
    await clean_up(issuer.database, issuer.settings, now=issuer.clock())
    async with issuer.database.reading() as session:
        for statement in (
            "SELECT count(*) FROM spent_nonces",
            "SELECT count(*) FROM access_tokens",
            "SELECT count(*) FROM guessing_sources",
            "SELECT count(*) FROM offers WHERE sealed_secrets IS NOT NULL",
        ):
            assert (await session.execute(text(statement))).scalar_one() == 0, statement


async def test_A55_nothing_personal_and_no_secret_reaches_the_log(
    issuer: Issuer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    award = await issuer.award()
    code = await issuer.code(award)
    await issuer.post_token(code, "000000")
    await issuer.fetch(award)
    await issuer.post_awards(recipients=[recipient(email="geen-adres")])
    captured = capsys.readouterr()
    log = captured.out + captured.err + caplog.text
    assert "refused" in log
    secrets = [code, award["offer"]["tx_code"], award["offer"]["credential_offer_uri"].rpartition("/")[2]]
    for secret in (*secrets, "Sanne", "de Vries", "sanne@student.example", "geen-adres", issuer.admin["Authorization"]):
        assert secret not in log


async def test_the_skill_search_answers_and_says_when_there_is_nothing_to_search(issuer: Issuer) -> None:
    response = await issuer.api("GET", "/skills?q=lassen")
    assert response.json() == {"skills": [], "available": False}
    assert (await issuer.client.get("/api/skills?q=lassen")).status_code == 401


async def test_A52_I64_the_api_describes_itself_with_the_protocol_s_endpoints(issuer: Issuer) -> None:
    description = (await issuer.client.get("/api/openapi.json")).json()
    assert "/api/organisations/{org}/achievements/{slug}/awards" in description["paths"]
    protocol = {path: set(item) for path, item in description["paths"].items() if not path.startswith("/api/")}
    assert {re.sub(r":\w+", "", route.path) for route in protocol_routes} < set(protocol)
    assert protocol["/{org}/token"] == protocol["/{org}/credential"] == {"post"}
    assert set(protocol) >= {"/{org}/authorize", "/health", "/ready"}
    assert "422" not in json.dumps(description["paths"]["/api/organisations"]["post"]["responses"].get("201", {}))

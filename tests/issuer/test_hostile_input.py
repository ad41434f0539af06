"""What was tried against the running issuer and once got through: every one is now refused where it comes in.

A 500 here is a bug; so is a badge that can be described and awarded, and then not signed.
"""

from typing import Any

import pytest
from sqlalchemy import select

from issuer.errors import InputError
from issuer.models import AchievementVersion
from issuer.recipients import parse_recipients
from tests.issuer.conftest import ORG, SD_JWT, SLUG, VCDM, Issuer, achievement, recipient

HUGE = 10**20


@pytest.mark.parametrize(
    "path",
    [
        "/stmw/status/2147483648",
        f"/stmw/status/{HUGE}",
        f"/stmw/achievements/{SLUG}?version=2147483648",
        f"/stmw/achievements/{SLUG}/image?version={HUGE}",
        f"/api/organisations/stmw/achievements/{SLUG}?version={HUGE}",
        f"/api/organisations/stmw/awards?offset={HUGE}",
        "/api/organisations/%00",
        "/%00/did.json",
        "/stmw/achievements/%00",
        "/stmw/authorize?client_id=a%00b&request_uri=urn:ietf:params:oauth:request_uri:x",
    ],
)
async def test_A09_a_number_or_name_that_no_database_can_hold_is_not_there(any_issuer: Issuer, path: str) -> None:
    assert (await any_issuer.client.get(path, headers=any_issuer.admin)).status_code in (400, 404)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a\x07b"},
        {"name": "Hogeschool\u202etset"},
        {"name": "\u200b"},
        {"name": "\u3164"},
        {"url": "https://["},
        {"url": "https://stmw.example:99999"},
        {"registration_number": ""},
        {"offer_lifetime_seconds": -1},
    ],
)
async def test_A52_an_organisation_with_one_thing_unusable_is_refused(issuer: Issuer, change: dict[str, Any]) -> None:
    response = await issuer.api("POST", "/organisations", json={"slug": "ander", "name": "Ander", **change})
    assert (response.status_code, response.json()["code"]) == (400, "malformed")
    assert list(response.json()["fields"]) == list(change)


@pytest.mark.parametrize("change", [{"name": "a\0b"}, {"offer_lifetime_seconds": HUGE}], ids=["NUL", "huge"])
async def test_A52_a_body_that_cannot_be_read_in_one_way_is_refused_as_a_whole(
    issuer: Issuer, change: dict[str, Any]
) -> None:
    response = await issuer.api("POST", "/organisations", json={"slug": "ander", "name": "Ander", **change})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, "malformed")
    assert problem["title"] == "The body is not JSON that can be read in one way."
    assert "fields" not in problem


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a\0b"},
        {"description": {"nl": "a\u2066b"}},
        {"skills": [{"uri": "http://x.example/\0", "name": "x"}]},
        {"skills": [{"uri": "http://[", "name": "x"}]},
        {"quality_assurance": {"name": "x", "url": "https://["}},
    ],
)
async def test_A08_a_badge_that_could_not_be_signed_is_refused_when_described(
    issuer: Issuer, change: dict[str, Any]
) -> None:
    response = await issuer.add_achievement(slug="ander", **change)
    assert (response.status_code, response.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "body",
    [
        {"recipients": [recipient(given_name="a\0")]},
        {"recipients": [recipient(reference="a\0")]},
        {"recipients": [recipient(evidence=[{"name": "x", "url": "http://["}])]},
        {"awarded_at": "0001-01-01T00:00:00+14:00"},
        {"awarded_at": "0001-01-02T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"offer_valid_seconds": HUGE},
    ],
)
async def test_A09_an_award_with_one_thing_unusable_is_refused(issuer: Issuer, body: dict[str, Any]) -> None:
    response = await issuer.post_awards(**body)
    assert (response.status_code, response.json()["code"]) == (400, "malformed")


async def test_an_award_that_ends_before_it_begins_is_refused(issuer: Issuer) -> None:
    begins, ends = issuer.clock().replace(microsecond=0).isoformat(), issuer.clock().isoformat()
    response = await issuer.post_awards(awarded_at=begins, expires_at=ends)
    assert list(response.json()["fields"]) == ["expires_at"]


@pytest.mark.parametrize("configuration", [SD_JWT, VCDM])
async def test_A41_markup_in_names_is_text_and_comes_through_as_it_was_written(
    issuer: Issuer, configuration: str
) -> None:
    name = '<script>alert("1")</script> [x](javascript:alert(1))'
    award = await issuer.award(recipients=[recipient(given_name=name, evidence=[{"name": name}])])
    credential = await issuer.verify((await issuer.fetch(award, configuration=configuration))[0])
    subject = credential.claims.get("credentialSubject", credential.claims)
    assert name in (subject.get("given_name"), subject.get("givenName"))


async def test_A52_an_address_that_another_operator_has_is_a_conflict(any_issuer: Issuer) -> None:
    """It used to be answered as if the colleague had been added."""
    body = {"email": "staf@stmw.example", "name": "Staf", "passphrase": "een lange wachtzin"}
    first = await any_issuer.api("POST", f"/organisations/{ORG}/operators", json=body)
    second = await any_issuer.api(
        "POST", f"/organisations/{ORG}/operators", json={**body, "email": "STAF@stmw.example"}
    )
    assert (first.status_code, second.status_code) == (201, 409)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/onbekend/token"),
        ("GET", "/stmw/token"),
        ("GET", "/stmw/offers/onbekend"),
        ("GET", "/onbekend/did.json"),
    ],
)
async def test_A52_a_protocol_endpoint_answers_no_page_and_sets_no_cookie(
    issuer: Issuer, method: str, path: str
) -> None:
    response = await issuer.client.request(method, path, headers={"Accept": "text/html"})
    assert response.headers["content-type"] in {"application/json", "application/problem+json"}
    assert "set-cookie" not in response.headers


async def test_B32_an_svg_in_an_encoding_that_nobody_knows_is_refused(issuer: Issuer) -> None:
    svg = 'data:image/svg+xml,%3C?xml version="1.0" encoding="nope"?%3E%3Csvg xmlns="http://www.w3.org/2000/svg"/%3E'
    response = await issuer.api("POST", f"/organisations/{ORG}/achievements", json=achievement(slug="ander", image=svg))
    assert list(response.json()["fields"]) == ["image"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("gzip;q=0", None), ("gzip; q=0.0, br", None), ("", None)],
)
async def test_K78_a_status_list_is_compressed_for_those_who_take_it(
    issuer: Issuer, accepted: str, encoding: str | None
) -> None:
    response = await issuer.client.get(f"/{ORG}/status/1", headers={"Accept-Encoding": accepted})
    assert response.headers.get("content-encoding") == encoding


async def test_a_badge_that_was_described_under_older_rules_stays_legible(issuer: Issuer) -> None:
    """One such row used to take the organisation's whole list with it."""
    async with issuer.database.transaction() as session:
        row = (await session.execute(select(AchievementVersion))).scalar_one()
        skills = [{"uri": "http://[", "name": "a\x07", "framework": "ESCO"}]
        row.description = {**row.description, "skills": skills}
    response = await issuer.api("GET", f"/organisations/{ORG}/achievements")
    assert response.json()["achievements"][0]["skills"] == skills


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "l\u00adms"], ids=ascii)
async def test_A08_a_key_whose_name_nobody_can_see_is_not_made(issuer: Issuer, name: str) -> None:
    body = {"name": name, "scopes": ["awards:read"]}
    response = await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body)
    assert (response.status_code, list(response.json()["fields"])) == (400, ["name"])


def test_A08_a_line_of_a_list_with_a_name_that_nobody_can_see_is_refused() -> None:
    found = parse_recipients("\u200b;\u200b;x@x.example\nمی\u200cنا;Çelik;mina@x.example")
    assert [line.text for line in found.bad] == ["\u200b;\u200b;x@x.example"]
    assert [line.recipient.email for line in found.good] == ["mina@x.example"]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffsep=;"], ids=ascii)
def test_the_line_that_names_the_separator_is_nobody(first: str) -> None:
    found = parse_recipients(f"{first}\nvoornaam;achternaam;e-mail\nSanne;de Vries, Ir;s@x.example\n")
    assert found.bad == []
    assert [(line.number, line.recipient.family_name) for line in found.good] == [(3, "de Vries, Ir")]


def test_a_list_of_a_separator_alone_names_nobody() -> None:
    with pytest.raises(InputError):
        parse_recipients("sep=;\n")

"""What an issuer tells beside a badge: set, published, explained, taken back, and never a reason to refuse. K-80.1"""

import re
from typing import Any

import pytest
from sqlalchemy import text

from issuer.status_lists import PURPOSES
from kernel.formats import StatusReference
from kernel.formats.status_reference import find_credential_status
from kernel.status.messages import MESSAGES, SIZE, StatusMessage
from kernel.strict_json import parse_json_object
from runtime.fetch import Fetcher
from runtime.resolve import Resolver, StatusAnswer
from runtime.status_texts import message_text
from tests.issuer.conftest import BASE, IDENTIFIER, LDP, ORG, SLUG, Browser, Issuer, achievement, recipient
from tests.issuer.test_bitstring_status import (
    INVALID,
    JWT,
    PROOF,
    SUSPENDED,
    VALID,
    Copies,
    award_copies,
    fetch_bitstring,
    statuses,
)
from tests.issuer.test_concurrency import at_once
from tests.issuer.test_pages import DESCRIBED
from tests.issuer.test_status import TTL
from tests.support.hosts import HostTransport

MESSAGE_LIST = f"/{ORG}/status/2/message"


@pytest.fixture
def described() -> dict[str, Any]:
    return {"status_messages": True}


async def tell(issuer: Issuer, award_id: str, message: object) -> int:
    path = f"/organisations/{ORG}/awards/{award_id}/message"
    return (await issuer.api("PUT", path, json={"message": message})).status_code


async def told(issuer: Issuer, copies: Copies, accept: str = PROOF) -> list[str | None]:
    """What the list of messages says of each copy that has a place in it."""
    listed = await fetch_bitstring(issuer, MESSAGE_LIST, accept)
    return [listed.get(place.index, purpose="message", size=SIZE, messages=MESSAGES).message for place in copies.places]


@pytest.mark.parametrize("accept", [PROOF, JWT])
async def test_K80_1_a_message_reaches_every_copy_and_leaves_its_status(any_issuer: Issuer, accept: str) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer)
    assert await told(issuer, copies, accept) == ["no_message"] * 2
    for message in ("newer_version", "under_review", "contact_issuer", "no_message"):
        assert await tell(issuer, copies.award_id, message) == 200
        issuer.clock.advance(TTL)
        assert await told(issuer, copies, accept) == [message] * 2
        assert await statuses(issuer, copies, accept) == [VALID] * 5
        assert (await issuer.get_award(copies.award_id))["message"] == message


async def test_I78_suspending_and_revoking_mean_what_they_meant_with_a_message_beside_them(issuer: Issuer) -> None:
    copies = await award_copies(issuer)
    assert await tell(issuer, copies.award_id, "under_review") == 200
    await issuer.change(copies.award_id, "suspend")
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies) == [SUSPENDED, VALID, SUSPENDED, VALID, SUSPENDED]
    assert await tell(issuer, copies.award_id, "contact_issuer") == 200
    await issuer.change(copies.award_id, "reinstate")
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies) == [VALID] * 5
    assert await told(issuer, copies) == ["contact_issuer"] * 2
    await issuer.change(copies.award_id, "revoke")
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies) == [INVALID, INVALID, SUSPENDED, INVALID, SUSPENDED]
    assert await tell(issuer, copies.award_id, "under_review") == 409


async def test_K80_1_a_copy_that_is_issued_later_has_the_message_of_its_award(any_issuer: Issuer) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer, count=1)
    before = await told(issuer, copies)
    award = await issuer.award()
    assert await tell(issuer, award["id"], "newer_version") == 200
    [raw] = await issuer.fetch(award, configuration=LDP)
    issuer.clock.advance(TTL)
    message = message_entry(raw)
    listed = await fetch_bitstring(issuer, MESSAGE_LIST)
    assert listed.get(message.index, purpose="message", size=SIZE, messages=MESSAGES).message == "newer_version"
    assert await told(issuer, copies) == before == ["no_message"]


@pytest.mark.parametrize("message", ["unknown", "", None, 1, ["under_review"], "UNDER_REVIEW"])
async def test_K80_1_a_message_that_is_none_is_refused_and_changes_nothing(issuer: Issuer, message: object) -> None:
    copies = await award_copies(issuer, count=1)
    assert await tell(issuer, copies.award_id, message) == 400
    assert await told(issuer, copies) == ["no_message"]


async def test_A52_another_organisation_tells_nothing_of_an_award(issuer: Issuer) -> None:
    copies = await award_copies(issuer, count=1)
    await issuer.add_organisation("ander")
    path = f"/organisations/ander/awards/{copies.award_id}/message"
    assert (await issuer.api("PUT", path, json={"message": "under_review"})).status_code == 404
    assert await told(issuer, copies) == ["no_message"]


async def test_K80_2_the_list_has_two_bits_an_entry_and_as_a_jwt_says_what_they_mean(issuer: Issuer) -> None:
    copies = await award_copies(issuer, count=1)
    await tell(issuer, copies.award_id, "under_review")
    [place] = copies.places
    embedded, jwt = [await fetch_bitstring(issuer, MESSAGE_LIST, accept) for accept in (PROOF, JWT)]
    assert len(embedded.entries) == len(jwt.entries) == SIZE * issuer.settings.status_list_size
    assert (jwt.size, dict(jwt.messages)) == (SIZE, dict(MESSAGES))
    assert jwt.get(place.index, purpose="message", size=SIZE).message == "under_review"


async def test_A45_decoys_have_messages_of_every_kind(issuer: Issuer) -> None:
    await award_copies(issuer, count=1)
    async with issuer.database.reading() as session:
        found = await session.execute(text("SELECT DISTINCT message FROM status_entries WHERE award_id IS NULL"))
        assert sorted(found.scalars()) == [0, 1, 2, 3]


async def test_K80_4_only_what_a_message_touches_is_packed_again(issuer: Issuer) -> None:
    copies = await award_copies(issuer, count=1)
    await told(issuer, copies)
    async with issuer.database.reading() as session:
        packed = text("SELECT number FROM status_segments WHERE purpose = 'message'")
        before = set((await session.execute(packed)).scalars())
    await tell(issuer, copies.award_id, "under_review")
    async with issuer.database.reading() as session:
        after = set((await session.execute(packed)).scalars())
    assert before - after == {copies.places[0].index // 16_384}
    assert len(before) == 8


async def test_K80_1_a_credential_commits_to_its_messages_and_says_where_they_are_explained(issuer: Issuer) -> None:
    [raw] = await issuer.fetch(await issuer.award(), configuration=LDP)
    message = message_entry(raw)
    assert [each.purpose for each in references(raw)] == list(PURPOSES)
    assert (message.size, message.messages) == (SIZE, MESSAGES)
    assert message.references == (f"{IDENTIFIER}/status/messages",)
    response = await issuer.client.get(message.references[0])
    explained = {int(each["status"], 16): each for each in response.json()["messages"]}
    assert {value: each["message"] for value, each in explained.items()} == dict(message.messages)
    assert explained[2]["meaning"] == {"nl": message_text("under_review").nl, "en": message_text("under_review").en}


async def test_K80_1_who_checks_the_badge_is_told_and_it_stays_valid(issuer: Issuer) -> None:
    award = await issuer.award()
    [raw] = await issuer.fetch(award, configuration=LDP)
    assert (await resolve(issuer, raw)).messages == ()
    await tell(issuer, award["id"], "under_review")
    issuer.clock.advance(TTL)
    answer = await resolve(issuer, raw)
    assert (answer.status, answer.messages) == (VALID, ("under_review",))
    await issuer.change(award["id"], "suspend")
    issuer.clock.advance(TTL)
    answer = await resolve(issuer, raw)
    assert (answer.status, answer.messages) == (SUSPENDED, ("under_review",))


async def test_K80_1_staff_choose_a_message_and_see_it_again(browser: Browser, issuer: Issuer) -> None:
    award = await issuer.award()
    await issuer.fetch(award)
    page = f"/back-office/{ORG}/awards/{award['id']}"
    await browser.get(page)
    assert (await browser.post(f"{page}/message", message="under_review")).status_code in (200, 303)
    await browser.get(page)
    assert '<option value="under_review" selected>' in browser.page
    identifiers = re.findall(r' id="([^"]+)"', browser.page)
    assert len(identifiers) == len(set(identifiers))
    assert (await issuer.get_award(award["id"]))["message"] == "under_review"
    assert (await browser.post(f"{page}/message", message="x")).status_code == 400
    assert (await issuer.get_award(award["id"]))["message"] == "under_review"


@pytest.mark.parametrize("securing", ["ldp-vc", "open-badge-jwt"])
async def test_K80_1_badges_have_no_place_for_messages_unless_their_achievement_says_so(
    issuer: Issuer, securing: str
) -> None:
    """There are readers of Open Badges that take no badge with an entry of more than one bit. Decision 0052."""
    assert (await issuer.add_achievement(slug="zonder")).status_code == 201
    made = await issuer.api(
        "POST", f"/organisations/{ORG}/achievements/zonder/awards", json={"recipients": [recipient()]}
    )
    [without] = made.json()["awards"]
    for award, slug, purposes in (
        (without, "zonder", ["revocation", "suspension"]),
        (await issuer.award(), SLUG, ["revocation", "suspension", "message"]),
    ):
        [raw] = await issuer.fetch(award, configuration=f"{slug}.{securing}")
        assert [each.purpose for each in (await issuer.verify(raw)).statuses] == purposes
    assert await tell(issuer, without["id"], "under_review") == 409
    assert (await issuer.get_award(without["id"]))["message"] == "no_message"


async def test_K80_1_an_award_keeps_what_the_achievement_said_when_it_was_made(issuer: Issuer) -> None:
    earlier = await issuer.award()
    changed = await issuer.api(
        "PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=achievement(), headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["status_messages"] is False
    later = await issuer.award()
    found = [references((await issuer.fetch(award, configuration=LDP))[0]) for award in (earlier, later)]
    assert [len(each) for each in found] == [3, 2]
    assert [await tell(issuer, award["id"], "newer_version") for award in (earlier, later)] == [200, 409]


@pytest.mark.parametrize("described", [{"status_messages": True}, {}])
async def test_K80_1_a_badge_as_a_file_has_the_place_that_its_achievement_says(
    issuer: Issuer, described: dict[str, Any]
) -> None:
    award = await issuer.award()
    made = await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/file")
    assert made.status_code in (200, 201), made.text
    badge = await issuer.client.get(made.json()["files"]["json"], headers=issuer.admin)
    assert len(references(badge.text)) == (3 if described else 2)


async def test_K80_1_staff_say_of_a_badge_whether_it_has_a_place_for_messages(browser: Browser, issuer: Issuer) -> None:
    for change, fields, takes in (("new", {"status_messages": "1"}, True), ("micro/change", {}, False)):
        await browser.get(f"{BASE}/achievements/{change}")
        assert ('name="status_messages" value="1" checked' in browser.page) is not takes
        version = {} if takes else {"from_version": "1"}
        await browser.post(f"{BASE}/achievements/{change}", **DESCRIBED, **fields, **version, name="Micro")
        kept = (await issuer.api("GET", f"/organisations/{ORG}/achievements/micro")).json()
        assert kept["status_messages"] is takes


@pytest.mark.parametrize("described", [{"status_messages": True}, {}])
async def test_K80_1_staff_are_asked_for_a_message_only_where_the_badge_has_a_place_for_one(
    browser: Browser, issuer: Issuer, described: dict[str, Any]
) -> None:
    await browser.get(f"{BASE}/awards/{(await issuer.award())['id']}")
    assert ('name="message"' in browser.page) is bool(described)


async def test_I77_K80_1_eight_messages_at_once_leave_every_copy_with_the_one_of_its_award(any_issuer: Issuer) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer, count=4)
    wanted = [message for message in StatusMessage if message is not StatusMessage.NONE] * 3
    path = f"/organisations/{ORG}/awards/{copies.award_id}/message"
    responses = await at_once([issuer.api("PUT", path, json={"message": each.value}) for each in wanted[:8]])
    assert {response.status_code for response in responses} == {200}
    last = (await issuer.get_award(copies.award_id))["message"]
    assert last in {each.value for each in wanted}
    issuer.clock.advance(TTL)
    assert await told(issuer, copies) == [last] * 4


async def resolve(issuer: Issuer, raw: str) -> StatusAnswer:
    """What a wallet or verifier learns of a badge, through its own fetcher."""
    resolver = Resolver(Fetcher(transport=HostTransport({"issuer.example:443": issuer.app})))
    answer = await resolver.resolve_status(await issuer.verify(raw), now=issuer.clock())
    assert answer is not None
    return answer


def references(raw: str) -> tuple[StatusReference, ...]:
    return find_credential_status(parse_json_object(raw))


def message_entry(raw: str) -> StatusReference:
    [found] = [each for each in references(raw) if each.purpose == "message"]
    return found

"""Badges that their holder puts in one file: chosen on a page, read back by anybody. PROFILE.md E-02."""

import re
from urllib.parse import quote

import pytest

from kernel.importing import recognise
from kernel.importing.recognition import MAX_PARTS
from tests.support.simulated_issuer import DC, JWT, SELECTIVE, WHOLE
from wallet import learner_record

CHOICES = re.compile(r'name="badge" value="([^"]+)"')


async def browser_with(house, *configurations, language="nl", name="Sanne"):
    browser = house.new_browser(language)
    await browser.sign_up(name)
    for configuration in configurations:
        await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[configuration]))}")
        await browser.follow(browser.answer)
        await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    await browser.get("/together")
    return browser


async def choose(browser, *badges, title=""):
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.page)[1]
    form = {"csrf_token": token, "badge": list(badges), "title": title}
    return await browser.http.post("/together", data=form)


async def test_E02_chosen_badges_leave_in_one_file_and_come_back_badge_by_badge(house):
    browser = await browser_with(house, WHOLE, JWT, DC)
    chosen = CHOICES.findall(browser.page)
    assert len(chosen) == 3
    assert browser.page.count("Stichting Stimulering Techniek Maas en Waal, 28 mei 2026") == 3
    answer = await choose(browser, *chosen, title="Voor mijn sollicitatie")
    assert answer.headers["content-disposition"] == 'attachment; filename="badges.json"'
    record = recognise(answer.content)
    assert (record.content.title.text, len(record.parts)) == ("Voor mijn sollicitatie", 3)
    assert {part.unverified_issuer for part in record.parts} == {house.issuer.did}
    await browser.get("/import")
    page = await browser.follow(await browser.post("/import", files={"file": ("badges.json", answer.content)}))
    assert "<h1>Alle badges in dit bestand zijn echt, geldig en van een bekende uitgever</h1>" in page.text
    assert page.text.count("Deze badge is echt, geldig en van een bekende uitgever") == 3
    assert "Dit bestand bewaren?" in page.text
    assert "Wie het bestand heeft, kan het laten zien: geef het alleen aan wie je vertrouwt." in page.text
    # What is said to whoever checks somebody else's badge is not for whoever has it.
    assert not [words for words in ("Vraag dus ook wie het is", "wie ze laat zien") if words in page.text]


async def test_E02_only_what_was_chosen_is_in_the_file(house):
    browser = await browser_with(house, WHOLE, JWT)
    first, second = CHOICES.findall(browser.page)
    one, other = [recognise((await choose(browser, badge)).content) for badge in (first, second)]
    assert [len(record.parts) for record in (one, other)] == [1, 1]
    assert one.document["issuer"] != other.document["issuer"]
    assert one.content.title.text == "Mijn badges"


async def test_E02_the_salt_that_hides_parts_stays_in_the_wallet(house):
    browser = await browser_with(house, SELECTIVE)
    [part] = recognise((await choose(browser, *CHOICES.findall(browser.page))).content).parts
    [proof] = part.document["proof"]
    # CBOR tag 0x5d01, a derived proof; 0x5d00 is the base proof, with which parts are hidden.
    assert proof["proofValue"].startswith("u2V0B")


async def test_E02_nothing_chosen_or_somebody_elses_is_said_beside_the_field(house):
    browser = await browser_with(house, WHOLE)
    mine = CHOICES.findall(browser.page)
    empty = await choose(browser, title="Mijn keuze")
    assert (empty.status_code, "Kies minstens één badge." in empty.text, "Mijn keuze" in empty.text) == (
        400,
        True,
        True,
    )
    other = await browser_with(house, name="Piet")
    await other.get("/me")
    assert (await choose(other, *mine)).status_code == 400


async def test_E02_more_than_fits_in_one_file_is_not_made(house, monkeypatch):
    browser = await browser_with(house, WHOLE, JWT)
    chosen = CHOICES.findall(browser.page)
    for name, limit in (("MAX_PARTS", 1), ("MAX_BYTES", 1000)):
        with monkeypatch.context() as patch:
            patch.setattr(learner_record, name, limit)
            answer = await choose(browser, *chosen)
        assert (answer.status_code, "Kies minder badges" in answer.text) == (400, True)
    assert MAX_PARTS == 20


@pytest.mark.parametrize(("language", "says"), [("nl", "Badges in één bestand"), ("en", "Badges in one file")])
async def test_an_empty_wallet_has_nothing_to_choose(house, language, says):
    browser = await browser_with(house, language=language)
    assert f"<h1>{says}</h1>" in browser.page
    assert not CHOICES.findall(browser.page)
    assert '<a class="button main" href="/scan">' in browser.page


async def test_E02_a_program_gets_the_same_file(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    [badge] = (await holder.call("GET", "/credentials")).json()["credentials"]
    body = {"credential_ids": [badge["id"]], "name": "Voor werk"}
    answer = await holder.call("POST", "/learner-record", body)
    assert recognise(answer.content).content.title.text == "Voor werk"
    blank = await holder.call("POST", "/learner-record", {**body, "name": " \t "})
    assert (blank.status_code, blank.json()["fields"]) == (400, {"name": "string_too_short"})
    refused = await holder.call("POST", "/learner-record", {**body, "credential_ids": ["nobodys"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "nothing_chosen")

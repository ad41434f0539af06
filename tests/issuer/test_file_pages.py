"""Staff make the file of a badge and download it, in Dutch and in English."""

import pytest

from kernel.baking import parse_baked
from tests.issuer.conftest import BASE, ORG, PUBLIC_URL, SLUG, Browser, Issuer
from tests.issuer.test_securings import believe


async def test_B30_staff_make_a_file_and_download_a_picture_that_can_be_checked(
    browser: Browser, issuer: Issuer
) -> None:
    page = f"{BASE}/awards/{(await issuer.award())['id']}"
    await browser.get(page)
    assert "Bestand maken" in browser.page
    await browser.post(f"{page}/file")
    assert "Plaatje (PNG)" in browser.page
    assert "Bestand van de badge gemaakt" in browser.page
    assert "Bestand maken" not in browser.page
    picture = await browser.client.get(f"{page}/file/png")
    assert picture.headers["content-disposition"].startswith(f'attachment; filename="{SLUG}-')
    await believe(issuer, parse_baked(picture.content).raw)
    elm = await browser.client.get(f"{page}/elm")
    assert elm.headers["content-type"] == "application/ld+json"


async def test_I78_of_a_suspended_badge_no_file_is_made_but_what_was_made_stays_in_sight(
    browser: Browser, issuer: Issuer
) -> None:
    without, made = await issuer.award(), await issuer.award()
    await issuer.api("POST", f"/organisations/{ORG}/awards/{made['id']}/file")
    for award in (without, made):
        await issuer.change(award["id"], "suspend")
    await browser.get(f"{BASE}/awards/{without['id']}")
    assert "De badge als bestand" not in browser.page
    await browser.get(f"{BASE}/awards/{made['id']}")
    assert "Plaatje (PNG)" in browser.page
    assert "ELM" not in browser.page


async def test_the_words_about_files_are_there_in_english(browser: Browser, issuer: Issuer) -> None:
    browser.client.headers["Accept-Language"] = "en"
    page = f"{BASE}/awards/{(await issuer.award())['id']}"
    await browser.get(page)
    await browser.post(f"{page}/file")
    for words in ("Picture (PNG)", "The badge as a file", "Download the ELM file"):
        assert words in browser.page


async def shared_link(issuer: Issuer, award_id: str) -> str:
    made = await issuer.api("POST", f"/organisations/{ORG}/awards/{award_id}/file")
    return str(made.json()["link"]).removeprefix(PUBLIC_URL)


async def test_B33_the_recipient_fetches_the_file_by_a_link_that_nobody_guesses(issuer: Issuer) -> None:
    award = await issuer.award()
    link = await shared_link(issuer, award["id"])
    recipient = Browser(issuer, "192.0.2.99")
    page = await recipient.get(link)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "noindex" in page.headers["x-robots-tag"]
    for secret in ("Sanne", "sanne@student.example"):
        assert secret not in recipient.page
    assert f'<a class="button main" href="{PUBLIC_URL}{link}/png">' in recipient.page
    assert "Dit is je badge als bestand." in recipient.page
    picture = await recipient.client.get(f"{link}/png")
    await believe(issuer, parse_baked(picture.content).raw)
    assert await shared_link(issuer, award["id"]) == link
    await issuer.change(award["id"], "revoke")
    await recipient.get(link)
    assert "Deze badge is ingetrokken." in recipient.page
    assert "button main" not in recipient.page
    await recipient.client.aclose()


async def test_A55_the_link_stays_out_of_logs_referrers_and_caches(
    issuer: Issuer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    link = await shared_link(issuer, (await issuer.award())["id"])
    secret = link.rpartition("/")[2]
    for path in (link, f"{link}/json", f"{link}/gif", f"{link}x"):
        response = await issuer.client.get(path, headers={"Accept": "text/html"})
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
    captured = capsys.readouterr()
    log = captured.out + captured.err + caplog.text
    assert "/files/" in log
    assert secret not in log


async def test_A52_a_link_that_is_wrong_old_or_of_another_organisation_opens_nothing(issuer: Issuer) -> None:
    one, other = [await shared_link(issuer, (await issuer.award())["id"]) for _ in range(2)]
    await issuer.add_organisation("ander")
    award = await issuer.award()
    dropped = await shared_link(issuer, award["id"])
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/drop-claims")
    wrong = [
        one.rpartition("/")[0] + "/" + other.rpartition("/")[2],
        one[:-1] + ("A" if one[-1] != "A" else "E"),
        one.replace(f"/{ORG}/", "/ander/"),
        dropped,
        f"/{ORG}/files/00000000-0000-0000-0000-000000000000/{one.rpartition('/')[2]}",
    ]
    for link in wrong:
        for path in (link, f"{link}/json"):
            assert (await issuer.client.get(path, headers={"Accept": "text/html"})).status_code == 404, path

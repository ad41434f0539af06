"""Staff look after their keys: replace one, take the old one back, fetch the archive; on a phone and on a desktop."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.archive import parse_archive, verify_archive
from tests.browser.conftest import Person, Town

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.slow]


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_staff_replace_a_key_take_the_old_one_back_and_fetch_the_archive(
    town: Town, person: Callable[..., Person], size: str, tmp_path: Path
) -> None:
    staff = person("keys", size)
    staff.page.goto(town.url("issuer", "/sign-in"))
    staff.fill("E-mailadres", town.staff[0])
    staff.fill("Wachtzin", town.staff[1])
    staff.press("Inloggen")
    staff.page.wait_for_url(re.compile("/back-office/maas-en-waal"))
    staff.follow("Sleutels")
    assert staff.heading() == "Met deze sleutels tekent u uw badges"
    staff.follow("Vervang")
    staff.look("replace")
    staff.press("Ja, vervang")
    staff.look("replaced")
    staff.page.get_by_role("row").filter(has_text="telt nog").get_by_role("link", name="Trek in").first.click()
    staff.look("take-back")
    staff.press("Ja, trek in")
    staff.page.get_by_text("Hoe weet iemand dat het archief echt is?").click()
    staff.look("taken-back")
    thumbprint = staff.page.locator("details code").inner_text()
    with staff.page.expect_download() as download:
        staff.page.get_by_role("link", name="Archief ophalen").click()
    download.value.save_as(tmp_path / "archive")
    archive = verify_archive(parse_archive((tmp_path / "archive").read_bytes()), signer_thumbprints={thumbprint})
    assert sum(key.withdrawn_at is not None for key in archive.keys) >= 1

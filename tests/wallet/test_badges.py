"""The badges that are held: how they stand, what is shown of them, and how they leave."""

import io
import json
import zipfile
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from PIL import Image

from kernel.formats import parse_credential
from kernel.keys import SoftwareSigner
from kernel.status.token_status_list import Status
from tests.support.badges import SKILLS, create_test_achievement, create_test_dataset
from tests.support.simulated_issuer import DC, VC
from tests.wallet.conftest import PASSPHRASE
from wallet.errors import PictureError
from wallet.exporting import open_encrypted_keys
from wallet.images import create_safe_image

EXPORT_PASSPHRASE = "nog vier heel andere woorden"


def picture(kind: str = "PNG", size: tuple[int, int] = (800, 600)) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", size, "#0b5f63").save(output, kind)
    return output.getvalue()


def data_url(content: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def dataset_with_image(url: str):
    return create_test_dataset(achievement=create_test_achievement(image={"id": url, "type": "Image"}))


async def test_badge_says_what_it_is_from_whom_and_for_what(house, holder):
    badge = await holder.receive(house.issuer.offer_link())
    again = (await holder.call("GET", f"/credentials/{badge['id']}")).json()
    assert again["name"] == "Adviseur Lerende Regio Maas en Waal"
    assert again["issuer_name"] == "Stichting Stimulering Techniek Maas en Waal"
    assert {skill["uri"] for skill in again["skills"]} == set(SKILLS)
    assert again["criteria"].startswith("Een adviesrapport")
    assert again["evidence"][0]["name"] == "Adviesrapport"
    assert again["person"]["given_name"] == "Sanne"
    assert again["recognition"]["outcome"] == "recognised"
    assert (again["state"], again["is_expiring"]) == ("valid", False)


@pytest.mark.parametrize(("status", "state"), [(Status.INVALID, "revoked"), (Status.SUSPENDED, "suspended")])
@pytest.mark.parametrize("configuration", [DC, VC])
async def test_W32_change_of_status_is_seen_when_the_list_has_had_its_time(house, holder, status, state, configuration):
    badge = await holder.receive(house.issuer.offer_link(configurations=[configuration]))
    house.issuer.status_list.set(house.issuer.last_index, status)
    assert (await holder.badges())[0]["state"] == "valid"  # the list is kept for its ttl of a minute
    house.clock.advance(timedelta(minutes=2))
    assert (await holder.call("GET", f"/credentials/{badge['id']}")).json()["state"] == state
    house.issuer.status_list.set(house.issuer.last_index, Status.VALID)
    house.clock.advance(timedelta(minutes=2))
    assert (await holder.badges())[0]["state"] == "valid"


async def test_one_withdrawn_form_withdraws_the_badge(house, holder):
    await holder.receive(house.issuer.offer_link())
    house.issuer.status_list.set(house.issuer.last_index, Status.INVALID)
    house.clock.advance(timedelta(minutes=2))
    assert [badge["state"] for badge in await holder.badges()] == ["revoked"]


async def test_K74_badge_whose_status_cannot_be_reached_is_unknown_and_never_valid(house, holder):
    await holder.receive(house.issuer.offer_link())
    house.transport.down.add("issuer.example:443")
    house.clock.advance(timedelta(minutes=2))
    [badge] = await holder.badges()
    assert (badge["state"], badge["checked_at"]) == ("unknown", None)


async def test_badge_runs_out_and_says_so_before(house, holder):
    house.issuer.valid_for = timedelta(days=90)
    await holder.receive(house.issuer.offer_link())
    seen = []
    for days in (29, 3, 58):
        house.clock.advance(timedelta(days=days))
        house.sign_trust_list()
        await holder.sign_in()
        [badge] = await holder.badges()
        seen.append((badge["state"], badge["is_expiring"]))
    assert seen == [("valid", False), ("valid", True), ("expired", False)]


async def test_W32_wallet_fetches_whole_lists_and_says_nothing_about_its_holder(house, holder):
    await holder.receive(house.issuer.offer_link())
    asked = [request for request in house.transport.requests if "/status/" in request.url.path]
    assert asked
    for request in asked:
        assert (request.method, request.url.query, request.content) == ("GET", b"", b"")
        assert not {"cookie", "authorization", "referer"} & set(request.headers)


async def test_W19_A48_picture_is_fetched_once_at_receipt_and_drawn_anew(house, holder):
    house.issuer.image = ("image/png", picture())
    badge = await holder.receive(house.issuer.offer_link())
    await holder.badges()
    await holder.call("GET", f"/credentials/{badge['id']}")
    assert sum("image" in line for line in house.issuer.requests) == 1


async def test_badge_whose_picture_cannot_be_had_is_kept_without_one(house, holder):
    house.issuer.image = ("image/png", b"no picture")
    badge = await holder.receive(house.issuer.offer_link())
    assert badge["state"] == "valid"


async def test_A41_picture_is_served_so_that_it_can_do_nothing(house):
    house.issuer.dataset = dataset_with_image(data_url(picture()))
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    offer_path = browser.answer.url.path
    answer = await browser.post(f"{offer_path}/accept")
    path = f"{answer.headers['location']}/image"
    image = await browser.get(path)
    assert image.headers["content-type"] == "image/png"
    assert image.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert image.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in image.headers
    assert max(Image.open(io.BytesIO(image.content)).size) == 384
    stranger = house.new_browser()
    assert (await stranger.get(path)).status_code == 401
    other = house.new_browser()
    await other.sign_up("Ander")
    assert (await other.get(path)).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="https://tracker.example/x.png"/></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><a href="javascript:alert(1)"><rect/></a></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect fill="url(https://tracker.example/x)"/></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><style>@import "https://tracker.example/x.css"</style></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><foreignObject><body/></foreignObject></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect o&#110;load="alert(1)"/></svg>',
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        b'<?xml version="1.0"?><?xml-stylesheet href="https://x.example/a.css"?><svg></svg>',
        '<?xml version="1.0" encoding="utf-16"?><svg/>'.encode("utf-16"),
        b"<html><script>alert(1)</script></html>",
        b"GIF89a",
        b"",
        picture()[:200],
        picture() + b"x" * 1024 * 1024,
    ],
)
def test_A41_A43_picture_that_acts_or_cannot_be_read_is_not_shown(content):
    with pytest.raises(PictureError):
        create_safe_image(content)


def test_A43_picture_with_more_pixels_than_sense_is_refused_before_it_is_decoded():
    output = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(output, "PNG")
    assert len(output.getvalue()) < 1024 * 1024
    with pytest.raises(PictureError):
        create_safe_image(output.getvalue())


def test_W19_plain_svg_is_kept():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="url(#a)"/></svg>'
    assert create_safe_image(svg).content == svg


async def test_W30_deleted_badge_is_gone_with_its_keys_and_the_issuer_is_not_told(house, holder):
    badge = await holder.receive(house.issuer.offer_link())
    heard = list(house.issuer.notifications)
    assert (await holder.call("DELETE", f"/credentials/{badge['id']}")).status_code == 204
    assert await holder.badges() == []
    assert (await holder.call("DELETE", f"/credentials/{badge['id']}")).status_code == 404
    export = (await holder.call("POST", "/export", {"passphrase": EXPORT_PASSPHRASE})).json()
    assert open_encrypted_keys(export["holder_keys"], EXPORT_PASSPHRASE) == []
    assert house.issuer.notifications == heard


async def test_A52_nobody_reaches_the_badge_of_another_account(house, holder):
    badge = await holder.receive(house.issuer.offer_link())
    offer = await holder.open_offer(house.issuer.offer_link())
    [entry] = await holder.history()
    other = await house.new_holder("Ander")
    for method, path, body in (
        ("GET", f"/credentials/{badge['id']}", None),
        ("DELETE", f"/credentials/{badge['id']}", None),
        ("GET", f"/offers/{offer['id']}", None),
        ("POST", f"/offers/{offer['id']}/accept", {}),
        ("DELETE", f"/offers/{offer['id']}", None),
        ("DELETE", f"/history/{entry['id']}", None),
    ):
        answer = await other.call(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert len(await holder.badges()) == 1


async def test_W30_export_holds_everything_and_the_keys_only_encrypted(house, holder):
    await holder.receive(house.issuer.offer_link())
    plain = (await holder.call("GET", "/export")).json()
    assert "holder_keys" not in plain
    assert '"d"' not in json.dumps(plain)
    full = (await holder.call("POST", "/export", {"passphrase": EXPORT_PASSPHRASE})).json()
    assert '"d"' not in json.dumps(full)
    keys = {key["form_id"]: key["jwk"] for key in open_encrypted_keys(full["holder_keys"], EXPORT_PASSPHRASE)}
    [badge] = full["credentials"]
    assert {form["id"] for form in badge["forms"]} == set(keys)
    thumbprints = {SoftwareSigner.from_jwk(jwk).public_key.thumbprint for jwk in keys.values()}
    assert thumbprints == set(house.issuer.holder_keys)
    assert [entry["kind"] for entry in full["history"]] == ["received"]
    with pytest.raises(InvalidTag):
        open_encrypted_keys(full["holder_keys"], PASSPHRASE)
    weak = await holder.call("POST", "/export", {"passphrase": "kort"})
    assert (weak.status_code, weak.json()["code"]) == (400, "passphrase")


async def test_W13_W30_export_takes_the_stock_of_copies_along_each_with_its_key(house, holder):
    house.issuer.batch_size = 4
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(next(iter(SKILLS)))))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    plain = (await holder.call("POST", "/export", {})).json()
    assert "holder_keys" not in plain
    full = (await holder.call("POST", "/export", {"passphrase": EXPORT_PASSPHRASE})).json()
    keys = open_encrypted_keys(full["holder_keys"], EXPORT_PASSPHRASE)
    thumbprints = {SoftwareSigner.from_jwk(key["jwk"]).public_key.thumbprint for key in keys}
    assert (len(keys), thumbprints) == (4, set(house.issuer.holder_keys))
    copies = [key for key in keys if "raw" in key]
    for copy in copies:
        bound = SoftwareSigner.from_jwk(copy["jwk"]).public_key.jwk
        assert {"x": bound["x"], "y": bound["y"]}.items() <= parse_credential(copy["raw"]).payload["cnf"]["jwk"].items()
    assert sum(copy["is_shown"] for copy in copies) <= 1


async def test_export_for_people_is_a_zip_with_the_signed_badges(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    await browser.post(f"{browser.answer.url.path}/accept")
    await browser.get("/me")
    answer = await browser.post("/me/export", export_passphrase=EXPORT_PASSPHRASE)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        wallet = json.loads(archive.read("wallet.json"))
        signed = [archive.read(name).decode() for name in names if name.startswith("badges/")]
        keys = json.loads(archive.read("holder_keys.json"))
    assert sorted(signed) == sorted(form["raw"] for form in wallet["credentials"][0]["forms"])
    assert len(open_encrypted_keys(keys, EXPORT_PASSPHRASE)) == 2


def test_openapi_says_what_every_operation_of_the_api_answers(house):
    """An operation answers nothing (204), a file, or names the model of its answer; a refusal has one for all."""
    for path, operations in house.app.openapi()["paths"].items():
        if not path.startswith("/api/"):
            continue
        for operation in operations.values():
            good = {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
            assert good
            for code, answer in good.items():
                is_file = answer["description"] == "The file."
                assert code == "204" or is_file or "$ref" in answer["content"]["application/json"]["schema"]
            assert "ProblemAnswer" in str(operation["responses"]["default"])


async def test_A41_a_badge_for_ever_is_received_and_shown(house):
    """Its end is the last moment there is, which is no moment in the Netherlands."""
    house.issuer.valid_for = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - house.clock()
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    page = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    assert page.status_code == 200
    assert (await browser.get("/badges")).status_code == 200

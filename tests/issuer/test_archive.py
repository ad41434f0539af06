"""The archive of an organisation: everything its badges need, nothing about people, and checkable without us."""

from datetime import timedelta

import httpx
import pytest

from kernel.archive import VerifiedArchive, parse_archive, verify_archive
from kernel.did import did_web, parse_did_document
from kernel.formats import FORMATS, parse_credential
from kernel.status.token_status_list import Status, verify_status_list_token
from tests.issuer.conftest import ES256, IDENTIFIER, ORG, SANNE, SLUG, Issuer, achievement

DID = did_web(IDENTIFIER)


async def fetch_archive(issuer: Issuer, org: str = ORG) -> httpx.Response:
    return await issuer.api("GET", f"/organisations/{org}/archive")


async def verified_archive(issuer: Issuer) -> VerifiedArchive:
    response = await fetch_archive(issuer)
    assert response.status_code == 200, response.text
    keys = (await issuer.api("GET", f"/organisations/{ORG}/signing-keys")).json()["signing_keys"]
    [thumbprint] = [key["thumbprint"] for key in keys if key["algorithm"] == "Ed25519" and not key["retired_at"]]
    assert response.headers["archive-signer-thumbprint"] == thumbprint
    return verify_archive(parse_archive(response.content), signer_thumbprints={thumbprint})


async def test_a_badge_is_checked_with_the_archive_alone_after_its_key_was_replaced(any_issuer: Issuer) -> None:
    issuer = any_issuer
    awards = [await issuer.award() for _ in range(2)]
    good, withdrawn = [(await issuer.fetch(award))[0] for award in awards]
    await issuer.change(awards[1]["id"], "revoke")
    issuer.clock.advance(timedelta(days=400))
    await issuer.api("POST", f"/organisations/{ORG}/signing-keys")
    archive = await verified_archive(issuer)
    statuses = []
    for raw in (good, withdrawn):
        credential = parse_credential(raw)
        key = archive.find_key(credential.key_id, signed_at=issuer.clock() - timedelta(days=400))
        verified = FORMATS[credential.format].verify_signature(credential, key=key, algorithms=ES256)
        [reference] = verified.statuses
        token = archive.find_file("status_list", reference.uri)
        assert token is not None
        signer = archive.find_key(f"{DID}#es256-2027-2", signed_at=archive.created_at)
        listed = verify_status_list_token(
            token.decode(), uri=reference.uri, key=signer, algorithms=ES256, now=archive.created_at
        )
        statuses.append(listed.get(reference.index))
    assert statuses == [Status.VALID, Status.INVALID]


async def test_the_archive_has_every_version_of_what_badges_refer_to_and_nothing_about_people(issuer: Issuer) -> None:
    await issuer.fetch()
    changed = achievement(name={"nl": "Senior adviseur"})
    await issuer.api("PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=changed, headers={"If-Match": '"1"'})
    response = await fetch_archive(issuer)
    archive = await verified_archive(issuer)
    kinds = [file.kind for file in archive.files]
    assert {kind: kinds.count(kind) for kind in ("did_document", "achievement", "image", "type_metadata")} == {
        "did_document": 1,
        "achievement": 2,
        "image": 2,
        "type_metadata": 1,
    }
    assert archive.find_file("context", "https://www.w3.org/ns/credentials/v2")
    [document] = [file.content for file in archive.files if file.kind == "did_document"]
    assert parse_did_document(document, did=DID).find_key(f"{DID}#es256-2026-1", relation="assertionMethod")
    assert archive.organisation["credential_issuer"] == IDENTIFIER
    for file in archive.files:
        assert not any(secret.encode() in file.content for secret in (SANNE["email"], SANNE["family_name"]))
    assert f'filename="{ORG}-' in response.headers["content-disposition"]


async def test_the_same_archive_made_twice_has_the_same_bytes(issuer: Issuer) -> None:
    first = await fetch_archive(issuer)
    assert (await fetch_archive(issuer)).content == first.content


async def test_a_change_of_status_that_is_not_served_yet_does_not_get_lost(issuer: Issuer) -> None:
    award = await issuer.award()
    await issuer.fetch(award)
    assert (await fetch_archive(issuer)).status_code == 200
    await issuer.change(award["id"], "revoke")
    refused = await fetch_archive(issuer)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    issuer.clock.advance(issuer.settings.status_list_ttl)
    assert (await fetch_archive(issuer)).status_code == 200


async def test_I81_an_archive_is_of_one_organisation(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    archive = await verified_archive(issuer)
    assert all("/ander" not in file.name and ":ander" not in file.name for file in archive.files)
    assert (await fetch_archive(issuer, "onbekend")).status_code == 404


@pytest.mark.parametrize("path", ["archive", "signing-keys"])
async def test_A52_keys_and_archive_need_an_api_key_that_may_read(issuer: Issuer, path: str) -> None:
    url = f"/organisations/{ORG}/{path}"
    assert (await issuer.client.get(f"/api{url}")).status_code == 401
    body = {"name": "lms", "scopes": ["status:write"]}
    made = (await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body)).json()
    other = {"Authorization": f"Bearer {made['api_key']}"}
    assert (await issuer.api("GET", url, headers=other)).status_code == 403

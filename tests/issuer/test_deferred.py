"""Badges that somebody else has to agree to first: asked for now, issued later. OpenID4VCI 1.0 §9; I-63, I-65, A-30."""

import asyncio
import html
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from alembic import command
from sqlalchemy import func, select, text, update

from issuer.housekeeping import clean_up
from issuer.models import AccessToken, Award, Credential, DeferredIssuance, Operator, StatusEntry
from kernel.formats import from_wire
from kernel.keys import SoftwareSigner
from kernel.openid4vci import PRE_AUTHORIZED_CODE_GRANT, create_dpop_proof, decrypt_message, encrypt_message
from runtime.database import migrate
from runtime.migrations import _config, _connection
from runtime.tokens import hash_token
from tests.conftest import NewDatabase
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import BASE, IDENTIFIER, ORG, PASSPHRASE, SANNE, SD_JWT, SLUG, Browser, Issuer
from tests.issuer.conftest import recipient as somebody
from tests.issuer.test_notification import notify
from tests.issuer.test_refresh_token import code_of, fetch, refresh
from tests.issuer.test_refresh_token import proof as dpop_proof
from tests.issuer.test_request_encryption import KEY, public, recipient


async def needs_approval(issuer: Issuer) -> None:
    """The badge wants a second person from now on."""
    path = f"/organisations/{ORG}/achievements/{SLUG}"
    found = await issuer.api("GET", path)
    description = {name: value for name, value in found.json().items() if name in _MEMBERS and value is not None}
    changed = await issuer.api(
        "PUT", path, json={**description, "approval": "second_person"}, headers={"If-Match": found.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text


# Whether its badge waits, whether it is bound to a key, and how many seconds a token lives then.
LIFETIMES = [(False, False, 300), (True, False, 300), (False, True, 3600), (True, True, 30 * 86400)]
_MEMBERS = {"slug", "name", "description", "criteria", "assessment", "achievement_type", "skills", "language"}


async def add_person(issuer: Issuer, org: str = ORG) -> str:
    """A new member of staff."""
    body = {"email": f"{uuid4().hex}@{org}.example", "name": "Anneke Bos", "passphrase": PASSPHRASE}
    made = await issuer.api("POST", f"/organisations/{org}/operators", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def key_of(issuer: Issuer, operator: str | None) -> dict[str, str]:
    """The headers of an API key on the name of this person, or on nobody's."""
    body = {"name": "sleutel", "scopes": ["awards:write", "awards:read", "status:write"]}
    made = await issuer.api("POST", f"/organisations/{ORG}/api-keys", json={**body, "operator": operator})
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['api_key']}"}


async def post_award(issuer: Issuer, headers: dict[str, str]) -> httpx.Response:
    path = f"/api/organisations/{ORG}/achievements/{SLUG}/awards"
    return await issuer.client.post(path, json={"recipients": [somebody()]}, headers=headers)


async def award_by_somebody(issuer: Issuer) -> dict[str, Any]:
    """An award by a person who does nothing else."""
    response = await post_award(issuer, await key_of(issuer, await add_person(issuer)))
    assert response.status_code == 201, response.text
    return dict(response.json()["awards"][0])


async def change(
    issuer: Issuer, award: dict[str, Any], headers: dict[str, str], change: str = "approve"
) -> httpx.Response:
    path = f"/api/organisations/{ORG}/awards/{award['id']}/{change}"
    return await issuer.client.post(path, json={"reason": "Nagekeken"}, headers=headers)


async def approve(issuer: Issuer, award: dict[str, Any], what: str = "approve") -> httpx.Response:
    """By somebody who does nothing else."""
    return await change(issuer, award, await key_of(issuer, await add_person(issuer)), what)


async def begin(issuer: Issuer, copies: int = 2) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """An award that waits, a token for it, and the answer to a request."""
    await needs_approval(issuer)
    award = await award_by_somebody(issuer)
    token = (await issuer.redeem(award)).token
    nonce = await issuer.nonce()
    response = await issuer.request(token, [await issuer.proof(nonce=nonce) for _ in range(copies)])
    assert response.status_code == 202, response.text
    assert response.headers["cache-control"] == "no-store"
    return award, token, response.json()


async def ask_again(issuer: Issuer, token: str, transaction_id: str, *, org: str = ORG, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"transaction_id": transaction_id, **more}
    return await issuer.client.post(f"/{org}/deferred", json=body, headers=headers)


def error_of(response: httpx.Response) -> Any:
    assert response.status_code == 400, response.text
    return response.json()["error"]


async def count(issuer: Issuer, model: Any) -> int:
    async with issuer.database.reading() as session:
        return int((await session.execute(select(func.count()).select_from(model))).scalar_one())


async def places(issuer: Issuer) -> int:
    """How many places in status lists belong to an award."""
    async with issuer.database.reading() as session:
        taken = select(func.count()).where(StatusEntry.award_id.is_not(None))
        return int((await session.execute(taken)).scalar_one())


async def test_I63_I65_a_badge_that_waits_comes_once_somebody_else_has_agreed(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award, token, waiting = await begin(issuer)
    assert waiting.keys() == {"transaction_id", "interval"}
    assert waiting["interval"] == int(issuer.settings.deferred_interval.total_seconds())
    assert (await issuer.get_award(award["id"]))["state"] == "waiting"
    assert await count(issuer, Credential) == 0
    again = await ask_again(issuer, token, waiting["transaction_id"])
    assert (again.status_code, again.json()) == (202, waiting)
    assert (await approve(issuer, award)).status_code == 200
    issued = await ask_again(issuer, token, waiting["transaction_id"])
    assert issued.status_code == 200, issued.text
    assert len(issued.json()["credentials"]) == 2
    for entry in issued.json()["credentials"]:
        assert await issuer.verify(from_wire(entry["credential"]))
    assert issued.json()["notification_id"]
    # Nothing is issued twice, and the transaction ends when the wallet has what it was for.
    told = {"notification_id": issued.json()["notification_id"], "event": "credential_accepted"}
    assert (await notify(issuer, token, told)).status_code == 204
    assert error_of(await ask_again(issuer, token, waiting["transaction_id"])) == "invalid_transaction_id"
    assert await count(issuer, Credential) == 2


@pytest.mark.parametrize("event", ["credential_accepted", "credential_failure", "credential_deleted"])
async def test_I65_A53_an_answer_that_was_lost_is_given_again_until_the_wallet_tells_what_became_of_it(
    any_issuer: Issuer, event: str
) -> None:
    issuer = any_issuer
    award, token, waiting = await begin(issuer)
    assert (await approve(issuer, award)).status_code == 200
    first, again = [await ask_again(issuer, token, waiting["transaction_id"]) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, again.json())
    assert await count(issuer, Credential) == await places(issuer) == 2
    told = {"notification_id": first.json()["notification_id"], "event": event}
    assert (await notify(issuer, token, told)).status_code == 204
    assert error_of(await ask_again(issuer, token, waiting["transaction_id"])) == "invalid_transaction_id"


@pytest.mark.parametrize(("is_waiting", "is_bound", "seconds"), LIFETIMES)
async def test_I31_I63_a_token_lives_as_long_as_its_badge_may_take_where_nobody_else_can_use_it(
    issuer: Issuer, is_waiting: bool, is_bound: bool, seconds: int
) -> None:
    """This grant gives no refresh token: five minutes are over before a second person has looked."""
    if is_waiting:
        await needs_approval(issuer)
    award = await award_by_somebody(issuer)
    headers = await dpop_proof(issuer, "token") if is_bound else {}
    form = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "tx_code": award["offer"]["tx_code"]}
    form["pre-authorized_code"] = await issuer.code(award)
    bought = await issuer.client.post(f"/{ORG}/token", data=form, headers=headers)
    assert (bought.status_code, bought.json()["expires_in"]) == (200, seconds), bought.text
    issuer.clock.advance(timedelta(seconds=seconds) - timedelta(seconds=1))
    answered = (await fetch_as(issuer, bought.json())).status_code
    assert answered == (202 if is_waiting else 200)
    issuer.clock.advance(timedelta(seconds=1))
    assert (await fetch_as(issuer, bought.json())).status_code == 401


async def fetch_as(issuer: Issuer, bought: dict[str, Any]) -> httpx.Response:
    """With a proof of the key where the token asks for one."""
    if bought["token_type"] == "DPoP":
        return await fetch(issuer, bought["access_token"])
    return await issuer.request(bought["access_token"], [await issuer.proof()])


async def test_I65_A53_an_answer_that_was_lost_is_given_again_for_a_day_and_no_longer(issuer: Issuer) -> None:
    token, transaction_id, _ = await answered_once(issuer)
    for hours, status in ((12, 200), (12, 400)):
        issuer.clock.advance(timedelta(hours=hours))
        renewed = await refresh(issuer, token, headers=await dpop_proof(issuer, "token"))
        assert renewed.status_code == 200, renewed.text
        token = renewed.json()["refresh_token"]
        late = await ask_bound(issuer, renewed.json()["access_token"], transaction_id)
        assert late.status_code == status, late.text
    assert error_of(late) == "invalid_transaction_id"


async def test_I65_I32_a_token_that_is_renewed_still_opens_what_is_on_its_way_and_its_answer_is_the_same(
    any_issuer: Issuer,
) -> None:
    """The copies that may be lost would otherwise count as given, and the next token as one for others."""
    token, transaction_id, first = await answered_once(any_issuer)
    renewed = await refresh(any_issuer, token, headers=await dpop_proof(any_issuer, "token"))
    again = await ask_bound(any_issuer, renewed.json()["access_token"], transaction_id)
    assert (again.status_code, again.json()) == (200, first)
    assert await count(any_issuer, Credential) == await places(any_issuer) == 1


async def answered_once(issuer: Issuer) -> tuple[str, str, dict[str, Any]]:
    """A refresh token, and a transaction that was answered so without anybody telling what became of it."""
    await needs_approval(issuer)
    award = await award_by_somebody(issuer)
    flow = CodeFlow.start(issuer)
    bought = (await flow.exchange(await code_of(flow), headers=await dpop_proof(issuer, "token"))).json()
    waiting = await fetch(issuer, bought["access_token"])
    assert waiting.status_code == 202, waiting.text
    assert (await approve(issuer, award)).status_code == 200
    answered = await ask_bound(issuer, bought["access_token"], waiting.json()["transaction_id"])
    assert answered.status_code == 200, answered.text
    return bought["refresh_token"], waiting.json()["transaction_id"], answered.json()


async def ask_bound(issuer: Issuer, token: str, transaction_id: str) -> httpx.Response:
    headers = {**await dpop_proof(issuer, "deferred", access_token=token), "Authorization": f"DPoP {token}"}
    return await issuer.client.post(f"/{ORG}/deferred", json={"transaction_id": transaction_id}, headers=headers)


async def test_I63_metadata_says_where_to_ask_again(issuer: Issuer) -> None:
    metadata = (await issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    assert metadata["deferred_credential_endpoint"] == f"{IDENTIFIER}/deferred"


async def test_I65_a_badge_that_was_declined_never_comes(issuer: Issuer) -> None:
    award, token, waiting = await begin(issuer)
    assert (await approve(issuer, award, "revoke")).status_code == 200
    assert error_of(await ask_again(issuer, token, waiting["transaction_id"])) == "credential_request_denied"
    assert (await issuer.get_award(award["id"]))["state"] == "revoked"


async def sign_in(issuer: Issuer, operator: str) -> Browser:
    """The back office, in the browser of this person."""
    async with issuer.database.reading() as session:
        email = (await session.execute(select(Operator.email).where(Operator.id == operator))).scalar_one()
    browser = Browser(issuer, f"192.0.2.{20 + len(operator) % 7}")
    await browser.get("/sign-in")
    await browser.post("/sign-in", email=email, passphrase=PASSPHRASE, next=BASE)
    return browser


async def award_on_a_page(issuer: Issuer, operator: str) -> dict[str, Any]:
    browser = await sign_in(issuer, operator)
    await browser.get(f"{BASE}/achievements/{SLUG}/award")
    await browser.post(f"{BASE}/achievements/{SLUG}/award/preview", **SANNE)
    people = html.unescape(re.search(r'name="people" value="([^"]*)"', browser.page)[1])  # type: ignore[index]
    await browser.post(f"{BASE}/achievements/{SLUG}/award", people=people, idempotency_key="eenmalig")
    await browser.client.aclose()
    return dict((await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"][0])


async def approve_on_a_page(issuer: Issuer, award: dict[str, Any], operator: str) -> httpx.Response:
    browser = await sign_in(issuer, operator)
    await browser.get(f"{BASE}/awards/{award['id']}/approve")
    response = await browser.post(f"{BASE}/awards/{award['id']}/approve", reason="")
    await browser.client.aclose()
    return response


@pytest.mark.parametrize("awards_by", ["page", "key"])
@pytest.mark.parametrize("approves_by", ["page", "key"])
async def test_I63_one_person_is_not_two_by_whatever_way_they_come(
    issuer: Issuer, awards_by: str, approves_by: str
) -> None:
    await needs_approval(issuer)
    first, second = await add_person(issuer), await add_person(issuer)
    if awards_by == "page":
        award = await award_on_a_page(issuer, first)
    else:
        award = (await post_award(issuer, await key_of(issuer, first))).json()["awards"][0]

    async def approve_as(person: str) -> httpx.Response:
        if approves_by == "page":
            return await approve_on_a_page(issuer, award, person)
        return await change(issuer, award, await key_of(issuer, person))

    own = await approve_as(first)
    assert own.status_code == (400 if approves_by == "page" else 409)
    assert (await issuer.get_award(award["id"]))["state"] == "waiting"
    assert (await approve_as(second)).status_code == 200
    assert (await issuer.get_award(award["id"]))["state"] == "offered"


async def test_I63_a_key_on_nobody_s_name_neither_awards_nor_approves_what_two_people_do(issuer: Issuer) -> None:
    award, _, _ = await begin(issuer)
    for headers in (issuer.admin, await key_of(issuer, None)):
        for refused in (await post_award(issuer, headers), await change(issuer, award, headers)):
            assert (refused.status_code, refused.json()["code"]) == (403, "person_unknown")
    listed = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
    assert [(each["id"], each["state"]) for each in listed] == [(award["id"], "waiting")]
    # Declining takes nobody special.
    assert (await change(issuer, award, issuer.admin, "revoke")).status_code == 200


async def test_I63_an_award_of_which_nobody_knows_who_made_it_is_declined_and_made_again(issuer: Issuer) -> None:
    """From before keys stood on names."""
    award, _, _ = await begin(issuer)
    async with issuer.database.transaction() as session:
        await session.execute(update(Award).values(awarded_by=None))
    refused = await approve(issuer, award)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await approve(issuer, award, "revoke")).status_code == 200


def test_I63_whoever_had_a_key_is_nobody_known_after_the_migration(new_database: NewDatabase) -> None:
    url = new_database(None)
    known = {name: uuid4().hex for name in "oavb"} | {"t": "2026-11-21 12:00:00+00:00", "blob": b""}
    with _connection(url) as connection:
        command.upgrade(_config("issuer", connection), "0012")
        for statement in (
            "INSERT INTO organisations (id, slug, name, country, created_at) VALUES (:o, 'stmw', 'S', 'NL', :t)",
            "INSERT INTO achievements (id, organisation_id, slug, current_version, created_at) "
            "VALUES (:a, :o, 'b', 1, :t)",
            "INSERT INTO achievement_versions (id, achievement_id, version, description, achievement, image, "
            "image_type, created_at) VALUES (:v, :a, 1, '{}', '{}', :blob, 'image/png', :t)",
            "INSERT INTO award_batches (id, organisation_id, request_hash, created_at) VALUES (:b, :o, :blob, :t)",
        ):
            connection.execute(text(statement), known)
        for position, actor in enumerate(("operator 7", "api key sleutel")):
            connection.execute(
                text(
                    "INSERT INTO awards (id, organisation_id, achievement_version_id, batch_id, position, reference, "
                    "awarded_at, awarded_by, status, created_at) "
                    "VALUES (:id, :o, :v, :b, :p, 'R', :t, :by, 'waiting', :t)"
                ),
                {**known, "id": uuid4().hex, "p": position, "by": actor},
            )
    migrate(url, "issuer")
    with _connection(url) as connection:
        people = connection.execute(text("SELECT awarded_by FROM awards ORDER BY position")).scalars().all()
    assert people == ["operator 7", None]


async def test_A52_a_key_stands_on_the_name_of_the_organisation_s_own_staff_and_makes_no_accounts(
    issuer: Issuer,
) -> None:
    await issuer.add_organisation("other")
    own, foreign = await add_person(issuer), await add_person(issuer, "other")
    for operator, scopes, field in (
        (foreign, ["awards:write"], "operator"),
        (str(uuid4()), ["awards:write"], "operator"),
        (own, ["awards:write", "organisations:write"], "scopes"),
    ):
        body = {"name": "sleutel", "scopes": scopes, "operator": operator}
        refused = await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body)
        assert (refused.status_code, list(refused.json()["fields"])) == (400, [field])


async def test_I63_what_waits_is_not_suspended_and_nobody_approves_twice(issuer: Issuer) -> None:
    award, _, _ = await begin(issuer)
    assert (await issuer.change(award["id"], "suspend")).status_code == 409
    assert (await approve(issuer, award)).status_code == 200
    assert (await issuer.get_award(award["id"]))["state"] == "opened"
    assert (await approve(issuer, award)).status_code == 409


async def test_I65_A30_other_grants_and_other_organisations_know_nothing_of_it(issuer: Issuer) -> None:
    award, token, waiting = await begin(issuer)
    await issuer.add_organisation("other")
    assert (await issuer.add_achievement("other")).status_code == 201
    foreign = await issuer.award("other")
    code = (await issuer.offer(foreign))["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
    elsewhere = await issuer.post_token(code["pre-authorized_code"], foreign["offer"]["tx_code"], org="other")
    neighbour = (await issuer.redeem(await award_by_somebody(issuer))).token
    assert (await approve(issuer, award)).status_code == 200
    refused = [
        await ask_again(issuer, neighbour, waiting["transaction_id"]),
        await ask_again(issuer, elsewhere.json()["access_token"], waiting["transaction_id"], org="other"),
        await ask_again(issuer, token, "unknown"),
    ]
    assert {error_of(response) for response in refused} == {"invalid_transaction_id"}
    assert len({response.text for response in refused}) == 1
    assert (await ask_again(issuer, token, waiting["transaction_id"], org="other")).status_code == 401
    assert (await ask_again(issuer, token, waiting["transaction_id"])).status_code == 200


async def test_I65_A53_eight_who_ask_at_once_are_given_one_answer(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award, token, waiting = await begin(issuer)
    assert (await approve(issuer, award)).status_code == 200
    responses = await asyncio.gather(*[ask_again(issuer, token, waiting["transaction_id"]) for _ in range(8)])
    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    assert await count(issuer, Credential) == await places(issuer) == 2


async def test_I65_a_request_with_one_thing_wrong_gets_its_error(issuer: Issuer) -> None:
    _, token, waiting = await begin(issuer)
    headers = {"Authorization": f"Bearer {token}"}
    for body in ({}, {"transaction_id": 7}, []):
        response = await issuer.client.post(f"/{ORG}/deferred", json=body, headers=headers)
        assert error_of(response) == "invalid_credential_request"
    assert (await issuer.client.post(f"/{ORG}/deferred", json=waiting)).status_code == 401
    issuer.clock.advance(timedelta(minutes=5))
    late = await ask_again(issuer, token, waiting["transaction_id"])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_token")


async def test_A22_a_request_that_waits_spends_its_nonce_and_only_so_many_wait(issuer: Issuer) -> None:
    await needs_approval(issuer)
    token = (await issuer.redeem(await award_by_somebody(issuer))).token
    proof = await issuer.proof()
    assert (await issuer.request(token, [proof])).status_code == 202
    assert error_of(await issuer.request(token, [proof])) == "invalid_nonce"
    responses = [await issuer.request(token, [await issuer.proof()]) for _ in range(20)]
    assert [response.status_code for response in responses] == [202] * 19 + [400]
    assert error_of(responses[-1]) == "credential_request_denied"


async def test_I67_a_deferred_request_and_its_response_are_encrypted(issuer: Issuer) -> None:
    award, token, waiting = await begin(issuer)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/jwt"}

    async def ask() -> httpx.Response:
        wanted = {"jwk": public(KEY), "enc": "A256GCM"}
        members = {"transaction_id": waiting["transaction_id"], "credential_response_encryption": wanted}
        to = await recipient(issuer)
        content = encrypt_message(members, recipient=to.jwk, enc=to.enc)
        return await issuer.client.post(f"/{ORG}/deferred", content=content, headers=headers)

    still = await ask()
    assert (still.status_code, still.headers["content-type"]) == (202, "application/jwt")
    assert decrypt_message(still.text, private_jwk=KEY) == waiting
    in_the_open = await ask_again(
        issuer, token, waiting["transaction_id"], credential_response_encryption={"jwk": public(KEY), "enc": "A256GCM"}
    )
    assert error_of(in_the_open) == "invalid_encryption_parameters"
    assert (await approve(issuer, award)).status_code == 200
    issued = await ask()
    assert (issued.status_code, issued.headers["content-type"]) == (200, "application/jwt")
    assert len(decrypt_message(issued.text, private_jwk=KEY)["credentials"]) == 2


async def test_I30_I65_under_a_bound_token_a_proof_is_needed_here_too(issuer: Issuer) -> None:
    _, token, waiting = await begin(issuer)
    key = SoftwareSigner.generate()
    async with issuer.database.transaction() as session:
        bind = update(AccessToken).where(AccessToken.token_hash == hash_token(token))
        await session.execute(bind.values(dpop_thumbprint=key.public_key.thumbprint))
    assert (await ask_again(issuer, token, waiting["transaction_id"])).status_code == 401
    nonce = (await issuer.client.post(f"/{ORG}/nonce")).headers["dpop-nonce"]
    proof = create_dpop_proof(
        signer=key, method="POST", url=f"{IDENTIFIER}/deferred", now=issuer.clock(), access_token=token, nonce=nonce
    )
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    body = {"transaction_id": waiting["transaction_id"]}
    response = await issuer.client.post(f"/{ORG}/deferred", json=body, headers=headers)
    assert (response.status_code, "dpop-nonce" in response.headers) == (202, True)
    replayed = await issuer.client.post(f"/{ORG}/deferred", json=body, headers=headers)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_dpop_proof")


async def test_I68_the_same_keys_get_the_same_bytes_at_the_credential_endpoint_afterwards(issuer: Issuer) -> None:
    await needs_approval(issuer)
    award = await award_by_somebody(issuer)
    token = (await issuer.redeem(award)).token
    signer = SoftwareSigner.generate()
    waiting = (await issuer.request(token, [await issuer.proof(signer)])).json()
    assert (await approve(issuer, award)).status_code == 200
    issued = (await ask_again(issuer, token, waiting["transaction_id"])).json()
    # A response that was lost on the way costs nothing.
    again = await issuer.request(token, [await issuer.proof(signer)])
    assert again.json()["credentials"] == issued["credentials"]


async def test_I80_what_waited_in_vain_is_removed(issuer: Issuer) -> None:
    await begin(issuer)
    await clean_up(issuer.database, issuer.settings, now=issuer.clock())
    assert await count(issuer, DeferredIssuance) == 1
    await clean_up(issuer.database, issuer.settings, now=issuer.clock.advance(timedelta(days=120)))
    assert await count(issuer, DeferredIssuance) == 0


async def test_I63_without_approval_a_badge_is_issued_at_once(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    assert (await issuer.request(grant.token, [await issuer.proof()], configuration=SD_JWT)).status_code == 200


async def test_I63_no_file_comes_of_a_badge_that_waits_for_approval_and_why_is_said(issuer: Issuer) -> None:
    await needs_approval(issuer)
    award = await award_by_somebody(issuer)
    path = f"/organisations/{ORG}/awards/{award['id']}"
    for method, what in (("POST", "file"), ("GET", "elm")):
        refused = await issuer.api(method, f"{path}/{what}")
        assert refused.status_code == 409
        assert refused.json()["title"] == "This badge still waits for approval. After that you can make the file."

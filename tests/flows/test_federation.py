"""A federation that vouches for issuer and verifier, over HTTP between all parties; and one that lies in one way. T-07.

Nobody stands on the ecosystem's list here: whoever is recognised, is so by a trust chain up to the pinned anchor.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cli.clients import ProblemError, WalletClient
from kernel.federation import MEDIA_TYPE, parse_entity_statement, verify_entity_statement
from kernel.jwt_vc_issuer import JwkSet
from tests.conftest import NewDatabase
from tests.flows.reports import outcomes
from tests.support.federation import ANCHOR, INTERMEDIATE, Federation, Member
from tests.support.hosts import HostTransport
from tests.support.house import HRM, ISSUER, ORGANISATION, RECRUITER, SANNE, VERIFIER, House, describe, open_house

pytestmark = pytest.mark.over_http

Lie = Literal["", "wrong_signature", "expired", "stripped_role", "other_key", "constraint", "too_deep", "other_anchor"]
LIES = ("wrong_signature", "expired", "stripped_role", "other_key", "constraint", "too_deep", "other_anchor")
STRANGER = Member(INTERMEDIATE)
# The anchor is pinned before the services start.
FEDERATION_KEYS = Member(ANCHOR)
HOSTS = ("surf.skills.example:443", "federation.skills.example:443")


@dataclass
class Authority:
    """The two hosts of a federation. `lie` is what it does wrong now; `members` are those directly below."""

    house: House
    federation: Federation
    lie: Lie = ""
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    """More that is said of every member."""
    more_keys: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Keys that are named beside those in `members`."""

    def intermediate(self) -> Starlette:
        return _app(self._configuration_of_intermediate, self._about_member)

    def anchor(self) -> Starlette:
        return _app(self._configuration_of_anchor, self._about_intermediate)

    def _configuration_of_intermediate(self, _: str) -> str:
        return self.federation.intermediate.configuration(self.house.clock())

    def _configuration_of_anchor(self, _: str) -> str:
        now = self.house.clock()
        thief = Member(ANCHOR, (), self.federation.anchor.metadata)
        return (thief if self.lie == "other_anchor" else self.federation.anchor).configuration(now)

    def _about_member(self, subject: str) -> str:
        now = self.house.clock()
        changes: dict[str, Any] = {}
        claims: dict[str, Any] = dict(self.about)
        match self.lie:
            case "wrong_signature":
                changes["signer"] = STRANGER.signer
            case "expired":
                changes |= {"issued_at": now - timedelta(days=2), "expires_at": now - timedelta(days=1)}
            case "stripped_role":
                claims["constraints"] = {"allowed_entity_types": ["openid_provider"]}
            case "other_key":
                changes["keys"] = [STRANGER.jwk]
            case "constraint":
                claims["constraints"] = {"naming_constraints": {"excluded": [".skills.example"]}}
        keys = [self.members[subject], *self.more_keys.get(subject, [])]
        given = {"keys": keys, "claims": claims, **changes}
        return self.federation.intermediate.statement(Member(subject), now, **given)

    def _about_intermediate(self, _: str) -> str:
        claims = {"constraints": {"max_path_length": 0}} if self.lie == "too_deep" else {}
        return self.federation.anchor.statement(self.federation.intermediate, self.house.clock(), claims=claims)


def _app(configuration: Any, statement: Any) -> Starlette:
    def answer(text: str) -> Response:
        return Response(text, media_type=MEDIA_TYPE)

    async def own(_: Request) -> Response:
        return answer(configuration(""))

    async def about(request: Request) -> Response:
        return answer(statement(request.query_params["sub"]))

    return Starlette(routes=[Route("/.well-known/openid-federation", own), Route("/fetch", about)])


@pytest.fixture
async def authority(new_sqlite_database: NewDatabase, tmp_path: Path, wire: HostTransport) -> AsyncIterator[Authority]:
    """Three services that pin one anchor; the school and the recruiter are members, and stand on no list."""
    anchors = {ANCHOR: {"keys": [FEDERATION_KEYS.jwk]}}
    async with open_house(new_sqlite_database, tmp_path, federation_anchors=anchors, wire=wire) as house:
        federation = Federation(house.clock())
        federation.anchor.signer = FEDERATION_KEYS.signer
        made = Authority(house, federation)
        house.transport.apps |= dict(zip(HOSTS, (made.intermediate(), made.anchor()), strict=True))
        house.sign_trust_list()
        hints = {"authority_hints": [INTERMEDIATE]}
        joined = [
            await house.issuer.call("PUT", f"/api/organisations/{ORGANISATION}/federation", hints),
            await house.verifier.call("PUT", f"/api/relying-parties/{RECRUITER}/federation", hints),
        ]
        made.members = {each["entity"]: each["public_jwk"] for each in joined}
        yield made


async def offered(authority: Authority) -> dict[str, Any]:
    """What the wallet says of the school's offer."""
    wallet = await authority.house.new_wallet()
    offer: dict[str, Any] = await wallet.open_offer((await authority.house.award())["offer"]["link"])
    await wallet.close()
    return offer


async def presented(authority: Authority) -> dict[str, Any]:
    """What the recruiter sees of a genuine badge of the school."""
    house = authority.house
    badge = await house.strange_badge()
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    return await house.result(started)


async def test_T07_T10_W43_members_of_one_federation_recognise_each_other_from_offer_to_report(
    authority: Authority,
) -> None:
    house = authority.house
    assert authority.members.keys() == {f"{ISSUER}/{ORGANISATION}", f"{VERIFIER}/{RECRUITER}"}
    wallet = await house.new_wallet()
    award = await house.award()
    offer = await wallet.open_offer(award["offer"]["link"])
    assert offer["recognition"]["outcome"] == "recognised"
    assert offer["recognition"]["entity_name"] == "Stichting Techniek"
    assert await house.receive(wallet, await house.award())
    started = await house.ask(client_id_prefix="openid_federation")
    request = await wallet.open_request(started["link"])
    assert request["verifier"]["recognition"]["outcome"] == "recognised"
    assert request["verifier"]["recognition"]["list_name"] == "Federatie Onderwijs"
    assert request["verifier"]["name"] == "Rivierenland Werkt"
    await wallet.accept_request(request["id"])
    report = (await house.result(started))["report"]
    assert report["accepted"] is True
    await wallet.close()


@pytest.mark.parametrize("lie", LIES)
async def test_T07_A47_federation_that_lies_in_one_way_recognises_nobody(authority: Authority, lie: Lie) -> None:
    house = authority.house
    authority.lie = lie
    outcome = (await offered(authority))["recognition"]["outcome"]
    assert outcome == ("not_for_this_type" if lie == "stripped_role" else "not_listed")
    presentation = await presented(authority)
    assert presentation["report"]["accepted"] is False
    assert presentation["report"]["valid"] is True
    assert outcomes(presentation)["issuer_recognised"][0] == "failed"
    wallet = await house.new_wallet()
    with pytest.raises(ProblemError) as refused:
        await wallet.open_request((await house.ask(client_id_prefix="openid_federation"))["link"])
    assert refused.value.status == 400
    await wallet.close()


@pytest.mark.parametrize("host", HOSTS)
async def test_T07_T06_federation_that_is_down_could_not_be_asked_and_that_is_never_a_no(
    authority: Authority, host: str
) -> None:
    house = authority.house
    house.transport.down.add(host)
    assert (await offered(authority))["recognition"]["outcome"] == "list_unavailable"
    assert outcomes(await presented(authority))["issuer_recognised"][0] == "unknown"
    wallet = await house.new_wallet()
    with pytest.raises(ProblemError) as refused:
        await wallet.open_request((await house.ask(client_id_prefix="openid_federation"))["link"])
    assert refused.value.status == 503
    await wallet.close()


async def test_T07_metadata_that_the_chain_gives_replaces_the_issuers_own(authority: Authority) -> None:
    """DIIP v5 appendix B: with `openid_credential_issuer` in the chain the well-known document is not read."""
    authority.about = {"metadata": {"openid_credential_issuer": {"display": [{"name": "Zoals de federatie zegt"}]}}}
    offer = await offered(authority)
    assert offer["issuer_name"] == "Zoals de federatie zegt"
    wanted = f"/.well-known/openid-credential-issuer/{ORGANISATION}"
    assert wanted not in {request.url.path for request in authority.house.transport.requests}


async def test_T07_metadata_of_who_is_no_member_is_its_own(authority: Authority) -> None:
    authority.lie = "wrong_signature"
    authority.about = {"metadata": {"openid_credential_issuer": {"display": [{"name": "Zoals de federatie zegt"}]}}}
    offer = await offered(authority)
    assert offer["issuer_name"] == "Stichting Techniek"
    wanted = f"/.well-known/openid-credential-issuer/{ORGANISATION}"
    assert wanted in {request.url.path for request in authority.house.transport.requests}


async def test_T07_what_a_member_began_to_issue_since_is_found_before_its_chain_is_an_hour_old(
    authority: Authority,
) -> None:
    await offered(authority)
    await authority.house.issuer.create_achievement(ORGANISATION, describe("nieuw"))
    authority.house.clock.advance(timedelta(minutes=2))
    wallet = await authority.house.new_wallet()
    [award] = await authority.house.issuer.award(ORGANISATION, "nieuw", [SANNE])
    offer = await wallet.open_offer(award["offer"]["link"])
    assert offer["credentials"]
    # And while the federation is down, by the chain that is still good.
    authority.house.transport.down |= set(HOSTS)
    authority.house.clock.advance(timedelta(minutes=2))
    [again] = await authority.house.issuer.award(ORGANISATION, "nieuw", [SANNE])
    assert (await wallet.open_offer(again["offer"]["link"]))["recognition"]["outcome"] == "recognised"
    await wallet.close()


async def let_chains_end(house: House, wallet: WalletClient) -> None:
    """More than an hour, in which the wallet stays open because it is used."""
    for _ in range(8):
        house.clock.advance(timedelta(minutes=9))
        await wallet.credentials()


async def answer_unfiltered(house: House, started: dict[str, Any]) -> None:
    """As a wallet does that reads no `trusted_authorities`."""
    asked = await house.stranger.read_question(started["link"])
    credentials = [
        {name: value for name, value in entry.items() if name != "trusted_authorities"}
        for entry in asked.dcql_query["credentials"]
    ]
    question = replace(asked, dcql_query={**asked.dcql_query, "credentials": credentials})
    vp_token = house.stranger.present(question, await house.strange_badge())
    await house.stranger.post_answer(question, house.stranger.answer_form(question, vp_token))


async def test_K97_V28_members_alone_are_asked_for_and_answer(authority: Authority) -> None:
    """`trusted_authorities` of type `openid_federation`: the wallet finds the anchor above the school, and so do we."""
    house = authority.house
    wallet = await house.new_wallet()
    assert await house.receive(wallet, await house.award())
    skills = [{"uri": HRM, "name": "personeelsbeleid", "required": True}]
    asked = {"title": "HR", "purpose": "Vacature", "skills": skills, "trusted_authorities": True}
    started = await house.verifier.start_presentation(RECRUITER, asked)
    question = await house.stranger.read_question(started["link"])
    named = [entry["trusted_authorities"] for entry in question.dcql_query["credentials"]]
    assert named == [[{"type": "openid_federation", "values": [ANCHOR]}]] * len(named)
    request = await wallet.open_request(started["link"])
    assert request["answerable"] is True
    await wallet.accept_request(request["id"])
    assert outcomes(await house.result(started))["query"] == ("passed", None)

    # A genuine badge of a school that left, shown by a wallet that filters nothing; our wallet does not propose it.
    # The older chain is no longer good by then.
    authority.lie = "other_key"
    await let_chains_end(house, wallet)
    started = await house.verifier.start_presentation(RECRUITER, asked)
    assert (await wallet.open_request(started["link"]))["answerable"] is False
    await answer_unfiltered(house, started)
    presentation = await house.result(started)
    assert presentation["report"]["valid"] is True
    assert outcomes(presentation)["query"] == ("failed", "query")
    await wallet.close()


async def test_K97_while_the_federation_is_down_a_badge_is_not_proposed_and_not_refused(authority: Authority) -> None:
    house = authority.house
    wallet = await house.new_wallet()
    assert await house.receive(wallet, await house.award())
    house.transport.down |= set(HOSTS)
    await let_chains_end(house, wallet)
    skills = [{"uri": HRM, "name": "personeelsbeleid", "required": True}]
    asked = {"title": "HR", "purpose": "Vacature", "skills": skills, "trusted_authorities": True}
    started = await house.verifier.start_presentation(RECRUITER, asked)
    assert (await wallet.open_request(started["link"]))["answerable"] is False
    await answer_unfiltered(house, started)
    assert outcomes(await house.result(started))["query"][0] == "unknown"
    await wallet.close()


async def roll(authority: Authority, step: str) -> dict[str, list[dict[str, Any]]]:
    """One step of both members; what each has published then, the key that signs first."""
    issuer, verifier = authority.house.issuer, authority.house.verifier
    rolled = [
        await issuer.call("POST", f"/api/organisations/{ORGANISATION}/federation/key-rollover", {"step": step}),
        await verifier.call("POST", f"/api/relying-parties/{RECRUITER}/federation/key-rollover", {"step": step}),
    ]
    for member in rolled:
        raw = (await authority.house.http.get(member["entity_configuration"])).text
        published = parse_entity_statement(raw)
        assert [key["kid"] for key in published.keys.members] == [key["kid"] for key in member["public_jwks"]]
        assert published.token.header["kid"] == member["public_jwk"]["kid"] == member["public_jwks"][0]["kid"]
    return {member["entity"]: member["public_jwks"] for member in rolled}


async def recognitions(authority: Authority) -> tuple[str, str | int]:
    """What the wallet says of an offer of the school, and of a question of the recruiter, looked up anew."""
    house = authority.house
    house.clock.advance(timedelta(hours=1, minutes=1))
    school = str((await offered(authority))["recognition"]["outcome"])
    wallet = await house.new_wallet()
    try:
        question = await wallet.open_request((await house.ask(client_id_prefix="openid_federation"))["link"])
        return school, str(question["verifier"]["recognition"]["outcome"])
    except ProblemError as exc:
        return school, exc.status
    finally:
        await wallet.close()


async def test_T07_keys_of_members_roll_over_without_a_gap(authority: Authority) -> None:
    """OpenID Federation 1.0 §11: published, named by the superior, used, and the one before taken away."""
    good = ("recognised", "recognised")
    before = dict(authority.members)
    announced = await roll(authority, "announce")
    assert [keys[0] for keys in announced.values()] == [before[entity] for entity in announced]
    assert announced == await roll(authority, "announce")
    assert await recognitions(authority) == good
    authority.more_keys = {entity: keys[1:] for entity, keys in announced.items()}
    assert await recognitions(authority) == good
    old = {
        entity: (await authority.house.http.get(f"{entity}/.well-known/openid-federation")).text for entity in before
    }
    used = await roll(authority, "use")
    assert {entity: keys[0] for entity, keys in used.items()} == {entity: keys[1] for entity, keys in announced.items()}
    assert await recognitions(authority) == good
    # What the key before signed still holds for those who have it.
    for entity, raw in old.items():
        statement = parse_entity_statement(raw)
        named = JwkSet((authority.members[entity], *authority.more_keys[entity]))
        verify_entity_statement(statement, keys=named, now=authority.house.clock())
    authority.members, authority.more_keys = {entity: keys[0] for entity, keys in used.items()}, {}
    assert await recognitions(authority) == good
    retired = await roll(authority, "retire")
    assert retired == {entity: keys[:1] for entity, keys in used.items()}
    assert await recognitions(authority) == good


async def test_T07_a_key_that_the_superior_does_not_name_yet_recognises_nobody(authority: Authority) -> None:
    await roll(authority, "announce")
    used = await roll(authority, "use")
    assert await recognitions(authority) == ("not_listed", 400)
    authority.more_keys = {entity: keys[:1] for entity, keys in used.items()}
    assert await recognitions(authority) == ("recognised", "recognised")


async def test_T07_a_key_that_was_not_announced_is_not_used(authority: Authority) -> None:
    for client, place in (
        (authority.house.issuer, f"/api/organisations/{ORGANISATION}/federation/key-rollover"),
        (authority.house.verifier, f"/api/relying-parties/{RECRUITER}/federation/key-rollover"),
    ):
        with pytest.raises(ProblemError) as refused:
            await client.call("POST", place, {"step": "use"})
        assert refused.value.status in (400, 409)
        with pytest.raises(ProblemError) as unknown:
            await client.call("POST", place, {"step": "forget"})
        assert unknown.value.status in (400, 422)

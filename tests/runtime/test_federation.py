"""runtime.federation: looking up who vouches for a party, within limits. OpenID Federation 1.0 §9, §10.1; T-07."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kernel.errors import RejectedError, UndecidedError, UntrustedIssuerError
from kernel.federation import MEDIA_TYPE
from runtime import federation
from runtime.federation import FederationResolver
from runtime.fetch import Fetcher
from tests.support.clock import NOW
from tests.support.federation import ANCHOR, INTERMEDIATE, LEAF, Federation, Member

FETCH = "federation_fetch_endpoint"


class World:
    """A federation on hosts of its own; each request is counted, and any place can be changed."""

    def __init__(self) -> None:
        self.federation = Federation(NOW)
        self.members = [self.federation.leaf, self.federation.intermediate, self.federation.anchor]
        self.changed: dict[str, httpx.Response | Exception] = {}
        self.asked: list[str] = []
        self.media_type = MEDIA_TYPE
        self.fetch = Fetcher(transport=httpx.MockTransport(self._answer))
        self.resolver = FederationResolver(self.fetch, self.federation.anchors)

    def add(self, entity: str, *superiors: str) -> Member:
        name = {"federation_entity": {"display_name": entity, FETCH: f"{entity}/fetch"}}
        member = Member(entity, superiors, name)
        self.members.append(member)
        return member

    def statement(self, text: str) -> httpx.Response:
        return httpx.Response(200, content=text.encode(), headers={"content-type": self.media_type})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append(url)
        changed = self.changed.get(url.partition("?")[0])
        if isinstance(changed, Exception):
            raise changed
        if changed is not None:
            return changed
        for member in self.members:
            if url == f"{member.entity}/.well-known/openid-federation":
                return self.statement(member.configuration(NOW))
            if url.partition("?")[0] == f"{member.entity}/fetch":
                return self._below(member, parse_qs(urlsplit(url).query))
        return httpx.Response(404)

    def _below(self, superior: Member, query: Mapping[str, list[str]]) -> httpx.Response:
        below = next((member for member in self.members if [member.entity] == query["sub"]), None)
        if below is None or superior.entity not in below.superiors:
            return httpx.Response(404)
        return self.statement(superior.statement(below, NOW))


@pytest.fixture
def world() -> World:
    return World()


async def test_T07_chain_is_found_from_the_party_up_to_the_anchor(world: World) -> None:
    chain = await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert chain.superiors == (INTERMEDIATE, ANCHOR)
    assert len(world.asked) == 5


async def test_T07_anchor_itself_needs_one_look(world: World) -> None:
    assert (await world.resolver.resolve_trust_chain(ANCHOR, now=NOW)).anchor == ANCHOR
    assert len(world.asked) == 1


async def test_T07_chain_is_kept_for_an_hour_and_no_longer_than_it_is_good(world: World) -> None:
    await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    world.asked.clear()
    await world.resolver.resolve_trust_chain(LEAF, now=NOW + timedelta(minutes=59))
    assert world.asked == []
    world.changed = {f"{LEAF}/.well-known/openid-federation": httpx.ConnectError("down")}
    with pytest.raises(UndecidedError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW + timedelta(minutes=60))


async def test_T07_shortest_chain_is_taken(world: World) -> None:
    world.federation.leaf.superiors = (INTERMEDIATE, ANCHOR)
    assert (await world.resolver.resolve_trust_chain(LEAF, now=NOW)).superiors == (ANCHOR,)


async def test_T07_another_way_up_is_taken_when_one_does_not_hold(world: World) -> None:
    world.add("https://other.example", ANCHOR)
    world.federation.leaf.superiors = (INTERMEDIATE, "https://other.example")
    world.changed[f"{INTERMEDIATE}/fetch"] = world.statement("no.statement.atall")
    assert (await world.resolver.resolve_trust_chain(LEAF, now=NOW)).superiors == ("https://other.example", ANCHOR)


@pytest.mark.parametrize("constraint", [None, {"naming_constraints": {"permitted": [".nowhere.example"]}}])
async def test_T07_anchor_is_asked_about_each_of_two_superiors_below_it(world: World, constraint: object) -> None:
    """That it vouches for one of them in no way, or not for this party, says nothing of the other."""
    world.add("https://other.example", ANCHOR)
    world.federation.leaf.superiors = (INTERMEDIATE, "https://other.example")
    answer, below = world._below, world.federation.intermediate

    def about(superior: Member, query: Mapping[str, list[str]]) -> httpx.Response:
        if superior.entity == ANCHOR and query["sub"] == [INTERMEDIATE]:
            if constraint is None:
                return httpx.Response(404)
            return world.statement(superior.statement(below, NOW, claims={"constraints": constraint}))
        return answer(superior, query)

    world._below = about  # type: ignore[method-assign]
    assert (await world.resolver.resolve_trust_chain(LEAF, now=NOW)).superiors == ("https://other.example", ANCHOR)


@pytest.mark.parametrize("place", [f"{INTERMEDIATE}/.well-known/openid-federation", f"{INTERMEDIATE}/fetch"])
async def test_T07_superior_that_cannot_be_reached_leaves_it_undecided(world: World, place: str) -> None:
    world.changed[place] = httpx.ConnectError("down")
    with pytest.raises(UndecidedError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    world.changed.clear()
    assert (await world.resolver.resolve_trust_chain(LEAF, now=NOW)).anchor == ANCHOR


async def test_T07_party_of_no_federation_is_nobodys_and_not_asked_again_at_once(world: World) -> None:
    for _ in range(2):
        with pytest.raises(UntrustedIssuerError):
            await world.resolver.resolve_trust_chain("https://stranger.example", now=NOW)
    assert len(world.asked) == 1
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain("https://stranger.example", now=NOW + timedelta(minutes=2))
    assert len(world.asked) == 2


async def test_T07_A47_anchor_with_another_key_than_is_pinned_is_nobody(world: World) -> None:
    thief = Member(ANCHOR, (), world.federation.anchor.metadata)
    world.members[2] = thief
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)


async def test_T07_superior_that_speaks_about_another_is_left_out(world: World) -> None:
    about_another = world.federation.intermediate.statement(Member("https://other.example"), NOW)
    world.changed[f"{INTERMEDIATE}/fetch"] = world.statement(about_another)
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)


async def test_T07_superior_without_a_fetch_endpoint_is_left_out(world: World) -> None:
    world.federation.intermediate.metadata["federation_entity"].pop(FETCH)
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)


async def test_T07_fetch_endpoint_may_have_a_query_of_its_own(world: World) -> None:
    world.federation.intermediate.metadata["federation_entity"][FETCH] = f"{INTERMEDIATE}/fetch?list=schools"
    assert (await world.resolver.resolve_trust_chain(LEAF, now=NOW)).anchor == ANCHOR
    assert any("fetch?list=schools&sub=https%3A%2F%2Fissuer" in url for url in world.asked)


@pytest.mark.parametrize("endpoint", ["http://10.0.0.1/fetch", "https://169.254.169.254/", "https://localhost/x", 7])
async def test_T07_A42_fetch_endpoint_inside_is_not_called(world: World, endpoint: object) -> None:
    world.federation.intermediate.metadata["federation_entity"][FETCH] = endpoint
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert not any(url.startswith(str(endpoint)) for url in world.asked)


async def test_T07_A42_answer_of_another_kind_is_no_statement(world: World) -> None:
    world.media_type = "text/html"
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)


async def test_T07_A42_parties_that_name_each_other_are_asked_once(world: World) -> None:
    world.federation.leaf.superiors = ("https://a.example",)
    world.add("https://a.example", "https://b.example", LEAF)
    world.add("https://b.example", "https://a.example", LEAF)
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert len(world.asked) == 5


async def test_T07_A42_crowd_of_superiors_is_not_asked_one_and_all(world: World) -> None:
    """Eight at each of four levels, and whether there is a chain stays open: not for a minute is it begun again."""
    crowd = [f"https://s{number}.example" for number in range(32)]
    for entity in crowd:
        world.add(entity, *crowd)
    world.federation.leaf.superiors = tuple(crowd)
    for _ in range(2):
        with pytest.raises(UndecidedError):
            await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert len(world.asked) == 1 + 4 * 8 * 2
    world.federation.leaf.superiors = (INTERMEDIATE,)
    assert (await world.resolver.resolve_trust_chain(LEAF, now=NOW + timedelta(minutes=1))).anchor == ANCHOR


@pytest.mark.parametrize("crowd", [8, 9, 30])
@pytest.mark.parametrize("between", [0, 1, 2])
async def test_T06_T07_A42_a_superior_with_a_crowd_of_its_own_hides_no_other_way_up(
    world: World, crowd: int, between: int
) -> None:
    """However far the anchor is on that other way, and though each of the crowd answers and has a crowd above it."""
    junk = [f"https://junk{number}.example" for number in range(crowd)]
    world.add("https://crowded.example", *junk)
    for entity in junk:
        world.add(entity, *junk)
    way = [f"https://between{number}.example" for number in range(between)]
    for name, above in zip(way, [*way, ANCHOR][1:], strict=True):
        world.add(name, above)
    world.federation.intermediate.superiors = ("https://unknown.example", way[0]) if way else (ANCHOR,)
    world.federation.leaf.superiors = ("https://crowded.example", INTERMEDIATE)
    chain = await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert chain.superiors == (INTERMEDIATE, *way, ANCHOR)


async def test_T07_chain_longer_than_four_superiors_is_not_followed(world: World) -> None:
    names = [f"https://s{number}.example" for number in range(6)]
    world.federation.leaf.superiors = (names[0],)
    for name, above in zip(names, [*names[1:], ANCHOR], strict=True):
        world.add(name, above)
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert not any(url.startswith(names[4]) for url in world.asked)


async def test_T07_A42_superiors_that_take_their_time_keep_nobody_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answers within what one request may take; all together they do not. Not begun again for a minute."""
    monkeypatch.setattr(federation, "_MAX_SECONDS", 0.3)
    slow = [f"https://slow{number}.example" for number in range(20)]
    world.federation.leaf.superiors = (*slow, INTERMEDIATE)
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.host.startswith("slow"):
            await asyncio.sleep(0.1)
            return httpx.Response(404)
        return world._answer(request)

    fetch = Fetcher(transport=httpx.MockTransport(answer))
    resolver = FederationResolver(fetch, world.federation.anchors)
    for _ in range(2):
        with pytest.raises(UndecidedError):
            await resolver.resolve_trust_chain(LEAF, now=NOW)
    assert 1 < len(asked) < 6
    world.federation.leaf.superiors = (INTERMEDIATE,)
    chain = await resolver.resolve_trust_chain(LEAF, now=NOW + timedelta(minutes=1))
    assert chain.anchor == ANCHOR
    await fetch.close()


@pytest.mark.parametrize("superiors", [(INTERMEDIATE,), ("https://unknown.example",)])
async def test_T07_A42_a_party_that_many_ask_about_at_once_is_looked_up_once(
    world: World, superiors: tuple[str, ...]
) -> None:
    world.federation.leaf.superiors = superiors
    found = await asyncio.gather(
        *(world.resolver.resolve_trust_chain(LEAF, now=NOW) for _ in range(20)), return_exceptions=True
    )
    assert len(world.asked) == len(set(world.asked))
    assert len({str(each) for each in found}) == 1


async def test_T07_A42_who_gives_up_waiting_takes_the_answer_from_nobody(world: World) -> None:
    impatient, patient = (asyncio.create_task(world.resolver.resolve_trust_chain(LEAF, now=NOW)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).anchor == ANCHOR


async def test_T07_A42_a_thousand_superiors_or_four_megabytes_are_no_statement(world: World) -> None:
    world.federation.leaf.superiors = tuple(f"https://s{number}.example" for number in range(1000))
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)
    assert len(world.asked) == 1
    world.federation.leaf.superiors = (INTERMEDIATE,)
    world.federation.leaf.metadata = {"vc_issuer": {"filling": ["x" * 1_000_000] * 4}}
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW + timedelta(minutes=2))
    assert len(world.asked) == 2


async def test_T07_A47_a_superior_that_does_not_list_the_party_vouches_for_nothing(world: World) -> None:
    """A party may name whom it likes; that it is not known there is an answer, and the answer is no."""
    stranger = world.add("https://stranger.example", INTERMEDIATE)
    world.changed[f"{INTERMEDIATE}/fetch"] = httpx.Response(404, json={"error": "not_found"})
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(stranger.entity, now=NOW)


async def test_T07_A47_a_leaf_that_says_it_is_the_anchor_is_nobody(world: World) -> None:
    """Its own configuration is in order, under keys of its own, without superiors, as an anchor's is."""
    impostor = world.add("https://impostor.example")
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(impostor.entity, now=NOW)
    world.federation.leaf.superiors = (impostor.entity,)
    with pytest.raises(UntrustedIssuerError):
        await world.resolver.resolve_trust_chain(LEAF, now=NOW)


async def test_T07_identifier_that_is_no_address_is_refused_unasked(world: World) -> None:
    with pytest.raises(RejectedError):
        await world.resolver.resolve_trust_chain("did:web:issuer.example", now=NOW)
    assert world.asked == []

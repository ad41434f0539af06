"""runtime.trust: the sources of trust in their order, and what each may decide. PROFILE.md T-03, T-06, T-07, T-10."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kernel.formats import FORMATS, parse_credential
from kernel.keys import PublicKey, SoftwareSigner
from kernel.trust_list import (
    ListPointer,
    Outcome,
    Recognition,
    ServiceState,
    TrustedEntity,
    TrustedService,
    create_trust_list,
    sign_trust_list,
)
from runtime.fetch import Fetcher
from runtime.resolve import Resolver
from tests.support.badges import ES256, ISSUER, ISSUER_SIGNER, issue_badge
from tests.support.clock import NOW
from tests.support.federation import ANCHOR, LEAF, Federation

OWN, OTHER, THIRD, FOURTH = (f"https://{name}.example/list" for name in ("own", "other", "third", "fourth"))
SCHEME, OTHER_SCHEME = SoftwareSigner.generate(), SoftwareSigner.generate()
VCT = "https://types.skills.example/vct/skill-badge/1"
KEY = ISSUER_SIGNER.public_key


class World:
    """Lists and a federation, each at its place; whatever is taken away cannot be reached."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.asked: list[str] = []
        self.fetch = Fetcher(transport=httpx.MockTransport(self._answer))
        self.federation = Federation(NOW)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append(url)
        if url not in self.pages:
            raise httpx.ConnectError("down")
        media_type, text = self.pages[url]
        return httpx.Response(404 if text == "" else 200, content=text.encode(), headers={"content-type": media_type})

    def put_list(
        self, place: str, *states: str, name: str = "", signer: SoftwareSigner = SCHEME, pointers: Any = ()
    ) -> None:
        """A list on which the issuer of the test's badges has these states, for its kind of badge."""
        services = [
            TrustedService(
                name="Uitgifte",
                service="issuance",
                states=(ServiceState("withdrawn" if state == "withdrawn" else "granted", NOW - timedelta(days=9)),),
                identifiers=frozenset({ISSUER.id, LEAF}),
                credential_types=frozenset({VCT if state != "for_another_type" else "https://types.example/1"}),
            )
            for state in states
        ]
        entities = [TrustedEntity({"nl": name or place}, tuple(services))] if services else []
        payload = create_trust_list(
            scheme="https://scheme.example",
            operator_names={"nl": name or place},
            territory="NL",
            sequence=1,
            issued_at=NOW - timedelta(days=1),
            next_update=NOW + timedelta(days=7),
            entities=entities,
            pointers=pointers,
        )
        self.pages[place] = ("application/jwt", sign_trust_list(payload, signer=signer, header={"kid": "1"}))

    def put_crowd(self, number: int, name: str = "crowd") -> list[ListPointer]:
        """Lists that know nobody, and where they are."""
        places = [f"https://{name}{each}.example/list" for each in range(number)]
        for place in places:
            self.put_list(place)
        return [other_list(signer=SCHEME, place=place) for place in places]

    def put_federation(self, *, key: PublicKey = KEY, kid: str = "key-1", role: str = "vc_issuer") -> None:
        """The issuer as a member of a federation that is directly below its anchor."""
        leaf, anchor = self.federation.leaf, self.federation.anchor
        leaf.superiors = (ANCHOR,)
        leaf.metadata = {
            "federation_entity": {"display_name": "Stichting Techniek"},
            role: {"jwks": {"keys": [{**key.jwk, "kid": kid}]}},
        }
        statements = {
            f"{LEAF}/.well-known/openid-federation": leaf.configuration(NOW),
            f"{ANCHOR}/.well-known/openid-federation": anchor.configuration(NOW),
            f"{ANCHOR}/fetch?sub=https%3A%2F%2Fissuer.skills.example%2Fstichting": anchor.statement(leaf, NOW),
        }
        self.pages |= {url: ("application/entity-statement+jwt", text) for url, text in statements.items()}

    def resolver(self, *, with_list: bool = True, with_federation: bool = True) -> Resolver:
        return Resolver(
            self.fetch,
            trust_list=OWN if with_list else None,
            trust_list_signer=SCHEME.public_key.jwk if with_list else None,
            federation_anchors=self.federation.anchors if with_federation else None,
        )


@pytest.fixture
def world() -> World:
    made = World()
    # A party of no federation answers that it has no entity configuration.
    made.pages[f"{LEAF}/.well-known/openid-federation"] = ("text/plain", "")
    return made


async def recognise(resolver: Resolver, **changes: Any) -> Recognition:
    asked: dict[str, Any] = {
        "identifiers": {ISSUER.id, LEAF},
        "key": KEY,
        "key_id": "key-1",
        "types": {VCT},
        "achievement_type": None,
        "at": NOW,
        "now": NOW,
    }
    return await resolver.trust.recognise_issuer(**asked | changes)


def other_list(*, signer: SoftwareSigner = OTHER_SCHEME, place: str = OTHER) -> ListPointer:
    return ListPointer(place, (signer.public_key,))


@pytest.mark.parametrize(
    ("own", "other", "outcome", "name"),
    [
        (["granted"], [], Outcome.RECOGNISED, OWN),
        ([], ["granted"], Outcome.RECOGNISED, OTHER),
        (["granted"], ["withdrawn"], Outcome.WITHDRAWN, OTHER),
        (["withdrawn"], ["granted"], Outcome.WITHDRAWN, OWN),
        (["for_another_type"], ["granted"], Outcome.RECOGNISED, OTHER),
        (["for_another_type"], [], Outcome.NOT_FOR_THIS_TYPE, OWN),
        ([], [], Outcome.NOT_LISTED, OWN),
    ],
)
async def test_T06_any_withdrawal_wins_then_any_recognition(
    world: World, own: list[str], other: list[str], outcome: Outcome, name: str
) -> None:
    world.put_list(OWN, *own, pointers=[other_list()])
    world.put_list(OTHER, *other, signer=OTHER_SCHEME)
    found = await recognise(world.resolver())
    assert (found.outcome, found.list_name) == (outcome, name)


@pytest.mark.parametrize("own", [[], ["for_another_type"]])
async def test_T06_T07_federation_recognises_whom_no_list_knows(world: World, own: list[str]) -> None:
    world.put_list(OWN, *own)
    world.put_federation()
    found = await recognise(world.resolver())
    assert found == Recognition(Outcome.RECOGNISED, "Federatie Onderwijs", "Stichting Techniek")


async def test_T06_T07_withdrawal_from_the_list_wins_over_a_federation(world: World) -> None:
    world.put_list(OWN, "withdrawn")
    world.put_federation()
    assert (await recognise(world.resolver())).outcome is Outcome.WITHDRAWN


async def test_T07_federation_alone_recognises(world: World) -> None:
    world.put_federation()
    assert (await recognise(world.resolver(with_list=False))).outcome is Outcome.RECOGNISED


async def test_T07_member_that_a_credential_names_is_the_one_that_is_asked(world: World) -> None:
    world.put_federation()
    resolver = world.resolver(with_list=False)
    found = await recognise(resolver, identifiers={ISSUER.id}, entity=LEAF)
    assert found.outcome is Outcome.RECOGNISED
    # Naming a member makes nobody a member: the key decides.
    thief = SoftwareSigner.generate().public_key
    found = await recognise(resolver, identifiers={"did:jwk:abc"}, entity=LEAF, key=thief)
    assert found.outcome is Outcome.NOT_LISTED
    assert (await recognise(resolver, identifiers={ISSUER.id}, entity=LEAF, key=None)).outcome is Outcome.NOT_LISTED


async def test_T06_without_the_own_list_nobody_is_recognised(world: World) -> None:
    world.put_federation()
    assert (await recognise(world.resolver())).outcome is Outcome.LIST_UNAVAILABLE


@pytest.mark.parametrize(
    ("own", "outcome"),
    [
        (["granted"], Outcome.RECOGNISED),
        (["withdrawn"], Outcome.WITHDRAWN),
        (["for_another_type"], Outcome.NOT_FOR_THIS_TYPE),
        ([], Outcome.LIST_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("missing", ["list", "federation"])
async def test_T06_source_that_cannot_be_had_takes_nothing_from_the_others_and_adds_no_no(
    world: World, own: list[str], outcome: Outcome, missing: str
) -> None:
    world.put_list(OWN, *own, pointers=[other_list()] if missing == "list" else [])
    if missing == "federation":
        del world.pages[f"{LEAF}/.well-known/openid-federation"]
    assert (await recognise(world.resolver())).outcome is outcome


@pytest.mark.parametrize(("number", "outcome"), [(8, Outcome.NOT_LISTED), (9, Outcome.LIST_UNAVAILABLE)])
async def test_T06_T07_superiors_that_were_not_looked_up_for_their_number_leave_it_open(
    world: World, number: int, outcome: Outcome
) -> None:
    """All that are asked answer that they are in no federation."""
    leaf = world.federation.leaf
    leaf.superiors = tuple(f"https://s{each}.example" for each in range(number))
    for superior in leaf.superiors:
        world.pages[f"{superior}/.well-known/openid-federation"] = ("text/plain", "")
    configuration = ("application/entity-statement+jwt", leaf.configuration(NOW))
    world.pages[f"{LEAF}/.well-known/openid-federation"] = configuration
    assert (await recognise(world.resolver(with_list=False))).outcome is outcome


async def test_T06_who_has_no_source_leaves_it_open(world: World) -> None:
    resolver = world.resolver(with_list=False, with_federation=False)
    assert (await recognise(resolver)).outcome is Outcome.LIST_UNAVAILABLE


async def test_T07_party_of_no_federation_is_not_listed_where_that_is_the_only_source(world: World) -> None:
    assert (await recognise(world.resolver(with_list=False))).outcome is Outcome.NOT_LISTED


async def test_T06_A47_pointed_list_signed_by_another_than_the_pointer_says_counts_for_nothing(world: World) -> None:
    world.put_list(OWN, pointers=[other_list()])
    world.put_list(OTHER, "granted", signer=SoftwareSigner.generate())
    assert (await recognise(world.resolver())).outcome is Outcome.LIST_UNAVAILABLE


async def test_T06_pointed_list_may_be_signed_by_any_key_of_its_pointer(world: World) -> None:
    world.put_list(OWN, pointers=[ListPointer(OTHER, (SCHEME.public_key, OTHER_SCHEME.public_key))])
    world.put_list(OTHER, "granted", signer=OTHER_SCHEME)
    assert (await recognise(world.resolver())).outcome is Outcome.RECOGNISED


async def test_T06_pointers_are_followed_two_steps_and_not_in_circles(world: World) -> None:
    def pointer(place: str) -> ListPointer:
        return other_list(signer=SCHEME, place=place)

    world.put_list(OWN, pointers=[pointer(OTHER)])
    world.put_list(OTHER, pointers=[pointer(THIRD), pointer(OWN), pointer(OTHER)])
    world.put_list(THIRD, pointers=[pointer(FOURTH)])
    world.put_list(FOURTH, "granted")
    lists, is_complete = await world.resolver().trust.resolve_lists(now=NOW)
    assert {found.name for found in lists} == {OWN, OTHER, THIRD}
    assert is_complete
    assert FOURTH not in world.asked


async def list_addresses(world: World) -> set[str]:
    unverified = parse_credential(issue_badge("dc+sd-jwt"))
    verified = FORMATS["dc+sd-jwt"].verify(unverified, key=KEY, algorithms=ES256, now=NOW)
    listed = replace(verified, types=frozenset({VCT}))
    return set(await world.resolver().trust.resolve_list_addresses(listed, now=NOW))


async def test_K97_issuer_is_found_by_the_list_that_recognises_it_and_by_those_that_lead_there(world: World) -> None:
    world.put_list(
        OWN, "for_another_type", pointers=[other_list(signer=SCHEME), other_list(signer=SCHEME, place=THIRD)]
    )
    world.put_list(OTHER, "granted")
    world.put_list(THIRD)
    assert await list_addresses(world) == {OWN, OTHER}
    world.put_list(OWN, "granted")
    assert await list_addresses(world) == {OWN}


@pytest.mark.parametrize(
    ("own", "other"),
    [("withdrawn", "granted"), ("granted", "withdrawn"), ("for_another_type", None), (None, "granted")],
)
async def test_K97_A47_issuer_that_is_withdrawn_or_not_recognised_is_found_by_no_list(
    world: World, own: str | None, other: str | None
) -> None:
    """Nor while the ecosystem's own list cannot be had."""
    world.put_list(OTHER, *[other] if other else [])
    if own is not None:
        world.put_list(OWN, own, pointers=[other_list(signer=SCHEME)])
    assert await list_addresses(world) == set()


async def test_T06_A42_crowd_of_pointers_on_another_list_is_not_followed_one_and_all(world: World) -> None:
    world.put_list(OWN, pointers=[other_list()])
    world.put_list(OTHER, signer=OTHER_SCHEME, pointers=world.put_crowd(40))
    await world.resolver().trust.resolve_lists(now=NOW)
    assert len(world.asked) == 2 + 16


@pytest.mark.parametrize("own", [["granted"], []])
@pytest.mark.parametrize("others", [16, 99])
async def test_T06_A47_every_list_that_the_own_one_points_to_is_asked(
    world: World, others: int, own: list[str]
) -> None:
    """However many they are, the last of them may withdraw."""
    world.put_list(OWN, *own, pointers=[*world.put_crowd(others), other_list()])
    world.put_list(OTHER, "withdrawn", signer=OTHER_SCHEME)
    assert (await recognise(world.resolver())).outcome is Outcome.WITHDRAWN


@pytest.mark.parametrize("crowd", [13, 14, 40])
async def test_T06_A47_a_list_with_a_crowd_of_pointers_hides_no_withdrawal_that_another_leads_to(
    world: World, crowd: int
) -> None:
    world.put_list(OWN, "granted", pointers=[other_list(), other_list(place=THIRD)])
    world.put_list(OTHER, signer=OTHER_SCHEME, pointers=world.put_crowd(crowd))
    world.put_list(THIRD, signer=OTHER_SCHEME, pointers=[other_list(place=FOURTH)])
    world.put_list(FOURTH, "withdrawn", signer=OTHER_SCHEME)
    assert (await recognise(world.resolver())).outcome is Outcome.WITHDRAWN


async def test_T06_A47_each_of_many_lists_leads_to_one_more_at_least(world: World) -> None:
    others = world.put_crowd(18)
    world.put_list(OWN, "granted", pointers=[*others, other_list()])
    for number, pointer in enumerate(others):
        world.put_list(pointer.location, pointers=world.put_crowd(3, f"below{number}-"))
    world.put_list(OTHER, signer=OTHER_SCHEME, pointers=[other_list(place=FOURTH)])
    world.put_list(FOURTH, "withdrawn", signer=OTHER_SCHEME)
    assert (await recognise(world.resolver())).outcome is Outcome.WITHDRAWN


@pytest.mark.parametrize(("number", "outcome"), [(16, Outcome.NOT_LISTED), (17, Outcome.LIST_UNAVAILABLE)])
async def test_T06_a_list_for_which_there_is_no_place_is_one_that_is_missing(
    world: World, number: int, outcome: Outcome
) -> None:
    """All that are asked answer, and know nobody."""
    world.put_list(OWN, pointers=[other_list()])
    world.put_list(OTHER, signer=OTHER_SCHEME, pointers=world.put_crowd(number))
    assert (await recognise(world.resolver())).outcome is outcome


async def test_T06_T10_party_is_recognised_by_list_or_by_federation(world: World) -> None:
    world.put_list(OWN)
    world.put_federation(role="openid_credential_verifier")
    resolver = world.resolver()
    verifies = await resolver.trust.recognise_party(identifiers={LEAF}, service="verification", now=NOW)
    issues = await resolver.trust.recognise_party(identifiers={LEAF}, service="issuance", now=NOW)
    assert (verifies.outcome, verifies.entity_name) == (Outcome.RECOGNISED, "Stichting Techniek")
    assert issues.outcome is Outcome.NOT_FOR_THIS_TYPE


async def test_T04_T07_verified_credential_is_recognised_by_what_it_says(world: World) -> None:
    raw = issue_badge("dc+sd-jwt")
    unverified = parse_credential(raw)
    verified = FORMATS["dc+sd-jwt"].verify(unverified, key=KEY, algorithms=ES256, now=NOW)
    world.put_list(OWN, "granted")
    world.put_federation()
    resolver = world.resolver()
    # Of a type that the list does not name; its claims name the member of a federation, whose key it has.
    assert (await resolver.trust.recognise_credential(verified, now=NOW)).outcome is Outcome.NOT_FOR_THIS_TYPE
    named = replace(verified, claims={**verified.claims, "fed": LEAF}, key_id="key-1")
    assert (await resolver.trust.recognise_credential(named, now=NOW)).outcome is Outcome.RECOGNISED


@pytest.mark.parametrize("hint", [OTHER, OWN, [OTHER], {"url": OTHER}, "http://127.0.0.1/list", 7])
async def test_T08_A42_list_that_a_credential_names_is_read_only_where_it_is_configured(
    world: World, hint: object
) -> None:
    """The other list would recognise the issuer, and is signed by the very key that is pinned for the own one."""
    unverified = parse_credential(issue_badge("dc+sd-jwt"))
    verified = FORMATS["dc+sd-jwt"].verify(unverified, key=KEY, algorithms=ES256, now=NOW)
    named = replace(verified, claims={**verified.claims, "trust_anchor": hint})
    world.put_list(OWN)
    world.put_list(OTHER, "granted")
    resolver = world.resolver()
    assert (await resolver.trust.recognise_credential(named, now=NOW)).outcome is Outcome.NOT_LISTED
    assert world.asked == [OWN]

"""Bitstring Status Lists behind the same function as Token Status Lists, with the same refusals. K-80.1 to K-80.3."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kernel.errors import RejectedError, UndecidedError
from kernel.formats import StatusKind, StatusReference, VerifiedCredential
from kernel.keys import SoftwareSigner
from kernel.status.bitstring_status_list import (
    Bitstring,
    create_status_list_credential,
    encode_segments,
    sign_as_jwt,
    sign_with_proof,
)
from kernel.status.segments import MAX_LIST_BYTES, pack_segment
from kernel.status.token_status_list import MINIMUM_SIZE, Status
from runtime.fetch import Fetcher
from runtime.resolve import Resolver, StatusAnswer
from tests.runtime.test_resolve import DID_URL, LIST_URL, OTHER, World, verified
from tests.support.badges import ISSUER, ISSUER_SIGNER, STATUS
from tests.support.clock import NOW

ED25519 = SoftwareSigner.generate("Ed25519")
METHODS = {"ES256": f"{ISSUER.id}#es256-1", "Ed25519": f"{ISSUER.id}#ed25519-1"}
INDEX = 7301
URLS = {name: f"https://issuer.example/stmw/status/2/{name}" for name in ("revocation", "suspension", "message")}
PROOF, JWT = "application/vc", "application/vc+jwt"


@pytest.fixture
def world() -> World:
    world = World()
    world.put_did_document(("es256-1", ISSUER_SIGNER), ("ed25519-1", ED25519))
    world.put_status_list()
    for purpose in URLS:
        put_list(world, purpose)
    return world


def put_list(
    world: World,
    purpose: str = "revocation",
    value: int = 0,
    *,
    size: int = 1,
    media_type: str = PROOF,
    signer: SoftwareSigner | None = None,
    method: str | None = None,
    subject: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """A list with one entry that is set, at its own address, with anything changed."""
    entries = Bitstring(size * MINIMUM_SIZE)
    entries.set(INDEX, value, size)
    values = {
        "uri": URLS[purpose],
        "issuer": ISSUER.id,
        "purpose": purpose,
        "valid_from": NOW,
        "valid_until": NOW + timedelta(days=1),
        "ttl": timedelta(minutes=15),
    } | changes
    document = create_status_list_credential(entries.encode(), **values)
    document["credentialSubject"] |= subject or {}
    if media_type == JWT:
        signer = signer or ISSUER_SIGNER
        raw = sign_as_jwt(document, signer=signer, verification_method=method or METHODS[signer.algorithm])
    else:
        signer = signer or ED25519
        method = method or METHODS[signer.algorithm]
        raw = sign_with_proof(document, signer=signer, verification_method=method, created_at=NOW)
    world.pages[URLS[purpose]] = (media_type, raw.encode())


def place(purpose: str = "revocation", **changes: Any) -> StatusReference:
    return replace(StatusReference(URLS[purpose], INDEX, StatusKind.BITSTRING_STATUS_LIST, purpose=purpose), **changes)


def credential(*statuses: StatusReference, **changes: Any) -> VerifiedCredential:
    """A verified credential with these places; how it was secured plays no part."""
    return replace(verified(), statuses=statuses or (place(),), **changes)


async def resolve(world: World, *statuses: StatusReference, **changes: Any) -> StatusAnswer:
    answer = await Resolver(world.fetch).resolve_status(credential(*statuses, **changes), now=NOW)
    assert answer is not None
    return answer


@pytest.mark.parametrize("media_type", [PROOF, JWT])
@pytest.mark.parametrize(
    ("purpose", "value", "status"),
    [
        ("revocation", 0, Status.VALID),
        ("revocation", 1, Status.INVALID),
        ("suspension", 1, Status.SUSPENDED),
        ("message", 1, Status.VALID),
    ],
)
async def test_K80_3_the_list_says_the_status(
    world: World, media_type: str, purpose: str, value: int, status: Status
) -> None:
    put_list(world, purpose, value, media_type=media_type)
    answer = await resolve(world, place(purpose))
    assert (answer.status, answer.checked_at, answer.list_uri, answer.issued_at) == (status, NOW, URLS[purpose], NOW)


@pytest.mark.parametrize("media_type", ["application/json", "application/ld+json", "application/vc+ld+json"])
async def test_K80_3_a_list_under_a_less_specific_type_is_read(world: World, media_type: str) -> None:
    world.pages[URLS["revocation"]] = (media_type, world.pages[URLS["revocation"]][1])
    assert (await resolve(world)).status is Status.VALID


async def test_K80_1_a_message_comes_with_its_words(world: World) -> None:
    messages = ((0, "pending"), (1, "accepted"), (2, "rejected"), (3, "undefined"))
    put_list(world, "message", 2, size=2)
    answer = await resolve(world, place("message", size=2, messages=messages))
    assert (answer.status, answer.messages) == (Status.VALID, ("rejected",))
    put_list(world, "suspension", 1)
    answer = await resolve(world, place("message", size=2, messages=messages), place("suspension"))
    assert (answer.status, answer.messages) == (Status.SUSPENDED, ("rejected",))


async def test_K80_1_a_list_of_messages_that_cannot_be_had_decides_nothing(world: World) -> None:
    del world.pages[URLS["message"]]
    answer = await resolve(world, place("revocation"), place("message"))
    assert (answer.status, answer.messages) == (Status.VALID, ())


async def test_K80_1_the_list_is_asked_for_in_the_form_that_the_credential_has(world: World) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept"])
        return world._answer(request)

    resolver = Resolver(Fetcher(transport=httpx.MockTransport(answer)))
    await resolver.resolve_status(credential(), now=NOW)
    await resolver.resolve_status(credential(place("suspension"), format="ldp_vc"), now=NOW)
    wanted = [accept.split(",")[0] for accept in asked if "application/vc" in accept]
    assert wanted == [JWT, PROOF]


# Several places


REVOKED, SUSPENDED = ("revocation", 1), ("suspension", 1)


@pytest.mark.parametrize(
    ("set_", "status"),
    [
        ([], Status.VALID),
        ([REVOKED], Status.INVALID),
        ([SUSPENDED], Status.SUSPENDED),
        ([REVOKED, SUSPENDED], Status.INVALID),
        ([("message", 1)], Status.VALID),
        ([("message", 1), SUSPENDED], Status.SUSPENDED),
    ],
)
async def test_K80_1_all_entries_are_checked_and_the_worst_counts(
    world: World, set_: Sequence[tuple[str, int]], status: Status
) -> None:
    for purpose, value in set_:
        put_list(world, purpose, value)
    for order in (list(URLS), list(reversed(URLS))):
        assert (await resolve(world, *map(place, order))).status is status


async def test_K80_1_both_kinds_of_list_count_for_one_credential(world: World) -> None:
    assert (await resolve(world, STATUS, place())).status is Status.VALID
    world.put_status_list(Status.SUSPENDED)
    assert (await resolve(world, STATUS, place())).list_uri == LIST_URL
    put_list(world, "revocation", 1)
    assert (await resolve(world, STATUS, place())).list_uri == URLS["revocation"]


async def test_K74_one_list_that_cannot_be_read_leaves_the_status_open(world: World) -> None:
    del world.pages[URLS["suspension"]]
    with pytest.raises(UndecidedError):
        await resolve(world, place("revocation"), place("suspension"))


async def test_K74_a_list_that_says_no_is_enough(world: World) -> None:
    del world.pages[URLS["suspension"]]
    put_list(world, "revocation", 1)
    answer = await resolve(world, place("suspension"), place("revocation"))
    assert (answer.status, answer.list_uri) == (Status.INVALID, URLS["revocation"])


async def test_K74_a_status_of_an_unknown_kind_leaves_the_status_open(world: World) -> None:
    with pytest.raises(UndecidedError):
        await resolve(world, place(), StatusReference("https://issuer.example/other", 0, StatusKind.UNKNOWN))


# Refusals


@pytest.mark.parametrize("media_type", [PROOF, JWT])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"signer": OTHER, "method": METHODS["ES256"]}, id="signed by another key"),
        pytest.param({"uri": URLS["suspension"]}, id="about another list"),
        pytest.param({"issuer": "did:web:evil.example"}, id="of another issuer"),
        pytest.param({"method": "did:web:evil.example#k"}, id="signed by another issuer"),
        pytest.param({"method": f"{ISSUER.id}#es256-9"}, id="signed with an unknown key"),
        pytest.param({"valid_from": NOW + timedelta(hours=1)}, id="from the future"),
        pytest.param({"valid_until": NOW - timedelta(hours=1), "valid_from": NOW - timedelta(days=1)}, id="expired"),
        pytest.param({"subject": {"encodedList": "uAAAA"}}, id="not packed"),
        pytest.param(
            {"subject": {"encodedList": encode_segments([pack_segment(bytes(MAX_LIST_BYTES))] * 9)}}, id="a bomb"
        ),
    ],
)
async def test_K74_A43_A46_without_a_good_list_the_status_is_unknown_and_never_valid(
    world: World, media_type: str, changes: dict[str, Any]
) -> None:
    put_list(world, media_type=media_type, **changes)
    with pytest.raises(UndecidedError):
        await resolve(world)


async def test_A46_a_list_of_a_stranger_who_names_the_issuer_is_not_asked_for_keys(world: World) -> None:
    put_list(world, method="did:web:evil.example#k")
    with pytest.raises(UndecidedError):
        await resolve(world)
    assert not [url for url in world.asked if "evil" in url]


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(place(index=MINIMUM_SIZE), id="beyond the list"),
        pytest.param(place(purpose="suspension"), id="for another purpose"),
        pytest.param(place(size=2), id="of longer entries than the list has room for"),
    ],
)
async def test_K80_3_A46_an_entry_that_does_not_fit_its_list_is_refused(
    world: World, reference: StatusReference
) -> None:
    reference = replace(reference, uri=URLS["revocation"])
    with pytest.raises(RejectedError):
        await resolve(world, reference)


async def test_A45_a_list_that_is_too_short_to_hide_in_is_refused(world: World) -> None:
    put_list(world, subject={"encodedList": Bitstring(MINIMUM_SIZE // 2).encode()})
    with pytest.raises(RejectedError):
        await resolve(world)


@pytest.mark.parametrize("typ", ["statuslist+jwt", "text/html", "application/pdf"])
async def test_A03_a_list_under_another_media_type_is_no_list(world: World, typ: str) -> None:
    world.pages[URLS["revocation"]] = (typ, world.pages[URLS["revocation"]][1])
    with pytest.raises(UndecidedError):
        await resolve(world)


async def test_A46_a_token_status_list_is_no_bitstring_and_the_other_way_round(world: World) -> None:
    for kind, url in ((StatusKind.BITSTRING_STATUS_LIST, LIST_URL), (StatusKind.TOKEN_STATUS_LIST, URLS["revocation"])):
        with pytest.raises(UndecidedError):
            await resolve(world, place(uri=url, kind=kind))


@pytest.mark.parametrize("url", ["http://issuer.example/status", "https://127.0.0.1/status", "ftp://issuer.example/x"])
async def test_A42_a_list_is_fetched_from_no_address_but_a_public_one(world: World, url: str) -> None:
    with pytest.raises(UndecidedError):
        await resolve(world, place(uri=url))
    assert world.asked == []


async def test_A42_a_redirect_to_http_is_not_followed(world: World) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": "http://issuer.example/status"})

    resolver = Resolver(Fetcher(transport=httpx.MockTransport(answer)))
    with pytest.raises(UndecidedError):
        await resolver.resolve_status(credential(), now=NOW)
    assert asked == [URLS["revocation"]]


@pytest.mark.parametrize("issuer", ["", "https://issuer.example/stmw"])
async def test_K76_only_an_issuer_with_a_did_has_such_lists(world: World, issuer: str) -> None:
    with pytest.raises(UndecidedError):
        await resolve(world, issuer=issuer)
    assert world.asked == []


# Caching


async def test_K75_a_list_is_kept_for_its_ttl_and_the_keys_with_it(world: World) -> None:
    resolver = Resolver(world.fetch)
    for passed, times in ((timedelta(0), 1), (timedelta(minutes=14, seconds=59), 1), (timedelta(minutes=15), 2)):
        await resolver.resolve_status(credential(), now=NOW + passed)
        assert world.asked.count(URLS["revocation"]) == times
    assert world.asked.count(DID_URL) == 1


async def test_K75_two_entries_in_one_list_fetch_it_once(world: World) -> None:
    put_list(world, subject={"statusPurpose": ["revocation", "suspension"]})
    one_list = place("suspension", uri=URLS["revocation"], index=INDEX + 1)
    assert (await resolve(world, place(), one_list)).status is Status.VALID
    assert world.asked.count(URLS["revocation"]) == 1


async def test_A43_lists_that_are_as_large_as_allowed_do_not_fill_the_memory(world: World) -> None:
    """Anybody can be an issuer, and a list of zeros is small on its way: what is kept is bounded by what it costs."""
    large = {"encodedList": encode_segments([pack_segment(bytes(MAX_LIST_BYTES))])}
    put_list(world, subject=large)
    small, filling = place("suspension"), [place(uri=f"https://issuer.example/{number}") for number in range(17)]
    resolver = Resolver(world.fetch)
    await resolver.resolve_status(credential(small), now=NOW)
    for reference in filling:
        put_list(world, subject=large, uri=reference.uri)
        world.pages[reference.uri] = world.pages[URLS["revocation"]]
        await resolver.resolve_status(credential(reference), now=NOW)
    await resolver.resolve_status(credential(filling[-1]), now=NOW)
    await resolver.resolve_status(credential(small), now=NOW)
    assert world.asked.count(filling[-1].uri) == 1
    assert world.asked.count(small.uri) == 2


async def test_K74_when_the_copy_is_too_old_and_the_issuer_silent_the_status_is_unknown(world: World) -> None:
    resolver = Resolver(world.fetch)
    await resolver.resolve_status(credential(), now=NOW)
    world.is_down = True
    await resolver.resolve_status(credential(), now=NOW + timedelta(minutes=14))
    with pytest.raises(UndecidedError):
        await resolver.resolve_status(credential(), now=NOW + timedelta(minutes=16))


async def test_A46_an_older_list_than_one_seen_before_is_no_good_list(world: World) -> None:
    resolver = Resolver(world.fetch)
    put_list(world, value=1)
    await resolver.resolve_status(credential(), now=NOW)
    put_list(world, valid_from=NOW - timedelta(minutes=1))
    with pytest.raises(UndecidedError):
        await resolver.resolve_status(credential(), now=NOW + timedelta(minutes=20))


async def test_A46_a_list_in_one_form_is_not_older_because_its_other_form_was_signed_later(world: World) -> None:
    """An issuer signs each form when it is asked for; the newest of one form says nothing about the other."""
    resolver = Resolver(world.fetch)
    put_list(world)
    await resolver.resolve_status(credential(format="ldp_vc"), now=NOW)
    put_list(world, media_type=JWT, valid_from=NOW - timedelta(minutes=1))
    answer = await resolver.resolve_status(credential(format="vc+jwt"), now=NOW + timedelta(minutes=20))
    assert answer is not None
    assert answer.status is Status.VALID

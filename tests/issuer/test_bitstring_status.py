"""Bitstring Status Lists beside the Token Status Lists: one allocator, one change, two forms. K-80.1 to K-80.4."""

import asyncio
import gzip
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from issuer import status, store
from issuer.credential_issuer import CredentialIssuer, get_issuer
from issuer.status import StatusPlace
from kernel.did import Relation
from kernel.errors import CredentialError
from kernel.formats import StatusKind, parse_credential
from kernel.jwt import parse_jwt
from kernel.keys import PublicKey
from kernel.status.bitstring_status_list import VerifiedBitstringStatusList, verify_status_list_credential
from kernel.status.token_status_list import Status
from runtime.database import BlockingConnection, run_blocking
from runtime.fetch import Fetcher
from runtime.resolve import Resolver
from tests.conftest import NewDatabase
from tests.issuer.conftest import ES256, IDENTIFIER, ORG, Issuer, create_issuer, named_kids
from tests.issuer.test_status import TTL, fetch_list, index_of
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport

BITSTRING = StatusKind.BITSTRING_STATUS_LIST
DID = f"did:web:issuer.example:{ORG}"
SUITES = frozenset({"eddsa-rdfc-2022"})
PROOF, JWT = "application/vc", "application/vc+jwt"
REVOCATION, SUSPENSION = f"/{ORG}/status/2/revocation", f"/{ORG}/status/2/suspension"


@dataclass
class Copies:
    """An award of which one copy is an SD-JWT and others have their places in Bitstring Status Lists."""

    award_id: str
    token_index: int
    places: Sequence[StatusPlace]


async def allocate(issuer: Issuer, award_id: str, count: int) -> Sequence[StatusPlace]:
    """What happens for each copy that is issued in a format with `credentialStatus`."""

    def work(connection: BlockingConnection, found: CredentialIssuer, offer_id: UUID) -> Sequence[StatusPlace]:
        return status.allocate_status_places(
            connection,
            issuer.settings,
            found,
            award_id=UUID(award_id),
            offer_id=offer_id,
            count=count,
            now=issuer.clock(),
            kind=BITSTRING,
        )

    async with issuer.database.transaction() as session:
        found = await get_issuer(session, issuer.settings, ORG)
        offers = await store.find_latest_offers(session, [UUID(award_id)])
        return await run_blocking(session, work, found, offers[UUID(award_id)].id)


async def award_copies(issuer: Issuer, count: int = 2) -> Copies:
    award = await issuer.award()
    [raw] = await issuer.fetch(award)
    return Copies(award["id"], index_of(raw), await allocate(issuer, award["id"], count))


async def fetch_bitstring(issuer: Issuer, path: str = REVOCATION, accept: str = PROOF) -> VerifiedBitstringStatusList:
    """The published list, believed by the issuer's DID document."""
    response = await issuer.client.get(path, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == accept
    document = await issuer.did_document()

    def find_key(url: str, relation: Relation) -> PublicKey:
        return document.find_key(url, relation=relation)

    return verify_status_list_credential(
        response.text,
        uri=f"https://issuer.example{path}",
        issuer=DID,
        find_key=find_key,
        cryptosuites=SUITES,
        algorithms=ES256,
        now=issuer.clock(),
    )


async def statuses(issuer: Issuer, copies: Copies, accept: str = PROOF) -> list[Status]:
    """What both lists say of each copy: the SD-JWT's, then for every other one revocation and suspension."""
    found = [(await fetch_list(issuer)).get(copies.token_index)]
    lists = {purpose: await fetch_bitstring(issuer, path, accept) for purpose, path in PATHS.items()}
    for place in copies.places:
        found += [lists[purpose].get(place.index, purpose=purpose).status for purpose in PATHS]
    return found


PATHS = {"revocation": REVOCATION, "suspension": SUSPENSION}
VALID, INVALID, SUSPENDED = Status.VALID, Status.INVALID, Status.SUSPENDED


@pytest.mark.parametrize(("accept", "form"), [(PROOF, "Multikey"), (JWT, "JsonWebKey")])
async def test_K22_K80_1_a_list_names_its_key_in_the_form_that_its_readers_know(
    issuer: Issuer, accept: str, form: str
) -> None:
    await award_copies(issuer, count=1)
    response = await issuer.client.get(REVOCATION, headers={"Accept": accept})
    if accept == JWT:
        assert await issuer.method_type(parse_jwt(response.text).header["kid"]) == form
    else:
        assert await issuer.method_type(response.json()["proof"]["verificationMethod"]) == form


@pytest.mark.parametrize("accept", [PROOF, JWT])
async def test_I77_K80_3_a_change_reaches_every_copy_in_all_lists(any_issuer: Issuer, accept: str) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer)
    assert await statuses(issuer, copies, accept) == [VALID] * 5
    assert (await issuer.change(copies.award_id, "suspend")).status_code == 200
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies, accept) == [SUSPENDED, VALID, SUSPENDED, VALID, SUSPENDED]
    assert (await issuer.change(copies.award_id, "reinstate")).status_code == 200
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies, accept) == [VALID] * 5
    assert (await issuer.change(copies.award_id, "revoke")).status_code == 200
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies, accept) == [INVALID, INVALID, SUSPENDED, INVALID, SUSPENDED]


@pytest.mark.parametrize("accept", [PROOF, JWT])
async def test_I77_I78_A46_a_suspended_copy_is_never_valid_on_its_way_to_revoked(issuer: Issuer, accept: str) -> None:
    """Each list is signed anew at a time of its own; whichever comes first, one of them says no."""
    copies = await award_copies(issuer, count=1)
    await issuer.change(copies.award_id, "suspend")
    await fetch_bitstring(issuer, SUSPENSION, accept)
    issuer.clock.advance(TTL / 2)
    await fetch_bitstring(issuer, REVOCATION, accept)
    await issuer.change(copies.award_id, "revoke")
    for _ in range(6):
        _, revocation, suspension = await statuses(issuer, copies, accept)
        assert {revocation, suspension} != {VALID}
        issuer.clock.advance(TTL / 4)
    assert revocation is INVALID


async def test_I77_A53_a_change_that_fails_reaches_no_copy(any_issuer: Issuer) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer)
    await issuer.change(copies.award_id, "revoke")
    assert (await issuer.change(copies.award_id, "reinstate")).status_code == 409
    issuer.clock.advance(TTL)
    assert await statuses(issuer, copies) == [INVALID, INVALID, SUSPENDED, INVALID, SUSPENDED]


async def test_K80_4_the_twins_have_places_of_their_own_in_lists_of_their_own(issuer: Issuer) -> None:
    copies = await award_copies(issuer, count=20)
    indexes = [place.index for place in copies.places]
    assert len({*indexes, copies.token_index}) == 21
    assert sorted(indexes) != indexes
    assert max(indexes) - min(indexes) > 1000
    assert {place.uri for place in copies.places} == {f"{IDENTIFIER}/status/2"}
    revocation, suspension = copies.places[0].references
    assert (revocation.uri, revocation.purpose) == (f"{IDENTIFIER}/status/2/revocation", "revocation")
    assert (suspension.uri, suspension.purpose) == (f"{IDENTIFIER}/status/2/suspension", "suspension")
    assert revocation.kind is suspension.kind is BITSTRING
    assert revocation.index == suspension.index == copies.places[0].index


async def test_K70_a_copy_in_a_token_status_list_has_one_reference(issuer: Issuer) -> None:
    place = StatusPlace(UUID(int=0), StatusKind.TOKEN_STATUS_LIST, f"{IDENTIFIER}/status/1", 7)
    [reference] = place.references
    assert (reference.uri, reference.index, reference.kind) == (place.uri, 7, StatusKind.TOKEN_STATUS_LIST)


@pytest.mark.parametrize(
    ("securing", "kind"),
    [
        ("dc+sd-jwt", StatusKind.TOKEN_STATUS_LIST),
        ("vc+sd-jwt", StatusKind.TOKEN_STATUS_LIST),
        ("vc+jwt", StatusKind.TOKEN_STATUS_LIST),
        ("ldp_vc", BITSTRING),
        ("ldp_vc_sd", BITSTRING),
        ("open_badge_jwt", BITSTRING),
    ],
)
def test_K70_K80_1_the_securing_of_a_copy_decides_the_kind_of_its_list(securing: str, kind: StatusKind) -> None:
    assert status.status_kind(securing) is kind


async def test_K77_A53_eight_at_once_share_no_place_though_the_list_is_new(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    await issuer.fetch(award)
    batches = await asyncio.gather(*(allocate(issuer, award["id"], 3) for _ in range(8)))
    places = [(place.status_list_id, place.index) for batch in batches for place in batch]
    assert len(set(places)) == 24
    assert len({status_list_id for status_list_id, _ in places}) == 1


async def test_K77_the_lists_hold_decoys_of_both_kinds(issuer: Issuer) -> None:
    await award_copies(issuer)
    for path, least in ((REVOCATION, 500), (SUSPENSION, 100)):
        assert bytes((await fetch_bitstring(issuer, path)).entries).count(0) < 16_384 - least // 2


async def test_K80_2_the_list_is_signed_once_a_step_in_each_form(issuer: Issuer) -> None:
    copies = await award_copies(issuer)
    first = (await issuer.client.get(REVOCATION)).text
    as_jwt = (await issuer.client.get(REVOCATION, headers={"Accept": JWT})).text
    await issuer.change(copies.award_id, "revoke")
    issuer.clock.advance(TTL - timedelta(seconds=1))
    assert (await issuer.client.get(REVOCATION)).text == first
    assert (await issuer.client.get(REVOCATION, headers={"Accept": JWT})).text == as_jwt
    issuer.clock.advance(timedelta(seconds=1))
    second = (await issuer.client.get(REVOCATION)).text
    assert second != first
    assert (await fetch_bitstring(issuer, accept=JWT)).issued_at == issuer.clock()
    issuer.clock.advance(TTL)
    assert (await issuer.client.get(REVOCATION)).text == second


async def test_I79_an_unchanged_list_is_signed_anew_before_half_its_life_is_over(issuer: Issuer) -> None:
    await award_copies(issuer)
    first = (await issuer.client.get(REVOCATION)).text
    issuer.clock.advance(timedelta(hours=12) - timedelta(seconds=1))
    assert (await issuer.client.get(REVOCATION)).text == first
    issuer.clock.advance(timedelta(seconds=1))
    found = await fetch_bitstring(issuer)
    assert (found.issued_at, found.expires_at) == (issuer.clock(), issuer.clock() + timedelta(days=1))
    assert found.ttl == TTL


async def test_I77_only_the_segment_that_changed_is_packed_again(any_issuer: Issuer) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer, count=1)
    await statuses(issuer, copies)
    before = await segments(issuer)
    assert set(before) == {(1, "all", n) for n in range(8)} | {(2, p, n) for p in PATHS for n in range(8)}
    await issuer.change(copies.award_id, "revoke")
    changed = {(2, purpose, copies.places[0].index // store.SEGMENT_ENTRIES) for purpose in PATHS}
    changed |= {(1, "all", copies.token_index // store.SEGMENT_ENTRIES)}
    assert set(before) - set(await segments(issuer)) == changed
    issuer.clock.advance(TTL)
    await statuses(issuer, copies)
    after = await segments(issuer)
    different = {key for key in before if before[key] != after[key]}
    assert different == changed


async def segments(issuer: Issuer) -> dict[tuple[int, str, int], int]:
    """The checksum of every segment that is packed now, by the number of its list, purpose and number."""
    async with issuer.database.reading() as session:
        rows = await session.execute(
            text(
                "SELECT status_lists.number, purpose, status_segments.number, crc32 FROM status_segments "
                "JOIN status_lists ON status_lists.id = status_list_id"
            )
        )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


async def test_A53_changes_and_publications_at_once_lose_nothing(any_issuer: Issuer) -> None:
    issuer = any_issuer
    many = [await award_copies(issuer, count=1) for _ in range(4)]
    await asyncio.gather(
        *(issuer.change(copies.award_id, "revoke") for copies in many),
        *(issuer.client.get(path, headers={"Accept": accept}) for path in PATHS.values() for accept in (PROOF, JWT)),
    )
    issuer.clock.advance(TTL)
    for copies in many:
        assert await statuses(issuer, copies) == [INVALID, INVALID, SUSPENDED]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, PROOF),
        ("*/*", PROOF),
        ("application/json", PROOF),
        ("application/vc", PROOF),
        ("application/vc+jwt", JWT),
        ("Application/VC+JWT", JWT),
        ("application/vc+jwt, */*;q=0.1", JWT),
        ("application/vc, application/vc+jwt", PROOF),
        ("application/vc;q=0.5, application/vc+jwt;q=0.6", JWT),
        ("application/vc;q=0.5, application/vc+jwt;v=1;q=0.4", PROOF),
        ("application/vc+jwt;q=0", PROOF),
        ("application/vc+jwt;q=nonsense", JWT),
        ("text/html", PROOF),
    ],
)
async def test_K80_2_the_form_is_negotiated(issuer: Issuer, accept: str | None, media_type: str) -> None:
    await award_copies(issuer, count=1)
    headers = {} if accept is None else {"Accept": accept}
    assert (await issuer.client.get(REVOCATION, headers=headers)).headers["content-type"] == media_type


async def test_K80_2_the_endpoint_is_open_compressed_and_cacheable(issuer: Issuer) -> None:
    await award_copies(issuer)
    plain = await issuer.client.get(REVOCATION, headers={"Accept-Encoding": "identity"})
    assert plain.headers["access-control-allow-origin"] == "*"
    assert plain.headers["cache-control"] == f"public, max-age={int(TTL.total_seconds())}"
    assert plain.headers["vary"] == "Accept, Accept-Encoding"
    async with issuer.client.stream("GET", REVOCATION, headers={"Accept-Encoding": "gzip"}) as response:
        packed = b"".join([part async for part in response.aiter_raw()])
        assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed).decode() == plain.text
    headers = {"If-None-Match": plain.headers["etag"], "Accept-Encoding": "identity"}
    assert (await issuer.client.get(REVOCATION, headers=headers)).status_code == 304
    assert (await issuer.client.get(REVOCATION, headers={**headers, "Accept": JWT})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/{ORG}/status/2/refresh",
        f"/{ORG}/status/2/all",
        f"/{ORG}/status/1/revocation",
        f"/{ORG}/status/2",
        f"/{ORG}/status/3/revocation",
        f"/{ORG}/status/{10**30}/revocation",
        "/onbekend/status/2/revocation",
    ],
)
async def test_a_list_that_is_not_there_or_of_the_other_kind_is_not_found(issuer: Issuer, path: str) -> None:
    await award_copies(issuer)
    assert (await issuer.client.get(path)).status_code == 404


async def test_K80_3_lists_of_the_past_are_not_offered(issuer: Issuer) -> None:
    await award_copies(issuer)
    assert (await issuer.client.get(f"{REVOCATION}?timestamp=2026-11-21T12:00:00Z")).status_code == 501


async def test_K78_only_token_status_lists_are_aggregated(issuer: Issuer) -> None:
    await award_copies(issuer)
    assert (await issuer.client.get(f"/{ORG}/status")).json() == {"status_lists": [f"{IDENTIFIER}/status/1"]}


async def test_A10_a_list_is_believed_after_its_key_was_replaced(issuer: Issuer) -> None:
    copies = await award_copies(issuer)
    await fetch_bitstring(issuer)
    for algorithm in ("Ed25519", "ES256"):
        rotated = await issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": algorithm})
        assert rotated.status_code == 201
    assert await statuses(issuer, copies) == [VALID] * 5
    assert await statuses(issuer, copies, JWT) == [VALID] * 5


async def test_A10_a_list_that_a_withdrawn_key_signed_is_signed_anew(any_issuer: Issuer) -> None:
    issuer = any_issuer
    copies = await award_copies(issuer)
    for accept in (PROOF, JWT):
        assert await statuses(issuer, copies, accept) == [VALID] * 5
    keys = named_kids((await issuer.did_document()).raw)
    for algorithm in ("Ed25519", "ES256"):
        await issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": algorithm})
    for kid in keys:
        path = f"/organisations/{ORG}/signing-keys/{kid.partition('#')[2]}"
        assert (await issuer.api("DELETE", path)).status_code == 204
    for accept in (PROOF, JWT):
        assert await statuses(issuer, copies, accept) == [VALID] * 5


async def test_A46_the_list_of_another_organisation_says_nothing(issuer: Issuer) -> None:
    await award_copies(issuer)
    raw = (await issuer.client.get(REVOCATION)).text
    with pytest.raises(CredentialError):
        verify_status_list_credential(
            raw,
            uri=f"https://issuer.example{REVOCATION}",
            issuer="did:web:issuer.example:other",
            find_key=(await issuer.did_document()).find_key,  # type: ignore[arg-type]
            cryptosuites=SUITES,
            algorithms=ES256,
            now=issuer.clock(),
        )


async def test_K80_1_K80_3_whoever_checks_a_copy_at_this_issuer_sees_every_change(any_issuer: Issuer) -> None:
    """What a wallet or verifier does, through its own fetcher."""
    issuer = any_issuer
    award = await issuer.award()
    [raw] = await issuer.fetch(award)
    [place] = await allocate(issuer, award["id"], 1)
    for format_id in ("ldp_vc", "vc+jwt"):
        copy = replace(await issuer.verify(raw), format=format_id, statuses=place.references)
        resolver = Resolver(Fetcher(transport=HostTransport({"issuer.example:443": issuer.app})))
        for change, expected in ((None, VALID), ("suspend", SUSPENDED), ("reinstate", VALID)):
            if change is not None:
                assert (await issuer.change(award["id"], change)).status_code == 200
            issuer.clock.advance(TTL)
            answer = await resolver.resolve_status(copy, now=issuer.clock())
            assert answer is not None
            assert answer.status is expected
    await issuer.change(award["id"], "revoke")
    issuer.clock.advance(TTL)
    answer = await resolver.resolve_status(copy, now=issuer.clock())
    assert answer is not None
    assert (answer.status, answer.list_uri) == (INVALID, f"{IDENTIFIER}/status/2/revocation")


async def test_K80_1_an_sd_jwt_keeps_its_place_in_a_token_status_list(issuer: Issuer) -> None:
    [raw] = await issuer.fetch()
    assert parse_credential(raw).payload["status"]["status_list"]["uri"] == f"{IDENTIFIER}/status/1"


async def test_A53_issuing_does_not_wait_for_a_list_that_is_being_published(any_issuer: Issuer) -> None:
    """A place is given while somebody packs and signs; on SQLite, which has one writer at a time, right after."""
    issuer = any_issuer
    award = await issuer.award()
    await issuer.fetch(award)
    [place] = await allocate(issuer, award["id"], 1)
    if issuer.database.is_sqlite:
        return
    async with issuer.database.transaction() as session:
        await run_blocking(session, store.lock_status_list, place.status_list_id)
        async with asyncio.timeout(20):
            await asyncio.create_task(allocate(issuer, award["id"], 1), context=Context())


async def test_K77_a_list_may_end_in_the_middle_of_a_segment(
    new_sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, status_list_size=140_000)
    copies = await award_copies(issuer)
    await issuer.change(copies.award_id, "revoke")
    assert await statuses(issuer, copies) == [INVALID, INVALID, SUSPENDED, INVALID, SUSPENDED]
    assert len((await fetch_list(issuer)).statuses) == len((await fetch_bitstring(issuer)).entries) == 140_000
    await issuer.client.aclose()
    await issuer.app.state.service.close()

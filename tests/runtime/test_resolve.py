"""Issuer keys, status lists and the trust list: found by one way only, and kept no longer than allowed."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kernel import base64url
from kernel.did import create_did_web_document, did_jwk
from kernel.errors import CredentialError, RejectedError, UndecidedError, UntrustedIssuerError
from kernel.formats import FORMATS, IssuerIdentity, StatusReference, VerifiedCredential, parse_credential
from kernel.keys import SoftwareSigner, public_key_from
from kernel.status.token_status_list import Status, StatusList, create_status_list_token
from kernel.trust_list import TrustList, create_trust_list, sign_trust_list
from runtime.fetch import Fetcher
from runtime.jitter import random_part
from runtime.resolve import Resolver
from runtime.trust import KeptTrustList
from tests.kernel.test_x5c import CA, Authority, create_certificate, key_usage
from tests.support.badges import ES256, ISSUER, ISSUER_SIGNER, STATUS, issue_badge
from tests.support.clock import NOW

DID_URL = "https://issuer.example/stmw/did.json"
LIST_URL = STATUS.uri
LIST_SIZE = 131_072
TRUST_URL = "https://scheme.example/list.jwt"
OTHER = SoftwareSigner.generate()
SCHEME = SoftwareSigner.generate()


async def find_own_list(resolver: Resolver, now: datetime) -> TrustList | None:
    lists, _ = await resolver.trust.resolve_lists(now=now)
    return next(iter(lists), None)


class World:
    """What stands at which URL; each request is counted."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.is_down = False
        self.fetch = Fetcher(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.is_down:
            raise httpx.ConnectError("down")
        if str(request.url) not in self.pages:
            return httpx.Response(404)
        media_type, content = self.pages[str(request.url)]
        return httpx.Response(200, content=content, headers={"content-type": media_type})

    def put_did_document(self, *keys: tuple[str, SoftwareSigner], did: str = ISSUER.id, url: str = DID_URL) -> None:
        document = create_did_web_document(did, [(fragment, signer.public_key) for fragment, signer in keys])
        self.pages[url] = ("application/did+json", json.dumps(document).encode())

    def put_status_list(self, status: Status = Status.VALID, *, signer=ISSUER_SIGNER, **changes: Any) -> None:
        statuses = StatusList(2, LIST_SIZE)
        statuses.set(STATUS.index, status)
        values = {
            "uri": LIST_URL,
            "key_reference": {"kid": ISSUER.kid},
            "issued_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "ttl": timedelta(minutes=15),
        } | changes
        token = create_status_list_token(statuses, signer=signer, **values)
        self.pages[LIST_URL] = ("application/statuslist+jwt", token.encode())

    def put_trust_list(self, sequence: int, *, signer=SCHEME, next_update=NOW + timedelta(days=7)) -> None:
        self.pages[TRUST_URL] = ("application/jwt", trust_list(sequence, signer, next_update).encode())


def trust_list(sequence: int, signer: SoftwareSigner = SCHEME, next_update=NOW + timedelta(days=7)) -> str:
    payload = create_trust_list(
        scheme="https://scheme.example",
        operator_names={"nl": "Skillsregio"},
        territory="NL",
        sequence=sequence,
        issued_at=NOW - timedelta(days=1),
        next_update=next_update,
        entities=[],
    )
    return sign_trust_list(payload, signer=signer, header={"kid": "scheme-1"})


@pytest.fixture
def world() -> World:
    world = World()
    world.put_did_document(("es256-1", ISSUER_SIGNER))
    world.put_status_list()
    return world


def unverified(**changes: Any):
    return parse_credential(issue_badge("dc+sd-jwt", **changes))


def verified(**changes: Any) -> VerifiedCredential:
    credential = unverified(**changes)
    key = changes.get("signer", ISSUER_SIGNER).public_key
    return FORMATS["dc+sd-jwt"].verify(credential, key=key, algorithms=ES256, now=NOW)


# Issuer keys


async def test_K26_the_key_of_a_did_issuer_is_the_one_its_document_lists(world: World):
    key = await Resolver(world.fetch).resolve_issuer_key(unverified(), now=NOW)
    assert key == ISSUER_SIGNER.public_key
    assert world.asked == [DID_URL]


async def test_K27_a_document_is_kept_for_an_hour_and_no_longer(world: World):
    resolver = Resolver(world.fetch)
    for passed in (timedelta(0), timedelta(minutes=59, seconds=59)):
        await resolver.resolve_issuer_key(unverified(), now=NOW + passed)
    assert len(world.asked) == 1
    await resolver.resolve_issuer_key(unverified(), now=NOW + timedelta(hours=1))
    assert len(world.asked) == 2


async def test_K27_an_unknown_key_makes_the_document_be_fetched_once_more(world: World):
    resolver = Resolver(world.fetch)
    await resolver.resolve_issuer_key(unverified(), now=NOW)
    world.put_did_document(("es256-1", ISSUER_SIGNER), ("es256-2", OTHER))
    newer = unverified(issuer=IssuerIdentity(ISSUER.id, f"{ISSUER.id}#es256-2"))
    assert await resolver.resolve_issuer_key(newer, now=NOW) == OTHER.public_key
    assert len(world.asked) == 2
    with pytest.raises(UntrustedIssuerError):
        await resolver.resolve_issuer_key(unverified(issuer=IssuerIdentity(ISSUER.id, f"{ISSUER.id}#es256-3")), now=NOW)
    assert len(world.asked) == 3


async def test_a_static_did_is_resolved_without_any_request(world: World):
    did = did_jwk(OTHER.public_key.jwk)
    document = await Resolver(world.fetch).resolve_did(did, now=NOW)
    assert document.find_key(f"{did}#0", relation="authentication") == OTHER.public_key
    assert world.asked == []


async def test_a_document_of_another_did_is_refused(world: World):
    world.put_did_document(("es256-1", ISSUER_SIGNER), did="did:web:issuer.example:other")
    with pytest.raises(CredentialError):
        await Resolver(world.fetch).resolve_issuer_key(unverified(), now=NOW)


async def test_K85_an_issuer_that_does_not_answer_is_undecided(world: World):
    world.is_down = True
    with pytest.raises(UndecidedError):
        await Resolver(world.fetch).resolve_issuer_key(unverified(), now=NOW)


async def test_K85_a_failure_is_not_remembered(world: World):
    resolver = Resolver(world.fetch)
    world.is_down = True
    with pytest.raises(UndecidedError):
        await resolver.resolve_issuer_key(unverified(), now=NOW)
    world.is_down = False
    assert await resolver.resolve_issuer_key(unverified(), now=NOW) == ISSUER_SIGNER.public_key


@pytest.mark.parametrize("relations", [(), ("assertionMethod",), ("authentication",)])
async def test_W43_a_verifiers_key_is_found_by_its_name_whatever_it_is_used_for(world: World, relations):
    """OpenID4VP 1.0 §5.9.3 says `verificationMethod`; for credentials K-23 holds all the same."""
    document = create_did_web_document(ISSUER.id, [("es256-1", ISSUER_SIGNER.public_key)])
    for relation in {"assertionMethod", "authentication"} - set(relations):
        del document[relation]
    world.pages[DID_URL] = ("application/did+json", json.dumps(document).encode())
    resolver = Resolver(world.fetch)
    kid = f"{ISSUER.id}#es256-1"
    assert await resolver.resolve_did_key(ISSUER.id, kid, now=NOW) == ISSUER_SIGNER.public_key
    with pytest.raises(UntrustedIssuerError):
        await resolver.resolve_did_key(ISSUER.id, f"{ISSUER.id}#another", now=NOW)
    if "assertionMethod" not in relations:
        with pytest.raises(UntrustedIssuerError):
            await resolver.resolve_issuer_key(unverified(), now=NOW)


async def test_K27_the_cache_of_documents_is_bounded(world: World):
    resolver = Resolver(world.fetch)
    for number in range(520):
        world.put_did_document(
            ("k", OTHER), did=f"did:web:i.example:{number}", url=f"https://i.example/{number}/did.json"
        )
        await resolver.resolve_did(f"did:web:i.example:{number}", now=NOW)
    asked = len(world.asked)
    await resolver.resolve_did("did:web:i.example:519", now=NOW)
    assert len(world.asked) == asked
    await resolver.resolve_did("did:web:i.example:0", now=NOW)
    assert len(world.asked) == asked + 1


ROOT = create_certificate("Root", constraints=CA, usage=key_usage("key_cert_sign"))


def leaf(signer_key: Any = None, host: str = "issuer.example") -> Authority:
    return create_certificate("Leaf", ROOT, usage=key_usage("digital_signature"), dns_names=[host], key=signer_key)


def certified(authority: Authority, issuer: str, **changes: Any) -> dict[str, Any]:
    secret = authority.key.private_numbers().private_value.to_bytes(32, "big")
    signer = SoftwareSigner.from_jwk(public_key_from(authority.key.public_key()).jwk | {"d": base64url.encode(secret)})
    return {"signer": signer, "issuer": IssuerIdentity(issuer, f"{issuer}#k", x5c=(authority.x5c,))} | changes


async def test_K26_a_chain_to_a_configured_anchor_gives_the_key_of_an_https_issuer(world: World):
    given = certified(leaf(), "https://issuer.example/stmw")
    resolver = Resolver(world.fetch, anchors=[ROOT.certificate])
    assert await resolver.resolve_issuer_key(unverified(**given), now=NOW) == given["signer"].public_key
    assert world.asked == []


async def test_K26_A05_a_chain_for_another_host_is_refused(world: World):
    given = certified(leaf(host="other.example"), "https://issuer.example/stmw")
    with pytest.raises(CredentialError):
        await Resolver(world.fetch, anchors=[ROOT.certificate]).resolve_issuer_key(unverified(**given), now=NOW)


@pytest.mark.parametrize("issuer", ["https://[", "https://issuer.example]", "urn:uuid:1", "DID:web:issuer.example"])
async def test_K26_A05_a_chain_for_an_issuer_that_is_no_web_address_is_refused(world: World, issuer: str):
    resolver = Resolver(world.fetch, anchors=[ROOT.certificate])
    with pytest.raises(UntrustedIssuerError):
        await resolver.resolve_issuer_key(unverified(**certified(leaf(), issuer)), now=NOW)


async def test_K26_without_anchors_no_chain_is_accepted(world: World):
    given = certified(leaf(), "https://issuer.example/stmw")
    with pytest.raises(UntrustedIssuerError):
        await Resolver(world.fetch).resolve_issuer_key(unverified(**given), now=NOW)


HTTPS_ISSUER = "https://issuer.example/stmw"
METADATA_URL = "https://issuer.example/.well-known/jwt-vc-issuer/stmw"
KEYS_URL = "https://issuer.example/stmw/keys"
BY_METADATA = {"issuer": IssuerIdentity(HTTPS_ISSUER, "k")}


def put_metadata(world: World, *keys: tuple[str, SoftwareSigner], apart: bool = False, **changes: Any) -> None:
    jwks = {"keys": [{"kid": kid, **signer.public_key.jwk} for kid, signer in keys]}
    members = {"issuer": HTTPS_ISSUER, **({"jwks_uri": KEYS_URL} if apart else {"jwks": jwks}), **changes}
    world.pages[METADATA_URL] = ("application/json", json.dumps(members).encode())
    world.pages[KEYS_URL] = ("application/jwk-set+json", json.dumps(jwks).encode())


@pytest.mark.parametrize("apart", [False, True], ids=["jwks", "jwks_uri"])
async def test_K25_K26_the_key_of_an_https_issuer_stands_in_its_metadata(world: World, apart: bool):
    put_metadata(world, ("j", OTHER), ("k", ISSUER_SIGNER), apart=apart)
    resolver = Resolver(world.fetch)
    for _ in range(2):
        assert await resolver.resolve_issuer_key(unverified(**BY_METADATA), now=NOW) == ISSUER_SIGNER.public_key
    assert world.asked == ([METADATA_URL, KEYS_URL] if apart else [METADATA_URL])


async def test_K25_K27_metadata_is_asked_again_once_for_a_key_that_it_did_not_have(world: World):
    put_metadata(world, ("j", OTHER))
    resolver = Resolver(world.fetch)
    with pytest.raises(UntrustedIssuerError):
        await resolver.resolve_issuer_key(unverified(**BY_METADATA), now=NOW)
    put_metadata(world, ("k", ISSUER_SIGNER))
    assert await resolver.resolve_issuer_key(unverified(**BY_METADATA), now=NOW) == ISSUER_SIGNER.public_key
    assert world.asked == [METADATA_URL, METADATA_URL]


async def test_K25_metadata_of_another_issuer_is_refused(world: World):
    put_metadata(world, ("k", ISSUER_SIGNER), issuer="https://other.example/stmw")
    with pytest.raises(CredentialError):
        await Resolver(world.fetch).resolve_issuer_key(unverified(**BY_METADATA), now=NOW)


async def test_K26_where_policy_knows_x509_a_failed_chain_is_not_replaced_by_metadata(world: World):
    put_metadata(world, (f"{HTTPS_ISSUER}#k", OTHER))
    given = certified(leaf(host="other.example"), HTTPS_ISSUER)
    with pytest.raises(CredentialError):
        await Resolver(world.fetch, anchors=[ROOT.certificate]).resolve_issuer_key(unverified(**given), now=NOW)
    assert world.asked == []


async def test_K26_metadata_that_cannot_be_had_is_not_replaced_by_a_did_document(world: World):
    world.is_down = True
    with pytest.raises(UndecidedError):
        await Resolver(world.fetch).resolve_issuer_key(unverified(**BY_METADATA), now=NOW)
    assert world.asked == [METADATA_URL]


async def test_K25_a_vcdm_document_has_no_such_metadata(world: World):
    put_metadata(world, ("k", ISSUER_SIGNER))
    document = parse_credential(issue_badge("vc+sd-jwt", **BY_METADATA))
    with pytest.raises(UntrustedIssuerError):
        await Resolver(world.fetch).resolve_issuer_key(document, now=NOW)
    assert world.asked == []


async def test_K25_K76_the_status_list_of_an_issuer_with_metadata_is_signed_by_a_key_in_it(world: World):
    put_metadata(world, ("k", ISSUER_SIGNER), ("list", OTHER))
    world.put_status_list(signer=OTHER, key_reference={"kid": "list"})
    answer = await Resolver(world.fetch).resolve_status(verified(**BY_METADATA), now=NOW)
    assert answer is not None
    assert answer.status is Status.VALID
    put_metadata(world, ("k", SoftwareSigner.generate()), ("list", OTHER))
    with pytest.raises(UndecidedError):
        await Resolver(world.fetch).resolve_status(verified(**BY_METADATA), now=NOW)


# Status


async def test_a_credential_without_a_list_has_no_status(world: World):
    assert await Resolver(world.fetch).resolve_status(verified(status=None), now=NOW) is None
    assert world.asked == []


@pytest.mark.parametrize("status", [Status.VALID, Status.INVALID, Status.SUSPENDED])
async def test_K73_the_list_says_the_status(world: World, status: Status):
    world.put_status_list(status)
    answer = await Resolver(world.fetch).resolve_status(verified(), now=NOW)
    assert answer is not None
    assert (answer.status, answer.checked_at, answer.list_uri, answer.issued_at) == (status, NOW, LIST_URL, NOW)


async def fetched_lists(world: World, resolver: Resolver, *times: timedelta) -> list[bool]:
    """Whether the list was fetched at each of these times."""
    fetched = []
    for passed in times:
        before = world.asked.count(LIST_URL)
        await resolver.resolve_status(verified(), now=NOW + passed)
        fetched.append(world.asked.count(LIST_URL) > before)
    return fetched


async def test_K75_a_list_is_kept_for_its_ttl_and_not_longer(world: World):
    times = [timedelta(0), timedelta(minutes=14, seconds=59), timedelta(minutes=15)]
    assert await fetched_lists(world, Resolver(world.fetch), *times) == [True, False, True]


async def test_W32_K75_a_list_is_asked_for_again_a_little_early_by_each_and_by_none_late(world: World):
    """Of a quarter of an hour a tenth is ninety seconds: whoever is told to wait least comes so much earlier."""
    times = [timedelta(0), timedelta(minutes=13, seconds=29), timedelta(minutes=13, seconds=30)]
    assert await fetched_lists(world, Resolver(world.fetch, jitter=lambda most: most), *times) == [True, False, True]
    times = [timedelta(0), timedelta(minutes=14, seconds=14), timedelta(minutes=14, seconds=15)]
    assert await fetched_lists(world, Resolver(world.fetch, jitter=lambda most: most / 2), *times) == [
        True,
        False,
        True,
    ]


def test_W32_jitter_is_a_random_part_and_never_more():
    waits = [random_part(timedelta(minutes=1)) for _ in range(100)]
    assert all(timedelta(0) <= wait < timedelta(minutes=1) for wait in waits)
    assert len(set(waits)) > 50


async def test_K75_a_list_is_never_kept_beyond_its_exp(world: World):
    world.put_status_list(expires_at=NOW + timedelta(minutes=5))
    resolver = Resolver(world.fetch)
    assert await fetched_lists(world, resolver, timedelta(0), timedelta(minutes=4)) == [True, False]
    with pytest.raises(UndecidedError):
        await resolver.resolve_status(verified(), now=NOW + timedelta(minutes=7))


async def test_K75_a_list_is_kept_for_a_day_at_most(world: World):
    world.put_status_list(ttl=timedelta(days=365), expires_at=NOW + timedelta(days=365))
    times = [timedelta(0), timedelta(hours=23, minutes=59), timedelta(days=1)]
    assert await fetched_lists(world, Resolver(world.fetch), *times) == [True, False, True]


async def test_K74_when_the_copy_is_too_old_and_the_issuer_silent_the_status_is_unknown(world: World):
    resolver = Resolver(world.fetch)
    await resolver.resolve_status(verified(), now=NOW)
    world.is_down = True
    await resolver.resolve_status(verified(), now=NOW + timedelta(minutes=14))
    with pytest.raises(UndecidedError):
        await resolver.resolve_status(verified(), now=NOW + timedelta(minutes=16))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"signer": OTHER}, id="signed by another key"),
        pytest.param({"uri": "https://issuer.example/stmw/status/2"}, id="about another list"),
        pytest.param({"key_reference": {"kid": "did:web:evil.example#k"}}, id="signed by another issuer"),
        pytest.param({"key_reference": {"kid": f"{ISSUER.id}#es256-9"}}, id="signed with an unknown key"),
        pytest.param({"issued_at": NOW + timedelta(hours=1)}, id="from the future"),
        pytest.param({"expires_at": NOW - timedelta(hours=1), "issued_at": NOW - timedelta(days=1)}, id="expired"),
    ],
)
async def test_K74_without_a_good_list_the_status_is_unknown_and_never_valid(world: World, changes: dict[str, Any]):
    world.put_status_list(**changes)
    with pytest.raises(UndecidedError):
        await Resolver(world.fetch).resolve_status(verified(), now=NOW)


async def test_K74_no_list_at_its_address_is_unknown(world: World):
    del world.pages[LIST_URL]
    with pytest.raises(UndecidedError):
        await Resolver(world.fetch).resolve_status(verified(), now=NOW)


async def test_K73_an_index_beyond_the_list_is_refused(world: World):
    with pytest.raises(RejectedError):
        await Resolver(world.fetch).resolve_status(verified(status=StatusReference(LIST_URL, LIST_SIZE)), now=NOW)


async def test_A46_an_older_list_than_one_seen_before_is_no_good_list(world: World):
    resolver = Resolver(world.fetch)
    world.put_status_list(Status.INVALID)
    await resolver.resolve_status(verified(), now=NOW)
    world.put_status_list(Status.VALID, issued_at=NOW - timedelta(minutes=1))
    with pytest.raises(UndecidedError):
        await resolver.resolve_status(verified(), now=NOW + timedelta(minutes=20))


# The trust list


def trusting(world: World, place: str = TRUST_URL) -> Resolver:
    return Resolver(world.fetch, trust_list=place, trust_list_signer=SCHEME.public_key.jwk)


async def sequence(resolver: Resolver, passed: timedelta = timedelta(0)) -> int | None:
    found = await find_own_list(resolver, NOW + passed)
    return None if found is None else found.sequence


async def test_T03_without_a_configured_list_there_is_none(world: World):
    assert await sequence(Resolver(world.fetch)) is None


async def test_T03_the_list_is_read_again_every_five_minutes(world: World):
    world.put_trust_list(1)
    resolver = trusting(world)
    assert await sequence(resolver) == 1
    world.put_trust_list(2)
    assert await sequence(resolver, timedelta(minutes=4)) == 1
    assert await sequence(resolver, timedelta(minutes=5)) == 2
    assert world.asked == [TRUST_URL] * 2


async def test_T03_a_list_by_another_signer_is_not_used(world: World):
    world.put_trust_list(1, signer=OTHER)
    assert await sequence(trusting(world)) is None


async def test_T03_the_sequence_never_goes_down(world: World):
    world.put_trust_list(5)
    resolver = trusting(world)
    assert await sequence(resolver) == 5
    world.put_trust_list(4)
    assert await sequence(resolver, timedelta(minutes=5)) == 5


async def test_T03_the_last_good_copy_serves_until_its_next_update(world: World):
    world.put_trust_list(1, next_update=NOW + timedelta(days=7))
    resolver = trusting(world)
    assert await sequence(resolver) == 1
    world.is_down = True
    assert await sequence(resolver, timedelta(days=7) - timedelta(seconds=1)) == 1
    assert await sequence(resolver, timedelta(days=7)) is None


async def test_T03_a_list_past_its_next_update_is_not_used(world: World):
    world.put_trust_list(1, next_update=NOW - timedelta(hours=1))
    assert await sequence(trusting(world)) is None


async def test_T03_a_list_in_a_file_is_seen_as_soon_as_it_changes(world: World, tmp_path):
    path = tmp_path / "list.jwt"
    resolver = trusting(world, str(path))
    assert await sequence(resolver) is None
    path.write_text(trust_list(1) + "\n")
    assert await sequence(resolver) == 1
    path.write_text(trust_list(2))
    assert await sequence(resolver) == 2
    path.write_text("nonsense")
    assert await sequence(resolver) == 2
    assert world.asked == []


class Memory:
    """A service's database, as far as the trust list goes."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptTrustList] = {}

    async def find(self, source: str) -> KeptTrustList | None:
        return self.kept.get(source)

    async def keep(self, source: str, kept: KeptTrustList) -> None:
        self.kept[source] = kept


def remembering(world: World, memory: Memory) -> Resolver:
    return Resolver(
        world.fetch, trust_list=TRUST_URL, trust_list_signer=dict(SCHEME.public_key.jwk), trust_list_memory=memory
    )


async def test_T03_A47_after_a_restart_an_older_list_is_refused_and_the_kept_one_serves(world: World):
    memory = Memory()
    world.put_trust_list(7)
    await find_own_list(remembering(world, memory), NOW)
    world.put_trust_list(6)
    found = await find_own_list(remembering(world, memory), NOW)
    assert found is not None
    assert found.sequence == 7
    world.is_down = True
    found = await find_own_list(remembering(world, memory), NOW)
    assert found is not None
    assert found.sequence == 7


async def test_T03_A47_the_sequence_outlives_the_list_that_had_it(world: World):
    memory = Memory()
    world.put_trust_list(7, next_update=NOW + timedelta(hours=1))
    await find_own_list(remembering(world, memory), NOW)
    world.put_trust_list(6)
    later = NOW + timedelta(hours=2)
    resolver = remembering(world, memory)
    assert await find_own_list(resolver, later) is None
    world.put_trust_list(8)
    found = await find_own_list(resolver, later + timedelta(minutes=6))
    assert found is not None
    assert found.sequence == 8


async def test_T03_A47_what_another_process_believed_counts_here_too(world: World):
    memory = Memory()
    world.put_trust_list(6)
    here, there = remembering(world, memory), remembering(world, memory)
    await find_own_list(here, NOW)
    world.put_trust_list(7)
    await find_own_list(there, NOW)
    world.put_trust_list(6)
    found = await find_own_list(here, NOW + timedelta(minutes=6))
    assert found is not None
    assert found.sequence == 7


async def test_T03_another_pinned_signer_has_a_sequence_of_its_own(world: World):
    memory = Memory()
    world.put_trust_list(7)
    await find_own_list(remembering(world, memory), NOW)
    world.put_trust_list(1, signer=OTHER)
    resolver = Resolver(
        world.fetch,
        trust_list=TRUST_URL,
        trust_list_signer=dict(OTHER.public_key.jwk),
        trust_list_memory=memory,
    )
    found = await find_own_list(resolver, NOW)
    assert found is not None
    assert found.sequence == 1


async def test_T03_eight_callers_at_the_start_wait_for_one_list(world: World):
    world.put_trust_list(1)
    resolver = remembering(world, Memory())
    found = await asyncio.gather(*(find_own_list(resolver, NOW) for _ in range(8)))
    assert [each is not None and each.sequence for each in found] == [1] * 8
    assert world.asked == [TRUST_URL]

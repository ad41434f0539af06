"""What our issuer hands out over HTTP, judged by others from what it publishes: DID document and status lists.

`openvc-core` knows SD-JWT VC and embedded proofs, `openbadgeslib` Open Badges in a JWT and with an embedded proof. Both
go by the machine's clock, which stands still here. Their opinion counts where they accept. Digital Bazaar's libraries
know embedded proofs, and their keys as `Multikey` only; they run in a process of their own, where the clock goes on.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier
from openvc.did.base import DidResolverRegistry
from openvc.did.did_web import DidWebResolver
from openvc.errors import OpenvcError
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.status.issue import verify_status_list_token
from openvc.verify import VerificationPolicy, verify_credential

from kernel.data_integrity import derive_credential
from kernel.did import did_jwk
from kernel.formats import from_wire
from kernel.json_ld import CREDENTIALS_V2, pinned_contexts
from kernel.keys import SoftwareSigner
from tests.conftest import NewDatabase
from tests.issuer.conftest import LDP, LDP_SD, OPEN_BADGE_JWT, ORG, PUBLIC_URL, SD_JWT, Issuer, create_issuer
from tests.issuer.test_status import TTL
from tests.support.clock import NOW, FixedClock
from tests.support.digital_bazaar import DigitalBazaar

DID = f"did:web:issuer.example:{ORG}"
CONTEXTS = {url: dict(document) for url, document in pinned_contexts().contexts.items() if url != CREDENTIALS_V2}
PURPOSES = ("revocation", "suspension")


@pytest.fixture
async def issuer(new_sqlite_database: NewDatabase, clock: FixedClock) -> AsyncIterator[Issuer]:
    async for made in open_issuer(new_sqlite_database, clock):
        yield made


@pytest.fixture
async def issuer_of_today(new_sqlite_database: NewDatabase) -> AsyncIterator[Issuer]:
    """Its time is not long past, so that it can go on without getting ahead of the machine's."""
    async for made in open_issuer(new_sqlite_database, FixedClock(datetime.now(UTC) - 4 * TTL)):
        yield made


async def open_issuer(new_sqlite_database: NewDatabase, clock: FixedClock) -> AsyncIterator[Issuer]:
    made = await create_issuer(new_sqlite_database("issuer"), clock)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


@pytest.fixture
def machine_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


async def read_all(issuer: Issuer, list_type: str = "application/vc") -> dict[str, str]:
    """Everything that can be looked up, by its address: the peers cannot reach the application themselves."""
    paths = {f"/{ORG}/did.json": "application/json"}
    for number in (1, 2):
        paths |= {f"/{ORG}/status/{number}": "application/statuslist+jwt"}
        paths |= {f"/{ORG}/status/{number}/{purpose}": list_type for purpose in PURPOSES}
    answers = {path: await issuer.client.get(path, headers={"Accept": kind}) for path, kind in paths.items()}
    return {PUBLIC_URL + path: answer.text for path, answer in answers.items() if answer.status_code == 200}


async def receive(issuer: Issuer, award: dict[str, Any], configuration: str, signer: SoftwareSigner) -> str:
    grant = await issuer.redeem(award)
    response = await issuer.request(grant.token, [await issuer.proof(signer)], configuration=configuration)
    return from_wire(response.json()["credentials"][0]["credential"])


def ask_openvc(raw: str, known: dict[str, str]) -> Any:
    """What `openvc-core` makes of a credential, its status included."""
    resolver = DidResolverRegistry([DidWebResolver(lambda url: json.loads(known[url]))])

    def resolve_list(url: str) -> dict[str, Any]:
        verified = DataIntegrityProofSuite().verify(
            single_proof(json.loads(known[url])), resolver=resolver, extra_contexts=CONTEXTS
        )
        return dict(verified.credential)

    def resolve_token(url: str) -> dict[str, Any]:
        key = json.loads(known[f"{PUBLIC_URL}/{ORG}/did.json"])["verificationMethod"][0]["publicKeyJwk"]
        found: dict[str, Any] = verify_status_list_token(known[url], public_key_jwk=key, expected_uri=url)
        return found

    return verify_credential(
        single_proof(json.loads(raw)) if raw.startswith("{") else raw,
        policy=VerificationPolicy(),
        resolver=resolver,
        resolve_status_list=resolve_list,
        resolve_status_list_token=resolve_token,
        extra_contexts=CONTEXTS,
    )


def single_proof(document: dict[str, Any]) -> dict[str, Any]:
    """This peer reads a single proof only; an array of one states the same."""
    proofs = document["proof"]
    return {**document, "proof": proofs[0] if isinstance(proofs, list) else proofs}


def show_all_skills(raw: str) -> str:
    """A base proof is for the holder alone; what others see is derived from it."""
    return json.dumps(derive_credential(json.loads(raw), pointers=["/credentialSubject/achievement/alignment"]))


def ask_openbadgeslib_jwt(raw: str, known: dict[str, str], recipient: str) -> Any:
    download = reader(known)
    verifier = OB3Verifier.for_issuer_did(DID, download)
    return verifier.verify(raw, recipient, check_status=True, download=download)


def ask_openbadgeslib_ldp(raw: str, known: dict[str, str], recipient: str) -> Any:
    verifier = OB3LdpVerifier.for_issuer_did(DID)
    return verifier.verify(raw, recipient, check_status=True, download=reader(known))


def reader(known: dict[str, str]) -> Callable[..., bytes]:
    def download(url: str, *_: Any, **__: Any) -> bytes:
        return known[url].encode()

    return download


@pytest.mark.usefixtures("machine_clock")
@pytest.mark.parametrize(
    ("configuration", "show"),
    [(SD_JWT, str), (LDP, str), (LDP_SD, show_all_skills)],
    ids=["dc+sd-jwt", "eddsa-rdfc-2022", "ecdsa-sd-2023"],
)
async def test_I57_K60_K80_3_openvc_believes_what_we_issue_until_it_is_revoked(
    issuer: Issuer, configuration: str, show: Callable[[str], str]
) -> None:
    award = await issuer.award()
    raw = show(await receive(issuer, award, configuration, SoftwareSigner.generate()))
    found = ask_openvc(raw, await read_all(issuer))
    assert found.issuer == DID
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    issuer.clock.advance(TTL)
    with time_machine.travel(issuer.clock(), tick=False), pytest.raises(OpenvcError):
        ask_openvc(raw, await read_all(issuer))


@pytest.mark.usefixtures("machine_clock")
@pytest.mark.parametrize(
    ("configuration", "ask"),
    [(LDP, ask_openbadgeslib_ldp), (OPEN_BADGE_JWT, ask_openbadgeslib_jwt)],
    ids=["eddsa-rdfc-2022", "open_badge_jwt"],
)
async def test_B20_openbadgeslib_believes_what_we_issue_for_its_holder_until_it_is_revoked(
    issuer: Issuer, configuration: str, ask: Callable[..., Any]
) -> None:
    signer = SoftwareSigner.generate()
    award, holder = await issuer.award(), did_jwk(signer.public_key.jwk)
    raw = await receive(issuer, award, configuration, signer)
    known = await read_all(issuer, "application/vc+jwt")
    assert ask(raw, known, holder).achievement.name == "Adviseur Lerende Regio"
    with pytest.raises(LibOpenBadgesException):
        ask(raw, known, did_jwk(SoftwareSigner.generate().public_key.jwk))
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    issuer.clock.advance(TTL)
    with time_machine.travel(issuer.clock(), tick=False), pytest.raises(LibOpenBadgesException, match="is set at"):
        ask(raw, await read_all(issuer, "application/vc+jwt"), holder)


@pytest.mark.parametrize(
    ("configuration", "show"), [(LDP, str), (LDP_SD, show_all_skills)], ids=["eddsa-rdfc-2022", "ecdsa-sd-2023"]
)
async def test_K22_K60_K61_K80_3_digital_bazaar_believes_what_we_issue_by_its_multikey_until_it_is_revoked(
    issuer_of_today: Issuer, digital_bazaar: DigitalBazaar, configuration: str, show: Callable[[str], str]
) -> None:
    issuer, clock = issuer_of_today, issuer_of_today.clock
    award = await issuer.award()
    badge = json.loads(show(await receive(issuer, award, configuration, SoftwareSigner.generate())))
    await publish(issuer, digital_bazaar)
    digital_bazaar.verify(badge, now=clock().isoformat())
    assert digital_bazaar.ask("status", credential=badge) == {"revocation": False, "suspension": False}
    assert (await issuer.change(award["id"], "suspend")).status_code == 200
    clock.advance(TTL)
    await publish(issuer, digital_bazaar)
    assert digital_bazaar.ask("status", credential=badge) == {"revocation": False, "suspension": True}
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    clock.advance(TTL)
    await publish(issuer, digital_bazaar)
    assert digital_bazaar.ask("status", credential=badge)["revocation"] is True


async def publish(issuer: Issuer, peer: DigitalBazaar) -> None:
    known = {url: json.loads(text) for url, text in (await read_all(issuer)).items() if text.startswith("{")}
    peer.publish({DID: known.pop(f"{PUBLIC_URL}/{ORG}/did.json"), **known})

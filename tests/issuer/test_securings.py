"""One achievement in every securing: described, offered, issued over HTTP, believed, and withdrawn everywhere."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from issuer.configurations import SECURINGS, configuration_id
from kernel.did import json_web_key_2020_url, multikey_url
from kernel.formats import ALGORITHMS, FORMATS, VerifiedCredential, from_wire, parse_credential
from kernel.keys import PublicKey, SoftwareSigner
from kernel.openid4vci import parse_credential_offer, parse_credential_response, parse_issuer_metadata
from kernel.status.token_status_list import Status
from runtime.fetch import Fetcher
from runtime.resolve import Resolver
from tests.conftest import NewDatabase
from tests.issuer.conftest import (
    CONFIGURATIONS,
    IDENTIFIER,
    LDP,
    LDP_SD,
    OPEN_BADGE_JWT,
    ORG,
    SD_JWT,
    SLUG,
    VC_JWT,
    VCDM,
    Issuer,
    create_issuer,
    recipient,
    settings_for,
)
from tests.issuer.test_status import TTL
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport

DID = f"did:web:issuer.example:{ORG}"
EACH = pytest.mark.parametrize("configuration", CONFIGURATIONS)
ES256_KEY, ED25519_KEY = f"{DID}#es256-2026-1", f"{DID}#ed25519-2026-1"


def create_resolver(issuer: Issuer) -> Resolver:
    """What a wallet or verifier looks things up with."""
    return Resolver(Fetcher(transport=HostTransport({"issuer.example:443": issuer.app})))


async def believe(issuer: Issuer, raw: str) -> VerifiedCredential:
    """Everything that must hold before a wallet keeps a credential, by what the issuer publishes and nothing else."""
    read, now = parse_credential(raw), issuer.clock()
    key = await create_resolver(issuer).resolve_issuer_key(read, now=now)
    return FORMATS[read.format].verify(read, key=key, algorithms=ALGORITHMS[read.format], now=now)


async def find_status(issuer: Issuer, raw: str) -> Status:
    answer = await create_resolver(issuer).resolve_status(await believe(issuer, raw), now=issuer.clock())
    assert answer is not None
    return answer.status


async def fetch_all(issuer: Issuer, award: dict[str, Any], copies: int = 1) -> list[str]:
    """The award in every securing, under one access token."""
    grant, raws = await issuer.redeem(award), []
    for configuration in CONFIGURATIONS:
        nonce = await issuer.nonce()
        proofs = [await issuer.proof(nonce=nonce) for _ in range(copies)]
        response = await issuer.request(grant.token, proofs, configuration=configuration)
        assert response.status_code == 200, response.text
        raws += [from_wire(entry["credential"]) for entry in response.json()["credentials"]]
    return raws


def places_of(credential: VerifiedCredential) -> set[tuple[str, int]]:
    """Its place; the two purposes of a Bitstring Status List share one."""
    lists = {
        (reference.uri.removeprefix(f"{IDENTIFIER}/status/"), reference.index) for reference in credential.statuses
    }
    return {(uri.partition("/")[0], index) for uri, index in lists}


@EACH
async def test_I14_I57_I62_each_securing_goes_from_metadata_to_a_credential_that_is_believed(
    any_issuer: Issuer, configuration: str
) -> None:
    issuer = any_issuer
    award = await issuer.award()
    answer = await issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")
    described = parse_issuer_metadata(answer.json(), credential_issuer=IDENTIFIER).get_configuration(configuration)
    assert configuration in parse_credential_offer(await issuer.offer(award)).credential_configuration_ids
    grant, signer = await issuer.redeem(award), SoftwareSigner.generate()
    response = await issuer.request(grant.token, [await issuer.proof(signer)], configuration=configuration)
    [wire] = parse_credential_response(response.json()).credentials
    assert isinstance(wire, str) is (described.format != "ldp_vc")
    credential = await believe(issuer, from_wire(wire))
    assert credential.format == described.format
    assert credential.holder_key == signer.public_key
    assert credential.types >= set(described.types) | ({described.vct} if described.vct else set())
    assert await find_status(issuer, from_wire(wire)) is Status.VALID


@pytest.mark.parametrize(
    ("configuration", "key", "header"),
    [
        (SD_JWT, json_web_key_2020_url, {"typ": "dc+sd-jwt", "alg": "ES256"}),
        (VCDM, ES256_KEY, {"typ": "vc+sd-jwt", "alg": "ES256"}),
        (LDP, ED25519_KEY, {"cryptosuite": "eddsa-rdfc-2022", "proofPurpose": "assertionMethod"}),
        (LDP_SD, multikey_url, {"cryptosuite": "ecdsa-sd-2023", "proofPurpose": "assertionMethod"}),
        (VC_JWT, ES256_KEY, {"typ": "vc+jwt", "alg": "ES256"}),
        (OPEN_BADGE_JWT, ES256_KEY, {"typ": "JWT", "alg": "ES256"}),
    ],
)
async def test_B20_K22_K60_K66_each_securing_is_signed_as_it_should_be_by_a_key_of_the_did_document(
    issuer: Issuer, configuration: str, key: str | Callable[[str, PublicKey], str], header: dict[str, str]
) -> None:
    """ES256 is one key with three names: by VC-JOSE-COSE §4.3, by ECDSA §2.1.1, and for all else (decision 0053)."""
    [raw] = await issuer.fetch(configuration=configuration)
    read = parse_credential(raw)
    named = key if isinstance(key, str) else key(DID, await issuer.issuer_key(ES256_KEY))
    assert (read.key_id, read.unverified_issuer) == (named, DID)
    assert header.items() <= read.header.items()


@pytest.mark.parametrize("configuration", [LDP, LDP_SD, VC_JWT, OPEN_BADGE_JWT])
async def test_I62_I68_stored_bytes_come_again_and_are_signed_once(any_issuer: Issuer, configuration: str) -> None:
    issuer = any_issuer
    grant, signer = await issuer.redeem(await issuer.award()), SoftwareSigner.generate()
    first = await issuer.request(grant.token, [await issuer.proof(signer)], configuration=configuration)
    again = await issuer.request(grant.token, [await issuer.proof(signer)], configuration=configuration)
    assert again.status_code == 200
    assert again.json()["credentials"] == first.json()["credentials"]


@EACH
async def test_I60_I61_K80_4_copies_of_a_batch_share_no_place_no_identifier_and_no_salt(
    issuer: Issuer, configuration: str
) -> None:
    raws = await issuer.fetch(copies=3, configuration=configuration)
    copies = [await believe(issuer, raw) for raw in raws]
    assert len(set.union(*map(places_of, copies))) == 3
    assert len({copy.holder_key for copy in copies}) == 3
    assert len({copy.claims.get("id", number) for number, copy in enumerate(copies)}) == 3
    for copy in copies:
        assert copy.valid_from is not None
        assert copy.valid_from.timestamp() % 86_400 == 0
    salts = [part for raw in raws for part in raw.split("~")[1:-1]]
    assert len(salts) == len(set(salts))


async def test_K80_4_the_same_award_has_another_place_in_each_securing(issuer: Issuer) -> None:
    copies = [await believe(issuer, raw) for raw in await fetch_all(issuer, await issuer.award())]
    assert len(set.union(*map(places_of, copies))) == len(CONFIGURATIONS)
    lists = [[reference.kind for reference in copy.statuses] for copy in copies]
    assert [len(kinds) for kinds in lists] == [1, 1, 2, 2, 1, 2]
    assert [kinds[0].value.partition("_")[0] for kinds in lists] == [
        *("token", "token", "bitstring"),
        *("bitstring", "token", "bitstring"),
    ]


async def test_I77_I78_one_revocation_reaches_every_securing(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    raws = await fetch_all(issuer, award, copies=2)
    bystanders = await fetch_all(issuer, await issuer.award(recipients=[recipient(1)]))
    changes = [("suspend", Status.SUSPENDED), ("reinstate", Status.VALID), ("revoke", Status.INVALID)]
    for change, expected in changes:
        assert (await issuer.change(award["id"], change)).status_code == 200
        issuer.clock.advance(TTL)
        assert [await find_status(issuer, raw) for raw in raws] == [expected] * len(raws)
    assert [await find_status(issuer, raw) for raw in bystanders] == [Status.VALID] * len(bystanders)


async def test_I68_a_new_offer_that_replaces_revokes_the_copies_of_before_in_every_securing(issuer: Issuer) -> None:
    award = await issuer.award()
    raws = await fetch_all(issuer, award)
    path = f"/organisations/{ORG}/awards/{award['id']}/offer"
    renewed = await issuer.api("POST", path, json={"revoke_earlier_copies": True})
    assert renewed.status_code == 201, renewed.text
    [fresh] = await issuer.fetch(renewed.json(), configuration=LDP)
    issuer.clock.advance(TTL)
    assert [await find_status(issuer, raw) for raw in raws] == [Status.INVALID] * len(raws)
    assert await find_status(issuer, fresh) is Status.VALID


async def test_I77_a_key_for_embedded_proofs_is_replaced_alone(issuer: Issuer) -> None:
    [old] = await issuer.fetch(configuration=LDP)
    rotated = await issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": "Ed25519"})
    assert rotated.status_code == 201, rotated.text
    [new] = await issuer.fetch(configuration=LDP)
    [other] = await issuer.fetch(configuration=LDP_SD)
    assert parse_credential(new).key_id == rotated.json()["kid"] != parse_credential(old).key_id
    assert parse_credential(other).key_id == multikey_url(DID, await issuer.issuer_key(ES256_KEY))
    for raw in (old, new, other):
        await believe(issuer, raw)


async def test_K60_an_organisation_from_before_embedded_proofs_gets_its_key_when_one_is_due(
    any_issuer: Issuer,
) -> None:
    issuer = any_issuer
    async with issuer.database.transaction() as session:
        await session.execute(text("DELETE FROM signing_keys WHERE algorithm = 'Ed25519'"))
    [other] = await issuer.fetch(configuration=LDP_SD)
    assert await find_status(issuer, other) is Status.VALID
    [raw] = await issuer.fetch(configuration=LDP)
    assert parse_credential(raw).key_id == ED25519_KEY
    await believe(issuer, raw)


async def test_S09_B14_a_selective_open_badge_shows_what_its_holder_chooses(issuer: Issuer) -> None:
    signer = SoftwareSigner.generate()
    grant = await issuer.redeem(await issuer.award())
    response = await issuer.request(grant.token, [await issuer.proof(signer)], configuration=LDP_SD)
    raw = from_wire(response.json()["credentials"][0]["credential"])
    form, alignment = FORMATS["ldp_vc"], ("credentialSubject", "achievement", "alignment", 2)
    assert alignment in form.disclosable_paths(raw)
    shown = form.present(raw, disclose=[alignment], holder_signer=signer, audience="x", nonce="n", now=issuer.clock())
    assert "bedrijfsprocessen analyseren" in shown
    for hidden in ("personeelsbeleid", "Sanne", "sanne@student.example"):
        assert hidden not in shown


@EACH
async def test_K77_A53_eight_at_once_share_no_place(any_issuer: Issuer, configuration: str) -> None:
    issuer = any_issuer
    awarded = await issuer.post_awards(recipients=[recipient(number) for number in range(1, 9)])
    grants = [await issuer.redeem(award) for award in awarded.json()["awards"]]
    proofs = [[await issuer.proof()] for _ in grants]
    responses = await asyncio.gather(
        *(
            issuer.request(grant.token, proof, configuration=configuration)
            for grant, proof in zip(grants, proofs, strict=True)
        )
    )
    assert [response.status_code for response in responses] == [200] * 8
    copies = [await believe(issuer, from_wire(each.json()["credentials"][0]["credential"])) for each in responses]
    assert len(set.union(*map(places_of, copies))) == 8


@pytest.mark.parametrize(
    "configuration",
    [
        SLUG,
        f"{SLUG}.",
        f"{SLUG}.ldp_vc",
        f"{SLUG}.jwt-vc-json",
        f"{SLUG}.LDP-VC",
        f"ander.{SECURINGS[2].suffix}",
        "x" * 200,
    ],
)
async def test_I64_a_securing_that_is_not_offered_is_an_unknown_configuration(
    issuer: Issuer, configuration: str
) -> None:
    grant = await issuer.redeem(await issuer.award())
    refused = await issuer.request(grant.token, [await issuer.proof()], configuration=configuration)
    assert (refused.status_code, refused.json()["error"]) == (400, "unknown_credential_configuration")


async def test_I29_I57_a_token_for_one_securing_gives_no_other(issuer: Issuer) -> None:
    details = [{"type": "openid_credential", "credential_configuration_id": LDP}]
    grant = await issuer.redeem(await issuer.award(), authorization_details=json.dumps(details))
    [authorized] = grant.response.json()["authorization_details"]
    [identifier] = authorized["credential_identifiers"]
    refused = await issuer.request(grant.token, [await issuer.proof()], configuration=LDP_SD)
    assert refused.json()["error"] == "invalid_credential_request"
    body = {"credential_identifier": identifier, "proofs": {"jwt": [await issuer.proof()]}}
    [given] = (await issuer.post_credential(grant.token, body)).json()["credentials"]
    assert parse_credential(from_wire(given["credential"])).algorithm == "eddsa-rdfc-2022"


async def test_I12_I64_a_deployment_may_hand_out_fewer_securings(
    new_sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, securings=frozenset({"ldp_vc", "dc+sd-jwt"}))
    metadata = (await issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    assert list(metadata["credential_configurations_supported"]) == [SD_JWT, LDP]
    described = await issuer.api("GET", f"/organisations/{ORG}/achievements/{SLUG}")
    assert described.json()["credential_configuration_ids"] == [SD_JWT, LDP]
    award = await issuer.award()
    assert (await issuer.offer(award))["credential_configuration_ids"] == [SD_JWT, LDP]
    grant = await issuer.redeem(award)
    refused = await issuer.request(grant.token, [await issuer.proof()], configuration=VCDM)
    assert refused.json()["error"] == "unknown_credential_configuration"
    assert (await issuer.request(grant.token, [await issuer.proof()], configuration=LDP)).status_code == 200
    await issuer.client.aclose()
    await issuer.app.state.service.close()


@pytest.mark.parametrize("given", ["", ",", "jwt_vc_json", "dc+sd-jwt,mso_mdoc", "LDP_VC"])
def test_securings_that_nobody_can_issue_stop_the_start(given: str) -> None:
    with pytest.raises(ValueError, match="names none, or others than dc"):
        settings_for("sqlite:///x", securings=given)


def test_securings_are_a_list_with_commas() -> None:
    assert settings_for("sqlite:///x", securings="ldp_vc, vc+jwt").securings == {"ldp_vc", "vc+jwt"}


def test_the_longest_slug_leaves_room_for_every_securing() -> None:
    """The column of a credential's configuration has 80 characters."""
    assert max(len(configuration_id("x" * 63, securing)) for securing in SECURINGS) <= 80

"""The process ends at any step of keeping house: the next run finishes the work, and nothing is lost by it. A-53.

Nothing is kept beyond its time, everything that is sealed opens, and each key that signs stands in the DID document.
"""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from issuer import housekeeping, sealing, store
from issuer.did_documents import ALGORITHMS
from issuer.holders import hash_email
from issuer.housekeeping import clean_up
from issuer.models import AccessToken, AuditEntry, Award, Offer, SigningKey, SpentNonce
from issuer.sealing import seal_everything_again
from issuer.settings import IssuerSettings
from issuer.store import SEALED
from kernel import base64url
from kernel.errors import CredentialError
from kernel.keys import SoftwareSigner, parse_public_jwk
from runtime.encryption import SealError
from tests.issuer.conftest import ORG, Issuer, named_kids, recipient
from tests.issuer.test_interrupted import restart, steps
from tests.issuer.test_sealing import close, read_sealed, with_keys
from tests.issuer.test_signing_keys import DID, document, document_at, names, organisation_id, signer
from tests.support.steps import Steps

__all__ = ["steps"]

KEPT = timedelta(days=90)


async def person_of(issuer: Issuer, award: dict[str, Any]) -> Any:
    return (await issuer.get_award(award["id"]))["person"]


async def count(issuer: Issuer, model: Any, *conditions: Any) -> int:
    async with issuer.database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0)


async def test_A53_I80_process_that_ends_at_any_step_of_cleaning_up_leaves_the_rest_to_the_next_round(
    any_issuer: Issuer, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, number, ended, found = any_issuer, 0, True, set()
    monkeypatch.setattr(housekeeping, "_AT_ONCE", 1)
    await issuer.add_organisation("lang")
    while ended:
        number += 1
        over = (await issuer.post_awards(recipients=[recipient(1), recipient(2)])).json()["awards"]
        for award in over:
            await issuer.fetch(award)
        issuer.clock.advance(KEPT)
        recent, waiting = (await issuer.post_awards(recipients=[recipient(3), recipient(4)])).json()["awards"]
        await issuer.fetch(recent)
        async with issuer.database.transaction() as session:
            await session.execute(update(Award).where(Award.sealed_claims.is_not(None)).values(email_hash=None))

        async def clean() -> None:
            await clean_up(issuer.database, issuer.settings, now=issuer.clock())

        ended = await steps.ends_at(number, clean)
        await restart(issuer)
        # What belongs together went together, or not at all.
        left = [await person_of(issuer, award) is not None for award in over]
        found.add(left[0])
        assert left[0] == left[1]
        await clean()
        now = issuer.clock()
        assert [await person_of(issuer, award) for award in over] == [None, None]
        assert await count(issuer, SpentNonce, SpentNonce.expires_at <= now) == 0
        assert await count(issuer, AccessToken, AccessToken.expires_at <= now) == 0
        assert await count(issuer, Offer, Offer.expires_at <= now, Offer.sealed_secrets.is_not(None)) == 0
        # It is told once, however often it was begun.
        for award in over:
            told = (AuditEntry.action == "award.drop_claims", AuditEntry.subject == award["id"])
            assert await count(issuer, AuditEntry, *told) == 1
        # And nothing else is lost: who waits is found, what was issued can be taken back.
        assert (await person_of(issuer, waiting))["email"] == "student4@student.example"
        assert (await person_of(issuer, recent))["email"] == "student3@student.example"
        assert await count(issuer, Award, Award.email_hash.is_(None), Award.sealed_claims.is_not(None)) == 0
        assert (await issuer.change(over[0]["id"], "revoke")).status_code == 200
        await issuer.fetch(waiting)
    assert found == {False, True}
    assert number > 10


async def test_A53_process_that_ends_at_any_step_of_replacing_the_sealing_key_leaves_everything_readable(
    any_issuer: Issuer, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it under one key and half under the other: with both, all opens, and the next run does the rest."""
    issuer, number, ended, left = any_issuer, 0, True, set()
    monkeypatch.setattr(sealing, "_AT_ONCE", 2)
    awards = (await issuer.post_awards(recipients=[recipient(each) for each in (1, 2, 3)])).json()["awards"]
    await issuer.fetch(awards[0])
    key = issuer.settings.encryption_key.get_secret_value()
    while ended:
        number += 1
        earlier, key = key, base64url.encode(secrets.token_bytes(32))
        both = changed(issuer.settings, key, earlier)
        ended = await steps.ends_at(number, lambda both=both: seal_everything_again(issuer.database, both))
        assert await open_all(issuer, both) > 8
        left.add(await seal_everything_again(issuer.database, both))
        # Now the earlier key opens nothing more, and what people are found by was made with the new one.
        alone = changed(issuer.settings, key, None)
        assert await open_all(issuer, alone) > 8
        with pytest.raises(SealError):
            await open_all(issuer, changed(issuer.settings, earlier, None))
        async with issuer.database.reading() as session:
            hashes = set(await session.scalars(select(Award.email_hash)))
        assert hashes == {hash_email(alone, f"student{each}@student.example") for each in (1, 2, 3)}
    assert min(left) == 0
    assert len(left) > 4
    assert number > 20
    after = with_keys(issuer, key, None)
    [raw] = await after.fetch(awards[1])
    await after.verify(raw)
    await close(after)


def changed(settings: IssuerSettings, key: str, earlier: str | None) -> IssuerSettings:
    return IssuerSettings(**{**settings.model_dump(), "encryption_key": key, "earlier_encryption_key": earlier})


async def open_all(issuer: Issuer, settings: IssuerSettings) -> int:
    """How many sealed values there are, or SealError if one of them does not open with these settings."""
    opened = [
        settings.seal.open(value.sealed, context=f"issuer/{kind}/{value.context_id}")
        for kind in SEALED
        for value in await read_sealed(issuer.database, kind)
    ]
    return len(opened)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_A53_K23_process_that_ends_at_any_step_of_replacing_a_key_leaves_one_that_signs_and_is_published(
    any_issuer: Issuer, steps: Steps, algorithm: str
) -> None:
    issuer, number, ended, outcomes = any_issuer, 0, True, set()
    path = f"/organisations/{ORG}/signing-keys"
    while ended:
        number += 1
        [before] = await issuer.fetch()
        stood, moment = await document(issuer), issuer.clock()
        old = await active(issuer, algorithm)
        issuer.clock.advance(timedelta(days=1))

        async def replace(old: str = old) -> None:
            await issuer.api("POST", path, json={"algorithm": algorithm})
            await issuer.api("DELETE", f"{path}/{old}")

        ended = await steps.ends_at(number, replace)
        await restart(issuer)
        is_replaced, is_withdrawn = await active(issuer, algorithm) != old, f"{DID}#{old}" not in await names(issuer)
        outcomes.add((is_replaced, is_withdrawn))
        await check_keys(issuer)
        # Whichever signs, what it signs is believed.
        await issuer.verify((await issuer.fetch())[0])
        if not is_replaced:
            assert (await issuer.api("POST", path, json={"algorithm": algorithm})).status_code == 201
        assert (await issuer.api("DELETE", f"{path}/{old}")).status_code == (404 if is_withdrawn else 204)
        await check_keys(issuer)
        [after] = await issuer.fetch()
        await issuer.verify(after)
        if algorithm == "ES256":
            with pytest.raises(CredentialError):
                await issuer.verify(before)
        assert f"{DID}#{old}" not in await names(issuer)
        # What stood before stays on record.
        assert (await document_at(issuer, f"{moment:%Y-%m-%dT%H:%M:%SZ}")).json() == stood
    assert outcomes == {(False, False), (True, False), (True, True)}
    assert number > 6


async def active(issuer: Issuer, algorithm: str) -> str:
    """The name of the key that signs with this algorithm: there is exactly one."""
    async with issuer.database.reading() as session:
        conditions = (SigningKey.algorithm == algorithm, SigningKey.retired_at.is_(None))
        return str((await session.scalars(select(SigningKey.fragment).where(*conditions))).one())


async def check_keys(issuer: Issuer) -> None:
    """Every private part has its public part, in the row and in the document; who signs no more has none."""
    published = await document(issuer)
    async with issuer.database.reading() as session:
        keys = await store.list_signing_keys(session, await organisation_id(issuer))
    for key in keys:
        assert (key.sealed_private_jwk is None) == (key.retired_at is not None)
        assert (f"{DID}#{key.fragment}" in named_kids(published)) == (key.withdrawn_at is None)
    for algorithm in ALGORITHMS:
        active_key = await signer(issuer, algorithm)
        assert isinstance(active_key.signer, SoftwareSigner)
        [row] = [key for key in keys if key.fragment == active_key.fragment]
        assert parse_public_jwk(row.public_jwk) == active_key.signer.public_key
        assert await issuer.issuer_key(f"{DID}#{row.fragment}") == active_key.signer.public_key

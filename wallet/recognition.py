"""Who is this, according to the ecosystem's list? Shown beside every issuer and verifier (T-06, T-10).

Recognised and valid are two answers (T-01). An unknown party gets a warning and no block: the list may be
incomplete, and the person decides.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kernel.did import did_web
from kernel.errors import CredentialError
from kernel.formats import VerifiedCredential
from kernel.keys import PublicKey
from kernel.trust_list import Outcome, Recognition
from runtime.resolve import Resolver


@dataclass(frozen=True, slots=True)
class PartyRecognition:
    """One of the five outcomes, with the list and entry that say so."""

    outcome: str
    list_name: str = ""
    entity_name: str = ""

    @property
    def is_recognised(self) -> bool:
        return self.outcome == Outcome.RECOGNISED.value


def recognition_json(recognition: PartyRecognition) -> dict[str, Any]:
    return {
        "outcome": recognition.outcome,
        "list_name": recognition.list_name,
        "entity_name": recognition.entity_name,
    }


def signers_of(credential_issuer: str) -> tuple[str, ...]:
    """The names under which an issuer's address may sign: the address, and the did:web that belongs to it."""
    with suppress(CredentialError):
        return (credential_issuer, did_web(credential_issuer))
    return (credential_issuer,)


async def resolve_recognition(
    resolver: Resolver, credential: VerifiedCredential, *, identifiers: Collection[str], now: datetime
) -> PartyRecognition:
    """Whether a credential's issuer was recognised for this kind of credential when it issued it (T-04)."""
    found = await resolver.trust.recognise_credential(credential, identifiers=identifiers, now=now)
    return _party_recognition(found)


async def resolve_party_recognition(
    resolver: Resolver,
    *,
    identifiers: Collection[str],
    service: Literal["issuance", "verification"],
    now: datetime,
    key: PublicKey | None = None,
    x5c: Sequence[str] = (),
) -> PartyRecognition:
    """Whether a party is known at all for what it does; by its key or chain too, where it has signed already."""
    return _party_recognition(
        await resolver.trust.recognise_party(identifiers=identifiers, service=service, now=now, key=key, x5c=x5c)
    )


def _party_recognition(found: Recognition) -> PartyRecognition:
    return PartyRecognition(found.outcome.value, found.list_name or "", found.entity_name or "")

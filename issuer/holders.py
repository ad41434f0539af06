"""Who a signed-in person is to an organisation, and which awards are theirs.

A person is known by the e-mail address that their award names, or by the organisation's own reference to them.
Addresses lie sealed with the award; what is searched for is a keyed hash, which says nothing without the key and goes
when the claims go.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self
from uuid import UUID

from issuer import store
from issuer.credential_issuer import CredentialIssuer
from issuer.settings import IssuerSettings
from issuer.store import AwardRow, Session
from runtime.web.operators import normalise_email


@dataclass(frozen=True, slots=True)
class Subject:
    """By what somebody was recognised when they signed in."""

    kind: Literal["email", "reference"]
    value: str

    @classmethod
    def of_email(cls, text: str) -> Self:
        """Somebody whose e-mail address this is."""
        return cls("email", normalise_email(text))

    def seal(self, settings: IssuerSettings, *, context: str) -> bytes:
        """The subject as it is kept."""
        return settings.seal.seal(json.dumps([self.kind, self.value]).encode(), context=context)

    @classmethod
    def unseal(cls, settings: IssuerSettings, sealed: bytes, *, context: str) -> Self:
        """A subject that was kept."""
        kind, value = json.loads(settings.seal.open(sealed, context=context))
        return cls(kind, value)


def hash_email(settings: IssuerSettings, email: str) -> bytes:
    """By what an award is found whose address this is. A-54: no address is compared with another."""
    return hmac.digest(settings.address_key, normalise_email(email).encode(), "sha256")


async def list_own_awards(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    subject: Subject,
    *,
    slugs: Sequence[str] | None = None,
) -> Sequence[AwardRow]:
    """The awards of this organisation that are this person's and can be issued now, newest first."""
    email_hash = hash_email(settings, subject.value) if subject.kind == "email" else None
    reference = subject.value if subject.kind == "reference" else None
    return await store.list_own_awards(
        session, issuer.organisation_id, email_hash=email_hash, reference=reference, slugs=slugs
    )


def subject_context(authorization_id: UUID) -> str:
    """In what a subject is sealed that signed in for this authorization."""
    return f"issuer/authorization-subject/{authorization_id}"

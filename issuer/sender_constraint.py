"""Access tokens that only the holder of a key may use: DPoP, where tokens are given out and where they are used.

RFC 9449; PROFILE.md I-30, I-31, I-34, A-31. A proof counts once: its `jti` is spent in one statement, and remembered
for longer than the proof could be accepted. It is made for a challenge of this issuer, so none can be made in advance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from issuer import store
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import AccessTokenError, AccessTokenMissingError, DpopNonceError
from issuer.nonce import create_challenge, verify_challenge
from issuer.settings import IssuerSettings
from issuer.store import Grant
from kernel.errors import NonceError
from kernel.openid4vci import DPOP_REMEMBERED, DpopProof, DpopProofError, verify_dpop_proof
from runtime.database import BlockingConnection, BlockingDatabase, Database
from runtime.tokens import hash_token

DPOP_ALGORITHMS: Final = frozenset({"ES256"})
HEADER: Final = "dpop"
_CHALLENGE: Final = f'DPoP algs="{" ".join(sorted(DPOP_ALGORITHMS))}"'


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token as it came: under which scheme, with which proofs, for which request."""

    token: str = field(repr=False)
    is_dpop: bool
    proofs: tuple[str, ...] = field(repr=False)
    method: str
    url: str

    @property
    def token_hash(self) -> bytes:
        """What the token is known by."""
        return hash_token(self.token)


def parse_presented_token(
    authorization: Sequence[str], proofs: Sequence[str], *, method: str, url: str
) -> PresentedToken:
    """Read the token of the Authorization header; one anywhere else does not count. RFC 6750 §2.1, RFC 9449 §7.1."""
    scheme, _, token = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    if scheme.lower() not in ("bearer", "dpop") or not token.strip():
        raise AccessTokenMissingError("no access token, or more than one")
    return PresentedToken(token.strip(), scheme.lower() == "dpop", tuple(proofs), method, url)


def www_authenticate(authorization: str, error: str | None) -> str:
    """What a 401 or 403 says: both ways to use a token, the error at the one that was tried. RFC 9449 §7.1, §7.2."""
    if error is None:
        return f"Bearer, {_CHALLENGE}"
    if authorization.lower().startswith("dpop ") or error in ("invalid_dpop_proof", "use_dpop_nonce"):
        return f'DPoP error="{error}", algs="{" ".join(sorted(DPOP_ALGORITHMS))}"'
    return f'Bearer error="{error}", {_CHALLENGE}'


def dpop_nonce(settings: IssuerSettings, issuer: CredentialIssuer, now: datetime) -> str:
    """The value of a `DPoP-Nonce` header. RFC 9449 §8.2."""
    return create_challenge(settings, issuer.organisation_id, now=now)


async def find_dpop_proof(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    proofs: Sequence[str],
    *,
    method: str,
    url: str,
    now: datetime,
) -> DpopProof | None:
    """Check and use up the proof of a request for a token; None when none came. RFC 9449 §5.

    `url` is how the endpoint is reached from outside. The proof may prove a client too (I-48).
    """
    if not proofs:
        return None
    proof = _verify_proof(settings, issuer.organisation_id, proofs, method, url, None, now)

    def spend(database: BlockingDatabase) -> None:
        with database.transaction() as connection:
            spend_dpop_proof(connection, proof)

    await database.run(spend)
    return proof


def open_token(
    connection: BlockingConnection, settings: IssuerSettings, slug: str, presented: PresentedToken, now: datetime
) -> tuple[Sequence[Grant], DpopProof | None]:
    """What a token of this organisation opens, award by award, and the proof it was used with; or AccessTokenError."""
    grants = store.list_grants(connection, presented.token_hash, slug, now)
    if not grants:
        raise AccessTokenError("unknown, expired, revoked, or another organisation's")
    return grants, _verify_token_use(settings, grants[0].organisation.id, presented, grants[0].dpop_thumbprint, now)


def _verify_token_use(
    settings: IssuerSettings, organisation_id: UUID, presented: PresentedToken, thumbprint: str | None, now: datetime
) -> DpopProof | None:
    """Check that a token is used as it was given: a bound one with a proof of its key, another as Bearer.

    The proof is returned for `spend_dpop_proof`, which belongs into the transaction of what the token buys.
    RFC 9449 §7.1 to §7.3; A-31.
    """
    if thumbprint is None:
        if presented.is_dpop:
            raise AccessTokenError("a Bearer token presented with DPoP")
        return None
    if not presented.is_dpop:
        raise AccessTokenError("a bound token presented as Bearer")
    proof = _verify_proof(
        settings, organisation_id, presented.proofs, presented.method, presented.url, presented.token, now
    )
    if proof.thumbprint != thumbprint:
        raise AccessTokenError("bound to another key")
    return proof


def spend_dpop_proof(connection: BlockingConnection, proof: DpopProof | None) -> None:
    """Use up a proof, or raise DpopProofError: one caller wins. RFC 9449 §11.1; A-31."""
    if proof is None:
        return
    proof_hash = hash_token(f"dpop {proof.thumbprint} {proof.jti}")
    if not store.spend_nonce(connection, proof_hash, proof.issued_at + DPOP_REMEMBERED):
        raise DpopProofError("used before")


def _verify_proof(
    settings: IssuerSettings,
    organisation_id: UUID,
    proofs: Sequence[str],
    method: str,
    url: str,
    access_token: str | None,
    now: datetime,
) -> DpopProof:
    if len(proofs) != 1:
        raise DpopProofError("not exactly one proof")
    proof = verify_dpop_proof(
        proofs[0], method=method, url=url, now=now, access_token=access_token, algorithms=DPOP_ALGORITHMS
    )
    try:
        verify_challenge(settings, organisation_id, proof.nonce, now=now)
    except NonceError as exc:
        fresh = create_challenge(settings, organisation_id, now=now)
        raise DpopNonceError(exc.detail, nonce=fresh) from exc
    return proof

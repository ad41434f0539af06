"""Whose attestations of wallets and keys are believed: providers in the settings and on the trust list. I-45, I-50.

    providers = await resolve_wallet_providers(settings, resolver, now=now)
    …                                            # verify an attestation by `providers.attesters`
    providers.require_recognised(key, anchor, types=None, now=now)

Those in the settings are this operator's own. With `listed_wallet_providers` those on the ecosystem's list count as
well, and whom it withdrew is refused, even where the settings name it (T-06: a denial wins).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates

from issuer.settings import IssuerSettings
from kernel.errors import CredentialError, UndecidedError, UntrustedIssuerError
from kernel.keys import PublicKey, parse_public_jwk
from kernel.openid4vci import KeyAttesters
from kernel.strict_json import parse_json_object
from kernel.trust_list import Outcome, Recognition, TrustList, most_decisive
from runtime.resolve import Resolver


@dataclass(frozen=True, slots=True)
class WalletProviders:
    """Who may attest here. `lists` is None where the settings alone decide; `is_complete`: no list is missing."""

    pinned: KeyAttesters
    lists: Sequence[TrustList] | None = None
    is_complete: bool = True

    @property
    def attesters(self) -> KeyAttesters:
        """Where chains may end, and the keys by `kid`. Who is withdrawn is among them: `require_recognised` says so."""
        lists = self.lists or ()
        listed = {kid: key for trust_list in lists for kid, key in trust_list.wallet_provider_keys.items()}
        anchors = [anchor for trust_list in lists for anchor in trust_list.wallet_provider_anchors]
        return KeyAttesters((*self.pinned.anchors, *anchors), {**listed, **self.pinned.keys})

    def require_recognised(
        self, key: PublicKey, anchor: Certificate | None, *, types: Collection[str] | None, now: datetime
    ) -> None:
        """Raise UntrustedIssuerError for a provider that is withdrawn, or not for these types. T-04, T-06.

        UndecidedError: the ecosystem's list, which may withdraw anybody, cannot be had.
        """
        if self.lists is None:
            return
        if not self.lists:
            raise UndecidedError("no trust list says who provides wallets")
        found = [
            trust_list.recognise_wallet_provider(key=key, anchor=anchor, types=types, at=now)
            for trust_list in self.lists
        ]
        if anchor in self.pinned.anchors or key in self.pinned.keys.values():
            found.append(Recognition(Outcome.RECOGNISED))
        best = most_decisive(found) or Recognition(Outcome.NOT_LISTED)
        if best.outcome is not Outcome.RECOGNISED:
            raise UntrustedIssuerError(f"a wallet provider that is {best.outcome.value}")

    def require_decided(self, refusal: BaseException | None) -> None:
        """Raise UndecidedError where an attester was refused as unknown, and a list that cannot be had may know it."""
        if isinstance(refusal, UntrustedIssuerError) and not self.is_complete:
            raise UndecidedError("a list of wallet providers cannot be had")


async def resolve_wallet_providers(
    settings: IssuerSettings, resolver: Resolver, *, now: datetime
) -> WalletProviders | None:
    """Who may attest now; None where this issuer knows nobody. The list may be fetched: never in a transaction."""
    if not settings.knows_wallet_providers:
        return None
    pinned = _read_pinned(settings)
    if not settings.listed_wallet_providers:
        return WalletProviders(pinned)
    lists, is_complete = await resolver.trust.resolve_lists(now=now)
    return WalletProviders(pinned, lists, is_complete)


def _read_pinned(settings: IssuerSettings) -> KeyAttesters:
    certificates, keys = settings.wallet_provider_certificates, settings.wallet_provider_keys
    return KeyAttesters(
        () if certificates is None else _read_anchors(certificates), {} if keys is None else _read_keys(keys)
    )


@lru_cache(maxsize=8)
def _read_anchors(path: Path) -> tuple[Certificate, ...]:
    return tuple(load_pem_x509_certificates(path.read_bytes()))


@lru_cache(maxsize=8)
def _read_keys(path: Path) -> Mapping[str, PublicKey]:
    try:
        members = parse_json_object(path.read_bytes())
        return {str(jwk["kid"]): parse_public_jwk(jwk) for jwk in members["keys"]}
    except (CredentialError, KeyError, TypeError) as exc:
        raise ValueError("wallet_provider_keys is not a JWK Set whose keys have a kid") from exc

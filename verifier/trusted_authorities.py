"""Whose badges a question asks for: DCQL's `trusted_authorities`, filled with whom we believe now. K-97, T-05.

A wallet only filters by them: whether an issuer is recognised is found out here, of what was shown (V-28).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from runtime.service import Service
from verifier.errors import InputError
from verifier.policies import POLICIES
from verifier.settings import VerifierSettings

MAX_VALUES: Final = 100
"""Each query of a request names them all, and a request object has to fit a wallet's limits."""


async def resolve_trusted_authorities(
    service: Service[VerifierSettings], policy: str, *, now: datetime
) -> Sequence[Mapping[str, Any]]:
    """The entries for every credential query, or InputError where we believe nobody by what this policy can name.

    UndecidedError while the list cannot be had. It may be fetched: never within a transaction.
    """
    settings = service.settings
    found: dict[str, frozenset[str]] = {}
    for kind in POLICIES[policy].authorities:
        if kind == "aki":
            types = settings.badge_vct_values | settings.badge_type_values
            found[kind] = await service.resolver.trust.resolve_authority_key_identifiers(types, now=now)
        else:
            found[kind] = frozenset(settings.federation_anchor_keys())
    entries = [{"type": kind, "values": sorted(values)} for kind, values in found.items() if values]
    if not entries:
        raise InputError(fields={"trusted_authorities": "none"})
    if any(len(entry["values"]) > MAX_VALUES for entry in entries):
        raise InputError(fields={"trusted_authorities": "too_many"})
    return entries

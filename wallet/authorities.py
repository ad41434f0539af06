"""Who stands above the issuers of the badges that are held, for questions that name authorities. OpenID4VP 1.0 §6.1.1.

Only a filter, as §6.1.1 has it: whoever asked judges for themselves. Every badge is looked up, and not only those that
fit otherwise, so that what is looked up tells nobody what fits. Federations and lists that cannot be asked vouch for
nobody.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from kernel.dcql import Authorities, DcqlQuery
from kernel.errors import UndecidedError
from kernel.formats import VerifiedCredential
from kernel.x5c import find_authority_key_identifiers
from runtime.resolve import Resolver
from wallet.credentials import HeldForm


async def resolve_authorities(
    resolver: Resolver, query: DcqlQuery, forms: Iterable[HeldForm], now: datetime
) -> Mapping[str, Authorities]:
    """By form, for a question that asks for authorities; nothing for one that does not."""
    asked = {entry.type for wanted in query.credentials for entry in wanted.trusted_authorities}
    if not asked:
        return {}
    held = list(forms)
    found = await asyncio.gather(*(_find(resolver, form.credential, asked, now) for form in held))
    return {form.id: authorities for form, authorities in zip(held, found, strict=True)}


async def _find(resolver: Resolver, credential: VerifiedCredential, asked: set[str], now: datetime) -> Authorities:
    identifiers, entities, lists = frozenset[str](), frozenset[str](), frozenset[str]()
    if "aki" in asked:
        identifiers = find_authority_key_identifiers(credential.x5c)
    if "openid_federation" in asked:
        with suppress(UndecidedError):
            entities = await resolver.trust.resolve_federation_path(credential, now=now)
    if "etsi_tl" in asked:
        lists = await resolver.trust.resolve_list_addresses(credential, now=now)
    return Authorities(key_identifiers=identifiers, federation_entities=entities, trust_lists=lists)

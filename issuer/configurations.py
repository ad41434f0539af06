"""Credential configurations: each achievement is offered in each securing, under one identifier per pair.

A securing is a credential format, or one flavour of it where a format can be signed in two ways; `kernel.formats` has
the forms themselves. What a wallet must know before it chooses stands here, and `issuer.metadata` publishes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from issuer.did_documents import Algorithm
from issuer.policies import DIIP, OPEN, Policy
from issuer.settings import IssuerSettings
from kernel.formats import ISSUABLE, IssuableFormat

# What a copy is bound to: where there is a `cnf` claim it names the key twice (K-47), elsewhere the subject has a DID.
_KEY_OR_DID: Final = ("jwk", "did:jwk", "did:key")
_DID: Final = ("did:jwk",)


@dataclass(frozen=True, slots=True)
class Securing:
    """One way to secure an achievement: its name in `ISSUABLE`, what it is called in identifiers, and who signs how.

    `carries_endorsements` is false where a signed document inside the badge would stand in the way: what is in a graph
    without a name cannot be disclosed in part (ECDSA §3.4). `signing_value` is what the metadata says about the
    signature: an algorithm of JOSE, or a cryptosuite where the proof is embedded. OpenID4VCI 1.0 A.1.1.2, A.1.2.2,
    A.3.2.
    """

    name: str
    suffix: str
    algorithm: Algorithm
    signing_value: str
    binding_methods: Sequence[str]
    policy: Policy = OPEN
    carries_endorsements: bool = True

    @property
    def format(self) -> IssuableFormat:
        """The format, which issues in this flavour."""
        return ISSUABLE[self.name]


# In the order in which offers name them: first those that European wallets ask for.
SECURINGS: Final = (
    Securing("dc+sd-jwt", "dc-sd-jwt", "ES256", "ES256", _KEY_OR_DID, DIIP),
    Securing("vc+sd-jwt", "vc-sd-jwt", "ES256", "ES256", _KEY_OR_DID, DIIP),
    Securing("ldp_vc", "ldp-vc", "Ed25519", "eddsa-rdfc-2022", _DID),
    Securing("ldp_vc_sd", "ldp-vc-sd", "ES256", "ecdsa-sd-2023", _DID, carries_endorsements=False),
    Securing("vc+jwt", "vc-jwt", "ES256", "ES256", _DID),
    Securing("open_badge_jwt", "open-badge-jwt", "ES256", "ES256", _DID),
)
_BY_SUFFIX: Final = {securing.suffix: securing for securing in SECURINGS}


def configuration_id(achievement_slug: str, securing: Securing) -> str:
    """The `credential_configuration_id` of an achievement in one securing."""
    return f"{achievement_slug}.{securing.suffix}"


def list_securings(settings: IssuerSettings) -> Sequence[Securing]:
    """The securings of this deployment, the preferred one first."""
    return [securing for securing in SECURINGS if securing.name in settings.securings]


def configuration_ids(settings: IssuerSettings, achievement_slug: str) -> Sequence[str]:
    """Every configuration of an achievement: what its offers name."""
    return _configuration_ids(settings.securings, achievement_slug)


@lru_cache(maxsize=1024)
def _configuration_ids(securings: frozenset[str], achievement_slug: str) -> Sequence[str]:
    return tuple(configuration_id(achievement_slug, securing) for securing in SECURINGS if securing.name in securings)


def configuration_securing(identifier: str) -> Securing:
    """The securing of one of our configurations."""
    return _BY_SUFFIX[identifier.rpartition(".")[2]]


def verify_claims_descriptions(claims: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValueError where descriptions repeat or contradict one another. OpenID4VCI 1.0 §12.2.4, B.3; I-16.

    One display a language; no path twice; and below one path either names (an object) or indices and null (an
    array), an array either by null or by index. Checked when the service is loaded, so a wrong table never starts.
    """
    steps: dict[tuple[Any, ...], set[str]] = {}
    paths = [tuple(claim["path"]) for claim in claims]
    for claim in claims:
        locales = [display["locale"] for display in claim["display"]]
        if len(set(locales)) != len(locales):
            raise ValueError(f"one language twice at {claim['path']}")
    for path in paths:
        if paths.count(path) > 1:
            raise ValueError(f"described twice: {path}")
        for depth, step in enumerate(path):
            steps.setdefault(path[:depth], set()).add(_kind(step))
    for path, kinds in steps.items():
        if len(kinds) > 1:
            raise ValueError(f"below {path}: {' and '.join(sorted(kinds))}")


def _kind(step: str | int | None) -> str:
    if step is None:
        return "every element of an array"
    return "a member of an object" if isinstance(step, str) else "one element of an array"

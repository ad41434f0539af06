"""Credential configurations: each achievement is offered in each securing, under one identifier per pair.

A securing is a credential format, or one flavour of it where a format can be signed in two ways; `kernel.formats` has
the forms themselves. What a wallet must know before it chooses stands here, and `issuer.metadata` publishes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from issuer.did_documents import Algorithm, KeyForm
from issuer.policies import DIIP, HAIP, OPEN, Policy
from issuer.settings import IssuerSettings
from kernel.formats import ISSUABLE, IssuableFormat
from kernel.formats.credential import DC_SD_JWT
from kernel.open_badges import OPEN_BADGE_CREDENTIAL

# What a copy is bound to: where there is a `cnf` claim it names the key twice (K-47), elsewhere the subject has a DID.
_KEY_OR_DID: Final = ("jwk", "did:jwk", "did:key")
_DID: Final = ("did:jwk",)
_ES256: Final = frozenset({"ES256"})
# Who shows a credential with an embedded proof may sign with either kind of key.
_EITHER: Final = frozenset({"ES256", "Ed25519", "EdDSA"})
_P256_SUITES: Final = frozenset({"ecdsa-rdfc-2019", "ecdsa-jcs-2019"})
_EITHER_SUITES: Final = _P256_SUITES | {"eddsa-rdfc-2022", "eddsa-jcs-2022"}


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
    carries_endorsements: bool = True
    holder_algorithms: frozenset[str] = _ES256
    """What a holder's key must be good for: the algorithms of `jwt` and `attestation` proofs."""
    cryptosuites: frozenset[str] = _P256_SUITES
    """Those of `di_vp` proofs."""
    policy: Policy = OPEN

    @property
    def is_embedded(self) -> bool:
        """Whether the signature is a proof inside the badge."""
        return self.signing_value != self.algorithm

    @property
    def key_form(self) -> KeyForm:
        """In which form who reads it looks for the key: VC-JOSE-COSE is about W3C's model, and not about SD-JWT VCs."""
        if self.is_embedded:
            return "Multikey"
        return "JsonWebKey2020" if self.name == DC_SD_JWT else "JsonWebKey"

    @property
    def format(self) -> IssuableFormat:
        """The format, which issues in this flavour."""
        return ISSUABLE[self.name]

    def carried(self, achievement: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of an achievement a badge says in this securing."""
        if self.carries_endorsements:
            return achievement
        return {name: value for name, value in achievement.items() if name != "endorsement"}


# In the order in which offers name them: first those that European wallets ask for.
SECURINGS: Final = (
    Securing("dc+sd-jwt", "dc-sd-jwt", "ES256", "ES256", _KEY_OR_DID, policy=DIIP),
    Securing("vc+sd-jwt", "vc-sd-jwt", "ES256", "ES256", _KEY_OR_DID, policy=DIIP),
    Securing(
        "ldp_vc",
        "ldp-vc",
        "Ed25519",
        "eddsa-rdfc-2022",
        _DID,
        holder_algorithms=_EITHER,
        cryptosuites=_EITHER_SUITES,
    ),
    Securing("ldp_vc_sd", "ldp-vc-sd", "ES256", "ecdsa-sd-2023", _DID, carries_endorsements=False),
    Securing("vc+jwt", "vc-jwt", "ES256", "ES256", _DID),
    Securing("open_badge_jwt", "open-badge-jwt", "ES256", "ES256", _DID),
)
# The SD-JWT VC once more, as HAIP 1.0 has it: by certificates, by code only, for wallets that somebody vouches for.
HAIP_SECURING: Final = Securing("dc+sd-jwt", "haip", "ES256", "ES256", ("jwk",), policy=HAIP)
_BY_SUFFIX: Final = {securing.suffix: securing for securing in (*SECURINGS, HAIP_SECURING)}


def configuration_id(achievement_slug: str, securing: Securing) -> str:
    """The `credential_configuration_id` of an achievement in one securing."""
    return f"{achievement_slug}.{securing.suffix}"


def list_securings(settings: IssuerSettings) -> Sequence[Securing]:
    """The securings of this deployment, the preferred one first."""
    return [securing for securing in SECURINGS if securing.name in settings.securings]


def list_code_securings(settings: IssuerSettings, certificate_chain: Sequence[str]) -> Sequence[Securing]:
    """The securings that one may get by signing in: with HAIP's where all is there that HAIP demands. I-33, I-76.

    That is a certificate chain of the organisation, and wallet providers that are trusted.
    """
    is_haip_possible = bool(certificate_chain) and settings.knows_wallet_providers
    haip = [HAIP_SECURING] if is_haip_possible and HAIP_SECURING.name in settings.securings else []
    return [*list_securings(settings), *haip]


def code_configuration_ids(
    settings: IssuerSettings, certificate_chain: Sequence[str], achievement_slug: str
) -> Sequence[str]:
    """Every configuration of an achievement that one may get by signing in."""
    securings = list_code_securings(settings, certificate_chain)
    return [configuration_id(achievement_slug, securing) for securing in securings]


def credential_type(settings: IssuerSettings, securing: Securing) -> str:
    """The type of what is issued in a securing, as trust lists name it. T-04."""
    return settings.badge_vct if securing.format.format_id == "dc+sd-jwt" else OPEN_BADGE_CREDENTIAL


def proof_types(settings: IssuerSettings, securing: Securing) -> Mapping[str, Mapping[str, Any]]:
    """The `proof_types_supported` of a configuration: what is published, and what is accepted. I-13, I-50, I-59."""
    taken = settings.proof_types if settings.knows_wallet_providers else settings.proof_types - {"attestation"}
    return _proof_types(securing, taken)


@lru_cache(maxsize=64)
def _proof_types(securing: Securing, taken: frozenset[str]) -> Mapping[str, Mapping[str, Any]]:
    algorithms = {"proof_signing_alg_values_supported": sorted(securing.holder_algorithms)}
    if securing.policy.needs_key_attestation:
        attested = {**algorithms, "key_attestations_required": {}}
        return {"jwt": attested, "attestation": attested}
    suites = {"proof_signing_alg_values_supported": sorted(securing.cryptosuites)}
    types = {"jwt": algorithms, "di_vp": suites, "attestation": algorithms}
    return {name: described for name, described in types.items() if name in taken}


def configuration_ids(settings: IssuerSettings, achievement_slug: str) -> Sequence[str]:
    """Every configuration of an achievement that a pre-authorized code opens: what its offers name."""
    return _configuration_ids(settings.securings, achievement_slug)


@lru_cache(maxsize=1024)
def _configuration_ids(securings: frozenset[str], achievement_slug: str) -> Sequence[str]:
    return tuple(configuration_id(achievement_slug, securing) for securing in SECURINGS if securing.name in securings)


def securing_of(name: str) -> Securing:
    """The securing of this name in `ISSUABLE`, as every offer has it."""
    return next(securing for securing in SECURINGS if securing.name == name)


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

"""Which of the credential configurations that an issuer offers this wallet can receive, and how it proves its keys.

OpenID4VCI 1.0 §12.2.4, Appendix F; PROFILE.md W-11, W-12.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from kernel.data_integrity import CRYPTOSUITES
from kernel.formats import ALGORITHMS, FORMATS
from kernel.formats.credential import LDP_VC
from kernel.openid4vci import CredentialConfiguration, Display, IssuerMetadata
from wallet.claims import shown_name
from wallet.errors import OfferNotSupportedError
from wallet.offer_record import OfferRecord

# The proof types that this wallet makes, the most telling first: `jwt` proves that the keys are held.
PROOF_TYPES = ("jwt",)
_ALGORITHM = "ES256"


def find_supported(record: OfferRecord) -> list[str]:
    """The offered configurations that this wallet can hold, the preferred format first."""
    metadata = record.issuer_metadata()
    offered = record.parsed_offer().credential_configuration_ids
    known = [metadata.credential_configurations[name] for name in offered if name in metadata.credential_configurations]
    usable = [configuration for configuration in known if _is_usable(metadata, configuration)]
    return [found.id for found in sorted(usable, key=lambda found: list(FORMATS).index(found.format))]


def choose_configurations(record: OfferRecord, wanted: Sequence[str] | None) -> list[str]:
    """What the person wants of what can be had; everything when they said nothing."""
    supported = find_supported(record)
    chosen = supported if wanted is None else [name for name in supported if name in wanted]
    if not chosen:
        raise OfferNotSupportedError("none of the wanted configurations is offered")
    return chosen


def select_proof_type(configuration: CredentialConfiguration) -> str:
    """The way in which keys are proven for a configuration, or OfferNotSupportedError."""
    found = next((name for name in PROOF_TYPES if _can_prove(configuration, name)), None)
    if found is None:
        raise OfferNotSupportedError("no proof type that this wallet makes")
    return found


def choose_display(displays: Sequence[Display], language: str) -> Display | None:
    """The entry in the person's language, else the first there is. Shown as text, never as markup (W-18)."""
    fitting = [entry for entry in displays if (entry.locale or "").lower().partition("-")[0] == language]
    return next(iter([*fitting, *displays]), None)


def configuration_name(configuration: CredentialConfiguration, language: str) -> str:
    """What a badge is called before it is there."""
    display = choose_display(configuration.display, language)
    return shown_name((display.name if display else None) or configuration.id)


def host_of(credential_issuer: str) -> str:
    """The host of an issuer, with its port where it has one: what the person is shown."""
    return urlsplit(credential_issuer).netloc


def _is_usable(metadata: IssuerMetadata, configuration: CredentialConfiguration) -> bool:
    """A format that we hold, a signature that we check, a proof that we can give, no encryption that we cannot."""
    encryption = metadata.credential_response_encryption
    return (
        configuration.format in FORMATS
        and _can_verify(configuration)
        and any(_can_prove(configuration, name) for name in PROOF_TYPES)
        and (encryption is None or not encryption.is_required)
    )


def _can_prove(configuration: CredentialConfiguration, name: str) -> bool:
    proof_type = configuration.proof_types.get(name)
    return (
        proof_type is not None and _ALGORITHM in proof_type.algorithms and proof_type.key_attestations_required is None
    )


def _can_verify(configuration: CredentialConfiguration) -> bool:
    """Whether the issuer signs in a way that is checked here; one that does not say which may. VCI A.1.1.2, A.1.2.2"""
    ways = CRYPTOSUITES.keys() if configuration.format == LDP_VC else ALGORITHMS[configuration.format]
    return not configuration.signing_algorithms or not configuration.signing_algorithms.isdisjoint(ways)

"""Which of the credential configurations that an issuer offers this wallet can receive. OpenID4VCI 1.0 §12.2.4."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from kernel.data_integrity import CRYPTOSUITES
from kernel.formats import ALGORITHMS, FORMATS
from kernel.formats.credential import LDP_VC
from kernel.openid4vci import CredentialConfiguration, Display, IssuerMetadata
from wallet.claims import shown_name
from wallet.errors import OfferNotSupportedError
from wallet.key_proofs import find_proof_way
from wallet.offer_record import OfferRecord
from wallet.settings import WalletSettings

# Formats of which a copy shows nothing but what its holder chose; the others name the person in every copy.
_COPIED = ("dc+sd-jwt", "vc+sd-jwt")


def find_supported(settings: WalletSettings, record: OfferRecord) -> list[str]:
    """The offered configurations that this wallet can hold, the preferred format first."""
    metadata = record.issuer_metadata()
    offered = record.parsed_offer().credential_configuration_ids
    known = [metadata.credential_configurations[name] for name in offered if name in metadata.credential_configurations]
    usable = [configuration for configuration in known if _is_usable(settings, metadata, configuration)]
    return [found.id for found in sorted(usable, key=lambda found: list(FORMATS).index(found.format))]


def choose_configurations(settings: WalletSettings, record: OfferRecord, wanted: Sequence[str] | None) -> list[str]:
    """What the person wants of what can be had; everything when they said nothing."""
    supported = find_supported(settings, record)
    chosen = supported if wanted is None else [name for name in supported if name in wanted]
    if not chosen:
        raise OfferNotSupportedError("none of the wanted configurations is offered")
    return chosen


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


def count_copies(settings: WalletSettings, metadata: IssuerMetadata, configuration: CredentialConfiguration) -> int:
    """How many copies are asked for at once (W-13): one where the issuer gives no more, or more would not help."""
    return min(settings.copies, metadata.batch_size) if configuration.format in _COPIED else 1


def _is_usable(settings: WalletSettings, metadata: IssuerMetadata, configuration: CredentialConfiguration) -> bool:
    """A format that we hold, a signature that we check, a proof that we can give, no encryption that we cannot."""
    return (
        configuration.format in FORMATS
        and _can_verify(configuration)
        and find_proof_way(settings, configuration) is not None
        and _can_encrypt(metadata)
    )


def _can_encrypt(metadata: IssuerMetadata) -> bool:
    """Whatever encryption the issuer demands is one that can be done here (W-17)."""
    request, response = metadata.credential_request_encryption, metadata.credential_response_encryption
    if request is not None and request.is_required and request.select() is None:
        return False
    if response is None or not response.is_required:
        return True
    return response.select() is not None and request is not None and request.select() is not None


def _can_verify(configuration: CredentialConfiguration) -> bool:
    """Whether the issuer signs in a way that is checked here; one that does not say which may. VCI A.1.1.2, A.1.2.2"""
    ways = CRYPTOSUITES.keys() if configuration.format == LDP_VC else ALGORITHMS[configuration.format]
    return not configuration.signing_algorithms or not configuration.signing_algorithms.isdisjoint(ways)

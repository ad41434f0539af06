"""What can go wrong for the person with the wallet, in words that help, and the one table of codes.

Every failure says what happened, what it means and what can be done (`title`, `meaning`, `advice`:
Dutch source texts of the catalogue). The kernel's errors keep their own codes; `EXPLANATIONS` gives
each of them its words and status here. Details go to the log and never into these texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    DisclosureError,
    ExpiredError,
    HiddenStatusError,
    HideableError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    QueryNotSatisfiedError,
    RejectedError,
    RevokedError,
    SuspendedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


class WalletError(Exception):
    """The wallet cannot do what was asked; the person learns why and what to do."""

    code = "wallet"
    status = 400
    title = _("Dit lukte niet")
    meaning = _("Er is niets veranderd in je wallet.")
    advice = _("Probeer het opnieuw.")

    failure = ""
    """The code of what failed where presenting failed; `wallet.failures` has its words."""

    def __init__(self, detail: str = "", *, failure: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.failure = failure or type(self).failure


class SignedOutError(WalletError):
    """Nobody is signed in, or the session ended."""

    code = "signed_out"
    status = 401
    title = _("Je bent niet ingelogd")
    meaning = _("Je wallet is op slot. Alleen jij kunt hem openen.")
    advice = _("Log in en probeer het opnieuw.")


class SignInError(WalletError):
    """The name or the passphrase is wrong; which of the two is never told (A-54)."""

    code = "sign_in"
    status = 401
    title = _("Deze naam en wachtzin horen niet bij elkaar")
    meaning = _("Je wallet blijft op slot.")
    advice = _("Kijk of je naam en wachtzin goed getypt zijn. Wachtzin kwijt? Gebruik dan je herstelcode.")


class LockedOutError(WalletError):
    """Too many failed tries in a short time (A-52)."""

    code = "locked_out"
    status = 429
    title = _("Te vaak geprobeerd")
    meaning = _("We houden de wallet even dicht, zodat niemand je wachtzin kan raden.")
    advice = _("Wacht een kwartier en probeer het dan opnieuw, of gebruik je herstelcode.")

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


class NameTakenError(WalletError):
    """Another account has this name."""

    code = "name_taken"
    status = 409
    title = _("Deze naam is al in gebruik")
    meaning = _("Er is geen wallet gemaakt.")
    advice = _("Kies een andere naam. Is het jouw wallet? Log dan in.")


class AccountNameError(WalletError):
    """The name is empty or too long."""

    code = "name"
    title = _("Deze naam kan niet")
    meaning = _("Er is geen wallet gemaakt.")
    advice = _("Kies een naam van 2 tot 100 tekens. Een e-mailadres mag ook.")


class PassphraseError(WalletError):
    """The new passphrase is too easy to guess."""

    code = "passphrase"
    title = _("Deze wachtzin is te makkelijk te raden")
    meaning = _("Je wachtzin is de sleutel van je wallet. Een korte is zo gevonden.")
    advice = _("Neem minstens 12 tekens, bijvoorbeeld vier woorden die niets met elkaar te maken hebben.")


class RecoveryCodeError(WalletError):
    """The recovery code does not open this account."""

    code = "recovery_code"
    status = 401
    title = _("Deze naam en herstelcode horen niet bij elkaar")
    meaning = _("Je wallet blijft op slot.")
    advice = _("Kijk of je de code goed hebt overgenomen. Hoofdletters, spaties en streepjes maken niet uit.")


class SecretReplacedError(WalletError):
    """The passphrase or recovery code was right, and was replaced before what it opened could be done."""

    code = "secret_replaced"
    status = 409
    title = _("Je wachtzin of herstelcode is net al veranderd")
    meaning = _("Dat gebeurde terwijl we hiermee bezig waren, misschien door jou in een ander venster.")
    advice = _("Probeer het opnieuw met de nieuwe.")


class NotFoundError(WalletError):
    """It does not exist, or it belongs to somebody else: the same answer (A-52)."""

    code = "not_found"
    status = 404
    title = _("Dit staat niet in je wallet")
    meaning = _("Misschien heb je het verwijderd, of hoort de link bij een andere wallet.")
    advice = _("Ga terug naar je badges.")


class LinkError(WalletError):
    """The text is no credential offer and no presentation request."""

    code = "link"
    title = _("Deze code of link kennen we niet")
    meaning = _("Hij is niet gemaakt om een badge te krijgen of te delen.")
    advice = _("Kijk of je de hele link hebt geplakt. Vraag anders een nieuwe aan wie hem stuurde.")


class PictureError(WalletError):
    """The uploaded file is no picture that can be read safely."""

    code = "picture"
    title = _("Dit bestand is geen foto die we kunnen lezen")
    meaning = _("We kunnen er dus geen QR-code in zoeken.")
    advice = _("Neem een foto of schermafdruk van hooguit 10 MB, als PNG of JPEG.")


class QrCodeError(WalletError):
    """No QR code can be found in the picture."""

    code = "no_qr_code"
    title = _("We zien geen QR-code op deze foto")
    meaning = _("De code is misschien te klein, onscherp of half in beeld.")
    advice = _("Maak een nieuwe foto met alleen de code in beeld, of plak de link.")


class NoBadgeError(WalletError):
    """What was brought is no badge that we know."""

    code = "no_badge"
    title = _("Dit is geen badge, of een soort die we niet kennen")
    meaning = _("Er is niets bewaard.")
    advice = _("Gebruik het bestand zoals de uitgever het gaf: een plaatje, een JSON-bestand, tekst of de link.")


class OfferSpentError(WalletError):
    """The offer was already redeemed, or another request is redeeming it now."""

    code = "offer_spent"
    status = 409
    title = _("Dit aanbod is al gebruikt")
    meaning = _("Je kunt een aanbod maar één keer gebruiken.")
    advice = _("Kijk of de badge al in je wallet staat. Vraag anders een nieuw aanbod aan de uitgever.")


class OfferBusyError(WalletError):
    """Another request is opening the same offer at this moment."""

    code = "offer_busy"
    status = 409
    title = _("Dit aanbod wordt al geopend")
    meaning = _("Het aanbod is nog niet gebruikt. De uitgever antwoordt nog niet.")
    advice = _("Wacht even en probeer het dan opnieuw.")


class OfferExpiredError(WalletError):
    """The offer lay in the wallet longer than it lives."""

    code = "offer_expired"
    status = 410
    title = _("Dit aanbod is verlopen")
    meaning = _("Je hebt de badge niet gekregen.")
    advice = _("Vraag een nieuw aanbod aan de uitgever.")


class OfferNotSupportedError(WalletError):
    """The issuer offers nothing, or in no way, that this wallet can receive."""

    code = "offer_not_supported"
    title = _("Deze badge past niet in deze wallet")
    meaning = _("De uitgever gebruikt een manier van uitgeven die deze wallet nog niet kent.")
    advice = _("Laat de uitgever weten dat het niet lukte, en geef de kleine code hieronder door.")


class TxCodeError(WalletError):
    """The transaction code is missing or wrong, or the offer itself is no longer good."""

    code = "tx_code"
    title = _("Deze code klopt niet")
    meaning = _("Je hebt de badge nog niet gekregen. Na een paar foute codes vervalt het aanbod.")
    advice = _("Kijk de code nog eens na. Je kreeg hem apart, bijvoorbeeld in een e-mail.")


class OfferRefusedError(WalletError):
    """The issuer does not accept the offer's one-time code (any more)."""

    code = "offer_refused"
    status = 409
    title = _("De uitgever neemt dit aanbod niet meer aan")
    meaning = _("Het is al gebruikt of verlopen. Je hebt de badge niet gekregen.")
    advice = _("Vraag een nieuw aanbod aan bij wie het stuurde.")


class IssuerFailedError(WalletError):
    """The issuer answered with something else than a credential."""

    code = "issuer_failed"
    status = 502
    title = _("De uitgever gaf de badge niet")
    meaning = _("Je hebt de badge niet gekregen. Aan jouw kant ging niets mis.")
    advice = _("Vraag de uitgever om een nieuw aanbod, en geef de kleine code hieronder door.")


class CredentialRefusedError(WalletError):
    """The received credential failed a check and was not stored (W-15)."""

    code = "credential_refused"
    status = 502
    title = _("We hebben deze badge niet bewaard")
    meaning = _("De uitgever stuurde een badge die niet klopt. We hebben hem dat laten weten.")
    advice = _("Vraag de uitgever om een nieuwe.")

    def __init__(self, cause: CredentialError) -> None:
        super().__init__(f"{cause.code}: {cause.detail}")
        self.cause = cause


class NotCheckedYetError(WalletError):
    """The issuer's keys or status could not be reached: what was received waits, unstored as a badge."""

    code = "not_checked_yet"
    status = 503
    title = _("We konden deze badge nog niet nakijken")
    meaning = _("De uitgever gaf de badge, maar nakijken of hij echt en geldig is lukt nu niet. We bewaren hem apart.")
    advice = _("Probeer het over een paar minuten opnieuw. Je hebt dan geen nieuwe code nodig.")


class UnreachableError(WalletError):
    """The other party does not answer."""

    code = "unreachable"
    status = 503
    title = _("De andere partij antwoordt nu niet")
    meaning = _("Er is niets veranderd en niets gedeeld.")
    advice = _("Probeer het over een paar minuten opnieuw.")


class RequestRefusedError(WalletError):
    """The question is not one that a wallet may answer (A-34, A-35, A-38)."""

    code = "request_refused"
    title = _("Deze vraag vertrouwen we niet")
    meaning = _("De vraag klopt technisch niet, of komt niet van wie hij zegt te komen. Er is niets gedeeld.")
    advice = _("Vraag aan de partij zelf of de vraag van hen is, en geef de kleine code hieronder door.")

    def __init__(
        self,
        cause: CredentialError | None = None,
        detail: str = "",
        *,
        failure: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail or (f"{cause.code}: {cause.detail}" if cause else ""), failure=failure)
        self.cause = cause
        self.request_id = request_id
        """Set when whoever asked is certain, and may be told that the question cannot be answered (W-53)."""


class RequestAnsweredError(WalletError):
    """The question was answered before; a question is answered once (W-58)."""

    code = "request_answered"
    status = 409
    title = _("Deze vraag is al beantwoord")
    meaning = _("Je kunt op een vraag maar één keer antwoorden.")
    advice = _("Kijk bij Gedeeld wat je hebt laten zien.")


class RequestExpiredError(WalletError):
    """The question's time is over (W-58)."""

    code = "request_expired"
    status = 410
    title = _("Deze vraag is verlopen")
    meaning = _("Er is niets gedeeld.")
    advice = _("Vraag om een nieuwe code of link.")


class NoMatchError(WalletError):
    """Nothing in the wallet answers the question."""

    code = "no_match"
    status = 409
    title = _("Je hebt nog geen badge die hierbij past")
    meaning = _("Zij krijgen dat niet te horen.")
    advice = _("Vraag een badge aan bij een school, werkgever of organisatie die weet wat je kunt.")


class ChoiceError(WalletError):
    """A choice that was not on offer."""

    code = "choice"
    title = _("Deze keuze kan niet")
    meaning = _("Er is niets gedeeld.")
    advice = _("Kies een van de badges op de pagina.")


class VerifierRefusedError(WalletError):
    """The verifier did not take the answer. It was sent, and is never sent again."""

    code = "verifier_refused"
    failure = "delivery_refused"
    status = 502
    title = _("Zij namen je antwoord niet aan")
    meaning = _("Wat je wilde delen is wel verstuurd. Bij Gedeeld zie je wat.")
    advice = _("Vraag om een nieuwe code of link.")


class UnconfirmedError(WalletError):
    """The answer was sent and no word came back: it may have arrived, and is never sent again."""

    code = "unconfirmed"
    failure = "delivery_silent"
    status = 503
    title = _("We weten niet of je antwoord is aangekomen")
    meaning = _("Het is verstuurd, maar zij bevestigden het niet. Bij Gedeeld zie je wat.")
    advice = _("Vraag aan hen of ze het zien. Zo niet, vraag dan om een nieuwe code of link.")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A kernel error in words for the person, and the status of the answer."""

    status: int
    meaning: str


_CHANGED = _("Deze badge is veranderd nadat hij werd uitgegeven. Vertrouw hem niet. Vraag de uitgever om een nieuwe.")
_NOT_READABLE = _("Wat we kregen is niet te lezen als badge, aanbod of vraag.")

EXPLANATIONS: Mapping[type[CredentialError], Explanation] = {
    CredentialError: Explanation(400, _("Er klopt iets niet aan wat we kregen.")),
    MalformedError: Explanation(400, _NOT_READABLE),
    RejectedError: Explanation(400, _("Bij het nakijken klopte er iets niet.")),
    AlgorithmNotAllowedError: Explanation(
        400, _("De handtekening is gemaakt op een manier die niet veilig genoeg is.")
    ),
    InvalidSignatureError: Explanation(400, _CHANGED),
    WrongTypeError: Explanation(400, _("Wat we kregen is iets anders dan wat was beloofd.")),
    UntrustedIssuerError: Explanation(400, _("De handtekening is niet van de partij die zegt dat hij dit stuurt.")),
    ExpiredError: Explanation(400, _("Hij is verlopen.")),
    NotYetValidError: Explanation(400, _("Hij is nog niet geldig.")),
    RevokedError: Explanation(400, _("De uitgever heeft deze badge ingetrokken.")),
    SuspendedError: Explanation(400, _("De uitgever heeft deze badge tijdelijk stilgezet.")),
    HolderBindingError: Explanation(400, _("De badge hoort niet bij jouw wallet.")),
    AudienceError: Explanation(400, _("Dit was voor iemand anders bedoeld.")),
    NonceError: Explanation(400, _("Dit is al eens gebruikt, of te oud.")),
    DisclosureError: Explanation(400, _CHANGED),
    HideableError: Explanation(
        400, _("Bij deze badge is te verbergen of hij is ingetrokken of verlopen. Daardoor gelooft niemand hem.")
    ),
    HiddenStatusError: Explanation(
        503, _("Van deze badge is een deel weggelaten, en daarin kan staan of hij is ingetrokken.")
    ),
    QueryNotSatisfiedError: Explanation(400, _("Dit is geen antwoord op de vraag.")),
    UndecidedError: Explanation(503, _("Dit kon nu niet worden nagekeken. Dat is geen ja en geen nee.")),
}


def explain(error: CredentialError) -> Explanation:
    """The words for a kernel error: its own, or those of the nearest class above it."""
    return next(EXPLANATIONS[kind] for kind in type(error).__mro__ if kind in EXPLANATIONS)

"""What can go wrong for the person with the wallet, in words that help, and the one table of codes.

Every failure says what happened, what it means and what can be done (`title`, `meaning`, `advice`:
Dutch source texts of the catalogue). The kernel's errors keep their own codes; `EXPLANATIONS` gives
each of them its words and status here. Details go to the log and never into these texts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

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

_ERROR_WORD = re.compile(r"[a-z][a-z0-9_]{1,47}")


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


Side = Literal["issuer", "authorization_server", "wallet"]


@dataclass(frozen=True, slots=True)
class FailedStep:
    """Where a badge got stuck on its way: which step, on whose side, and which rule says how it should have gone."""

    code: str
    name: str
    side: Side
    rule: str


OFFER_STEP = FailedStep("offer", _("Het aanbod ophalen"), "issuer", "OpenID4VCI 1.0 §4.1")
ISSUER_STEP = FailedStep("issuer_metadata", _("Opvragen wat de uitgever uitgeeft"), "issuer", "OpenID4VCI 1.0 §12.2")
SERVER_STEP = FailedStep(
    "server_metadata", _("Opvragen waar je kunt inloggen"), "authorization_server", "OpenID4VCI 1.0 §12.3, RFC 8414 §3"
)
CHALLENGE_STEP = FailedStep(
    "challenge", _("Laten zien welke wallet dit is"), "authorization_server", "HAIP 1.0 §4.4.1, OpenID4VCI 1.0 App. E"
)
PAR_STEP = FailedStep("par", _("Het inloggen voorbereiden"), "authorization_server", "OpenID4VCI 1.0 §5.1, RFC 9126 §2")
AUTHORIZATION_STEP = FailedStep(
    "authorization", _("Terugkomen na het inloggen"), "authorization_server", "OpenID4VCI 1.0 §5.2, RFC 9207 §2.4"
)
TOKEN_STEP = FailedStep("token", _("Toestemming ophalen voor de badge"), "authorization_server", "OpenID4VCI 1.0 §6")
NONCE_STEP = FailedStep("nonce", _("Het ophalen van de badge voorbereiden"), "issuer", "OpenID4VCI 1.0 §7")
CREDENTIAL_STEP = FailedStep("credential", _("De badge ophalen"), "issuer", "OpenID4VCI 1.0 §8")
DEFERRED_STEP = FailedStep("deferred", _("De badge ophalen die nog werd klaargemaakt"), "issuer", "OpenID4VCI 1.0 §9")
CHECK_STEP = FailedStep("check", _("De badge nakijken"), "issuer", "OpenID4VCI 1.0 §8.3, RFC 9901 §7")


class WalletError(Exception):
    """The wallet cannot do what was asked; the person learns why and what to do."""

    code = "wallet"
    status = 400
    title = _("Dit lukte niet")
    meaning = _("Er is niets veranderd in je wallet.")
    advice = _("Probeer het opnieuw.")

    failure = ""
    """The code of what failed where presenting failed; `wallet.failures` has its words."""

    def __init__(
        self, detail: str = "", *, failure: str = "", step: FailedStep | None = None, answered: str = ""
    ) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.failure = failure or type(self).failure
        self.step = step
        """Where receiving failed, when it did."""
        self.answered = answered if _ERROR_WORD.fullmatch(answered) else ""
        """The error code of the other side, where it gave one that is a word of the protocols and no text."""


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


class InTurnError(LockedOutError):
    """So many strangers try this name that they come in turn, and this was nobody's turn (A-52)."""

    code = "in_turn"
    title = _("Even wachten")
    meaning = _("Onder deze naam wordt nu erg vaak geprobeerd binnen te komen.")
    advice = _("Probeer het over een halve minuut. Was je op dit apparaat al eens binnen, dan wacht je niet.")


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


class IssuerAddressError(WalletError):
    """The address is no credential issuer's."""

    code = "issuer_address"
    title = _("Op dit adres geeft niemand badges uit")
    meaning = _("We vonden er geen uitgever, of hij gebruikt een ander adres voor zijn badges.")
    advice = _("Kijk het adres na. Vraag anders de uitgever welk adres je in je wallet moet invullen.")


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


class NoRefreshError(WalletError):
    """The badge names no address for its newest form, or is not proven to be its issuer's."""

    code = "no_refresh"
    status = 409
    title = _("Bij deze badge staat niet waar een nieuwere te halen is")
    meaning = _("De badge is gebleven zoals hij was. Er is niemand iets gevraagd.")
    advice = _("Vraag de uitgever of er een nieuwere is.")


class NothingChosenError(WalletError):
    """No badge of this wallet was chosen."""

    code = "nothing_chosen"
    title = _("Er is nog geen badge gekozen")
    meaning = _("Er is geen bestand gemaakt.")
    advice = _("Kies minstens één badge.")


class TooMuchChosenError(WalletError):
    """More badges were chosen than one file can hold for its readers."""

    code = "too_much_chosen"
    title = _("Dit is te veel voor één bestand")
    meaning = _("Er is geen bestand gemaakt.")
    advice = _("Kies minder badges. Er passen er hoogstens 20 in, en minder als ze groot zijn.")


class TooManyChecksError(WalletError):
    """As many badges are being checked as this process bears; each may make it ask others."""

    code = "too_many_requests"
    status = 429
    title = _("Het is nu te druk")
    meaning = _("Er worden te veel badges tegelijk nagekeken. Er is niets veranderd.")
    advice = _("Probeer het over een minuut opnieuw.")


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
    title = _("We zijn al bezig met dit aanbod")
    meaning = _("Het staat ook ergens anders open. De uitgever antwoordt nog niet.")
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
        super().__init__(f"{cause.code}: {cause.detail}", step=CHECK_STEP)
        self.cause = cause


class SignInRefusedError(WalletError):
    """The authorization server said no, or the person did there. Nothing was spent: it may be begun again."""

    code = "authorization_refused"
    status = 409
    title = _("Je kreeg daar geen toestemming")
    meaning = _("Je zei nee, of zij gaven je geen toegang. Je hebt de badge niet gekregen.")
    advice = _("Wil je de badge toch? Open het aanbod en begin opnieuw. Lukt het weer niet, vraag het dan de uitgever.")


class ForeignResponseError(WalletError):
    """An authorization response that fits nothing that this browser began (A-27, A-28, A-29). Its code is not used."""

    code = "foreign_authorization_response"
    status = 400
    title = _("Dit antwoord hoort niet bij iets wat je hier begon")
    meaning = _(
        "Misschien begon je in een andere browser, duurde het te lang, of stuurde iemand je deze link. We hebben er "
        "niets mee gedaan."
    )
    advice = _("Open het aanbod in deze browser en begin daar opnieuw.")


class LockedResponseError(ForeignResponseError):
    """An authorization response came while the vault was locked: nobody knows whose it is. Its code is not used."""

    title = _("Je wallet is op slot")
    meaning = _("Daarom konden we het antwoord van de uitgever niet gebruiken. Je hebt de badge nog niet gekregen.")
    advice = _("Log in, open het aanbod en begin opnieuw. Je vindt het bij je badges.")


class MixedUpServerError(WalletError):
    """The answer comes from another server than the one that was asked (A-27, RFC 9207). Its code is not used."""

    code = "mixed_up_server"
    status = 400
    title = _("Een andere partij antwoordde dan waar je inlogde")
    meaning = _(
        "Dat kan een fout zijn, of iemand die jouw badge wil onderscheppen. We hebben het antwoord niet gebruikt."
    )
    advice = _(
        "Haal deze badge nu niet op. Vraag aan de uitgever of hun inlogpagina klopt, en geef de kleine code door."
    )


class WalletNotKnownError(WalletError):
    """The server wants to know which wallet this is, and this one has no attestation that it takes (I-45 to I-49)."""

    code = "wallet_not_known"
    status = 502
    title = _("Deze uitgever neemt deze wallet niet aan")
    meaning = _("De uitgever geeft alleen badges aan wallets die hij kent. Aan jouw kant ging niets mis.")
    advice = _("Vraag de uitgever welke wallets hij aanneemt, of laat de beheerder van deze wallet het weten.")


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


class UnsentError(WalletError):
    """The answer could not be sent: the address for it is one that is never called."""

    code = "unsent"
    failure = "delivery_address"
    status = 502
    title = _("Je antwoord is niet verstuurd")
    meaning = _("Er is niets gedeeld.")
    advice = _("Vraag om een nieuwe code of link.")


class UnconfirmedError(WalletError):
    """The answer was sent and no word came back: it may have arrived, and is never sent again."""

    code = "unconfirmed"
    failure = "delivery_silent"
    status = 503
    title = _("We weten niet of je antwoord is aangekomen")
    meaning = _("Het kan zijn aangekomen. Bij Gedeeld zie je wat het was.")
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

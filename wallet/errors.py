"""What can go wrong for the person with the wallet, in words that help, and the one table of codes.

Every failure says what happened, what it means and what can be done (`title`, `meaning`, `advice`:
Dutch source texts of the catalogue). The kernel's errors keep their own codes; `EXPLANATIONS` gives
each of them its words and status here. Details go to the log and never into these texts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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
    TooLargeError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.open_badges_api import CodeMinor

_ERROR_WORD = re.compile(r"[a-z][a-z0-9_]{1,47}")


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


Side = Literal["issuer", "authorization_server", "wallet", "platform", "you"]


@dataclass(frozen=True, slots=True)
class FailedStep:
    """Where a badge got stuck on its way: which step, on whose side, and which rule says how it should have gone."""

    code: str
    name: str
    side: Side
    rule: str


LINK_STEP = FailedStep("link", _("De link of code lezen"), "you", "OpenID4VCI 1.0 §4.1")
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

DISCOVERY_STEP = FailedStep("discovery", _("Vragen wat dit platform kan"), "platform", "Open Badges 3.0 §6.3")
REGISTRATION_STEP = FailedStep(
    "registration", _("Deze wallet daar bekendmaken"), "platform", "Open Badges 3.0 §7.1.1, RFC 7591 §3"
)
PLATFORM_SIGN_IN_STEP = FailedStep(
    "platform_sign_in", _("Terugkomen na het inloggen"), "platform", "Open Badges 3.0 §7.1.2, RFC 6749 §4.1.2"
)
PLATFORM_TOKEN_STEP = FailedStep(
    "platform_token", _("De toegang ophalen die je gaf"), "platform", "Open Badges 3.0 §7.1.2, §7.2"
)
BADGES_STEP = FailedStep("badges", _("Je badges ophalen"), "platform", "Open Badges 3.0 §6.2.2, §6.4")
UPSERT_STEP = FailedStep("upsert", _("Je badge daarheen sturen"), "platform", "Open Badges 3.0 §6.2.3")


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


class OfferUnreadableError(WalletError):
    """A link leads to an offer, and the offer is none that can be read."""

    code = "offer_unreadable"
    title = _("Dit aanbod is niet te lezen")
    meaning = _("Wat we van de uitgever kregen is geen aanbod van een badge zoals het hoort, of niet het hele aanbod.")
    advice = _("Kijk of je de hele link hebt. Lukt het dan nog niet? Vraag de uitgever om een nieuw aanbod.")


class OfferGoneError(WalletError):
    """The issuer does not have the offer (any more): it was redeemed, withdrawn, or its time is over."""

    code = "offer_gone"
    status = 410
    title = _("Dit aanbod is gebruikt of verlopen")
    meaning = _("De uitgever heeft het niet meer. Een aanbod kun je één keer gebruiken, en niet voor altijd.")
    advice = _("Kijk of de badge al bij je badges staat. Zo niet, vraag dan een nieuw aanbod aan de uitgever.")


class UnsafeAddressError(WalletError):
    """A link or an offer leads to an address that is never called: no https, or none of the public internet."""

    code = "unsafe_address"
    title = _("Dit adres openen we niet")
    meaning = _("De link wijst naar een adres dat niet veilig is, of niet op het openbare internet staat.")
    advice = _("Weet je wie de link stuurde? Vraag dan om een nieuwe. Gebruik hem anders niet.")


class IssuerDataError(WalletError):
    """What an issuer says of itself is not there or not usable: nothing of an offer of it can be taken."""

    status = 502
    advice = _("Laat de uitgever weten dat het niet lukte, en geef de kleine code hieronder door.")


class IssuerAbsentError(IssuerDataError):
    """At the issuer's address stands nothing that says what it gives."""

    code = "issuer_absent"
    title = _("We vonden de uitgever niet")
    meaning = _("Op het adres in dit aanbod staat niet welke badges er te krijgen zijn. Aan jouw kant ging niets mis.")


class IssuerUnreadableError(IssuerDataError):
    """What the issuer says of itself, or of what it offers, cannot be read."""

    code = "issuer_unreadable"
    title = _("De gegevens van de uitgever zijn niet te lezen")
    meaning = _("Er zit een fout in wat de uitgever over zijn badges zegt. Aan jouw kant ging niets mis.")


class IssuerTooLargeError(IssuerDataError):
    """The issuer says more of itself than is read."""

    code = "issuer_too_large"
    title = _("De uitgever stuurde te veel gegevens")
    meaning = _("De lijst met zijn badges is zo lang dat we hem niet lezen. Aan jouw kant ging niets mis.")


class IssuerMismatchError(IssuerDataError):
    """At the address of the issuer another one answers."""

    code = "issuer_mismatch"
    title = _("Op dit adres antwoordt een andere uitgever")
    meaning = _("Dat kan een fout zijn, of iemand die zich voor een ander uitgeeft. We hebben niets opgevraagd.")
    advice = _("Haal deze badge nu niet op. Vraag de uitgever of het aanbod van hen is.")


class ForeignServerError(IssuerDataError):
    """The offer sends the person to sign in, or the code to, a server that is none of the issuer's."""

    code = "foreign_server"
    status = 400
    title = _("Het aanbod noemt een inlogdienst die niet van de uitgever is")
    meaning = _("Dat kan een fout zijn, of iemand die je badge of je code wil. We hebben daar niets opgevraagd.")
    advice = _("Haal deze badge nu niet op. Vraag de uitgever of het aanbod van hen is.")


class ServerUnreadableError(IssuerDataError):
    """What the issuer's authorization server says of itself is not there or not usable."""

    code = "server_unreadable"
    title = _("De inlogdienst van de uitgever klopt niet")
    meaning = _("Wat hij over zichzelf zegt ontbreekt of is niet te lezen. Aan jouw kant ging niets mis.")


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


class BadgeTooLargeError(NoBadgeError):
    """What was brought is more than is taken on here; whether it is a badge was not looked at."""

    code = "badge_too_large"
    title = _("Dit is te groot of te ingewikkeld voor ons om na te kijken")
    meaning = _("Of het een badge is, weten we dus niet. Er is niets bewaard.")
    advice = _("Heeft de uitgever een kleinere vorm van de badge, of de badges een voor een? Gebruik dan die.")


class AddressRefusedError(NoBadgeError):
    """An address was brought that is never asked, whatever stands there."""

    code = "address_refused"
    title = _("Dit webadres mag van hier niet worden geopend")
    meaning = _("Wat daar staat, hebben we niet nagekeken. Er is niets bewaard.")
    advice = _("Sla de badge op als bestand, en kies dat bestand.")


# Of what was not read as a badge, by `runtime.importing.unread_code`.
UNREAD: Mapping[str, type[NoBadgeError]] = {
    error.code: error for error in (NoBadgeError, BadgeTooLargeError, AddressRefusedError)
}


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


class NoNonceError(IssuerFailedError):
    """The issuer wants a nonce in the proof, and has no endpoint that gives one. OpenID4VCI 1.0 §7, §12.2.4."""

    code = "no_nonce"
    meaning = _(
        "Hij vraagt een eenmalige code terug die je nergens bij hem kunt krijgen. Aan jouw kant ging niets mis."
    )


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
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or (f"{cause.code}: {cause.detail}" if cause else ""), failure=failure)
        self.cause = cause
        self.request_id = request_id
        """Set when whoever asked is certain, and may be told that the question cannot be answered (W-53)."""
        self.data = data
        """What goes back to the page that asked, where the person has acted on a question from a page (W-55)."""


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


class PlatformAddressError(WalletError):
    """The address is none, or nobody there speaks the Open Badges API."""

    code = "platform_address"
    title = _("Op dit adres vonden we geen platform waar je badges kunt ophalen")
    meaning = _("Er is niets veranderd in je wallet.")
    advice = _("Kijk het adres na. Vraag anders het platform welk adres zijn Open Badges API heeft.")


class SkillWordsError(WalletError):
    """What was typed is no name for something one can do: nothing to read, or too much."""

    code = "skill_words"
    title = _("Zeg in een paar woorden wat je kunt")
    meaning = _("Er is niets veranderd in je wallet.")
    advice = _("Houd het kort: minstens 2 en hooguit 120 tekens.")


class LearnedError(WalletError):
    """The sentence about where it was learned is longer than one."""

    code = "learned"
    title = _("Dit is te lang")
    meaning = _("Er is niets veranderd in je wallet.")
    advice = _("Zeg het in hooguit 500 tekens.")


class UnknownSkillError(WalletError):
    """The index of this wallet has no skill under this address, or there is no index."""

    code = "unknown_skill"
    title = _("Deze skill staat niet in de lijst")
    meaning = _("Er is niets veranderd in je wallet.")
    advice = _("Zoek hem opnieuw, of zeg het in je eigen woorden.")


class SkillClaimedError(WalletError):
    """The person says this of themselves already."""

    code = "skill_claimed"
    status = 409
    title = _("Dit staat er al")
    meaning = _("Je zei al dat je dit kunt. Er is niets veranderd.")
    advice = _("Bij Skills kun je erbij zetten waar je het leerde.")


class TooManyClaimsError(WalletError):
    """The account has as many claims as one may have."""

    code = "too_many_claims"
    status = 409
    title = _("Er staan al 200 skills die je zelf noemt")
    meaning = _("Meer past er niet bij. Er is niets veranderd.")
    advice = _("Haal er bij Skills eerst een weg.")


class TooManyPlatformsError(WalletError):
    """The account has as many connections as one may have."""

    code = "too_many_platforms"
    status = 409
    title = _("Je wallet heeft al toegang tot veel platforms")
    meaning = _("Meer dan 20 tegelijk kan niet. Er is niets veranderd.")
    advice = _("Verbreek er eerst een die je niet meer gebruikt.")


class TooMuchWaitingError(WalletError):
    """So much was fetched that waits for its owner's word, that no more may be read: badges, or bytes."""

    code = "too_much_waiting"
    status = 409
    title = _("Er wachten al veel badges op jouw keuze")
    meaning = _("Meer past er nu niet bij. Wat we al ophaalden, staat er nog.")
    advice = _("Kies bij je platforms eerst wat je bewaart en haal de rest weg. Ga daarna verder met ophalen.")


class PlatformFailedError(WalletError):
    """The platform answered with something else than the Open Badges API says."""

    code = "platform_failed"
    status = 502
    title = _("Het platform antwoordde niet zoals het hoort")
    meaning = _("Aan jouw kant ging niets mis. In je wallet is niets veranderd.")
    advice = _("Probeer het later nog eens. Lukt het weer niet, geef het platform dan de kleine code hieronder.")


class PlatformUnsafeError(PlatformFailedError):
    """The platform names an address of somebody else for what is its own to do. Nothing is sent there (A-27)."""

    code = "platform_unsafe"
    title = _("Dit platform noemt adressen die niet van hem zijn")
    meaning = _("Wie daar antwoordt, kan je badges in handen krijgen. We hebben er niets heen gestuurd.")
    advice = _("Gebruik dit adres niet. Vraag het platform of zijn Open Badges API klopt, en geef de kleine code door.")


class PlatformDeniedError(WalletError):
    """The person said no at the platform, or the platform did. Nothing was spent: it may be begun again."""

    code = "platform_denied"
    status = 409
    title = _("Je kreeg daar geen toestemming")
    meaning = _("Je zei nee, of zij gaven je geen toegang. Er is niets opgehaald.")
    advice = _("Wil je het toch? Begin dan opnieuw.")


class PlatformResponseError(ForeignResponseError):
    """An answer that fits no sign-in at a platform which this browser began. Its code is not used (A-28, A-29)."""

    code = "foreign_platform_response"
    advice = _("Begin in deze browser opnieuw bij Badges van een ander platform.")


class LockedPlatformResponseError(PlatformResponseError):
    """An answer of a platform came while the vault was locked: nobody knows whose it is. Its code is not used."""

    title = _("Je wallet is op slot")
    meaning = _("Daarom konden we het antwoord van het platform niet gebruiken. Er is niets opgehaald.")
    advice = _("Log in en begin opnieuw bij Badges van een ander platform.")


class MixedUpPlatformError(PlatformResponseError):
    """The answer comes from another party than the platform that was asked (A-27). Its code is not used."""

    code = "mixed_up_platform"
    title = _("Een andere partij antwoordde dan waar je inlogde")
    meaning = _("Dat kan een fout zijn, of iemand die bij jouw badges wil komen. We hebben het antwoord niet gebruikt.")
    advice = _("Begin nu niet opnieuw. Vraag aan het platform of hun inlogpagina klopt, en geef de kleine code door.")


class PlatformAccessEndedError(WalletError):
    """The platform takes this wallet's token no more, and there is none that could be had in its place."""

    code = "platform_access_ended"
    status = 409
    title = _("Je wallet heeft daar geen toegang meer")
    meaning = _("De toegang is verlopen, of je hebt hem daar ingetrokken. In je wallet is niets veranderd.")
    advice = _("Log opnieuw in bij het platform. Je vindt het bij Badges van een ander platform.")


class PlatformScopeError(WalletError):
    """The person did not allow this at the platform, or the platform does not."""

    code = "platform_scope"
    status = 409
    title = _("Daar heb je nog geen toestemming voor gegeven")
    meaning = _("Er is niets verstuurd.")
    advice = _("Log opnieuw in bij het platform en kies dat je er ook badges heen wilt sturen.")


class PlatformBusyError(WalletError):
    """Another request is at this platform for the same person at this moment."""

    code = "platform_busy"
    status = 409
    title = _("We zijn al bezig bij dit platform")
    meaning = _("Het staat ook ergens anders open. Het platform antwoordt nog niet.")
    advice = _("Wacht even en probeer het dan opnieuw.")


class UnsendableBadgeError(WalletError):
    """The badge is none that an Open Badges platform can take."""

    code = "unsendable_badge"
    status = 409
    title = _("Deze badge kan niet naar zo'n platform")
    meaning = _("Het is geen Open Badge, of hij is te groot. Er is niets verstuurd.")
    advice = _("Deel hem met een scan, of geef hem als bestand.")


class BadgeNotTakenError(WalletError):
    """The platform read the badge and did not take it."""

    code = "badge_not_taken"
    status = 502
    title = _("Het platform nam je badge niet aan")
    meaning = _("Hij is verstuurd en geweigerd. In je wallet is niets veranderd.")
    advice = _("Vraag het platform welke badges het aanneemt, en geef de kleine code hieronder door.")


class BadgeUnconfirmedError(WalletError):
    """The badge was sent and no word came back: it may have arrived."""

    code = "badge_unconfirmed"
    status = 503
    title = _("We weten niet of je badge is aangekomen")
    meaning = _("Hij is verstuurd, maar het platform bevestigde het niet. In je wallet is niets veranderd.")
    advice = _("Kijk bij het platform of hij er staat. Zo niet, stuur hem dan opnieuw: hij komt er niet twee keer.")


class UnknownServiceError(WalletError):
    """Nobody registered under this identifier, or long ago."""

    code = "unknown_service"
    title = _("Deze dienst kennen we niet")
    meaning = _("De dienst die je hierheen stuurde, heeft zich niet aangemeld bij deze wallet. Er is niets gedeeld.")
    advice = _("Ga terug naar de dienst en begin daar opnieuw. Helpt dat niet, laat het de dienst dan weten.")


class ServiceAddressError(WalletError):
    """The redirect URI is none of those that the service registered."""

    code = "service_address"
    title = _("Hier sturen we je niet heen")
    meaning = _("De dienst wil dat je daarna naar een adres gaat dat niet van die dienst is. Er is niets gedeeld.")
    advice = _("Ga zelf terug naar de dienst. Zeg erbij dat het adres niet klopt.")


class ServiceRequestError(WalletError):
    """A service that is known asked in a way that cannot be answered; it hears so when the person goes back."""

    code = "service_request"
    title = _("De vraag van deze dienst klopt niet")
    meaning = _("We kunnen er geen antwoord op geven. Er is niets gedeeld.")
    advice = _("Ga terug naar de dienst. Die hoort wat er mis is.")

    def __init__(self, error: str, *, host: str, url: str) -> None:
        super().__init__(error)
        self.host = host
        self.url = url
        """Where the person goes back to, with the error."""


class NoPermissionChosenError(WalletError):
    """Nothing was permitted."""

    code = "no_permission"
    title = _("Er is niets aangevinkt")
    meaning = _("Er is niets gedeeld.")
    advice = _("Kies wat de dienst mag, of zeg nee.")


class TooManyConnectionsError(WalletError):
    """More services are connected than one wallet bears."""

    code = "too_many_connections"
    status = 409
    title = _("Er zijn al te veel diensten verbonden")
    meaning = _("Deze dienst is niet verbonden. Er is niets gedeeld.")
    advice = _("Verbreek eerst een verbinding die je niet meer gebruikt, bij Ik, Verbonden diensten.")


class ProfileNameError(WalletError):
    """A name for the profile that cannot be shown."""

    code = "profile_name"
    title = _("Deze naam kan niet")
    meaning = _("Je profiel is niet veranderd.")
    advice = _("Gebruik 1 tot 100 tekens.")


class HostError(Exception):
    """A connected service cannot have what it asked of the Open Badges API. `sentence` is fixed and says why."""

    status = 400
    code_minor = CodeMinor.INVALID_DATA
    sentence = "The request cannot be carried out."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.sentence)


class NoTokenError(HostError):
    """The request came without an access token."""

    status = 401
    code_minor = CodeMinor.UNAUTHORIZED_REQUEST
    sentence = "An access token is needed."


class UnknownTokenError(NoTokenError):
    """The access token is not known, has expired, or its connection was ended."""

    sentence = "The access token is not known, has expired, or was revoked."


class ScopeError(HostError):
    """The access token was not given for this."""

    status = 403
    code_minor = CodeMinor.FORBIDDEN
    sentence = "The access token does not cover this."


class QueryError(HostError):
    """The parameters do not describe a page."""

    code_minor = CodeMinor.INVALID_QUERY_PARAMETER
    sentence = "The parameters limit, offset and since do not describe a page."


class BadgeTypeError(HostError):
    """The body is of a media type in which no badge comes."""

    status = 415
    sentence = "A badge comes as application/vc+ld+json, application/json, or as a JWS in text/plain."


class UnreadableBadgeError(HostError):
    """The body is no Open Badge 3.0."""

    sentence = "This is not an Open Badge 3.0 that can be read."


class BadgeNotReplacedError(HostError):
    """A badge of this issuer and `id` is held, and this one may not take its place."""

    status = 409
    sentence = "The badge that is held under this issuer and id is not replaced: this one is older, or not proven."


class NoRoomError(HostError):
    """The account holds as many badges that were brought as it may."""

    status = 403
    code_minor = CodeMinor.FORBIDDEN
    sentence = "This wallet takes no more badges by this way."


class TooOftenError(HostError):
    """More badges were brought within an hour than one connection may bring, or too many are being checked."""

    status = 429
    code_minor = CodeMinor.SERVER_BUSY
    sentence = "Too many badges are brought at the moment."


class UnreadableProfileError(HostError):
    """The body is no Profile."""

    sentence = "This is not a Profile that can be read."


class UnknownProfileError(HostError):
    """There is no profile, or it is another one."""

    status = 404
    code_minor = CodeMinor.NOT_FOUND
    sentence = "There is no such profile."


class OAuthRefusal(Exception):  # noqa: N818  (its name on the wire is `error`, and it is none of ours)
    """An endpoint of the authorization server refuses. RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 7591 §3.2.2"""

    def __init__(self, error: str, sentence: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.sentence = sentence
        self.status = status


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
    TooLargeError: Explanation(400, _("Wat we kregen is te groot of te ingewikkeld om hier na te kijken.")),
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

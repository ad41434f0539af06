"""What a failure means to a person, by its code: what happened, what it means, what to do.

The words do without `je` and `u`, since wallets and organisations share them.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemWords:
    """Three sentences for one failure."""

    title: str
    meaning: str
    advice: str


def problem_words(_: Callable[[str], str], code: str, status: int) -> ProblemWords:
    """The words for a problem; services say theirs on their own pages, this is for what they leave to the shell."""
    match code, status:
        case "form_expired", _status:
            return ProblemWords(
                _("Dit formulier is verlopen"),
                _("We hebben niets veranderd."),
                _("Ga terug, laad de pagina opnieuw en probeer het nog eens."),
            )
        case "too_many_requests", _status:
            return ProblemWords(
                _("Even wachten"),
                _("Er kwamen te veel verzoeken kort na elkaar."),
                _("Probeer het over een minuut opnieuw."),
            )
        case "too_many_checks", _status:
            return ProblemWords(
                _("Het is nu druk"),
                _("Er worden te veel badges tegelijk nagekeken. Deze badge is niet nagekeken."),
                _("Probeer het over een minuut opnieuw."),
            )
        case "too_large", _status:
            return ProblemWords(
                _("Dit is te groot"),
                _("We hebben het niet ontvangen."),
                _("Kies een kleiner bestand en probeer het opnieuw."),
            )
        case "busy", _status:
            return ProblemWords(
                _("Dit lukt nu even niet"),
                _("We hebben niets veranderd."),
                _("Probeer het over een minuut opnieuw."),
            )
        case "undecided", _status:
            return ProblemWords(
                _("We konden dit nu niet nakijken"),
                _("De andere kant antwoordt niet. Dat zegt niets over de echtheid."),
                _("Probeer het over een paar minuten opnieuw."),
            )
        case "nobody_recognised", _status:
            return ProblemWords(
                _("Deze vraag kan nu niet worden gesteld"),
                _("De vraag is alleen voor badges van erkende uitgevers, en op dit moment is niemand zo erkend."),
                _("Probeer het later opnieuw. Of laat wie de vraag maakte, een vraag maken zonder die keuze."),
            )
        case _code, 401 | 403:
            return ProblemWords(
                _("Geen toegang tot deze pagina"),
                _("Hiervoor is inloggen nodig, of een recht dat hier ontbreekt."),
                _("Log in vanaf het begin. Rechten geeft de beheerder."),
            )
        case _code, 404 | 410:
            return ProblemWords(
                _("Deze pagina is er niet"),
                _("Het adres klopt niet, of wat hier stond is weg."),
                _("Kijk het adres na, of begin opnieuw."),
            )
        case _code, number if number >= 500:
            return ProblemWords(
                _("Er ging iets mis bij ons"),
                _("De fout is van ons. Er is niets half opgeslagen."),
                _("Probeer het over een paar minuten opnieuw."),
            )
        case _:
            return ProblemWords(
                _("Dit kunnen we niet aannemen"),
                _("Er klopt iets niet aan wat is verstuurd."),
                _("Ga terug en probeer het opnieuw."),
            )

"""What is said of an imported badge, in plain Dutch and English: the one place for these words.

The codes are those of `kernel.importing`, `kernel.errors` and `kernel.microcredential`; a test finds any code without
words. Nobody is addressed as "je" or "u": a holder, an employer and somebody at a terminal read the same sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kernel.importing import Container, Kind, Securing
from kernel.report import Outcome
from kernel.trust_list import Outcome as Recognised
from runtime.archives import ArchiveOutcome


@dataclass(frozen=True, slots=True)
class Text:
    """The same thing said in both languages."""

    nl: str
    en: str

    def say(self, language: str) -> str:
        """Return it in one of them."""
        return self.en if language == "en" else self.nl


KINDS: Final[Mapping[Kind, Text]] = {
    Kind.OPEN_BADGE_2: Text("Open Badge 2.0, een oudere vorm", "Open Badge 2.0, an older form"),
    Kind.OPEN_BADGE_3: Text("Open Badge 3.0", "Open Badge 3.0"),
    Kind.ENDORSEMENT: Text("Aanbeveling", "Endorsement"),
    Kind.CLR: Text("Leeroverzicht met meer badges (CLR)", "Learner record with several badges (CLR)"),
    Kind.ELM: Text("Europees digitaal leerbewijs (ELM)", "European digital credential for learning (ELM)"),
    Kind.SD_JWT_VC: Text("Bewijs voor EU-wallets (SD-JWT VC)", "Credential for EU wallets (SD-JWT VC)"),
    Kind.CREDENTIAL: Text("Ander digitaal bewijs", "Another digital credential"),
    Kind.ADDRESS: Text("Webadres", "Web address"),
}

CONTAINERS: Final[Mapping[Container, Text]] = {
    Container.PICTURE: Text("in een plaatje", "inside a picture"),
    Container.JSON: Text("als gegevensbestand (JSON)", "as a data file (JSON)"),
    Container.JWT: Text("als ondertekende tekst (JWT)", "as signed text (JWT)"),
    Container.SD_JWT: Text(
        "als ondertekende tekst met delen die verborgen kunnen worden (SD-JWT)",
        "as signed text with parts that can be hidden (SD-JWT)",
    ),
    Container.ADDRESS: Text("op een webadres", "at a web address"),
}

SECURINGS: Final[Mapping[Securing, Text]] = {
    Securing.DATA_INTEGRITY: Text(
        "handtekening in de badge (Data Integrity)", "signature in the badge (Data Integrity)"
    ),
    Securing.OTHER_PROOF: Text("een oudere handtekening in de badge", "an older signature in the badge"),
    Securing.JWT: Text("handtekening om de badge heen (JWT)", "signature around the badge (JWT)"),
    Securing.SD_JWT: Text("handtekening om de badge heen (SD-JWT)", "signature around the badge (SD-JWT)"),
    Securing.HOSTED: Text("de uitgever publiceert de badge zelf", "the issuer publishes the badge itself"),
    Securing.SEAL: Text("Europees zegel (JAdES)", "European seal (JAdES)"),
    Securing.NONE: Text("niets", "nothing"),
}

CHECK_TITLES: Final[Mapping[str, Text]] = {
    "format": Text("Leesbaar", "Readable"),
    "issuer_key": Text("Sleutel van de uitgever gevonden", "Key of the issuer found"),
    "proof": Text("Echt en niet veranderd", "Authentic and unchanged"),
    "issuer": Text("Echt van deze uitgever", "Really of this issuer"),
    "validity": Text("Niet verlopen", "Not expired"),
    "status": Text("Niet ingetrokken", "Not withdrawn"),
    "recipient": Text("Gegeven aan dit e-mailadres", "Given to this e-mail address"),
    "holder_binding": Text("Van wie hem laat zien", "Of the person who shows it"),
    "contents": Text("Wat erin zit klopt ook", "What is inside holds too"),
}

OUTCOMES: Final[Mapping[Outcome, Text]] = {
    Outcome.PASSED: Text("geslaagd", "passed"),
    Outcome.FAILED: Text("niet geslaagd", "failed"),
    Outcome.UNKNOWN: Text("niet nagekeken", "not checked"),
    Outcome.NOT_APPLICABLE: Text("niet van toepassing", "does not apply"),
}

PASSED: Final[Mapping[str, Text]] = {
    "format": Text("De badge heeft een vorm die wij kennen.", "The badge has a form that we know."),
    "issuer_key": Text(
        "De uitgever publiceert zelf de sleutel waarmee deze badge is ondertekend.",
        "The issuer itself publishes the key that signed this badge.",
    ),
    "proof": Text(
        "Dit is precies wat de uitgever heeft vastgelegd. Er is niets veranderd.",
        "This is exactly what the issuer laid down. Nothing was changed.",
    ),
    "issuer": Text(
        "De uitgever noemt deze badge zelf, op zijn eigen webadres.",
        "The issuer itself names this badge, at its own web address.",
    ),
    "validity": Text("De badge is nu geldig.", "The badge is valid now."),
    "status": Text("De uitgever heeft de badge niet ingetrokken.", "The issuer has not withdrawn the badge."),
    "recipient": Text("De badge is gegeven aan dit e-mailadres.", "The badge was given to this e-mail address."),
    "holder_binding": Text("Wie hem laat zien, heeft de sleutel ervan.", "Whoever shows it holds its key."),
    "contents": Text("Alle bewijzen erin zijn echt en geldig.", "All credentials in it are authentic and valid."),
}

# A check that had nothing to judge, and why not; by code where the check says no reason.
NOT_APPLICABLE: Final[Mapping[str, Text]] = {
    "issuer_key": Text(
        "Hiervoor is geen sleutel nodig: de uitgever publiceert de badge op zijn eigen adres.",
        "This needs no key: the issuer publishes the badge at its own address.",
    ),
    "issuer": Text(
        "Dit speelt alleen bij badges die een uitgever zelf op zijn webadres zet.",
        "This matters only for badges that an issuer itself puts at its web address.",
    ),
    "contents": Text("Er zitten geen andere bewijzen in.", "There are no other credentials in it."),
}

_SPOILED: Final = Text(
    "Deze badge is veranderd nadat hij werd uitgegeven, of is niet van deze uitgever.",
    "This badge was changed after it was issued, or is not of this issuer.",
)
_WRONG: Final = Text("Een controle is niet geslaagd.", "A check did not pass.")
_UNREACHED: Final = Text(
    "Dit kon nu niet worden nagekeken: de uitgever antwoordt niet, of mag van hier niet worden gevraagd. "
    "Dat is geen ja en geen nee.",
    "This could not be checked now: the issuer does not answer, or may not be asked from here. "
    "That is neither a yes nor a no.",
)

# Why a check ended as it did: errors of the kernel, and the reasons of `kernel.importing.report`.
REASON_TEXTS: Final[Mapping[str, Text]] = {
    "credential": _WRONG,
    "malformed": Text("Dit is niet goed leesbaar als badge.", "This cannot be read properly as a badge."),
    "too_large": Text(
        "De badge is te groot of te ingewikkeld om hier na te kijken. Dat is geen ja en geen nee.",
        "The badge is too large or too complex to be checked here. That is neither a yes nor a no.",
    ),
    "address_refused": Text(
        "Hier staat alleen een ander webadres, en dat mag niet worden geopend.",
        "All that stands here is another web address, which may not be opened.",
    ),
    "rejected": _WRONG,
    "algorithm": Text(
        "De badge is beveiligd op een manier die niet veilig genoeg is.",
        "The badge is secured in a way that is not safe enough.",
    ),
    "signature": _SPOILED,
    "type": Text("Dit is iets anders dan een badge.", "This is something other than a badge."),
    "issuer": Text(
        "De uitgever die erop staat, kent deze badge of deze handtekening niet.",
        "The issuer named on it does not know this badge or this signature.",
    ),
    "expired": Text(
        "De badge is verlopen. De uitgever staat er nu niet meer voor in.",
        "The badge has expired. Its issuer no longer stands behind it.",
    ),
    "not_yet_valid": Text("De begindatum ligt in de toekomst.", "Its start date lies in the future."),
    "revoked": Text("De uitgever heeft deze badge ingetrokken.", "The issuer withdrew this badge."),
    "suspended": Text("De uitgever heeft deze badge tijdelijk stilgezet.", "The issuer put this badge on hold."),
    "holder_binding": Text(
        "Het is niet bewezen dat de badge hoort bij wie hem laat zien.",
        "It was not proven that the badge belongs to whoever shows it.",
    ),
    "audience": Text("Dit is voor iemand anders gemaakt.", "This was made for somebody else."),
    "nonce": Text("Dit hoort bij een andere vraag.", "This belongs to another question."),
    "disclosure": Text(
        "Een deel van de badge is erbij gezet of veranderd.", "A part of the badge was added or changed."
    ),
    "hideable": Text(
        "Bij deze badge is te verbergen of hij is ingetrokken of verlopen.",
        "Of this badge it can be hidden whether it was withdrawn or has expired.",
    ),
    "query": Text("Dit is niet wat gevraagd werd.", "This is not what was asked for."),
    "undecided": _UNREACHED,
    "not_hosted": Text(
        "De uitgever publiceert deze badge niet, of niet meer.",
        "The issuer does not publish this badge, or no longer does.",
    ),
    "unsupported_request": _WRONG,
    "earlier_draft": _WRONG,
    **dict.fromkeys(
        (
            "authorization_denied",
            "client_attestation",
            "client_attestation_stale",
            "dpop_proof",
            "grant_type",
            "response_type",
        ),
        _WRONG,
    ),
    "no_proof": Text(
        "Er staat geen handtekening op. Iedereen kan dit bestand zo hebben gemaakt.",
        "There is no signature on it. Anybody could have made this file.",
    ),
    "seal_not_checked": Text(
        "Er staat een Europees zegel op. Dat kijken wij niet na. Het kan wel op europass.europa.eu.",
        "It carries a European seal. We do not check those. It can be done at europass.europa.eu.",
    ),
    "proof_not_supported": Text(
        "De handtekening is van een soort die wij niet kunnen nakijken.",
        "The signature is of a kind that we cannot check.",
    ),
    "context_not_known": Text(
        "De badge gebruikt woorden waarvan wij niet weten wat ze betekenen. Daarom kon de handtekening niet worden "
        "nagekeken.",
        "The badge uses words whose meaning we do not know. That is why the signature could not be checked.",
    ),
    "skipped": Text(
        "De andere controles zijn niet gedaan, omdat een eerdere niet slaagde. Dat is geen ja.",
        "The other checks were not made, because an earlier one did not pass. That is not a yes.",
    ),
    "no_status": Text(
        "De uitgever houdt voor deze badge niet bij of hij is ingetrokken.",
        "The issuer keeps no record of whether this badge was withdrawn.",
    ),
    "status_hidden": Text(
        "Van deze badge is een deel weggelaten. Daarin kan staan waar na te kijken is of hij is ingetrokken. Vraag om "
        "de hele badge.",
        "A part of this badge was left out. That part may say where to look whether it was withdrawn. Ask for the "
        "whole badge.",
    ),
    "not_asked": Text(
        "Er is geen e-mailadres gegeven om mee te vergelijken, of er staat geen op de badge.",
        "No e-mail address was given to compare with, or the badge has none.",
    ),
    "bearer": Text(
        "Wie het bestand heeft, kan het laten zien. Kijk of de naam of het e-mailadres erop past bij wie het laat "
        "zien.",
        "Whoever has the file can show it. See whether the name or e-mail address on it fits the person who shows it.",
    ),
    "not_shown_by_holder": Text(
        "De badge hoort bij de wallet van één persoon. Een bestand bewijst niet dat die persoon het liet zien.",
        "The badge belongs to the wallet of one person. A file does not prove that this person showed it.",
    ),
    "archived": Text(
        "De uitgever antwoordt niet meer. Dit staat in het archief dat hij naliet.",
        "The issuer no longer answers. This stands in the archive that it left behind.",
    ),
    "archive_not_last": Text(
        "In het archief van de uitgever was de badge niet ingetrokken. Maar de uitgever bestaat nog, en kan hem daarna "
        "hebben ingetrokken. Dat is geen ja en geen nee.",
        "In the issuer's archive the badge was not withdrawn. But the issuer still exists, and may have withdrawn it "
        "since. That is neither a yes nor a no.",
    ),
    "weak_hash": Text(
        "De badge is gegeven aan dit e-mailadres. Het staat er zwak versleuteld op: anderen kunnen het raden.",
        "The badge was given to this e-mail address. It is weakly hashed: others can guess it.",
    ),
}

# Where a reason means something else for one check than for the others.
_BY_CHECK: Final[Mapping[tuple[str, str], Text]] = {
    ("recipient", "rejected"): Text(
        "De badge is niet gegeven aan dit e-mailadres.", "The badge was not given to this e-mail address."
    ),
    ("recipient", "malformed"): Text(
        "Aan wie de badge is gegeven, is niet goed leesbaar.", "To whom the badge was given cannot be read properly."
    ),
    ("contents", "rejected"): Text(
        "Minstens één bewijs erin klopt niet.", "At least one credential in it does not hold."
    ),
    ("status", "archived"): Text(
        "Toen het archief werd gemaakt, was de badge niet ingetrokken.",
        "When the archive was made, the badge had not been withdrawn.",
    ),
    ("contents", "undecided"): Text(
        "Minstens één bewijs erin kon niet worden nagekeken.", "At least one credential in it could not be checked."
    ),
}

NOTHING_TO_CHECK: Final = Text("Hier was niets na te kijken.", "There was nothing to check here.")


def check_text(code: str, outcome: Outcome, reason: str | None) -> Text:
    """Return what one check found."""
    if reason is not None:
        return _BY_CHECK.get((code, reason)) or REASON_TEXTS[reason]
    return PASSED[code] if outcome is Outcome.PASSED else NOT_APPLICABLE.get(code, NOTHING_TO_CHECK)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first line of a report, how it looks, and what to do now."""

    kind: str
    symbol: str
    title: Text
    advice: Text


_DO_NOT_TRUST: Final = Text(
    "Vertrouw dit niet. Vraag de uitgever of hij deze badge heeft gegeven.",
    "Do not rely on this. Ask the issuer whether it gave this badge.",
)
_ASK_FOR_NEW: Final = Text("Vraag de uitgever of er een nieuwe is.", "Ask the issuer whether there is a new one.")

PROVEN: Final[Mapping[Recognised | None, Verdict]] = {
    Recognised.RECOGNISED: Verdict(
        "good",
        "shield",
        Text(
            "Deze badge is echt, geldig en van een bekende uitgever",
            "This badge is authentic, valid and from a known issuer",
        ),
        Text(
            "Kijk nog of hij hoort bij wie hem laat zien.", "Still see whether it belongs to the person who shows it."
        ),
    ),
    None: Verdict(
        "good",
        "check",
        Text("Deze badge is echt en geldig", "This badge is authentic and valid"),
        Text(
            "Kijk zelf of deze uitgever te vertrouwen is, en of de badge hoort bij wie hem laat zien.",
            "Decide whether this issuer can be trusted, and whether the badge belongs to the person who shows it.",
        ),
    ),
    Recognised.NOT_LISTED: Verdict(
        "warn",
        "half",
        Text(
            "Deze badge is echt en geldig, maar we kennen de uitgever niet",
            "This badge is authentic and valid, but we do not know the issuer",
        ),
        Text(
            "Kijk zelf of deze uitgever te vertrouwen is. Niemand op wie wij afgaan, erkent hem.",
            "Decide whether this issuer can be trusted. Nobody whom we rely on recognises it.",
        ),
    ),
    Recognised.NOT_FOR_THIS_TYPE: Verdict(
        "warn",
        "half",
        Text(
            "Deze badge is echt en geldig, maar de uitgever is niet erkend voor dit soort badges",
            "This badge is authentic and valid, but its issuer is not recognised for this kind of badge",
        ),
        Text(
            "Kijk zelf of deze uitgever hierin te vertrouwen is.", "Decide whether this issuer can be trusted in this."
        ),
    ),
    Recognised.WITHDRAWN: Verdict(
        "bad",
        "warning",
        Text("De uitgever van deze badge was niet meer erkend", "The issuer of this badge was no longer recognised"),
        Text("Wees voorzichtig. Vraag om een andere badge.", "Be careful. Ask for another badge."),
    ),
    Recognised.LIST_UNAVAILABLE: Verdict(
        "warn",
        "question",
        Text(
            "Deze badge is echt en geldig; of we de uitgever kennen, kon niet worden nagekeken",
            "This badge is authentic and valid; whether we know its issuer could not be checked",
        ),
        Text(
            "Kijk zelf of deze uitgever te vertrouwen is, of probeer het over een paar minuten opnieuw.",
            "Decide whether this issuer can be trusted, or try again in a few minutes.",
        ),
    ),
}

# Instead of the first one of those, where the issuer is gone: its archive says what was so on its last day.
PROVEN_BY_ARCHIVE: Final = Verdict(
    "good",
    "shield",
    Text(
        "Deze badge is echt, van een bekende uitgever die er niet meer is",
        "This badge is authentic, from a known issuer that is no longer there",
    ),
    Text(
        "Kijk nog of hij hoort bij wie hem laat zien. De uitgever kan er niets meer over zeggen.",
        "Still see whether it belongs to the person who shows it. Its issuer can say nothing more about it.",
    ),
)

# A file with several badges, each judged on its own: the whole is as good as the least of them.
_SEE_EACH: Final = Text("Kijk hieronder per badge wat eruit kwam.", "See below what was found for each badge.")
RECORDS: Final[Mapping[str, Verdict]] = {
    "known": Verdict(
        "good",
        "shield",
        Text(
            "Alle badges in dit bestand zijn echt, geldig en van een bekende uitgever",
            "All badges in this file are authentic, valid and from a known issuer",
        ),
        Text(
            "Kijk nog of ze horen bij wie ze laat zien.", "Still see whether they belong to the person who shows them."
        ),
    ),
    "valid": Verdict(
        "good",
        "check",
        Text("Alle badges in dit bestand zijn echt en geldig", "All badges in this file are authentic and valid"),
        Text("Kijk zelf of hun uitgevers te vertrouwen zijn.", "Decide whether their issuers can be trusted."),
    ),
    "not_all_known": Verdict(
        "warn",
        "half",
        Text(
            "Alle badges in dit bestand zijn echt en geldig, maar we kennen niet elke uitgever",
            "All badges in this file are authentic and valid, but we do not know every issuer",
        ),
        _SEE_EACH,
    ),
    "unproven": Verdict(
        "warn",
        "question",
        Text(
            "Niet alle badges in dit bestand konden we nakijken: {unproven} van de {all} niet",
            "Not all badges in this file could be checked: {unproven} of {all} could not",
        ),
        _SEE_EACH,
    ),
    "refuted": Verdict(
        "bad",
        "stop",
        Text(
            "Niet alle badges in dit bestand kloppen: {refuted} van de {all} niet",
            "Not all badges in this file hold: {refuted} of {all} do not",
        ),
        _SEE_EACH,
    ),
}
RECORD_BY_ANYBODY: Final = Text(
    "Iedereen kan badges in één bestand zetten. Daarom is elke badge apart nagekeken.",
    "Anybody can put badges in one file. So each badge was checked on its own.",
)

NOT_THIS_PERSON: Final = Verdict(
    "bad",
    "person",
    Text(
        "Deze badge is echt, maar niet aan dit e-mailadres gegeven",
        "This badge is authentic, but was not given to this e-mail address",
    ),
    Text(
        "Kijk of het e-mailadres klopt. Misschien is de badge van iemand anders.",
        "See whether the e-mail address is right. The badge may be somebody else's.",
    ),
)

REFUTED: Final[Mapping[str, Verdict]] = {
    "revoked": Verdict(
        "bad",
        "stop",
        Text("Deze badge is ingetrokken", "This badge was withdrawn"),
        Text("Hij telt niet meer. Vraag de uitgever waarom.", "It no longer counts. Ask the issuer why."),
    ),
    "suspended": Verdict(
        "warn",
        "half",
        Text("Deze badge is tijdelijk stilgezet", "This badge is on hold"),
        Text("Hij telt nu niet. Probeer het later opnieuw.", "It does not count now. Try again later."),
    ),
    "expired": Verdict("bad", "clock", Text("Deze badge is verlopen", "This badge has expired"), _ASK_FOR_NEW),
    "not_yet_valid": Verdict(
        "warn",
        "clock",
        Text("Deze badge is nog niet geldig", "This badge is not valid yet"),
        Text("Probeer het opnieuw na de begindatum.", "Try again after its start date."),
    ),
    "not_hosted": Verdict(
        "bad",
        "stop",
        Text(
            "De uitgever kent deze badge niet, of niet meer", "The issuer does not know this badge, or no longer does"
        ),
        _DO_NOT_TRUST,
    ),
}
REFUTED_OTHERWISE: Final = Verdict(
    "bad", "stop", Text("Deze badge klopt niet", "Something is wrong with this badge"), _DO_NOT_TRUST
)

UNPROVEN: Final[Mapping[str, Verdict]] = {
    "no_proof": Verdict(
        "warn",
        "question",
        Text("Niemand heeft deze badge ondertekend", "Nobody signed this badge"),
        Text(
            "Zie dit als iets dat iemand over zichzelf vertelt. Vraag de uitgever om een ondertekende badge.",
            "Take it as something that somebody says of themselves. Ask the issuer for a signed badge.",
        ),
    ),
    "archive_not_last": Verdict(
        "warn",
        "question",
        Text(
            "Deze badge is echt, maar of hij nog geldt, konden we niet nakijken",
            "This badge is authentic, but whether it still holds could not be checked",
        ),
        Text(
            "Probeer het later opnieuw, als de uitgever weer antwoordt. Of vraag het hem.",
            "Try again later, when the issuer answers again. Or ask the issuer.",
        ),
    ),
    "undecided": Verdict(
        "warn",
        "question",
        Text(
            "We konden nu niet nakijken of deze badge echt is", "We could not check now whether this badge is authentic"
        ),
        Text(
            "Probeer het over een paar minuten opnieuw. Lukt het dan nog niet, vraag het de uitgever.",
            "Try again in a few minutes. If it still does not work, ask the issuer.",
        ),
    ),
}
UNPROVEN_OTHERWISE: Final = Verdict(
    "warn",
    "question",
    Text("We kunnen niet nakijken of deze badge echt is", "We cannot check whether this badge is authentic"),
    Text("Vraag de uitgever of hij deze badge heeft gegeven.", "Ask the issuer whether it gave this badge."),
)

NO_BADGE: Final = Text(
    "Dit is geen badge, of een soort die wij niet kennen. Gebruik het bestand zoals de uitgever het gaf: een plaatje "
    "(PNG of SVG), een gegevensbestand (JSON), de ondertekende tekst, of de link naar de badge.",
    "This is not a badge, or of a kind that we do not know. Use the file as the issuer gave it: a picture (PNG or "
    "SVG), a data file (JSON), the signed text, or the link to the badge.",
)

UNREAD_MESSAGES: Final = Text(
    "De uitgever kan iets over deze badge melden. Dat konden we nu niet ophalen.",
    "The issuer may have a message about this badge. It could not be fetched now.",
)

# Why something was not read as a badge, by `unread_code`: what was not looked at is not called no badge.
UNREAD: Final[Mapping[str, Text]] = {
    "no_badge": NO_BADGE,
    "badge_too_large": Text(
        "Dit is te groot of te ingewikkeld voor ons om na te kijken. Dat is geen ja en geen nee. Heeft de uitgever "
        "een kleinere vorm van de badge, of de badges een voor een? Gebruik dan die.",
        "This is too large or too complex for us to check. That is neither a yes nor a no. If the issuer has a smaller "
        "form of the badge, or the badges one by one, use that.",
    ),
    "address_refused": Text(
        "Dit webadres mag van hier niet worden geopend: het begint niet met https://, of noemt geen host bij naam. "
        "Wat daar staat, hebben we niet nagekeken. Sla de badge op als bestand, en kies dat bestand.",
        "This web address may not be opened from here: it does not begin with https://, or names no host by its name. "
        "What stands there was not checked. Save the badge as a file, and choose that file.",
    ),
}

ELEMENTS: Final[Mapping[str, Text]] = {
    "learner": Text("Van wie", "Whose"),
    "title": Text("Naam", "Name"),
    "country": Text("Land of regio", "Country or region"),
    "awarding_body": Text("Uitgever", "Issuer"),
    "dates": Text("Datum", "Date"),
    "learning_outcomes": Text("Wat iemand nu kan", "What somebody can do now"),
    "workload": Text("Hoeveel werk het was", "How much work it was"),
    "level": Text("Niveau", "Level"),
    "assessment": Text("Hoe het is beoordeeld", "How it was assessed"),
    "participation": Text("Hoe iemand meedeed", "How somebody took part"),
    "quality_assurance": Text("Wie op de kwaliteit let", "Who watches over the quality"),
    "prerequisites": Text("Wat eerst nodig was", "What was needed first"),
    "supervision": Text("Toezicht bij de beoordeling", "Supervision of the assessment"),
    "grade": Text("Cijfer", "Grade"),
    "results": Text("Resultaten", "Results"),
    "stackability": Text("Op zichzelf of deel van meer", "On its own or part of more"),
    "further_information": Text("Meer informatie", "Further information"),
    # Of the further information what has a name of its own.
    "other_titles": Text("Naam in andere talen", "Name in other languages"),
    "teaching_languages": Text("Taal van het onderwijs", "Language of teaching"),
    "field": Text("Vakgebied", "Field of study"),
    "programmes": Text("Hoort bij opleiding", "Belongs to programme"),
    "recheck": Text("Opnieuw laten zien", "To be shown again"),
}

# How far somebody came with something that an achievement measures, where no value or level says it.
RESULT_STATUSES: Final[Mapping[str, Text]] = {
    "Completed": Text("gehaald", "passed"),
    "Failed": Text("niet gehaald", "not passed"),
    "Enrolled": Text("ingeschreven", "enrolled"),
    "InProgress": Text("nog bezig", "in progress"),
    "OnHold": Text("uitgesteld", "on hold"),
    "Provisional": Text("voorlopig", "provisional"),
    "Withdrew": Text("gestopt", "withdrew"),
}
RESULT: Final = Text("Resultaat", "Result")
SHOWS: Final = Text("laat zien: {skills}", "shows: {skills}")
# What a grade means.
SCALE: Final = Text("op een schaal van {lowest} tot {highest}", "on a scale from {lowest} to {highest}")
LEVEL: Final = Text("niveau {level}", "level {level}")
POINTS: Final = Text("punten: {points}", "points: {points}")
NEEDED: Final = Text("nodig: {required}", "needed: {required}")

# What edubadges and Europass call the ways of assessing and of taking part.
CODES: Final[Mapping[str, Text]] = {
    "written_exam": Text("schriftelijke toets", "written exam"),
    "oral_exam": Text("mondelinge toets", "oral exam"),
    "report_paper": Text("verslag of werkstuk", "report or paper"),
    "portfolio_assessment": Text("beoordeling van een portfolio", "assessment of a portfolio"),
    "professional_product": Text("beroepsproduct", "professional product"),
    "behavioural_assessment": Text("beoordeling van gedrag", "assessment of behaviour"),
    "peer_assessment": Text("beoordeling door medestudenten", "assessment by fellow students"),
    "continuous_evaluation": Text("beoordeling tijdens het werk", "continuous assessment"),
    "group_performance": Text("prestatie van de groep", "performance of the group"),
    "attendance": Text("aanwezigheid", "attendance"),
    "project_work": Text("projectwerk", "project work"),
    "peer_review": Text("feedback van medestudenten", "feedback by fellow students"),
    "quiz": Text("quiz", "quiz"),
    "problem_based_learning": Text("werken aan een probleem", "working on a problem"),
    "development_report": Text("ontwikkelverslag", "development report"),
    "personalized_assessment": Text("beoordeling op maat", "personalised assessment"),
    "testing": Text("toets", "test"),
    "skill_application": Text("toepassen van een skill", "application of a skill"),
    "recognition_of_prior_learning": Text("erkenning van wat iemand al kon", "recognition of prior learning"),
    "online": Text("online", "online"),
    "onsite": Text("op locatie", "on site"),
    "blended": Text("deels online", "partly online"),
    "onsite_or_blended": Text("op locatie of deels online", "on site or partly online"),
    "work_experience": Text("werkervaring", "work experience"),
    "personalised": Text("activiteiten op maat", "personalised activities"),
    "volunteering": Text("vrijwilligerswerk", "volunteering"),
    "project_based": Text("in een project", "in a project"),
    "research": Text("onderzoek", "research"),
    "standalone": Text("staat op zichzelf", "stands on its own"),
    "stackable": Text("telt mee voor iets groters", "counts towards something larger"),
}

WARNINGS: Final[Mapping[str, Text]] = {
    "workload_unusual": Text(
        "De studielast is niet zoals bij een microcredential gebruikelijk is.",
        "The workload is not what is usual for a microcredential.",
    ),
    "workload_twice": Text(
        "De studielast staat er in ECTS en in SBU op.", "The workload is given both in ECTS and in SBU."
    ),
    "level_not_verified": Text(
        "Alleen de uitgever zelf noemt dit niveau.", "Only the issuer itself states this level."
    ),
}

ENDORSED: Final[Mapping[str, Text]] = {
    "credential": Text("deze badge", "this badge"),
    "achievement": Text("wat hiervoor geleerd is", "what was learned for it"),
    "issuer": Text("de uitgever", "the issuer"),
    "creator": Text("de maker", "the creator"),
    "source": Text("de opdrachtgever", "on whose behalf it was issued"),
}

ENDORSEMENTS: Final[Mapping[Outcome, Text]] = {
    Outcome.PASSED: Text("{who} beveelt {about} aan.", "{who} endorses {about}."),
    Outcome.FAILED: Text(
        "{who} zou {about} aanbevelen, maar dat klopt niet.", "{who} is said to endorse {about}, which does not hold."
    ),
    Outcome.UNKNOWN: Text(
        "{who} zou {about} aanbevelen. Dat kon niet worden nagekeken.",
        "{who} is said to endorse {about}. That could not be checked.",
    ),
}

ENDORSERS: Final[Mapping[Recognised, Text]] = {
    Recognised.RECOGNISED: Text("De aanbeveler wordt erkend door {list}.", "The endorser is recognised by {list}."),
    Recognised.NOT_LISTED: Text(
        "We kennen deze aanbeveler niet. Daarom telt de aanbeveling niet mee.",
        "We do not know this endorser. So the endorsement does not count.",
    ),
    Recognised.NOT_FOR_THIS_TYPE: Text(
        "De aanbeveler is hier niet voor erkend. Daarom telt de aanbeveling niet mee.",
        "The endorser is not recognised for this. So the endorsement does not count.",
    ),
    Recognised.WITHDRAWN: Text(
        "De aanbeveler was niet meer erkend. Daarom telt de aanbeveling niet mee.",
        "The endorser was no longer recognised. So the endorsement does not count.",
    ),
    Recognised.LIST_UNAVAILABLE: Text(
        "Of we de aanbeveler kennen, kon niet worden nagekeken. Daarom telt de aanbeveling niet mee.",
        "Whether we know the endorser could not be checked. So the endorsement does not count.",
    ),
}

NO_BADGE_THERE: Final = Verdict(
    "bad",
    "stop",
    Text("Op dit webadres staat geen badge", "There is no badge at this web address"),
    Text(
        "Kijk of de link heel is. Of sla de badge op als bestand, en kies dat bestand.",
        "See whether the link is complete. Or save the badge as a file, and choose that file.",
    ),
)
TOO_LARGE_THERE: Final = Verdict(
    "warn",
    "question",
    Text(
        "Wat op dit webadres staat, is te groot voor ons om na te kijken",
        "What stands at this web address is too large for us to check",
    ),
    Text(
        "Vraag de uitgever of er een kleinere vorm van de badge is.",
        "Ask the issuer whether there is a smaller form of the badge.",
    ),
)
ADDRESS_NOT_OPENED: Final = Verdict(
    "warn",
    "question",
    Text("We konden dit webadres nu niet openen", "We could not open this web address now"),
    Text(
        "Probeer het over een paar minuten opnieuw. Of sla de badge op als bestand, en kies dat bestand.",
        "Try again in a few minutes. Or save the badge as a file, and choose that file.",
    ),
)

# What became of an archive that was given with a badge, by its outcome and whether anything was taken from it.
ARCHIVE_USED: Final[Mapping[ArchiveOutcome, Text]] = {
    ArchiveOutcome.BELIEVED: Text(
        "De uitgever antwoordt niet meer. Daarom is de badge nagekeken met het archief dat hij naliet, van {date}. "
        "Volgens de lijst van erkende uitgevers is dat archief echt. Het laat zien wie tekende, en dat de badge die "
        "dag niet was ingetrokken.",
        "The issuer no longer answers. So the badge was checked with the archive that it left behind, of {date}. "
        "By the list of recognised issuers that archive is authentic. It shows who signed, and that the badge had "
        "not been withdrawn on that day.",
    ),
    ArchiveOutcome.STILL_ACTIVE: Text(
        "De uitgever antwoordt nu niet. Daarom is de badge nagekeken met zijn archief van {date}. Volgens de lijst van "
        "erkende uitgevers bestaat hij nog. Wat hij na die dag heeft ingetrokken, staat niet in het archief.",
        "The issuer does not answer now. So the badge was checked with its archive of {date}. By the list of "
        "recognised issuers it still exists. What it withdrew after that day is not in the archive.",
    ),
}
ARCHIVE_NOT_USED: Final[Mapping[ArchiveOutcome, Text]] = {
    ArchiveOutcome.NOT_LISTED: Text(
        "Het archief telt niet mee. Iedereen kan er een maken, en op de lijst van erkende uitgevers staat niet dat dit "
        "van deze uitgever is. Vraag na bij de organisatie die de lijst beheert.",
        "The archive does not count. Anybody can make one, and the list of recognised issuers does not say that this "
        "one is the issuer's. Ask the organisation that keeps the list.",
    ),
    ArchiveOutcome.LIST_UNAVAILABLE: Text(
        "Of het archief echt is, konden we nu niet nakijken: de lijst van erkende uitgevers is er niet. Probeer het "
        "over een paar minuten opnieuw.",
        "Whether the archive is authentic could not be checked now: the list of recognised issuers is not there. Try "
        "again in a few minutes.",
    ),
    ArchiveOutcome.BROKEN: Text(
        "Het archief is veranderd of beschadigd, en telt niet mee. Vraag het opnieuw op.",
        "The archive was changed or damaged, and does not count. Ask for it again.",
    ),
}
ARCHIVE_NOT_NEEDED: Final = Text(
    "Uit het archief is niets gebruikt. Het helpt alleen als het van deze uitgever is, en die zelf niet antwoordt.",
    "Nothing was taken from the archive. It only helps when it is of this issuer, and the issuer does not answer.",
)
NO_ARCHIVE: Final = Text(
    "Dit is geen archief van een uitgever. Kies het bestand zoals de uitgever het naliet.",
    "This is not the archive of an issuer. Choose the file as the issuer left it.",
)

ISSUED: Final = Text("uitgegeven op", "issued on")
ACHIEVED: Final = Text("behaald op", "achieved on")
VALID_UNTIL: Final = Text("geldig tot", "valid until")
ECTS: Final = Text("studiepunten (ECTS)", "credits (ECTS)")
SBU: Final = Text("uur studiebelasting (SBU)", "hours of study load (SBU)")
HOURS: Final = Text("uur", "hours")
SUPERVISED: Final = {
    True: Text("met toezicht", "supervised"),
    False: Text("zonder toezicht", "not supervised"),
}
IDENTITY_CHECKED: Final = {
    True: Text("er is nagekeken wie meedeed", "it was checked who took part"),
    False: Text("er is niet nagekeken wie meedeed", "it was not checked who took part"),
}
LEVEL_VERIFIED: Final = Text("bevestigd door een ander dan de uitgever", "confirmed by somebody else than the issuer")
# Of one month, and of more.
RECHECK: Final = {
    True: Text("na {months} maand", "after {months} month"),
    False: Text("na {months} maanden", "after {months} months"),
}
MISSING: Final = Text(
    "Voor een Europees microcredential ontbreekt: {elements}.",
    "To be a European microcredential it lacks: {elements}.",
)
OLDER_FORM: Final = Text(
    "Dit is een oudere vorm van badges. Vraag de uitgever of hij hem ook in een nieuwe vorm geeft.",
    "This is an older form of badges. Ask the issuer whether it gives it in a newer form too.",
)
NOTHING_GIVEN: Final = Text(
    "Er is nog niets gekozen. Kies een bestand, maak een foto, of plak de link of de tekst.",
    "Nothing was chosen yet. Choose a file, take a photo, or paste the link or the text.",
)

# Who it is that issued it: by whoever keeps a list or a federation, or only by its own word.
RECOGNISED_ISSUER: Final = Text("{name} wordt erkend door {list}.", "{name} is recognised by {list}.")
# It does not say that every check passed: of a file nobody can tell whose it is, and that stands right below.
SELF_NAMED_ISSUER: Final = Text(
    "Er is niets aan veranderd. De uitgever noemt zich {name}; die naam hebben we niet kunnen nagaan.",
    "Nothing in it was changed. The issuer calls itself {name}; we could not verify that name.",
)
NAMELESS_ISSUER: Final = Text(
    "Er is niets aan veranderd. Op de badge staat niet hoe de uitgever heet.",
    "Nothing in it was changed. The badge does not say what its issuer is called.",
)

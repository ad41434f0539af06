"""What each check and each failure means, in plain Dutch and English: the one place for the words of a report.

A check that passed has one sentence. A failure has three: what happened, what that means, what one can do
(UX.md, "Words"). The codes are those of `kernel.report` and `kernel.errors`, the outcomes of `kernel.trust_list`, and
the few of this service; a test finds any code without words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.web.bidi import isolate


@dataclass(frozen=True, slots=True)
class Text:
    """The same thing said in both languages."""

    nl: str
    en: str

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.nl


@dataclass(frozen=True, slots=True)
class FailureText:
    """What happened, what it means, what to do."""

    happened: Text
    means: Text
    do: Text

    def in_language(self, language: str) -> str:
        return " ".join(text.in_language(language) for text in (self.happened, self.means, self.do))


CHECK_TITLES: Mapping[str, Text] = {
    "format": Text("Leesbaar", "Readable"),
    "issuer_key": Text("Sleutel van de uitgever gevonden", "Key of the issuer found"),
    "signature": Text("Echt en niet gewijzigd", "Authentic and unchanged"),
    "validity": Text("Niet verlopen", "Not expired"),
    "holder_binding": Text("Van degene die het deelde", "Belongs to the person who shared it"),
    "status": Text("Niet ingetrokken", "Not revoked"),
    "issuer_recognised": Text("Uitgever erkend", "Issuer recognised"),
    "query": Text("Past bij uw vraag", "Answers your question"),
}

PASSED: Mapping[str, Text] = {
    "format": Text("De badge heeft een vorm die wij kennen.", "The badge has a form that we know."),
    "issuer_key": Text(
        "De uitgever publiceert zelf de sleutel waarmee deze badge is getekend.",
        "The issuer itself publishes the key that signed this badge.",
    ),
    "signature": Text(
        "De uitgever heeft precies dit getekend. Er is niets veranderd.",
        "The issuer signed exactly this. Nothing was changed.",
    ),
    "validity": Text("De badge is nu geldig.", "The badge is valid now."),
    "holder_binding": Text(
        "Wie deelde, heeft de sleutel van deze badge, en deelde hem nu en alleen met u.",
        "Whoever shared holds the key of this badge, and shared it now and only with you.",
    ),
    "status": Text(
        "De uitgever heeft de badge niet ingetrokken en niet opgeschort.",
        "The issuer has not revoked or suspended the badge.",
    ),
    "issuer_recognised": Text(
        "De uitgever is erkend voor dit soort badge.",
        "The issuer is recognised for this kind of badge.",
    ),
    "query": Text("Wat gedeeld is, is wat u vroeg.", "What was shared is what you asked for."),
}

NOT_APPLICABLE: Mapping[str, Text] = {
    "status": Text(
        "De uitgever houdt voor deze badge niet bij of hij is ingetrokken.",
        "The issuer keeps no record of revocation for this badge.",
    ),
}

NOT_APPLICABLE_OTHERWISE = Text("Dit speelt hier niet.", "This does not apply here.")

SKIPPED = Text(
    "Niet nagekeken, omdat een eerdere controle niet slaagde. Dat is geen ja.",
    "Not checked, because an earlier check did not pass. That is not a yes.",
)

_ASK_ISSUER = Text("Vraag de kandidaat naar een nieuwe badge.", "Ask the candidate for a new badge.")
_ASK_AGAIN = Text("Stel uw vraag opnieuw.", "Ask your question again.")
_NO_VALUE = Text("Vertrouw dit bewijs niet.", "Do not rely on this proof.")
# Whoever checks cannot ask an issuer for somebody's badge: that is the candidate's to do.
_ASK_AGAIN_OR_ISSUER = Text(
    "Stel uw vraag opnieuw. Klopt het dan weer niet, vraag de kandidaat dan om een nieuwe badge bij de uitgever te "
    "halen.",
    "Ask your question again. If it is wrong once more, ask the candidate to get a new badge from the issuer.",
)
_ASK_THEM_AGAIN = Text(
    "Stel uw vraag opnieuw, aan de kandidaat zelf.", "Ask your question again, and ask the candidate directly."
)

# The answer as a whole lacks something because a badge in it does not count.
LEFT_OUT = "left_out"
OTHER_BADGE = "level_of_another_badge"

FAILURES: Mapping[str, FailureText] = {
    "credential": FailureText(
        Text("Er is iets mis met deze badge.", "Something is wrong with this badge."), _NO_VALUE, _ASK_AGAIN
    ),
    "malformed": FailureText(
        Text(
            "Wat wij kregen, is geen leesbare badge.",
            "What we received is not a readable badge.",
        ),
        Text("Wij konden niets nakijken.", "We could not check anything."),
        Text(
            "Stel uw vraag opnieuw. Gebeurt het weer, dan past de wallet van de kandidaat niet bij de onze.",
            "Ask again. If it happens again, the candidate's wallet does not work with ours.",
        ),
    ),
    "too_large": FailureText(
        Text(
            "Wat wij kregen, is te groot of te ingewikkeld voor ons.",
            "What we received is too large or too complex for us.",
        ),
        Text(
            "Wij konden niets nakijken. Dat zegt niets over de badge.",
            "We could not check anything. That says nothing about the badge.",
        ),
        Text("Vraag de kandidaat om een andere badge.", "Ask the candidate for another badge."),
    ),
    "rejected": FailureText(
        Text("Een controle van deze badge slaagde niet.", "A check of this badge did not pass."), _NO_VALUE, _ASK_AGAIN
    ),
    "algorithm": FailureText(
        Text(
            "De badge is beveiligd op een manier die wij niet vertrouwen.",
            "The badge is secured in a way that we do not trust.",
        ),
        _NO_VALUE,
        _ASK_ISSUER,
    ),
    "signature": FailureText(
        Text(
            "Deze badge is veranderd nadat hij werd uitgegeven, of niet door deze uitgever getekend.",
            "This badge was changed after it was issued, or was not signed by this issuer.",
        ),
        Text("Vertrouw hem niet.", "Do not trust it."),
        _ASK_AGAIN_OR_ISSUER,
    ),
    "type": FailureText(
        Text("Wij kregen iets anders dan een badge.", "We received something other than a badge."),
        Text("Het is misschien echt, maar het is niet wat u vroeg.", "It may be real, but it is not what you asked."),
        _ASK_AGAIN,
    ),
    "issuer": FailureText(
        Text(
            "De uitgever die op de badge staat, noemt de sleutel niet waarmee hij is getekend.",
            "The issuer named on the badge does not list the key that signed it.",
        ),
        Text(
            "De badge komt misschien niet van deze uitgever. Vertrouw hem niet.",
            "The badge may not come from this issuer. Do not trust it.",
        ),
        Text("Vraag de uitgever of hij deze badge heeft uitgegeven.", "Ask the issuer whether it issued this badge."),
    ),
    "expired": FailureText(
        Text("Deze badge is verlopen.", "This badge has expired."),
        Text(
            "De badge was echt, maar de uitgever staat er nu niet meer voor in.",
            "The badge was real, but the issuer no longer stands behind it.",
        ),
        Text("Vraag de kandidaat of er een nieuwere badge is.", "Ask the candidate whether there is a newer badge."),
    ),
    "not_yet_valid": FailureText(
        Text("Deze badge is nog niet geldig.", "This badge is not valid yet."),
        Text("De begindatum ligt in de toekomst.", "Its start date lies in the future."),
        Text("Stel uw vraag opnieuw na die datum.", "Ask again after that date."),
    ),
    "revoked": FailureText(
        Text("De uitgever heeft deze badge ingetrokken.", "The issuer revoked this badge."),
        Text("De badge telt niet meer.", "The badge no longer counts."),
        Text(
            "Vraag de kandidaat naar de reden, of de uitgever als de kandidaat dat goed vindt.",
            "Ask the candidate for the reason, or the issuer if the candidate agrees.",
        ),
    ),
    "suspended": FailureText(
        Text("De uitgever heeft deze badge tijdelijk stilgezet.", "The issuer has put this badge on hold."),
        Text("De badge telt nu niet. Dat kan later weer wel.", "The badge does not count now. Later it may again."),
        Text("Stel uw vraag later opnieuw.", "Ask again later."),
    ),
    "holder_binding": FailureText(
        Text(
            "Het is niet bewezen dat deze badge hoort bij degene die hem deelde.",
            "It was not proven that this badge belongs to the person who shared it.",
        ),
        Text("De badge kan van iemand anders zijn.", "The badge may be someone else's."),
        _ASK_AGAIN,
    ),
    "audience": FailureText(
        Text("Dit antwoord was voor iemand anders gemaakt.", "This answer was made for someone else."),
        Text(
            "Iemand heeft misschien een antwoord aan een ander doorgestuurd.",
            "Someone may have passed on an answer that was given to another.",
        ),
        _ASK_THEM_AGAIN,
    ),
    "nonce": FailureText(
        Text("Dit antwoord hoort bij een andere vraag.", "This answer belongs to another question."),
        Text(
            "Het is misschien een oud antwoord dat opnieuw is gestuurd. Wij namen niets ervan aan.",
            "It may be an old answer that was sent again. We accepted none of it.",
        ),
        _ASK_THEM_AGAIN,
    ),
    "disclosure": FailureText(
        Text(
            "Wat gedeeld is, hoort niet bij deze badge. Er is iets in veranderd of bijgezet.",
            "What was shared does not belong to this badge. Something in it was changed or added.",
        ),
        Text("Vertrouw hem niet.", "Do not trust it."),
        _ASK_AGAIN_OR_ISSUER,
    ),
    "hideable": FailureText(
        Text(
            "Bij deze badge is te verbergen of hij is ingetrokken of verlopen.",
            "Of this badge it can be hidden whether it was revoked or has expired.",
        ),
        _NO_VALUE,
        _ASK_ISSUER,
    ),
    "query": FailureText(
        Text("Wat gedeeld is, beantwoordt uw vraag niet.", "What was shared does not answer your question."),
        Text(
            "De badge kan echt zijn, maar bewijst niet wat u vroeg.",
            "The badge may be real, but it does not prove what you asked.",
        ),
        Text("Vraag de kandidaat naar een andere badge.", "Ask the candidate for another badge."),
    ),
    # Why a badge does not count, its own checks say.
    LEFT_OUT: FailureText(
        Text(
            "Een badge die gedeeld is, telt niet mee. Wat overblijft, beantwoordt uw vraag niet helemaal.",
            "A badge that was shared does not count. What is left does not answer all of your question.",
        ),
        Text("Dat zegt niets over de andere badges.", "That says nothing about the other badges."),
        Text("Kijk bij de eisen welke badge het is en waarom.", "See at the requirements which badge it is, and why."),
    ),
    OTHER_BADGE: FailureText(
        Text(
            "Dit niveau is niet getoond op de badge met deze skill.",
            "This level was not shown on the badge with this skill.",
        ),
        Text(
            "De badge met de skill kan een lager niveau hebben, of geen niveau.",
            "The badge with the skill may have a lower level, or none.",
        ),
        Text(
            "Vraag de kandidaat naar een badge met de skill op dit niveau.",
            "Ask the candidate for a badge with the skill at this level.",
        ),
    ),
    "undecided": FailureText(
        Text(
            "We konden dit nu niet nakijken: de uitgever antwoordt niet.",
            "We could not check this now: the issuer does not answer.",
        ),
        Text(
            "We weten niet of deze badge nog geldig is. Dat is geen ja.",
            "We do not know whether this badge is still valid. That is not a yes.",
        ),
        Text("Probeer het over een paar minuten opnieuw.", "Try again in a few minutes."),
    ),
    "status_hidden": FailureText(
        Text(
            "Van deze badge is een deel weggelaten, en daarin kan staan of hij is ingetrokken.",
            "A part of this badge was left out, and that part may tell that it was revoked.",
        ),
        Text(
            "We weten niet of deze badge nog geldig is. Dat is geen ja.",
            "We do not know whether this badge is still valid. That is not a yes.",
        ),
        Text(
            "Vraag de kandidaat naar een badge waarbij dit altijd zichtbaar is.",
            "Ask the candidate for a badge in which this always shows.",
        ),
    ),
    # The outcomes of whatever sources of trust there are: lists and federations alike (PROFILE.md T-06).
    "not_listed": FailureText(
        Text("We kennen deze uitgever niet.", "We do not know this issuer."),
        Text(
            "De badge kan echt zijn, maar niemand op wie wij afgaan, kent de uitgever.",
            "The badge may be real, but nobody whom we rely on knows the issuer.",
        ),
        Text("Kijk zelf of u deze uitgever vertrouwt.", "Decide for yourself whether you trust this issuer."),
    ),
    "not_for_this_type": FailureText(
        Text(
            "We kennen deze uitgever, maar niet voor dit soort badge.",
            "We know this issuer, but not for this kind of badge.",
        ),
        Text(
            "De badge kan echt zijn. De uitgever is erkend voor andere badges.",
            "The badge may be real. The issuer is recognised for other badges.",
        ),
        Text("Kijk zelf of u deze uitgever hierin vertrouwt.", "Decide for yourself whether you trust it in this."),
    ),
    "withdrawn": FailureText(
        Text("De erkenning van deze uitgever is ingetrokken.", "The recognition of this issuer was withdrawn."),
        Text(
            "Toen de badge werd uitgegeven, was de uitgever niet erkend.",
            "When the badge was issued, the issuer was not recognised.",
        ),
        Text("Vraag de kandidaat naar een andere badge.", "Ask the candidate for another badge."),
    ),
    "list_unavailable": FailureText(
        Text(
            "We konden nu niet nakijken of de uitgever erkend is.",
            "We could not check now whether the issuer is recognised.",
        ),
        Text(
            "Wie dat bijhoudt, antwoordt nu niet. We weten het niet, en dat is geen ja.",
            "Whoever keeps track of that does not answer now. We do not know, and that is not a yes.",
        ),
        Text("Probeer het over een paar minuten opnieuw.", "Try again in a few minutes."),
    ),
}

# What to do now that something does not count. Most failures are the badge's: another one may do. These are the
# answer's: whichever badge it holds, it is to be given once more, and by the candidate.
_ANOTHER_BADGE = Text(
    "Heeft de kandidaat een andere badge hiervoor, stel dan dezelfde vraag opnieuw.",
    "If the candidate has another badge for this, ask the same question again.",
)
_ANOTHER_ANSWER = Text(
    "Reken niet op dit antwoord: misschien kwam het niet van de kandidaat. Stel dezelfde vraag opnieuw, aan de "
    "kandidaat zelf. Een nieuw antwoord met dezelfde badge kan wel goed zijn.",
    "Do not rely on this answer: it may not have come from the candidate. Ask the same question again, and ask the "
    "candidate directly. A new answer with the same badge can be good.",
)
_CHANGED_ANSWER = Text(
    "Reken niet op dit antwoord: het is veranderd of nagemaakt. Stel dezelfde vraag opnieuw. Gebeurt het weer, vraag "
    "de kandidaat dan wat er aan de hand is.",
    "Do not rely on this answer: it was changed or made up. Ask the same question again. If it happens once more, ask "
    "the candidate what is going on.",
)
_NEXT_STEPS: Mapping[str, Text] = {
    "audience": _ANOTHER_ANSWER,
    "nonce": _ANOTHER_ANSWER,
    "holder_binding": _ANOTHER_ANSWER,
    "disclosure": _CHANGED_ANSWER,
    "signature": _CHANGED_ANSWER,
}

# What a wallet said instead of an answer (OpenID4VP 1.0 §8.5).
WALLET_ERRORS: Mapping[str, Text] = {
    "access_denied": Text(
        "Er is niets gedeeld. De kandidaat zei nee, of heeft geen badge die hierbij past. Wij weten niet welke van "
        "de twee.",
        "Nothing was shared. The candidate said no, or has no badge that fits. We do not know which of the two.",
    ),
    "vp_formats_not_supported": Text(
        "De wallet van de kandidaat kent de vorm van badges niet die wij kunnen lezen.",
        "The candidate's wallet does not know the form of badges that we can read.",
    ),
    "wallet_unavailable": Text("De wallet kon nu niet antwoorden.", "The wallet could not answer now."),
    "other": Text(
        "De wallet kon deze vraag niet verwerken. Er is niets gedeeld.",
        "The wallet could not process this question. Nothing was shared.",
    ),
}


def wallet_error_text(code: str | None) -> Text:
    return WALLET_ERRORS.get(code or "other", WALLET_ERRORS["other"])


def reason_of(error_code: str | None, evidence: Mapping[str, Any]) -> str | None:
    """Which failure to speak of: the trust list's own outcome, else the kernel's code."""
    if error_code is None:
        return None
    for told in (LEFT_OUT, OTHER_BADGE):
        if error_code == "query" and evidence.get(told):
            return told
    recognition: str | None = evidence.get("recognition")
    return recognition or error_code


def next_step_text(reason: str | None) -> Text:
    """What one can do after this failure, beside what the failure itself says; `reason` comes from `reason_of`."""
    return _NEXT_STEPS.get(reason or "", _ANOTHER_BADGE)


def check_text(code: str, outcome: str, reason: str | None) -> Text:
    """The words for one check; `outcome` is a value of `kernel.report.Outcome`, `reason` comes from `reason_of`."""
    if outcome == "passed":
        return PASSED[code]
    if outcome == "not_applicable":
        return NOT_APPLICABLE.get(code, NOT_APPLICABLE_OTHERWISE)
    if reason is None or reason == "skipped":
        return SKIPPED
    failure = FAILURES[reason]
    return Text(failure.in_language("nl"), failure.in_language("en"))


def answer_text(*, met: int, required: int, refused: int, undecided: int, unrecognised: int) -> Text:
    """The first line of a report: it answers the question that was asked (UX.md, 1)."""
    missing = required - met - refused - undecided - unrecognised
    if required == 1:
        return _answer_to_one(met=met, refused=refused, undecided=undecided, unrecognised=unrecognised)
    nl = [f"Voldoet aan {met or 'geen'} van de {required} eisen"]
    en = [f"Meets {met or 'none'} of the {required} requirements"]
    if refused:
        nl.append(f"bij {refused} telt de badge niet mee")
        en.append(f"for {refused} the badge does not count")
    if unrecognised:
        nl.append(f"bij {unrecognised} is de uitgever niet erkend")
        en.append(f"for {unrecognised} the issuer is not recognised")
    if undecided:
        nl.append(f"{undecided} {'kon' if undecided == 1 else 'konden'} niet worden nagekeken")
        en.append(f"{undecided} could not be checked")
    if missing:
        nl.append(f"{missing} is nog niet bewezen" if missing == 1 else f"{missing} zijn nog niet bewezen")
        en.append(f"{missing} is not proven yet" if missing == 1 else f"{missing} are not proven yet")
    return Text(", ".join(nl), ", ".join(en))


def _answer_to_one(*, met: int, refused: int, undecided: int, unrecognised: int) -> Text:
    """Of a single requirement nobody counts: it is met, or there is one reason why not."""
    if met:
        return Text("Voldoet aan de eis", "Meets the requirement")
    if refused:
        return Text("Voldoet niet: de badge telt niet mee", "Does not meet the requirement: the badge does not count")
    if unrecognised:
        return Text("Nog niet bewezen: de uitgever is niet erkend", "Not proven yet: the issuer is not recognised")
    if undecided:
        return Text("Nog niet bewezen: het kon niet worden nagekeken", "Not proven yet: it could not be checked")
    return Text("De eis is nog niet bewezen", "The requirement is not proven yet")


def shown_whole_text(count: int) -> Text | None:
    """Some badges cannot hide anything: whoever asked for one skill then sees more than that."""
    if count == 0:
        return None
    if count == 1:
        return Text(
            "Deze badge kan alleen in zijn geheel worden gedeeld. U ziet dus misschien meer dan u vroeg. Gebruik "
            "alleen wat u nodig hebt.",
            "This badge can only be shared whole. So you may see more than you asked for. Use only what you need.",
        )
    return Text(
        f"{count} van deze badges kunnen alleen in hun geheel worden gedeeld. U ziet dus misschien meer dan u vroeg. "
        "Gebruik alleen wat u nodig hebt.",
        f"{count} of these badges can only be shared whole. So you may see more than you asked for. Use only what you "
        "need.",
    )


def shown_skill_text(match: str, name: str) -> Text | None:
    """Which skill of a badge answers, where it is another than the one asked for, by the name that the badge has. S-05

    None where it is the one asked for.
    """
    name = str(isolate(name))
    match match:
        case "equal":
            return Text(
                f"Getoond: {name}. Dat is dezelfde skill in een andere lijst.",
                f"Shown: {name}. That is the same skill in another list.",
            )
        case "narrower":
            return Text(
                f"Getoond: {name}. Dat is preciezer dan wat u vroeg.",
                f"Shown: {name}. That is more precise than what you asked for.",
            )
        case "related":
            return Text(
                f"Wel getoond: {name}. Dat is verwant, niet dezelfde skill, en telt niet mee.",
                f"Shown instead: {name}. That is related, not the same skill, and does not count.",
            )
    return None


def same_person_text(*, presentations: int, holders: int) -> Text | None:
    """Whether several badges are shown by one person (PROFILE.md V-29); nothing to say about a single one."""
    if presentations < 2 or holders == 0:
        return None
    if holders == 1:
        return Text(
            "Alles wat gedeeld is, hoort bij één persoon: het is met dezelfde sleutel bewezen.",
            "Everything that was shared belongs to one person: the same key proves it.",
        )
    return Text(
        "De badges horen bij verschillende sleutels. Ze kwamen samen binnen, maar dat ze van één en dezelfde persoon "
        "zijn, is niet bewezen.",
        "The badges belong to different keys. They came in together, but that one person holds them is not proven.",
    )

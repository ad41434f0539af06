"""What an issuer's messages beside a badge mean to people, in plain Dutch and English: the one place for these words.

The word in the list is for programs (Bitstring Status List 1.0 §2.1). Nobody is addressed as "je" or "u": a holder, an
employer and somebody at a terminal read the same sentences.
"""

from collections.abc import Mapping
from typing import Final

from kernel.status.messages import StatusMessage, find_message
from runtime.import_texts import Text

_MEANINGS: Final[Mapping[StatusMessage, Text]] = {
    StatusMessage.NEWER_VERSION: Text(
        "De uitgever meldt: van deze badge is er een nieuwere versie. Deze blijft gelden. Wie de nieuwe wil, kan er de "
        "uitgever om vragen.",
        "The issuer says: there is a newer version of this badge. This one still counts. Whoever wants the new one can "
        "ask the issuer for it.",
    ),
    StatusMessage.UNDER_REVIEW: Text(
        "De uitgever meldt: deze badge wordt opnieuw bekeken, bijvoorbeeld na een bezwaar. Tot de uitkomst bekend is, "
        "blijft de badge gelden.",
        "The issuer says: this badge is being reviewed, for instance after an objection. Until the outcome is known, "
        "the badge still counts.",
    ),
    StatusMessage.CONTACT_ISSUER: Text(
        "De uitgever meldt: er is nieuws over deze badge. Vraag de uitgever wat het is. De badge blijft gelden.",
        "The issuer says: there is news about this badge. Ask the issuer what it is. The badge still counts.",
    ),
}
_UNKNOWN: Final = Text(
    "De uitgever meldt iets bij deze badge. Wat het betekent, weten we niet: vraag het de uitgever. Ongeldig maakt het "
    "de badge niet.",
    "The issuer says something about this badge. We do not know what it means: ask the issuer. It does not make the "
    "badge invalid.",
)


def message_text(word: str) -> Text:
    """Return what a message means, by its word in the list; of one that others define, that its meaning is unknown."""
    message = find_message(word)
    return _UNKNOWN if message is None else _MEANINGS.get(message, _UNKNOWN)

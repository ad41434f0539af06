"""Which step of presenting failed, on which side, by which rule, and what can be done. For every page of a failure.

A failure is one of a fixed table: its words are ours, and nothing that a stranger wrote gets into them. Two readers are
served: whoever holds the wallet (what happened, what it means, what to do) and whoever helps them or runs the
other side (the step, the rule, the code).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kernel.dcql import QueryTooLargeError, parse_dcql_query
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    RejectedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import parse_jwt
from kernel.openid4vp import ClientIdPrefix, DcApiProtocol, EarlierDraftError, UnsupportedRequestError
from kernel.strict_json import parse_json


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


class Step(StrEnum):
    """The steps of presenting, in order."""

    LINK = "link"
    FETCH = "fetch"
    SENDER = "sender"
    QUESTION = "question"
    ANSWER = "answer"
    DELIVERY = "delivery"


class Side(StrEnum):
    """Where it went wrong, as far as the wallet can know."""

    VERIFIER = "verifier"
    CONNECTION = "connection"


STEPS: Mapping[Step, str] = {
    Step.LINK: _("De link of code lezen"),
    Step.FETCH: _("De vraag ophalen"),
    Step.SENDER: _("Nakijken wie het vraagt"),
    Step.QUESTION: _("Nakijken wat zij vragen"),
    Step.ANSWER: _("Je antwoord klaarmaken"),
    Step.DELIVERY: _("Je antwoord afgeven"),
}
# What the page is called where the step says it better than the error.
TITLES: Mapping[Step, str] = {
    Step.LINK: _("Deze link kunnen we niet gebruiken"),
    Step.FETCH: _("We konden de vraag niet ophalen"),
    Step.QUESTION: _("Deze vraag kunnen we niet beantwoorden"),
    Step.ANSWER: _("We konden je antwoord niet veilig versturen"),
}
SIDES: Mapping[Side, str] = {
    Side.VERIFIER: _("Bij wie het vraagt"),
    Side.CONNECTION: _("Onderweg, of hun computer antwoordt niet"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which presenting fails."""

    code: str
    step: Step
    rule: str
    meaning: str
    advice: str
    repair: str
    """What whoever asked has to change, for a helper who passes it on."""
    side: Side = Side.VERIFIER


_ASK_AGAIN = _("Vraag om een nieuwe code of link, en geef de kleine code hieronder door.")
_ASK_THEM = _("Vraag aan de partij zelf, langs een weg die je kent, of deze vraag van hen is.")
_LATER = _("Probeer het over een paar minuten opnieuw.")

_ALL = (
    Failure(
        "link",
        Step.LINK,
        "OpenID4VP 1.0 §5",
        _("De link is geen hele vraag: er ontbreekt iets, of er staat iets dubbel in."),
        _ASK_AGAIN,
        _("De link moet client_id hebben, en één van request en request_uri."),
    ),
    Failure(
        "client_id",
        Step.LINK,
        "OpenID4VP 1.0 §5.9",
        _("Wie dit vraagt maakt zich bekend op een manier die deze wallet niet kent."),
        _ASK_AGAIN,
        _("Gebruik een voorvoegsel van client_id dat in de metadata van deze wallet staat."),
    ),
    Failure(
        "client_id_draft",
        Step.LINK,
        "OpenID4VP 1.0 §5.9",
        _("Wie dit vraagt werkt nog met een ontwerp (draft) van de regels. Deze wallet werkt met de regels zelf."),
        _ASK_AGAIN,
        _(
            "Een DID of webadres zonder voorvoegsel als client_id hoort bij OpenID4VP draft 23 en eerder. "
            "In 1.0 staat er decentralized_identifier: voor, of openid_federation:."
        ),
    ),
    Failure(
        "unsigned",
        Step.LINK,
        "OpenID4VP 1.0 §5.9.3",
        _("De vraag is niet ondertekend, en dan weet niemand van wie hij is."),
        _ASK_THEM,
        _("Alleen met het voorvoegsel redirect_uri mag een vraag zonder handtekening, en alleen naar dat adres."),
    ),
    Failure(
        "request_uri_method",
        Step.LINK,
        "OpenID4VP 1.0 §5.10",
        _("De link wil dat we de vraag ophalen op een manier die niet bestaat."),
        _ASK_AGAIN,
        _("request_uri_method is get of post, in kleine letters."),
    ),
    Failure(
        "fetch_silent",
        Step.FETCH,
        "OpenID4VP 1.0 §5.10",
        _("Hun computer antwoordt nu niet, zodat we de vraag niet konden ophalen."),
        _LATER,
        _("request_uri moet binnen tien seconden antwoorden."),
        Side.CONNECTION,
    ),
    Failure(
        "fetch_gone",
        Step.FETCH,
        "OpenID4VP 1.0 §5.10.1",
        _("Zij geven deze vraag niet meer. Hij is verlopen, of iemand heeft hem al opgehaald."),
        _("Vraag om een nieuwe code of link."),
        _("request_uri antwoordde met een fout."),
    ),
    Failure(
        "fetch_address",
        Step.FETCH,
        "PROFILE K-81",
        _("De vraag zou staan op een adres waar een wallet niets ophaalt."),
        _ASK_THEM,
        _("request_uri moet https zijn, op poort 443, bij een openbare naam, zonder omleiding."),
    ),
    Failure(
        "fetch_content",
        Step.FETCH,
        "OpenID4VP 1.0 §5.10.1",
        _("Wat we ophaalden is geen vraag."),
        _ASK_AGAIN,
        _("Antwoord met application/oauth-authz-req+jwt en niets dan de ondertekende vraag."),
    ),
    Failure(
        "sender_silent",
        Step.SENDER,
        "OpenID4VP 1.0 §5.9.3",
        _("We konden nu niet nakijken wie dit vraagt: de sleutel waarmee dat kan is niet te bereiken."),
        _LATER,
        _("Het DID-document of de lijst met ankers moet te bereiken zijn."),
        Side.CONNECTION,
    ),
    Failure(
        "sender_signature",
        Step.SENDER,
        "OpenID4VP 1.0 §5.9.3",
        _("De handtekening onder de vraag klopt niet. Hij is veranderd, of iemand doet zich voor als een ander."),
        _ASK_THEM,
        _("Onderteken met de sleutel die bij client_id hoort."),
    ),
    Failure(
        "sender_proof",
        Step.SENDER,
        "OpenID4VP 1.0 §5.9.3",
        _("Wie dit vraagt kan niet bewijzen wie hij is."),
        _ASK_THEM,
        _("De sleutel, het certificaat of de verklaring past niet bij client_id, of niemand staat ervoor in."),
    ),
    Failure(
        "sender_federation",
        Step.SENDER,
        "OpenID4VP 1.0 §5.9.3",
        _("Wie dit vraagt noemt een groep die voor hem instaat. Die groep kennen we niet, of zij kent hem niet zo."),
        _ASK_THEM,
        _("Geen vertrouwensketen leidt naar een anker dat deze wallet kent, met deze rol en deze sleutel."),
    ),
    Failure(
        "sender_algorithm",
        Step.SENDER,
        "OpenID4VP 1.0 §10",
        _("De handtekening is gezet op een manier die niet veilig genoeg is."),
        _ASK_AGAIN,
        _("Onderteken met ES256."),
    ),
    Failure(
        "sender_type",
        Step.SENDER,
        "OpenID4VP 1.0 §5",
        _("Wat we kregen is iets anders dan een vraag."),
        _ASK_AGAIN,
        _("De kop van de vraag moet typ oauth-authz-req+jwt hebben."),
    ),
    Failure(
        "sender_identity",
        Step.SENDER,
        "OpenID4VP 1.0 §5.10.1",
        _("In de link staat een andere partij dan in de vraag zelf."),
        _ASK_THEM,
        _("client_id moet binnen en buiten de vraag hetzelfde zijn."),
    ),
    Failure(
        "sender_address",
        Step.SENDER,
        "OpenID4VP 1.0 §14.3",
        _("Je antwoord zou naar een ander gaan dan wie het vraagt."),
        _ASK_THEM,
        _("response_uri moet https zijn, bij de host die bij client_id hoort."),
    ),
    Failure(
        "sender_origin",
        Step.SENDER,
        "OpenID4VP 1.0 A.2",
        _("De vraag is gemaakt voor een andere pagina dan die hem stelt."),
        _ASK_THEM,
        _("De herkomst van de pagina moet in expected_origins staan."),
    ),
    Failure(
        "sender_audience",
        Step.SENDER,
        "OpenID4VP 1.0 §5.8",
        _("De vraag is voor een andere wallet bedoeld."),
        _ASK_AGAIN,
        _("aud moet https://self-issued.me/v2 zijn."),
    ),
    Failure(
        "sender_time",
        Step.SENDER,
        "RFC 7519 §4.1",
        _("De vraag is verlopen, of nog niet geldig."),
        _("Vraag om een nieuwe code of link."),
        _("Kijk naar exp, nbf en iat, en naar de klok van de server."),
    ),
    Failure(
        "sender_nonce",
        Step.SENDER,
        "OpenID4VP 1.0 §5.10",
        _("De vraag is geen antwoord op ons verzoek: het kan een oude vraag zijn."),
        _ASK_AGAIN,
        _("Neem wallet_nonce over uit het verzoek van de wallet."),
    ),
    Failure(
        "sender_content",
        Step.SENDER,
        "OpenID4VP 1.0 §5",
        _("De vraag is niet te lezen, zodat we niet weten van wie hij is."),
        _ASK_AGAIN,
        _("Stuur een JWT met de kop en de leden die de standaard noemt."),
    ),
    Failure(
        "page_origin",
        Step.SENDER,
        "OpenID4VP 1.0 A.2",
        _("We kregen niet goed door van welke pagina deze vraag komt."),
        _ASK_AGAIN,
        _("origin is een https-adres zonder pad, zoals een browser het schrijft."),
    ),
    Failure(
        "page_client_id",
        Step.SENDER,
        "OpenID4VP 1.0 §5.9.3",
        _("De vraag is ondertekend, maar wie hem stelt heeft een soort naam waarbij we geen handtekening kennen."),
        _ASK_AGAIN,
        _("In een ondertekende vraag leidt client_id naar een sleutel: niet redirect_uri, niet origin."),
    ),
    Failure(
        "page_protocol",
        Step.QUESTION,
        "OpenID4VP 1.0 A.1",
        _("De pagina vraagt op een manier die deze wallet niet kent."),
        _ASK_AGAIN,
        _("protocol is openid4vp-v1-unsigned, openid4vp-v1-signed of openid4vp-v1-multisigned."),
    ),
    Failure(
        "page_request",
        Step.QUESTION,
        "OpenID4VP 1.0 A.3",
        _("Wat de pagina stuurde is geen hele vraag: er ontbreekt iets, of het is niet te lezen."),
        _ASK_AGAIN,
        _("Een ondertekende vraag staat in request: een JWT met client_id erin, of een JWS met een lijst signatures."),
    ),
    Failure(
        "question_scope",
        Step.QUESTION,
        "OpenID4VP 1.0 §5.5",
        _("Zij vragen met een afkorting die deze wallet niet kent."),
        _ASK_AGAIN,
        _("Vraag met dcql_query in plaats van scope."),
    ),
    Failure(
        "question_transaction",
        Step.QUESTION,
        "OpenID4VP 1.0 §8.4",
        _("Zij willen dat je akkoord gaat met iets dat deze wallet niet in gewone woorden kan laten zien."),
        _("Geef akkoord op een andere manier, of vraag of het zonder kan."),
        _("transaction_data heeft een soort of een vorm die deze wallet niet kent."),
    ),
    Failure(
        "question_query",
        Step.QUESTION,
        "OpenID4VP 1.0 §6",
        _("Wat zij vragen is niet goed opgeschreven, zodat niet zeker is wat ze willen zien."),
        _ASK_AGAIN,
        _("dcql_query klopt niet."),
    ),
    Failure(
        "question_size",
        Step.QUESTION,
        "OpenID4VP 1.0 §6.2",
        _("Zij vragen te veel in één keer. Daar kan niemand uit kiezen."),
        _("Laat wie het vraagt een kleinere vraag stellen."),
        _("dcql_query is te groot: vraag minder claims, of laat minder combinaties toe."),
    ),
    Failure(
        "question_parameters",
        Step.QUESTION,
        "OpenID4VP 1.0 §5.1, §5.2, §5.3, §8.2",
        _("Er ontbreekt iets in de vraag, of er staat iets in dat niet bij elkaar past."),
        _ASK_AGAIN,
        _("Kijk naar response_type, response_mode, response_uri, nonce, state, redirect_uri en client_metadata."),
    ),
    Failure(
        "answer_encryption",
        Step.ANSWER,
        "OpenID4VP 1.0 §8.3",
        _("Zij vragen een versleuteld antwoord, en geven geen sleutel waarmee dat veilig kan."),
        _ASK_AGAIN,
        _("Geef in client_metadata een sleutel op P-256 met alg ECDH-ES, en A128GCM of A256GCM."),
    ),
    Failure(
        "delivery_refused",
        Step.DELIVERY,
        "OpenID4VP 1.0 §8.2",
        _("Je antwoord is aangekomen, maar zij wilden het niet."),
        _ASK_AGAIN,
        _("response_uri antwoordde niet met status 200 en een JSON-object."),
    ),
    Failure(
        "delivery_address",
        Step.DELIVERY,
        "OpenID4VP 1.0 §14.3.1",
        _("Het adres waar het heen moest is geen veilig internetadres."),
        _ASK_AGAIN,
        _("response_uri moet een https-adres zijn op poort 443, van een computer op het openbare internet."),
    ),
    Failure(
        "delivery_silent",
        Step.DELIVERY,
        "OpenID4VP 1.0 §8.2",
        _("Je antwoord is verstuurd, maar zij bevestigden het niet."),
        _("Vraag aan hen of ze het zien. Zo niet, vraag dan om een nieuwe code of link."),
        _("response_uri moet binnen tien seconden antwoorden."),
        Side.CONNECTION,
    ),
)
FAILURES: Mapping[str, Failure] = {failure.code: failure for failure in _ALL}

_OF_UNSUPPORTED = {
    "invalid_scope": "question_scope",
    "invalid_transaction_data": "question_transaction",
    "invalid_request_uri_method": "request_uri_method",
}
_OF_SENDER: Mapping[type[CredentialError], str] = {
    UndecidedError: "sender_silent",
    InvalidSignatureError: "sender_signature",
    UntrustedIssuerError: "sender_proof",
    AlgorithmNotAllowedError: "sender_algorithm",
    WrongTypeError: "sender_type",
    AudienceError: "sender_audience",
    ExpiredError: "sender_time",
    NotYetValidError: "sender_time",
    NonceError: "sender_nonce",
    MalformedError: "sender_content",
    RejectedError: "sender_address",
    CredentialError: "sender_content",
}


def link_failure(error: CredentialError) -> Failure:
    """Why a link that can be read is refused before anything is fetched. §5, §5.9."""
    if isinstance(error, EarlierDraftError):
        return FAILURES["client_id_draft"]
    return FAILURES["link" if isinstance(error, MalformedError) else "client_id"]


def fetch_failure(error: CredentialError) -> Failure:
    """Why the request object did not come. §5.10."""
    if isinstance(error, UndecidedError):
        return FAILURES["fetch_silent"]
    return FAILURES["fetch_content" if isinstance(error, MalformedError) else "fetch_address"]


def sender_failure(error: CredentialError, raw: str, client_id: str) -> Failure:
    """Why it is not believed who sent a request object, or where the answer would go. §5.9.3, §14.3."""
    code = next(_OF_SENDER[kind] for kind in type(error).__mro__ if kind in _OF_SENDER)
    if code == "sender_address" and _names_another(raw, client_id):
        code = "sender_identity"
    if code == "sender_proof" and client_id.startswith(f"{ClientIdPrefix.OPENID_FEDERATION}:"):
        code = "sender_federation"
    return FAILURES[code]


def question_failure(error: CredentialError, query: object) -> Failure:
    """Why a question of somebody who is certain cannot be answered. §5.1, §5.5, §6, §8.4."""
    if isinstance(error, UnsupportedRequestError):
        return FAILURES[_OF_UNSUPPORTED.get(error.error, "question_parameters")]
    try:
        parse_dcql_query(query)
    except QueryTooLargeError:
        return FAILURES["question_size"]
    except CredentialError:
        return FAILURES["question_query"]
    return FAILURES["question_parameters"]


def page_failure(error: CredentialError, protocol: str) -> Failure:
    """Why what a page hands over is not read as a question. §5.9.3, Appendix A.1 and A.3."""
    if protocol not in list(DcApiProtocol):
        return FAILURES["page_protocol"]
    if isinstance(error, UntrustedIssuerError):
        return dc_api_failure(error)
    return FAILURES["page_request" if isinstance(error, MalformedError) else "page_client_id"]


def dc_api_failure(error: CredentialError) -> Failure:
    """Why it is not believed who signed a question that a page asks through the browser. Appendix A."""
    code = next(_OF_SENDER[kind] for kind in type(error).__mro__ if kind in _OF_SENDER)
    if code == "sender_content":
        return FAILURES["question_parameters"]
    return FAILURES["sender_origin" if code == "sender_address" else code]


def unsigned_failure(error: CredentialError, parameters: Mapping[str, str]) -> Failure:
    """Why a request that needs no signature is refused: what it asks, or where the answer would go. §5.9.3."""
    if type(error) is RejectedError:
        return FAILURES["sender_address"]
    try:
        query = parse_json(parameters.get("dcql_query", ""))
    except CredentialError:
        query = None
    return question_failure(error, query)


def _names_another(raw: str, client_id: str) -> bool:
    try:
        return parse_jwt(raw).payload.get("client_id") != client_id
    except CredentialError:
        return False

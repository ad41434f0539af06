"""What the issuer answers when something is wrong: one row a class, one column a place.

A `CredentialError` is the other side's mistake and becomes the word that the protocol has for it at
that endpoint. An `IssuerError` is a management request that cannot be done. Anything else is ours:
500. `tests/issuer/test_errors.py` walks every subclass and fails when a class has no row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kernel import errors as kernel_errors
from kernel.errors import CredentialError, MalformedError, RejectedError
from kernel.openid4vci import (
    CHALLENGE_HEADER,
    AuthorizationDetailsError,
    ClientAttestationError,
    DpopProofError,
    StaleClientAttestationError,
    UnsupportedGrantError,
    UnsupportedResponseTypeError,
)

DPOP_NONCE_HEADER = "DPoP-Nonce"


def N_(sentence: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark a Dutch sentence for the catalogue; pages and the API say it in the language of whoever reads it."""
    return sentence


class GrantError(RejectedError):
    """The pre-authorized code is unknown, expired or used, or the `tx_code` is wrong."""

    code = "grant"
    sentence = "The code is not valid, or no longer."


class TransactionCodeUsageError(MalformedError):
    """A `tx_code` is missing where one is expected, or present where none is."""

    code = "tx_code_usage"
    sentence = "A transaction code is missing, or was not expected."


class AccessTokenMissingError(RejectedError):
    """The request carries no access token in the Authorization header."""

    code = "access_token_missing"
    sentence = "An access token is needed."


class AccessTokenError(RejectedError):
    """The access token is unknown, expired, revoked, or belongs to another issuer."""

    code = "access_token"
    sentence = "The access token is not valid, or no longer."


class DpopNonceError(RejectedError):
    """The DPoP proof was not made for a nonce of ours, or for one that has expired; a fresh one comes along."""

    code = "dpop_nonce"
    sentence = "The DPoP proof needs the nonce that comes with this answer."

    def __init__(self, detail: str = "", *, nonce: str = "") -> None:
        super().__init__(detail)
        self.headers = {DPOP_NONCE_HEADER: nonce}


class AttestationChallengeError(RejectedError):
    """The proof of possession was not made for a challenge of ours, or for one that has expired; a fresh one comes."""

    code = "attestation_challenge"
    sentence = "The proof of possession needs the challenge that comes with this answer."

    def __init__(self, detail: str = "", *, challenge: str = "") -> None:
        super().__init__(detail)
        self.headers = {CHALLENGE_HEADER: challenge}


class ClientAuthenticationError(RejectedError):
    """What is asked for is for clients that somebody vouches for, and nobody did."""

    code = "client_authentication"
    sentence = "This needs a client attestation of a wallet provider that is trusted here."


class ClientSecretError(RejectedError):
    """A client shows a secret, as those do that were registered; nobody has one here."""

    code = "client_secret"
    sentence = "Clients have no secret here; send none, or a client attestation."
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="clients"'}


class UnauthorizedClientError(RejectedError):
    """The client is known, and may not have this in this way."""

    code = "unauthorized_client"
    sentence = "This credential configuration is not given by this grant or to this client."


class InsufficientScopeError(RejectedError):
    """This credential configuration is issued here, and the access token was not given for it."""

    code = "scope_of_token"
    sentence = "The access token was not given for this credential configuration."


class UnknownConfigurationError(RejectedError):
    """Nothing is issued here under this credential configuration."""

    code = "credential_configuration"
    sentence = "This credential configuration is not known here."


class UnknownIdentifierError(RejectedError):
    """The access token does not cover this credential identifier."""

    code = "credential_identifier"
    sentence = "This credential identifier is not known here."


class EncryptionParametersError(RejectedError):
    """A message is not encrypted as it must be, or says badly how its answer should be."""

    code = "encryption_parameters"
    sentence = "The encryption of this request, or what it asks for the response, is not as the metadata says."


class IssuanceDeniedError(RejectedError):
    """The award was withdrawn, its data are gone, or every copy was handed out."""

    code = "issuance_denied"
    sentence = "This credential is not issued any more."


class KeyProofError(RejectedError):
    """A key proof is missing, broken, made for somebody else, without nonce, or its key is there twice."""

    code = "key_proof"
    sentence = "A key proof is missing or not valid."


class UnknownTransactionError(RejectedError):
    """The `transaction_id` is unknown, was used, or belongs to another grant or organisation."""

    code = "transaction_id"
    sentence = "This transaction_id is not known here, or was used."


class UnknownNotificationError(RejectedError):
    """The `notification_id` was not handed out to the holder of this access token."""

    code = "notification_id"
    sentence = "This notification_id is not known here."


class RequestUriError(RejectedError):
    """The `request_uri` is unknown, another client's, used before, or older than a minute."""

    code = "request_uri"
    sentence = "The request_uri is not valid, or no longer."


class RedirectUriError(RejectedError):
    """Nobody is sent back to this address by this deployment."""

    code = "redirect_uri"
    sentence = "This redirect_uri is not allowed here."


class UnknownScopeError(RejectedError):
    """No scope and no authorization detail names anything that is issued here."""

    code = "scope"
    sentence = "Nothing that is issued here was asked for."


class ResourceError(RejectedError):
    """The token is asked for another resource than this issuer."""

    code = "resource"
    sentence = "Tokens are given for this issuer only."


class SignInFailedError(RejectedError):
    """Nobody was signed in: the OpenID Provider's answer is missing, wrong, late, or names nobody who can be known."""

    code = "sign_in_failed"
    sentence = "Signing in did not work."


class Place(Enum):
    """Where in the protocol a check failed; the same class has another word in another place."""

    TOKEN = "token"
    CREDENTIAL = "credential"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class Row:
    """One error class: HTTP status, and its word at each endpoint. None is a bare challenge (RFC 6750 §3)."""

    token: str | None
    credential: str | None
    notification: str | None
    status: int = 400
    resource_status: int | None = None
    """The status where an access token is used, when it is another than at the token endpoint."""


_BAD_NOTIFICATION = "invalid_notification_request"  # VCI §11.3
_REJECTED = Row("invalid_grant", "credential_request_denied", _BAD_NOTIFICATION)
_MALFORMED = Row("invalid_request", "invalid_credential_request", _BAD_NOTIFICATION)  # VCI §6.3, §8.3.1.2
_UNDECIDED = Row("temporarily_unavailable", "temporarily_unavailable", "temporarily_unavailable", status=503)

ROWS: Mapping[type[CredentialError], Row] = {
    kernel_errors.CredentialError: _REJECTED,
    kernel_errors.MalformedError: _MALFORMED,
    kernel_errors.TooLargeError: _MALFORMED,
    kernel_errors.RejectedError: _REJECTED,
    kernel_errors.AlgorithmNotAllowedError: _REJECTED,
    kernel_errors.InvalidSignatureError: _REJECTED,
    kernel_errors.WrongTypeError: _REJECTED,
    kernel_errors.UntrustedIssuerError: _REJECTED,
    kernel_errors.ExpiredError: _REJECTED,
    kernel_errors.NotYetValidError: _REJECTED,
    kernel_errors.RevokedError: _REJECTED,
    kernel_errors.SuspendedError: _REJECTED,
    kernel_errors.HolderBindingError: _REJECTED,
    kernel_errors.AudienceError: _REJECTED,
    kernel_errors.NonceError: Row("invalid_grant", "invalid_nonce", _BAD_NOTIFICATION),  # VCI §8.3.1.2
    kernel_errors.DisclosureError: _REJECTED,
    kernel_errors.HideableError: _REJECTED,
    kernel_errors.QueryNotSatisfiedError: _REJECTED,
    kernel_errors.HiddenStatusError: _UNDECIDED,
    kernel_errors.UndecidedError: _UNDECIDED,  # and HsmUnavailableError with it
    GrantError: _REJECTED,
    TransactionCodeUsageError: _MALFORMED,
    # RFC 6749 §5.2
    UnsupportedGrantError: Row("unsupported_grant_type", "invalid_credential_request", _BAD_NOTIFICATION),
    AccessTokenMissingError: Row(None, None, None, status=401),
    # RFC 6750 §3.1
    AccessTokenError: Row("invalid_token", "invalid_token", "invalid_token", status=401),
    # RFC 9449 §5, §7.1, §8, §9
    DpopProofError: Row("invalid_dpop_proof", "invalid_dpop_proof", "invalid_dpop_proof", resource_status=401),
    DpopNonceError: Row("use_dpop_nonce", "use_dpop_nonce", "use_dpop_nonce", resource_status=401),
    # Attestation-Based Client Authentication §7.4, and OpenID4VCI 1.0 §6.3
    ClientAttestationError: Row("invalid_client_attestation", "credential_request_denied", _BAD_NOTIFICATION),
    StaleClientAttestationError: Row("use_fresh_attestation", "credential_request_denied", _BAD_NOTIFICATION),
    AttestationChallengeError: Row("use_attestation_challenge", "credential_request_denied", _BAD_NOTIFICATION),
    ClientAuthenticationError: Row("invalid_client", "credential_request_denied", _BAD_NOTIFICATION),
    # RFC 6749 §5.2: 401 where a client tried to authenticate by the Authorization header
    ClientSecretError: Row("invalid_client", "credential_request_denied", _BAD_NOTIFICATION, status=401),
    UnauthorizedClientError: Row("unauthorized_client", "credential_request_denied", _BAD_NOTIFICATION),
    KeyProofError: Row("invalid_request", "invalid_proof", _BAD_NOTIFICATION),
    InsufficientScopeError: Row("invalid_scope", "insufficient_scope", "insufficient_scope", resource_status=403),
    UnknownConfigurationError: Row("invalid_request", "unknown_credential_configuration", _BAD_NOTIFICATION),
    UnknownIdentifierError: Row("invalid_request", "unknown_credential_identifier", _BAD_NOTIFICATION),
    EncryptionParametersError: Row("invalid_request", "invalid_encryption_parameters", _BAD_NOTIFICATION),
    IssuanceDeniedError: _REJECTED,
    RequestUriError: _MALFORMED,
    SignInFailedError: _REJECTED,
    RedirectUriError: _MALFORMED,
    UnknownScopeError: Row("invalid_scope", "invalid_credential_request", _BAD_NOTIFICATION),
    # RFC 9396 §5, RFC 8707 §2, RFC 6749 §4.1.2.1
    AuthorizationDetailsError: Row("invalid_authorization_details", "invalid_credential_request", _BAD_NOTIFICATION),
    ResourceError: Row("invalid_target", "invalid_credential_request", _BAD_NOTIFICATION),
    UnsupportedResponseTypeError: Row("unsupported_response_type", "invalid_credential_request", _BAD_NOTIFICATION),
    UnknownTransactionError: Row("invalid_request", "invalid_transaction_id", _BAD_NOTIFICATION),  # VCI §9.3
    UnknownNotificationError: Row("invalid_request", "invalid_credential_request", "invalid_notification_id"),
}


def wire_error(error: CredentialError, place: Place) -> tuple[int, str | None]:
    """The status and error code that this place's specification has for this error."""
    row = next(ROWS[cls] for cls in type(error).__mro__ if cls in ROWS)
    code: str | None = getattr(row, place.value)
    status = row.status if place is Place.TOKEN else row.resource_status or row.status
    return status, code


class IssuerError(Exception):
    """A management request that cannot be done. `code` is stable, `sentence` is for people, in Dutch."""

    status = 400
    code = "request"
    sentence = N_("Dit kan zo niet.")

    def __init__(self, sentence: str = "", *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence or self.sentence)
        self.sentence = sentence or type(self).sentence
        self.fields = dict(fields or {})


class NotFoundError(IssuerError):
    """There is no such thing, or it belongs to another organisation: the same answer for both."""

    status = 404
    code = "not_found"
    sentence = N_("Dit bestaat niet (meer).")


class InputError(IssuerError):
    """What was filled in cannot be used; `fields` says which field and why."""

    status = 400
    code = "input"
    sentence = N_("Kijk nog eens naar wat u invulde.")


class AuthorizationOverError(IssuerError):
    """This browser has no such request that still waits: unknown, another browser's, decided or expired."""

    status = 400
    code = "authorization_over"
    sentence = N_("Deze aanvraag is klaar of verlopen. Begin opnieuw in je wallet.")


class SignInLinkError(IssuerError):
    """The one-time link or its code is wrong, used, expired or for another browser: the same for every reason."""

    status = 400
    code = "sign_in_link"
    sentence = N_("Deze code klopt niet of is verlopen. Vraag een nieuwe aan.")


class TooManyError(IssuerError):
    """So often nobody may try in an hour. `retry_after` is when the count has surely begun anew."""

    status = 429
    code = "too_many"
    retry_after = "3600"


class TooManySignInsError(TooManyError):
    """Too many one-time links were asked for, from one source or for one address."""

    code = "too_many_sign_ins"
    sentence = N_("Er is te vaak om een code of link gevraagd. Probeer het over een uur opnieuw.")


class TooManyCodesError(TooManyError):
    """Too many wrong codes were typed, from one source or at one organisation: the same for both."""

    code = "too_many_codes"
    sentence = N_("Er is te vaak een verkeerde code ingetypt. Probeer het over een uur opnieuw, of gebruik de link.")


class NothingChosenError(IssuerError):
    """The person agreed to none of the awards that they could have."""

    status = 400
    code = "nothing_chosen"
    sentence = N_("Kies minstens één badge.")


class ConflictError(IssuerError):
    """It clashes with what is already there."""

    status = 409
    code = "conflict"
    sentence = N_("Dit botst met wat er al is.")


class OnlyRevocableError(ConflictError):
    """A copy of the award was issued under a policy that knows revocation and no suspension."""

    code = "only_revocable"
    sentence = N_("Deze badge staat in een EUDI-wallet. U kunt hem alleen intrekken, niet opschorten.")


class ChangedMeanwhileError(IssuerError):
    """Somebody else changed it after it was read; nothing was overwritten."""

    status = 412
    code = "changed_meanwhile"
    sentence = N_("Iemand anders wijzigde dit intussen. Lees eerst wat er nu staat.")


class VersionMissingError(IssuerError):
    """A change that does not say which version it was made from: it could undo somebody else's. RFC 6585 §3."""

    status = 428
    code = "version_missing"
    sentence = N_("Zeg met If-Match welke versie u wijzigt. U vindt die als ETag bij wat u las.")


class ApiKeyError(IssuerError):
    """No API key, an unknown one, or one that was withdrawn."""

    status = 401
    code = "api_key"
    sentence = N_("Hiervoor is een geldige API-sleutel nodig.")


class PersonUnknownError(IssuerError):
    """It matters here who did it, and the API key stands on nobody's name."""

    status = 403
    code = "person_unknown"
    sentence = N_("Hier telt wie het doet. Log in, of gebruik een API-sleutel die op uw naam staat.")


class ScopeError(IssuerError):
    """The API key is good, but not for this."""

    status = 403
    code = "scope"
    sentence = N_("Deze API-sleutel mag dit niet.")

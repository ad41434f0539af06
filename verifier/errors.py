"""What the verifier answers when something is wrong: one table, from what the kernel found to the word on the wire.

OpenID4VP 1.0 §8.2 leaves the shape of a refusal at the response endpoint open; we answer an OAuth error object
(RFC 6749 §5.2) with fixed sentences. Nothing from the request and no text of an exception ever gets into an answer.

Two kinds of "no" are kept apart. A response that is forged, altered, repeated or meant for another is refused to the
sender's face (400). A response whose proof holds, but whose badge has expired, was revoked, comes from an issuer that
nobody listed or does not answer the question, was processed well: the sender gets 200, and the *report* says no.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel import errors as kernel


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What the response endpoint says about one kind of error."""

    status: int
    error: str | None
    description: str | None


INVALID = WireAnswer(400, "invalid_request", "The response could not be accepted.")
PROCESSED = WireAnswer(200, None, None)

# Walked by a test: every class of CredentialError stands here itself; nothing inherits its row by accident.
RESPONSE_ANSWERS: Mapping[type[kernel.CredentialError], WireAnswer] = {
    kernel.CredentialError: INVALID,
    kernel.MalformedError: INVALID,
    kernel.TooLargeError: INVALID,
    kernel.RejectedError: INVALID,
    kernel.AlgorithmNotAllowedError: INVALID,
    kernel.InvalidSignatureError: INVALID,
    kernel.WrongTypeError: INVALID,
    kernel.HolderBindingError: INVALID,
    kernel.AudienceError: INVALID,
    kernel.NonceError: INVALID,
    kernel.DisclosureError: INVALID,
    kernel.HideableError: INVALID,
    kernel.UntrustedIssuerError: PROCESSED,
    kernel.ExpiredError: PROCESSED,
    kernel.NotYetValidError: PROCESSED,
    kernel.RevokedError: PROCESSED,
    kernel.SuspendedError: PROCESSED,
    kernel.QueryNotSatisfiedError: PROCESSED,
    kernel.HiddenStatusError: PROCESSED,
    kernel.UndecidedError: PROCESSED,
}

ANSWERS_BY_CODE: Mapping[str, WireAnswer] = {error.code: answer for error, answer in RESPONSE_ANSWERS.items()}

# What a wallet may say instead of an answer (OpenID4VP 1.0 §8.5); any other word is kept as "other".
WALLET_ERRORS = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_request",
        "invalid_request_uri_method",
        "invalid_scope",
        "invalid_transaction_data",
        "vp_formats_not_supported",
        "wallet_unavailable",
    }
)


def answer_for_code(code: str | None) -> WireAnswer:
    """The wire answer for a check's `error_code`; a code that is no kernel error (a trust outcome) was processed."""
    return PROCESSED if code is None else ANSWERS_BY_CODE.get(code, PROCESSED)


class VerifierError(Exception):
    """Something that a person or a management client asked cannot be done. Pages have their own words for it."""

    code = "refused"
    status = 400
    title = "This cannot be done."
    hint = "Try again."

    def __init__(self, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(self.code)
        self.fields = dict(fields or {})


class NotSignedInError(VerifierError):
    """No API key, or one that is unknown or was revoked."""

    code = "unauthorized"
    status = 401
    title = "No valid API key was sent."
    hint = "Send your API key in the Authorization header, as Bearer."


class ForbiddenError(VerifierError):
    """The API key is known but may not do this."""

    code = "forbidden"
    status = 403
    title = "This API key may not do this."
    hint = "Use a key with the scope that this needs."


class UnknownError(VerifierError):
    """It does not exist, or belongs to another relying party: from outside the two look alike."""

    code = "not_found"
    status = 404
    title = "There is no such thing here, or no longer."
    hint = "Check the address, or start again."


class NoMemberError(VerifierError):
    """The relying party names no superiors in a federation."""

    code = "no_member"
    status = 404
    title = "This relying party is a member of no federation."
    hint = "Name its superiors first."


class SlugTakenError(VerifierError):
    """Another relying party has this name in its address, or the service needs it itself."""

    code = "slug_taken"
    status = 409
    title = "This slug is already in use."
    hint = "Choose another one."


class OperatorExistsError(VerifierError):
    """This e-mail address already signs in here."""

    code = "operator_exists"
    status = 409
    title = "This e-mail address already signs in here."
    hint = "Use another e-mail address."


class InputError(VerifierError):
    """A field is missing or cannot be read; `fields` says which."""

    code = "input"
    status = 400
    title = "The input is not as described."
    hint = "Look at the fields that are named."


class NobodyRecognisedError(VerifierError):
    """A saved question asks for badges of recognised issuers alone, and nobody is recognised in the way it needs."""

    code = "nobody_recognised"
    status = 409
    title = "Nobody is recognised in the way that this question needs."
    hint = "Ask without trusted_authorities, or have an issuer recognised."


class NotReleasedError(VerifierError):
    """The session does not hold this request, or the response code is not its own (PROFILE.md V-22)."""

    code = "not_released"
    status = 403
    title = "The response code does not belong to this request."
    hint = "Nothing was handed out. Ask again."


class BrowserAnswerError(VerifierError):
    """What a page got from the browser is no answer to this request, or it was answered before."""

    code = "browser_answer"
    title = "This is no answer to this request, or it was answered before."
    hint = "Ask again."


class TooManyStreamsError(VerifierError):
    """This page is open too often already, or too many pages wait in this process."""

    code = "too_many_requests"
    status = 429
    title = "Too many pages wait for this answer."
    hint = "Close some of them, or reload the page after a minute."


class NoBadgeError(VerifierError):
    """What was sent to be checked is no badge that we know."""

    code = "no_badge"
    title = "This is not a badge, or of a kind that is not known here."
    hint = "Use the file as the issuer gave it."


class BadgeTooLargeError(NoBadgeError):
    """What was sent to be checked is more than is taken on here; whether it is a badge was not looked at."""

    code = "badge_too_large"
    title = "This is too large or too complex to be checked here. That is neither a yes nor a no."
    hint = "Use a smaller form of the badge, if the issuer has one."


class AddressRefusedError(NoBadgeError):
    """An address was sent that is never asked, whatever stands there."""

    code = "address_refused"
    title = "This web address may not be opened from here, so what stands there was not checked."
    hint = "Send the badge as a file."


# Of what was not read as a badge, by `runtime.importing.unread_code`.
UNREAD: Mapping[str, type[NoBadgeError]] = {
    error.code: error for error in (NoBadgeError, BadgeTooLargeError, AddressRefusedError)
}


class NoArchiveError(VerifierError):
    """What was sent beside a badge is no archive of an issuer."""

    code = "no_archive"
    title = "This is not the archive of an issuer."
    hint = "Use the file as the issuer gave it."


class TooManyChecksError(VerifierError):
    """As many badges are being checked as this process bears, or as one source may have; it may be others' doing."""

    code = "too_many_checks"
    status = 503
    title = "Too many badges are being checked at once."
    hint = "Try again after a minute."


class SignInNeededError(VerifierError):
    """A page for operators, and nobody is signed in; the app sends the browser to the sign-in page."""

    code = "sign_in"
    status = 401
    title = "Sign in first."
    hint = "Sign in and try again."

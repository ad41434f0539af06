"""Everything that can be wrong with a credential, or with a message that carries one.

Three kinds of failure exist in Skillswallet and are never mixed: the other side is wrong
(`MalformedError`, `RejectedError`), the world could not be asked (`UndecidedError`), or we are
wrong (any other exception). Every class has one fixed `sentence` and a stable `code`; the `detail`
given when raising is for logs only and never leaves the process.
"""


class CredentialError(Exception):
    """Something is wrong with a credential or a message that carries one."""

    code = "credential"
    sentence = "The credential or message could not be accepted."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.sentence)
        self.detail = detail


class MalformedError(CredentialError):
    """It cannot be read as what it claims to be."""

    code = "malformed"
    sentence = "The message cannot be read as what it claims to be."


class TooLargeError(MalformedError):
    """It is larger, deeper or more work than is taken on here, which says nothing about what it is."""

    code = "too_large"
    sentence = "It is too large or too complex to be checked here."


class RejectedError(CredentialError):
    """It was read, and a check failed."""

    code = "rejected"
    sentence = "A check failed."


class AlgorithmNotAllowedError(RejectedError):
    """The algorithm is not on the list that the caller allows, or does not fit the key."""

    code = "algorithm"
    sentence = "The signature algorithm is not allowed here."


class InvalidSignatureError(RejectedError):
    """The signature does not belong to these bytes and this key."""

    code = "signature"
    sentence = "The signature does not match: the content was changed, or signed by another key."


class WrongTypeError(RejectedError):
    """A signed object of one type was offered where another is expected."""

    code = "type"
    sentence = "This is another kind of object than the one expected here."


class UntrustedIssuerError(RejectedError):
    """The issuer, or the key it signed with, is not one that policy accepts."""

    code = "issuer"
    sentence = "The issuer or its key is not accepted here."


class ExpiredError(RejectedError):
    """Its validity ended."""

    code = "expired"
    sentence = "It is no longer valid: its end date has passed."


class NotYetValidError(RejectedError):
    """Its validity has not begun, or it claims to come from the future."""

    code = "not_yet_valid"
    sentence = "It is not valid yet."


class RevokedError(RejectedError):
    """The issuer withdrew it for good."""

    code = "revoked"
    sentence = "The issuer revoked it."


class SuspendedError(RejectedError):
    """The issuer put it on hold."""

    code = "suspended"
    sentence = "The issuer suspended it."


class HolderBindingError(RejectedError):
    """The presenter did not prove to hold the key that the credential names."""

    code = "holder_binding"
    sentence = "It was not proven that this credential belongs to the person who shows it."


class AudienceError(RejectedError):
    """It was made for somebody else."""

    code = "audience"
    sentence = "It was made for another recipient."


class NonceError(RejectedError):
    """The nonce was never handed out, has expired, or was already spent."""

    code = "nonce"
    sentence = "The nonce is unknown, expired or already used."


class DisclosureError(RejectedError):
    """A disclosure is altered, repeated, unreferenced, or hides what must be in the open."""

    code = "disclosure"
    sentence = "A disclosed claim does not belong to this credential."


class HideableError(RejectedError):
    """An issuer lets holders leave out what decides about a credential: its status or its time."""

    code = "hideable"
    sentence = "Its status or validity could be left out when it is shown."


class QueryNotSatisfiedError(RejectedError):
    """What was shown does not answer what was asked."""

    code = "query"
    sentence = "What was shown does not answer the question."


class UndecidedError(CredentialError):
    """It could not be checked now; that is never a yes."""

    code = "undecided"
    sentence = "This could not be checked now."


class HiddenStatusError(UndecidedError):
    """What was shown leaves out where its status could be looked up, or may do so; that is never a yes."""

    code = "status_hidden"
    sentence = "Whether it was withdrawn may have been left out."

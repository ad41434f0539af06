"""What a wallet may answer a verifier when it does not answer the question. OpenID4VP 1.0 §8.5; PROFILE.md W-53."""

from typing import Final

from kernel.errors import CredentialError, QueryNotSatisfiedError, RejectedError, UndecidedError

INVALID_REQUEST: Final = "invalid_request"
INVALID_SCOPE: Final = "invalid_scope"
INVALID_CLIENT: Final = "invalid_client"
ACCESS_DENIED: Final = "access_denied"
VP_FORMATS_NOT_SUPPORTED: Final = "vp_formats_not_supported"
INVALID_REQUEST_URI_METHOD: Final = "invalid_request_uri_method"
INVALID_TRANSACTION_DATA: Final = "invalid_transaction_data"
WALLET_UNAVAILABLE: Final = "wallet_unavailable"


class UnsupportedRequestError(RejectedError):
    """The request uses a part of the protocol that is not implemented here, and that has an error code of its own."""

    code = "unsupported_request"
    sentence = "The request asks for something that is not supported."

    def __init__(self, error: str, detail: str = "") -> None:
        super().__init__(detail)
        self.error = error


def authorization_error_code(error: CredentialError) -> str:
    """Return the code for an authorization error response. §8.5.

    Not holding what was asked, and the holder saying no, are one and the same answer (A-39).
    """
    if isinstance(error, UnsupportedRequestError):
        return error.error
    if isinstance(error, QueryNotSatisfiedError):
        return ACCESS_DENIED
    if isinstance(error, UndecidedError):
        return WALLET_UNAVAILABLE
    return INVALID_REQUEST

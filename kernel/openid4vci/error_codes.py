"""The error words of issuing, at each endpoint. OpenID4VCI 1.0, and the specifications it builds on."""

from typing import Final

# Authorization and pushed authorization request endpoints. RFC 6749 §4.1.2.1, RFC 9126 §2.3, RFC 9396 §5.
INVALID_REQUEST: Final = "invalid_request"
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"
ACCESS_DENIED: Final = "access_denied"
UNSUPPORTED_RESPONSE_TYPE: Final = "unsupported_response_type"
INVALID_SCOPE: Final = "invalid_scope"
SERVER_ERROR: Final = "server_error"
TEMPORARILY_UNAVAILABLE: Final = "temporarily_unavailable"
INVALID_AUTHORIZATION_DETAILS: Final = "invalid_authorization_details"
# Token endpoint. §6.3, RFC 6749 §5.2.
INVALID_CLIENT: Final = "invalid_client"
INVALID_GRANT: Final = "invalid_grant"
UNSUPPORTED_GRANT_TYPE: Final = "unsupported_grant_type"
# Sender-constrained tokens. RFC 9449 §5, §7.1, §8.
INVALID_DPOP_PROOF: Final = "invalid_dpop_proof"
USE_DPOP_NONCE: Final = "use_dpop_nonce"
# Clients that their provider vouches for. draft-ietf-oauth-attestation-based-client-auth-10 §7.4.
INVALID_CLIENT_ATTESTATION: Final = "invalid_client_attestation"
USE_ATTESTATION_CHALLENGE: Final = "use_attestation_challenge"
USE_FRESH_ATTESTATION: Final = "use_fresh_attestation"
# Credential endpoint. §8.3.1.2, RFC 6750 §3.1.
INVALID_TOKEN: Final = "invalid_token"
INSUFFICIENT_SCOPE: Final = "insufficient_scope"
INVALID_CREDENTIAL_REQUEST: Final = "invalid_credential_request"
UNKNOWN_CREDENTIAL_CONFIGURATION: Final = "unknown_credential_configuration"
UNKNOWN_CREDENTIAL_IDENTIFIER: Final = "unknown_credential_identifier"
INVALID_PROOF: Final = "invalid_proof"
INVALID_NONCE: Final = "invalid_nonce"
INVALID_ENCRYPTION_PARAMETERS: Final = "invalid_encryption_parameters"
CREDENTIAL_REQUEST_DENIED: Final = "credential_request_denied"
# Deferred credential and notification endpoints. §9.3, §11.3.
INVALID_TRANSACTION_ID: Final = "invalid_transaction_id"
INVALID_NOTIFICATION_ID: Final = "invalid_notification_id"
INVALID_NOTIFICATION_REQUEST: Final = "invalid_notification_request"

"""The Open Badges API: what a host and a consumer say to one another, written and read. Open Badges 3.0 §6, §7.

The token messages and PKCE are those of OAuth 2.0 and stand in `kernel.openid4vci`; what is in a badge, in
`kernel.open_badges`.
"""

from kernel.open_badges_api.authorization import (
    ClientCredentials,
    RevocationRequest,
    parse_authorization_request,
    parse_client_credentials,
    parse_revocation_request,
)
from kernel.open_badges_api.discovery import (
    API_VERSION,
    BASE_PATH,
    ServiceDescription,
    create_service_description,
    find_api_url,
    parse_service_description,
)
from kernel.open_badges_api.paging import (
    MAX_LIMIT,
    TOTAL_COUNT_HEADER,
    CredentialsPage,
    PageRequest,
    create_link_header,
    parse_credentials_page,
    parse_link_header,
    parse_page_request,
    sift_credentials_page,
)
from kernel.open_badges_api.registration import (
    CLIENT_SECRET_BASIC,
    ClientMetadataError,
    ClientRegistration,
    RedirectUriError,
    RegisteredClient,
    parse_client_registration,
    parse_registration_response,
)
from kernel.open_badges_api.scopes import (
    API_SCOPES,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    PROFILE_UPDATE,
    SCOPES,
    known_scopes,
)
from kernel.open_badges_api.status_info import (
    CodeMinor,
    StatusInfo,
    create_failure,
    parse_status_info,
)

__all__ = [
    "API_SCOPES",
    "API_VERSION",
    "BASE_PATH",
    "CLIENT_SECRET_BASIC",
    "CREDENTIAL_READONLY",
    "CREDENTIAL_UPSERT",
    "MAX_LIMIT",
    "OFFLINE_ACCESS",
    "PROFILE_READONLY",
    "PROFILE_UPDATE",
    "SCOPES",
    "TOTAL_COUNT_HEADER",
    "ClientCredentials",
    "ClientMetadataError",
    "ClientRegistration",
    "CodeMinor",
    "CredentialsPage",
    "PageRequest",
    "RedirectUriError",
    "RegisteredClient",
    "RevocationRequest",
    "ServiceDescription",
    "StatusInfo",
    "create_failure",
    "create_link_header",
    "create_service_description",
    "find_api_url",
    "known_scopes",
    "parse_authorization_request",
    "parse_client_credentials",
    "parse_client_registration",
    "parse_credentials_page",
    "parse_link_header",
    "parse_page_request",
    "parse_registration_response",
    "parse_revocation_request",
    "parse_service_description",
    "parse_status_info",
    "sift_credentials_page",
]

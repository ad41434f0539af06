"""What this issuer offers, for machines: Credential Issuer and Authorization Server metadata, keys and the type.

OpenID4VCI 1.0 §12; RFC 8414; SD-JWT VC §4. A document never names what would not work here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from issuer import did_documents, request_encryption, signing_keys, store
from issuer.achievements import achievement_logo_uri, description_of
from issuer.client_authentication import ATTESTATION_ALGORITHMS
from issuer.configurations import (
    SECURINGS,
    Securing,
    code_configuration_ids,
    configuration_id,
    list_code_securings,
    proof_types,
    verify_claims_descriptions,
)
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import NotFoundError
from issuer.sender_constraint import DPOP_ALGORITHMS
from issuer.settings import IssuerSettings
from issuer.store import AchievementRow, Session
from kernel.open_badges import CREDENTIALS_V2, OPEN_BADGES_3_0_3
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    PRE_AUTHORIZED_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    create_signed_metadata,
)
from runtime.database import run_blocking

# An old one cannot be shown again for longer.
_SIGNED_METADATA_LIFETIME = timedelta(days=1)
_LOCALES = {"nl": "nl-NL", "en": "en"}
# What a wallet may show before there is a credential: path below the badge, whether it is always there, its labels.
_CLAIMS: Sequence[tuple[Sequence[str | None], bool, str, str]] = (
    (("achievement", "name"), True, "Naam van de badge", "Badge name"),
    (("achievement", "description"), True, "Beschrijving", "Description"),
    (("achievement", "criteria", "narrative"), True, "Waarvoor je hem krijgt", "Criteria"),
    (("achievement", "alignment", None, "targetName"), False, "Vaardigheden", "Skills"),
    (("evidence",), False, "Bewijs", "Evidence"),
    (("given_name",), False, "Voornaam", "Given name"),
    (("family_name",), False, "Achternaam", "Family name"),
    (("email",), False, "E-mailadres", "E-mail address"),
)
_VCDM_PERSON = {"given_name": "givenName", "family_name": "familyName", "email": "email"}


async def create_issuer_metadata(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, language: str, now: datetime
) -> Mapping[str, Any]:
    """The Credential Issuer Metadata, the asked language first. OpenID4VCI 1.0 §12.2; I-10 to I-19."""
    configurations: dict[str, Any] = {}
    for row in await store.list_achievements(session, issuer.organisation_id):
        for securing in list_code_securings(settings, issuer.certificate_chain):
            identifier = configuration_id(row.achievement.slug, securing)
            configurations[identifier] = _configuration(settings, issuer, row, securing, identifier, language)
    return {
        "credential_issuer": issuer.identifier,
        "credential_endpoint": issuer.endpoint("credential"),
        "nonce_endpoint": issuer.endpoint("nonce"),
        "deferred_credential_endpoint": issuer.endpoint("deferred"),
        "notification_endpoint": issuer.endpoint("notification"),
        **request_encryption.create_metadata(settings, issuer, now=now),
        "batch_credential_issuance": {"batch_size": settings.batch_size},
        "display": _in_order({name: {"name": issuer.name, "locale": _LOCALES[name]} for name in _LOCALES}, language),
        "credential_configurations_supported": configurations,
    }


async def create_signed_issuer_metadata(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, language: str, now: datetime
) -> str:
    """The same, signed with the key that signs badges: known by its DID, or by its certificates. §12.2.3; I-18."""
    members = await create_issuer_metadata(session, settings, issuer, language=language, now=now)
    key = await run_blocking(session, signing_keys.find_signer, settings, issuer.organisation_id, "ES256")
    if key is None:
        raise NotFoundError
    chain = list(issuer.certificate_chain)
    return create_signed_metadata(
        members,
        signer=key.signer,
        header={"x5c": chain} if chain else {"kid": signing_keys.key_id(issuer, key, "JsonWebKey2020")},
        issued_at=now,
        expires_at=now + _SIGNED_METADATA_LIFETIME,
    )


def _configuration(
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    row: AchievementRow,
    securing: Securing,
    identifier: str,
    language: str,
) -> dict[str, Any]:
    """One credential configuration. OpenID4VCI 1.0 §12.2.4, Appendix A; I-13 to I-16."""
    format_id = securing.format.format_id
    return {
        "format": format_id,
        **_type_members(settings, format_id),
        "scope": identifier,
        "credential_signing_alg_values_supported": [securing.signing_value],
        "cryptographic_binding_methods_supported": list(securing.binding_methods),
        "proof_types_supported": proof_types(settings, securing),
        "credential_metadata": {
            "display": _in_order(_displays(issuer, row), language),
            "claims": _claims(format_id, language),
        },
    }


def _type_members(settings: IssuerSettings, format_id: str) -> dict[str, Any]:
    if format_id == "dc+sd-jwt":
        return {"vct": settings.badge_vct}
    return {
        "credential_definition": {
            "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
        }
    }


def _displays(issuer: CredentialIssuer, row: AchievementRow) -> dict[str, dict[str, Any]]:
    """Name, words and art of the achievement in each language, Dutch and English always. I-17, I-19.

    The art is named by its address, the same for everybody: inside this document it would stand there twelve times
    for each achievement, and no wallet reads a document of any size. Each badge carries its own along.
    """
    description, logo = description_of(row), achievement_logo_uri(issuer, row)
    return {
        language: {
            "name": description.name.best(language),
            "locale": locale,
            "description": description.description.best(language),
            "logo": {"uri": logo, "alt_text": description.name.best(language)},
            "background_color": "#0b5f63",
            "text_color": "#ffffff",
        }
        for language, locale in _LOCALES.items()
    }


def _claims(format_id: str, language: str) -> list[dict[str, Any]]:
    """The claims of a badge and what they are called; a fixed table, in which no path stands twice. I-16."""
    return [
        {
            "path": _claims_path(format_id, path),
            **({"mandatory": True} if mandatory else {}),
            "display": _in_order({"nl": {"name": nl, "locale": "nl-NL"}, "en": {"name": en, "locale": "en"}}, language),
        }
        for path, mandatory, nl, en in _CLAIMS
    ]


def _claims_path(format_id: str, path: Sequence[str | None]) -> list[str | None]:
    first = path[0]
    if format_id == "dc+sd-jwt" or first == "evidence":
        return list(path)
    return ["credentialSubject", _VCDM_PERSON.get(str(first), first), *path[1:]]


def _in_order(displays: Mapping[str, dict[str, Any]], language: str) -> list[dict[str, Any]]:
    """One display a language, the asked one first."""
    return [displays[name] for name in sorted(displays, key=lambda name: name != language)]


for _securing in SECURINGS:
    verify_claims_descriptions(_claims(_securing.format.format_id, "nl"))


async def create_authorization_server_metadata(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer
) -> Mapping[str, Any]:
    """The metadata of the issuer's own authorization server. RFC 8414 §2; RFC 9126 §5; VCI §12.3; I-20, I-48."""
    slugs = await store.list_achievement_slugs(session, issuer.organisation_id)
    chain = issuer.certificate_chain
    scopes = [scope for slug in slugs for scope in code_configuration_ids(settings, chain, slug)]
    return {
        "issuer": issuer.identifier,
        "authorization_endpoint": issuer.endpoint("authorize"),
        "token_endpoint": issuer.endpoint("token"),
        "pushed_authorization_request_endpoint": issuer.endpoint("par"),
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": [AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT, REFRESH_TOKEN_GRANT],
        # Nothing is said of what there is none of. RFC 8414 §3.2.
        **({"scopes_supported": scopes} if scopes else {}),
        "authorization_details_types_supported": ["openid_credential"],
        "dpop_signing_alg_values_supported": sorted(DPOP_ALGORITHMS),
        **_client_authentication(settings, issuer),
        "pre-authorized_grant_anonymous_access_supported": True,
        "status_list_aggregation_endpoint": issuer.endpoint("status"),
    }


def _client_authentication(settings: IssuerSettings, issuer: CredentialIssuer) -> dict[str, Any]:
    """How a wallet may say who it is: not at all, or by an attestation where providers are trusted. ABCA §8; I-48."""
    if not settings.knows_wallet_providers:
        return {"token_endpoint_auth_methods_supported": ["none"]}
    return {
        "token_endpoint_auth_methods_supported": [
            "attest_jwt_client_auth",
            "attest_jwt_client_auth_dpop",
            "none",
        ],
        "challenge_endpoint": issuer.endpoint("challenge"),
        "client_attestation_signing_alg_values_supported": sorted(ATTESTATION_ALGORITHMS),
        "client_attestation_pop_signing_alg_values_supported": sorted(ATTESTATION_ALGORITHMS),
    }


async def create_jwt_vc_issuer_metadata(session: Session, issuer: CredentialIssuer) -> Mapping[str, Any]:
    """The same keys for verifiers that start from the https identifier. SD-JWT VC §4; K-25."""
    keys = await did_documents.list_published_keys(session, issuer.organisation_id)
    members = [
        {"kid": key.fragment, "use": "sig", "alg": key.algorithm, **key.key.jwk}
        for key in keys
        if key.algorithm == "ES256"
    ]
    return {"issuer": issuer.identifier, "jwks": {"keys": members}}

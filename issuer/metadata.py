"""What this issuer offers, for machines: Credential Issuer and Authorization Server metadata, keys and the type.

OpenID4VCI 1.0 §12; RFC 8414; SD-JWT VC §4. Left out, since not offered: key attestation, deferred issuance,
encryption. A document never names what would not work.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from issuer import did_documents, store
from issuer.achievements import achievement_image_uri, description_of
from issuer.client_authentication import ATTESTATION_ALGORITHMS
from issuer.configurations import (
    SECURINGS,
    Securing,
    configuration_id,
    configuration_ids,
    list_securings,
    verify_claims_descriptions,
)
from issuer.credential import PROOF_ALGORITHMS
from issuer.credential_issuer import CredentialIssuer
from issuer.sender_constraint import DPOP_ALGORITHMS
from issuer.settings import IssuerSettings
from issuer.store import AchievementRow, Session
from kernel.open_badges import CREDENTIALS_V2, OPEN_BADGES_3_0_3
from kernel.openid4vci import AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT, REFRESH_TOKEN_GRANT

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
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, language: str
) -> Mapping[str, Any]:
    """The Credential Issuer Metadata, the asked language first. OpenID4VCI 1.0 §12.2; I-10 to I-19."""
    configurations: dict[str, Any] = {}
    for row in await store.list_achievements(session, issuer.organisation_id):
        for securing in list_securings(settings):
            identifier = configuration_id(row.achievement.slug, securing)
            configurations[identifier] = _configuration(settings, issuer, row, securing, identifier, language)
    return {
        "credential_issuer": issuer.identifier,
        "credential_endpoint": issuer.endpoint("credential"),
        "nonce_endpoint": issuer.endpoint("nonce"),
        "notification_endpoint": issuer.endpoint("notification"),
        "batch_credential_issuance": {"batch_size": settings.batch_size},
        "display": _in_order({name: {"name": issuer.name, "locale": _LOCALES[name]} for name in _LOCALES}, language),
        "credential_configurations_supported": configurations,
    }


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
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": sorted(PROOF_ALGORITHMS)}},
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
    description, logo = description_of(row), achievement_image_uri(issuer, row)
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
    return {
        "issuer": issuer.identifier,
        "authorization_endpoint": issuer.endpoint("authorize"),
        "token_endpoint": issuer.endpoint("token"),
        "pushed_authorization_request_endpoint": issuer.endpoint("par"),
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": [AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT, REFRESH_TOKEN_GRANT],
        "scopes_supported": [identifier for slug in slugs for identifier in configuration_ids(settings, slug)],
        "authorization_details_types_supported": ["openid_credential"],
        "token_endpoint_auth_methods_supported": ["none", "attest_jwt_client_auth", "attest_jwt_client_auth_dpop"],
        "challenge_endpoint": issuer.endpoint("challenge"),
        "client_attestation_signing_alg_values_supported": sorted(ATTESTATION_ALGORITHMS),
        "client_attestation_pop_signing_alg_values_supported": sorted(ATTESTATION_ALGORITHMS),
        "dpop_signing_alg_values_supported": sorted(DPOP_ALGORITHMS),
        "pre-authorized_grant_anonymous_access_supported": True,
        "status_list_aggregation_endpoint": issuer.endpoint("status"),
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

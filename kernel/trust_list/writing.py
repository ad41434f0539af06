"""Making a list: the payload in the JSON shape of ETSI TS 119 602, and its signature. PROFILE.md T-02 to T-04."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from kernel.jwt import sign_jwt
from kernel.keys import Signer
from kernel.trust_list.reading import SERVICE_PATH, STATE_PATH, TYP
from kernel.trust_list.recognition import ListPointer, ServiceState, TrustedEntity, TrustedService


def create_trust_list(
    *,
    scheme: str,
    operator_names: Mapping[str, str],
    territory: str,
    sequence: int,
    issued_at: datetime,
    next_update: datetime,
    entities: Sequence[TrustedEntity],
    pointers: Sequence[ListPointer] = (),
) -> dict[str, Any]:
    """Build the payload of a list. `scheme` is the URL under which the operator names its own types. T-02, T-04."""
    base = scheme.rstrip("/")
    pointing = {"PointersToOtherLoTE": [_write_pointer(pointer) for pointer in pointers]} if pointers else {}
    return {
        "LoTE": {
            "ListAndSchemeInformation": {
                "LoTEVersionIdentifier": 1,
                "LoTESequenceNumber": sequence,
                "LoTEType": f"{base}/lote/type/skills-issuers",
                "SchemeOperatorName": _write_names(operator_names),
                "SchemeTerritory": territory,
                "ListIssueDateTime": _write_instant(issued_at),
                "NextUpdate": _write_instant(next_update),
                **pointing,
            },
            "TrustedEntitiesList": [_write_entity(entity, base) for entity in entities],
        }
    }


def sign_trust_list(payload: Mapping[str, Any], *, signer: Signer, header: Mapping[str, Any]) -> str:
    """Sign a list; `header` names the signer's key by `kid` or `x5c`. T-03."""
    return sign_jwt(payload, signer=signer, typ=TYP, header=header)


def _write_pointer(pointer: ListPointer) -> dict[str, Any]:
    keys = [{"PublicKeyValues": [key.jwk for key in pointer.keys]}]
    return {"LoTELocation": pointer.location, "ServiceDigitalIdentities": keys}


def _write_entity(entity: TrustedEntity, base: str) -> dict[str, Any]:
    information: dict[str, Any] = {"TEName": _write_names(entity.names)}
    if entity.electronic_addresses:
        information["TEAddress"] = {"TEElectronicAddress": _write_names(entity.electronic_addresses, "uriValue")}
    if entity.information_urls:
        information["TEInformationURI"] = _write_names(entity.information_urls, "uriValue")
    if entity.other_identifiers:
        information["otherIdentifier"] = list(entity.other_identifiers)
    return {
        "TrustedEntityInformation": information,
        "TrustedEntityServices": [_write_service(service, base) for service in entity.services],
    }


def _write_service(service: TrustedService, base: str) -> dict[str, Any]:
    present, *earlier = (_write_state(state, base) for state in service.states)
    information: dict[str, Any] = {
        "ServiceName": _write_names({"nl": service.name}),
        "ServiceTypeIdentifier": f"{base}{SERVICE_PATH}{service.service}",
        **present,
        "ServiceDigitalIdentity": _write_identity(service),
    }
    scope = _write_scope(service)
    if scope:
        information["ServiceInformationExtensions"] = [scope]
    return {"ServiceInformation": information} | ({"ServiceHistory": earlier} if earlier else {})


def _write_state(state: ServiceState, base: str) -> dict[str, Any]:
    return {
        "ServiceStatus": f"{base}{STATE_PATH}{state.state}",
        "StatusStartingTime": _write_instant(state.since),
    }


def _write_identity(service: TrustedService) -> dict[str, Any]:
    ders = (certificate.public_bytes(Encoding.DER) for certificate in service.certificates)
    members: dict[str, list[Any]] = {
        "X509Certificates": [{"val": base64.b64encode(der).decode("ascii")} for der in ders],
        "PublicKeyValues": [key.jwk for key in service.keys],
        "OtherIds": sorted(service.identifiers),
    }
    return {name: values for name, values in members.items() if values}


def _write_scope(service: TrustedService) -> dict[str, Any]:
    members = {
        "credentialTypes": sorted(service.credential_types),
        "achievementTypes": sorted(service.achievement_types),
        "frameworks": sorted(service.frameworks),
        "archiveKeys": sorted(service.archive_keys),
    }
    return {name: values for name, values in members.items() if values}


def _write_names(names: Mapping[str, str], member: str = "value") -> list[dict[str, str]]:
    return [{"lang": language, member: text} for language, text in names.items()]


def _write_instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")

"""An ecosystem list as two files: a readable one that people edit, and the signed one that services read. T-02 to T-04.

The readable file is the payload exactly as it will be signed. Signing gives it its number, its date and its end.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate

from kernel.errors import MalformedError
from kernel.jwt import parse_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk
from kernel.trust_list import (
    Service,
    ServiceState,
    State,
    TrustedEntity,
    TrustedService,
    TrustList,
    create_trust_list,
    sign_trust_list,
    verify_trust_list,
)

# RFC 7638, of a SHA-256.
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_TYPE_PATH = "/lote/type/skills-issuers"


@dataclass(frozen=True, slots=True)
class Entry:
    """A party to put on the list: for which service, since when, and for an issuer, for which types."""

    name: str
    identifiers: tuple[str, ...]
    service: Service
    since: datetime
    state: State = "granted"
    credential_types: tuple[str, ...] = ()
    achievement_types: tuple[str, ...] = ()
    keys: tuple[dict[str, Any], ...] = ()
    certificates: tuple[Certificate, ...] = ()
    archive_keys: tuple[str, ...] = ()


def create_list(path: Path, *, operator: str, scheme: str, territory: str, now: datetime) -> None:
    """Write an empty list. An existing file is not overwritten."""
    payload = create_trust_list(
        scheme=scheme,
        operator_names={"nl": operator},
        territory=territory,
        sequence=1,
        issued_at=now,
        next_update=now,
        entities=(),
    )
    with path.open("x", encoding="utf-8") as file:
        file.write(_readable(payload))


def add_entry(path: Path, entry: Entry) -> None:
    """Add a party to the list; a party under another state from another moment on is one more entry."""
    payload = _read(path)
    members = payload["LoTE"]
    scheme = str(members["ListAndSchemeInformation"]["LoTEType"]).removesuffix(_TYPE_PATH)
    service = TrustedService(
        name=f"{entry.name}: {entry.service}",
        service=entry.service,
        states=(ServiceState(entry.state, entry.since),),
        identifiers=frozenset(entry.identifiers),
        keys=tuple(parse_public_jwk(jwk) for jwk in entry.keys),
        certificates=entry.certificates,
        credential_types=frozenset(entry.credential_types),
        achievement_types=frozenset(entry.achievement_types),
        archive_keys=frozenset(map(_thumbprint, entry.archive_keys)),
    )
    written = create_trust_list(
        scheme=scheme,
        operator_names={"nl": "-"},
        territory="-",
        sequence=1,
        issued_at=entry.since,
        next_update=entry.since,
        entities=(TrustedEntity(names={"nl": entry.name}, services=(service,)),),
    )
    members["TrustedEntitiesList"].extend(written["LoTE"]["TrustedEntitiesList"])
    path.write_text(_readable(payload), encoding="utf-8")


def end_entry(path: Path, identifier: str, *, archive_keys: Sequence[str], since: datetime) -> None:
    """Say of an issuer that it is there no longer, and by which keys its archive is known; MalformedError: not listed.

    What it issued before stays recognised: its state becomes history, and the archive can tell what that was.
    """
    payload = _read(path)
    services = [service for entity in payload["LoTE"]["TrustedEntitiesList"] for service in _services(entity)]
    found = [service for service in services if _is_issuer(service["ServiceInformation"], identifier)]
    if not found:
        raise MalformedError("no issuer with this identifier on the list")
    for service in found:
        _end_service(service, [_thumbprint(key) for key in archive_keys], since)
    path.write_text(_readable(payload), encoding="utf-8")


def sign_list(path: Path, out: Path, *, signer: SoftwareSigner, valid_for: timedelta, now: datetime) -> TrustList:
    """Sign the list and put it in place at once; its number is one more than that of the list that was there."""
    payload = _read(path)
    information = payload["LoTE"]["ListAndSchemeInformation"]
    information["LoTESequenceNumber"] = max(int(information["LoTESequenceNumber"]), _sequence_of(out) + 1)
    information["ListIssueDateTime"] = _instant(now)
    information["NextUpdate"] = _instant(now + valid_for)
    header = {"kid": signer.public_key.thumbprint}
    raw = sign_trust_list(payload, signer=signer, header=header)
    signed = verify_trust_list(raw, signer_key=signer.public_key, now=now, previous_sequence=None)
    path.write_text(_readable(payload), encoding="utf-8")
    unfinished = out.with_name(f"{out.name}.{os.getpid()}.new")
    unfinished.write_text(raw + "\n", encoding="ascii")
    unfinished.replace(out)
    return signed


def read_list(out: Path, *, signer_jwk: object, now: datetime) -> TrustList:
    """The signed list, checked against its signer as a service does it."""
    key = parse_public_jwk(signer_jwk)
    return verify_trust_list(out.read_text("ascii").strip(), signer_key=key, now=now, previous_sequence=None)


def read_signer(path: Path) -> SoftwareSigner:
    """The private key in a file."""
    return SoftwareSigner.from_jwk(json.loads(path.read_text()))


def create_signer(path: Path) -> SoftwareSigner:
    """Make a key pair in a file that only its owner reads. An existing file is not overwritten."""
    signer = SoftwareSigner.generate("ES256")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps(signer.private_jwk()) + "\n")
    return signer


def names_of(trust_list: TrustList) -> Sequence[tuple[str, str, str, str]]:
    """Each service on the list: who, what for, in which state, since when."""
    return [
        (", ".join(entity.names.values()), service.service, service.states[0].state, _instant(service.states[0].since))
        for entity in trust_list.entities
        for service in entity.services
    ]


def _services(entity: dict[str, Any]) -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = entity["TrustedEntityServices"]
    return services


def _is_issuer(information: dict[str, Any], identifier: str) -> bool:
    is_issuance = str(information["ServiceTypeIdentifier"]).endswith("/issuance")
    return is_issuance and identifier in information["ServiceDigitalIdentity"].get("OtherIds", [])


def _end_service(service: dict[str, Any], archive_keys: list[str], since: datetime) -> None:
    information = service["ServiceInformation"]
    state = {name: information[name] for name in ("ServiceStatus", "StatusStartingTime")}
    scheme = str(state["ServiceStatus"]).rpartition("/")[0]
    service["ServiceHistory"] = [state, *service.get("ServiceHistory", [])]
    information |= {"ServiceStatus": f"{scheme}/withdrawn", "StatusStartingTime": _instant(since)}
    if archive_keys:
        extensions = information.setdefault("ServiceInformationExtensions", [])
        extensions.append({"archiveKeys": archive_keys})


def _thumbprint(text: str) -> str:
    if not _THUMBPRINT.fullmatch(text):
        raise MalformedError("the thumbprint of a key has 43 characters")
    return text


def _sequence_of(out: Path) -> int:
    if not out.exists():
        return 0
    information = parse_jwt(out.read_text("ascii").strip()).payload["LoTE"]["ListAndSchemeInformation"]
    return int(information["LoTESequenceNumber"])


def _read(path: Path) -> dict[str, Any]:
    payload = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(payload, dict) or "LoTE" not in payload:
        raise MalformedError(f"{path} is no trust list")
    return payload


def _readable(payload: dict[str, Any]) -> str:
    return json.dumps(payload, indent=2, ensure_ascii=False) + "\n"


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

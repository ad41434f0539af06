"""Say what a file or a text is: one entry point for everything that somebody may bring. Issue 3, B-22, B-30, E-10.

Recognised by content, never by name or label (K-68): pictures with a badge inside, JSON, compact JWS, SD-JWT, an
address. Nothing is believed, followed or inflated. What is of no known kind is MalformedError; what is too large or too
deep to be looked at is TooLargeError, since it may be anything.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kernel import base64url
from kernel.baking import MAX_ART_BYTES, BakedCredential, CredentialForm, parse_baked
from kernel.elm import read_elm_credential
from kernel.errors import MalformedError, RejectedError, TooLargeError
from kernel.formats.credential import DC_SD_JWT
from kernel.formats.sd_jwt_format import get_content_format
from kernel.importing import open_badges_2
from kernel.importing.imported import Container, Imported, Kind, Securing
from kernel.jwt import parse_jwt
from kernel.microcredential import Microcredential, Title, read_microcredential_badge, read_microcredential_claims
from kernel.microcredential.members import read_object, read_objects, read_text, read_texts
from kernel.sd_jwt import parse_sd_jwt, reveal
from kernel.strict_json import MAX_BYTES, parse_json_object
from kernel.web_urls import web_url

MAX_FILE_BYTES: Final = MAX_ART_BYTES + 2 * MAX_BYTES
# More credentials than this in one file are somebody's archive, not a record to read at once.
MAX_PARTS: Final = 20

CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_ADDRESS: Final = re.compile(r"https?://\S+")
_ENVELOPE: Final = re.compile(r"data:application/(?:vc(?:-ld)?\+(?:sd-)?jwt|dc\+sd-jwt|jwt),(.+)")
_VERSIONS: Final[Mapping[str, str]] = {CREDENTIALS_V1: "1.1", CREDENTIALS_V2: "2.0"}
# The first type that fits says what it is; whatever else is a credential is just that.
_KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("ClrCredential", Kind.CLR),
    ("EndorsementCredential", Kind.ENDORSEMENT),
    ("EuropeanDigitalCredential", Kind.ELM),
    ("EuropassCredential", Kind.ELM),
    ("OpenBadgeCredential", Kind.OPEN_BADGE_3),
    ("AchievementCredential", Kind.OPEN_BADGE_3),
)


class AddressRefusedError(MalformedError):
    """An address that is never asked, whatever stands there: without https, or a number instead of a name (A-35)."""

    code = "address_refused"
    sentence = "This address may not be opened."


def recognise(content: bytes | str) -> Imported:
    """Say what this is and who it names as its issuer, or raise MalformedError; believes nothing of it."""
    if isinstance(content, str):
        return _recognise_text(content)
    if content.startswith(_PNG) or _XML.match(content):
        return _recognise_picture(parse_baked(content))
    try:
        return _recognise_text(content.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise MalformedError("a file of no kind that can carry a badge") from exc


def recognise_document(document: Mapping[str, Any], *, container: Container = Container.JSON) -> Imported:
    """Say what a JSON object is."""
    if "signatures" in document and "payload" in document:
        return _recognise_sealed(document)
    if open_badges_2.is_assertion(document):
        return _recognise_assertion(document, container, token=None)
    if "EnvelopedVerifiableCredential" in read_texts(document, "type"):
        return _recognise_envelope(read_text(document, "id") or "")
    if container is Container.JSON and "verifiableCredential" in document and "proof" not in document:
        return _recognise_only_one(document)
    return _recognise_credential(document, container, _find_securing(document))


def _recognise_text(text: str) -> Imported:
    if len(text) > MAX_FILE_BYTES:
        raise TooLargeError("a text that is too large to be looked at")
    stripped = text.strip()
    if stripped.startswith("{"):
        return recognise_document(parse_json_object(stripped))
    if "~" in stripped and not _ADDRESS.match(stripped):
        return _recognise_sd_jwt(stripped)
    if _ADDRESS.fullmatch(stripped):
        return create_address(_read_address(stripped))
    if stripped.startswith("<"):
        return _recognise_picture(parse_baked(stripped.encode("utf-8", "replace")))
    return _recognise_jwt(stripped)


def create_address(url: str) -> Imported:
    """Return an address that somebody pasted: what stands there is what is to be judged."""
    return Imported(Kind.ADDRESS, Container.ADDRESS, Securing.NONE, {"id": url}, Microcredential("", ""), None)


def _read_address(text: str) -> str:
    try:
        return web_url(text, "the address")
    except MalformedError as exc:
        raise AddressRefusedError from exc


def _recognise_picture(baked: BakedCredential) -> Imported:
    if baked.form is CredentialForm.URL:
        return open_badges_2.create_hosted(baked.raw)
    if baked.form is CredentialForm.JSON:
        return recognise_document(parse_json_object(baked.raw), container=Container.PICTURE)
    return _recognise_jwt(baked.raw, container=Container.PICTURE)


def _recognise_jwt(raw: str, *, container: Container = Container.JWT) -> Imported:
    try:
        token = parse_jwt(raw)
    except RejectedError as exc:
        raise MalformedError("a token that is not signed, or in a way that is never allowed") from exc
    if open_badges_2.is_assertion(token.payload):
        return _recognise_assertion(token.payload, container, token=raw)
    if "vc" in token.payload:
        return _recognise_credential(_read_vc_claim(token.payload), container, Securing.JWT, token=raw)
    return _recognise_credential(token.payload, container, Securing.JWT, token=raw)


def _read_vc_claim(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a credential of VCDM 1.1 from its JWT, with what the JWT's own claims say of it. VCDM 1.1 §6.3.1."""
    document = dict(read_object(payload, "vc"))
    for member, claim in (("id", "jti"), ("issuer", "iss")):
        if claim in payload:
            document.setdefault(member, payload[claim])
    return document


def _recognise_sd_jwt(raw: str) -> Imported:
    try:
        sd_jwt = parse_sd_jwt(raw)
        payload = sd_jwt.issuer_jwt.payload
        claims = reveal(payload, sd_jwt.disclosures, protected=frozenset())
    except RejectedError as exc:
        raise MalformedError("an SD-JWT whose disclosures cannot be read") from exc
    if get_content_format(payload) != DC_SD_JWT:
        return _recognise_credential(claims, Container.SD_JWT, Securing.SD_JWT, token=raw)
    content = read_microcredential_claims(claims)
    issuer = read_text(claims, "iss")
    return Imported(Kind.SD_JWT_VC, Container.SD_JWT, Securing.SD_JWT, claims, content, issuer, token=raw)


def _recognise_assertion(document: Mapping[str, Any], container: Container, *, token: str | None) -> Imported:
    return Imported(
        Kind.OPEN_BADGE_2,
        container,
        Securing.JWT if token is not None else Securing.HOSTED,
        document,
        open_badges_2.read_assertion(document),
        open_badges_2.find_issuer(document),
        token,
    )


def _recognise_sealed(document: Mapping[str, Any]) -> Imported:
    """Read a credential that Europass sealed: JAdES, as JSON with the payload as it is or in base64url. E-10."""
    payload = read_text(document, "payload") or ""
    inner = parse_json_object(payload if payload.startswith("{") else base64url.decode(payload))
    return _recognise_credential(inner, Container.JSON, Securing.SEAL)


def _recognise_envelope(identifier: str) -> Imported:
    """Read the credential inside a data: URL. VCDM 2.0 §4.13; what is in it cannot be an envelope again."""
    found = _ENVELOPE.fullmatch(identifier)
    if found is None:
        raise MalformedError("an envelope of a kind that is not read here")
    return _recognise_sd_jwt(found[1]) if "~" in found[1] else _recognise_jwt(found[1])


def _recognise_only_one(document: Mapping[str, Any]) -> Imported:
    """Read the one credential of an unsigned presentation, as some wallets write a file."""
    credentials = document["verifiableCredential"]
    elements = credentials if isinstance(credentials, list) else [credentials]
    if len(elements) != 1:
        raise MalformedError("a file with several credentials, or none")
    return _recognise_part(elements[0])


def _recognise_part(part: Any) -> Imported:
    if isinstance(part, str):
        return _recognise_sd_jwt(part) if "~" in part else _recognise_jwt(part)
    if not isinstance(part, dict):
        raise MalformedError("a credential that is none")
    if "EnvelopedVerifiableCredential" in read_texts(part, "type"):
        return _recognise_envelope(read_text(part, "id") or "")
    return _recognise_credential(part, Container.JSON, _find_securing(part))


def _recognise_credential(
    document: Mapping[str, Any], container: Container, securing: Securing, *, token: str | None = None
) -> Imported:
    contexts, types = read_texts(document, "@context"), read_texts(document, "type")
    version = next((_VERSIONS[context] for context in contexts if context in _VERSIONS), None)
    # A JWT that is both could name one issuer outside and carry what he signed inside (K-57).
    if "VerifiableCredential" not in types or "VerifiablePresentation" in types or version is None:
        raise MalformedError("neither a credential nor a badge")
    kind = next((kind for name, kind in _KINDS if name in types), Kind.CREDENTIAL)
    return Imported(
        kind=kind,
        container=container,
        securing=securing,
        document=document,
        content=read_elm_credential(document) if kind is Kind.ELM else _read_badge(document),
        unverified_issuer=_find_issuer(document),
        token=token,
        data_model=version,
        parts=_recognise_parts(document),
    )


def _read_badge(document: Mapping[str, Any]) -> Microcredential:
    """Read a credential that is one of an achievement, or else what any credential says: its name and its dates.

    A CLR may have several achievements: the first is read. VCDM 1.1 calls the dates otherwise.
    """
    dates = {"validFrom": document.get("issuanceDate"), "validUntil": document.get("expirationDate")}
    content = read_microcredential_badge({**{name: date for name, date in dates.items() if date}, **document})
    name = read_text(document, "name")
    return replace(content, title=Title(name)) if content.title is None and name else content


def _find_issuer(document: Mapping[str, Any]) -> str | None:
    return read_text(document, "issuer") or read_text(read_object(document, "issuer"), "id")


def _find_securing(document: Mapping[str, Any]) -> Securing:
    proofs = read_objects(document, "proof")
    if not proofs:
        return Securing.NONE
    has_only_older = not any(read_texts(proof, "type") == ("DataIntegrityProof",) for proof in proofs)
    return Securing.OTHER_PROOF if has_only_older else Securing.DATA_INTEGRITY


def _recognise_parts(document: Mapping[str, Any]) -> tuple[Imported, ...]:
    """Read the credentials of a CLR; what others say of a badge is `kernel.endorsement`'s to check. A-50, E-01."""
    subject = read_object(document, "credentialSubject")
    named = subject.get("verifiableCredential", [])
    found = named if isinstance(named, list) else [named]
    if len(found) > MAX_PARTS:
        raise TooLargeError("a file with more credentials than are read at once")
    parts = tuple(_recognise_part(part) for part in found)
    if _count(parts) > MAX_PARTS:
        raise TooLargeError("a file with more credentials inside one another than are read at once")
    return parts


def _count(parts: tuple[Imported, ...]) -> int:
    return sum(1 + _count(part.parts) for part in parts)

"""Type metadata of SD-JWT VCs: what a `vct` is called, and how its claims are shown. draft-ietf-oauth-sd-jwt-vc §5, §6.

The bytes are what counts: an issuer serves the ones that it hashed into `vct#integrity`, and a reader checks
that hash before it reads anything. Nothing is fetched here: `find_extended` says which document comes next.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import schemas
from kernel.errors import MalformedError, RejectedError
from kernel.sd_jwt import ClaimsPath
from kernel.strict_json import parse_json_object

# K-51.
MAX_EXTENDS: Final = 5
_HASHES: Final = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_STRENGTH: Final = tuple(_HASHES)
_SD_VALUES: Final = frozenset({"always", "allowed", "never"})
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{3,8}")


@dataclass(frozen=True, slots=True)
class Display:
    """Name, description and colours in one language; what a page may style is limited to these."""

    locale: str
    name: str
    description: str | None
    background_color: str | None
    text_color: str | None
    logo_uri: str | None


@dataclass(frozen=True, slots=True)
class ClaimLabel:
    """What one claim is called in one language."""

    locale: str
    label: str
    description: str | None


@dataclass(frozen=True, slots=True)
class ClaimMetadata:
    """What is said about the claims that one path selects; null in the path stands for each element."""

    path: ClaimsPath
    labels: tuple[ClaimLabel, ...]
    is_mandatory: bool
    sd: str
    svg_id: str | None


@dataclass(frozen=True, slots=True)
class TypeMetadata:
    """One type, as its document describes it."""

    vct: str
    name: str | None
    description: str | None
    extends: str | None
    extends_integrity: str | None
    displays: tuple[Display, ...]
    claims: tuple[ClaimMetadata, ...]


# Writing


def create_skill_badge_type(vct: str) -> bytes:
    """Return the document to serve, byte by byte, at the `vct` URL of a deployment's skill badges. K-49."""
    metadata = {"vct": vct, **schemas.load("skill-badge.type-metadata.json")}
    return json.dumps(metadata, ensure_ascii=False, indent=2).encode("utf-8")


def create_integrity(document: bytes) -> str:
    """Return the value of an `…#integrity` member over exactly these bytes. K-50, W3C SRI §3.1."""
    return f"sha256-{base64.b64encode(hashlib.sha256(document).digest()).decode('ascii')}"


# Reading


def verify_integrity(document: bytes, *, integrity: str) -> None:
    """Check exact bytes against Subresource Integrity metadata. K-50, W3C SRI §3.3.

    Of several hashes those with the strongest algorithm count, and one of them must match; options after `?` are
    ignored, as SRI has it. Unlike in a browser, metadata without any known hash is a refusal.
    """
    hashes = [_parse_hash(text) for text in integrity.split()]
    known = [(algorithm, digest) for algorithm, digest in hashes if algorithm in _HASHES]
    if not known:
        raise MalformedError("integrity metadata without a known hash")
    strongest = max((algorithm for algorithm, _ in known), key=_STRENGTH.index)
    actual = _HASHES[strongest](document).digest()
    if not any(algorithm == strongest and hmac.compare_digest(digest, actual) for algorithm, digest in known):
        raise RejectedError("the document is not the one that its integrity value names")


def parse_type_metadata(raw: bytes, *, vct: str, integrity: str | None = None) -> TypeMetadata:
    """Read the type metadata document of a `vct`; with an integrity value, only if these are the bytes. K-49, K-50.

    A document that names another `vct` than was asked for is refused.
    """
    if integrity is not None:
        verify_integrity(raw, integrity=integrity)
    document = parse_json_object(raw)
    if document.get("vct") != vct:
        raise RejectedError("type metadata of another type")
    return TypeMetadata(
        vct=vct,
        name=_find_text(document, "name"),
        description=_find_text(document, "description"),
        extends=_find_text(document, "extends"),
        extends_integrity=_find_text(document, "extends#integrity"),
        displays=tuple(_parse_display(display) for display in _objects(document, "display")),
        claims=tuple(_parse_claim(claim) for claim in _objects(document, "claims")),
    )


def find_extended(chain: Sequence[TypeMetadata]) -> tuple[str, str | None] | None:
    """Return the `vct` of the type that the last one extends, with its integrity value; None at the end. K-51, §5.4.

    A chain that comes back to itself or grows too long is refused before anything more is fetched. That a type extends
    another is a matter of display: it lets no issuer of one speak for the other.
    """
    last = chain[-1]
    if last.extends is None:
        return None
    if last.extends in [metadata.vct for metadata in chain]:
        raise RejectedError("a type that extends itself")
    if len(chain) > MAX_EXTENDS:
        raise RejectedError("a type that extends too many others")
    return last.extends, last.extends_integrity


def find_claim(chain: Sequence[TypeMetadata], path: ClaimsPath) -> ClaimMetadata | None:
    """Return what the nearest type says about a concrete claim, None if none says anything. K-49.

    An exact index counts before null, which stands for every element.
    """
    for metadata in chain:
        matches = [claim for claim in metadata.claims if _is_selected(claim.path, path)]
        if matches:
            return min(matches, key=lambda claim: claim.path.count(None))
    return None


def find_label(claim: ClaimMetadata, language: str) -> ClaimLabel | None:
    """Return the label in a language (`nl` finds `nl-NL`), else the first one, None when there is none."""
    fitting = (label for label in claim.labels if _is_language(label.locale, language))
    return next(fitting, claim.labels[0] if claim.labels else None)


def find_display(metadata: TypeMetadata, language: str) -> Display | None:
    """Return the display in a language (`nl` finds `nl-NL`), else the first one, None when there is none."""
    fitting = (display for display in metadata.displays if _is_language(display.locale, language))
    return next(fitting, metadata.displays[0] if metadata.displays else None)


def _is_selected(pattern: ClaimsPath, path: ClaimsPath) -> bool:
    return len(pattern) == len(path) and all(
        wanted == step or (wanted is None and isinstance(step, int)) for wanted, step in zip(pattern, path, strict=True)
    )


def _is_language(locale: str, language: str) -> bool:
    return locale.lower().split("-")[0] == language.lower()


def _parse_hash(text: str) -> tuple[str, bytes]:
    algorithm, _, value = text.partition("?")[0].partition("-")
    try:
        return algorithm, base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedError("integrity metadata that is no base64") from exc


def _parse_display(display: Mapping[str, Any]) -> Display:
    rendering = _object(_object(display, "rendering"), "simple")
    return Display(
        locale=_get_locale(display),
        name=_get_text(display, "name"),
        description=_find_text(display, "description"),
        background_color=_find_colour(rendering, "background_color"),
        text_color=_find_colour(rendering, "text_color"),
        logo_uri=_find_text(_object(rendering, "logo"), "uri"),
    )


def _parse_claim(claim: Mapping[str, Any]) -> ClaimMetadata:
    sd, is_mandatory = _find_text(claim, "sd") or "allowed", claim.get("mandatory", False)
    if sd not in _SD_VALUES or not isinstance(is_mandatory, bool):
        raise MalformedError("claim metadata with an unknown `sd` or `mandatory`")
    return ClaimMetadata(
        path=_parse_path(claim.get("path")),
        labels=tuple(
            ClaimLabel(_get_locale(display), _get_text(display, "label"), _find_text(display, "description"))
            for display in _objects(claim, "display")
        ),
        is_mandatory=is_mandatory,
        sd=sd,
        svg_id=_find_text(claim, "svg_id"),
    )


def _parse_path(path: object) -> ClaimsPath:
    if not isinstance(path, list) or not path or not all(_is_step(step) for step in path):
        raise MalformedError("claim metadata without a claims path")
    return tuple(path)


def _is_step(step: object) -> bool:
    return step is None or isinstance(step, str) or (type(step) is int and step >= 0)


def _objects(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(element, dict) for element in found):
        raise MalformedError(f"`{name}` is no array of objects")
    return found


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name, {})
    if not isinstance(found, dict):
        raise MalformedError(f"`{name}` is no object")
    return found


def _find_text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise MalformedError(f"`{name}` is no text")
    return found


def _get_text(value: Mapping[str, Any], name: str) -> str:
    found = _find_text(value, name)
    if found is None:
        raise MalformedError(f"`{name}` is missing")
    return found


def _get_locale(value: Mapping[str, Any]) -> str:
    """Return the `locale`; files of before 2025 call it `lang` (K-49)."""
    return _get_text(value, "locale" if "locale" in value else "lang")


def _find_colour(value: Mapping[str, Any], name: str) -> str | None:
    """Return a colour in hexadecimal; anything else never reaches a style sheet."""
    colour = _find_text(value, name)
    return colour if colour is not None and _COLOUR.fullmatch(colour) else None

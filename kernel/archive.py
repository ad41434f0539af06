"""The archive of an issuer: all that its badges need to stay checkable when it is gone, in one signed file.

The format is ours. The first line is a compact JWS (type `issuer-archive+jwt`): who the issuer was, every key with
the time in which it signed, and for each file its name and SHA-256 digest. Each further line is one of those files in
base64url, in that order: DID documents, status lists as they were served last, contexts, achievements, pictures. The
same archive made at the same moment and signed with Ed25519 has the same bytes.

An archive vouches for itself only. Whoever reads one must know from elsewhere, as from a trust list, which key may
have signed it; that key's thumbprint (RFC 7638) is what `verify_archive` asks for.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from kernel import base64url
from kernel.did import DidDocument, create_did_web_document, parse_did_document
from kernel.errors import InvalidSignatureError, MalformedError, UndecidedError, UntrustedIssuerError
from kernel.jwt import UnverifiedJwt, find_numeric_date, get_numeric_date, parse_jwt, sign_jwt, verify_jwt
from kernel.keys import PublicKey, Signer, parse_public_jwk
from kernel.members import as_object, find_objects, get_text

TYP: Final = "issuer-archive+jwt"
ALGORITHMS: Final = frozenset({"Ed25519", "ES256"})
MAX_BYTES: Final = 128 * 1024 * 1024
_MAX_MANIFEST: Final = 8 * 1024 * 1024
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ArchivedKey:
    """A public key of the issuer, and when it signed. A withdrawn key verifies nothing."""

    kid: str
    key: PublicKey
    created_at: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def signs(self) -> bool:
        """Whether it signed when the archive was made."""
        return self.retired_at is None and self.withdrawn_at is None


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """What stood at an address: of a kind (`status_list`, `context`, …), under a name, in a media type."""

    kind: str
    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnverifiedArchive:
    """An archive that was read; nobody has checked who signed it, or whether its files are those that were signed."""

    manifest: UnverifiedJwt
    lines: Sequence[str] = field(repr=False)

    @property
    def unverified_did(self) -> str:
        """Whose it says it is, or MalformedError."""
        return get_text(self.manifest.payload, "iss")


@dataclass(frozen=True, slots=True)
class VerifiedArchive:
    """An archive that the expected key signed, and whose files are those that it signed.

    `did_document` has every key that was not withdrawn; in which time each of them signed is for `find_key` to say.
    """

    did: str
    created_at: datetime
    organisation: Mapping[str, Any]
    keys: Sequence[ArchivedKey]
    files: Sequence[ArchivedFile]
    did_document: DidDocument = field(repr=False)

    def find_key(self, kid: object, *, signed_at: datetime) -> PublicKey:
        """Return the key with exactly this DID URL, if it signed on the day in question.

        Issuers cut times to the day (PROFILE.md I-61), so the day is what counts. UntrustedIssuerError: there is no
        such key, it was withdrawn, or it did not sign that day. UndecidedError: the badge is younger than the archive.
        """
        found = next((key for key in self.keys if key.kid == kid), None)
        if found is None or found.withdrawn_at is not None:
            raise UntrustedIssuerError("the archive has no such key, or it was withdrawn")
        day = signed_at.date()
        if day > self.created_at.date():
            raise UndecidedError("signed after the archive was made")
        if day < found.created_at.date() or (found.retired_at is not None and day > found.retired_at.date()):
            raise UntrustedIssuerError("the key did not sign at that time")
        return found.key

    def find_file(self, kind: str, name: object) -> bytes | None:
        """Return what stood under this name, None when that is not in the archive."""
        return next((file.content for file in self.files if (file.kind, file.name) == (kind, name)), None)


def create_archive(
    *,
    did: str,
    organisation: Mapping[str, Any],
    keys: Sequence[ArchivedKey],
    files: Sequence[ArchivedFile],
    signer: Signer,
    kid: str,
    created_at: datetime,
) -> bytes:
    """Write and sign an archive; the signer is one of the keys, by its DID URL."""
    manifest = {
        "version": _VERSION,
        "iss": did,
        "iat": int(created_at.timestamp()),
        "organisation": dict(organisation),
        "keys": [_write_key(key) for key in keys],
        "files": [
            {"kind": file.kind, "name": file.name, "media_type": file.media_type, "sha256": _digest(file.content)}
            for file in files
        ],
    }
    lines = [sign_jwt(manifest, signer=signer, typ=TYP, header={"kid": kid})]
    lines += [base64url.encode(file.content) for file in files]
    return ("\n".join(lines) + "\n").encode("ascii")


def parse_archive(raw: bytes) -> UnverifiedArchive:
    """Read the shape of an archive of at most `MAX_BYTES`, or raise MalformedError; believe nothing of it."""
    if len(raw) > MAX_BYTES:
        raise MalformedError("an archive larger than allowed here")
    # The other lines are counted before they are cut apart, since a file of nothing but line ends would grow tenfold.
    first, line_end, rest = raw.removesuffix(b"\n").partition(b"\n")
    manifest = parse_jwt(_read_ascii(first), max_bytes=_MAX_MANIFEST)
    if len(_entries(manifest.payload, "files")) != rest.count(b"\n") + len(line_end):
        raise MalformedError("an archive with more or fewer files than it names")
    lines = _read_ascii(rest).split("\n") if line_end else []
    return UnverifiedArchive(manifest, lines)


def verify_archive(archive: UnverifiedArchive, *, signer_thumbprints: Collection[str]) -> VerifiedArchive:
    """Check an archive against the keys of which one is expected to have signed it, and return it.

    (1) The header names a key of the archive that still signed then, with an expected thumbprint. (2) The signature
    is that key's. Before that nothing else is read: strangers bring archives too. (3) Every file has the digest that
    was signed, and no name stands for two.
    """
    payload = archive.manifest.payload
    if payload.get("version") != _VERSION:
        raise MalformedError("a version of the archive that is not known here")
    did = get_text(payload, "iss")
    kid = archive.manifest.header.get("kid")
    named = next((members for members in _entries(payload, "keys") if members.get("kid") == kid), None)
    signer = None if named is None else _read_key(named, did)
    if signer is None or not signer.signs or signer.key.thumbprint not in signer_thumbprints:
        raise UntrustedIssuerError("not signed with the expected key")
    verify_jwt(archive.manifest, key=signer.key, typ=TYP, algorithms=ALGORITHMS)
    keys = [_read_key(members, did) for members in _entries(payload, "keys")]
    _require_distinct([key.kid for key in keys])
    entries = _entries(payload, "files")
    files = [_read_file(members, line) for members, line in zip(entries, archive.lines, strict=True)]
    _require_distinct([(file.kind, file.name) for file in files])
    organisation = as_object(payload.get("organisation"), "'organisation'")
    made_at, document = get_numeric_date(payload, "iat"), _create_did_document(did, keys)
    return VerifiedArchive(did, made_at, organisation, keys, files, document)


def _create_did_document(did: str, keys: Sequence[ArchivedKey]) -> DidDocument:
    named = [(key.kid.removeprefix(f"{did}#"), key.key) for key in keys if key.withdrawn_at is None]
    return parse_did_document(create_did_web_document(did, named), did=did)


def _write_key(key: ArchivedKey) -> dict[str, Any]:
    times = {"created_at": key.created_at, "retired_at": key.retired_at, "withdrawn_at": key.withdrawn_at}
    written = {name: int(moment.timestamp()) for name, moment in times.items() if moment is not None}
    return {"kid": key.kid, "publicKeyJwk": key.key.jwk, **written}


def _read_key(members: Mapping[str, Any], did: str) -> ArchivedKey:
    kid = get_text(members, "kid")
    if not kid.startswith(f"{did}#"):
        raise MalformedError("an archive with another issuer's key")
    return ArchivedKey(
        kid=kid,
        key=parse_public_jwk(members.get("publicKeyJwk")),
        created_at=get_numeric_date(members, "created_at"),
        retired_at=find_numeric_date(members, "retired_at"),
        withdrawn_at=find_numeric_date(members, "withdrawn_at"),
    )


def _read_file(members: Mapping[str, Any], line: str) -> ArchivedFile:
    content = base64url.decode(line)
    if get_text(members, "sha256") != _digest(content):
        raise InvalidSignatureError("a file of the archive is not the one that was signed")
    kind, name, media_type = (get_text(members, member) for member in ("kind", "name", "media_type"))
    return ArchivedFile(kind, name, media_type, content)


def _entries(payload: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return () if payload.get(name) == [] else find_objects(payload, name)


def _require_distinct(names: Sequence[object]) -> None:
    if len(set(names)) != len(names):
        raise MalformedError("an archive that names something twice")


def _read_ascii(text: bytes) -> str:
    try:
        return text.decode("ascii")
    except UnicodeDecodeError as exc:
        raise MalformedError("an archive that is not ASCII text") from exc


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()

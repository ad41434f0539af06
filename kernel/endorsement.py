"""What others say of a badge: EndorsementCredentials, each signed by its own issuer and verified in its own right.

Open Badges 3.0 Appendix B (EndorsementCredential) and §9.2; PROFILE.md B-09, A-50. An endorsement inside a badge is a
claim of whoever put it there, until its own signature, time, status and subject were checked here. Whether its issuer
is one that the reader recognises is still another question, and the caller's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from kernel.data_integrity import FindKey, parse_proofs, verify_credential
from kernel.errors import (
    CredentialError,
    ExpiredError,
    MalformedError,
    NotYetValidError,
    RejectedError,
    TooLargeError,
    UndecidedError,
    UntrustedIssuerError,
)
from kernel.json_ld import ContextStore
from kernel.jwt import LEEWAY, UnverifiedJwt, find_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.open_badges import (
    CREDENTIALS_V2,
    OPEN_BADGES_3_0_3,
    EndorsedThing,
    Endorsement,
    format_date_time,
    parse_date_time,
    read_many,
    verify_endorsement_shape,
)
from kernel.open_badges.reading import read_object, read_text
from kernel.open_badges.view import DC_SD_JWT, BadgeParts, read_parts
from kernel.report import Outcome

# B-20: the form of Open Badges, and that of VC-JOSE-COSE.
_JWT_TYPES: Final = frozenset({"JWT", "vc+jwt"})
# Each costs a signature and a canonical form; those after it are not looked at.
MAX_ENDORSEMENTS: Final = 16

# Raises where an endorsement with a `credentialStatus` was withdrawn (RejectedError) or nobody knows (UndecidedError).
VerifyStatus = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class VerifiedEndorsement:
    """An endorsement whose signature, time and status hold, and that is about what it was found on."""

    issuer: str
    document: Mapping[str, Any]
    subject_id: str
    comment: str | None
    key: PublicKey


@dataclass(frozen=True, slots=True)
class EndorsementPolicy:
    """How endorsements are verified: whose keys, by which algorithms, and when."""

    find_key: FindKey
    verify_status: VerifyStatus
    cryptosuites: frozenset[str]
    algorithms: frozenset[str]
    now: datetime
    contexts: ContextStore | None = None


# Creating


def create_endorsement(
    *,
    endorsement_id: str,
    issuer_profile: Mapping[str, Any],
    subject_id: str,
    name: str,
    comment: str | None,
    valid_from: datetime,
    valid_until: datetime | None = None,
) -> dict[str, Any]:
    """Return an unsigned EndorsementCredential about the thing with this identifier. B-09.

    Sign it with `kernel.data_integrity.add_proof` to embed it in a badge, or with `sign_endorsement`.
    """
    subject = {"id": subject_id, "type": ["EndorsementSubject"]}
    document = {
        "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
        "id": endorsement_id,
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "name": name,
        "issuer": dict(issuer_profile),
        "validFrom": _format(valid_from),
        **({} if valid_until is None else {"validUntil": _format(valid_until)}),
        "credentialSubject": subject if comment is None else {**subject, "endorsementComment": comment},
    }
    verify_endorsement_shape(document)
    return document


def sign_endorsement(document: Mapping[str, Any], *, signer: Signer, key_id: str) -> str:
    """Return an EndorsementCredential as a compact JWS, for `endorsementJwt`. Open Badges 3.0 §8.2, B-20."""
    claims = {**document, **_registered_claims(document)}
    return sign_jwt(claims, signer=signer, typ="JWT", header={"kid": key_id})


def _format(moment: datetime) -> str:
    return format_date_time(int(moment.timestamp()))


def _registered_claims(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the credential says, once more under the names of JWT. Open Badges 3.0 §8.2.4."""
    dates = {"nbf": document["validFrom"], "exp": document.get("validUntil")}
    return {
        "iss": read_text(read_object(document, "issuer"), "id") or document["issuer"],
        "jti": document["id"],
        "sub": document["credentialSubject"]["id"],
        **{name: int(parse_date_time(date).timestamp()) for name, date in dates.items() if date is not None},
    }


# Verifying


def verify_endorsement(
    endorsement: object, *, endorsed: frozenset[str], policy: EndorsementPolicy
) -> VerifiedEndorsement:
    """Check one endorsement, JSON with embedded proof or a compact JWS, in its own right. B-09, A-50, K-60.

    `endorsed` are the identifiers of what it was found on: it has to be about one of them. Raises CredentialError;
    UndecidedError where a key or a status could not be had.
    """
    # (1) Signed by its own issuer.
    issuer, document, key = _verify_signature(endorsement, policy)
    # (2) An endorsement with all that belongs to one, within its time.
    verify_endorsement_shape(document)
    _verify_validity(document, policy.now)
    # (3) About this badge, and not taken from another one.
    subject = document["credentialSubject"]
    if subject["id"] not in endorsed:
        raise RejectedError("an endorsement of something else")
    # (4) Not withdrawn; asked last, since the world is asked only for what holds so far.
    if "credentialStatus" in document:
        policy.verify_status(document)
    return VerifiedEndorsement(issuer, document, subject["id"], read_text(subject, "endorsementComment"), key)


def _verify_signature(endorsement: object, policy: EndorsementPolicy) -> tuple[str, Mapping[str, Any], PublicKey]:
    if isinstance(endorsement, str):
        return _verify_jwt(parse_jwt(endorsement), policy)
    if not isinstance(endorsement, Mapping):
        raise MalformedError("an endorsement that is no credential")
    secured = verify_credential(
        endorsement,
        find_key=policy.find_key,
        cryptosuites=policy.cryptosuites,
        now=policy.now,
        contexts=policy.contexts,
    )
    signed = next(held for held in secured.proofs if held.proof.controller == secured.issuer)
    return secured.issuer, secured.document, signed.key


def _verify_jwt(token: UnverifiedJwt, policy: EndorsementPolicy) -> tuple[str, Mapping[str, Any], PublicKey]:
    """Open Badges 3.0 §8.2.6, with the key that the issuer lists and no other: a `jwk` in the header proves nothing."""
    document, kid = token.payload, token.header.get("kid")
    verify_endorsement_shape(document)
    expected = _registered_claims(document)
    if not isinstance(kid, str) or kid.partition("#")[0] != expected["iss"]:
        raise UntrustedIssuerError("an endorsement that does not name a key of its issuer")
    key = policy.find_key(kid, "assertionMethod")
    verify_jwt(token, key=key, typ=_JWT_TYPES, algorithms=policy.algorithms)
    if any(document.get(name) != value for name, value in expected.items() if name not in ("nbf", "exp")):
        raise MalformedError("a JWT claim that says something else than the endorsement in it")
    if any(_seconds(document, name) != expected.get(name) for name in ("nbf", "exp")):
        raise MalformedError("a JWT date that says something else than the endorsement in it")
    verify_times(document, now=policy.now)
    return str(expected["iss"]), document, key


def _seconds(claims: Mapping[str, Any], name: str) -> int | None:
    date = find_numeric_date(claims, name)
    return None if date is None else int(date.timestamp())


def _verify_validity(document: Mapping[str, Any], now: datetime) -> None:
    if parse_date_time(document["validFrom"]) > now + LEEWAY:
        raise NotYetValidError("an endorsement whose time has not come")
    if "validUntil" in document and parse_date_time(document["validUntil"]) <= now - LEEWAY:
        raise ExpiredError("an endorsement whose time has passed")


# In a badge


def check_endorsements(claims: Mapping[str, Any], format: str, *, policy: EndorsementPolicy) -> tuple[Endorsement, ...]:
    """Check what is said of a badge and of who stands behind it, and tell of each how that ended. B-09, A-50.

    For a badge that was verified itself. An endorsement counts only where it is about the thing that it stands on;
    on the credential it may be about anything in it. Endorsements of endorsers are not followed.
    """
    return tuple(_check(thing, ids, raw, policy) for thing, ids, raw in _find_endorsements(claims, format))


def has_endorsements(claims: Mapping[str, Any], format: str) -> bool:
    """Tell whether anybody says anything of a badge, before anything is done about it."""
    return next(_find_endorsements(claims, format), None) is not None


def list_verification_methods(claims: Mapping[str, Any], format: str) -> tuple[str, ...]:
    """Return the keys that the endorsements of a badge name, for whoever has to fetch them before `find_key` can."""
    methods = [method for _, _, raw in _find_endorsements(claims, format) for method in _methods(raw)]
    return tuple(dict.fromkeys(methods))


def _methods(raw: object) -> list[str]:
    try:
        if isinstance(raw, Mapping):
            return [proof.verification_method for proof in parse_proofs(raw)]
        kid = parse_jwt(raw).header.get("kid")
    except CredentialError:
        return []
    return [kid] if isinstance(kid, str) else []


def _find_endorsements(
    claims: Mapping[str, Any], format: str
) -> Iterator[tuple[EndorsedThing, frozenset[str], object]]:
    """Return the first endorsements, each with what it stands on and the identifiers that it may be about."""
    things = _read_things(_read_known_parts(claims, format))
    identifiers = {thing: read_text(value, "id") for thing, value in things.items()}
    found = (
        (thing, identifiers.values() if thing == "credential" else [identifiers[thing]], raw)
        for thing, value in things.items()
        for raw in (*read_many(value, "endorsement"), *read_many(value, "endorsementJwt"))
    )
    for thing, ids, raw in islice(found, MAX_ENDORSEMENTS):
        yield thing, frozenset(identifier for identifier in ids if identifier is not None), raw


def _read_known_parts(claims: Mapping[str, Any], format: str) -> BadgeParts:
    """In an SD-JWT VC the creator's profile stands for the issuer, which is so only where it has the signer's name."""
    parts = read_parts(claims, format)
    if format != DC_SD_JWT or read_text(parts.issuer, "id") == read_text(claims, "iss"):
        return parts
    return replace(parts, issuer={}, creator=parts.issuer)


def _read_things(parts: BadgeParts) -> dict[EndorsedThing, Mapping[str, Any]]:
    return {
        "achievement": parts.achievement,
        "issuer": parts.issuer,
        "creator": parts.creator,
        "source": parts.source,
        "credential": parts.credential,
    }


def _check(thing: EndorsedThing, ids: frozenset[str], raw: object, policy: EndorsementPolicy) -> Endorsement:
    document = _read_unverified(raw)
    issuer = read_object(document, "issuer")
    said = Endorsement(
        endorser_id=read_text(issuer, "id") or read_text(document, "issuer"),
        endorser_name=read_text(issuer, "name"),
        comment=read_text(read_object(document, "credentialSubject"), "endorsementComment"),
        endorsed=thing,
        outcome=Outcome.UNKNOWN,
    )
    try:
        verified = verify_endorsement(raw, endorsed=ids, policy=policy)
    except (UndecidedError, TooLargeError) as error:
        return replace(said, error_code=error.code)
    except CredentialError as error:
        return replace(said, outcome=Outcome.FAILED, error_code=error.code)
    since = parse_date_time(verified.document["validFrom"])
    return replace(said, outcome=Outcome.PASSED, endorser_key=verified.key, issued_at=since)


def _read_unverified(raw: object) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    try:
        return parse_jwt(raw).payload
    except CredentialError:
        return {}

"""What a person agrees to with the same signature that shows a credential. OpenID4VP 1.0 §5.1, §8.4, B.3.3; W-54.

A verifier sends texts; the wallet shows what they say and hashes them as they came; the hashes stand in the Key Binding
JWT. Only SD-JWT has a place for them, so each must name a credential of such a format.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kernel import base64url
from kernel.dcql import DcqlQuery
from kernel.errors import CredentialError, HolderBindingError, RejectedError
from kernel.formats.credential import DC_SD_JWT, VC_SD_JWT
from kernel.members import as_array, as_text, as_unique_texts, get_text
from kernel.openid4vp.error_codes import INVALID_TRANSACTION_DATA, UnsupportedRequestError
from kernel.sd_jwt import DEFAULT_HASH, TransactionDataHashes
from kernel.strict_json import encode_json, parse_json_object

# Our one type: a text to which somebody agrees, `title` and `text`, both plain and meant to be read in full.
AGREEMENT: Final = "urn:skillswallet:agreement"
MAX_TITLE: Final = 200
MAX_AGREEMENT: Final = 4000
# The formats in which a holder can agree to something. B.3.3.
TRANSACTION_DATA_FORMATS: Final = frozenset({DC_SD_JWT, VC_SD_JWT})

_MAX_ENTRIES: Final = 8
# All that an agreement has: what is signed unseen is nothing that somebody agreed to.
_MEMBERS: Final = frozenset({"type", "credential_ids", "transaction_data_hashes_alg", "title", "text"})
# Control characters, and those that command a direction of writing: no page prints them, so nobody reads them.
_UNREADABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HASHES: Final = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class TransactionData:
    """One thing to agree to. `raw` is the text as it was sent, over which the hash is made.

    `hash_algorithms` is empty where none are named: then it is sha-256. `members` holds everything, `text` included.
    """

    raw: str
    type: str
    credential_ids: tuple[str, ...]
    hash_algorithms: tuple[str, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict, repr=False)


def find_unreadable(*, title: str, text: str) -> Literal["title", "text"] | None:
    """Say which of the words of an agreement nobody would read as they are signed: none, too many, or unseen ones."""
    if not title or len(title) > MAX_TITLE or _UNREADABLE.search(title):
        return "title"
    return "text" if not text or len(text) > MAX_AGREEMENT or _UNREADABLE.search(text) else None


def create_agreement(*, title: str, text: str, credential_ids: Sequence[str]) -> TransactionData:
    """Return a text for somebody to agree to, with any one of these credentials."""
    members = {
        "type": AGREEMENT,
        "credential_ids": list(credential_ids),
        "transaction_data_hashes_alg": [DEFAULT_HASH],
        "title": title,
        "text": text,
    }
    return _parse(base64url.encode(encode_json(members)), frozenset({AGREEMENT}))


def parse_transaction_data(
    value: object, *, known_types: Collection[str], query: DcqlQuery
) -> tuple[TransactionData, ...]:
    """Read `transaction_data`, or raise UnsupportedRequestError for all that is wrong with it. §5.1, §8.5.

    One type that is not known, or whose content is not as its type says, spoils the request: nobody agrees to half.
    """
    try:
        entries = tuple(_parse(raw, known_types) for raw in as_array(value, "transaction data", limit=_MAX_ENTRIES))
        for entry in entries:
            _require_usable_credential(entry, query)
    except CredentialError as exc:
        raise UnsupportedRequestError(INVALID_TRANSACTION_DATA, exc.detail) from exc
    return entries


def select_hash_algorithm(chosen: Sequence[TransactionData]) -> str:
    """Return an algorithm with which all of these may be hashed, or raise UnsupportedRequestError. B.3.3.1."""
    for algorithm in _HASHES:
        if all(_allows(entry, algorithm) for entry in chosen):
            return algorithm
    raise UnsupportedRequestError(INVALID_TRANSACTION_DATA, "no hash algorithm that all transaction data allow")


def transaction_data_hashes(chosen: Sequence[TransactionData], algorithm: str) -> tuple[str, ...]:
    """Return the hashes to sign: each over the text as it came, nothing decoded. B.3.3.1."""
    return tuple(base64url.encode(_HASHES[algorithm](entry.raw.encode("ascii")).digest()) for entry in chosen)


def verify_transaction_data(
    sent: Sequence[TransactionData], query_id: str, signed: TransactionDataHashes
) -> tuple[TransactionData, ...]:
    """Return what the holder agreed to with one presentation, or raise HolderBindingError. §8.4, B.3.3.1.

    Every hash must be that of something which was sent, and which this credential may answer for; by an algorithm
    that it allows, and that is named where the request named any. Whether all was agreed to, the caller sees.
    """
    if not signed.hashes and signed.algorithm is None:
        return ()
    algorithm = signed.algorithm or DEFAULT_HASH
    usable = [entry for entry in sent if query_id in entry.credential_ids and _allows(entry, algorithm)]
    by_hash = dict(zip(transaction_data_hashes(usable, algorithm), usable, strict=True)) if usable else {}
    if not signed.hashes or len(set(signed.hashes)) != len(signed.hashes) or not by_hash.keys() >= set(signed.hashes):
        raise HolderBindingError("something else was signed than what was to be agreed to")
    agreed = tuple(by_hash[each] for each in signed.hashes)
    if signed.algorithm is None and any(entry.hash_algorithms for entry in agreed):
        raise HolderBindingError("hashes by an algorithm that is not named")
    return agreed


def _parse(raw: object, known_types: Collection[str]) -> TransactionData:
    text = as_text(raw, "transaction data")
    members = parse_json_object(base64url.decode(text))
    kind = get_text(members, "type")
    if kind not in known_types:
        raise RejectedError("transaction data of a type that is not known here")
    if kind == AGREEMENT:
        _require_agreement(members)
    named = "transaction_data_hashes_alg"
    return TransactionData(
        raw=text,
        type=kind,
        credential_ids=as_unique_texts(members.get("credential_ids"), "'credential_ids'"),
        hash_algorithms=as_unique_texts(members[named], repr(named)) if named in members else (),
        members=members,
    )


def _require_agreement(members: Mapping[str, Any]) -> None:
    """What is signed is what is read: no member besides, nothing too long, nothing that cannot be seen. §8.5."""
    if not members.keys() <= _MEMBERS:
        raise RejectedError("an agreement with a member that nobody would see")
    unreadable = find_unreadable(title=get_text(members, "title"), text=get_text(members, "text"))
    if unreadable is not None:
        raise RejectedError(f"an agreement whose {unreadable!r} nobody would read")


def _require_usable_credential(entry: TransactionData, query: DcqlQuery) -> None:
    """Every credential must be asked for, with holder binding; and one of them in a format that can carry it. B.3.3."""
    asked = [query.find(query_id) for query_id in entry.credential_ids]
    if not all(wanted is not None and wanted.require_cryptographic_holder_binding for wanted in asked):
        raise RejectedError("transaction data for a credential that is not asked for, or without holder binding")
    if not any(wanted is not None and wanted.format in TRANSACTION_DATA_FORMATS for wanted in asked):
        raise RejectedError("transaction data for credentials in formats that cannot carry it")
    select_hash_algorithm([entry])


def _allows(entry: TransactionData, algorithm: str) -> bool:
    return algorithm in (entry.hash_algorithms or (DEFAULT_HASH,))

"""Selective disclosure for JWTs: conceal claims, reveal them, present a choice of them, bind it to a holder. RFC 9901.

Four rules run through this file. A digest is taken over the text of a disclosure as it was received,
never over JSON written anew (§4.2.3). Claims are read from the processed payload that `reveal` builds and
nowhere else (§7.1). A place in a credential is named by its claims path in the payload with *every*
disclosure revealed, so that decoys and withheld array elements shift nothing. And what may never be hidden
is told by the caller (`protected`), since only the credential format knows it (§9.7).

The JWS JSON serialisation (§8, optional) is not supported.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from kernel import base64url
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    DisclosureError,
    HolderBindingError,
    MalformedError,
    NonceError,
    RejectedError,
    TooLargeError,
)
from kernel.jwt import LEEWAY, UnverifiedJwt, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import find_text, find_texts, is_same_text
from kernel.strict_json import (
    MAX_DEPTH,
    encode_json,
    encode_json_each,
    encode_once,
    names_any,
    parse_encoded_json,
)

Step = str | int | None
ClaimsPath = tuple[Step, ...]
Hasher = Callable[[bytes], Any]
DecoyPolicy = Callable[[ClaimsPath, int], int]

KEY_BINDING_TYP: Final = "kb+jwt"
DEFAULT_HASH: Final = "sha-256"
# PROFILE.md K-86.
MAX_CHARACTERS: Final = 512 * 1024
MAX_DISCLOSURES: Final = 1_000
# 144 bits: more than the 128 that §9.3 asks for, and 24 characters of base64url exactly.
_SALT_BYTES: Final = 18
_SALT_CHARACTERS: Final = 24
_SALTS_AT_ONCE: Final = 16
# Names of the IANA "Named Information Hash Algorithm" registry; weaker ones are not understood (§4.1.1).
_HASHES: Final[Mapping[str, Hasher]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
_RESERVED: Final = frozenset({"_sd", "..."})
_ARRAYS: Final = (list, tuple)
_CONTAINERS: Final = (dict, list)
_TEXT: Final = frozenset({str})
_LISTS: Final = frozenset({list})
# Of a disclosure: a salt and a value, and a name between them where it is one of an object's.
_SIZES: Final = frozenset({2, 3})
_NO_DISCLOSURE: Final = "a disclosure that is no array of a salt, a name perhaps, and a value"
_NOTHING_THERE: Final = "a claims path that leads to nothing in this credential"


class Disclosure(NamedTuple):
    """One hidden claim: the text that travels, what it says, and the digest that stands in its place. §4.2."""

    raw: str
    salt: str
    name: str | None
    value: Any
    digest: str

    def __repr__(self) -> str:
        """Without what it discloses. A-55."""
        return f"Disclosure(digest={self.digest!r})"


class SdJwt(NamedTuple):
    """The parts of an SD-JWT or SD-JWT+KB. Nothing in it has been verified. §4."""

    raw: str
    issuer_jwt: UnverifiedJwt
    disclosures: tuple[Disclosure, ...]
    key_binding_jwt: str | None
    hash_algorithm: str

    def __repr__(self) -> str:
        """Without its claims, which may be about a person and would end up in a log. A-55."""
        return f"SdJwt(of {len(self.disclosures)} disclosures)"

    @property
    def presented(self) -> str:
        """Everything before the Key Binding JWT, the last tilde included: what `sd_hash` covers. §4.3.1."""
        return self.raw[: self.raw.rindex("~") + 1]


def create_salts() -> Iterator[str]:
    """Yield fresh random salts of 144 bits. §9.3.

    The operating system is asked for several at a time; what is left over dies with the run that asked.
    """
    while True:
        text = base64url.encode(os.urandom(_SALT_BYTES * _SALTS_AT_ONCE))
        for begin in range(0, len(text), _SALT_CHARACTERS):
            yield text[begin : begin + _SALT_CHARACTERS]


# Issuing


def conceal(
    claims: Mapping[str, Any],
    *,
    disclosable: Iterable[ClaimsPath],
    decoys: int | DecoyPolicy = 0,
    salts: Iterable[str] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Return the payload to sign, with a digest in place of every disclosable claim, and the disclosures. §4.2, §6.

    `None` in a path stands for each element of an array. A path below another disclosable path makes a
    recursive disclosure (§6.3). A path that leads nowhere is an error of the caller (ValueError), because
    a misspelt one would publish what should be hidden. `decoys` is a number for every object and array in
    which something is hidden, or a function that is asked, for every object and array on a disclosable
    path, with that path and the number of hidden entries (§4.2.7). `salts` are for published examples only.
    """
    _require_unreserved(claims)
    return _conceal(claims, disclosable, decoys, create_salts() if salts is None else salts)


class ConcealTemplate:
    """Claims that are to be concealed again and again with other values at the top; what stays is read once.

    Each run has salts and decoys of its own, and gives what `conceal` would have given.
    """

    def __init__(
        self, claims: Mapping[str, Any], *, disclosable: Iterable[ClaimsPath], decoys: int | DecoyPolicy = 0
    ) -> None:
        _require_unreserved(claims)
        self._disclosable, self._decoys = list(disclosable), decoys
        _hidden, below = _sort_paths(self._disclosable)
        self._claims = {name: _encode_constants(member, below.get(name, [])) for name, member in claims.items()}

    def fill(self, differing: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return payload and disclosures of the claims with these in place of those of the same names."""
        _require_unreserved(differing)
        return _conceal({**self._claims, **differing}, self._disclosable, self._decoys, create_salts())


def _require_unreserved(claims: Mapping[str, Any]) -> None:
    if names_any(encode_json(claims), _RESERVED):
        raise MalformedError("a claim may not be called _sd or ...")
    if "_sd_alg" in claims:
        raise MalformedError("a claim may not be called _sd_alg")


def _encode_constants(value: Any, wanted: Sequence[ClaimsPath]) -> Any:
    """The same value, with the JSON text in place of each object and array in which nothing is to be hidden."""
    if not isinstance(value, (Mapping, *_ARRAYS)):
        return value
    if not wanted:
        return encode_once(value)
    _hidden, below = _sort_paths(wanted)
    if isinstance(value, Mapping):
        return {name: _encode_constants(member, below.get(name, [])) for name, member in value.items()}
    everywhere = below.get(None, [])
    return [_encode_constants(element, everywhere + below.get(index, [])) for index, element in enumerate(value)]


def _conceal(
    claims: Mapping[str, Any], disclosable: Iterable[ClaimsPath], decoys: int | DecoyPolicy, salts: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    concealing = _Concealing(decoys, iter(salts))
    payload = concealing.conceal_object(claims, disclosable, ())
    payload["_sd_alg"] = DEFAULT_HASH
    return payload, concealing.disclosures


class _Concealing:
    """One run of `conceal`: the choices of the caller, and the disclosures made so far."""

    def __init__(self, decoys: int | DecoyPolicy, salts: Iterator[str]) -> None:
        self._decoys = decoys
        self._salts = salts
        self.disclosures: list[str] = []

    def conceal_object(
        self, value: Mapping[str, Any], wanted: Iterable[ClaimsPath], path: ClaimsPath
    ) -> dict[str, Any]:
        hidden, below = _sort_paths(wanted)
        if not hidden | below.keys() <= value.keys():
            raise ValueError(f"no such claim to conceal below {path}: {(hidden | below.keys()) - value.keys()}")
        result: dict[str, Any] = {}
        made: list[list[Any]] = []
        for name, member in value.items():
            opened = self._conceal_below(member, below[name], (*path, name)) if name in below else member
            if name in hidden:
                made.append([next(self._salts), name, opened])
            else:
                result[name] = opened
        digests = self._hide(made, path)
        if digests:
            # Sorted: where a digest stands says nothing about which claim it hides (§4.2.4.1).
            result["_sd"] = sorted(digests)
        return result

    def _conceal_array(self, value: Sequence[Any], wanted: Iterable[ClaimsPath], path: ClaimsPath) -> list[Any]:
        hidden, below = _sort_paths(wanted)
        if not hidden | below.keys() <= {None, *range(len(value))}:
            raise ValueError(f"no such element to conceal below {path}")
        result: list[Any] = []
        made: list[list[Any]] = []
        places: list[dict[str, str]] = []
        for index, element in enumerate(value):
            tails = below.get(None, []) + below.get(index, [])
            opened = self._conceal_below(element, tails, (*path, index)) if tails else element
            if None in hidden or index in hidden:
                made.append([next(self._salts), opened])
                opened = {}
                places.append(opened)
            result.append(opened)
        digests = self._hide(made, path)
        for place, digest in zip(places, digests, strict=False):
            place["..."] = digest
        # Last, though an element that is shown then tells how many are before it: there are wallets that count decoys
        # when they look for an element, and would show another one in its stead.
        return result + [{"...": decoy} for decoy in digests[len(places) :]]

    def _conceal_below(self, value: Any, wanted: Sequence[ClaimsPath], path: ClaimsPath) -> Any:
        if isinstance(value, dict):
            return self.conceal_object(value, wanted, path)
        if isinstance(value, _ARRAYS):
            return self._conceal_array(value, wanted, path)
        raise ValueError(f"nothing can be concealed below {path}, which is no object or array")

    def _hide(self, made: list[list[Any]], path: ClaimsPath) -> list[str]:
        """Keep these disclosures for the holder, and return their digests for the payload, and after them decoys."""
        disclosures = base64url.encode_each(encode_json_each(made))
        self.disclosures += disclosures
        digests = [hashlib.sha256(raw.encode("ascii")).digest() for raw in disclosures]
        decoys = self._decoys
        if count := decoys(path, len(made)) if callable(decoys) else decoys * bool(made):
            random = os.urandom(32 * count)
            digests += [random[begin : begin + 32] for begin in range(0, len(random), 32)]
        return base64url.encode_all(digests)


def create_disclosure(name: str | None, value: Any, *, salt: str) -> str:
    """Return the disclosure of an object member, or of an array element when `name` is None. §4.2.1, §4.2.2."""
    return base64url.encode(encode_json([salt, value] if name is None else [salt, name, value]))


def _sort_paths(paths: Iterable[ClaimsPath]) -> tuple[set[Step], dict[Step, list[ClaimsPath]]]:
    """Tell the entries that are to be hidden themselves from those with something to hide below them."""
    hidden: set[Step] = set()
    below: dict[Step, list[ClaimsPath]] = {}
    for path in paths:
        if len(path) > 1:
            below.setdefault(path[0], []).append(path[1:])
        elif path:
            hidden.add(path[0])
        else:
            raise ValueError("an empty claims path names nothing")
    return hidden, below


def _digest(text: str, hasher: Hasher) -> str:
    digest: bytes = hasher(text.encode("ascii")).digest()
    return base64url.encode(digest)


# Reading


class _Parts(NamedTuple):
    """What lies between the tildes, the disclosures unread."""

    issuer_jwt: UnverifiedJwt
    disclosures: list[str]
    key_binding_jwt: str | None
    hash_algorithm: str


def _take_apart(raw: object) -> _Parts:
    if not isinstance(raw, str) or not raw.isascii():
        raise MalformedError("no text, or one that is not ASCII")
    if len(raw) > MAX_CHARACTERS:
        raise TooLargeError("a text that is too long")
    issuer_jwt, tilde, rest = raw.partition("~")
    if not tilde:
        raise MalformedError("an SD-JWT without a tilde")
    *disclosures, key_binding_jwt = rest.split("~")
    if len(disclosures) > MAX_DISCLOSURES:
        raise TooLargeError("an SD-JWT with too many disclosures")
    token = parse_jwt(issuer_jwt)
    hash_algorithm = token.payload.get("_sd_alg", DEFAULT_HASH)
    if not isinstance(hash_algorithm, str) or hash_algorithm not in _HASHES:
        raise AlgorithmNotAllowedError("the _sd_alg is not understood")
    return _Parts(token, disclosures, key_binding_jwt or None, hash_algorithm)


def parse_sd_jwt(raw: str) -> SdJwt:
    """Take an SD-JWT or SD-JWT+KB in compact serialisation apart. §4."""
    parts = _take_apart(raw)
    return SdJwt(
        raw=raw,
        issuer_jwt=parts.issuer_jwt,
        disclosures=_parse_disclosures(parts.disclosures, _HASHES[parts.hash_algorithm]),
        key_binding_jwt=parts.key_binding_jwt,
        hash_algorithm=parts.hash_algorithm,
    )


def parse_disclosure(raw: str, *, hash_algorithm: str = DEFAULT_HASH) -> Disclosure:
    """Read `[salt, name, value]` or `[salt, value]`; the digest is over the text as it came. §4.2.1 to §4.2.3."""
    return _parse_disclosures([raw], _HASHES[hash_algorithm])[0]


def _parse_disclosures(raws: Sequence[str], hasher: Hasher) -> tuple[Disclosure, ...]:
    contents = parse_encoded_json(raws)
    digests = base64url.encode_all([hasher(raw.encode("ascii")).digest() for raw in raws])
    made: list[Disclosure] = []
    for raw, content, digest in zip(raws, contents, digests, strict=True):
        if type(content) is list and len(content) == 3:
            salt, name, value = content
            is_one = type(salt) is type(name) is str
        elif type(content) is list and len(content) == 2:
            salt, value = content
            name, is_one = None, type(salt) is str
        else:
            is_one = False
        if not is_one:
            raise MalformedError(_NO_DISCLOSURE)
        # Without the detour through the constructor, which costs as much again.
        made.append(tuple.__new__(Disclosure, (raw, salt, name, value, digest)))
    return tuple(made)


def reveal(
    payload: Mapping[str, Any], disclosures: Collection[Disclosure], *, protected: frozenset[str]
) -> dict[str, Any]:
    """Return the processed payload: every disclosure in its place, no trace of the mechanism left. §7.1 steps 3 to 5.

    Refused: a digest or a disclosure that occurs twice, a disclosure that no digest refers to or that has
    the wrong length for its place, one that is called `_sd` or `...` or as a member that is already there,
    and anything hidden at or below a top-level member named in `protected`.
    """
    return _Revealing(disclosures, protected).reveal(payload)


class _Revealing:
    """One run of `reveal`: which digests were seen, and where each disclosure found its place."""

    def __init__(self, disclosures: Collection[Disclosure], protected: frozenset[str]) -> None:
        self._by_digest = {disclosure.digest: disclosure for disclosure in disclosures}
        if len(self._by_digest) != len(disclosures):
            raise DisclosureError("the same disclosure twice")
        self._protected = protected | {"_sd_alg"}
        self._seen: set[str] = set()
        self.placed: dict[ClaimsPath, Disclosure] = {}

    def reveal(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        result = self._reveal_object(payload, ())
        if len(self.placed) != len(self._by_digest):
            raise DisclosureError("a disclosure that no digest refers to")
        result.pop("_sd_alg", None)
        return result

    def _reveal_object(self, members: Mapping[str, Any], path: ClaimsPath) -> dict[str, Any]:
        if "..." in members:
            raise DisclosureError("a member ... where no array element stands")
        result = dict(members)
        digests = result.pop("_sd", ())
        for member, value in members.items():
            if type(value) in _CONTAINERS and member != "_sd":
                result[member] = self._reveal_below(value, path, member)
        for disclosure in self._find_all(digests, path) if "_sd" in members else ():
            _, _, name, value, _ = disclosure
            if name is None:
                raise DisclosureError("a disclosure of an array element at the place of an object member")
            if name in result or name in _RESERVED:
                raise DisclosureError("a disclosure that is called as something that is already there")
            if not path and name in self._protected:
                raise DisclosureError("a claim was hidden that must be in the open")
            self.placed[(*path, name)] = disclosure
            result[name] = self._reveal_below(value, path, name) if type(value) in _CONTAINERS else value
        return result

    def _reveal_array(self, elements: list[Any], path: ClaimsPath) -> list[Any]:
        result: list[Any] = []
        for element in elements:
            if type(element) is not dict or "..." not in element:
                result.append(self._reveal_below(element, path, len(result)))
                continue
            if len(element) != 1:
                raise DisclosureError("something else beside the digest of an array element")
            for disclosure in self._find_all([element["..."]], path):
                if disclosure.name is not None:
                    raise DisclosureError("a disclosure of an object member at the place of an array element")
                self.placed[(*path, len(result))] = disclosure
                result.append(self._reveal_below(disclosure.value, path, len(result)))
        return result

    def _reveal_below(self, value: Any, path: ClaimsPath, step: str | int) -> Any:
        kind = type(value)
        if kind not in _CONTAINERS:
            return value
        if len(path) >= MAX_DEPTH:
            raise TooLargeError("claims nested too deeply")
        return self._reveal_object(value, (*path, step)) if kind is dict else self._reveal_array(value, (*path, step))

    def _find_all(self, digests: Any, path: ClaimsPath) -> list[Disclosure]:
        """Return the disclosures of these digests; the rest are decoys, or were not shown. Each digest counts once."""
        if type(digests) is not list or not _TEXT.issuperset(map(type, digests)):
            raise DisclosureError("digests that are no array of text")
        if digests and path and path[0] in self._protected:
            raise DisclosureError("something is hidden that must be in the open")
        before = len(self._seen)
        self._seen.update(digests)
        if len(self._seen) != before + len(digests):
            raise DisclosureError("the same digest twice")
        return [disclosure for disclosure in map(self._by_digest.get, digests) if disclosure is not None]


# Presenting


def disclosable_paths(raw: str) -> dict[ClaimsPath, Any]:
    """Return every claim that its holder may show or keep hidden, by its concrete path, with its revealed value."""
    parsed = parse_sd_jwt(raw)
    revealing = _Revealing(parsed.disclosures, frozenset())
    claims = revealing.reveal(parsed.issuer_jwt.payload)
    return {path: _get_claim(claims, path) for path in revealing.placed}


def present(raw: str, *, disclose: Iterable[ClaimsPath]) -> str:
    """Return the SD-JWT with exactly the disclosures that these concrete paths need, and no more. §7.2.

    A path is one into the claims with everything revealed. What lies on the way to it is disclosed with it,
    what lies hidden below it is not. A path to nothing is refused. Key binding is added by the caller, or by
    `present_bound`. Of each disclosure that is shown, and of no other, it is checked here that its digest stands
    where the path leads (§7.2 step 2): all were judged when the credential was received (`reveal`).
    """
    return _choose(_take_apart(raw), disclose)


def _choose(parts: _Parts, disclose: Iterable[ClaimsPath]) -> str:
    if parts.key_binding_jwt is not None:
        raise MalformedError("a presentation cannot be presented again")
    choosing = _Choosing(parts)
    for path in disclose:
        choosing.open(path)
    kept = [disclosure for index, disclosure in enumerate(parts.disclosures) if index in choosing.opened]
    return "~".join([parts.issuer_jwt.raw, *kept, ""])


class _Choosing:
    """One run of `present`: which disclosures, by their number, had to be opened on the way to the paths."""

    def __init__(self, parts: _Parts) -> None:
        contents = parse_encoded_json(parts.disclosures)
        if not (_LISTS.issuperset(map(type, contents)) and _SIZES.issuperset(map(len, contents))):
            raise MalformedError(_NO_DISCLOSURE)
        self._payload = parts.issuer_jwt.payload
        self._raws = parts.disclosures
        self._names = [content[1] if len(content) == 3 else None for content in contents]
        self._values = [content[-1] for content in contents]
        self._hasher = _HASHES[parts.hash_algorithm]
        self._elements: dict[str, int] | None = None
        self.opened: set[int] = set()

    def open(self, path: ClaimsPath) -> None:
        value: Any = self._payload
        if path[:1] == ("_sd_alg",):
            raise DisclosureError(_NOTHING_THERE)
        for step in path:
            if type(value) is dict and type(step) is str and step not in _RESERVED:
                value = value[step] if step in value else self._open_member(value.get("_sd"), step)
            elif type(value) is list and type(step) is int and step >= 0:
                value = self._open_element(value, step)
            else:
                raise DisclosureError(_NOTHING_THERE)

    def _open_member(self, digests: Any, name: str) -> Any:
        for index, other in enumerate(self._names):
            if other == name and type(digests) is list and _digest(self._raws[index], self._hasher) in digests:
                self.opened.add(index)
                return self._values[index]
        raise DisclosureError(_NOTHING_THERE)

    def _open_element(self, elements: list[Any], wanted: int) -> Any:
        """Count the elements that are in the open and those that could be shown, and pass over the decoys."""
        position = 0
        for element in elements:
            index = None
            if type(element) is dict and "..." in element:
                index = self._find_element(element["..."])
                if index is None:
                    continue
            if position == wanted:
                if index is None:
                    return element
                self.opened.add(index)
                return self._values[index]
            position += 1
        raise DisclosureError(_NOTHING_THERE)

    def _find_element(self, digest: Any) -> int | None:
        if self._elements is None:
            numbers = [index for index, name in enumerate(self._names) if name is None]
            self._elements = {_digest(self._raws[index], self._hasher): index for index in numbers}
        return self._elements.get(digest) if type(digest) is str else None


def _get_claim(claims: Any, path: ClaimsPath) -> Any:
    """Return what stands at a concrete path that `reveal` found."""
    for step in path:
        claims = claims[step]
    return claims


# Key binding


class TransactionDataHashes(NamedTuple):
    """What a holder signed besides the presentation; no algorithm where the holder named none. OpenID4VP B.3.3.1."""

    hashes: tuple[str, ...] = ()
    algorithm: str | None = None


_TRANSACTION_DATA: Final = frozenset({"transaction_data_hashes", "transaction_data_hashes_alg"})
_NOTHING_BESIDES: Final = TransactionDataHashes()


def present_bound(
    raw: str,
    *,
    disclose: Iterable[ClaimsPath],
    signer: Signer,
    audience: str,
    nonce: str,
    now: datetime,
    transaction_data_hashes: Sequence[str] = (),
    transaction_data_hashes_alg: str = DEFAULT_HASH,
) -> str:
    """`present`, and after it the holder's signature, with the hash that the issuer chose. §7.2 steps 1 to 5."""
    parts = _take_apart(raw)
    shown = _choose(parts, disclose)
    return shown + create_key_binding_jwt(
        shown,
        signer=signer,
        audience=audience,
        nonce=nonce,
        now=now,
        hash_algorithm=parts.hash_algorithm,
        transaction_data_hashes=transaction_data_hashes,
        transaction_data_hashes_alg=transaction_data_hashes_alg,
    )


def create_key_binding_jwt(
    sd_jwt: str,
    *,
    signer: Signer,
    audience: str,
    nonce: str,
    now: datetime,
    hash_algorithm: str = DEFAULT_HASH,
    transaction_data_hashes: Sequence[str] = (),
    transaction_data_hashes_alg: str = DEFAULT_HASH,
) -> str:
    """Return the holder's signature over this choice of disclosures, for one verifier and one transaction. §4.3.

    `sd_jwt` ends in its tilde; `hash_algorithm` is the one that its issuer chose (`SdJwt.hash_algorithm`). With
    `transaction_data_hashes` the holder also agrees to what was hashed (OpenID4VP 1.0 §8.4, B.3.3.1).
    """
    payload: dict[str, Any] = {
        "iat": int(now.timestamp()),
        "aud": audience,
        "nonce": nonce,
        "sd_hash": _digest(sd_jwt, _HASHES[hash_algorithm]),
    }
    if transaction_data_hashes:
        payload["transaction_data_hashes"] = list(transaction_data_hashes)
        payload["transaction_data_hashes_alg"] = transaction_data_hashes_alg
    return sign_jwt(payload, signer=signer, typ=KEY_BINDING_TYP)


def verify_key_binding_jwt(
    sd_jwt: SdJwt,
    *,
    key: PublicKey,
    audience: str,
    nonce: str,
    now: datetime,
    algorithms: frozenset[str],
    max_age: timedelta = timedelta(minutes=5),
) -> TransactionDataHashes:
    """Check that the holder of `key` made this presentation, just now, for this verifier and transaction. §7.3 step 5.

    Returns what the holder signed besides; whether that is what was to be agreed to is for the caller, who asked.
    Whether key binding is needed is the caller's policy: who calls this wants it, and a missing Key Binding
    JWT is a refusal. Whether the nonce was handed out and is unspent, only the verifier's database knows.
    """
    # (5.2) to (5.4): algorithm, signature, type.
    payload = _verify_holder_signature(sd_jwt.key_binding_jwt, key=key, algorithms=algorithms, now=now)
    # (5.5): made within an acceptable window.
    _verify_freshness(payload, now=now, max_age=max_age)
    # (5.6): for this verifier and this transaction.
    if payload.get("aud") != audience:
        raise AudienceError("the Key Binding JWT was made for another verifier")
    if not is_same_text(payload.get("nonce"), nonce):
        raise NonceError("the Key Binding JWT was made for another transaction")
    # (5.7): over exactly these disclosures.
    if not is_same_text(payload.get("sd_hash"), _digest(sd_jwt.presented, _HASHES[sd_jwt.hash_algorithm])):
        raise HolderBindingError("the Key Binding JWT was made over other disclosures")
    return _read_transaction_data(payload) if _TRANSACTION_DATA & payload.keys() else _NOTHING_BESIDES


def _read_transaction_data(payload: Mapping[str, Any]) -> TransactionDataHashes:
    try:
        hashes = find_texts(payload, "transaction_data_hashes")
        return TransactionDataHashes(hashes, find_text(payload, "transaction_data_hashes_alg"))
    except MalformedError as exc:
        raise HolderBindingError("hashes of transaction data in another shape") from exc


def _verify_holder_signature(
    raw: str | None, *, key: PublicKey, algorithms: frozenset[str], now: datetime
) -> Mapping[str, Any]:
    if raw is None:
        raise HolderBindingError("a presentation without a Key Binding JWT")
    try:
        token = verify_jwt(raw, key=key, typ=KEY_BINDING_TYP, algorithms=algorithms)
        verify_times(token.payload, now=now)
    except RejectedError as exc:
        raise HolderBindingError(f"the Key Binding JWT was refused: {exc.code}") from exc
    return token.payload


def _verify_freshness(payload: Mapping[str, Any], *, now: datetime, max_age: timedelta) -> None:
    """An `iat` in the future was refused with the other times; here it must be there and not too old."""
    made_at = payload.get("iat")
    if made_at is None or made_at < now.timestamp() - (max_age + LEEWAY).total_seconds():
        raise HolderBindingError("the Key Binding JWT has no date, or is too old")

"""A status host that can be told to misbehave in one way: what an issuer's host gives in the place of its list.

    house.issuer.forge_list = host = StatusHost("rollback")
    …                                          # honest, until
    host.is_lying = True

What it gives is signed as it should be: who hosts a list may have got its key, or kept what was signed before.
Forgeries of the signature itself are in `forgeries.TOKENS`.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from kernel import base64url
from kernel.keys import SoftwareSigner

StatusMisbehaviour = Literal[
    "rollback",
    "list_cut_off",
    "list_too_short",
    "inflating_list",
    "list_about_another_subject",
    "list_of_another_type",
    "list_without_time",
    "ended_list",
    "list_of_three_bits",
]

LIES: Final[tuple[StatusMisbehaviour, ...]] = get_args(StatusMisbehaviour)
"""All of them: each party that reads lists is shown each."""

_INFLATED: Final = 64 * 1024 * 1024


@dataclass
class StatusHost:
    """Honest until it is told otherwise; it remembers the first list that it was given to serve."""

    way: StatusMisbehaviour
    is_lying: bool = False
    first: str = ""

    def __call__(self, token: str, signer: SoftwareSigner) -> str:
        self.first = self.first or token
        if not self.is_lying:
            return token
        return self.first if self.way == "rollback" else _CHANGES[self.way](token, signer)


_Members = dict[str, Any]


def _with(
    claims: Callable[[_Members], _Members] = dict, header: Callable[[_Members], _Members] = dict
) -> Callable[[str, SoftwareSigner], str]:
    """Another payload or header, signed by whom it should be."""

    def change(token: str, signer: SoftwareSigner) -> str:
        read = [json.loads(base64url.decode(part)) for part in token.split(".")[:2]]
        parts = [base64url.encode(json.dumps(part).encode()) for part in (header(read[0]), claims(read[1]))]
        signing_input = ".".join(parts)
        return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode()))}"

    return change


def _with_list(change: Callable[[bytes], bytes]) -> Callable[[str, SoftwareSigner], str]:
    """The same list with other bytes in it."""

    def changed(claims: _Members) -> _Members:
        status_list = claims["status_list"]
        packed = change(base64url.decode(status_list["lst"]))
        return {**claims, "status_list": {**status_list, "lst": base64url.encode(packed)}}

    return _with(changed)


def _without(name: str) -> Callable[[_Members], _Members]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


_CHANGES: Final[Mapping[StatusMisbehaviour, Callable[[str, SoftwareSigner], str]]] = {
    "list_cut_off": _with_list(lambda packed: packed[: len(packed) // 2]),
    "list_too_short": _with_list(lambda _: zlib.compress(b"\x00")),
    "inflating_list": _with_list(lambda _: zlib.compress(bytes(_INFLATED), 9)),
    "list_about_another_subject": _with(lambda claims: {**claims, "sub": "https://elsewhere.example/status/1"}),
    "list_of_another_type": _with(header=lambda members: {**members, "typ": "JWT"}),
    "list_without_time": _with(_without("iat")),
    "ended_list": _with(lambda claims: {**claims, "exp": claims["iat"] - 3600}),
    "list_of_three_bits": _with(lambda claims: {**claims, "status_list": {**claims["status_list"], "bits": 3}}),
}

"""Who misbehaves how, and where: every way of every simulator runs over real HTTP, every attack is shown where it aims.

The simulated parties are in `tests/support` (and the federation in `tests/flows/test_federation.py`); the attacks are
those of docs/requirements.csv, A-01 to A-57. Which tests show them at which service, docs/conformance.md lists.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final, get_args

import pytest

from docs.make_conformance import find_tests, requirement_ids
from tests.flows.test_federation import LIES, Lie
from tests.support import (
    simulated_badge_platform,
    simulated_issuer,
    simulated_verifier,
    simulated_wallet,
    status_host,
)
from tests.support.simulated_authorization_server import ServerMisbehaviour
from tests.support.status_host import StatusMisbehaviour

TESTS = Path(__file__).parent
OVER_HTTP = "\npytestmark = pytest.mark.over_http\n"
WAYS = {
    "issuer": get_args(simulated_issuer.Misbehaviour),
    "authorization server": get_args(ServerMisbehaviour),
    "verifier": get_args(simulated_verifier.Misbehaviour),
    "federation": get_args(Lie),
    "platform": get_args(simulated_badge_platform.PlatformMisbehaviour),
    "wallet": tuple(each.name for each in fields(simulated_wallet.Misbehaviour)),
    "status host": get_args(StatusMisbehaviour),
}
AT_BOTH = ("status host",)
"""What these do concerns whoever reads a badge: it is tried at the wallet and at the verifier."""

ISSUER, WALLET, VERIFIER, FLOWS = "issuer", "wallet", "verifier", "flows"
EVERYWHERE = (ISSUER, WALLET, VERIFIER)
AIMS: Final[Mapping[str, tuple[str, ...]]] = {
    "A-01": EVERYWHERE,
    "A-02": EVERYWHERE,
    "A-03": EVERYWHERE,
    "A-04": EVERYWHERE,
    "A-05": EVERYWHERE,
    "A-06": EVERYWHERE,
    "A-07": EVERYWHERE,
    "A-08": EVERYWHERE,
    "A-09": EVERYWHERE,
    "A-10": EVERYWHERE,
    "A-11": (WALLET, VERIFIER),
    "A-12": (WALLET, VERIFIER),
    "A-13": (WALLET, VERIFIER),
    "A-14": (WALLET, VERIFIER),
    "A-15": (WALLET, VERIFIER),
    "A-16": (VERIFIER, FLOWS),
    "A-17": (WALLET, VERIFIER, FLOWS),
    "A-18": (VERIFIER, FLOWS),
    "A-19": (WALLET, VERIFIER),
    "A-20": (WALLET, VERIFIER),
    "A-21": EVERYWHERE,
    "A-22": (ISSUER,),
    "A-23": (ISSUER,),
    "A-24": (ISSUER, FLOWS),
    "A-25": (ISSUER, FLOWS),
    "A-26": (WALLET,),
    "A-27": (ISSUER, WALLET),
    "A-28": (ISSUER, WALLET),
    "A-29": (ISSUER, WALLET),
    "A-30": (ISSUER,),
    "A-31": (ISSUER, WALLET),
    "A-32": (ISSUER, WALLET),
    "A-33": (ISSUER, WALLET),
    "A-34": (WALLET,),
    "A-35": (WALLET, VERIFIER),
    "A-36": (VERIFIER, FLOWS),
    "A-37": (VERIFIER, FLOWS),
    "A-38": (WALLET,),
    "A-39": (WALLET,),
    "A-40": EVERYWHERE,
    "A-42": EVERYWHERE,
    "A-43": EVERYWHERE,
    "A-45": (ISSUER, FLOWS),
    "A-46": EVERYWHERE,
    "A-47": (*EVERYWHERE, FLOWS),
    "A-48": (ISSUER, WALLET, FLOWS),
    "A-49": (WALLET, VERIFIER),
    "A-50": EVERYWHERE,
    "A-53": EVERYWHERE,
    "A-54": EVERYWHERE,
    "A-55": (*EVERYWHERE, FLOWS),
    "A-56": (ISSUER, WALLET),
    "A-57": (FLOWS,),
}
"""At whom each attack aims. Not here: A-41, A-44, A-51, A-52 and A-58, which concern pages, files and management."""


@pytest.mark.parametrize("party", WAYS)
def test_every_way_to_misbehave_is_tried_over_http(party: str) -> None:
    modules = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")]
    over_http = [text for text in modules if OVER_HTTP in text]
    assert set(LIES) == set(get_args(Lie)) - {""}
    missing = [way for way in WAYS[party] if way and not any(is_tried(party, way, text) for text in over_http)]
    assert missing == []


def is_tried(party: str, way: str, text: str) -> bool:
    """A simulated wallet is told what to do otherwise by a field of its misbehaviour; the others by a word.

    Of a status host all words are tried where its list of them is.
    """
    if party == "status host" and "from tests.support.status_host import LIES" in text:
        return 'parametrize("way", LIES)' in text and way in status_host.LIES
    return f"Misbehaviour({way}=" in text if party == "wallet" else f'"{way}"' in text


@pytest.mark.parametrize("party", AT_BOTH)
@pytest.mark.parametrize("service", ["wallet", "verifier"])
def test_what_concerns_wallet_and_verifier_is_tried_at_both(party: str, service: str) -> None:
    modules = [path.read_text(encoding="utf-8") for path in (TESTS / service).rglob("test_*.py")]
    tried = [text for text in modules if OVER_HTTP in text]
    assert [way for way in WAYS[party] if not any(is_tried(party, way, text) for text in tried)] == []


def test_every_attack_is_shown_at_each_service_that_it_aims_at() -> None:
    shown = {
        (attack, path.split("/")[1]) for path, name in find_tests() for attack in requirement_ids(name) if "/" in path
    }
    missing = [(attack, service) for attack, services in AIMS.items() for service in services]
    assert [each for each in missing if each not in shown] == []

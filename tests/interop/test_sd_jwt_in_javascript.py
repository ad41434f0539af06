"""The OpenWallet Foundation's `@sd-jwt` as issuer, holder and verifier of SD-JWTs, in both directions.

It runs in Node on its own cryptography. It does not check for whom a presentation is (`aud`): that is left to whoever
uses it.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import CredentialError
from kernel.formats import FORMATS, parse_credential
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.sd_jwt import (
    ClaimsPath,
    conceal,
    create_key_binding_jwt,
    parse_sd_jwt,
    present,
    reveal,
    verify_key_binding_jwt,
)
from kernel.status.token_status_list import MINIMUM_SIZE, Status, StatusList, create_status_list_token
from kernel.status.token_status_list import verify_status_list_token as verify_status_list
from tests.support.badges import (
    AUDIENCE,
    ES256,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NONCE,
    VCT,
    issue_badge,
    present_badge,
)
from tests.support.clock import NOW
from tests.support.full_badge import create_full_dataset
from tests.support.node_peers import NodePeers, PeerError
from tests.support.sd_jwt_examples import Example, load_examples, needs_vectors

SECONDS = int(NOW.timestamp())
BINDING = {"iat": SECONDS, "aud": AUDIENCE, "nonce": NONCE}
COMMON = {"iss": "https://issuer.example", "iat": SECONDS}

every_example = pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)


class SdJwtJs:
    """Their library, with the private keys of our issuer and our holder."""

    def __init__(self, peers: NodePeers) -> None:
        self._peers = peers

    def issue(self, claims: Mapping[str, Any], hidden: Collection[ClaimsPath], **header: Any) -> str:
        frame = {**disclosure_frame(hidden), "_sd_decoy": 2}
        return str(self.ask("issue", claims=claims, frame=frame, header=header, key=private(ISSUER_SIGNER)))

    def present(self, credential: str, shown: Collection[ClaimsPath]) -> str:
        given = {"credential": credential, "frame": presentation_frame(shown)}
        return str(self.ask("present", **given, binding=BINDING, key=private(HOLDER_SIGNER)))

    def verify(self, presentation: str, *, nonce: str | None = NONCE) -> dict[str, Any]:
        key = ISSUER_SIGNER.public_key.jwk
        found = self.ask("verify", presentation=presentation, key=key, nonce=nonce, now=SECONDS)
        return dict(found["payload"])

    def ask(self, does: str, **arguments: Any) -> Any:
        return self._peers.call("sd_jwt", does, **arguments)


@pytest.fixture
def peer(node_peers: NodePeers) -> SdJwtJs:
    return SdJwtJs(node_peers)


def private(signer: SoftwareSigner) -> dict[str, Any]:
    """As Web Cryptography imports it, which knows no `alg` of JOSE."""
    return {name: value for name, value in signer.private_jwk().items() if name != "alg"}


def disclosure_frame(hidden: Collection[ClaimsPath]) -> dict[Any, Any]:
    """Which claims can be hidden, as they write it: at each level the names or places."""
    frame: dict[Any, Any] = {}
    for *way, last in hidden:
        node = frame
        for step in way:
            node = node.setdefault(step, {})
        node.setdefault("_sd", []).append(last)
    return frame


def presentation_frame(shown: Collection[ClaimsPath]) -> dict[Any, Any]:
    """Which claims are shown, as they write it: a tree with true at its leaves."""
    frame: dict[Any, Any] = {}
    for path in sorted(shown, key=len, reverse=True):
        node = frame
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node.setdefault(path[-1], True)
    return frame


def issue_ours(example: Example) -> str:
    claims = {**COMMON, **example.claims, "cnf": {"jwk": HOLDER_SIGNER.public_key.jwk}}
    payload, disclosures = conceal(claims, disclosable=sorted(example.hidden, key=str), decoys=2)
    return "~".join([sign_jwt(payload, signer=ISSUER_SIGNER, typ="dc+sd-jwt"), *disclosures, ""])


def issue_theirs(peer: SdJwtJs, example: Example) -> str:
    claims = {**COMMON, **example.claims, "cnf": {"jwk": HOLDER_SIGNER.public_key.jwk}}
    return peer.issue(claims, example.hidden, typ="dc+sd-jwt")


def present_ours(raw: str, shown: Collection[ClaimsPath]) -> str:
    cut = present(raw, disclose=shown)
    return cut + create_key_binding_jwt(cut, signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=NOW)


def verify_ours(presented: str) -> dict[str, Any]:
    sd_jwt = parse_sd_jwt(presented)
    verify_key_binding_jwt(
        sd_jwt, key=HOLDER_SIGNER.public_key, audience=AUDIENCE, nonce=NONCE, now=NOW, algorithms=ES256
    )
    return reveal(sd_jwt.issuer_jwt.payload, sd_jwt.disclosures, protected=frozenset())


def strip(claims: Mapping[str, Any], example: Example) -> dict[str, Any]:
    """Leave out what this test added to the example."""
    added = {"iss", "iat", "cnf"} - example.claims.keys()
    kept = {name: value for name, value in claims.items() if name not in added}
    return {**kept, **({"cnf": example.claims["cnf"]} if "cnf" in example.claims else {})}


# The published examples


@needs_vectors
@every_example
@pytest.mark.parametrize("issuer", ["ours", "theirs"])
@pytest.mark.parametrize("holder", ["ours", "theirs"])
def test_K31_K34_K36_issuer_and_holder_may_each_be_theirs_and_both_verifiers_see_the_same(
    peer: SdJwtJs, example: Example, issuer: str, holder: str
) -> None:
    raw = issue_ours(example) if issuer == "ours" else issue_theirs(peer, example)
    presented = present_ours(raw, example.shown) if holder == "ours" else peer.present(raw, example.shown)
    assert strip(peer.verify(presented), example) == example.result
    assert strip(verify_ours(presented), example) == example.result


# Badges as our formats have them


def issue(format_id: str) -> str:
    return issue_badge(format_id, dataset=create_full_dataset(), status=None)


def skill_path(format_id: str, raw: str, number: int) -> ClaimsPath:
    return next(path for path in FORMATS[format_id].disclosable_paths(raw) if path[-2:] == ("alignment", number))


def verify_badge(presented: str, **changes: str) -> dict[str, Any]:
    read = parse_credential(presented)
    expected = {"audience": AUDIENCE, "nonce": NONCE, **changes}
    shown = FORMATS[read.format].verify_presentation(
        read, key=ISSUER_SIGNER.public_key, algorithms=ES256, now=NOW, **expected
    )
    return shown.credential.claims


every_format = pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])


@every_format
@pytest.mark.parametrize("holder", ["ours", "theirs"])
@pytest.mark.parametrize("number", [0, 3])
def test_S09_W50_one_skill_of_a_full_badge_is_shown_to_both_verifiers_and_no_other(
    peer: SdJwtJs, format_id: str, holder: str, number: int
) -> None:
    raw = issue(format_id)
    path = skill_path(format_id, raw, number)
    presented = present_badge(format_id, raw, disclose=[path]) if holder == "ours" else peer.present(raw, [path])
    claims = verify_badge(presented)
    assert peer.verify(presented) == claims
    skills = claims
    for step in path[:-1]:
        skills = skills[step]  # type: ignore[index]
    assert list(skills) == [FORMATS[format_id].disclosable_paths(raw)[path]]


@every_format
@pytest.mark.parametrize("holder", ["ours", "theirs"])
def test_K36_a_presentation_for_another_transaction_is_refused_by_both(
    peer: SdJwtJs, format_id: str, holder: str
) -> None:
    raw = issue(format_id)
    path = skill_path(format_id, raw, 1)
    presented = present_badge(format_id, raw, disclose=[path]) if holder == "ours" else peer.present(raw, [path])
    for changed in ({"nonce": "another"}, {"audience": "https://elsewhere.example"}):
        with pytest.raises(CredentialError):
            verify_badge(presented, **changed)
    with pytest.raises(PeerError, match="Invalid Nonce"):
        peer.verify(presented, nonce="another")


@every_format
@pytest.mark.parametrize("part", ["payload", "signature", "disclosure", "binding"])
def test_K34_K36_one_changed_character_is_refused_by_both(peer: SdJwtJs, format_id: str, part: str) -> None:
    raw = issue(format_id)
    presented = present_badge(format_id, raw, disclose=[skill_path(format_id, raw, 1)])
    verify_badge(presented)
    peer.verify(presented)
    token, disclosure, *_, binding = presented.split("~")
    _, payload, signature = token.split(".")
    whole = {"payload": payload, "signature": signature, "disclosure": disclosure, "binding": binding.split(".")[2]}
    place = whole[part]
    changed = presented.replace(place, place[:20] + ("A" if place[20] != "A" else "B") + place[21:])
    with pytest.raises(CredentialError):
        verify_badge(changed)
    with pytest.raises(PeerError):
        peer.verify(changed)


def test_K38_K45_a_badge_that_they_issue_we_receive_and_both_show_it(peer: SdJwtJs) -> None:
    skills = [{"targetName": name} for name in ("adviseren", "onderzoeken", "schrijven")]
    claims = {
        **COMMON,
        "iss": ISSUER.id,
        "exp": SECONDS + 3600,
        "vct": VCT,
        "cnf": {"jwk": HOLDER_SIGNER.public_key.jwk},
        "given_name": "Sanne",
        "achievement": {"name": "Adviseur", "alignment": skills},
    }
    hidden: list[ClaimsPath] = [("given_name",), *(("achievement", "alignment", number) for number in range(3))]
    raw = peer.issue(claims, hidden, typ="dc+sd-jwt", kid=ISSUER.kid)
    credential = parse_credential(raw)
    assert (credential.unverified_issuer, credential.key_id) == (ISSUER.id, ISSUER.kid)
    held = FORMATS["dc+sd-jwt"].verify(credential, key=ISSUER_SIGNER.public_key, algorithms=ES256, now=NOW)
    assert held.claims["achievement"] == claims["achievement"]
    shown: ClaimsPath = ("achievement", "alignment", 1)
    for presented in (present_badge("dc+sd-jwt", raw, disclose=[shown]), peer.present(raw, [shown])):
        seen = verify_badge(presented)
        assert seen == peer.verify(presented)
        assert seen["achievement"] == {"name": "Adviseur", "alignment": [skills[1]]}
        assert "given_name" not in seen


# Token Status Lists

URI = "https://issuer.example/status/1"
SET = [0, 7, 8, 16_383, 16_384, 48_213, 131_071]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_K72_our_token_status_list_is_read_by_them(peer: SdJwtJs, bits: int) -> None:
    made = StatusList(bits, MINIMUM_SIZE)
    for index in SET:
        made.set(index, Status.INVALID)
    token = create_status_list_token(
        made,
        uri=URI,
        signer=ISSUER_SIGNER,
        key_reference={"kid": ISSUER.kid},
        issued_at=NOW,
        expires_at=NOW + timedelta(days=1),
        ttl=timedelta(minutes=15),
    )
    indexes = [*SET, 1, 48_212]
    values = peer.ask("readStatusList", token=token, indexes=indexes, key=ISSUER_SIGNER.public_key.jwk)
    assert values == [1] * len(SET) + [0, 0]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_K72_their_token_status_list_is_read_by_us(peer: SdJwtJs, bits: int) -> None:
    token = peer.ask(
        "createStatusList",
        size=MINIMUM_SIZE,
        bits=bits,
        values=dict.fromkeys(SET, 1),
        uri=URI,
        iat=SECONDS,
        exp=SECONDS + 3600,
        ttl=900,
        key=private(ISSUER_SIGNER),
    )
    found = verify_status_list(token, uri=URI, key=ISSUER_SIGNER.public_key, algorithms=ES256, now=NOW)
    assert [index for index in range(MINIMUM_SIZE) if found.get(index) is Status.INVALID] == SET
    with pytest.raises(CredentialError):
        verify_status_list(token, uri=f"{URI}0", key=ISSUER_SIGNER.public_key, algorithms=ES256, now=NOW)

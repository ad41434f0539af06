"""`@transmute/verifiable-credentials` and `did-jwt-vc` as the other party for credentials that are JWTs, both ways.

The first speaks VCDM 2.0 as VC-JOSE-COSE secures it, the second VCDM 1.1 in the claim `vc`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.did import did_jwk
from kernel.errors import CredentialError
from kernel.formats import ALGORITHMS, FORMATS, ISSUABLE, IssuerIdentity, VerifiedCredential, parse_credential
from kernel.keys import PublicKey, SoftwareSigner, parse_public_jwk
from kernel.open_badges import badge_view
from tests.support.badges import AUDIENCE, HOLDER_SIGNER, NONCE, VCT, create_test_dataset
from tests.support.node_peers import NodePeers, PeerError

pytestmark = pytest.mark.loopback
# The peers judge by the machine's clock.
TODAY = datetime.now(UTC).replace(microsecond=0)
SIGNER = SoftwareSigner.generate("ES256")
ISSUER = did_jwk(SIGNER.public_key.jwk)
HOLDER = did_jwk(HOLDER_SIGNER.public_key.jwk)
KEYS = {f"{ISSUER}#0": SIGNER.public_key.jwk, f"{HOLDER}#0": HOLDER_SIGNER.public_key.jwk}


def issue(form: str) -> str:
    return ISSUABLE[form].issue(
        create_test_dataset(),
        issuer=IssuerIdentity(ISSUER, f"{ISSUER}#0"),
        signer=SIGNER,
        holder_key=HOLDER_SIGNER.public_key,
        type_id=VCT,
        status=None,
        issued_at=TODAY,
        valid_from=TODAY,
        expires_at=TODAY + timedelta(days=365),
    )


def verify(raw: str, key: PublicKey) -> VerifiedCredential:
    read = parse_credential(raw)
    return FORMATS[read.format].verify(read, key=key, algorithms=ALGORITHMS[read.format], now=TODAY)


def present(raw: str) -> str:
    form = FORMATS[parse_credential(raw).format]
    shown = form.present(raw, disclose=(), holder_signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=TODAY)
    assert isinstance(shown, str)
    return shown


def verify_presentation(shown: str, key: PublicKey, *, nonce: str = NONCE) -> Any:
    read = parse_credential(shown)
    about = {"audience": AUDIENCE, "nonce": nonce, "now": TODAY}
    return FORMATS[read.format].verify_presentation(read, key=key, algorithms=ALGORITHMS[read.format], **about)


def changed(part: int) -> Callable[[str], str]:
    """One character of a JWT replaced, well inside a part of it."""

    def change(jwt: str) -> str:
        parts = jwt.split(".")
        middle = len(parts[part]) // 2
        other = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
        return ".".join(parts)

    return change


CHANGES = [changed(0), changed(1), changed(2)]


@pytest.mark.parametrize("form", ["vc+jwt", "open_badge_jwt"])
def test_K66_transmute_believes_our_badge(node_peers: NodePeers, form: str) -> None:
    raw = issue(form)
    given = {"type": "vc-ld+jwt", "keys": KEYS}
    told, believed = node_peers.call("transmute", "judge", content=raw, **given), verify(raw, SIGNER.public_key)
    assert told["credentialSubject"]["achievement"]["name"] == badge_view(believed.claims, believed.format).name


@pytest.mark.parametrize("change", CHANGES)
def test_K66_transmute_and_we_refuse_a_badge_of_ours_that_was_changed(
    node_peers: NodePeers, change: Callable[[str], str]
) -> None:
    broken = change(issue("vc+jwt"))
    with pytest.raises(PeerError):
        node_peers.call("transmute", "judge", type="vc-ld+jwt", content=broken, keys=KEYS)
    with pytest.raises(CredentialError):
        verify(broken, SIGNER.public_key)


def test_W50_transmute_believes_how_our_wallet_shows_a_vc_sd_jwt(node_peers: NodePeers) -> None:
    shown = present(issue("vc+sd-jwt"))
    given = {"keys": KEYS, "audience": AUDIENCE, "nonce": NONCE}
    told = node_peers.call("transmute", "judgeSdJwt", content=shown, **given)
    assert told["issuer"]["id"] == ISSUER
    for other in ({"nonce": "another"}, {"audience": "another"}, {"content": changed(1)(shown)}):
        with pytest.raises(PeerError):
            node_peers.call("transmute", "judgeSdJwt", **{"content": shown, **given, **other})


def test_K66_we_believe_a_badge_that_transmute_signs_and_no_changed_one(node_peers: NodePeers) -> None:
    claims = dict(verify(issue("vc+jwt"), SIGNER.public_key).claims)
    kid = "did:web:school.example#key-1"
    claims["issuer"] = {**claims["issuer"], "id": "did:web:school.example"}
    claims["iss"] = "did:web:school.example"
    made = node_peers.call("transmute", "issue", claims=claims, kid=kid, typ="vc+jwt")
    key = parse_public_jwk(made["jwk"])
    believed = verify(made["credential"], key)
    assert (believed.issuer, believed.holder_key) == ("did:web:school.example", HOLDER_SIGNER.public_key)
    for change in CHANGES:
        with pytest.raises(CredentialError):
            verify(change(made["credential"]), key)


def test_W50_transmute_believes_how_our_wallet_shows_a_vc_jwt(node_peers: NodePeers) -> None:
    shown = present(issue("vc+jwt"))
    given = {"type": "vp-ld+jwt", "keys": KEYS, "audience": AUDIENCE, "nonce": NONCE}
    told = node_peers.call("transmute", "judge", content=shown, **given)
    assert [each["type"] for each in told["verifiableCredential"]] == ["EnvelopedVerifiableCredential"]
    for other in ({"nonce": "another"}, {"audience": "another"}, {"content": changed(1)(shown)}):
        with pytest.raises(PeerError):
            node_peers.call("transmute", "judge", **{"content": shown, **given, **other})


def older_badge(issuer: str, holder: str) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "id": "urn:uuid:0b1f9a52-8b3f-4c0c-9a0e-1d1f5f6f0001",
        "type": ["VerifiableCredential"],
        "issuer": {"id": issuer},
        "issuanceDate": TODAY.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "credentialSubject": {"id": holder, "name": "Sanne"},
    }


def test_K69_we_believe_what_did_jwt_vc_issues_and_it_believes_how_we_show_that(node_peers: NodePeers) -> None:
    issuer = node_peers.call("did_jwt", "open")
    raw = node_peers.call("did_jwt", "issue", did=issuer["did"], credential=older_badge(issuer["did"], HOLDER))
    key = parse_public_jwk(issuer["jwk"])
    believed = verify(raw, key)
    assert (believed.format, believed.issuer, believed.holder_key) == (
        "jwt_vc_json",
        issuer["did"],
        HOLDER_SIGNER.public_key,
    )
    given = {"nonce": NONCE, "audience": AUDIENCE, "now": int(TODAY.timestamp())}
    shown = present(raw)
    told = node_peers.call("did_jwt", "judgePresentation", presentation=shown, **given)
    assert told["holder"] == HOLDER
    assert told["credentials"][0]["credential"]["credentialSubject"]["name"] == "Sanne"
    for other in ({"nonce": "another"}, {"audience": "another"}, {"presentation": changed(1)(shown)}):
        with pytest.raises(PeerError):
            node_peers.call("did_jwt", "judgePresentation", **{"presentation": shown, **given, **other})
    for change in CHANGES:
        with pytest.raises(CredentialError):
            verify(change(raw), key)
        with pytest.raises(PeerError):
            node_peers.call("did_jwt", "judge", credential=change(raw), now=given["now"])


def test_W50_we_believe_how_did_jwt_vc_shows_what_it_holds_and_nothing_else(node_peers: NodePeers) -> None:
    issuer, holder = node_peers.call("did_jwt", "open"), node_peers.call("did_jwt", "open")
    raw = node_peers.call("did_jwt", "issue", did=issuer["did"], credential=older_badge(issuer["did"], holder["did"]))
    given = {"nonce": NONCE, "audience": AUDIENCE, "now": int(TODAY.timestamp())}
    shown = node_peers.call("did_jwt", "present", did=holder["did"], credential=raw, **given)
    key = parse_public_jwk(issuer["jwk"])
    assert verify_presentation(shown, key).holder_key == parse_public_jwk(holder["jwk"])
    with pytest.raises(CredentialError):
        verify_presentation(shown, key, nonce="another")
    for change in CHANGES:
        with pytest.raises(CredentialError):
            verify_presentation(change(shown), key)
    stolen = node_peers.call("did_jwt", "present", did=issuer["did"], credential=raw, **given)
    with pytest.raises(CredentialError):
        verify_presentation(stolen, key)

"""`polaris-oid4vp`, a HAIP verifier of others (certified by the OpenID Foundation), asks our wallet, over HTTP.

It asks as HAIP wants it: `x509_hash`, a signed request by POST with our nonce, `direct_post.jwt` with a key of its own
for each request. It judges by the machine's clock, so the wallet lives by that clock here.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from polaris_oid4vp.verifier import Verifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kernel.openid4vp import AGREEMENT
from tests.support.badges import SKILLS
from tests.support.certificates import create_authority, create_leaf
from tests.support.simulated_issuer import DC, VCT
from tests.wallet.conftest import House

TODAY = datetime.now(UTC).replace(microsecond=0)
AUTHORITY = create_authority(TODAY)
LEAF = create_leaf(AUTHORITY, TODAY, dns_names=["haip.example"])


class Peer:
    """The peer's verifier behind an address of its own, with what it found out."""

    def __init__(self, issuer_jwk: dict[str, Any], **options: Any) -> None:
        self.verifier = Verifier(
            client_cert_pem=LEAF.certificate.public_bytes(Encoding.PEM),
            client_key_pem=LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            request_uri="https://haip.example/request",
            response_uri="https://haip.example/response",
            issuer_jwks=[issuer_jwk],
            vct_values=[VCT],
            **options,
        )
        self.verdicts: list[Any] = []
        self.methods: list[str] = []

    def ask(self, **options: Any) -> str:
        session, _ = self.verifier.new_request(**options)
        parameters = self.verifier.authorization_request_params(session)
        return "haip-vp://?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/request", self._request, methods=["GET", "POST"]),
                Route("/response", self._response, methods=["POST"]),
            ]
        )

    async def _request(self, request: Request) -> Response:
        self.methods.append(request.method)
        form = await request.form()
        wallet_nonce = form.get("wallet_nonce")
        made = self.verifier.request_object(
            request.query_params["state"], wallet_nonce=wallet_nonce, wallet_metadata=form.get("wallet_metadata")
        )
        return Response(made, media_type="application/oauth-authz-req+jwt")

    async def _response(self, request: Request) -> Response:
        form = await request.form()
        status, body, verdict = self.verifier.handle_direct_post(dict(form))
        self.verdicts.append(verdict)
        return JSONResponse(body, status_code=status)


@pytest.fixture
def house(wallet_house: House) -> House:
    verifiers = wallet_house.verification(certificates=(AUTHORITY.certificate,))
    wallet_house.sign_trust_list(wallet_house.issuance(), verifiers)
    return wallet_house


def new_peer(house: House, **options: Any) -> Peer:
    kid = f"{house.issuer.did}#es256-1"
    peer = Peer({**house.issuer.signer.public_key.jwk, "kid": kid, "alg": "ES256"}, **options)
    house.transport.apps["haip.example:443"] = peer.app()
    return peer


async def holder_of_a_badge(house: House) -> Any:
    holder = await house.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    return holder


async def test_W42_W44_W50_W51_haip_verifier_of_others_accepts_what_the_wallet_presents(house: House) -> None:
    peer = new_peer(house, claims=["given_name", ["achievement", "name"]])
    holder = await holder_of_a_badge(house)
    asked = await holder.open_request(peer.ask())
    assert asked["verifier"]["host"] == "haip.example"
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (answer.status_code, answer.json()) == (200, {"redirect_uri": peer.verifier.redirect_uri})
    [verdict] = peer.verdicts
    assert verdict.authentic, verdict.reason
    assert verdict.claims["given_name"] == "Sanne"
    assert "family_name" not in verdict.claims
    assert not any(uri in str(verdict.claims) for uri in SKILLS)
    assert peer.methods == ["POST"]


async def test_W54_haip_verifier_of_others_accepts_an_agreement_that_the_wallet_signs(house: House) -> None:
    peer = new_peer(house, claims=["given_name"])
    holder = await holder_of_a_badge(house)
    entry = {"type": AGREEMENT, "credential_ids": ["pid"], "title": "Bewaren", "text": "Een jaar lang."}
    asked = await holder.open_request(peer.ask(transaction_data=[entry]))
    assert asked["agreements"] == [{"title": "Bewaren", "text": "Een jaar lang."}]
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    assert peer.verdicts[-1].authentic


async def test_W53_haip_verifier_of_others_understands_that_the_holder_says_no(house: House) -> None:
    peer = new_peer(house, claims=["given_name"])
    holder = await holder_of_a_badge(house)
    asked = await holder.open_request(peer.ask())
    await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert (peer.verdicts[-1].authentic, peer.verdicts[-1].code) == (False, "wallet_error")
    assert peer.verdicts[-1].wallet_error["error"] == "access_denied"


async def test_haip_verifier_of_others_refuses_what_another_issuer_signed(house: House) -> None:
    """The control: it does look."""
    peer = new_peer(house, claims=["given_name"])
    house.issuer.signer = type(house.issuer.signer).generate()
    holder = await holder_of_a_badge(house)
    asked = await holder.open_request(peer.ask())
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (answer.status_code, answer.json()["failure"]) == (502, "delivery_refused")
    assert not peer.verdicts[-1].authentic


async def test_W43_request_of_a_haip_verifier_under_another_anchor_is_refused(house: House) -> None:
    peer = new_peer(house, claims=["given_name"])
    other = create_authority(TODAY)
    house.sign_trust_list(house.issuance(), house.verification(certificates=(other.certificate,)))
    house.clock.advance(timedelta(seconds=1))
    holder = await house.new_holder()
    answer = await holder.call("POST", "/requests", {"request": peer.ask()})
    assert answer.json()["failure"] == "sender_proof"

"""The authorization code flow: pushed, opened, signed in, agreed to, redeemed."""

from kernel.openid4vci import parse_token_response
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import IDENTIFIER, Issuer, from_wire


async def test_I21_I26_a_badge_is_fetched_by_signing_in_and_agreeing(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    page = await flow.begin()
    assert "Laat zien dat jij het bent" in page.text
    consent = await flow.sign_in()
    assert "Adviseur Lerende Regio" in consent.text
    assert "Sanne de Vries" in consent.text
    answer = await flow.agree()
    assert answer["state"] == "af0ifjsldkj"
    assert answer["iss"] == IDENTIFIER
    response = await flow.exchange(answer["code"])
    assert response.status_code == 200, response.text
    token = parse_token_response(response.json())
    assert token.authorization_details == ()
    issued = await issuer.request(token.access_token, [await issuer.proof()])
    assert issued.status_code == 200, issued.text
    badge = await issuer.verify(from_wire(issued.json()["credentials"][0]["credential"]))
    assert badge is not None

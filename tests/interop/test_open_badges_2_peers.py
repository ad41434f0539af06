"""`openbadgeslib` as the other party: Open Badges 2.0 that it signs, bakes and publishes are proven by us, no others.

Its verifier judges the same badges, so that both sides agree on what is good and what is not.
"""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from openbadgeslib.ob2 import (
    Assertion,
    BadgeClass,
    CryptographicKey,
    IdentityObject,
    OB2Signer,
    OB2VerificationError,
    OB2Verifier,
    Profile,
    RevocationList,
    Verification,
)
from PIL import Image

from kernel.importing import Container, Securing, Verdict
from tests.support.clock import NOW
from tests.support.imports import EMAIL, Round, found

HOST = "https://badges.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#0b5f63"/></svg>'

PUBLISHED: dict[str, dict[str, Any]] = {
    f"{HOST}/badge": BadgeClass(
        id=f"{HOST}/badge",
        name="Problemen oplossen",
        description="Lost problemen op.",
        image=f"{HOST}/image.png",
        criteria=f"{HOST}/criteria",
        issuer=f"{HOST}/issuer",
    ).to_dict(),
    f"{HOST}/issuer": Profile(
        id=f"{HOST}/issuer",
        name="Hogeschool",
        url=HOST,
        email="badges@badges.example",
        public_key=[f"{HOST}/key"],
        revocation_list=f"{HOST}/revoked",
    ).to_dict(),
    f"{HOST}/key": CryptographicKey(id=f"{HOST}/key", owner=f"{HOST}/issuer", public_key_pem=PUBLIC).to_dict(),
    f"{HOST}/revoked": RevocationList(id=f"{HOST}/revoked", issuer=f"{HOST}/issuer").to_dict(),
}
PAGES = {url: found(document) for url, document in PUBLISHED.items()}


def create_png() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), "#0b5f63").save(target, "PNG")
    return target.getvalue()


def assertion(kind: str = "SignedBadge", **changes: Any) -> Assertion:
    values: dict[str, Any] = {
        "recipient": IdentityObject.create(EMAIL, "zout"),
        "badge": f"{HOST}/badge",
        "verification": Verification(type=kind, creator=f"{HOST}/key" if kind == "SignedBadge" else None),
        "issued_on": NOW - timedelta(days=1),
        "expires": NOW + timedelta(days=1),
    }
    return Assertion(**{**values, **changes})


BAKING: dict[str, Callable[[Assertion], bytes | str]] = {
    "token": lambda badge: OB2Signer(PRIVATE).sign(badge),
    "png": lambda badge: OB2Signer(PRIVATE).sign_into_png(badge, create_png()),
    "svg": lambda badge: OB2Signer(PRIVATE).sign_into_svg(badge, SVG),
}


@pytest.mark.parametrize("form", BAKING)
def test_B22_a_badge_that_the_peer_signed_is_proven(form: str) -> None:
    result = Round(BAKING[form](assertion()), PAGES, email=EMAIL)
    imported = result.report.imported
    assert imported.container is (Container.JWT if form == "token" else Container.PICTURE)
    assert imported.securing is Securing.JWT
    assert result.report.verdict is Verdict.PROVEN
    assert result.ended("recipient") == ("passed", None)
    assert imported.content.awarding_body is not None
    assert imported.content.awarding_body.issuer.name == "Hogeschool"


def test_B22_what_the_peer_calls_revoked_expired_or_foreign_we_refute_too() -> None:
    badge = assertion()
    token = OB2Signer(PRIVATE).sign(badge)
    revoked = {**PUBLISHED[f"{HOST}/revoked"], "revokedAssertions": [{"id": badge.to_dict()["id"]}]}
    assert Round(token, {**PAGES, f"{HOST}/revoked": found(revoked)}).ended("status") == ("failed", "revoked")
    expired = OB2Signer(PRIVATE).sign(assertion(expires=NOW - timedelta(hours=1)))
    with time_machine.travel(NOW, tick=False), pytest.raises(OB2VerificationError):
        OB2Verifier(PUBLIC.encode()).verify(expired)
    assert Round(expired, PAGES).ended("validity") == ("failed", "expired")
    with time_machine.travel(NOW, tick=False), pytest.raises(OB2VerificationError):
        OB2Verifier(PUBLIC.encode()).verify(token, expected_recipient="mallory@x.example")
    assert Round(token, PAGES, email="mallory@x.example").ended("recipient") == ("failed", "rejected")


def test_B22_a_badge_that_the_peer_publishes_is_proven_and_one_on_another_host_is_not() -> None:
    for host, verdict in ((HOST, Verdict.PROVEN), ("https://mallory.example", Verdict.REFUTED)):
        document = assertion("HostedBadge", id=f"{host}/assertion").to_dict()
        result = Round(json.dumps(document), {**PAGES, f"{host}/assertion": found(document)}, email=EMAIL)
        assert result.report.verdict is verdict

"""What is shown to whoever asks for no holder binding: the credential alone, and of it no more than was asked."""

import pytest

from kernel.formats import FORMATS, ISSUABLE, parse_credential
from tests.support.badges import HOLDER_SIGNER, ISSUER, ISSUER_SIGNER, NOW, VCT, create_test_dataset

HIDES = {
    "dc+sd-jwt": ("given_name",),
    "vc+sd-jwt": ("credentialSubject", "givenName"),
    "ldp_vc_sd": ("credentialSubject", "givenName"),
}


def issue(way: str) -> str:
    return ISSUABLE[way].issue(
        create_test_dataset(),
        issuer=ISSUER,
        signer=ISSUER_SIGNER,
        holder_key=HOLDER_SIGNER.public_key,
        type_id=VCT,
        status=None,
        issued_at=NOW,
        valid_from=NOW,
        expires_at=None,
    )


@pytest.mark.parametrize("way", ISSUABLE)
def test_W50_without_binding_the_credential_goes_alone_and_shows_what_was_chosen(way: str) -> None:
    raw = issue(way)
    credential = parse_credential(raw)
    handler = FORMATS[credential.format]
    path = HIDES.get(way)
    shown = handler.present_unbound(raw, disclose=[] if path is None else [path])
    unverified = parse_credential(shown)
    verified = handler.verify_signature(unverified, key=ISSUER_SIGNER.public_key, algorithms=frozenset({"ES256"}))
    assert unverified.presentation is None
    assert unverified.is_selective is (path is not None)
    said = str(verified.claims)
    assert "Sanne" in said
    assert ("de Vries" in said) is (path is None)

"""What a stranger writes does not make a report grow (A-52)."""

from kernel.did import did_jwk
from kernel.keys import SoftwareSigner
from verifier.verification import shortened


def test_A52_identifier_of_any_length_is_kept_in_bounds():
    assert len(str(shortened("did:jwk:" + "A" * 100_000))) == 501
    honest = did_jwk(SoftwareSigner.generate().public_key.jwk)
    assert shortened(f"{honest}#0") == f"{honest}#0"
    assert shortened(None) is None

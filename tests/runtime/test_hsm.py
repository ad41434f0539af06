"""Keys in a security module: signatures as JOSE wants them, and a plain no when the module is away."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernel.keys import SoftwareSigner
from runtime.hsm import Hsm, HsmSigner, HsmUnavailableError
from tests.support.softhsm import PIN, SoftHsm

ALGORITHMS = ("ES256", "Ed25519")


@pytest.fixture
def hsm(softhsm: SoftHsm):
    made = Hsm(softhsm.module, token="issuer", pin=PIN)
    yield made
    made.close()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_K12_a_key_in_the_module_signs_what_its_public_key_verifies(hsm: Hsm, algorithm: str):
    signer = hsm.generate(algorithm)
    assert signer.algorithm == algorithm
    for data in (b"", b"data", b"x" * 100_000):
        signature = signer.sign(data)
        assert len(signature) == 64
        signer.public_key.verify(algorithm, data, signature)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_K12_the_private_key_can_be_seen_by_nobody(hsm: Hsm, algorithm: str):
    import pkcs11

    made = hsm.generate(algorithm)
    token = pkcs11.lib(str(hsm._module)).get_token(token_label="issuer")
    with token.open() as session:
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=made.key_id)
        assert (key[pkcs11.Attribute.SENSITIVE], key[pkcs11.Attribute.EXTRACTABLE]) == (True, False)
        secret = pkcs11.Attribute.VALUE
        with pytest.raises(pkcs11.PKCS11Error):
            key[secret]
    assert PIN not in repr(hsm)


def test_a_key_is_found_again_by_its_identifier_after_the_module_was_closed(hsm: Hsm, softhsm: SoftHsm):
    made = hsm.generate("ES256")
    hsm.close()
    other = Hsm(softhsm.module, token="issuer", pin=PIN)
    made.public_key.verify("ES256", b"data", HsmSigner(other, made.key_id, made.public_key, "ES256").sign(b"data"))
    other.close()


def test_two_of_one_process_may_use_the_same_token(hsm: Hsm, softhsm: SoftHsm):
    made = hsm.generate("Ed25519")
    other = Hsm(softhsm.module, token="issuer", pin=PIN)
    made.public_key.verify("Ed25519", b"1", HsmSigner(other, made.key_id, made.public_key, "Ed25519").sign(b"1"))
    made.public_key.verify("Ed25519", b"2", made.sign(b"2"))
    other.close()


def test_a_session_that_broke_is_opened_again(hsm: Hsm):
    made = hsm.generate("ES256")
    made.sign(b"before")
    assert hsm._session is not None
    hsm._session.close()
    made.public_key.verify("ES256", b"data", made.sign(b"data"))


@pytest.mark.parametrize(
    "change", [{"module": Path("/nowhere.so")}, {"token": "absent"}, {"pin": "000000"}], ids=["away", "token", "locked"]
)
def test_a_module_that_is_away_or_locked_is_no_answer(softhsm: SoftHsm, change: dict[str, object]):
    given = {"module": softhsm.module, "token": "issuer", "pin": PIN, **change}
    hsm = Hsm(Path(str(given["module"])), token=str(given["token"]), pin=str(given["pin"]))
    key = SoftwareSigner.generate("ES256").public_key
    for ask in (lambda: hsm.generate("ES256"), lambda: HsmSigner(hsm, b"id", key, "ES256").sign(b"data")):
        with pytest.raises(HsmUnavailableError) as caught:
            ask()
        assert str(given["pin"]) not in str(caught.value)


def test_a_key_that_is_not_in_the_module_is_no_answer(hsm: Hsm):
    key = SoftwareSigner.generate("ES256").public_key
    with pytest.raises(HsmUnavailableError):
        HsmSigner(hsm, b"never made", key, "ES256").sign(b"data")


def test_eight_threads_that_sign_at_once_wait_for_one_another(hsm: Hsm):
    made = hsm.generate("ES256")
    with ThreadPoolExecutor(8) as threads:
        signatures = list(threads.map(made.sign, (bytes([number]) for number in range(80))))
    for number, signature in enumerate(signatures):
        made.public_key.verify("ES256", bytes([number]), signature)

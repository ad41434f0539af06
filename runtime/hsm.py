"""A hardware security module: keys are made inside it, never leave it, and it is asked for every signature.

It is reached by PKCS#11 (extra `skillswallet[hsm]`). One session a process, opened when it is first needed and opened
again once when it broke, as after a restart of the module; operations of one session cannot overlap, so they queue.

    hsm = Hsm(Path("/usr/lib/softhsm/libsofthsm2.so"), token="issuer", pin="…")
    signer = hsm.generate("ES256")                                   # keep signer.key_id, signer.public_key
    signer = HsmSigner(hsm, key_id, public_key, "ES256")             # the same key later: a `Signer` for the kernel
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from kernel.errors import UndecidedError
from kernel.keys import PublicKey, public_key_from

if TYPE_CHECKING:
    import pkcs11

T = TypeVar("T")

# The DER of the object identifiers of P-256 (RFC 5480 §2.1.1.1) and Ed25519 (RFC 8410 §3).
_P256: Final = bytes.fromhex("06082a8648ce3d030107")
_ED25519: Final = bytes.fromhex("06032b6570")


class HsmUnavailableError(UndecidedError):
    """The module is away or locked, or a key is not in it. Nothing was signed."""

    code = "hsm_unavailable"
    sentence = "The security module with the signing keys is away or locked. Unlock it and try again; nothing was lost."


@dataclass(frozen=True, slots=True)
class HsmSigner:
    """A signer whose private key is in the module; it has the form that the kernel asks of a `Signer`. K-12."""

    hsm: "Hsm"
    key_id: bytes
    public_key: PublicKey
    algorithm: str

    def sign(self, data: bytes) -> bytes:
        """Return the raw JOSE signature over the data (RFC 7518 §3.4, RFC 8037 §3.1), or raise HsmUnavailableError."""
        return self.hsm.sign(self.key_id, self.algorithm, data)


class Hsm:
    """One token of a module, with the PIN that opens it."""

    def __init__(self, module: Path, *, token: str, pin: str) -> None:
        self._module = module
        self._token = token
        self._pin = pin
        self._lock = Lock()
        self._session: pkcs11.Session | None = None
        self._keys: dict[bytes, Any] = {}

    def __repr__(self) -> str:
        return f"Hsm({self._token!r})"

    def generate(self, algorithm: str) -> HsmSigner:
        """Make a key in the module that nothing can take out of it, or raise HsmUnavailableError."""
        key_id = secrets.token_bytes(16)
        public_key = self._ask(lambda session: _GENERATE[algorithm](session, key_id))
        return HsmSigner(self, key_id, public_key, algorithm)

    def sign(self, key_id: bytes, algorithm: str, data: bytes) -> bytes:
        """Sign with a key in the module, or raise HsmUnavailableError."""
        return self._ask(lambda session: _SIGN[algorithm](self._find_key(session, key_id), data))

    def close(self) -> None:
        """Let go of the module."""
        with self._lock:
            self._forget()

    def _ask(self, work: "Callable[[pkcs11.Session], T]") -> T:
        import pkcs11

        with self._lock:
            with suppress(pkcs11.PKCS11Error):
                return work(self._open_session())
            self._forget()
            try:
                return work(self._open_session())
            except pkcs11.PKCS11Error as exc:
                self._forget()
                raise HsmUnavailableError(f"PKCS#11: {type(exc).__name__}") from exc

    def _open_session(self) -> "pkcs11.Session":
        import pkcs11

        if self._session is None:
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except pkcs11.UserAlreadyLoggedIn:
                # Being signed in is the process's, not the session's.
                self._session = token.open(rw=True)
        return self._session

    def _forget(self) -> None:
        import pkcs11

        session, self._session = self._session, None
        self._keys.clear()
        if session is not None:
            with suppress(pkcs11.PKCS11Error):
                session.close()

    def _find_key(self, session: "pkcs11.Session", key_id: bytes) -> Any:
        import pkcs11

        if key_id not in self._keys:
            self._keys[key_id] = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=key_id)
        return self._keys[key_id]


def _generate_es256(session: "pkcs11.Session", key_id: bytes) -> PublicKey:
    from pkcs11 import Attribute, KeyType, Mechanism

    point = _generate(session, key_id, KeyType.EC, _P256, Mechanism.EC_KEY_PAIR_GEN)[Attribute.EC_POINT]
    # An uncompressed point, with or without the OCTET STRING around it that the standard asks for.
    return public_key_from(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[-65:]))


def _generate_ed25519(session: "pkcs11.Session", key_id: bytes) -> PublicKey:
    from pkcs11 import Attribute, KeyType, Mechanism

    point = _generate(session, key_id, KeyType.EC_EDWARDS, _ED25519, Mechanism.EC_EDWARDS_KEY_PAIR_GEN)[
        Attribute.EC_POINT
    ]
    return public_key_from(ed25519.Ed25519PublicKey.from_public_bytes(point[-32:]))


def _generate(session: "pkcs11.Session", key_id: bytes, kind: Any, curve: bytes, mechanism: Any) -> Any:
    """Make a pair that stays in the token: private, sensitive and not to be extracted."""
    from pkcs11 import Attribute

    parameters = session.create_domain_parameters(kind, {Attribute.EC_PARAMS: curve}, local=True)
    template = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
    public, _private = parameters.generate_keypair(
        id=key_id, label="skillswallet", store=True, mechanism=mechanism, private_template=template
    )
    return public


def _sign_es256(key: Any, data: bytes) -> bytes:
    """CKM_ECDSA signs the digest that it is given, and answers r||s as JOSE has it."""
    from pkcs11 import Mechanism

    return bytes(key.sign(sha256(data).digest(), mechanism=Mechanism.ECDSA))


def _sign_ed25519(key: Any, data: bytes) -> bytes:
    from pkcs11 import Mechanism

    return bytes(key.sign(data, mechanism=Mechanism.EDDSA))


_GENERATE: "Final[dict[str, Callable[[pkcs11.Session, bytes], PublicKey]]]" = {
    "ES256": _generate_es256,
    "Ed25519": _generate_ed25519,
}
_SIGN: Final[dict[str, Callable[[Any, bytes], bytes]]] = {"ES256": _sign_es256, "Ed25519": _sign_ed25519}

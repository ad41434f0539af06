"""Ways to forge what is signed, one a function: applied by every simulator to what it sends. PROFILE.md section 11.

    forged = TOKENS["A01"]["without a signature"](token, signer)

`TOKENS` forges any compact JWS (a credential, a status list, a request object, a key proof, a Key Binding JWT),
`SD_JWTS` a whole SD-JWT. Both are given what is honest and the key that rightly signs it, so that in each result one
thing is wrong and the rest holds.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel import base64url
from kernel.keys import SoftwareSigner
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW

Forge = Callable[[str, SoftwareSigner], str]

MALLORY: Final = SoftwareSigner.generate()
EVIL: Final = "evil.example"
BROUGHT: Final = "by a key that it brings"
"""No forgery of a key proof, whose key is the one that it brings."""
_CERTIFIED: Final = create_leaf(create_authority(NOW), NOW)
# The order of P-256 (SEC 2 §2.4.2): r and s lie below it.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def off_its_curve(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The same key with a point that is not on the curve."""
    y = bytearray(base64url.decode(jwk["y"]))
    y[-1] ^= 1
    return {**jwk, "y": base64url.encode(bytes(y))}


def in_credential(forge: Forge) -> Forge:
    """What forges a token, for the one at the head of an SD-JWT."""

    def forge_head(raw: str, signer: SoftwareSigner) -> str:
        token, tilde, rest = raw.partition("~")
        return forge(token, signer) + tilde + rest

    return forge_head


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    return json.loads(base64url.decode(header)), json.loads(base64url.decode(payload))


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _sign(header: str, payload: str, signer: SoftwareSigner) -> str:
    """A JWS of these two texts, whatever they are."""
    signing_input = f"{base64url.encode(header.encode())}.{base64url.encode(payload.encode())}"
    return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode()))}"


def _with_header(by: SoftwareSigner | None = None, **members: Any) -> Forge:
    """Other members in the header; signed by whom it should be, or by somebody else."""

    def forge(token: str, signer: SoftwareSigner) -> str:
        header, payload = _read(token)
        return _sign(_text({**header, **members}), _text(payload), by or signer)

    return forge


def _with_claims(**members: Any) -> Forge:
    """Other members in the payload, signed as it should be."""

    def forge(token: str, signer: SoftwareSigner) -> str:
        header, payload = _read(token)
        return _sign(_text(header), _text({**payload, **members}), signer)

    return forge


def _with_signature(change: Callable[[bytes], bytes]) -> Forge:
    def forge(token: str, _: SoftwareSigner) -> str:
        signing_input, _, signature = token.rpartition(".")
        return f"{signing_input}.{base64url.encode(change(base64url.decode(signature)))}"

    return forge


def _with_text(place: str, text: str) -> Forge:
    """A text put into the header or the payload before anything else, and all of it signed as it should be."""

    def forge(token: str, signer: SoftwareSigner) -> str:
        header, payload = (_text(part) for part in _read(token))
        if place == "header":
            return _sign("{" + text + "," + header[1:], payload, signer)
        return _sign(header, "{" + text + "," + payload[1:], signer)

    return forge


def _name_twice(place: int) -> Forge:
    """The first member of the header or of the payload, once more with another value before it."""

    def forge(token: str, signer: SoftwareSigner) -> str:
        texts = [_text(part) for part in _read(token)]
        name = json.dumps(next(iter(_read(token)[place])))
        texts[place] = "{" + name + ':"other",' + texts[place][1:]
        return _sign(*texts, signer)

    return forge


def _unsigned(token: str, _: SoftwareSigner) -> str:
    header, payload = _read(token)
    return _sign(_text({**header, "alg": "none"}), _text(payload), MALLORY).rpartition(".")[0] + "."


def _hmac_with_the_public_key(token: str, signer: SoftwareSigner) -> str:
    header, payload = _read(token)
    unsigned = _sign(_text({**header, "alg": "HS256"}), _text(payload), MALLORY).rpartition(".")[0]
    x, y = (int.from_bytes(base64url.decode(signer.public_key.jwk[name])) for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{unsigned}.{base64url.encode(hmac.digest(pem, unsigned.encode(), 'sha256'))}"


def _as_der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _private_key_inside(token: str, signer: SoftwareSigner) -> str:
    header, payload = _read(token)
    return _sign(_text({**header, "jwk": dict(signer.private_jwk())}), _text(payload), signer)


def _key_off_its_curve(token: str, signer: SoftwareSigner) -> str:
    header, payload = _read(token)
    return _sign(_text({**header, "jwk": off_its_curve(signer.public_key.jwk)}), _text(payload), signer)


TOKENS: Final[Mapping[str, Mapping[str, Forge]]] = {
    "A01": {
        "without a signature": _unsigned,
        "without a signature in capitals": _with_header(alg="NONE"),
        "with the public key as a secret": _hmac_with_the_public_key,
    },
    "A02": {
        BROUGHT: _with_header(MALLORY, jwk=dict(MALLORY.public_key.jwk)),
        "by a key at an address": _with_header(MALLORY, jku=f"https://{EVIL}/jwks.json"),
        "by a certificate at an address": _with_header(MALLORY, x5u=f"https://{EVIL}/chain.pem"),
        "by a certificate that it brings": _with_header(_CERTIFIED.signer, x5c=[_CERTIFIED.x5c]),
        "by a key whose name is an address": _with_header(MALLORY, kid=f"https://{EVIL}/key"),
        "by a key whose name is a path": _with_header(MALLORY, kid="../../../../dev/null"),
        "by a key whose name is a query": _with_header(MALLORY, kid="' OR 1=1 --"),
    },
    "A03": {
        "of another type": _with_header(typ="application/json"),
        "of no type": _with_header(typ=None),
    },
    "A06": {
        "with r of zero": _with_signature(lambda signature: bytes(32) + signature[32:]),
        "with s of zero": _with_signature(lambda signature: signature[:32] + bytes(32)),
        "with r beyond the order": _with_signature(lambda signature: _ORDER.to_bytes(32) + signature[32:]),
        "with a signature in DER": _with_signature(_as_der),
        "with a signature that is too long": _with_signature(lambda signature: signature + b"\0"),
        "with a key off its curve": _key_off_its_curve,
    },
    "A07": {"with a private key inside": _private_key_inside},
    "A08": {
        "with a name twice in the header": _name_twice(0),
        "with a name twice in the payload": _name_twice(1),
        "with a name of U+0000": _with_text("payload", r'"\u0000":1'),
        "with half a character": _with_text("payload", r'"x":"\ud800"'),
        "with a huge number": _with_text("payload", f'"x":{"9" * 400}'),
        "with a number that is none": _with_text("payload", '"x":NaN'),
        "that is very deep": _with_text("payload", f'"x":{"[" * 200}{"]" * 200}'),
        "with a critical extension": _with_header(crit=["exp"]),
    },
    "A09": {
        "made at a time that is text": _with_claims(iat="2026-05-28T12:00:00Z"),
        "made at a time that is yes": _with_claims(iat=True),
        "made before there were times": _with_claims(iat=-1),
        "made after there are times": _with_claims(iat=253_402_300_800),
        "made tomorrow": _with_claims(iat=int(NOW.timestamp()) + 86_400),
    },
}
"""By attack. What signs with another key than it should says in its header where that key would be."""


def digest_of(disclosure: str) -> str:
    return base64url.encode(hashlib.sha256(disclosure.encode()).digest())


def _disclose(*content: Any) -> str:
    return base64url.encode(json.dumps(list(content)).encode())


def _split(raw: str) -> tuple[str, list[str]]:
    token, *disclosures = raw.split("~")
    return token, disclosures[:-1]


def _join(token: str, disclosures: list[str]) -> str:
    return "~".join([token, *disclosures, ""])


def _referring_to(make: Callable[[dict[str, Any], list[str]], list[str]]) -> Forge:
    """Further digests at the top of the payload, and the disclosures that belong to them, signed anew."""

    def forge(raw: str, signer: SoftwareSigner) -> str:
        token, disclosures = _split(raw)
        header, payload = _read(token)
        added = make(payload, disclosures)
        digests = [*payload["_sd"], *(digest_of(disclosure) for disclosure in added)]
        again = _sign(_text(header), _text({**payload, "_sd": digests}), signer)
        return _join(again, [*disclosures, *(each for each in added if each not in disclosures)])

    return forge


def _digest_once_more_in_the_payload(raw: str, signer: SoftwareSigner) -> str:
    token, disclosures = _split(raw)
    header, payload = _read(token)
    digests = [*payload["_sd"], payload["_sd"][0]]
    return _join(_sign(_text(header), _text({**payload, "_sd": digests}), signer), disclosures)


def _disclosure_twice(raw: str, _: SoftwareSigner) -> str:
    token, disclosures = _split(raw)
    return _join(token, [disclosures[0], *disclosures])


def _unreferenced(raw: str, _: SoftwareSigner) -> str:
    token, disclosures = _split(raw)
    return _join(token, [*disclosures, _disclose("c2FsdA", "given_name", "Mallory")])


SD_JWTS: Final[Mapping[str, Mapping[str, Forge]]] = {
    "A11": {
        "a digest twice": _digest_once_more_in_the_payload,
        "a disclosure twice": _disclosure_twice,
        "a digest again inside a disclosure": _referring_to(
            lambda payload, _: [_disclose("c2FsdA", "more", {"_sd": [payload["_sd"][0]]})]
        ),
    },
    "A12": {
        "a disclosure that nothing refers to": _unreferenced,
        "a disclosure of four parts": _referring_to(lambda *_: [_disclose("c2FsdA", "a", "b", "c")]),
        "a disclosure of one part": _referring_to(lambda *_: [_disclose("c2FsdA")]),
        "a disclosure called _sd": _referring_to(lambda *_: [_disclose("c2FsdA", "_sd", ["x"])]),
        "a disclosure called ...": _referring_to(lambda *_: [_disclose("c2FsdA", "...", "x")]),
        "a disclosure of what is there already": _referring_to(
            lambda payload, _: [_disclose("c2FsdA", next(name for name in payload if name[0] != "_"), "x")]
        ),
        "an element where a member belongs": _referring_to(lambda *_: [_disclose("c2FsdA", "x")]),
    },
    "A13": {
        f"a disclosure of {name}": _referring_to(lambda *_, name=name: [_disclose("c2FsdA", name, "x")])
        for name in ("@context", "type", "aka_vcts", "vct#integrity")
    },
}
"""By attack; all but what only adds or repeats disclosures is signed anew by the issuer's own key."""


def with_remote_context(raw: str, _: SoftwareSigner) -> str:
    """A credential with an embedded proof that names a context elsewhere, which says what its words mean. A-20."""
    document = json.loads(raw)
    return _text({**document, "@context": [*document["@context"], f"https://{EVIL}/context.json"]})


def poisoned(raw: str, _: SoftwareSigner) -> str:
    """A credential with an embedded proof that costs whoever canonicalises it more than it should. A-21.

    Its blank nodes each point at all others, so that no order of them is found before every one was tried.
    """
    document = json.loads(raw)
    names = [f"_:n{number}" for number in range(12)]
    poison = [
        {"id": name, "type": ["Profile"], "parentOrg": [{"id": other, "type": ["Profile"]} for other in names]}
        for name in names
    ]
    return _text({**document, "issuer": {**document["issuer"], "parentOrg": poison}})


def leading_deeper(raw: str, _: SoftwareSigner) -> str:
    """A credential with an embedded proof whose blank nodes lead from one look-alike to the next, all around. A-21."""
    document = json.loads(raw)
    size = 400
    ring = [
        {"id": f"_:n{n}", "type": ["Profile"], "parentOrg": {"id": f"_:n{(n + 1) % size}", "type": ["Profile"]}}
        for n in range(size)
    ]
    subject = document["credentialSubject"]
    return _text({**document, "credentialSubject": {**subject, "source": ring}})

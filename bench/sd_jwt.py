"""The same SD-JWT work three times: the signatures alone, ours, and openvc-core's.

Twelve disclosable claims and a holder key; three of the claims are shown. The peer cannot choose disclosures, so the
lines that its user would write for that are part of its row; they check nothing, which is why that row has no promise.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite

from bench.measuring import Operation, repeated
from kernel.jwt import sign_jwt, verify_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk
from kernel.sd_jwt import (
    ClaimsPath,
    conceal,
    parse_sd_jwt,
    present_bound,
    reveal,
    verify_key_binding_jwt,
)

ISSUER, HOLDER = SoftwareSigner.generate(), SoftwareSigner.generate()
PEER_ISSUER = P256SigningKey.from_jwk(ISSUER.private_jwk(), "did:web:issuer.example#1")
PEER_HOLDER = P256SigningKey.from_jwk(HOLDER.private_jwk(), "holder")
PEER = SdJwtVcProofSuite()
ES256 = frozenset({"ES256"})
NOW = datetime.now(UTC)
AUDIENCE, NONCE = "https://verifier.example", "05qs59_3aPcGLRPgSOPWaQ"
PROTECTED = frozenset({"iss", "nbf", "exp", "cnf", "vct", "status"})
VCT = "https://issuer.example/vct/1"

CLAIMS: dict[str, Any] = {f"claim_{number}": f"what is said in claim number {number}" for number in range(12)}
PATHS: list[ClaimsPath] = [(name,) for name in CLAIMS]
SHOWN = PATHS[:3]


def issue() -> str:
    claims = {
        "iss": "https://issuer.example",
        "iat": int(NOW.timestamp()),
        "vct": VCT,
        "cnf": {"jwk": HOLDER.public_key.jwk},
        **CLAIMS,
    }
    payload, disclosures = conceal(claims, disclosable=PATHS)
    token = sign_jwt(payload, signer=ISSUER, typ="dc+sd-jwt", header={"kid": PEER_ISSUER.kid})
    return "~".join([token, *disclosures, ""])


def issue_as_peer() -> str:
    return PEER.issue(
        {"iss": "https://issuer.example", **CLAIMS},
        signing_key=PEER_ISSUER,
        disclosable=list(CLAIMS),
        holder_jwk=HOLDER.public_key.jwk,
        vct=VCT,
    )


def show() -> str:
    return present_bound(ISSUED, disclose=SHOWN, signer=HOLDER, audience=AUDIENCE, nonce=NONCE, now=NOW)


def show_as_peer() -> str:
    issuer_jwt, *disclosures, _ = ISSUED.split("~")
    wanted = {path[0] for path in SHOWN}
    kept = [text for text in disclosures if json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))[1] in wanted]
    cut = "~".join([issuer_jwt, *kept, ""])
    return PEER.create_presentation(cut, holder_key=PEER_HOLDER, audience=AUDIENCE, nonce=NONCE)


def verify() -> Mapping[str, Any]:
    sd_jwt = parse_sd_jwt(PRESENTED)
    verify_jwt(sd_jwt.issuer_jwt, key=ISSUER.public_key, typ="dc+sd-jwt", algorithms=ES256)
    claims = reveal(sd_jwt.issuer_jwt.payload, sd_jwt.disclosures, protected=PROTECTED)
    holder_key = parse_public_jwk(claims["cnf"]["jwk"])
    verify_key_binding_jwt(sd_jwt, key=holder_key, audience=AUDIENCE, nonce=NONCE, now=NOW, algorithms=ES256)
    return claims


def verify_as_peer() -> object:
    return PEER.verify(
        PRESENTED,
        public_key_jwk=ISSUER.public_key.jwk,
        audience=AUDIENCE,
        nonce=NONCE,
        require_key_binding=True,
        kb_max_age_s=3600,
    )


def sign_once() -> bytes:
    return ISSUER.sign(SIGNED)


def verify_twice() -> None:
    ISSUER.public_key.verify("ES256", SIGNED, SIGNATURE)
    ISSUER.public_key.verify("ES256", SIGNED, SIGNATURE)


ISSUED = issue()
PRESENTED = show()
SIGNED = ISSUED.split("~")[0].rpartition(".")[0].encode()
SIGNATURE = ISSUER.sign(SIGNED)

Run = Callable[[], object]
ROWS: tuple[tuple[str, Run, str, Run, Run, float | None], ...] = (
    ("SD-JWT, 12 claims: issue", sign_once, "one ES256 signature", issue, issue_as_peer, 1.7),
    ("SD-JWT: present 3 with key binding", sign_once, "one ES256 signature", show, show_as_peer, None),
    ("SD-JWT: verify 3 with key binding", verify_twice, "two ES256 verifications", verify, verify_as_peer, 1.4),
)
OPERATIONS = tuple(
    Operation(name, repeated(floor), repeated(ours), repeated(peer), floor_name, "openvc-core", must, turns=150)
    for name, floor, floor_name, ours, peer, must in ROWS
)

"""The credential endpoint, with Bearer tokens and with DPoP: its signatures alone, the real issuer, a bare application.

The bare application calls the same cryptography (the kernel's `verify_dpop_proof`, `verify_key_proof` and `issue`, the
sealed claims and credential) and reads and writes the same rows, in one transaction on a copy of the same SQLite
database with the same pragmas. It does nothing else: no routing, no thread, no log, no limits, no nonce's MAC, no state
of the award, no errors. So the share says what the service around them costs; what the kernel's cryptography costs
beside the bare signatures is in the floor, and in `bench.sd_jwt`. Part of what is left is handing the work to a thread
and its outcome to the event loop: a commit waits for the disk, and the loop must not.
"""

import json
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from bench.asgi import (
    REQUESTS_A_TURN,
    TURNS,
    WARM_UP,
    Application,
    Clock,
    Request,
    answer_json,
    header,
    loop,
    settled_copy,
    turn_of,
    unlogged,
)
from bench.measuring import Operation, Turn, repeated
from issuer.api_keys import create_admin_key
from issuer.app import create_app
from issuer.settings import IssuerSettings
from kernel import base64url
from kernel.did import did_web
from kernel.formats import ISSUABLE, IssuerIdentity, StatusReference
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import (
    DPOP_REMEMBERED,
    PRE_AUTHORIZED_CODE_GRANT,
    create_dpop_proof,
    create_key_proof,
    verify_dpop_proof,
    verify_key_proof,
)
from kernel.strict_json import encode_json
from kernel.type_metadata import create_integrity, create_skill_badge_type
from runtime.database import migrate, set_sqlite_pragmas

URL, ORG, BADGE = "https://issuer.example", "stmw", "adviseur"
DATABASE = "issuer.sqlite3"
ENDPOINT = f"{URL}/{ORG}/credential"
ISSUER_DID = did_web(f"{URL}/{ORG}")
PROFILE = {
    "id": ISSUER_DID,
    "type": ["Profile"],
    "address": {"type": ["Address"], "addressCountryCode": "NL"},
    "url": "https://stmw.example",
}
ES256 = frozenset({"ES256"})
NONCE_LIFETIME = timedelta(minutes=5)
SKILLS = [
    ("http://data.europa.eu/esco/skill/e437eba1-3e22-41f2-8703-741e94785cba", "personeelsbeleid"),
    ("http://data.europa.eu/esco/skill/896563fc-6255-4419-89c2-ffed30159ad6", "onderzoeksinterviews uitvoeren"),
    ("http://data.europa.eu/esco/skill/56042303-972b-41be-9310-58467599ff7e", "bedrijfsprocessen analyseren"),
    ("http://data.europa.eu/esco/skill/c544a9f3-5945-4b54-afed-de0697852817", "analyseresultaten rapporteren"),
]
ACHIEVEMENT = {
    "slug": BADGE,
    "name": {"nl": "Adviseur Lerende Regio"},
    "description": {"nl": "Deed onderzoek naar HRM-processen en adviseerde bedrijven in de regio."},
    "criteria": {"nl": "Een adviesrapport en een gesprek daarover met het bedrijf."},
    "assessment": {"nl": "Beoordeeld door twee mensen."},
    "achievement_type": "Badge",
    "skills": [{"uri": uri, "name": name, "framework": "ESCO"} for uri, name in SKILLS],
}


@contextmanager
def prepare(*, rounds: int) -> Iterator[tuple[Operation, Operation]]:
    """Set up both with as many offers redeemed as the rounds will use requests."""
    with tempfile.TemporaryDirectory() as folder, loop() as runner:
        path = Path(folder) / DATABASE
        settings = create_settings(folder)
        clock = Clock()
        app = create_app(settings, clock=clock)
        with unlogged():
            count = rounds * TURNS * REQUESTS_A_TURN + WARM_UP
            with_bearer, with_dpop = runner.run(redeem_offers(app, clock, bearer=count, dpop=count))
        bare = BareIssuer(settled_copy(path), settings, clock)
        operation = partial(Operation, must=0.6, turns=TURNS, repeats=REQUESTS_A_TURN)
        yield (
            operation(
                "Credential endpoint: one key proof, one credential, SQLite",
                bare.turn_of_signatures(verifications=1),
                turn_of(app, with_bearer, runner),
                turn_of(bare, with_bearer, runner),
                "one ES256 verification, one signature",
                "bare ASGI, same cryptography and rows",
            ),
            operation(
                "Credential endpoint with DPoP: the same, and a fresh proof for each request",
                bare.turn_of_signatures(verifications=2),
                turn_of(app, with_dpop, runner),
                turn_of(bare, with_dpop, runner),
                "two ES256 verifications, a signature",
                "bare ASGI, same cryptography and rows",
            ),
        )
        runner.run(app.state.service.close())
        bare.database.close()


def create_settings(folder: str) -> IssuerSettings:
    """An issuer on an empty database of its own."""
    url = f"sqlite:///{folder}/{DATABASE}"
    migrate(url, "issuer")
    return IssuerSettings(
        public_url=URL,
        database_url=url,  # type: ignore[arg-type]  # pydantic keeps it as a secret
        encryption_key=base64url.encode(secrets.token_bytes(32)),  # type: ignore[arg-type]
        badge_vct=f"{URL}/vct/skill-badge/1",
        requests_per_minute=0,
    )


async def redeem_offers(
    app: Application, clock: Clock, *, bearer: int, dpop: int
) -> tuple[list[Request], list[Request]]:
    """Award a badge to so many, and redeem their offers up to the credential request: some plainly, some with DPoP."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
        awards = await _award(app, client, clock, bearer + dpop)
        return (
            [await _redeem(client, clock, award, dpop=None) for award in awards[:bearer]],
            [await _redeem(client, clock, award, dpop=SoftwareSigner.generate()) for award in awards[bearer:]],
        )


async def _award(app: Any, client: httpx.AsyncClient, clock: Clock, count: int) -> list[dict[str, Any]]:
    admin = {"Authorization": f"Bearer {await create_admin_key(app.state.service.database, now=clock())}"}
    organisation = {
        "slug": ORG,
        "name": "Stichting Stimulering Techniek Maas en Waal",
        "url": "https://stmw.example",
    }
    await _post(client, "/api/organisations", json=organisation, headers=admin)
    await _post(client, f"/api/organisations/{ORG}/achievements", json=ACHIEVEMENT, headers=admin)
    awards: list[dict[str, Any]] = []
    while len(awards) < count:
        people = [
            {
                "given_name": "Sanne",
                "family_name": "de Vries",
                "email": f"student{len(awards) + number}@han.example",
            }
            for number in range(min(100, count - len(awards)))
        ]
        path = f"/api/organisations/{ORG}/achievements/{BADGE}/awards"
        awards += (await _post(client, path, json={"recipients": people}, headers=admin)).json()["awards"]
    return awards


async def _redeem(
    client: httpx.AsyncClient, clock: Clock, award: dict[str, Any], *, dpop: SoftwareSigner | None
) -> Request:
    offer = (await client.get(award["offer"]["credential_offer_uri"])).json()
    code = offer["grants"][PRE_AUTHORIZED_CODE_GRANT]["pre-authorized_code"]
    answer = await _post(client, f"/{ORG}/nonce")
    nonce, dpop_nonce = answer.json()["c_nonce"], answer.headers["DPoP-Nonce"]

    def prove(url: str, token: str | None = None) -> dict[str, str]:
        if dpop is None:
            return {}
        proof = create_dpop_proof(
            signer=dpop, method="POST", url=url, now=clock(), access_token=token, nonce=dpop_nonce
        )
        return {"dpop": proof}

    form = {
        "grant_type": PRE_AUTHORIZED_CODE_GRANT,
        "pre-authorized_code": code,
        "tx_code": award["offer"]["tx_code"],
    }
    answer = await _post(client, f"/{ORG}/token", data=form, headers=prove(f"{URL}/{ORG}/token"))
    token, scheme = answer.json()["access_token"], answer.json()["token_type"]
    key_proof = create_key_proof(signer=SoftwareSigner.generate(), audience=f"{URL}/{ORG}", nonce=nonce, now=clock())
    headers = {
        "authorization": f"{scheme} {token}",
        "content-type": "application/json",
        **prove(ENDPOINT, token),
    }
    body = {"credential_configuration_id": f"{BADGE}.dc-sd-jwt", "proofs": {"jwt": [key_proof]}}
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request(ENDPOINT, sent, encode_json(body))


async def _post(client: httpx.AsyncClient, path: str, **given: Any) -> httpx.Response:
    response = await client.post(path, **given)
    response.raise_for_status()
    return response


_GRANT = """
SELECT access_tokens.award_id, access_tokens.offer_id, access_tokens.organisation_id, organisations.name,
    awards.sealed_claims, awards.awarded_at, achievement_versions.achievement, signing_keys.fragment,
    access_tokens.dpop_thumbprint
FROM access_tokens
JOIN awards ON awards.id = access_tokens.award_id
JOIN offers ON offers.id = access_tokens.offer_id
JOIN achievement_versions ON achievement_versions.id = awards.achievement_version_id
JOIN achievements ON achievements.id = achievement_versions.achievement_id
JOIN organisations ON organisations.id = access_tokens.organisation_id
JOIN signing_keys ON signing_keys.organisation_id = organisations.id AND signing_keys.algorithm = 'ES256'
    AND signing_keys.retired_at IS NULL
WHERE access_tokens.token_hash = ?
"""


class BareIssuer:
    """As few lines as do the same cryptography and the same rows."""

    def __init__(self, path: Path, settings: IssuerSettings, clock: Clock) -> None:
        self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        set_sqlite_pragmas(self.database)
        self.clock = clock
        self.seal = settings.seal
        self.type_id = settings.badge_vct
        self.type_integrity = create_integrity(create_skill_badge_type(self.type_id))
        self.signer = SoftwareSigner.generate()
        self.status_list = self.database.execute("SELECT id FROM status_lists").fetchone()[0]
        self.signature = self.signer.sign(b"")

    def turn_of_signatures(self, *, verifications: int) -> Turn:
        """The floor: what the signatures cost alone."""

        def verify_and_sign() -> None:
            for _ in range(verifications):
                self.signer.public_key.verify("ES256", b"", self.signature)
            self.signer.sign(b"")

        return repeated(verify_and_sign)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _scheme, token = (header(scope, b"authorization") or b"").decode().split(" ")
        dpop = header(scope, b"dpop")
        request = json.loads((await receive())["body"])
        await answer_json(send, encode_json(self.issue(token, None if dpop is None else dpop.decode(), request)))

    def issue(self, token: str, dpop: str | None, request: dict[str, Any]) -> dict[str, Any]:
        now, run = self.clock(), self.database.execute
        award, offer, organisation, name, sealed, awarded_at, achievement, fragment, thumbprint = run(
            _GRANT, (sha256(token.encode()).digest(),)
        ).fetchone()
        spent = [] if dpop is None else [self.verify_dpop(dpop, token, thumbprint, now)]
        proof = verify_key_proof(request["proofs"]["jwt"][0], audience=f"{URL}/{ORG}", algorithms=ES256, now=now)
        spent.append((sha256(proof.nonce.encode()).digest(), str(now + NONCE_LIFETIME)))
        claims = json.loads(self.seal.open(sealed, context=f"issuer/award/{UUID(award)}"))
        index, row_id, notification = secrets.randbelow(131_072), uuid4(), secrets.token_urlsafe(16)
        credential = ISSUABLE["dc+sd-jwt"].issue(
            CredentialDataset(
                achievement=json.loads(achievement),
                issuer_profile=PROFILE | {"name": name},
                person=claims["person"],
                evidence=claims["evidence"],
                awarded_at=datetime.fromisoformat(awarded_at).replace(tzinfo=UTC),
                issuing_authority=name,
                credential_id=f"urn:uuid:{uuid4()}",
            ),
            issuer=IssuerIdentity(ISSUER_DID, f"{ISSUER_DID}#{fragment}"),
            signer=self.signer,
            holder_key=proof.holder_key,
            type_id=self.type_id,
            type_integrity=self.type_integrity,
            status=StatusReference(f"{URL}/{ORG}/status/1", index),
            issued_at=now,
            valid_from=now,
            expires_at=None,
        )
        written = str(now)
        run("BEGIN IMMEDIATE")
        for row in spent:
            run("INSERT INTO spent_nonces VALUES (?, ?)", row)
        run("UPDATE awards SET issued_at = ? WHERE id = ? AND status = 'valid'", (written, award))
        run("UPDATE offers SET copies = copies + 1 WHERE id = ?", (offer,))
        run(
            "INSERT OR IGNORE INTO status_entries (status_list_id, status_index, value, award_id, offer_id)"
            " VALUES (?, ?, 0, ?, ?)",
            (self.status_list, index, award, offer),
        )
        run(
            "INSERT OR IGNORE INTO credentials (id, organisation_id, award_id, offer_id, configuration_id,"
            " holder_thumbprint, status_list_id, status_index, sealed_credential, notification_hash, issued_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(row_id.hex, organisation, award, offer, request["credential_configuration_id"]),
                *(proof.holder_key.thumbprint, self.status_list, index),
                self.seal.seal(credential.encode(), context=f"issuer/credential/{row_id}"),
                *(sha256(notification.encode()).digest(), written),
            ),
        )
        run("COMMIT")
        return {"credentials": [{"credential": credential}], "notification_id": notification}

    def verify_dpop(self, dpop: str, token: str, thumbprint: str, now: datetime) -> tuple[bytes, str]:
        """Verify a proof, and return the row that says that it was used."""
        proof = verify_dpop_proof(dpop, method="POST", url=ENDPOINT, now=now, access_token=token, algorithms=ES256)
        if proof.thumbprint != thumbprint:
            raise AssertionError("another key")
        used = sha256(f"dpop {proof.thumbprint} {proof.jti}".encode()).digest()
        return used, str(proof.issued_at + DPOP_REMEMBERED)

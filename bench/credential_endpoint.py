"""The credential endpoint three times: its signatures alone, the real issuer, and a bare ASGI application.

The bare application calls the same cryptography (the kernel's `verify_key_proof` and `issue`, the sealed claims and
credential) and reads and writes the same rows, in one transaction on a copy of the same SQLite database with the same
pragmas. It does nothing else: no routing, no thread, no log, no limits, no nonce's MAC, no state of the award, no
errors. So the share says what the service around them costs; what the kernel's cryptography costs beside the bare
signatures is in the floor, and in `bench.sd_jwt`. Both get the same requests, in process,
past any server, on the event loop that the server would bring. Of what is left about a third is waking a thread for the
database and the event loop afterwards: a commit waits for the disk, and the loop must not.
"""

import asyncio
import gc
import json
import os
import secrets
import sqlite3
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn

from bench.measuring import Operation
from issuer.api_keys import create_admin_key
from issuer.app import create_app
from issuer.settings import IssuerSettings
from kernel.did import did_web
from kernel.formats import ISSUABLE, IssuerIdentity, StatusReference
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import PRE_AUTHORIZED_CODE_GRANT, create_key_proof, verify_key_proof
from kernel.strict_json import encode_json
from kernel.type_metadata import create_integrity, create_skill_badge_type
from runtime.database import migrate, set_sqlite_pragmas

TURNS, REQUESTS_A_TURN, WARM_UP = 12, 5, 10
URL, ORG, BADGE = "https://issuer.example", "stmw", "adviseur"
ISSUER_DID = did_web(f"{URL}/{ORG}")
PROFILE = {
    "id": ISSUER_DID,
    "type": ["Profile"],
    "address": {"type": ["Address"], "addressCountryCode": "NL"},
    "url": "https://stmw.example",
}
ES256 = frozenset({"ES256"})
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

Message = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """A credential request that can be sent once to each database."""

    token: str
    body: bytes

    async def send(self, app: Application) -> bytes:
        """Hand it to an application as a server would, and return the answer's body."""
        answered: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            answered.append(message)

        await app(self._scope(), receive, send)
        body: bytes = answered[-1]["body"]
        if answered[0]["status"] != 200:
            raise AssertionError(body)
        return body

    def _scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": f"/{ORG}/credential",
            "raw_path": f"/{ORG}/credential".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"issuer.example"),
                (b"authorization", b"Bearer " + self.token.encode()),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(self.body)).encode()),
            ],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8101),
            "state": {},
        }


@contextmanager
def prepare(*, rounds: int) -> Iterator[Operation]:
    """Set up both with as many offers redeemed as the rounds will use requests."""
    with (
        tempfile.TemporaryDirectory() as folder,
        # The issuer's log lines are part of its work, not of this report.
        Path(os.devnull).open("w") as nowhere,
        # The loop that `skillswallet serve` runs on.
        asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner,
    ):
        path = Path(folder) / "issuer.sqlite3"
        migrate(f"sqlite:///{path}", "issuer")
        settings = IssuerSettings(
            public_url=URL,
            database_url=f"sqlite:///{path}",  # type: ignore[arg-type]  # pydantic keeps it as a secret
            encryption_key=urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),  # type: ignore[arg-type]
            badge_vct=f"{URL}/vct/skill-badge/1",
            requests_per_minute=0,
        )
        app = create_app(settings)
        with redirect_stderr(nowhere):
            count = rounds * TURNS * REQUESTS_A_TURN + WARM_UP
            requests = runner.run(_redeem_offers(app, count))
        # As `skillswallet serve` does; both profit.
        gc.collect()
        gc.freeze()
        copy = path.with_name("bare.sqlite3")
        with closing(sqlite3.connect(path)) as original, closing(sqlite3.connect(copy)) as made:
            original.backup(made)
        bare = BareIssuer(copy, settings)

        def turn_of(application: Application) -> Callable[[int], None]:
            waiting = iter(requests)

            async def send(repeats: int) -> None:
                for _ in range(repeats):
                    await next(waiting).send(application)

            def turn(repeats: int) -> None:
                with redirect_stderr(nowhere):
                    runner.run(send(repeats))

            turn(WARM_UP)
            return turn

        yield Operation(
            "Credential endpoint: one key proof, one credential, SQLite",
            bare.turn_of_signatures,
            turn_of(app),
            turn_of(bare),
            "one ES256 verification, one signature",
            "bare ASGI, same cryptography and rows",
            must=0.6,
            turns=TURNS,
            repeats=REQUESTS_A_TURN,
        )
        runner.run(app.state.service.close())
        bare.database.close()


async def _redeem_offers(app: Any, count: int) -> list[Request]:
    """Award a badge to so many, and redeem their offers up to the credential request."""
    now = datetime.now(UTC)
    key = await create_admin_key(app.state.service.database, now=now)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:

        async def post(path: str, **given: Any) -> dict[str, Any]:
            response = await client.post(path, **given)
            response.raise_for_status()
            answer: dict[str, Any] = response.json()
            return answer

        admin = {"Authorization": f"Bearer {key}"}
        organisation = {
            "slug": ORG,
            "name": "Stichting Stimulering Techniek Maas en Waal",
            "url": "https://stmw.example",
        }
        await post("/api/organisations", json=organisation, headers=admin)
        await post(f"/api/organisations/{ORG}/achievements", json=ACHIEVEMENT, headers=admin)
        awards: list[dict[str, Any]] = []
        while len(awards) < count:
            people = [
                {
                    "given_name": "Sanne",
                    "family_name": "de Vries",
                    "email": f"student{len(awards) + number}@han.example",
                }
                for number in range(100)
            ]
            path = f"/api/organisations/{ORG}/achievements/{BADGE}/awards"
            awards += (await post(path, json={"recipients": people}, headers=admin))["awards"]
        requests = []
        for award in awards[:count]:
            offer = (await client.get(award["offer"]["credential_offer_uri"])).json()
            code = offer["grants"][PRE_AUTHORIZED_CODE_GRANT]["pre-authorized_code"]
            form = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": code}
            token = await post(f"/{ORG}/token", data={**form, "tx_code": award["offer"]["tx_code"]})
            nonce = (await post(f"/{ORG}/nonce"))["c_nonce"]
            proof = create_key_proof(
                signer=SoftwareSigner.generate(), audience=f"{URL}/{ORG}", nonce=nonce, now=datetime.now(UTC)
            )
            body = {"credential_configuration_id": f"{BADGE}.dc-sd-jwt", "proofs": {"jwt": [proof]}}
            requests.append(Request(token["access_token"], json.dumps(body).encode()))
    return requests


_GRANT = """
SELECT access_tokens.award_id, access_tokens.offer_id, access_tokens.organisation_id, organisations.name,
    awards.sealed_claims, awards.awarded_at, achievement_versions.achievement, signing_keys.fragment
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

    def __init__(self, path: Path, settings: IssuerSettings) -> None:
        self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        set_sqlite_pragmas(self.database)
        self.seal = settings.seal
        self.type_id = settings.badge_vct
        self.type_integrity = create_integrity(create_skill_badge_type(self.type_id))
        self.signer = SoftwareSigner.generate()
        self.status_list = self.database.execute("SELECT id FROM status_lists").fetchone()[0]
        self.signature = self.signer.sign(b"")

    def turn_of_signatures(self, repeats: int) -> None:
        """The floor: what the two signatures cost alone."""
        for _ in range(repeats):
            self.signer.public_key.verify("ES256", b"", self.signature)
            self.signer.sign(b"")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        token = next(value for name, value in scope["headers"] if name == b"authorization")[7:]
        answer = encode_json(self.issue(token, json.loads((await receive())["body"])))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def issue(self, token: bytes, request: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        proof = verify_key_proof(request["proofs"]["jwt"][0], audience=f"{URL}/{ORG}", algorithms=ES256, now=now)
        run = self.database.execute
        award, offer, organisation, name, sealed, awarded_at, achievement, fragment = run(
            _GRANT, (sha256(token).digest(),)
        ).fetchone()
        claims = json.loads(self.seal.open(sealed, context=f"issuer/award/{UUID(award)}"))
        index, row, notification = secrets.randbelow(131_072), uuid4(), secrets.token_urlsafe(16)
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
        run("INSERT INTO spent_nonces VALUES (?, ?)", (sha256(proof.nonce.encode()).digest(), written))
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
                *(row.hex, organisation, award, offer, request["credential_configuration_id"]),
                *(proof.holder_key.thumbprint, self.status_list, index),
                self.seal.seal(credential.encode(), context=f"issuer/credential/{row}"),
                *(sha256(notification.encode()).digest(), written),
            ),
        )
        run("COMMIT")
        return {"credentials": [{"credential": credential}], "notification_id": notification}

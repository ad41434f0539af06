"""Presentations with `direct_post.jwt`: the bare cryptography, the real verifier, and a bare ASGI application.

One badge of one holder is shown, its skills only, encrypted to the transaction's own key; every presentation has a
badge, a holder key and a transaction of its own, made beforehand. The bare application calls the kernel's own functions
(it decrypts, reads the answer by the query, verifies signature, disclosures, validity and holder binding, looks into a
kept status list and a kept trust list, judges by the query) and reads and writes the same rows on a copy of the same
SQLite database with the same pragmas, in the same two transactions: what came in is kept before it is checked, so that
no answer is lost, and that costs a flush whoever promises it. It does nothing else: no routing, no thread, no log, no
limits, no evidence for each check, no words for what fails.
"""

import json
import secrets
import sqlite3
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from bench.asgi import (
    REQUESTS_A_TURN,
    TURNS,
    WARM_UP,
    Clock,
    Request,
    answer_json,
    loop,
    settled_copy,
    turn_of,
    unlogged,
)
from bench.credential_endpoint import SKILLS
from bench.measuring import Operation, Turn, repeated
from kernel.dcql import Candidate, match, parse_dcql_query, verify_answer
from kernel.did import create_did_web_document, did_web
from kernel.formats import (
    ALGORITHMS,
    FORMATS,
    ISSUABLE,
    IssuerIdentity,
    StatusReference,
    parse_credential,
    verify_validity,
)
from kernel.jwe import encrypt_jwe
from kernel.keys import SoftwareSigner, public_part
from kernel.open_badges import CredentialDataset, badge_view, create_achievement, create_alignment
from kernel.openid4vp import EncryptedResponse, VpTokenResponse, decrypt_response, parse_vp_token
from kernel.report import CHECK_CODES
from kernel.status.token_status_list import MINIMUM_SIZE, Status, StatusList, create_status_list_token
from kernel.strict_json import encode_json
from kernel.trust_list import (
    Outcome,
    ServiceState,
    TrustedEntity,
    TrustedService,
    create_trust_list,
    sign_trust_list,
    verify_trust_list,
)
from runtime.database import migrate, set_sqlite_pragmas
from verifier.app import create_app
from verifier.models import PresentationRequest
from verifier.presentation_request import Asking, open_exchange, start_presentation
from verifier.questions import AskedSkill
from verifier.relying_parties import create_relying_party
from verifier.settings import VerifierSettings

URL, PARTY = "https://verifier.example", "bakker"
ISSUER, TRUST_LIST = "https://issuer.example/stmw", "https://trust.example/list"
STATUS_LIST, VCT = f"{ISSUER}/status/1", "https://issuer.example/vct/skill-badge/1"
FORMAT = "dc+sd-jwt"


class Issuer:
    """An issuer that is on the trust list, with what it publishes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.did = did_web(ISSUER)
        self.signer, self.list_signer = SoftwareSigner.generate(), SoftwareSigner.generate()
        self.statuses = StatusList(1, MINIMUM_SIZE)
        now = clock()
        service = TrustedService(
            name="Uitgifte van badges",
            service="issuance",
            states=(ServiceState("granted", now - timedelta(days=365)),),
            identifiers=frozenset({self.did}),
            keys=(self.signer.public_key,),
            credential_types=frozenset({VCT}),
            achievement_types=frozenset({"Badge"}),
        )
        payload = create_trust_list(
            scheme="https://trust.example",
            operator_names={"nl": "Skillsregio Rivierenland"},
            territory="NL",
            sequence=1,
            issued_at=now - timedelta(days=1),
            next_update=now + timedelta(days=7),
            entities=[TrustedEntity({"nl": "Stichting Stimulering Techniek Maas en Waal"}, (service,))],
        )
        self.trust_list = sign_trust_list(payload, signer=self.list_signer, header={"kid": "1"})

    def publish(self, request: httpx.Request) -> httpx.Response:
        """Everything that a verifier fetches."""
        match str(request.url):
            case url if url == f"{ISSUER}/did.json":
                return httpx.Response(200, json=create_did_web_document(self.did, [("1", self.signer.public_key)]))
            case url if url == STATUS_LIST:
                return _published(self._sign_statuses(), "application/statuslist+jwt")
            case url if url == TRUST_LIST:
                return _published(self.trust_list, "application/jwt")
        return httpx.Response(404)

    def _sign_statuses(self) -> str:
        now = self.clock()
        return create_status_list_token(
            self.statuses,
            uri=STATUS_LIST,
            signer=self.signer,
            key_reference={"kid": f"{self.did}#1"},
            issued_at=now,
            expires_at=now + timedelta(days=1),
            ttl=timedelta(hours=1),
        )

    def issue(self, holder: SoftwareSigner) -> str:
        """A badge with a place of its own in the status list."""
        now = self.clock()
        achievement = create_achievement(
            achievement_id=f"{ISSUER}/achievements/adviseur",
            name="Adviseur Lerende Regio",
            description="Deed onderzoek naar HRM-processen en adviseerde bedrijven in de regio.",
            criteria_narrative="Een adviesrapport en een gesprek daarover met het bedrijf.",
            achievement_type="Badge",
            alignments=[
                create_alignment(
                    target_url=uri, target_name=name, target_framework="ESCO", target_type="ext:ESCOAlignment"
                )
                for uri, name in SKILLS
            ],
            language="nl",
        )
        return ISSUABLE[FORMAT].issue(
            CredentialDataset(
                achievement=achievement,
                issuer_profile={"id": self.did, "type": ["Profile"], "name": "STMW"},
                person={"given_name": "Sanne", "family_name": "de Vries", "email": "sanne@han.example"},
                evidence=[],
                awarded_at=now,
                issuing_authority="STMW",
                credential_id=f"urn:uuid:{secrets.token_hex(16)}",
            ),
            issuer=IssuerIdentity(self.did, f"{self.did}#1"),
            signer=self.signer,
            holder_key=holder.public_key,
            type_id=VCT,
            status=StatusReference(STATUS_LIST, secrets.randbelow(MINIMUM_SIZE)),
            issued_at=now,
            valid_from=now,
            expires_at=None,
        )


def _published(text: str, media_type: str) -> httpx.Response:
    return httpx.Response(200, text=text, headers={"content-type": media_type})


@contextmanager
def prepare(*, rounds: int) -> Iterator[Operation]:
    """Set up both with as many questions asked and presentations made as the rounds will use."""
    with tempfile.TemporaryDirectory() as folder, loop() as runner:
        path = Path(folder) / "verifier.sqlite3"
        migrate(f"sqlite:///{path}", "verifier")
        clock = Clock()
        issuer = Issuer(clock)
        settings = VerifierSettings(
            public_url=URL,
            database_url=f"sqlite:///{path}",  # type: ignore[arg-type]  # pydantic keeps it as a secret
            encryption_key=urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),  # type: ignore[arg-type]
            badge_vct_values=frozenset({VCT}),
            trust_list=TRUST_LIST,
            trust_list_signer=json.dumps(issuer.list_signer.public_key.jwk),
            requests_per_minute=0,
        )
        app = create_app(settings, transport=httpx.MockTransport(issuer.publish), clock=clock)
        with unlogged():
            requests = runner.run(_make_presentations(app, issuer, rounds * TURNS * REQUESTS_A_TURN + WARM_UP))
        copy = settled_copy(path)
        bare = BareVerifier(copy, settings, issuer)
        yield Operation(
            "Response endpoint: one SD-JWT badge by direct_post.jwt, SQLite",
            bare_cryptography(),
            turn_of(app, requests, runner),
            turn_of(bare, requests, runner),
            "two ES256 verifications, one ECDH",
            "bare ASGI, same cryptography and rows",
            must=None,
            turns=TURNS,
            repeats=REQUESTS_A_TURN,
        )
        runner.run(app.state.service.close())
        bare.database.close()
        _require_accepted(path)
        _require_accepted(copy)


def _require_accepted(path: Path) -> None:
    """Make sure that what was measured was the checking of good badges."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(
            "SELECT json_extract(report, '$.accepted') FROM presentation_requests WHERE state = 'settled'"
        )
        if {accepted for (accepted,) in found} != {1}:
            raise AssertionError("not every presentation was accepted")


async def _make_presentations(app: Any, issuer: Issuer, count: int) -> list[Request]:
    """Ask so many times, and answer as a wallet would, up to the request that carries the answer."""
    service = app.state.service
    uri, name = SKILLS[0]
    asking = Asking("Adviseur", "Vacature adviseur", (AskedSkill(uri, {"nl": name}),), retention_hours=24)
    async with service.database.transaction() as session:
        party, _key = await create_relying_party(
            session, service.settings, slug=PARTY, name="Bakker Bouw", now=service.clock()
        )
    requests = []
    async with service.database.transaction() as session:
        for _ in range(count):
            request = await start_presentation(session, service, party, asking, now=service.clock())
            requests.append(_answer(issuer, request, open_exchange(service.sealing_key, request)))
    return requests


def _answer(issuer: Issuer, request: PresentationRequest, exchange: Any) -> Request:
    holder = SoftwareSigner.generate()
    raw = issuer.issue(holder)
    unverified = parse_credential(raw)
    badge = FORMATS[FORMAT].verify_signature(unverified, key=issuer.signer.public_key, algorithms=ALGORITHMS[FORMAT])
    disclosable = frozenset(FORMATS[FORMAT].disclosable_paths(raw))
    held = Candidate("badge", FORMAT, badge.types, badge.claims, disclosable)
    vp_token = {
        query_id: [
            FORMATS[FORMAT].present(
                raw,
                disclose=chosen.disclose,
                holder_signer=holder,
                audience=request.client_id,
                nonce=exchange.nonce,
                now=issuer.clock(),
            )
        ]
        for query_id, chosen in match(parse_dcql_query(request.dcql_query), [held]).first_choice().items()
    }
    answer = encode_json({"vp_token": vp_token, "state": exchange.state})
    response = encrypt_jwe(answer, recipient=public_part(exchange.encryption_jwk))
    return Request(
        f"{URL}/{PARTY}/responses/{exchange.response_secret}",
        [(b"content-type", b"application/x-www-form-urlencoded")],
        urlencode({"response": response}).encode(),
    )


def bare_cryptography() -> Turn:
    """The floor: what an answer's two signatures and its encryption cost alone."""
    signer = SoftwareSigner.generate()
    signature = signer.sign(b"")
    key, sent = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()).public_key()

    def agree_and_verify() -> None:
        key.exchange(ec.ECDH(), sent)
        signer.public_key.verify("ES256", b"", signature)
        signer.public_key.verify("ES256", b"", signature)

    return repeated(agree_and_verify)


_WAITING = """
SELECT presentation_requests.id, relying_parties.id, client_id, sealed_exchange, dcql_query, requirements,
    transaction_data, retention_hours
FROM presentation_requests
JOIN relying_parties ON relying_parties.id = presentation_requests.relying_party_id
WHERE slug = ? AND response_secret_hash = ? AND state IN ('waiting', 'fetched') AND expires_at > ?
"""


class BareVerifier:
    """As few lines as do the same cryptography and the same rows."""

    def __init__(self, path: Path, settings: VerifierSettings, issuer: Issuer) -> None:
        self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        set_sqlite_pragmas(self.database)
        self.clock, self.seal = issuer.clock, settings.sealing_key()
        self.key, self.statuses = issuer.signer.public_key, issuer.statuses
        self.trust_list = verify_trust_list(
            issuer.trust_list, signer_key=issuer.list_signer.public_key, now=issuer.clock(), previous_sequence=None
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _, slug, _, secret = scope["path"].split("/")
        form = parse_qs((await receive())["body"].decode())
        self.verify(slug, secret, form["response"][0])
        await answer_json(send, b"{}")

    def verify(self, slug: str, secret: str, response: str) -> None:
        now, run = self.clock(), self.database.execute
        request_id, party_id, client_id, sealed, dcql_query, requirements, _data, hours = run(
            _WAITING, (slug, sha256(secret.encode()).digest(), str(now))
        ).fetchone()
        exchange = json.loads(self.seal.open(sealed, context=f"verifier/exchange/{request_id}"))
        answer = decrypt_response(EncryptedResponse(response), private_jwk=exchange["encryption_jwk"])
        if not isinstance(answer, VpTokenResponse) or answer.state != exchange["state"]:
            raise AssertionError("another answer")
        query = parse_dcql_query(json.loads(dcql_query))
        vp_token = parse_vp_token(answer.vp_token, query)
        received = json.dumps({"vp_token": vp_token, "nonce": exchange["nonce"], "channel": {"audience": client_id}})
        written, erased, context = str(now), str(now + timedelta(hours=hours)), f"verifier/received/{request_id}"
        run("BEGIN IMMEDIATE")
        run(
            "UPDATE presentation_requests SET state = 'received', received_at = ?, leased_at = ?,"
            " sealed_exchange = NULL, sealed_received = ?, erase_at = ? WHERE id = ? AND state_hash = ?"
            " AND state IN ('waiting', 'fetched')",
            (
                *(written, written, self.seal.seal(received.encode(), context=context), erased, request_id),
                sha256(exchange["state"].encode()).digest(),
            ),
        )
        run("COMMIT")
        ((query_id, (raw,)),) = vp_token.items()
        presented = parse_credential(raw)
        verbs, algorithms = FORMATS[presented.format], ALGORITHMS[presented.format]
        badge = verbs.verify_signature(presented, key=self.key, algorithms=algorithms)
        verify_validity(badge, now=now)
        verbs.verify_holder_binding(
            presented, badge, algorithms=algorithms, audience=client_id, nonce=exchange["nonce"], now=now
        )
        view = badge_view(badge.claims, badge.format)
        recognition = self.trust_list.recognise(
            identifiers={badge.issuer},
            key=badge.key,
            service="issuance",
            types=badge.types,
            achievement_type=view.achievement_type,
            at=now,
        )
        if self.statuses.get(badge.statuses[0].index) != Status.VALID.value_in_list:
            raise AssertionError("withdrawn")
        if recognition.outcome is not Outcome.RECOGNISED:
            raise AssertionError("not recognised")
        verify_answer(query, {query_id: [badge]})
        checks: list[Any] = [
            {"code": code, "outcome": "passed", "error_code": None, "evidence": {}} for code in CHECK_CODES
        ]
        report = {
            "accepted": True,
            "checked_at": now.isoformat(),
            "requirements": [{**each, "outcome": "met"} for each in json.loads(requirements)],
            "checks": checks,
            "presentations": [{"query_id": query_id, "position": 0, "accepted": True, "checks": checks}],
        }
        shown = {
            "name": view.name,
            "issuer_name": view.issuer_name,
            "skills": [{"uri": skill.uri, "name": skill.name} for skill in view.skills],
            "person": dict(view.person),
        }
        kept = json.dumps({"vp_token": vp_token, "shown": {f"{query_id}/0": shown}})
        run("BEGIN IMMEDIATE")
        run(
            "UPDATE presentation_requests SET state = 'settled', settled_at = ?, released_at = ?, report = ?,"
            " sealed_received = ?, erase_at = ? WHERE id = ? AND state = 'received'",
            (
                *(written, written, json.dumps(report), self.seal.seal(kept.encode(), context=context), erased),
                request_id,
            ),
        )
        run("SELECT url FROM webhooks WHERE relying_party_id = ?", (party_id,)).fetchone()
        run("COMMIT")

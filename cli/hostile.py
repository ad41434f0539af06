"""A wallet, an issuer and a verifier that can misbehave, to show that the honest ones do not fall for it.

They are built on the kernel alone and talk to the services over HTTP like any stranger. The wallet checks nothing that
it receives, since an attacker would not. For demonstrations and tests; no service imports this.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import uvicorn

from kernel import base64url
from kernel.dcql import Candidate, match, parse_dcql_query
from kernel.did import create_did_web_document, did_web
from kernel.formats import FORMATS, ISSUABLE, IssuerIdentity, StatusReference, parse_credential
from kernel.jwe import encrypt_jwe
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import PublicKey, SoftwareSigner
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import (
    AUTHORIZATION_SERVER,
    CREDENTIAL_ISSUER,
    PRE_AUTHORIZED_CODE_GRANT,
    ByReference,
    CredentialOffer,
    create_key_proof,
    parse_credential_offer,
    parse_credential_offer_link,
    well_known_url,
)
from kernel.sd_jwt import create_key_binding_jwt, parse_sd_jwt, reveal

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class HeldBadge:
    """A credential and the key that it is bound to."""

    raw: str = field(repr=False)
    signer: SoftwareSigner = field(repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What a request object asks, read without checking who asks."""

    client_id: str
    nonce: str
    state: str
    response_uri: str
    response_mode: str
    dcql_query: Mapping[str, Any]
    client_metadata: Mapping[str, Any]


class StrangeWallet:
    """A wallet that speaks the protocols and does as its caller says."""

    def __init__(self, http: httpx.AsyncClient, *, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    async def read_offer(self, link: str) -> CredentialOffer:
        """The offer behind a link."""
        read = parse_credential_offer_link(link)
        if isinstance(read, ByReference):
            return parse_credential_offer((await self._http.get(read.uri)).raise_for_status().json())
        return read.offer

    async def request_token(self, offer: CredentialOffer, tx_code: str | None) -> httpx.Response:
        """Exchange the code of an offer; the answer as it came."""
        server = (await self._metadata(offer, AUTHORIZATION_SERVER))["token_endpoint"]
        if offer.pre_authorized_code is None:
            raise ValueError("an offer without a pre-authorized code")
        form = {
            "grant_type": PRE_AUTHORIZED_CODE_GRANT,
            "pre-authorized_code": offer.pre_authorized_code.pre_authorized_code,
        }
        return await self._http.post(server, data=form | ({"tx_code": tx_code} if tx_code is not None else {}))

    async def receive(self, link: str, tx_code: str | None) -> HeldBadge:
        """Take what a link offers, in the first format offered; nothing is checked."""
        offer = await self.read_offer(link)
        issuer = await self._metadata(offer, CREDENTIAL_ISSUER)
        token = (await self.request_token(offer, tx_code)).raise_for_status().json()["access_token"]
        nonce = (await self._http.post(issuer["nonce_endpoint"])).raise_for_status().json()["c_nonce"]
        signer = SoftwareSigner.generate("ES256")
        proof = create_key_proof(signer=signer, audience=offer.credential_issuer, nonce=nonce, now=self._clock())
        response = await self._http.post(
            issuer["credential_endpoint"],
            json={
                "credential_configuration_id": _preferred(offer.credential_configuration_ids),
                "proofs": {"jwt": [proof]},
            },
            headers={"Authorization": f"Bearer {token}"},
        )
        return HeldBadge(response.raise_for_status().json()["credentials"][0]["credential"], signer)

    async def read_question(self, link: str) -> Question:
        """What the verifier behind a link asks."""
        parameters = dict(parse_qsl(urlsplit(link).query))
        if parameters.get("request_uri_method") == "post":
            response = await self._http.post(parameters["request_uri"], data={"wallet_nonce": secrets.token_urlsafe()})
        else:
            response = await self._http.get(parameters["request_uri"])
        payload = parse_jwt(response.raise_for_status().text).payload
        return Question(
            client_id=payload["client_id"],
            nonce=payload["nonce"],
            state=payload.get("state", ""),
            response_uri=payload["response_uri"],
            response_mode=payload["response_mode"],
            dcql_query=payload["dcql_query"],
            client_metadata=payload.get("client_metadata", {}),
        )

    def present(
        self, question: Question, badge: HeldBadge, *, audience: str | None = None, nonce: str | None = None
    ) -> dict[str, list[str]]:
        """An honest answer to every part of the question that this badge fits, or one made for somebody else."""
        credential = parse_credential(badge.raw)
        form = FORMATS[credential.format]
        candidate = Candidate(
            id="badge",
            format=credential.format,
            types=frozenset({str(credential.payload.get("vct", ""))}),
            claims=reveal(credential.payload, credential.sd_jwt.disclosures, protected=frozenset()),
            disclosable=frozenset(form.disclosable_paths(badge.raw)),
        )
        chosen = match(parse_dcql_query(question.dcql_query), [candidate]).first_choice()
        return {
            query_id: [
                form.present(
                    badge.raw,
                    disclose=answer.disclose,
                    holder_signer=badge.signer,
                    audience=audience or question.client_id,
                    nonce=nonce or question.nonce,
                    now=self._clock(),
                )
            ]
            for query_id, answer in chosen.items()
        }

    def alter_disclosure(
        self, question: Question, badge: HeldBadge, vp_token: Mapping[str, Sequence[str]], *, name: str
    ) -> dict[str, list[str]]:
        """The same answer, in which the shown skills carry another name; signed again by the rightful holder."""
        return {
            query_id: [self._alter(question, badge, raw, name) for raw in shown] for query_id, shown in vp_token.items()
        }

    def answer_form(self, question: Question, vp_token: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """The form to post, encrypted where the verifier asks for that."""
        if question.response_mode != "direct_post.jwt":
            return {"vp_token": json.dumps(vp_token), "state": question.state}
        recipient = question.client_metadata["jwks"]["keys"][0]
        plaintext = json.dumps({"vp_token": vp_token, "state": question.state}).encode()
        enc = question.client_metadata.get("encrypted_response_enc_values_supported", ["A128GCM"])[0]
        return {"response": encrypt_jwe(plaintext, recipient=recipient, enc=enc)}

    async def post_answer(self, question: Question, form: Mapping[str, str]) -> httpx.Response:
        """Post it; the answer as it came."""
        return await self._http.post(question.response_uri, data=dict(form))

    async def answer(self, link: str, badge: HeldBadge) -> httpx.Response:
        """Answer a question honestly, from link to post."""
        question = await self.read_question(link)
        return await self.post_answer(question, self.answer_form(question, self.present(question, badge)))

    def _alter(self, question: Question, badge: HeldBadge, presented: str, name: str) -> str:
        parts = presented.split("~")
        issuer_jwt, disclosures = parts[0], parts[1:-1]
        altered = "~".join([issuer_jwt, *(_renamed(disclosure, name) for disclosure in disclosures), ""])
        return altered + create_key_binding_jwt(
            altered, signer=badge.signer, audience=question.client_id, nonce=question.nonce, now=self._clock()
        )

    async def _metadata(self, offer: CredentialOffer, name: str) -> dict[str, Any]:
        response = await self._http.get(well_known_url(offer.credential_issuer, name))
        found: dict[str, Any] = response.raise_for_status().json()
        return found


class PracticeParty:
    """An organisation with a DID of its own: it can sign any badge, ask anything, and write down all it receives.

    It is an ASGI application, so that tests call it in the process and the demo serves it on a port.
    """

    def __init__(self, address: str, slug: str, *, clock: Clock) -> None:
        self.address = address
        self.identifier = f"{address}/{slug}"
        self.did = did_web(self.identifier)
        self.client_id = f"decentralized_identifier:{self.did}"
        self.signer = SoftwareSigner.generate("ES256")
        self.received: list[bytes] = []
        self._path = f"/{slug}"
        self._clock = clock
        self._requests: dict[str, dict[str, Any]] = {}

    def issue(
        self,
        dataset: CredentialDataset,
        *,
        holder_key: PublicKey,
        type_id: str,
        issued_at: datetime,
        expires_at: datetime | None,
        status: StatusReference | None = None,
    ) -> str:
        """A badge signed by this organisation, as good or bad as the caller wants it."""
        return ISSUABLE["dc+sd-jwt"].issue(
            dataset,
            issuer=IssuerIdentity(self.did, f"{self.did}#practice"),
            signer=self.signer,
            holder_key=holder_key,
            type_id=type_id,
            status=status,
            issued_at=issued_at,
            valid_from=issued_at,
            expires_at=expires_at,
        )

    def ask(self, dcql_query: Mapping[str, Any], *, purpose: str = "") -> str:
        """A link that asks for this and wants the answer unencrypted, so that every byte of it can be looked at."""
        request_id = secrets.token_urlsafe()
        now = self._clock()
        self._requests[request_id] = {
            "client_id": self.client_id,
            "aud": "https://self-issued.me/v2",
            "response_type": "vp_token",
            "response_mode": "direct_post",
            "response_uri": f"{self.identifier}/responses/{request_id}",
            "nonce": secrets.token_urlsafe(16),
            "state": secrets.token_urlsafe(16),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "client_metadata": {
                "client_name": purpose or "Practice",
                "vp_formats_supported": {
                    "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]},
                    "vc+sd-jwt": {"alg_values": ["ES256"]},
                },
            },
            "dcql_query": dict(dcql_query),
        }
        query = httpx.QueryParams(client_id=self.client_id, request_uri=f"{self.identifier}/requests/{request_id}")
        return f"openid4vp://?{query}"

    def presented(self) -> dict[str, list[str]]:
        """The `vp_token` of the answer that came last."""
        form = parse_qs(self.received[-1].decode())
        token: dict[str, list[str]] = json.loads(form["vp_token"][0])
        return token

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Answer HTTP: the DID document, request objects, and whatever is posted."""
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        status, content_type, answer = self._respond(scope["method"], scope["path"], body)
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _respond(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        kind, _, name = path.removeprefix(self._path).strip("/").partition("/")
        if kind == "did.json":
            document = create_did_web_document(self.did, [("practice", self.signer.public_key)])
            return 200, "application/json", json.dumps(document).encode()
        if kind == "requests" and name in self._requests:
            header = {"kid": f"{self.did}#practice"}
            signed = sign_jwt(self._requests[name], signer=self.signer, typ="oauth-authz-req+jwt", header=header)
            return 200, "application/oauth-authz-req+jwt", signed.encode()
        if kind == "responses" and method == "POST" and name in self._requests:
            self.received.append(body)
            return 200, "application/json", b"{}"
        return 404, "application/json", b"{}"


class Server:
    """A practice party on a port of this machine, in the event loop of its caller."""

    def __init__(self, app: PracticeParty, port: int) -> None:
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_level="critical", access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Server":
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def readable_parts(raw: bytes) -> str:
    """Everything that a posted answer says, decoded: the form, each JWT, each disclosure.

    Whoever looks for a name in this text looks in every place where one could stand.
    """
    form = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
    texts = [json.dumps(form, ensure_ascii=False)]
    for presented in _presentations(form):
        parsed = parse_sd_jwt(presented)
        texts += [json.dumps([parsed.issuer_jwt.header, parsed.issuer_jwt.payload], ensure_ascii=False)]
        texts += [json.dumps([shown.name, shown.value], ensure_ascii=False) for shown in parsed.disclosures]
        texts += [base64url.decode(part).decode() for part in (parsed.key_binding_jwt or "").split(".")[:2]]
    return "\n".join(texts)


def count_disclosures(raw: bytes) -> int:
    """How many disclosures a posted answer carries."""
    form = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
    return sum(len(parse_sd_jwt(presented).disclosures) for presented in _presentations(form))


def _presentations(form: Mapping[str, str]) -> Iterable[str]:
    for shown in json.loads(form["vp_token"]).values():
        yield from shown


def _renamed(disclosure: str, name: str) -> str:
    content = json.loads(base64url.decode(disclosure))
    if isinstance(content[-1], dict) and "targetName" in content[-1]:
        content[-1]["targetName"] = name
    return base64url.encode(json.dumps(content).encode())


def _preferred(configuration_ids: Sequence[str]) -> str:
    return next((name for name in configuration_ids if name.endswith("dc-sd-jwt")), configuration_ids[0])


async def _read_body(receive: Callable[..., Any]) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)

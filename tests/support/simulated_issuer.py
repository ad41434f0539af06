"""An honest Credential Issuer at its own host, built on the kernel, that can be told to misbehave in one way.

    issuer = SimulatedIssuer(clock)
    link = issuer.offer_link(tx_code="493536")
    issuer.misbehave = "changed_disclosure"

Everything that it was asked is in `requests`; what it heard afterwards in `notifications`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kernel import base64url
from kernel.data_integrity import add_proof, without_proof
from kernel.did import create_did_web_document, resolve_static_did
from kernel.formats import ISSUABLE, IssuerIdentity, StatusKind, StatusReference, to_wire
from kernel.jwt import parse_jwt, sign_jwt, verify_jwt
from kernel.keys import PublicKey, SoftwareSigner, public_part
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import (
    AuthorizationCodeGrant,
    CredentialOffer,
    KeyAttesters,
    KeyProof,
    PreAuthorizedCodeGrant,
    TxCode,
    create_encryption_metadata,
    create_offer_link,
    decrypt_message,
    encrypt_message,
    parse_credential_request,
    parse_notification_request,
    parse_response_encryption,
    verify_attestation_proof,
    verify_di_vp_proof,
    verify_key_proof,
)
from kernel.sd_jwt import conceal
from kernel.status.bitstring_status_list import Bitstring, create_status_list_credential, sign_with_proof
from kernel.status.token_status_list import Status, StatusList, create_status_list_token
from runtime.tokens import create_token
from tests.support.badges import create_test_dataset
from tests.support.forgeries import Forge
from tests.support.hideable import sign_hideable
from tests.support.simulated_authorization_server import ES256, ServerMisbehaviour, SimulatedAuthorizationServer

VCT = "https://issuer.example/vct/skill-badge/1"
OPEN_BADGE_TYPE = "OpenBadgeCredential"
FRAGMENT, ED25519_FRAGMENT = "es256-1", "ed25519-1"
DC, VC = "adviseur.dc-sd-jwt", "adviseur.vc-sd-jwt"
WHOLE, SELECTIVE = "adviseur.ldp-vc", "adviseur.ldp-vc-sd"
JWT, OPEN_BADGE_JWT = "adviseur.vc-jwt", "adviseur.open-badge-jwt"
# By configuration: how it is issued, and the format that it then has.
SECURINGS = {
    DC: ("dc+sd-jwt", "dc+sd-jwt"),
    VC: ("vc+sd-jwt", "vc+sd-jwt"),
    WHOLE: ("ldp_vc", "ldp_vc"),
    SELECTIVE: ("ldp_vc_sd", "ldp_vc"),
    JWT: ("vc+jwt", "vc+jwt"),
    OPEN_BADGE_JWT: ("open_badge_jwt", "vc+jwt"),
}
EMBEDDED = (WHOLE, SELECTIVE)
LISTS = {"revocation": 2, "suspension": 3, "message": 4}
MESSAGES = ((0, "no_message"), (1, "under_review"))

Misbehaviour = Literal[
    "",
    "offer_of_another_type",
    "offer_not_found",
    "offer_gone",
    "metadata_of_another_issuer",
    "only_appended_metadata",
    "metadata_breaks",
    "unlisted_authorization_server",
    "stale_nonce_once",
    "stale_nonces",
    "nonce_nobody_gives",
    "proofs_refused",
    "credential_breaks",
    "denied",
    "deferred",
    "never_ready",
    "another_transaction_id",
    "deferred_denied",
    "transaction_unknown",
    "deferred_breaks",
    "pending_as_in_drafts",
    "notification_breaks",
    "credential_nonce_loop",
    "answer_cut_off",
    "answer_in_the_open",
    "encrypted_to_another_key",
    "encrypted_in_another_way",
    "two_copies_to_one_key",
    "fewer_copies",
    "copies_that_differ",
    "changed_disclosure",
    "changed_value",
    "another_purpose",
    "told_something",
    "inside_a_presentation",
    "signed_by_another_key",
    "signed_by_another_party",
    "bound_to_another_key",
    "bound_to_no_key",
    "another_type",
    "another_format",
    "expired",
    "not_yet_valid",
    "revoked",
    "suspended",
    "not_a_credential",
    "with_key_binding",
    "hideable_status",
    "hideable_end",
    "no_achievement",
    "nameless_achievement",
]


@dataclass
class SimulatedIssuer(SimulatedAuthorizationServer):
    """One organisation, one achievement, every format of it, and its authorization server."""

    host: str = "issuer.example"
    slug: str = "stmw"
    name: str = "Stichting Stimulering Techniek Maas en Waal"
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    ed25519_signer: SoftwareSigner = field(default_factory=lambda: SoftwareSigner.generate("Ed25519"))
    dataset: CredentialDataset = field(default_factory=create_test_dataset)
    misbehave: Misbehaviour | ServerMisbehaviour = ""
    prepares: int = 0
    """How many questions are answered by "not yet" before a credential is ready."""
    interval: int = 60
    transactions: dict[str, tuple[str, Any]] = field(default_factory=dict)
    batch_size: int = 1
    encrypts: Literal["no", "offered", "required"] = "no"
    encryption_jwk: dict[str, Any] = field(default_factory=lambda: _encryption_key("req-1"))
    other_jwk: dict[str, Any] = field(default_factory=lambda: _encryption_key("other"))
    envelopes: list[Any] = field(default_factory=list)
    """What each request wanted of its answer's encryption."""
    proof_types_supported: dict[str, Any] = field(
        default_factory=lambda: {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}}
    )
    proof_types: list[str] = field(default_factory=list)
    proofs: list[Any] = field(default_factory=list)
    """Every key proof that came, good or bad."""
    binding_methods: Sequence[str] = ("did:jwk", "jwk")
    asked_at: list[Any] = field(default_factory=list)
    """When the deferred credential endpoint was asked."""
    valid_for: timedelta | None = timedelta(days=365)
    requests: list[str] = field(default_factory=list)
    notifications: list[tuple[str, str]] = field(default_factory=list)
    holder_keys: list[str] = field(default_factory=list)
    status_list: StatusList = field(default_factory=lambda: StatusList(2))
    bitstrings: dict[str, Bitstring] = field(default_factory=lambda: {purpose: Bitstring() for purpose in LISTS})
    messages: tuple[tuple[int, str], ...] = MESSAGES
    """What an entry of the list of messages can say."""
    lists_down: set[str] = field(default_factory=set)
    """Purposes whose list cannot be had."""
    """By purpose, the lists of the credentials with an embedded proof."""
    image: tuple[str, bytes] = ("image/png", b"")
    forge: Forge | None = None
    """How each credential is forged before it leaves."""
    forge_list: Forge | None = None
    """How its status list is."""
    change_did_document: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    planted: dict[str, Any] = field(default_factory=dict)
    """Further claims of every credential, in the open."""
    planted_hidden: dict[str, Any] = field(default_factory=dict)
    """Further claims that the holder may keep back."""
    claim_descriptions: list[dict[str, Any]] = field(default_factory=list)
    """What the metadata of the credential says about its claims (OpenID4VCI 1.0 Appendix B.2)."""
    signs_metadata: Literal[
        "", "well", "for another issuer", "by a stranger", "expired", "as another type",
        "refused", "of a web page", "too large",
    ] = ""  # fmt: skip
    without_scope: bool = False
    """Configurations have no scope: they can only be asked for by their ids."""
    more_configurations: dict[str, Any] = field(default_factory=dict)
    """More that the issuer gives, as its metadata describe it."""
    metadata_members: dict[str, Any] = field(default_factory=dict)
    """More of the issuer's metadata, or other."""
    type_metadata: dict[str, Any] | None = None
    extended_types: dict[str, bytes] = field(default_factory=dict)
    """By their last step under /vct/: documents of further types."""
    _offers: dict[str, CredentialOffer] = field(default_factory=dict)
    _nonces: set[str] = field(default_factory=set)
    _index: int = 1000

    @property
    def identifier(self) -> str:
        return f"https://{self.host}/{self.slug}"

    @property
    def did(self) -> str:
        return f"did:web:{self.host}:{self.slug}"

    @property
    def status_uri(self) -> str:
        return f"{self.identifier}/status/1"

    @property
    def last_index(self) -> int:
        return self._index

    def offer_link(
        self,
        *,
        tx_code: str | None = None,
        grants: Sequence[str] = ("pre-authorized_code",),
        issuer_state: str | None = None,
        by: Literal["value", "reference"] = "reference",
        configurations: Sequence[str] = (DC, VC),
        scheme: str = "openid-credential-offer://",
    ) -> str:
        """A fresh offer; the transaction code travels another way."""
        code, secret = create_token(), create_token(16)
        self._codes[code] = tx_code
        asked = TxCode("numeric", len(tx_code), "De code staat in je e-mail") if tx_code else None
        server = "https://elsewhere.example" if self.misbehave == "unlisted_authorization_server" else None
        offer = CredentialOffer(
            self.identifier,
            tuple(configurations),
            pre_authorized_code=PreAuthorizedCodeGrant(code, asked, server)
            if "pre-authorized_code" in grants
            else None,
            authorization_code=AuthorizationCodeGrant(issuer_state, server) if "authorization_code" in grants else None,
        )
        self._offers[secret] = offer
        return create_offer_link(offer if by == "value" else f"{self.identifier}/offers/{secret}", scheme=scheme)

    def app(self) -> Starlette:
        slug = self.slug
        return Starlette(
            routes=[
                Route(f"/{slug}/offers/{{secret}}", self._offer),
                Route(f"/.well-known/openid-credential-issuer/{slug}", self._metadata),
                Route(f"/{slug}/.well-known/openid-credential-issuer", self._appended_metadata),
                *self.server_routes(f"/{slug}"),
                Route(f"/{slug}/did.json", self._did_document),
                Route(f"/{slug}/nonce", self._nonce, methods=["POST"]),
                Route(f"/{slug}/credential", self._credential, methods=["POST"]),
                Route(f"/{slug}/deferred", self._deferred, methods=["POST"]),
                Route(f"/{slug}/notification", self._notification, methods=["POST"]),
                Route(f"/{slug}/status/1", self._status),
                *(Route(f"/{slug}/status/{number}", self._bitstring) for number in LISTS.values()),
                Route(f"/{slug}/achievements/adviseur-lerende-regio/image", self._image),
                Route("/vct/skill-badge/1", self._type_metadata),
                Route("/vct/{name}", self._extended_type),
            ]
        )

    async def _offer(self, request: Request) -> Response:
        self._note(request)
        if self.misbehave in ("offer_not_found", "offer_gone"):
            return Response(status_code=410 if self.misbehave == "offer_gone" else 404)
        content = self._offers[request.path_params["secret"]].as_json()
        if self.misbehave == "offer_of_another_type":
            return Response(json.dumps(content), media_type="text/html")
        return JSONResponse(content)

    async def _metadata(self, request: Request) -> Response:
        self._note(request)
        if self.misbehave == "only_appended_metadata":
            return Response(status_code=404)
        if self.misbehave == "metadata_breaks":
            return Response(status_code=500)
        return self._metadata_answer(request)

    def _signed_answer(self, members: dict[str, Any]) -> Response:
        match self.signs_metadata:
            case "refused":
                return Response(status_code=406)
            case "of a web page":
                return Response("<html>", media_type="text/html")
            case "too large":
                return Response(b"x" * 9_000_000, media_type="application/jwt")
        return Response(self._signed(members), media_type="application/jwt")

    def _signed(self, members: dict[str, Any]) -> str:
        """Signed metadata, which says that the issuer is called otherwise than in the open."""
        now = self.clock()
        stranger = self.signs_metadata == "by a stranger"
        key_id = f"{'did:web:stranger.example' if stranger else self.did}#{FRAGMENT}"
        sub = "https://elsewhere.example/stmw" if self.signs_metadata == "for another issuer" else self.identifier
        ends_at = now - timedelta(hours=1) if self.signs_metadata == "expired" else now + timedelta(hours=1)
        claims = {
            **members,
            "display": [{"name": "Ondertekend", "locale": "nl"}],
            "sub": sub,
            "iat": int(now.timestamp()) - 7200,
            "exp": int(ends_at.timestamp()),
        }
        typ = "JWT" if self.signs_metadata == "as another type" else "openidvci-issuer-metadata+jwt"
        return sign_jwt(claims, signer=self.signer, typ=typ, header={"kid": key_id})

    async def _appended_metadata(self, request: Request) -> Response:
        self._note(request)
        return self._metadata_answer(request)

    def _metadata_answer(self, request: Request) -> Response:
        another = self.misbehave == "metadata_of_another_issuer"
        shared = {
            "cryptographic_binding_methods_supported": list(self.binding_methods),
            "proof_types_supported": self.proof_types_supported,
            "credential_metadata": {
                "display": [
                    {"name": "Adviser", "locale": "en"},
                    {"name": "Adviseur Lerende Regio", "locale": "nl-NL", "description": "Onderzoek en advies."},
                ],
                **({"claims": self.claim_descriptions} if self.claim_descriptions else {}),
            },
        }
        members = {
            "credential_issuer": "https://elsewhere.example/stmw" if another else self.identifier,
            "credential_endpoint": f"{self.identifier}/credential",
            "nonce_endpoint": f"{self.identifier}/nonce",
            "deferred_credential_endpoint": f"{self.identifier}/deferred",
            "notification_endpoint": f"{self.identifier}/notification",
            "display": [{"name": self.name, "locale": "nl"}],
            "credential_configurations_supported": {
                **{name: self._configured(name) | shared for name in SECURINGS},
                "adviseur.unknown-suite": {
                    **_configuration(WHOLE),
                    **shared,
                    "credential_signing_alg_values_supported": ["Ed25519Signature2020"],
                },
                "adviseur.mdoc": {"format": "mso_mdoc", "doctype": "org.example.badge"},
                **self.more_configurations,
            },
            **({"batch_credential_issuance": {"batch_size": self.batch_size}} if self.batch_size > 1 else {}),
            **self._encryption_metadata(),
            **self.metadata_members,
        }
        if self.signs_metadata and "application/jwt" in request.headers["accept"]:
            return self._signed_answer(members)
        return JSONResponse(members)

    async def _did_document(self, request: Request) -> Response:
        self._note(request)
        document = create_did_web_document(self.did, self.keys())
        return JSONResponse(document if self.change_did_document is None else self.change_did_document(document))

    @property
    def gives_nonces(self) -> bool:
        """Whether the metadata has a nonce endpoint: it is optional (OpenID4VCI 1.0 §12.2.4)."""
        return self.metadata_members.get("nonce_endpoint", "") is not None

    async def _nonce(self, request: Request) -> Response:
        assert self.gives_nonces
        self._note(request)
        nonce = create_token(16)
        self._nonces.add(nonce)
        headers = {}
        if self.binds and self.wants_nonces:
            headers["DPoP-Nonce"] = self._nonce_of["issuer"] = create_token(16)
        return JSONResponse({"c_nonce": nonce}, headers=headers)

    async def _credential(self, request: Request) -> Response:
        self._note(request)
        refusal, granted = self._refuse_token(request), self._find_token(request)
        if refusal is not None or granted is None:
            return refusal or Response(status_code=401)
        members = await self._opened(request)
        asked = parse_credential_request(members)
        self.proof_types.append(str(asked.proof_type))
        self.proofs += asked.proofs
        if self.misbehave == "proofs_refused":
            return _error("invalid_proof")
        if self.misbehave == "nonce_nobody_gives":
            return _error("invalid_nonce")
        proofs = [self._verify_proof(str(asked.proof_type), proof, granted.client_id) for proof in asked.proofs]
        nonces = {nonce for proof in proofs for nonce in proof.nonces} if self.gives_nonces else set()
        if not nonces <= self._nonces or self.misbehave in ("stale_nonces", "stale_nonce_once"):
            self.misbehave = "" if self.misbehave == "stale_nonce_once" else self.misbehave
            return _error("invalid_nonce")
        self._nonces -= nonces
        if self.misbehave == "denied":
            return _error("credential_request_denied")
        if self.misbehave == "credential_breaks":
            return Response(status_code=503)
        if self.misbehave == "answer_cut_off":
            return _CutOff()
        keys = [key for proof in proofs for key in proof.holder_keys]
        self.holder_keys += [key.thumbprint for key in keys]
        configuration_id = asked.credential_configuration_id or str(asked.credential_identifier).removesuffix("#1")
        if self.misbehave == "deferred" or self.prepares > 0:
            transaction_id = create_token(16)
            self.transactions[transaction_id] = (configuration_id, keys)
            return self._sealed(members, self._not_yet(transaction_id))
        return self._sealed(members, self._issued(configuration_id, keys))

    def _verify_proof(self, proof_type: str, proof: str | Mapping[str, Any], client_id: str | None) -> KeyProof:
        if isinstance(proof, Mapping):
            taken = frozenset(self.proof_types_supported[proof_type]["proof_signing_alg_values_supported"])
            return verify_di_vp_proof(proof, audience=self.identifier, cryptosuites=taken, now=self.clock())
        if not self.gives_nonces:
            return self._verify_proof_without_nonce(proof)
        attesters = KeyAttesters(self.anchors)
        if proof_type == "attestation":
            return verify_attestation_proof(proof, attesters=attesters, algorithms=ES256, now=self.clock())
        return verify_key_proof(
            proof,
            audience=self.identifier,
            algorithms=ES256,
            now=self.clock(),
            client_id=client_id,
            attesters=attesters if self.anchors else None,
        )

    def _verify_proof_without_nonce(self, proof: str) -> KeyProof:
        """As Appendix F.1 has it for an issuer without a Nonce Endpoint: there is nothing that a nonce could be."""
        token = parse_jwt(proof)
        key_id = token.header["kid"]
        key = resolve_static_did(key_id.partition("#")[0]).find_key(key_id, relation="authentication")
        payload = verify_jwt(token, key=key, typ="openid4vci-proof+jwt", algorithms=ES256).payload
        assert payload["aud"] == self.identifier
        assert payload["iat"] == int(self.clock().timestamp())
        assert "nonce" not in payload
        return KeyProof(key, "", key_id)

    async def _opened(self, request: Request) -> dict[str, Any]:
        """The members of a request, which came as it should: encrypted where it asks for an encrypted answer (A-32)."""
        body = await request.body()
        if request.headers["content-type"] == "application/jwt":
            members = decrypt_message(body.decode(), private_jwk=self.encryption_jwk)
        else:
            members = json.loads(body)
            assert "credential_response_encryption" not in members
            assert not self.is_encrypting or self.encrypts != "required"
        self.envelopes.append(members.get("credential_response_encryption"))
        return members

    def _sealed(self, members: dict[str, Any], answer: JSONResponse) -> Response:
        wanted = members.get("credential_response_encryption")
        if wanted is None or self.misbehave == "answer_in_the_open":
            return answer
        recipient = parse_response_encryption(wanted)
        jwk = public_part(self.other_jwk) if self.misbehave == "encrypted_to_another_key" else recipient.jwk
        enc = "A128GCM" if self.misbehave == "encrypted_in_another_way" else recipient.enc
        sealed = encrypt_message(json.loads(bytes(answer.body)), recipient=jwk, enc=enc)
        return Response(sealed, status_code=answer.status_code, media_type="application/jwt")

    @property
    def is_encrypting(self) -> bool:
        return self.encrypts != "no"

    def _issued(self, configuration_id: str, holder_keys: Any) -> JSONResponse:
        if self.misbehave == "two_copies_to_one_key":
            holder_keys = [holder_keys[0] for _ in holder_keys]
        if self.misbehave == "fewer_copies":
            holder_keys = holder_keys[:2]
        issued = []
        for number, key in enumerate(holder_keys):
            if self.misbehave == "copies_that_differ" and number == 1:
                self.planted = {"name": "Something else"}
                achievement = {**self.dataset.achievement, "name": "Something else"}
                self.dataset = replace(self.dataset, achievement=achievement)
            issued.append({"credential": to_wire(self._issue(configuration_id, key))})
        return JSONResponse({"credentials": issued, "notification_id": f"n-{self._index}"})

    def _not_yet(self, transaction_id: str) -> JSONResponse:
        return JSONResponse({"transaction_id": transaction_id, "interval": self.interval}, status_code=202)

    async def _deferred(self, request: Request) -> Response:
        self._note(request)
        self.asked_at.append(self.clock())
        refusal = self._refuse_token(request)
        if refusal is not None:
            return refusal
        members = await self._opened(request)
        transaction_id = members["transaction_id"]
        match self.misbehave:
            case "deferred_breaks":
                return Response(status_code=503)
            case "never_ready":
                return self._sealed(members, self._not_yet(transaction_id))
            case "another_transaction_id":
                return self._sealed(members, self._not_yet("another"))
            case "deferred_denied":
                return _error("credential_request_denied")
            case "transaction_unknown":
                return _error("invalid_transaction_id")
            case "pending_as_in_drafts":
                return JSONResponse({"error": "issuance_pending", "interval": 5}, status_code=400)
        if transaction_id not in self.transactions:
            return _error("invalid_transaction_id")
        self.prepares -= 1
        if self.prepares > 0:
            return self._sealed(members, self._not_yet(transaction_id))
        return self._sealed(members, self._issued(*self.transactions.pop(transaction_id)))

    def _configured(self, name: str) -> dict[str, Any]:
        members = _configuration(name)
        return {key: value for key, value in members.items() if key != "scope"} if self.without_scope else members

    def _encryption_metadata(self) -> dict[str, Any]:
        if not self.is_encrypting:
            return {}
        public = {name: value for name, value in self.encryption_jwk.items() if name != "d"}
        return create_encryption_metadata([public], is_required=self.encrypts == "required")

    def _refuse_token(self, request: Request) -> Response | None:
        if self._find_token(request) is None:
            return JSONResponse({"error": "invalid_token"}, 401, headers={"WWW-Authenticate": 'error="invalid_token"'})
        if self.binds:
            token = request.headers["authorization"].partition(" ")[2]
            return self._refuse_proof(request, "issuer", access_token=token)
        return None

    def _issue(self, configuration_id: str, holder_key: Any) -> str:
        self._index += 1
        now = self.clock()
        way, _ = SECURINGS[configuration_id]
        if self.misbehave == "another_format":
            way = "vc+sd-jwt" if way == "dc+sd-jwt" else "dc+sd-jwt"
        is_embedded = way.startswith("ldp_vc")
        fragment, signer = (ED25519_FRAGMENT, self.ed25519_signer) if way == "ldp_vc" else (FRAGMENT, self.signer)
        values: dict[str, Any] = {
            "issuer": IssuerIdentity(self.did, f"{self.did}#{fragment}"),
            "signer": signer,
            "holder_key": holder_key,
            "type_id": VCT,
            "status": self._bitstring_places() if is_embedded else StatusReference(self.status_uri, self._index),
            "issued_at": now - timedelta(seconds=5),
            "valid_from": now - timedelta(seconds=5),
            "expires_at": now + self.valid_for if self.valid_for else None,
        }
        dataset = replace(self.dataset, credential_id=f"urn:uuid:00000000-0000-4000-8000-{self._index:012}")
        match self.misbehave:
            case "signed_by_another_key":
                values["signer"] = SoftwareSigner.generate(signer.algorithm)
            case "signed_by_another_party":
                values["issuer"] = IssuerIdentity(
                    "did:web:other.example:school", f"did:web:other.example:school#{fragment}"
                )
            case "bound_to_another_key":
                values["holder_key"] = SoftwareSigner.generate().public_key
            case "bound_to_no_key":
                values["holder_key"] = None
            case "another_type":
                values["type_id"] = "https://issuer.example/vct/diploma/1"
            case "expired":
                values |= {
                    "issued_at": now - timedelta(days=9),
                    "valid_from": now - timedelta(days=9),
                    "expires_at": now - timedelta(days=1),
                }
            case "not_yet_valid":
                values["valid_from"] = now + timedelta(days=1)
            case "revoked":
                self.status_list.set(self._index, Status.INVALID)
                self.bitstrings["revocation"].set(self._index, 1)
            case "suspended":
                self.status_list.set(self._index, Status.SUSPENDED)
                self.bitstrings["suspension"].set(self._index, 1)
            case "told_something":
                self.bitstrings["message"].set(self._index, 1)
        if self.misbehave in ("no_achievement", "nameless_achievement"):
            return self._issue_malformed(way, dataset, values)
        raw = ISSUABLE[way].issue(dataset, **values)
        if self.misbehave in ("hideable_status", "hideable_end"):
            hidden = "/credentialStatus" if self.misbehave == "hideable_status" else "/validUntil"
            return sign_hideable(raw, self.signer, hideable=[hidden])
        spoilt = self._spoil(self._plant(raw))
        return spoilt if self.forge is None else self.forge(spoilt, signer)

    def _issue_malformed(self, way: str, dataset: CredentialDataset, values: dict[str, Any]) -> str:
        """What calls itself an Open Badge and lacks what one must have, properly signed all the same."""
        raw = ISSUABLE["vc+jwt" if way == "vc+jwt" else "ldp_vc"].issue(dataset, **values)
        token = None if raw.startswith("{") else parse_jwt(raw)
        badge = dict(without_proof(json.loads(raw)) if token is None else token.payload)
        subject = dict(badge["credentialSubject"])
        if self.misbehave == "no_achievement":
            del subject["achievement"]
        else:
            subject["achievement"] = {name: text for name, text in subject["achievement"].items() if name != "name"}
        badge["credentialSubject"] = subject
        if token is not None:
            return sign_jwt(badge, signer=self.signer, typ=token.header["typ"], header={"kid": token.header["kid"]})
        signed = add_proof(
            badge,
            cryptosuite="eddsa-rdfc-2022",
            signer=self.ed25519_signer,
            verification_method=f"{self.did}#{ED25519_FRAGMENT}",
            proof_purpose="assertionMethod",
            created_at=values["issued_at"],
        )
        return json.dumps(signed)

    def _plant(self, raw: str) -> str:
        """The same credential with further claims, signed anew."""
        if not self.planted and not self.planted_hidden:
            return raw
        token, _, disclosures = raw.partition("~")
        signed = parse_jwt(token)
        hidden, made = conceal(self.planted_hidden, disclosable=[(name,) for name in self.planted_hidden])
        digests = [*signed.payload.get("_sd", ()), *hidden.get("_sd", ())]
        payload = {**signed.payload, **self.planted, "_sd": digests}
        header = {name: value for name, value in signed.header.items() if name not in ("alg", "typ")}
        replanted = sign_jwt(payload, signer=self.signer, typ=signed.header["typ"], header=header)
        return f"{replanted}~{disclosures}{''.join(f'{disclosure}~' for disclosure in made)}"

    def _spoil(self, raw: str) -> str:
        match self.misbehave:
            case "changed_disclosure":
                token, first, *rest = raw.split("~")
                disclosure = json.loads(base64url.decode(first))
                disclosure[-1] = "something else"
                return "~".join([token, base64url.encode(json.dumps(disclosure).encode()), *rest])
            case "changed_value":
                return raw.replace("Een adviesrapport en een gesprek", "Een gesprek en een adviesrapport")
            case "another_purpose":
                return raw.replace('"proofPurpose":"assertionMethod"', '"proofPurpose":"authentication"')
            case "inside_a_presentation":
                outer = {"type": ["VerifiablePresentation"], "verifiableCredential": [json.loads(raw)]}
                return json.dumps({"@context": ["https://www.w3.org/ns/credentials/v2"], **outer})
            case "not_a_credential":
                return "this is no credential"
            case "with_key_binding":
                return f"{raw}{raw.split('~')[0]}"
        return raw

    async def _notification(self, request: Request) -> Response:
        self._note(request)
        if self.misbehave == "notification_breaks":
            return Response(status_code=503)
        refusal = self._refuse_token(request)
        if refusal is not None:
            return refusal
        heard = parse_notification_request(json.loads(await request.body()))
        self.notifications.append((heard.notification_id, heard.event))
        return Response(status_code=204)

    async def _status(self, request: Request) -> Response:
        self._note(request)
        now = self.clock()
        token = create_status_list_token(
            self.status_list,
            uri=self.status_uri,
            signer=self.signer,
            key_reference={"kid": f"{self.did}#{FRAGMENT}"},
            issued_at=now - timedelta(seconds=5),
            expires_at=now + timedelta(days=1),
            ttl=timedelta(seconds=60),
        )
        token = token if self.forge_list is None else self.forge_list(token, self.signer)
        return Response(token, media_type="application/statuslist+jwt")

    def keys(self) -> list[tuple[str, PublicKey]]:
        """The keys of its DID document."""
        return [(FRAGMENT, self.signer.public_key), (ED25519_FRAGMENT, self.ed25519_signer.public_key)]

    def key_of(self, configuration_id: str) -> PublicKey:
        """The key that signs the credentials of a configuration."""
        return (self.ed25519_signer if configuration_id == WHOLE else self.signer).public_key

    def _bitstring_places(self) -> list[StatusReference]:
        return [
            StatusReference(
                f"{self.identifier}/status/{number}",
                self._index,
                StatusKind.BITSTRING_STATUS_LIST,
                purpose=purpose,
                messages=self.messages if purpose == "message" else (),
            )
            for purpose, number in LISTS.items()
        ]

    async def _bitstring(self, request: Request) -> Response:
        self._note(request)
        now, number = self.clock(), int(request.url.path.rpartition("/")[2])
        purpose = next(purpose for purpose, each in LISTS.items() if each == number)
        if purpose in self.lists_down:
            return Response(status_code=503)
        document = create_status_list_credential(
            self.bitstrings[purpose].encode(),
            uri=f"{self.identifier}/status/{number}",
            issuer=self.did,
            purpose=purpose,
            valid_from=now - timedelta(seconds=5),
            valid_until=now + timedelta(days=1),
            ttl=timedelta(seconds=60),
        )
        key_id = f"{self.did}#{ED25519_FRAGMENT}"
        signed = sign_with_proof(document, signer=self.ed25519_signer, verification_method=key_id, created_at=now)
        return Response(signed, media_type="application/vc")

    async def _image(self, request: Request) -> Response:
        self._note(request)
        media_type, content = self.image
        return Response(content, media_type=media_type, status_code=200 if content else 404)

    async def _type_metadata(self, request: Request) -> Response:
        self._note(request)
        if self.type_metadata is None:
            return Response(status_code=404)
        return JSONResponse({"vct": VCT, **self.type_metadata})

    async def _extended_type(self, request: Request) -> Response:
        self._note(request)
        content = self.extended_types.get(request.path_params["name"])
        return Response(content, media_type="application/json", status_code=200 if content else 404)

    def _note(self, request: Request) -> None:
        self.requests.append(f"{request.method} {request.url.path.replace(f'/{self.slug}', '')}")


class _CutOff(Response):
    """Begins, and ends in the middle. Only over HTTP: in the process there is no connection to break."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"credentials": [', "more_body": True})


def _configuration(name: str) -> dict[str, Any]:
    """What the metadata say of the type of a configuration."""
    _, format_id = SECURINGS[name]
    if format_id == "dc+sd-jwt":
        return {"format": format_id, "scope": name, "vct": VCT}
    definition = {"type": ["VerifiableCredential", OPEN_BADGE_TYPE]}
    return {"format": format_id, "scope": name, "credential_definition": definition}


def _encryption_key(key_id: str) -> dict[str, Any]:
    return {**SoftwareSigner.generate().private_jwk(), "alg": "ECDH-ES", "use": "enc", "kid": key_id}


def _error(code: str) -> Response:
    return JSONResponse({"error": code}, status_code=400)

"""An honest wallet on the kernel, that can be told to misbehave in one way.

    wallet = SimulatedWallet(client, clock)
    wallet.keep(raw, holder, issuer_key)
    reply = await wallet.answer(link)                                     # honest: what the request asks, no more
    reply = await wallet.answer(link, Misbehaviour(nonce="another"))      # the same, with one thing wrong

It does everything that our real wallet promises (it resolves the verifier's DID, checks the signed request, discloses
only what was asked for, encrypts) without its vault, pages or database, so that tests of a verifier have a counterpart
whose one lie is written in the test.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from cryptography.x509 import Certificate

from kernel.dcql import Candidate, DcqlMatch, match
from kernel.did import did_web_url, parse_did_document
from kernel.errors import CredentialError
from kernel.federation import TrustChain
from kernel.formats import ALGORITHMS, FORMATS, VerifiedCredential, parse_credential, to_wire
from kernel.jwe import encrypt_jwe
from kernel.jwt_vc_issuer import read_jwk_set
from kernel.keys import PublicKey, SoftwareSigner
from kernel.openid4vp import (
    AGREEMENT,
    AuthorizationRequest,
    ClientIdPrefix,
    RequestByValue,
    TransactionData,
    UnsignedRequest,
    UnverifiedRequest,
    create_dc_api_response,
    create_error_form,
    create_request_uri_form,
    create_response_form,
    parse_authorization_request_link,
    parse_dc_api_request,
    parse_request_object,
    select_hash_algorithm,
    transaction_data_hashes,
    verify_request_object,
    verify_signed_dc_api_request,
    verify_unsigned_dc_api_request,
    verify_unsigned_request,
)
from kernel.sd_jwt import ClaimsPath
from kernel.strict_json import encode_json

VpToken = dict[str, list[str]]
TYPES = frozenset({AGREEMENT})


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One way to be wrong; whatever is not named is done honestly."""

    nonce: str | None = None
    audience: str | None = None
    state: str | None = None
    age: timedelta = timedelta(0)
    """How long ago the key binding claims to have been made; negative for the future."""
    signer: SoftwareSigner | None = None
    """Binds with this key, and not with the one that the credential names."""
    change_presentation: Callable[[str], str] | None = None
    change_vp_token: Callable[[VpToken], VpToken] | None = None
    change_plaintext: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    change_form: Callable[[dict[str, str]], dict[str, str]] | None = None
    change_recipient: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Alters the public key that the response is encrypted to, or its `kid`."""
    agrees_to: Callable[[tuple[TransactionData, ...]], Sequence[TransactionData]] | None = None
    """What it signs in the place of the transaction data that it was sent."""
    hash_algorithm: str | None = None


HONEST = Misbehaviour()


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """A credential with the key that it is bound to."""

    raw: str
    holder: SoftwareSigner
    verified: VerifiedCredential


@dataclass(slots=True)
class SimulatedWallet:
    """Holds credentials and answers questions. `client` reaches the verifier."""

    client: httpx.AsyncClient
    clock: Callable[[], datetime]
    held: list[HeldCredential] = field(default_factory=list)
    also_disclose: frozenset[ClaimsPath] = frozenset()
    """What its holder shows although nobody asked for it."""
    anchors: Sequence[Certificate] = ()
    attesters: Mapping[str, PublicKey] = field(default_factory=dict)
    """Whom it trusts to attest verifiers, by their `iss`."""
    chains: Mapping[str, TrustChain] = field(default_factory=dict)
    """The members of federations that it knows, by their entity identifier."""

    def keep(self, raw: str, holder: SoftwareSigner, issuer_key: PublicKey) -> None:
        """Verify a credential and keep it with the key that it is bound to; whether it is still valid is not asked."""
        unverified = parse_credential(raw)
        verified = FORMATS[unverified.format].verify(
            unverified,
            key=issuer_key,
            algorithms=ALGORITHMS[unverified.format],
            now=self.clock(),
            check_validity=False,
        )
        self.held.append(HeldCredential(raw, holder, verified))

    async def answer(self, link: str, misbehaviour: Misbehaviour = HONEST, *, method: str = "post") -> httpx.Response:
        """Fetch the request, choose, present and post; the verifier's reply."""
        request = await self.read_request(link, method=method)
        return await self.post(request, self.create_form(request, misbehaviour))

    async def refuse(self, link: str, error: str = "access_denied") -> httpx.Response:
        """Say no."""
        request = await self.read_request(link)
        return await self.post(request, create_error_form(request, error))

    async def read_request(self, link: str, *, method: str = "post") -> AuthorizationRequest:
        """Read the link, fetch what it names and verify it as a wallet must (OpenID4VP 1.0 §5, §5.9.3, §5.10)."""
        reference = parse_authorization_request_link(link)
        if isinstance(reference, UnsignedRequest):
            return verify_unsigned_request(reference, now=self.clock(), transaction_data_types=TYPES)
        wallet_nonce = None
        if isinstance(reference, RequestByValue):
            raw = reference.request
        else:
            posts = method == "post" and reference.request_uri_method == "post"
            wallet_nonce = "9ARh-d-b0pQZBuC-_ColVA" if posts else None
            raw = await self._fetch_request(reference.request_uri, wallet_nonce)
        unverified = parse_request_object(raw, client_id=reference.client_id)
        return verify_request_object(
            unverified,
            client_id=reference.client_id,
            now=self.clock(),
            wallet_nonce=wallet_nonce,
            transaction_data_types=TYPES,
            **await self._find_proof(unverified),
        )

    async def read_browser_request(self, listed: Sequence[Mapping[str, Any]], origin: str) -> AuthorizationRequest:
        """Take the first request of a page that it can prove, as the browser hands it over (Appendix A)."""
        for each in listed:
            read = parse_dc_api_request(each["protocol"], each["data"])
            if not read.candidates:
                return verify_unsigned_dc_api_request(
                    read, origin=origin, now=self.clock(), transaction_data_types=TYPES
                )
            for candidate in read.candidates:
                with suppress(CredentialError):
                    return verify_signed_dc_api_request(
                        candidate,
                        origin=origin,
                        now=self.clock(),
                        transaction_data_types=TYPES,
                        **await self._find_proof(candidate),
                    )
        raise AssertionError("no request of this page can be proven")

    def answer_browser(self, request: AuthorizationRequest, misbehaviour: Misbehaviour = HONEST) -> dict[str, Any]:
        """The `data` that the browser hands back to the page."""
        vp_token = self.create_vp_token(request, misbehaviour)
        return create_dc_api_response(request, vp_token)

    async def _find_proof(self, unverified: UnverifiedRequest) -> dict[str, Any]:
        if unverified.did is not None and unverified.key_id is not None:
            document = await self.client.get(did_web_url(unverified.did))
            read = parse_did_document(document.content, did=unverified.did)
            return {"key": read.find_key(unverified.key_id, relation="authentication")}
        if unverified.attestation is not None:
            return {"attestation_key": self.attesters.get(unverified.attestation.unverified_issuer)}
        if unverified.client_id.prefix is ClientIdPrefix.OPENID_FEDERATION:
            metadata = self.chains[unverified.client_id.value].metadata["openid_credential_verifier"]
            key = read_jwk_set(metadata["jwks"]).find_key(unverified.key_id)
            return {"key": key, "federation_metadata": metadata}
        return {"anchors": self.anchors}

    def match(self, request: AuthorizationRequest) -> DcqlMatch:
        """What of the held credentials answers the question."""
        return match(request.dcql_query, [self._candidate(number) for number in range(len(self.held))])

    def create_vp_token(self, request: AuthorizationRequest, misbehaviour: Misbehaviour = HONEST) -> VpToken:
        """Present the first credential that fits each query, with exactly the claims that it asks for."""
        found = self.match(request)
        vp_token: VpToken = {}
        for query_id, answers in found.answers.items():
            if answers:
                held = self.held[int(answers[0].candidate_id)]
                vp_token[query_id] = [self._present(held, answers[0].disclose, request, misbehaviour)]
        return vp_token if misbehaviour.change_vp_token is None else misbehaviour.change_vp_token(vp_token)

    def create_form(self, request: AuthorizationRequest, misbehaviour: Misbehaviour = HONEST) -> dict[str, str]:
        """The form to post, in the response mode that was asked for."""
        vp_token = self.create_vp_token(request, misbehaviour)
        state = request.state if misbehaviour.state is None else misbehaviour.state
        on_the_wire = {query_id: [to_wire(raw) for raw in listed] for query_id, listed in vp_token.items()}
        plaintext: dict[str, Any] = {"vp_token": on_the_wire, "state": state}
        if misbehaviour.change_plaintext is not None:
            plaintext = misbehaviour.change_plaintext(plaintext)
        if misbehaviour == HONEST:
            form = create_response_form(request, vp_token)
        elif request.response_mode == "direct_post.jwt":
            form = {"response": self._encrypt(plaintext, request, misbehaviour)}
        else:
            form = {name: value if isinstance(value, str) else _text(value) for name, value in plaintext.items()}
        return form if misbehaviour.change_form is None else misbehaviour.change_form(form)

    async def post(self, request: AuthorizationRequest, form: Mapping[str, str]) -> httpx.Response:
        return await self.client.post(request.response_uri, data=dict(form))

    async def _fetch_request(self, uri: str, wallet_nonce: str | None) -> str:
        if wallet_nonce is None:
            response = await self.client.get(uri)
        else:
            response = await self.client.post(uri, data=create_request_uri_form(wallet_nonce))
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/oauth-authz-req+jwt"
        return response.text

    def _present(
        self, held: HeldCredential, disclose: Any, request: AuthorizationRequest, misbehaviour: Misbehaviour
    ) -> str:
        presented = FORMATS[held.verified.format].present(
            held.raw,
            disclose=disclose | self.also_disclose,
            holder_signer=misbehaviour.signer or held.holder,
            audience=misbehaviour.audience or request.audience,
            nonce=misbehaviour.nonce or request.nonce,
            now=self.clock() - misbehaviour.age,
            **self._agree(request, misbehaviour),
        )
        return presented if misbehaviour.change_presentation is None else misbehaviour.change_presentation(presented)

    def _agree(self, request: AuthorizationRequest, misbehaviour: Misbehaviour) -> dict[str, Any]:
        """Its holder agrees to what is asked, with each badge that is shown (§8.4)."""
        change = misbehaviour.agrees_to or tuple
        chosen = tuple(change(request.transaction_data))
        if not chosen:
            return {}
        algorithm = misbehaviour.hash_algorithm or select_hash_algorithm(chosen)
        hashes = transaction_data_hashes(chosen, algorithm)
        return {"transaction_data_hashes": hashes, "transaction_data_hashes_alg": algorithm}

    def _candidate(self, number: int) -> Candidate:
        held = self.held[number]
        return Candidate(
            id=str(number),
            format=held.verified.format,
            types=held.verified.types,
            claims=held.verified.claims,
            disclosable=frozenset(FORMATS[held.verified.format].disclosable_paths(held.raw)),
        )

    def _encrypt(self, plaintext: dict[str, Any], request: AuthorizationRequest, misbehaviour: Misbehaviour) -> str:
        recipient, enc = request.client_metadata.select_encryption()
        if misbehaviour.change_recipient is not None:
            recipient = misbehaviour.change_recipient(dict(recipient))
        return encrypt_jwe(encode_json(plaintext), recipient=recipient, enc=enc)


def _text(value: Any) -> str:
    return encode_json(value).decode()

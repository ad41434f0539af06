"""An issuer as a verifier meets it: a DID document and a status list behind a host name, and badges."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kernel.did import create_did_web_document
from kernel.formats import ISSUABLE, IssuerIdentity, StatusKind, StatusReference
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import PublicKey, SoftwareSigner
from kernel.status.bitstring_status_list import Bitstring, create_status_list_credential, sign_with_proof
from kernel.status.token_status_list import Status, StatusList, create_status_list_token
from kernel.trust_list import ServiceState, TrustedEntity, TrustedService, create_trust_list, sign_trust_list
from tests.support.badges import create_test_dataset
from tests.support.clock import NOW, FixedClock
from tests.support.forgeries import Forge

VCT = "https://issuer.example/vct/skill-badge/1"
OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
FRAGMENT, ED25519_FRAGMENT = "es256-2026-1", "ed25519-2026-1"
LISTS = {"revocation": 2, "suspension": 3, "message": 4}
MESSAGES = ((0, "no_message"), (1, "under_review"))


@dataclass(slots=True)
class IssuerHost:
    """One organisation at its own host; everything it serves can be changed by a test."""

    clock: FixedClock
    host: str = "issuer.example"
    slug: str = "stmw"
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    ed25519_signer: SoftwareSigner = field(default_factory=lambda: SoftwareSigner.generate("Ed25519"))
    """Signs the badges in `ldp_vc`, and the lists of these."""
    statuses: StatusList = field(default_factory=lambda: StatusList(2, 131_072))
    bitstrings: dict[str, Bitstring] = field(default_factory=lambda: {purpose: Bitstring() for purpose in LISTS})
    list_signer: SoftwareSigner | None = None
    """Signs the status list in the issuer's place."""
    list_uri: str | None = None
    """What the status list says it is."""
    forge_list: Forge | None = None
    """How the status list is forged before it leaves."""
    change_did_document: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    status_is_down: bool = False
    list_ttl: timedelta = timedelta(seconds=1)
    list_age: timedelta = timedelta(0)
    list_lifetime: timedelta = timedelta(days=1)
    fetched: list[str] = field(default_factory=list)
    _next_index: int = 100

    @property
    def did(self) -> str:
        return f"did:web:{self.host}:{self.slug}"

    @property
    def key_id(self) -> str:
        return f"{self.did}#{FRAGMENT}"

    @property
    def status_uri(self) -> str:
        return f"https://{self.host}/{self.slug}/status/1"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route(f"/{self.slug}/did.json", self._did_document),
                Route(f"/{self.slug}/status/1", self._status_list),
                *(Route(f"/{self.slug}/status/{number}", self._bitstring) for number in LISTS.values()),
            ]
        )

    def issue(
        self,
        format_id: str = "dc+sd-jwt",
        *,
        holder: SoftwareSigner,
        issued_at: datetime = NOW - timedelta(days=30),
        expires_at: datetime | None = NOW + timedelta(days=365),
        type_id: str = VCT,
        with_status: bool = True,
        signer: SoftwareSigner | None = None,
        **dataset: Any,
    ) -> tuple[str, int]:
        """A badge, secured in a way of `ISSUABLE` or as VCDM 1.1, and where it stands in the status list."""
        self._next_index += 1
        way = "vc+jwt" if format_id == "jwt_vc_json" else format_id
        is_embedded = way.startswith("ldp_vc")
        fragment, own = (ED25519_FRAGMENT, self.ed25519_signer) if way == "ldp_vc" else (FRAGMENT, self.signer)
        places = self._places() if is_embedded else [StatusReference(self.status_uri, self._next_index)]
        raw = ISSUABLE[way].issue(
            create_test_dataset(**dataset),
            issuer=IssuerIdentity(self.did, f"{self.did}#{fragment}"),
            signer=signer or own,
            holder_key=holder.public_key,
            type_id=type_id,
            status=places if with_status else None,
            issued_at=issued_at,
            valid_from=issued_at,
            expires_at=expires_at,
        )
        return self._as_older(raw, signer or own) if format_id == "jwt_vc_json" else raw, self._next_index

    def key_of(self, format_id: str) -> PublicKey:
        """The key that signs what is secured in this way."""
        return (self.ed25519_signer if format_id == "ldp_vc" else self.signer).public_key

    def _places(self) -> list[StatusReference]:
        return [
            StatusReference(
                f"https://{self.host}/{self.slug}/status/{number}",
                self._next_index,
                StatusKind.BITSTRING_STATUS_LIST,
                purpose=purpose,
                messages=MESSAGES if purpose == "message" else (),
            )
            for purpose, number in LISTS.items()
        ]

    def _as_older(self, raw: str, signer: SoftwareSigner) -> str:
        """The same badge as VCDM 1.1 has it, in the claim `vc` of a JWT."""
        claims = dict(parse_jwt(raw).payload)
        around = {name: claims.pop(name) for name in ("iss", "iat", "cnf", "status") if name in claims}
        begins, ends = claims.pop("validFrom"), claims.pop("validUntil", None)
        dates = {"issuanceDate": begins, **({} if ends is None else {"expirationDate": ends})}
        contexts = ["https://www.w3.org/2018/credentials/v1", *claims["@context"][1:]]
        payload = {**around, "vc": {**claims, **dates, "@context": contexts}}
        return sign_jwt(payload, signer=signer, typ="JWT", header={"kid": self.key_id})

    async def _bitstring(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        number = int(request.url.path.rpartition("/")[2])
        purpose = next(purpose for purpose, each in LISTS.items() if each == number)
        document = create_status_list_credential(
            self.bitstrings[purpose].encode(),
            uri=f"https://{self.host}{request.url.path}",
            issuer=self.did,
            purpose=purpose,
            valid_from=self.clock(),
            valid_until=self.clock() + self.list_lifetime,
            ttl=self.list_ttl,
        )
        key_id = f"{self.did}#{ED25519_FRAGMENT}"
        signed = sign_with_proof(
            document, signer=self.ed25519_signer, verification_method=key_id, created_at=self.clock()
        )
        return Response(signed, media_type="application/vc", status_code=503 if self.status_is_down else 200)

    def set_status(self, index: int, status: Status) -> None:
        self.statuses.set(index, status)

    async def _did_document(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        keys = [(FRAGMENT, self.signer.public_key), (ED25519_FRAGMENT, self.ed25519_signer.public_key)]
        document = create_did_web_document(self.did, keys)
        return JSONResponse(document if self.change_did_document is None else self.change_did_document(document))

    async def _status_list(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        if self.status_is_down:
            return Response(status_code=503)
        issued_at = self.clock() - self.list_age
        token = create_status_list_token(
            self.statuses,
            uri=self.list_uri or self.status_uri,
            signer=self.list_signer or self.signer,
            key_reference={"kid": self.key_id},
            issued_at=issued_at,
            expires_at=issued_at + self.list_lifetime,
            ttl=self.list_ttl,
        )
        token = token if self.forge_list is None else self.forge_list(token, self.signer)
        return Response(token, media_type="application/statuslist+jwt")


def create_list(
    *issuers: IssuerHost,
    signer: SoftwareSigner,
    sequence: int = 1,
    achievement_types: frozenset[str] = frozenset({"Badge", "Certification"}),
    credential_types: frozenset[str] = frozenset({VCT, OPEN_BADGE}),
    states: tuple[ServiceState, ...] = (ServiceState("granted", NOW - timedelta(days=365)),),
    key: SoftwareSigner | None = None,
    next_update: datetime = NOW + timedelta(days=7),
    archive_keys: frozenset[str] = frozenset(),
) -> str:
    """The ecosystem's signed list with these issuers on it."""
    entities = [
        TrustedEntity(
            names={"nl": "Stichting Stimulering Techniek Maas en Waal"},
            services=(
                TrustedService(
                    name="Uitgifte van badges",
                    service="issuance",
                    states=states,
                    identifiers=frozenset({issuer.did}),
                    keys=((key or issuer.signer).public_key, issuer.ed25519_signer.public_key),
                    credential_types=credential_types,
                    achievement_types=achievement_types,
                    archive_keys=archive_keys,
                ),
            ),
        )
        for issuer in issuers
    ]
    payload = create_trust_list(
        scheme="https://trust.example",
        operator_names={"nl": "Skillsregio Rivierenland"},
        territory="NL",
        sequence=sequence,
        issued_at=NOW - timedelta(days=1),
        next_update=next_update,
        entities=entities,
    )
    return sign_trust_list(payload, signer=signer, header={"kid": "trust-1"})

"""An issuer as a verifier meets it: a DID document and a status list behind a host name, and badges."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kernel.did import create_did_web_document
from kernel.formats import ISSUABLE, IssuerIdentity, StatusReference
from kernel.keys import SoftwareSigner
from kernel.status.token_status_list import Status, StatusList, create_status_list_token
from kernel.trust_list import ServiceState, TrustedEntity, TrustedService, create_trust_list, sign_trust_list
from tests.support.badges import create_test_dataset
from tests.support.clock import NOW, FixedClock

VCT = "https://issuer.example/vct/skill-badge/1"
OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
FRAGMENT = "es256-2026-1"


@dataclass(slots=True)
class IssuerHost:
    """One organisation at its own host; everything it serves can be changed by a test."""

    clock: FixedClock
    host: str = "issuer.example"
    slug: str = "stmw"
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    statuses: StatusList = field(default_factory=lambda: StatusList(2, 131_072))
    list_signer: SoftwareSigner | None = None
    """Signs the status list in the issuer's place."""
    list_uri: str | None = None
    """What the status list says it is."""
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
        """A badge, and where it stands in the status list."""
        self._next_index += 1
        raw = ISSUABLE[format_id].issue(
            create_test_dataset(**dataset),
            issuer=IssuerIdentity(self.did, self.key_id),
            signer=signer or self.signer,
            holder_key=holder.public_key,
            type_id=type_id,
            status=StatusReference(self.status_uri, self._next_index) if with_status else None,
            issued_at=issued_at,
            valid_from=issued_at,
            expires_at=expires_at,
        )
        return raw, self._next_index

    def set_status(self, index: int, status: Status) -> None:
        self.statuses.set(index, status)

    async def _did_document(self, request: Request) -> Response:
        self.fetched.append(request.url.path)
        return JSONResponse(create_did_web_document(self.did, [(FRAGMENT, self.signer.public_key)]))

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
                    keys=((key or issuer.signer).public_key,),
                    credential_types=credential_types,
                    achievement_types=achievement_types,
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

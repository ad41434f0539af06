"""By which rules a request is made: named, fixed, and chosen for each request (PROFILE.md V-04, V-06, section 6).

A deployment speaks all of them at once. What a policy does not allow cannot be asked for in its name, so that nobody
believes to have asked an EUDI wallet when no such wallet would have answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kernel.formats import FORMATS
from kernel.formats.credential import VC_JWT
from kernel.openid4vp import HAIP_REQUEST_SCHEME, REQUEST_SCHEME, ClientIdPrefix, ResponseMode
from verifier.errors import InputError

PolicyName = Literal["diip", "haip", "openid4vp"]
Prefix = Literal[
    "decentralized_identifier", "x509_hash", "x509_san_dns", "redirect_uri", "verifier_attestation", "openid_federation"
]
FormatName = Literal["dc+sd-jwt", "vc+sd-jwt", "ldp_vc", "vc+jwt", "jwt_vc_json"]
AuthorityType = Literal["aki", "openid_federation"]
RequestBy = Literal["post", "get", "value"]
"""How the request object reaches the wallet: fetched by POST or by GET, or in the link itself."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a request may look like under one set of rules; the first prefix is the one that is used."""

    name: PolicyName
    link_scheme: str
    prefixes: tuple[Prefix, ...]
    formats: tuple[str, ...]
    response_modes: frozenset[ResponseMode]
    requests_by: frozenset[RequestBy]
    authorities: tuple[AuthorityType, ...]
    """By what a question may name those whose badges it wants (OpenID4VP 1.0 §6.1.1)."""
    is_unsigned_allowed: bool
    """Whether a page may also ask without saying who asks (OpenID4VP 1.0 §A.3.1)."""
    formats_when_named: tuple[str, ...] = ()
    """Asked for only where the relying party names them, next to `formats`."""

    def require(self, *, prefix: Prefix | None, response_mode: ResponseMode, request_by: RequestBy) -> Prefix:
        """Return the prefix to use, or raise InputError naming what this policy does not allow."""
        if prefix is not None and prefix not in self.prefixes:
            raise InputError(fields={"client_id_prefix": "policy"})
        if response_mode not in self.response_modes:
            raise InputError(fields={"response_mode": "policy"})
        if request_by not in self.requests_by:
            raise InputError(fields={"request_by": "policy"})
        return prefix or self.prefixes[0]

    def choose_formats(self, named: Sequence[str] | None) -> tuple[str, ...]:
        """Return the formats to ask in: those that were named, or else what every wallet of this policy can read."""
        if named is None:
            return self.formats
        if not set(named) <= {*self.formats, *self.formats_when_named}:
            raise InputError(fields={"formats": "policy"})
        return tuple(named)


# Without `vc+jwt`, of which OpenID4VP 1.0 knows nothing: there are wallets that read no question with a format that
# they do not know, though others stand beside it. Decision 0071.
_FORMATS: Final = tuple(each for each in FORMATS if each != VC_JWT)
# DIIP v5: by reference, fetched by GET; it says nothing about encryption, which we want wherever a wallet can (V-06).
# As a member of a federation by its appendix B, which is optional.
DIIP: Final = Policy(
    name="diip",
    link_scheme=REQUEST_SCHEME,
    prefixes=("decentralized_identifier", "openid_federation"),
    formats=_FORMATS,
    response_modes=frozenset({"direct_post.jwt", "direct_post"}),
    requests_by=frozenset({"post", "get"}),
    authorities=("openid_federation",),
    is_unsigned_allowed=True,
)
# HAIP 1.0 §5, §5.1: a certificate, a signed request by reference, an encrypted answer, and no W3C format; authorities
# by their key identifiers.
HAIP: Final = Policy(
    name="haip",
    link_scheme=HAIP_REQUEST_SCHEME,
    prefixes=("x509_hash",),
    formats=("dc+sd-jwt",),
    response_modes=frozenset({"direct_post.jwt"}),
    requests_by=frozenset({"post", "get"}),
    authorities=("aki",),
    is_unsigned_allowed=False,
)
# Everything that OpenID4VP 1.0 itself allows and we can do, for wallets of neither profile.
OPENID4VP: Final = Policy(
    name="openid4vp",
    link_scheme=REQUEST_SCHEME,
    prefixes=(
        "decentralized_identifier",
        "x509_hash",
        "x509_san_dns",
        "redirect_uri",
        "verifier_attestation",
        "openid_federation",
    ),
    formats=_FORMATS,
    response_modes=frozenset({"direct_post.jwt", "direct_post"}),
    requests_by=frozenset({"post", "get", "value"}),
    authorities=("aki", "openid_federation"),
    is_unsigned_allowed=True,
    formats_when_named=(VC_JWT,),
)

POLICIES: Final[Mapping[str, Policy]] = {policy.name: policy for policy in (DIIP, HAIP, OPENID4VP)}


def prefix_of(client_id: str) -> ClientIdPrefix:
    """The prefix of a client identifier of ours."""
    return ClientIdPrefix(client_id.partition(":")[0])

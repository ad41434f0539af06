"""The credential formats, all with the same verbs: issue, parse, verify, present."""

from collections.abc import Mapping
from typing import Final

from kernel.formats.capabilities import ALGORITHMS, secured_by, vp_formats_supported
from kernel.formats.credential import (
    CredentialFormat,
    IssuableFormat,
    IssuerIdentity,
    UnverifiedCredential,
    VerifiedCredential,
    VerifiedPresentation,
    judged_at,
    judged_when_issued,
    verify_validity,
)
from kernel.formats.dc_sd_jwt import DcSdJwt
from kernel.formats.jwt_format import get_jwt_content_format
from kernel.formats.jwt_vc_json import JwtVcJson
from kernel.formats.ldp_vc import LdpVc
from kernel.formats.sd_jwt_format import get_content_format
from kernel.formats.status_reference import StatusKind, StatusReference
from kernel.formats.vc_jwt import VcJwt
from kernel.formats.vc_sd_jwt import VcSdJwt
from kernel.formats.wire import from_wire, to_wire
from kernel.jwt import parse_jwt
from kernel.sd_jwt import parse_sd_jwt

__all__ = [
    "ALGORITHMS",
    "FORMATS",
    "ISSUABLE",
    "CredentialFormat",
    "IssuableFormat",
    "IssuerIdentity",
    "StatusKind",
    "StatusReference",
    "UnverifiedCredential",
    "VerifiedCredential",
    "VerifiedPresentation",
    "from_wire",
    "judged_at",
    "judged_when_issued",
    "parse_credential",
    "secured_by",
    "to_wire",
    "verify_validity",
    "vp_formats_supported",
]

_LDP_VC: Final = LdpVc()
_SD_JWT_FORMATS: Final[Mapping[str, DcSdJwt | VcSdJwt]] = {
    DcSdJwt.format_id: DcSdJwt(),
    VcSdJwt.format_id: VcSdJwt(),
}
_VC_JWT: Final = VcJwt()
_JWT_FORMATS: Final[Mapping[str, VcJwt | JwtVcJson]] = {VcJwt.format_id: _VC_JWT, JwtVcJson.format_id: JwtVcJson()}

# Every format that can be read, held, asked for and shown; those in which parts can be hidden come first.
FORMATS: Final[Mapping[str, CredentialFormat]] = {**_SD_JWT_FORMATS, LdpVc.format_id: _LDP_VC, **_JWT_FORMATS}
# Every way in which a badge can be issued; a second flavour of a format has a name of ours.
ISSUABLE: Final[Mapping[str, IssuableFormat]] = {
    **_SD_JWT_FORMATS,
    LdpVc.format_id: _LDP_VC,
    "ldp_vc_sd": LdpVc(is_selective=True),
    VcJwt.format_id: _VC_JWT,
    "open_badge_jwt": VcJwt(is_open_badge=True),
}


def parse_credential(raw: str) -> UnverifiedCredential:
    """Read a credential or presentation; its content decides the format, not what anybody calls it. K-68."""
    if raw.startswith("{"):
        return _LDP_VC.parse(raw)
    if "~" in raw:
        sd_jwt = parse_sd_jwt(raw)
        return _SD_JWT_FORMATS[get_content_format(sd_jwt.issuer_jwt.payload)].read(sd_jwt)
    jwt = parse_jwt(raw)
    return _JWT_FORMATS[get_jwt_content_format(jwt.payload)].read(jwt)

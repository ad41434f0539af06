"""What can be checked here, format by format, in the words of the protocols' metadata. OpenID4VP 1.0 §11.1, Appendix B.

What is said is what is done: the algorithms here are those that callers give to `verify`. PROFILE.md V-05, W-56, B-20.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kernel.data_integrity import CRYPTOSUITES
from kernel.formats.credential import DC_SD_JWT, JWT_VC_JSON, LDP_VC, VC_JWT, VC_SD_JWT

# By which algorithms of JOSE, or kinds of keys, an issuer's or holder's signature counts.
ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    DC_SD_JWT: frozenset({"ES256"}),
    VC_SD_JWT: frozenset({"ES256"}),
    LDP_VC: frozenset({"ES256", "Ed25519"}),
    VC_JWT: frozenset({"ES256", "RS256"}),
    JWT_VC_JSON: frozenset({"ES256", "RS256"}),
}


def vp_formats_supported(formats: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the member `vp_formats_supported` for these formats. OpenID4VP 1.0 B.1.3.1.3, B.1.3.2.3, B.3.4"""
    return {format_id: _describe(format_id) for format_id in formats}


def _describe(format_id: str) -> dict[str, Any]:
    algorithms = sorted(ALGORITHMS[format_id])
    if format_id == DC_SD_JWT:
        return {"sd-jwt_alg_values": algorithms, "kb-jwt_alg_values": algorithms}
    if format_id == LDP_VC:
        return {"proof_type_values": ["DataIntegrityProof"], "cryptosuite_values": sorted(CRYPTOSUITES)}
    return {"alg_values": algorithms}

"""What can be checked here, format by format, in the words of the protocols' metadata. OpenID4VP 1.0 §11.1, Appendix B.

What is said is what is done: the algorithms here are those that callers give to `verify`. PROFILE.md V-05, W-56, B-20.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kernel.data_integrity import CRYPTOSUITES
from kernel.formats.credential import DC_SD_JWT, JWT_VC_JSON, LDP_VC, VC_JWT, VC_SD_JWT, UnverifiedCredential
from kernel.formats.ldp_vc import WHOLE_SUITES
from kernel.keys import PublicKey

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


def secured_by(credential: UnverifiedCredential, holder_key: PublicKey | None) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield by what a presentation would be secured: a member of that description, and the values that would do.

    First what the issuer signed with, then the holder; without a `holder_key` nobody binds it.
    """
    of_holder = frozenset[str]() if holder_key is None else holder_key.algorithms
    if credential.format == LDP_VC:
        issuer, holder = "cryptosuite_values", "cryptosuite_values"
        of_holder = frozenset(suite for algorithm, suite in WHOLE_SUITES.items() if algorithm in of_holder)
        yield "proof_type_values", frozenset({"DataIntegrityProof"})
    else:
        is_vct = credential.format == DC_SD_JWT
        issuer, holder = ("sd-jwt_alg_values", "kb-jwt_alg_values") if is_vct else ("alg_values", "alg_values")
    yield issuer, frozenset({credential.algorithm})
    if of_holder:
        yield holder, of_holder


def _describe(format_id: str) -> dict[str, Any]:
    algorithms = sorted(ALGORITHMS[format_id])
    if format_id == DC_SD_JWT:
        return {"sd-jwt_alg_values": algorithms, "kb-jwt_alg_values": algorithms}
    if format_id == LDP_VC:
        return {"proof_type_values": ["DataIntegrityProof"], "cryptosuite_values": sorted(CRYPTOSUITES)}
    return {"alg_values": algorithms}

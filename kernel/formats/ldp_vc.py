"""The format `ldp_vc`: a W3C Verifiable Credential 2.0 with an embedded proof, here an Open Badge 3.0.

VC Data Integrity 1.0; OpenID4VCI 1.0 A.1.2; OpenID4VP 1.0 B.1.3.2. Issued in two flavours: as a whole
(`eddsa-rdfc-2022`, or `ecdsa-rdfc-2019` by a key on P-256), or so that the holder can show parts of it
(`ecdsa-sd-2023`). What is read may have any proof of `kernel.data_integrity`.

`raw` is the JSON text of a credential, or of a Verifiable Presentation with exactly one credential in it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import schemas
from kernel.data_integrity import (
    CRYPTOSUITES,
    SIGNING_CRYPTOSUITES,
    UnverifiedProof,
    VerifiedProof,
    add_base_proof,
    add_proof,
    derive_credential,
    parse_proofs,
    verify_presentation,
    verify_signatures,
    without_proof,
)
from kernel.data_integrity.ecdsa_sd_2023 import NAME as ECDSA_SD_2023
from kernel.data_integrity.ecdsa_sd_2023 import is_base_proof, parse_base_proof
from kernel.data_integrity.json_pointers import parse_pointer
from kernel.data_integrity.related_resource import verify_related_resources
from kernel.did import Relation, did_jwk, resolve_static_did
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    HideableError,
    HolderBindingError,
    UndecidedError,
)
from kernel.formats.credential import LDP_VC, IssuerIdentity, UnverifiedCredential, VerifiedCredential, cut_to_day
from kernel.formats.holder import find_bound_key, get_presenter
from kernel.formats.presented_format import PresentedFormat, require_no_transaction_data
from kernel.formats.status_reference import (
    Statuses,
    StatusKind,
    create_credential_status,
    find_statuses,
    require_kinds,
)
from kernel.formats.vcdm import expand_types, read_issuer, read_validity, require_vcdm_shape
from kernel.json_ld import PINNED
from kernel.keys import PublicKey, Signer
from kernel.members import as_array, as_object
from kernel.open_badges import CREDENTIALS_V2, CredentialDataset, create_open_badge, format_date_time, read_many
from kernel.sd_jwt import DEFAULT_HASH, ClaimsPath
from kernel.strict_json import encode_json, parse_json_object

WHOLE_SUITES: Final = {"Ed25519": "eddsa-rdfc-2022", "EdDSA": "eddsa-rdfc-2022", "ES256": "ecdsa-rdfc-2019"}
_VOCABULARY: Final = "https://www.w3.org/2018/credentials#"
_STATUS: Final = f"{_VOCABULARY}credentialStatus"
# What decides whether a credential counts, and so may not be hidden: as in an SD-JWT VC. SD-JWT VC §2.2.2.3 (K-39)
_DECIDING: Final = frozenset({_STATUS, f"{_VOCABULARY}validFrom", f"{_VOCABULARY}validUntil"})
# What an object shows of itself as soon as anything in it is shown. ECDSA §3.4.11.
_KEPT: Final = frozenset({"@context", "id", "type"})


class LdpVc(PresentedFormat):
    """VCDM 2.0 with a Data Integrity proof and an Open Badges 3.0 payload.

    `is_selective` decides how a credential is issued, and nothing about what is read.
    """

    format_id = LDP_VC

    def __init__(self, *, is_selective: bool = False) -> None:
        self._is_selective = is_selective

    def issue(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        holder_key: PublicKey,
        type_id: str,
        status: Statuses,
        issued_at: datetime,
        valid_from: datetime,
        expires_at: datetime | None,
        type_integrity: str | None = None,
    ) -> str:
        """Sign an Open Badge about the did:jwk of one holder key. B-01 to B-04, B-12, B-20, K-60.

        `type_id` and `type_integrity` belong to SD-JWT VC and are not used. Dates are cut to the day (I-61), that of
        the proof too. A selective one always shows what the SD-JWT formats always show, and hides what they can hide.
        """
        require_kinds(status, StatusKind.BITSTRING_STATUS_LIST)
        badge, hidden = create_open_badge(dataset, issuer_id=issuer.id, subject_id=did_jwk(holder_key.jwk))
        document = {
            **badge,
            "validFrom": format_date_time(cut_to_day(valid_from)),
            **({} if expires_at is None else {"validUntil": format_date_time(int(expires_at.timestamp()))}),
            **create_credential_status(status),
        }
        signed = self._sign(document, hidden, issuer=issuer, signer=signer, created_at=_day(issued_at))
        return encode_json(signed).decode()

    def parse(self, raw: str) -> UnverifiedCredential:
        """Read a credential, or a presentation of exactly one, from its JSON text."""
        outer = parse_json_object(raw)
        presentation = outer if "VerifiablePresentation" in read_many(outer, "type") else None
        credential = outer if presentation is None else _get_only_credential(presentation)
        issuer = read_issuer(credential)
        proof = _find_issuer_proof(credential, issuer)
        return UnverifiedCredential(
            format=self.format_id,
            raw=raw,
            header={} if proof is None else proof.options,
            payload=credential,
            unverified_issuer=issuer,
            key_id=None if proof is None else proof.verification_method,
            x5c=(),
            is_legacy=False,
            secured=credential,
            presentation=presentation,
        )

    def present(
        self,
        raw: str,
        *,
        disclose: Collection[ClaimsPath],
        holder_signer: Signer,
        audience: str,
        nonce: str,
        now: datetime,
        transaction_data_hashes: Sequence[str] = (),
        transaction_data_hashes_alg: str = DEFAULT_HASH,
    ) -> str:
        """Show a credential, or of a selective one these paths and what is always shown, to one verifier. W-50.

        A path into something that is shown or hidden as a whole, such as one skill, shows the whole of that.
        """
        require_no_transaction_data(transaction_data_hashes)
        credential = parse_json_object(raw)
        holder = get_presenter(credential, holder_signer.public_key)
        presentation = {
            "@context": [CREDENTIALS_V2],
            "type": ["VerifiablePresentation"],
            "holder": holder.id,
            "verifiableCredential": [_show(credential, disclose)],
        }
        signed = add_proof(
            presentation,
            cryptosuite=WHOLE_SUITES[holder_signer.algorithm],
            signer=holder_signer,
            verification_method=holder.key_id,
            proof_purpose="authentication",
            created_at=now,
            challenge=nonce,
            domain=audience,
        )
        (proof,) = signed["proof"]
        return encode_json({**signed, "proof": proof}).decode()

    def present_unbound(self, raw: str, *, disclose: Collection[ClaimsPath]) -> str:
        """Show the credential, or of a selective one these paths, to whoever asks for no holder binding. VP §5.3."""
        return encode_json(_show(parse_json_object(raw), disclose)).decode()

    def disclosable_paths(self, raw: str) -> dict[ClaimsPath, Any]:
        """Return every part that the holder may show or keep hidden, by its path; none of a credential signed whole."""
        return _disclosable_paths(parse_json_object(raw))

    def _sign(
        self,
        document: Mapping[str, Any],
        hidden: Sequence[ClaimsPath],
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        created_at: datetime,
    ) -> dict[str, Any]:
        if self._is_selective:
            return add_base_proof(
                document,
                signer=signer,
                verification_method=issuer.kid,
                created_at=created_at,
                mandatory_pointers=mandatory_pointers(document, hidden),
            )
        return add_proof(
            document,
            cryptosuite=WHOLE_SUITES[signer.algorithm],
            signer=signer,
            verification_method=issuer.kid,
            proof_purpose="assertionMethod",
            created_at=created_at,
        )

    def _verify_issuer(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str], on_receipt: bool
    ) -> VerifiedCredential:
        _require_algorithm(key, algorithms)
        require_vcdm_shape(credential.payload)

        def find_key(verification_method: str, relation: Relation) -> PublicKey:
            if verification_method != credential.key_id:
                raise UndecidedError("a proof by another key than the one that was looked up")
            return key

        proofs = verify_signatures(
            credential.payload,
            controller=credential.unverified_issuer,
            find_key=find_key,
            cryptosuites=frozenset(CRYPTOSUITES),
            proof_purpose="assertionMethod",
            on_receipt=on_receipt,
        )
        _require_same_contexts(credential.payload)
        if on_receipt:
            _require_fixed(credential.payload, proofs)
        return self._create_verified(credential, proofs, key)

    def _create_verified(
        self, credential: UnverifiedCredential, proofs: Sequence[VerifiedProof], key: PublicKey
    ) -> VerifiedCredential:
        """Say what the credential means; the times of its proofs narrow its validity. DI §2.1 (created, expires)."""
        claims = without_proof(credential.payload)
        valid_from, valid_until = read_validity(claims)
        created = [held.proof.created_at for held in proofs if held.proof.created_at is not None]
        ends = [held.proof.expires_at for held in proofs if held.proof.expires_at is not None]
        return VerifiedCredential(
            format=self.format_id,
            raw=credential.raw,
            issuer=credential.unverified_issuer,
            claims=claims,
            types=expand_types(claims),
            holder_key=find_bound_key(claims),
            issued_at=max(created, default=None),
            valid_from=valid_from,
            expires_at=min([*ends, *([] if valid_until is None else [valid_until])], default=None),
            statuses=find_statuses(claims),
            key=key,
            key_id=credential.key_id,
            may_hide_status=may_hide_status(claims, proofs),
        )

    def _verify_presenter(
        self,
        presented: UnverifiedCredential,
        holder_key: PublicKey,
        *,
        algorithms: frozenset[str],
        audience: str,
        nonce: str,
        now: datetime,
    ) -> None:
        """One proof, by the holder, for authentication, with our challenge and domain. OpenID4VP 1.0 B.1.3.2.5."""
        secured = verify_presentation(
            as_object(presented.presentation, "a presentation"),
            find_key=_find_presenter_key,
            cryptosuites=frozenset(SIGNING_CRYPTOSUITES),
            challenge=nonce,
            domain=audience,
            now=now,
        )
        _require_algorithm(secured.holder_key, algorithms)
        if secured.holder_key != holder_key:
            raise HolderBindingError("the presentation is somebody else's than the credential")


# Reading


def _get_only_credential(presentation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one credential of a presentation: with several it would be open which of them was asked for."""
    value = presentation.get("verifiableCredential")
    (credential,) = as_array(value if isinstance(value, list) else [value], "`verifiableCredential`", limit=1)
    return as_object(credential, "a credential in a presentation")


def _find_issuer_proof(credential: Mapping[str, Any], issuer: str) -> UnverifiedProof | None:
    return next((proof for proof in parse_proofs(credential) if proof.controller == issuer), None)


def _find_presenter_key(verification_method: str, relation: Relation) -> PublicKey:
    try:
        return resolve_static_did(verification_method.partition("#")[0]).find_key(
            verification_method, relation=relation
        )
    except CredentialError as exc:
        raise HolderBindingError("a presentation by a key that does not come with its identifier") from exc


def _require_algorithm(key: PublicKey, algorithms: frozenset[str]) -> None:
    """A cryptosuite demands a kind of key, and the kind of key is what the caller's algorithms allow. K-02"""
    if key.algorithms.isdisjoint(algorithms):
        raise AlgorithmNotAllowedError("a key of a kind that is not allowed here")


def _require_same_contexts(credential: Mapping[str, Any]) -> None:
    """Raise unless contexts that a credential names with a digest are the files that give it its meaning here. K-58

    Whatever else it names so is never looked at, and its digest is for whoever does.
    """
    named = [entry for entry in read_many(credential, "relatedResource") if isinstance(entry, dict)]
    entries = [entry for entry in named if isinstance(entry.get("id"), str) and entry["id"] in PINNED]
    files = {entry["id"]: schemas.load_bytes(PINNED[entry["id"]][0]) for entry in entries}
    verify_related_resources({"relatedResource": entries}, resources=files)


def may_hide_status(claims: Mapping[str, Any], proofs: Sequence[VerifiedProof]) -> bool:
    """Tell whether a selective credential may name a status list that was not shown. A-13, K-73

    That is so where none was shown, since nobody can tell what was left out, and where what was shown need not have
    been. It is not so of what an issuer signed whole, or with a status that every holder has to show.
    """
    derived = [held for held in proofs if _is_derived(held.proof)]
    if len(derived) < len(proofs):
        return False
    if "credentialStatus" not in claims:
        return True
    return any(_STATUS in held.find_optional(_find_id(claims)) for held in derived)


def _require_fixed(credential: Mapping[str, Any], proofs: Sequence[VerifiedProof]) -> None:
    """Raise where a holder could hide what decides about a credential: a verifier could not believe it. A-13, K-38"""
    optional = frozenset().union(*(held.find_optional(_find_id(credential)) for held in proofs))
    if not optional.isdisjoint(_DECIDING):
        raise HideableError("a status or validity that its holder may leave out")


def _is_derived(proof: UnverifiedProof) -> bool:
    return proof.cryptosuite == ECDSA_SD_2023 and not is_base_proof(proof.value)


def _find_id(credential: Mapping[str, Any]) -> str | None:
    identifier = credential.get("id")
    return identifier if isinstance(identifier, str) else None


# Showing and hiding


def _show(credential: Mapping[str, Any], disclose: Collection[ClaimsPath]) -> Mapping[str, Any]:
    base = _find_base_proof(credential)
    if base is None:
        return credential
    parts = _disclosable_paths(credential)
    widened = {_widen(path, parts) for path in disclose}
    return derive_credential({**credential, "proof": [base.members]}, pointers=sorted(map(_pointer, widened)))


def _widen(path: ClaimsPath, parts: Collection[ClaimsPath]) -> ClaimsPath:
    return next((path[:length] for length in range(1, len(path)) if path[:length] in parts), path)


def _disclosable_paths(credential: Mapping[str, Any]) -> dict[ClaimsPath, Any]:
    base = _find_base_proof(credential)
    if base is None:
        return {}
    mandatory = frozenset(map(parse_pointer, parse_base_proof(base.value).mandatory_pointers))
    above = frozenset(steps[:length] for steps in mandatory for length in range(len(steps)))
    return dict(_parts(without_proof(credential), (), mandatory, above))


def _find_base_proof(credential: Mapping[str, Any]) -> UnverifiedProof | None:
    """Return the issuer's proof from which parts can be shown, None for a credential that is shown as it is.

    Proofs by others were not necessarily checked when it was received, so they decide nothing about what is shown.
    """
    issuer = read_issuer(credential)
    proofs = (proof for proof in parse_proofs(credential) if proof.controller == issuer)
    return next((proof for proof in proofs if proof.cryptosuite == ECDSA_SD_2023 and is_base_proof(proof.value)), None)


def _parts(
    value: Any, path: ClaimsPath, mandatory: frozenset[tuple[str, ...]], above: frozenset[tuple[str, ...]]
) -> Iterator[tuple[ClaimsPath, Any]]:
    """Yield what is shown or hidden as a whole: members without structure, and elements of arrays.

    What is always shown is no part, and neither is what comes with its object whatever else of that is shown.
    """
    steps = tuple(map(str, path))
    if steps in mandatory:
        return
    children = _children(value)
    is_element = bool(path) and isinstance(path[-1], int)
    if not children or (is_element and steps not in above):
        yield path, value
        return
    for step, child in children:
        yield from _parts(child, (*path, step), mandatory, above)


def _children(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return [(name, child) for name, child in value.items() if name not in _KEPT]
    return list(enumerate(value)) if isinstance(value, list) else []


def mandatory_pointers(document: Mapping[str, Any], hidden: Sequence[ClaimsPath]) -> list[str]:
    """Return JSON pointers to everything of a badge that its holder may not hide."""
    return [_pointer(path) for path in _open_paths(document, _without_wildcards(hidden), ())]


def _open_paths(
    value: Mapping[str, Any] | Sequence[Any], hidden: frozenset[ClaimsPath], path: ClaimsPath
) -> Iterator[ClaimsPath]:
    """Yield the members that lie neither on a hidden path nor below one."""
    for name, member in value.items() if isinstance(value, Mapping) else enumerate(value):
        here = (*path, name)
        if here in hidden or name == "@context":
            continue
        if any(concealed[: len(here)] == here for concealed in hidden):
            yield from _open_paths(member, hidden, here)
        else:
            yield here


def _without_wildcards(paths: Sequence[ClaimsPath]) -> frozenset[ClaimsPath]:
    return frozenset(path[:-1] if path[-1] is None else path for path in paths)


def _pointer(path: ClaimsPath) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _day(moment: datetime) -> datetime:
    return datetime.fromtimestamp(cut_to_day(moment), UTC)

"""Who signed a document, and may that be believed: proof sets and chains, credentials, presentations. DI §4; VCDM §4.

Everything that needs the world is handed in: the keys by `find_key`, the time, the contexts. PROFILE.md K-55 to K-64,
A-19. The signature is checked first and nothing in the document is acted upon before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kernel.data_integrity import ecdsa_jcs_2019, ecdsa_rdfc_2019, ecdsa_sd_2023, eddsa_jcs_2022, eddsa_rdfc_2022
from kernel.data_integrity.cryptosuite import Cryptosuite, JcsCryptosuite, RdfcCryptosuite
from kernel.data_integrity.proof import UnverifiedProof, create_options, parse_proofs, without_proof
from kernel.did import Relation, resolve_static_did
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    TooLargeError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.json_ld import CREDENTIALS_V2, ContextStore
from kernel.jwt import LEEWAY
from kernel.keys import PublicKey, Signer
from kernel.members import as_object, as_text, is_same_text
from kernel.strict_json import MAX_BYTES, encode_json, names_any

# Returns the key of a verification method if its controller lists it in the relation (`DidDocument.find_key`).
FindKey = Callable[[str, Relation], PublicKey]

# The suites that sign a document as a whole; with `ecdsa-sd-2023` there are five that can be checked.
SIGNING_CRYPTOSUITES: Final[Mapping[str, RdfcCryptosuite | JcsCryptosuite]] = {
    suite.name: suite
    for suite in (eddsa_rdfc_2022.SUITE, ecdsa_rdfc_2019.SUITE, eddsa_jcs_2022.SUITE, ecdsa_jcs_2019.SUITE)
}
CRYPTOSUITES: Final[Mapping[str, Cryptosuite]] = {**SIGNING_CRYPTOSUITES, ecdsa_sd_2023.NAME: ecdsa_sd_2023.SUITE}
_RECEIVING_CRYPTOSUITES: Final[Mapping[str, Cryptosuite]] = {
    **SIGNING_CRYPTOSUITES,
    ecdsa_sd_2023.NAME: ecdsa_sd_2023.RECEIVING_SUITE,
}
_DISPUTED_NAMES: Final = ("endorsementJwt", "jti")
# What a holder may never hide: by whom, what kind of thing, from when to when, and where its status stands. K-67.
ALWAYS_SHOWN: Final = (
    "type",
    "issuer",
    "validFrom",
    "validUntil",
    "credentialStatus",
    "credentialSchema",
    "relatedResource",
    "termsOfUse",
)


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A proof whose signature, key, purpose and time hold, and all proofs before it in its chain.

    `optional` are the N-Quads of the document that its holder may leave out, where the proof is for selective
    disclosure.
    """

    proof: UnverifiedProof
    key: PublicKey
    optional: tuple[str, ...] = field(default=(), repr=False)

    def find_optional(self, subject_id: str | None) -> frozenset[str]:
        """Return the predicates of what is said of a thing here and may be left out; without a name, of all such.

        Of a statement that is not here nobody can tell.
        """
        begins = "_:" if subject_id is None else f"<{subject_id}> "
        return frozenset(line.split(" ", 2)[1][1:-1] for line in self.optional if line.startswith(begins))


@dataclass(frozen=True, slots=True)
class SecuredCredential:
    """A credential that its issuer signed. Validity, status and shape of its content are judged elsewhere."""

    document: Mapping[str, Any]
    issuer: str
    proofs: tuple[VerifiedProof, ...]


@dataclass(frozen=True, slots=True)
class SecuredPresentation:
    """A presentation that its holder signed for this verifier and this request.

    The credentials in it are not verified by that: each has an issuer of its own (A-50).
    """

    document: Mapping[str, Any]
    holder: str
    holder_key: PublicKey
    unverified_credentials: tuple[Mapping[str, Any], ...]


def add_proof(
    document: Mapping[str, Any],
    *,
    cryptosuite: str,
    signer: Signer,
    verification_method: str,
    proof_purpose: Relation,
    created_at: datetime,
    expires_at: datetime | None = None,
    identifier: str | None = None,
    previous: Sequence[str] = (),
    challenge: str | None = None,
    domain: str | None = None,
    contexts: ContextStore | None = None,
) -> dict[str, Any]:
    """Return the document with one proof more; `proof` is always an array (B-10). DI §4.2 and §4.3.

    `previous` names proofs of the document that this one stands on: they are signed with it.
    """
    options = create_options(
        cryptosuite=cryptosuite,
        verification_method=verification_method,
        proof_purpose=proof_purpose,
        created_at=created_at,
        expires_at=expires_at,
        identifier=identifier,
        previous=previous,
        challenge=challenge,
        domain=domain,
    )
    _require_common_terms(document)
    suite = SIGNING_CRYPTOSUITES[cryptosuite]
    if isinstance(suite, JcsCryptosuite):
        options["@context"] = document["@context"]
    present = parse_proofs(document) if "proof" in document else ()
    unsecured = _unsecured(document, present, previous)
    value = suite.sign(unsecured, options, signer=signer, contexts=contexts)
    return {**document, "proof": [*(proof.members for proof in present), {**options, "proofValue": value}]}


def add_base_proof(
    document: Mapping[str, Any],
    *,
    signer: Signer,
    verification_method: str,
    created_at: datetime,
    mandatory_pointers: Sequence[str],
    contexts: ContextStore | None = None,
) -> dict[str, Any]:
    """Return a credential with a base proof, from which its holder derives what each verifier gets to see.

    `ecdsa-sd-2023`; ECDSA §3.6.1. To the mandatory pointers come those that no holder may hide. It has a signature for
    each statement that can be hidden; what that makes larger than `parse_json` reads (K-86) is TooLargeError.
    """
    options = create_options(
        cryptosuite=ecdsa_sd_2023.NAME,
        verification_method=verification_method,
        proof_purpose="assertionMethod",
        created_at=created_at,
    )
    _require_common_terms(document)
    unsecured = without_proof(document)
    value = ecdsa_sd_2023.create_base_proof(
        unsecured,
        options,
        signer=signer,
        mandatory_pointers=add_always_shown(unsecured, mandatory_pointers),
        contexts=contexts,
    )
    secured = {**unsecured, "proof": [{**options, "proofValue": value}]}
    if len(encode_json(secured)) > MAX_BYTES:
        raise TooLargeError("a credential that is larger with its base proof than anything that is read")
    return secured


def add_always_shown(document: Mapping[str, Any], mandatory_pointers: Sequence[str]) -> tuple[str, ...]:
    """Return mandatory pointers with those before them that no holder of this document may hide."""
    always = [f"/{name}" for name in ALWAYS_SHOWN if name in document]
    return tuple(dict.fromkeys([*always, *mandatory_pointers]))


def derive_credential(
    document: Mapping[str, Any], *, pointers: Sequence[str], contexts: ContextStore | None = None
) -> dict[str, Any]:
    """Return the part of a credential that its holder shows, with the proof about it. ECDSA §3.6.6.

    The credential is one that was verified on receipt: nothing is checked again here.
    """
    base = [proof for proof in parse_proofs(document) if proof.cryptosuite == ecdsa_sd_2023.NAME]
    if len(base) != 1:
        raise MalformedError("not exactly one proof to derive from")
    shown, value = ecdsa_sd_2023.derive_proof(
        without_proof(document), ecdsa_sd_2023.parse_base_proof(base[0].value), pointers=pointers, contexts=contexts
    )
    return {**shown, "proof": [{**base[0].options, "proofValue": value}]}


def verify_proofs(
    document: Mapping[str, Any],
    *,
    controller: str,
    find_key: FindKey,
    cryptosuites: frozenset[str],
    proof_purpose: Relation,
    now: datetime,
    on_receipt: bool = False,
    contexts: ContextStore | None = None,
) -> tuple[VerifiedProof, ...]:
    """Check a set or chain of proofs and their times, and return those that hold. DI §4.4 and §4.5, K-62."""
    proofs = verify_signatures(
        document,
        controller=controller,
        find_key=find_key,
        cryptosuites=cryptosuites,
        proof_purpose=proof_purpose,
        on_receipt=on_receipt,
        contexts=contexts,
    )
    for held in proofs:
        _require_timely(held.proof, now)
    return proofs


def verify_signatures(
    document: Mapping[str, Any],
    *,
    controller: str,
    find_key: FindKey,
    cryptosuites: frozenset[str],
    proof_purpose: Relation,
    on_receipt: bool = False,
    contexts: ContextStore | None = None,
) -> tuple[VerifiedProof, ...]:
    """Check a set or chain of proofs and return those that hold, of which at least one is the controller's.

    DI §4.4 and §4.5, K-62. Every proof of the controller has to hold, and whatever such a proof stands on. Proofs by
    others are checked where their key can be had: a bad one refuses the document, one of a stranger counts for nothing.
    `on_receipt` is for a holder to whom an issuer gives a document: base proofs for selective disclosure count then.
    When the proofs were made and whether they have expired is left to the caller.
    """
    proofs = parse_proofs(document)
    verified: dict[int, VerifiedProof] = {}
    for position in _in_chain_order(proofs):
        proof = proofs[position]
        try:
            _require_allowed(proof, cryptosuites, proof_purpose)
            key = find_key(proof.verification_method, proof_purpose)
        except CredentialError:
            if proof.controller == controller or _is_stood_upon(proof, proofs):
                raise
            continue
        suite = (_RECEIVING_CRYPTOSUITES if on_receipt else CRYPTOSUITES)[proof.cryptosuite]
        # The signature is over the document as it stood when this proof was made.
        unsecured = _unsecured(document, proofs, proof.previous)
        optional = suite.verify(unsecured, proof.options, proof.value, key=key, contexts=contexts)
        verified[position] = VerifiedProof(proof, key, optional)
    if not any(held.proof.controller == controller for held in verified.values()):
        raise UntrustedIssuerError("no proof by the one whose document it says it is")
    return tuple(verified[position] for position in sorted(verified))


def verify_credential(
    document: Mapping[str, Any],
    *,
    find_key: FindKey,
    cryptosuites: frozenset[str],
    now: datetime,
    on_receipt: bool = False,
    contexts: ContextStore | None = None,
) -> SecuredCredential:
    """Check that its issuer signed a VCDM 2.0 credential, with a key that may do so. K-55, K-60 to K-64, B-21."""
    _require_vcdm(document, "VerifiableCredential")
    issuer = identifier_of(document.get("issuer"), "issuer")
    proofs = verify_proofs(
        document,
        controller=issuer,
        find_key=find_key,
        cryptosuites=cryptosuites,
        proof_purpose="assertionMethod",
        now=now,
        on_receipt=on_receipt,
        contexts=contexts,
    )
    return SecuredCredential(document, issuer, proofs)


def verify_presentation(
    document: Mapping[str, Any],
    *,
    find_key: FindKey,
    cryptosuites: frozenset[str],
    challenge: str,
    domain: str,
    now: datetime,
    contexts: ContextStore | None = None,
) -> SecuredPresentation:
    """Check that a holder signed a presentation for this request. DI §4.4 (challenge, domain), VCDM §4.13, K-57.

    One proof, by the one whom `holder` names: a second party in it would leave open who answers.
    """
    _require_vcdm(document, "VerifiablePresentation")
    holder = identifier_of(document.get("holder"), "holder")
    proofs = parse_proofs(document)
    if len(proofs) != 1 or proofs[0].controller != holder:
        raise HolderBindingError("not exactly one proof, by the holder")
    held = verify_proofs(
        document,
        controller=holder,
        find_key=find_key,
        cryptosuites=cryptosuites,
        proof_purpose="authentication",
        now=now,
        contexts=contexts,
    )[0]
    if not is_same_text(held.proof.challenge, challenge):
        raise NonceError("a presentation made for another challenge")
    if held.proof.domains != (domain,):
        raise AudienceError("a presentation made for another domain")
    return SecuredPresentation(document, holder, held.key, _parse_credentials(document))


def verify_holder(presentation: SecuredPresentation, credential: SecuredCredential) -> None:
    """Raise unless who presents a credential is the one it is about: by identifier, or by the key in it. V-27, A-17."""
    subjects = credential.document.get("credentialSubject")
    identifiers = [
        subject["id"]
        for subject in (subjects if isinstance(subjects, list) else [subjects])
        if isinstance(subject, Mapping) and "id" in subject
    ]
    if not identifiers or not all(_is_holder(presentation, identifier) for identifier in identifiers):
        raise HolderBindingError("the credential is about somebody else, or about nobody by name")


def _is_holder(presentation: SecuredPresentation, identifier: Any) -> bool:
    if identifier == presentation.holder:
        return True
    if not isinstance(identifier, str) or not identifier.startswith(("did:jwk:", "did:key:")):
        return False
    [method] = resolve_static_did(identifier).raw["verificationMethod"]
    return resolve_static_did(identifier).find_key(method["id"], relation="authentication") == presentation.holder_key


def identifier_of(value: Any, what: str) -> str:
    """Return the identifier of an issuer or holder, which is text or an object with an `id`."""
    return as_text(value.get("id") if isinstance(value, Mapping) else value, what)


def _require_timely(proof: UnverifiedProof, now: datetime) -> None:
    """Judge the times of a proof, which are signed too and believed only once its signature holds."""
    if proof.created_at is not None and proof.created_at > now + LEEWAY:
        raise NotYetValidError("a proof from the future")
    if proof.expires_at is not None and proof.expires_at < now - LEEWAY:
        raise ExpiredError("a proof that has expired")


def _require_common_terms(document: Mapping[str, Any]) -> None:
    """Refuse to sign what not everybody reads alike: copies of the Open Badges context 3.0.3 differ in these. B-14"""
    try:
        text = encode_json(document)
    except (ValueError, TypeError) as exc:
        raise MalformedError("a document that JSON has no text for") from exc
    if names_any(text, _DISPUTED_NAMES):
        raise MalformedError("a term that not every copy of its context defines")


def _require_allowed(proof: UnverifiedProof, cryptosuites: frozenset[str], proof_purpose: Relation) -> None:
    """What a proof says that it is, against what is wanted here, before any key is looked up. K-02, K-62."""
    if proof.cryptosuite not in cryptosuites & CRYPTOSUITES.keys():
        raise AlgorithmNotAllowedError(f"the cryptosuite {proof.cryptosuite[:50]!r} is not allowed here")
    if proof.proof_purpose != proof_purpose:
        raise WrongTypeError(f"a proof for {proof.proof_purpose[:50]!r}")


def _unsecured(
    document: Mapping[str, Any], proofs: Sequence[UnverifiedProof], previous: Sequence[str]
) -> dict[str, Any]:
    """Return the document as a proof signs it: without proofs, or with those that it stands on. DI §4.3, §4.5."""
    unsecured = without_proof(document)
    if previous:
        by_identifier = {proof.identifier: proof for proof in proofs}
        missing = [identifier for identifier in previous if identifier not in by_identifier]
        if missing:
            raise InvalidSignatureError("a proof that stands on another one, which is not there")
        unsecured["proof"] = [proof.members for proof in proofs if proof.identifier in previous]
    return unsecured


def _in_chain_order(proofs: Sequence[UnverifiedProof]) -> list[int]:
    """Return positions so that each proof comes after those it stands on; a circle is no chain."""
    positions = {proof.identifier: position for position, proof in enumerate(proofs)}
    ordered: list[int] = []
    waiting = list(range(len(proofs)))
    while waiting:
        ready = [
            position
            for position in waiting
            if all(positions.get(name, -1) not in waiting for name in proofs[position].previous)
        ]
        if not ready:
            raise MalformedError("proofs that stand on one another")
        ordered += ready
        waiting = [position for position in waiting if position not in ready]
    return ordered


def _is_stood_upon(proof: UnverifiedProof, proofs: Sequence[UnverifiedProof]) -> bool:
    return proof.identifier is not None and any(proof.identifier in other.previous for other in proofs)


def _require_vcdm(document: Mapping[str, Any], kind: str) -> None:
    """VCDM 2.0 §4.3 and §4.5: the first context decides what all names mean. K-55."""
    contexts, types = document.get("@context"), document.get("type")
    if not isinstance(contexts, list) or contexts[:1] != [CREDENTIALS_V2]:
        raise MalformedError("the first context is not that of VCDM 2.0")
    if kind not in (types if isinstance(types, list) else [types]):
        raise WrongTypeError(f"not of the type {kind}")


def _parse_credentials(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    value = document.get("verifiableCredential", [])
    elements = value if isinstance(value, list) else [value]
    return tuple(as_object(element, "a credential in a presentation") for element in elements)

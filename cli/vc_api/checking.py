"""Verify credentials and presentations for the VC API: their shape and every proof. VC API 0.7; PROFILE.md V-44.

Not their status, validity period or schema, which a service judges. Keys are those that a did:key or did:jwk itself
contains; nothing is fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cli.vc_api.contexts import contexts_for_tests
from cli.vc_api.requests import Members, asks_for_proof_alone, find_binding, get_proof_purpose
from kernel.data_integrity import UnverifiedProof, VerifiedProof, parse_proofs, verify_proofs
from kernel.data_integrity.verification import identifier_of
from kernel.did import Relation, resolve_static_did
from kernel.errors import AudienceError, HolderBindingError, MalformedError, NonceError, UntrustedIssuerError
from kernel.formats.vcdm import read_issuer, read_validity, require_url, require_vcdm_shape
from kernel.json_ld import CREDENTIALS_V2
from kernel.keys import PublicKey
from kernel.members import as_array, as_object
from kernel.open_badges import read_many

MAX_CREDENTIALS: Final = 32


@dataclass(frozen=True, slots=True)
class Checker:
    """Verifies what is secured by some cryptosuites and nothing that is secured otherwise."""

    cryptosuites: frozenset[str]

    def verify_credential(
        self, credential: Members, *, options: Members, now: datetime, on_receipt: bool = False
    ) -> None:
        """Raise CredentialError unless all proofs of a credential hold, one of them its issuer's.

        Whoever asks for the check `proof` alone gets no more: of published vectors no proof is the issuer's.
        """
        is_proof_all = asks_for_proof_alone(options)
        require_vcdm_shape(credential)
        read_validity(credential)
        issuer = read_issuer(credential)
        proofs = self._verify_proofs(
            credential,
            controller=parse_proofs(credential)[0].controller if is_proof_all else issuer,
            proof_purpose=get_proof_purpose(options, "assertionMethod"),
            now=now,
            on_receipt=on_receipt,
        )
        _require_bound(proofs, options)

    def verify_presentation(self, presentation: Members, *, options: Members, now: datetime) -> None:
        """Raise CredentialError unless a presentation's proof and all credentials in it hold.

        Challenge and domain are compared where the options name them. Who is not named as holder may present all the
        same; whoever is must have signed.
        """
        asks_for_proof_alone(options)
        holder = _require_presentation_shape(presentation)
        proofs = self._verify_proofs(
            presentation,
            controller=holder or parse_proofs(presentation)[0].controller,
            proof_purpose=get_proof_purpose(options, "authentication"),
            now=now,
        )
        _require_bound(proofs, options)
        for credential in _parse_credentials(presentation):
            self._verify_presented(credential, holder, now)

    def _verify_presented(self, credential: Members, holder: str | None, now: datetime) -> None:
        """A credential without a proof is its holder's own word, secured with the presentation. VCDM 2.0 §4.13.4"""
        if "proof" in credential:
            self.verify_credential(credential, options={}, now=now)
            return
        require_vcdm_shape(credential)
        if holder is None or read_issuer(credential) != holder:
            raise HolderBindingError("a credential without a proof, by another than the holder")

    def _verify_proofs(
        self,
        document: Members,
        *,
        controller: str,
        proof_purpose: Relation,
        now: datetime,
        on_receipt: bool = False,
    ) -> tuple[VerifiedProof, ...]:
        proofs = verify_proofs(
            document,
            controller=controller,
            find_key=_find_key,
            cryptosuites=self.cryptosuites,
            proof_purpose=proof_purpose,
            now=now,
            on_receipt=on_receipt,
            contexts=contexts_for_tests(),
        )
        if len(proofs) != len(parse_proofs(document)):
            raise UntrustedIssuerError("a proof by a key that cannot be had")
        return proofs


def _find_key(verification_method: str, relation: Relation) -> PublicKey:
    return resolve_static_did(verification_method.partition("#")[0]).find_key(verification_method, relation=relation)


def _require_bound(proofs: tuple[VerifiedProof, ...], options: Members) -> None:
    challenge, domain = find_binding(options)
    for held in proofs:
        _require_proof_bound(held.proof, challenge, domain)


def _require_proof_bound(proof: UnverifiedProof, challenge: str | None, domain: str | None) -> None:
    if challenge is not None and proof.challenge != challenge:
        raise NonceError("a proof made for another challenge")
    if domain is not None and proof.domains != (domain,):
        raise AudienceError("a proof made for another domain")


def _require_presentation_shape(presentation: Members) -> str | None:
    """Check type, context and identifiers, and return the holder, if one is named. VCDM 2.0 §4.13."""
    contexts = presentation.get("@context")
    if not isinstance(contexts, list) or contexts[:1] != [CREDENTIALS_V2]:
        raise MalformedError("the first context is not that of the data model")
    if "VerifiablePresentation" not in read_many(presentation, "type"):
        raise MalformedError("not of the type VerifiablePresentation")
    if "id" in presentation:
        require_url(presentation["id"], "id")
    if "holder" not in presentation:
        return None
    return require_url(identifier_of(presentation["holder"], "holder"), "holder")


def _parse_credentials(presentation: Members) -> list[Mapping[str, Any]]:
    value = presentation.get("verifiableCredential", [])
    if value == []:
        return []
    elements = as_array(value if isinstance(value, list) else [value], "`verifiableCredential`", limit=MAX_CREDENTIALS)
    return [as_object(element, "a credential") for element in elements]

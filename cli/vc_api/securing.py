"""Issue, derive and present for the VC API, with one key for one cryptosuite. VC API 0.7; PROFILE.md V-44."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cli.vc_api.contexts import contexts_for_tests
from cli.vc_api.requests import Members, find_binding, get_pointers
from kernel.data_integrity import add_base_proof, add_proof, derive_credential, ecdsa_jcs_2019, ecdsa_rdfc_2019
from kernel.data_integrity.ecdsa_sd_2023 import NAME as ECDSA_SD_2023
from kernel.did import did_key, multikey_url
from kernel.errors import AlgorithmNotAllowedError, HolderBindingError
from kernel.formats.vcdm import read_issuer, read_validity, require_vcdm_shape
from kernel.keys import SoftwareSigner

_ON_P384: Final = frozenset({ecdsa_rdfc_2019.SUITE.name, ecdsa_jcs_2019.SUITE.name})


@dataclass(frozen=True, slots=True)
class SuiteKey:
    """A fresh key that signs by one cryptosuite; `path` is where, apart from keys of another kind for the same one."""

    cryptosuite: str
    signer: SoftwareSigner

    @classmethod
    def generate(cls, cryptosuite: str) -> list["SuiteKey"]:
        """Make a key of each kind that the cryptosuite takes to sign. ECDSA §3.2, §3.3: the 2019 ones, two."""
        kinds = ["Ed25519"] if cryptosuite.startswith("eddsa") else ["ES256"]
        kinds += ["ES384"] if cryptosuite in _ON_P384 else []
        return [cls(cryptosuite, SoftwareSigner.generate(kind)) for kind in kinds]

    @property
    def path(self) -> str:
        return f"{self.cryptosuite}-p384" if self.signer.algorithm == "ES384" else self.cryptosuite

    @property
    def curve(self) -> str:
        return str(self.signer.public_key.jwk["crv"])

    @property
    def did(self) -> str:
        return did_key(self.signer.public_key.jwk)

    @property
    def verification_method(self) -> str:
        return multikey_url(self.did, self.signer.public_key)

    def issue(self, credential: dict[str, Any], *, options: Members, now: datetime) -> dict[str, Any]:
        """Return the credential, signed, with this key's DID in the place of whatever issuer it named."""
        credential = {**credential, "issuer": credential.get("issuer", self.did)}
        require_vcdm_shape(credential)
        read_validity(credential)
        read_issuer(credential)
        issuer = credential["issuer"]
        credential["issuer"] = {**issuer, "id": self.did} if isinstance(issuer, dict) else self.did
        if self.cryptosuite == ECDSA_SD_2023:
            return add_base_proof(
                credential,
                signer=self.signer,
                verification_method=self.verification_method,
                created_at=now,
                mandatory_pointers=get_pointers(options, "mandatoryPointers"),
                contexts=contexts_for_tests(),
            )
        return add_proof(
            credential,
            cryptosuite=self.cryptosuite,
            signer=self.signer,
            verification_method=self.verification_method,
            proof_purpose="assertionMethod",
            created_at=now,
            contexts=contexts_for_tests(),
        )

    def present(self, presentation: dict[str, Any], *, options: Members, now: datetime) -> dict[str, Any]:
        """Return the presentation, signed by this key's DID as its holder."""
        if self.cryptosuite == ECDSA_SD_2023:
            raise AlgorithmNotAllowedError("a presentation is signed whole")
        if presentation.setdefault("holder", self.did) != self.did:
            raise HolderBindingError("a holder whose key this is not")
        challenge, domain = find_binding(options)
        return add_proof(
            presentation,
            cryptosuite=self.cryptosuite,
            signer=self.signer,
            verification_method=self.verification_method,
            proof_purpose="authentication",
            created_at=now,
            challenge=challenge,
            domain=domain,
            contexts=contexts_for_tests(),
        )


def derive(credential: dict[str, Any], *, options: Members) -> dict[str, Any]:
    """Return the part of a credential with a base proof that the pointers, and its issuer, want shown."""
    pointers = get_pointers(options, "selectivePointers")
    return derive_credential(credential, pointers=pointers, contexts=contexts_for_tests())

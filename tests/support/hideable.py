"""A selective credential as a careless issuer makes it: its holder may hide what decides about it."""

import json
from collections.abc import Sequence

from kernel.data_integrity import parse_proofs, without_proof
from kernel.data_integrity.ecdsa_sd_2023 import create_base_proof
from kernel.keys import SoftwareSigner

FIXED = ("/issuer", "/validFrom", "/validUntil", "/credentialStatus")


def sign_hideable(raw: str, signer: SoftwareSigner, *, hideable: Sequence[str] = ("/credentialStatus",)) -> str:
    """Return the same credential, of which these members may now be left out."""
    signed = json.loads(raw)
    document, (proof,) = without_proof(signed), parse_proofs(signed)
    fixed = [pointer for pointer in FIXED if pointer not in hideable and pointer[1:] in document]
    value = create_base_proof(document, proof.options, signer=signer, mandatory_pointers=fixed)
    return json.dumps({**document, "proof": [{**proof.options, "proofValue": value}]})

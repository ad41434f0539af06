"""`ecdsa-rdfc-2019`: ECDSA on P-256 or P-384 over the RDFC-1.0 form. ECDSA §3.2; PROFILE.md K-61."""

from typing import Final

from kernel.data_integrity.cryptosuite import RdfcCryptosuite

SUITE: Final = RdfcCryptosuite("ecdsa-rdfc-2019", ("ES256", "ES384"))

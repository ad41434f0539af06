"""`ecdsa-jcs-2019`: ECDSA on P-256 or P-384 over canonical JSON. ECDSA §3.3; PROFILE.md K-61."""

from typing import Final

from kernel.data_integrity.cryptosuite import JcsCryptosuite

SUITE: Final = JcsCryptosuite("ecdsa-jcs-2019", ("ES256", "ES384"))

"""`eddsa-jcs-2022`: Ed25519 over canonical JSON. EDDSA §3.3; PROFILE.md K-61."""

from typing import Final

from kernel.data_integrity.cryptosuite import JcsCryptosuite

SUITE: Final = JcsCryptosuite("eddsa-jcs-2022", ("Ed25519", "EdDSA"))

"""`eddsa-rdfc-2022`: Ed25519 over the RDFC-1.0 form, which Open Badges 3.0 certifies. EDDSA §3.2; PROFILE.md K-60."""

from typing import Final

from kernel.data_integrity.cryptosuite import RdfcCryptosuite

SUITE: Final = RdfcCryptosuite("eddsa-rdfc-2022", ("Ed25519", "EdDSA"))

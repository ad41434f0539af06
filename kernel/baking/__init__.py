"""Badges inside pictures: a credential is baked into a PNG or an SVG and taken out again. Open Badges 3.0 §5.3.

The picture stays what it was, but for the one place that carries the credential. Reading is bounded and believes
nothing: what comes out is text that claims to be a credential. PROFILE.md B-30 to B-33, B-22, A-43.
"""

from kernel.baking import png, svg
from kernel.baking.content import MAX_ART_BYTES, BakedCredential, CredentialForm, parse_file, parse_text
from kernel.errors import MalformedError

__all__ = [
    "MAX_ART_BYTES",
    "BakedCredential",
    "CredentialForm",
    "bake",
    "parse_baked",
    "parse_file",
    "parse_text",
]


def bake(art: bytes, credential: str) -> bytes:
    """Return a picture that carries a credential, in place of any that it carried before. B-30 to B-32.

    `art` is a PNG or SVG of at most `MAX_ART_BYTES`, which the caller made safe; `credential` is JSON with embedded
    proofs or a compact JWS. Raises MalformedError for anything else.
    """
    if len(art) > MAX_ART_BYTES:
        raise MalformedError("a picture that is too large to bake into")
    content = parse_text(credential)
    if art.startswith(png.SIGNATURE):
        return png.bake(art, content.raw)
    return svg.bake(art, content.raw, content.form)


def parse_baked(picture: bytes) -> BakedCredential:
    """Return the one credential that a PNG or SVG carries, or raise MalformedError. B-30, B-31.

    Badges of Open Badges 2.0 are read as well and say so (B-22); where both are there the newer one counts.
    """
    return png.parse(picture) if picture.startswith(png.SIGNATURE) else svg.parse(picture)

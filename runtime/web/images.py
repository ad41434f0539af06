"""Serving pictures that came from outside, so that they can be nothing but pictures (A-41)."""

from typing import Final

from starlette.responses import Response

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/svg+xml"})
# Opened by itself in a tab, an SVG is a document: this leaves it without script, requests, forms and origin.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def image_response(content: bytes, media_type: str, *, max_age: int = 0, public: bool = False) -> Response:
    """The picture, of exactly this type, inert even when it is opened on its own. Sets and reads no cookie."""
    if media_type not in IMAGE_TYPES:
        raise ValueError(f"not a picture that is served: {media_type}")
    visibility = "public" if public else "private"
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin" if public else "same-origin",
            "Cache-Control": f"{visibility}, max-age={max_age}" if max_age else "no-store",
        },
    )

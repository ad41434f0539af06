"""Routes of pages: what answers GET answers HEAD too.

router = APIRouter(include_in_schema=False, route_class=PageRoute)

@router.get("/open")
@only_get
async def open_link(...): ...
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi.routing import APIRoute

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "answers_only_get"


class PageRoute(APIRoute):
    """A page, whose HEAD has the headers of its GET; the server sends no body with them. RFC 9110 §9.3.2."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.methods == {"GET"} and not hasattr(endpoint, _MARK):
            self.methods = {"GET", "HEAD"}


def only_get(endpoint: F) -> F:
    """Marks a page whose GET goes out to others or has no end: nothing that a preview of a link should set off."""
    setattr(endpoint, _MARK, True)
    return endpoint

"""Routes of the management APIs: their JSON has one meaning.

    router = APIRouter(prefix="/api", route_class=ManagementRoute)

A name given twice would be read one way by us and another way by whatever wrote or checked the request; such a body
is refused as malformed, as everything is that `kernel.strict_json` cannot read in one way (RFC 8259 §4, RFC 7493 §2.3).
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from kernel.errors import MalformedError
from kernel.strict_json import parse_json

# The shell reads no more than this of any request to a management API.
_MAX_BYTES: Final = 4 * 1024 * 1024


KeyInDocument = Annotated[object, Security(HTTPBearer(scheme_name="bearer", auto_error=False))]
"""Says in the OpenAPI document that a bearer key is needed. It judges none: the service's own dependency does."""


C = TypeVar("C")


class Gate(Generic[C]):
    """A dependency that lets a caller in, and is asked before anything of the body is read.

    FastAPI parses a body before it solves any dependency: whoever has no key would be told what is wrong with their
    JSON, and whoever may not do this would learn how it is done. `admit` returns who calls, or raises.

        AwardsWriter = Annotated[Caller, Security(Gate(admit), scopes=["awards:write"])]
    """

    def __init__(self, admit: Callable[[Request], Awaitable[C]]) -> None:
        self.admit = admit

    def __call__(self, request: Request, _key: KeyInDocument) -> C:
        """Who was let in."""
        caller: C = request.state.caller
        return caller


class ManagementRoute(APIRoute):
    """A route whose caller is let in first, and whose body is then read strictly.

    A body that has no one meaning is answered like any other wrong input.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        gates = [each.call for each in self.dependant.dependencies if isinstance(each.call, Gate)]

        async def answer(request: Request) -> Response:
            for gate in gates:
                request.state.caller = await gate.admit(request)
            return await handler(_StrictRequest(request.scope, request.receive))

        return answer


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return parse_json(await self.body(), max_bytes=_MAX_BYTES)
        except MalformedError as exc:
            # The one exception that FastAPI turns into a validation error, which has its own shape here.
            raise json.JSONDecodeError("not JSON with one meaning", "", 0) from exc

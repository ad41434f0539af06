"""What a route may ask for by annotating an argument.

    @router.post("/credential")
    async def credential(body: …, session: SessionDep, now: NowDep) -> …:

`SessionDep` is the request's one transaction: committed after the function returns and before the response leaves, so
a client never acts on something that a failing commit then took back; rolled back when the function raises. Returning
an error response does not roll back, raising does.

A service narrows `ServiceDep` to its own settings:

    IssuerServiceDep = Annotated[Service[IssuerSettings], Depends(get_service)]

Plain Starlette routes, the fast way for protocol endpoints, use the same pieces by hand:

    async def nonce(request: Request) -> Response:
        service = get_service(request)
        async with service.database.transaction() as session: ...
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from runtime.database import Database
from runtime.fetch import Fetcher
from runtime.resolve import Resolver
from runtime.service import Service


def get_service(request: Request) -> Service[Any]:
    """The running service that this request belongs to."""
    service: Service[Any] = request.app.state.service
    return service


def get_database(request: Request) -> Database:
    return get_service(request).database


def get_fetch(request: Request) -> Fetcher:
    return get_service(request).fetch


def get_resolver(request: Request) -> Resolver:
    return get_service(request).resolver


def get_now(request: Request) -> datetime:
    return get_service(request).clock()


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One request, one transaction."""
    async with get_service(request).database.transaction() as session:
        yield session


# scope="function": with FastAPI's default the commit would run after the response has been sent, and a commit that
# fails would still have been answered with 200. A wallet calls our next endpoint at once.
SessionDep = Annotated[AsyncSession, Depends(open_session, scope="function")]
DatabaseDep = Annotated[Database, Depends(get_database)]
FetchDep = Annotated[Fetcher, Depends(get_fetch)]
ResolverDep = Annotated[Resolver, Depends(get_resolver)]
NowDep = Annotated[datetime, Depends(get_now)]
ServiceDep = Annotated[Service[Any], Depends(get_service)]

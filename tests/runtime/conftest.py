"""A small service of nothing but runtime, through which its promises are tested over HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from runtime.app import create_fastapi, create_service
from runtime.settings import ServiceSettings
from runtime.web.pages import Pages

MakeApp = Callable[..., FastAPI]


class SampleSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SAMPLE_")


def create_sample_app(
    url: str, clock, *, public_url="https://sample.example", requests_per_minute=0, **named
) -> FastAPI:
    settings = SampleSettings(
        public_url=public_url,
        database_url=SecretStr(url),
        encryption_key=SecretStr("A" * 43),
        allow_http_for_local_development=public_url.startswith("http:"),
        local_hosts=frozenset({"localhost:8102"} if public_url.startswith("http:") else ()),
        requests_per_minute=requests_per_minute,
    )
    service = create_service(settings, name="sample", clock=clock)
    return create_fastapi(service, title="Sample", **({"routers": [], "pages": Pages("runtime")} | named))


@asynccontextmanager
async def browse(app: FastAPI, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app that follows nothing by itself; the service is closed afterwards."""
    origin = app.state.service.settings.public_url
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=origin, headers=headers) as client:
        yield client
    await app.state.service.close()


@pytest.fixture
def make_app(new_sqlite_database, clock) -> MakeApp:
    def make(**named) -> FastAPI:
        return create_sample_app(new_sqlite_database(None), clock, **named)

    return make

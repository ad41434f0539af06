"""Run one service in this process, with the settings of the environment."""

import asyncio
import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import uvicorn

from cli.processes import stop_when_stdin_closes
from runtime.clock import utc_now
from runtime.database import Database, migrate
from runtime.settings import ServiceSettings


def settings_of(name: str, environment: Mapping[str, str] | None = None) -> ServiceSettings:
    """The settings of one service, read from the process environment; SettingsError lists all that is wrong."""
    settings_class: type[ServiceSettings] = getattr(import_module(f"{name}.settings"), f"{name.capitalize()}Settings")
    return settings_class.from_environment(environment)


def migrate_service(name: str, environment: Mapping[str, str] | None = None) -> None:
    """Bring the service's database to the newest form."""
    migrate(settings_of(name, environment).database_url.get_secret_value(), name)


def create_issuer_admin_key(environment: Mapping[str, str] | None = None) -> str:
    """Make a key to the whole issuer, for whoever runs it; shown once, kept as a hash. The database must exist."""
    from issuer.api_keys import create_admin_key
    from issuer.settings import IssuerSettings

    settings = IssuerSettings.from_environment(environment)

    async def work() -> str:
        database = Database(settings.database_url.get_secret_value())
        try:
            return await create_admin_key(database, now=utc_now())
        finally:
            await database.close()

    return asyncio.run(work())


def seal_issuer_again(environment: Mapping[str, str] | None = None) -> int:
    """Seal under `encryption_key` what `earlier_encryption_key` sealed, and say how much that was."""
    from issuer.sealing import seal_everything_again
    from issuer.settings import IssuerSettings

    settings = IssuerSettings.from_environment(environment)

    async def work() -> int:
        database = Database(settings.database_url.get_secret_value())
        try:
            return await seal_everything_again(database, settings)
        finally:
            await database.close()

    return asyncio.run(work())


def create_service_app(name: str) -> Any:
    """The ASGI application of one service, alone in its process."""
    app = import_module(f"{name}.app").create_app(settings_of(name))
    # What was made by now lives as long as the process: the garbage collector need not walk through it ever again.
    gc.collect()
    gc.freeze()
    return app


def issuer() -> Any:
    """Factory for `uvicorn cli.serve:issuer --factory`."""
    return create_service_app("issuer")


def wallet() -> Any:
    """Factory for `uvicorn cli.serve:wallet --factory`."""
    return create_service_app("wallet")


def verifier() -> Any:
    """Factory for `uvicorn cli.serve:verifier --factory`."""
    return create_service_app("verifier")


def serve(name: str, *, host: str, port: int, workers: int, until_stdin_closes: bool) -> None:
    """Answer requests until told to stop."""
    settings_of(name)
    if until_stdin_closes:
        stop_when_stdin_closes()
    uvicorn.run(
        f"cli.serve:{name}",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        date_header=True,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )

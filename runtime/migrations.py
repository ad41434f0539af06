"""Alembic for three services, without three configuration files.

Each service has `<service>/migrations/env.py`, which is two lines:

    from issuer.models import Base
    from runtime.migrations import run_migrations

    run_migrations(Base.metadata)

and `<service>/migrations/versions/`. Neither folder is a package. A new revision, to be read and then kept, is written
from the difference between the models and the revisions there are; there is no way back but a backup:

    python -m runtime.migrations revision issuer "Awards get a reason for their suspension"
    python -m runtime.migrations upgrade issuer sqlite:///var/issuer.sqlite3
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from alembic import command, context
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.engine import Connection

from runtime.database import driver_url, listen_for_sqlite
from runtime.folders import package_folder
from runtime.revisions import head_revision, known_revisions

# Any constant will do, as long as every process of ours takes the same.
_ADVISORY_LOCK: Final = 0x5B111
_COMPARE: Final = {"compare_type": True, "compare_server_default": True}

_REVISION: Final = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "{revision}"
down_revision = {previous!r}


def upgrade() -> None:
    {body}
'''


def run_migrations(metadata: MetaData) -> None:
    """What every `env.py` calls: run the wanted steps on the connection that `upgrade` opened."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def upgrade(url: str, package: str) -> None:
    """Run every revision of `package` that the database has not seen, all in one transaction.

    Several processes may start at once: SQLite's write lock or an advisory lock makes the others wait, and they then
    find nothing to do.
    """
    with _connection(url) as connection:
        command.upgrade(_config(package, connection), "head")


def current_revision(url: str) -> str | None:
    """The revision that the database is at; none for an empty one."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def find_drift(url: str, metadata: MetaData) -> list[Any]:
    """What a migrated database lacks of the models, or has beyond them. Empty when they agree."""
    with _connection(url) as connection:
        migration = MigrationContext.configure(connection, opts=_COMPARE)
        return list(compare_metadata(migration, metadata))


def write_revision(package: str, message: str) -> Path:
    """Write the next revision of `package`, from the difference between its revisions and its models."""
    metadata: MetaData = import_module(f"{package}.models").Base.metadata
    previous = head_revision(package)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.sqlite3"
        upgrade(url, package)
        with _connection(url) as connection:
            operations = produce_migrations(MigrationContext.configure(connection, opts=_COMPARE), metadata).upgrade_ops
    if operations is None or operations.is_empty():
        raise ValueError(f"the models of {package} and its revisions agree; there is nothing to write")
    revision = f"{int(previous or 0) + 1:04d}"
    slug = "_".join(re.findall(r"[a-z0-9]+", message.lower())[:8])
    path = package_folder(package) / "migrations" / "versions" / f"{revision}_{slug}.py"
    body = render_python_code(operations, render_as_batch=True, user_module_prefix="runtime.database.")
    path.write_text(_REVISION.format(message=message, revision=revision, previous=previous, body=body))
    known_revisions.cache_clear()
    return path


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """A locked connection whose transaction commits at the end."""
    parsed = driver_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite+pysqlite")
        engine = create_engine(parsed, connect_args={"timeout": 60, "isolation_level": None}, hide_parameters=True)
        listen_for_sqlite(engine)
    else:
        engine = create_engine(parsed, hide_parameters=True)
    try:
        with engine.begin() as connection:
            if parsed.get_backend_name() == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
    finally:
        engine.dispose()


def _config(package: str, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(package_folder(package) / "migrations"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def main(arguments: list[str]) -> None:
    """`revision PACKAGE MESSAGE` or `upgrade PACKAGE URL`."""
    match arguments:
        case ["revision", package, message]:
            print(write_revision(package, message))
        case ["upgrade", package, url]:
            upgrade(url, package)
        case _:
            sys.exit("usage: python -m runtime.migrations revision PACKAGE MESSAGE | upgrade PACKAGE URL")


if __name__ == "__main__":
    main(sys.argv[1:])

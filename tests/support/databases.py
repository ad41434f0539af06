"""Fresh, migrated databases for tests, on SQLite and on PostgreSQL.

Migrations run once a package and session; every test gets a copy of the result.
"""

import os
import shutil
import sys
import uuid
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from runtime.database import driver_url, migrate


@cache
def postgres_url() -> str | None:
    """The server that tests may make databases on: TEST_POSTGRES_URL, or the local default; None when none answers."""
    url = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432")
    try:
        with psycopg.connect(_plain(url, "postgres"), connect_timeout=3):
            return url
    except psycopg.OperationalError:
        return None


class SqliteDatabases:
    """SQLite files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[str, Path] = {}

    def create(self, package: str | None) -> str:
        """A new database with the schema of `package`, or an empty one."""
        path = self._folder / f"{uuid.uuid4().hex}.sqlite3"
        if package is not None:
            shutil.copyfile(self._template(package), path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Remove one."""
        path = Path(url.removeprefix("sqlite:///"))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """The folder belongs to pytest, which removes it."""

    def _template(self, package: str) -> Path:
        if package not in self._templates:
            path = self._folder / f"template-{package}.sqlite3"
            migrate(f"sqlite:///{path}", package)
            self._templates[package] = path
        return self._templates[package]


class PostgresDatabases:
    """Databases on a server, copied from a template database."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._run = uuid.uuid4().hex[:10]
        self._templates: dict[str, str] = {}
        self._connection = psycopg.connect(_plain(server, "postgres"), autocommit=True)

    def create(self, package: str | None) -> str:
        """A new database with the schema of `package`, or an empty one."""
        name = f"skillswallet_test_{uuid.uuid4().hex}"
        template = "template1" if package is None else self._template(package)
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove one, and whoever still holds it open."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", str(driver_url(url).database))

    def close(self) -> None:
        """Remove the templates."""
        for name in self._templates.values():
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._connection.close()

    def _template(self, package: str) -> str:
        if package not in self._templates:
            name = f"skillswallet_test_template_{package}_{self._run}"
            self._execute("CREATE DATABASE {}", name)
            self._templates[package] = name
            migrate(self._url(name), package)
        return self._templates[package]

    def _url(self, name: str) -> str:
        return driver_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str, *names: str) -> None:
        self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _plain(url: str, database: str) -> str:
    parsed = driver_url(url)
    return parsed.set(drivername="postgresql", database=parsed.database or database).render_as_string(
        hide_password=False
    )


if __name__ == "__main__":
    sys.exit(0 if postgres_url() else 1)

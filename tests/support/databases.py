"""Fresh, migrated databases for tests, on SQLite and on PostgreSQL.

Migrations run once a package and session on SQLite, where every test gets a copy of the result; on PostgreSQL every
test gets a database that an earlier one has left.
"""

import os
import shutil
import sys
import uuid
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from runtime.database import driver_url, migrate

_SCHEMA: Final = """
SELECT (SELECT version_num FROM alembic_version),
    (SELECT string_agg(format('%s %s %s', attrelid::regclass, attname, atttypid), ',' ORDER BY attrelid, attnum)
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND attnum > 0),
    (SELECT string_agg(pg_get_constraintdef(oid), ',' ORDER BY oid)
     FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
    (SELECT string_agg(indexdef, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public')
"""


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
    """Databases on a server. Making one from a template takes a second or more, so they are emptied and used again."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._connection = psycopg.connect(_plain(server, "postgres"), autocommit=True)
        self._packages: dict[str, str] = {}
        self._schemas: dict[str, str] = {}
        self._free: defaultdict[str, list[str]] = defaultdict(list)

    def create(self, package: str | None) -> str:
        """A database with the schema of `package` and nothing else in it, or an empty one."""
        if package is not None and self._free[package]:
            return self._free[package].pop()
        name = f"skillswallet_test_{uuid.uuid4().hex}"
        self._execute("CREATE DATABASE {}", name)
        # Nothing here has to outlive a power failure; waiting for the disk would be half of such a test.
        self._execute("ALTER DATABASE {} SET synchronous_commit TO off", name)
        url = driver_url(self._server).set(database=name).render_as_string(hide_password=False)
        if package is not None:
            migrate(url, package)
            self._packages[url] = package
            self._schemas.setdefault(package, _schema(url))
        return url

    def drop(self, url: str) -> None:
        """Give one back. Whoever still holds it open is sent away; where the schema was changed it is removed."""
        package = self._packages.get(url)
        self._connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [_name(url)]
        )
        if package is not None and _schema(url) == self._schemas[package] and _is_emptied(url):
            self._free[package].append(url)
        else:
            self._remove(url)

    def close(self) -> None:
        """Remove them all."""
        for url in list(self._packages):
            self._remove(url)
        self._connection.close()

    def _remove(self, url: str) -> None:
        self._packages.pop(url, None)
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", _name(url))

    def _execute(self, statement: str, *names: str) -> None:
        self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _name(url: str) -> str:
    return str(driver_url(url).database)


def _schema(url: str) -> str:
    """Every column, index and constraint that there is, and the migration that made it."""
    with psycopg.connect(_plain(url, "")) as connection:
        return str(connection.execute(_SCHEMA).fetchone())


def _is_emptied(url: str) -> bool:
    """Remove every row but the one that names the last migration; only a superuser may, past triggers and keys."""
    with psycopg.connect(_plain(url, "")) as connection:
        try:
            connection.execute("SET LOCAL session_replication_role = replica")
        except psycopg.errors.InsufficientPrivilege:
            return False
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            if table != "alembic_version":
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    return True


def _plain(url: str, database: str) -> str:
    parsed = driver_url(url)
    return parsed.set(drivername="postgresql", database=parsed.database or database).render_as_string(
        hide_password=False
    )


if __name__ == "__main__":
    sys.exit(0 if postgres_url() else 1)

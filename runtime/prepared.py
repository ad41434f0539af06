"""Statements that are put together once and then handed straight to the database's driver.

    _SPEND = Prepared(insert(Nonce.__table__).on_conflict_do_nothing().returning(Nonce.__table__.c.nonce_hash))
    def spend_nonce(connection, nonce_hash, expires_at) -> bool:
        return bool(_SPEND.rows(connection, nonce_hash=nonce_hash, expires_at=expires_at))

SQLAlchemy writes the statement and converts every value in and out, as always; what is left out is the machinery that
it sets up around each execution, which costs several times what SQLite needs for the statement itself. For the one
path on which requests are many; elsewhere `connection.execute` is the simpler word.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as one driver takes it: its text, what goes in (with fixed values), and what comes out."""

    text: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]
    inward: tuple[tuple[str, Convert], ...]
    outward: tuple[tuple[int, Convert], ...]

    def fill(self, values: dict[str, Any]) -> Any:
        if self.fixed:
            values |= self.fixed
        for name, convert in self.inward:
            values[name] = convert(values[name])
        return values if self.order is None else [values[name] for name in self.order]

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self.outward:
            return row
        values = list(row)
        for position, convert in self.outward:
            values[position] = convert(values[position])
        return tuple(values)


class Prepared:
    """One statement, or one spelling of it for each database by the name of its dialect.

    Every parameter is given by its name at each call; a missing one is a KeyError. Failures of the database are the
    same exceptions as SQLAlchemy's own, without parameters in their text.
    """

    def __init__(self, statement: Any) -> None:
        self._spellings: Mapping[str, Any] | None = statement if isinstance(statement, dict) else None
        self._statement = statement
        self._forms: dict[tuple[str, str], _Form] = {}

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Every row that the statement returns."""
        form = self._form(connection.dialect)
        cursor = self._execute(connection, form, values)
        try:
            return [form.read(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def row(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The one row that the statement returns, if there is one; two are our mistake."""
        rows = self.rows(connection, **values)
        if len(rows) > 1:
            raise ValueError("two rows where one was expected")
        return rows[0] if rows else None

    def change(self, connection: Connection, **values: Any) -> int:
        """How many rows a statement that returns none has changed."""
        cursor = self._execute(connection, self._form(connection.dialect), values)
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def _execute(self, connection: Connection, form: _Form, values: dict[str, Any]) -> Any:
        parameters = form.fill(values)
        try:
            cursor = connection.connection.cursor()
            cursor.execute(form.text, parameters)
        except connection.dialect.loaded_dbapi.Error as exc:
            raise _translated(connection, form.text, exc) from exc
        return cursor

    def _form(self, dialect: Dialect) -> _Form:
        key = (dialect.name, dialect.driver)
        if key not in self._forms:
            statement = self._statement if self._spellings is None else self._spellings[dialect.name]
            self._forms[key] = _compile(statement, dialect)
        return self._forms[key]


def _compile(statement: Any, dialect: Dialect) -> _Form:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  (what every statement of tables compiles to)
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    inward = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()}
    types = [column.type for column in getattr(statement, "exported_columns", ())]
    outward = [kind.dialect_impl(dialect).result_processor(dialect, None) for kind in types]
    return _Form(
        text=compiled.string,
        order=None if compiled.positiontup is None else tuple(compiled.positiontup),
        fixed={name: bind.value for name, bind in binds.items() if not bind.required and bind.value is not None},
        inward=tuple((name, convert) for name, convert in inward.items() if convert is not None),
        outward=tuple((position, convert) for position, convert in enumerate(outward) if convert is not None),
    )


@contextmanager
def translated_errors(connection: Connection, statement: str | None = None) -> Iterator[None]:
    """Raise SQLAlchemy's exceptions for the driver's; a broken connection is not used again, as with SQLAlchemy."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as exc:
        raise _translated(connection, statement, exc) from exc


def _translated(connection: Connection, statement: str | None, error: Any) -> Any:
    dbapi = connection.dialect.loaded_dbapi
    is_gone = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_gone:
        connection.invalidate(error)
    return DBAPIError.instance(
        statement,
        None,
        error,
        dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_gone,
        dialect=connection.dialect,
    )

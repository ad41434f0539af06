"""Statements that are put together once and then handed straight to the database's driver.

    _SPEND = Prepared(insert(Nonce.__table__).on_conflict_do_nothing().returning(Nonce.__table__.c.nonce_hash))
    def spend_nonce(connection, nonce_hash, expires_at) -> bool:
        return bool(_SPEND.rows(connection, nonce_hash=nonce_hash, expires_at=expires_at))

SQLAlchemy writes the statement and converts every value in and out, as always; what is left out is the machinery that
it sets up around each execution, which costs several times what SQLite needs for the statement itself. For the one
path on which requests are many; elsewhere `connection.execute` is the simpler word.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as one driver takes it: its text, what goes in (with fixed values), and what comes out.

    `plan` has a name and a conversion for each place where parameters are given by position.
    """

    text: str
    plan: Sequence[tuple[str, Convert | None]] | None
    fixed: Mapping[str, Any]
    inward: Sequence[tuple[str, Convert]]
    outward: Sequence[tuple[int, Convert]]

    def fill(self, values: dict[str, Any]) -> Any:
        if self.fixed:
            values |= self.fixed
        if self.plan is not None:
            return [values[name] if convert is None else convert(values[name]) for name, convert in self.plan]
        for name, convert in self.inward:
            values[name] = convert(values[name])
        return values

    def fill_many(
        self, names: Sequence[str], rows: Iterable[Sequence[Any]], same: dict[str, Any]
    ) -> Iterable[Sequence[Any] | Mapping[str, Any]]:
        """The same for many rows, column by column; `same` are the values that all of them have."""
        columns: dict[str, Iterable[Any]] = dict(zip(names, zip(*rows, strict=True), strict=True))
        alike = same | dict(self.fixed)
        for name, convert in self.inward:
            if name in columns:
                columns[name] = [convert(value) for value in columns[name]]
            else:
                alike[name] = convert(alike[name])
        columns |= {name: repeat(value) for name, value in alike.items()}
        if self.plan is not None:
            return zip(*(columns[name] for name, _ in self.plan), strict=False)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=False)]

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
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
        self._latest: tuple[Dialect, _Form] | None = None

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Every row that the statement returns."""
        form, cursor = self._execute(connection, values)
        try:
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        finally:
            cursor.close()
        return [form.read(row) for row in rows] if form.outward else rows

    def row(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The one row that the statement returns, if there is one; two are our mistake."""
        rows = self.rows(connection, **values)
        if len(rows) > 1:
            raise ValueError("two rows where one was expected")
        return rows[0] if rows else None

    def change(self, connection: Connection, **values: Any) -> int:
        """How many rows a statement that returns none has changed."""
        _form, cursor = self._execute(connection, values)
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def change_many(
        self, connection: Connection, names: Sequence[str], rows: Sequence[Sequence[Any]], **same: Any
    ) -> int:
        """How many rows a statement has changed that is executed for each of many: at least one.

        What differs is given in rows, in the order of `names`; what does not, once.
        """
        form, cursor = self._open(connection)
        try:
            cursor.executemany(form.text, form.fill_many(names, rows, same))
            return int(cursor.rowcount)
        except connection.dialect.loaded_dbapi.Error as exc:
            raise translated(connection, exc, form.text) from exc
        finally:
            cursor.close()

    def _execute(self, connection: Connection, values: dict[str, Any]) -> tuple[_Form, Any]:
        form, cursor = self._open(connection)
        parameters = form.fill(values)
        try:
            cursor.execute(form.text, parameters)
        except connection.dialect.loaded_dbapi.Error as exc:
            raise translated(connection, exc, form.text) from exc
        return form, cursor

    def _open(self, connection: Connection) -> tuple[_Form, Any]:
        latest = self._latest
        if latest is None or latest[0] is not connection.dialect:
            latest = self._latest = (connection.dialect, self._form(connection.dialect))
        driver: Any = connection.connection.dbapi_connection
        try:
            return latest[1], driver.cursor()
        except connection.dialect.loaded_dbapi.Error as exc:
            raise translated(connection, exc) from exc

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
    order = compiled.positiontup
    return _Form(
        text=compiled.string,
        plan=None if order is None else [(name, inward[name]) for name in order],
        fixed={name: bind.value for name, bind in binds.items() if not bind.required and bind.value is not None},
        inward=[(name, convert) for name, convert in inward.items() if convert is not None],
        outward=[(position, convert) for position, convert in enumerate(outward) if convert is not None],
    )


def translated(connection: Connection, error: Any, statement: str | None = None) -> Any:
    """SQLAlchemy's exception for the driver's; a broken connection is not used again, as with SQLAlchemy."""
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

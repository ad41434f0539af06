"""A database from before keys had algorithms: every key goes on as it was, and of two that sign one remains."""

import uuid

from alembic import command
from sqlalchemy import text

from runtime.migrations import _config, _connection, upgrade
from tests.conftest import NewDatabase

ORGANISATION = uuid.uuid4().hex
KEYS = [
    ("es256-2024-1", "2024-01-01 00:00:00", "2025-01-01 00:00:00"),
    ("es256-2025-2", "2025-01-01 00:00:00", None),
    ("es256-2025-3", "2025-06-01 00:00:00", None),
]


def fill_first_tables(url: str) -> None:
    with _connection(url) as connection:
        command.upgrade(_config("issuer", connection), "0001")
        connection.execute(
            text("INSERT INTO organisations (id, slug, name, country, created_at) VALUES (:id, 'a', 'A', 'NL', :now)"),
            {"id": ORGANISATION, "now": "2024-01-01 00:00:00"},
        )
        statement = text(
            "INSERT INTO signing_keys (id, organisation_id, fragment, public_jwk, sealed_private_jwk, created_at, "
            "retired_at) VALUES (:id, :organisation, :fragment, '{}', :sealed, :created_at, :retired_at)"
        )
        for fragment, created_at, retired_at in KEYS:
            values = {"id": uuid.uuid4().hex, "organisation": ORGANISATION, "fragment": fragment, "sealed": b"sealed"}
            connection.execute(statement, {**values, "created_at": created_at, "retired_at": retired_at})


def test_keys_of_before_are_for_ES256_and_the_newest_signs(new_database: NewDatabase) -> None:
    url = new_database(None)
    fill_first_tables(url)
    upgrade(url, "issuer")
    with _connection(url) as connection:
        rows = connection.execute(
            text(
                "SELECT fragment, algorithm, retired_at IS NULL, sealed_private_jwk IS NULL, withdrawn_at IS NULL "
                "FROM signing_keys ORDER BY fragment"
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        ("es256-2024-1", "ES256", False, True, True),
        ("es256-2025-2", "ES256", False, True, True),
        ("es256-2025-3", "ES256", True, False, True),
    ]

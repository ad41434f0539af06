"""Lists from before there were two kinds: what was served stays served, and every place stays taken."""

from uuid import uuid4

from alembic import command
from sqlalchemy import text

from runtime.database import migrate
from runtime.migrations import _config, _connection
from tests.conftest import NewDatabase


def test_I79_a_list_that_was_signed_before_is_served_after_the_migration(new_database: NewDatabase) -> None:
    url = new_database(None)
    organisation, signed, unsigned = (uuid4().hex for _ in range(3))
    with _connection(url) as connection:
        command.upgrade(_config("issuer", connection), "0002")
        connection.execute(
            text(
                "INSERT INTO organisations (id, slug, name, country, created_at) "
                "VALUES (:id, 'stmw', 'Stichting', 'NL', '2026-11-21 12:00:00+00:00')"
            ),
            {"id": organisation},
        )
        for number, (id_, token, at) in enumerate(
            [(signed, "eyJ", "2026-11-21 12:00:00+00:00"), (unsigned, None, None)], start=1
        ):
            connection.execute(
                text(
                    "INSERT INTO status_lists (id, organisation_id, number, size, created_at, revision, "
                    "signed_revision, token, signed_at) VALUES (:id, :organisation, :number, 131072, "
                    "'2026-11-21 12:00:00+00:00', 3, 2, :token, :at)"
                ),
                {"id": id_, "organisation": organisation, "number": number, "token": token, "at": at},
            )
            connection.execute(
                text("INSERT INTO status_entries (status_list_id, status_index, value) VALUES (:id, 7, 1)"), {"id": id_}
            )
    migrate(url, "issuer")
    with _connection(url) as connection:
        lists = connection.execute(text("SELECT number, kind, revision FROM status_lists ORDER BY number")).all()
        published = connection.execute(
            text("SELECT purpose, media_type, document, signed_revision FROM status_publications")
        ).all()
        entries = connection.execute(text("SELECT count(*) FROM status_entries")).scalar_one()
    assert [tuple(row) for row in lists] == [(1, "token_status_list", 3), (2, "token_status_list", 3)]
    assert [tuple(row) for row in published] == [("all", "application/statuslist+jwt", "eyJ", 2)]
    assert entries == 2

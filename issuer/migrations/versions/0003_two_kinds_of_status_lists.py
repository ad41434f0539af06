"""Two kinds of status lists, packed in segments and published in several forms."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # No batch mode: it makes the table anew, and too much refers to this one.
    op.add_column(
        "status_lists",
        sa.Column("kind", sa.String(length=24), nullable=False, server_default=sa.text("'token_status_list'")),
    )
    op.create_table(
        "status_segments",
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("deflated", sa.LargeBinary(), nullable=False),
        sa.Column("adler32", sa.BigInteger(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["status_list_id"], ["status_lists.id"], name=op.f("fk_status_segments_status_list_id")
        ),
        sa.PrimaryKeyConstraint("status_list_id", "purpose", "number", name=op.f("pk_status_segments")),
    )
    op.create_table(
        "status_publications",
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signed_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("signed_revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["status_list_id"], ["status_lists.id"], name=op.f("fk_status_publications_status_list_id")
        ),
        sa.PrimaryKeyConstraint("status_list_id", "purpose", "media_type", name=op.f("pk_status_publications")),
    )
    op.execute(
        "INSERT INTO status_publications (status_list_id, purpose, media_type, document, signed_at, signed_revision) "
        "SELECT id, 'all', 'application/statuslist+jwt', token, signed_at, signed_revision FROM status_lists "
        "WHERE token IS NOT NULL AND signed_at IS NOT NULL"
    )
    for column in ("token", "signed_at", "signed_revision"):
        op.drop_column("status_lists", column)

"""Badges as files."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "badge_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("sealed_json", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_jws", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_badge_files_award_id")),
        sa.ForeignKeyConstraint(["status_list_id"], ["status_lists.id"], name=op.f("fk_badge_files_status_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge_files")),
        sa.UniqueConstraint("award_id", "number", name=op.f("uq_badge_files_award_id_number")),
    )

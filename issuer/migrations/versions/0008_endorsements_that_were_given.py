"""Endorsements that were given."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "given_endorsements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_given_endorsements_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["status_list_id"], ["status_lists.id"], name=op.f("fk_given_endorsements_status_list_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_given_endorsements")),
    )
    op.create_index(op.f("ix_given_endorsements_organisation_id"), "given_endorsements", ["organisation_id"])

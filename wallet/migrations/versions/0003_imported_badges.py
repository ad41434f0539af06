"""Badges from elsewhere: files without a holder key, which are kept and never presented."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "imported_badges",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_file", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_imported_badges_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_badges")),
    )
    op.create_index(op.f("ix_imported_badges_account_id"), "imported_badges", ["account_id"])
    op.create_index(op.f("ix_imported_badges_expires_at"), "imported_badges", ["expires_at"])

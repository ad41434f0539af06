"""Platforms where somebody has badges, this wallet as a client there, and what was fetched and waits for a word."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "platform_clients",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("platform_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_clients")),
    )
    for column in ("platform_digest", "used_at"):
        op.create_index(op.f(f"ix_platform_clients_{column}"), "platform_clients", [column])
    op.create_table(
        "platform_connections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("platform_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("busy_until", UtcDateTime(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_platform_connections_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_connections")),
        sa.UniqueConstraint(
            "account_id", "platform_digest", name=op.f("uq_platform_connections_account_id_platform_digest")
        ),
    )
    for column in ("account_id", "state_hash", "expires_at"):
        op.create_index(op.f(f"ix_platform_connections_{column}"), "platform_connections", [column])
    with op.batch_alter_table("imported_badges") as badges:
        badges.add_column(sa.Column("connection_id", sa.String(length=64), nullable=True))
        badges.create_index(op.f("ix_imported_badges_connection_id"), ["connection_id"])

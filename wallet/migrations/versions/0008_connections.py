"""Other products that a person connects: who registered, what each may do, and what it may read and bring."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "api_clients",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_clients")),
    )
    op.create_index(op.f("ix_api_clients_registered_at"), "api_clients", ["registered_at"])
    op.create_index(op.f("ix_api_clients_used_at"), "api_clients", ["used_at"])
    op.create_table(
        "connections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("client_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reads", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        _account("connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
    )
    op.create_index(op.f("ix_connections_account_id"), "connections", ["account_id"])
    op.create_table(
        "connection_tokens",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        _account("connection_tokens"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_connection_tokens_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_connection_tokens")),
    )
    for column in ("connection_id", "account_id", "expires_at"):
        op.create_index(op.f(f"ix_connection_tokens_{column}"), "connection_tokens", [column])
    with op.batch_alter_table("imported_badges") as badges:
        badges.add_column(sa.Column("identity", sa.LargeBinary(length=32), nullable=True))
        badges.add_column(sa.Column("sealed_note", sa.LargeBinary(), nullable=True))
        badges.create_unique_constraint(op.f("uq_imported_badges_account_id_identity"), ["account_id", "identity"])
    op.create_table(
        "shelved_badges",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.String(length=64), nullable=True),
        sa.Column("imported_id", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("shelved_at", UtcDateTime(), nullable=False),
        _account("shelved_badges"),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.id"],
            name=op.f("fk_shelved_badges_credential_id_credentials"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["imported_id"],
            ["imported_badges.id"],
            name=op.f("fk_shelved_badges_imported_id_imported_badges"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelved_badges")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_shelved_badges_credential_id")),
        sa.UniqueConstraint("imported_id", name=op.f("uq_shelved_badges_imported_id")),
    )
    op.create_index(op.f("ix_shelved_badges_account_id"), "shelved_badges", ["account_id"])
    op.create_table(
        "api_profiles",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _account("api_profiles"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_api_profiles")),
    )
    op.create_table(
        "api_counters",
        sa.Column("source_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("counted_since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source_hash", name=op.f("pk_api_counters")),
    )
    op.create_index(op.f("ix_api_counters_counted_since"), "api_counters", ["counted_since"])


def _account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id"], ["accounts.id"], name=op.f(f"fk_{table}_account_id_accounts"), ondelete="CASCADE"
    )

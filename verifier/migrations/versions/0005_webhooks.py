"""Where relying parties want to be told what happens, and what they are still to be told."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("relying_party_id", sa.String(length=43), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["relying_party_id"], ["relying_parties.id"], name=op.f("fk_webhooks_relying_party_id")
        ),
        sa.PrimaryKeyConstraint("relying_party_id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=43), nullable=False),
        sa.Column("relying_party_id", sa.String(length=43), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["relying_party_id"], ["relying_parties.id"], name=op.f("fk_webhook_deliveries_relying_party_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(op.f("ix_webhook_deliveries_due_at"), "webhook_deliveries", ["due_at"])

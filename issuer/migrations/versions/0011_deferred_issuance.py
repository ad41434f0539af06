"""Awards may wait for a second person, and what was asked for meanwhile is issued later."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("awards", schema=None) as batch_op:
        batch_op.add_column(sa.Column("awarded_by", sa.String(length=120), nullable=True))
    op.create_table(
        "deferred_issuances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("configuration_id", sa.String(length=80), nullable=False),
        sa.Column("holder_keys", sa.JSON(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("spent_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_deferred_issuances_award_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_deferred_issuances_offer_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_deferred_issuances_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deferred_issuances")),
        sa.UniqueConstraint("transaction_hash", name=op.f("uq_deferred_issuances_transaction_hash")),
    )
    with op.batch_alter_table("deferred_issuances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deferred_issuances_offer_id"), ["offer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deferred_issuances_created_at"), ["created_at"], unique=False)

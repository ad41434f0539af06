"""What people say of themselves that they can do."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "skill_claims",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("skill_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_skill_claims_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_claims")),
        sa.UniqueConstraint("account_id", "skill_digest", name=op.f("uq_skill_claims_account_id_skill_digest")),
    )
    op.create_index(op.f("ix_skill_claims_account_id"), "skill_claims", ["account_id"])

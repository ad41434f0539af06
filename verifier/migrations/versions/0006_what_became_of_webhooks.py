"""What became of messages to relying parties stays known for a week."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outcome", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("status", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("ended_at", runtime.database.UtcDateTime(timezone=True), nullable=True))

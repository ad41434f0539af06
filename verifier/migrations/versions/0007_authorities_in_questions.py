"""Whether a question names the authorities whose badges it asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("questions") as batch_op:
        batch_op.add_column(sa.Column("trusted_authorities", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("questions") as batch_op:
        batch_op.alter_column(
            "trusted_authorities", existing_type=sa.Boolean(), existing_nullable=False, server_default=None
        )

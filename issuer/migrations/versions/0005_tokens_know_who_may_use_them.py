"""Access tokens know the key that they are bound to, the client they were given to, and what they are good for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dpop_thumbprint", sa.String(length=43), nullable=True))
        batch_op.add_column(sa.Column("client_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("configuration_ids", sa.JSON(), nullable=True))

"""The key of a federation's member may be replaced: the next one and the one before stand beside it meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("federation_memberships", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_public_jwk", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("sealed_next_private_jwk", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("previous_public_jwk", sa.JSON(), nullable=True))

"""Organisations may have a certificate chain for the key that they sign with."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("certificate_chain", sa.Text(), nullable=True))

"""Offers for which the person signs in with the issuer, and badges that the issuer is still preparing."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("offers") as offers:
        offers.add_column(sa.Column("state_hash", sa.LargeBinary(length=32), nullable=True))
        offers.add_column(sa.Column("due_at", UtcDateTime(), nullable=True))
        offers.create_index(op.f("ix_offers_state_hash"), ["state_hash"])
        offers.create_index(op.f("ix_offers_due_at"), ["due_at"])

"""How often each visitor tried to sign in under a name."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "guessing_sources",
        sa.Column("source_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("counted_since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source_hash", name=op.f("pk_guessing_sources")),
    )
    op.create_index(op.f("ix_guessing_sources_counted_since"), "guessing_sources", ["counted_since"])

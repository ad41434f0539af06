"""What an issuer tells of an award beside its status, which copies say in a list of messages.

Copies from before name no such list, and their lists have no decoys for it: new copies get their place in a new list.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    for table in ("awards", "status_entries"):
        op.add_column(table, sa.Column("message", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))
    lists = sa.table("status_lists", sa.column("kind", sa.String), sa.column("closed_at", UtcDateTime))
    is_open = sa.and_(lists.c.kind == "bitstring_status_list", lists.c.closed_at.is_(None))
    op.execute(sa.update(lists).where(is_open).values(closed_at=datetime.now(UTC)))

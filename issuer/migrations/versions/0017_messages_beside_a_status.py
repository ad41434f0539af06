"""What an issuer tells of an award beside its status, which copies say in a list of messages.

Copies from before name no such list, and their lists have no decoys for it: new copies get their place in a new list.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    for table in ("awards", "status_entries"):
        op.add_column(table, sa.Column("message", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))
    op.execute(
        "UPDATE status_lists SET closed_at = created_at WHERE kind = 'bitstring_status_list' AND closed_at IS NULL"
    )

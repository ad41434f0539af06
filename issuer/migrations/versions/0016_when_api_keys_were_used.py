"""It is known, to the hour, when an API key was last used: whoever looks after them sees which may go."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("used_at", UtcDateTime(timezone=True), nullable=True))

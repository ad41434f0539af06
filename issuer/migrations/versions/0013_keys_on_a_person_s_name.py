"""API keys may stand on the name of a member of staff, and an award knows the person who made it, not the key."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("operator_id", sa.String(length=36), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_api_keys_operator_id"), "operators", ["operator_id"], ["id"], ondelete="CASCADE"
        )
    # Whoever had the key: nobody can say who that was, so nobody may be taken for another person.
    op.execute("UPDATE awards SET awarded_by = NULL WHERE awarded_by NOT LIKE 'operator %'")

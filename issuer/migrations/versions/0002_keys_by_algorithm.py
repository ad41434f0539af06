"""Signing keys by algorithm, one of each that signs; keys that were withdrawn stay on record."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("algorithm", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("withdrawn_at", runtime.database.UtcDateTime(timezone=True), nullable=True))
        batch_op.alter_column("sealed_private_jwk", existing_type=sa.LargeBinary(), nullable=True)
    # Until now every key was for ES256, and nothing kept two simultaneous rotations from leaving two keys that sign.
    op.execute("UPDATE signing_keys SET algorithm = 'ES256'")
    op.execute(
        "UPDATE signing_keys SET retired_at = created_at WHERE retired_at IS NULL AND EXISTS (SELECT 1 FROM "
        "signing_keys AS newer WHERE newer.organisation_id = signing_keys.organisation_id AND newer.retired_at IS NULL "
        "AND (newer.created_at > signing_keys.created_at OR (newer.created_at = signing_keys.created_at AND "
        "newer.fragment > signing_keys.fragment)))"
    )
    op.execute("UPDATE signing_keys SET sealed_private_jwk = NULL WHERE retired_at IS NOT NULL")
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.alter_column("algorithm", existing_type=sa.String(length=16), nullable=False)
        batch_op.create_index(
            "ix_signing_keys_signs_now",
            ["organisation_id", "algorithm"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

"""Members of federations."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "federation_memberships",
        sa.Column("relying_party_id", sa.String(length=43), nullable=False),
        sa.Column("authority_hints", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("public_jwk", sa.JSON(), nullable=False),
        sa.Column("sealed_private_jwks", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["relying_party_id"], ["relying_parties.id"], name=op.f("fk_federation_memberships_relying_party_id")
        ),
        sa.PrimaryKeyConstraint("relying_party_id", name=op.f("pk_federation_memberships")),
    )

"""Members of federations."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("organisations", sa.Column("is_federated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "federation_memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("authority_hints", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("public_jwk", sa.JSON(), nullable=False),
        sa.Column("sealed_private_jwk", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_federation_memberships_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_federation_memberships")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_federation_memberships_organisation_id")),
    )

"""What stood in DID documents is kept."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "did_documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("valid_from", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_did_documents_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_did_documents")),
        sa.UniqueConstraint("organisation_id", "version", name=op.f("uq_did_documents_organisation_id_version")),
    )

"""Certificates and attestations of relying parties; the policy, client and agreement of a request."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0003"
down_revision = "0002"

# Values for the rows that were there; what comes says them itself.
_FILLED = {
    "questions": {"policy": sa.String(length=20), "same_device_only": sa.Boolean()},
    "presentation_requests": {
        "policy": sa.String(length=20),
        "client_id": sa.Text(),
        "request_by": sa.String(length=10),
        "origin": sa.String(length=500),
        "transaction_data": sa.JSON(),
    },
}


def upgrade() -> None:
    op.create_table(
        "client_certificates",
        sa.Column("relying_party_id", sa.String(length=43), nullable=False),
        sa.Column("x5c", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("sealed_private_jwk", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("added_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["relying_party_id"], ["relying_parties.id"], name=op.f("fk_client_certificates_relying_party_id")
        ),
        sa.PrimaryKeyConstraint("relying_party_id", name=op.f("pk_client_certificates")),
    )
    with op.batch_alter_table("relying_parties") as batch_op:
        batch_op.add_column(sa.Column("attestation", sa.Text(), nullable=True))
    with op.batch_alter_table("questions") as batch_op:
        batch_op.add_column(sa.Column("policy", sa.String(length=20), nullable=False, server_default="diip"))
        batch_op.add_column(sa.Column("agreement", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("same_device_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    # What waits for an answer now, waits for minutes: those requests are asked again instead of being completed.
    op.execute("DELETE FROM presentation_requests WHERE state IN ('waiting', 'fetched', 'received')")
    with op.batch_alter_table("presentation_requests") as batch_op:
        batch_op.add_column(sa.Column("policy", sa.String(length=20), nullable=False, server_default="diip"))
        batch_op.add_column(sa.Column("client_id", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("request_by", sa.String(length=10), nullable=False, server_default="post"))
        batch_op.add_column(sa.Column("origin", sa.String(length=500), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("transaction_data", sa.JSON(), nullable=False, server_default="[]"))
    for table, columns in _FILLED.items():
        with op.batch_alter_table(table) as batch_op:
            for column, kind in columns.items():
                batch_op.alter_column(column, existing_type=kind, existing_nullable=False, server_default=None)

"""Several copies of one form, so that two verifiers never get the same one while others are left."""

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "credential_copies",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("form_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("shown_to", sa.LargeBinary(length=32), nullable=True),
        sa.Column("shown_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_credential_copies_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["form_id"],
            ["credential_forms.id"],
            name=op.f("fk_credential_copies_form_id_credential_forms"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential_copies")),
    )
    op.create_index(op.f("ix_credential_copies_account_id"), "credential_copies", ["account_id"])
    op.create_index(op.f("ix_credential_copies_form_id"), "credential_copies", ["form_id"])

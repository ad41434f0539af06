"""Runs that award badges as files in bulk, chunk by chunk; and indexes for what there is many of then."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("achievement_version_id", sa.Uuid(), nullable=False),
        sa.Column("securing", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("awarded_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_version_id"], ["achievement_versions.id"], name=op.f("fk_bulk_runs_achievement_version_id")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["award_batches.id"], name=op.f("fk_bulk_runs_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_bulk_runs")),
    )
    op.create_table(
        "bulk_chunks",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("changed_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["bulk_runs.batch_id"], name=op.f("fk_bulk_chunks_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_bulk_chunks")),
    )
    # Added in place: rebuilding these tables would copy every badge there is.
    op.add_column("badge_files", sa.Column("sealed_sd_jwt", sa.LargeBinary(), nullable=True))
    op.add_column(
        "badge_files", sa.Column("securing", sa.String(length=20), server_default=sa.text("'ldp_vc'"), nullable=False)
    )
    op.create_index("ix_badge_files_created_award", "badge_files", ["created_at", "award_id"])
    op.create_index("ix_awards_batch_position", "awards", ["batch_id", "position"])
    op.create_index("ix_audit_entries_organisation_subject", "audit_entries", ["organisation_id", "subject"])
    op.drop_index(op.f("ix_audit_entries_organisation_id"), "audit_entries")

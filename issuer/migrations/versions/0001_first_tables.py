"""First tables."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "guessing_sources",
        sa.Column("source_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("counted_since", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_hash", name=op.f("pk_guessing_sources")),
    )
    with op.batch_alter_table("guessing_sources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_guessing_sources_counted_since"), ["counted_since"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("registration_number", sa.String(length=50), nullable=True),
        sa.Column("offer_lifetime_seconds", sa.Integer(), nullable=True),
        sa.Column("claims_retention_days", sa.Integer(), nullable=True),
        sa.Column("claims_retention_ground", sa.Text(), nullable=True),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organisations_slug")),
    )
    op.create_table(
        "spent_nonces",
        sa.Column("nonce_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash", name=op.f("pk_spent_nonces")),
    )
    with op.batch_alter_table("spent_nonces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_spent_nonces_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "achievements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_achievements_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_achievements")),
        sa.UniqueConstraint("organisation_id", "slug", name=op.f("uq_achievements_organisation_id_slug")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_api_keys_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_audit_entries_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_organisation_id"), ["organisation_id"], unique=False)
    op.create_table(
        "award_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_award_batches_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_batches")),
        sa.UniqueConstraint(
            "organisation_id", "idempotency_key", name=op.f("uq_award_batches_organisation_id_idempotency_key")
        ),
    )
    op.create_table(
        "operators",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("passphrase_hash", sa.String(length=200), nullable=False),
        sa.Column("failed_tries", sa.Integer(), nullable=False),
        sa.Column("locked_until", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_signed_in_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_operators_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("email", name=op.f("uq_operators_email")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("fragment", sa.String(length=64), nullable=False),
        sa.Column("public_jwk", sa.JSON(), nullable=False),
        sa.Column("sealed_private_jwk", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("retired_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_signing_keys_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("organisation_id", "fragment", name=op.f("uq_signing_keys_organisation_id_fragment")),
    )
    op.create_table(
        "status_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("signed_revision", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("signed_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_status_lists_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_lists")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_status_lists_organisation_id_number")),
    )
    op.create_table(
        "achievement_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("achievement", sa.JSON(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("image_type", sa.String(length=32), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["achievements.id"], name=op.f("fk_achievement_versions_achievement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_achievement_versions")),
        sa.UniqueConstraint("achievement_id", "version", name=op.f("uq_achievement_versions_achievement_id_version")),
    )
    op.create_table(
        "browser_sessions",
        sa.Column("operator_id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("started_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_browser_sessions_operator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_browser_sessions")),
    )
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_browser_sessions_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "awards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("achievement_version_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("sealed_claims", sa.LargeBinary(), nullable=True),
        sa.Column("awarded_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("status_changed_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("issued_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("received_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("claims_dropped_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_version_id"], ["achievement_versions.id"], name=op.f("fk_awards_achievement_version_id")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["award_batches.id"], name=op.f("fk_awards_batch_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_awards_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awards")),
    )
    with op.batch_alter_table("awards", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_awards_achievement_version_id"), ["achievement_version_id"], unique=False)
        batch_op.create_index("ix_awards_organisation_created", ["organisation_id", "created_at"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("reference_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=True),
        sa.Column("has_tx_code", sa.Boolean(), nullable=False),
        sa.Column("tx_code_tries", sa.SmallInteger(), nullable=False),
        sa.Column("revokes_earlier_copies", sa.Boolean(), nullable=False),
        sa.Column("copies", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("opened_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("spent_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("voided_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_offers_award_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_offers_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("award_id", "number", name=op.f("uq_offers_award_id_number")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_offers_code_hash")),
        sa.UniqueConstraint("reference_hash", name=op.f("uq_offers_reference_hash")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("credential_identifiers", sa.JSON(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_access_tokens_award_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_access_tokens_offer_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_access_tokens_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_tokens_token_hash")),
    )
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_tokens_offer_id"), ["offer_id"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("configuration_id", sa.String(length=80), nullable=False),
        sa.Column("holder_thumbprint", sa.String(length=43), nullable=False),
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("sealed_credential", sa.LargeBinary(), nullable=True),
        sa.Column("notification_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("notification_event", sa.String(length=32), nullable=True),
        sa.Column("issued_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_credentials_award_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_credentials_offer_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_credentials_organisation_id")),
        sa.ForeignKeyConstraint(["status_list_id"], ["status_lists.id"], name=op.f("fk_credentials_status_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint(
            "offer_id",
            "configuration_id",
            "holder_thumbprint",
            name=op.f("uq_credentials_offer_id_configuration_id_holder_thumbprint"),
        ),
        sa.UniqueConstraint("status_list_id", "status_index", name=op.f("uq_credentials_status_list_id_status_index")),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credentials_award_id"), ["award_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credentials_notification_hash"), ["notification_hash"], unique=False)
    op.create_table(
        "status_entries",
        sa.Column("status_list_id", sa.Uuid(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=True),
        sa.Column("offer_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_status_entries_award_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_status_entries_offer_id")),
        sa.ForeignKeyConstraint(["status_list_id"], ["status_lists.id"], name=op.f("fk_status_entries_status_list_id")),
        sa.PrimaryKeyConstraint("status_list_id", "status_index", name=op.f("pk_status_entries")),
    )
    with op.batch_alter_table("status_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_status_entries_award_id"), ["award_id"], unique=False)
    keep_audit_entries()


def keep_audit_entries() -> None:
    """Let the database itself refuse to change or delete what was written down. I-77."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entries_no_{event.lower()} BEFORE {event} ON audit_entries "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
        )

"""Authorizations by code, and how people sign in."""

import sqlalchemy as sa
from alembic import op

import runtime.database

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "authorizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("request_uri_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_name", sa.String(length=200), nullable=True),
        sa.Column("client_thumbprint", sa.String(length=43), nullable=True),
        sa.Column("dpop_thumbprint", sa.String(length=43), nullable=True),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.String(length=43), nullable=False),
        sa.Column("issuer_state_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("requested", sa.JSON(), nullable=False),
        sa.Column("uses_details", sa.Boolean(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("opened_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("browser_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("sealed_sign_in", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_subject", sa.LargeBinary(), nullable=True),
        sa.Column("signed_in_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("granted", sa.JSON(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code_expires_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("code_spent_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_authorizations_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorizations")),
        sa.UniqueConstraint("browser_hash", name=op.f("uq_authorizations_browser_hash")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_authorizations_code_hash")),
        sa.UniqueConstraint("request_uri_hash", name=op.f("uq_authorizations_request_uri_hash")),
    )
    with op.batch_alter_table("authorizations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_authorizations_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "identity_providers",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("client_id", sa.String(length=500), nullable=False),
        sa.Column("sealed_client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("subject_claim", sa.String(length=100), nullable=False),
        sa.Column("changed_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_identity_providers_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_identity_providers")),
        sa.UniqueConstraint("id", name=op.f("uq_identity_providers_id")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("authorization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("spent_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["authorizations.id"],
            name=op.f("fk_refresh_tokens_authorization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_tokens_token_hash")),
    )
    with op.batch_alter_table("refresh_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refresh_tokens_authorization_id"), ["authorization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_tokens_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "sign_in_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("authorization_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_subject", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", runtime.database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("spent_at", runtime.database.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["authorizations.id"],
            name=op.f("fk_sign_in_links_authorization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_sign_in_links_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_links_token_hash")),
    )
    with op.batch_alter_table("sign_in_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_links_authorization_id"), ["authorization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_links_expires_at"), ["expires_at"], unique=False)
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("authorization_id", sa.Uuid(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_access_tokens_token_hash"), type_="unique")
        batch_op.create_index(batch_op.f("ix_access_tokens_authorization_id"), ["authorization_id"], unique=False)
        batch_op.create_unique_constraint(
            batch_op.f("uq_access_tokens_token_hash_award_id"), ["token_hash", "award_id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_access_tokens_authorization_id"),
            "authorizations",
            ["authorization_id"],
            ["id"],
            ondelete="CASCADE",
        )
    with op.batch_alter_table("awards", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email_hash", sa.LargeBinary(length=32), nullable=True))
        batch_op.create_index(batch_op.f("ix_awards_email_hash"), ["email_hash"], unique=False)
        batch_op.create_index("ix_awards_organisation_reference", ["organisation_id", "reference"], unique=False)
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("issuer_state_hash", sa.LargeBinary(length=32), nullable=True))
        batch_op.create_index(batch_op.f("ix_offers_issuer_state_hash"), ["issuer_state_hash"], unique=True)

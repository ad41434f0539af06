"""The keys of a federation's member stand in what is sealed, and nowhere else."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("federation_memberships") as batch_op:
        batch_op.drop_column("public_jwk")

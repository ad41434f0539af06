"""How Alembic finds the verifier's tables."""

from runtime.migrations import run_migrations
from verifier.models import Base

run_migrations(Base.metadata)

"""How Alembic finds the wallet's tables."""

from runtime.migrations import run_migrations
from wallet.models import Base

run_migrations(Base.metadata)

"""Each service's migrations: they run, twice and at once, and give what the models say."""

import subprocess
import sys
import threading
from importlib import import_module

import pytest
from alembic.script import ScriptDirectory

from runtime.database import migrate
from runtime.migrations import _config, current_revision, find_drift, main, write_revision
from runtime.revisions import head_revision, known_revisions

SERVICES = ("issuer", "wallet", "verifier")


@pytest.mark.parametrize("package", SERVICES)
def test_migrations_give_exactly_what_the_models_say(new_database, package: str):
    url = new_database(package)
    assert find_drift(url, import_module(f"{package}.models").Base.metadata) == []
    assert current_revision(url) == head_revision(package) is not None


@pytest.mark.parametrize("package", SERVICES)
def test_migrations_may_run_again(new_database, package: str):
    url = new_database(package)
    migrate(url, package)
    assert current_revision(url) == head_revision(package)


@pytest.mark.parametrize("package", SERVICES)
def test_the_names_of_the_files_are_the_revisions_in_their_order(package: str):
    script = ScriptDirectory.from_config(_config(package))
    assert list(known_revisions(package)) == [each.revision for each in reversed(list(script.walk_revisions()))]


def test_a_service_starts_without_what_only_migrations_and_rare_documents_need():
    """Alembic brings every database's dialect, and PyLD an HTTP client: together a quarter of the time to start."""
    code = "import sys, issuer.app, wallet.app, verifier.app; print(*{'alembic', 'pyld', 'requests'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_processes_that_start_at_once_migrate_once(new_database):
    url = new_database(None)
    failures = []

    def start() -> None:
        try:
            migrate(url, "issuer")
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert current_revision(url) == head_revision("issuer")


MODELS = """
from sqlalchemy.orm import Mapped, mapped_column
from runtime.database import declarative_base
from datetime import datetime
Base = declarative_base()
class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
"""
ENVIRONMENT = """
from runtime.migrations import run_migrations
from {package}.models import Base
run_migrations(Base.metadata)
"""


@pytest.fixture
def package(tmp_path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"made_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "models.py").write_text(MODELS)
    (tmp_path / name / "migrations" / "env.py").write_text(ENVIRONMENT.format(package=name))
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_revision_is_written_from_the_models_and_then_they_agree(package: str, new_database):
    path = write_revision(package, "The first tables, and more")
    assert path.name == "0001_the_first_tables_and_more.py"
    assert "\n    op.create_table(" in path.read_text()
    url = new_database(None)
    migrate(url, package)
    assert current_revision(url) == "0001"
    assert find_drift(url, import_module(f"{package}.models").Base.metadata) == []
    with pytest.raises(ValueError, match="agree"):
        write_revision(package, "Nothing")


def test_a_lacking_table_is_seen(package: str, new_database):
    metadata = import_module(f"{package}.models").Base.metadata
    assert [operation for operation, *_ in find_drift(new_database(None), metadata)] == ["add_table"]


def test_the_command_says_how_it_is_used():
    with pytest.raises(SystemExit, match="usage"):
        main(["nonsense"])

"""Which revisions of a service's database this code knows, told by the names of their files.

They are numbered in their order (`0005_webhooks.py`), as `runtime.migrations` writes them. Whoever only asks whether a
database is at the newest need not load Alembic, which takes as long as all of FastAPI.
"""

from functools import cache
from importlib.util import find_spec
from typing import Final

from runtime.folders import package_folder

_FILES: Final = "[0-9]*_*.py"


@cache
def known_revisions(package: str) -> tuple[str, ...]:
    """Every revision, the oldest first; none of a package that has no database."""
    if find_spec(package) is None:
        return ()
    files = (package_folder(package) / "migrations" / "versions").glob(_FILES)
    return tuple(sorted(path.name.partition("_")[0] for path in files))


def head_revision(package: str) -> str | None:
    """The newest revision that this code knows."""
    return next(reversed(known_revisions(package)), None)


def earlier_revisions(package: str) -> frozenset[str | None]:
    """The states of a database that this code is too new for; a newer one belongs to a deployment that is under way."""
    known = known_revisions(package)
    return frozenset({None, *known[:-1]}) if known else frozenset()

"""What may be skipped on a laptop has failed in CI: published vectors and data that are not beside the clone."""

import pytest

from tests.conftest import must_not_be_skipped

ABSENT = "Skipped: ../shared/vectors/rdf-canon is not there"
EMPTY = "got empty parameter set ['entry'], function test_x at y.py:1"


@pytest.mark.parametrize(
    ("reason", "environment", "fails"),
    [
        (ABSENT, {"CI": "true"}, True),
        (EMPTY, {"CI": "true"}, True),
        (ABSENT, {"CI": "true", "PUBLISHED_VECTORS": "perhaps"}, True),
        (ABSENT, {"CI": "true", "PUBLISHED_VECTORS": "absent"}, False),
        (ABSENT, {}, False),
        (ABSENT, {"CI": ""}, False),
        ("Skipped: SQLite has no connection that could break", {"CI": "true"}, False),
    ],
)
def test_published_vectors_are_skipped_on_laptops_alone(reason: str, environment: dict[str, str], fails: bool) -> None:
    assert must_not_be_skipped(reason, environment) is fails

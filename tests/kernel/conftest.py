"""What the tests of the kernel share: the published worked examples."""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def profile_vectors() -> dict[str, Any]:
    """The signed worked examples of the engineering profile, made by another implementation than ours."""
    path = SHARED / "design" / "profile_vectors.json"
    if not path.exists():
        pytest.skip("../shared/design/profile_vectors.json is not there")
    vectors: dict[str, Any] = json.loads(path.read_bytes())
    return vectors

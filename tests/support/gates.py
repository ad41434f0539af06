"""Every operation of an OpenAPI document that needs a key, to be knocked at with a body that nobody can read.

for method, path, scope in guarded_operations(document): …
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

JSON = {"Content-Type": "application/json"}
UNREADABLE = b'{"'


def guarded_operations(document: Mapping[str, Any], **parts: str) -> Iterator[tuple[str, str, str | None]]:
    """Method, path and scope; `parts` are the segments of paths by name, any other is one that is nobody's."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for requirement in operation.get("security", []):
                if path.startswith("/api/"):
                    filled = re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], "x"), path)
                    yield method.upper(), filled, next(iter(requirement["bearer"]), None)

"""Holds answers against the OpenAPI document of a service: none of another status, media type, code or shape.

Put among the hooks of a test's client, it lets every test that breaks something also show what the document says of it.
Only the protocol's endpoints are looked at; schemathesis makes requests to all of them (`tests/contract`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

_DOCUMENTS = Path(__file__).parents[2] / "openapi"
_SHELL = {405, 413, 429, 500}
"""Whatever the endpoint: a wrong method, too much, too many, and the failures that tests provoke."""


class Documented:
    """The document of one service, as a hook for the answers of an httpx client."""

    def __init__(self, service: str) -> None:
        self._document = json.loads((_DOCUMENTS / f"{service}.json").read_text())
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path)
            for path in sorted(self._document["paths"], key=lambda path: path.count("{"))
            if not path.startswith("/api/")
        ]

    async def __call__(self, response: httpx.Response) -> None:
        operation = self._find_operation(response.request)
        # What comes packed is left to the test that reads it, which may want it as it came.
        if operation is None or response.status_code in _SHELL or "content-encoding" in response.headers:
            return
        await response.aread()
        mistakes = list(self._mistakes(operation, response))
        assert not mistakes, f"{response.request.method} {response.request.url.path}: {mistakes}\n{response.text[:300]}"

    def _find_operation(self, request: httpx.Request) -> Mapping[str, Any] | None:
        path = next((path for form, path in self._paths if form.fullmatch(request.url.path)), None)
        operation: Mapping[str, Any] | None = self._document["paths"].get(path, {}).get(request.method.lower())
        return operation

    def _mistakes(self, operation: Mapping[str, Any], response: httpx.Response) -> Iterator[str]:
        documented = operation["responses"].get(str(response.status_code))
        if documented is None:
            yield f"status {response.status_code}"
            return
        media_type = response.headers.get("content-type", "").partition(";")[0]
        # A request without any token gets the challenge and no body. RFC 6750 §3.1.
        is_bare = response.status_code == 401 and not response.content
        content = documented.get("content", {})
        if media_type not in content and not is_bare and (content or response.content):
            yield f"media type {media_type}"
        elif media_type.endswith("json"):
            schema = content[media_type]["schema"]
            yield from (str(error) for error in self._validator(json.dumps(schema)).iter_errors(response.json()))
        missing = [name for name in ("WWW-Authenticate", "Retry-After") if name in documented.get("headers", {})]
        yield from (f"no {name}" for name in missing if name not in response.headers)

    @cache  # noqa: B019  one document a test session
    def _validator(self, schema: str) -> jsonschema_rs.Draft202012Validator:
        whole = {"components": self._document["components"], "allOf": [json.loads(schema)]}
        return jsonschema_rs.Draft202012Validator(whole)


@cache
def documented(service: str) -> Documented:
    """The document of a service, read once."""
    return Documented(service)

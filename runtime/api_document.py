"""The OpenAPI document of a service: what FastAPI says of it, with the refusals and the keys that it cannot know.

FastAPI documents a 422 that no service of ours answers. In its place stands what is answered: problem details
(RFC 9457) with 400 where something is sent, 401 and 403 where a key is needed, 404 where an address names something,
409 where something is written, and from the shell 413, 429 and 503. A route adds its own by `responses={412: {}}`.
Protocol endpoints answer OAuth errors (RFC 6749 §5.2). Plain routes stand in `route_document`.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi.routing import APIRoute

PROBLEM: Final = {
    "title": "Problem",
    "description": "A refusal (RFC 9457): `code` is for programs, `hint` says what to do, `trace_id` is in the log.",
    "type": "object",
    "required": ["type", "title", "status", "code", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "trace_id": {"type": "string"},
        "step": {"type": "string"},
        "hint": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
OAUTH_ERROR: Final = {
    "title": "OAuthError",
    "description": "A refusal of a protocol endpoint (RFC 6749 §5.2).",
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head"})
_OF_FASTAPI: Final = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    """What generated clients call a route: its function's name. Each router that is documented is made with it."""
    return route.name


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Put in what is missing from FastAPI's document, in place, and return it."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    schemas |= {"Problem": PROBLEM, "OAuthError": OAUTH_ERROR}
    for path, method, operation in _operations(document):
        is_management = path.startswith("/api/")
        refusal = _content("application/problem+json", "Problem") if is_management else _content(
            "application/json", "OAuthError"
        )  # fmt: skip
        answers: dict[str, Any] = operation["responses"]
        answers.pop("422", None)
        for status in _statuses(path, method, operation):
            answers.setdefault(status, {"description": HTTPStatus(int(status)).phrase})
        for status, answer in answers.items():
            if status == "default" or int(status) >= HTTPStatus.BAD_REQUEST:
                answer["content"] = _own_refusal(answer.get("content", {}), is_management) or refusal
        operation["responses"] = dict(sorted(answers.items()))
    return document


def _own_refusal(content: dict[str, Any], is_management: bool) -> dict[str, Any]:
    """What a route says of its refusal itself; FastAPI knows a model of ours by the media type of all its answers."""
    own = content.get("application/json")
    return {"application/problem+json": own} if own is not None and is_management else content


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _statuses(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    """Which refusals there are by the shape of an operation."""
    takes_body = "requestBody" in operation
    if takes_body or operation.get("parameters"):
        yield "400"
    if operation.get("security"):
        yield from ("401", "403")
    if "{" in path:
        yield "404"
    if method != "get" and path.startswith("/api/"):
        yield "409"
    if takes_body:
        yield "413"
    yield from ("429", "503")


def _content(media_type: str, schema: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

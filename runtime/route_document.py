"""Plain routes in the OpenAPI document: FastAPI knows nothing of them, so each handler carries its own description.

    @described(Operation(answers={200: Answer("A fresh nonce.", {"application/json": NONCE_RESPONSE})}))
    async def nonce(request: Request) -> Response:

What the shell answers before a handler is reached (too large, too many) is added here, once for all of them.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

from starlette.routing import Route

from runtime.errors import BEFORE_A_PROTOCOL_ENDPOINT

F = TypeVar("F", bound=Callable[..., Any])
Schema = Mapping[str, Any]

_MARK: Final = "operation"
_PARAMETER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TEXT: Final = {"type": "string"}
_REF: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what it means, its body by media type, and its headers with what they say."""

    description: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a plain route takes and answers.

    `path` has the schemas of those path parameters that are not just any text; `parameters` the query's and the
    headers; `body` the schema of the body by media type; `security` the schemes, by name, of which any is enough.
    A schema with a title stands once in the document, under that title.
    """

    answers: Mapping[int, Answer]
    parameters: Sequence[Mapping[str, Any]] = ()
    path: Mapping[str, Schema] = field(default_factory=dict)
    body: Mapping[str, Schema] = field(default_factory=dict)
    security: Mapping[str, Schema] = field(default_factory=dict)


def described(operation: Operation) -> Callable[[F], F]:
    """Says beside a handler what its route is in the document."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, operation)
        return endpoint

    return mark


def find_operation(route: Route) -> Operation | None:
    """What was said of a route's handler, if anything was."""
    operation: Operation | None = getattr(route.endpoint, _MARK, None)
    return operation


def oauth_refusal(*codes: str, description: str = "") -> Answer:
    """An answer that is an OAuth error with one of these codes. RFC 6749 §5.2."""
    return Answer(description, {"application/json": _fixed("OAuthError", "error", codes)})


def problem_refusal(*codes: str, description: str = "") -> Answer:
    """An answer that is a problem with one of these codes. RFC 9457."""
    return Answer(description, {"application/problem+json": _fixed("Problem", "code", codes)})


def responses(answers: Mapping[int, Answer]) -> dict[int | str, dict[str, Any]]:
    """The same answers for a route of FastAPI's."""
    return {status: _response(status, answer) for status, answer in answers.items()}


def query(name: str, description: str, *, required: bool = False) -> Mapping[str, Any]:
    """A parameter of the query."""
    return _parameter(name, "query", description, _TEXT, required)


def header(name: str, description: str) -> Mapping[str, Any]:
    """A header of a request."""
    return _parameter(name, "header", description, _TEXT, required=False)


def add_routes(document: dict[str, Any], routes: Sequence[Route]) -> dict[str, Any]:
    """Put plain routes into a document, in place, and return it; one that nobody described is a mistake of ours."""
    components = document["components"]
    names: dict[str, int] = {}
    for route in routes:
        operation = find_operation(route)
        if operation is None:
            raise LookupError(f"nobody described the route {route.path}")
        name = route.endpoint.__name__.strip("_")
        names[name] = names.get(name, 0) + 1
        entry = _entry(route, operation, name if names[name] == 1 else f"{name}_{names[name]}")
        item = document["paths"].setdefault(_PARAMETER.sub(r"{\1}", route.path), {})
        for method in (route.methods or set()) - {"HEAD"}:
            item[method.lower()] = _hoist(entry, components["schemas"])
        components.setdefault("securitySchemes", {}).update(operation.security)
    return document


def _entry(route: Route, operation: Operation, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": name,
        "summary": name.replace("_", " ").capitalize(),
        "description": inspect.getdoc(route.endpoint) or "",
        "tags": ["protocol"],
        "responses": {str(status): _response(status, answer) for status, answer in _answers(operation)},
    }
    parameters = [*_path_parameters(route.path, operation.path), *operation.parameters]
    if parameters:
        entry["parameters"] = parameters
    if operation.body:
        entry["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.security:
        entry["security"] = [{scheme: []} for scheme in operation.security]
    return entry


def _answers(operation: Operation) -> Iterator[tuple[int, Answer]]:
    """The answers of a route, and those of the shell around it; of both where they have the same status."""
    answers = dict(operation.answers)
    for status in (413, 429) if operation.body else (429,):
        error, sentence = BEFORE_A_PROTOCOL_ENDPOINT[status]
        answers.setdefault(status, oauth_refusal(error, description=sentence))
    yield from sorted(answers.items())


def _response(status: int, answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"description": answer.description or HTTPStatus(status).phrase}
    if answer.content:
        response["content"] = _content(answer.content)
    headers = {**answer.headers, **(_RETRY if status in (429, 503) else {})}
    if headers:
        response["headers"] = {name: {"description": text, "schema": _TEXT} for name, text in headers.items()}
    return response


_RETRY: Final = {"Retry-After": "After how many seconds to try again."}


def _content(by_media_type: Mapping[str, Schema]) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type, schema in by_media_type.items()}


def _path_parameters(path: str, schemas: Mapping[str, Schema]) -> Iterator[Mapping[str, Any]]:
    for name, convertor in _PARAMETER.findall(path):
        own = {"type": "integer", "minimum": 0} if convertor == "int" else _TEXT
        yield _parameter(name, "path", "", schemas.get(name, own), required=True)


def _parameter(name: str, where: str, description: str, schema: Schema, required: bool) -> Mapping[str, Any]:
    parameter = {"name": name, "in": where, "required": required, "schema": schema}
    return {**parameter, "description": description} if description else parameter


def _fixed(schema: str, member: str, codes: Sequence[str]) -> Schema:
    return {"$ref": f"{_REF}{schema}", "properties": {member: {"enum": sorted(set(codes))}}}


def _hoist(part: Any, schemas: dict[str, Any]) -> Any:
    """Put schemas with a title among the components, and a reference where they stood."""
    if isinstance(part, Mapping):
        copied = {name: _hoist(value, schemas) for name, value in part.items()}
        if isinstance(part.get("title"), str):
            schemas[part["title"]] = copied
            return {"$ref": f"{_REF}{part['title']}"}
        return copied
    if isinstance(part, Sequence) and not isinstance(part, str):
        return [_hoist(value, schemas) for value in part]
    return part

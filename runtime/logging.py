"""Structured logs without personal data or secrets.

    log = get_logger(__name__)
    log.info("credential_issued", configuration_id=…, status_index=…)

One JSON object a line on standard error, each with the trace id of its request. Every line, also those of libraries
and of tracebacks, passes `redact`: members that are named like a secret or like a person's data are dropped, and in
all other text e-mail addresses, compact tokens, long random strings, DIDs of holders and the secrets in our URLs are
replaced. Log ids and codes, never values; the redaction is the net under that rule and not its replacement (A-55).
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

from kernel.errors import CredentialError
from kernel.strict_json import encode_json

trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)

_SECRET_NAMES: Final = re.compile(
    r"token|secret|passphrase|password|authorization|cookie|proof|tx_?code|pre.?authorized|c_?nonce|recovery|api_?key"
    r"|private|vault|session$|email|name$|^sub$|claims?$|disclosures?$|credential$|presentation$|recipient|phone|birth",
    re.IGNORECASE,
)
# Names that the expression above would drop and that say nothing about a person or a secret.
_HARMLESS_NAMES: Final = frozenset({"event", "logger", "logger_name", "service_name", "list_name", "token_type"})

_IN_TEXT: Final = (
    (re.compile(r"[^\s@<>\"'=(),;:]+@[^\s@<>\"'(),;:]+\.[A-Za-z]{2,}"), "[email]"),
    (re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*(?:~[\w.~-]*)?"), "[token]"),
    (re.compile(r"(?i)\b(bearer|dpop|basic)\s+[\w.~+/=-]+"), r"\1 [token]"),
    (re.compile(r"did:(?:jwk|key):[\w.-]+"), "[did]"),
    (re.compile(r"(?i)([?&#;\s\"'](?:code|state|nonce|token|tx_code|response_code|pre-authorized_code|offer|request)=)"
                r"[^&\s\"']+"), r"\1[value]"),
    # Long and with a capital or a digit: names of events have neither, and our own row ids (UUIDs) may be read.
    (re.compile(r"(?<![\w-])(?!(?:[0-9a-f]+-){4}[0-9a-f]{12}(?![\w-]))(?=[\w-]*[A-Z0-9])[\w-]{32,}"), "[random]"),
)  # fmt: skip
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_./{}:+-]*")
_MAX_TEXT: Final = 4000


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of one module."""
    return cast("FilteringBoundLogger", structlog.get_logger(module=name))


def log_request(*, method: str, route: str, status: int | None, milliseconds: float) -> None:
    """The line about one answered request, in the shape of all others.

    It is written for every request and all that it says is ours or a number, so it takes neither the chain of
    processors nor the redaction, which together cost more than routing the request.
    """
    if _requests.is_enabled:
        members = {"method": method[:16], "route": route, "status": status, "ms": round(milliseconds, 1)}
        named = {"event": "request", "level": "info", "logger": "runtime.middleware", "trace_id": trace_id.get()}
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        _requests.writer.msg(encode_json(members | named | {"timestamp": at}).decode())


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that nothing gets past."""
    return cast("MutableMapping[str, Any]", _redact_mapping(event))


def redact_text(text: str) -> str:
    """One text without e-mail addresses, tokens, random strings and holders' identifiers."""
    # Most texts are short words of ours, in which none of the expressions below can find anything.
    if len(text) < 32 and _PLAIN_WORD.fullmatch(text) and not text.startswith(("did:", "eyJ")):
        return text
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"


class _RedactedHandler(logging.StreamHandler[TextIO]):
    """What libraries log, to the given stream or to whatever standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        logging.Handler.__init__(self)
        self._given = stream

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return self._given or sys.stderr


class _LineWriter:
    """What we log ourselves, to the same place, past the standard library: a fifth of the time."""

    def __init__(self, stream: TextIO | None) -> None:
        self._given = stream

    def msg(self, line: str) -> None:
        """Write one line at once, so that lines of several threads do not mix."""
        stream = self._given or sys.stderr
        stream.write(line + "\n")
        stream.flush()

    debug = info = warning = error = critical = exception = msg


class _Requests:
    """Where `log_request` writes, if anywhere."""

    is_enabled = True
    writer = _LineWriter(None)


_requests = _Requests()


def configure_logging(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send everything that this process logs, libraries included, to one redacted JSON stream."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _add_names,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
        redact,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, render],
        logger_factory=lambda *_: _LineWriter(stream),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,
    )
    _requests.is_enabled, _requests.writer = number <= logging.INFO, _LineWriter(stream)
    handler = _RedactedHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [other for other in root.handlers if not isinstance(other, _RedactedHandler)] + [handler]
    root.setLevel(number)
    # These would log whole URLs (httpx), every request a second time (uvicorn) or parameters (sqlalchemy, aiosqlite).
    for name in ("httpx", "httpcore", "uvicorn.access", "sqlalchemy", "aiosqlite", "runtime.turns", "python_multipart"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _add_names(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "module" in event:
        event["logger"] = event.pop("module")
    current = trace_id.get()
    if current is not None:
        event["trace_id"] = current
    return event


def _describe_exception(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where it happened and of which class; the message only of our own errors, since others quote their input."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error_class"] = f"{type(error).__module__}.{type(error).__qualname__}"
        if isinstance(error, CredentialError):
            event["error_code"] = error.code
            event["detail"] = error.detail
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        event["trace"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _redact_mapping(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _redact_value(name, value) for name, value in values.items()}


def _redact_value(name: str, value: Any) -> Any:
    if name.startswith("_"):  # structlog's own bookkeeping between its processors; removed before anything is written
        return value
    if name == "trace_id":
        return value
    if _is_secret(name):
        return "[dropped]"
    return _redact_content(value)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return name not in _HARMLESS_NAMES and _SECRET_NAMES.search(name) is not None


def _redact_content(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return _redact_mapping({str(name): content for name, content in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_content(content) for content in value]
    return f"[{type(value).__name__}]"

"""How the endpoints of the Open Badges API say what became of a request. Open Badges 3.0 §B.3; PROFILE.md B-42.

The OAuth endpoints beside them answer as RFC 6749, RFC 7009 and RFC 7591 say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from kernel.errors import MalformedError
from kernel.members import as_object, find_object, find_objects, find_text, get_text

CodeMajor = Literal["failure", "processing", "success", "unsupported"]
Severity = Literal["error", "status", "warning"]

_MAJORS: Final[Mapping[str, CodeMajor]] = {
    "failure": "failure",
    "processing": "processing",
    "success": "success",
    "unsupported": "unsupported",
}
_SEVERITIES: Final[Mapping[str, Severity]] = {"error": "error", "status": "status", "warning": "warning"}


class CodeMinor(StrEnum):
    """What more there is to say than the status of HTTP does. §B.3.6"""

    FORBIDDEN = "forbidden"
    FULL_SUCCESS = "fullsuccess"
    INTERNAL_SERVER_ERROR = "internal_server_error"
    INVALID_DATA = "invalid_data"
    INVALID_QUERY_PARAMETER = "invalid_query_parameter"
    MISDIRECTED_REQUEST = "misdirected_request"
    NOT_ACCEPTABLE = "not_acceptable"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    NOT_MODIFIED = "not_modified"
    SERVER_BUSY = "server_busy"
    UNAUTHORIZED_REQUEST = "unauthorizedrequest"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StatusInfo:
    """The `Imsx_StatusInfo`; each minor code stands beside the system that says it. §B.3.1"""

    code_major: CodeMajor
    severity: Severity
    description: str | None = None
    code_minor: tuple[tuple[str, CodeMinor], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the members of the answer."""
        members: dict[str, Any] = {"imsx_codeMajor": self.code_major, "imsx_severity": self.severity}
        if self.description is not None:
            members["imsx_description"] = self.description
        if self.code_minor:
            fields = [
                {"imsx_codeMinorFieldName": system, "imsx_codeMinorFieldValue": value.value}
                for system, value in self.code_minor
            ]
            members["imsx_codeMinor"] = {"imsx_codeMinorField": fields}
        return members


def create_failure(code_minor: CodeMinor, description: str, *, system: str) -> StatusInfo:
    """Say that a request failed, and why. `not_found` has the severity that §B.3.6 gives it."""
    severity: Severity = "status" if code_minor is CodeMinor.NOT_FOUND else "error"
    return StatusInfo("failure", severity, description, ((system, code_minor),))


def parse_status_info(value: object) -> StatusInfo:
    """Read what a host answered; a minor code that is not in the vocabulary counts as `unknown`."""
    members = as_object(value, "the status information")
    major = _MAJORS.get(get_text(members, "imsx_codeMajor"))
    severity = _SEVERITIES.get(get_text(members, "imsx_severity"))
    if major is None or severity is None:
        raise MalformedError("a status that is not in the vocabulary")
    minor = find_object(members, "imsx_codeMinor") or {}
    fields = tuple(
        (get_text(field, "imsx_codeMinorFieldName"), _parse_minor(get_text(field, "imsx_codeMinorFieldValue")))
        for field in find_objects(minor, "imsx_codeMinorField")
    )
    return StatusInfo(major, severity, find_text(members, "imsx_description"), fields)


def _parse_minor(text: str) -> CodeMinor:
    try:
        return CodeMinor(text)
    except ValueError:
        return CodeMinor.UNKNOWN

"""Dates as Open Badges and VCDM write them: XSD dateTimeStamp, always with their zone. VCDM 2.0 §4.9, K-55."""

import re
from datetime import UTC, datetime
from typing import Final

from kernel.errors import MalformedError

_DATE_TIME_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def format_date_time(seconds: int) -> str:
    """Return a date and time as Open Badges and VCDM write it. B-02, XSD dateTimeStamp."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_date_time(text: object) -> datetime:
    """Read an XSD dateTimeStamp: the zone is required. VCDM 2.0 §4.9, K-55."""
    if not isinstance(text, str) or not _DATE_TIME_STAMP.fullmatch(text):
        raise MalformedError("a date and time without its zone, or none at all")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise MalformedError("a date that does not exist") from exc

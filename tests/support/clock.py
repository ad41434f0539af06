"""The time in tests: fixed, and moved only by the test."""

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)


class FixedClock:
    """A `Clock` that stands still until it is told to go on."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass."""
        self.now += by
        return self.now

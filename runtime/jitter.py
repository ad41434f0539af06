"""A little more or less waiting for each, so that who began together does not come back together. W-32."""

import random
from collections.abc import Callable
from datetime import timedelta

Jitter = Callable[[timedelta], timedelta]

_random = random.SystemRandom()


def random_part(most: timedelta) -> timedelta:
    """A time between nothing and `most`."""
    return most * _random.random()


def no_jitter(most: timedelta) -> timedelta:
    """None at all: for whoever asks once, and for tests."""
    return timedelta(0)

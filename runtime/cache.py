"""What a process may remember of public documents: bounded, and each value only until its own end."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """The newest values that together weigh no more than `size`, each until its own end; the clock is the caller's."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, datetime, int]] = OrderedDict()

    def find(self, key: K, now: datetime) -> V | None:
        value, until, _ = self._values.get(key, (None, now, 0))
        return value if now < until else None

    def put(self, key: K, value: V, until: datetime, *, weight: int = 1) -> None:
        _, _, replaced = self._values.pop(key, (None, None, 0))
        self._values[key] = (value, until, weight)
        self._weight += weight - replaced
        while self._weight > self._size:
            self._weight -= self._values.popitem(last=False)[1][2]

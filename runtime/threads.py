"""A few threads that take work from the event loop and give back what became of it.

What `run_in_executor` does, without the second future, its locks and its callbacks, which cost more than handing the
work over and waking the loop. Nor is the loop woken for each outcome while more work waits: the two would take the
interpreter from one another again and again, at a tenth of the cost of a credential request.

Where works can be finished together (`Group`), those that wait are done one after another, and their outcomes are told
when all of them are finished.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
_Settle = Callable[["asyncio.Future[Any]", Any], None]
_Outcome = tuple[_Settle, "asyncio.Future[Any]", Any, Callable[[], None] | None]
_Task = tuple["_Callers", "asyncio.Future[Any]", Context, Callable[[], Any], Callable[[], None] | None]

# No outcome waits longer than this for those of other works.
_PATIENCE: Final = 0.003
# A group takes in no further work after so many, or after so many seconds.
_GROUP_WORKS: Final = 16
_GROUP_SECONDS: Final = 0.008


class Group(Protocol):
    """What several works are finished with together."""

    def begin(self) -> None:
        """Works of one group follow."""

    def end(self) -> None:
        """Finish them. What it raises is the outcome of each of them: nothing is told of what was not finished."""


class _Callers:
    """Whoever waits on one event loop, and what was done for them and not handed over yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tasks: "SimpleQueue[_Task | None]") -> None:
        self.loop = loop
        self._tasks = tasks
        self._asked: list[_Task] = []
        self._outcomes: deque[_Outcome] = deque()
        self._expected = 0
        self._is_ticking = False

    def ask(self, task: _Task) -> None:
        """One more waits, for this. From the second on, somebody looks for outcomes in time; called on the loop.

        What is asked in one iteration of the loop goes to the threads together, at its end: a thread that is woken by
        the first would take the interpreter from those that ask next, and could finish it with none of them.
        """
        self._asked.append(task)
        if len(self._asked) == 1:
            self.loop.call_soon(self.pass_on)
        self._expected += 1
        if self._expected > 1 and not self._is_ticking:
            self._tick()

    def pass_on(self) -> None:
        """Let the threads have what was asked; called on the loop."""
        asked, self._asked = self._asked, []
        for task in asked:
            self._tasks.put(task)

    def give(self, outcome: _Outcome, *, is_more_waiting: bool) -> None:
        """Wake the loop, unless there is more to do for it first; called in any thread."""
        self._outcomes.append(outcome)
        if is_more_waiting and self._expected > len(self._outcomes):
            return
        # A loop that ended meanwhile has nobody left who waits.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        while self._outcomes:
            # In this order: a thread that looks in between finds too little expected, and only wakes the loop.
            self._expected -= 1
            settle, future, outcome, afterwards = self._outcomes.popleft()
            settle(future, outcome)
            if afterwards is not None:
                afterwards()

    def _tick(self) -> None:
        self._hand_over()
        self._is_ticking = self._expected > 0
        if self._is_ticking:
            self.loop.call_later(_PATIENCE, self._tick)


class Threads:
    """So many threads of one name, started when there is work for the first time; only one may have a group."""

    def __init__(self, count: int, *, name: str, group: Group | None = None) -> None:
        self._count = count
        self._name = name
        self._group = group
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._starting = Lock()
        self._callers: _Callers | None = None
        self._is_closed = False

    def run(self, work: Callable[[], T], *, afterwards: Callable[[], None] | None = None) -> "asyncio.Future[T]":
        """Do the work in one of the threads; the future returns or raises what it does. Who cancels only stops waiting.

        The work sees the context variables of its caller. `afterwards` is called on the event loop when the work is
        done, whether or not somebody still waits. Raises RuntimeError after `close`.
        """
        if not self._threads:
            self._start()
        if self._is_closed:
            raise RuntimeError("these threads have ended")
        loop = asyncio.get_running_loop()
        callers = self._callers
        if callers is None or callers.loop is not loop:
            callers = self._callers = _Callers(loop, self._tasks)
        future: asyncio.Future[T] = loop.create_future()
        callers.ask((callers, future, copy_context(), work, afterwards))
        return future

    def close(self) -> None:
        """Finish what was handed over, and end the threads. It blocks until then."""
        self._is_closed = True
        if self._callers is not None:
            self._callers.pass_on()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        with self._starting:
            while len(self._threads) < self._count:
                thread = Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._answer([task])
            del task

    def _answer(self, tasks: list[_Task]) -> None:
        outcomes = [_do(tasks[0])] if self._group is None else self._do_together(tasks, self._group)
        is_more_waiting = not self._tasks.empty()
        for number, (task, (settle, outcome)) in enumerate(zip(tasks, outcomes, strict=True), 1):
            callers, future, _context, _work, afterwards = task
            callers.give((settle, future, outcome, afterwards), is_more_waiting=is_more_waiting or number < len(tasks))

    def _do_together(self, tasks: list[_Task], group: Group) -> list[tuple[_Settle, Any]]:
        """Do the first task and, as long as that is not long, those that wait by then; they are added to `tasks`."""
        until = monotonic() + _GROUP_SECONDS
        group.begin()
        outcomes = [_do(tasks[0])]
        while len(tasks) < _GROUP_WORKS and monotonic() < until and (task := self._next()) is not None:
            tasks.append(task)
            outcomes.append(_do(task))
        try:
            group.end()
        except BaseException as exc:
            return [(_raise, exc)] * len(tasks)
        return outcomes

    def _next(self) -> _Task | None:
        try:
            task = self._tasks.get_nowait()
        except Empty:
            return None
        if task is None:
            # The end, which is for later.
            self._tasks.put(None)
        return task


def _do(task: _Task) -> tuple[_Settle, Any]:
    _callers, _future, context, work, _afterwards = task
    try:
        return _return, context.run(work)
    except BaseException as exc:
        return _raise, exc


def _return(future: "asyncio.Future[Any]", value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _raise(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)

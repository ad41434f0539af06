"""Processes that share one kind of work: never threads, of which two sign no faster than one. PERFORMANCE.md 5.

    with Workers(prepare, count=2) as workers:          # each process calls prepare() once, and does what it returns
        for result in workers.run(tasks): ...           # as they come in, which is not the order of the tasks

Start them before the process opens a database: what is open is not to be shared. They give way to everything else on
the machine, end when whoever started them ends, however that was, and are told to stop by nobody else.
"""

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Generic, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# So much lower than that of a web service beside them, which then waits for none of them.
_NICENESS: Final = 10
_SECONDS_TO_END: Final = 5
_LOST: Final = "a worker process was ended"


class WorkerLostError(Exception):
    """A process was ended from outside, and what it was doing is lost."""


class Workers(Generic[T, R]):
    """Some processes, or none: then this process does the work itself, for what can be had in one process only."""

    def __init__(self, prepare: Callable[[], Callable[[T], R]], *, count: int) -> None:
        self._prepare = prepare
        self._count = count
        self._ends: list[Connection] = []
        self._processes: list[BaseProcess] = []

    def __enter__(self) -> Self:
        # Spawned elsewhere: the libraries of other systems do not outlive a fork.
        is_forked = sys.platform == "linux"
        new_process = multiprocessing.get_context("fork" if is_forked else "spawn").Process  # type: ignore[attr-defined]
        for _ in range(self._count):
            ours, theirs = multiprocessing.Pipe()
            self._ends.append(ours)
            # A fork has a copy of our ends too: left open, they would never tell it that we are gone.
            inherited = tuple(self._ends) if is_forked else ()
            process = new_process(target=_serve, args=(self._prepare, theirs, inherited), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
        return self

    def __exit__(self, *_raised: object) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.join(_SECONDS_TO_END)
            if process.is_alive():
                process.kill()
                process.join()

    def run(self, tasks: Iterable[T]) -> Iterator[R]:
        """The result of each task, or what it raised; WorkerLostError when a process is gone."""
        if not self._ends:
            yield from map(self._prepare(), tasks)
            return
        coming = iter(tasks)
        busy = [end for end in self._ends if _give_next(end, coming)]
        while busy:
            for end in wait(busy):
                result = _take(end)  # type: ignore[arg-type]  # of the connections that were given
                # The next task first: what is done with the result takes time too.
                if not _give_next(end, coming):  # type: ignore[arg-type]
                    busy.remove(end)  # type: ignore[arg-type]
                yield result


def _give_next(end: Connection, coming: Iterator[Any]) -> bool:
    for task in coming:
        try:
            end.send(task)
        except ConnectionError as exc:
            raise WorkerLostError(_LOST) from exc
        return True
    return False


def _take(end: Connection) -> Any:
    try:
        is_done, result = end.recv()
    except (EOFError, ConnectionError) as exc:
        raise WorkerLostError(_LOST) from exc
    if not is_done:
        raise result
    return result


def _serve(prepare: Callable[[], Callable[[Any], Any]], end: Connection, inherited: Sequence[Connection]) -> None:
    """The life of one process: ended by the end of the other side, not by the keys that whoever waits there presses."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    for connection in inherited:
        connection.close()
    work = prepare()
    # What is here by now stays: the garbage collector need not walk through it again and again.
    gc.freeze()
    try:
        while True:
            end.send(_done(work, end.recv()))
    except (EOFError, ConnectionError):
        return


def _done(work: Callable[[Any], Any], task: Any) -> tuple[bool, Any]:
    try:
        return True, work(task)
    except Exception as exc:
        return False, exc

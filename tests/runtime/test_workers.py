"""Worker processes: every task is done once, in whatever order; what goes wrong there is said here."""

import multiprocessing
import os
from collections.abc import Callable
from functools import partial

import pytest

from runtime.workers import WorkerLostError, Workers


def prepare(offset: int) -> Callable[[int], tuple[int, int]]:
    def work(task: int) -> tuple[int, int]:
        if task < 0:
            raise ValueError("below zero")
        return task + offset, os.getpid()

    return work


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_task_is_done_once(count: int) -> None:
    with Workers(partial(prepare, 100), count=count) as workers:
        done = list(workers.run(iter(range(20))))
    assert sorted(result for result, _ in done) == list(range(100, 120))
    processes = {process for _, process in done}
    assert processes == {os.getpid()} if count == 0 else os.getpid() not in processes and len(processes) <= count
    assert not multiprocessing.active_children()


def test_fewer_tasks_than_processes_leave_some_of_them_without() -> None:
    with Workers(partial(prepare, 0), count=3) as workers:
        assert [result for result, _ in workers.run([7])] == [7]
        assert [result for result, _ in workers.run([8])] == [8]
        assert not list(workers.run([]))


@pytest.mark.parametrize("count", [0, 2])
def test_what_a_task_raises_is_raised_here(count: int) -> None:
    with Workers(partial(prepare, 0), count=count) as workers, pytest.raises(ValueError, match="below zero"):
        list(workers.run([1, -1, 2]))
    assert not multiprocessing.active_children()


def test_process_that_is_killed_is_told() -> None:
    with Workers(partial(prepare, 0), count=1) as workers:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        with pytest.raises(WorkerLostError):
            list(workers.run(range(3)))


def test_run_that_is_given_up_ends_the_processes() -> None:
    with Workers(partial(prepare, 0), count=2) as workers:
        next(workers.run(range(1000)))
    assert not multiprocessing.active_children()

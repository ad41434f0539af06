"""The hook that ends a process at a step of its work ends that, and nothing beside it."""

import asyncio

from tests.support.steps import EndOfProcess, Steps


async def test_every_step_of_the_work_can_be_the_last() -> None:
    steps, reached = Steps(), []

    async def work() -> None:
        for number in range(3):
            steps.take()
            reached.append(number)

    ended = [await steps.ends_at(number, work) for number in range(1, 5)]
    assert ended == [True, True, True, False]
    assert reached == [0, 0, 1, 0, 1, 2]


async def test_what_the_work_began_ends_with_it() -> None:
    steps = Steps()
    begun: list[asyncio.Task[None]] = []

    async def work() -> None:
        begun.append(asyncio.create_task(asyncio.sleep(60)))
        await asyncio.sleep(0)
        steps.take()

    assert await steps.ends_at(1, work)
    assert begun[0].cancelled()


async def test_a_service_that_works_by_itself_meanwhile_is_not_ended_instead() -> None:
    steps, errors = Steps(), []

    async def serve() -> None:
        try:
            while True:
                steps.take()
                await asyncio.sleep(0)
        except EndOfProcess as error:
            errors.append(error)

    async def work() -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        steps.take()

    service = asyncio.create_task(serve())
    assert await steps.ends_at(1, work)
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    assert errors == []

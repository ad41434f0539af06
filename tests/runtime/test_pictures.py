"""Pictures that keep their reader busy (A-43): it is ended, and nobody else waits for it."""

import asyncio
import io
import signal
from typing import Any

import pytest
from PIL import Image

from runtime import picture_process, pictures
from runtime.pictures import NoQrCodeError, UnreadablePictureError, opened_picture, read_qr_code


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def full_of_parts(side: int) -> bytes:
    """A small file in which everything might be the corner of a QR code."""
    corner = Image.new("1", (9, 9), 1)
    for y in range(7):
        for x in range(7):
            corner.putpixel((x, y), max(abs(x - 3), abs(y - 3)) == 2)
    image = Image.new("1", (side, side), 1)
    for y in range(0, side - 9, 9):
        for x in range(0, side - 9, 9):
            image.paste(corner, (x, y))
    return saved(image, "PNG", optimize=True)


def full_of_scans(count: int) -> bytes:
    """A JPEG that goes over its pixels again and again: its last scan, so many times."""
    content = saved(Image.effect_noise((64, 64), 60), "JPEG", progressive=True)
    last = content.rindex(picture_process._START_OF_SCAN)
    return content[:last] + content[last:-2] * count + content[-2:]


async def test_A43_a_picture_that_is_full_of_parts_of_codes_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_CPU_SECONDS", 1)
    content = full_of_parts(3_000)
    assert len(content) < 10_000
    with pytest.raises(UnreadablePictureError):
        await read_qr_code(content)


async def test_A43_a_picture_that_the_machine_has_no_time_for_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_SECONDS", 0.01)
    with pytest.raises(UnreadablePictureError):
        await read_qr_code(full_of_parts(1_000))


async def test_A43_work_in_threads_goes_on_while_pictures_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing in is such work."""
    monkeypatch.setattr(pictures, "_CPU_SECONDS", 1)
    content = full_of_parts(2_000)
    reading = [asyncio.create_task(read_qr_code(content)) for _ in range(40)]
    await asyncio.sleep(0)
    assert await asyncio.to_thread(lambda: "signed in") == "signed in"
    assert not any(task.done() for task in reading)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)


async def test_A43_whoever_stops_waiting_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    begun, create = asyncio.Event(), asyncio.create_subprocess_exec

    async def noted(*command: str, **options: Any) -> asyncio.subprocess.Process:
        started.append(await create(*command, **options))
        begun.set()
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    reading = asyncio.create_task(read_qr_code(full_of_parts(3_000)))
    await begun.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert [process.returncode for process in started] == [-signal.SIGKILL]


async def test_a_picture_without_a_code_is_told_from_one_that_is_none() -> None:
    with pytest.raises(NoQrCodeError):
        await read_qr_code(saved(Image.new("L", (50, 50), 255), "PNG"))
    with pytest.raises(UnreadablePictureError):
        await read_qr_code(b"no picture")


def test_A43_a_photo_with_thousands_of_scans_is_not_decoded() -> None:
    with opened_picture(full_of_scans(5)) as image:
        assert image.size == (64, 64)
    with pytest.raises(UnreadablePictureError), opened_picture(full_of_scans(5_000)):
        pass

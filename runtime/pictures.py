"""Pictures of strangers, decoded within bounds; and the QR codes in them.

with opened_picture(content) as picture: …      # slow, and blocks: in a thread
text = await read_qr_code(content)              # in a process of its own
"""

import asyncio
import sys
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from runtime import picture_process
from runtime.picture_process import NO_CODE, UnreadablePictureError, opened_picture

__all__ = ["MAX_PICTURE_BYTES", "NoQrCodeError", "UnreadablePictureError", "opened_picture", "read_qr_code"]

# A photo of a phone.
MAX_PICTURE_BYTES: Final = 10 * 1024 * 1024
_READER: Final = Path(picture_process.__file__)
# Of the processor, of which a photo of the largest size takes one; and by the clock, since that may be busy.
_CPU_SECONDS: Final = 5
_SECONDS: Final = 20
# A photo of the largest size takes some 250 MB while it is decoded: more at once would be too much for a small server.
_AT_ONCE: Final = 2
# One semaphore an event loop: a semaphore belongs to the loop that first waits on it.
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class NoQrCodeError(Exception):
    """A picture without a QR code in it that can be read."""


async def read_qr_code(content: bytes) -> str:
    """Return the text of the QR code in a photo or screenshot, or raise UnreadablePictureError or NoQrCodeError.

    A picture that takes too long to look through is unreadable (A-43).
    """
    if len(content) > MAX_PICTURE_BYTES:
        raise UnreadablePictureError("too large")
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)):
        status, text = await _look_through(content)
    if status == NO_CODE:
        raise NoQrCodeError
    if status != 0:
        raise UnreadablePictureError("not decodable, or not within its limits")
    return text.decode()


async def _look_through(content: bytes) -> tuple[int, bytes]:
    """Run the process on this picture: its exit status, and what it wrote. It inherits no secrets."""
    command = [sys.executable, "-I", str(_READER), str(_CPU_SECONDS)]
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere, env={})
    try:
        written, _ = await asyncio.wait_for(process.communicate(content), _SECONDS)
    except TimeoutError as exc:
        raise UnreadablePictureError("took too long") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, written

"""The form with which a badge is shown to a service: a file, a photo, or a text or link."""

from starlette.datastructures import FormData, UploadFile

from runtime.importing import MAX_UPLOAD_BYTES


async def read_content(form: FormData) -> bytes | str:
    """What was sent: a file or a photo goes before text. One byte too many is read, so that it can be refused."""
    for name in ("file", "photo"):
        content = await read_file(form, name, MAX_UPLOAD_BYTES)
        if content:
            return content
    return read_text(form, "text")


async def read_file(form: FormData, name: str, limit: int) -> bytes:
    """What was sent in this field, empty when nothing was; one byte too many is read, so that it can be refused."""
    upload = form.get(name)
    return await upload.read(limit + 1) if isinstance(upload, UploadFile) and upload.size else b""


def read_text(form: FormData, name: str) -> str:
    """A text field without the space around it, empty when it was not sent."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""

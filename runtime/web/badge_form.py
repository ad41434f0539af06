"""The form with which a badge is shown to a service: a file, a photo, or a text or link."""

from starlette.datastructures import FormData, UploadFile

from runtime.importing import MAX_UPLOAD_BYTES


async def read_content(form: FormData) -> bytes | str:
    """What was sent: a file or a photo goes before text. One byte too many is read, so that it can be refused."""
    for name in ("file", "photo"):
        upload = form.get(name)
        if isinstance(upload, UploadFile) and upload.size:
            return await upload.read(MAX_UPLOAD_BYTES + 1)
    return read_text(form, "text")


def read_text(form: FormData, name: str) -> str:
    """A text field without the space around it, empty when it was not sent."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""

"""Files for download, as HTTP responses."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import IO, Final

from django.http import StreamingHttpResponse

# A file of up to this size stays in memory; a larger one becomes a temporary file without a name.
IN_MEMORY: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024


def attachment(name: str, content_type: str, write: Callable[[IO[bytes]], None]) -> StreamingHttpResponse:
    """What `write` writes, as a file of this name, which must be plain ASCII without quotation marks. It is written
    before the response begins, so that an error can still become a status code."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (the response closes it)
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingHttpResponse(_chunks(file), content_type=content_type, headers=headers)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    # Asynchronous: of a synchronous one, Django would collect all chunks first.
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk

"""A person's archive as an HTTP response."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Final

from django.contrib.auth.models import AbstractUser
from django.http import StreamingHttpResponse

from conversations.privacy import export

# An archive of up to this size stays in memory; a larger one becomes a file without a name.
IN_MEMORY: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024


def response(user: AbstractUser, by: AbstractUser) -> StreamingHttpResponse:
    """The archive of `user`, which `by` asks for."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (the response closes it)
    try:
        export.write(user, file, by)
    except BaseException:
        file.close()
        raise
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{export.NAME}"', "Content-Length": str(size)}
    return StreamingHttpResponse(_chunks(file), content_type="application/zip", headers=headers)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    # Asynchronous: of a synchronous one, Django would collect all chunks first.
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk

"""The application is at the root of its site, whatever a client says about it.

Daphne takes ASGI's `root_path` from the client's `Daphne-Root-Path` header. Django begins every address with it, so a
client could choose the host of redirects and of the links in mails.
"""

from typing import Any


class AtRoot:
    """ASGI middleware, before everything that reads a path: empties `root_path`."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return await self._application({**scope, "root_path": ""}, receive, send)

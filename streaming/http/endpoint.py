"""The ways in by HTTP that are answered beside Django: each door is one transport's address."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import structlog

from conversations.domain import error_responses
from conversations.domain.errors import OutcryError
from streaming.http import request as exchange
from streaming.http.request import ClientLeft, Request

logger = structlog.get_logger(__name__)


class MethodNotAllowed(OutcryError):
    """The address takes other methods."""

    code = "method_not_allowed"
    http_status = 405


class Fault(OutcryError):
    """Something of ours broke; what it was stands in the server's log."""

    code = "internal"
    http_status = 500


class Endpoint:
    """One address of a transport. What it does is said in `open`; how it refuses, in `refusal`."""

    methods: ClassVar[frozenset[str]] = frozenset({"POST"})

    async def open(self, request: Request, receive: Any, send: Any, **found: str) -> None:
        """Answer. What is raised before the answer has begun becomes a refusal."""
        raise NotImplementedError

    def refusal(self, refused: OutcryError, request: Request | None) -> Any:
        """The body that tells the client why not, as JSON. `request` is None where it was too large to be read."""
        return error_responses.body(refused)

    def refusal_headers(self, refused: OutcryError) -> list[tuple[str, str]]:
        """What the refusal's headers say beside what HTTP has for it."""
        return []

    async def __call__(self, scope: Any, receive: Any, send: Any, **found: str) -> None:
        begun = False
        request = None

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            request = await exchange.read(scope, receive)
            request.require_host()
            request.require_https()
            self._require_method(request)
            await self.open(request, receive, sending, **found)
        except ClientLeft:
            return
        except Exception as failure:
            if begun:
                raise
            await self._refuse(send, _expected(failure, scope["path"]), request)

    def _require_method(self, request: Request) -> None:
        if request.method not in self.methods:
            raise MethodNotAllowed(f"Use {' or '.join(sorted(self.methods))} here.")

    async def _refuse(self, send: Any, refused: OutcryError, request: Request | None) -> None:
        more = [*self.refusal_headers(refused), *error_responses.headers(refused)]
        if isinstance(refused, MethodNotAllowed):
            more.append(("allow", ", ".join(sorted(self.methods))))
        await exchange.answer(send, refused.http_status, self.refusal(refused, request), more)


def _expected(failure: Exception, path: str) -> OutcryError:
    if isinstance(failure, OutcryError):
        return failure
    logger.error("door_failed", path=path, exc_info=failure)
    return Fault("Something went wrong at our end.")


class Endpoints:
    """ASGI application: the first door whose address fits, else what is given last."""

    def __init__(self, doors: Iterable[tuple[str, Any]], otherwise: Any) -> None:
        """Addresses are regular expressions for the whole path; their named groups go to the door."""
        self._doors = [(re.compile(address), door) for address, door in doors]
        self._otherwise = otherwise

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for address, door in self._doors:
            if (found := address.fullmatch(scope["path"])) is not None:
                await door(scope, receive, send, **found.groupdict())
                return
        await self._otherwise(scope, receive, send)

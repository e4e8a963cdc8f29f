"""Admission of WebSockets: the principal of a handshake, and whether they may watch the conversation they ask for.

Handshakes that arrive during a look-up share the next one, so that a thousand reconnects at once need no thousand
queries. Session, user and permission are still checked for each of them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from conversations.access import permissions, principals
from conversations.access.permissions import NO_RIGHTS
from conversations.access.principals import Principal
from conversations.domain.enums import Scope
from conversations.domain.errors import NotFound, OutcryError, SecondFactorMissing, Unauthenticated
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import PerLoop

# Handshakes in one look-up. So many take about 10 ms, so that the first of a thousand need not wait for the last.
BATCH: Final = 100


# A browser's session, and the conversation that it asks for; None if it watches none yet.
_Handshake = tuple[str, UUID | None]


async def admit(headers: Mapping[str, str], conversation: UUID | None) -> Principal:
    """The principal of the API key in these headers, else of the session. They may watch the conversation, if one is
    given. Raises Unauthenticated, ScopeMissing, NotFound and LogUnavailable."""
    if principals.key_in(headers) is not None:
        return await database.call(_admit_program, headers, conversation)
    return await _queues.here().admit((principals.session_in(headers), conversation))


def joined_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name. Values of a repeated header are joined by a comma (RFC 9110), so two API keys match
    none."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


class _Queue:
    """The handshakes of one event loop that wait for the next look-up."""

    def __init__(self) -> None:
        self._waiting: list[tuple[_Handshake, asyncio.Future[Principal]]] = []
        self._looking_up: asyncio.Task[None] | None = None

    async def admit(self, handshake: _Handshake) -> Principal:
        answer: asyncio.Future[Principal] = asyncio.get_running_loop().create_future()
        self._waiting.append((handshake, answer))
        if self._looking_up is None:
            self._looking_up = asyncio.create_task(self._look_up())
        return await answer

    async def _look_up(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            found: Sequence[Principal | Exception]
            try:
                found = await database.call(_admit_browsers, [handshake for handshake, _ in batch])
            except Exception as failure:
                found = [failure] * len(batch)
            for (_, answer), principal in zip(batch, found, strict=True):
                if answer.done():
                    # The client has disconnected.
                    continue
                if isinstance(principal, Exception):
                    answer.set_exception(principal)
                else:
                    answer.set_result(principal)
        self._looking_up = None


_queues = PerLoop(_Queue)


def _admit_program(headers: Mapping[str, str], conversation: UUID | None) -> Principal:
    principal = principals.of_headers(headers)
    if conversation is not None:
        principal.require(Scope.WATCH)
        permissions.watch(principal.user, conversation)
    return principal


def _admit_browsers(handshakes: Sequence[_Handshake]) -> list[Principal | OutcryError]:
    """A principal or an error for each handshake, in the same order. The number of queries does not depend on how
    many they are, except for reviewers."""
    found = principals.of_sessions({session for session, _ in handshakes})
    users = {session: each.user for session, each in found.items() if isinstance(each, Principal)}
    rights = permissions.rights_of_all(
        {(users[session], asked) for session, asked in handshakes if asked is not None and session in users}
    )
    answers: list[Principal | OutcryError] = []
    for session, asked in handshakes:
        principal = found.get(session)
        if principal is None:
            answers.append(Unauthenticated("Sign in first, or send an API key."))
        elif isinstance(principal, SecondFactorMissing) or asked is None:
            answers.append(principal)
        elif (may := rights.get((principal.user.pk, asked), NO_RIGHTS)).watch:
            permissions.note_reading(principal.user, asked, may)
            answers.append(principal)
        else:
            answers.append(NotFound("There is no such conversation."))
    return answers

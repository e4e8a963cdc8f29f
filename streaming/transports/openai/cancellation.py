"""Cancels a debate whose client has disconnected, if the request asked for that."""

from typing import Final
from uuid import UUID

import structlog
from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type, stop_before_delay

from conversations.access.principals import Principal
from conversations.domain.enums import Action
from conversations.domain.errors import Finished, LimitReached, LogUnavailable, OutcryError, Unauthenticated
from conversations.domain.requests import Command
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.services import debates
from streaming.watchers import session_guard

logger = structlog.get_logger(__name__)

# 90 s: longer than the window of the rate limit for commands (60 s).
CANCEL_SECONDS: Final = 90.0

_tasks = BackgroundTasks()


def cancel_soon(principal: Principal, conversation: UUID) -> None:
    """Cancel the debate in a task of its own, because servers end a request's task soon after its client has
    disconnected."""
    _tasks.spawn(_cancel(principal, conversation))


async def _cancel(principal: Principal, conversation: UUID) -> None:
    """Cancel the debate if the client may still do so, and try again while the database is unavailable or the rate
    limit is reached. Raises nothing."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type((LimitReached, LogUnavailable)),
        wait=_until_allowed,
        stop=stop_before_delay(CANCEL_SECONDS),
    )
    try:
        await retrying(_try_to_cancel, principal, conversation)
    except Finished:
        pass
    except RetryError:
        logger.warning("not_cancelled", conversation=str(conversation), code="timeout")
    except OutcryError as refused:
        logger.warning("not_cancelled", conversation=str(conversation), code=refused.code)
    except Exception:
        logger.exception("not_cancelled", conversation=str(conversation))


async def _try_to_cancel(principal: Principal, conversation: UUID) -> None:
    refused = await database.call(
        session_guard.refused, [(principal, conversation)], timeout=database.REQUEST_SECONDS
    )
    if refused:
        raise Unauthenticated("The client may not watch this debate any more.")
    # The same key each time, so that the command is stored once.
    command = Command(action=Action.CANCEL, idempotency_key=f"client-left-{conversation}")
    await debates.control(principal.user, conversation, command)


def _until_allowed(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    return max(database.BACKOFF(state), getattr(failure, "retry_after", None) or 0)

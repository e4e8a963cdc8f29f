"""Outward: finished debates go to the A2A agents of OUTCRY_A2A_TARGETS, each until it has it or some hours are over.

Any process of the installation may make an attempt; a debate never waits for one. An agent may get a debate twice,
where its answer was lost: the message's id is the same each time.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import structlog
from django.conf import settings

from conversations.domain import markdown
from conversations.domain.errors import LogUnavailable
from conversations.event_log import queries
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.models import Conversation
from conversations.outbox import deliveries
from conversations.outbox.deliveries import Due
from conversations.outbox.size_limited_http import PLAIN, BoundedTransport, TooLarge

logger = structlog.get_logger(__name__)

# How often it is looked for what is due.
LOOK_SECONDS: Final = 2.0
# Under way at once, in one process.
MAX_ATTEMPTS: Final = 20
# What one attempt may take: in all, and without a word from the other side.
ATTEMPT_SECONDS: Final = 60.0
SILENCE_SECONDS: Final = 20.0
# What an agent may say, in bytes: its card, and its answer.
MAX_ANSWER: Final = 1024 * 1024
# How it is spoken to.
BINDINGS: Final = ("JSONRPC", "HTTP+JSON")

tasks = BackgroundTasks()


@dataclass(frozen=True)
class Parcel:
    """What an agent gets: the debate to read, and its figures."""

    conversation: UUID
    text: str
    data: dict[str, Any]


class Undelivered(Exception):
    """An attempt has failed. `code` is stable, and says nothing of what the other side said."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def begin() -> None:
    """From now on, in this event loop, hand over debates that have ended; nothing where no agent is to get them."""
    if settings.OUTCRY_A2A_TARGETS:
        tasks.spawn(_work())


async def end() -> None:
    """Stop; what is under way is made again, by whichever process."""
    await tasks.cancel()


def parcel(conversation: UUID) -> Parcel:
    """The debate as it is stored."""
    row = Conversation.objects.get(pk=conversation)
    verdict = dict(row.verdict or {})
    cost = verdict.pop("cost_summary", None)
    data = {
        "conversation": str(row.pk),
        "topic": row.topic,
        "panel": row.panel,
        "rounds": row.rounds,
        "status": row.status,
        "reason": row.reason,
        "mode": row.mode,
        "verdict": verdict or None,
        "cost": cost,
    }
    return Parcel(row.pk, markdown.whole(row.topic, row.content, queries.read_all(row.pk)), data)


async def _work() -> None:
    running: set[asyncio.Task[None]] = set()
    # An agent that hangs keeps nobody else waiting.
    async with asyncio.TaskGroup() as attempts:
        while True:
            for due in await _claimed(MAX_ATTEMPTS - len(running)):
                attempt = attempts.create_task(_attempt(due))
                running.add(attempt)
                attempt.add_done_callback(running.discard)
            await asyncio.sleep(LOOK_SECONDS)


async def _claimed(most: int) -> list[Due]:
    try:
        return await database.call(deliveries.claim, most, timeout=database.REQUEST_SECONDS) if most else []
    except LogUnavailable:
        # It is away, which its outage tells; the next look may find it.
        return []
    except Exception:
        logger.exception("deliveries_not_looked_for")
        return []


async def _attempt(due: Due) -> None:
    """Hand one debate over, and write down what became of it. Raises nothing but a cancel."""
    known: dict[str, Any] = {
        "conversation": str(due.conversation),
        "target": deliveries.shown(due.target),
        "attempt": due.number,
    }
    try:
        sent = await database.call(parcel, due.conversation)
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                task = await _hand_over(sent, due.target)
        except TimeoutError:
            raise Undelivered("timeout") from None
        if task is None:
            logger.warning("delivery_rejected", **known)
            await database.call(deliveries.rejected, due, retry=True)
            return
        logger.info("delivered", **known)
        await database.call(deliveries.delivered, due, task, retry=True)
    except Undelivered as failure:
        logger.warning("delivery_failed", code=failure.code, cause=type(failure.__cause__).__name__, **known)
        with contextlib.suppress(LogUnavailable):
            await database.call(deliveries.failed, due, failure.code, retry=True)
    except LogUnavailable:
        # It is due again after a while.
        logger.warning("delivery_not_recorded", **known)
    except Exception:
        logger.exception("delivery_failed", **known)
        with contextlib.suppress(LogUnavailable):
            await database.call(deliveries.failed, due, "internal", retry=True)


async def _hand_over(parcel: Parcel, target: str) -> str | None:
    """What the agent calls the task it made of it; None where it does not want it. Raises Undelivered."""
    # Only here: it is half a second of loading, which most installations have no use for.
    from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
    from a2a.client.errors import A2AClientTimeoutError, AgentCardResolutionError
    from a2a.types import TaskState
    from a2a.utils.errors import A2AError

    refusals = (TaskState.TASK_STATE_REJECTED, TaskState.TASK_STATE_FAILED)
    # What it says goes nowhere else: a redirect could lead to what only this server reaches.
    async with httpx.AsyncClient(
        transport=BoundedTransport(MAX_ANSWER),
        headers=PLAIN,
        timeout=httpx.Timeout(SILENCE_SECONDS),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        try:
            card = await A2ACardResolver(http, target).get_agent_card()
            _keep_ours(card.supported_interfaces, target)
            config = ClientConfig(
                httpx_client=http,
                streaming=False,
                polling=True,
                supported_protocol_bindings=[*BINDINGS],
            )
            client = ClientFactory(config).create(card)
            async for answer in client.send_message(_request(parcel)):
                if answer.HasField("task"):
                    return None if answer.task.status.state in refusals else answer.task.id
                return answer.message.message_id
        except AgentCardResolutionError as failure:
            raise Undelivered("no_card") from failure
        except A2AClientTimeoutError as failure:
            raise Undelivered("timeout") from failure
        except (A2AError, httpx.HTTPError) as failure:
            raise Undelivered("refused") from failure
        except TooLarge as failure:
            raise Undelivered("too_large") from failure
        except (ValueError, RecursionError) as failure:
            raise Undelivered("not_understood") from failure
    raise Undelivered("no_answer")


def _keep_ours(interfaces: Any, target: str) -> None:
    """Leave those that we speak, and that are where the agent is: the card is its own word, and must not send us
    anywhere else. Raises Undelivered where that leaves none of those that we speak."""
    spoken = [interface for interface in interfaces if interface.protocol_binding in BINDINGS]
    ours = [interface for interface in spoken if _origin(interface.url) == _origin(target)]
    if spoken and not ours:
        raise Undelivered("other_origin")
    del interfaces[:]
    interfaces.extend(ours)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port, as they are the same however they are written; None for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)


def _request(parcel: Parcel) -> Any:
    from a2a.helpers import new_data_part, new_text_part
    from a2a.types import Message, Role, SendMessageRequest

    message = Message(
        message_id=f"outcry-{parcel.conversation}",
        role=Role.ROLE_USER,
        parts=[
            new_text_part(parcel.text, media_type="text/markdown"),
            new_data_part(parcel.data, media_type="application/json"),
        ],
    )
    return SendMessageRequest(message=message)

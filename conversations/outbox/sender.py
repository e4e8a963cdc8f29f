"""The outbox's sender: delivers finished debates to the A2A agents of OUTCRY_A2A_TARGETS, with retries for PATIENCE.

1. Claim the deliveries that are due, in any process of the installation.
2. Send each debate as one A2A message. If the agent's answer was lost, it gets the message again, with the same message
   id.
3. Record the outcome: delivered, rejected, or failed, to be tried again.

Debates never wait for deliveries.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final, cast

import httpx
import structlog
from django.conf import settings

from conversations.domain import markdown
from conversations.domain.errors import LogUnavailable
from conversations.event_log import queries
from conversations.infrastructure import database
from conversations.infrastructure.event_loop import BackgroundTasks
from conversations.models import Conversation, Delivery
from conversations.outbox import deliveries, signature

logger = structlog.get_logger(__name__)

# Pause between two polls for due deliveries.
POLL_SECONDS: Final = 2.0
# Concurrent attempts in one process.
MAX_ATTEMPTS: Final = 20
# Limits of one attempt: in all, and without a byte from the agent.
ATTEMPT_SECONDS: Final = 60.0
SILENCE_SECONDS: Final = 20.0
# Maximum bytes of one response (the agent's card, or its answer).
MAX_ANSWER: Final = 1024 * 1024
# The supported protocol bindings.
BINDINGS: Final = ("JSONRPC", "HTTP+JSON")

tasks = BackgroundTasks()


class DeliveryFailed(Exception):
    """An attempt has failed. Its text is a stable code, and quotes nothing from the agent."""


def begin() -> None:
    """Start delivering in the running event loop, if there are targets."""
    if settings.OUTCRY_A2A_TARGETS:
        tasks.spawn(_deliver())


async def end() -> None:
    """Stop. Interrupted attempts are repeated by any process when their claims expire."""
    await tasks.cancel()


def _message(debate: Conversation) -> Any:
    """The A2A message for a stored debate: as Markdown, and its figures as JSON. Uses the database."""
    # Imported here: it takes half a second, and most installations have no A2A targets.
    from a2a.helpers import new_data_part, new_text_part
    from a2a.types import Message, Role

    verdict = dict(debate.verdict or {})
    cost = verdict.pop("cost_summary", None)
    data = {
        "conversation": str(debate.pk),
        **{name: getattr(debate, name) for name in ("topic", "panel", "rounds", "status", "reason", "mode")},
        "verdict": verdict or None,
        "cost": cost,
    }
    text = markdown.whole(debate.topic, debate.content, queries.read_all(debate.pk))
    return Message(
        message_id=f"outcry-{debate.pk}",
        role=Role.ROLE_USER,
        parts=[
            new_text_part(text, media_type="text/markdown"),
            new_data_part(data, media_type="application/json"),
        ],
    )


async def _deliver() -> None:
    running: set[asyncio.Task[None]] = set()
    # Attempts run concurrently, so that an agent that does not answer delays no other.
    async with asyncio.TaskGroup() as attempts:
        while True:
            for due in await _claim_due(MAX_ATTEMPTS - len(running)):
                attempt = attempts.create_task(_attempt(due))
                running.add(attempt)
                attempt.add_done_callback(running.discard)
            await asyncio.sleep(POLL_SECONDS)


async def _claim_due(most: int) -> list[Delivery]:
    try:
        return await database.call(deliveries.claim, most, timeout=database.REQUEST_SECONDS) if most else []
    except LogUnavailable:
        # Logged as an outage of the database; the next poll may succeed.
        return []
    except Exception:
        logger.exception("deliveries_not_looked_for")
        return []


async def _attempt(due: Delivery) -> None:
    """Make one attempt and record its outcome. Raises nothing but CancelledError."""
    known: dict[str, Any] = {
        "conversation": str(due.conversation_id),
        "target": deliveries.shown(due.target),
        "attempt": due.attempts,
    }
    try:
        message = await database.call(_message, due.conversation)
        task = await _send(message, due.target)
        if task is None:
            logger.warning("delivery_rejected", **known)
            await database.call(deliveries.rejected, due, retry=True)
            return
        logger.info("delivered", **known)
        await database.call(deliveries.delivered, due, task, retry=True)
    except DeliveryFailed as failure:
        logger.warning("delivery_failed", code=str(failure), cause=type(failure.__cause__).__name__, **known)
        await _record_failure(due, str(failure))
    except LogUnavailable:
        # The attempt is due again when the claim expires.
        logger.warning("delivery_not_recorded", **known)
    except Exception:
        logger.exception("delivery_failed", **known)
        await _record_failure(due, "internal")


async def _record_failure(due: Delivery, code: str) -> None:
    with contextlib.suppress(LogUnavailable):
        await database.call(deliveries.failed, due, code, retry=True)


async def _send(message: Any, target: str) -> str | None:
    """Send the debate. Returns the id of the agent's task, or None if the agent rejected it. Raises DeliveryFailed."""
    from a2a.types import SendMessageRequest

    # No redirects and no proxies: either could lead to addresses that only this server can reach.
    async with httpx.AsyncClient(
        event_hooks={"request": [signature.sign], "response": [_limit]},
        headers={"accept-encoding": "identity"},
        timeout=httpx.Timeout(SILENCE_SECONDS),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        with _errors_as_codes():
            async with asyncio.timeout(ATTEMPT_SECONDS):
                client = await _connect(http, target)
                async for answer in client.send_message(SendMessageRequest(message=message)):
                    return _task_id(answer)
    raise DeliveryFailed("no_answer")


async def _limit(response: httpx.Response) -> None:
    """Read a response of at most MAX_ANSWER bytes, uncompressed. Raises DeliveryFailed."""
    if response.headers.get("content-encoding", "identity") != "identity":
        # A small compressed response could be larger than memory.
        raise DeliveryFailed("not_understood")
    body = bytearray()
    # The cast is safe: the responses of an asynchronous client have streams of this type only.
    async with contextlib.aclosing(cast("httpx.AsyncByteStream", response.stream)) as stream:
        async for piece in stream:
            body += piece
            if len(body) > MAX_ANSWER:
                raise DeliveryFailed("too_large")
    response.stream = httpx.ByteStream(bytes(body))


@contextlib.contextmanager
def _errors_as_codes() -> Iterator[None]:
    """Context that turns exceptions of the SDK and the HTTP client into DeliveryFailed; the first matching row has the
    code."""
    from a2a.client.errors import A2AClientTimeoutError, AgentCardResolutionError
    from a2a.utils.errors import A2AError

    codes = (
        (AgentCardResolutionError, "no_card"),
        ((TimeoutError, A2AClientTimeoutError), "timeout"),
        ((A2AError, httpx.HTTPError), "refused"),
        ((ValueError, RecursionError), "not_understood"),
    )
    try:
        yield
    except Exception as failure:
        for errors, code in codes:
            if isinstance(failure, errors):
                raise DeliveryFailed(code) from failure
        raise


async def _connect(http: httpx.AsyncClient, target: str) -> Any:
    from a2a.client import A2ACardResolver, ClientConfig, ClientFactory

    card = await A2ACardResolver(http, target).get_agent_card()
    _restrict(card.supported_interfaces, target)
    config = ClientConfig(
        httpx_client=http, streaming=False, polling=True, supported_protocol_bindings=[*BINDINGS]
    )
    return ClientFactory(config).create(card)


def _task_id(answer: Any) -> str | None:
    from a2a.types import TaskState

    if not answer.HasField("task"):
        return str(answer.message.message_id)
    rejected = answer.task.status.state in {TaskState.TASK_STATE_REJECTED, TaskState.TASK_STATE_FAILED}
    return None if rejected else str(answer.task.id)


def _restrict(interfaces: Any, target: str) -> None:
    """Keep the card's interfaces that have a supported binding and the target's origin, because the agent writes the
    card and must not redirect us elsewhere. Raises DeliveryFailed if all supported interfaces have other origins."""
    spoken = [interface for interface in interfaces if interface.protocol_binding in BINDINGS]
    same_origin = [interface for interface in spoken if _origin(interface.url) == _origin(target)]
    if spoken and not same_origin:
        raise DeliveryFailed("other_origin")
    del interfaces[:]
    interfaces.extend(same_origin)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port, None for the scheme's default port; None if the text is not a URL."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return parsed.scheme, parsed.host, parsed.port

"""An A2A agent elsewhere: the SDK's own server, which keeps what it is sent. It may be stopped, and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from a2a.helpers import new_task_from_user_message, new_text_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    Message,
    Role,
    TaskState,
    TaskStatus,
)
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.routing import Router

from config.management.servers import Server
from scripts.ports import free_port
from tests.fakes.waiting import PATIENCE_SECONDS


@dataclass
class Agent(AgentExecutor):
    """`state` is how its tasks end; None for a plain message instead of a task. `elsewhere`: the address that its card
    names; `beside`: what its card names before that, each an address and a binding; `redirects`: its card is somewhere
    else; `answers`: what it answers instead, by the end of the path.
    `requests`: the headers and bodies that it has read."""

    port: int = field(default_factory=free_port)
    state: TaskState | None = TaskState.TASK_STATE_COMPLETED
    elsewhere: str = ""
    beside: list[tuple[str, str]] = field(default_factory=list)
    redirects: str = ""
    answers: Mapping[str, Callable[[], Response]] = field(default_factory=dict)
    received: list[Message] = field(default_factory=list)
    asked: int = 0
    requests: list[tuple[Headers, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        message = context.message
        assert message is not None
        if self.state is None:
            await event_queue.enqueue_event(new_text_message("Thank you.", role=Role.ROLE_AGENT))
        else:
            told = new_task_from_user_message(message)
            # In the first word of it: who asks not to wait hears no other.
            told.status.CopyFrom(TaskStatus(state=self.state))
            await event_queue.enqueue_event(told)
        self.received.append(message)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        raise NotImplementedError

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Until the end it answers at its port."""
        config = uvicorn.Config(
            self._application(),
            port=self.port,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = Server(config)
        task = asyncio.create_task(server._serve())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not server.started:
                await asyncio.sleep(0)
        try:
            yield
        finally:
            server.should_exit = True
            await task

    def _application(self) -> Any:
        card = AgentCard(
            name="Notes",
            description="Keeps what it is sent.",
            version="1",
            supported_interfaces=[
                *(
                    AgentInterface(url=url, protocol_binding=binding, protocol_version="1.0")
                    for url, binding in self.beside
                ),
                AgentInterface(
                    url=f"{self.elsewhere or self.url}/rpc",
                    protocol_binding="JSONRPC",
                    protocol_version="1.0",
                ),
            ],
            capabilities=AgentCapabilities(streaming=False),
            default_input_modes=["text/plain"],
            default_output_modes=["text/plain"],
            skills=[AgentSkill(id="keep", name="Keep", description="Keeps it.", tags=["notes"])],
        )
        handler = DefaultRequestHandler(self, InMemoryTaskStore(), card)
        routes = [*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/rpc")]
        answering = Router(routes)

        async def application(scope: Any, receive: Any, send: Any) -> None:
            self.asked += 1
            body = bytearray()

            async def receive_and_keep() -> Any:
                message = await receive()
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self.requests.append((Headers(scope=scope), bytes(body)))
                return message

            answer: Any = answering
            if self.redirects:
                answer = RedirectResponse(self.redirects + scope["path"], 307)
            elif make := self.answers.get(scope["path"].rpartition("/")[2]):
                answer = make()
            await answer(scope, receive_and_keep, send)

        return application

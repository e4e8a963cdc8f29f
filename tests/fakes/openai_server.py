"""A stand-in for an OpenAI-compatible model provider: a real HTTP server with scripted answers.

In a test's event loop (`async with OpenAIServer() as server`), in a thread of its own (`with in_thread() as server`),
or as a process, which prints {"url": ...} as its first line:

    python -m tests.fakes.openai_server --port 0 --tokens 200 --tokens-per-second 50 --stamped
"""

import argparse
import asyncio
import contextlib
import json
import re
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

from tests.fakes import openai_format
from tests.fakes.replies import Fault, Outage, Reply, calls, figured, says, stamped, verdict
from tests.fakes.waiting import PATIENCE_SECONDS, Signal

MODEL = "stand-in"
SUM = "What is 15% of 850?"
AGENTS = ("Financial Analyst", "Market Context", "Risk Challenger", "Moderator", "Assistant")


@dataclass
class Exchange:
    """One request, and what became of it. `sent` counts the tokens written to the socket; `finished`: the whole
    answer was; `closed_early`: the client closed its connection before that, at `closed_at` on the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    sent: int = 0
    finished: bool = False
    closed_early: bool = False
    closed_at: float | None = None

    @property
    def system(self) -> str:
        """The system prompt; where there is none, the first message, which begins with it."""
        system = [said for said in self.messages if said["role"] in {"system", "developer"}]
        return "\n".join(str(said["content"]) for said in system or self.messages[:1])

    @property
    def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.body.get("messages", [])
        return messages

    @property
    def agent(self) -> str | None:
        """Which agent asks: the one whose name stands first in its system prompt."""
        places = {name: self.system.find(name) for name in AGENTS}
        found = [name for name in AGENTS if places[name] >= 0]
        return min(found, key=places.__getitem__, default=None)

    @property
    def round(self) -> int | None:
        """The round the agent is asked to speak in, where its prompt says so."""
        found = (
            re.search(r"\bRound (\d+) of \d+", str(self.messages[-1]["content"])) if self.messages else None
        )
        return int(found[1]) if found else None

    @property
    def has_result(self) -> bool:
        """Whether it has the result of a tool."""
        return any(said["role"] == "tool" for said in self.messages)

    @property
    def wants_json(self) -> bool:
        return "response_format" in self.body


@dataclass
class _Rule:
    reply: Reply
    to: str | None
    round: int | None
    times: float

    def fits(self, exchange: Exchange) -> bool:
        return self.times > 0 and self.to in {None, exchange.agent} and self.round in {None, exchange.round}


@dataclass
class _Flapping:
    """Of each `up + down` requests, the last `down` get the reply."""

    reply: Reply
    up: int
    down: int
    asked: int = 0

    def fails_now(self) -> bool:
        self.asked += 1
        return (self.asked - 1) % (self.up + self.down) >= self.up


@dataclass
class OpenAIServer:
    """Answers each request by the first rule of `answer` that fits it, else with a few words or a valid verdict.

    `first` is (text, reply): the answer to a request with this text that has no result of a tool yet.
    `outage` is the present fault of the whole server. `refuses` takes a request for an answer, and returns the body of
    the refusal, with `refusal_status`, if the server refuses it."""

    port: int = 0
    model: str = MODEL
    exchanges: list[Exchange] = field(default_factory=list)
    changed: Signal = field(default_factory=Signal)
    default: Reply | None = None
    first: tuple[str, Reply] | None = None
    outage: Outage | None = None
    refuses: Callable[[Mapping[str, Any]], str | None] | None = None
    refusal_status: int = 400
    _rules: list[_Rule] = field(default_factory=list)
    _flapping: _Flapping | None = None
    _breaking: tuple[int, Outage] | None = None
    _hole: list[socket.socket] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _connections: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def provider(self) -> str:
        """An entry for OUTCRY_PROVIDERS."""
        return f"openai-compatible:{self.model}@{self.url}"

    @property
    def asked(self) -> list[Exchange]:
        """The requests for an answer."""
        return [exchange for exchange in self.exchanges if exchange.path.endswith("/chat/completions")]

    @property
    def answered(self) -> int:
        """How many requests for an answer got a whole one."""
        return sum(exchange.finished for exchange in self.asked)

    def answer(
        self, *replies: Reply, to: str | None = None, in_round: int | None = None, times: float = 1
    ) -> None:
        """Queue replies, each for `times` requests; only from the agent named `to`, or in that round, if given."""
        self._rules += [_Rule(reply, to, in_round, times) for reply in replies]

    def flap(self, reply: Reply, up: int = 1, down: int = 1) -> None:
        """From now on, answer `up` requests as ever, then `down` with this reply, and so on."""
        self._flapping = _Flapping(reply, up, down)

    def forget(self) -> None:
        """Drop every rule, and what was asked."""
        self._rules.clear()
        self.exchanges.clear()
        self._flapping = self._breaking = None

    def break_down(self, outage: Outage, turn: int = 1) -> None:
        """Fail as a whole from the turn with this number on: now, or with the last byte of the answer before it.

        To be called in the server's own event loop. `mend` ends it."""
        self._breaking = turn - 1 + self.answered, outage
        self._break_if_due()

    async def mend(self) -> None:
        """Serve again as ever, on the same port."""
        self._breaking = self.outage = None
        self._close_hole()
        if self._server is None:
            await self.start()

    async def until_asked(self, times: int = 1) -> Exchange:
        """The request number `times` for an answer, once it is here."""
        await self.changed.until(lambda: len(self.asked) >= times)
        return self.asked[times - 1]

    async def until_closed_early(self, exchange: Exchange) -> None:
        """Return once the client has closed this exchange's connection in mid-answer."""
        await self.changed.until(lambda: exchange.closed_early)

    async def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Connections are refused from now on, and those that are open are closed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._close_hole()
        for task in (*self._connections,):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _break_if_due(self) -> None:
        if self._breaking is None or self.answered < self._breaking[0]:
            return
        _, self.outage = self._breaking
        self._breaking = None
        if self.outage in {Outage.REFUSED, Outage.BLACK_HOLE} and self._server is not None:
            self._server.close()
            self._server = None
        if self.outage is Outage.BLACK_HOLE:
            self._hole = _black_hole(self.port)

    def _close_hole(self) -> None:
        while self._hole:
            self._hole.pop().close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.outage in {Outage.REFUSED, Outage.BLACK_HOLE}:
            # It had come in before the port was closed.
            raise ConnectionResetError
        if self.outage is Outage.MUTE:
            transport = writer.transport
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            await asyncio.Event().wait()
        exchange = await _request(reader)
        self.exchanges.append(exchange)
        self.changed.notify()
        answering = asyncio.create_task(self._answer(exchange, writer))
        # A client sends nothing after its request, so whatever comes is the end of its connection.
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                exchange.closed_early = not exchange.finished
                exchange.closed_at = time.monotonic()
        finally:
            answering.cancel()
            leaving.cancel()
            outcomes = await asyncio.gather(answering, leaving, return_exceptions=True)
            self.changed.notify()
        if isinstance(outcomes[0], ConnectionError):
            exchange.closed_early = not exchange.finished
        elif isinstance(outcomes[0], Exception):
            raise outcomes[0]

    async def _answer(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        if self.outage is Outage.DEAF:
            await asyncio.Event().wait()
        if exchange.path.endswith("/models"):
            _whole(writer, 200, openai_format.models(self.model))
            return
        if self.refuses is not None and (refusal := self.refuses(exchange.body)) is not None:
            _whole(writer, self.refusal_status, refusal.encode())
            return
        reply = self._reply(exchange)
        if reply.fault is Fault.HANG:
            await asyncio.Event().wait()
        if reply.status != 200:
            error = reply.body or openai_format.error(reply.status)
            _whole(writer, reply.status, error, retry_after=reply.retry_after)
        elif reply.body is not None:
            head = openai_format.head(200, reply.content_type, chunked=True)
            body = openai_format.chunk(reply.body) if reply.body else b""
            writer.write(head + body + openai_format.chunk(b""))
        elif exchange.body.get("stream"):
            await self._stream(exchange, reply, writer)
        else:
            await self._complete(exchange, reply, writer)
        self._finish(exchange, reply)
        await writer.drain()

    def _finish(self, exchange: Exchange, reply: Reply) -> None:
        exchange.finished = reply.fault is None
        # Before its last byte: who has got that finds the server as it is from then on.
        self._break_if_due()

    def _reply(self, exchange: Exchange) -> Reply:
        if self._flapping is not None and self._flapping.fails_now():
            return self._flapping.reply
        for rule in self._rules:
            if rule.fits(exchange):
                rule.times -= 1
                return rule.reply
        if self.first is not None and self.first[0] in str(exchange.messages) and not exchange.has_result:
            return self.first[1]
        if exchange.wants_json or exchange.agent == "Moderator":
            return verdict()
        return self.default or says(f"{exchange.agent or 'Somebody'} ", "speaks ", f"({len(self.asked)}).")

    async def _complete(self, exchange: Exchange, reply: Reply, writer: asyncio.StreamWriter) -> None:
        text = "".join([token async for token in self._tokens(exchange, reply)])
        body = openai_format.completion(exchange.body["model"], text, reply.finish_reason, reply.usage)
        match reply.fault:
            case Fault.CLOSE | Fault.CUT:
                writer.write(
                    openai_format.head(200, "application/json", length=len(body)) + body[: len(body) // 2]
                )
            case Fault.RESET:
                writer.transport.abort()
            case Fault.STALL:
                await asyncio.Event().wait()
            case Fault.MALFORMED:
                _whole(writer, 200, body[:-1])
            case Fault.ERROR:
                _whole(writer, 200, openai_format.error(500))
            case _:
                self._finish(exchange, reply)
                _whole(writer, 200, body)

    async def _stream(self, exchange: Exchange, reply: Reply, writer: asyncio.StreamWriter) -> None:
        model, chunked = exchange.body["model"], reply.fault is not Fault.CLOSE

        def send(event: bytes) -> None:
            writer.write(openai_format.chunk(event) if chunked else event)

        writer.write(openai_format.head(200, "text/event-stream", chunked=chunked))
        send(openai_format.delta(model, role="assistant", content=""))
        await writer.drain()
        for thought in reply.thoughts:
            await asyncio.sleep(1 / reply.tokens_per_second if reply.tokens_per_second else 0)
            send(openai_format.delta(model, content=None, reasoning_content=thought))
            await writer.drain()
        async for token in self._tokens(exchange, reply):
            send(openai_format.delta(model, content=token))
            await writer.drain()
        match reply.fault:
            case Fault.CLOSE | Fault.CUT:
                return
            case Fault.RESET:
                writer.transport.abort()
                return
            case Fault.STALL:
                await asyncio.Event().wait()
            case Fault.MALFORMED:
                send(openai_format.MALFORMED)
            case Fault.ERROR:
                send(openai_format.error_event("secret-detail-in-mid-stream"))
        for event in openai_format.tool_calls(model, reply.calls):
            send(event)
        send(openai_format.delta(model, reply.finish_reason))
        if reply.usage is not None and (exchange.body.get("stream_options") or {}).get("include_usage"):
            send(openai_format.usage_event(model, reply.usage))
        self._finish(exchange, reply)
        writer.write(
            (openai_format.chunk(openai_format.DONE) + openai_format.chunk(b""))
            if chunked
            else openai_format.DONE
        )

    async def _tokens(self, exchange: Exchange, reply: Reply) -> AsyncIterator[str]:
        """The reply's tokens up to its fault, each when it is due."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(reply.late)
        began = loop.time()
        tokens = reply.iterate()
        while reply.fault is None or exchange.sent < reply.fault_after:
            if reply.tokens_per_second is not None:
                await asyncio.sleep(began + exchange.sent / reply.tokens_per_second - loop.time())
            if reply.gate is not None:
                await reply.gate.passed()
            token = next(tokens, None)
            if token is None:
                return
            yield token
            exchange.sent += 1
            self.changed.notify()


async def _request(reader: asyncio.StreamReader) -> Exchange:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Exchange(method, path, headers, json.loads(body) if body else {})


def _black_hole(port: int) -> list[socket.socket]:
    """A port whose queue of connections is full, and nobody empties it: what comes now is dropped."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(0)
    held = [listening]
    for _ in range(4):
        filling = socket.socket()
        filling.setblocking(False)
        filling.connect_ex(("127.0.0.1", port))
        held.append(filling)
    return held


def _whole(writer: asyncio.StreamWriter, status: int, body: bytes, *, retry_after: int | None = None) -> None:
    writer.write(
        openai_format.head(status, "application/json", length=len(body), retry_after=retry_after) + body
    )


@contextmanager
def in_thread(server: OpenAIServer | None = None) -> Iterator[OpenAIServer]:
    """The stand-in in an event loop and a thread of its own, for tests that block theirs."""
    server = server or OpenAIServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="openai-stand-in", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(PATIENCE_SECONDS)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.close()


async def _main(arguments: argparse.Namespace) -> None:
    tokens: Any = [f"word{n} " for n in range(1, arguments.tokens + 1)]
    if arguments.stamped or arguments.figures:
        tokens = (figured if arguments.figures else stamped)(arguments.tokens)
    usage = (120, arguments.tokens)
    default = Reply(tokens, usage=usage, tokens_per_second=arguments.tokens_per_second)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    first = (SUM, calls(("calculate", {"expression": "15% of 850"}))) if arguments.calls else None
    async with OpenAIServer(port=arguments.port, default=default, first=first) as server:
        # Further answers come without pauses.
        faster = replace(default, tokens_per_second=None)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, setattr, server, "default", faster)
        print(json.dumps({"url": server.url, "provider": server.provider}), flush=True)
        await stopped.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A stand-in for an OpenAI-compatible model provider.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=40, help="in each streamed answer")
    parser.add_argument(
        "--tokens-per-second", type=float, help="of each answer; as fast as it goes if not given"
    )
    parser.add_argument(
        "--stamped", action="store_true", help="each token is the time it was sent, in nanoseconds"
    )
    parser.add_argument(
        "--figures",
        action="store_true",
        help="sentences with figures, each of which ends in its time, in letters",
    )
    parser.add_argument(
        "--calls", action="store_true", help=f"first calls the calculator where the question is: {SUM}"
    )
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))

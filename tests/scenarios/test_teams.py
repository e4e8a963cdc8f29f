"""A sum and a question about a table, answered by teams with tools: the same words on every transport, and after a
crash in the middle of a call."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
from a2a.client import AuthInterceptor, ClientConfig, create_client
from a2a.helpers import get_artifact_text
from a2a.types import GetTaskRequest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.agents.tools import catalog
from conversations.datasets import queries as data_queries
from conversations.domain import markdown, steps
from conversations.domain.enums import RULES
from conversations.domain.transcript import State
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from conversations.services import datasets
from streaming.transports.a2a import task
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Reply, calls, says
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.scenarios.test_every_transport import Key, by_sse, by_websocket, standing
from tests.streaming.transports.agui.client import agent
from tests.support import api_keys, debates
from tests.support.servers import ROOT
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)

OPEN_WEBUI: Final = json.loads((ROOT / "tests" / "clients" / "open_webui.json").read_text())
SALES: Final = b"shop,amount\nNorth,3.10\nSouth,2.20\nNorth,1.30\n"


@dataclass(frozen=True)
class Asked:
    """A question, what the model answers to it, and what is shown of that; `actions` are the calls, in words."""

    question: str
    replies: tuple[Reply, ...]
    panel: str
    routed: str
    said: tuple[str, ...]
    actions: tuple[str, ...]
    file: bytes | None = None


def query(sql: str) -> Reply:
    return calls(("query", {"sql": sql}))


FIRST: Final = "SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY total DESC"
SECOND: Final = "SELECT sum(amount) AS north FROM sales WHERE shop = 'North'"
SUM: Final = Asked(
    question="What is 15% of 850?",
    replies=(calls(("calculate", {"expression": "15% of 850"})), says("15% of 850 ", "is 127.5 [E1].")),
    panel="general-assistant",
    routed="Team: General assistant. The question is a calculation.",
    said=("15% of 850 is 127.5 [E1].",),
    actions=("Action: calculate(15% of 850)",),
)
DATA: Final = Asked(
    question="Which shop sold most?",
    replies=(
        query(FIRST),
        says("North has ", "4.40 [E1]."),
        query(SECOND),
        says("Both agree ", "in 4.40 [E3]."),
        says("North sold most, ", "4.40 [E1]."),
    ),
    panel="data-team",
    routed="Team: Data team. There are tables to ask.",
    said=("North has 4.40 [E1].", "Both agree in 4.40 [E3].", "North sold most, 4.40 [E1]."),
    actions=(f"Action: query({FIRST})", f"Action: query({SECOND})"),
    file=SALES,
)


@pytest.fixture(params=[pytest.param(SUM, id="sum"), pytest.param(DATA, id="data")])
def asked(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Asked:
    settings.OUTCRY_DATASETS_FOLDER = tmp_path / "datasets"
    found: Asked = request.param
    return found


async def test_a_team_reads_the_same_on_every_transport(
    asked: Asked, alice: User, settings: Settings, openai: OpenAIServer, tmp_path: Path
) -> None:
    openai.answer(*asked.replies)
    _, key = await api_keys.made(alice)
    bearer = {"Authorization": f"Bearer {key}"}
    async with (
        serving(settings) as site,
        httpx.AsyncClient(base_url=site, headers=bearer, timeout=PATIENCE_SECONDS) as http,
    ):
        text = await open_webui(http, asked)
        found = await database.call(Conversation.objects.get)
        id_, dice = str(found.pk), random.Random(1)
        heard = await asyncio.gather(by_websocket(site, id_, key, dice), by_sse(site, id_, key, dice))
        async with agent(tmp_path, site, key, threadId=id_) as client:
            agui = await client.run(runId="run")
        told = await by_a2a(site, id_, key)
        written = (await http.get(f"/api/conversations/{id_}/export", params={"format": "md"})).text
    stored = await debates.state(found)
    lines = done(stored)
    assert (found.panel, found.is_automatic) == (asked.panel, True)
    said = standing(stored)
    assert (by_models(stored), tuple(lines[::2])) == ([*asked.said], asked.actions)
    assert stored["complete"]["reason"] == "not_a_debate"
    assert [*heard] == [said] * 2
    # Of OpenAI's format: each step is a quote, each agent a heading, in this order.
    assert list(quotes(text)) == [asked.routed, *lines]
    sections = [
        f"{markdown.heading(each, with_round=False)}\n\n{each['text']}" for each in stored["messages"]
    ]
    assert [section for section in sections if section in text] == sections
    assert "Verdict" not in text
    assert called_by_agui(agui.messages) == lines
    assert [each["content"] for each in agui.messages if each["role"] == "assistant"] == said
    assert told == [*lines, *said]
    assert all(line in written for line in (asked.routed, *lines, *asked.said))


def by_models(stored: State) -> list[str]:
    """What models have said; rules have said the rest."""
    spoken = [each for each in stored["messages"] if each["state"] == "done" and each["provider"] != RULES]
    return [each["text"] for each in spoken]


def done(stored: State) -> list[str]:
    """The calls and their results, in words, in the order of the calls."""
    return [steps.line(type_, call) for call in stored["tools"] for type_ in ("tool_start", "tool_end")]


def quotes(text: str) -> list[str]:
    """The steps in a Markdown."""
    lines = [line.removeprefix("> ") for line in text.splitlines()]
    return [line for line in lines if line.startswith(("Team: ", "Action: ", "Result: "))]


def called_by_agui(messages: list[dict[str, Any]]) -> list[str]:
    results = {each["toolCallId"]: each["content"] for each in messages if each["role"] == "tool"}
    calls_ = [call for said in messages for call in said.get("toolCalls", ())]
    lines = []
    for call in calls_:
        function = call["function"]
        start = {"tool": function["name"], "input": function["arguments"]}
        lines += [steps.line("tool_start", start), steps.line("tool_end", {"output": results[call["id"]]})]
    return lines


async def open_webui(http: httpx.AsyncClient, asked: Asked) -> str:
    """The question as Open WebUI asks it, in its own recorded request; with a file, by the metadata of OpenAI's
    format."""
    [chat] = [request for request in OPEN_WEBUI["requests"] if request["name"] == "chat"]
    messages = [{"role": "user", "content": asked.question}]
    body = {**chat["body"], "model": "outcry-auto", "messages": messages}
    if asked.file is not None:
        uploaded = await http.post("/api/datasets/", files={"file": ("sales.csv", asked.file)})
        body["metadata"] = {"datasets": uploaded.json()["id"]}
    answer = await http.post(chat["path"], headers=chat["headers"], content=json.dumps(body))
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines)


async def by_a2a(site: str, conversation: str, key: str) -> list[str]:
    """The calls and their results, in words, then what was said."""
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=["JSONRPC"])
        client = await create_client(site, config, interceptors=[AuthInterceptor(Key(key))])
        told = await client.get_task(GetTaskRequest(id=conversation))
    kept = [each for each in told.artifacts if each.artifact_id not in {task.VERDICT, task.RECORD}]
    texts = [(":" in each.artifact_id, get_artifact_text(each, "")) for each in kept]
    said = [text for is_call, text in texts if not is_call]
    assert told.status.message.parts[0].text == said[-1]
    assert told.metadata["routing"]["by"] == "rules"
    return [line for is_call, text in texts if is_call for line in text.split("\n\n")] + said


@dataclass
class Held:
    """Calls of tools pass here; the one with this number, from 1 on, does not return before its run ends."""

    number: int
    inputs: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def passes(self, call: Callable[..., Awaitable[Any]], *given: Any, **how: Any) -> Any:
        self.inputs.append(next(str(each) for each in reversed(given) if not isinstance(each, datetime)))
        if len(self.inputs) == self.number:
            self.reached.set()
            await asyncio.Event().wait()
        return await call(*given, **how)


async def test_a_run_that_dies_in_the_middle_of_a_call_goes_on(
    asked: Asked, alice: User, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held = Held(len(asked.actions))
    calculator = catalog.TOOLS["calculate"]
    repeatable = replace(calculator, function=partial(held.passes, calculator.function))
    monkeypatch.setitem(cast("dict[str, Any]", catalog.TOOLS), "calculate", repeatable)
    monkeypatch.setattr(data_queries, "run", partial(held.passes, data_queries.run))
    conversation = await debates.created(
        alice, topic=asked.question, panel="auto", datasets=await uploaded(alice, asked, tmp_path)
    )
    openai.answer(*asked.replies)
    run = supervisor.launch(conversation.pk)
    await asyncio.wait_for(held.reached.wait(), PATIENCE_SECONDS)
    turn = [place for place, reply in enumerate(asked.replies) if reply.calls][-1]
    [(_, written)] = asked.replies[turn].calls
    await debates.until_stored(conversation, "tool_start", input=written)
    run.cancel()
    await asyncio.wait([run])
    await debates.lapse(conversation)
    openai.forget()
    # From the turn on in which it died.
    openai.answer(*asked.replies[turn:])
    await supervisor.run(conversation.pk)
    stored = await debates.state(conversation)
    assert by_models(stored) == [*asked.said]
    assert [
        message["discard_reason"] for message in stored["messages"] if message["state"] == "discarded"
    ] == ["interrupted"]
    # What had ended is not called again; the call that had not is, and its first start has no result.
    assert len(held.inputs) == held.number + 1
    assert held.inputs[-1] == held.inputs[-2]
    outcomes = [tool["output"] for tool in stored["tools"]]
    assert [outcome is None for outcome in outcomes] == [*[False] * (held.number - 1), True, False]
    assert (stored["complete"]["reason"], stored["status"]) == ("not_a_debate", "completed")
    routed = [data for _, type_, data in await debates.rows(conversation) if type_ == "routing"]
    assert len(routed) == 1


async def uploaded(owner: User, asked: Asked, folder: Path) -> list[str]:
    if asked.file is None:
        return []
    path = folder / "sales.csv"
    path.write_bytes(asked.file)
    found = await datasets.upload(owner, path, len(asked.file), path.name, None, None)
    return [str(found.pk)]

"""A sum, answered with a call: the same words on every transport, and after a crash in the middle of the turn."""

import asyncio
import json
import random
from pathlib import Path

import httpx
import pytest
from a2a.client import AuthInterceptor, ClientConfig, create_client
from a2a.helpers import get_artifact_text
from a2a.types import GetTaskRequest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from streaming.transports.a2a import task
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, says
from tests.fakes.waiting import PATIENCE_SECONDS, Gate
from tests.scenarios.test_every_transport import Key, by_sse, by_websocket
from tests.streaming.transports.agui.client import agent
from tests.support import api_keys, debates
from tests.support.servers import ROOT
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)

SUM = "What is 15% of 850?"
CALL = ("calculate", {"expression": "15% of 850"})
ANSWER = "15% of 850 is 127.5 [E1]."
ROUTED = "Team: General assistant. The question is a calculation."
ACTION, RESULT = "Action: calculate(15% of 850)", "Result: 15% of 850 = 127.5 [E1]"
OPEN_WEBUI = json.loads((ROOT / "tests" / "clients" / "open_webui.json").read_text())


async def test_a_sum_reads_the_same_on_every_transport(
    alice: User, settings: Settings, openai: OpenAIServer, tmp_path: Path
) -> None:
    openai.answer(calls(CALL), says("15% of 850 ", "is 127.5 [E1]."))
    _, key = await api_keys.made(alice)
    bearer = {"Authorization": f"Bearer {key}"}
    async with (
        serving(settings) as site,
        httpx.AsyncClient(base_url=site, headers=bearer, timeout=PATIENCE_SECONDS) as http,
    ):
        text = await open_webui(http)
        found = await database.call(Conversation.objects.get)
        id_, dice = str(found.pk), random.Random(1)
        heard = await asyncio.gather(by_websocket(site, id_, key, dice), by_sse(site, id_, key, dice))
        async with agent(tmp_path, site, key, threadId=id_) as client:
            agui = await client.run(runId="run")
        a2a = await by_a2a(site, id_, key)
        written = (await http.get(f"/api/conversations/{id_}/export", params={"format": "md"})).text
    assert (found.panel, found.is_automatic) == ("general-assistant", True)
    assert text.startswith(f"> {ROUTED}\n\n> {ACTION}\n\n> {RESULT}\n\n## Assistant\n\n{ANSWER}")
    assert "Verdict" not in text
    assert [*heard] == [[ANSWER], [ANSWER]]
    said, result = agui.messages[-2:]
    assert (said["content"], said["toolCalls"][0]["function"]["name"]) == (ANSWER, "calculate")
    assert (result["role"], result["content"]) == ("tool", "15% of 850 = 127.5 [E1]")
    assert a2a == [f"{ACTION}\n\n{RESULT}", ANSWER]
    assert all(line in written for line in (ROUTED, ACTION, RESULT, ANSWER))


async def open_webui(http: httpx.AsyncClient) -> str:
    """The sum as Open WebUI asks it, in its own recorded request."""
    [chat] = [request for request in OPEN_WEBUI["requests"] if request["name"] == "chat"]
    messages = [{"role": "user", "content": SUM}]
    body = {**chat["body"], "model": "outcry-auto", "messages": messages}
    answer = await http.post(chat["path"], headers=chat["headers"], content=json.dumps(body))
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines)


async def by_a2a(site: str, conversation: str, key: str) -> list[str]:
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=["JSONRPC"])
        client = await create_client(site, config, interceptors=[AuthInterceptor(Key(key))])
        told = await client.get_task(GetTaskRequest(id=conversation))
    assert told.status.message.parts[0].text == ANSWER
    kept = [each for each in told.artifacts if each.artifact_id not in {task.VERDICT, task.RECORD}]
    return [get_artifact_text(artifact, "") for artifact in kept]


async def test_a_run_that_is_cut_off_after_a_call_goes_on(alice: User, openai: OpenAIServer) -> None:
    gate = Gate()
    openai.answer(calls(CALL), says("It ", "is ", gate=gate))
    conversation = await debates.created(alice, topic=SUM, panel="auto")
    await debates.cut(conversation, gate, "It ")
    openai.answer(calls(CALL), says("15% of 850 is 127.5 [E2]."))
    await supervisor.run(conversation.pk)
    stored = await debates.state(conversation)
    assert [message["state"] for message in stored["messages"]] == ["discarded", "done"]
    # What is on record stays; the repeated call adds its own item.
    assert [item["id"] for item in stored["evidence"]] == ["E1", "E2"]
    assert [tool["output"][-4:] for tool in stored["tools"]] == ["[E1]", "[E2]"]
    assert [each["label"] for each in stored["messages"][-1]["figures"]][-1] == "matched"
    assert (stored["complete"]["reason"], stored["status"]) == ("not_a_debate", "completed")
    routed = [data for _, type_, data in await debates.rows(conversation) if type_ == "routing"]
    assert len(routed) == 1

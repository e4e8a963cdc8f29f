"""One conversation on every transport at once, by clients that were not written here: equal words everywhere.

All lose their connection again and again, at random: some go on where they stood, the others are told it from its
beginning. One provider fails on the way.
"""

import asyncio
import contextlib
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from a2a.client import AuthInterceptor, ClientConfig, CredentialService, create_client
from a2a.helpers import get_artifact_text
from a2a.types import SubscribeToTaskRequest, Task
from a2a.utils.errors import UnsupportedOperationError
from django.contrib.auth.models import User
from httpx_sse import aconnect_sse
from openai import AsyncOpenAI
from pytest_django import Settings
from websockets.asyncio.client import connect

from conversations.domain import transcript
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import supervisor
from streaming.transports.a2a import task
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Fault, says
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.streaming.transports.agui.client import agent
from tests.support import api_keys, debates
from tests.support.frames import fold_frames
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)

SEED = 20261120
# How often those that do not resume lose theirs: each time they are told it from its beginning.
DROPS = 2
# Messages that stand: what each says, in order.
Words = list[str]


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


def standing(state: transcript.State) -> Words:
    return [
        message["text"]
        for message in state["messages"]
        if message["state"] == "done" and message["kind"] != "thinking"
    ]


async def by_websocket(site: str, conversation: str, key: str, dice: random.Random) -> Words:
    state = transcript.empty()
    url = f"{site.replace('http', 'ws', 1)}/ws/conversations/{conversation}/"
    while state["status"] not in {"completed", "error", "cancelled"}:
        headers = {"Authorization": f"Bearer {key}"}
        async with connect(f"{url}?after={state['head']}", additional_headers=headers) as socket:
            async for text in socket:
                fold_frames([json.loads(text)], state)
                if dice.random() < 0.05:
                    break
    return standing(state)


async def by_sse(site: str, conversation: str, key: str, dice: random.Random) -> Words:
    state = transcript.empty()
    headers = {"X-API-Key": key}
    async with httpx.AsyncClient(base_url=site, headers=headers, timeout=PATIENCE_SECONDS) as http:
        last: dict[str, str] = {}
        while state["status"] not in {"completed", "error", "cancelled"}:
            url = f"/api/conversations/{conversation}/stream"
            async with aconnect_sse(http, "GET", url, headers=last) as stream:
                async for event in stream.aiter_sse():
                    fold_frames([json.loads(event.data)], state)
                    if event.id:
                        last = {"Last-Event-ID": event.id}
                    if dice.random() < 0.05:
                        break
        gone = await http.get(f"/api/conversations/{conversation}/stream", headers=last)
    assert gone.status_code == 204
    return standing(state)


async def by_openai(site: str, conversation: str, key: str, dice: random.Random) -> Words:
    async with AsyncOpenAI(base_url=f"{site}/api/v1", api_key=key, max_retries=0) as client:
        for time in range(DROPS + 1):
            text, finish, heard = "", None, dice.randint(1, 5)
            chunks = await client.chat.completions.create(
                model="outcry-financial-debate",
                messages=[{"role": "user", "content": "Go on."}],
                stream=True,
                metadata={"conversation": conversation},
            )
            async with chunks:
                async for chunk in chunks:
                    for choice in chunk.choices:
                        text += choice.delta.content or ""
                        finish = choice.finish_reason or finish
                        heard -= bool(choice.delta.content)
                    if time < DROPS and heard == 0:
                        break
            if finish is not None:
                break
    assert (finish, time) == ("stop", DROPS)
    # Each voice stands under its heading; what was discarded is told in a block quote behind its words.
    sections = re.split(r"^## .*$\n\n", text, flags=re.MULTILINE)[1:]
    return [
        section.removesuffix("\n\n")
        for section in sections[:-1]
        if not re.search(r"^> ", section, re.MULTILINE)
    ]


async def by_agui(site: str, conversation: str, key: str, dice: random.Random, folder: Path) -> Words:
    for time in range(DROPS):
        # Its program is killed in the middle of a message.
        async with agent(folder, site, key, threadId=conversation) as client:
            await client.begin(runId=f"run-{time}")
            for _ in range(dice.randint(1, 5)):
                await client.until("TEXT_MESSAGE_CONTENT")
    async with agent(folder, site, key, threadId=conversation) as client:
        end = await client.run(runId="run")
    assert (end.run, end.errors) == ("resolved", [])
    return [message["content"] for message in end.messages if message["role"] == "assistant"]


class Key(CredentialService):
    def __init__(self, text: str) -> None:
        self.text = text

    async def get_credentials(self, security_scheme_name: str, context: object) -> str | None:
        return self.text if security_scheme_name == "bearer" else None


async def by_a2a(site: str, conversation: str, key: str, dice: random.Random) -> Words:
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=["JSONRPC"])
        client = await create_client(site, config, interceptors=[AuthInterceptor(Key(key))])
        told: Task | None = None
        with contextlib.suppress(UnsupportedOperationError):
            while told is None or told.status.state not in task.ENDED:
                told = None
                stream = client.subscribe(SubscribeToTaskRequest(id=conversation))
                async with contextlib.aclosing(stream):  # type: ignore[type-var]
                    async for answer in stream:
                        if answer.HasField("task"):
                            told = answer.task
                        elif told is not None:
                            update = (
                                answer.status_update
                                if answer.HasField("status_update")
                                else answer.artifact_update
                            )
                            told = task.apply(told, [update])
                        if dice.random() < 0.05:
                            break
        if told is None or told.status.state not in task.ENDED:
            # It ended while nobody looked.
            from a2a.types import GetTaskRequest

            told = await client.get_task(GetTaskRequest(id=conversation))
    return [
        get_artifact_text(artifact, "")
        for artifact in told.artifacts
        if artifact.artifact_id != task.VERDICT and "discarded" not in artifact.metadata
    ]


async def test_every_door_tells_the_same_words(
    alice: User, site: str, openai: OpenAIServer, settings: Settings, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    words = [f"word{number} " for number in range(60)]
    async with OpenAIServer(model="second") as second:
        settings.OUTCRY_PROVIDERS = [openai.provider, second.provider]
        openai.default = says(
            *words, "€ \u2028 \U0001f4c8 end.", tokens_per_second=200, thoughts=("Secret ", "thoughts.")
        )
        second.default = says("The ", "second ", "speaks.", tokens_per_second=200)
        openai.answer(says("Half a word", fault=Fault.RESET, fault_after=1), to="Market Context")
        conversation: Conversation = await debates.created(alice, rounds=2)
        _, key = await api_keys.made(alice)
        run = supervisor.launch(conversation.pk)
        doors: list[Callable[..., Awaitable[Words]]] = [by_websocket, by_sse, by_openai, by_a2a]
        heard = await asyncio.gather(
            *(door(site, str(conversation.pk), key, random.Random(dice.random())) for door in doors),
            by_agui(site, str(conversation.pk), key, dice, tmp_path),
        )
        await run
    stored = await database.call(transcript.fold, await debates.rows(conversation))
    whole = standing(stored)
    assert len(whole) == 7
    # What they think is stored, and none of these clients takes it for what they say.
    assert "Secret thoughts." in [message["text"] for message in stored["messages"]]
    assert "Secret" not in str(heard)
    for name, told in zip([*(door.__name__ for door in doors), "by_agui"], heard, strict=True):
        assert told == whole, name

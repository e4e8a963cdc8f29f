"""What Open WebUI sends, as it was recorded: a chat is a debate, and what it asks beside is answered without one."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.infrastructure import database
from conversations.models import Conversation
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support.api_keys import made
from tests.support.servers import ROOT
from tests.support.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]

# Of version 0.12.4, with its settings as they come; without the addresses and keys of that day.
RECORDED = json.loads((ROOT / "tests" / "clients" / "open_webui.json").read_text())
REQUESTS: dict[str, Any] = {request["name"]: request for request in RECORDED["requests"]}
TURNS = [
    *(f"{name}, round 1" for name in ("Financial Analyst", "Market Context", "Risk Challenger")),
    *(f"{name}, round 2" for name in ("Financial Analyst", "Market Context", "Risk Challenger")),
    "Moderator",
    "Verdict",
]


@pytest_asyncio.fixture
async def http(settings: Settings, alice: User, openai: OpenAIServer) -> AsyncIterator[httpx.AsyncClient]:
    _, key = await made(alice)
    bearer = {"Authorization": f"Bearer {key}"}
    async with (
        serving(settings) as site,
        httpx.AsyncClient(base_url=site, headers=bearer, timeout=PATIENCE_SECONDS) as http,
    ):
        yield http


async def send(http: httpx.AsyncClient, name: str, **changed: Any) -> httpx.Response:
    request = REQUESTS[name]
    body = None if request["body"] is None else json.dumps({**request["body"], **changed})
    return await http.request(request["method"], request["path"], headers=request["headers"], content=body)


def chunks(answer: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def text_of(answer: httpx.Response) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks(answer))


async def test_the_panels_stand_among_its_models(http: httpx.AsyncClient) -> None:
    answer = await send(http, "models")
    assert [(model["id"], model["name"]) for model in answer.json()["data"]] == [
        ("outcry-financial-debate", "Financial debate"),
        ("outcry-general-assistant", "General assistant"),
        ("outcry-data-team", "Data team"),
        ("outcry-auto", "Choose for me"),
        ("outcry-tasks", "Tasks"),
    ]


async def test_a_chat_is_a_debate_with_its_speakers_for_headings(http: httpx.AsyncClient) -> None:
    answer = await send(http, "chat")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert chunks(answer)[-1]["choices"][0]["finish_reason"] == "stop"
    assert [line[3:] for line in text_of(answer).splitlines() if line.startswith("## ")] == TURNS
    assert (await database.call(Conversation.objects.get)).topic == "Is Tarnwick worth buying?"


async def test_a_further_message_is_a_debate_about_what_the_chat_has(http: httpx.AsyncClient) -> None:
    messages = REQUESTS["chat"]["body"]["messages"]
    text = text_of(await send(http, "chat"))
    further = [
        *messages,
        {"role": "assistant", "content": text},
        {"role": "user", "content": "And with twice the debt?"},
    ]
    answer = await send(http, "chat", messages=further)
    found = await database.call(lambda: Conversation.objects.get(pk=answer.headers["x-outcry-conversation"]))
    assert found.topic == "And with twice the debt?"
    assert found.content == f"User: Is Tarnwick worth buying?\n\nAssistant: {text}"


@pytest.mark.parametrize(("name", "key"), [("tags", "tags"), ("follow-ups", "follow_ups")])
async def test_what_it_asks_after_an_answer_is_answered_without_a_debate(
    http: httpx.AsyncClient, openai: OpenAIServer, name: str, key: str
) -> None:
    openai.answer(says(f'{{"{key}": ["Valves"]}}'))
    answer = await send(http, name)
    assert answer.json()["choices"][0]["message"]["content"] == f'{{"{key}": ["Valves"]}}'
    assert len(openai.asked) == 1
    assert not await database.call(Conversation.objects.exists)


async def test_title_before_the_first_answer_starts_no_debate(http: httpx.AsyncClient) -> None:
    answer = await send(http, "title")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert not await database.call(Conversation.objects.exists)


@pytest.mark.parametrize("name", ["title", "tags", "follow-ups"])
async def test_its_task_model_answers_all_it_asks(
    http: httpx.AsyncClient, openai: OpenAIServer, name: str
) -> None:
    openai.answer(says('{"title": "Tarnwick"}'))
    answer = await send(http, name, model="outcry-tasks")
    assert answer.json()["choices"][0]["message"]["content"] == '{"title": "Tarnwick"}'
    assert not await database.call(Conversation.objects.exists)

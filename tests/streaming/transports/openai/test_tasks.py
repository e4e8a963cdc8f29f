"""What chat clients ask beside a chat: told from questions by structure, answered without a debate, and paid for."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from openai import AsyncOpenAI
from pytest_django import Settings

from conversations.budgets import ledger
from conversations.infrastructure import database
from conversations.models import Conversation, Event
from streaming.transports.openai import tasks
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import fails, says
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support.api_keys import made
from tests.support.serving import serving

on_site = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]

MODEL = "outcry-financial-debate"
QUESTION = "Is Tarnwick worth buying, and why?"
OURS = "## Financial Analyst\n\nMargins rose."
CHAT = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": OURS}]
TITLE = "Name our conversation in four or five words."


def template(form: str, answer: str = OURS) -> str:
    """A task as Open WebUI writes it: instructions, the form of the answer, and the chat."""
    return (
        f"### Task:\nDo something useful with the chat history.\n\n### Output:\nJSON format: {form}\n\n"
        f"### Chat History:\n<chat_history>\nUSER: {QUESTION}\nASSISTANT: {answer}\n</chat_history>"
    )


FORMS = {
    "title": '{ "title": "your concise title here" }',
    "tags": '{ "tags": ["tag1", "tag2"] }',
    "follow-ups": '{ "follow_ups": ["Question 1?", "Question 2?"] }',
    "queries": '{\n  "queries": ["query1", "query2"]\n}',
    "autocompletion": '`{ "text": "<your_completion>" }`',
}


@dataclass(frozen=True)
class Said:
    role: str
    content: str


def chat(last: str, *, answer: str | None = OURS) -> list[Said]:
    earlier = [] if answer is None else [Said("user", QUESTION), Said("assistant", answer)]
    return [*earlier, Said("user", last)]


# Recognition


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_template_with_an_answer_of_ours_in_its_history_is_a_task(form: str) -> None:
    assert tasks.recognised(chat(template(form), answer=None)) is not None


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_template_in_a_chat_with_an_answer_of_ours_is_a_task(form: str) -> None:
    assert tasks.recognised(chat(f"### Task:\nAnswer as {form}.")) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "> **Scripted demo.** From here on no model speaks.",
        "## Risk Challenger, round 1 (demo)\n\nScripted.",
        "> Cut off here\n\n## Moderator\n\nBuy.",
    ],
)
def test_answer_in_each_of_our_forms_makes_a_chat_ours(answer: str) -> None:
    assert tasks.recognised(chat(TITLE, answer=answer)) is not None


def test_an_answer_of_a_composed_panel_is_known_by_any_heading() -> None:
    answer = "## Value\n\nIt is cheap."
    for asked in (TITLE, template(FORMS["title"], answer)):
        assert tasks.recognised(chat(asked, answer=answer), is_composed=True) is not None
        assert tasks.recognised(chat(asked, answer=answer)) is None


@pytest.mark.parametrize(
    "asked",
    [
        TITLE,
        "Please generate a four to five word title summarizing our conversation without any punctuation.",
        "Based on the chat history, give this conversation a name. Keep it short, no quotes.",
        "Provide a concise, 5-word-or-less title for the conversation, in its language.",
        "write a short title for this chat",
        "Summarize the conversation in 5 words or fewer.",
        "Generate 3 tags for this conversation",
        "Suggest three follow-up questions that the user might ask next.",
        "Could you suggest follow-up questions for this discussion?",
        "Pick an emoji for this chat.",
        "Create a brief headline that\ndescribes the discussion",
    ],
)
def test_request_to_name_or_tag_the_chat_is_a_task(asked: str) -> None:
    assert tasks.recognised(chat(asked)) is not None


@pytest.mark.parametrize(
    "asked",
    [
        "And with twice the debt?",
        "Name the strongest risk in this conversation.",
        "Name our conversation's weakest argument.",
        "Suggest a name for the risk that our discussion missed.",
        "What is the name of the company's chief executive?",
        "Is the title to the land worth anything?",
        "Does the headline risk of this discussion matter?",
        "Summarise the discussion and judge again.",
        "Summarise the discussion in 200 words.",
        "What follow-up questions should an analyst ask the management?",
        "Find the name of the auditor in the exchange filing.",
        "Write about the ### Task: of the board",
        f"{TITLE}{' And judge what was said about its margins.' * 20}",
    ],
)
def test_question_about_the_matter_stays_a_question(asked: str) -> None:
    assert tasks.recognised(chat(asked)) is None


@pytest.mark.parametrize("asked", [TITLE, template(FORMS["title"], answer=""), "### Task:\nJudge Tarnwick."])
def test_first_message_of_a_chat_is_never_a_task(asked: str) -> None:
    assert tasks.recognised(chat(asked, answer=None)) is None


@pytest.mark.parametrize("asked", [TITLE, template(FORMS["title"], answer="A maker of valves.")])
def test_chat_with_the_answer_of_another_model_has_no_tasks(asked: str) -> None:
    assert tasks.recognised(chat(asked, answer="A maker of valves.")) is None


@pytest.mark.parametrize(
    ("last", "short"),
    [
        (TITLE, "Is Tarnwick worth buying, and why"),
        (template(FORMS["title"]), '{"title": "Is Tarnwick worth buying, and why"}'),
        (template(FORMS["tags"]), '{"tags": ["General"]}'),
        (template(FORMS["follow-ups"]), '{"follow_ups": []}'),
        (template(FORMS["queries"]), '{"queries": []}'),
        (template(FORMS["autocompletion"]), '{"text": ""}'),
        ("Suggest follow-up questions for this chat.", ""),
    ],
)
def test_answer_without_a_model_has_the_asked_form(last: str, short: str) -> None:
    task = tasks.recognised(chat(last))
    assert task is not None
    assert task.unanswered == short


def test_title_of_a_question_without_spaces_is_cut() -> None:
    task = tasks.of_any_model([Said("user", "值" * 200), Said("assistant", OURS), Said("user", TITLE)])
    assert task.unanswered == f"{'值' * 39}…"


# The endpoint


@pytest_asyncio.fixture
async def http(settings: Settings, alice: User, openai: OpenAIServer) -> AsyncIterator[httpx.AsyncClient]:
    bearer = {"Authorization": f"Bearer {(await made(alice))[1]}"}
    async with (
        serving(settings) as site,
        httpx.AsyncClient(base_url=site, headers=bearer, timeout=PATIENCE_SECONDS) as http,
    ):
        yield http


async def ask(http: httpx.AsyncClient, last: str = TITLE, **changed: Any) -> httpx.Response:
    messages = [*CHAT, {"role": "user", "content": last}]
    return await http.post("/api/v1/chat/completions", json={"model": MODEL, "messages": messages, **changed})


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


async def nothing_is_stored() -> bool:
    return not (await database.call(Conversation.objects.exists) or await database.call(Event.objects.exists))


class TestEndpoint:
    pytestmark = on_site

    async def test_task_is_answered_by_the_first_provider_in_one_call(
        self, http: httpx.AsyncClient, openai: OpenAIServer
    ) -> None:
        openai.answer(says("Tarnwick as a buy"))
        answer = await ask(http)
        assert text_of(answer) == "Tarnwick as a buy"
        body = answer.json()
        assert (body["model"], body["choices"][0]["finish_reason"]) == (MODEL, "stop")
        assert body["usage"] == {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
        assert "x-outcry-conversation" not in answer.headers
        [asked] = openai.asked
        assert asked.messages[-1]["content"].endswith(TITLE)
        assert QUESTION in asked.messages[-1]["content"]
        assert await nothing_is_stored()

    async def test_task_is_answered_as_a_stream_where_one_is_asked_for(
        self, http: httpx.AsyncClient, openai: OpenAIServer
    ) -> None:
        openai.answer(says("Tarnwick \u2028 as a buy"))
        key = http.headers["authorization"].removeprefix("Bearer ")
        messages: Any = [*CHAT, {"role": "user", "content": TITLE}]
        async with AsyncOpenAI(base_url=f"{http.base_url}/api/v1", api_key=key) as client:
            stream = await client.chat.completions.create(
                model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == "Tarnwick \u2028 as a buy"
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices] == [None, "stop"]
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.total_tokens == 150

    async def test_task_counts_in_the_day_of_its_owner(
        self, http: httpx.AsyncClient, openai: OpenAIServer, alice: User
    ) -> None:
        await ask(http)
        for account in ledger.day_accounts(alice.pk, ledger.today()):
            spent = await database.call(ledger.spent, account)
            assert spent is not None
            assert spent.tokens == 150

    async def test_task_beyond_the_days_budget_is_refused(
        self, http: httpx.AsyncClient, openai: OpenAIServer, settings: Settings
    ) -> None:
        settings.OUTCRY_MAX_TOKENS_PER_USER_DAY = 10
        answer = await ask(http)
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "limit_reached")
        assert answer.headers["x-should-retry"] == "false"
        assert openai.asked == []

    async def test_task_that_the_provider_refuses_costs_nothing(
        self, http: httpx.AsyncClient, openai: OpenAIServer, alice: User
    ) -> None:
        openai.answer(fails(401))
        answer = await ask(http)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "provider_unauthorized")
        assert answer.headers["x-should-retry"] == "false"
        spent = await database.call(ledger.spent, ledger.day_accounts(alice.pk, ledger.today())[0])
        assert spent is not None
        assert spent.tokens == 0

    async def test_task_model_takes_any_request_as_a_task(
        self, http: httpx.AsyncClient, openai: OpenAIServer
    ) -> None:
        openai.answer(says("🙂"))
        emoji = [{"role": "user", "content": "Reflect this message by an emoji: ```Margins rose!```"}]
        assert text_of(await ask(http, model="outcry-tasks", messages=emoji)) == "🙂"
        assert await nothing_is_stored()

    async def test_task_model_refuses_a_text_that_nobody_sees(
        self, http: httpx.AsyncClient, openai: OpenAIServer
    ) -> None:
        error = (await ask(http, "\u200b", model="outcry-tasks")).json()["error"]
        assert (error["param"], error["code"]) == ("messages[2].content", "invalid_value")
        assert openai.asked == []

    async def test_long_chat_is_cut_in_the_middle_of_a_task(
        self, http: httpx.AsyncClient, openai: OpenAIServer
    ) -> None:
        await ask(http, template(FORMS["title"], answer=f"{OURS}{'x' * 60_000}"))
        [asked] = openai.asked
        told = asked.messages[-1]["content"]
        assert len(told) < 17_000
        assert told.rstrip().endswith("</chat_history>")

    @pytest.mark.parametrize("provider", ["demo", "local"])
    async def test_task_without_a_fit_model_gets_the_first_words(
        self, http: httpx.AsyncClient, settings: Settings, provider: str
    ) -> None:
        settings.OUTCRY_PROVIDERS = [provider]
        answer = await ask(http, template(FORMS["title"]))
        assert json.loads(text_of(answer)) == {"title": "Is Tarnwick worth buying, and why"}
        assert answer.json()["usage"]["total_tokens"] == 0
        assert await nothing_is_stored()

    async def test_task_needs_the_scope_to_start(self, http: httpx.AsyncClient, alice: User) -> None:
        _, watching = await made(alice, "watch")
        http.headers["Authorization"] = f"Bearer {watching}"
        answer = await ask(http)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_missing")

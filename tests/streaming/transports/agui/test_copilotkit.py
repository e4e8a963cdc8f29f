"""CopilotKit: its own client, over its own runtime with the recipe's agent, sees the debate."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.infrastructure import database
from conversations.models import Conversation
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import fails
from tests.streaming.transports.agui.copilotkit_client import Chat, chat
from tests.streaming.transports.agui.rules import spoken, stored
from tests.support import debates
from tests.support.api_keys import made
from tests.support.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.anywhere]


@pytest_asyncio.fixture
async def page(settings: Settings, alice: User, tmp_path: Path, openai: OpenAIServer) -> AsyncIterator[Chat]:
    _, key = await made(alice)
    async with serving(settings) as site, chat(tmp_path, site, key) as page:
        yield page


async def test_the_recipe_tells_the_debate(page: Chat) -> None:
    answer = await page.say("u1", "Is Tarnwick worth buying?")
    conversation = await database.call(Conversation.objects.get)
    state = await debates.state(conversation)
    assert answer.errors == []
    assert conversation.topic == "Is Tarnwick worth buying?"
    assert answer.state["conversation"] == str(conversation.pk)
    assert answer.state["verdict"] == state["complete"] is not None
    assert spoken(message for message in answer.messages if message["role"] == "assistant") == stored(state)


async def test_a_further_message_is_a_debate_about_what_was_asked_before(page: Chat) -> None:
    first = await page.say("u1", "Is Tarnwick worth buying?")
    second = await page.say("u2", "And with twice the debt?")
    newest = await database.call(Conversation.objects.order_by("-created_at").first)
    assert newest is not None
    assert (second.errors, newest.topic) == ([], "And with twice the debt?")
    assert second.state["conversation"] == str(newest.pk) != first.state["conversation"]
    # The first debate's words stay.
    assert first.messages == second.messages[: len(first.messages)]


async def test_a_failure_is_told(page: Chat, openai: OpenAIServer) -> None:
    openai.answer(fails(401), times=20)
    answer = await page.say("u1", "Is Tarnwick worth buying?")
    assert [error["code"] for error in answer.errors] == ["provider_unauthorized"]

"""Debates of composed panels, with the database and real models' stand-ins: each keeps the version it began with."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.domain.errors import InvalidInput, NotFound
from conversations.domain.requests import NewConversation
from conversations.infrastructure import database
from conversations.models import ComposedPanel, Conversation, PanelVersion
from conversations.privacy import erasure
from conversations.runs import supervisor
from conversations.services import debates as services
from conversations.services import panels
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "openai-compatible:other"
PANEL: dict[str, Any] = {
    "name": "Two views",
    "rounds": 1,
    "agents": [
        {"name": "Value", "role": "Value investor", "instructions": "Argue from value."},
        {
            "name": "Macro",
            "instructions": "Argue from rates.",
            "model": OTHER,
            "streaming": False,
            "color": 4,
        },
    ],
    "judge": {"model": OTHER},
}


@pytest_asyncio.fixture
async def other(settings: Settings, openai: OpenAIServer) -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(model="other") as server:
        settings.OUTCRY_PROVIDERS = [openai.provider, server.provider]
        yield server


def new(panel: ComposedPanel, **values: Any) -> NewConversation:
    return NewConversation.parse({"topic": "Is Tarnwick cheap?", "panel": str(panel.pk), **values})


async def made(owner: User, **fields: Any) -> ComposedPanel:
    version = await database.call(panels.create, owner, {**PANEL, **fields})
    return await database.call(getattr, version, "panel")


async def test_a_debate_goes_on_with_the_version_that_it_began_with(
    alice: User, openai: OpenAIServer, other: OpenAIServer
) -> None:
    panel = await made(alice)
    conversation = await database.call(services.create, alice, new(panel))
    gate = Gate()
    openai.answer(says("Half ", "a sentence", gate=gate), says("Whole."))
    other.answer(says("Rates fall."))
    await debates.cut(conversation, gate, "Half ")
    changed = {**PANEL, "agents": [{"name": "Growth", "instructions": "Argue from growth."}], "judge": None}
    await database.call(panels.change, alice, panel.pk, changed, 1)
    await supervisor.run(conversation.pk)
    state = await debates.state(conversation)
    assert [
        (each["agent"], each["model"], each["text"]) for each in state["messages"] if each["state"] == "done"
    ] == [
        ("Value", "stand-in", "Whole."),
        ("Macro", "other", "Rates fall."),
        ("Moderator", "other", state["complete"]["summary"]),
    ]
    assert (state["status"], state["complete"]["verdict"]) == ("completed", "buy")
    assert "Argue from rates." in other.asked[0].system
    assert "Argue from" not in other.asked[1].system
    fresh = await debates.fresh(conversation)
    assert await database.call(panels.version_of, fresh) == {
        "id": panel.pk,
        "name": "Two views",
        "version": 1,
        "newest_version": 2,
        "agents": [
            {"role": "agent_1", "name": "Value", "color": None, "title": "Value investor"},
            {"role": "agent_2", "name": "Macro", "color": 4, "title": ""},
        ],
    }
    # A debate that starts now has the new version.
    again = await services.restart(alice, conversation.pk)
    await debates.debates_ended()
    state = await debates.state(again)
    assert [each["agent"] for each in state["messages"]] == ["Growth"]
    assert state["complete"]["reason"] == "not_a_debate"


async def test_a_deleted_panel_goes_with_its_last_debate(
    alice: User, openai: OpenAIServer, other: OpenAIServer
) -> None:
    panel = await made(alice)
    conversation = await services.start(alice, new(panel))
    await debates.debates_ended()
    await database.call(panels.delete, alice, panel.pk)
    fresh = await debates.fresh(conversation)
    found = await database.call(panels.version_of, fresh)
    assert found is not None
    assert (found["version"], found["newest_version"]) == (1, None)
    with pytest.raises(NotFound):
        await services.start(alice, new(panel))
    await database.call(erasure.erase, alice.pk, None)
    assert not await database.call(PanelVersion.objects.exists)


async def test_a_panel_whose_model_is_gone_is_not_started(
    alice: User, settings: Settings, openai: OpenAIServer, other: OpenAIServer
) -> None:
    panel = await made(alice)
    settings.OUTCRY_PROVIDERS = [openai.provider]
    with pytest.raises(InvalidInput) as refused:
        await services.start(alice, new(panel))
    assert [(each.field, each.rule) for each in refused.value.problems] == [("panel", "unknown_model")]
    assert not await database.call(Conversation.objects.exists)


async def test_the_estimate_names_each_model_and_has_each_turn(
    alice: User, openai: OpenAIServer, other: OpenAIServer
) -> None:
    panel = await made(alice)
    estimated, _ = await services.estimate(alice, new(panel))
    without, _ = await services.estimate(alice, new(await made(alice, judge=None)))
    assert estimated.provider == f"openai-compatible:stand-in, {OTHER}"
    assert estimated.tokens.low > without.tokens.low


async def test_a_repeated_start_finds_the_first_debate(
    alice: User, openai: OpenAIServer, other: OpenAIServer
) -> None:
    panel = await made(alice)
    first = await services.start(alice, new(panel, idempotency_key="one"))
    second = await services.start(alice, new(panel, idempotency_key="one"))
    await debates.debates_ended()
    assert (first.pk, first.rounds) == (second.pk, 1)


def test_a_version_never_changes(alice: User, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:a"]
    values = {**PANEL, "agents": PANEL["agents"][:1], "judge": None}
    version = panels.create(alice, values)
    with pytest.raises(TypeError):
        version.save()
    with pytest.raises(TypeError):
        PanelVersion.objects.update(number=2)

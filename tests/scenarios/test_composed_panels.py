"""A panel that a person has composed, on every transport: it answers its owner, and does not exist for anybody else."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.services import panels
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.support import api_keys, debates
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Is Tarnwick cheap?"
PANEL: dict[str, Any] = {
    "name": "Two views",
    "rounds": 1,
    "agents": [
        {"name": "Value", "instructions": "Argue from value."},
        {"name": "Macro", "instructions": "Argue from rates.", "model": "openai-compatible:other"},
    ],
    "judge": None,
}


def starts(panel: str) -> dict[str, tuple[str, Any]]:
    """How each transport starts a debate of the panel: path and body."""
    said = {"role": "user", "content": QUESTION}
    parts = [{"text": QUESTION}, {"data": {"panel": panel}}]
    message = {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": parts}
    run = {"threadId": str(uuid4()), "runId": "run", "state": {}, "tools": [], "context": []}
    return {
        "api": ("/api/conversations/", {"topic": QUESTION, "panel": panel}),
        "openai": ("/api/v1/chat/completions", {"model": f"outcry-panel-{panel}", "messages": [said]}),
        "agui": (
            "/ag-ui/",
            {**run, "messages": [{"id": str(uuid4()), **said}], "forwardedProps": {"panel": panel}},
        ),
        "a2a": (
            "/a2a/",
            {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}},
        ),
    }


async def test_a_composed_panel_answers_its_owner_alone_on_every_transport(
    alice: User, bob: User, settings: Settings, openai: OpenAIServer
) -> None:
    keys = {person: (await api_keys.made(person))[1] for person in (alice, bob)}
    async with OpenAIServer(model="other", default=says("Rates fall.")) as other:
        settings.OUTCRY_PROVIDERS = [openai.provider, other.provider]
        openai.default = says("It is ", "cheap.")
        panel = str((await database.call(panels.create, alice, PANEL)).panel_id)
        async with serving(settings) as site:
            answers = {person: await answered(site, key, panel) for person, key in keys.items()}
            await debates.debates_ended()
            detail, exported = await told(site, keys[alice], json.loads(answers[alice]["api"][1])["id"])
    own, others = answers[alice], answers[bob]
    assert own["listed"] == (200, "Two views")
    chat = json.loads(own["openai"][1])["choices"][0]["message"]["content"]
    assert chat.index("## Value\n\nIt is cheap.") < chat.index("## Macro\n\nRates fall.")
    assert {status for status, _ in own.values()} == {200, 201}
    assert others["listed"] == (404, None)
    assert others["openai"][0] == others["api"][0] == others["agui"][0] == 404
    assert "TASK_NOT_FOUND" in others["a2a"][1]
    assert detail["panel_version"] == exported["conversation"]["panel_version"]
    found = detail["panel_version"]
    assert (found["id"], found["name"], found["version"], found["newest_version"]) == (
        panel,
        "Two views",
        1,
        1,
    )
    rows = await database.call(lambda: [*Conversation.objects.order_by("created_at")])
    # By each transport one, of the panel's own number of rounds.
    assert [(row.owner_id, row.panel, row.rounds) for row in rows] == [(alice.pk, panel, 1)] * 4
    for row in rows:
        state = await debates.state(row)
        assert [each["text"] for each in state["messages"]] == ["It is cheap.", "Rates fall."]


async def answered(site: str, key: str, panel: str) -> dict[str, tuple[int, Any]]:
    """What each transport answers, and the name of the panel in the list of OpenAI's models."""
    headers = {"Authorization": f"Bearer {key}", "A2A-Version": "1.0"}
    async with httpx.AsyncClient(base_url=site, headers=headers, timeout=PATIENCE_SECONDS) as http:
        model = f"outcry-panel-{panel}"
        names = {each["id"]: each["name"] for each in (await http.get("/api/v1/models")).json()["data"]}
        found = await http.get(f"/api/v1/models/{model}")
        answers: dict[str, tuple[int, Any]] = {"listed": (found.status_code, names.get(model))}
        for transport, (path, body) in starts(panel).items():
            answer = await http.post(path, json=body)
            answers[transport] = (answer.status_code, answer.text)
    return answers


async def told(site: str, key: str, conversation: str) -> list[dict[str, Any]]:
    """The state of a debate, and its export."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=site, headers=headers, timeout=PATIENCE_SECONDS) as http:
        at = f"/api/conversations/{conversation}/"
        return [(await http.get(path)).json() for path in (at, f"{at}export?format=json")]

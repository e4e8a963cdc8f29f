"""Panels that people compose, over HTTP: made, changed as versions, imported, exported, deleted, and kept private."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient
from django.utils import timezone
from pytest_django import Settings

from conversations.infrastructure import database
from conversations.models import ComposedPanel, LegalHold, PanelVersion, Preferences
from conversations.services import panels
from tests.conversations.api.conftest import Ask, asking

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/panels/"
PANEL = {"name": "Two views", "agents": [{"name": "Value", "instructions": "Argue from value."}]}


@pytest.fixture(autouse=True)
def providers(settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:a", "openai:b", "demo"]


def client_of(person: User) -> AsyncClient:
    client = AsyncClient()
    client.force_login(person)
    return client


@pytest.fixture
def client(alice: User) -> AsyncClient:
    return client_of(alice)


@pytest.fixture
def other(bob: User) -> Ask:
    return asking(client_of(bob))


async def made(ask: Ask, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = await ask("post", URL, {**PANEL, **fields})
    return found


async def test_a_panel_is_made_changed_as_versions_exported_and_imported(ask: Ask) -> None:
    first = await made(ask)
    at = f"{URL}{first['id']}/"
    assert (first["version"], first["panel"]["judge"], first["panel"]["rounds"]) == (1, {"model": None}, 2)
    changed = {**first["panel"], "name": "Another name", "judge": {"model": "openai:b"}}
    assert (await ask("put", f"{at}?version=1", changed))["version"] == 2
    # Nothing has changed, so there is no new version.
    assert (await ask("put", f"{at}?version=2", changed))["version"] == 2
    status, refused = await ask("put", f"{at}?version=1", changed)
    assert (status, refused["code"]) == (409, "outdated")
    old = await ask("get", f"{at}versions/1/")
    assert (old["panel"], old["version"], old["newest_version"]) == (first["panel"], 1, 2)
    assert [each["version"] for each in old["versions"]] == [2, 1]
    exported = await ask("get", f"{at}export")
    assert exported == changed
    copy = await ask("post", URL, exported)
    assert (copy["panel"], copy["version"]) == (changed, 1)
    listed = await ask("get", URL)
    assert [(row["name"], row["version"], row["agents"][0]["name"]) for row in listed] == [
        ("Another name", 1, "Value"),
        ("Another name", 2, "Value"),
    ]


async def test_templates_and_options_make_a_panel(ask: Ask) -> None:
    options = await ask("get", f"{URL}options/")
    assert (options["models"], options["default_model"]) == (["openai:a", "openai:b"], "openai:a")
    for template in await ask("get", f"{URL}templates/"):
        assert (await made(ask, **template["panel"]))["panel"] == template["panel"]


async def test_a_panel_of_somebody_else_does_not_exist(ask: Ask, other: Ask) -> None:
    panel = await made(ask)
    for id_ in (panel["id"], uuid4()):
        at = f"{URL}{id_}/"
        for method, path in (
            ("get", at),
            ("get", f"{at}versions/1/"),
            ("get", f"{at}export"),
            ("delete", at),
        ):
            assert await other(method, path) == (404, {"code": "not_found", "message": panels.NO_SUCH_PANEL})
        assert (await other("put", at, PANEL))[0] == 404
        for start in ("/api/conversations/", "/api/conversations/estimate"):
            assert (await other("post", start, {"topic": "Is Tarnwick cheap?", "panel": str(id_)}))[0] == 404
    assert await other("get", URL) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"[" * 100_000, b'{"name": "\\ud800"', b'{"a":' * 5_000, b"\xff\xfe", b"9" * 5_000],
)
async def test_a_hostile_import_is_refused_and_stores_nothing(client: AsyncClient, body: bytes) -> None:
    for path in (URL, f"{URL}check"):
        answer = await client.post(path, body, content_type="application/json")
        assert (answer.status_code, json.loads(answer.content)["code"]) == (422, "invalid")
    assert not await database.call(ComposedPanel.objects.exists)


async def test_an_agent_cannot_be_called_as_its_owner(alice: User, ask: Ask) -> None:
    await Preferences.objects.acreate(person=alice, display_name="Ada L")
    agents = [
        {"name": "Alice", "instructions": "x"},
        {"name": "Ada L.", "instructions": "x"},
        {"name": "Value", "instructions": "", "model": "local"},
    ]
    for path in (URL, f"{URL}check"):
        status, refused = await ask("post", path, {"name": "P", "agents": agents})
        assert status == 422
        assert {(each["field"], each["rule"]) for each in refused["errors"]} == {
            ("agents.0.name", "reserved"),
            ("agents.1.name", "reserved"),
            ("agents.2.instructions", "string_too_short"),
            ("agents.2.model", "unknown_model"),
        }


async def test_a_deleted_panel_is_gone(alice: User, client: AsyncClient, ask: Ask) -> None:
    panel = await made(ask)
    hold = await LegalHold.objects.acreate(person=alice, reason="an audit")
    assert (await ask("delete", f"{URL}{panel['id']}/"))[1]["code"] == "not_erasable"
    await LegalHold.objects.filter(pk=hold.pk).aupdate(lifted_at=timezone.now())
    assert (await client.delete(f"{URL}{panel['id']}/")).status_code == 204
    assert (await ask("get", f"{URL}{panel['id']}/"))[0] == 404
    assert not await database.call(PanelVersion.objects.exists)

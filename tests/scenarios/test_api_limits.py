"""Limits at the HTTP API: what is refused, with which words, and when to try again."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from allauth.account import app_settings as account_settings
from allauth.core.internal import ratelimit
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django import Settings

from config.accounts.middleware import RETRY_SECONDS
from conversations.budgets.service import ConversationBudget
from conversations.domain.budget_guard import Call
from conversations.domain.events import Usage
from conversations.infrastructure import database
from conversations.models import Conversation, LedgerEntry
from tests.fakes.openai_server import OpenAIServer
from tests.support import debates
from tests.support.sockets import browser

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/conversations/"


async def signed_in(person: User) -> AsyncClient:
    client = AsyncClient()
    await database.call(client.force_login, person)
    return client


async def post(client: AsyncClient, path: str, body: object) -> tuple[int, Any, Any]:
    """Status, body and Retry-After of the answer."""
    answer: Any = await client.post(path, json.dumps(body), content_type="application/json")
    return answer.status_code, json.loads(answer.content), answer.headers.get("Retry-After")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"max_usd": 0}, "max_usd", "greater_than"),
    ({"max_usd": -1}, "max_usd", "greater_than"),
    ({"max_usd": "1"}, "max_usd", "float_type"),
    ({"max_usd": True}, "max_usd", "float_type"),
    ({"max_usd": float("nan")}, "max_usd", "finite_number"),
    ({"max_usd": float("inf")}, "max_usd", "finite_number"),
    ({"max_usd": 100_001}, "max_usd", "less_than_equal"),
    ({"max_usd": 0.51}, "max_usd", "less_than_equal"),
    ({"max_tokens": 0}, "max_tokens", "greater_than_equal"),
    ({"max_tokens": 1.5}, "max_tokens", "int_type"),
    ({"max_tokens": 50_001}, "max_tokens", "less_than_equal"),
    ({"max_tokens": 10**30}, "max_tokens", "less_than_equal"),
    ({"max_seconds": 0}, "max_seconds", "greater_than_equal"),
    ({"max_seconds": "60"}, "max_seconds", "int_type"),
    ({"max_seconds": 3_601}, "max_seconds", "less_than_equal"),
]


@pytest.mark.parametrize("path", ["", "estimate"])
@pytest.mark.parametrize(("body", "field", "rule"), WRONG, ids=lambda value: str(value)[:24])
async def test_a_limit_that_breaks_a_rule_is_422_with_field_and_rule(
    alice: User, settings: Settings, path: str, body: dict[str, Any], field: str, rule: str
) -> None:
    settings.OUTCRY_MAX_USD_PER_CONVERSATION = 0.5
    settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION = 50_000
    settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION = 3_600
    status, told, _ = await post(await signed_in(alice), LIST + path, {"topic": "Buy?", **body})
    assert (status, told["code"]) == (422, "invalid")
    [problem] = told["errors"]
    assert (problem["field"], problem["rule"]) == (field, rule)
    assert problem["message"].endswith(".")
    assert await database.call(Conversation.objects.count) == 0


async def test_a_limit_above_the_installation_s_names_what_is_allowed(
    alice: User, settings: Settings
) -> None:
    settings.OUTCRY_MAX_USD_PER_CONVERSATION = 0.5
    _, told, _ = await post(await signed_in(alice), LIST, {"topic": "Buy?", "max_usd": 0.75})
    assert told["errors"][0]["message"] == "Enter 0.5 or less."


async def test_limits_are_taken_and_shown_with_what_was_spent(alice: User, openai: OpenAIServer) -> None:
    client = await signed_in(alice)
    limits = {"max_usd": 0.25, "max_tokens": 90_000, "max_seconds": 600}
    status, started, _ = await post(client, LIST, {"topic": "Buy?", "rounds": 1, **limits})
    assert status == 201
    await debates.debates_ended()
    detail: Any = json.loads((await client.get(f"{LIST}{started['id']}/")).content)
    assert detail["limits"] == {"usd": 0.25, "tokens": 90_000, "seconds": 600}
    assert set(detail["spent"]) == {"usd", "tokens", "seconds"}


async def test_spent_is_what_the_books_say(alice: User) -> None:
    conversation = await debates.created(alice)
    budget = ConversationBudget(conversation.pk)
    for model, kind in (("gpt-4o-mini", "openai"), ("llama3.2", "ollama")):
        usage = Usage(input_tokens=1_000, output_tokens=1_000)
        await budget.settle(await budget.reserve(Call(kind, model, 1_000, 1_000)), usage, 1.5)
    detail: Any = await (await signed_in(alice)).get(f"{LIST}{conversation.pk}/")
    assert json.loads(detail.content)["spent"] == {"usd": None, "tokens": 4_000, "seconds": 3.0}


async def test_an_estimate_stores_nothing(alice: User, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:gpt-4o-mini"]
    settings.OUTCRY_MAX_USD_PER_DAY = 5.0
    status, told, _ = await post(await signed_in(alice), f"{LIST}estimate", {"topic": "Buy?"})
    assert status == 200
    assert told["provider"] == "openai:gpt-4o-mini"
    assert 0 < told["usd"]["low"] < told["usd"]["high"]
    assert 0 < told["tokens"]["low"] < told["tokens"]["high"]
    assert told["left"] == {"usd": 5.0, "tokens": None, "seconds": None}
    assert await database.call(lambda: Conversation.objects.count() + LedgerEntry.objects.count()) == 0


async def test_an_estimate_without_a_price_says_so(alice: User, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["openai:of-no-known-price"]
    _, told, _ = await post(await signed_in(alice), f"{LIST}estimate", {"topic": "Buy?"})
    assert (told["provider"], told["usd"]) == ("openai:of-no-known-price", None)


async def test_a_day_that_is_spent_is_429_until_midnight(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 3, 1, 21, 30, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: evening)
    conversation = await debates.created(alice)
    budget = ConversationBudget(conversation.pk)
    await budget.settle(await budget.reserve(Call("openai", "gpt-4o-mini", 10, 10)), None, 1.0)
    settings.OUTCRY_MAX_TOKENS_PER_USER_DAY = 20
    status, told, wait = await post(await signed_in(alice), LIST, {"topic": "Buy?"})
    assert (status, told) == (
        429,
        {
            "code": "limit_reached",
            "message": "The budget of 20 tokens a day for each person is used up."
            " It is renewed at midnight UTC.",
        },
    )
    assert wait == "9000"


async def test_too_many_starts_are_429_with_retry_after(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_START_RATE = "1/hour"
    client = await signed_in(alice)
    status, started, _ = await post(client, LIST, {"topic": "Buy?", "rounds": 1})
    assert status == 201
    for path, body in ((LIST, {"topic": "Buy?"}), (f"{LIST}{started['id']}/again", {})):
        status, told, wait = await post(client, path, body)
        assert (status, told["code"]) == (429, "too_many_requests")
        assert told["message"].startswith("Too many requests; try again in ")
        assert 1 <= int(wait) <= 3_600


async def test_too_many_commands_are_429_with_retry_after(alice: User, settings: Settings) -> None:
    settings.OUTCRY_CONTROL_RATE = "1/hour"
    conversation = await debates.created(alice)
    client = await signed_in(alice)
    assert (await post(client, f"{LIST}{conversation.pk}/control", {"action": "pause"}))[0] == 202
    for path, body in (("control", {"action": "resume"}), ("input", {"text": "What of the debt?"})):
        status, told, wait = await post(client, f"{LIST}{conversation.pk}/{path}", body)
        assert (status, told["code"]) == (429, "too_many_requests")
        assert 1 <= int(wait) <= 3_600


async def test_too_many_estimates_are_429_with_retry_after(alice: User, settings: Settings) -> None:
    settings.OUTCRY_ESTIMATE_RATE = "1/hour"
    client = await signed_in(alice)
    assert (await post(client, f"{LIST}estimate", {"topic": "Buy?"}))[0] == 200
    status, told, wait = await post(client, f"{LIST}estimate", {"topic": "Buy?"})
    assert (status, told["code"]) == (429, "too_many_requests")
    assert 1 <= int(wait) <= 3_600


@pytest.mark.parametrize("path", ["", "{id}/", "{id}/events"])
async def test_too_many_reads_are_429_with_retry_after(alice: User, settings: Settings, path: str) -> None:
    settings.OUTCRY_READ_RATE = "1/hour"
    conversation = await debates.created(alice)
    client = await signed_in(alice)
    assert (await client.get(LIST)).status_code == 200
    refused = await client.get(LIST + path.replace("{id}", str(conversation.pk)))
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 3_600
    # Commands have a limit of their own.
    assert (await post(client, f"{LIST}{conversation.pk}/control", {"action": "pause"}))[0] == 202


async def test_a_limit_that_nobody_can_wait_for_has_no_retry_after(alice: User, settings: Settings) -> None:
    settings.OUTCRY_MAX_RUNNING_PER_USER = 1
    await debates.created(alice)
    status, _, wait = await post(await signed_in(alice), LIST, {"topic": "Buy?"})
    assert (status, wait) == (429, None)


async def test_again_is_answered_as_a_start(alice: User, carol: User, openai: OpenAIServer) -> None:
    conversation = await debates.created(alice)
    client = await signed_in(alice)
    status, started, _ = await post(client, f"{LIST}{conversation.pk}/again", {})
    assert status == 201
    assert started == {
        "id": started["id"],
        "topic": conversation.topic,
        "status": "queued",
        "url": f"/conversations/{started['id']}/",
        "ws_url": f"/ws/conversations/{started['id']}/",
    }
    assert (await post(await signed_in(carol), f"{LIST}{conversation.pk}/again", {}))[0] == 403
    assert (await post(client, f"{LIST}{uuid4()}/again", {}))[0] == 404


# The WebSocket


async def test_too_many_starts_and_commands_are_told_on_the_websocket(
    alice: User, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_START_RATE = settings.OUTCRY_CONTROL_RATE = "1/hour"
    async with browser(alice, "/ws/conversations/") as tab:
        await tab.send(type="start", topic="Buy?", rounds=1)
        await tab.until("status")
        for action in ("pause", "resume"):
            await tab.send(type="control", action=action)
        told = (await tab.until("error"))["data"]
    assert (told["code"], told["retryable"]) == ("too_many_requests", True)
    assert told["message"].startswith("Too many requests; try again in ")
    async with browser(alice, "/ws/conversations/") as tab:
        await tab.send(type="start", topic="Buy?")
        told = (await tab.until("error"))["data"]
    assert (told["code"], told["retryable"]) == ("too_many_requests", True)


async def test_limits_may_be_given_on_the_websocket(alice: User, openai: OpenAIServer) -> None:
    async with browser(alice, "/ws/conversations/") as tab:
        await tab.send(type="start", topic="Buy?", rounds=1, max_tokens=0)
        told = (await tab.until("error"))["data"]
        assert (told["field"], told["rule"]) == ("max_tokens", "greater_than_equal")
        await tab.send(type="start", topic="Buy?", rounds=1, max_tokens=70_000)
        await tab.until("status")
    assert (await database.call(Conversation.objects.get)).max_tokens == 70_000


# Signing in


def test_too_many_attempts_to_sign_in_say_when_to_try_again(client: Client) -> None:
    address = reverse("account_login")
    answers = [client.post(address, {"login": f"name{number}", "password": "wrong"}) for number in range(31)]
    assert answers[29].status_code == 200
    assert (answers[30].status_code, answers[30].headers["Retry-After"]) == (429, str(RETRY_SECONDS))


def test_what_it_says_is_as_long_as_attempts_are_counted() -> None:
    answered = ("login", "signup", "reset_password", "reset_password_from_key", "change_password")
    windows = [
        rate.duration
        for action in (*answered, "manage_email", "reauthenticate")
        for rate in ratelimit.parse_rates(account_settings.RATE_LIMITS[action])
    ]
    assert set(windows) == {RETRY_SECONDS}

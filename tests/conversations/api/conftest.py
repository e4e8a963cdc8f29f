"""Requests of a person who is signed in."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

LIST = "/api/conversations/"
Ask = Callable[..., Awaitable[Any]]


def asking(client: AsyncClient) -> Ask:
    """Sends a request; returns its JSON, with the status if it is none of success."""

    async def ask(method: str, path: str, body: object = None) -> Any:
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        answer = await getattr(client, method)(path, **sent)
        read = json.loads(answer.content)
        return read if answer.status_code < 400 else (answer.status_code, read)

    return ask


@pytest.fixture
def ask(alice: User) -> Ask:
    client = AsyncClient()
    client.force_login(alice)
    return asking(client)


async def topics(ask: Ask, query: str) -> list[str]:
    return [row["topic"] for row in (await ask("get", f"{LIST}?{query}"))["results"]]

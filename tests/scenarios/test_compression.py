"""What is compressed on its way: pages and the JSON API, and never a stream."""

import json
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.models import Conversation
from tests.fakes.waiting import PATIENCE_SECONDS
from tests.scenarios.test_shut_out import DOORS
from tests.support import api_keys
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)


async def test_pages_and_json_are_compressed_and_padded(
    alice: User, conversation: Conversation, settings: Settings
) -> None:
    _, key = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "gzip"}
    async with serving(settings) as site, httpx.AsyncClient(base_url=site, headers=headers) as http:
        for address in ("/accounts/login/", f"/api/conversations/{conversation.pk}/"):
            lengths = set()
            for _ in range(8):
                answer = await http.get(address)
                assert answer.status_code == 200
                assert answer.headers["Content-Encoding"] == "gzip"
                assert "Accept-Encoding" in answer.headers["Vary"]
                lengths.add(answer.headers["Content-Length"])
            # The same text has many lengths.
            assert len(lengths) > 1
            plain = await http.get(address, headers={"Accept-Encoding": "identity"})
            assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize(("transport", "method", "path", "body"), DOORS)
async def test_streams_are_never_compressed(
    alice: User,
    conversation: Conversation,
    settings: Settings,
    transport: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    _, key = await api_keys.made(alice)
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "gzip, br", "A2A-Version": "1.0"}
    path, content = (
        text.replace("{id}", str(conversation.pk))
        for text in (path, "" if body is None else json.dumps(body))
    )
    async with (
        serving(settings) as site,
        httpx.AsyncClient(base_url=site, headers=headers, timeout=PATIENCE_SECONDS) as http,
        http.stream(method, path, content=content) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert "Content-Encoding" not in answer.headers

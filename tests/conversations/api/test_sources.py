"""Sources over HTTP: uploaded, discussed in a debate, and refused."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from pytest_django import Settings

from conversations.domain.sources import MAX_CHARACTERS, MAX_FILE_BYTES
from conversations.infrastructure import database
from conversations.models import Conversation, Source
from conversations.services import sources
from streaming.http.bounded_body import MAX_UPLOAD
from tests.fakes.openai_server import OpenAIServer
from tests.support import api_keys, debates, files
from tests.support.belongings import source
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/sources/"
REPORT = files.pdf("Revenue grew in 2025.", "Margins fell.")


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as address:
        yield address


def client(site: str, key: str = "") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(base_url=site, headers=headers, trust_env=False, timeout=60)


async def upload(http: httpx.AsyncClient, data: bytes, name: str = "q3.pdf") -> httpx.Response:
    return await http.post(URL, files={"file": (name, data)})


async def test_uploaded_sources_are_what_the_debate_is_about(
    alice: User, site: str, openai: OpenAIServer
) -> None:
    _, key = await api_keys.made(alice)
    async with client(site, key) as http:
        answer = await upload(http, REPORT, "  Q3\u202e   report .pdf")
        assert answer.status_code == 201
        report = answer.json()
        assert {**report, "id": ""} == {
            "id": "",
            "name": "Q3 report .pdf",
            "type": "pdf",
            "characters": 36,
            "pages": 2,
        }
        note = (await upload(http, b"Debt doubled.", "note.txt")).json()
        assert (note["type"], note["pages"]) == ("text", None)
        chosen = {"sources": [report["id"], note["id"]], "rounds": 1}
        estimate = (await http.post("/api/conversations/estimate", json=chosen)).json()
        started = await http.post("/api/conversations/", json=chosen)
        assert (started.status_code, started.json()["topic"]) == (201, "Revenue grew in 2025.")
        await debates.debates_ended()
        address = f"/api/conversations/{started.json()['id']}/"
        assert (await http.get(address)).json()["sources"] == [report, note]
        matches = (await http.get("/api/conversations/", params={"q": "debt doubled"})).json()["results"]
        assert [match["id"] for match in matches] == [started.json()["id"]]
        again = await http.post(f"{address}again")
        shown = await http.get(f"/api/conversations/{again.json()['id']}/")
        assert shown.json()["sources"] == [report, note]
        await debates.debates_ended()
    prompt = "\n".join(str(message["content"]) for message in openai.asked[0].messages)
    assert (
        '{"source": "Q3 report .pdf", "page 1": "Revenue grew in 2025.", "page 2": "Margins fell."}' in prompt
    )
    assert '{"source": "note.txt", "text": "Debt doubled."}' in prompt
    assert estimate["tokens"]["low"] > 0


async def test_source_of_somebody_else_is_404_as_an_unknown_one_is(alice: User, bob: User, site: str) -> None:
    _, key = await api_keys.made(alice)
    theirs = await database.call(source, bob)
    async with client(site, key) as http:
        for address in ("/api/conversations/", "/api/conversations/estimate"):
            answers = [
                await http.post(address, json={"topic": "Buy?", "sources": [str(pk)]})
                for pk in (theirs.pk, uuid4())
            ]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].json() == answers[1].json()
    assert not await database.call(Conversation.objects.exists)


async def test_sources_and_content_are_bounded_in_all(alice: User, site: str) -> None:
    _, key = await api_keys.made(alice)
    found = await database.call(source, alice)
    ids = [str(found.pk)]
    async with client(site, key) as http:
        most = MAX_CHARACTERS - found.characters
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"content": "x" * (most + 1), "sources": ids}, "too_long_in_all"),
            ({"sources": ids * 2}, "duplicate"),
            ({"sources": [str(uuid4()) for _ in range(11)]}, "too_long"),
            ({"sources": ["x"]}, "uuid_parsing"),
        ]
        for values, rule in wrong:
            answer = await http.post("/api/conversations/", json={"topic": "Buy?", **values})
            [problem] = answer.json()["errors"]
            assert (answer.status_code, problem["field"], problem["rule"]) == (422, "sources", rule)


async def test_file_that_is_refused_is_named_and_not_stored(alice: User, site: str) -> None:
    _, key = await api_keys.made(alice)
    async with client(site, key) as http:
        for data, name, code in [
            (b"a,b,c", "prices.csv", "spreadsheet"),
            (files.pdf("x", is_encrypted=True), "secret.pdf", "encrypted"),
            (b"x" * (MAX_FILE_BYTES + 1), "long.txt", "too_large"),
        ]:
            answer = await upload(http, data, name)
            [problem] = answer.json()["errors"]
            assert (answer.status_code, problem["field"], problem["rule"]) == (422, "file", code)
            assert problem["message"].startswith(f"{name}: ")
        missing = await http.post(URL, files={"other": b"x"})
        assert [problem["field"] for problem in missing.json()["errors"]] == ["file"]
        huge = await upload(http, b"x" * (MAX_UPLOAD + 1))
        assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
    assert not await database.call(Source.objects.exists)


async def test_nothing_is_written_for_somebody_who_may_not_upload(
    alice: User, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = files.writes(monkeypatch)
    _, key = await api_keys.made(alice, "watch")
    async with client(site) as nobody, client(site, key) as watcher:
        answers = [await upload(http, b"x" * 4_000_000) for http in (nobody, watcher)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (401, "unauthenticated"),
        (403, "scope_missing"),
    ]
    assert sum(written) == 0


async def test_uploads_are_bounded_in_rate_and_number(
    alice: User, site: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = await api_keys.made(alice)
    async with client(site, key) as http:
        monkeypatch.setattr(sources, "MAX_UNUSED", 1)
        assert (await upload(http, b"Debt doubled.")).status_code == 201
        full = await upload(http, b"Debt doubled.")
        settings.OUTCRY_START_RATE = "1/hour"
        often = [await upload(http, b"Debt doubled.") for _ in range(2)][-1]
    assert [(answer.status_code, answer.json()["code"]) for answer in (full, often)] == [
        (429, "limit_reached"),
        (429, "too_many_requests"),
    ]


async def test_text_that_is_too_long_for_the_model_is_refused_or_cut(
    alice: User, site: str, openai: OpenAIServer, settings: Settings
) -> None:
    settings.OUTCRY_MAX_PROMPT_TOKENS = 4_000
    _, key = await api_keys.made(alice)
    long = {"content": "Revenue grew over the quarter. " * 1_000, "rounds": 1}
    async with client(site, key) as http:
        reading = (await http.post("/api/conversations/estimate", json=long)).json()["reading"]
        assert (reading["characters"], reading["most_tokens"], reading["too_long"]) == (30_999, 3_000, True)
        assert 3_000 < reading["read"] < 20_000
        refused = await http.post("/api/conversations/", json=long)
        assert (refused.status_code, refused.json()["code"]) == (422, "too_long_for_model")
        [problem] = refused.json()["errors"]
        assert (problem["field"], problem["rule"]) == ("content", "too_long_for_model")
        for figure in (reading["tokens"], reading["most_tokens"]):
            assert f"{figure:,}" in problem["message"]
        started = (await http.post("/api/conversations/", json={**long, "truncate": True})).json()
        await debates.debates_ended()
        shown = (await http.get(f"/api/conversations/{started['id']}/")).json()["transcript"]["messages"]
        again = await http.post(f"/api/conversations/{started['id']}/again")
        assert again.status_code == 201
        await debates.debates_ended()
    texts = [{"source": None, "characters": 30_999, "read": reading["read"]}]
    assert [message["texts"] for message in shown] == [texts] * 4
    assert "Revenue grew" in str(openai.asked[0].messages)
    assert len(str(openai.asked[0].messages)) < 20_000


async def test_estimate_says_what_the_local_model_reads(alice: User, site: str, settings: Settings) -> None:
    settings.OUTCRY_PROVIDERS = ["local"]
    _, key = await api_keys.made(alice)
    async with client(site, key) as http:
        answer = await http.post("/api/conversations/estimate", json={"content": "Debt doubled. " * 1_000})
    assert answer.json()["topic"] == "Debt doubled."
    reading = answer.json()["reading"]
    assert (reading["read"], reading["most_tokens"], reading["too_long"]) == (600, None, False)

"""Datasets over HTTP: uploaded, read in another way, asked in SQL, deleted, and refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from conversations.domain.enums import DeletionReason
from conversations.infrastructure import database
from conversations.models import Dataset, DatasetChunk, LegalHold
from conversations.privacy import deletion
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, says
from tests.support import api_keys, belongings, debates
from tests.support.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/datasets/"
SALES = b"day,shop,amount\n03/04/2024,1,1.10\n05/06/2024,2,2.20\n06/06/2024,1,3.30\n"


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    found: Path = tmp_path / "datasets"
    settings.OUTCRY_DATASETS_FOLDER = found
    return found


@pytest_asyncio.fixture
async def http(settings: Settings, folder: Path, alice: User) -> AsyncIterator[httpx.AsyncClient]:
    _, key = await api_keys.made(alice)
    async with serving(settings) as address, client(address, key) as http:
        yield http


def client(address: str, key: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=60)


async def upload(
    http: httpx.AsyncClient, data: bytes = SALES, name: str = "Sales.csv", **values: str
) -> httpx.Response:
    return await http.post(URL, files={"file": (name, data)}, data=values)


def problem(answer: httpx.Response) -> tuple[int, str, str, str]:
    [found] = answer.json()["errors"]
    return answer.status_code, answer.json()["code"], found["field"], found["rule"]


async def test_uploaded_tables_are_asked_read_otherwise_and_deleted(
    http: httpx.AsyncClient, folder: Path
) -> None:
    answer = await upload(http)
    assert answer.status_code == 201
    found = answer.json()
    [table] = found["tables"]
    assert (table["name"], table["rows"], table["samples"][0]) == ("sales", 3, ["03/04/2024", 1, "1.10"])
    assert [(column["name"], column["type"], column["note"]) for column in table["columns"]] == [
        ("day", "text", "order_unknown"),
        ("shop", "integer", None),
        ("amount", "decimal", None),
    ]
    address = f"{URL}{found['id']}/"
    assert (await http.get(URL)).json() == [found]
    assert (await http.get(address)).json() == {**found, "debates": []}
    sql = "SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY shop"
    result = await http.post(f"{address}query", json={"sql": sql})
    assert result.json() == {
        "columns": ["shop", "total"],
        "types": ["BIGINT", "DECIMAL(38,2)"],
        "rows": [[1, "4.40"], [2, "2.20"]],
        "truncated": False,
    }
    change = {"table": "sales", "column": "day", "type": "date", "dates": "dmy"}
    changed = await http.patch(address, json={"columns": [change]})
    assert changed.json()["tables"][0]["samples"][0][0] == "2024-04-03"
    # As on another machine, which has no file of it.
    for path in folder.iterdir():
        path.unlink()
    latest = await http.post(f"{address}query", json={"sql": "SELECT max(day) FROM sales"})
    assert latest.json()["rows"] == [["2024-06-06"]]
    assert (await http.delete(address)).status_code == 204
    assert (await http.get(address)).status_code == 404
    assert not [*folder.iterdir()]
    assert not await database.call(DatasetChunk.objects.exists)


async def test_query_without_a_result_is_422_with_its_rule(http: httpx.AsyncClient) -> None:
    data = b"n\n" + b"1\n" * 9_000
    found = (await upload(http, data, "n.csv")).json()
    expected = {
        "SELECT * FROM read_csv('/etc/passwd')": ("query_refused", "table_function"),
        "DELETE FROM n": ("query_refused", "not_one_select"),
        "SELECT m FROM n": ("query_refused", "query_failed"),
        "SELECT count(*) FROM n a, n b, n c WHERE a.n + b.n > c.n": ("query_stopped", "query_stopped"),
    }
    for sql, (code, rule) in expected.items():
        answer = await http.post(f"{URL}{found['id']}/query", json={"sql": sql})
        assert problem(answer) == (422, code, "sql", rule)


async def test_bad_file_or_type_is_named_and_changes_nothing(http: httpx.AsyncClient, folder: Path) -> None:
    found = (await upload(http)).json()
    files = {*folder.iterdir()}
    wrong: list[tuple[bytes, dict[str, str], str]] = [
        (b"a,b\n1\n", {}, "bad_cells"),
        (b"\x00", {}, "unknown_type"),
        (SALES, {"dates": "x"}, "literal_error"),
    ]
    for data, values, rule in wrong:
        answer = await upload(http, data, "x.csv", **values)
        assert problem(answer)[0::3] == (422, rule)
    change = {"table": "sales", "column": "day", "type": "integer"}
    answer = await http.patch(f"{URL}{found['id']}/", json={"columns": [change]})
    assert problem(answer) == (422, "invalid", "columns", "bad_value")
    assert "Line 2, column “day”: “03/04/2024”" in answer.json()["errors"][0]["message"]
    unknown = {"table": "sales", "column": "x", "type": "text"}
    answer = await http.patch(f"{URL}{found['id']}/", json={"columns": [unknown]})
    assert problem(answer)[2:] == ("columns", "unknown_column")
    assert (await http.get(URL)).json() == [found]
    assert {*folder.iterdir()} == files
    assert await database.call(Dataset.objects.count) == 1


async def test_dataset_of_somebody_else_is_404_as_an_unknown_one_is(
    http: httpx.AsyncClient, bob: User
) -> None:
    theirs = await database.call(belongings.dataset, bob)
    for method, path, body in [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PATCH", "", {"columns": [{"table": "secret", "column": "said", "type": "text"}]}),
        ("POST", "query", {"sql": "SELECT * FROM secret"}),
    ]:
        answers = [await http.request(method, f"{URL}{pk}/{path}", json=body) for pk in (theirs.pk, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
    assert (await http.get(URL)).json() == []


async def test_data_of_one_person_is_bounded(http: httpx.AsyncClient, settings: Settings) -> None:
    settings.OUTCRY_MAX_DATASET_MB = 1
    large = await upload(http, b"x\n" * 600_000, "large.csv")
    assert problem(large) == (422, "invalid", "file", "too_large")
    settings.OUTCRY_MAX_DATASET_TABLES = 1
    assert (await upload(http)).status_code == 201
    answer: Any = await upload(http)
    assert (answer.status_code, answer.json()["code"]) == (429, "limit_reached")


async def test_legal_hold_keeps_datasets(http: httpx.AsyncClient, alice: User) -> None:
    found = await database.call(belongings.dataset, alice)
    hold = LegalHold(person=alice, reason="x", placed_at=timezone.now())
    await database.call(hold.save)
    answer = await http.delete(f"{URL}{found.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_erasable")
    assert await database.call(Dataset.objects.count) == 1


async def test_debate_keeps_its_datasets(http: httpx.AsyncClient, bob: User, openai: OpenAIServer) -> None:
    found = (await upload(http)).json()
    debates_url = "/api/conversations/"
    theirs = await database.call(belongings.dataset, bob)
    for pk in (theirs.pk, uuid4()):
        refused = await http.post(debates_url, json={"topic": "Sales?", "datasets": [str(pk)]})
        assert (refused.status_code, refused.json()["message"]) == (404, "There is no such dataset.")
    asked = {"topic": "Sales?", "datasets": [found["id"]], "rounds": 1}
    started = (await http.post(debates_url, json=asked)).json()
    await debates.debates_ended()
    again = (await http.post(f"{debates_url}{started['id']}/again")).json()
    await debates.debates_ended()
    for conversation in (started, again):
        detail = (await http.get(f"{debates_url}{conversation['id']}/")).json()
        assert detail["datasets"] == [{"id": found["id"], "name": "Sales.csv"}]
    used_in = (await http.get(f"{URL}{found['id']}/")).json()["debates"]
    assert used_in == [{"id": each["id"], "topic": "Sales?"} for each in (again, started)]
    assert (await http.delete(f"{URL}{found['id']}/")).status_code == 204
    detail = (await http.get(f"{debates_url}{started['id']}/")).json()
    assert detail["datasets"] == []


async def test_question_with_tables_is_answered_by_the_data_team(
    http: httpx.AsyncClient, openai: OpenAIServer, settings: Settings
) -> None:
    found = (await upload(http)).json()
    sql = "SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY total DESC"
    again = "SELECT sum(amount) AS total FROM sales WHERE shop = 1"
    openai.answer(
        calls(("query", {"sql": sql})),
        says("Shop 1 has 4.40 [E1]."),
        calls(("query", {"sql": again})),
        says("Both agree."),
        says("Shop 1 sold most, 4.40 [E1]."),
    )
    asked = {"topic": "Which shop sold most?", "datasets": [found["id"]]}
    started = (await http.post("/api/conversations/", json=asked)).json()
    await debates.debates_ended()
    detail = (await http.get(f"/api/conversations/{started['id']}/")).json()
    assert (detail["status"], detail["panel"], detail["verdict"]) == (
        "completed",
        "data-team",
        "no_verdict",
    )
    messages = detail["transcript"]["messages"]
    assert [message["kind"] for message in messages] == ["action", "validation", "validation", "final"]
    assert messages[-1]["text"] == "Shop 1 sold most, 4.40 [E1]."
    missing = await http.post("/api/conversations/", json={"topic": "Sales?", "panel": "data-team"})
    assert problem(missing) == (422, "invalid", "datasets", "missing")
    settings.OUTCRY_PROVIDERS = ["demo"]
    unable = await http.post("/api/conversations/", json=asked)
    assert problem(unable) == (422, "invalid", "datasets", "model_cannot")


async def test_whole_of_a_long_call_is_read_by_whoever_may_watch(
    http: httpx.AsyncClient, alice: User, bob: User, openai: OpenAIServer
) -> None:
    file = "n\n" + "".join(f"{number}\n" for number in range(3_000))
    found = (await upload(http, file.encode(), "Numbers.csv")).json()
    sql = "SELECT n FROM numbers ORDER BY n" + " " * 5_000
    openai.answer(calls(("query", {"sql": sql})), says("a"), says("b"), says("c"))
    started = await http.post("/api/conversations/", json={"topic": "Which?", "datasets": [found["id"]]})
    await debates.debates_ended()
    detail = (await http.get(f"/api/conversations/{started.json()['id']}/")).json()
    [call] = detail["transcript"]["tools"]
    assert (len(call["input"]), len(call["table"]["rows"])) == (4_000, 40)
    given, result = [f"/api/conversations/texts/{call[name]}" for name in ("input_text", "output_text")]
    answer = await http.get(given)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.json() == {"sql": sql}
    assert (await http.get(result)).json() == {
        "columns": ["n"],
        "types": ["BIGINT"],
        "rows": [[number] for number in range(3_000)],
        "truncated": False,
    }
    _, key = await api_keys.made(bob)
    async with client(str(http.base_url), key) as stranger:
        refused = [await stranger.get(given), await stranger.get(f"/api/conversations/texts/{uuid4()}")]
    assert [each.status_code for each in refused] == [404, 404]
    await database.call(deletion.delete, UUID(started.json()["id"]), DeletionReason.RETENTION)
    assert (await http.get(result)).status_code == 404

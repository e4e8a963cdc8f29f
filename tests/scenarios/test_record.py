"""A debate's record: frozen before the first word, the same for every agent, and every figure checked against it."""

import json
import socket
from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient

from conversations.domain.errors import InvalidInput
from conversations.domain.requests import NewConversation
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.runs import recovery, supervisor
from evidence.record import Snapshot
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import VERDICT, says
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)

AS_OF = datetime(2012, 12, 31, 23, tzinfo=UTC)
APPLE = {"instrument": "Apple", "as_of": AS_OF}


def _cut_after(conversation: Conversation, seq: int) -> None:
    """Take away what a killed process would not have stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM conversations_event WHERE conversation_id = %s AND seq > %s",
            [conversation.pk.hex if connection.vendor == "sqlite" else conversation.pk, seq],
        )


async def held(owner: User, **values: Any) -> tuple[Conversation, list[tuple[str, dict[str, Any]]]]:
    conversation = await debates.created(owner, **values)
    await supervisor.run(conversation.pk)
    return conversation, [(type_, data) for _, type_, data in await debates.rows(conversation)]


def of_type(events: list[tuple[str, dict[str, Any]]], wanted: str) -> list[dict[str, Any]]:
    return [data for type_, data in events if type_ == wanted]


@pytest.fixture
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is cut: only addresses of this machine can be reached."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not ip_address(address[0]).is_loopback:
            pytest.fail(f"it connects to {address}")
        connect(self, address)

    def resolve(host: Any, *_: Any, **__: Any) -> Any:
        pytest.fail(f"it looks up {host}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.usefixtures("only_this_machine")
async def test_a_record_of_the_library_is_frozen_before_the_first_word(
    alice: User, openai: OpenAIServer
) -> None:
    _, events = await held(alice, **APPLE)
    types = [type_ for type_, _ in events]
    assert types.index("snapshot") < types.index("evidence") < types.index("message_start")
    (frozen,) = of_type(events, "snapshot")
    items = [item for data in of_type(events, "evidence") for item in data["items"]]
    assert frozen["instrument"]["symbol"] == "AAPL"
    assert len(items) == frozen["items"] > 20
    record = Snapshot.model_validate(
        {"items": items} | {name: frozen[name] for name in ("as_of", "instrument", "missing")}
    )
    assert record.sha256 == frozen["snapshot"] == of_type(events, "complete")[0]["snapshot"]


async def test_agents_get_the_items_that_they_need_first_and_the_judge_those_cited(
    alice: User, openai: OpenAIServer
) -> None:
    openai.answer(says("It closed at $532.17 [E1], with an RSI of 47 [E10]."), to="Financial Analyst")
    _, events = await held(alice, rounds=1, **APPLE)
    items = {item["id"]: item for data in of_type(events, "evidence") for item in data["items"]}
    started = {data["role"]: data["items"] for data in of_type(events, "message_start")}
    told = {}
    for exchange in openai.asked:
        assert "[E3, E4]" in exchange.system
        (line,) = [
            line for each in exchange.messages for line in each["content"].split("\n") if '"E1"' in line
        ]
        told[exchange.agent] = list(json.loads(line))
        assert json.loads(line)["E1"] == "AAPL close, 2012-12-31: 532.1729 USD"
    # What an agent was given stands in the log.
    assert [*told.values()] == [*started.values()]
    metrics = {role: [items[id_]["metric"] for id_ in ids] for role, ids in started.items()}
    assert metrics["financial_analyst"][:3] == ["close", "revenue", "eps"]
    # The others get what was cited before their own.
    assert metrics["market_context"][:3] == ["close", "rsi_14", "fx"]
    assert metrics["risk_challenger"][:3] == ["close", "rsi_14", "max_drawdown_12m"]
    assert started["moderator"] == ["E1", "E10"]


async def test_figures_are_checked_while_they_are_spoken(alice: User, openai: OpenAIServer) -> None:
    words = ("Apple closed at ", "$532.17 [E1]", ". ", "Its RSI of 71", " is high. ", "Margins are 40 %.")
    openai.answer(says(*words), to="Financial Analyst")
    _, events = await held(alice, **APPLE)
    message = of_type(events, "agent_message")[0]
    checked = [data for data in of_type(events, "figures") if data["message"] == message["message"]]
    assert [data["final"] for data in checked] == [False, False, True]
    assert [(item["text"], item["label"]) for item in checked[-1]["items"]] == [
        ("$532.17", "matched"),
        ("71", "contradicted"),
        ("40 %", "unsupported"),
    ]
    assert [item for data in checked[:-1] for item in data["items"]] == checked[-1]["items"][:2]
    for item in checked[-1]["items"]:
        assert message["content"][item["start"] : item["end"]] == item["text"]
    # The first ones stand in the log before the message has ended.
    types = [type_ for type_, data in events if data.get("message") == message["message"]]
    assert types.index("figures") < types.index("agent_message")
    counts = of_type(events, "complete")[0]["figures"]
    assert (counts["matched"], counts["contradicted"], counts["unsupported"]) == (1, 1, 1)


async def test_of_ten_thousand_figures_two_hundred_are_checked(alice: User, openai: OpenAIServer) -> None:
    openai.answer(says("The close was $532.17. " * 200, "53.2 % " * 9_800), to="Financial Analyst")
    conversation, events = await held(alice, rounds=1, **APPLE)
    client = AsyncClient()
    await client.aforce_login(alice)
    shown = (await client.get(f"/api/conversations/{conversation.pk}/")).json()["transcript"]
    labels = Counter(figure["label"] for figure in shown["messages"][0]["figures"])
    assert labels == {"matched": 200, "unchecked": 9_800}
    assert of_type(events, "complete")[0]["figures"]["unchecked"] == 9_800


async def test_figures_of_a_source_are_evidence(alice: User, openai: OpenAIServer) -> None:
    openai.answer(says("Revenue of $4.2bn [E1] ", "is plenty."), to="Financial Analyst")
    _, events = await held(
        alice, content="Notes. Tarnwick's revenue was $4.2 billion in FY2025. It is sunny."
    )
    (item,) = of_type(events, "evidence")[0]["items"]
    assert (item["value"], item["metric"], item["period"], item["quality"]) == (
        "4200000000",
        "revenue",
        "FY2025",
        "user",
    )
    assert item["label"] == "Tarnwick's revenue was $4.2 billion in FY2025."
    assert of_type(events, "complete")[0]["figures"]["matched"] == 1


async def test_a_debate_without_figures_has_no_record(alice: User, openai: OpenAIServer) -> None:
    _, events = await held(alice)
    assert not {"snapshot", "evidence", "figures"} & {type_ for type_, _ in events}
    assert of_type(events, "complete")[0]["figures"] is None


async def test_a_record_is_read_from_the_log_when_a_run_is_resumed(alice: User, openai: OpenAIServer) -> None:
    openai.answer(says("Apple closed at $532.17 [E1]."), to="Financial Analyst")
    conversation, events = await held(alice, **APPLE)
    rows = [(seq, type_) for seq, type_, _ in await debates.rows(conversation)]
    message = next(seq for seq, type_ in rows if type_ == "agent_message")
    await database.call(_cut_after, conversation, message)
    state, _ = await database.call(recovery.read, conversation.pk)
    record = state.record
    assert record is not None
    assert state.freeze is None
    assert record.snapshot.sha256 == of_type(events, "snapshot")[0]["snapshot"]
    # Its last figures were not stored: they are told now.
    assert [[item.label for item in each.items] for each in state.unchecked] == [["matched"]]


@pytest.mark.parametrize(
    ("values", "field", "rule"),
    [
        ({"instrument": "Appel"}, "instrument", "unknown_instrument"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "as_of", "in_the_future"),
        ({"as_of": "2012-12-31T00:00:00"}, "as_of", "timezone_aware"),
    ],
)
def test_what_cannot_be_put_on_record_is_refused(values: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        NewConversation.parse({"topic": "Buy?", **values})
    (problem,) = refused.value.problems
    assert (problem.field, problem.rule) == (field, rule)


@pytest.mark.parametrize(
    ("second", "verdict"), [("It closed at $532.17.", "buy"), ("Its RSI of 71 is high.", "no_verdict")]
)
async def test_a_verdict_that_contradicts_the_record_is_sent_back_once(
    alice: User, openai: OpenAIServer, second: str, verdict: str
) -> None:
    for summary in ("Its RSI of 71 is high.", second):
        openai.answer(says(json.dumps({**VERDICT, "summary": summary})), to="Moderator", times=1)
    _, events = await held(alice, **APPLE)
    complete = of_type(events, "complete")[0]
    assert complete["verdict"] == verdict
    assert complete["reason"] == (None if verdict == "buy" else "contradicted_figures")
    asked = [exchange for exchange in openai.asked if exchange.agent == "Moderator"]
    assert len(asked) == 2
    assert "71, where E10 gives 47.0097" in asked[1].messages[-1]["content"]


@pytest.mark.parametrize(
    ("as_of", "metric", "reason"),
    [("1999-12-31T23:00:00Z", "close", "before_first_value"), ("2026-01-05T23:00:00Z", "rsi_14", None)],
    ids=["before the first price", "long after the last one"],
)
async def test_a_debate_without_a_current_price_has_no_stance(
    alice: User, openai: OpenAIServer, as_of: str, metric: str, reason: str | None
) -> None:
    _, events = await held(alice, instrument="AAPL", as_of=as_of)
    (frozen,) = of_type(events, "snapshot")
    lacking = {each["metric"]: each["reason"] for each in frozen["missing"] if each["subject"] == "AAPL"}
    assert lacking.get(metric) == reason
    complete = of_type(events, "complete")[0]
    assert (complete["verdict"], complete["reason"]) == ("no_verdict", "prices_missing")
    assert complete["summary"] == VERDICT["summary"]
    assert (complete["confidence"], complete["key_points"]) == (None, [])
    assert of_type(events, "agent_message")[-1]["confidence"] is None

"""The data team, through a real HTTP stand-in and the real sandbox: queries, checks, and an answer from results."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from conversations.agents.tools.query import Data
from conversations.domain.events import AgentMessage, Complete, Evidence, Figures, Routing, ToolEnd, ToolError
from conversations.domain.panels import PANELS
from conversations.orchestration.assignment import Assignment
from conversations.orchestration.data_team import DataTeam
from evidence.datasets.model import Column, Table, Type
from evidence.sandbox.pool import Pool, Result
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, says
from tests.support.held import hold, only, sum_of

QUESTION = "Which shop sold most in 2024?"
FIRST = ("query", {"sql": "SELECT shop, sum(amount) AS total FROM sales GROUP BY shop ORDER BY total DESC"})
SECOND = ("query", {"sql": "SELECT sum(amount) FILTER (WHERE shop = 'North') AS north FROM sales"})


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Data]:
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE sales AS SELECT * FROM (VALUES ('North', 3.10), ('South', 2.20), ('North', 1.30),"
            " ('South', NULL)) AS t(shop, amount)"
        )
    columns = (
        Column(name="shop", label="Shop", type=Type.TEXT),
        Column(name="amount", label="Amount", type=Type.DECIMAL, missing=1, unit="$"),
        Column(name="day", label="Day", type=Type.DATE),
    )
    pool = Pool()

    async def run(sql: str) -> Result:
        return pool.run([path], ["sales"], sql, examined=True)

    yield Data([Table(name="sales", label="Sales", rows=4, columns=columns)], run)
    pool.close()


def team(data: Data, openai: OpenAIServer) -> Assignment:
    held = sum_of(QUESTION, openai)
    held.state.panel, held.state.data = PANELS["data-team"], data
    return held


async def test_answer_comes_from_two_queries_that_agree(data: Data, openai: OpenAIServer) -> None:
    openai.answer(
        calls(FIRST),
        says("North has 4.40 [E1]."),
        calls(SECOND),
        says("Both agree in 4.40 [E3]."),
        says("North sold most, 4.40 [E1]."),
    )
    events = await hold(team(data, openai))
    said = only(AgentMessage, events)
    assert [(each.role, each.kind) for each in said] == [
        ("sql_agent", "action"),
        ("validation_agent", "validation"),
        ("validation_agent", "validation"),
        ("analysis_agent", "final"),
    ]
    first, second = only(ToolEnd, events)
    assert first.table.rows == (("North", "4.40"), ("South", "2.20"))
    assert (first.evidence, second.evidence) == (("E1", "E2"), ("E3",))
    # Rules say what they find to the agent that queries, and as a message to all.
    assert (said[1].provider, said[1].cost) == ("rules", 0)
    assert first.checks == (
        "Rows: 2.",
        "Empty: sales.amount has no value in 1 of 4 rows.",
        "Unit: sales.amount is in $.",
        "Dates: the question names 2024-01-01 to 2024-12-31, and the query reads no column of dates.",
        "Totals: total adds up to 6.60, and so do the rows of sales.",
    )
    for check in first.checks:
        assert check in first.output
        assert f"- {check}" in said[1].content
    assert "It agrees with the first query in 4.40." in second.output
    items = {item.id: item for event in only(Evidence, events) for item in event.items}
    assert (items["E1"].subject, items["E1"].metric, items["E1"].source) == ("North", "total", "your data")
    assert items["E1"].locator.startswith("query ")
    # The agents see the tables; the last one has the results on record, and no tool.
    assert "first_rows" in str(openai.asked[0].messages)
    assert "North" in str(openai.asked[-1].messages)
    assert [each.label for each in only(Figures, events)[-1].items] == ["matched"]
    assert only(Complete, events)[0].reason == "not_a_debate"


async def test_refused_query_is_told_and_disagreement_is_said(data: Data, openai: OpenAIServer) -> None:
    openai.answer(
        calls(("query", {"sql": "SELECT * FROM read_csv('/etc/passwd')"})),
        calls(FIRST),
        says("North has most."),
        calls(("query", {"sql": "SELECT count(*) + 7 AS n FROM sales"})),
        says("They do not agree."),
        says("The two queries do not agree."),
    )
    events = await hold(team(data, openai))
    [refused] = only(ToolError, events)
    assert (refused.code, refused.tool) == ("table_function", "query")
    assert "It agrees with the first query in no figure." in only(ToolEnd, events)[-1].output


async def test_turns_that_have_ended_are_not_repeated(data: Data, openai: OpenAIServer) -> None:
    openai.answer(calls(FIRST), says("a"), calls(SECOND), says("b"), says("c"))
    held = team(data, openai)
    await hold(held)
    del held.state.messages[1:]
    openai.answer(calls(SECOND), says("b"), says("c"))
    again = [event async for event in DataTeam(held.state, held.control, held.budget).events()]
    assert [(each.role, each.provider) for each in only(AgentMessage, again)] == [
        ("validation_agent", "rules"),
        ("validation_agent", "openai-compatible"),
        ("analysis_agent", "openai-compatible"),
    ]


async def test_tables_are_routed_to_the_data_team(data: Data, openai: OpenAIServer) -> None:
    openai.answer(calls(FIRST), says("a"), calls(SECOND), says("b"), says("c"))
    held = team(data, openai)
    held.state.panel, held.state.is_automatic = PANELS["financial-debate"], True
    [routing] = only(Routing, await hold(held))
    assert (routing.panel, routing.by) == ("data-team", "rules")

"""The general assistant, through a real HTTP stand-in: its calls, their results on record, and its answer."""

import json
from dataclasses import replace

import pytest

from conversations.domain.events import (
    AgentMessage,
    Complete,
    Evidence,
    Figures,
    Routing,
    ToolEnd,
    ToolError,
    ToolStart,
    dump,
)
from conversations.local_model import supervisor
from conversations.orchestration.assistant import Assistant
from conversations.providers.catalog import Provider, parse
from tests.fakes import openai_format
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import Reply, calls, refuses, says, sends
from tests.support.held import fold, hold, only, sum_of

SUM = "What is 15% of 850?"
CALL = ("calculate", {"expression": "15% of 850"})


async def test_a_sum_is_a_call_its_result_and_an_answer_in_one_turn(openai: OpenAIServer) -> None:
    openai.answer(calls(CALL), says("15% of 850 is ", "127.5 [E1]."))
    events = await hold(sum_of(SUM, openai))
    types = [event.type for event in events if event.type not in {"status", "token"}]
    assert types == [
        "routing", "snapshot", "message_start", "tool_start", "evidence", "tool_end", "agent_message",
        "figures", "complete",
    ]  # fmt: skip
    [start], [end], [said] = only(ToolStart, events), only(ToolEnd, events), only(AgentMessage, events)
    assert (start.tool, start.call, start.message) == ("calculate", end.call, said.message)
    assert (end.output, end.evidence) == ("15% of 850 = 127.5 [E1]", ("E1",))
    assert (said.kind, said.content) == ("final", "15% of 850 is 127.5 [E1].")
    # The agent has read the result, and what it says of it is checked.
    assert openai.asked[1].messages[-1]["content"] == "15% of 850 = 127.5 [E1]"
    labels = {each.text: each.label for each in only(Figures, events)[-1].items}
    assert labels == {"15%": "assumption", "850": "assumption", "127.5": "matched"}


async def test_an_answer_without_a_debate_has_no_verdict(openai: OpenAIServer) -> None:
    openai.answer(calls(CALL), says("127.5 [E1]."))
    events = await hold(sum_of(SUM, openai))
    complete = only(Complete, events)[0]
    assert (complete.verdict, complete.reason, complete.confidence) == ("no_verdict", "not_a_debate", None)
    assert (complete.figures.matched, dump(events[-1])["status"]) == (1, "completed")
    assert complete.snapshot == fold(events)["snapshot"]["snapshot"]


async def test_calls_side_by_side_are_told_apart(openai: OpenAIServer) -> None:
    rsi = {"subject": "Apple", "metric": "rsi_14", "at": "2012-12-31"}
    days = {"start": "2012-12-24", "end": "2013-01-02", "days": "new_york"}
    money = {"amount": "100", "from_currency": "EUR", "to_currency": "USD", "on": "2012-12-30"}
    openai.answer(
        calls(("look_up", rsi), ("days_between", days), ("convert_currency", money), CALL), says("Done.")
    )
    events = await hold(sum_of("Four things, please.", openai))
    ends = {end.tool: end for end in only(ToolEnd, events)}
    assert {start.call: start.tool for start in only(ToolStart, events)} == {
        end.call: tool for tool, end in ends.items()
    }
    assert ends["look_up"].output.startswith("AAPL rsi 14, 2012-12-31: 47.009703 [E")
    assert ends["look_up"].table.rows[0][:2] == ("2012-12-31", "47.009703")
    assert ends["days_between"].output.partition(": ")[2].startswith("5 [E")
    # The rate of the Friday before.
    assert ends["convert_currency"].output.startswith(
        "100 EUR = 131.83 USD, at 1.3183 USD for 1 EUR on 2012-12-28"
    )
    items = {item.id: item for event in only(Evidence, events) for item in event.items}
    assert (
        {each for end in ends.values() for each in end.evidence} == {*items} == {"E1", "E2", "E3", "E4", "E5"}
    )
    assert items[ends["calculate"].evidence[0]].value * 2 == 255


def numbered(*made: tuple[str, str]) -> Reply:
    """Calls of the calculator, each an id and an expression, as a server sends them that numbers them itself."""
    pieces = [
        {
            "index": place,
            "id": id_,
            "function": {"name": "calculate", "arguments": json.dumps({"expression": sum_})},
        }
        for place, (id_, sum_) in enumerate(made)
    ]
    body = openai_format.delta("stand-in", tool_calls=pieces), openai_format.delta("stand-in", "tool_calls")
    return sends(b"".join(body) + openai_format.DONE)


async def test_results_find_their_calls_whatever_ids_a_server_gives(openai: OpenAIServer) -> None:
    openai.answer(
        numbered(("a\0b", "1 + 1"), ("call_0", "2 + 2"), ("call_0", "3 + 3"), ("x" * 900, "4 + 4")),
        numbered(("call_0", "5 + 5")),
        says("Done."),
    )
    events = await hold(sum_of("Five sums, please.", openai))
    starts = {start.call: json.loads(start.input)["expression"] for start in only(ToolStart, events)}
    ends = {end.call: end for end in only(ToolEnd, events)}
    assert {call: end.output.partition(" = ")[0] for call, end in ends.items()} == starts
    assert len(starts) == 5
    assert {"a\ufffdb", "x" * 200} <= starts.keys()
    # The figures of each result are on record before it, also of the call whose id cannot be stored as it is.
    found = {item.id: item.label for event in only(Evidence, events) for item in event.items}
    assert all(found[id_] in end.output for end in ends.values() for id_ in end.evidence)
    assert len(found) == 5
    # The model gets the ids that it gave, where they tell its calls apart.
    answered = [said["tool_call_id"] for said in openai.asked[-1].messages if said["role"] == "tool"]
    assert {"a\0b", "x" * 900} <= {*answered}
    assert len({*answered}) == 5


async def test_a_tool_of_other_conversations_is_neither_offered_nor_called(openai: OpenAIServer) -> None:
    held = sum_of("How many rows has sales?", openai)
    [assistant] = held.state.panel.speakers
    agent = replace(assistant, tools=("query", "calculate"))
    held.state.panel = replace(held.state.panel, speakers=(agent,))
    held.state.routing = Routing(panel="general-assistant", reason="chosen_at_start")
    openai.answer(calls(("query", {"sql": "SELECT count(*) FROM sales"})), says("I cannot know."))
    events = await hold(held)
    assert [tool["function"]["name"] for tool in openai.asked[0].body["tools"]] == ["calculate"]
    assert [error.code for error in only(ToolError, events)] == ["tool_not_found"]


async def test_a_failed_call_is_told_in_a_sentence(openai: OpenAIServer) -> None:
    openai.answer(
        calls(("calculate", {"expression": "1 / 0"}), ("calculate", {"sum": "2"}), ("conjure", {})),
        says("I could not."),
    )
    events = await hold(sum_of("What is 1 / 0?", openai))
    failed = {error.code: error.reason for error in only(ToolError, events)}
    assert failed["not_arithmetic"] == "The result is not a number, such as in a division by 0."
    assert failed["invalid_arguments"].startswith("expression: This field is required.")
    assert failed["tool_not_found"] == ""
    told = [said["content"] for said in openai.asked[1].messages if said["role"] == "tool"]
    assert "There is no result. The result is not a number, such as in a division by 0." in told
    assert only(AgentMessage, events)[0].content == "I could not."


async def test_calls_of_a_turn_are_limited(openai: OpenAIServer) -> None:
    openai.answer(calls(*[CALL] * 22), says("Enough."))
    events = await hold(sum_of(SUM, openai))
    assert len(only(ToolEnd, events)) == 20
    assert [error.code for error in only(ToolError, events)] == ["too_many_calls"] * 2


async def test_a_server_without_tools_is_told_that_there_are_none(openai: OpenAIServer) -> None:
    openai.answer(refuses("tools is not supported"), says("I cannot calculate here."))
    events = await hold(sum_of(SUM, openai))
    assert only(AgentMessage, events)[0].content == "I cannot calculate here."
    assert "You have no tools here." in openai.asked[1].messages[-1]["content"]


async def test_an_answer_that_has_ended_is_not_given_again(openai: OpenAIServer) -> None:
    openai.answer(calls(CALL), says("127.5 [E1]."))
    first = sum_of(SUM, openai)
    await hold(first)
    asked = len(openai.asked)
    again = Assistant(first.state, first.control, first.budget)
    assert [event async for event in again.events()] == []
    assert len(openai.asked) == asked


@pytest.fixture
def larger_local_model(openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The larger model on this machine, whose server is the stand-in."""

    async def url() -> str:
        return openai.url

    monkeypatch.setattr(supervisor, "url", url)
    return parse("local:qwen2.5-coder-1.5b")


async def test_the_larger_local_model_chooses_a_tool_by_a_schema(
    openai: OpenAIServer, larger_local_model: Provider
) -> None:
    days = {"start": "2024-01-15", "end": "2024-03-01", "days": "calendar"}
    openai.answer(says(json.dumps({"tool": "days_between", "arguments": days})), says("46 [E1]."))
    events = await hold(sum_of("How many days are there from 2024-01-15 to 2024-03-01?", larger_local_model))
    [start], [end] = only(ToolStart, events), only(ToolEnd, events)
    assert (start.tool, json.loads(start.input), end.evidence) == ("days_between", days, ("E1",))
    assert only(AgentMessage, events)[0].content == "46 [E1]."
    choice, answer = (exchange.body for exchange in openai.asked)
    schemas = choice["response_format"]["json_schema"]["schema"]["anyOf"]
    offered = [each["properties"]["tool"]["const"] for each in schemas]
    assert offered == ["days_between", "add_days", "convert_currency", "look_up", "none"]
    assert all(f"- {name}: " in choice["messages"][0]["content"] for name in offered[:-1])
    # The answer may only say the result.
    assert json.dumps(end.output)[1:-1] in answer["grammar"]


async def test_the_larger_local_model_may_choose_no_tool(
    openai: OpenAIServer, larger_local_model: Provider
) -> None:
    openai.answer(says('{"tool": "none"}'), says("I am an assistant."))
    events = await hold(sum_of("Who are you?", larger_local_model))
    assert only(ToolStart, events) == []
    assert only(AgentMessage, events)[0].content == "I am an assistant."
    assert "grammar" not in openai.asked[1].body

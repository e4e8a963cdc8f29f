"""The general assistant, through a real HTTP stand-in: its calls, their results on record, and its answer."""

from conversations.domain.events import (
    AgentMessage,
    Complete,
    Evidence,
    Figures,
    ToolEnd,
    ToolError,
    ToolStart,
    dump,
)
from conversations.orchestration.assistant import Assistant
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import calls, refuses, says
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

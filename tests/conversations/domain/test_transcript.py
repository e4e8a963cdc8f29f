"""The transcript: state and the events that follow it make the state fetched fresh, for every type of event."""

import copy
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.events import EVENTS, EventData, dump
from conversations.event_log import appender, queries
from conversations.infrastructure import database
from tests.support import debates
from tests.support.debates import Row

HISTORY: list[EventData] = [debates.status(Status.QUEUED), *debates.every_event()]
ROWS: list[Row] = [(seq, event.type, dump(event)) for seq, event in enumerate(HISTORY, 1)]


@pytest.mark.django_db(transaction=True)
async def test_a_state_and_the_events_after_it_are_the_state_fetched_fresh(alice: User) -> None:
    conversation = await database.call(debates.create, alice)
    live = await debates.state(conversation)
    seen = set()
    for event in debates.every_event():
        await appender.append(conversation.pk, event)
        for entry in await database.call(queries.read, conversation.pk, live["head"], 10):
            live = transcript.fold([(entry.seq, entry.type, entry.data)], live)
        assert live == await debates.state(conversation), event.type
        seen.add(event.type)
    assert seen == set(EVENTS)


@pytest.mark.parametrize("type_", EVENTS)
def test_every_type_of_event_changes_the_state(type_: str) -> None:
    place = max(seq for seq, name, _ in ROWS if name == type_)
    before = transcript.fold(ROWS[: place - 1])
    after = transcript.fold(ROWS[place - 1 : place], copy.deepcopy(before))
    assert {**after, "head": 0} != {**before, "head": 0}


@given(st.lists(st.integers(0, len(ROWS)), max_size=12).map(sorted))
def test_it_matters_nothing_into_which_pieces_the_events_are_cut(cuts: list[int]) -> None:
    state = transcript.empty()
    for start, end in zip([0, *cuts], [*cuts, len(ROWS)], strict=True):
        state = transcript.fold(ROWS[start:end], state)
    assert state == transcript.fold(ROWS)


@given(
    st.lists(st.tuples(st.integers(0, len(ROWS) - 1), st.integers(0, len(ROWS) - 1)).map(sorted), max_size=30)
)
def test_an_event_that_comes_again_changes_nothing(repeats: list[list[int]]) -> None:
    events = []
    for place, row in enumerate(ROWS):
        events += [row, *(ROWS[again] for again, after in repeats if after == place)]
    assert transcript.fold(events) == transcript.fold(ROWS)


@given(st.integers(0, len(ROWS) - 2))
def test_a_missing_event_is_noticed(missing: int) -> None:
    with pytest.raises(ValueError, match=f"event {missing + 1} is missing before {missing + 2}"):
        transcript.fold(ROWS[:missing] + ROWS[missing + 1 :])


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=20))
def test_tokens_build_the_text_whatever_they_are_made_of(words: list[str]) -> None:
    message = uuid4()
    events: list[EventData] = [debates.message_start(message), *debates.tokens(message, words)]
    state = transcript.fold((seq, event.type, dump(event)) for seq, event in enumerate(events, 1))
    assert state["messages"][0]["text"] == "".join(words)
    assert state["messages"][0]["tokens"] == len(words)


def message_of(state: transcript.State, id_: str) -> transcript.State:
    found: transcript.State = next(message for message in state["messages"] if message["id"] == id_)
    return found


def test_a_whole_message_replaces_what_its_tokens_built() -> None:
    message = uuid4()
    start = debates.message_start(message)
    events: list[EventData] = [
        start,
        debates.token(message, "Half"),
        debates.agent_message(start, "The whole."),
    ]
    said = transcript.fold((seq, event.type, dump(event)) for seq, event in enumerate(events, 1))["messages"][
        0
    ]
    assert (said["state"], said["text"], said["cost"]) == ("done", "The whole.", 0.0125)
    assert said["usage"] == {"input_tokens": 120, "output_tokens": 30}


def test_a_discarded_message_says_why() -> None:
    state = transcript.fold(ROWS)
    lost, kept = state["messages"]
    assert (lost["state"], lost["discard_reason"], lost["text"]) == (
        "discarded",
        "provider_dropped",
        "Half a senten",
    )
    assert (kept["state"], kept["discard_reason"]) == ("done", None)


def test_tools_requests_fallbacks_and_errors_are_told() -> None:
    state = transcript.fold(ROWS)
    assert [(tool["tool"], tool["output"], tool["error"]) for tool in state["tools"]] == [
        ("quote", "€ 41,20", None),
        ("news", None, "tool_failed"),
    ]
    assert [request["state"] for request in state["requests"]] == ["answered", "expired"]
    assert [human["text"] for human in state["humans"]] == ["Five years"]
    assert [fallback["to"] for fallback in state["fallbacks"]] == ["local"]
    assert [error["code"] for error in state["errors"]] == ["provider_rate_limited"]
    assert state["complete"]["verdict"] == "buy"
    assert state["status"] == "completed"


def test_the_digest_tells_two_transcripts_apart() -> None:
    start = debates.message_start(UUID(int=1))
    one, two = debates.agent_message(start, "Buy."), debates.agent_message(start, "Buy!")
    assert transcript.digest([one]) == transcript.digest([one.model_copy(update={"duration_ms": 7})])
    assert len({transcript.digest(said) for said in ([], [one], [two], [one, two], [two, one])}) == 5

"""The closed vocabulary: what is not declared cannot be stored, and a frame is always the same five fields."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from conversations.domain import events
from conversations.domain.enums import TERMINAL, Mode, Stance, Status
from conversations.domain.events import EVENTS, Complete, EventData
from conversations.domain.frames import Frame
from streaming.wire import control_frames
from streaming.wire.control_frames import WIRE_ONLY
from tests.support import debates
from tests.support.frames import CONVERSATION, frame

STORED = {event.type: event for event in debates.every_event()}
WIRE: list[EventData] = [
    control_frames.Hello(
        head=3,
        status=Status.ACTIVE,
        mode=Mode.LIVE,
        recovered=True,
        from_=2,
        heartbeat_seconds=20,
        session=uuid4(),
    ),
    control_frames.Heartbeat(head=4),
    control_frames.Pong(),
    control_frames.Notice(text="Back soon."),
    control_frames.Stream(state=control_frames.StreamState.LAGGING),
]


def test_the_vocabulary_is_the_designed_one() -> None:
    assert set(EVENTS) == {
        "status", "routing", "message_start", "token", "agent_message", "message_discard", "tool_start", "tool_end",
        "tool_error", "input_request", "input_expired", "human_message", "control", "fallback", "error", "complete",
        "snapshot", "evidence", "figures",
    }  # fmt: skip
    assert set(WIRE_ONLY) == {"hello", "heartbeat", "pong", "notice", "stream"}
    assert set(STORED) == set(EVENTS)


def test_the_final_statuses_are_three() -> None:
    assert {str(status) for status in TERMINAL} == {"completed", "cancelled", "error"}


@pytest.mark.parametrize("event", STORED.values(), ids=STORED.keys())
def test_a_stored_event_comes_back_as_it_was(event: EventData) -> None:
    data = json.loads(json.dumps(events.dump(event)))
    assert events.load(event.type, data) == event


@pytest.mark.parametrize("event", [*STORED.values(), *WIRE], ids=lambda event: event.type)
def test_a_field_that_is_not_declared_is_refused(event: EventData) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(event).model_validate({**events.dump(event), "surprise": 1})


@pytest.mark.parametrize("event", STORED.values(), ids=STORED.keys())
def test_an_event_cannot_be_altered(event: EventData) -> None:
    field = next(iter(type(event).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, field, None)


@pytest.mark.parametrize("type_", [*WIRE_ONLY, "of_a_later_version"])
def test_types_that_are_not_in_the_vocabulary_are_not_loaded(type_: str) -> None:
    assert events.load(type_, {}) is None


@pytest.mark.parametrize("event", STORED.values(), ids=STORED.keys())
def test_fields_of_a_later_version_are_ignored_when_loading(event: EventData) -> None:
    assert events.load(event.type, {**events.dump(event), "of_a_later_version": 1}) == event


@pytest.mark.parametrize(
    ("type_", "field", "value"),
    [
        ("status", "status", "finished"),
        ("status", "mode", "simulated"),
        ("token", "offset", -1),
        ("token", "token_count", 0),
        ("agent_message", "confidence", 1.01),
        ("agent_message", "duration_ms", -1),
        ("agent_message", "kind", "bull"),
        ("complete", "verdict", "maybe"),
        ("complete", "confidence", -0.1),
    ],
)
def test_a_value_outside_its_range_is_refused(type_: str, field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        EVENTS[type_].model_validate({**events.dump(STORED[type_]), field: value})


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": Stance.NO_VERDICT, "confidence": None, "reason": None},
        {"verdict": Stance.NO_VERDICT, "confidence": 0.5, "reason": "invalid_answer"},
    ],
)
def test_no_verdict_has_a_reason_and_no_confidence(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no_verdict has a reason and no confidence"):
        debates.complete(**changed)


def test_routing_of_an_earlier_version_is_read() -> None:
    stored = {"panel": "financial-debate", "reason": "chosen_at_start", "confidence": 0.75}
    routing = events.load("routing", stored)
    assert routing is not None
    unknown = {"usage": None, "cost": None}
    assert events.dump(routing) == {**stored, "confidence": "0.75", "by": "person", **unknown}


def test_no_verdict_needs_no_texts() -> None:
    complete = debates.complete(verdict=Stance.NO_VERDICT, confidence=None, reason="demo", summary="")
    assert isinstance(complete, Complete)


def test_a_frame_is_json_with_five_fields() -> None:
    conversation, at = uuid4(), datetime(2026, 5, 4, 3, 2, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    data = {"code": "x", "message": "Grüße \u2028 </script>"}
    frame = Frame.of_event(7, "error", conversation, at, data)
    assert json.loads(frame.text) == {
        "type": "error",
        "seq": 7,
        "conversation": str(conversation),
        "at": "2026-05-04T01:02:01.000005Z",
        "data": {"code": "x", "message": "Grüße \u2028 </script>"},
    }


@pytest.mark.parametrize("event", WIRE, ids=lambda event: event.type)
def test_a_frame_that_is_not_in_the_log_has_no_number(event: EventData) -> None:
    decoded = json.loads(control_frames.wire_frame(None, event).text)
    assert set(decoded) == {"type", "seq", "conversation", "at", "data"}
    assert decoded["seq"] is None


def test_hello_says_from_where_the_events_follow() -> None:
    assert events.dump(WIRE[0])["from"] == 2


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_survives_the_frame(text: str) -> None:
    event = events.HumanMessage(author="alice", text=text)
    assert Frame.decode(frame(1, event).text, CONVERSATION).data["text"] == text


@pytest.mark.parametrize("status", Status)
def test_only_a_final_status_is_the_last_event(status: Status) -> None:
    event = debates.status(status)
    assert frame(1, event).is_last is (status in {Status.COMPLETED, Status.CANCELLED, Status.ERROR})

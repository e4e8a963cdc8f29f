"""Versions that run side by side during an upgrade read each other's events.

`tests/recordings/event_schemas.json` holds the JSON schemas of all events as they were when they were frozen. A later
version may add types, and fields with defaults; write the file anew after that:

    python -m tests.conversations.domain.test_compatibility
"""

import json
from functools import partial
from typing import Any

import pytest

from conversations.domain import transcript
from conversations.domain.enums import Status
from conversations.domain.events import EVENTS, dump
from conversations.event_log import queries
from conversations.infrastructure import database
from conversations.models import Conversation, Event
from conversations.review import timeline
from conversations.runs import endings, recovery
from streaming.hub.subscription import follow
from tests.support import debates
from tests.support.servers import ROOT

SCHEMAS = ROOT / "tests" / "recordings" / "event_schemas.json"
LATER = "of_a_later_version"


def schemas() -> dict[str, Any]:
    """The JSON schema of each event, as it is written."""
    return {type_: model.model_json_schema(mode="serialization") for type_, model in EVENTS.items()}


def frozen() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    return read


def text_of(schemas: dict[str, Any]) -> str:
    """The contents of the file, an event a line."""
    lines = [f"{json.dumps(type_)}: {json.dumps(schema)}" for type_, schema in schemas.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


# What today's version writes, the frozen one reads


@pytest.mark.parametrize("type_", frozen())
def test_fields_are_only_added_and_have_defaults(type_: str) -> None:
    before, now = frozen()[type_], schemas()[type_]
    _require_readable(before, now)
    for name, definition in before.get("$defs", {}).items():
        _require_readable(definition, now["$defs"][name])


def _require_readable(before: dict[str, Any], now: dict[str, Any]) -> None:
    if "properties" not in before:
        assert now == before
        return
    for name, field in before["properties"].items():
        assert {**now["properties"][name], "description": None} == {**field, "description": None}, name
    assert set(now.get("required", ())) == set(before.get("required", ()))


@pytest.mark.parametrize("event", debates.every_event(), ids=lambda event: event.type)
def test_every_frozen_field_is_written(event: Any) -> None:
    assert frozen()[event.type]["properties"].keys() <= dump(event).keys()


# What a later version writes, today's reads


def add_later_events(conversation: Conversation) -> None:
    """Have the log hold what a later version may have written: a type and fields that nobody knows today."""
    events = [each for each in debates.every_event() if each.type not in {"complete", "status"}]
    rows = [("status", dump(debates.status(Status.ACTIVE))), (LATER, {"figure": {"value": "1.5"}})]
    for event in events:
        rows += [(event.type, {**dump(event), LATER: {"deep": [1]}}), (LATER, {})]
    Event.objects.bulk_create(
        Event(conversation=conversation, seq=seq, type=type_, data=data, at=conversation.created_at)
        for seq, (type_, data) in enumerate(rows, conversation.head + 1)
    )
    Conversation.objects.filter(pk=conversation.pk).update(head=conversation.head + len(rows))


@pytest.fixture
def later(conversation: Conversation) -> Conversation:
    conversation.refresh_from_db()
    add_later_events(conversation)
    return Conversation.objects.get(pk=conversation.pk)


@pytest.fixture
def stripped(later: Conversation) -> transcript.State:
    """The state of the log without what today's version does not know."""
    state = transcript.empty()
    for seq, type_, data in queries.read_all(later.pk):
        if type_ != LATER:
            transcript.apply(state, seq, type_, {k: v for k, v in data.items() if k != LATER})
        state["head"] = seq
    return state


@pytest.mark.django_db(transaction=True)
def test_a_later_versions_log_folds_to_what_is_known(later: Conversation, stripped: transcript.State) -> None:
    state = transcript.fold(queries.read_all(later.pk))
    assert state == stripped
    assert state["head"] == later.head
    assert LATER not in json.dumps(state)


@pytest.mark.django_db(transaction=True)
def test_a_later_versions_log_can_be_reviewed(later: Conversation) -> None:
    review = timeline.read(later)
    assert (review.damage, review.state["head"]) == (None, later.head)
    assert {moment.kind for moment in review.moments} >= {"message", "human", "tool", "request", "error"}
    assert review.sha256 is not None


@pytest.mark.django_db(transaction=True)
def test_a_later_versions_log_can_be_recovered(later: Conversation) -> None:
    state, people = recovery.read(later.pk)
    assert [message.content[:9] for message in state.messages] == ["The price"]
    assert (people.head, people.paused) == (later.head, True)
    assert endings.cancelled(later.pk) == []


@pytest.mark.django_db(transaction=True)
async def test_a_later_versions_log_is_delivered_whole(later: Conversation) -> None:
    await database.call(
        Event.objects.bulk_create,
        [
            Event(
                conversation=later,
                seq=later.head + 1,
                type="status",
                data={**dump(debates.status(Status.COMPLETED)), LATER: 1},
                at=later.created_at,
            )
        ],
    )
    await database.call(
        partial(Conversation.objects.filter(pk=later.pk).update, head=later.head + 1, status=Status.COMPLETED)
    )
    delivered = [frame async for frame in follow(later.pk)]
    assert [(frame.seq, frame.type, frame.data) for frame in delivered] == await debates.rows(later)
    assert any(LATER in frame.data for frame in delivered), "fields of a later version are handed on"


def test_a_log_of_an_earlier_version_has_the_defaults_of_later_fields() -> None:
    start, *_ = [each for each in debates.every_event() if each.type == "message_start"]
    whole = next(each for each in debates.every_event() if each.type == "agent_message")
    data = {key: value for key, value in dump(whole).items() if key != "token_count"}
    rows = [(1, "message_start", {**dump(start), "message": data["message"]}), (2, "agent_message", data)]
    assert transcript.fold(rows)["messages"][0]["state"] == "done"


if __name__ == "__main__":
    SCHEMAS.write_text(text_of(schemas()), encoding="utf-8")

"""Versions that run side by side during an upgrade read each other's events.

`tests/recordings/event_schemas.json` holds the JSON schemas of all events as they were when they were frozen. A later
version may add types, and fields with defaults; write the file anew after that:

    python manage.py shell -c "from tests.conversations.domain import test_compatibility as t; t.freeze()"
"""

import json
from functools import partial
from typing import Any

import pytest
from django.test import Client
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from conversations.domain import transcript
from conversations.domain.enums import Action, Status
from conversations.domain.events import EVENTS, EventData, dump, load
from conversations.domain.human_input import HumanInput
from conversations.event_log import queries
from conversations.infrastructure import database
from conversations.models import Conversation, Event
from conversations.review import timeline
from conversations.runs import endings, lease, records, recovery
from evidence.checker.check import check as checked
from evidence.words import Word
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


def freeze() -> None:
    """Write the file, an event a line."""
    lines = [f"{json.dumps(type_)}: {json.dumps(schema)}" for type_, schema in schemas().items()]
    SCHEMAS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


# What today's version writes, the frozen one reads


@pytest.mark.parametrize("type_", frozen())
def test_fields_are_only_added_and_have_defaults(type_: str) -> None:
    before, now = frozen()[type_], schemas()[type_]
    _require_readable(before, now)
    for name, definition in before.get("$defs", {}).items():
        _require_readable(definition, now["$defs"][name])


def _require_readable(before: dict[str, Any], now: dict[str, Any]) -> None:
    if "properties" not in before:
        # A reader takes words that it does not know.
        assert set(before.get("enum", ())) <= set(now.get("enum", ()))
        unchanged = {"enum": None, "description": None}
        assert {**now, **unchanged} == {**before, **unchanged}
        return
    for name, field in before["properties"].items():
        assert {**now["properties"][name], "description": None} == {**field, "description": None}, name
    assert set(now.get("required", ())) == set(before.get("required", ()))


@pytest.mark.parametrize("event", debates.every_event(), ids=lambda event: event.type)
def test_every_frozen_field_is_written(event: Any) -> None:
    # Types that are newer have no field that was frozen.
    written = frozen().get(event.type, {"properties": {}})["properties"]
    assert written.keys() <= dump(event).keys()


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


# Words of a later version: a status, a mode, a kind, a command, a stance


def in_later_words(event: EventData) -> dict[str, Any]:
    """The event's data with each word of a closed set, however deep, replaced by one that nobody knows today."""

    def replaced(value: Any) -> Any:
        match value:
            case Word():
                return LATER
            case dict():
                return {name: replaced(each) for name, each in value.items()}
            case list() | tuple():
                return [*map(replaced, value)]
        return value

    data: dict[str, Any] = to_jsonable_python(replaced(event.model_dump(by_alias=True)))
    return data


@pytest.mark.parametrize(
    "event",
    [each for each in debates.every_event() if in_later_words(each) != dump(each)],
    ids=lambda event: event.type,
)
def test_unknown_words_are_read_as_they_are_and_written_never(event: EventData) -> None:
    later = in_later_words(event)
    read = load(event.type, later)
    assert read is not None
    assert dump(read) == later
    with pytest.raises(ValidationError):
        type(event).model_validate(later)


def test_a_log_with_unknown_words_folds_to_them() -> None:
    rows = [(seq, event.type, in_later_words(event)) for seq, event in enumerate(debates.every_event(), 1)]
    state = transcript.fold(rows)
    assert (state["status"], state["mode"], state["head"]) == (LATER, LATER, len(rows))
    assert (state["messages"][0]["kind"], state["messages"][0]["mode"]) == (LATER, LATER)
    assert (state["controls"][0]["action"], state["complete"]["verdict"]) == (LATER, LATER)
    assert {(item["unit"], item["quality"]) for item in state["evidence"]} == {(LATER, LATER)}
    assert [each["reason"] for each in state["snapshot"]["missing"]] == [LATER]
    record = records.stored(state)
    assert record is not None
    assert [item.unit for item in record.items] == [LATER] * len(record.items)
    assert checked("The close was $5 [E1].", record)


@pytest.mark.parametrize("before", [Action.PAUSE, Action.RESUME])
def test_an_unknown_command_neither_pauses_nor_resumes(before: Action) -> None:
    people = HumanInput()
    for seq, action in enumerate([before, LATER], 1):
        people.take(seq, "control", {"action": action, "actor": "alice"})
    assert people.paused is (before is Action.PAUSE)


@pytest.fixture
def with_later_words(conversation: Conversation) -> Conversation:
    """A conversation in the middle of a message, of a status, mode and kind that today's version does not know."""
    conversation.refresh_from_db()
    start = next(dump(event) for event in debates.every_event() if event.type == "message_start")
    token = next(dump(event) for event in debates.every_event() if event.type == "token")
    rows = [
        ("status", {"status": LATER, "mode": LATER, "reason": LATER}),
        ("message_start", {**start, "kind": LATER, "mode": LATER}),
        ("token", {**token, "message": start["message"], "offset": 0}),
    ]
    Event.objects.bulk_create(
        Event(conversation=conversation, seq=seq, type=type_, data=data, at=conversation.created_at)
        for seq, (type_, data) in enumerate(rows, conversation.head + 1)
    )
    found = Conversation.objects.filter(pk=conversation.pk)
    found.update(head=conversation.head + len(rows), status=LATER[:20], mode=LATER[:10])
    return found.get()


@pytest.mark.django_db(transaction=True)
def test_a_message_of_an_unknown_kind_can_be_cut_and_reviewed(with_later_words: Conversation) -> None:
    [cut] = endings.cancelled(with_later_words.pk)
    assert {name: dump(cut)[name] for name in ("kind", "mode")} == {"kind": LATER, "mode": LATER}
    assert timeline.read(with_later_words).damage is None


@pytest.mark.django_db(transaction=True)
def test_a_debate_of_unknown_status_and_mode_is_shown_and_left_alone(
    with_later_words: Conversation, client: Client
) -> None:
    client.force_login(with_later_words.owner)
    shown = client.get(f"/api/conversations/{with_later_words.pk}/").json()
    assert (shown["status"], shown["mode"]) == (with_later_words.status, with_later_words.mode)
    assert (shown["transcript"]["status"], shown["transcript"]["mode"]) == (LATER, LATER)
    assert lease.claim(with_later_words.pk) is None


@pytest.mark.django_db(transaction=True)
def test_a_debate_of_an_unknown_mode_can_be_claimed(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(mode="later")
    claimed = lease.claim(conversation.pk)
    assert claimed is not None
    assert claimed.mode == "later"

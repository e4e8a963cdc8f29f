"""Queries of a log: the condensed log of every recording folds to the state of the whole one."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from conversations.domain.transcript import apply, empty, fold
from conversations.event_log.queries import condensed, read_all
from conversations.models import Conversation, Event
from tests.recordings.make import HERE, read

pytestmark = pytest.mark.django_db

RECORDINGS = sorted(HERE.glob("*.jsonl"))


def stored(owner: User, recording: Path) -> UUID:
    """A conversation with the log of the recording."""
    conversation = Conversation.objects.create(owner=owner, topic="Is it a buy?")
    Event.objects.bulk_create(
        Event(
            conversation=conversation,
            seq=line["seq"],
            type=line["type"],
            data=line["data"],
            at=datetime.fromisoformat(line["at"]),
        )
        for line in read(recording)["events"]
    )
    return conversation.pk


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_condensed_log_when_folded_gives_the_same_state(alice: User, recording: Path) -> None:
    conversation = stored(alice, recording)
    state = empty()
    for frame in condensed(conversation):
        assert frame.after == state["head"]
        apply(state, frame.seq, frame.type, frame.data)
    assert state == fold(read_all(conversation))


def test_condensed_log_leaves_out_types_without_a_gap(alice: User) -> None:
    conversation = stored(alice, HERE / "tools.jsonl")
    frames = condensed(conversation, left_out=["tool_start"])
    assert "tool_start" not in {frame.type for frame in frames}
    assert [frame.after for frame in frames] == [0, *(frame.seq for frame in frames[:-1])]

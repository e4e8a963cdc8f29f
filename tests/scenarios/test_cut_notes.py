"""A message that was cut off says so on every door that sends text. The recording `tools` has one."""

import io
import json
from collections.abc import Callable
from uuid import UUID

import pytest
from a2a.helpers import get_artifact_text
from ag_ui.core import RunAgentInput
from rich.console import Console

from conversations.domain import markdown
from conversations.domain.frames import Frame
from streaming.transports.a2a import task
from streaming.transports.agui.encoder import RunEncoder
from streaming.transports.openai.markdown import Markdown
from streaming.transports.terminal.view import DebateView
from tests.recordings.make import read
from tests.support.servers import ROOT

NOTE = "Cut off here, at the length limit."
CONVERSATION = UUID(int=1)


def frames() -> list[Frame]:
    recording = read(ROOT / "tests" / "recordings" / "tools.jsonl")
    return [Frame.decode(json.dumps(frame), CONVERSATION) for frame in recording["events"]]


def by_openai() -> str:
    door = Markdown(2)
    return "".join(map(door.write, frames()))


def by_a2a() -> str:
    ids: task.TaskIds = {"task_id": "t", "context_id": "c"}
    updates = task.TaskUpdates(ids)
    told = task.apply(task.empty(ids), (update for frame in frames() for update in updates.take(frame)))
    return "\n".join(map(get_artifact_text, told.artifacts))


def by_agui() -> str:
    asked = {"threadId": "t", "runId": "r", "messages": [], "tools": [], "context": [], "state": {}}
    run = RunAgentInput.model_validate({**asked, "forwardedProps": {}})
    encoder = RunEncoder(run, CONVERSATION, "Tarnwick")
    return b"".join(map(encoder.event, frames())).decode()


def by_terminal() -> str:
    told = io.StringIO()
    show = DebateView(Console(file=told, width=200))
    for frame in frames():
        show.event(frame)
    return told.getvalue()


def by_delivery() -> str:
    return markdown.whole("Tarnwick", "", [(frame.seq, frame.type, dict(frame.data)) for frame in frames()])


@pytest.mark.parametrize("door", [by_openai, by_a2a, by_agui, by_terminal, by_delivery])
def test_a_message_that_was_cut_off_says_so(door: Callable[[], str]) -> None:
    assert NOTE in door()

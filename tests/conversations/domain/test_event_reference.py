"""docs/events.md says every event, its fields and an example, as the code has them."""

import json
import re

import pytest

from conversations.domain.events import EVENTS, load
from tests.recordings import reference


def test_the_page_is_current() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), (
        "run: python -m tests.recordings.reference"
    )


@pytest.mark.parametrize("type_", EVENTS)
def test_each_event_has_an_example_that_is_one(type_: str) -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^## `{type_}`$.*?^```json\n(.*?)\n```$", text, re.M | re.S)
    assert found is not None
    frame = json.loads(found[1])
    assert frame["type"] == type_
    event = load(type_, frame["data"])
    assert event is not None
    assert event.model_dump(mode="json", by_alias=True).keys() >= frame["data"].keys()

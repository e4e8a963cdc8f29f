"""Outages in the server's log: one line when a part goes away, and one when it is back."""

import logging

import pytest

from conversations.infrastructure.availability import Availability
from tests.support.outages import Lines


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    caplog.set_level(logging.WARNING, "conversations.infrastructure.availability")
    return Lines(caplog)


def test_part_stays_away_while_one_of_its_uses_fails(lines: Lines) -> None:
    part = Availability("part", forget_after=60)
    part.failed("write", OSError("away"))
    part.failed("read", OSError("away"))
    part.worked("read")
    part.failed("write", OSError("still away"))
    assert lines.events() == ["part_away"]
    part.worked("write")
    assert lines.events() == ["part_away", "part_back"]


def test_part_is_back_when_the_failed_use_is_not_tried_any_more(lines: Lines) -> None:
    part = Availability("part", forget_after=-1)
    part.failed("write", OSError("away"))
    part.worked("read")
    assert lines.events() == ["part_away", "part_back"]


def test_part_is_back_when_a_use_that_stands_for_all_works(lines: Lines) -> None:
    part = Availability("part", forget_after=60)
    part.failed("write", OSError("away"))
    part.worked("log", stands_for_all=True)
    part.worked("log", stands_for_all=True)
    assert lines.events() == ["part_away", "part_back"]
    # It began before that, and has met what is over.
    part.failed("write", OSError("away"), since=0)
    assert lines.events() == ["part_away", "part_back"]

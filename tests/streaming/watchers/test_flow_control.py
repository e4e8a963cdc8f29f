"""What is in flight to a client is bounded; tokens stop and return at the right levels."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from conversations.domain.frames import Frame
from streaming.watchers.flow_control import HIGH, LOW, MAX_BYTES, MAX_FRAMES, FlowControl
from tests.support.frames import frame_of_text


def frame(seq: int, size: int) -> Frame:
    return frame_of_text(seq, "x" * size)


class Watching(RuleBasedStateMachine):
    """A server that hands frames over while there is room, and a client that acknowledges as it likes.

    Beside the flow runs a plain account of it: the frames that the client has not acknowledged."""

    @initialize()
    def begin(self) -> None:
        self.flow = FlowControl()
        self.sent: list[tuple[int, int]] = []
        self.unacked: list[tuple[int, int]] = []
        self.acks = False
        self.lagging = False
        self.head = 0

    @property
    def level(self) -> float:
        size = sum(size for _, size in self.unacked)
        return max(len(self.unacked) / MAX_FRAMES, size / MAX_BYTES)

    @rule(
        count=st.integers(1, 300),
        size=st.integers(1, 400) | st.integers(1_000, 40_000),
        events=st.integers(1, 5),
    )
    def put(self, count: int, size: int, events: int) -> None:
        for _ in range(count):
            if self.flow.full:
                return
            # A joined frame stands for several events.
            self.head += events
            self.flow.sent(frame(self.head, size))
            if self.acks:
                self.unacked.append((self.head, size))
            self.lagging = self.lagging or self.level >= HIGH

    @rule(data=st.data())
    def ack_something(self, data: st.DataObject) -> None:
        """In any order, again, and between two joined frames' ends."""
        self._ack(data.draw(st.integers(0, self.head)))

    @rule(part=st.floats(0, 1))
    def ack_most(self, part: float) -> None:
        waiting: Sequence[tuple[int, int]] = self.unacked
        self._ack(waiting[int(part * (len(waiting) - 1))][0] if waiting else self.head)

    @rule()
    def ack_all(self) -> None:
        self._ack(self.head)

    @precondition(lambda self: self.acks)
    @rule(seq=st.integers(0, 3))
    def ack_again_what_is_long_taken(self, seq: int) -> None:
        before = (self.flow.level, self.flow.lagging)
        self._ack(min(seq, self.unacked[0][0] - 1) if self.unacked else 0)
        assert (self.flow.level, self.flow.lagging) == before

    def _ack(self, seq: int) -> None:
        # What was sent before the first ack is not held against the client.
        self.acks = True
        self.unacked = [(number, size) for number, size in self.unacked if number > seq]
        self.flow.ack(seq)
        self.lagging = self.lagging and self.level >= LOW

    @invariant()
    def the_level_is_what_is_unacknowledged(self) -> None:
        assert self.flow.level == pytest.approx(self.level)
        assert self.flow.level >= 0

    @invariant()
    def it_lags_from_high_until_below_low(self) -> None:
        assert self.flow.lagging == self.lagging
        if self.flow.level >= HIGH:
            assert self.flow.lagging
        if self.flow.level < LOW:
            assert not self.flow.lagging

    @invariant()
    def full_means_full(self) -> None:
        assert self.flow.full == (self.level >= 1)

    @invariant()
    def what_it_remembers_is_bounded(self) -> None:
        assert len(self.flow._frames) <= MAX_FRAMES
        if not self.acks:
            assert not self.flow._frames

    @invariant()
    def a_client_that_never_acks_costs_nothing(self) -> None:
        if not self.acks:
            assert (self.flow.level, self.flow.lagging, self.flow._bytes) == (0.0, False, 0)


# A busy machine makes slow inputs.
Watching.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestWatching = Watching.TestCase


def filled(count: int, size: int = 10) -> FlowControl:
    flow = FlowControl()
    flow.ack(0)
    for seq in range(1, count + 1):
        flow.sent(frame(seq, size))
    return flow


def test_lag_starts_at_four_fifths_by_count() -> None:
    assert not filled(799).lagging
    assert filled(800).lagging


def test_lag_starts_at_four_fifths_by_size() -> None:
    size = 4 * 1024
    assert not filled(51, size).lagging
    assert filled(52, size).lagging


def test_lag_ends_below_three_tenths() -> None:
    flow = filled(800)
    flow.ack(500)
    assert (flow.level, flow.lagging) == (0.3, True)
    flow.ack(501)
    assert not flow.lagging


def test_lagging_client_is_full_at_the_bound() -> None:
    assert not filled(999).full
    assert filled(1_000).full


def test_first_ack_counts_only_what_is_sent_after_it() -> None:
    flow = FlowControl()
    for seq in range(1, 21):
        flow.sent(frame(seq, 64 * 1024))
    flow.ack(3)
    assert (flow.level, flow.lagging) == (0.0, False)
    flow.sent(frame(21, 10))
    assert flow.level == 1 / MAX_FRAMES

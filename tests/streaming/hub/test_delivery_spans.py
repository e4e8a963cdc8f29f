"""What is recorded of deliveries: one of each kind for a message, however many watch, and nothing of its words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from conversations.domain.frames import Frame
from streaming.hub.delivery_spans import DeliverySpans
from tests.support import debates
from tests.support.frames import frame

TRACE, PLACE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TAKEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
GIVEN = TAKEN + timedelta(milliseconds=3)
PAINTED = TAKEN + timedelta(milliseconds=40)
MESSAGE = debates.message_start(uuid4())


def begin(seq: int, message: UUID = MESSAGE.message) -> Frame:
    return replace(frame(seq, debates.message_start(message)), at=TAKEN)


def word(seq: int, message: UUID = MESSAGE.message) -> Frame:
    return replace(frame(seq, debates.token(message, "One.")), at=TAKEN)


@pytest.fixture
def spans(recorded: InMemorySpanExporter) -> DeliverySpans:
    return DeliverySpans(f"00-{TRACE}-{PLACE}-01")


def names(recorded: InMemorySpanExporter) -> list[str]:
    return [span.name for span in recorded.get_finished_spans()]


def test_first_watcher_of_a_message_is_recorded(spans: DeliverySpans, recorded: InMemorySpanExporter) -> None:
    for transport in ("websocket", "sse"):
        spans.record("deliver", begin(4), GIVEN, transport)
    for seq in (5, 5, 6):
        spans.record("paint", word(seq), PAINTED, "websocket")
    assert names(recorded) == ["deliver", "paint"]
    later = uuid4()
    spans.record("deliver", begin(9, later), GIVEN, "sse")
    spans.record("paint", word(10, later), PAINTED, "websocket")
    assert names(recorded) == ["deliver", "paint", "deliver", "paint"]


def test_a_paint_lasts_from_the_log_to_the_browser(
    spans: DeliverySpans, recorded: InMemorySpanExporter
) -> None:
    spans.record("deliver", begin(4), GIVEN, "websocket")
    spans.record("paint", word(5), PAINTED, "websocket")
    deliver, paint = recorded.get_finished_spans()
    assert deliver.start_time == paint.start_time == round(TAKEN.timestamp() * 1e9)
    assert (deliver.end_time, paint.end_time) == (
        round(GIVEN.timestamp() * 1e9),
        round(PAINTED.timestamp() * 1e9),
    )
    assert paint.parent is not None
    assert (f"{paint.parent.trace_id:032x}", f"{paint.parent.span_id:016x}") == (TRACE, PLACE)
    assert dict(paint.attributes or {}) == {
        "outcry.message": str(MESSAGE.message),
        "outcry.seq": 5,
        "outcry.transport": "websocket",
    }


def test_watcher_joining_mid_message_is_recorded(
    spans: DeliverySpans, recorded: InMemorySpanExporter
) -> None:
    spans.record("paint", word(5), PAINTED, "websocket")
    assert names(recorded) == ["paint"]


def test_span_never_ends_before_it_begins(spans: DeliverySpans, recorded: InMemorySpanExporter) -> None:
    spans.record("deliver", begin(4), TAKEN - timedelta(seconds=1), "websocket")
    [deliver] = recorded.get_finished_spans()
    assert deliver.start_time == deliver.end_time


def test_conversation_without_traceparent_has_no_spans(recorded: InMemorySpanExporter) -> None:
    spans = DeliverySpans("")
    spans.record("deliver", begin(4), GIVEN, "websocket")
    spans.record("paint", word(5), PAINTED, "websocket")
    assert names(recorded) == []

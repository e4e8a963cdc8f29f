"""Figures of a message that streams, however its tokens replace each other."""

from uuid import uuid4

from conversations.domain.events import Figures, Token
from conversations.orchestration.figures import MessageFigures, Record
from tests.evidence.snapshots import apple


def found(*tokens: tuple[int, str]) -> list[Figures]:
    message = uuid4()
    figures = MessageFigures(Record(apple()), message)
    events = [Token(message=message, offset=offset, text=text, token_count=1) for offset, text in tokens]
    return [each for event in events if (each := figures.token(event)) is not None]


def test_offsets_hold_where_later_tokens_replace_what_was_said() -> None:
    kept, replaced, again = "Revenue was $156.5bn. ", "EPS was $44.15. So", "The RSI is 47.1. So"
    texts = [(0, kept), (len(kept), replaced), (len(kept), again)]
    items = [[(item.start, item.text) for item in each.items] for each in found(*texts)]
    # The first sentence might have gone on, until the second token came.
    assert items == [[(12, "$156.5bn"), (30, "$44.15")], [(33, "47.1")]]

"""Checked figures as annotations of the whole answer, in OpenAI's form of citations. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conversations.domain import figures
from conversations.domain.frames import Data, Frame

Annotation = dict[str, Any]
Parts = Sequence[tuple[int, str]]


class Annotations:
    """Takes the frames of a debate, from its first. `page` is the address of its page."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._items: dict[str, Data] = {}

    def take(self, frame: Frame, parts_of: Callable[[str], Parts]) -> list[Annotation]:
        """The annotations of a message's figures, once all are known. `parts_of` gives the parts in which a message was
        sent, each with its place in the answer."""
        data = frame.data
        if frame.type == "evidence":
            self._items |= {item["id"]: item for item in data["items"]}
        if frame.type != "figures" or not data["final"]:
            return []
        pieces = [*_joined(parts_of(data["message"]))]
        return [
            annotation for figure in data["items"] for annotation in self._of(data["message"], figure, pieces)
        ]

    def _of(self, message: str, figure: Data, pieces: Parts) -> Iterator[Annotation]:
        place = _place(figure, pieces)
        if place is None:
            return
        # Of a figure that rests on nothing, the message says so.
        cited = [(self._title(id_), id_) for id_ in figure["evidence"]] or [
            (f"This figure {figures.finding(figure)}", f"m-{message}")
        ]
        for title, fragment in cited:
            citation = {
                "start_index": place,
                "end_index": place + figure["end"] - figure["start"],
                "url": f"{self._page}#{fragment}",
                "title": title,
            }
            yield {"type": "url_citation", "url_citation": citation, "figure": dict(figure)}

    def _title(self, id_: str) -> str:
        item = self._items.get(id_)
        return id_ if item is None else f"{id_}: {figures.item(item)}"


def _joined(parts: Parts) -> Iterator[tuple[int, str]]:
    """The parts, those that follow each other without a gap as one."""
    texts: list[str] = []
    begin = end = 0
    for place, text in parts:
        if texts and place != end:
            yield begin, "".join(texts)
            texts = []
        if not texts:
            begin = place
        texts.append(text)
        end = place + len(text)
    if texts:
        yield begin, "".join(texts)


def _place(figure: Data, pieces: Parts) -> int | None:
    """Where a figure of the message stands in the answer; None if it was not sent as it is, in one piece."""
    start: int = figure["start"]
    end: int = figure["end"]
    for place, text in pieces:
        if start >= 0 and text[start:end] == figure["text"]:
            return place + start
        start, end = start - len(text), end - len(text)
    return None

"""What a debate is about, in the first message of each prompt, and how much of it fits. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Final

from conversations.domain.enums import ContentType
from conversations.domain.events import TextRead
from conversations.domain.sources import SourceText
from conversations.prompts.earlier import EarlierDebate
from conversations.prompts.quotation import quoted
from conversations.prompts.tokens import estimate
from evidence.record import Snapshot

# Tokens that content and sources leave to the instructions, the record, the request, and what is said: about two
# rounds.
ROOM: Final = 4_000


@dataclass(frozen=True)
class DebateQuestion:
    """The question of a debate: its topic, the material to argue about (content, which may be "", and sources), the
    number of rounds, the debate that it follows, and the record of figures."""

    topic: str
    content: str
    content_type: str
    rounds: int
    earlier: EarlierDebate | None = None
    sources: tuple[SourceText, ...] = ()
    record: Snapshot | None = None

    @property
    def texts(self) -> list[str]:
        """The content, if there is any, and the sources' texts."""
        return [text for text in (self.content, *(source.text for source in self.sources)) if text]


@lru_cache(maxsize=32)
def opening(question: DebateQuestion) -> str:
    """The first message of a prompt: the question, the content and the sources, and the debate that it follows."""
    content = {}
    if question.content:
        kind = ContentType(question.content_type)
        content = {"content_type": kind.label, "content": question.content}
    lines = [quoted(question=question.topic, **content), *map(_source, question.sources)]
    text = "\n".join(["The debate:", *lines])
    return text if question.earlier is None else f"{text}\n{question.earlier.opening()}"


def _source(source: SourceText) -> str:
    if not source.pages:
        return quoted(source=source.name, text=source.text)
    pages = {f"page {number}": text for number, text in enumerate(source.texts_of_pages(), start=1)}
    return quoted(source=source.name, **pages)


def most_tokens(prompt: int) -> int:
    """Tokens that content and sources may have in a prompt of so many."""
    return prompt - min(ROOM, prompt // 4)


def tokens(question: DebateQuestion) -> int:
    """The tokens of the content and the sources at the most, by estimate."""
    return sum(map(_tokens, _parts(question)))


@lru_cache(maxsize=32)
def fitted(question: DebateQuestion, most: int) -> tuple[DebateQuestion, tuple[TextRead, ...]]:
    """The question with as much of the beginnings of its content and sources as has so many tokens, and how much that
    is of each, in order; the question itself and () if that is all. Short texts stay whole, long ones share the rest.
    """
    parts = _parts(question)
    sizes = [*map(_tokens, parts)]
    if sum(sizes) <= most:
        return question, ()
    cut = [
        _cut(part, size, share) for part, size, share in zip(parts, sizes, _shares(sizes, most), strict=True)
    ]
    has_content = bool(question.content)
    content = cut[0].text if has_content else ""
    shorter = replace(question, content=content, sources=tuple(cut[has_content:]))
    return shorter, _read(question, [len(part.text) for part in cut])


def beginnings(question: DebateQuestion, characters: int) -> tuple[TextRead, ...]:
    """How much is read of the content and of each source if only so many characters are read in all; () if that is
    all."""
    lengths, left = [], characters
    for text in question.texts:
        lengths.append(min(len(text), left))
        left -= lengths[-1]
    return _read(question, lengths) if sum(lengths) < sum(map(len, question.texts)) else ()


def _read(question: DebateQuestion, lengths: Sequence[int]) -> tuple[TextRead, ...]:
    names = [*([None] if question.content else []), *(source.name for source in question.sources)]
    texts = zip(names, question.texts, lengths, strict=True)
    return tuple(TextRead(source=name, characters=len(text), read=read) for name, text, read in texts)


def _parts(question: DebateQuestion) -> list[SourceText]:
    """The content, if there is any, as a source, and the sources."""
    return [*([SourceText("", question.content)] if question.content else []), *question.sources]


def _tokens(part: SourceText) -> int:
    return ceil(estimate(_source(part)).high)


def _shares(sizes: Sequence[int], most: int) -> list[int]:
    """How much of `most` each one gets: the smallest ones all that they need, the others equal shares of the rest."""
    shares, left = [0] * len(sizes), most
    for rank, place in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[place] = min(sizes[place], left // (len(sizes) - rank))
        left -= shares[place]
    return shares


def _cut(part: SourceText, size: int, share: int) -> SourceText:
    """The beginning of a text of `size` tokens that has at most `share`."""
    length = len(part.text) if size <= share else len(part.text) * share // size
    beginning = part.beginning(length)
    while size > share and length and _tokens(beginning) > share:
        length = length * 9 // 10
        beginning = part.beginning(length)
    return beginning

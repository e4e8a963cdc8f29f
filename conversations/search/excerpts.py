"""Where the words of a query stand in the debates that were found."""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from conversations.models import Passage
from conversations.search import index, terms

# Characters on each side of a hit.
CONTEXT: Final = 60


class Excerpt(NamedTuple):
    """A hit as it is written in the text, and what stands around it. `part` is question, source or message; `seq` is a
    message's event."""

    part: str
    seq: int | None
    before: str
    hit: str
    after: str


def excerpts(conversations: Collection[UUID], query: str) -> dict[UUID, Excerpt]:
    """The first hit of the query's first term in each conversation that has one. Reads one text of each."""
    words = terms.parse(query)
    if not words:
        return {}
    term = _folded(words[0])
    return {
        conversation: _excerpt(part, seq, text, start, start + len(term))
        for conversation, part, seq, text in _texts(index.first_passages(conversations, words[0]))
        if (start := _folded(text).find(term)) >= 0
    }


def _folded(text: str) -> str:
    """The text without case, as long as the text. Unlike a regular expression, `find` in it takes no longer for a
    text and a term that repeat themselves."""
    # The only capital whose small letter is two characters, and the small letter that depends on where it stands.
    return text.replace("İ", "I").lower().replace("ς", "σ")


def _excerpt(part: str, seq: int, text: str, start: int, end: int) -> Excerpt:
    before, after = text[max(start - CONTEXT, 0) : start], text[end : end + CONTEXT]
    if start > CONTEXT:
        # Not in the middle of a word.
        before = "… " + before.partition(" ")[2]
    if end + CONTEXT < len(text):
        after = (after.rpartition(" ")[0] or after) + " …"
    return Excerpt(part, seq if part == Passage.Part.MESSAGE else None, before, text[start:end], after)


def _texts(passages: Collection[int]) -> Iterator[tuple[UUID, str, int, str]]:
    """The texts of these passages."""
    rows = Passage.objects.filter(pk__in=passages)
    if connection.vendor != "sqlite":
        found = rows.values_list("conversation_id", "part", "seq", "text")
        yield from ((conversation, part, seq, text or "") for conversation, part, seq, text in found)
        return
    of = {pk: about for pk, *about in rows.values_list("pk", "conversation_id", "part", "seq")}
    marks = ", ".join(["%s"] * len(of))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT rowid, text FROM conversations_search WHERE rowid IN ({marks})", [*of])  # noqa: S608
        for pk, text in cursor:
            yield (*of[pk], text)

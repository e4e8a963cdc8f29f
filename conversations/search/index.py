"""The full-text index: a row for each question, part of a source, and finished message.

PostgreSQL indexes the rows' own text. On SQLite the text is in the FTS5 table `conversations_search`, whose rowid is
the row's id; rows without text are small, and looking up which debates have the matches stays fast.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Min, Q
from django.db.models.expressions import RawSQL

from conversations.domain.enums import Kind
from conversations.models import Conversation, Passage
from conversations.search import terms

# A tsvector of PostgreSQL has at most 1 MB, which 50,000 CJK characters and their pairs stay below.
MAX_CHARACTERS: Final = 50_000
# What one part of a source repeats of the one before it, for phrases that the cut would divide.
OVERLAP: Final = 200


def add_input(conversation: Conversation) -> None:
    """Index the question, the content and the sources."""
    add([question(conversation), *sources(conversation)])


def question(conversation: Conversation) -> Passage:
    text = "\n".join(filter(None, (conversation.title, conversation.topic)))
    return passage(conversation.pk, Passage.Part.QUESTION, 0, text)


def sources(conversation: Conversation) -> list[Passage]:
    texts = conversation.sources.values_list("text", flat=True)
    text = "\n\n".join(filter(None, (conversation.content, *texts)))
    starts = range(0, max(len(text) - OVERLAP, 1), MAX_CHARACTERS - OVERLAP)
    parts = [text[start : start + MAX_CHARACTERS] for start in starts]
    return [passage(conversation.pk, Passage.Part.SOURCE, number, part) for number, part in enumerate(parts)]


def rename(conversation: Conversation) -> None:
    """Index the question again, with the title that it has now."""
    _remove(Q(conversation=conversation, part=Passage.Part.QUESTION))
    add([question(conversation)])


def add(passages: Iterable[Passage]) -> None:
    """Index these rows, within the caller's transaction."""
    rows = [row for row in passages if row.text]
    if not rows:
        return
    if connection.vendor != "sqlite":
        Passage.objects.bulk_create(rows)
        return
    texts = [(row.text, row.pairs) for row in rows]
    for row in rows:
        row.text = row.pairs = None
    Passage.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, [(row.pk, *text) for row, text in zip(rows, texts, strict=True)])


def remove(conversation: UUID) -> None:
    """Remove everything of the conversation."""
    _remove(Q(conversation=conversation))


def message(conversation: UUID, seq: int, type_: str, data: Mapping[str, Any]) -> Passage | None:
    """What is indexed of an event; None if nothing is."""
    text = _spoken(type_, data)
    return passage(conversation, Passage.Part.MESSAGE, seq, text[:MAX_CHARACTERS]) if text else None


def passage(conversation: UUID, part: Passage.Part, seq: int, text: str) -> Passage:
    return Passage(conversation_id=conversation, part=part, seq=seq, text=text, pairs=terms.pairs(text))


def matching(query: str) -> Q:
    """The condition that a conversation has every term of the query, in any of its rows."""
    condition = Q()
    for term in terms.parse(query):
        condition &= Q(pk__in=_having(term))
    return condition


def first_passages(conversations: Collection[UUID], term: str) -> list[int]:
    """The ids of the first row with the term in each of these conversations that has one."""
    rows = Passage.objects.filter(conversation__in=conversations, pk__in=_having(term, "id"))
    return [*rows.order_by().values("conversation").annotate(first=Min("pk")).values_list("first", flat=True)]


def _having(term: str, column: str = "conversation_id") -> RawSQL:
    if connection.vendor == "sqlite":
        ids = "SELECT rowid FROM conversations_search WHERE conversations_search MATCH %s"
        parameters: tuple[str, ...] = (terms.sqlite_match(term),)
        where = f"id IN ({ids})"
    else:
        parameters = terms.postgresql_match(term)
        where = f"{VECTOR} @@ (phraseto_tsquery('simple', %s) && to_tsquery('simple', %s))"
    return RawSQL(f"SELECT {column} FROM {_TABLE} WHERE {where}", parameters)  # noqa: S608, S611 (ours)


_TABLE: Final = Passage._meta.db_table
# As in the index of the migration.
VECTOR: Final = "to_tsvector('simple', coalesce(text, '') || ' ' || coalesce(pairs, ''))"


def _spoken(type_: str, data: Mapping[str, Any]) -> str:
    match type_:
        case "agent_message" if data["kind"] != Kind.THINKING:
            return str(data["content"])
        case "human_message":
            return str(data["text"])
        case "complete":
            texts = (data["summary"], data["consensus"], data["dissent"], *data["key_points"], *data["risks"])
            return "\n".join(filter(None, texts))
    return ""


# Replaces what a test's database has left of a row with the same id.
_INSERT: Final = "INSERT OR REPLACE INTO conversations_search (rowid, text, pairs) VALUES (%s, %s, %s)"


def _remove(of: Q) -> None:
    rows = Passage.objects.filter(of)
    if connection.vendor == "sqlite":
        ids = [(pk,) for pk in rows.values_list("pk", flat=True)]
        with connection.cursor() as cursor:
            cursor.executemany("DELETE FROM conversations_search WHERE rowid = %s", ids)
    rows.delete()

"""Searching one person's history on SQLite, beside a plain scan of the same texts in the same run.

The debates are made of words with the frequencies of natural language: the n-th word is as often as 1 / n. A search is
what the API does for one page of the list: filter, order, count and excerpts.
"""

import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

WORDS: Final = 20_000
# A debate's messages, and the words of each.
MESSAGES: Final = 5
LENGTH: Final = 120
REPEATED: Final = 7
LIMIT_MS: Final = 50
CJK: Final = "市場は堅調です。"


@dataclass(frozen=True)
class Row:
    """The shortest times, which other programs have disturbed the least, in milliseconds; `found` debates."""

    query: str
    found: int
    search: float
    scan: float


def run(debates: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"OUTCRY_DATA_DIR": folder, "OUTCRY_PROVIDERS": "demo"}
        os.environ.pop("DATABASE_URL", None)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        words = _words()
        _fill(debates, words)
        queries = {
            "a rare word": words[-1],
            "an uncommon word": words[2_000],
            "a common word": words[100],
            "two words": f"{words[300]} {words[900]}",
            "a part of words": words[5_000][1:5],
            "two CJK characters": "堅調",
            "nothing": "zzzzqqqq",
        }
        return [_measure(name, query) for name, query in queries.items()]


def show(debates: int, rows: list[Row]) -> None:
    table = Table(
        title=f"Search in {debates:,} debates of {MESSAGES} messages of {LENGTH} words",
        caption=f"SQLite {sqlite3.sqlite_version}; the shortest of {REPEATED} times, in ms;"
        " scan: LIKE on all texts",
    )
    for title in ("", "found", "search", "scan", "ratio"):
        table.add_column(title, justify="left" if not title else "right")
    for row in rows:
        ratio = f"{row.scan / row.search:.0f}x"
        table.add_row(row.query, f"{row.found:,}", f"{row.search:.1f}", f"{row.scan:.1f}", ratio)
    Console().print(table)
    slow = [row.query for row in rows if row.search > LIMIT_MS]
    print(f"over {LIMIT_MS} ms: {', '.join(slow)}" if slow else f"all searches under {LIMIT_MS} ms")


def _words() -> list[str]:
    chance = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = [1 / (place + 1.5) for place in range(len(letters))]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        length = min(3 + len(found) // 2_500, 10)
        found["".join(chance.choices(letters, weights, k=length + chance.randint(0, 3)))] = None
    return [*found]


def _fill(debates: int, words: list[str]) -> None:
    from django.contrib.auth.models import User
    from django.db import transaction

    from conversations.models import Conversation, Passage
    from conversations.search import index

    chance = random.Random(2)
    weights = [1 / (place + 10) for place in range(len(words))]
    owner = User.objects.create(username="reader")

    def text() -> str:
        return " ".join(chance.choices(words, weights, k=LENGTH))

    for start in range(0, debates, 250):
        with transaction.atomic():
            batch = [
                Conversation(owner=owner, topic=text()[:90], status="completed")
                for _ in range(min(250, debates - start))
            ]
            Conversation.objects.bulk_create(batch)
            passages = [index.question(conversation) for conversation in batch]
            for conversation in batch:
                passages += [
                    index.passage(conversation.pk, Passage.Part.MESSAGE, seq, text())
                    for seq in range(MESSAGES)
                ]
            rare = f"{words[-1]} {CJK}"
            passages.append(index.passage(batch[0].pk, Passage.Part.MESSAGE, MESSAGES, rare))
            index.add(passages)
        _progress(min(start + 250, debates), debates)


def _measure(name: str, query: str) -> Row:
    from django.contrib.auth.models import User
    from django.db import connection

    from conversations.domain.history import HistoryQuery
    from conversations.services import history

    owner = User.objects.get()
    wanted = HistoryQuery(q=query)

    def scan() -> int:
        likes = " AND ".join(
            "conversation_id IN (SELECT p.conversation_id FROM conversations_passage p"
            " JOIN conversations_search_content c ON c.id = p.id WHERE c.c0 LIKE %s)"
            for _ in query.split()
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(DISTINCT conversation_id) FROM conversations_passage WHERE {likes}",
                [f"%{word}%" for word in query.split()],
            )
            return int(cursor.fetchone()[0])

    found = history.listed(owner, wanted).count
    assert found == scan(), (query, found, scan())
    search = _shortest(lambda: history.listed(owner, wanted), REPEATED)
    return Row(name, found, search, _shortest(scan, 3))


def _shortest(action: Callable[[], object], times: int) -> float:
    return min(_timed(action, times))


def _timed(action: Callable[[], object], times: int) -> Iterator[float]:
    for _ in range(times):
        began = time.perf_counter()
        action()
        yield (time.perf_counter() - began) * 1_000


def _progress(done: int, total: int) -> None:
    print(f"\rindexing {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)

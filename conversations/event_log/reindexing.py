"""Indexing for search what is missing: debates that an older version has stored, or has run for a while."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.domain import spoken_models
from conversations.domain.enums import TERMINAL
from conversations.event_log import queries
from conversations.infrastructure import database
from conversations.models import Conversation, Passage
from conversations.search import index

# Debates that one step looks at: short enough for the log of a live debate to wait.
BATCH: Final = 10
_INDEXED: Final = ("agent_message", "human_message", "complete")


def step() -> int:
    """Index the missing texts of a few debates that have ended; returns how many were looked at."""
    ended = Conversation.objects.filter(status__in=TERMINAL, indexed_at=None).order_by("created_at")
    found = [*ended.values_list("pk", flat=True)[:BATCH]]
    for conversation in found:
        _complete(conversation)
    return len(found)


def _complete(conversation: UUID) -> None:
    with database.writing(), transaction.atomic():
        row = Conversation.objects.select_for_update().filter(pk=conversation).first()
        if row is None:
            return
        indexed = {*Passage.objects.filter(conversation=conversation).values_list("part", "seq")}
        models = dict.fromkeys(row.model_names)
        passages = [index.question(row), *index.sources(row)]
        for seq, type_, data in queries.read_all(conversation, types=_INDEXED):
            if (message := index.message(conversation, seq, type_, data)) is not None:
                passages.append(message)
            if type_ == "agent_message":
                models[data["model"]] = None
        index.add(each for each in passages if (each.part, each.seq) not in indexed)
        used = "".join(map(spoken_models.line, models))
        Conversation.objects.filter(pk=conversation).update(
            indexed_at=timezone.now(), models_used=used or None
        )

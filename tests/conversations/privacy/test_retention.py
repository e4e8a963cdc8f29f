"""Debates are deleted whole when their time is over; legal holds keep them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from conversations.domain.enums import DeletionReason, Status
from conversations.domain.errors import NotErasable
from conversations.models import AuditEntry, Conversation, ConversationSource, Deletion, LegalHold, Source
from conversations.privacy import deletion, holds, retention
from tests.support import belongings, debates


def old(owner: User, days: int = 31) -> Conversation:
    conversation = belongings.debate(owner)
    ended = timezone.now() - timedelta(days=days)
    Conversation.objects.filter(pk=conversation.pk).update(finished_at=ended)
    return conversation


def test_only_debates_whose_time_is_over_are_due(alice: User, settings: Settings) -> None:
    later, sooner = old(alice, 31), old(alice, 40)
    old(alice, 29)
    debates.create(alice)
    assert retention.due(10) == []
    settings.OUTCRY_RETENTION_DAYS = 30
    assert retention.due(10) == [sooner.pk, later.pk]
    assert retention.due(1) == [sooner.pk]


@pytest.mark.parametrize("on", ["person", "conversation"])
def test_nothing_under_legal_hold_is_due_or_deleted(
    alice: User, carol: User, settings: Settings, on: str
) -> None:
    settings.OUTCRY_RETENTION_DAYS = 30
    conversation = old(alice)
    held: dict[str, Any] = {"person": alice} if on == "person" else {"conversation": conversation}
    hold = LegalHold(reason="Tarnwick v. Outcry", **held)
    holds.place(hold, carol)
    assert retention.due(10) == []
    with pytest.raises(NotErasable, match=r"Tarnwick v\. Outcry"):
        deletion.delete(conversation.pk, DeletionReason.RETENTION)
    assert holds.lift(hold, carol)
    assert not holds.lift(hold, carol)
    assert retention.due(10) == [conversation.pk]
    entries = (
        AuditEntry.objects.filter(action__startswith="hold").order_by("pk").values_list("action", "actor")
    )
    assert [*entries] == [("hold_placed", carol.pk), ("hold_lifted", carol.pk)]


def test_sources_go_with_the_last_debate_that_uses_them(alice: User) -> None:
    conversation, other = old(alice), old(alice)
    [own] = conversation.source_links.all()
    shared = ConversationSource.objects.create(
        conversation=conversation, source=belongings.source(alice), position=1
    )
    ConversationSource.objects.create(conversation=other, source=shared.source, position=1)
    assert deletion.delete(conversation.pk, DeletionReason.RETENTION)
    assert not Source.objects.filter(pk=own.source_id).exists()
    assert shared.source in {*Source.objects.filter(links__conversation=other)}


def test_a_deleted_debate_leaves_one_line_that_nothing_changes(alice: User) -> None:
    conversation = old(alice)
    LegalHold.objects.create(conversation=conversation, reason="Past", lifted_at=timezone.now())
    assert deletion.delete(conversation.pk, DeletionReason.RETENTION)
    assert not deletion.delete(conversation.pk, DeletionReason.RETENTION)
    line = Deletion.objects.get()
    assert (line.conversation, line.transcript_sha256, line.reason) == (
        conversation.pk,
        "0" * 64,
        "retention",
    )
    for change in (line.save, line.delete, Deletion.objects.all().delete, Deletion.objects.update):
        with pytest.raises(TypeError, match="never"):
            change()


def test_a_running_debate_is_not_deleted(alice: User, conversation: Conversation) -> None:
    with pytest.raises(NotErasable, match="still running"):
        deletion.delete(conversation.pk, DeletionReason.RETENTION)
    belongings.append(conversation, debates.status(Status.CANCELLED))
    assert deletion.delete(conversation.pk, DeletionReason.RETENTION)


def test_a_deletion_that_fails_leaves_the_whole_debate(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = old(alice)
    events = conversation.events.count()

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(Conversation, "delete", fail)
    with pytest.raises(RuntimeError):
        deletion.delete(conversation.pk, DeletionReason.RETENTION)
    assert conversation.events.count() == events
    assert not Deletion.objects.exists()

"""Retention: conversations are deleted OUTCRY_RETENTION_DAYS after their end, and datasets that no conversation uses
after their last use, unless they are under legal hold."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from conversations.domain.enums import TERMINAL
from conversations.models import Conversation, LegalHold


def due(most: int) -> list[UUID]:
    """Up to `most` conversations whose time is over, oldest first; none without OUTCRY_RETENTION_DAYS."""
    days = settings.OUTCRY_RETENTION_DAYS
    if days is None:
        return []
    held = LegalHold.objects.active().filter(Q(conversation=OuterRef("pk")) | Q(person=OuterRef("owner")))
    ended = Conversation.objects.filter(
        status__in=TERMINAL, finished_at__lt=timezone.now() - timedelta(days=days)
    )
    return list(ended.exclude(Exists(held)).order_by("finished_at").values_list("pk", flat=True)[:most])


def datasets_due() -> Q:
    """The datasets whose time is over; none without OUTCRY_RETENTION_DAYS."""
    days = settings.OUTCRY_RETENTION_DAYS
    if days is None:
        return Q(pk__in=())
    held = LegalHold.objects.active().filter(
        Q(person=OuterRef("owner")) | Q(conversation__owner=OuterRef("owner"))
    )
    return Q(~Exists(held), links=None, used_at__lt=timezone.now() - timedelta(days=days))

"""What is stored: conversations, and the append-only log of their events."""

import uuid
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from conversations.events import TERMINAL, Mode, Status
from conversations.panels import DEFAULT_PANEL


class ContentType(models.TextChoices):
    TEXT = "text", "Text"
    NEWS = "news", "News article"
    EARNINGS = "earnings", "Earnings report"
    FILING = "filing", "Regulatory filing"
    RESEARCH = "research", "Research note"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def running(self) -> "ConversationQuerySet":
        return self.exclude(status__in=TERMINAL)


class Conversation(models.Model):
    """One debate. `status`, `mode`, `reason`, `verdict`, `cost` and the times restate what its events say;
    `conversations.log` writes them in the transaction that stores the events."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="conversations")
    topic = models.CharField(max_length=500)
    content = models.TextField(blank=True)
    content_type = models.CharField(max_length=20, choices=ContentType, default=ContentType.TEXT.value)
    panel = models.CharField(max_length=50, default=DEFAULT_PANEL)
    rounds = models.PositiveSmallIntegerField(default=2)

    status = models.CharField(
        max_length=20,
        choices=[(status.value, status.replace("_", " ")) for status in Status],
        default=Status.QUEUED.value,
    )
    mode = models.CharField(
        max_length=10, choices=[(mode.value, mode.value) for mode in Mode], default=Mode.LIVE.value
    )
    reason = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (null: no event gave one)
    verdict = models.JSONField(null=True, blank=True, help_text="Data of the complete event.")
    cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True, help_text="US dollars; empty when unknown."
    )
    head = models.PositiveIntegerField(default=0, help_text="seq of the newest event")

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    run = models.UUIDField(null=True, blank=True, help_text="The run that may append; the fence.")
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["status", "lease_until"]),
        ]
        permissions = [
            ("review_conversation", "Can watch and review everybody's conversations"),
            ("control_conversation", "Can pause, resume and cancel everybody's conversations"),
        ]

    def __str__(self) -> str:
        return self.topic

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.id])

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def ws_url(self) -> str:
        return f"/{settings.OUTCRY_WEBSOCKET_PATH}{self.id}/"


# The types of events that people cause, or that ask them something.
PEOPLE = ("control", "human_message", "input_expired", "input_request")


class AppendOnly(models.QuerySet["Event"]):
    """Rows are added by `conversations.log` and never changed."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Events are never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Events are never deleted.")


class Event(models.Model):
    """Row `seq` (1, 2, 3 ..., no gap) of a conversation's log."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=20)
    data = models.JSONField()
    at = models.DateTimeField()

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ["conversation", "seq"]
        indexes = [
            # A handful of rows among hundreds of tokens.
            models.Index(
                fields=["conversation", "type"], name="event_of_people", condition=models.Q(type__in=PEOPLE)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="event_seq_once"),
            models.CheckConstraint(condition=models.Q(seq__gte=1), name="event_seq_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Events are written by conversations.log.append only.")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Events are never deleted.")

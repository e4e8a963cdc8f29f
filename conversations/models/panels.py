"""Panels that people compose, in versions that never change."""

import uuid
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone

from conversations.domain.composed_panels import MAX_NAME
from conversations.domain.panels import Panel
from conversations.domain.stored_panels import panel_of


class PanelQuerySet(models.QuerySet["ComposedPanel"]):
    def kept(self) -> "PanelQuerySet":
        """Those that their owners have not deleted."""
        return self.filter(deleted_at=None)


class ComposedPanel(models.Model):
    """A panel that a person has composed. What it is stands in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="panels")
    name = models.CharField(max_length=MAX_NAME, help_text="Of the newest version.")
    version = models.PositiveIntegerField(default=1, help_text="The number of the newest version.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(
        null=True, editable=False, help_text="Deleted by its owner; debates still have versions of it."
    )

    objects = PanelQuerySet.as_manager()

    class Meta:
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def newest(self) -> "PanelVersion":
        return self.versions.get(number=self.version)


class VersionQuerySet(models.QuerySet["PanelVersion"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Versions of panels are never changed.")


class PanelVersion(models.Model):
    """Version 1, 2, 3 ... of a panel. A debate goes on with the one that it was started with."""

    panel = models.ForeignKey(ComposedPanel, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="See conversations.domain.composed_panels.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["panel", "number"], name="panel_version_once")]

    def __str__(self) -> str:
        return f"{self.panel_id} {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Versions of panels are never changed.")
        super().save(*args, **kwargs)

    @property
    def team(self) -> Panel:
        return panel_of(self.content, str(self.panel_id))


class ConversationPanel(models.Model):
    """The version of a composed panel that a conversation runs with."""

    conversation = models.OneToOneField(
        "conversations.Conversation", models.CASCADE, primary_key=True, related_name="panel_link"
    )
    version = models.ForeignKey(PanelVersion, models.PROTECT, related_name="links")

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.version_id}"

"""Organisations, their members, and invitations to them."""

import secrets
import uuid
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.text import slugify

from conversations.domain.enums import Role
from conversations.domain.organisations import MAX_NAME

# No vowels, so that they spell no words, and none that is easily confused with another.
_LETTERS: Final = "23456789bcdfghjkmnpqrstvwxz"


def _slug(name: str) -> str:
    """The name in an address. Random characters follow, so that it does not tell which names others have."""
    ending = "".join(secrets.choice(_LETTERS) for _ in range(6))
    return f"{slugify(name)[:40].strip('-') or 'organisation'}-{ending}"


class Organisation(models.Model):
    """A firm or a team, whose members share debates. What its members make in it stays with it when they leave."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_NAME)
    slug = models.SlugField(
        max_length=60, unique=True, editable=False, help_text="Its name in addresses; never changes."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            self.slug = _slug(self.name)
        super().save(*args, **kwargs)


class Membership(models.Model):
    """A person's role in an organisation."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    # Without an index of its own: the unique constraint's index begins with this column.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", db_index=False
    )
    role = models.CharField(max_length=10, choices=Role)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["person", "organisation"], name="member_once")]

    def __str__(self) -> str:
        return f"person {self.person_id} {self.role}"


class ConversationShare(models.Model):
    """A member whom a conversation is shared with by name."""

    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="shares", db_index=False
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="shares")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "person"], name="share_once")]

    def __str__(self) -> str:
        return f"person {self.person_id}"


class OrganisationInvitation(models.Model):
    """Lets the person with this mail address join, by a link that `conversations.access.organisations` signs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    email = models.EmailField(help_text="In lower case.")
    role = models.CharField(max_length=10, choices=Role)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.email

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()

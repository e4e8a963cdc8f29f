"""Whole texts of which an event has only the beginning."""

import zlib
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from conversations.access import permissions
from conversations.domain.errors import NotFound
from conversations.models import EventText


def read(user: AbstractUser, text: UUID) -> bytes:
    """The text in UTF-8, for a user who may watch its conversation. Raises NotFound."""
    found = EventText.objects.filter(pk=text).first()
    if found is None:
        raise NotFound("There is no such text.")
    permissions.watch(user, found.conversation_id)
    return zlib.decompress(found.data)

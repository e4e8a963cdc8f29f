"""Debates on pages: what a person may watch, and 404 for everything else."""

from uuid import UUID

from django.http import Http404, HttpRequest

from conversations.access import permissions
from conversations.access.permissions import Rights
from conversations.domain.errors import NotFound
from conversations.models import Conversation


def admit(request: HttpRequest, conversation: UUID) -> tuple[Conversation, Rights]:
    """The debate, for a user who may watch it, and what else they may do; a reviewer's reading is recorded. Raises
    Http404."""
    try:
        return permissions.admit(request.user, conversation)
    except NotFound:
        raise Http404("There is no such debate.") from None

"""Debates and organisations on pages: what a person may watch, and 404 for everything else."""

from uuid import UUID

from django.http import Http404, HttpRequest

from conversations.access import organisations, permissions
from conversations.access.permissions import Rights
from conversations.domain.errors import NotFound
from conversations.models import Conversation, Membership, Organisation


def membership(request: HttpRequest, slug: str) -> Membership:
    """The user's membership of the organisation with this slug. Raises Http404."""
    try:
        return organisations.member(request.user, slug)  # type: ignore[arg-type]  # (signed in)
    except NotFound:
        raise Http404("There is no such organisation.") from None


def organisation_of(request: HttpRequest, conversation: Conversation) -> Organisation | None:
    """The organisation of a debate, for its members; None for a personal debate, and for others who may watch it."""
    if conversation.organisation_id is None:
        return None
    found = organisations.of(request.user).filter(organisation=conversation.organisation_id).first()  # type: ignore[arg-type]
    return None if found is None else found.organisation


def admit(request: HttpRequest, conversation: UUID) -> tuple[Conversation, Rights]:
    """The debate, for a user who may watch it, and what else they may do; a reviewer's reading is recorded. Raises
    Http404."""
    try:
        return permissions.admit(request.user, conversation)
    except NotFound:
        raise Http404("There is no such debate.") from None

"""Rights of the site's staff, which concern all conversations."""

from django.contrib.auth.models import AbstractUser, AnonymousUser


def may_review(user: AbstractUser | AnonymousUser) -> bool:
    """Whether the user may watch every conversation: staff with the permission to review."""
    return user.is_active and user.is_staff and user.has_perm("conversations.review_conversation")


def may_control_all(user: AbstractUser | AnonymousUser) -> bool:
    """Whether the user may control every conversation, and send announcements: reviewers with the permission to
    control."""
    return may_review(user) and user.has_perm("conversations.control_conversation")

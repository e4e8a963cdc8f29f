"""A person's archive as an HTTP response."""

from functools import partial

from django.contrib.auth.models import AbstractUser
from django.http import StreamingHttpResponse

from conversations.infrastructure.attachments import attachment
from conversations.privacy import export


def response(user: AbstractUser, by: AbstractUser) -> StreamingHttpResponse:
    """The archive of `user`, which `by` asks for."""
    return attachment(export.NAME, "application/zip", partial(export.write, user, by=by))

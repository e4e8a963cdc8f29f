"""Mails about changes to an account that allauth does not know: a new API key."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.dispatch import receiver

from conversations.access.api_keys import key_made
from conversations.models import ApiKey


@receiver(key_made)
def tell_of_key(key: ApiKey, **_: Any) -> None:
    """Tell the owner of a key about it, with the address and the browser of the request that made it."""
    if context.request is not None:
        get_adapter().send_notification_mail("account/email/api_key_made", key.owner, {"key": key})

"""What pages of accounts depend on."""

from allauth.account.models import EmailAddress
from django import template
from django.conf import settings
from django.contrib.auth.models import AbstractUser

register = template.Library()


@register.simple_tag
def anybody_may_sign_up() -> bool:
    """False where it takes an invitation, or sign-up is closed."""
    return settings.OUTCRY_SIGN_UP in {"open", "domain"}


@register.filter
def has_unverified_email(user: AbstractUser) -> bool:
    """Whether allauth would refuse the person a second factor."""
    unverified = EmailAddress.objects.filter(user_id=user.pk, verified=False)
    return bool(unverified.exists())


@register.simple_tag
def mails_go_to_terminal() -> bool:
    return bool(settings.MAILS_GO_TO_TERMINAL)

"""Whether pages offer to sign up."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def anybody_may_sign_up() -> bool:
    """False where it takes an invitation, or sign-up is closed."""
    return settings.OUTCRY_SIGN_UP in {"open", "domain"}

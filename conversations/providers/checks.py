"""System checks of OUTCRY_PROVIDERS and of the providers' keys."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from conversations.domain.errors import ProviderError
from conversations.providers import catalog


@register()
def check_providers(**_: Any) -> list[CheckMessage]:
    """OUTCRY_PROVIDERS must be readable, and its keys should be there."""
    try:
        configured = catalog.configured()
    except ValueError as failure:
        return [Error(f"OUTCRY_PROVIDERS is wrong: {failure}", id="outcry.E001")]
    found: list[CheckMessage] = []
    for provider in configured:
        try:
            catalog.require_key(provider)
        except ProviderError as failure:
            found.append(
                Warning(failure.message, hint="Set it in the environment or in .env.", id="outcry.W001")
            )
    return found

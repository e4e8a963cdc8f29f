"""Providers whose models were found to take no tools."""

import time

from conversations.providers.catalog import Provider

# After this many seconds tools are offered again: the server may have been given another model.
FORGET_SECONDS = 600

# Until when, on the monotonic clock.
_without_tools: dict[Provider, float] = {}


def takes_tools(provider: Provider) -> bool:
    """Whether its model may be offered tools."""
    return time.monotonic() >= _without_tools.get(provider, 0)


def takes_no_tools(provider: Provider) -> None:
    """Its model rejected a request because of tools."""
    _without_tools[provider] = time.monotonic() + FORGET_SECONDS

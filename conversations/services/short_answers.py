"""Short answers to chat clients: one call of the first provider, outside of debates. Nothing is stored but its cost."""

from typing import Final

from django.contrib.auth.models import AbstractUser

from conversations.access import rate_limits
from conversations.budgets.day_budget import DayBudget
from conversations.domain.errors import LimitReached, OverBudget
from conversations.domain.events import Usage
from conversations.domain.short_answer import ShortAnswer
from conversations.providers import catalog
from conversations.runs import loading

__all__ = ["ShortAnswer", "answer"]
# The demo cannot, and the model on this machine is too small to keep to a form.
_WITHOUT: Final = frozenset({"demo", "local"})


async def answer(user: AbstractUser, request: str, otherwise: str) -> ShortAnswer:
    """The first provider's answer to the request, or `otherwise` if it is one that cannot do such things.

    Raises LimitReached, ProviderError and LogUnavailable."""
    await rate_limits.control(str(user.pk))
    provider = catalog.configured()[0]
    if provider.kind in _WITHOUT:
        return ShortAnswer(otherwise, Usage(input_tokens=0, output_tokens=0), "stop")
    await loading.load()
    # Imported here because AG2 takes seconds and 80 MB, also in a process that runs no debates.
    from conversations.agents import short_answer

    try:
        return await short_answer.ask(request, provider, DayBudget(user.pk))
    except OverBudget as refused:
        raise LimitReached(refused.message) from refused

"""What a debate's page shows of its record beside the log: the prices of the chart, and what came after a case."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.models import Conversation
from evidence import cases
from evidence.freezing.history import history
from evidence.instruments import INSTRUMENTS
from frontend import watching


def on_page(conversation: Conversation) -> dict[str, Any]:
    """The fields of the page's data (src/client/page-data.ts) about the record."""
    has_prices = conversation.instrument in {each.symbol for each in INSTRUMENTS}
    return {
        "pricesUrl": reverse("prices", args=[conversation.pk]) if has_prices else None,
        "outcome": _outcome(conversation),
    }


def _outcome(conversation: Conversation) -> dict[str, str] | None:
    """How a case of the library went on, in per cent by a day; None if the debate is about no case."""
    case = cases.find(conversation.instrument, conversation.as_of)
    came = None if case is None else cases.outcome(case)
    if case is None or came is None:
        return None
    day, change = came
    return {
        "from": case.day.isoformat(),
        "to": day.isoformat(),
        "change": f"{change:.1f}",
        "note": cases.NOTE,
    }


@require_safe
@login_required
@never_cache
def prices(request: HttpRequest, conversation_id: UUID) -> JsonResponse:
    """Two years of the instrument's values that were known when the record was frozen: the source, and (day, value)
    pairs, oldest first. 404 if the library has none, or if the user may not watch the debate."""
    conversation, _ = watching.admit(request, conversation_id)
    found = history(conversation.instrument, conversation.as_of or conversation.created_at)
    if found is None:
        raise Http404
    return JsonResponse(
        {"source": found.source, "points": [[day.isoformat(), value] for day, value in found.values]}
    )

"""The sources of a debate, on its page and each as a page of plain text."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.models import Conversation, Source
from conversations.runs.records import TYPED
from conversations.services import sources
from frontend import watching

# A longer text is not part of the debate's page, which would load slowly.
MAX_INLINE = 20_000


def on_page(conversation: Conversation) -> list[dict[str, Any]]:
    """What the debate's page shows of each text (src/client/page-data.ts): what was typed or pasted, then the uploaded
    sources. `cited` is what the record calls it; `text` is null where it is long."""

    def entry(
        position: int, name: str, cited: str, characters: int, pages: int, text: str | None
    ) -> dict[str, Any]:
        url = reverse("source", args=[conversation.pk, position])
        size = {"characters": characters, "pages": pages}
        return {"name": name, "cited": cited, **size, "text": text, "url": url}

    content = conversation.content
    shown = content if len(content) <= MAX_INLINE else None
    kind = conversation.get_content_type_display()
    typed = [entry(0, kind, TYPED, len(content), 0, shown)] if content else []
    uploaded = [
        entry(number, source.name, source.name, source.characters, len(source.pages), None)
        for number, source in enumerate(sources.of(conversation), start=1)
    ]
    return [*typed, *uploaded]


@require_safe
@login_required
@never_cache
def source(request: HttpRequest, conversation_id: UUID, position: int) -> HttpResponse:
    """The text of a source of a debate, as plain text: 0 is what was typed or pasted. 404 if there is none, or if the
    user may not watch the debate."""
    conversation, _ = watching.admit(request, conversation_id)
    return HttpResponse(_text(conversation, position), content_type="text/plain; charset=utf-8")


def _text(conversation: Conversation, position: int) -> str:
    if position == 0 and conversation.content:
        return conversation.content
    links = Source.objects.filter(links__conversation=conversation, links__position=position - 1)
    if position == 0 or not (found := links.first()):
        raise Http404
    return found.text

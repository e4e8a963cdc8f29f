"""The dashboard, the live debate and the operators' monitor."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.access import lists, permissions, staff
from conversations.access.permissions import NO_RIGHTS, Rights
from conversations.budgets import service
from conversations.domain import requests
from conversations.domain.enums import ContentType
from conversations.domain.errors import NotFound
from conversations.domain.panels import PANELS
from conversations.domain.routing import AUTO
from conversations.domain.texts import uuid_or_nil
from conversations.event_log import queries
from conversations.models import Conversation, Dataset, Organisation
from conversations.providers import circuit_breaker
from conversations.services import datasets, panels, sources
from conversations.services.debate_export import author_of
from evidence import cases
from evidence.instruments import INSTRUMENTS
from frontend import record_data, sample, source_texts, watching
from frontend.content_security import trusted_types
from frontend.examples import EXAMPLES
from streaming.watchers.registry import MAX_NOTICE

# Debates that follow one, as far as its page lists them.
MAX_FOLLOWERS = 10
# Of the log in the page of a debate: about a quarter of it when it is compressed.
MAX_EVENT_BYTES = 200_000
LIMITS = {
    "topic": requests.MAX_TOPIC,
    "content": requests.MAX_CONTENT,
    "rounds": requests.MAX_ROUNDS,
}


@require_safe
@login_required
@never_cache
@trusted_types
def dashboard(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """The form for a new debate: a personal one, or one of the organisation with this slug."""
    organisation = None if slug is None else watching.membership(request, slug).organisation
    initial, may = _initial(request)
    context = {
        "auto": AUTO,
        "panels": PANELS.values(),
        "own_teams": panels.listed(request.user),
        "chosen_panel": request.GET.get("panel", ""),
        "content_types": ContentType.choices,
        "limits": LIMITS,
        "most": _limits_of_site(),
        "initial": initial,
        "organisation": organisation,
        "has_debates": _listed(request, organisation).exists(),
        "own_limits": _limits_of(initial),
        "again": getattr(initial, "pk", request.GET.get("dataset", "")),
        "texts": _texts_of(initial, may) | _dataset_of(request),
        "max_table_mb": settings.OUTCRY_MAX_DATASET_MB,
        "login_url": f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}",
        "live_is_down": circuit_breaker.live_is_down(),
        "demo_fallback": settings.OUTCRY_DEMO_FALLBACK,
        "examples": EXAMPLES,
        "instruments": INSTRUMENTS,
        "history_note": cases.NOTE,
    }
    return render(request, "frontend/dashboard.html", context)


def _listed(request: HttpRequest, organisation: Organisation | None) -> QuerySet[Conversation]:
    """What the sidebar lists."""
    if organisation is None:
        return lists.personal(request.user)
    return lists.shared(request.user, organisation.pk)  # type: ignore[arg-type]  # (login_required)


def _initial(request: HttpRequest) -> tuple[requests.NewConversation | Conversation, Rights]:
    """The form's initial values: those of the debate in `?again=ID`, with the user's rights to it; else the
    defaults."""
    again = request.GET.get("again")
    try:
        if again:
            return permissions.admit(request.user, uuid_or_nil(again))
    except NotFound:
        pass
    return requests.NewConversation.model_construct(topic="", content=""), NO_RIGHTS


def _texts_of(initial: requests.NewConversation | Conversation, may: Rights) -> dict[str, Any]:
    """What the form begins with beside its fields (src/dashboard/start-form.ts). Sources, datasets, and an
    earlier debate to follow, belong to their owner."""
    if not isinstance(initial, Conversation) or not may.speak:
        return {"content": initial.content, "sources": [], "datasets": [], "follows": None}
    chosen = [
        {
            "id": source.pk,
            "name": source.name,
            "type": source.type,
            "characters": source.characters,
            "pages": len(source.pages) or None,
        }
        for source in sources.of(initial)
    ]
    return {
        "content": initial.content,
        "sources": chosen,
        "datasets": [_chip(each) for each in datasets.of(initial)],
        "follows": initial.follows_id,
    }


def _dataset_of(request: HttpRequest) -> dict[str, Any]:
    """The dataset in `?dataset=ID`, in the form of a new debate about it; nothing if there is none."""
    if not (chosen := request.GET.get("dataset")):
        return {}
    return {"datasets": [_chip(each) for each in lists.datasets(request.user).filter(pk=uuid_or_nil(chosen))]}


def _chip(dataset: Dataset) -> dict[str, Any]:
    return {"id": dataset.pk, "name": dataset.name, "tables": dataset.tables}


def _limits_of_site() -> dict[str, float | None]:
    """The installation's limits, in the form's units: US dollars, tokens, minutes; None for no limit."""
    return {
        "usd": settings.OUTCRY_MAX_USD_PER_CONVERSATION,
        "tokens": settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION,
        "minutes": _minutes(settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION),
    }


def _limits_of(initial: requests.NewConversation | Conversation) -> dict[str, float | None]:
    """Initial values of the form's limits, without those that are the installation's."""
    if not isinstance(initial, Conversation):
        return {}
    own = service.limits(initial)
    entered = {"usd": own.usd, "tokens": own.tokens, "minutes": _minutes(own.seconds)}
    of_site = _limits_of_site()
    return {name: None if amount == of_site[name] else amount for name, amount in entered.items()}


def _minutes(seconds: float | None) -> float | None:
    """Minutes for the form: whole minutes as an int, so that no ".0" is shown."""
    if seconds is None:
        return None
    return int(seconds // 60) if seconds % 60 == 0 else round(seconds / 60, 2)


@require_safe
@login_required
@never_cache
@trusted_types  # type: ignore[arg-type]  # typed for views without arguments
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The live page. 404 if the conversation does not exist or the user may not watch it."""
    found, may = watching.admit(request, conversation_id)
    organisation = watching.organisation_of(request, found)
    data = page_data(found, request.user, may)
    if organisation is not None:
        of_organisation = reverse("organisation_dashboard", args=[organisation.slug])
        data["againUrl"] = f"{of_organisation}?again={found.pk}"
    context = {"conversation": found, "organisation": organisation, "page_data": data}
    return render(request, "frontend/conversation.html", context)


@require_safe
@never_cache
@trusted_types
def sample_debate(request: HttpRequest) -> HttpResponse:
    """A finished debate that anybody can look at, also without an account."""
    data = sample.page_data()
    context = {"conversation": {"topic": data["topic"]}, "page_data": data}
    return render(request, "frontend/conversation.html", context)


def page_data(conversation: Conversation, user: permissions.AnyUser, may: Rights) -> dict[str, Any]:
    """The live page's data before its first event, and the user's rights on it (src/client/page-data.ts)."""
    visible = lists.visible_to(user)
    team = conversation.team
    return {
        "isSample": False,
        "topic": conversation.topic,
        "sources": source_texts.on_page(conversation),
        **record_data.on_page(conversation),
        "author": author_of(conversation.owner),
        "createdAt": conversation.created_at.isoformat(),
        "rounds": conversation.rounds,
        "age": max(0.0, (timezone.now() - conversation.created_at).total_seconds()),
        "status": conversation.status,
        "mode": conversation.mode,
        "reason": conversation.reason,
        "events": _events(conversation.pk),
        "complete": conversation.verdict,
        "wsUrl": conversation.ws_url,
        "apiUrl": f"/api/conversations/{conversation.pk}/",
        "loginUrl": f"{reverse('account_login')}?next={conversation.get_absolute_url()}",
        "againUrl": f"{reverse('dashboard')}?again={conversation.pk}",
        "follows": [_link(each) for each in visible.filter(followed_by=conversation)],
        "followedBy": [_link(each) for each in lists.followers(user, conversation)[:MAX_FOLLOWERS]],
        "limits": vars(service.limits(conversation)),
        "teams": [
            {"slug": each.slug, "title": each.title, "judges": each.moderator is not None}
            for each in {**PANELS, team.slug: team}.values()
            if not each.needs_data or conversation.dataset_links.exists()
        ],
        "panel": conversation.panel,
        "team": panels.version_of(conversation),
        "isRouted": conversation.is_automatic,
        "agents": [agent.shown for agent in team.agents],
        "canControl": may.control,
        "canSpeak": may.speak,
        "isStaff": user.is_staff,
        "reviewUrl": _review_url(conversation) if staff.may_review(user) else None,
        "maxText": requests.MAX_TEXT,
        "maxTopic": requests.MAX_TOPIC,
    }


def _review_url(conversation: Conversation) -> str:
    """Its transcript in the admin."""
    return reverse("admin:conversations_conversation_change", args=[conversation.pk])


def _link(conversation: Conversation) -> dict[str, str]:
    return {"topic": str(conversation), "url": conversation.get_absolute_url()}


def _events(conversation: UUID) -> list[Any]:
    """The log as the WebSocket would send it, with which the page is drawn at once; none of a long debate, which would
    make the page large."""
    frames = queries.condensed(conversation, settings.OUTCRY_EVENTS.get("websocket", ()))
    if sum(frame.size for frame in frames) > MAX_EVENT_BYTES:
        return []
    return [json.loads(frame.text) for frame in frames]


@require_safe
@login_required
@never_cache
@trusted_types
def monitor(request: HttpRequest) -> HttpResponse:
    """The figures of this process, for staff who may review conversations."""
    if not staff.may_review(request.user):
        raise PermissionDenied
    data = {
        "statusUrl": "/api/streaming/status",
        "sessionsUrl": "/api/streaming/sessions",
        "daysUrl": "/api/streaming/days",
        "broadcastUrl": "/api/streaming/broadcast",
        "wsUrl": f"/{settings.OUTCRY_WEBSOCKET_PATH}",
        "loginUrl": f"{reverse('account_login')}?next={reverse('monitor')}",
        "canBroadcast": staff.may_control_all(request.user),
        "maxNotice": MAX_NOTICE,
        "maxTopic": requests.MAX_TOPIC,
    }
    return render(request, "frontend/monitor.html", {"page_data": data})

"""The pages on which people compose teams of agents. The API calls a team a panel."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from conversations.domain.errors import NotFound
from conversations.services import panels
from frontend.content_security import trusted_types


@require_safe
@login_required
@never_cache
@trusted_types
def teams(request: HttpRequest) -> HttpResponse:
    context = {"teams": panels.listed(request.user), "templates": panels.templates()}
    return render(request, "frontend/teams.html", context)


@require_safe
@login_required
@never_cache
@trusted_types
def new_team(request: HttpRequest) -> HttpResponse:
    """The editor with the template in `?from=SLUG`, or with a blank team."""
    slug = request.GET.get("from")
    template = next((each for each in panels.templates() if each["slug"] == slug), None)
    return _editor(request, template=template)


@require_safe
@login_required
@never_cache
@trusted_types  # type: ignore[arg-type]  # typed for views without arguments
def team(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """The editor with a person's own team. 404 if it does not exist or belongs to somebody else."""
    try:
        found = panels.owned(request.user, team_id)
    except NotFound:
        raise Http404 from None
    return _editor(request, saved=panels.detail(found))


def _editor(request: HttpRequest, **begins: Any) -> HttpResponse:
    """`saved` or `template` is what it begins with (src/teams/editor-element.ts)."""
    data = {
        "user": request.user.pk,
        "saved": None,
        "template": None,
        "options": panels.options(),
        "teamsUrl": reverse("teams"),
        "startUrl": f"{reverse('dashboard')}?panel=",
        **begins,
    }
    return render(request, "frontend/team.html", {"page_data": data})

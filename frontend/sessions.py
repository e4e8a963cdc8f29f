"""Ending one of a person's sessions; allauth's page lists them, and ends all others."""

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from frontend.templatetags.browsers import browser


@require_POST
@login_required
def end_session(request: HttpRequest, session: int) -> HttpResponse:
    """End it if it is another one of the person's own, and has not ended yet."""
    found = UserSession.objects.filter(user_id=request.user.pk, pk=session).first()
    if found is not None and found.session_key != request.session.session_key:
        get_adapter().end_sessions([found])
        messages.success(request, f"Signed out: {browser(found.user_agent)}.")
    return redirect("usersessions_list")

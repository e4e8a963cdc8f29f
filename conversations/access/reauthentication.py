"""What a stolen session alone must not do needs the password, or the second factor, once more.

allauth asks for it, keeps the time of the answer in the session, and considers it recent for
ACCOUNT_REAUTHENTICATION_TIMEOUT (5 minutes). A person who has neither, because another site signs them in, is not
asked.
"""

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from conversations.domain.errors import NotReauthenticated


@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]  # allauth is not typed
def require(request: HttpRequest) -> None:
    """For pages. Raises allauth's ReauthenticationRequired; its middleware asks, and repeats the request afterwards."""


def asked_first(request: HttpRequest) -> HttpResponse | None:
    """For pages whose forms hold secrets: the way to the question, which leads back; None if it was answered recently.
    Nothing that was sent is kept, as `require` has it kept in the session."""
    try:
        require(request)
    except ReauthenticationRequired:
        [first, *_] = get_adapter().get_reauthentication_methods(request.user)
        return redirect(f"{first['url']}?{urlencode({'next': request.get_full_path()})}")
    return None


def require_for_program(request: HttpRequest) -> None:
    """For the JSON API. Raises NotReauthenticated, which says where to confirm."""
    try:
        require(request)
    except ReauthenticationRequired:
        address = reverse("account_reauthenticate")
        raise NotReauthenticated(f"Confirm that it is you at {address} first; then repeat this.") from None

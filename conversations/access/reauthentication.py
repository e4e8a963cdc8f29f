"""What a stolen session alone must not do needs the password, or the second factor, once more.

allauth asks for it, keeps the time of the answer in the session, and considers it recent for
ACCOUNT_REAUTHENTICATION_TIMEOUT (5 minutes). A person who has neither, because another site signs them in, is not
asked.
"""

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.urls import reverse

from conversations.domain.errors import NotReauthenticated


@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]  # allauth is not typed
def require(request: HttpRequest) -> None:
    """For pages. Raises allauth's ReauthenticationRequired; its middleware asks, and repeats the request afterwards."""


def require_for_program(request: HttpRequest) -> None:
    """For the JSON API. Raises NotReauthenticated, which says where to confirm."""
    try:
        require(request)
    except ReauthenticationRequired:
        address = reverse("account_reauthenticate")
        raise NotReauthenticated(f"Confirm that it is you at {address} first; then repeat this.") from None

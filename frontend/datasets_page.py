"""The page on which people see and delete their datasets. It works without JavaScript."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversations.domain.errors import NotErasable, NotFound
from conversations.domain.texts import uuid_or_nil
from conversations.services import datasets
from frontend.content_security import trusted_types


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@trusted_types
def datasets_page(request: HttpRequest) -> HttpResponse:
    """A POST deletes the dataset that it names, for good."""
    user = request.user
    assert isinstance(user, AbstractUser)  # noqa: S101 (login_required; for the type checker)
    if request.method == "POST":
        return _delete(request, user)
    found = datasets.listed(user)
    debates = datasets.debates_of(user, found)
    context = {
        "datasets": [
            {
                "dataset": dataset,
                "rows": sum(table["rows"] for table in dataset.tables),
                "debates": debates[dataset.pk],
            }
            for dataset in found
        ],
        "size": sum(dataset.size for dataset in found),
        "most_mb": settings.OUTCRY_MAX_DATASET_MB,
    }
    return render(request, "frontend/datasets.html", context)


def _delete(request: HttpRequest, user: AbstractUser) -> HttpResponse:
    try:
        datasets.delete(user, uuid_or_nil(request.POST.get("dataset", "")))
    except NotErasable as refusal:
        messages.error(request, str(refusal))
    except NotFound:
        messages.info(request, "This data was already deleted.")
    else:
        messages.success(request, "Data deleted.")
    return redirect("datasets")

"""A person's history of debates: listing, renaming, pinning, deleting and restoring them.

A deleted debate is hidden from its owner everywhere. Its log stays for reviewers until retention or erasure deletes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import F, OrderBy, Q, QuerySet
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from conversations.access import lists, rate_limits
from conversations.domain import spoken_models
from conversations.domain.enums import Action
from conversations.domain.errors import Finished, NotFound
from conversations.domain.events import Control
from conversations.domain.history import Changes, HistoryQuery, Sort
from conversations.event_log import commands
from conversations.infrastructure import database
from conversations.models import Conversation
from conversations.search import excerpts, index
from conversations.search.excerpts import Excerpt

PAGE_SIZE = 20


@dataclass(frozen=True)
class Page:
    """One page of a list; `count` and `pages` are of the whole list. `excerpts` show the words of the query."""

    count: int
    page: int
    pages: int
    results: list[Conversation]
    excerpts: Mapping[UUID, Excerpt]


def listed(user: AbstractUser, query: HistoryQuery) -> Page:
    """A page of the user's debates that fulfil the query; empty after the last page. Raises NotFound and Forbidden for
    an organisation."""
    ids = _filtered(_scope(user, query), query).order_by(*_ORDERS[query.sort]).values_list("pk", flat=True)
    # Of a search all ids at once: counting them separately would search twice.
    pages = Paginator(list(ids) if query.q else ids, PAGE_SIZE)
    of_page = list(pages.page(query.page).object_list) if query.page <= pages.num_pages else []
    found = Conversation.objects.defer("content").select_related("owner").in_bulk(of_page)
    rows = [found[pk] for pk in of_page if pk in found]
    shown = excerpts.excerpts([row.pk for row in rows], query.q)
    return Page(pages.count, query.page, pages.num_pages, rows, shown)


def _scope(user: AbstractUser, query: HistoryQuery) -> QuerySet[Conversation]:
    if query.organisation is None:
        return lists.personal(user)
    within = lists.reviewable if query.review else lists.shared
    return within(user, query.organisation)


def models(user: AbstractUser) -> list[str]:
    """The names of the models that have spoken in the user's debates, sorted."""
    used = lists.own(user).exclude(models_used=None).order_by()
    rows = used.values_list("models_used", flat=True).distinct()
    return sorted({name for row in rows for name in spoken_models.names(row)})


def change(user: AbstractUser, conversation: UUID, changes: Changes) -> Conversation:
    """Rename or pin a debate of the user's. Raises NotFound."""
    columns: dict[str, object] = {}
    if "title" in changes.model_fields_set:
        columns["title"] = changes.title
    if "pinned" in changes.model_fields_set:
        columns["pinned_at"] = timezone.now() if changes.pinned else None
    with database.writing(), transaction.atomic():
        if columns:
            lists.own(user).filter(pk=conversation).update(**columns)
        found = _found(lists.own(user), conversation)
        if "title" in columns:
            index.rename(found)
    return found


async def delete(user: AbstractUser, conversation: UUID) -> bool:
    """Hide a debate of the user's from them; one that is running is stopped first. Returns whether it was running.

    Raises NotFound, LimitReached and LogUnavailable."""
    await rate_limits.control(str(user.pk))
    rows = lists.own_with_deleted(user)
    await database.call(_found, rows, conversation, timeout=database.REQUEST_SECONDS)
    was_running = True
    try:
        await commands.submit(conversation, Control(action=Action.CANCEL, actor=user.get_username()))
    except Finished:
        was_running = False
    await database.call(_mark_deleted, user, conversation, timeout=database.REQUEST_SECONDS)
    return was_running


def restore(user: AbstractUser, conversation: UUID) -> Conversation:
    """Undo the deletion of a debate of the user's. Raises NotFound if it was deleted for good."""
    rows = lists.own_with_deleted(user)
    rows.filter(pk=conversation).update(deleted_at=None)
    return _found(rows, conversation)


def _mark_deleted(user: AbstractUser, conversation: UUID) -> None:
    lists.own(user).filter(pk=conversation).update(deleted_at=timezone.now())


def _found(rows: QuerySet[Conversation], conversation: UUID) -> Conversation:
    found = rows.filter(pk=conversation).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def _filtered(rows: QuerySet[Conversation], query: HistoryQuery) -> QuerySet[Conversation]:
    conditions = index.matching(query.q)
    if query.status:
        conditions &= Q(status__in=query.status)
    if query.verdict:
        conditions &= Q(verdict__verdict__in=query.verdict)
    if query.panel:
        conditions &= Q(panel=query.panel)
    if query.model:
        conditions &= Q(models_used__contains=spoken_models.line(query.model))
    if query.mode is not None:
        conditions &= Q(mode=query.mode)
    if query.pinned is not None:
        conditions &= Q(pinned_at__isnull=not query.pinned)
    if (earliest := query.earliest) is not None:
        conditions &= Q(created_at__gte=earliest)
    if (latest := query.latest) is not None:
        conditions &= Q(created_at__lt=latest)
    return rows.filter(conditions)


# PostgreSQL sorts null first when it sorts downwards, SQLite last.
_PINNED = F("pinned_at").desc(nulls_last=True)
_NEWEST: tuple[OrderBy | str, ...] = ("-created_at", "-id")
_ORDERS: dict[Sort, tuple[OrderBy | str, ...]] = {
    Sort.NEWEST: (_PINNED, *_NEWEST),
    Sort.OLDEST: (_PINNED, "created_at", "id"),
    Sort.TITLE: (_PINNED, Lower(Coalesce("title", "topic")).asc(), *_NEWEST),
    Sort.COST: (_PINNED, F("cost").desc(nulls_last=True), *_NEWEST),
}

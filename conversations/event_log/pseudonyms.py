"""Replacing the name of an erased person in other people's debates, which reviewers command and answer in.

The only change that the log ever sees. The hash of a transcript covers what agents said, so it stays the same.
"""

from typing import Final

from django.db.models import Q, QuerySet

from conversations.event_log.queries import is_of_people
from conversations.models import Event

# The fields of events that hold a person's name.
NAMES: Final = ("actor", "author")


def named(username: str, owner: int) -> QuerySet[Event]:
    """The events that this person caused in debates that are not theirs."""
    by_name = Q()
    for field in NAMES:
        by_name |= Q(**{f"data__{field}": username})
    # `_base_manager`: the log's own manager refuses changes.
    found: QuerySet[Event] = Event._base_manager.filter(is_of_people(), by_name)
    return found.exclude(conversation__owner=owner).order_by("conversation", "seq")


def replace(username: str, owner: int, pseudonym: str) -> None:
    """Replace the person's name in those events."""
    for pk, data in [*named(username, owner).values_list("pk", "data")]:
        renamed = {field: pseudonym for field in NAMES if data.get(field) == username}
        Event._base_manager.filter(pk=pk).update(data={**data, **renamed})

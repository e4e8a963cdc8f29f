"""Every table that holds something about a person: which rows, and what of them the person gets.

A test walks all models, and fails if one with a relation to a person or a conversation is not listed here.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Model, Q, QuerySet

from conversations.access import audit
from conversations.models import ApiKey, Conversation, LedgerEntry, Membership
from conversations.outbox import deliveries

Row = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Whose rows are looked for. `addresses` are their mail addresses, in lower case."""

    pk: int
    username: str
    addresses: frozenset[str]


def person(user: AbstractUser) -> Person:
    """Reads the database."""
    found = EmailAddress.objects.filter(user_id=user.pk).values_list("email", flat=True)
    return Person(user.pk, user.username, frozenset(text.lower() for text in (*found, user.email) if text))


def _unchanged(row: Row, _: Person) -> Row:
    return row


@dataclass(frozen=True)
class Table:
    """`rows` finds the rows about a person. An export has their columns without `left_out`, which are secrets, and with
    `also`, which are looked up; `shown` hides what is about others."""

    rows: Callable[[Person], Q]
    left_out: frozenset[str] = frozenset()
    also: tuple[str, ...] = ()
    shown: Callable[[Row, Person], Row] = _unchanged
    is_exported: bool = True


def _owned(path: str, *left_out: str, also: tuple[str, ...] = ()) -> Table:
    """Rows that lead to their person by this path of relations."""
    return Table(lambda person: Q(**{path: person.pk}), frozenset(left_out), also)


def _where_to(row: Row, _: Person) -> Row:
    # The path of a target may be a secret of the installation.
    return {**row, "target": deliveries.shown(row["target"])}


def _readable(row: Row, _: Person) -> Row:
    return {**row, "data": zlib.decompress(row["data"]).decode()}


def _others_hidden(*columns: str) -> Callable[[Row, Person], Row]:
    """Hides these columns in rows in which the first names somebody else."""

    def shown(row: Row, person: Person) -> Row:
        return row if row[columns[0]] == person.pk else {**row, **dict.fromkeys(columns)}

    return shown


def _address_hidden(row: Row, person: Person) -> Row:
    """Whom the person invited is not told with their data."""
    return row if row["email"].lower() in person.addresses else {**row, "email": None}


def _invitations(person: Person) -> Q:
    return Q(created_by=person.pk) | invited(person)


def invited(person: Person) -> Q:
    """The invitations to this person, to the site or to an organisation."""
    to = Q(pk__in=())
    for address in person.addresses:
        to |= Q(email__iexact=address)
    return to


def _ledger(person: Person) -> Q:
    debates = Conversation.objects.filter(owner=person.pk).values_list("pk", flat=True)
    of_debates = Q(scope=LedgerEntry.Scope.CONVERSATION, key__in=[str(pk) for pk in debates])
    return of_user(person) | of_debates


def of_user(person: Person) -> Q:
    """The entries of the ledger for this person's days."""
    return Q(scope=LedgerEntry.Scope.USER, key=str(person.pk))


def _audited(person: Person) -> Q:
    """The audit trail's entries about the person, their debates and their keys."""
    debates = Conversation.objects.filter(owner=person.pk).values_list("pk", flat=True)
    keys = ApiKey.objects.filter(owner=person.pk).values_list("pk", flat=True)
    things = [*(f"conversation:{pk}" for pk in debates), *(f"key:{pk}" for pk in keys)]
    return audit.about(person.pk) | Q(subject__in=things)


def _log_entries(person: Person) -> Q:
    return Q(user=person.pk) | logged(person)


# The models whose objects the administration changes, and notes with their names.
_ADMINISTERED: Final = (
    "auth.User",
    "account.EmailAddress",
    "mfa.Authenticator",
    "socialaccount.SocialAccount",
    "conversations.ApiKey",
    "conversations.Invitation",
    "conversations.LegalHold",
)


def logged(person: Person) -> Q:
    """The administration's log entries about this person and their things."""
    found = Q(pk__in=())
    for label in _ADMINISTERED:
        keys = [str(pk) for pk in rows(label, person).values_list("pk", flat=True)]
        app, _, model = label.lower().partition(".")
        found |= Q(content_type__app_label=app, content_type__model=model, object_id__in=keys)
    return found


TABLES: Final[Mapping[str, Table]] = {
    "auth.User": _owned("pk", "password"),
    "auth.User_groups": _owned("user", also=("group__name",)),
    "auth.User_user_permissions": _owned("user", also=("permission__codename",)),
    "account.EmailAddress": _owned("user"),
    "account.EmailConfirmation": _owned("email_address__user", "key"),
    "mfa.Authenticator": _owned("user", "data"),
    "socialaccount.SocialAccount": _owned("user"),
    "socialaccount.SocialToken": _owned("account__user", "token", "token_secret"),
    "usersessions.UserSession": _owned("user", "session_key", "data"),
    # Found by what is in them. They hold nothing that `UserSession` does not show, but secrets.
    "sessions.Session": Table(lambda _: Q(pk__in=()), is_exported=False),
    "admin.LogEntry": Table(_log_entries, shown=_others_hidden("user_id")),
    "conversations.ApiKey": _owned("owner", "digest"),
    "conversations.Conversation": _owned("owner"),
    # The texts of the question, the sources and the messages once more, for search.
    "conversations.Passage": Table(lambda person: Q(conversation__owner=person.pk), is_exported=False),
    "conversations.Source": _owned("owner"),
    "conversations.ConversationSource": _owned("conversation__owner"),
    "conversations.ComposedPanel": _owned("owner"),
    "conversations.PanelVersion": _owned("panel__owner"),
    "conversations.ConversationPanel": _owned("conversation__owner"),
    "conversations.Dataset": _owned("owner"),
    # The export has each file whole.
    "conversations.DatasetChunk": Table(lambda person: Q(dataset__owner=person.pk), is_exported=False),
    "conversations.ConversationDataset": _owned("conversation__owner"),
    "conversations.Event": _owned("conversation__owner"),
    "conversations.EventText": Table(lambda person: Q(conversation__owner=person.pk), shown=_readable),
    "conversations.Reservation": _owned("conversation__owner"),
    "conversations.ThreadRun": _owned("owner"),
    "conversations.Delivery": Table(lambda person: Q(conversation__owner=person.pk), shown=_where_to),
    "conversations.Invitation": Table(
        _invitations,
        shown=lambda row, person: _others_hidden("created_by_id")(_address_hidden(row, person), person),
    ),
    "conversations.ConversationShare": Table(
        lambda person: Q(person=person.pk) | Q(conversation__owner=person.pk),
        shown=_others_hidden("person_id"),
    ),
    "conversations.Membership": _owned("person"),
    "conversations.OrganisationInvitation": Table(
        lambda person: Q(invited_by=person.pk) | invited(person),
        shown=lambda row, person: _others_hidden("invited_by_id")(_address_hidden(row, person), person),
    ),
    "conversations.LedgerEntry": Table(_ledger),
    "conversations.LegalHold": Table(
        lambda person: Q(person=person.pk) | Q(conversation__owner=person.pk),
        frozenset({"placed_by_id", "lifted_by_id"}),
    ),
    "conversations.AuditEntry": Table(_audited, shown=_others_hidden("actor_id", "address")),
    "conversations.Erasure": _owned("person"),
    "conversations.Preferences": _owned("person"),
}
# The tables that hold nothing about anybody. `Deletion` has ids of conversations that are no more.
IMPERSONAL: Final = frozenset(
    {
        "auth.Group",
        "auth.Group_permissions",
        "auth.Permission",
        "contenttypes.ContentType",
        "conversations.Deletion",
        "conversations.Organisation",
        "conversations.PeriodicTask",
        "procrastinate.ProcrastinateEvent",
        # A waiting job holds the id of its conversation, until a worker takes it.
        "procrastinate.ProcrastinateJob",
        "procrastinate.ProcrastinatePeriodicDefer",
        "procrastinate.ProcrastinateWorker",
        "socialaccount.SocialApp",
    }
)


# Where the rows of these tables lead to their conversation.
_OF_CONVERSATIONS: Final[Mapping[str, str]] = {
    "conversations.Conversation": "",
    "conversations.ConversationSource": "conversation__",
    "conversations.ConversationDataset": "conversation__",
    "conversations.ConversationPanel": "conversation__",
    "conversations.Event": "conversation__",
    "conversations.EventText": "conversation__",
    "conversations.Delivery": "conversation__",
}


def rows(label: str, person: Person) -> QuerySet[Any]:
    """The rows of this table about the person."""
    # `_base_manager` finds all rows.
    return _model(label)._base_manager.filter(TABLES[label].rows(person))


def exported(label: str, person: Person) -> Iterator[Row]:
    """The rows of this table as the person gets them. Debates of an organisation that they have left stay in it."""
    table = TABLES[label]
    fields = _model(label)._meta.concrete_fields
    columns = [field.attname for field in fields if field.attname not in table.left_out]
    within = rows(label, person).filter(_still_theirs(label, person))
    found = within.order_by("pk").values(*columns, *table.also)
    return (table.shown(row, person) for row in found.iterator(chunk_size=500))


def _still_theirs(label: str, person: Person) -> Q:
    if (path := _OF_CONVERSATIONS.get(label)) is None:
        return Q()
    joined = Membership.objects.filter(person=person.pk).values("organisation")
    return Q(**{f"{path}organisation": None}) | Q(**{f"{path}organisation__in": joined})


def _model(label: str) -> type[Model]:
    if label == "auth.User":
        return get_user_model()
    app, _, name = label.partition(".")
    return apps.get_app_config(app).get_model(name)

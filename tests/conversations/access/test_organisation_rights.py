"""Who may do what with the debates of an organisation: every role, sharing and right, by each way to ask."""

from itertools import product
from typing import NamedTuple

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.access import lists, permissions
from conversations.access.permissions import NO_RIGHTS
from conversations.domain.enums import Role, Sharing
from conversations.domain.errors import Forbidden, NotFound
from conversations.models import AuditEntry, Conversation, ConversationShare, Membership, Organisation
from tests.support import debates
from tests.support.organisations import join, organisation

pytestmark = pytest.mark.django_db(transaction=True)


class Case(NamedTuple):
    """A user's relation to a debate. `role` is in its organisation, None for somebody who is not in it."""

    role: Role | None
    is_creator: bool
    sharing: Sharing
    is_named: bool
    is_deleted: bool


CASES = [
    Case(*values) for values in product([None, *Role], [False, True], Sharing, [False, True], [False, True])
]


def expected(case: Case) -> tuple[bool, bool, bool, bool, bool]:
    """May they watch, control, speak, share; and is their reading recorded?"""
    if case.role is None:
        return (False,) * 5
    administers = case.role in {Role.OWNER, Role.ADMIN}
    speaks = case.is_creator and case.role is not Role.VIEWER
    is_shared = case.sharing is Sharing.ORGANISATION or (case.sharing is Sharing.MEMBERS and case.is_named)
    sees = not case.is_deleted and (case.is_creator or is_shared)
    watches = sees or administers
    recorded = administers and not sees and not case.is_creator
    return watches, speaks or administers, speaks, speaks or administers, recorded


class World:
    """Two organisations, of which the person owns the second; a debate in the first one. Sets each case up by updates,
    and asks every way."""

    def __init__(self, author: User, person: User) -> None:
        self.author, self.person = author, person
        self.home, self.other = organisation("Home", owner=author), organisation("Other", owner=person)
        self.debate = debates.create(author, organisation=self.home.pk)

    def set(self, case: Case) -> None:
        Membership.objects.filter(person=self.person, organisation=self.home).delete()
        ConversationShare.objects.all().delete()
        if case.role is not None:
            join(self.home, self.person, case.role)
        if case.is_named:
            ConversationShare.objects.create(conversation=self.debate, person=self.person)
        Conversation.objects.filter(pk=self.debate.pk).update(
            owner=self.person if case.is_creator else self.author,
            sharing=case.sharing,
            deleted_at=timezone.now() if case.is_deleted else None,
        )
        self.debate.refresh_from_db()

    def answers(self) -> dict[str, bool]:
        """By the name of each way to ask."""
        person, pk = self.person, self.debate.pk
        one = permissions.rights(person, self.debate)
        many = permissions.rights_of_all([(person, pk)]).get((person.pk, pk), NO_RIGHTS)
        assert one == many
        rights = {f"rights: {name}": getattr(one, name) for name in ("watch", "control", "speak", "share")}
        doors = {
            name: self._opens(getattr(permissions, name)) for name in ("watch", "control", "speak", "share")
        }
        listed = {
            "visible_to": lists.visible_to(person),
            "own": lists.own(person),
            "personal": lists.personal(person),
        }
        found = {name: rows.filter(pk=pk).exists() for name, rows in listed.items()}
        within = {name: self._lists(getattr(lists, name), self.home) for name in ("shared", "reviewable")}
        elsewhere = {
            f"{name} elsewhere": self._lists(getattr(lists, name), self.other)
            for name in ("shared", "reviewable")
        }
        return rights | doors | found | within | elsewhere | {"recorded": one.by_review}

    def _opens(self, door: object) -> bool:
        try:
            door(self.person, self.debate.pk)  # type: ignore[operator]
        except (NotFound, Forbidden):
            return False
        return True

    def _lists(self, within: object, of: Organisation) -> bool:
        try:
            return bool(within(self.person, of.pk).filter(pk=self.debate.pk).exists())  # type: ignore[operator]
        except (NotFound, Forbidden):
            return False


def test_no_cell_of_roles_sharing_and_doors_is_wrong(alice: User, bob: User) -> None:
    world = World(alice, bob)
    wrong, cells = [], 0
    for case in CASES:
        with transaction.atomic():
            world.set(case)
            answers = world.answers()
        watch, control, speak, share, recorded = expected(case)
        sees = watch and not recorded and not (case.is_creator and case.is_deleted)
        contributes = case.role is not None and case.role is not Role.VIEWER
        right = {
            "rights: watch": watch,
            "rights: control": control,
            "rights: speak": speak,
            "rights: share": share,
            "watch": watch,
            # A debate that one may not watch, such as one's own that is deleted, is not to be found.
            "control": watch and control,
            "speak": watch and speak,
            "share": watch and share,
            "visible_to": watch,
            "own": case.is_creator and contributes and not case.is_deleted,
            "personal": False,
            "shared": sees,
            "reviewable": case.role in {Role.OWNER, Role.ADMIN},
            "shared elsewhere": False,
            "reviewable elsewhere": False,
            "recorded": recorded,
        }
        cells += len(right)
        wrong += [(case, name, answers[name]) for name in right if answers[name] != right[name]]
    assert wrong == []
    assert cells > 1_000


def test_personal_debates_are_nobody_elses_and_cost_no_query(alice: User, bob: User) -> None:
    personal = debates.create(alice)
    organisation(owner=bob, admin=alice)
    # Neither has a meaning without an organisation.
    Conversation.objects.filter(pk=personal.pk).update(sharing=Sharing.ORGANISATION)
    ConversationShare.objects.create(conversation=personal, person=bob)
    personal.refresh_from_db()
    assert permissions.rights(bob, personal) == NO_RIGHTS._replace(creator=alice.pk)
    assert not lists.visible_to(bob).exists()
    with CaptureQueriesContext(connection) as captured:
        assert permissions.rights(alice, personal).speak
    assert len(captured) == 0


def test_a_role_costs_one_query(alice: User, bob: User) -> None:
    found = organisation(owner=alice, viewer=bob)
    debate = debates.create(alice, organisation=found.pk)
    Conversation.objects.filter(pk=debate.pk).update(sharing=Sharing.MEMBERS)
    debate.refresh_from_db()
    with CaptureQueriesContext(connection) as captured:
        permissions.rights(bob, debate)
    assert len(captured) == 1
    others = [debates.create(alice, organisation=found.pk).pk for _ in range(2)]
    asked = [(person, pk) for person in (alice, bob) for pk in (debate.pk, *others)]
    with CaptureQueriesContext(connection) as captured:
        permissions.rights_of_all(asked)
    assert len(captured) == 3


def test_an_admin_who_reads_and_commands_is_recorded(alice: User, bob: User) -> None:
    found = organisation(owner=alice, admin=bob)
    debate = debates.create(alice, organisation=found.pk)
    permissions.control(bob, debate.pk)
    lists.reviewable(bob, found.pk)
    entries = AuditEntry.objects.filter(actor=bob).order_by("pk").values_list("action", "subject")
    assert [*entries] == [
        ("transcript_read", f"conversation:{debate.pk}"),
        ("debate_commanded", f"conversation:{debate.pk}"),
        ("transcript_read", f"organisation:{found.pk}"),
    ]

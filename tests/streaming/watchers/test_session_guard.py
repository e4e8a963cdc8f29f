"""Sessions that have ended and rights that were lost: found for all watchers at once, by few queries."""

import io
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.access import principals
from conversations.access.principals import Principal
from conversations.domain.enums import Sharing
from conversations.models import Conversation, Membership, Organisation
from streaming.watchers import session_guard
from streaming.wire.close_codes import Close
from tests.support import debates
from tests.support.organisations import organisation

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(person: User) -> Principal:
    """A session of theirs, as a connection remembers it."""
    client = Client()
    client.force_login(person)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    return principals.of_session(key)


def refused(principal: Principal, conversation: Conversation | None) -> Close | None:
    watching = (principal, None if conversation is None else conversation.pk)
    return session_guard.refused([watching]).get(watching)


# Who stays


def test_valid_session_that_may_watch_is_not_refused(
    alice: User, carol: User, conversation: Conversation
) -> None:
    assert refused(signed_in(alice), conversation) is None
    assert refused(signed_in(alice), None) is None
    assert refused(signed_in(carol), conversation) is None


def test_owner_of_a_deleted_debate_is_refused_and_a_reviewer_is_not(
    alice: User, carol: User, conversation: Conversation
) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=timezone.now())
    assert refused(signed_in(alice), conversation) is Close.FORBIDDEN
    assert refused(signed_in(carol), conversation) is None


def test_no_watchers_give_no_verdicts() -> None:
    assert session_guard.refused([]) == {}


# Who goes


def sign_out(person: User, principal: Principal) -> None:
    Session.objects.filter(session_key=principal.session).delete()


def let_the_session_expire(person: User, principal: Principal) -> None:
    Session.objects.filter(session_key=principal.session).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )


def change_the_password(person: User, principal: Principal) -> None:
    person.set_password("another-one-altogether")
    person.save()


def change_the_password_by_command(person: User, principal: Principal) -> None:
    from django.contrib.auth.management.commands import changepassword

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(changepassword.Command, "_get_pass", lambda *_: "another-one-altogether")
        call_command("changepassword", person.get_username(), stdout=io.StringIO())


def disable(person: User, principal: Principal) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def delete(person: User, principal: Principal) -> None:
    person.delete()


ENDS: list[Callable[[User, Principal], None]] = [
    sign_out,
    let_the_session_expire,
    change_the_password,
    change_the_password_by_command,
    disable,
    delete,
]


@pytest.mark.parametrize("end", ENDS)
def test_ended_session_is_refused_and_no_other(
    alice: User, bob: User, carol: User, conversation: Conversation, end: Callable[[User, Principal], None]
) -> None:
    # Bob owns nothing, so that he can be deleted.
    principal, other, reviewer = signed_in(bob), signed_in(alice), signed_in(carol)
    watching = [(principal, None), (other, conversation.pk), (reviewer, conversation.pk)]
    assert session_guard.refused(watching) == {}
    end(bob, principal)
    assert session_guard.refused(watching) == {(principal, None): Close.UNAUTHENTICATED}


def test_ended_session_of_several_is_refused_alone(alice: User, conversation: Conversation) -> None:
    phone, desk = signed_in(alice), signed_in(alice)
    sign_out(alice, phone)
    assert refused(phone, conversation) is Close.UNAUTHENTICATED
    assert refused(desk, conversation) is None


def take_permission(carol: User) -> None:
    carol.user_permissions.clear()


def take_staff(carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(is_staff=False)


@pytest.mark.parametrize("take", [take_permission, take_staff])
def test_lost_review_right_leaves_own_debates(
    carol: User, conversation: Conversation, take: Callable[[User], None]
) -> None:
    own = debates.create(carol)
    principal = signed_in(carol)
    take(carol)
    assert refused(principal, conversation) is Close.FORBIDDEN
    assert refused(principal, own) is None
    assert refused(principal, None) is None


def test_right_by_a_group_counts_until_it_is_taken(
    bob: User, carol: User, conversation: Conversation
) -> None:
    reviewers = Group.objects.create(name="reviewers")
    reviewers.permissions.set(carol.user_permissions.all())
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.groups.add(reviewers)
    principal = signed_in(bob)
    assert refused(principal, conversation) is None
    bob.groups.clear()
    assert refused(principal, conversation) is Close.FORBIDDEN


def remove(organisation: Organisation, debate: Conversation, person: User) -> None:
    Membership.objects.filter(organisation=organisation, person=person).delete()


def make_private(organisation: Organisation, debate: Conversation, person: User) -> None:
    Conversation.objects.filter(pk=debate.pk).update(sharing=Sharing.PRIVATE)


def delete_the_debate(organisation: Organisation, debate: Conversation, person: User) -> None:
    Conversation.objects.filter(pk=debate.pk).update(deleted_at=timezone.now())


@pytest.mark.parametrize("end", [remove, make_private, delete_the_debate])
def test_member_who_may_not_watch_any_more_is_refused(
    alice: User, bob: User, end: Callable[[Organisation, Conversation, User], None]
) -> None:
    found = organisation(owner=alice, viewer=bob)
    debate = debates.create(alice, organisation=found.pk)
    Conversation.objects.filter(pk=debate.pk).update(sharing=Sharing.ORGANISATION)
    principal = signed_in(bob)
    assert refused(principal, debate) is None
    end(found, debate, bob)
    assert refused(principal, debate) is Close.FORBIDDEN
    assert refused(principal, None) is None


def test_deleted_conversation_is_forbidden(alice: User, carol: User) -> None:
    # Reviewers may watch everybody's.
    gone = uuid.uuid4()
    for principal in (signed_in(alice), signed_in(carol)):
        assert session_guard.refused([(principal, gone)]) == {(principal, gone): Close.FORBIDDEN}


# What it costs


def queries(watching: list[session_guard.Watching]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        session_guard.refused(watching)
    return len(captured)


def test_more_watchers_cost_no_more_queries(alice: User, carol: User, conversation: Conversation) -> None:
    owner, reviewer = signed_in(alice), signed_in(carol)
    few: list[session_guard.Watching] = [(owner, conversation.pk), (reviewer, conversation.pk)]
    others = [debates.create(alice) for _ in range(3)]
    many = few * 100 + [(principal, other.pk) for other in others for principal in (owner, reviewer)] * 100
    assert queries(many) == queries(few) <= 5


def test_queries_grow_only_with_what_one_may_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite bounds what a query may hold.")
    people = [User.objects.create(username=f"p{number}", password="!") for number in range(12)]
    signed: list[session_guard.Watching] = [(signed_in(person), None) for person in people]
    assert queries(signed) == queries(signed[:1])
    # On the class: Django 6.1 has a property.
    monkeypatch.setattr(type(connection.features), "max_query_params", 4)
    assert queries(signed) == 3 * queries(signed[:4])
    assert session_guard.refused(signed) == {}
    gone = signed[7]
    sign_out(people[7], gone[0])
    assert session_guard.refused(signed) == {gone: Close.UNAUTHENTICATED}

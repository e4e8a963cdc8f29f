"""Who may open a WebSocket: each handshake gets its own answer, and many at once cost few queries."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from conversations.access.principals import Principal
from conversations.domain.errors import LogUnavailable, NotFound, OutcryError, Unauthenticated
from conversations.infrastructure import database
from conversations.models import Conversation
from streaming.watchers import admission
from streaming.watchers.admission import admit
from tests.streaming.watchers.test_session_guard import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


async def headers_of(person: User) -> dict[str, str]:
    session = (await database.call(signed_in, person)).session
    return {"cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}


async def answer(headers: dict[str, str], conversation: UUID | None) -> Any:
    """The user, or the class of the refusal."""
    try:
        return (await admit(headers, conversation)).user
    except OutcryError as refused:
        return type(refused)


async def test_handshakes_at_once_each_get_their_own_answer(
    alice: User, bob: User, carol: User, conversation: Conversation
) -> None:
    people = [alice, bob, carol, await database.call(User.objects.create_user, "dora")]
    owner, stranger, reviewer, disabled = [await headers_of(person) for person in people]
    await database.call(disable, people[-1])
    answers = await asyncio.gather(
        answer(owner, conversation.pk),
        answer(stranger, conversation.pk),
        answer(reviewer, conversation.pk),
        answer(reviewer, uuid4()),
        answer(stranger, None),
        answer(disabled, None),
        answer({}, conversation.pk),
        answer({"cookie": f"{settings.SESSION_COOKIE_NAME}=unknown"}, conversation.pk),
    )
    assert answers == [
        alice,
        NotFound,
        carol,
        NotFound,
        bob,
        Unauthenticated,
        Unauthenticated,
        Unauthenticated,
    ]


def disable(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def test_more_handshakes_cost_no_more_queries(alice: User, bob: User, conversation: Conversation) -> None:
    def queries(handshakes: list[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            answers = admission._admit_browsers(handshakes)
        assert all(isinstance(found, Principal) for found in answers)
        return len(captured)

    one = (signed_in(alice).session, conversation.pk)
    many: list[admission._Handshake] = [(signed_in(alice).session, conversation.pk) for _ in range(20)]
    many += [(signed_in(bob).session, None) for _ in range(20)]
    assert queries([one]) == queries(many) == 3


async def test_handshakes_during_a_look_up_share_the_next(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    look_up = admission._admit_browsers

    def counted(handshakes: Any) -> Any:
        sizes.append(len(handshakes))
        return look_up(handshakes)

    monkeypatch.setattr(admission, "_admit_browsers", counted)
    monkeypatch.setattr(admission, "BATCH", 4)
    headers = await headers_of(alice)
    answers = await asyncio.gather(*(answer(headers, conversation.pk) for _ in range(10)))
    assert answers == [alice] * 10
    assert sizes == [4, 4, 2]


async def test_failed_look_up_refuses_its_handshakes_and_no_later_ones(
    alice: User, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise OperationalError("away")

    headers = await headers_of(alice)
    with monkeypatch.context() as patched:
        patched.setattr(admission, "_admit_browsers", fail)
        answers = await asyncio.gather(*(answer(headers, conversation.pk) for _ in range(3)))
    assert answers == [LogUnavailable] * 3
    assert await answer(headers, conversation.pk) == alice


async def test_client_that_leaves_while_it_waits_holds_up_nobody(
    alice: User, conversation: Conversation
) -> None:
    headers = await headers_of(alice)
    leaving = asyncio.ensure_future(answer(headers, conversation.pk))
    staying = asyncio.ensure_future(answer(headers, conversation.pk))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == alice

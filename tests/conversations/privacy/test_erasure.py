"""A person who is erased leaves nothing but a pseudonym, a line for each debate, and the books."""

import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from pytest_django import Settings

from conversations.access import audit
from conversations.budgets import ledger
from conversations.domain.enums import AuditAction, Status
from conversations.domain.errors import NotErasable
from conversations.models import (
    ApiKey,
    AuditEntry,
    Conversation,
    Deletion,
    Erasure,
    Event,
    LedgerEntry,
    LegalHold,
    Reservation,
)
from conversations.privacy import erasure, inventory
from tests.support import belongings, debates


def contents() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed:
            for row in model._base_manager.values():
                texts = {name: _text(value) for name, value in row.items()}
                yield model._meta.label, json.dumps(texts, cls=DjangoJSONEncoder, ensure_ascii=False)


def _text(value: object) -> object:
    # The only bytes are compressed files.
    return zlib.decompress(value).decode() if isinstance(value, bytes | memoryview) else value


def found(*words: str) -> set[tuple[str, str]]:
    return {(label, word) for label, text in contents() for word in words if word in text}


WORDS = ("canary", "Canary", belongings.SAID, belongings.SECRET, belongings.IP)


def test_nothing_about_an_erased_person_is_left_in_any_table(someone: User) -> None:
    assert {label for label, _ in found(*WORDS)} >= {"auth.User", "conversations.Event", "admin.LogEntry"}
    known = inventory.person(someone)
    erasure.erase(someone.pk, None)
    assert found(*WORDS) == set()
    ids = (
        f'"user:{known.pk}"',
        f'"owner": {known.pk}}}',
        f'"actor_id": {known.pk},',
        f'"owner_id": {known.pk},',
    )
    assert found(*ids) == set()
    left = {label: inventory.rows(label, known).count() for label in inventory.TABLES}
    assert {label for label, number in left.items() if number} == set()


def test_every_table_has_a_row_before_the_test_of_erasing(someone: User) -> None:
    Erasure.objects.create(person=someone)
    known = inventory.person(someone)
    empty = {label for label in inventory.TABLES if not inventory.rows(label, known).exists()}
    assert empty == {"sessions.Session"}


def test_others_keep_everything_when_a_person_is_erased(someone: User, alice: User) -> None:
    kept = belongings.debate(alice)
    events, keys = kept.events.count(), ApiKey.objects.count()
    erasure.erase(someone.pk, None)
    assert kept.events.count() == events
    assert kept.deliveries.count() == kept.thread_runs.count() == kept.reservations.count() == 1
    assert ApiKey.objects.count() == keys - 1
    alice.refresh_from_db()
    assert alice.is_active


def test_a_line_for_each_debate_outlives_its_person(alice: User) -> None:
    finished, stopped = belongings.ended(alice), debates.create(alice)
    belongings.append(stopped, debates.status(Status.CANCELLED))
    erasure.erase(alice.pk, None)
    lines = {row.conversation: (row.transcript_sha256, row.reason) for row in Deletion.objects.all()}
    assert lines == {finished.pk: ("0" * 64, "erasure"), stopped.pk: ("", "erasure")}


def test_the_books_are_kept_without_the_person(alice: User, settings: Settings) -> None:
    conversation = belongings.debate(alice)
    LedgerEntry.objects.update(usd=Decimal("1.5"), tokens=100)
    entries = LedgerEntry.objects.count()
    erasure.erase(alice.pk, None)
    assert LedgerEntry.objects.filter(usd=Decimal("1.5"), tokens=100).count() == entries
    assert not LedgerEntry.objects.filter(scope="user", key=str(alice.pk)).exists()
    assert LedgerEntry.objects.filter(scope="user", key__startswith="erased-").count() == 1
    assert LedgerEntry.objects.filter(scope="conversation", key=str(conversation.pk)).exists()
    assert Reservation.objects.get().conversation_id is None
    spent = ledger.spent(ledger.day_accounts(0, ledger.today())[1])
    assert spent is not None
    # What was never settled counts as spent, and is held for nothing any more.
    assert spent.tokens == 100


def test_audit_entries_of_an_erased_person_share_a_pseudonym(someone: User, carol: User) -> None:
    before = AuditEntry.objects.count()
    erasure.erase(someone.pk, carol)
    rows = AuditEntry.objects.order_by("pk")
    # It was asked for, and done.
    assert rows.count() == before + 2
    pseudonyms = {row.pseudonym for row in rows if row.pseudonym}
    assert len(pseudonyms) == 1
    [pseudonym] = pseudonyms
    by_action = {row.action: row for row in rows}
    assert by_action["email_added"].subject == f"user:{pseudonym}"
    assert by_action["email_added"].address is None
    assert by_action["sign_in_failed"].address is None
    assert by_action["transcript_read"].detail == {"owner": pseudonym}
    assert by_action["transcript_read"].address == "192.0.2.1"
    assert (by_action["erasure_begun"].actor_id, by_action["erased"].subject) == (
        carol.pk,
        f"user:{pseudonym}",
    )


def test_a_name_in_somebody_elses_debate_becomes_the_pseudonym(someone: User) -> None:
    erasure.erase(someone.pk, None)
    [control] = Event.objects.filter(type="control")
    assert control.data["actor"].startswith("erased-")
    assert control.data["action"] == "pause"


# Refusals


def refusal(user: User) -> str:
    with pytest.raises(NotErasable) as refused:
        erasure.erase(user.pk, user)
    user.refresh_from_db()
    assert user.is_active
    assert AuditEntry.objects.filter(action="erasure_refused").count() == 1
    return refused.value.message


@pytest.mark.parametrize("on", ["person", "conversation"])
def test_who_is_under_legal_hold_is_not_erased(alice: User, on: str) -> None:
    conversation = belongings.ended(alice)
    held: dict[str, Any] = {"person": alice} if on == "person" else {"conversation": conversation}
    hold = LegalHold.objects.create(reason="Tarnwick v. Outcry.", **held)
    assert f"since {hold.placed_at:%Y-%m-%d}: Tarnwick v. Outcry. Nothing is deleted" in refusal(alice)
    assert Conversation.objects.filter(pk=conversation.pk).exists()
    LegalHold.objects.update(lifted_at=hold.placed_at)
    erasure.erase(alice.pk, alice)
    assert not User.objects.filter(pk=alice.pk).exists()


def test_who_has_a_running_debate_is_not_erased(alice: User, conversation: Conversation) -> None:
    assert refusal(alice).startswith("1 debate is still running.")
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_the_only_administrator_is_not_erased(alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    assert "only administrator" in refusal(alice)
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    erasure.erase(alice.pk, alice)
    assert not User.objects.filter(pk=alice.pk).exists()


def test_a_hold_that_comes_in_between_stops_the_erasure(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "BATCH", 1)
    for _ in range(2):
        belongings.ended(alice)
    erasure.begin(alice.pk, None)
    assert erasure.step(alice.pk) is False
    LegalHold.objects.create(reason="Late", person=alice)
    with pytest.raises(NotErasable):
        erasure.finish(alice.pk)
    assert Conversation.objects.count() == 1
    assert Erasure.objects.count() == 1


def test_an_account_that_is_being_erased_is_disabled(alice: User) -> None:
    erasure.begin(alice.pk, None)
    alice.refresh_from_db()
    assert not alice.is_active


# The command


def test_the_command_erases_who_is_named(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match=r"Nothing was erased\."):
        call_command("erase_person", "alice")
    monkeypatch.setattr("builtins.input", lambda _: "alice")
    call_command("erase_person", "alice")
    assert not User.objects.filter(pk=alice.pk).exists()


def test_the_command_tells_why_it_refuses(alice: User, conversation: Conversation) -> None:
    with pytest.raises(CommandError, match="still running"):
        call_command("erase_person", "alice", "--yes")
    with pytest.raises(CommandError, match="nobody with the name 'nobody'"):
        call_command("erase_person", "nobody", "--yes")


def test_no_pseudonym_is_used_for_two_people(alice: User, bob: User) -> None:
    for person in (alice, bob):
        audit.record(AuditAction.SIGNED_IN, person, f"user:{person.pk}")
        erasure.erase(person.pk, None)
    subjects = {*AuditEntry.objects.filter(action="signed_in").values_list("subject", flat=True)}
    assert len(subjects) == 2

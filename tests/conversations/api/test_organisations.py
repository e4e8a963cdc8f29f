"""The HTTP API of organisations: who is in them, who may change that, and how people come in."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from conversations.access import organisations as access
from conversations.domain.enums import Role
from conversations.domain.errors import MembershipConflict, NotErasable
from conversations.models import AuditEntry, Membership, Organisation, OrganisationInvitation
from conversations.privacy import erasure
from conversations.services import organisations
from tests.support.api_keys import make
from tests.support.organisations import confirm_address, join, organisation

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/organisations/"
Send = Callable[..., tuple[int, Any]]


def sender(person: User, **headers: str) -> Send:
    client = Client(headers=headers)
    if not headers:
        client.force_login(person)

    def send(method: str, path: str, body: object = None) -> tuple[int, Any]:
        text = "" if body is None else json.dumps(body)
        answer = client.generic(method, path, text, content_type="application/json")
        return answer.status_code, json.loads(answer.content or "null")

    return send


def at(found: Organisation, *rest: object) -> str:
    return "/".join([f"{LIST}{found.pk}", *map(str, rest)])


def roles(found: Organisation) -> dict[str, str]:
    return dict(Membership.objects.filter(organisation=found).values_list("person__username", "role"))


# Organisations


def test_who_creates_an_organisation_is_its_owner(alice: User, bob: User) -> None:
    send = sender(alice)
    status, made = send("POST", LIST, {"name": " Tarnwick  Capital "})
    assert (status, made["role"]) == (201, "owner")
    assert made["slug"].startswith("tarnwick-capital-")
    assert send("GET", LIST) == (200, {"organisations": [made]})
    assert sender(bob)("GET", LIST) == (200, {"organisations": []})
    status, renamed = send("PATCH", f"{LIST}{made['id']}/", {"name": "Meridian"})
    assert (status, renamed) == (200, {**made, "name": "Meridian"})


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": 7}, {"name": "A", "slug": "a"}]
)
def test_a_wrong_name_is_refused_and_stores_nothing(alice: User, body: object) -> None:
    status, answer = sender(alice)("POST", LIST, body)
    assert (status, answer["code"], len(answer["errors"])) == (422, "invalid", 1)
    assert not Organisation.objects.exists()


def test_a_member_sees_the_members_and_a_key_reads_but_changes_nothing(alice: User, bob: User) -> None:
    found = organisation(owner=alice, viewer=bob)
    _, text = make(bob, "watch", "start", "control")
    send = sender(bob, authorization=f"Bearer {text}")
    status, answer = send("GET", at(found, "members", ""))
    assert status == 200
    assert [(each["username"], each["role"]) for each in answer["members"]] == [
        ("alice", "owner"),
        ("bob", "viewer"),
    ]
    assert send("DELETE", at(found, "members", bob.pk, ""))[0] == 403
    assert send("POST", LIST, {"name": "Mine"})[0] == 403


# Rights

OPERATIONS: dict[str, tuple[str, str, object, set[str]]] = {
    "read": ("GET", "", None, {"owner", "admin", "member", "viewer"}),
    "members": ("GET", "members/", None, {"owner", "admin", "member", "viewer"}),
    "rename": ("PATCH", "", {"name": "Other"}, {"owner", "admin"}),
    "invitations": ("GET", "invitations/", None, {"owner", "admin"}),
    "invite": ("POST", "invitations/", {"email": "new@example.com"}, {"owner", "admin"}),
    "audit": ("GET", "audit", None, {"owner", "admin"}),
    "promote to admin": ("PATCH", "members/{bob}/", {"role": "admin"}, {"owner", "admin"}),
    "promote to owner": ("PATCH", "members/{bob}/", {"role": "owner"}, {"owner"}),
    "demote an owner": ("PATCH", "members/{alice}/", {"role": "admin"}, {"owner"}),
    "remove": ("DELETE", "members/{bob}/", None, {"owner", "admin"}),
    "remove an owner": ("DELETE", "members/{alice}/", None, {"owner"}),
    "transfer": ("POST", "transfer", None, {"owner"}),
    "leave": ("DELETE", "members/{me}/", None, {"owner", "admin", "member", "viewer"}),
}


def test_a_role_may_do_what_its_table_says(alice: User, bob: User, carol: User) -> None:
    found, send = organisation(), sender(carol)
    people = {"alice": alice.pk, "bob": bob.pk, "me": carol.pk}
    wrong = []
    for operation, role in product(OPERATIONS, Role):
        Membership.objects.all().delete()
        for person, has in ((alice, Role.OWNER), (bob, Role.MEMBER), (carol, role)):
            join(found, person, has)
        method, path, body, allowed = OPERATIONS[operation]
        sent = {"person": bob.pk} if operation == "transfer" else body
        status, answer = send(method, f"{LIST}{found.pk}/{path.format(**people)}", sent)
        if status not in ({200, 201, 204} if role in allowed else {403}):
            wrong.append((operation, role, status, answer))
    assert wrong == []


def test_a_foreign_organisation_looks_like_an_unknown_one(alice: User, bob: User) -> None:
    foreign, send = organisation(owner=alice), sender(bob)
    for method, path, body, _ in OPERATIONS.values():
        path = path.format(alice=alice.pk, bob=alice.pk, me=bob.pk)
        sent = {"person": alice.pk} if path == "transfer" else body
        answers = [send(method, f"{LIST}{pk}/{path}", sent) for pk in (foreign.pk, uuid4())]
        assert answers[0] == answers[1] == (404, {"code": "not_found", "message": access.UNKNOWN})
    assert roles(foreign) == {"alice": "owner"}


# Owners


def test_the_last_owner_neither_leaves_nor_becomes_something_else(
    alice: User, bob: User, carol: User
) -> None:
    found = organisation(owner=alice, admin=bob)
    send = sender(alice)
    path = at(found, "members", alice.pk, "")
    assert send("DELETE", path)[1]["code"] == "last_owner"
    status, answer = send("PATCH", path, {"role": "member"})
    assert (status, answer["code"]) == (409, "last_owner")
    # An owner whose account is disabled does not count.
    join(found, carol, Role.OWNER)
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert send("DELETE", path)[0] == 409
    User.objects.filter(pk=carol.pk).update(is_active=True)
    assert send("DELETE", path)[0] == 204
    assert roles(found) == {"bob": "admin", "carol": "owner"}


def test_a_transfer_makes_another_member_the_owner(alice: User, bob: User) -> None:
    found = organisation(owner=alice, viewer=bob)
    send = sender(alice)
    assert send("POST", at(found, "transfer"), {"person": alice.pk})[1]["code"] == "already_owner"
    assert send("POST", at(found, "transfer"), {"person": 10**6})[0] == 404
    assert send("POST", at(found, "transfer"), {"person": bob.pk})[0] == 200
    assert roles(found) == {"alice": "admin", "bob": "owner"}


def test_a_number_too_large_for_a_member_is_nobodys(alice: User) -> None:
    found, send, huge = organisation(owner=alice), sender(alice), 2**63
    status, answer = send("POST", at(found, "transfer"), {"person": huge})
    assert (status, [error["field"] for error in answer["errors"]]) == (422, ["person"])
    assert send("PATCH", at(found, "members", huge, ""), {"role": "viewer"})[0] == 404
    assert send("DELETE", at(found, "members", huge, ""))[0] == 404
    assert roles(found) == {"alice": "owner"}


def test_two_owners_who_leave_at_once_leave_one(alice: User, bob: User) -> None:
    found = organisation(owner=alice)
    join(found, bob, Role.OWNER)
    ready, refused = threading.Barrier(2), []

    def leave(person: User) -> None:
        try:
            ready.wait()
            organisations.remove(person, found.pk, person.pk)
        except MembershipConflict as conflict:
            refused.append(conflict.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(person,)) for person in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (refused, len(roles(found))) == (["last_owner"], 1)


def test_the_last_owner_of_others_is_not_erased(alice: User, bob: User) -> None:
    found = organisation(owner=alice, member=bob)
    with pytest.raises(NotErasable, match="last owner of the organisation Tarnwick Capital"):
        erasure.erase(alice.pk, alice)
    join(found, User.objects.create(username="dora"), Role.OWNER)
    erasure.erase(alice.pk, alice)
    assert roles(found) == {"bob": "member", "dora": "owner"}


# Invitations


def invite(found: Organisation, by: User, email: str, **more: object) -> str:
    """The token of a new invitation."""
    status, made = sender(by)("POST", at(found, "invitations", ""), {"email": email, **more})
    assert status == 201
    return str(made["link"].rstrip("/").rpartition("/")[2])


def accept(person: User, token: str) -> tuple[int, str]:
    status, answer = sender(person)("POST", f"{LIST}join", {"token": token})
    return status, answer.get("code", "")


def test_an_invited_person_joins_by_the_mailed_link(alice: User, bob: User) -> None:
    found = organisation(owner=alice)
    confirm_address(bob)
    token = invite(found, alice, "Bob@Example.com", role="viewer")
    [sent] = mail.outbox
    assert (sent.to, token in sent.body) == (["bob@example.com"], True)
    client = Client()
    client.force_login(bob)
    page = client.get(f"/o/join/{token}/")
    assert "Join <bdi>Tarnwick Capital</bdi>" in page.content.decode()
    # Opening it uses nothing up.
    assert roles(found) == {"alice": "owner"}
    assert client.post(f"/o/join/{token}/").status_code == 302
    assert roles(found) == {"alice": "owner", "bob": "viewer"}
    assert client.get(f"/o/join/{token}/").status_code == 410


def test_an_invitation_that_cannot_be_used_says_why(alice: User, bob: User, carol: User) -> None:
    found = organisation(owner=alice)
    for person in (bob, carol):
        confirm_address(person)
    token = invite(found, alice, bob.email)
    assert accept(carol, token) == (403, "other_address")
    assert accept(bob, token + "x") == (404, "not_found")
    OrganisationInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert accept(bob, token) == (410, "invitation_gone")
    again = invite(found, alice, bob.email)
    assert accept(bob, token) == (404, "not_found")
    assert accept(bob, again) == (200, "")
    assert accept(bob, again) == (410, "invitation_gone")
    assert roles(found) == {"alice": "owner", "bob": "member"}


def test_an_address_that_is_not_confirmed_opens_nothing(alice: User, bob: User) -> None:
    token = invite(organisation(owner=alice), alice, bob.email)
    assert accept(bob, token) == (403, "other_address")


def test_a_withdrawn_invitation_is_gone(alice: User, bob: User) -> None:
    found = organisation(owner=alice)
    confirm_address(bob)
    token = invite(found, alice, bob.email)
    send = sender(alice)
    [listed] = send("GET", at(found, "invitations", ""))[1]["invitations"]
    assert "link" not in listed
    path = at(found, "invitations", listed["id"], "")
    assert [send("DELETE", path)[0] for _ in range(2)] == [204, 404]
    assert accept(bob, token) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"email": "nobody"},
        {"email": "a@b.example", "role": "owner"},
        {"email": "a@b.example", "days": 0},
        {"email": "a@b.example", "role": "boss"},
        {},
    ],
)
def test_a_wrong_invitation_is_refused_and_sends_nothing(alice: User, body: object) -> None:
    status, answer = sender(alice)("POST", at(organisation(owner=alice), "invitations", ""), body)
    assert (status, len(answer["errors"])) == (422, 1)
    assert mail.outbox == []


def test_a_member_is_not_invited_again(alice: User, bob: User) -> None:
    found = organisation(owner=alice, member=bob)
    confirm_address(bob)
    status, answer = sender(alice)("POST", at(found, "invitations", ""), {"email": bob.email})
    assert (status, answer["code"]) == (409, "already_member")


# The audit trail


def test_each_change_is_an_entry_that_admins_read(alice: User, bob: User) -> None:
    send = sender(alice)
    _, made = send("POST", LIST, {"name": "Tarnwick"})
    found = Organisation.objects.get(pk=UUID(made["id"]))
    confirm_address(bob)
    token = invite(found, alice, bob.email)
    accept(bob, token)
    send("PATCH", at(found, "members", bob.pk, ""), {"role": "admin"})
    send("PATCH", at(found, ""), {"name": "Meridian"})
    send("DELETE", at(found, "members", bob.pk, ""))
    status, answer = send("GET", at(found, "audit"))
    assert status == 200
    assert [(each["actor"], each["action"]) for each in reversed(answer["entries"])] == [
        ("alice", "organisation_created"),
        ("alice", "member_invited"),
        ("bob", "member_joined"),
        ("alice", "role_changed"),
        ("alice", "organisation_renamed"),
        ("alice", "member_removed"),
    ]
    assert answer["entries"][2]["detail"] == {"member": bob.pk, "role": "admin", "before": "member"}
    stored = json.dumps([*AuditEntry.objects.values("subject", "detail")])
    assert token not in stored
    assert bob.email not in stored

"""The pages of organisations: a form for each change, offered to those who may make it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.domain.enums import Role
from conversations.models import Membership, Organisation
from tests.frontend.pages import page_data, text
from tests.support import debates
from tests.support.organisations import join, organisation

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/account/organisations/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def address(found: Organisation) -> str:
    return f"/o/{found.slug}/settings/"


def test_an_organisation_is_created_and_run_by_forms(alice: User, bob: User) -> None:
    client = signed_in(alice)
    made = client.post(LIST, {"name": "Tarnwick"})
    found = Organisation.objects.get()
    assert made["Location"] == address(found)
    assert "Tarnwick" in text(client.get(LIST))
    page = text(
        client.post(address(found), {"action": "invite", "email": "new@example.com", "role": "viewer"})
    )
    assert f"/o/join/{found.invitations.get().pk.hex}" in page
    assert "/o/join/" not in text(client.get(address(found)))
    join(found, bob)
    member = {"person": bob.pk}
    client.post(address(found), {"action": "role", "role": "admin", **member})
    assert Membership.objects.get(person=bob).role == Role.ADMIN
    client.post(address(found), {"action": "rename", "name": "Meridian"})
    client.post(address(found), {"action": "withdraw", "invitation": str(found.invitations.get().pk)})
    client.post(address(found), {"action": "remove", **member})
    page = text(client.get(address(found)))
    assert "Meridian" in page
    assert "removed somebody from an organisation" in page
    assert (found.memberships.count(), found.invitations.count()) == (1, 0)


def test_the_page_offers_a_viewer_nothing_but_to_leave(alice: User, bob: User) -> None:
    found = organisation(owner=alice, viewer=bob)
    client = signed_in(bob)
    page = text(client.get(address(found)))
    assert "Leave organisation" in page
    for word in ("Invite", "Remove", "Rename", "Recent changes"):
        assert word not in page
    refused = client.post(address(found), {"action": "rename", "name": "Mine"}, follow=True)
    assert "Only admins and owners of the organisation may do this." in text(refused)
    assert client.post(address(found), {"action": "leave"})["Location"] == LIST
    assert client.get(address(found)).status_code == 404


def test_refusals_and_nonsense_change_nothing(alice: User, bob: User) -> None:
    found = organisation(owner=alice, member=bob)
    client = signed_in(alice)
    assert "last owner" in text(client.post(address(found), {"action": "leave"}, follow=True))
    assert "Enter a mail address" in text(
        client.post(address(found), {"action": "invite", "email": "x", "role": "member"}, follow=True)
    )
    for sent in (
        {"action": "role", "role": "boss", "person": bob.pk},
        {"action": "remove", "person": "x"},
        {"action": "delete"},
    ):
        assert client.post(address(found), sent).status_code == 400
    assert signed_in(bob).get("/o/unknown-bcdfgh/settings/").status_code == 404
    assert found.memberships.count() == 2


def test_the_address_says_which_organisation_a_page_is_about(alice: User, bob: User) -> None:
    found = organisation(owner=alice, member=bob)
    debate = debates.create(bob, organisation=found.pk)
    client, within = signed_in(bob), f"/o/{found.slug}/dashboard"
    page = text(client.get(within))
    assert f'data-organisation="{found.pk}"' in page
    assert page_data(page, "history")["newUrl"] == within
    assert page_data(page, "history")["organisation"]["name"] == found.name
    assert page_data(text(client.get("/dashboard")), "history")["organisation"] is None
    page = text(client.get(debate.get_absolute_url()))
    assert page_data(page, "history")["organisation"]["id"] == str(found.pk)
    assert page_data(page, "debate")["againUrl"] == f"{within}?again={debate.pk}"
    found.memberships.filter(person=bob).delete()
    assert [client.get(path).status_code for path in (within, debate.get_absolute_url())] == [404, 404]

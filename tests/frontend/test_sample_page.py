"""The sample debate: what a new account can look at before it has a debate."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conversations.domain import transcript
from conversations.domain.events import EVENTS
from conversations.models import Conversation
from frontend import sample
from tests.frontend.pages import page_data, text
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_sample_is_a_whole_log_of_valid_events() -> None:
    events = sample.recording()["events"]
    assert [event["seq"] for event in events] == [*range(1, len(events) + 1)]
    for event in events:
        EVENTS[event["type"]].model_validate(event["data"])
    state = transcript.fold([(event["seq"], event["type"], event["data"]) for event in events])
    assert state["complete"]["transcript_sha256"] == transcript.digest(transcript.spoken(state))


def test_anybody_can_look_at_the_sample(client: Client) -> None:
    assert f'href="{reverse("sample")}"' in text(client.get(reverse("account_login")))
    assert page_data(text(client.get(reverse("sample"))), "debate")["isSample"] is True


def test_the_sample_says_so_and_is_no_row(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = text(client.get(reverse("sample")))
    assert "<title>Sample: " in page
    shown = page_data(page, "debate")
    assert shown["isSample"] is True
    # A new debate is called Initializing for a second.
    assert shown["age"] > 1
    assert not Conversation.objects.exists()
    # The page's elements read the same fields of both.
    own = debates.create(alice, content="Revenue 412 million.")
    of_row = page_data(text(client.get(own.get_absolute_url())), "debate")
    assert shown.keys() == of_row.keys()
    assert shown["sources"][0].keys() == of_row["sources"][0].keys()


def test_the_sample_is_offered_until_there_is_a_debate(client: Client, alice: User) -> None:
    client.force_login(alice)
    offer = f'href="{reverse("sample")}"'
    assert offer in text(client.get(reverse("dashboard")))
    debates.create(alice)
    assert offer not in text(client.get(reverse("dashboard")))

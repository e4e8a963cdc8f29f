"""The sources of a debate, on its page and each as plain text."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.models import Conversation, ConversationSource, Source
from frontend.source_texts import MAX_INLINE
from tests.frontend.pages import page_data, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def debate(alice: User) -> Conversation:
    """A debate about a pasted text and an uploaded one."""
    made = Conversation.objects.create(owner=alice, topic="Is it a buy?", content="<b>Revenue</b> grew.")
    source = Source.objects.create(
        owner=alice, name="Report", type="pdf", text="Page <1>", characters=8, pages=[0, 4], sha256="0" * 64
    )
    ConversationSource.objects.create(conversation=made, source=source, position=0)
    return made


def test_page_names_its_sources_and_links_to_their_texts(
    client: Client, alice: User, debate: Conversation
) -> None:
    client.force_login(alice)
    typed, uploaded = page_data(text(client.get(debate.get_absolute_url())), "debate")["sources"]
    assert (typed["name"], typed["text"]) == ("Text", "<b>Revenue</b> grew.")
    assert (uploaded["name"], uploaded["pages"], uploaded["text"]) == ("Report", 2, None)
    for source, words in ((typed, "<b>Revenue</b> grew."), (uploaded, "Page <1>")):
        response = client.get(source["url"])
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert text(response) == words


def test_long_text_is_not_in_the_page(client: Client, alice: User) -> None:
    client.force_login(alice)
    long = Conversation.objects.create(owner=alice, topic="Is it a buy?", content="x" * (MAX_INLINE + 1))
    [source] = page_data(text(client.get(long.get_absolute_url())), "debate")["sources"]
    assert (source["text"], source["characters"]) == (None, MAX_INLINE + 1)
    assert len(text(client.get(source["url"]))) == MAX_INLINE + 1


def test_source_is_not_found_by_who_may_not_watch_or_where_there_is_none(
    client: Client, alice: User, bob: User, debate: Conversation
) -> None:
    client.force_login(alice)
    assert client.get(f"{debate.get_absolute_url()}sources/2/").status_code == 404
    client.force_login(bob)
    for position in (0, 1):
        assert client.get(f"{debate.get_absolute_url()}sources/{position}/").status_code == 404

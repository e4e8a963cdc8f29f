"""Search in one's own debates: what is found, in which texts, and what never is."""

from functools import partial
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from conversations.domain.enums import DeletionReason, Status
from conversations.domain.events import HumanMessage
from conversations.event_log import appender, reindexing
from conversations.infrastructure import database
from conversations.models import Conversation, Passage
from conversations.privacy import deletion
from tests.conversations.api.conftest import LIST, Ask, asking, topics
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = "Net debt fell to 1.2 billion; AI spending in the US rose by 7%. 市場経済と売上高の見通し。"


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return debates.create(
        alice, topic="Is Tarnwick's dividend safe?", content=CONTENT + "x" * 60_000 + " Omega"
    )


async def speak(conversation: Conversation, text: str) -> None:
    start = debates.message_start(uuid4())
    await appender.append(conversation.pk, start, debates.agent_message(start, text))


@pytest.mark.parametrize(
    "query",
    ["dividend", "DIVID", '"dividend safe"', "net billion", "AI", "us", "市場", "経", "売上高", "市場経済", "1.2",
     "Omega", "dividend 市場 leverage", "Straße"],
)  # fmt: skip
async def test_words_are_found_in_question_sources_and_speeches(
    alice: User, conversation: Conversation, ask: Ask, query: str
) -> None:
    await debates.created(alice, topic="Something else")
    await speak(conversation, "Leverage at the Straße is low.")
    assert await topics(ask, f"q={query}") == [conversation.topic]


@pytest.mark.parametrize(
    "query",
    ["zebra", "dividend zebra", '"safe dividend"', "a", "場市", "***", "' OR 1=1 --", "text : dividend",
     "NEAR(a b)", "dividend AND zebra", "(", "%", "\\", "^div", "{pairs} : ai", "!&|:*"],
)  # fmt: skip
async def test_syntax_is_text_like_any_other(conversation: Conversation, ask: Ask, query: str) -> None:
    answer = await ask("get", f"{LIST}?" + urlencode({"q": query}))
    assert answer["results"] == []


async def test_an_excerpt_shows_the_word_where_it_was_said(conversation: Conversation, ask: Ask) -> None:
    await speak(conversation, "<b>İts</b> Leverage is low, " + "and so on " * 20)
    [row] = (await ask("get", f"{LIST}?q=leverage"))["results"]
    assert row["excerpt"]["part"] == "message"
    assert (row["excerpt"]["before"], row["excerpt"]["hit"]) == ("<b>İts</b> ", "Leverage")
    assert row["excerpt"]["after"].startswith(" is low")
    assert row["excerpt"]["after"].endswith(" …")
    [row] = (await ask("get", f"{LIST}?q=Tarnwick"))["results"]
    assert (row["excerpt"]["part"], row["excerpt"]["seq"]) == ("question", None)


async def test_a_person_finds_only_their_own_debates(bob: User, conversation: Conversation) -> None:
    client = AsyncClient()
    await database.call(client.force_login, bob)
    assert await topics(asking(client), "q=dividend") == []


async def test_what_is_renamed_is_found_by_both_names(conversation: Conversation, ask: Ask) -> None:
    await ask("patch", f"{LIST}{conversation.pk}/", {"title": "Walnut"})
    assert await topics(ask, "q=walnut") == await topics(ask, "q=dividend") == [conversation.topic]
    await ask("patch", f"{LIST}{conversation.pk}/", {"title": "Cherry"})
    assert await topics(ask, "q=walnut") == []


async def test_tokens_and_thoughts_are_not_indexed(conversation: Conversation, ask: Ask) -> None:
    start = debates.message_start(uuid4())
    await appender.append(conversation.pk, start, debates.token(start.message, "unfinished"))
    await appender.append(conversation.pk, HumanMessage(author="alice", text="Mind the covenants."))
    assert await topics(ask, "q=unfinished") == []
    assert await topics(ask, "q=covenants") == [conversation.topic]


async def test_what_is_deleted_for_good_leaves_no_text(conversation: Conversation, ask: Ask) -> None:
    await appender.append(conversation.pk, debates.status(Status.COMPLETED))
    await database.call(deletion.delete, conversation.pk, DeletionReason.RETENTION)
    assert await database.call(Passage.objects.count) == 0
    assert await topics(ask, "q=dividend") == []


async def test_what_an_older_version_stored_is_indexed_later(conversation: Conversation, ask: Ask) -> None:
    await speak(conversation, "Leverage is low.")
    await appender.append(conversation.pk, debates.status(Status.COMPLETED))
    await database.call(Passage.objects.filter(conversation=conversation, part="message").delete)
    change = Conversation.objects.filter(pk=conversation.pk).update
    await database.call(partial(change, models_used=None))
    assert await topics(ask, "q=leverage") == []
    assert await database.call(reindexing.step) == 1
    assert await topics(ask, "q=leverage&model=stand-in") == [conversation.topic]
    assert await database.call(reindexing.step) == 0

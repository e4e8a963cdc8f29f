"""Review in the admin: everything that was said can be found and read, and nothing can be changed."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations.domain import transcript
from conversations.domain.enums import Kind, Mode, Stance, Status
from conversations.domain.events import (
    AgentMessage,
    Complete,
    CostSummary,
    Error,
    EventData,
    Fallback,
    Figures,
    HumanMessage,
    MessageDiscard,
    MessageStart,
    StatusChanged,
    Token,
    Usage,
)
from conversations.event_log import store
from conversations.models import Conversation, Event
from conversations.orchestration.figures import frozen
from tests.support import debates

LIST = reverse("admin:conversations_conversation_changelist")
EVENTS = reverse("admin:conversations_event_changelist")
SCRIPT = "<script>alert('said')</script>"


def page_of(conversation: Conversation) -> str:
    return reverse("admin:conversations_conversation_change", args=[conversation.pk])


def said(content: str, **how: Any) -> list[EventData]:
    """A message, spoken and finished."""
    message = AgentMessage(
        **{
            "message": uuid4(),
            "agent": "Financial Analyst",
            "role": "financial_analyst",
            "kind": Kind.ANALYSIS,
            "round": 1,
            "content": content,
            "usage": Usage(input_tokens=1200, output_tokens=34),
            "model": "gpt-4o-mini",
            "provider": "openai",
            "mode": Mode.LIVE,
            "finish_reason": "stop",
            "duration_ms": 2500,
            **how,
        }
    )
    begun = {
        name: getattr(message, name)
        for name in MessageStart.model_fields
        if name not in {"streaming", "texts", "items"}
    }
    return [
        MessageStart(**begun, streaming=True),
        Token(message=message.message, offset=0, text=content, token_count=2),
        message,
    ]


def discarded(content: str) -> list[EventData]:
    start, token, _ = said(content)
    assert isinstance(start, MessageStart)
    return [start, token, MessageDiscard(message=start.message, reason="provider_stalled")]


def complete(
    messages: list[EventData], stance: Stance = Stance.HOLD, usd: float | None = None
) -> list[EventData]:
    cost = CostSummary(usd=usd, priced_messages=0, unpriced_messages=1, input_tokens=1200, output_tokens=34)
    verdict = Complete(
        verdict=stance,
        confidence=0.7,
        summary="Hold for now.",
        key_points=("Cash covers it",),
        cost_summary=cost,
        mode=Mode.LIVE,
        transcript_sha256=transcript.digest(event for event in messages if isinstance(event, AgentMessage)),
    )
    return [*messages, verdict, StatusChanged(status=Status.COMPLETED, mode=Mode.LIVE)]


def stored(owner: User, topic: str, *events: EventData, **how: Any) -> Conversation:
    conversation = Conversation.objects.create(owner=owner, topic=topic, **how)
    store.store_batch([store.Append(conversation.pk, None, events, timezone.now())])
    return Conversation.objects.get(pk=conversation.pk)


@pytest.fixture
def reviewer(carol: User) -> Client:
    client = Client()
    client.force_login(carol)
    return client


def topics(client: Client, address: str) -> list[str]:
    """The topics that a list shows, in its order."""
    answer = client.get(address)
    assert answer.status_code == HTTPStatus.OK
    return [conversation.topic for conversation in answer.context["cl"].result_list]


# The list


def test_the_list_shows_what_matters(reviewer: Client, alice: User) -> None:
    now = timezone.now()
    done = stored(alice, "Buy bonds?", *complete(said("Yes.")), started_at=now, rounds=3)
    Conversation.objects.filter(pk=done.pk).update(finished_at=now + timedelta(seconds=95))
    stored(alice, "Priced", *complete(said("Yes."), usd=0.0123))
    stored(alice, "A script", *said("Yes.", mode=Mode.DEMO), mode=Mode.DEMO)
    page = reviewer.get(LIST).content.decode()
    shown = (
        "Buy bonds?",
        "alice",
        "completed",
        "hold",
        "unknown",
        "$0.012",
        "0:01:35",
        "DEMO",
        f"{now:%Y-%m-%d}",
    )
    assert [words for words in shown if words not in page] == []


FILTERS: list[tuple[str, list[str]]] = [
    ("status=completed", ["bonds"]),
    ("status=queued", ["gold", "shares"]),
    ("mode=demo", ["gold"]),
    ("content_type=news", ["gold"]),
    ("panel=financial-debate", ["bonds", "shares"]),
    ("verdict=hold", ["bonds"]),
    ("verdict=buy", []),
    ("verdict=none", ["gold", "shares"]),
    ("created_at__gte=2026-01-01+00:00:00%2B00:00", ["bonds", "shares"]),
    ("created_at__year=2020", ["gold"]),
]


@pytest.mark.parametrize(("asked", "found"), FILTERS)
def test_the_list_is_filtered(reviewer: Client, alice: User, asked: str, found: list[str]) -> None:
    stored(alice, "bonds", *complete(said("Yes.")))
    old = timezone.now().replace(year=2020)
    stored(alice, "gold", mode=Mode.DEMO, content_type="news", panel="another", created_at=old)
    stored(alice, "shares")
    assert sorted(topics(reviewer, f"{LIST}?{asked}")) == found


SEARCHES: list[tuple[str, list[str]]] = [
    ("zirconium", ["bonds"]),  # only an agent said it
    ("ZIRCON", ["bonds"]),
    ("Überschuss", ["bonds"]),
    ("molybdenum", ["shares"]),  # only a person said it
    ("bonds", ["bonds"]),  # the topic
    ("ledger", ["shares"]),  # the content
    ("bob@example.com", ["shares"]),
    ("bob", ["shares"]),
    ("zirconium bonds", ["bonds"]),  # each word somewhere
    ("zirconium ledger", []),
    ('"prices of zirconium"', ["bonds"]),
    ('"zirconium of prices"', []),
    ("the prices of zirconium and of nothing else", ["bonds"]),  # many words are one sentence
    ("financial_analyst", []),  # what nobody said
    ("100%", ["bonds"]),
    ("_", []),
    ("nothing", ["bonds"]),
]


@pytest.mark.parametrize(("asked", "found"), SEARCHES)
def test_the_search_finds_what_was_said(
    reviewer: Client, alice: User, bob: User, asked: str, found: list[str]
) -> None:
    words = "Look at the prices of zirconium and of nothing else. Überschuss: 100%."
    stored(alice, "bonds", *said(words), *said("And zirconium again."))
    human = HumanMessage(author="bob", text="What about molybdenum?")
    stored(bob, "shares", *said("Perhaps."), human, content="From the ledger.")
    answer = reviewer.get(LIST, {"q": asked})
    assert [conversation.topic for conversation in answer.context["cl"].result_list] == found


def test_the_search_finds_a_conversation_by_its_id(reviewer: Client, alice: User) -> None:
    wanted = stored(alice, "bonds")
    stored(alice, "shares")
    assert topics(reviewer, f"{LIST}?q={wanted.pk}") == ["bonds"]


def test_what_was_taken_back_is_not_found(reviewer: Client, alice: User) -> None:
    stored(alice, "bonds", *discarded("zirconium"))
    assert topics(reviewer, f"{LIST}?q=zirconium") == []


def test_a_longer_list_asks_the_database_no_more(reviewer: Client, alice: User) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            reviewer.get(LIST, {"q": "yes"})
        return len(asked)

    stored(alice, "first", *complete(said("Yes.")))
    # The first search leaves an entry in the audit trail.
    questions()
    few = questions()
    for number in range(10):
        owner = User.objects.create(username=f"owner{number}", password="!")
        stored(owner, f"more {number}", *complete(said("Yes.")))
    assert questions() == few <= 12


# The transcript


def test_a_transcript_reads_as_it_happened(reviewer: Client, alice: User) -> None:
    events = [
        StatusChanged(status=Status.ACTIVE, mode=Mode.LIVE),
        *discarded("It is s"),
        Fallback(
            from_="openai:gpt-4o-mini", to="local", code="provider_stalled", reason="No token for 30 seconds."
        ),
        *said("It is sound."),
        HumanMessage(author="alice", text="Go on."),
        *said(
            "Rates fall.", agent="Market Context", model="scripted", provider="demo", mode=Mode.DEMO, cost=0.5
        ),
        Error(code="model_failed", message="The model stopped.", retryable=True),
    ]
    conversation = stored(
        alice, "Buy bonds?", *complete(events), content="Revenue grew.", started_at=timezone.now()
    )
    assert conversation.verdict is not None
    promised = conversation.verdict["transcript_sha256"]
    page = reviewer.get(page_of(conversation)).content.decode()
    order = [
        *("Buy bonds?", "Revenue grew.", "Hold for now.", "Cash covers it"),
        *(
            "discarded: provider_stalled",
            "It is s",
            "No token for 30 seconds.",
            "It is sound.",
            "gpt-4o-mini (openai)",
        ),
        *("1,200", "unknown", "2.5 s", "stop", "Go on.", "Market Context", "DEMO", "Rates fall.", "$0.50"),
        *("The model stopped.", "model_failed", promised, "transcript unchanged"),
    ]
    place = 0
    for words in order:
        assert words in page[place:], words
        place = page.index(words, place) + 1
    assert conversation.get_absolute_url() in page
    assert f"{EVENTS}?conversation={conversation.pk}" in page


def test_a_message_reads_as_markdown_and_leads_to_the_live_page(reviewer: Client, alice: User) -> None:
    text = (
        "# Results\n\n**Up** 9%, see [10-K](https://example.com/a).\n\n"
        "| Item | FY24 |\n|---|--:|\n| EPS | 4.1 |\n\n### Next\n\n"
        "[x](javascript:alert(1)) ![chart](https://example.com/c.png)\n\n\\[ a \\\\ b \\] \\$5"
    )
    conversation = stored(alice, "Buy bonds?", *complete(said(text)))
    page = reviewer.get(page_of(conversation)).content.decode()
    link = 'rel="noopener noreferrer nofollow ugc" target="_blank"'
    for expected in (
        "<h4>Results</h4>",
        "<strong>Up</strong> 9%",
        f'<a href="https://example.com/a" {link}>10-K</a> (example.com)',
        '<td align="right">4.1</td>',
        "<h5>Next</h5>",
        "[x](javascript:alert(1))",
        f'<a href="https://example.com/c.png" {link}>[image: chart]</a> (example.com)',
        "\\[ a \\\\ b \\] $5",
    ):
        assert expected in page
    message = Event.objects.get(conversation=conversation, type="agent_message", data__content=text)
    assert f'href="{conversation.get_absolute_url()}#m-{message.data["message"]}"' in page


def test_a_text_that_is_too_long_for_markdown_is_shown_as_it_is(reviewer: Client, alice: User) -> None:
    conversation = stored(alice, "Buy bonds?", *complete(said("**a** " * 6_000)))
    assert "**a** **a**" in reviewer.get(page_of(conversation)).content.decode()


def test_a_running_conversation_can_be_read(reviewer: Client, alice: User) -> None:
    start, token, _ = said("Half a sen")
    conversation = stored(alice, "Buy bonds?", start, token)
    page = reviewer.get(page_of(conversation)).content.decode()
    assert "Half a sen" in page
    assert "speaking" in page


def test_what_was_said_does_nothing_in_the_page(reviewer: Client, alice: User) -> None:
    person = HumanMessage(author=SCRIPT, text=SCRIPT)
    image = "![x](https://evil.example/x.png) <img src=https://evil.example/y.png>"
    events = complete([*said(f"{SCRIPT}{image}", agent=SCRIPT, model=SCRIPT), person])
    conversation = stored(alice, SCRIPT, *events, content=SCRIPT)
    first = Event.objects.filter(conversation=conversation, type="agent_message").get()
    for address in (
        page_of(conversation),
        LIST,
        EVENTS,
        f"{EVENTS}?conversation={conversation.pk}",
        reverse("admin:conversations_event_change", args=[first.pk]),
    ):
        answer = reviewer.get(address)
        page = answer.content.decode()
        assert "&lt;script&gt;alert(" in page
        assert "<script>" not in page
        assert not re.search(r"<img[^>]+evil", page)
        assert not re.search(r"<[^>]+\s(on\w+|style)=", page)
        assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_commands_and_questions_read_as_they_went(reviewer: Client, alice: User) -> None:
    conversation = stored(alice, "Buy bonds?", *debates.every_event())
    page = " ".join(reviewer.get(page_of(conversation)).content.decode().split())
    for words in (
        'Risk Challenger asks the owner (answered):</p> <div class="verbatim" dir="auto">Which horizon?',
        'a person, in answer to a question</span></h3> <div class="verbatim" dir="auto">Five years',
        'Risk Challenger asks the owner (not answered in time):</p> <div class="verbatim" dir="auto">Which currency?',
        "question: not answered in time.",
        "<bdi>alice</bdi> commands: <strong>pause</strong>",
    ):
        assert words in page


def test_a_message_lists_its_figures_and_the_page_the_record(reviewer: Client, alice: User) -> None:
    first, *rest = said("At $5 its RSI of 71 is high.")
    wrong = debates.PRICE.model_copy(
        update={"text": "<71>", "label": "contradicted", "expected": "47.0097", "evidence": ("E1",)}
    )
    message = rest[-1]
    assert isinstance(message, AgentMessage)
    checked = Figures(message=message.message, checker="1", items=(debates.PRICE, wrong), final=True)
    conversation = stored(alice, "Buy?", *frozen(debates.RECORD), *complete([first, *rest, checked]))
    page = " ".join(reviewer.get(page_of(conversation)).content.decode().split())
    for words in (
        "Record: 1 figure, known before the first word",
        '<dt>E1</dt><dd dir="auto">HLDN close, 2026-01-02: 41.2 EUR (Börse)</dd>',
        "<summary>2 figures: 1 fits the record, 1 contradicts the record.</summary>",
        "<td><bdi>&lt;71&gt;</bdi></td><td>contradicted</td><td>47.0097</td><td>E1</td>",
    ):
        assert words in page, words


def test_an_altered_transcript_is_noticed(reviewer: Client, alice: User) -> None:
    conversation = stored(alice, "Buy bonds?", *complete(said("It is sound.")))
    event = Event.objects.get(conversation=conversation, type="agent_message")
    table = Event._meta.db_table
    as_json = "::jsonb" if connection.vendor == "postgresql" else ""
    altered = f"REPLACE(CAST(data AS TEXT), 'sound', 'rotten'){as_json}"
    with connection.cursor() as cursor:  # past every guard
        cursor.execute(f"UPDATE {table} SET data = {altered} WHERE id = %s", [event.pk])
    page = reviewer.get(page_of(conversation)).content.decode()
    assert "It is rotten." in page
    assert "is not what was said" in page
    assert "transcript changed" in page


@pytest.mark.parametrize("lost", [3, 6])
def test_a_log_with_a_hole_is_shown_as_far_as_it_goes(reviewer: Client, alice: User, lost: int) -> None:
    events = [StatusChanged(status=Status.ACTIVE, mode=Mode.LIVE), *said("It is sound."), *said("Is it?")]
    conversation = stored(alice, "Buy bonds?", *events[:6])
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Event._meta.db_table} WHERE seq = %s", [lost])
    page = reviewer.get(page_of(conversation)).content.decode()
    assert re.search(rf"event {lost - 1} (can|of)", page)
    assert "What follows is what could be read." in page


def test_a_transcript_takes_few_questions_however_long_it_is(reviewer: Client, alice: User) -> None:
    short = stored(alice, "short", *said("Yes."))
    long = stored(alice, "long", *(event for _ in range(40) for event in said("Yes.")))

    def questions(conversation: Conversation) -> int:
        with CaptureQueriesContext(connection) as asked:
            reviewer.get(page_of(conversation))
        return len(asked)

    assert questions(long) == questions(short) <= 10


def test_there_is_no_transcript_of_what_is_not_there(reviewer: Client) -> None:
    for address in (uuid4(), "nonsense"):
        answer = reviewer.get(reverse("admin:conversations_conversation_change", args=[address]))
        assert answer.status_code == HTTPStatus.NOT_FOUND


# The log


def test_the_log_is_read_in_its_order_and_filtered(reviewer: Client, alice: User, bob: User) -> None:
    one = stored(alice, "bonds", *complete(said("Yes.")))
    stored(bob, "shares", *said("No."))

    def seqs(**asked: Any) -> list[int]:
        return [event.seq for event in reviewer.get(EVENTS, asked).context["cl"].result_list]

    assert len(seqs()) == 8
    assert seqs(conversation=one.pk) == [1, 2, 3, 4, 5]
    assert seqs(conversation=one.pk, type="agent_message") == [3]
    assert seqs(type="agent_message") == [3, 3]
    assert seqs(conversation=UUID(int=0)) == seqs(conversation="nonsense") == []


# Nothing changes


@pytest.fixture
def superuser(transactional_db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com", "!"))
    return client


def every_row() -> list[Any]:
    return [*Conversation.objects.order_by("pk").values(), *Event.objects.order_by("pk").values()]


@pytest.mark.parametrize("model", ["conversation", "event"])
def test_nothing_is_added_changed_or_deleted(superuser: Client, alice: User, model: str) -> None:
    conversation = stored(alice, "Buy bonds?", *complete(said("Yes.")))
    event = Event.objects.filter(conversation=conversation)[0]
    key = conversation.pk if model == "conversation" else event.pk
    before = every_row()
    add, change, delete = (
        reverse(f"admin:conversations_{model}_{view}", args=[] if view == "add" else [key])
        for view in ("add", "change", "delete")
    )
    assert superuser.get(change).status_code == HTTPStatus.OK
    for address in (add, delete):
        assert superuser.get(address).status_code == HTTPStatus.FORBIDDEN
    for address in (add, change, delete):
        given = {"topic": "Altered", "type": "status", "data": "{}", "post": "yes", "_save": "Save"}
        assert superuser.post(address, given).status_code == HTTPStatus.FORBIDDEN
    listed = reverse(f"admin:conversations_{model}_changelist")
    superuser.post(listed, {"action": "delete_selected", "_selected_action": [str(key)], "post": "yes"})
    assert every_row() == before
    assert 'name="action"' not in superuser.get(listed).content.decode()


def test_an_account_with_conversations_cannot_be_deleted(superuser: Client, alice: User) -> None:
    stored(alice, "Buy bonds?", *said("Yes."))
    before = every_row()
    superuser.post(reverse("admin:auth_user_delete", args=[alice.pk]), {"post": "yes"})
    action = {"action": "delete_selected", "_selected_action": [str(alice.pk)], "post": "yes"}
    superuser.post(reverse("admin:auth_user_changelist"), action)
    assert User.objects.filter(pk=alice.pk).exists()
    assert every_row() == before


# Who may


def addresses(conversation: Conversation) -> Iterator[str]:
    yield from (LIST, page_of(conversation), EVENTS)
    yield reverse(
        "admin:conversations_event_change", args=[Event.objects.filter(conversation=conversation)[0].pk]
    )
    yield reverse("admin:conversations_conversation_history", args=[conversation.pk])


def test_reviewers_see_everybodys(reviewer: Client, alice: User) -> None:
    conversation = stored(alice, "Buy bonds?", *said("Yes."))
    assert [reviewer.get(address).status_code for address in addresses(conversation)] == [HTTPStatus.OK] * 5
    assert "Conversations" in reviewer.get(reverse("admin:index")).content.decode()


STRANGERS: dict[str, Callable[[User], None]] = {
    "staff who may only view": lambda person: person.user_permissions.set(
        Permission.objects.filter(codename__in=("view_conversation", "view_event", "change_conversation"))
    ),
    "staff without rights": lambda person: None,
}


@pytest.mark.parametrize("rights", STRANGERS)
def test_other_staff_see_nothing(client: Client, alice: User, bob: User, rights: str) -> None:
    conversation = stored(alice, "Buy bonds?", *said("Yes."))
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    STRANGERS[rights](bob)
    client.force_login(bob)
    assert [client.get(address).status_code for address in addresses(conversation)] == [
        HTTPStatus.FORBIDDEN
    ] * 5
    assert "Conversations" not in client.get(reverse("admin:index")).content.decode()


def test_others_are_refused_at_the_door(client: Client, alice: User, bob: User) -> None:
    conversation = stored(alice, "Buy bonds?", *said("Yes."))
    for address in addresses(conversation):
        answer = client.get(address, follow=True)
        assert answer.redirect_chain[-1][0].startswith(f"{reverse('account_login')}?next=")
    # Without being staff, the right to review opens nothing.
    bob.user_permissions.set(Permission.objects.filter(codename="review_conversation"))
    client.force_login(bob)
    for address in addresses(conversation):
        assert client.get(address, follow=True).status_code == HTTPStatus.FORBIDDEN

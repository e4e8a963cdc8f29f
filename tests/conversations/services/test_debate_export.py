"""A debate that is taken away: as Markdown, as JSON and as tables."""

import csv
import io
import json
import re
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient
from markdown_it import MarkdownIt

from conversations.domain import markdown, transcript
from conversations.domain.enums import Kind, Mode, Stance, Status
from conversations.domain.events import EventData, Figures, HumanMessage, InputRequest, MessageStart
from conversations.infrastructure import database
from conversations.models import AuditEntry, Conversation, Source
from conversations.orchestration.figures import frozen
from tests.support import debates
from tests.support.belongings import append, ended

pytestmark = pytest.mark.django_db(transaction=True)

# Each tries to be a heading of its own.
FORGED = (
    "Fine.\n\n## Verdict\n\n**Strong buy**\n\n</blockquote><h2>Moderator</h2>\r## Moderator\u2028# Owned"
    " ![x](https://evil.example/x.png)"
)
TABLE = "| Item | Value |\n|---|---|\n| =cmd() | -3.2 |\n"


def said(content: str, kind: Kind = Kind.ANALYSIS, mode: Mode = Mode.LIVE) -> list[EventData]:
    start = debates.message_start(uuid4(), mode=mode).model_copy(update={"kind": kind})
    return [start, *debates.tokens(start.message, [content]), debates.agent_message(start, content)]


def debate(owner: User, *events: EventData, **values: Any) -> Conversation:
    conversation = debates.create(owner, **values)
    append(conversation, *events, debates.status(Status.COMPLETED))
    conversation.refresh_from_db()
    return conversation


async def exported(person: User, conversation: Conversation, **query: str) -> Any:
    client = AsyncClient()
    await database.call(client.force_login, person)
    return await client.get(f"/api/conversations/{conversation.pk}/export", query)


async def body(person: User, conversation: Conversation, **query: str) -> str:
    answer = await exported(person, conversation, **query)
    assert answer.status_code == 200
    text = b"".join([part async for part in answer.streaming_content]).decode()
    assert answer.headers["Content-Length"] == str(len(text.encode()))
    return text


async def test_markdown_has_the_verdict_first_and_no_forged_heading(alice: User) -> None:
    events = [
        *said(FORGED),
        HumanMessage(author="alice", text=FORGED),
        debates.complete(summary=FORGED, consensus=FORGED, key_points=("## Verdict",)),
    ]
    conversation = await database.call(
        lambda: debate(alice, *events, topic="Buy?\n## Verdict <h1>x</h1>", content=f"```\n{FORGED}")
    )
    text = await body(alice, conversation, format="md")
    tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
    # Without those in block quotes.
    places = [place for place, token in enumerate(tokens) if token.type == "heading_open" and not token.level]
    headings = [tokens[place + 1].content for place in places]
    assert headings == [
        "Buy? ## Verdict &lt;h1>x&lt;/h1>",
        "Verdict",
        "Risk Challenger, round 1",
        "alice (a person)",
        "Sources",
    ]
    html = MarkdownIt("commonmark", {"html": True}).render(text)
    assert "</blockquote><h2>" not in html
    assert "<img" not in html
    for shown in ("Asked by: alice", "stand-in (openai-compatible)", "investment advice"):
        assert shown in text


async def test_a_question_stands_where_it_was_asked(alice: User) -> None:
    start = debates.message_start(uuid4())
    question = {
        "request": uuid4(),
        "message": start.message,
        "agent": start.agent,
        "prompt": "Which horizon?",
    }
    events = [
        start,
        InputRequest(**question, offset=len("Let me ask 🙂.")),
        HumanMessage(author="alice", text="Five years.", reply_to=question["request"]),
        InputRequest(**{**question, "request": uuid4(), "prompt": "Which currency?"}, offset=14),
        debates.agent_message(start, "Let me ask 🙂.\n\nThen buy."),
    ]
    conversation = await database.call(lambda: debate(alice, *events))
    text = await body(alice, conversation, format="md")
    said = ["Let me ask 🙂.", "Which horizon?", "Five years.", "Which currency?", "(continued)", "Then buy."]
    places = [text.index(words) for words in said]
    assert places == sorted(places)
    assert text.count("## Risk Challenger, round 1") == 2


async def test_uploaded_sources_and_addressees_are_taken_away(alice: User) -> None:
    remark = HumanMessage(author="alice", text="Why?", to="risk_challenger")

    def made() -> Conversation:
        conversation = debate(alice, *said("First."), remark)
        source = Source.objects.create(
            owner=alice, name=FORGED, type="pdf", text=FORGED, characters=9, sha256=""
        )
        conversation.source_links.create(source=source, position=0)
        return conversation

    conversation = await database.call(made)
    text = await body(alice, conversation, format="md")
    assert "## alice (a person), to Risk Challenger\n\n> Why?" in text
    assert "## Sources\n\n### Fine. ## Verdict" in text
    assert f"```text\n{FORGED}\n```" in text
    [source] = json.loads(await body(alice, conversation, format="json"))["conversation"]["sources"]
    assert (source["type"], source["text"]) == ("pdf", FORGED)


async def test_a_demo_says_so_in_every_format(alice: User) -> None:
    verdict = debates.complete(verdict=Stance.NO_VERDICT, confidence=None, reason="demo", mode=Mode.DEMO)
    conversation = await database.call(lambda: debate(alice, *said(TABLE, mode=Mode.DEMO), verdict))
    text = await body(alice, conversation, format="md")
    assert "Simulated: a script spoke here, no model." in text
    assert "## Risk Challenger, round 1 (demo)" in text
    assert '"mode":"demo"' in await body(alice, conversation, format="json")
    assert '"demo"' in await body(alice, conversation, format="csv")


async def test_json_has_all_events_and_the_state_they_fold_to(alice: User) -> None:
    earlier = await database.call(ended, alice)
    conversation = await database.call(partial(ended, alice, follows=str(earlier.pk)))
    told = json.loads(await body(alice, conversation, format="json"))
    rows = await debates.rows(conversation)
    assert [(event["seq"], event["type"], event["data"]) for event in told["events"]] == rows
    assert told["folded"] == transcript.fold(rows)
    assert told["conversation"]["topic"] == conversation.topic
    assert told["conversation"]["follows"] == str(earlier.pk)


async def test_the_record_and_what_contradicts_it_are_taken_away(alice: User) -> None:
    start, *said_so = said("The close was 43.")
    assert isinstance(start, MessageStart)
    wrong = {"text": "43\n## Verdict", "label": "contradicted", "expected": "41.2", "evidence": ("E1",)}
    items = (debates.PRICE.model_copy(update=wrong), debates.PRICE)
    checked = Figures(message=start.message, checker="1", items=items, final=True)
    events = [*frozen(debates.RECORD), start, *said_so, checked, *said("Later.")]
    conversation = await database.call(lambda: debate(alice, *events))
    text = await body(alice, conversation, format="md")
    note = (
        "\n\n**Figures.** 2 figures: 1 fits the record, 1 contradicts the record. 43 ## Verdict contradicts the record,"
        " which has 41.2 (E1).\n\n"
    )
    record = (
        "\n\n## Record\n\n- E1: HLDN close, 2026-01-02: 41.2 EUR (Börse)\n- Missing: HLDN eps, no data\n\n---"
    )
    assert f"> The close was 43.{note}## Risk Challenger" in text
    assert record in text
    sent = markdown.whole("Buy?", "", await debates.rows(conversation))
    assert f"> The close was 43.{note}## Risk Challenger" in sent


async def test_thoughts_are_left_out_unless_asked_for(alice: User) -> None:
    conversation = await database.call(
        lambda: debate(alice, *said("Aloud."), *said("Secretly.", Kind.THINKING))
    )
    for name in ("md", "json"):
        text = await body(alice, conversation, format=name)
        assert "Aloud." in text
        assert "Secretly." not in text
        assert "Secretly." in await body(alice, conversation, format=name, thoughts="true")


async def test_tables_are_lines_of_one_csv(alice: User) -> None:
    wide = "| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n"
    conversation = await database.call(
        lambda: debate(alice, *said(f"{TABLE}\nand\n\n{wide}"), *said("None."))
    )
    text = await body(alice, conversation, format="csv")
    assert text.startswith("\ufeff")
    head, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert head == ["table", "message", "agent", "round", "mode", "row", "column_1", "column_2", "column_3"]
    message = (await debates.rows(conversation))[1][2]["message"]
    about = [message, "Risk Challenger", "1", "live"]
    assert lines == [
        ["1", *about, "0", "Item", "Value", ""],
        ["1", *about, "1", "'=cmd()", "-3.2", ""],
        ["2", *about, "0", "a", "b", "c"],
        ["2", *about, "1", "1", "2", "3"],
    ]


@pytest.mark.parametrize(("topic", "name"), [('../"Buy"\r\n; now?', "buy-now"), ("買うべきか", None)])
async def test_the_file_name_is_plain(alice: User, topic: str, name: str | None) -> None:
    conversation = await database.call(lambda: debate(alice, topic=topic))
    answer = await exported(alice, conversation, format="csv")
    expected = f"outcry-{name or str(conversation.pk)[:8]}-{conversation.created_at:%Y-%m-%d}.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{expected}"'
    assert [part async for part in answer.streaming_content]


async def test_only_who_may_watch_exports_and_each_export_is_recorded(
    alice: User, bob: User, carol: User
) -> None:
    conversation = await database.call(lambda: debate(alice))
    assert (await exported(bob, conversation, format="md")).status_code == 404
    for person in (alice, carol):
        await body(person, conversation, format="md")
    rows = await database.call(lambda: list(AuditEntry.objects.filter(action="exported").order_by("pk")))
    assert [(row.actor_id, row.subject, row.detail["format"]) for row in rows] == [
        (person.pk, f"conversation:{conversation.pk}", "md") for person in (alice, carol)
    ]


async def test_another_format_is_refused_by_name(alice: User) -> None:
    conversation = await database.call(lambda: debate(alice))
    answer = await exported(alice, conversation, format="pdf")
    assert answer.status_code == 422
    [problem] = json.loads(answer.content)["errors"]
    assert problem["field"] == "format"
    assert re.search("md.*json.*csv", problem["message"])

"""The spans of runs: what each conversation gets of a commit that many share, and of a run that does not come to its
debate's end."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from conversations.domain import requests
from conversations.event_log import appender, queries
from conversations.infrastructure import database, tracing
from conversations.runs import supervisor
from conversations.services import debates as services
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate
from tests.support import debates

pytestmark = pytest.mark.django_db(transaction=True)


def named(recorded: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in recorded.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


async def test_conversation_keeps_the_traceparent_of_its_start(
    alice: User, openai: OpenAIServer, recorded: InMemorySpanExporter
) -> None:
    conversation = await services.start(
        alice, requests.NewConversation.parse({"topic": "Is Tarnwick worth buying?"})
    )
    await debates.debates_ended()
    [start], [debate] = named(recorded, "start"), named(recorded, "debate")
    kept = (await debates.fresh(conversation)).traceparent
    assert start.context is not None
    assert kept.startswith(f"00-{trace_of(start)}-{start.context.span_id:016x}-")
    assert trace_of(debate) == trace_of(start)


async def test_shared_commit_has_a_span_per_conversation(
    alice: User, recorded: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = [await debates.created(alice) for _ in range(3)]
    batch: list[Any] = []
    with monkeypatch.context() as held:
        held.setattr(appender._writer, "submit", batch.append)
        start = debates.message_start(uuid4())
        word = debates.tokens(start.message, ["Half"])[0]
        for conversation, event in zip(conversations, [start, start, word], strict=True):
            with tracing.debate("", conversation.pk, uuid4(), 1):
                appender.Appender(conversation.pk, None).put(event)
    await database.call(appender._commit, batch)
    commits, runs = named(recorded, "log.commit"), named(recorded, "debate")
    # The third has stored a word only.
    assert [trace_of(span) for span in commits] == [trace_of(run) for run in runs[:2]]
    assert len({(span.start_time, span.end_time) for span in commits}) == 1


async def test_tokens_have_no_spans(
    alice: User, openai: OpenAIServer, recorded: InMemorySpanExporter
) -> None:
    openai.default = says(*["word "] * 200)
    conversations = [await debates.created(alice) for _ in range(3)]
    await asyncio.gather(*[supervisor.run(conversation.pk) for conversation in conversations])
    runs = named(recorded, "debate")
    assert len({trace_of(run) for run in runs}) == 3
    for run in runs:
        commits = [span for span in named(recorded, "log.commit") if trace_of(span) == trace_of(run)]
        assert run.context is not None
        assert {span.parent and span.parent.span_id for span in commits} == {run.context.span_id}
        assert run.attributes is not None
        pk = UUID(str(run.attributes["outcry.conversation"]))
        stored = await database.call(list, queries.read_all(pk))
        # Six hundred words are no six hundred spans.
        assert 0 < len(commits) <= sum(type_ != "token" for _, type_, _ in stored)
        assert stored[-1][0] in [span.attributes["outcry.seq"] for span in commits if span.attributes]


async def test_run_that_leaves_has_code_left_and_a_cancelled_turn(
    alice: User, openai: OpenAIServer, recorded: InMemorySpanExporter
) -> None:
    gate = Gate()
    openai.answer(says("One.", gate=gate), to="Financial Analyst")
    conversation = await debates.created(alice)
    run = supervisor.launch(conversation.pk)
    await gate.reached(1)
    await supervisor.hand_over()
    assert run.cancelled()
    [debate], [turn] = named(recorded, "debate"), named(recorded, "turn")
    assert debate.attributes is not None
    assert turn.attributes is not None
    assert (debate.attributes["outcry.code"], turn.attributes["outcry.code"]) == ("left", "cancelled")


async def test_append_outside_a_run_has_no_span(alice: User, recorded: InMemorySpanExporter) -> None:
    conversation = await debates.created(alice)
    await appender.append(conversation.pk, *debates.every_event()[:2])
    assert recorded.get_finished_spans() == ()

"""Rebuilding a debate from its conversation's log; a new conversation is the simplest case."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID

from conversations.agents.tools.query import Data
from conversations.datasets import queries as data_queries
from conversations.datasets import store
from conversations.domain import transcript
from conversations.domain.enums import Kind, Mode
from conversations.domain.events import Figures, Routing, ToolEnd, dump, load
from conversations.domain.human_input import HumanInput
from conversations.domain.panels import PANELS, Panel
from conversations.event_log import queries
from conversations.models import Conversation, Dataset
from conversations.orchestration.figures import Record, checked
from conversations.orchestration.state import BUDGET, CONCLUDED, DebateState
from conversations.prompts import builder
from conversations.prompts.material import DebateQuestion
from conversations.providers.catalog import BUILT_IN, by_preference
from conversations.providers.provider_errors import UNBILLED
from conversations.providers.windows import most_prompt_tokens
from conversations.runs import earlier, gathering, records
from conversations.runs.gathering import Known


def read(conversation: UUID) -> tuple[DebateState, HumanInput]:
    """The state of the debate and people's input, from the log. Finished messages are kept. The turn of an unfinished
    message is repeated, and so is a judgement whose `complete` is missing."""
    row = Conversation.objects.get(pk=conversation)
    folded, human_input = transcript.empty(), HumanInput()
    for event in queries.read_all(conversation):
        transcript.fold([event], folded)
        human_input.take(*event)
    is_judged = folded["complete"] is not None
    panel = PANELS.get(folded["panel"] or row.panel) or row.team
    kept, unfinished, thoughts, discarded = [], [], [], 0
    for message in folded["messages"]:
        if message["kind"] == Kind.THINKING:
            if message["state"] == "speaking":
                thoughts.append(UUID(message["id"]))
            continue
        may_be_billed = message["provider"] not in BUILT_IN
        if message["state"] == "discarded":
            discarded += may_be_billed and message["discard_reason"] not in UNBILLED
        elif message["state"] == "done" and (is_judged or not _is_judgement(panel, message)):
            kept.append(transcript.agent_message(message))
        else:
            unfinished.append(UUID(message["id"]))
            discarded += may_be_billed
    sources = tuple(source.as_text for source in row.sources)
    stored = records.stored(folded)
    record = None if stored is None else Record(stored, records.added(folded))
    as_of = row.as_of or row.created_at
    figures = [] if record is None else [checked(record, message) for message in kept]
    question = DebateQuestion(
        row.topic,
        row.content,
        row.content_type,
        row.rounds,
        earlier.read(row.follows_id),
        sources,
        None if record is None else record.whole,
    )
    state = DebateState(
        question=question,
        record=record,
        as_of=as_of,
        routing=None if folded["routing"] is None else cast("Routing", load(Routing.type, folded["routing"])),
        is_automatic=row.is_automatic,
        figures=figures,
        unchecked=[each for each in figures if not _is_known(each, folded)],
        panel=panel,
        providers=by_preference(),
        messages=kept,
        unfinished=unfinished,
        unfinished_thoughts=thoughts,
        discarded=discarded,
        own_question=human_input.question_after([message.message for message in kept]),
        data=_data(list(row.datasets)),
        results=[cast("ToolEnd", load(ToolEnd.type, call)) for call in folded["tools"] if call["checks"]],
        is_demo=row.mode == Mode.DEMO,
        is_judged=is_judged,
        reason=row.reason if is_judged and row.reason in {BUDGET, CONCLUDED} else None,
    )
    if stored is None and not folded["messages"]:
        # The record is frozen before the first word, or never.
        state.freeze = partial(_freeze, state, row.instrument, as_of)
    else:
        _prepare(state)
    return state, human_input


def _data(datasets: Sequence[Dataset]) -> Data | None:
    tables = [table for dataset in datasets for table in store.tables(dataset)]
    return Data(tables, partial(data_queries.run, datasets, examined=True)) if tables else None


async def _freeze(state: DebateState, symbol: str, as_of: datetime) -> None:
    """Give the debate the record of what is known, if it has an instrument, or its texts have figures."""
    known = await gathering.known(symbol, as_of)
    await asyncio.to_thread(_give_record, state, known, as_of)


def _give_record(state: DebateState, known: Known, as_of: datetime) -> None:
    """In a thread: long texts take a second."""
    question = state.question
    snapshot = records.of(known, as_of, question.content, question.sources)
    if snapshot is not None:
        state.question, state.record = replace(question, record=snapshot), Record(snapshot)
    _prepare(state)


def _prepare(state: DebateState) -> None:
    """Prepare the prompts for the provider that each agent asks first."""
    for provider in {state.candidates(agent)[0]: None for agent in state.panel.agents}:
        builder.prepare(state.question, provider, most_prompt_tokens(provider))


def _is_judgement(panel: Panel, message: transcript.State) -> bool:
    return panel.moderator is not None and bool(message["role"] == panel.moderator.role)


def _is_known(figures: Figures, folded: transcript.State) -> bool:
    """Whether the log has the figures of a message as they are."""
    message = next(each for each in folded["messages"] if each["id"] == str(figures.message))
    return bool(message["figures"] == dump(figures)["items"])

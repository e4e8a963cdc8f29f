"""A debate as a Markdown document that people keep: the result first, then what was said, then what it was about. Pure.

Texts of people, agents and sources stand in block quotes, code blocks or single lines, so that none of them can add a
heading, and with it a speaker or a verdict (`conversations.domain.markdown`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from conversations.domain import figures, markdown, steps
from conversations.domain.enums import Kind, Mode
from conversations.domain.finish_reasons import cut_note
from conversations.domain.formatting import unanswered, words
from conversations.domain.markdown import Data, Row

DISCLAIMER: Final = (
    "Outcry's analysts are language models. What they say may be wrong, and none of it is investment advice."
)
# The types of the events that `written` reads.
TYPES: Final = steps.TYPES | frozenset(
    {
        *("agent_message", "message_discard", "input_request", "input_expired", "human_message", "complete"),
        *("snapshot", "evidence", "figures"),
    }
)


@dataclass(frozen=True)
class About:
    """What the conversation's row says, and its sources as (name, text). `status` is a word for people;
    `finished_at` is None while it runs."""

    topic: str
    content: str
    author: str
    status: str
    created_at: datetime
    finished_at: datetime | None
    sources: Sequence[tuple[str, str]] = ()


def written(about: About, log: Sequence[Row]) -> Iterator[str]:
    """The document, part by part; `log` has the events of TYPES, and of those of thoughts only if they are wanted."""
    verdicts = [data for _, type_, data in log if type_ == "complete"]
    messages = list(_standing(log))
    parts = [f"# {markdown.one_line(about.topic)}", _facts(about, messages)]
    if any(data["mode"] == Mode.DEMO for data in (*messages, *verdicts)):
        parts.append(f"> {markdown.DEMO}")
    parts += [markdown.verdict({**data, "summary": markdown.quote(data["summary"])}) for data in verdicts]
    yield from _ended(parts)
    yield from _ended(_transcript(log, {data["message"]: data for data in messages}))
    yield from _ended(_record(log))
    yield from _ended(_sources(about))
    yield f"---\n\n{DISCLAIMER}\n"


def _ended(parts: Iterable[str]) -> Iterator[str]:
    return (f"{part}\n\n" for part in parts if part)


def _standing(log: Sequence[Row]) -> Iterator[Data]:
    """The messages that were not discarded."""
    discarded = {data["message"] for _, type_, data in log if type_ == "message_discard"}
    return (data for _, type_, data in log if type_ == "agent_message" and data["message"] not in discarded)


def _record(log: Sequence[Row]) -> Iterator[str]:
    """The record of figures: its items, and what it lacks."""
    items = [item for _, type_, data in log if type_ == "evidence" for item in data["items"]]
    missing = [each for _, type_, data in log if type_ == "snapshot" for each in data["missing"]]
    if items or missing:
        yield "## Record"
    lines = [
        f"{item['id']}: {figures.item(item)} ({', '.join(filter(None, (item['source'], item['locator'])))})"
        for item in items
    ]
    lines += [f"Missing: {each['subject']} {each['metric']}, {words(each['reason'])}" for each in missing]
    yield "\n".join(f"- {markdown.one_line(line)}" for line in lines)


def _sources(about: About) -> Iterator[str]:
    if about.content or about.sources:
        yield "## Sources"
    if about.content:
        yield markdown.code_block(about.content)
    for name, text in about.sources:
        yield f"### {markdown.one_line(name)}"
        yield markdown.code_block(text)


def _facts(about: About, messages: Iterable[Data]) -> str:
    models = dict.fromkeys(f"{message['model']} ({message['provider']})" for message in messages)
    facts = {
        "Asked by": about.author,
        "Asked": _time(about.created_at),
        "Ended": "not yet" if about.finished_at is None else _time(about.finished_at),
        "Status": about.status,
        "Models": ", ".join(models),
    }
    return "\n".join(f"- {name}: {markdown.one_line(value)}" for name, value in facts.items() if value)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _transcript(log: Sequence[Row], standing: Mapping[str, Data]) -> Iterator[str]:
    names = {data["role"]: data["agent"] for _, type_, data in log if type_ == "agent_message"}
    # The characters of each message that stand before a question which was asked during it.
    said: dict[str, int] = {}
    checked = {
        data["message"]: data["items"] for _, type_, data in log if type_ == "figures" and data["final"]
    }
    for _, type_, data in log:
        match type_:
            case "agent_message" if data["message"] in standing:
                yield from _part(data, said.get(data["message"], 0), None)
                yield f"*{note}*" if (note := cut_note(data)) else ""
                yield markdown.figures_note(checked.get(data["message"], ()))
            case _ if data.get("message", "") in {"", *standing} and (done := steps.line(type_, data)):
                yield f"*{markdown.one_line(done)}*"
            case "input_request":
                message, offset = standing.get(data["message"]), data.get("offset")
                if message is not None and offset is not None:
                    yield from _part(message, said.get(data["message"], 0), offset)
                    said[data["message"]] = offset
                yield f"## {markdown.one_line(data['agent'])} asks"
                yield markdown.quote(data["prompt"])
            case "input_expired":
                yield f"*{markdown.one_line(unanswered(data))}*"
            case "human_message":
                # Events of earlier versions have no `to`.
                to = data.get("to")
                addressed = f", to {names.get(to, words(to))}" if to else ""
                yield f"## {markdown.one_line(data['author'])} (a person){addressed}"
                yield markdown.quote(data["text"])


def _part(message: Data, begin: int, end: int | None) -> Iterator[str]:
    """A part of a message, unless it is blank: it has a heading of its own, and says so if it is a later one."""
    text = message["content"][begin:end].strip()
    if not text and (begin or end is not None):
        return
    note = " (thinking)" if message["kind"] == Kind.THINKING else " (continued)" if begin else ""
    yield markdown.heading(message, with_round=True) + note
    yield markdown.quote(text)

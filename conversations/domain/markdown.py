"""A debate as Markdown: a whole one, and parts for transports that write one as its events arrive. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from conversations.domain import figures, formatting, steps
from conversations.domain.enums import NOT_A_DEBATE, TEST_MODEL, Kind, Mode, Stance
from conversations.domain.finish_reasons import cut_note

DEMO: Final = "Simulated: a script spoke here, no model."
_NO_VERDICT: Final = {
    "demo": "this was a scripted demo; nothing was analysed.",
    "budget": "the debate reached its budget before it could be judged.",
    "contradicted_figures": "its figures contradicted the record, twice.",
    "prices_missing": "the record has no current price of what the debate is about.",
    "invalid_answer": "the moderator's answer was no valid verdict.",
    TEST_MODEL: "a model that is only for trying Outcry spoke here.",
}

_BACKTICKS: Final = re.compile("`+")
# The beginning of an HTML tag, which could end a block quote, and of an image, which readers load from its site.
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE: Final = re.compile(r"!(?=\[)")

Data = Mapping[str, Any]
Row = tuple[int, str, dict[str, Any]]


def whole(topic: str, content: str, log: Iterable[Row]) -> str:
    """The question, the messages in order, and the verdict. `log` is (seq, type, data) from
    `event_log.queries.read_all`.

    The content stands in a code block, and what people and agents have said in block quotes, so that no text can add a
    heading, and with it a message or a verdict. Tags and images are escaped. What agents thought, apart from what they
    said, is left out."""
    checked: dict[str, Sequence[Data]] = {}
    messages: list[tuple[str, list[str]]] = []
    spoken: dict[str, list[str]] = {}
    verdict_section = ""
    is_demo = False
    for seq, type_, data in log:
        match type_:
            case "agent_message" if data["kind"] != Kind.THINKING:
                note = cut_note(data)
                texts = [heading(data, with_round=True), quote(data["content"]), f"*{note}*" if note else ""]
                messages.append((data["message"], texts))
                spoken[data["message"]] = texts
                is_demo = is_demo or data["mode"] == Mode.DEMO
            case "figures" if data["final"]:
                checked[data["message"]] = data["items"]
            case "routing" | "tool_start" | "tool_end" | "tool_error" if done := steps.line(type_, data):
                messages.append((data.get("message", ""), [quote(done)]))
            case "message_discard":
                messages = [block for block in messages if block[0] != data["message"]]
            case "human_message":
                messages.append((f"human-{seq}", [f"## {data['author']} (a person)", quote(data["text"])]))
            case "complete":
                verdict_section = verdict({**data, "summary": quote(data["summary"])})
                is_demo = is_demo or data["mode"] == Mode.DEMO
    for message, texts in spoken.items():
        texts.append(figures_note(checked.get(message, ())))
    material = ["## Content", code_block(content)] if content else []
    first = [f"# {one_line(topic)}", f"> {DEMO}" if is_demo else "", *material]
    parts = [*first, *(part for _, block in messages for part in block), verdict_section]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(complete: Data, spoken: str = "") -> str:
    """The section of the verdict, from a `complete` event's data. `spoken` is the text of the last message: a summary
    that repeats it is left out. Empty for a team without a judge, whose last message is the result."""
    if complete["reason"] == NOT_A_DEBATE:
        return ""
    parts = [f"## Verdict{_demo(complete)}", _stance(complete)]
    if complete["summary"] and complete["summary"] != spoken:
        parts.append(complete["summary"])
    parts += [
        f"**{title}.** {one_line(complete[name])}"
        for title, name in (("Agreement", "consensus"), ("Disagreement", "dissent"))
        if complete[name]
    ]
    for title, name in (("Key points", "key_points"), ("Risks", "risks")):
        if complete[name]:
            parts.append(f"**{title}**\n\n" + "\n".join(f"- {one_line(point)}" for point in complete[name]))
    parts += [
        f"**{title}.** {one_line(text)}"
        for title, name in (("What would change this", "would_change"), ("Horizon", "horizon"))
        # Rows of earlier versions have no `would_change`.
        if (text := complete.get(name))
    ]
    return "\n\n".join(parts)


def figures_note(checked: Sequence[Data]) -> str:
    """A paragraph about the figures of a message; "" if none were checked."""
    return f"**Figures.** {one_line(figures.note(checked))}" if checked else ""


def quote(text: str) -> str:
    """The text as a block quote, with tags and images escaped."""
    return "\n".join(f"> {line}".rstrip() for line in _inert(text).splitlines())


def code_block(text: str) -> str:
    """The text in a fence that is longer than any in the text."""
    longest = max((len(ticks) for ticks in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def one_line(text: str) -> str:
    """The text as one line, with tags and images escaped, and a mark that would make it a heading."""
    line = " ".join(_inert(text).split())
    return f"\\{line}" if line.startswith("#") else line


def _inert(text: str) -> str:
    return _IMAGE.sub(r"\\!", _TAG.sub("&lt;", text))


def heading(message: Data, *, with_round: bool) -> str:
    """The heading of a message, from its `message_start` or `agent_message`."""
    round_ = f", round {message['round']}" if with_round else ""
    return f"## {message['agent']}{round_}{_demo(message)}"


def _demo(data: Data) -> str:
    return " (demo)" if data["mode"] == Mode.DEMO else ""


def _stance(complete: Data) -> str:
    stance = f"**{formatting.stance(complete).capitalize()}**"
    if complete["verdict"] == Stance.NO_VERDICT:
        return f"{stance}: {_NO_VERDICT.get(complete['reason'], complete['reason'])}"
    # An unstated confidence is left out.
    if complete["confidence"] is None:
        return stance
    return f"{stance}, with a confidence of {complete['confidence']:.0%}"

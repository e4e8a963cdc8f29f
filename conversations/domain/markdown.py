"""A debate as Markdown. Pure."""

from collections.abc import Iterable
from typing import Any

from conversations.domain.enums import Mode

DEMO = "Simulated: a script spoke here, no model."

Row = tuple[int, str, dict[str, Any]]


def whole(topic: str, content: str, log: Iterable[Row]) -> str:
    """The question, what was said in its order, and the verdict; the log as `log.read_all` gives it. What people and
    agents wrote stands as it is."""
    said: list[tuple[str, list[str]]] = []
    verdict: list[str] = []
    is_demo = False
    for seq, type_, data in log:
        match type_:
            case "agent_message":
                said.append((data["message"], [_heading(data), data["content"]]))
                is_demo = is_demo or data["mode"] == Mode.DEMO
            case "message_discard":
                said = [block for block in said if block[0] != data["message"]]
            case "human_message":
                said.append((f"human-{seq}", [f"## {data['author']}", data["text"]]))
            case "complete":
                verdict = ["## Verdict", *_verdict(data)]
                is_demo = is_demo or data["mode"] == Mode.DEMO
    first = [f"# {topic}", f"> {DEMO}" if is_demo else "", *(["## Content", content] if content else [])]
    parts = [*first, *(part for _, block in said for part in block), *verdict]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(message: dict[str, Any]) -> str:
    simulated = ", simulated" if message["mode"] == Mode.DEMO else ""
    return f"## {message['agent']} (round {message['round']}{simulated})"


def _verdict(complete: dict[str, Any]) -> list[str]:
    confidence = complete["confidence"]
    stated = "not stated" if confidence is None else f"{confidence:.0%}"
    lines = [f"**{complete['verdict'].replace('_', ' ')}**, confidence: {stated}"]
    texts = ("reason", "summary", "consensus", "dissent", "horizon")
    lines += [f"{name.capitalize()}: {complete[name]}" for name in texts if complete[name]]
    for name in ("key_points", "risks"):
        if points := complete[name]:
            listed = "\n".join(f"- {point}" for point in points)
            lines.append(f"{name.replace('_', ' ').capitalize()}:\n\n{listed}")
    return lines

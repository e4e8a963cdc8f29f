"""A debate as Markdown, written while it is spoken: a section for each turn, the verdict as the last one.

Pure. What has been written cannot be taken back, so a turn that does not stand is told in the text; and so is what no
model has said. What is no turn is a block quote.
"""

from collections.abc import Mapping
from typing import Any, Final

from conversations.domain.enums import Mode, Stance
from streaming.wire.text_deltas import Discarded, Ended, Other, Said, Speech, Started

Data = Mapping[str, Any]

SIMULATED: Final = "**Scripted demo.** From here on no model speaks: the words are a script, not an analysis."
BUDGET: Final = "The debate has reached its budget; it is judged as far as it went."
_NO_VERDICT: Final = {
    "demo": "this was a scripted demo; nothing was analysed.",
    "budget": "the debate reached its budget before it could be judged.",
    "invalid_answer": "the moderator's answer was no valid verdict.",
}


class Markdown:
    """Writes the text of a debate of so many rounds, piece by piece; the pieces make the whole."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._is_begun = False
        self._is_demo = False
        self._is_at_budget = False
        # A heading is written with the first word under it.
        self._heading = ""
        # Whether the next word goes on after a quote.
        self._is_quoted = False
        self._last_said = ""

    def write(self, speech: Speech) -> str:
        """The next piece."""
        match speech:
            case Started(data=data):
                self._heading = self._headline(data)
                return self._as_demo(data["mode"])
            case Said(text=text):
                return self._say(text)
            case Ended(data=data):
                self._last_said = data["content"]
                return ""
            case Discarded(reason=reason, text=text):
                # Of what nobody has read, nobody needs to hear.
                return (
                    self._quote(f"**What was said last does not stand**: it broke off ({reason}).")
                    if text
                    else ""
                )
            case Other(type=type_, data=data):
                return self._other(type_, data)

    def _other(self, type_: str, data: Data) -> str:
        match type_:
            case "status":
                return self._as_demo(data["mode"]) + self._as_paid(data["reason"])
            case "input_request":
                return self._quote(f"**{data['agent']} asks:** {data['prompt']}")
            case "input_expired":
                return self._quote("Nobody answered in time.")
            case "human_message":
                return self._quote(f"**{data['author']}:** {data['text']}")
            case "complete":
                return self._as_demo(data["mode"]) + self._verdict(data)
        return ""

    def _as_demo(self, mode: str) -> str:
        if self._is_demo or mode != Mode.DEMO:
            return ""
        self._is_demo = True
        return self._quote(SIMULATED)

    def _as_paid(self, reason: str | None) -> str:
        if self._is_at_budget or reason != "budget":
            return ""
        self._is_at_budget = True
        return self._quote(BUDGET)

    def _headline(self, data: Data) -> str:
        is_one_of_many = self._rounds > 1 and data["kind"] != "final"
        round_ = f", round {data['round']}" if is_one_of_many else ""
        return f"## {data['agent']}{round_}{_marked(data['mode'])}"

    def _say(self, text: str) -> str:
        if self._heading:
            heading, self._heading, self._is_quoted = self._block(self._heading), "", False
            return f"{heading}\n\n{text}"
        if self._is_quoted:
            self._is_quoted = False
            return f"\n\n{text}"
        return text

    def _quote(self, text: str) -> str:
        self._is_quoted = True
        return self._block("\n".join(f"> {line}".rstrip() for line in text.splitlines()))

    def _block(self, text: str) -> str:
        before, self._is_begun = "\n\n" if self._is_begun else "", True
        return before + text

    def _verdict(self, data: Data) -> str:
        parts = [f"## Verdict{_marked(data['mode'])}", _stance(data)]
        # The moderator's turn, where there was one, has said it.
        if data["summary"] and data["summary"] != self._last_said:
            parts.append(data["summary"])
        parts += [f"**{name.capitalize()}.** {data[name]}" for name in ("consensus", "dissent") if data[name]]
        for title, name in (("Key points", "key_points"), ("Risks", "risks")):
            if data[name]:
                parts.append(f"**{title}**\n\n" + "\n".join(f"- {point}" for point in data[name]))
        if data["horizon"]:
            parts.append(f"**Horizon.** {data['horizon']}")
        return self._block("\n\n".join(parts))


def _marked(mode: str) -> str:
    return " (demo)" if mode == Mode.DEMO else ""


def _stance(data: Data) -> str:
    if data["verdict"] == Stance.NO_VERDICT:
        return f"**No verdict**: {_NO_VERDICT.get(data['reason'], data['reason'])}"
    stance = f"**{data['verdict'].replace('_', ' ').capitalize()}**"
    # What nobody stated is not told.
    return (
        stance if data["confidence"] is None else f"{stance}, with a confidence of {data['confidence']:.0%}"
    )

"""A debate as Markdown, written as the events arrive: one section for each turn, the verdict last. Pure.

Sent text cannot be withdrawn, so a block quote says that a turn was discarded. Block quotes also hold everything else
that is not a turn: the notice of a scripted demo, the team that was chosen, calls of tools and their results,
questions, people's messages, the budget.
"""

from collections.abc import Sequence
from typing import Final

from conversations.domain import markdown, steps
from conversations.domain.enums import Kind, Mode
from conversations.domain.finish_reasons import cut_note
from conversations.domain.formatting import unanswered
from conversations.domain.frames import Frame
from streaming.wire.text_deltas import TextDeltas

SIMULATED: Final = (
    "**Scripted demo.** From here on the text is scripted and not an analysis; no model is used."
)
BUDGET: Final = "The debate has reached its budget. The verdict is based on the debate so far."


class Markdown:
    """Writes the text of a debate of so many rounds, frame by frame."""

    def __init__(self, rounds: int) -> None:
        self._deltas = TextDeltas()
        self._rounds = rounds
        self._is_begun = False
        # The notes that have been written; each is written once.
        self._notes: set[str] = set()
        # Written together with the first text of its section.
        self._heading = ""
        # Written before the next text of the same section: after a block quote, an empty line.
        self._gap = ""
        self._last_content = ""
        self._length = 0
        # The newest message, until its figures are known, with (place in the whole text, text) as it was written.
        self._message = ""
        self._parts: list[tuple[int, str]] = []

    def write(self, frame: Frame) -> str:
        """The text that the frame adds."""
        text = self._written(frame)
        self._length += len(text)
        return text

    def parts_of(self, message: str) -> Sequence[tuple[int, str]]:
        """(place in the whole text, text) of the parts in which the newest message was written; of others none."""
        return self._parts if message == self._message else ()

    def _written(self, frame: Frame) -> str:
        data = frame.data
        match frame.type:
            case "message_start":
                # Only debates have rounds.
                with_round = self._rounds > 1 and data["kind"] == Kind.ANALYSIS
                self._heading = markdown.heading(data, with_round=with_round)
                self._message, self._parts = data["message"], []
                return self._demo_quote(data["mode"])
            case "token":
                return self._append(self._deltas.take(frame))
            case "agent_message":
                self._last_content = data["content"]
                text = self._append(self._deltas.take(frame))
                return text + self._quote(note) if (note := cut_note(data)) else text
            case "message_discard" if self._deltas.discard(data["message"]):
                return self._quote(
                    f"**The last message was discarded**: it was interrupted ({data['reason']})."
                )
            case "figures" if data["final"] and data["message"] == self._message:
                self._message = ""
                note = markdown.figures_note(data["items"])
                return self._quote(note) if note else ""
            case "status":
                at_budget = self._note(BUDGET) if data["reason"] == "budget" else ""
                return self._demo_quote(data["mode"]) + at_budget
            case "routing" | "tool_start" | "tool_end" | "tool_error":
                done = steps.line(frame.type, data)
                return self._quote(done) if done else ""
            case "input_request":
                return self._quote(f"**{data['agent']} asks:** {data['prompt']}")
            case "input_expired":
                return self._quote(unanswered(data))
            case "human_message":
                return self._quote(f"**{data['author']}:** {data['text']}")
            case "complete":
                verdict = markdown.verdict(data, self._last_content)
                return self._demo_quote(data["mode"]) + (self._block(verdict) if verdict else "")
        return ""

    def _demo_quote(self, mode: str) -> str:
        return self._note(SIMULATED) if mode == Mode.DEMO else ""

    def _note(self, text: str) -> str:
        if text in self._notes:
            return ""
        self._notes.add(text)
        return self._quote(text)

    def _append(self, text: str) -> str:
        if not text:
            return ""
        before = f"{self._block(self._heading)}\n\n" if self._heading else self._gap
        self._heading = self._gap = ""
        self._parts.append((self._length + len(before), text))
        return before + text

    def _quote(self, text: str) -> str:
        self._gap = "\n\n"
        return self._block(markdown.quote(text))

    def _block(self, text: str) -> str:
        before, self._is_begun = "\n\n" if self._is_begun else "", True
        return before + text

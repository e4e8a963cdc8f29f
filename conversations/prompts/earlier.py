"""An earlier debate in the prompts of one that follows it: its question, its verdict, and what was said. Pure."""

from dataclasses import dataclass
from typing import Final

from conversations.domain import formatting, transcript
from conversations.domain.enums import NOT_A_DEBATE, Kind
from conversations.prompts.quotation import quoted, shortened

# Characters: of one text of the verdict, of one message, and of all messages, about 6,000 tokens. The newest are kept.
MAX_TEXT: Final = 1_500
MAX_MESSAGE: Final = 2_000
MAX_TRANSCRIPT: Final = 24_000


@dataclass(frozen=True)
class EarlierDebate:
    """`verdict` and `spoken` are (label or speaker, text), bounded, in order."""

    question: str
    verdict: tuple[tuple[str, str], ...]
    spoken: tuple[tuple[str, str], ...]

    def opening(self) -> str:
        """For the prompt's first message: the question and the verdict, quoted."""
        verdict = {label.lower(): text for label, text in self.verdict}
        return (
            "It follows an earlier debate, whose messages come next (earlier_speaker). Its question and its verdict:"
            f"\n{quoted(earlier_question=self.question, **verdict)}"
        )

    def messages(self) -> list[str]:
        """What was said, quoted, a text for each message."""
        return [quoted(earlier_speaker=speaker, text=text) for speaker, text in self.spoken]

    @property
    def summary(self) -> str:
        """The verdict's summary, or ""."""
        return dict(self.verdict).get("Summary", "")


def of(question: str, state: transcript.State) -> EarlierDebate:
    """The earlier debate, from its folded log."""
    complete = state["complete"]
    is_debate = complete is None or complete["reason"] != NOT_A_DEBATE
    verdict = formatting.verdict(complete) if complete is not None and is_debate else []
    spoken: list[tuple[str, str]] = []
    left = MAX_TRANSCRIPT
    # A debate's last message is its verdict; that of a team without a judge is an answer.
    debated = [each for each in transcript.spoken(state) if not is_debate or each.kind is not Kind.FINAL]
    for message in reversed(debated):
        text = shortened(message.content, MAX_MESSAGE)
        if (left := left - len(text)) < 0:
            break
        spoken.insert(0, (message.agent, text))
    bounded = tuple((label, shortened(text, MAX_TEXT)) for label, text in verdict)
    return EarlierDebate(question, bounded, tuple(spoken))

"""The `complete` event: the verdict, and what the debate cost."""

from collections.abc import Sequence
from dataclasses import asdict

from conversations.domain import transcript
from conversations.domain.enums import Kind, Mode, Stance
from conversations.domain.events import AgentMessage, Complete, CostSummary
from conversations.orchestration.state import BUDGET, DebateState


def complete(state: DebateState) -> Complete:
    """The event that ends the debate as it is. `reason` says why there is no stance, if there is none."""
    reason = None
    if state.mode is Mode.DEMO:
        # A script has no opinion, whatever its text says.
        reason = "demo"
    elif state.verdict is None:
        is_judged = bool(state.messages) and state.messages[-1].kind is Kind.FINAL
        reason = "invalid_answer" if is_judged else BUDGET
    stated = {} if state.verdict is None else asdict(state.verdict)
    stance = stated.pop("stance", None)
    if reason is not None:
        stance, stated = Stance.NO_VERDICT, {**stated, "confidence": None}
    return Complete(
        verdict=stance,
        **stated,
        reason=reason,
        cost_summary=_cost_summary(state.messages, state.discarded + len(state.unfinished)),
        mode=state.mode,
        transcript_sha256=transcript.digest(state.messages),
    )


def _cost_summary(messages: Sequence[AgentMessage], discarded: int) -> CostSummary:
    """The cost of all messages. That of the `discarded` ones is unknown: a provider may bill them, and has not said."""
    costs = [message.cost for message in messages] + [None] * discarded
    known = [cost for cost in costs if cost is not None]
    return CostSummary(
        usd=sum(known) if len(known) == len(costs) else None,
        priced_messages=len(known),
        unpriced_messages=len(costs) - len(known),
        input_tokens=_total([message.usage.input_tokens for message in messages] + [None] * discarded),
        output_tokens=_total([message.usage.output_tokens for message in messages] + [None] * discarded),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None

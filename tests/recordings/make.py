"""Writes the recordings: `python -m tests.recordings.make`.

A recording is JSON Lines: a frame a line, and on the last line `{"state": what they fold to}`. Python and TypeScript
both have to fold each of them to that very JSON.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from conversations.domain.enums import TEST_MODEL, Action, Kind, Mode, Stance, Status
from conversations.domain.events import (
    AgentMessage,
    CheckedFigure,
    Complete,
    Control,
    CostSummary,
    Error,
    EventData,
    Fallback,
    FigureCounts,
    Figures,
    HumanMessage,
    InputExpired,
    InputRequest,
    MessageDiscard,
    MessageStart,
    ResultTable,
    Routing,
    StatusChanged,
    Token,
    ToolEnd,
    ToolError,
    ToolStart,
    Usage,
    dump,
)
from conversations.domain.frames import Frame
from conversations.domain.transcript import digest, fold
from conversations.orchestration.figures import frozen as frozen_events
from evidence.checker.check import VERSION, check
from evidence.record import Instrument, Item, Missing, MissingReason
from evidence.record import Snapshot as RecordSnapshot

HERE = Path(__file__).parent
NAMESPACE = UUID("6f757463-7279-4000-8000-000000000000")
START = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
KNOWN_AT = datetime(2012, 12, 31, 21, tzinfo=UTC)
AGENTS = {
    "financial_analyst": "Financial Analyst",
    "market_context": "Market Context",
    "risk_challenger": "Risk Challenger",
    "moderator": "Moderator",
}


class Script:
    """What happens in one recording, written in the order of the log."""

    def __init__(
        self, name: str, mode: Mode = Mode.LIVE, model: str = "gpt-5-mini", provider: str = "openai"
    ):
        self.conversation = uuid5(NAMESPACE, name)
        self.mode = mode
        self.model = model
        self.provider = provider
        self.events: list[EventData] = []
        self.spoken = 0

    def add(self, *events: EventData) -> None:
        self.events.extend(events)

    def status(self, *statuses: Status, reason: str | None = None) -> None:
        self.add(*(StatusChanged(status=status, mode=self.mode, reason=reason) for status in statuses))

    def opening(self) -> None:
        self.status(Status.QUEUED, Status.INITIALIZING, Status.ACTIVE)
        self.add(Routing(panel="financial-debate", reason="The default panel."))

    def start(
        self, role: str, round_: int = 1, *, kind: Kind = Kind.ANALYSIS, streaming: bool = True
    ) -> UUID:
        self.spoken += 1
        message = uuid5(self.conversation, f"message {self.spoken}")
        self.add(
            MessageStart(
                message=message,
                agent=AGENTS[role],
                role=role,
                kind=kind,
                round=round_,
                model=self.model,
                provider=self.provider,
                mode=self.mode,
                streaming=streaming,
            )
        )
        return message

    def tokens(self, message: UUID, *pieces: str, offset: int = 0, costs: bool = True) -> str:
        """The pieces as tokens, one after the other; returns their text."""
        text = ""
        for count, piece in enumerate(pieces, start=1):
            cost = count * 0.00001 if costs else None
            at = offset + len(text)
            self.add(Token(message=message, offset=at, text=piece, token_count=count, cost=cost))
            text += piece
        return text

    def end(
        self,
        message: UUID,
        content: str,
        *,
        cost: float | None = 0.0004,
        usage: Usage | None = None,
        confidence: float | None = None,
        finish_reason: str = "stop",
    ) -> None:
        [start] = [
            event for event in self.events if isinstance(event, MessageStart) and event.message == message
        ]
        self.add(
            AgentMessage(
                **start.model_dump(exclude={"streaming", "texts", "items"}),
                content=content,
                confidence=confidence,
                usage=usage or Usage(input_tokens=180, output_tokens=42),
                cost=cost,
                token_count=sum(
                    event.token_count
                    for event in self.events
                    if isinstance(event, Token) and event.message == message
                ),
                finish_reason=finish_reason,
                duration_ms=1850,
            )
        )

    def say(self, role: str, *pieces: str, round_: int = 1, cost: float | None = 0.0004) -> None:
        message = self.start(role, round_)
        text = self.tokens(message, *pieces, costs=cost is not None)
        self.end(message, text, cost=cost)

    def think(self, role: str, *pieces: str, round_: int = 1, ended: bool = True) -> UUID:
        """Thoughts within a message that has begun."""
        message = self.start(role, round_, kind=Kind.THINKING)
        text = self.tokens(message, *pieces, costs=False)
        if ended:
            self.end(message, text, cost=None, usage=Usage())
        return message

    def discard(self, message: UUID, reason: str) -> None:
        self.add(MessageDiscard(message=message, reason=reason))

    def verdict(self, stance: Stance, usd: float | None, ending: str | None = None, **fields: Any) -> None:
        message = self.start("moderator", 2, kind=Kind.FINAL, streaming=False)
        content = fields.get("summary") or "No verdict."
        confidence = fields.get("confidence")
        cost = 0.0 if self.mode is Mode.DEMO or usd == 0 else 0.0004
        self.end(message, content, cost=cost, confidence=confidence)
        self.complete(stance, usd, ending, **fields)

    def complete(self, stance: Stance, usd: float | None, ending: str | None = None, **fields: Any) -> None:
        """The end, which `ending` gives a reason."""
        self.add(
            Complete(
                verdict=stance,
                cost_summary=CostSummary(
                    usd=usd,
                    priced_messages=4 if usd is not None else 0,
                    unpriced_messages=0 if usd is not None else 4,
                    input_tokens=720,
                    output_tokens=168,
                ),
                mode=self.mode,
                transcript_sha256=digest(event for event in self.events if isinstance(event, AgentMessage)),
                **fields,
            )
        )
        self.status(Status.COMPLETED, reason=ending)

    def rows(self) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        for seq, event in enumerate(self.events, start=1):
            yield seq, event.type, dump(event)

    def frames(self) -> list[Any]:
        return [
            json.loads(
                Frame.of_event(
                    seq, type_, self.conversation, START + timedelta(milliseconds=120 * seq), data
                ).text
            )
            for seq, type_, data in self.rows()
        ]


def debate() -> Script:
    script = Script("debate")
    script.opening()
    script.say(
        "financial_analyst",
        "**Margins held.** ",
        "Gross margin stayed at 61 %",
        " while revenue grew 8 %.\n\n",
        "- Free cash flow covers the dividend *twice*\n",
        "- Net debt is `0.9x` EBITDA\n",
    )
    script.say(
        "market_context",
        "I accept the margin point, ",
        "but the sector trades at a premium: ",
        "24 times earnings against 19 for its peers.",
    )
    script.say(
        "risk_challenger",
        "Both of you assume the renewal. ",
        "One customer is 31 % of revenue",
        "; if it leaves, the dividend is not covered.",
    )
    script.verdict(
        Stance.HOLD,
        0.0016,
        confidence=0.62,
        summary="Sound business, full price, one customer too many.",
        consensus="Margins and cash flow are healthy.",
        dissent="Whether the largest customer renews.",
        key_points=("Gross margin 61 %", "Premium to peers"),
        risks=("Customer concentration",),
        would_change="A renewal of the largest contract for three years would make it a buy.",
        horizon="12 months",
    )
    return script


def record() -> Script:
    """A record, figures that are checked while their message streams, and once more when it is whole."""
    script = Script("record")
    script.status(Status.QUEUED, Status.INITIALIZING)
    common = {
        "subject": "AAPL",
        "source": "Quandl WIKI Prices",
        "licence": "public domain",
        "known_at": KNOWN_AT,
    }
    day = {"period": "2012-12-31", "unit": "currency", "currency": "USD"}
    items = (
        Item(id="E1", metric="close", value="532.17", **common, **day),
        Item(id="E2", metric="rsi_14", value="47.0097", **common, period="2012-12-31", unit="index"),
    )
    apple = Instrument(symbol="AAPL", name="Apple", exchange="NASDAQ", currency="USD")
    missing = (Missing(subject="AAPL", metric="eps", reason=MissingReason.NO_DATA),)
    frozen = RecordSnapshot(as_of=KNOWN_AT, instrument=apple, items=items, missing=missing)
    for event in frozen_events(frozen):
        script.add(event)
    script.status(Status.ACTIVE)
    script.add(Routing(panel="financial-debate", reason="The default panel."))
    message = script.start("financial_analyst")
    text = script.tokens(message, "Apple closed at $532.17 [E1].", " Its RSI of 71", " is high.")
    figures = [CheckedFigure.model_validate(each.as_json()) for each in check(text, frozen)]
    script.add(Figures(message=message, checker=VERSION, items=tuple(figures[:1])))
    script.end(message, text)
    script.add(Figures(message=message, checker=VERSION, items=tuple(figures), final=True))
    counts = FigureCounts(matched=1, contradicted=1)
    script.verdict(
        Stance.HOLD, 0.0008, confidence=0.5, summary="Wait.", figures=counts, snapshot=frozen.sha256
    )
    return script


def unicode() -> Script:
    """Offsets count code points: an emoji is one, a combining accent is one, a family is seven."""
    script = Script("unicode")
    script.opening()
    script.say("financial_analyst", "Up 📈", " and 🚀", "🚀 then ", "👨‍👩‍👧‍👦", " flat 🇨🇭.")
    script.say(
        "market_context",
        "Cafe",
        "\u0301 de\u0301ja\u0300",
        " vu: naïve ≠ nai\u0308ve, ",
        "日本株 ",
        "مرحبا",
        " 𝔘𝔫𝔦",
    )
    repeated = script.start("risk_challenger")
    script.tokens(repeated, "💸💸", "💸 gone")
    script.tokens(repeated, "💸 and back 📉", offset=2)
    script.tokens(repeated, "📉📈", offset=13)
    # Discarded, so that the text which the offsets built is what the state keeps.
    script.add(MessageDiscard(message=repeated, reason="Spoken again."))
    script.verdict(Stance.BUY, None, confidence=1.0, summary="😀 — „Ja“.", key_points=("📈",))
    return script


def overlap() -> Script:
    """Tokens that repeat, replace or cut what was there, and a whole message that corrects them."""
    script = Script("overlap")
    script.opening()
    message = script.start("financial_analyst")
    script.tokens(message, "Revenue ", "grew ", "8 %")
    script.tokens(message, "grew ", "8 %", " again", offset=8)
    script.tokens(message, "Earnings", offset=0)
    script.end(message, "Revenue grew 8 % again.")
    unspoken = script.start("market_context")
    script.end(unspoken, "A whole message without a single token.")
    script.tokens(script.start("risk_challenger"), "Still ", "speaking")
    return script


def fallback() -> Script:
    script = Script("fallback")
    script.opening()
    lost = script.start("financial_analyst")
    script.tokens(lost, "The balance sheet ", "is")
    script.add(
        MessageDiscard(message=lost, reason="The provider stopped answering."),
        Fallback(
            from_="openai:gpt-5-mini", to="local", code="provider_stalled", reason="No token for 20 seconds."
        ),
    )
    script.model, script.provider = "SmolLM2-135M", "local"
    script.say("financial_analyst", "The balance sheet is ", "sound.", cost=None)
    script.say("market_context", "Rates fall, ", "which helps.", cost=None)
    script.say("risk_challenger", "Not if ", "demand falls first.", cost=None)
    script.verdict(Stance.HOLD, None, summary="No clear edge.", consensus="", dissent="")
    return script


def thinking() -> Script:
    """Models that think before they speak, again after a tool call, and in an attempt that fails."""
    script = Script("thinking")
    script.opening()
    first = script.start("financial_analyst")
    script.think("financial_analyst", "Margins or ", "cash?")
    text = script.tokens(first, "Margins ", "rose.")
    script.add(
        ToolStart(call="call_1", message=first, tool="ratio", input='{"a": 61, "b": 100}'),
        ToolEnd(call="call_1", message=first, tool="ratio", output="0.61"),
    )
    script.think("financial_analyst", "So it is 0.61.")
    text += script.tokens(first, " The ratio is 0.61.", offset=len(text))
    script.end(first, text)
    lost = script.start("market_context")
    thought = script.think("market_context", "Rates ", ended=False)
    script.discard(lost, "provider_timeout")
    script.discard(thought, "provider_timeout")
    again = script.start("market_context")
    done = script.think("market_context", "Rates fall.")
    script.discard(again, "provider_withheld")
    script.discard(done, "provider_withheld")
    script.say("market_context", "Rates fall.")
    script.say("risk_challenger", "Not if demand falls.")
    judging = script.start("moderator", 2, kind=Kind.FINAL, streaming=False)
    script.think("moderator", "Two to one.", round_=2)
    script.end(judging, "Hold.", confidence=0.5)
    script.complete(Stance.HOLD, 0.0016, summary="Hold.", confidence=0.5)
    return script


def tools() -> Script:
    script = Script("tools")
    script.opening()
    message = script.start("financial_analyst", kind=Kind.ACTION)
    script.add(
        ToolStart(call="call_1", message=message, tool="ratio", input='{"a": 61, "b": 100}'),
        ToolEnd(
            call="call_1",
            message=message,
            tool="ratio",
            output="0.61",
            table=ResultTable(columns=("a", "b", "ratio"), rows=(("61", "100", "0.61"),), total=1),
            duration_ms=31,
        ),
        ToolStart(call="call_2", message=message, tool="filing", input="{}"),
        ToolStart(call="call_3", message=message, tool="ratio", input='{"a": 1, "b": 0}'),
        ToolError(
            call="call_3",
            message=message,
            tool="ratio",
            code="tool_failed",
            reason="The divisor is 0.",
            duration_ms=1,
        ),
    )
    text = script.tokens(message, "The ratio is ", "0.61.")
    script.end(message, text, finish_reason="length")
    return script


def humans() -> Script:
    script = Script("humans")
    script.opening()
    script.say("financial_analyst", "Which year ", "do you ask about?")
    asked, other = uuid5(script.conversation, "request 1"), uuid5(script.conversation, "request 2")
    speaking = script.start("market_context")
    before = script.tokens(speaking, "Rates matter 🙂, ", "but when?")
    deadline = START + timedelta(minutes=5)
    for request, prompt, until in ((asked, "Which fiscal year?", deadline), (other, "Which currency?", None)):
        script.add(
            InputRequest(
                request=request,
                message=speaking,
                agent=AGENTS["market_context"],
                prompt=prompt,
                timeout=None if until is None else 300.0,
                deadline=until,
                offset=len(before),
            )
        )
    script.status(Status.AWAITING_INPUT, reason="An analyst asked you a question.")
    script.add(HumanMessage(author="alice", text="2025 🙂", reply_to=asked, idempotency_key="k1"))
    script.add(HumanMessage(author="alice", text="And keep it short.", to="risk_challenger"))
    script.add(InputExpired(request=other, actor="alice", idempotency_key="k3"))
    script.status(Status.ACTIVE)
    script.tokens(speaking, "\n\nIn 2025 ", "they fell.", offset=len(before))
    script.add(Control(action=Action.PAUSE, actor="alice", idempotency_key="k2"))
    script.status(Status.PAUSED)
    script.add(Control(action=Action.RESUME, actor="carol"))
    script.status(Status.ACTIVE)
    return script


def demo() -> Script:
    script = Script("demo", Mode.DEMO, model="scripted", provider="demo")
    script.opening()
    for role in list(AGENTS)[:3]:
        script.say(role, f"{AGENTS[role]}: ", "a scripted ", "point.", cost=0.0)
    script.verdict(Stance.NO_VERDICT, 0.0, summary="This was a scripted demo.", reason="demo")
    return script


def test_run() -> Script:
    script = Script("test_run", model="SmolLM2-135M-Instruct", provider="local")
    script.opening()
    for role in list(AGENTS)[:3]:
        script.say(role, "The price ", "may be too high.", cost=0.0)
    script.verdict(
        Stance.NO_VERDICT, 0.0, summary="The price may be too high for the growth.", reason=TEST_MODEL
    )
    return script


def no_verdict() -> Script:
    script = Script("no_verdict", model="SmolLM2-135M", provider="local")
    script.opening()
    script.say("financial_analyst", "The question ", "is unclear.", cost=None)
    script.verdict(Stance.NO_VERDICT, None, reason="The moderator's answer did not have the asked form.")
    return script


def error() -> Script:
    script = Script("error")
    script.opening()
    script.tokens(script.start("financial_analyst"), "The first ", "half")
    message = script.events[-1]
    assert isinstance(message, Token)
    script.add(
        MessageDiscard(message=message.message, reason="The provider stopped answering."),
        Error(code="providers_exhausted", message="No model answered. Try again later.", retryable=True),
    )
    script.status(Status.ERROR, reason="providers_exhausted")
    return script


def cancelled() -> Script:
    script = Script("cancelled")
    script.opening()
    message = script.start("financial_analyst")
    text = script.tokens(message, "Cut ", "off here")
    script.add(Control(action=Action.CANCEL, actor="alice"))
    script.end(message, text, cost=None, usage=Usage(), finish_reason="cancelled")
    script.status(Status.CANCELLED, reason="cancelled")
    return script


def failover() -> Script:
    """Two models in one debate: one is waited for, breaks off, and is skipped afterwards."""
    script = Script("failover")
    script.opening()
    waited = Fallback(
        from_="openai:gpt-5-mini",
        to="openai:gpt-5-mini",
        code="provider_rate_limited",
        reason="The model's provider limits our rate at the moment. It is asked again in 3 s.",
    )
    script.discard(script.start("financial_analyst"), "provider_rate_limited")
    script.add(waited)
    script.say("financial_analyst", "Margins held at ", "61 %, and cash flow covers the dividend ", "twice.")
    lost = script.start("market_context")
    script.tokens(lost, "The sector trades ", "at a premium, but")
    script.discard(lost, "provider_dropped")
    dropped = "The model's provider ended the answer half way."
    gave_way = {"from_": "openai:gpt-5-mini", "to": "anthropic:claude-haiku-4-5", "code": "provider_dropped"}
    script.add(Fallback(**gave_way, reason=dropped))
    script.model, script.provider = "claude-haiku-4-5", "anthropic"
    script.say(
        "market_context", "The sector trades at a premium: ", "24 times earnings against 19.", cost=0.0009
    )
    script.model, script.provider = "gpt-5-mini", "openai"
    script.say("risk_challenger", "One customer is 31 % of revenue. ", "Nobody has spoken of that.")
    script.add(Fallback(**gave_way, reason=dropped))
    script.model, script.provider = "claude-haiku-4-5", "anthropic"
    script.verdict(
        Stance.HOLD,
        None,
        confidence=0.58,
        summary="Sound business, full price, one customer too many.",
        consensus="Margins and cash flow are healthy.",
        dissent="Whether the largest customer renews.",
    )
    return script


def demo_after_live() -> Script:
    """A model speaks, and then none does."""
    script = Script("demo_after_live")
    script.opening()
    script.say("financial_analyst", "**Margins held.** ", "Gross margin stayed at 61 %.")
    lost = script.start("market_context")
    script.tokens(lost, "The sector ", "trades at")
    script.discard(lost, "provider_timeout")
    script.add(
        Fallback(
            from_="openai:gpt-5-mini",
            to="demo",
            code="provider_timeout",
            reason="The model did not answer in time.",
        )
    )
    script.mode, script.model, script.provider = Mode.DEMO, "scripted", "demo"
    script.status(Status.ACTIVE)
    script.say(
        "market_context", "Scripted demo. ", "Market Context would place it in its surroundings.", cost=0.0
    )
    script.say(
        "risk_challenger", "Scripted demo. ", "The Risk Challenger would look for a weak spot.", cost=0.0
    )
    script.verdict(Stance.NO_VERDICT, None, summary="This was a scripted demo.", reason="demo")
    return script


def budget() -> Script:
    """The budget is reached in the first round; the Moderator can still be paid."""
    script = Script("budget")
    script.opening()
    script.say("financial_analyst", "Margins held, ", "and cash flow covers the dividend.")
    script.say("market_context", "At 24 times earnings ", "that is in the price.")
    script.status(Status.ACTIVE, reason="budget")
    script.verdict(
        Stance.HOLD, 0.0012, ending="budget", confidence=0.4, summary="Two voices, and no look at the risks."
    )
    return script


def budget_spent() -> Script:
    """Not even the Moderator can be paid."""
    script = Script("budget_spent", model="SmolLM2-135M", provider="local")
    script.opening()
    script.say("financial_analyst", "Margins held.", cost=None)
    cut = script.start("market_context")
    script.tokens(cut, "At 24 times", costs=False)
    script.discard(cut, "budget")
    script.status(Status.ACTIVE, reason="budget")
    script.complete(Stance.NO_VERDICT, None, ending="budget", reason="budget")
    return script


SCRIPTS = (
    debate,
    record,
    unicode,
    overlap,
    fallback,
    tools,
    humans,
    demo,
    test_run,
    no_verdict,
    error,
    cancelled,
    failover,
    demo_after_live,
    budget,
    budget_spent,
    thinking,
)


def text_of(script: Script) -> str:
    """The contents of the recording's file."""
    lines = [*script.frames(), {"state": fold(script.rows())}]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def read(path: Path) -> dict[str, Any]:
    """`events`, the recording's decoded frames, and `state`."""
    *events, last = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return {"events": events, **last}


def main() -> None:
    for script in SCRIPTS:
        (HERE / f"{script.__name__}.jsonl").write_text(text_of(script()), encoding="utf-8")


if __name__ == "__main__":
    main()

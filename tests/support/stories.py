"""Conversations that could have happened: any mixture of what the log may hold, as rows and as the frames it stores."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from conversations.domain.enums import Action, Mode, Status
from conversations.domain.events import (
    AgentMessage,
    Control,
    Error,
    EventData,
    Fallback,
    HumanMessage,
    InputExpired,
    InputRequest,
    MessageDiscard,
    MessageStart,
    Routing,
    Token,
    ToolEnd,
    ToolError,
    ToolStart,
    dump,
)
from tests.support import debates
from tests.support.debates import Row

# Breaks code that searches texts for markers, or counts characters in another unit than the log (code points).
AWKWARD = (
    "",
    " ",
    '","data":{',
    '"seq":1,"after":0,',
    '"after":7,',
    '"}}',
    "\\",
    '\\"',
    "\0",
    "\n",
    "\u2028",
    "\u202eup",
    "é",
    "e\u0301",
    "\U0001f4c8",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\ufeff",
    "</script>",
    "€ 41,20",
)
WORDS = st.sampled_from(AWKWARD) | st.text(max_size=12)
COSTS = st.none() | st.floats(0, 1, allow_nan=False)


@dataclass
class _Speaking:
    start: MessageStart
    text: str = ""
    tokens: int = 0


@dataclass
class _Telling:
    """A story while it is told: what may happen next depends on what has."""

    draw: Any
    told: list[EventData] = field(default_factory=list)
    speaking: list[_Speaking] = field(default_factory=list)
    open: list[UUID] = field(default_factory=list)
    calls: list[tuple[str, UUID]] = field(default_factory=list)

    def go_on(self) -> None:
        steps = [self.begin, self.interrupt, self.ask]
        if self.speaking:
            # Most of what a conversation holds is words.
            steps += [self.speak, self.speak, self.speak, self.finish, self.discard, self.call]
        if self.open:
            steps.append(self.settle)
        if self.calls:
            steps.append(self.answer)
        self.draw(st.sampled_from(steps))()

    def begin(self) -> None:
        if len(self.speaking) < 2:
            start = debates.message_start(
                uuid4(), self.draw(st.sampled_from(["Moderator", '","data":', "€"]))
            )
            self.speaking.append(_Speaking(start))
            self.told.append(start)

    def speak(self) -> None:
        said = self.draw(st.sampled_from(self.speaking))
        for word in self.draw(st.lists(WORDS, min_size=1, max_size=6)):
            count = self.draw(st.integers(1, 3))
            cost = self.draw(COSTS)
            # A provider may correct what it has just said.
            offset = self.draw(st.sampled_from([len(said.text)] * 9 + [len(said.text) // 2]))
            self.told.append(
                Token(message=said.start.message, offset=offset, text=word, token_count=count, cost=cost)
            )
            said.text = said.text[:offset] + word
            said.tokens += count

    def finish(self) -> None:
        said = self.speaking.pop(self.draw(st.integers(0, len(self.speaking) - 1)))
        count = self.draw(st.sampled_from([said.tokens, None, said.tokens + 2]))
        whole = debates.agent_message(said.start, self.draw(st.sampled_from([said.text, "Else."])), count)
        cut: dict[str, Any] = {"finish_reason": "cancelled", "cost": None}
        self.told.append(AgentMessage(**{**whole.model_dump(), **(cut if self.draw(st.booleans()) else {})}))

    def discard(self) -> None:
        said = self.speaking.pop()
        self.told.append(MessageDiscard(message=said.start.message, reason="provider_dropped"))
        self.told.append(
            Fallback.model_validate({"from": "openai", "to": "local", "code": "x", "reason": "It was cut."})
        )

    def interrupt(self) -> None:
        kinds: Sequence[EventData] = (
            HumanMessage(author="alice", text=self.draw(WORDS) or "Why?", idempotency_key="k"),
            Control(action=self.draw(st.sampled_from(list(Action))), actor="alice"),
            debates.status(self.draw(st.sampled_from([Status.PAUSED, Status.ACTIVE, Status.AWAITING_INPUT]))),
            Error(code="provider_rate_limited", message="Wait.", retryable=True),
            Routing(panel="financial-debate", reason="chosen_at_start"),
        )
        self.told.append(self.draw(st.sampled_from(kinds)))

    def ask(self) -> None:
        if self.speaking:
            request = uuid4()
            message = self.speaking[-1].start.message
            self.told.append(
                InputRequest(request=request, message=message, agent="Moderator", prompt=self.draw(WORDS))
            )
            self.open.append(request)

    def settle(self) -> None:
        request = self.open.pop()
        if self.draw(st.booleans()):
            self.told.append(HumanMessage(author="alice", text="Five", reply_to=request))
        else:
            self.told.append(InputExpired(request=request))

    def call(self) -> None:
        call, message = f"c{len(self.told)}", self.speaking[-1].start.message
        self.told.append(ToolStart(call=call, message=message, tool="quote", input=self.draw(WORDS)))
        self.calls.append((call, message))

    def answer(self) -> None:
        call, message = self.calls.pop()
        if self.draw(st.booleans()):
            self.told.append(ToolEnd(call=call, message=message, tool="quote", output=self.draw(WORDS)))
        else:
            self.told.append(ToolError(call=call, message=message, tool="quote", code="tool_failed"))


@st.composite
def stories(draw: st.DrawFn, most: int = 40) -> list[EventData]:
    """The events of a conversation, from `queued` on; some have come to their end."""
    telling = _Telling(draw, [debates.status(Status.QUEUED)])
    for _ in range(draw(st.integers(0, most))):
        telling.go_on()
    if draw(st.booleans()):
        telling.told += [debates.complete(), debates.status(Status.COMPLETED, Mode.LIVE)]
    return telling.told


def rows(story: Sequence[EventData]) -> list[Row]:
    """As `queries.read_all` gives them."""
    return [(seq, event.type, dump(event)) for seq, event in enumerate(story, 1)]


def debate(die: random.Random, messages: int, words: int = 40) -> list[EventData]:
    """A conversation after `queued` with every type of event, some of them between two words of a message."""
    *told, complete, completed = debates.every_event()
    for _ in range(messages):
        start = debates.message_start(uuid4())
        said = [die.choice(["w ", "é", "\U0001f4c8", '","data":', f"{die.random()} "]) for _ in range(words)]
        told.append(start)
        for token in debates.tokens(start.message, said):
            told.append(token)
            if die.random() < 0.03:
                told.append(HumanMessage(author="alice", text="And then?"))
            if die.random() < 0.02:
                told.append(Control(action=Action.PAUSE, actor="alice"))
        fate = die.random()
        if fate < 0.15:
            told.append(MessageDiscard(message=start.message, reason="provider_dropped"))
        else:
            told.append(debates.agent_message(start, "".join(said), words if fate < 0.8 else None))
    return [*told, complete, completed]

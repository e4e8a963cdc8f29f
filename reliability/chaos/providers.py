"""Every way a model's provider fails, in the first, a middle and the last turn, and what becomes of the debate."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import override_settings

from conversations.infrastructure import database
from conversations.models import Conversation, Event
from conversations.runs import supervisor
from reliability.chaos.figures import Row
from tests.fakes import odd_streams, refusals
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import (
    VERDICT,
    Fault,
    Outage,
    Reply,
    breaks_schema,
    fails,
    no_json,
    refuses,
    says,
    sends,
    too_long,
)
from tests.support import debates

# The agent who has that turn in a debate of one round, and the turn's number.
TURNS: Mapping[str, tuple[str, int]] = {
    "first": ("Financial Analyst", 1),
    "middle": ("Risk Challenger", 3),
    "last": ("Moderator", 4),
}
# Seconds; short, so that the table shows what we add to them.
FIRST_TOKEN, STALL = 2.0, 1.0
# Ten times its usual pace, for a demo lasts four seconds; its first token comes 22 ms sooner by that.
DEMO_RATE = 400
LIMITS = {
    "OUTCRY_FIRST_TOKEN_SECONDS": FIRST_TOKEN,
    "OUTCRY_STALL_SECONDS": STALL,
}


@dataclass(frozen=True)
class Case:
    """A fault, its code without `provider_`, and the turns it can have.

    `waited_for`: with nobody else there, the provider is asked again. `judged`: with nobody else there, the debate ends
    without a verdict, because a judgement was given. `kept`: with nobody else there, the message stays, marked."""

    name: str
    code: str
    how: Reply | Outage
    turns: Sequence[str] = tuple(TURNS)
    waited_for: bool = False
    judged: bool = False
    kept: bool = False

    @property
    def is_ours_to_take(self) -> bool:
        """Whether the debate stays live even with nobody else there."""
        return self.waited_for or self.judged or self.kept

    def arm(self, server: OpenAIServer, turn: str) -> None:
        agent, number = TURNS[turn]
        if isinstance(self.how, Outage):
            server.break_down(self.how, number)
        else:
            server.answer(self.how, to=agent, times=1 if self.waited_for else math.inf)


_WORDS = ("One ", "two ", "three ", "four.")


def _broken(fault: Fault) -> Reply:
    return says(*_WORDS, fault=fault, fault_after=2)


LAST = ("last",)
CASES = (
    Case("connection refused", "unreachable", Outage.REFUSED),
    Case("black hole: connecting never ends", "timeout", Outage.BLACK_HOLE),
    Case("takes the connection, reads nothing", "timeout", Outage.MUTE),
    Case("takes the request, answers nothing, not even to GET /models", "timeout", Outage.DEAF),
    Case("no answer, though GET /models has one (limit 2 s)", "timeout", Reply(fault=Fault.HANG)),
    Case("first token later than the limit of 2 s", "timeout", says(*_WORDS, late=60)),
    Case("silence in mid-answer (limit 1 s)", "timeout", _broken(Fault.STALL)),
    Case("answer cut off, without an announced end", "dropped", _broken(Fault.CLOSE)),
    Case("answer cut off before its announced end", "dropped", _broken(Fault.CUT)),
    Case("connection reset in mid-answer", "dropped", _broken(Fault.RESET)),
    Case("an event that is no JSON", "invalid_answer", _broken(Fault.MALFORMED)),
    Case("an error in the stream", "down", _broken(Fault.ERROR)),
    Case("401", "unauthorized", fails(401)),
    Case("403", "forbidden", fails(403)),
    Case("404", "unknown_model", fails(404)),
    Case("429", "rate_limited", fails(429)),
    Case("429 with Retry-After: 1", "rate_limited", fails(429, retry_after=1), waited_for=True),
    Case("500", "down", fails(500)),
    Case("503", "down", fails(503)),
    Case("402, no credit left", "credit", fails(402)),
    Case("400, the prompt is too long", "too_long", refuses("This model's maximum context length is 4096.")),
    Case(
        "429, the quota is used up", "quota", refuses("You exceeded your quota.", "insufficient_quota", 429)
    ),
    Case("200 with a web page", "wrong_address", sends(b"<!doctype html><title>Hi</title>", "text/html")),
    Case("one chunk of 1.5 million characters", "looped", says("x" * 1_500_000)),
    Case("an answer that ends with an error", "dropped", says(*_WORDS, finish_reason="error")),
    Case(
        "an answer cut by a filter",
        "withheld",
        says(*_WORDS, finish_reason="content_filter"),
        ("first", "middle"),
        kept=True,
    ),
    Case("characters that cannot be seen", "empty", says("\u200b", "\ufeff")),
    Case("empty answer", "empty", says()),
    Case("answer spent on thinking (`length`)", "empty", too_long()),
    Case("verdict that is no JSON", "invalid_answer", no_json(), LAST, judged=True),
    Case("verdict that breaks its schema", "invalid_answer", breaks_schema(), LAST, judged=True),
    Case(
        "verdict cut by its length",
        "invalid_answer",
        says('{"stance": "buy", "conf', finish_reason="length"),
        LAST,
        judged=True,
    ),
)

Event_ = tuple[int, str, dict[str, Any], datetime]


@dataclass(frozen=True)
class Ended:
    """A debate that was, with what its log says of the fault. Seconds, or None where there was none."""

    conversation: Conversation
    events: Sequence[Event_]

    @property
    def codes(self) -> list[str]:
        """Why providers were left, and why the debate ended if it did."""
        return [data["code"] for _, type_, data, _ in self.events if type_ in {"fallback", "error"}]

    @property
    def modes(self) -> set[str]:
        return {data["mode"] for _, type_, data, _ in self.events if type_ == "agent_message"}

    @property
    def finish_reasons(self) -> set[str]:
        return {data["finish_reason"] for _, type_, data, _ in self.events if type_ == "agent_message"}

    @property
    def verdict(self) -> tuple[str | None, str | None]:
        """The verdict's kind, and the reason if there is none."""
        said = self.conversation.verdict or {}
        return said.get("verdict"), said.get("reason")

    def waits(self) -> tuple[float | None, float | None]:
        """From the last sign of life of the first message that failed: to the event that shows the failure, and to the
        next words."""
        sign: datetime | None = None
        seen: datetime | None = None
        for _, type_, _, at in self.events:
            if seen is None and type_ in {"message_start", "token"}:
                sign = at
            elif seen is None and type_ in {"message_discard", "fallback", "error"}:
                seen = at
            elif seen is not None and type_ in {"token", "agent_message"}:
                return _seconds(sign, seen), _seconds(sign, at)
        return _seconds(sign, seen), None

    def to_first_words(self) -> float | None:
        """From the claim of the conversation to the first words."""
        began = next((at for _, type_, data, at in self.events if data.get("status") == "initializing"), None)
        words = next((at for _, type_, _, at in self.events if type_ in {"token", "agent_message"}), None)
        return _seconds(began, words)


def _seconds(since: datetime | None, at: datetime | None) -> float | None:
    return None if since is None or at is None else (at - since).total_seconds()


async def debate(owner: User, providers: Iterable[str], *, demo: bool = True) -> Ended:
    """One debate from its start to its end, in this process."""
    with override_settings(
        **LIMITS,
        OUTCRY_PROVIDERS=list(providers),
        OUTCRY_DEMO_FALLBACK=demo,
        OUTCRY_DEMO_TOKENS_PER_SECOND=DEMO_RATE,
        OUTCRY_MAX_RUNNING_PER_USER=1000,
    ):
        conversation = await debates.created(owner)
        await supervisor.run(conversation.pk)
    return await database.call(_ended, conversation)


def _ended(conversation: Conversation) -> Ended:
    conversation.refresh_from_db()
    rows = Event.objects.filter(conversation=conversation).order_by("seq")
    return Ended(conversation, list(rows.values_list("seq", "type", "data", "at")))


def faulty() -> OpenAIServer:
    """The provider that fails, in its own name."""
    return OpenAIServer(model="faulty")


def healthy() -> OpenAIServer:
    return OpenAIServer(model="healthy")


async def with_another(owner: User, case: Case, turn: str) -> tuple[Ended, list[str]]:
    """The fault, with a healthy provider behind it: the debate stays live."""
    cache.clear()
    async with faulty() as first, healthy() as second:
        case.arm(first, turn)
        ended = await debate(owner, [first.provider, second.provider])
    problems = _not(ended, case, turn, status="completed", mode="live")
    if ended.codes != [f"provider_{case.code}"]:
        problems.append(_said(case, turn, f"the codes are {ended.codes}; provider_{case.code} is promised"))
    return ended, problems


async def alone(owner: User, case: Case, turn: str) -> tuple[Ended, list[str]]:
    """The fault, and nobody else: the rest is a demo, and says so. One that asks to wait is waited for."""
    cache.clear()
    async with faulty() as only:
        case.arm(only, turn)
        ended = await debate(owner, [only.provider])
    if case.is_ours_to_take:
        return ended, _taken(ended, case, turn)
    problems = _not(ended, case, turn, status="completed", mode="demo")
    if ended.verdict != ("no_verdict", "demo"):
        problems.append(_said(case, turn, f"a demo's verdict is {ended.verdict}"))
    return ended, problems


async def without_demo(owner: User, case: Case, turn: str) -> tuple[Ended, list[str]]:
    """The fault, nobody else, and no demo: the debate ends with a code and a sentence."""
    cache.clear()
    async with faulty() as only:
        case.arm(only, turn)
        ended = await debate(owner, [only.provider], demo=False)
    if case.is_ours_to_take:
        return ended, _taken(ended, case, turn)
    problems = _not(ended, case, turn, status="error", mode="live")
    if not (ended.codes and ended.codes[-1].startswith("provider")):
        problems.append(_said(case, turn, f"the codes are {ended.codes}"))
    return ended, problems


def _taken(ended: Ended, case: Case, turn: str) -> list[str]:
    problems = _not(ended, case, turn, status="completed", mode="live")
    if case.judged and ended.verdict != ("no_verdict", "invalid_answer"):
        problems.append(_said(case, turn, f"the verdict is {ended.verdict}"))
    if case.kept and "content_filter" not in ended.finish_reasons:
        problems.append(_said(case, turn, f"the finish reasons are {ended.finish_reasons}"))
    return problems


def _not(ended: Ended, case: Case, turn: str, *, status: str, mode: str) -> list[str]:
    found, problems = ended.conversation, []
    if (found.status, found.mode) != (status, mode):
        how = f"{found.status}, {found.mode}, {found.reason}, {ended.codes}"
        problems.append(_said(case, turn, f"ended as {how}; {status}, {mode} is promised"))
    discards = [data["message"] for _, type_, data, _ in ended.events if type_ == "message_discard"]
    if len(discards) != len(set(discards)):
        problems.append(_said(case, turn, "a message is discarded twice"))
    return problems


def _said(case: Case, turn: str, what: str) -> str:
    return f"{case.name}, {turn} turn: {what}"


WAYS = {
    "the next provider speaks": with_another,
    "no other provider: demo": alone,
    "no other provider, no demo: error": without_demo,
}


async def measure(owner: User, *, times: int) -> list[Row]:
    """A row for each fault and each way on, over all turns; and one for all that leave no way on."""
    rows: list[Row] = []
    ends = Row("any of these, with no other provider and no demo: an error that says which")
    for case in CASES:
        found: dict[str, Row] = {}
        for way, tried in WAYS.items():
            is_end = tried is without_demo and not case.is_ours_to_take
            name = f"{case.name}: {_way(case, way)}"
            row = ends if is_end else found.setdefault(name, Row(name))
            for turn in [turn for turn in case.turns for _ in range(times)]:
                ended, problems = await tried(owner, case, turn)
                row.tried += 1
                row.found(problems)
                if not is_end:
                    _add(row, ended)
        print(*found.values(), sep="\n", flush=True)
        rows += found.values()
    print(ends, flush=True)
    return [*rows, ends]


def _way(case: Case, way: str) -> str:
    if not (case.is_ours_to_take and way.startswith("no other")):
        return way
    if case.kept:
        return "no other provider: kept, and marked"
    return "no other provider: waited for" if case.waited_for else "no other provider: no verdict"


def _add(row: Row, ended: Ended) -> None:
    detected, recovered = ended.waits()
    row.detected += [] if detected is None else [detected]
    row.recovered += [] if recovered is None else [recovered]


async def open_circuit(owner: User, *, times: int) -> list[Row]:
    """A dead provider is known to be dead: from a debate's start to its first words."""
    row = Row("a provider known to be down (from the start of a debate)")
    cache.clear()
    async with faulty() as only:
        only.break_down(Outage.DEAF)
        await debate(owner, [only.provider])
        for _ in range(times):
            ended = await debate(owner, [only.provider])
            row.tried += 1
            if ended.conversation.mode != "demo":
                row.found([f"ended as {ended.conversation.status}, {ended.conversation.mode}"])
            if (words := ended.to_first_words()) is not None:
                row.recovered.append(words)
    return [row]


FLAPPING = {
    "every other request gets a 500": (fails(500), 1, 1),
    "of five requests, two are reset": (says(*_WORDS, fault=Fault.RESET, fault_after=1), 3, 2),
    "of three requests, two get no answer": (Reply(fault=Fault.HANG), 1, 2),
}


async def flapping(owner: User, *, times: int) -> list[Row]:
    """A provider that comes and goes, with a healthy one behind it: every debate ends live."""
    rows = []
    for name, (reply, up, down) in FLAPPING.items():
        row = Row(f"flapping: {name}")
        cache.clear()
        async with faulty() as first, healthy() as second:
            first.flap(reply, up, down)
            for _ in range(times):
                ended = await debate(owner, [first.provider, second.provider])
                row.tried += 1
                found = ended.conversation
                if (found.status, found.mode) != ("completed", "live"):
                    row.found([f"{name}: ended as {found.status}, {found.mode}, {ended.codes}"])
                if ended.codes:
                    _add(row, ended)
        print(row, flush=True)
        rows.append(row)
    return rows


def _refuses(kind: str) -> Callable[[OpenAIServer], None]:
    is_wrong, refusal, _ = refusals.KINDS[kind]

    def arm(server: OpenAIServer) -> None:
        server.refuses = refusals.refuses(is_wrong, refusal)

    return arm


def _answers(reply: Reply, *, to: str, times: float = math.inf) -> Callable[[OpenAIServer], None]:
    return lambda server: server.answer(reply, to=to, times=times)


# What a server does otherwise than others, though it has not failed.
ODDITIES: Mapping[str, Callable[[OpenAIServer], None]] = {
    **{f"a server that refuses {kind}": _refuses(kind) for kind in refusals.KINDS},
    **{
        f"thoughts before the answer, as {kind}": _answers(sends(body), to=TURNS["first"][0])
        for kind, body in odd_streams.THINKING.items()
    },
    "a verdict that breaks its schema, once": _answers(breaks_schema(), to=TURNS["last"][0], times=1),
    "a verdict that is no JSON, once": _answers(no_json(), to=TURNS["last"][0], times=1),
}


async def odd(owner: User, *, times: int) -> list[Row]:
    """A provider that has its ways, and no other: it speaks to the end, and gives the verdict."""
    rows = []
    for name, arm in ODDITIES.items():
        row = Row(f"{name}: answered by the same provider, with a verdict")
        for _ in range(times):
            cache.clear()
            async with faulty() as only:
                arm(only)
                ended = await debate(owner, [only.provider])
            row.tried += 1
            how = (ended.conversation.status, ended.conversation.mode, ended.verdict[0], *ended.codes)
            if how != ("completed", "live", VERDICT["stance"]):
                row.found([f"{name}: ended as {how}"])
        print(row, flush=True)
        rows.append(row)
    return rows

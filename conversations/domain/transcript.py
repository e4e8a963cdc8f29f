"""A conversation's state as the fold of its events. Pure. The browser's reducer (frontend/src/protocol/reducer.ts) must
give the same state.

A new event type is added to `_change`. The state is JSON:

    status, mode, reason, panel   of the last events that said so, or null
    routing                       data of the last `routing` event, or null
    head                          seq of the last event folded
    messages   [{id, agent, role, kind, round, model, provider, mode, streaming, texts, items,
                 state: speaking | done | discarded, text, tokens, confidence, usage, cost,
                 finish_reason, duration_ms, discard_reason,
                 figures: [checked figure]}]
    tools      [{call, message, tool, input, input_text, output, output_text, table, evidence, checks, error, reason,
                 duration_ms}]
    humans     [{author, text, reply_to, to}]
    requests   [{request, message, agent, prompt, timeout, deadline, offset, state: open | answered | expired,
                 skipped_by: the person who skipped it, or null}]
    controls   [{action, actor}]
    fallbacks  [{from, to, code, reason}]
    errors     [{code, message, retryable}]
    snapshot   data of the `snapshot` event, or null
    evidence   [item of the record]
    complete   data of the `complete` event, or null
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from conversations.domain.enums import Kind
from conversations.domain.events import AgentMessage, dump, load

State = dict[str, Any]
Data = Mapping[str, Any]


def empty() -> State:
    """The state before the first event."""
    lists = ("messages", "tools", "humans", "requests", "controls", "fallbacks", "errors", "evidence")
    said = dict.fromkeys(["status", "mode", "reason", "panel", "routing"])
    return {**said, "head": 0, **{name: [] for name in lists}, "complete": None, "snapshot": None}


def fold(events: Iterable[tuple[int, str, Data]], state: State | None = None) -> State:
    """The state after `events`, given as (seq, type, data). An event whose seq is not above the head is skipped. Raises
    ValueError if a seq is missing, and LookupError if an event refers to a message that has not begun. Changes `state`
    in place.
    """
    state = empty() if state is None else state
    for seq, type_, data in events:
        if seq <= state["head"]:
            continue
        if seq != state["head"] + 1:
            raise ValueError(f"event {state['head'] + 1} is missing before {seq}")
        apply(state, seq, type_, data)
    return state


def apply(state: State, seq: int, type_: str, data: Data) -> None:
    """Apply an event, or a frame that stands for several, up to `seq`. A type that this version does not know changes
    only the head."""
    event = load(type_, data)
    if event is not None:
        # With the defaults of fields that an earlier version did not write, without those of a later one.
        _change(state, type_, dump(event))
    state["head"] = seq


def spoken(state: State) -> list[AgentMessage]:
    """The finished messages that were not discarded, without those of thoughts, in order."""
    done = [message for message in state["messages"] if message["state"] == "done"]
    return [agent_message(message) for message in done if message["kind"] != Kind.THINKING]


def agent_message(message: State, **changes: Any) -> AgentMessage:
    """The `agent_message` event of a message of the state, with these values changed."""
    renamed = {"message": message["id"], "content": message["text"], "token_count": message["tokens"]}
    return cast("AgentMessage", load(AgentMessage.type, {**message, **renamed, **changes}))


def digest(spoken: Iterable[AgentMessage]) -> str:
    """SHA-256 (hex) of the finished messages' fields below, in order, as canonical JSON. Thoughts are left out."""
    fields = {"agent", "role", "kind", "round", "mode", "model", "provider", "content"}
    lines = [
        message.model_dump(mode="json", include=fields)
        for message in spoken
        if message.kind is not Kind.THINKING
    ]
    canonical = json.dumps(lines, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _change(state: State, type_: str, data: Data) -> None:
    match type_:
        case "status":
            state.update(status=data["status"], mode=data["mode"], reason=data["reason"])
        case "routing":
            state.update(panel=data["panel"], routing={**data})
        case "message_start":
            state["messages"].insert(_place(state["messages"], data), _begun(data))
        case "token":
            message = _newest(state["messages"], "id", data["message"])
            message["text"] = message["text"][: data["offset"]] + data["text"]
            message["tokens"] += data["token_count"]
            message["cost"] = data["cost"]
        case "agent_message":
            _finish(_newest(state["messages"], "id", data["message"]), data)
        case "message_discard":
            message = _newest(state["messages"], "id", data["message"])
            message.update(state="discarded", discard_reason=data["reason"])
        case "snapshot":
            state.update(snapshot={**data}, evidence=[])
        case "evidence":
            state["evidence"].extend(data["items"])
        case "figures":
            message = _newest(state["messages"], "id", data["message"])
            message["figures"] = [*([] if data["final"] else message["figures"]), *data["items"]]
        case "tool_start":
            state["tools"].append({**data, **_NO_RESULT})
        case "tool_end":
            result = ("output", "output_text", "table", "evidence", "checks", "duration_ms")
            _newest(state["tools"], "call", data["call"]).update({key: data[key] for key in result})
        case "tool_error":
            told = {"error": data["code"], "reason": data["reason"], "duration_ms": data["duration_ms"]}
            _newest(state["tools"], "call", data["call"]).update(told)
        case "input_request":
            state["requests"].append({**data, "state": "open", "skipped_by": None})
        case "input_expired":
            _settle(state, data["request"], "expired", data["actor"])
        case "human_message":
            state["humans"].append({key: data[key] for key in ("author", "text", "reply_to", "to")})
            _settle(state, data["reply_to"], "answered")
        case "control":
            state["controls"].append({key: data[key] for key in ("action", "actor")})
        case "fallback":
            state["fallbacks"].append({**data})
        case "error":
            state["errors"].append({key: data[key] for key in ("code", "message", "retryable")})
        case "complete":
            state["complete"] = {**data}


def _place(messages: list[State], data: Data) -> int:
    """Where a message that begins belongs: thoughts stand before the message that they lead to, which has begun."""
    is_within = bool(messages) and messages[-1]["state"] == "speaking"
    return len(messages) - 1 if data["kind"] == Kind.THINKING and is_within else len(messages)


# What a call of a tool has until it ends.
_NO_RESULT: Mapping[str, Any] = {
    "output": None,
    "output_text": None,
    "table": None,
    "evidence": [],
    "checks": [],
    "error": None,
    "reason": "",
    "duration_ms": None,
}
# What a message has when it ends.
_OUTCOME = ("confidence", "usage", "cost", "finish_reason", "duration_ms")


def _begun(data: Data) -> State:
    described = {name: value for name, value in data.items() if name != "message"}
    unknown_yet = dict.fromkeys([*_OUTCOME, "discard_reason"])
    return {
        "id": data["message"],
        **described,
        "state": "speaking",
        "text": "",
        "tokens": 0,
        **unknown_yet,
        "figures": [],
    }


def _finish(message: State, data: Data) -> None:
    kept = (*_OUTCOME, "model", "provider", "mode")
    message.update({key: data[key] for key in kept}, state="done", text=data["content"])
    # The message's own count also serves readers that got no tokens; logs of earlier versions have none.
    if (count := data["token_count"]) is not None:
        message["tokens"] = count


def _newest(parts: list[State], key: str, value: str) -> State:
    for part in reversed(parts):
        if part[key] == value:
            return part
    raise LookupError(f"{key} {value} has not begun")


def _settle(state: State, id_: str | None, how: str, skipped_by: str | None = None) -> None:
    for request in state["requests"]:
        if request["request"] == id_:
            request.update(state=how, skipped_by=skipped_by)

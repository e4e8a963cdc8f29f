"""What AG-UI asks of a run's events, and what a client makes of them."""

import json
from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]


def read(body: bytes) -> list[Event]:
    """The events in a stream."""
    blocks = [block for block in body.decode().split("\n\n") if block]
    lines = [[line for line in block.split("\n") if not line.startswith(":")] for block in blocks]
    assert all(len(block) == 1 and block[0].startswith("data: ") for block in lines if block)
    return [json.loads(block[0].removeprefix("data: ")) for block in lines if block]


class Client:
    """Checks each event against those before it, and keeps what a client would: messages and state."""

    def __init__(self, messages: Iterable[Event] = ()) -> None:
        self.messages = [dict(message) for message in messages]
        self.state: Any = None
        self.custom: list[tuple[str, Any]] = []
        self.end: Event | None = None
        self._begun = False
        self._open: set[str] = set()
        self._steps: set[str] = set()
        self._calls: set[str] = set()

    def take(self, event: Event) -> None:
        type_ = event["type"]
        assert self.end is None, f"{type_} after {self.end}"
        assert self._begun or type_ in ("RUN_STARTED", "RUN_ERROR"), f"{type_} comes first"
        match type_:
            case "RUN_STARTED":
                assert not self._begun
                assert event["protocolVersion"] == "1.0"
                self._begun = True
            case "RUN_ERROR":
                assert event["code"]
                assert event["message"]
                self.end = event
            case "RUN_FINISHED":
                assert not self._open | self._steps | self._calls
                made = {call["id"] for message in self.messages for call in message.get("toolCalls", ())}
                answered = {message["toolCallId"] for message in self.messages if message["role"] == "tool"}
                assert made == answered, "a client would carry out the others"
                self.end = event
            case "STEP_STARTED":
                assert event["stepName"] not in self._steps
                self._steps.add(event["stepName"])
            case "STEP_FINISHED":
                self._steps.remove(event["stepName"])
            case "STATE_SNAPSHOT":
                self.state = event["snapshot"]
            case "MESSAGES_SNAPSHOT":
                assert not self._open, "a list of messages while one is open would lose it"
                self.messages = [dict(message) for message in event["messages"]]
            case "CUSTOM":
                self.custom.append((event["name"], event["value"]))
            case _:
                self._take_words(event)

    def _take_words(self, event: Event) -> None:
        match event["type"]:
            case "TEXT_MESSAGE_START":
                id_ = event["messageId"]
                assert all(message["id"] != id_ for message in self.messages), "told twice"
                self._open.add(id_)
                name = event.get("name")
                self.messages.append({"id": id_, "role": event["role"], "name": name, "content": ""})
            case "TEXT_MESSAGE_CONTENT":
                assert event["messageId"] in self._open
                self._message(event["messageId"])["content"] += event["delta"]
            case "TEXT_MESSAGE_END":
                self._open.remove(event["messageId"])
            case "REASONING_START" | "REASONING_END":
                pass
            case "REASONING_MESSAGE_START":
                self._open.add(event["messageId"])
                self.messages.append({"id": event["messageId"], "role": "reasoning", "content": ""})
            case "REASONING_MESSAGE_CONTENT":
                assert event["messageId"] in self._open
                self._message(event["messageId"])["content"] += event["delta"]
            case "REASONING_MESSAGE_END":
                self._open.remove(event["messageId"])
            case "TOOL_CALL_START":
                id_ = event["toolCallId"]
                owner = self._message(event["parentMessageId"])
                assert all(call["id"] != id_ for call in owner.setdefault("toolCalls", []))
                function = {"name": event["toolCallName"], "arguments": ""}
                owner["toolCalls"].append({"id": id_, "type": "function", "function": function})
                self._calls.add(id_)
            case "TOOL_CALL_ARGS":
                assert event["toolCallId"] in self._calls
                self._call(event["toolCallId"])["function"]["arguments"] += event["delta"]
            case "TOOL_CALL_END":
                self._calls.remove(event["toolCallId"])
            case "TOOL_CALL_RESULT":
                self._take_result(event)
            case other:
                raise AssertionError(f"{other} is not among what we send")

    def _take_result(self, event: Event) -> None:
        call = event["toolCallId"]
        ids = [[each["id"] for each in message.get("toolCalls", ())] for message in self.messages]
        place = next(index for index, calls in enumerate(ids) if call in calls) + 1
        while place < len(self.messages) and self.messages[place]["role"] == "tool":
            place += 1
        content = event["content"]
        result = {"id": event["messageId"], "role": "tool", "toolCallId": call, "content": content}
        self.messages.insert(place, result)

    def _message(self, id_: str) -> Event:
        [found] = [message for message in self.messages if message["id"] == id_]
        return found

    def _call(self, id_: str) -> Event:
        calls: list[Event] = [call for message in self.messages for call in message.get("toolCalls", ())]
        [found] = [call for call in calls if call["id"] == id_]
        return found


def followed(events: Iterable[Event], messages: Iterable[Event] = ()) -> Client:
    """What a client has after these events, which keep the rules."""
    client = Client(messages)
    for event in events:
        client.take(event)
    assert client.end is not None
    return client


def spoken(messages: Iterable[Event]) -> list[tuple[str, str]]:
    """Who said what: agents by their name in the debate, and people."""
    return [
        (message["name"].removesuffix(" (demo)"), message["content"])
        for message in messages
        if message["role"] in ("assistant", "user") and message.get("name")
    ]


def stored(state: Any) -> list[tuple[str, str]]:
    """What stands in a transcript, in the same form, without what people said and agents thought."""
    return [
        (message["agent"], message["text"])
        for message in state["messages"]
        if message["state"] != "discarded" and message["kind"] != "thinking"
    ]

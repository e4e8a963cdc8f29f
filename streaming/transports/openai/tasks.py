"""What chat clients ask of a model beside its chat: a title, tags, follow-up questions, search queries, the end of a
sentence, an emoji. They want a few words, not a debate. Pure.

A request is such a task only in a chat that already has an answer of ours, and only by its structure:

1. A template: it begins with `### Task:`. Its own chat history, in `<chat_history>`, has an answer of ours, or the
   messages before it have one (Open WebUI).
2. A short request, after an answer of ours, for a name, tags or follow-ups of the chat itself.

Everything else is a question to the panel. Clients that can name a model for their tasks use TASKS_MODEL: whatever is
asked of it is a task.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from conversations.domain.panels import PANELS

TASKS_MODEL: Final = "outcry-tasks"
# Characters of a request in plain words: those of known clients have up to 400.
MAX_PLAIN: Final = 600
# Words of a title that is taken from the question.
TITLE_WORDS: Final = 6
# Characters of such a title: scripts without spaces have long words.
TITLE_CHARACTERS: Final = 40

_TEMPLATE: Final = "### task:"
_HISTORY: Final = "<chat_history>", "</chat_history>"
_ANSWER: Final = "ASSISTANT:"
_QUESTION: Final = "USER:"
# Each key of the JSON objects that templates ask for, and its value if no model answers.
_UNANSWERED: Final[Mapping[str, Any]] = {"tags": ["General"], "follow_ups": [], "queries": [], "text": ""}
_SHOWN_KEY: Final = re.compile(r'\{\s{0,8}"(title|tags|follow_ups|queries|text)"\s{0,8}:')

_AGENTS: Final = tuple(f"## {agent.name}" for panel in PANELS.values() for agent in panel.agents)
_DEMO: Final = "> **Scripted demo.**"

# In lower case and on one line. Each repeat is bounded, so that no text makes them slow.
_SENTENCE: Final = r"(?:^|[.:;,!?] )(?:please |now |then |can you |could you |would you |your task is to )?"
_VERB: Final = (
    r"(?:generate|create|write|give(?: me| us)?|suggest|make(?: up)?|provide|propose|produce|return|reply with|come up"
    r" with|think of|pick|find|choose|list|extract|assign)"
)
_CHAT: Final = (
    r"(?:this|our|the|that) (?:whole |entire |above |following |previous |current |present |given |chat )?"
    r"(?:chat|conversation|discussion|dialogue|dialog|thread|exchange)\b(?! (?:partner|between))(?!['’]s)"
)
_NAME: Final = r"(?:title|name|headline|heading|subject line|topic line|tags?|keywords?|labels?|emoji|icon)"
_NEXT: Final = r"(?:follow-? ?ups?|(?:next|search|related) (?:questions|queries|prompts|messages))"
_FEW: Final = (
    r"(?:at most |no more than |up to |under |less than |fewer than |only )?"
    r"(?:(?:an?|few|one|two|three|four|five|six|seven|eight|nine|ten|to|or|[1-9]|[1-9]-[1-9]|10) ){0,3}"
    r"(?:few|one|two|three|four|five|six|seven|eight|nine|ten|[1-9]|[1-9]-[1-9]|10)"
)
_WORDS: Final = r"(?:[\w,()-]{1,20} ){0,8}"
_OF: Final = (
    r"(?:for|of|to|in|about|from|based on|summari[sz]ing|describing|capturing|categori[sz]ing"
    r"|(?:that|which) (?:best |briefly )?(?:summari[sz]es?|describes?|captures?|sums? up|fits?))"
)
_PLAIN: Final = (
    # "Name our conversation in four words."
    re.compile(
        rf"{_SENTENCE}(?:name|title|entitle|label|tag) {_CHAT}(?: in\b| with\b| using\b| by\b|[.!:,]|$)"
    ),
    # "Write a short title for this chat."
    re.compile(rf"{_SENTENCE}{_VERB} {_WORDS}(?:{_NAME}|{_NEXT}) (?:\w{{1,20}} )?{_OF} {_CHAT}"),
    # "Give this conversation a name."
    re.compile(rf"{_SENTENCE}give {_CHAT} {_WORDS}{_NAME}\b"),
    # "Sum up this chat in at most five words."
    re.compile(rf"{_SENTENCE}(?:summari[sz]e|describe|sum up) {_CHAT} (?:in|with|using) {_FEW} words?\b"),
    # "Suggest three follow-up questions that the user might ask next."
    re.compile(
        rf"{_SENTENCE}{_VERB} {_WORDS}{_NEXT} {_WORDS}(?:i|we|they|he or she|the user|users?)"
        r" (?:might|may|could|can|would) "
    ),
)
_PLAIN_NEXT: Final = re.compile(rf"\b{_NEXT}\b")


class Message(Protocol):
    """A message of the chat."""

    @property
    def role(self) -> str: ...

    @property
    def content(self) -> str: ...


@dataclass(frozen=True)
class ClientTask:
    """`text` is the whole task, with the chat it is about. `unanswered` is a short answer without a model, in the form
    that the task shows: the first words of the chat's question for a title, and next to nothing for the others."""

    text: str
    unanswered: str


def recognised(messages: Sequence[Message], *, is_composed: bool = False) -> ClientTask | None:
    """The task that the last message is; None if it is a question to the panel. Of a panel that a person has composed,
    which agent's heading an answer may have is not known."""
    *earlier, last = messages
    agents = ("## ",) if is_composed else _AGENTS
    has_answer = any(message.role == "assistant" and _is_ours(message.content, agents) for message in earlier)
    if last.role != "user":
        return None
    if _is_template(last.content):
        is_task = has_answer or any(_is_ours(answer, agents) for answer in _answers(last.content))
    else:
        is_task = has_answer and _is_plain(last.content)
    return of_any_model(messages) if is_task else None


def of_any_model(messages: Sequence[Message]) -> ClientTask:
    """The task that the last message is, for a client that has named TASKS_MODEL."""
    *earlier, last = messages
    chat = "\n\n".join(f"{message.role.upper()}: {message.content}" for message in earlier)
    text = f"<chat_history>\n{chat}\n</chat_history>\n\n{last.content}" if chat else last.content
    return ClientTask(text, _unanswered(last.content, _question(messages)))


def _is_template(text: str) -> bool:
    return text[:100].lstrip().lower().startswith(_TEMPLATE)


def _is_plain(text: str) -> bool:
    if len(text) > MAX_PLAIN:
        return False
    line = " ".join(text.lower().split())
    return any(pattern.search(line) for pattern in _PLAIN)


def _is_ours(answer: str, agents: tuple[str, ...]) -> bool:
    """Whether a text is an answer of a panel: it has the heading of an agent, or the note of a demo."""
    return any(line.startswith((*agents, _DEMO)) for line in answer.splitlines())


def _answers(template: str) -> Iterator[str]:
    """The assistant's messages in the template's own chat history."""
    history = _history(template)
    for part in f"\n{history}".split(f"\n{_ANSWER}")[1:]:
        yield part.partition(f"\n{_QUESTION}")[0].strip()


def _history(template: str) -> str:
    opening, closing = _HISTORY
    return template.partition(opening)[2].rpartition(closing)[0]


def _question(messages: Sequence[Message]) -> str:
    """The first question of the chat, or ""."""
    history = f"\n{_history(messages[-1].content)}".partition(f"\n{_QUESTION}")[2]
    if history:
        return history.partition(f"\n{_ANSWER}")[0].strip()
    return next((message.content for message in messages[:-1] if message.role == "user"), "")


def _unanswered(task: str, question: str) -> str:
    shown = _SHOWN_KEY.search(task)
    if shown is None:
        is_next = not _is_template(task) and _PLAIN_NEXT.search(task.lower()) is not None
        return "" if is_next else _title(question)
    key = shown[1]
    value = _title(question) if key == "title" else _UNANSWERED[key]
    return json.dumps({key: value}, ensure_ascii=False)


def _title(question: str) -> str:
    words = " ".join(question.split()[:TITLE_WORDS])
    short = words if len(words) <= TITLE_CHARACTERS else f"{words[: TITLE_CHARACTERS - 1].rstrip()}…"
    return short.rstrip(".,:;?!") or "Debate"

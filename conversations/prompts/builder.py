"""Building the prompt of a turn. No I/O."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conversations.domain.arithmetic import asked
from conversations.domain.events import TextRead
from conversations.domain.human_input import Question, Remark
from conversations.domain.panels import Agent
from conversations.local_model.models import CODER
from conversations.prompts import material, medium_model, record, small_model
from conversations.prompts.grounded import facts, speech
from conversations.prompts.material import DebateQuestion
from conversations.prompts.quotation import RULE, quoted, shortened
from conversations.prompts.spoken import Spoken
from conversations.prompts.tokens import Range, estimate
from conversations.providers.catalog import Provider
from evidence.checker.parts import cited

# Characters of a remark that the request to answer it quotes; the history has the whole remark.
MAX_QUOTE = 300
# Characters of a remark that was answered in an earlier turn, in later prompts.
MAX_ANSWERED = 600
# Kinds of providers whose models cannot call tools.
_WITHOUT_TOOLS = frozenset({"local", "demo"})
CALCULATOR = "calculate"
QUERY = "query"
NO_TOOLS = "You have no tools here. Say so where one would be needed, instead of guessing."
LANGUAGE = "Write in the language of the question, whatever languages its content and the others use."
CITE = (
    "The record has figures under the ids E1, E2 and so on. Use its figures first, and write the id right after each,"
    " such as [E3]. After a figure that you compute of two items, such as a change, a margin or a distance from a high,"
    " write both ids, such as [E3, E4], and state it with one decimal. Never write an id that the record does not have."
)
UNREADABLE_QUESTION = "You have called a tool in a way that cannot be read. Call none, and speak."


@dataclass(frozen=True)
class Task:
    """A turn of `agent` in round 1, 2, ..., after the messages in `spoken`.

    `remarks` are people's remarks so far; `unanswered` are those that this agent has to answer now. `own_question` is
    the agent's question in an earlier, interrupted attempt at this turn. `request` asks for the turn; empty: as a
    debate's."""

    agent: Agent
    round: int
    question: DebateQuestion
    spoken: Sequence[Spoken]
    remarks: Sequence[Remark] = ()
    unanswered: Sequence[Remark] = ()
    own_question: Question | None = None
    request: str = ""

    def may_ask(self, provider: Provider) -> bool:
        """Whether the agent may ask a person a question: at most one a turn, of a model that can call tools."""
        return self.agent.may_ask and self.own_question is None and provider.kind not in _WITHOUT_TOOLS

    def tools(self, provider: Provider) -> tuple[str, ...]:
        """The tools that the agent may call. A local model gets only the calculator, for a question that is a sum, and
        with the expression of the question. Only the larger one can choose for itself, outside debates."""
        if provider.kind not in _WITHOUT_TOOLS:
            return self.agent.tools
        fixed = self.fixed_arguments(provider)
        if not fixed and self.request and provider.kind == "local" and provider.model == CODER.name:
            # It is not good at queries, and takes the calculator for whatever has a number.
            return tuple(name for name in self.agent.tools if name not in {QUERY, CALCULATOR})
        return tuple(name for name in self.agent.tools if name in fixed)

    def fixed_arguments(self, provider: Provider) -> Mapping[str, Mapping[str, str]]:
        """Arguments that a tool may only be called with, by the tool's name."""
        expression = asked(self.question.topic) if provider.kind == "local" else None
        return {} if expression is None else {CALCULATOR: {"expression": expression}}


@dataclass(frozen=True)
class Prompt:
    """`history` are the texts before this turn, oldest first; `message` asks for the turn. `sampling` are keyword
    arguments for the provider's AG2 configuration. `read` says how much of the content and of each source it has; empty
    if all of them. `items` are the ids of the items of the record that it has. The first `kept` messages of the history
    are never left out.

    None of the history is an `assistant` message, not even what the agent itself has said: a model may repeat marks of
    chat templates from its material, and some servers parse them in all messages, so its text has to be quoted."""

    system: str
    history: Sequence[str]
    message: str
    sampling: Mapping[str, Any] = field(default_factory=dict)
    read: tuple[TextRead, ...] = ()
    items: tuple[str, ...] = ()
    kept: int = 1

    @property
    def told(self) -> list[str]:
        """The messages but the system message, in order."""
        return [*self.history, self.message]

    @property
    def tokens(self) -> Range:
        """The range that holds the number of its tokens."""
        found = [estimate(text) for text in (self.system, *self.told)]
        return Range(sum(each.low for each in found), sum(each.high for each in found))

    def cut_to(self, most: int) -> "Prompt":
        """The prompt with the newest messages of its history, of which it has at most so many tokens with the message
        that asks for the turn."""
        first, rest = [*self.history[: self.kept]], [*self.history[self.kept :]]
        left = most - sum(estimate(text).high for text in (*first, self.message))
        kept: list[str] = []
        while rest and (left := left - estimate(rest[-1]).high) >= 0:
            kept.insert(0, rest.pop())
        return replace(self, history=[*first, *kept])


def build(task: Task, provider: Provider, most: int) -> Prompt:
    """The prompt of a turn, of at most so many tokens: first the content and the sources are cut to what fits, then the
    oldest messages are left out. The local model, which is very small, gets a short one of its own."""
    if provider.kind == "local":
        return _short(task, provider)
    question, read = material.fitted(task.question, material.most_tokens(most))
    return replace(_full(task, question), read=read).cut_to(most)


def prepare(question: DebateQuestion, provider: Provider, most: int) -> None:
    """Measure long texts, or word the record for the local model, in the caller's thread, which takes up to a second.
    The prompts of the debate, which are built in the event loop, then find it done."""
    if provider.kind == "local":
        if question.record is not None:
            facts.of(question.record)
        return
    shorter, _ = material.fitted(question, material.most_tokens(most))
    estimate(material.opening(shorter))


def _full(task: Task, question: DebateQuestion) -> Prompt:
    # The record is a message of its own: it differs between agents, and the material is measured once.
    items, told = _record(task)
    first = [material.opening(question), *told]
    earlier = question.earlier
    history = [*first, *(earlier.messages() if earlier else ())]
    for place, spoken in enumerate(task.spoken):
        history += _remarks(task, place)
        history.append(quoted(speaker=spoken.name, text=spoken.text))
    history += _remarks(task, len(task.spoken))
    cite = f" {CITE}" if items else ""
    system = f"{task.agent.instructions}{cite} {LANGUAGE}\n\n{RULE}"
    return Prompt(system, history, _request(task), items=items, kept=len(first))


def _record(task: Task) -> tuple[tuple[str, ...], list[str]]:
    """The ids of the items of the record that the agent is given, and the message that has them, if there is one."""
    if task.question.record is None:
        return (), []
    found = record.given(task.question.record, task.agent.role, [spoken.text for spoken in task.spoken])
    told = record.told(task.question.record, task.agent.role, found)
    return tuple(item.id for item in found), [told] if told else []


def _remarks(task: Task, place: int) -> list[str]:
    """People's remarks after `place` messages, each with its author's name."""
    texts = []
    for remark in task.remarks:
        if remark.place != place or (remark.question is not None and remark.question is task.own_question):
            continue
        about = {} if remark.question is None else {"asked_by": remark.question.asked.agent}
        if remark.to is not None:
            about = {"to": remark.to}
        text = remark.text if remark in task.unanswered else shortened(remark.text, MAX_ANSWERED)
        texts.append(quoted(person=remark.author, **about, text=text))
    return texts


def _request(task: Task) -> str:
    if task.request:
        answers = [_unanswered(remark, task.agent.role, "Answer this, too.") for remark in task.unanswered]
        if task.own_question is not None:
            answers.insert(
                0, question_and_outcome(task.own_question.asked.prompt, outcome(task.own_question))
            )
        return "\n\n".join([task.request, *answers])
    if task.agent.judges:
        request = "The debate is over. Give your judgement of it."
        weigh = [_unanswered(remark, task.agent.role, "Weigh it.") for remark in task.unanswered]
        return "\n\n".join([request, *weigh])
    others = any(spoken.role != task.agent.role for spoken in task.spoken)
    answer = " Answer the others' strongest points by name, and add what they left out." if others else ""
    request = f"Round {task.round} of {task.question.rounds}. It is your turn, {task.agent.name}.{answer}"
    first = "Answer this person first."
    answers = [_unanswered(remark, task.agent.role, first) for remark in task.unanswered]
    if task.own_question is not None:
        answers.insert(0, question_and_outcome(task.own_question.asked.prompt, outcome(task.own_question)))
    return "\n\n".join([request, *answers])


def question_and_outcome(question: str, outcome: str) -> str:
    """A paragraph for an agent about the question that it asked in this turn, and its outcome."""
    return (
        "You have asked the person who started this debate:"
        f"\n{quoted(question=question)}\n{outcome}\nDo not ask again."
    )


def correction(answer: str, problem: str, schema: Mapping[str, Any]) -> str:
    """The request to send a structured answer again; `problem` says in one sentence or more what is wrong with it."""
    return (
        f"You have answered:\n{quoted(answer=answer)}\nThat cannot be read. {problem}"
        f" Send it again as one JSON object in this schema, and nothing else:\n{json.dumps(schema)}"
    )


def outcome(question: Question) -> str:
    """For the agent that asked the question: its answer, or a sentence that there is none."""
    if question.skipped:
        return "The person has skipped your question; go on without an answer."
    if question.answer is None:
        return "Nobody answered in time; go on without an answer."
    return quoted(person=question.answer.author, answer=question.answer.text)


def _unanswered(remark: Remark, role: str, request: str) -> str:
    quote = shortened(" ".join(remark.text.split()), MAX_QUOTE)
    whom = "the panel" if remark.to != role else "you"
    return f"A person has just said to {whom}:\n{quoted(person=remark.author, text=quote)}\n{request}"


def _short(task: Task, provider: Provider) -> Prompt:
    question = task.question
    if task.fixed_arguments(provider) and task.tools(provider):
        short = small_model.calculation_prompt(question.topic)
    elif task.tools(provider):
        short = medium_model.question_prompt(question.topic)
    elif not task.agent.judges:
        last = (task.spoken[-1].name, task.spoken[-1].text) if task.spoken else None
        remark = (task.unanswered[-1].author, task.unanswered[-1].text) if task.unanswered else None
        if provider.model == CODER.name:
            clauses = _clauses(task)
            short = medium_model.speaker_prompt(
                _voice(task.agent), question.topic, _facts(question), clauses, last, remark
            )
        else:
            grounded = _grounded(task, remark)
            short = small_model.speaker_prompt(
                _voice(task.agent),
                question.topic,
                _facts(question),
                task.round,
                last,
                remark=remark,
                grounded=grounded,
            )
    else:
        is_grounded = _summaries(task) is not None
        short = small_model.moderator_prompt(question.topic, _in_order(task), grounded=is_grounded)
    read = material.beginnings(question, 0 if task.agent.judges else small_model.MAX_CONTENT)
    offered = [each.text for each in task.spoken] if task.agent.judges else [short.user, short.grammar or ""]
    items = dict.fromkeys(id_ for text in offered for id_ in cited(text)) if question.record else ()
    return Prompt(short.system, (), short.user, short.sampling, read, tuple(items))


def _voice(agent: Agent) -> str:
    """The role of which a small model's prompt has wordings; the name of an agent without any."""
    return agent.role if agent.role in small_model.VOICES else agent.name


def _grounded(task: Task, remark: tuple[str, str] | None) -> str | None:
    """The grammar of a speech about the record; None without one."""
    question = task.question
    if question.record is None:
        return None
    person = None if remark is None else remark[0]
    return speech.grammar(question.record, task.agent.role, question.topic, task.round, task.spoken, person)


def _clauses(task: Task) -> list[str]:
    """Facts of the record for the larger local model, in one wording each."""
    question = task.question
    if question.record is None:
        return []
    found = speech.chosen(question.record, task.agent.role, question.topic, task.round, task.spoken)
    return [fact.says[0] for fact in found[: medium_model.MAX_FACTS]]


def summaries(task: Task, provider: Provider) -> str | None:
    """A regular expression of the summaries that the local model may give of a debate about a record; None: any."""
    return _summaries(task) if provider.kind == "local" else None


def _summaries(task: Task) -> str | None:
    known = task.question.record
    return None if known is None else speech.summaries(known, task.spoken)


def _facts(question: DebateQuestion) -> str:
    return "\n".join(question.texts) or (question.earlier.summary if question.earlier else "")


def _in_order(task: Task) -> list[tuple[str, str]]:
    """(name, text) of all messages and remarks, in the order of the debate."""
    lines = []
    for place in range(len(task.spoken) + 1):
        lines += [(remark.author, remark.text) for remark in task.remarks if remark.place == place]
        lines += [(spoken.name, spoken.text) for spoken in task.spoken[place : place + 1]]
    return lines

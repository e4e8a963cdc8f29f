"""Asking AG2's agent for one answer, in as many requests as it takes.

1. The agent is offered its tools, and the question to a person, unless the server is known to refuse tools.
2. If the server refuses them, or sends a call of a tool that cannot be read, the agent is asked again without.
3. If a structured answer has another form, the model is told what is wrong, once.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import ag2
import structlog
from ag2 import ResponseSchema
from ag2.config import ModelConfig
from ag2.events import ModelRequest, TextInput
from pydantic import BaseModel

from conversations.agents.answer_form import AnswerForm, Unreadable
from conversations.agents.clean_text import clean
from conversations.agents.reply import Reply
from conversations.agents.reply_stream import ReplyStream
from conversations.agents.think_tags import spoken
from conversations.agents.tool_calls import ReadableCalls, UnreadableCall
from conversations.agents.tools import ask_human
from conversations.agents.tools.toolbox import Toolbox
from conversations.agents.usage_middleware import Meter, middleware, telemetry
from conversations.domain import finish_reasons
from conversations.domain.errors import ProviderError
from conversations.domain.texts import has_visible_character
from conversations.prompts import builder
from conversations.prompts.builder import Prompt, Task
from conversations.providers import provider_errors, refusals
from conversations.providers.catalog import Provider
from conversations.providers.provider_errors import provider_error

logger = structlog.get_logger(__name__)

# How often a model may correct a structured answer that does not match its schema.
CORRECTIONS = 1


class ModelAnswer(NamedTuple):
    """A whole answer. `value` is the structured answer, None if there is no form or the answer has another."""

    text: str
    value: BaseModel | None
    finish_reason: str


class Asking:
    """`whole` is an answer that was whole, but not in its form, while the model corrects it."""

    def __init__(
        self,
        task: Task,
        provider: Provider,
        prompt: Prompt,
        form: AnswerForm | None,
        meter: Meter,
        reply: Reply,
        toolbox: Toolbox | None = None,
    ) -> None:
        self.whole: ModelAnswer | None = None
        self._task = task
        self._provider = provider
        self._prompt = prompt
        self._form = form
        self._meter = meter
        self._reply = reply
        self._toolbox = toolbox

    async def answer(self, config: ModelConfig) -> ModelAnswer:
        """The agent's answer by this configuration. Raises what the provider's client raises, and ProviderError if the
        answer is empty, cut off or too long."""
        options = self._options()
        if not options:
            return await self._ask(config)
        if not refusals.takes_tools(self._provider):
            return await self._ask(config, self._no_tools)
        try:
            return await self._ask(config, **options)
        except UnreadableCall:
            # The turn goes on without: another model of this server may well call tools.
            return await self._ask_without_tools(config)
        except Exception as failure:
            if self._reply.has_begun or provider_error(failure).reason != "provider_rejected":
                raise
        # Some servers reject requests with tools or tool results, and accept the same request without.
        answer = await self._ask(config, self._no_tools)
        logger.warning("model_takes_no_tools", provider=self._provider.kind, model=self._provider.model)
        refusals.remember_without_tools(self._provider)
        return answer

    def _options(self) -> dict[str, Any]:
        """Keyword arguments of AG2's agent, which offer tools; empty without any."""
        options = ask_human.options(self._reply.ask) if self._task.may_ask(self._provider) else {}
        if self._toolbox is not None:
            options["tools"] = [*options.get("tools", []), *self._toolbox.offers()]
        return options

    @property
    def _no_tools(self) -> str:
        return "" if self._toolbox is None else builder.NO_TOOLS

    async def _ask_without_tools(self, config: ModelConfig) -> ModelAnswer:
        """Ask again after a call that cannot be read. If there is another one, what was said so far stands."""
        try:
            return await self._ask(config, builder.UNREADABLE_QUESTION)
        except UnreadableCall:
            await self._reply.end_call()
            text = self._reply.partial.text
            if not has_visible_character(text):
                raise
            return ModelAnswer(text, None, finish_reasons.STOP)

    async def _ask(self, config: ModelConfig, note: str = "", **options: Any) -> ModelAnswer:
        """Ask AG2's agent. `note` ends the prompt."""
        agent = ag2.Agent(
            self._task.agent.role,
            self._prompt.system,
            config=config,
            response_schema=None if self._form is None else response_schema(self._form.schema),
            middleware=(
                lambda event, context: ReadableCalls(event, context, self._reply.partial.tools),
                *middleware(self._meter),
                *telemetry(self._task.agent.name, self._provider),
            ),
            **options,
        )
        # If the agent asked a person before tools were given up, the prompt has the question and its outcome.
        prompt = "\n\n".join(filter(None, [self._prompt.message, self._reply.asked, note]))
        reply = await self._replied(agent, prompt)
        finish_reason = finish_reasons.normalized(reply.response.finish_reason or finish_reasons.ERROR)
        if finish_reason == finish_reasons.ERROR:
            # Without a reason, the connection was closed in the middle of the answer; nothing else shows it.
            raise provider_errors.dropped()
        self._reply.require_size(reply.body or "")
        text = self._reply.partial.text or spoken(clean(reply.body or ""))
        _require_text(text, finish_reason)
        answer = ModelAnswer(text, None, finish_reason)
        if self._form is None:
            return answer
        self.whole = answer
        return answer._replace(value=await self._value(agent, prompt, reply.body or "", self._form))

    async def _replied(self, agent: "ag2.Agent[Any]", prompt: str) -> Any:
        """The agent's reply to the history and this prompt."""
        stream = ReplyStream(self._reply.receive)
        await stream.history.replace([ModelRequest([TextInput(text)]) for text in self._prompt.history])
        reply = await agent.ask(prompt, stream=stream)
        await self._reply.end_call()
        return reply

    async def _value(
        self, agent: "ag2.Agent[Any]", prompt: str, answer: str, form: AnswerForm
    ) -> BaseModel | None:
        """The structured answer, which the model may correct; None if it is still in another form."""
        for corrections_left in range(CORRECTIONS, -1, -1):
            try:
                return form.read(answer)
            except Unreadable as problem:
                logger.warning("answer_unreadable", provider=self._provider.label, problem=str(problem))
                if not corrections_left:
                    return None
                schema = response_schema(form.schema).json_schema or {}
                request = builder.correction(answer, str(problem), schema)
                # Not within the same conversation, which would repeat the answer as it is.
                answer = (await self._replied(agent, f"{prompt}\n\n{request}")).body or ""
        return None


def _require_text(text: str, finish_reason: str) -> None:
    if has_visible_character(text):
        return
    if finish_reason == finish_reasons.LENGTH:
        sentence = "The model spent its whole answer on thinking. Raise OUTCRY_MAX_ANSWER_TOKENS."
        raise ProviderError("provider_empty", sentence, retryable=False)
    if finish_reason in finish_reasons.WITHHELD:
        raise provider_errors.withheld()
    raise ProviderError("provider_empty", "The model gave an empty answer.", retryable=True)


@lru_cache(maxsize=64)
def response_schema(answer: type[BaseModel]) -> "ResponseSchema[Any]":
    # Cached: building one takes more CPU than storing a whole turn.
    return ResponseSchema(answer)

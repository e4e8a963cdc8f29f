"""Asks a model, and leaves out of the request what its server refuses.

1. Parameters that the server refused before are left out from the start.
2. If the refusal names a parameter, the same request is sent again without it.
3. If it names none, parameters are left out one after the other, first what is missed least. Only the one whose absence
   made the request acceptable is remembered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from ag2.config import LLMClient
from ag2.context import ConversationContext
from ag2.events import BaseEvent, ModelMessageChunk, ModelRequest, ModelResponse, TextInput
from ag2.response import PromptedSchema, ResponseProto
from ag2.tools.schemas import ToolSchema
from fast_depends.library.serializer import SerializerProto

from conversations.providers import provider_errors, refusals
from conversations.providers.catalog import Provider
from conversations.providers.chat_chunks import ErrorInAnswer
from conversations.providers.client_config import ClientConfig
from conversations.providers.request_form import CHAT_KINDS, Parameter, RequestForm

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class AdaptiveConfig(ClientConfig):
    """An AG2 configuration, and its client. `client` makes the provider's own client for a form of the request.
    `on_whole` is called before each request for an answer in one piece. `temperature`: None for the model's own."""

    entry: Provider
    client: Callable[[RequestForm], LLMClient]
    on_whole: Callable[[], None]
    temperature: float | None = None

    @property
    def model(self) -> str:
        return self.entry.model

    async def __call__(
        self,
        messages: Sequence[BaseEvent],
        context: ConversationContext,
        *,
        tools: Iterable[ToolSchema],
        response_schema: ResponseProto[Any] | None,
        serializer: SerializerProto,
    ) -> ModelResponse:
        offered = [*tools]

        async def ask(form: RequestForm) -> ModelResponse:
            told, asked_in = _without_system_role(messages, context, response_schema, form)
            if not form.is_streamed:
                self.on_whole()
            response = await self.client(form)(
                told,
                asked_in,
                tools=offered,
                response_schema=response_schema if form.sends_schema else None,
                serializer=serializer,
            )
            if not form.is_streamed and self.entry.kind not in CHAT_KINDS and response.content:
                # AG2's own clients send no chunk of a whole answer.
                await context.send(ModelMessageChunk(response.content))
            return response

        known = refusals.known(self.entry)
        form = RequestForm(self.entry, response_schema is not None, known, self.temperature)
        return await _Negotiation(self.entry, form, has_tools=bool(offered)).run(ask)


class _Negotiation:
    """One call of a model, in as many requests as it takes."""

    def __init__(self, provider: Provider, form: RequestForm, *, has_tools: bool) -> None:
        self._provider = provider
        self._form = form
        self._has_tools = has_tools
        self._named: list[Parameter] = []
        self._unnamed: list[Parameter] = []
        self._first: Exception | None = None

    async def run(self, ask: Callable[[RequestForm], Any]) -> ModelResponse:
        """The answer to the first form of the request that is accepted. If none is, raises what the first one did."""
        while True:
            try:
                response: ModelResponse = await ask(self._form)
            except Exception as failure:
                if not self._leave_out(failure):
                    if self._first is not None and _is_refusal(failure):
                        raise self._first from None
                    raise
                self._first = self._first or failure
            else:
                self._remember()
                return response

    def _leave_out(self, failure: Exception) -> bool:
        """Whether there is another form to try after this failure."""
        if not _is_refusal(failure):
            return False
        text = provider_errors.text(failure)
        parameter = refusals.named(text, self._form)
        if parameter is not None:
            self._named.append(parameter)
        elif not self._may_guess(failure, text) or (parameter := next(self._form.carried(), None)) is None:
            if self._unnamed:
                refusals.remember_unexplained(self._provider)
            return False
        else:
            self._unnamed.append(parameter)
        self._form = self._form.without(parameter)
        return True

    def _may_guess(self, failure: Exception, text: str) -> bool:
        # A turn repeats a request with tools without them, which is the likelier reason.
        return (
            not self._has_tools
            and provider_errors.status(failure) in refusals.UNNAMED_STATUSES
            and not refusals.is_unexplained(self._provider)
            and provider_errors.provider_error(failure).reason == "provider_rejected"
        )

    def _remember(self) -> None:
        for parameter in (*self._named, *self._unnamed[-1:]):
            refusals.remember(self._provider, parameter)
            logger.info("parameter_refused", provider=self._provider.label, parameter=parameter)


def _is_refusal(failure: Exception) -> bool:
    if isinstance(failure, ErrorInAnswer) and failure.has_begun:
        return False
    return provider_errors.status(failure) in refusals.NAMED_STATUSES


def _without_system_role(
    messages: Sequence[BaseEvent],
    context: ConversationContext,
    schema: ResponseProto[Any] | None,
    form: RequestForm,
) -> tuple[Sequence[BaseEvent], ConversationContext]:
    """Messages and context of the request: a schema that is not sent is described in words, and the system message is
    put before the first message if the server has no role for it."""
    system = [*context.prompt]
    if schema is not None and not form.sends_schema:
        system.append(PromptedSchema(schema).system_prompt or "")
    if form.sends_system_role:
        return messages, replace(context, prompt=system)
    joined: list[BaseEvent] = [*messages]
    for place, event in enumerate(joined):
        if isinstance(event, ModelRequest):
            # One part: some of these servers take no lists.
            texts = [part.content for part in event.parts if isinstance(part, TextInput)]
            joined[place] = ModelRequest([TextInput("\n\n".join([*system, *texts]))])
            break
    return joined, replace(context, prompt=[])

"""AG2's client for Gemini, which does not tell when Gemini blocks a prompt: there is no status, and no candidate."""

from collections.abc import AsyncIterator
from typing import Any

from ag2.config.gemini.gemini_client import GeminiClient
from ag2.context import ConversationContext
from ag2.events import ModelResponse
from google.genai.types import GenerateContentResponse

from conversations.providers import provider_errors


class CheckedGeminiClient(GeminiClient):
    """Raises ProviderError for a prompt that Gemini blocks."""

    async def _process_response(
        self, response: GenerateContentResponse, context: ConversationContext
    ) -> ModelResponse:
        return await super()._process_response(_checked(response), context)

    async def _process_stream(self, stream: Any, context: ConversationContext) -> ModelResponse:
        return await super()._process_stream(_each_checked(stream), context)


def _checked(response: GenerateContentResponse) -> GenerateContentResponse:
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise provider_errors.filtered()
    return response


async def _each_checked(
    stream: AsyncIterator[GenerateContentResponse],
) -> AsyncIterator[GenerateContentResponse]:
    async for chunk in stream:
        yield _checked(chunk)

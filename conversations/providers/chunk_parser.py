"""Reading the OpenAI library's streams at the speed of many live debates.

The library builds each chunk field by field in Python, which was half of this server's CPU under load (and most of
that a protocol check that is slow on Python 3.11). pydantic builds the same object in compiled code.
"""

from typing import Any

from ag2.config import OpenAIConfig
from ag2.config.openai.openai_client import OpenAIClient
from openai.types.chat import ChatCompletionChunk
from pydantic import ValidationError


class QuickOpenAIConfig(OpenAIConfig):
    """An OpenAIConfig whose client reads valid chunks quickly, and all others as the library does."""

    def create(self) -> OpenAIClient:
        # Named, because a dataclass with slots is not the class that `super()` would find.
        client = OpenAIConfig.create(self)
        library = client._client
        read = library._process_response_data

        def read_quickly(*, data: object, cast_to: Any, response: Any) -> Any:
            if cast_to is ChatCompletionChunk:
                try:
                    return ChatCompletionChunk.model_validate(data)
                except ValidationError:
                    # Some servers leave out fields that the type requires; the library does not mind.
                    pass
            return read(data=data, cast_to=cast_to, response=response)

        library._process_response_data = read_quickly  # type: ignore[method-assign]
        return client


def warm_up() -> None:
    """Load what the first turn would otherwise wait for: a tenth of a second of modules and types."""
    library = QuickOpenAIConfig("none", api_key="none").create()._client
    library.chat.completions  # noqa: B018 (loaded at its first use)
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": None}
    chunk = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": "", "choices": [choice]}
    ChatCompletionChunk.model_validate(chunk)

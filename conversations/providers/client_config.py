"""A base of AG2 configurations that are their own clients, since nothing is shared between their calls."""

from typing import Any, Self

from ag2.config import LLMClient, ModelConfig, ModelProvider
from ag2.files.protocol import FilesClient


class ClientConfig(ModelConfig, LLMClient):
    """Subclasses are immutable. They have `model`, and are called as a client."""

    @property
    def provider(self) -> ModelProvider:
        # AG2's list of providers is closed; nothing here reads it.
        return ModelProvider.OPENAI

    def copy(self) -> Self:
        return self

    def create(self) -> LLMClient:
        return self

    def create_files_client(self) -> "FilesClient[Any]":
        raise NotImplementedError("Debates send no files.")

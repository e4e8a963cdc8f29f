"""How long a turn may take, and how much an agent may read."""

from dataclasses import dataclass, replace

from conversations.providers.catalog import Provider


@dataclass(frozen=True)
class Limits:
    """In seconds: until the first token, between two tokens, for an answer that is not streamed (`whole`), and for a
    person's answer to a question. `prompt_tokens`: the size of the longest prompt."""

    first_token: float
    stall: float
    whole: float = 180
    answer: float = 300
    prompt_tokens: int = 32_000

    def of(self, provider: Provider) -> "Limits":
        """These limits, with those that the provider has of its own."""
        return replace(
            self,
            first_token=provider.first_token or self.first_token,
            stall=provider.stall or self.stall,
        )

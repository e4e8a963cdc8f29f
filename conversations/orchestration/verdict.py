"""The moderator's structured answer."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from conversations.agents.clean_text import clean
from conversations.prompts.small_model import LocalVerdict
from conversations.providers.catalog import Provider

Text = Annotated[str, AfterValidator(clean)]


class VerdictAnswer(BaseModel):
    """The moderator's judgement of the debate."""

    # Strict structured outputs require all fields, and allow no others.
    model_config = ConfigDict(extra="forbid")

    stance: Literal["strong_buy", "buy", "hold", "sell", "strong_sell"] = Field(
        description="What the debate as a whole supports doing about its subject."
    )
    # A whole percentage: grammars that enforce schemas cannot enforce the range of a fraction.
    confidence_percent: int = Field(ge=0, le=100, description="Confidence in the stance, 0 to 100.")
    summary: Text = Field(min_length=1, description="The debate's outcome in two or three sentences.")
    consensus: Text = Field(description="What the analysts agree on.")
    dissent: Text = Field(description="Where they disagree, and who holds what.")
    key_points: list[Text] = Field(description="The strongest points made, at most five.")
    risks: list[Text] = Field(description="The main risks named, at most five.")
    horizon: Text = Field(description="The time the stance applies to, such as '12 months'.")

    @property
    def confidence(self) -> float | None:
        """From 0 to 1."""
        return self.confidence_percent / 100


Verdict = VerdictAnswer | LocalVerdict


def schema_of(provider: Provider) -> type[Verdict]:
    """The schema for the provider's structured answer; the local model gets a smaller one."""
    return LocalVerdict if provider.kind == "local" else VerdictAnswer

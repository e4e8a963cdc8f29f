"""The moderator's structured answer, and the verdict that is read from it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from conversations.agents.clean_text import clean
from conversations.domain.enums import Stance
from conversations.prompts.small_model import LocalVerdict
from conversations.providers.catalog import Provider


class VerdictAnswer(BaseModel):
    """The moderator's judgement of the debate."""

    # Strict structured outputs want every field required and none beside them.
    model_config = ConfigDict(extra="forbid")

    stance: Literal["strong_buy", "buy", "hold", "sell", "strong_sell"] = Field(
        description="What the debate as a whole supports doing about its subject."
    )
    # A whole percent: grammars that enforce schemas do not enforce ranges of fractions.
    confidence_percent: int = Field(ge=0, le=100, description="Confidence in the stance, 0 to 100.")
    summary: str = Field(min_length=1, description="The debate's outcome in two or three sentences.")
    consensus: str = Field(description="What the analysts agree on.")
    dissent: str = Field(description="Where they disagree, and who holds what.")
    key_points: list[str] = Field(description="The strongest points made, at most five.")
    risks: list[str] = Field(description="The main risks named, at most five.")
    horizon: str = Field(description="The time the stance applies to, such as '12 months'.")


def schema(provider: Provider) -> type[BaseModel]:
    """The schema of the provider's structured answer; the local model gets a smaller one that it can fill."""
    return LocalVerdict if provider.kind == "local" else VerdictAnswer


@dataclass(frozen=True)
class Verdict:
    """The moderator's verdict. `confidence` is from 0 to 1, or None where the model was not asked for one."""

    stance: Stance
    confidence: float | None
    summary: str
    consensus: str
    dissent: str
    key_points: tuple[str, ...]
    risks: tuple[str, ...]
    horizon: str


def read(value: BaseModel | None) -> Verdict | None:
    """The verdict in a valid answer of either schema, without characters that cannot be stored; else None."""
    if not isinstance(value, VerdictAnswer | LocalVerdict):
        return None
    return Verdict(
        stance=Stance(value.stance),
        confidence=value.confidence_percent / 100 if isinstance(value, VerdictAnswer) else None,
        summary=clean(value.summary),
        consensus=clean(value.consensus),
        dissent=clean(value.dissent),
        key_points=tuple(map(clean, value.key_points)),
        risks=tuple(map(clean, value.risks)),
        horizon=clean(value.horizon),
    )

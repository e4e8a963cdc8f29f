"""The moderator's structured answer: its schema, and how an answer that is nearly in it is read.

The schema names only types and choices, because providers refuse others: Anthropic refuses minimum, maximum and
minLength. Their rules are checked here.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from conversations.agents.answer_form import AnswerForm, Unreadable
from conversations.agents.answer_json import is_cut_off, objects
from conversations.agents.clean_text import clean
from conversations.prompts.small_model import LocalSummary, summary_of
from conversations.providers.catalog import TEST_KINDS, Provider

_PERCENTAGE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%?")


def _stance(value: Any) -> Any:
    """`Strong Buy` as strong_buy."""
    return re.sub(r"[\s-]+", "_", value.strip(" \t\r\n.*").lower()) if isinstance(value, str) else value


def _percentage(value: Any) -> Any:
    """`55%` as 55."""
    if isinstance(value, str) and (match := _PERCENTAGE.fullmatch(value.strip())):
        return float(match[1])
    return value


def _percent(value: float) -> float:
    if not 0 <= value <= 100:
        raise ValueError("must be from 0 to 100")
    if 0 < value < 1:
        # 0.55 may be a fraction, or half a percent.
        raise ValueError("must be a percentage, such as 55, not a fraction")
    return value


def filled(text: str) -> str:
    """The text, if it is not blank. A pydantic validator."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _numbered(horizon: str) -> str:
    """The horizon, or nothing if it has no number: "the long term" is no time."""
    return horizon if any(character.isnumeric() for character in horizon) else ""


def _list(value: Any) -> Any:
    """One text as a list of it, and null as an empty list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


Text = Annotated[str, AfterValidator(clean)]
Texts = Annotated[list[Text], BeforeValidator(_list)]
Percent = Annotated[
    float,
    Field(strict=True),
    BeforeValidator(_percentage),
    AfterValidator(_percent),
    WithJsonSchema({"type": "integer", "description": "Confidence in the stance, 0 to 100."}),
]


class VerdictAnswer(BaseModel):
    """The moderator's judgement of the debate."""

    # Strict structured outputs require all fields, and allow no others.
    model_config = ConfigDict(extra="forbid")

    stance: Annotated[
        Literal["strong_buy", "buy", "hold", "sell", "strong_sell"], BeforeValidator(_stance)
    ] = Field(description="What the debate as a whole supports doing about its subject.")
    # A whole percentage: models state fractions less reliably. One with decimals is read, too.
    confidence_percent: Percent
    summary: Annotated[Text, AfterValidator(filled)] = Field(
        description="The debate's outcome in two or three sentences."
    )
    consensus: Text = Field(description="What the analysts agree on.")
    dissent: Text = Field(description="Where they disagree, and who holds what.")
    key_points: Texts = Field(description="The strongest points made, at most five.")
    risks: Texts = Field(description="The main risks named, at most five.")
    would_change: Text = Field(
        description="What would change the stance, and to which: facts one can watch for."
    )
    horizon: Annotated[Text, AfterValidator(_numbered)] = Field(
        description="The time the stance applies to, with a number, such as '12 months'; empty if none was named."
    )

    @property
    def confidence(self) -> float:
        """From 0 to 1."""
        return self.confidence_percent / 100


Verdict = VerdictAnswer | LocalSummary
V = TypeVar("V", bound=BaseModel)


def form_of(provider: Provider, summaries: str | None = None) -> AnswerForm:
    """The form of the provider's structured answer. A model that is only for trying Outcry is asked for no stance, and
    for a summary that matches the regular expression `summaries`, if there is one."""
    if provider.kind not in TEST_KINDS:
        return _FULL
    if summaries is None:
        return _SUMMARY
    return form(summary_of(summaries))


def form(schema: type[BaseModel]) -> AnswerForm:
    """The form of an answer that `read` reads."""
    return AnswerForm(schema, lambda answer: read(answer, schema))


def read(answer: str, schema: type[V]) -> V:
    """The value in an answer, such as the verdict. Wrapping, fields that nobody asked for, and how a value is written
    are put right; nothing is added. Raises Unreadable with a sentence about what is wrong."""
    found = objects(answer)
    verdicts: list[V] = []
    problem = _missing(answer)
    for each in found:
        try:
            verdicts.append(schema.model_validate(_known(each, schema)))
        except ValidationError as failure:
            problem = _problem(failure)
    if not verdicts:
        raise Unreadable(problem)
    if any(verdict != verdicts[0] for verdict in verdicts):
        raise Unreadable("It holds more than one answer.")
    return verdicts[0]


def _missing(answer: str) -> str:
    return "Its JSON object is cut off." if is_cut_off(answer) else "It holds no JSON object."


def _known(found: Mapping[str, Any], schema: type[BaseModel]) -> dict[str, Any]:
    """The object's fields of the schema, whatever case and separators their names have."""
    names = {_plain(name): name for name in schema.model_fields}
    known = {names[plain]: value for name, value in found.items() if (plain := _plain(name)) in names}
    if schema is VerdictAnswer:
        if "confidence" in found:
            known.setdefault("confidence_percent", _confidence(found["confidence"]))
        if known.get("would_change") is None:
            # Optional, but strict structured outputs require all fields.
            known["would_change"] = ""
    return known


def _confidence(value: Any) -> Any:
    """A confidence by its shorter name, in percent: 0.55 and 55 are clear there, 1 may be either and is not read."""
    if isinstance(value, float) and 0 < value < 1:
        return round(value * 100, 6)
    return None if value == 1 else value


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _problem(failure: ValidationError) -> str:
    """What is wrong, field by field. Only the fields' names come from the schema's side; values are not repeated."""
    lines = [
        f"{'.'.join(map(str, error['loc']))}: {error['msg'].removeprefix('Value error, ')}."
        for error in failure.errors(include_url=False, include_input=False)
    ]
    return " ".join(lines)


_FULL: Final = form(VerdictAnswer)
_SUMMARY: Final = form(LocalSummary)

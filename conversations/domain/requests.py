"""The requests of people, and their validation: to start a conversation, to command it, to send it messages, to create
API keys."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID

from django.conf import settings
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from conversations.domain.enums import Action, ContentType, Scope, WhenBusy
from conversations.domain.errors import InvalidInput, Problem
from conversations.domain.panels import PANELS
from conversations.domain.routing import AUTO
from conversations.domain.sources import MAX_CHARACTERS, MAX_SOURCES
from conversations.domain.texts import cleaned, cleaned_line, first_sentence, has_visible_character
from evidence.instruments import UnknownInstrument, resolve

MAX_TOPIC = 500
MAX_CONTENT = MAX_CHARACTERS
MAX_DATASETS = 10
MAX_ROUNDS = 6
DEFAULT_ROUNDS = 2
MAX_TEXT = 4_000
MAX_KEY = 200
MAX_INSTRUMENT = 100
MAX_KEY_NAME = 100
MAX_KEY_DAYS = 3650
# Higher than any real limit, and small enough for every database's columns.
MAX_USD = 100_000
MAX_TOKENS = 1_000_000_000
MAX_SECONDS = 604_800
# Of the ids of people, in every database.
MAX_PERSON = 2**31 - 1

N = TypeVar("N", int, float)

_SENTENCES = {
    "missing": "This field is required.",
    "string_type": "Enter text.",
    "string_too_short": "Enter at least {min_length} character.",
    "string_too_long": "Enter at most {max_length} characters.",
    "bool_type": "Send true or false.",
    "int_type": "Enter a whole number.",
    "float_type": "Enter a number.",
    "finite_number": "Enter a number.",
    "greater_than": "Enter a number greater than {gt}.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than_equal": "Enter {le} or less.",
    "enum": "Choose one of {expected}.",
    "uuid_parsing": "Enter a UUID.",
    "uuid_type": "Enter a UUID.",
    "extra_forbidden": "This field does not exist; remove it.",
    "string_unicode": "The text contains an invalid character; remove it.",
    "model_type": "Send a JSON object.",
    "list_type": "Send a list.",
    "too_short": "Choose at least {min_length}.",
    "too_long": "Choose at most {max_length}.",
    "datetime_parsing": "Enter a time, such as 2027-01-31T12:00:00Z.",
    "datetime_from_date_parsing": "Enter a time, such as 2027-01-31T12:00:00Z.",
    "unknown_instrument": "{sentence}",
    "timezone_aware": "Add the time zone, such as Z for UTC.",
}


def without_nul(text: str) -> str:
    """The text, if it has no NUL, which PostgreSQL cannot store. A pydantic validator."""
    if "\0" in text:
        raise PydanticCustomError("no_nul", "Remove the NUL character")
    return text


def _text(clean: Callable[[str], str]) -> BeforeValidator:
    """A validator that cleans a text, and refuses one that has characters of which none is visible, or NUL."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            # Refused later, with its type.
            return value
        text = without_nul(clean(value)).strip()
        if text and not has_visible_character(text):
            raise PydanticCustomError("invisible", "Enter at least one visible character")
        return text

    return BeforeValidator(check)


LINE = _text(cleaned_line)
"""The validator of a person's text of one line."""

LINES = _text(cleaned)
"""The validator of a person's text of any number of lines."""


def _known_panel(slug: str) -> str:
    """The slug of a built-in panel, or the id of a composed one in its usual form."""
    if slug in (AUTO, *PANELS):
        return slug
    try:
        return str(UUID(slug))
    except ValueError:
        known = ", ".join((AUTO, *PANELS))
        sentence = "Choose one of: {panels}, or the id of a panel of yours"
        raise PydanticCustomError("unknown_panel", sentence, {"panels": known}) from None


def _at_most(setting: str) -> Callable[[N | None], N | None]:
    """A validator: at most the installation's limit for one debate, if it has one."""

    def check(value: N | None) -> N | None:
        allowed: N | None = getattr(settings, setting)
        if value is not None and allowed is not None and value > allowed:
            raise PydanticKnownError("less_than_equal", {"le": allowed})
        return value

    return check


class Form(BaseModel):
    """Values that a person gives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Validate the values. Raises InvalidInput with a problem for each broken rule."""
        try:
            return cls.model_validate(values)
        except ValidationError as failure:
            raise InvalidInput(problems(failure.errors(include_url=False))) from None


Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_KEY),
    AfterValidator(without_nul),
    Field(description="Identifies the request: one that is sent again with the same key is executed once."),
]
PersonId = Annotated[int, Field(strict=True, ge=1, le=MAX_PERSON)]
OnBusy = Annotated[
    WhenBusy,
    Field(
        description="While as many of your debates run as may run at once: refuse (429), or queue, which starts it"
        " when one ends, in order. At most 20 wait."
    ),
]


def _question(topic: str, info: ValidationInfo) -> str:
    """The topic, or if it is empty, the content's first sentence; empty if only the sources may have one. A pydantic
    validator."""
    if topic or not {"content", "sources"} <= {*info.data}:
        # If the content is invalid, that is the problem to name.
        return topic
    if (question := first_sentence(info.data["content"])) or info.data["sources"]:
        return question
    raise PydanticKnownError("string_too_short", {"min_length": 1})


def _no_duplicates(what: str) -> Callable[[list[UUID]], list[UUID]]:
    def check(ids: list[UUID]) -> list[UUID]:
        if len({*ids}) < len(ids):
            raise PydanticCustomError("duplicate", "Name each {what} once", {"what": what})
        return ids

    return check


def _symbol(text: str) -> str:
    """The symbol of the instrument; empty for none. What only a source can know is looked up later. A pydantic
    validator."""
    try:
        return resolve(text).symbol if text else ""
    except UnknownInstrument as unknown:
        if settings.OUTCRY_EVIDENCE.knows_instruments:
            return text
        raise PydanticCustomError("unknown_instrument", "{sentence}", {"sentence": str(unknown)}) from None


def _written(value: Any) -> Any:
    # Pydantic would also accept a number and guess its unit.
    if not isinstance(value, str | datetime):
        raise PydanticKnownError("datetime_parsing", {"error": "not a text"})
    return value


def _past(value: datetime) -> datetime:
    if value > datetime.now(UTC):
        raise PydanticCustomError("in_the_future", "Enter a time that has passed")
    return value.astimezone(UTC)


def _topic_is_optional(schema: dict[str, Any]) -> None:
    schema["required"].remove("topic")


class NewConversation(Form):
    """A question to debate, optionally with content and sources to discuss and with limits. The topic is empty only if
    it is to be taken from the sources."""

    model_config = ConfigDict(json_schema_extra=_topic_is_optional)

    # Before the topic, whose validator reads both.
    content: Annotated[
        str,
        StringConstraints(max_length=MAX_CONTENT),
        LINES,
        Field(description="Text to discuss, at most 500,000 characters, those of the sources included."),
    ] = ""
    sources: Annotated[
        list[UUID],
        Field(max_length=MAX_SOURCES, description="Ids of sources to discuss, in this order, at most 10."),
        AfterValidator(_no_duplicates("source")),
    ] = []
    datasets: Annotated[
        list[UUID],
        Field(max_length=MAX_DATASETS, description="Ids of datasets that the data team may ask, at most 10."),
        AfterValidator(_no_duplicates("dataset")),
    ] = []
    topic: Annotated[
        str,
        StringConstraints(max_length=MAX_TOPIC),
        LINES,
        AfterValidator(_question),
        Field(
            description="The question, 1 to 500 characters. It may be left out if there is content or a source: then"
            " it is the text's first sentence, at most 200 characters."
        ),
    ]
    content_type: Annotated[ContentType, Field(description="The type of the content.")] = ContentType.TEXT
    panel: Annotated[
        str,
        AfterValidator(_known_panel),
        Field(
            description="The panel that answers; auto: it is chosen by the question. Or the id of a panel of yours."
        ),
    ] = AUTO
    rounds: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=MAX_ROUNDS,
            description="Rounds of a debate. A panel of yours that is started without has its own number of them.",
        ),
    ] = DEFAULT_ROUNDS
    instrument: Annotated[
        str,
        StringConstraints(max_length=MAX_INSTRUMENT),
        LINE,
        AfterValidator(_symbol),
        Field(
            description="What the debate is about: a ticker or name whose figures are put on record, such as AAPL;"
            " empty for none."
        ),
    ] = ""
    as_of: Annotated[
        Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_past)] | None,
        Field(description="The record has what was known at this time; null for now."),
    ] = None
    follows: Annotated[
        UUID | None,
        Field(
            description="An earlier debate, which has ended and which you may watch: the agents know its question,"
            " its verdict and what was said in it. Both belong to the same organisation, or are personal."
        ),
    ] = None
    organisation: Annotated[
        UUID | None,
        Field(description="The organisation that it belongs to; null for a personal debate."),
    ] = None
    max_usd: Annotated[
        float | None,
        Field(strict=True, gt=0, le=MAX_USD, allow_inf_nan=False),
        AfterValidator(_at_most("OUTCRY_MAX_USD_PER_CONVERSATION")),
        Field(description="Maximum cost in US dollars; null for the installation's limit."),
    ] = None
    max_tokens: Annotated[
        int | None,
        Field(strict=True, ge=1, le=MAX_TOKENS),
        AfterValidator(_at_most("OUTCRY_MAX_TOKENS_PER_CONVERSATION")),
        Field(description="Maximum number of input and output tokens; null for the installation's limit."),
    ] = None
    max_seconds: Annotated[
        int | None,
        Field(strict=True, ge=1, le=MAX_SECONDS),
        AfterValidator(_at_most("OUTCRY_MAX_SECONDS_PER_CONVERSATION")),
        Field(description="Maximum seconds during which models answer; null for the installation's limit."),
    ] = None
    when_busy: OnBusy = WhenBusy.REFUSE
    idempotency_key: Key | None = None

    truncate: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether models are given only the beginnings of texts that are too long for them; else such a"
            " request is refused with the code too_long_for_model.",
        ),
    ] = False

    @model_validator(mode="before")
    @classmethod
    def _allow_text_alone(cls, values: Any) -> Any:
        has_text = isinstance(values, dict) and (values.get("content") or values.get("sources"))
        return {"topic": "", **values} if has_text else values


class Restart(Form):
    """What a debate that is started again has other than the first one."""

    topic: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOPIC), LINES] | None,
        Field(description="Another question, 1 to 500 characters; null for the same."),
    ] = None
    rounds: Annotated[int | None, Field(strict=True, ge=1, le=MAX_ROUNDS)] = None
    panel: Annotated[
        Annotated[str, AfterValidator(_known_panel)] | None,
        Field(description="Another panel, such as the id of one of yours; null for as before."),
    ] = None
    follows: Annotated[
        bool,
        Field(strict=True, description="Whether it follows the first one, which its agents then know."),
    ] = False
    when_busy: OnBusy = WhenBusy.REFUSE


SAME_INPUT = Restart()


class Command(Form):
    """A command to a debate."""

    action: Annotated[Action, Field(description="The command.")]
    idempotency_key: Key | None = None


class Input(Form):
    """A message to the panel, or the answer to an agent's question."""

    text: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), LINES] | None,
        Field(description="The message, 1 to 4,000 characters; null skips the question `reply_to`."),
    ]
    reply_to: Annotated[
        UUID | None,
        Field(description="The `request` of the question to answer; null for a message to the panel."),
    ] = None
    to: Annotated[
        Annotated[str, StringConstraints(max_length=MAX_KEY), AfterValidator(without_nul)] | None,
        Field(
            description="Role or name of the agent that is to answer the message; null for the next speaker."
        ),
    ] = None
    idempotency_key: Key | None = None

    @model_validator(mode="after")
    def _has_one_purpose(self) -> Self:
        if self.text is None and self.reply_to is None:
            raise InvalidInput.of("text", "string_type", "Enter text. Only a question can be skipped.")
        if self.to is not None and self.reply_to is not None:
            raise InvalidInput.of("to", "not_both", "An answer goes to the agent that asked; leave this out.")
        return self


def _ahead(value: datetime) -> datetime:
    now = datetime.now(UTC)
    if value <= now:
        raise PydanticCustomError("in_the_past", "Enter a time in the future")
    if value > now + timedelta(days=MAX_KEY_DAYS):
        raise PydanticCustomError(
            "too_far", "Enter a time within the next {days} days", {"days": MAX_KEY_DAYS}
        )
    return value.astimezone(UTC)


def _in_order(scopes: list[Scope]) -> list[Scope]:
    return [scope for scope in Scope if scope in scopes]


class NewKey(Form):
    """The request for an API key."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_KEY_NAME),
        LINE,
        Field(description="The purpose of the key, 1 to 100 characters."),
    ]
    scopes: Annotated[
        list[Scope],
        Field(min_length=1, description="What the key permits: watch, start, control."),
        AfterValidator(_in_order),
    ]
    expires_at: Annotated[
        Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_ahead)] | None,
        Field(description="When the key expires; null for never."),
    ] = None


def problems(errors: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Pydantic's errors as Problems; `field` is the last name in an error's location."""
    return [
        Problem(
            field=next((part for part in reversed(error["loc"]) if isinstance(part, str)), "body"),
            rule=error["type"],
            # Pydantic's own sentence, if we have none for the rule.
            message=_SENTENCES.get(error["type"], "{msg}.").format_map(
                {**error.get("ctx", {}), "msg": error["msg"]}
            ),
        )
        for error in errors
    ]

"""The frozen record of a debate: evidence items, what is missing, and the snapshot of both.

Values are decimals, written as strings: floats would change on their way through JSON and databases.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from evidence.words import STORED, Word


class Unit(Word):
    """What a value counts. PERCENT 45 is 45 %, not 0.45."""

    CURRENCY = "currency"
    PERCENT = "percent"
    RATIO = "ratio"
    COUNT = "count"
    INDEX = "index"


class Quality(Word):
    """How far a value can be trusted. USER: taken from the sources that a person gave."""

    OK = "ok"
    STALE = "stale"
    RESTATED = "restated"
    ESTIMATE = "estimate"
    USER = "user"


class MissingReason(Word):
    """Why a figure is not in the record. Readers know all of them, though the library alone gives only some."""

    BEFORE_FIRST_VALUE = "before_first_value"
    LICENCE = "licence"
    NO_DATA = "no_data"
    NOT_CONFIGURED = "not_configured"
    RATE_LIMITED = "rate_limited"
    STALE = "stale"
    TIMEOUT = "timeout"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    WRONG_INSTRUMENT = "wrong_instrument"


def _decimal(value: Any) -> Any:
    """A finite decimal from a decimal, an int, a float as it is printed, or a string of digits."""
    if isinstance(value, bool):
        raise ValueError("Enter a number.")  # noqa: TRY004 (pydantic's)
    if not isinstance(value, int | float | str | Decimal):
        return value
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError("Enter a decimal number.") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError("Enter a finite number below 10^30.")
    return number


def plain(number: Decimal) -> str:
    """A decimal without exponent and without zeros at its end: one number has one text."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


# The metrics that are a price: of a share, and of a currency.
_PRICES: Final = frozenset({"close", "fx"})

Number = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(plain, return_type=str)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Frozen):
    """One figure of the record.

    `subject` is a ticker, currency pair or country; `period` a day, a month, "FY2012", "Q3 2012", "2012", or two days
    joined by ".."; `known_at` when it was published. `locator` says where in its source it stands."""

    id: str = Field(pattern=r"^E[1-9][0-9]{0,3}$")
    subject: str = Field(min_length=1, max_length=100)
    metric: str = Field(min_length=1, max_length=100)
    label: str = ""
    definition: str = ""
    period: str = Field(max_length=50)
    value: Number
    unit: Unit
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    source: str = ""
    licence: str = ""
    locator: str = ""
    known_at: AwareDatetime | None = None
    quality: Quality = Quality.OK


class Missing(_Frozen):
    """A figure that was looked for and not found."""

    subject: str
    metric: str
    reason: MissingReason


class Instrument(_Frozen):
    """What a debate is about. `names` are what people call it beside its symbol."""

    symbol: str
    name: str
    exchange: str = ""
    currency: str | None = None
    names: tuple[str, ...] = ()


class Snapshot(_Frozen):
    """What is known at `as_of`; None: at no particular time. Nothing in it was known later."""

    as_of: AwareDatetime | None = None
    instrument: Instrument | None = None
    items: tuple[Item, ...]
    missing: tuple[Missing, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        if len({item.id for item in self.items}) != len(self.items):
            raise ValueError("Two items have the same id.")
        return self

    @model_validator(mode="after")
    def _nothing_is_known_later(self) -> Self:
        if self.as_of is not None:
            for item in self.items:
                if item.known_at is None or item.known_at > self.as_of:
                    raise ValueError(f"{item.id} was not known at {self.as_of.isoformat()}.")
        return self

    @property
    def is_unpriced(self) -> bool:
        """Whether it has an instrument, and no price of it that is current."""
        if self.instrument is None:
            return False
        symbol = self.instrument.symbol
        prices = [item for item in self.items if item.subject == symbol and item.metric in _PRICES]
        return all(item.quality is Quality.STALE for item in prices)

    @property
    def sha256(self) -> str:
        """The snapshot's address: the digest of its canonical JSON."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON that is the same for equal values, as RFC 8785 for values without floats, which are refused."""
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("A hashed value holds no floats.")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            _refuse_floats(each)


def load(value: Any) -> Snapshot:
    """A snapshot from JSON: the whole, or a list of its items. Raises pydantic's ValidationError."""
    return Snapshot.model_validate({"items": value} if isinstance(value, list) else value)


def stored(value: Mapping[str, Any]) -> Snapshot:
    """A snapshot that was stored, by this version or a later one: what this one does not know is left out or, if it is
    a word, read as it is."""
    return Snapshot.model_validate(value, extra="ignore", context=STORED)

"""What a person asks of their history: which debates to list, and what to change in one."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from conversations.domain.enums import Mode, Stance, Status
from conversations.domain.errors import InvalidInput
from conversations.domain.requests import LINE, Form, without_nul

MAX_TITLE = 200
MAX_QUERY = 200
MAX_PAGE = 100_000


class Sort(StrEnum):
    """The order of a list. Pinned debates come first in each."""

    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"
    COST = "cost"


def _moment(value: Any) -> Any:
    """Parse a day or a time. Pydantic's union of both would report two errors for one value."""
    if not isinstance(value, str):
        return value
    try:
        moment = (
            datetime.fromisoformat(value) if len(value) > len("2027-01-31") else date.fromisoformat(value)
        )
    except ValueError:
        moment = None
    if moment is None or not 1900 <= moment.year <= 9000:
        raise PydanticCustomError("date_or_time", "Enter a date or a time, such as 2027-01-31")
    return moment


# A day (of UTC), or a moment; a moment without a time zone is of UTC.
Moment = Annotated[datetime | date, BeforeValidator(_moment)]
Words = Annotated[str, StringConstraints(max_length=MAX_QUERY), AfterValidator(without_nul)]


class HistoryQuery(Form):
    """Filters of a person's list of debates. All of those that are given must hold."""

    q: Annotated[
        Words, Field(description='Words or a "quoted phrase" in the question, the sources or what was said.')
    ] = ""
    status: Annotated[list[Status], Field(description="One of these statuses.")] = []
    verdict: Annotated[list[Stance], Field(description="One of these verdicts.")] = []
    panel: Annotated[Words, Field(description="The panel's slug.")] = ""
    model: Annotated[Words, Field(description="A model that has spoken.")] = ""
    mode: Annotated[Mode | None, Field(description="live or demo.")] = None
    pinned: Annotated[bool | None, Field(description="Only pinned ones, or only others.")] = None
    since: Annotated[
        Moment | None, Field(alias="from", description="Created on this day or later: a date or time (UTC).")
    ] = None
    until: Annotated[
        Moment | None, Field(alias="to", description="Created on this day or earlier: a date or time (UTC).")
    ] = None
    organisation: Annotated[
        UUID | None,
        Field(
            description="Debates of this organisation: yours, and those that are shared with you. Without it, your"
            " personal debates."
        ),
    ] = None
    review: Annotated[
        bool,
        Field(
            description="With an organisation: all of its debates, for its admins and owners; it is recorded."
        ),
    ] = False
    sort: Annotated[Sort, Field(description="The order after the pinned ones.")] = Sort.NEWEST
    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1

    @model_validator(mode="after")
    def _reviews_an_organisation(self) -> Self:
        if self.review and self.organisation is None:
            raise InvalidInput.of("review", "organisation_missing", "Name the organisation to review.")
        return self

    @property
    def earliest(self) -> datetime | None:
        """Inclusive."""
        return None if self.since is None else _begin(self.since)

    @property
    def latest(self) -> datetime | None:
        """Exclusive: the end of the day, if `to` is one."""
        if self.until is None:
            return None
        is_day = not isinstance(self.until, datetime)
        return _begin(self.until) + (timedelta(days=1) if is_day else timedelta(microseconds=1))


def _begin(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class Changes(Form):
    """Changes of a debate in its owner's history; what is left out stays."""

    title: Annotated[
        Annotated[str, StringConstraints(max_length=MAX_TITLE), LINE] | None,
        Field(description="A name of its own, at most 200 characters; empty or null for the question."),
    ] = None
    pinned: Annotated[bool, Field(strict=True, description="Whether it is listed first.")] = False

    @field_validator("title")
    @classmethod
    def _none_if_empty(cls, title: str | None) -> str | None:
        return title or None

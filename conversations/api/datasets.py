"""The JSON API of datasets: tables that people upload, and ask in SQL."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.files.uploadedfile import TemporaryUploadedFile
from ninja import File, Form, Router, Schema
from ninja import Status as ApiStatus
from ninja.files import UploadedFile
from pydantic import Field

from conversations.access import permissions
from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Invalid, Refusal
from conversations.domain.datasets import ColumnReadings, NewQuery
from conversations.infrastructure import database
from conversations.models import Dataset
from conversations.services import datasets
from evidence.datasets.model import Type

router = Router(tags=["datasets"])


class ColumnOut(Schema):
    """`label` is its name in the file, `name` its name in SQL. `decimal` is the decimal mark of its numbers, `dates`
    the order of day, month and year of its dates, `unit` the sign that all its numbers have. `missing` counts rows
    without a value. `note` is `mark_assumed` if the file does not tell the mark, and `order_unknown` if it does not
    tell the order, and the column is text for that."""

    name: str
    label: str
    type: Type
    decimal: Literal[".", ","] | None
    dates: Literal["dmy", "mdy", "ymd"] | None
    unit: str | None
    missing: int
    note: Literal["mark_assumed", "order_unknown"] | None


class TableOut(Schema):
    """`samples` are its first rows, as a query has them."""

    name: str
    label: str
    rows: int
    columns: list[ColumnOut]
    samples: list[list[Any]]


class DatasetOut(Schema):
    """`size` is that of the file in bytes."""

    id: UUID
    name: str
    size: int
    created_at: datetime
    tables: list[TableOut]


class DebateOut(Schema):
    """A debate that has the dataset."""

    id: UUID
    topic: str


class DatasetDetail(DatasetOut):
    """`debates` are those that have the dataset, newest first."""

    debates: list[DebateOut]


class ResultOut(Schema):
    """`types` are DuckDB's types of the columns. Whole numbers up to 2^53 are numbers, all others strings with all
    their digits; dates and times are in ISO 8601. `truncated`: there is more than 10,000 rows or 1 MB, or a longer
    text than 10,000 characters."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    truncated: bool = Field(description="Whether something is left out.")


ANSWERS: Any = {403: Refusal, 404: Refusal, 422: Invalid, 429: Refusal}


@router.post(
    "/",
    auth=needs("start"),
    response={201: DatasetOut, 403: Refusal, 413: Refusal, 422: Invalid, 429: Refusal},
    summary="Upload tables",
)
async def upload(
    request: AuthenticatedRequest,
    file: File[UploadedFile],
    decimal: Form[Literal[".", ","] | None] = None,
    dates: Form[Literal["dmy", "mdy", "ymd"] | None] = None,
) -> ApiStatus[Dataset]:
    """CSV, TSV, Excel (.xlsx, each sheet a table), Parquet or JSON Lines, at most 200 MB and 20 tables a person, unless
    the installation says otherwise. The types of columns are guessed from all values; `decimal` and `dates` say what
    the file does not tell."""
    assert isinstance(file, TemporaryUploadedFile)  # noqa: S101 (the only upload handler of the site)
    path = Path(file.temporary_file_path())
    found = await datasets.upload(request.auth, path, file.size or 0, file.name or "", decimal, dates)
    return ApiStatus(201, found)


@router.get(
    "/",
    auth=needs("watch"),
    response={200: list[DatasetOut], 403: Refusal, 429: Refusal},
    summary="Your datasets",
)
async def list_own(request: AuthenticatedRequest) -> list[Dataset]:
    return await database.call(datasets.listed, request.auth)


@router.get(
    "/{uuid:dataset}/",
    auth=needs("watch"),
    response={200: DatasetDetail, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="The tables, columns and first rows of a dataset, and the debates that have it",
)
async def detail(request: AuthenticatedRequest, dataset: UUID) -> dict[str, Any]:
    return await database.call(_detail, request.auth, dataset)


def _detail(user: AbstractUser, dataset: UUID) -> dict[str, Any]:
    found = permissions.query(user, dataset)
    return {**vars(found), "debates": datasets.debates_of(user, [found])[dataset]}


@router.patch(
    "/{uuid:dataset}/",
    auth=needs("start"),
    response={200: DatasetOut, **ANSWERS},
    summary="Say how columns are read",
)
async def change(request: AuthenticatedRequest, dataset: UUID, changes: ColumnReadings) -> Dataset:
    """The file is read once more. If a value cannot be read so, its line and column are named, and nothing changes."""
    return await datasets.change(request.auth, dataset, changes)


@router.delete(
    "/{uuid:dataset}/",
    auth=needs("start"),
    response={204: None, 403: Refusal, 404: Refusal, 409: Refusal, 429: Refusal},
    summary="Delete a dataset for good",
)
async def delete(request: AuthenticatedRequest, dataset: UUID) -> ApiStatus[None]:
    await database.call(datasets.delete, request.auth, dataset)
    return ApiStatus(204, None)


@router.post(
    "/{uuid:dataset}/query",
    auth=needs("start"),
    response={200: ResultOut, **ANSWERS},
    summary="Ask a dataset in SQL",
)
async def query(request: AuthenticatedRequest, dataset: UUID, asked: NewQuery) -> dict[str, Any]:
    """One SELECT statement in DuckDB's SQL, executed in a process of its own for at most 3 s. A statement that is not
    allowed, or fails, is refused with the code `query_refused`; one that takes too much time or memory is stopped:
    `query_stopped`. The rule is in `errors`."""
    return vars(await datasets.query(request.auth, dataset, asked.sql))

"""The JSON API's operations for files and long texts to take away."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Router
from pydantic import Field

from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Invalid, Refusal
from conversations.domain.enums import ExportFormat
from conversations.infrastructure import database
from conversations.services import debate_export, event_texts

router = Router(tags=["conversations"])

_REFUSED: Any = {403: Refusal, 404: Refusal, 422: Invalid, 429: Refusal}
_FILE: Any = {
    "description": "The file, with its name in Content-Disposition",
    "content": {
        media_type: {"schema": {"type": type_}}
        for media_type, type_ in (
            ("text/markdown", "string"),
            ("application/json", "object"),
            ("text/csv", "string"),
        )
    },
}


@router.get(
    "/{uuid:conversation}/export",
    auth=needs("watch"),
    response=_REFUSED,
    openapi_extra={"responses": {200: _FILE}},
    summary="Download a debate",
)
async def export(
    request: AuthenticatedRequest,
    conversation: UUID,
    format: Annotated[ExportFormat, Field(description="Markdown, all events, or tables")],  # noqa: A002 (the API's word)
    thoughts: bool = False,
) -> StreamingHttpResponse:
    """`md` is a Markdown document: the verdict, then what was said. `json` has the events, and the state that they fold
    to. `csv` has the tables of all messages: one line for each row, with the number of its table, the message, and the
    row's number, 0 for the head; cells that a spreadsheet would take for a formula begin with an apostrophe. Thoughts
    are left out unless `thoughts` is true. A debate that runs is exported as it is now."""
    return await database.call(_response, request.auth, conversation, format, thoughts)


def _response(user: Any, conversation: UUID, format_: ExportFormat, thoughts: bool) -> StreamingHttpResponse:
    return debate_export.response(user, conversation, format_, thoughts=thoughts)


@router.get(
    "/texts/{uuid:text}",
    auth=needs("watch"),
    response={403: Refusal, 404: Refusal, 429: Refusal},
    openapi_extra={
        "responses": {
            200: {"description": "The text", "content": {"text/plain": {"schema": {"type": "string"}}}}
        }
    },
    summary="The whole input or output of a tool",
)
async def whole_text(request: AuthenticatedRequest, text: UUID) -> HttpResponse:
    """The text to which `input_text` of an event `tool_start`, or `output_text` of a `tool_end`, refers: at most 2^20
    characters. It is there for as long as its debate."""
    found = await database.call(event_texts.read, request.auth, text)
    return HttpResponse(found, content_type="text/plain; charset=utf-8")

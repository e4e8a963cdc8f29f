"""The JSON API of sources: uploading files for debates."""

from uuid import UUID

from ninja import File, Router, Schema
from ninja import Status as ApiStatus
from ninja.files import UploadedFile

from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Invalid, Refusal
from conversations.domain.sources import SourceType
from conversations.models import Source
from conversations.services import sources

router = Router(tags=["sources"])


class SourceOut(Schema):
    """`characters` is the length of its text; `pages` the number of its pages, null if it has none."""

    id: UUID
    name: str
    type: SourceType
    characters: int
    pages: int | None

    @staticmethod
    def resolve_pages(source: Source) -> int | None:
        return len(source.pages) or None


@router.post(
    "/",
    auth=needs("start"),
    response={201: SourceOut, 403: Refusal, 413: Refusal, 422: Invalid, 429: Refusal},
    summary="Upload a source",
)
async def upload(request: AuthenticatedRequest, file: File[UploadedFile]) -> ApiStatus[Source]:
    """Take the text out of a file: PDF, Word (.docx), HTML, Markdown or text, at most 20 MB and 500,000 characters. To
    discuss it, start a debate with its id in `sources`. A source that no debate uses is deleted after a day."""
    found = await sources.upload(request.auth, file, file.size or 0, file.name or "")
    return ApiStatus(201, found)

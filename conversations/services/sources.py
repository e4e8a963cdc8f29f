"""Sources of debates: uploading them, and choosing them for a debate."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Final

from django.contrib.auth.models import AbstractUser

from conversations.access import lists, rate_limits
from conversations.access.permissions import AnyUser
from conversations.domain.errors import InvalidInput, LimitReached, NotFound
from conversations.domain.requests import NewConversation
from conversations.domain.sources import MAX_CHARACTERS, MAX_FILE_BYTES, MAX_NAME, SourceText, SourceType
from conversations.domain.texts import cleaned_line, first_sentence, has_visible_character
from conversations.extraction.process import extract
from conversations.extraction.refusals import Refused
from conversations.infrastructure import database
from conversations.models import Conversation, Source

# Sources of one person that no debate uses yet: more than anybody chooses from, and few enough for the disk.
MAX_UNUSED: Final = 100
NO_SUCH_SOURCE: Final = "There is no such source."
# Files that are read at once; further ones wait. Each takes a processor for up to 20 s.
_readers = ThreadPoolExecutor(2, thread_name_prefix="outcry-extraction")


async def upload(owner: AbstractUser, file: IO[bytes], size: int, name: str) -> Source:
    """Store the text of a file, which has a file descriptor and so many bytes. Its owner may use it in their debates.

    Raises InvalidInput for the field `file`, LimitReached and LogUnavailable; then nothing is stored."""
    await rate_limits.upload(str(owner.pk))
    name = storable(name)
    if size > MAX_FILE_BYTES:
        raise _refused("too_large", name, f"Upload at most {MAX_FILE_BYTES >> 20} MB.")
    await database.call(_require_room, owner, timeout=database.REQUEST_SECONDS)
    try:
        reading = asyncio.get_running_loop().run_in_executor(_readers, _read, file, name)
        type_, text, digest = await reading
    except Refused as refused:
        raise _refused(refused.code, name, str(refused)) from None
    return await database.call(_store, owner, type_, text, digest, timeout=database.REQUEST_SECONDS)


def choose(owner: AnyUser, new: NewConversation) -> tuple[NewConversation, Sequence[Source]]:
    """The sources of a new debate, in its order, and the debate with its question, which may be the first sentence of
    the first source.

    Raises NotFound if one does not exist or is somebody else's, and InvalidInput if the texts are too long in all."""
    if not new.sources:
        return new, ()
    found = {row.pk: row for row in lists.sources(owner).filter(pk__in=new.sources)}
    if len(found) < len(new.sources):
        raise NotFound(NO_SUCH_SOURCE)
    sources = [found[pk] for pk in new.sources]
    characters = len(new.content) + sum(source.characters for source in sources)
    if characters > MAX_CHARACTERS:
        message = (
            f"Content and sources have {characters:,} characters; {MAX_CHARACTERS:,} are allowed in all."
        )
        raise InvalidInput.of("sources", "too_long_in_all", message)
    if not new.topic:
        new = new.model_copy(update={"topic": first_sentence(sources[0].text) or sources[0].name})
    return new, sources


def lock(chosen: Sequence[Source]) -> None:
    """Keep the sources from being deleted until the end of the transaction. Raises NotFound if one was deleted."""
    rows = Source.objects.select_for_update().filter(pk__in=[source.pk for source in chosen])
    if len(rows.values_list("pk")) < len(chosen):
        raise NotFound(NO_SUCH_SOURCE)


def of(conversation: Conversation) -> list[Source]:
    """The sources of a conversation, in order, without their texts."""
    return list(conversation.sources.defer("text"))


def storable(name: str) -> str:
    """The name on one line, cut to MAX_NAME characters."""
    line = " ".join(cleaned_line(name.replace("\0", "").encode(errors="replace").decode()).split())
    return line[:MAX_NAME] if has_visible_character(line[:MAX_NAME]) else "Untitled"


def _refused(code: str, name: str, sentence: str) -> InvalidInput:
    return InvalidInput.of("file", code, f"{name}: {sentence}")


def _require_room(owner: AbstractUser) -> None:
    if lists.sources(owner).filter(links=None).count() >= MAX_UNUSED:
        raise LimitReached(
            f"You have {MAX_UNUSED} sources that no debate uses. Start a debate with them, or wait a day until they"
            " are deleted."
        )


def _read(file: IO[bytes], name: str) -> tuple[SourceType, SourceText, str]:
    type_, text = extract(file, name)
    file.seek(0)
    return type_, text, hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _store(owner: AbstractUser, type_: SourceType, found: SourceText, digest: str) -> Source:
    return Source.objects.create(
        owner_id=owner.pk,
        name=found.name,
        type=type_,
        text=found.text,
        characters=len(found.text),
        pages=found.pages,
        sha256=digest,
    )

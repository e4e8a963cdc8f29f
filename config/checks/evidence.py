"""System check of the files with a customer's own figures: a debate would find out too late."""

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

# More mistakes would hide the first ones.
_MOST: Final = 20


@register()
def check_own_files(**_: Any) -> Iterator[CheckMessage]:
    """Every file of OUTCRY_EVIDENCE_DIR can be read."""
    if settings.OUTCRY_EVIDENCE.folder is None:
        return
    # Loaded only with such a folder.
    from evidence.sources.folder import Folder

    for number, refused in enumerate(Folder(settings.OUTCRY_EVIDENCE.folder).refusals()):
        if number == _MOST:
            break
        yield Error(
            f"A file of OUTCRY_EVIDENCE_DIR cannot be used: {refused}",
            hint="Correct it; docs/evidence.md describes the columns.",
            id="outcry.E123",
        )

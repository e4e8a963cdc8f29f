"""Static files: as `collectstatic` made them, hashed and compressed; else as they are found."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from whitenoise.storage import CompressedManifestStaticFilesStorage

from config.env.collected import COLLECTION

# Names that change with what they name: Vite's (main-BRwuzZAJ.js), and Django's (admin.0a1b2c3d4e5f.css).
_VITES: Final = r"assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+"
_DJANGOS: Final = r".+\.[0-9a-f]{12}\.[A-Za-z0-9]+"
IMMUTABLE: Final = rf"^/static/({_VITES}|{_DJANGOS})$"


class Collected(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashes every name but Vite's, by which Vite's scripts load each other."""

    manifest_name = COLLECTION

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        if re.fullmatch(_VITES, name):
            return name
        hashed: str = super().hashed_name(name, content, filename)
        return hashed

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Only what pages load: it is most of the time. Maps are for a developer's tools."""
        loaded = [path for path in paths if re.search(IMMUTABLE, f"/static/{path}") and ".map" not in path]
        compressed: Iterator[tuple[str, str]] = super().compress_files(loaded)
        return compressed


class Found(Collected):
    """Where nothing has been collected yet: the names as they are. `collectstatic` makes the same of them."""

    def stored_name(self, name: str) -> str:
        return name

"""Storages of static files: hashed and compressed by `collectstatic`, or unchanged."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, cast

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Django's list of the collected files, and Vite's manifest of the built ones.
COLLECTION: Final = "staticfiles.json"
MANIFEST: Final = "manifest.json"
# File names that contain a hash of the content: Vite's (main-BRwuzZAJ.js), and Django's (admin.0a1b2c3d4e5f.css).
_VITE: Final = r"assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+"
_DJANGO: Final = r".+\.[0-9a-f]{12}\.[A-Za-z0-9]+"
IMMUTABLE: Final = rf"^/static/({_VITE}|{_DJANGO})$"


def is_collected(collected: Path, built: Path) -> bool:
    """Whether the folder `collected` is complete and has the same build as the folder `built`."""
    ours, current = collected / MANIFEST, built / MANIFEST
    is_complete = (collected / COLLECTION).exists() and ours.exists() and current.exists()
    return is_complete and ours.read_bytes() == current.read_bytes()


class Collected(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Adds hashes to all names except those of Vite, which have one, and with which its scripts import each other."""

    manifest_name = COLLECTION

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        if re.fullmatch(_VITE, name):
            return name
        return cast("str", super().hashed_name(name, content, filename))

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress only what pages load, which saves most of the time; source maps are for developers."""
        loaded = [path for path in paths if re.search(IMMUTABLE, f"/static/{path}") and ".map" not in path]
        return cast("Iterator[tuple[str, str]]", super().compress_files(loaded))


class Found(Collected):
    """Unchanged names, for use before `collectstatic`, which itself treats this storage like Collected."""

    def stored_name(self, name: str) -> str:
        return name

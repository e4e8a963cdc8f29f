"""Whether `collectstatic` has been run for this version. Does not import Django, because scripts use it, too."""

from pathlib import Path
from typing import Final

# Django's list of the collected files, and Vite's manifest of the built ones.
COLLECTION: Final = "staticfiles.json"
MANIFEST: Final = "manifest.json"


def is_collected(collected: Path, built: Path) -> bool:
    """Whether the folder `collected` is complete and has the same build as the folder `built`."""
    ours, current = collected / MANIFEST, built / MANIFEST
    is_complete = (collected / COLLECTION).exists() and ours.exists() and current.exists()
    return is_complete and ours.read_bytes() == current.read_bytes()

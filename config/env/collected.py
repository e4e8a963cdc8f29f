"""Whether `collectstatic` has been run for this version. Imports no Django, because scripts ask, too."""

from pathlib import Path
from typing import Final

# Django's list of what was collected; Vite's manifest, which lies beside what it built.
COLLECTION: Final = "staticfiles.json"
MANIFEST: Final = "manifest.json"


def is_collected(collected: Path, built: Path) -> bool:
    """Whether the folder `collected` is complete, and holds the same build of the pages as the folder `built`."""
    ours, current = collected / MANIFEST, built / MANIFEST
    is_complete = (collected / COLLECTION).exists() and ours.exists() and current.exists()
    return is_complete and ours.read_bytes() == current.read_bytes()

"""Whether `collectstatic` has been run for this version. Needs no Django: scripts ask, too."""

from pathlib import Path
from typing import Final

# Django's, which says what was collected; and Vite's, which stands beside what it built.
COLLECTION: Final = "staticfiles.json"
MANIFEST: Final = "manifest.json"


def is_collected(collected: Path, built: Path) -> bool:
    """Whether `collected` has everything, of just this version of the pages."""
    made, found = collected / MANIFEST, built / MANIFEST
    whole = (collected / COLLECTION).exists()
    return whole and made.exists() and found.exists() and made.read_bytes() == found.read_bytes()

"""The data folder and its files, readable by their owner only: they hold sessions, debates and password hashes.

Does not import Django, because scripts use it, too.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077


def keep_private(folder: Path) -> None:
    """Make the folder if it is missing, and take from others what they may do with it and with the files directly in
    it. What belongs to another user stays as it is. Raises OSError if the folder cannot be made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder, *folder.iterdir()):
        # SQLite's files come and go.
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and found.st_mode & _OTHERS:
                path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def make_files_private() -> None:
    """From now on, what this process makes is for its owner only."""
    os.umask(_OTHERS)

"""Skip steps whose inputs have not changed, by a hash of the inputs. The hashes are kept in .venv."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from scripts.places import ROOT, VENV

STAMPS = VENV / "stamps"


def once(name: str, *, inputs: Iterable[Path], outputs: Iterable[Path], step: Callable[[], None]) -> None:
    """Do the step unless it was finished with the same inputs and its outputs still exist."""
    stamp = STAMPS / name
    wanted = fingerprint(inputs)
    if stamp.exists() and stamp.read_text() == wanted and all(path.exists() for path in outputs):
        return
    stamp.unlink(missing_ok=True)
    step()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)


def fingerprint(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()

"""GNU OpenMP: the local model's runtime links to it, and slim Debian images do not have it."""

import ctypes
import shutil
import tempfile
from pathlib import Path

from scripts import apt
from scripts.console import StepFailedError, say
from scripts.places import VENV

LIBRARY = "libgomp.so.1"
PACKAGE = "libgomp1"
UNPACKED = VENV / "lib" / LIBRARY


def ensure_openmp() -> None:
    if UNPACKED.exists() or is_on_system():
        return
    say(f"The local model needs {LIBRARY}, which this system lacks")
    with tempfile.TemporaryDirectory(prefix="outcry-") as scratch:
        if apt.download(PACKAGE, Path(scratch)):
            keep(next(Path(scratch).glob(f"usr/lib/*/{LIBRARY}")))
            return
    raise StepFailedError(f"{LIBRARY} could not be had. Debian, Ubuntu: apt-get install {PACKAGE}")


def is_on_system() -> bool:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def keep(library: Path) -> None:
    """Keep the library in .venv, and load it when Python starts; later loads by name then find it."""
    shutil.copy(library, UNPACKED)
    packages = next(VENV.glob("lib/python*/site-packages"))
    code = f"import ctypes, sys; ctypes.CDLL(sys.prefix + '/lib/{LIBRARY}', ctypes.RTLD_GLOBAL)\n"
    (packages / "outcry_openmp.pth").write_text(code)

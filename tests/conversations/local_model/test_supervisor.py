"""Which process keeps the local model: one on a machine, and another one when that ends."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from conversations.domain.errors import ProviderError
from conversations.local_model import supervisor

THEIRS = "http://127.0.0.1:1/v1"
OURS = "http://127.0.0.1:2/v1"


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Iterator[list[str]]:
    """The addresses of models that other processes keep; one that this process starts is ready at OURS."""
    addresses: list[str] = []
    ours = SimpleNamespace(url=OURS, is_failing=False, stop=lambda: None)
    monkeypatch.setattr(supervisor, "find_running", lambda *_: next(iter(addresses), None))
    monkeypatch.setattr(supervisor, "ModelProcess", lambda *_, **__: ours)
    settings.OUTCRY_LOCAL_MODEL = tmp_path / "model.gguf"
    settings.OUTCRY_LOCAL_MODEL.touch()
    yield addresses
    supervisor.release()


async def test_another_process_model_is_used_until_it_ends(running: list[str]) -> None:
    running.append(THEIRS)
    supervisor.require()
    assert await supervisor.url() == THEIRS
    running.clear()
    assert await supervisor.url() == OURS


async def test_required_model_is_started_when_no_process_keeps_one(running: list[str]) -> None:
    supervisor.require()
    running.append(THEIRS)
    assert await supervisor.url() == OURS


async def test_process_that_requires_no_model_starts_none(running: list[str]) -> None:
    with pytest.raises(ProviderError, match="The local model is not running"):
        await supervisor.url()


def test_missing_file_is_needed_only_to_start_a_model(running: list[str], settings: Settings) -> None:
    settings.OUTCRY_LOCAL_MODEL.unlink()
    with pytest.raises(ProviderError, match="The local model is missing"):
        supervisor.require()
    running.append(THEIRS)
    supervisor.require()

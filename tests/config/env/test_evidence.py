"""Settings of the sources of figures: off by default, and wrong ones are refused by name."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config.checks.evidence import check_own_files
from config.env.evidence import evidence_sources
from evidence.sources.config import SourceSettings

KEY = "0123456789abcdef0123456789abcdef"
NAMES = ("OUTCRY_SEC_CONTACT", "OUTCRY_ECB", "OUTCRY_FRED_KEY", "OUTCRY_EVIDENCE_DIR")


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_no_source_is_asked_unless_it_is_named(tmp_path: Path) -> None:
    assert evidence_sources(tmp_path) == SourceSettings()
    assert not settings.OUTCRY_EVIDENCE.is_any


def test_each_setting_turns_its_source_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    for name, value in zip(NAMES, ("data@example.com", "true", KEY, "own"), strict=True):
        monkeypatch.setenv(name, value)
    found = evidence_sources(tmp_path)
    assert found == SourceSettings("data@example.com", ecb=True, fred_key=KEY, folder=tmp_path / "own")
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OUTCRY_SEC_CONTACT", "Outcry"),
        ("OUTCRY_SEC_CONTACT", "a@example.com\r\nX-Other: 1"),
        ("OUTCRY_ECB", "yes"),
        ("OUTCRY_FRED_KEY", "short"),
        ("OUTCRY_EVIDENCE_DIR", "not-there"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        evidence_sources(tmp_path)
    # A key is not repeated.
    assert "short" not in str(refused.value)


def test_a_wrong_file_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    assert [*check_own_files()] == []
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "ACME.csv").write_text("date,close\n2026-01-05,ten\n")
    settings.OUTCRY_EVIDENCE = SourceSettings(folder=tmp_path)
    (error,) = check_own_files()
    assert error.id == "outcry.E123"
    assert "prices/ACME.csv, line 2, close: Enter a number" in error.msg

"""The price table: as JSON or in a file; a wrong one stops the start with a sentence that names the setting."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env.prices import prices

TABLE = '{"ollama:llama3.2": {"input": 0.1, "output": 0}, "openai:m": {"input": 1, "output": 2.5}}'
READ = {"ollama:llama3.2": (0.1, 0.0), "openai:m": (1.0, 2.5)}


def test_prices_are_read_from_json_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(TABLE, encoding="utf-8")
    for value, read in (("", {}), (TABLE, READ), (str(file), READ)):
        monkeypatch.setenv("OUTCRY_PRICES", value)
        assert prices("OUTCRY_PRICES") == read


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{", "Invalid JSON"),
        ('{"openai:m": {"input": 1}}', "openai:m.output: Field required"),
        ('{"openai:m": {"input": -1, "output": 2}}', "openai:m.input: Input should be greater"),
        ('{"openai:m": {"input": "1", "output": 2}}', "openai:m.input: Input should be a valid number"),
        ('{"openai:m": {"input": NaN, "output": 2}}', "openai:m.input: Input should be a finite number"),
        ('{"openai:m": {"input": 1, "output": 2, "cached": 1}}', "openai:m.cached: Extra"),
        ("/no/such/file.json", "cannot be read"),
    ],
)
def test_a_wrong_table_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str, problem: str) -> None:
    monkeypatch.setenv("OUTCRY_PRICES", value)
    with pytest.raises(ImproperlyConfigured, match=f"OUTCRY_PRICES.*{problem}"):
        prices("OUTCRY_PRICES")

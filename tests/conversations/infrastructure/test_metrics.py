"""What is counted of turns and commits."""

from uuid import uuid4

import pytest

from conversations.domain.events import Usage
from conversations.infrastructure import metrics
from tests.support.metrics import samples, since


@pytest.fixture
def model() -> str:
    """One that nothing was counted of before."""
    return f"model-{uuid4()}"


def test_unknown_usage_and_price_have_no_series(model: str) -> None:
    metrics.turn_completed("openai", model, Usage(input_tokens=7), None)
    counted = {key: value for key, value in samples().items() if model in key}
    assert counted == {
        ("outcry_turns_total", model, "spoken", "openai"): 1,
        ("outcry_turn_tokens_total", "input", model, "openai"): 7,
        ("outcry_turns_unmetered_total", model, "openai"): 1,
        ("outcry_turns_unpriced_total", model, "openai"): 1,
    }


def test_known_usage_and_price_are_summed(model: str) -> None:
    for _ in range(2):
        metrics.turn_completed("openai", model, Usage(input_tokens=7, output_tokens=3), 0.25)
    metrics.turn_failed("openai", model, "provider_down")
    counted = {key: value for key, value in samples().items() if model in key}
    assert counted == {
        ("outcry_turns_total", model, "spoken", "openai"): 2,
        ("outcry_turns_total", model, "provider_down", "openai"): 1,
        ("outcry_turn_tokens_total", "input", model, "openai"): 14,
        ("outcry_turn_tokens_total", "output", model, "openai"): 6,
        ("outcry_cost_usd_total", model, "openai"): 0.5,
    }


def test_commits_are_counted_by_time_and_rows() -> None:
    before = samples()
    metrics.committed(0.0015, appends=3, rows=4)
    counted = since(before, samples())
    assert counted["outcry_log_appends_total",] == 3
    assert (counted["outcry_log_commit_rows_sum",], counted["outcry_log_commit_rows_bucket", "4.0"]) == (4, 1)
    assert counted["outcry_log_commit_rows_bucket", "2.0"] == 0
    assert counted["outcry_log_commit_seconds_bucket", "0.001"] == 0
    assert counted["outcry_log_commit_seconds_bucket", "0.002"] == 1


def test_no_series_says_when_it_began() -> None:
    assert not [name for name, *_ in samples() if name.endswith("_created")]

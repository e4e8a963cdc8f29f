"""The sums for very many, worked out from costs that were measured."""

import pytest

from benchmarks.cluster import paper


def result(what: str, **costs: float) -> str:
    (found,) = (it for it in paper.SUMS if it.what == what)
    return found.result(costs)


@pytest.mark.parametrize(
    ("what", "costs", "expected"),
    [
        # 50 million frames a second of 12 us: 600 cores, of which each is used for 0.6.
        ("web processes, a frame a token", {"web_us": 12.0}, "1,000 cores"),
        ("memory of the web processes", {"web_kib": 32.0}, "30.5 GiB"),
        ("file descriptors", {}, "3,000,000"),
        # 300 bytes are 2,400 bits.
        ("to the watchers, a frame a token", {"octets": 300.0}, "120 Gbit/s"),
        ("rows of the log", {"rows": 0.5}, "250,000 /s"),
        ("debates at once that one tally bears", {"hot": 1_000.0}, "1,500"),
    ],
)
def test_a_sum(what: str, costs: dict[str, float], expected: str) -> None:
    assert result(what, **costs) == expected


def test_what_has_not_been_measured_is_not_summed() -> None:
    assert result("web processes, a frame a token") == "–"


def test_costs_are_kept_on_the_page_by_part() -> None:
    page = f"words\n{paper.comment({'web_us': 12.3456789})}more\n{paper.comment({'hot': 900})}"
    assert paper.costs_of(page) == {"web_us": 12.35, "hot": 900}


def test_every_sum_needs_only_what_is_measured() -> None:
    measured = {name for _, name, _ in paper.INPUTS}
    assert {name for it in paper.SUMS for name in it.needs} == measured

"""What was written between two moments, from running totals."""

from benchmarks.cluster.counts import Counts, parsed

METRICS = """\
# TYPE outcry_log_appends_total counter
outcry_log_appends_total {appends}
# TYPE outcry_log_commit_seconds histogram
outcry_log_commit_seconds_bucket{{le="0.5"}} 3.0
outcry_log_commit_seconds_bucket{{le="+Inf"}} {commits}
outcry_log_commit_seconds_count {commits}
outcry_log_commit_seconds_sum 0.25
# TYPE outcry_log_commit_rows histogram
outcry_log_commit_rows_bucket{{le="+Inf"}} {commits}
outcry_log_commit_rows_count {commits}
outcry_log_commit_rows_sum {rows}
"""


def test_the_numbers_of_several_processes_are_added() -> None:
    texts = [
        METRICS.format(appends=40.0, commits=4.0, rows=30.0),
        METRICS.format(appends=2.0, commits=1.0, rows=2.0),
    ]
    assert parsed(texts) == Counts(log_commits=5, log_rows=32, log_appends=42)


def test_a_process_that_has_written_nothing_counts_for_nothing() -> None:
    assert parsed(["", "# TYPE up gauge\nup 1.0\n"]) == Counts(0, 0, 0)


def test_what_came_between() -> None:
    earlier = Counts(5, 32, 42, commits=100, inserted=40, changed=7, wal=2_000)
    later = Counts(6, 40, 60, commits=150, inserted=48, changed=9, wal=2_600)
    assert later.since(earlier) == Counts(1, 8, 18, commits=50, inserted=8, changed=2, wal=600)


def test_what_a_database_does_not_tell_stays_unknown() -> None:
    assert Counts(6, 40, 60).since(Counts(5, 32, 42)) == Counts(1, 8, 18)

"""The page's tables: each part replaces its own, and nothing else."""

import pytest

from benchmarks.cluster import page, table
from benchmarks.cluster.plan import PARTS

PAGE = """\
# Scaling

Before.

<!-- measured: debates -->
old
<!-- end -->

Between.

<!-- measured: idle -->
kept
<!-- end -->
"""


def test_a_part_replaces_its_own_section_only() -> None:
    written = page.replaced(PAGE, "debates", "| 1 |\n")
    assert written == PAGE.replace("old\n", "| 1 |\n")
    assert page.replaced(written, "debates", "| 1 |\n") == written


def test_what_is_written_is_taken_as_it_is() -> None:
    assert r"\1 \g<0>" in page.replaced(PAGE, "idle", "\\1 \\g<0>\n")


@pytest.mark.parametrize("text", ["# Scaling\n", PAGE + PAGE])
def test_a_page_without_the_one_place_for_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="<!-- measured: debates -->"):
        page.replaced(text, "debates", "| 1 |\n")


@pytest.mark.parametrize("part", PARTS)
def test_the_page_has_a_place_for_each_part(part: str) -> None:
    assert "new\n" in page.replaced(page.PAGE.read_text(encoding="utf-8"), part, "new\n")


def test_a_table_has_a_line_a_row() -> None:
    columns: table.Columns[int] = [("debates", str), ("twice", lambda row: str(2 * row))]
    assert table.table(columns, [25, 50]) == (
        "| debates | twice |\n| --- | ---: |\n| 25 | 50 |\n| 50 | 100 |\n"
    )

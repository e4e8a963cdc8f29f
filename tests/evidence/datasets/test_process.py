"""Loading in a process of its own, which leaves the tables or nothing."""

from pathlib import Path

import pytest

from evidence.datasets.model import Request
from evidence.datasets.process import load
from evidence.datasets.refusals import Refused


def test_process_leaves_a_private_file_of_tables_or_nothing(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out" / "tables.duckdb"
    output.parent.mkdir()
    source.write_text("a\n1\n")
    request = Request(input=str(source), name="x.csv", output=str(output), most_tables=1)
    [table] = load(request)
    assert table.samples == ((1,),)
    assert [path.name for path in output.parent.iterdir()] == ["tables.duckdb"]
    assert output.stat().st_mode & 0o777 == 0o600
    output.unlink()
    source.write_text("a,b\n1\n")
    with pytest.raises(Refused) as refused:
        load(request)
    assert (refused.value.code, refused.value.details["line"]) == ("bad_cells", 2)
    assert not [*output.parent.iterdir()]

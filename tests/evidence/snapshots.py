"""The snapshot that the checker is tried on: five companies, the euro and US prices on 31 December 2012."""

import json
from pathlib import Path
from typing import Final

from evidence.cases import CASES, Case
from evidence.record import Snapshot, load

FOLDER = Path(__file__).parent
APPLE_2012: Final[Case] = next(case for case in CASES if case.label == "Apple, end of 2012")
"""The case of the library on that day."""


def apple() -> Snapshot:
    return load(json.loads((FOLDER / "aapl-2012.json").read_text(encoding="utf-8")))

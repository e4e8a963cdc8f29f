"""The snapshot that the checker is tried on: five companies, the euro and US prices on 31 December 2012."""

import json
from pathlib import Path

from evidence.record import Snapshot, load

FOLDER = Path(__file__).parent


def apple() -> Snapshot:
    return load(json.loads((FOLDER / "aapl-2012.json").read_text(encoding="utf-8")))

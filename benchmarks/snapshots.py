"""The record of a debate: how long it takes to freeze, and what it promises.

1. Each case of the library is frozen in a process that has frozen nothing before.
2. Generated snapshots: none has an item that was not known at its time, and one digit changed changes its address.
"""

import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from evidence.cases import CASES
from evidence.record import Snapshot
from tests.e2e.site import ROOT

GENERATED: Final = 10_000
_FREEZE: Final = """
import sys, time
from evidence.cases import CASES
from evidence.freezing.freeze import freeze
from evidence.instruments import resolve
case = CASES[int(sys.argv[1])]
began = time.process_time()
freeze(resolve(case.symbol), case.as_of)
print((time.process_time() - began) * 1_000)
"""
_AS_OF: Final = datetime(2012, 12, 31, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Result:
    """`frozen` is the longest time of a case in milliseconds of the processor. Of the generated snapshots, `refused`
    had an item of the future, `ahead` have one all the same, and `same` have the address of another one."""

    frozen: float
    refused: int
    ahead: int
    same: int


def run() -> Result:
    chance, refused, ahead, same = random.Random(1), 0, 0, 0
    for _ in range(GENERATED):
        items = [_item(number, chance) for number in range(1, chance.randint(2, 9))]
        try:
            snapshot = _snapshot(items)
        except ValidationError:
            refused += 1
            continue
        ahead += any(item.known_at is None or item.known_at > _AS_OF for item in snapshot.items)
        changed = chance.choice(items)
        changed["value"] = _with_another_digit(changed["value"], chance)
        same += _snapshot(items).sha256 == snapshot.sha256
    return Result(max(map(_frozen, range(len(CASES)))), refused, ahead, same)


def show(result: Result) -> None:
    print(f"no case of the library takes more than {result.frozen:.0f} ms to freeze, in a new process")
    print(
        f"of {GENERATED:,} generated snapshots, {result.refused:,} with an item of the future are refused;"
        f" {result.ahead} know the future; {result.same} have the same address with another digit"
    )


def _frozen(case: int) -> float:
    """The shorter of two times: other programs have disturbed it less."""
    command = [sys.executable, "-c", _FREEZE, str(case)]
    printed = [
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout for _ in range(2)
    ]
    return min(map(float, printed))


def _item(number: int, chance: random.Random) -> dict[str, Any]:
    # One in ten is of the future.
    hours = chance.randint(-100_000, 0) if chance.random() < 0.9 else chance.randint(1, 1_000)
    return {
        "id": f"E{number}",
        "subject": "AAPL",
        "metric": "close",
        "period": "2012-12-31",
        "value": f"{chance.randint(1, 10**9)}.{chance.randint(10, 99)}",
        "unit": "currency",
        "known_at": _AS_OF + timedelta(hours=hours),
    }


def _snapshot(items: list[dict[str, Any]]) -> Snapshot:
    return Snapshot.model_validate({"as_of": _AS_OF, "items": items})


def _with_another_digit(value: str, chance: random.Random) -> str:
    place = chance.choice([place for place, character in enumerate(value) if character.isdigit()])
    other = chance.choice([digit for digit in "123456789" if digit != value[place]])
    return value[:place] + other + value[place + 1 :]

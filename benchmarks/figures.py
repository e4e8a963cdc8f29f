"""How well and how fast the checker labels figures.

1. The labelled set of tests/evidence/labelled, and the texts that were held out from changes of the rules.
2. Invented whole per cents, cited and not: how many turn plain green.
3. Times of a sentence, of a hostile message of 8,000 characters, of a table, and of strings put together by chance.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from rich.console import Console
from rich.table import Table

from evidence.checker.check import Checker, check, prepare
from evidence.checker.text import sentences
from evidence.record import Item, Unit
from tests.evidence.labelled.scores import GREEN, SNAPSHOTS, Scores, score, snapshot, texts

INVENTED: Final = 2_000
FUZZED: Final = 10_000
MESSAGE: Final = 8_000
REPEATED: Final = 5
HOSTILE: Final = (
    "1 to ", "$1,", "1 ", "[E1,E2,", "twenty ", "RSI of 71, ", "| a | 17 |\n", "Apple's ", "(", "٣", "½",
    "12 March 2012 ", "from 1.5% to 2.5% ", "revenue of $156.5bn in FY2012 fell 5% to ", "\u200b1", "1.2.",
    "A and B ", "million ",
)  # fmt: skip
ROWS: Final = (
    "Revenue", "Net income", "Gross margin (%)", "Diluted EPS", "Close", "RSI(14)", "52-week high", "Volume", "R&D",
    "Cash and marketable securities", "Total assets", "Operating income before depreciation",
)  # fmt: skip
YEARS: Final = range(2003, 2013)
PIECES: Final = (
    "revenue", "Apple", "IBM's", "the euro", "RSI", "fell", "FY2012", "million", "bn", "per cent", "from", "to", "[E3]",
    "[E1, E2]", "½", "twenty", "亿", "٣", "\u200b", "Q3", "|", "\n", "$", "1", "9", ".", ",", "%", "-", "(", ")", "'",
    "respectively", "doubled", "more than", "EUR/USD", "\U0001f600", "\u202e", "e\u0301", "３", "# ", "**",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """`green` of the invented figures; times in milliseconds: 99 of 100 sentences and messages take no longer, and no
    fuzzed string takes longer than `fuzzed`. `table` is that of one with a cited figure in each of its 120 cells."""

    tuned: Scores
    held_out: Scores
    green: int
    sentence: float
    message: float
    table: float
    fuzzed: float


def run() -> Result:
    chance = random.Random(1)
    return Result(
        tuned=score(texts(held_out=False)),
        held_out=score(texts(held_out=True)),
        green=sum(_is_green(chance) for _ in range(INVENTED)),
        sentence=_99th(_sentences()),
        message=_99th(_messages()),
        table=_table(),
        fuzzed=max(_fuzzed(chance)),
    )


def show(result: Result) -> None:
    table = Table(title="The checker on the labelled set")
    for title in ("", "tuned on", "held out"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row("figures", str(result.tuned.labelled), str(result.held_out.labelled))
    held_out = result.held_out.shares()
    for name, share in result.tuned.shares().items():
        table.add_row(name, f"{share:.3f}", f"{held_out[name]:.3f}")
    Console().print(table)
    for line in (*result.tuned.lost, *result.tuned.wrong):
        print(f"  {line}")
    print(f"{result.green / INVENTED:.1%} of {INVENTED:,} invented whole per cents turn green")
    print(f"a sentence takes {result.sentence:.1f} ms, a hostile message {result.message:.0f} ms (p99)")
    print(f"a table of {len(ROWS) * len(YEARS)} cells takes {result.table:.0f} ms")
    print(f"no one of {FUZZED:,} fuzzed strings takes more than {result.fuzzed:.0f} ms")


def _is_green(chance: random.Random) -> bool:
    """Whether a whole per cent that somebody made up is labelled as if the record had it."""
    record = snapshot(chance.choice(list(SNAPSHOTS)))
    one, other = _pair(record.items, chance)
    figure = f"{chance.randint(1, 99)}%"
    name = one.metric.rstrip("0123456789dmw").replace("_", " ").strip()
    text = chance.choice(
        (
            f"{one.subject}'s {name} rose {figure} [{one.id}, {other.id}].",
            f"{one.subject} fell {figure} [{one.id}][{other.id}].",
            f"The {name} is {figure} above the rest [{other.id}, {one.id}].",
            f"{one.subject}'s {name} rose {figure}.",
            f"{one.subject} is down {figure} from its high.",
            f"That is {figure} of the {name}.",
        )
    )
    return any(found.label in GREEN for found in check(text, record))


def _pair(items: Sequence[Item], chance: random.Random) -> tuple[Item, Item]:
    one = chance.choice([item for item in items if item.unit is not Unit.PERCENT])
    return one, chance.choice([item for item in items if item.unit is one.unit and item is not one])


def _sentences() -> Iterable[float]:
    for text in texts(held_out=False):
        checker = Checker(*prepare(snapshot(text.snapshot)))
        for start, end in sentences(text.text):
            yield _shortest(lambda part=text.text[start:end], by=checker: by.sentence(part))  # type: ignore[misc]


def _messages() -> Iterable[float]:
    prepared = prepare(snapshot("aapl-2012"))
    for part in HOSTILE:
        message = (part * MESSAGE)[:MESSAGE]
        yield _shortest(lambda text=message: Checker(*prepared).text(text))  # type: ignore[misc]


def _table() -> float:
    prepared = prepare(snapshot("aapl-2012"))
    cells = "".join(f" {at * 1234.5 + 17:,.1f} [E{at + 1}] |" for at in range(len(YEARS)))
    message = "".join(
        (
            "All figures in USD million unless stated\n\n",
            "| |", *(f" Year ended 30 September {year} |" for year in YEARS), "\n",
            "| --- |", " ---: |" * len(YEARS), "\n",
            *(f"| {row} |{cells}\n" for row in ROWS),
        )
    )  # fmt: skip
    return _shortest(lambda: Checker(*prepared).text(message))


def _fuzzed(chance: random.Random) -> Iterable[float]:
    prepared = prepare(snapshot("aapl-2012"))
    for _ in range(FUZZED):
        text = chance.choice(("", " ")).join(chance.choices(PIECES, k=chance.randint(1, 60)))
        yield _shortest(lambda each=text: Checker(*prepared).text(each), 1)  # type: ignore[misc]


def _shortest(action: Callable[[], object], times: int = REPEATED) -> float:
    """The shortest of a few times in milliseconds of the processor: other programs have disturbed it the least."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        action()
        taken.append((time.process_time() - began) * 1_000)
    return min(taken)


def _99th(times: Iterable[float]) -> float:
    return quantiles(times, n=100, method="inclusive")[-1]

"""No text makes a regular expression of ours quadratic.

Each one is found in the source, and timed on hostile texts that are made of its own parts, relative to harmless prose
of the same length in the same run. The front end's are in frontend/src/regular-expressions.test.ts. Those of evidence
are tried together, in tests/evidence/test_check.py: they read sentences of bounded length only.
"""

import ast
import importlib
import re
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.support.servers import ROOT

PACKAGES: Final = ("config", "conversations", "frontend", "scripts", "streaming")
# They read 1,000 characters of a question at most, or look for openings of our own with gaps of at most 60 characters.
BOUNDED: Final = tuple(
    ROOT / "conversations" / name
    for name in ("domain/arithmetic.py", "domain/routing.py", "prompts/grounded/speech.py")
)
FUNCTIONS: Final = frozenset(
    ("compile", "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")
)
PROSE: Final = "Revenue grew by 3% (to $5.2 million), but margins fell; see [1] at https://example.com. "
# Characters: in these all combinations are tried, and the slowest of them in the long ones.
SHORT: Final = 4_000
LONG: Final = 500_000
SLOWEST: Final = 3
# Linear expressions were measured at 5 times as long on a hostile text as on prose at most, quadratic ones at 80 or
# more with 4,000 characters.
MOST_TIMES: Final = 30
# What seems to take longer is timed again.
SUSPICIOUS: Final = 5
AGAIN: Final = 2


class Expression(NamedTuple):
    """A regular expression of the source, and whether it is only ever matched from the start of a text."""

    place: str
    pattern: re.Pattern[Any]
    is_anchored: bool


def files() -> Iterator[Path]:
    """The modules that use regular expressions. They are parsed in the tests only: one that cannot be parsed, or whose
    pattern is not found, must not keep every other test from being collected."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            is_ours = path not in BOUNDED and "node_modules" not in path.parts
            if is_ours and "import re\n" in path.read_text(encoding="utf-8"):
                yield path


def expressions(path: Path) -> list[Expression]:
    calls = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]
    methods = [(call, name) for call in calls if (name := _method(call)) is not None]
    # How the module uses what it compiles.
    of_compiled = {name for call, name in methods if not _is_of_re(call)}
    # A table is found once for each call that fills it.
    found: dict[tuple[re.Pattern[Any], bool], Expression] = {}
    for call, name in methods:
        if _is_of_re(call):
            used = of_compiled if name == "compile" else {name}
            place = f"{path.relative_to(ROOT)}:{call.lineno}"
            is_anchored = used <= {"fullmatch", "match"}
            for pattern in _patterns(path, call):
                found.setdefault((pattern, is_anchored), Expression(place, pattern, is_anchored))
    return list(found.values())


def _method(call: ast.Call) -> str | None:
    match call.func:
        case ast.Attribute(value=ast.Name(), attr=name) if name in FUNCTIONS:
            return name
    return None


def _is_of_re(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="re")):
            return True
    return False


def _patterns(path: Path, call: ast.Call) -> list[re.Pattern[Any]]:
    """The call's pattern: a literal, a constant of its module, or else all that the module keeps compiled. Anything
    else cannot be timed, and fails."""
    flags = [node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute) and node.attr.isupper()]
    combined = sum(getattr(re, flag) for flag in flags)
    pattern = call.args[0]
    if isinstance(pattern, ast.Constant):
        return [re.compile(pattern.value, combined)]
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if isinstance(pattern, ast.Name) and hasattr(module, pattern.id):
        return [re.compile(getattr(module, pattern.id), combined)]
    kept = [value for name, value in vars(module).items() if not name.startswith("__")]
    found = list(_compiled(kept))
    assert found, f"{path}:{call.lineno}: name the pattern in a constant"
    return found


def _compiled(value: Any) -> Iterator[re.Pattern[Any]]:
    """The compiled patterns in tuples, lists and dicts."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _compiled([*value, *value.values()])
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _compiled(each)


def _parts(parsed: Any) -> set[str]:
    """The literals of a parsed pattern and their first characters, and members of each of its sets."""
    found: set[str] = set()
    literal = ""
    for operator, value in [*parsed, ("END", None)]:
        name = str(operator)
        if name == "LITERAL":
            literal += chr(value)
            continue
        found |= {literal, literal[:1]}
        literal = ""
        if name == "IN":
            found |= _members(value)
        elif name in {"SUBPATTERN", "MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            found |= _parts(value[-1])
        elif name in {"ASSERT", "ASSERT_NOT"}:
            found |= _parts(value[1])
        elif name == "BRANCH":
            for branch in value[1]:
                found |= _parts(branch)
    return found - {""}


def _members(items: Any) -> set[str]:
    of_category = {"DIGIT": "1", "SPACE": " \r", "WORD": "a"}
    found: set[str] = set()
    for operator, value in items:
        name = str(operator)
        if name == "LITERAL":
            found.add(chr(value))
        elif name == "RANGE":
            found.add(chr(value[0]))
        elif name == "CATEGORY":
            found |= set(of_category.get(str(value).removeprefix("CATEGORY_"), ""))
    return found


Pieces = tuple[str, str]


def hostile(pattern: re.Pattern[Any]) -> Iterator[Pieces]:
    """The begin and the repeated part of texts that may be slow; each ends in a character that fits nothing."""
    own = sorted(_parts(re._parser.parse(pattern.pattern, pattern.flags)) | {" ", "a"})
    yield from product(("", *own), own)
    for one, other in product(own, repeat=2):
        yield "", one + other


def _text(pieces: Pieces, length: int) -> str:
    begin, repeated = pieces
    return (begin + repeated * (length // len(repeated) + 1))[: length - 1] + "\0"


class Stopwatch:
    """Times an expression on texts of one length, relative to prose."""

    def __init__(self, expression: Expression, length: int) -> None:
        self._expression = expression
        self._length = length
        prose = _text(("", PROSE), length)
        words = Expression("", re.compile(r"\w+"), is_anchored=False)
        # The fastest of some runs: the first fills caches.
        fastest = [min(_seconds(each, prose) for _ in range(5)) for each in (expression, words)]
        self._harmless = max(fastest)

    def times(self, pieces: Pieces) -> float:
        """How many times as long the text takes as prose, or as finding the words of prose if that takes longer."""
        text = _text(pieces, self._length)
        times = _seconds(self._expression, text) / self._harmless
        for _ in range(AGAIN if times > SUSPICIOUS else 0):
            times = min(times, _seconds(self._expression, text) / self._harmless)
        return times


def _seconds(expression: Expression, text: str) -> float:
    pattern = expression.pattern
    subject: Any = text.encode("utf-8") if isinstance(pattern.pattern, bytes) else text
    # Of this thread alone: the machine may be busy.
    begun = time.thread_time()
    if expression.is_anchored:
        pattern.fullmatch(subject)
    else:
        for _ in pattern.finditer(subject):
            pass
    return time.thread_time() - begun


FILES: Final = list(files())


def test_the_search_finds_the_expressions_of_the_source() -> None:
    assert len(FILES) > 15
    assert expressions(ROOT / "conversations/access/api_keys.py") != []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_makes_a_regular_expression_slow(path: Path) -> None:
    for expression in expressions(path):
        short = Stopwatch(expression, SHORT)
        times = {pieces: short.times(pieces) for pieces in hostile(expression.pattern)}
        slow = {pieces: often for pieces, often in times.items() if often >= MOST_TIMES}
        assert slow == {}, expression.place
        long = Stopwatch(expression, LONG)
        for pieces in sorted(times, key=times.__getitem__)[-SLOWEST:]:
            assert long.times(pieces) < MOST_TIMES, (expression.place, pieces)


@pytest.mark.parametrize("quadratic", [r"[^\S\n]*\[", r"<(?=\s*/?\s*content)", r" +,", r"\d+%", r"(\w+:)+"])
def test_a_quadratic_expression_is_noticed(quadratic: str) -> None:
    expression = Expression("", re.compile(quadratic), is_anchored=False)
    short = Stopwatch(expression, SHORT)
    assert any(short.times(pieces) >= MOST_TIMES for pieces in hostile(expression.pattern))

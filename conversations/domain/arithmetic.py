"""Exact arithmetic on decimals, per cents and amounts of money, from a text. Pure; nothing is evaluated but its own
grammar.

    sum     = product (("+" | "-") product)*
    product = sign (("*" | "/" | "of") sign)*
    sign    = "-" sign | power
    power   = quantity ("^" sign)?
    quantity = number magnitude? unit? | "(" sum ")" | name "(" sum ("," sum)* ")"

A per cent is a hundredth where it is multiplied; added to a quantity that is none, it is that part of it: 850 + 15% is
977.5.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact
from typing import Final, NamedTuple

MAX_CHARACTERS: Final = 300
MAX_TOKENS: Final = 100
MAX_DEPTH: Final = 20
MAX_EXPONENT: Final = 100
# Powers of ten of a result: those that a record of figures takes.
MAX_MAGNITUDE: Final = 30
# Significant digits of a result that has no exact decimal.
DIGITS: Final = 15
PERCENT: Final = "%"

_NUMBER: Final = r"\d{1,3}(?:,\d{3}){1,9}(?:\.\d{1,30})?(?![\d.])|\d{1,30}(?:\.\d{1,30})?(?![\d.])"
_WORDS: Final[Mapping[str, str]] = {
    "plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "x": "*", "×": "*", "·": "*", "divided by": "/",
    "over": "/", "÷": "/", "of": "of", "percent": "%", "per cent": "%", "to the power of": "^", "**": "^", "−": "-",
}  # fmt: skip
_MAGNITUDES: Final = {
    "k": 3, "thousand": 3, "m": 6, "mn": 6, "million": 6, "b": 9, "bn": 9, "billion": 9, "trillion": 12,
}  # fmt: skip
_CURRENCIES: Final = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "dollar": "USD", "dollars": "USD", "euro": "EUR", "euros": "EUR",
    "pounds": "GBP", "yen": "JPY", "usd": "USD", "eur": "EUR", "gbp": "GBP", "jpy": "JPY", "chf": "CHF",
}  # fmt: skip
_NAMED: Final = "|".join(name for name in sorted(_CURRENCIES, key=len, reverse=True) if name.isalpha())
_FUNCTIONS: Final = ("sqrt", "abs", "round", "min", "max", "sum", "average")
_TOKEN: Final = re.compile(
    rf"(?P<number>{_NUMBER})"
    rf"|(?P<word>{'|'.join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))})(?![A-Za-z])"
    rf"|(?P<name>{'|'.join(_FUNCTIONS)})(?= ?\()"
    rf"|(?P<magnitude>{'|'.join(sorted(_MAGNITUDES, key=len, reverse=True))})(?![A-Za-z])"
    rf"|(?P<currency>[$€£¥]|(?:{_NAMED})\b)"
    r"|(?P<mark>[-+*/^%(),])",
    re.IGNORECASE,
)
# What may stand around an expression in a question that asks for nothing else.
_ASKING: Final = re.compile(
    r"(?:(?:hi|hello|hey|please|quickly|can|could|would|you|tell|give|me|what|what's|whats|how|much|is|are|does|the|a"
    r"|result|answer|value|calculate|compute|work|out|evaluate|solve|for|exactly|equal|equals|make|it|do|i|get|if|need"
    r"|to|know|thanks|thank)\b|['’]s\b|[=?!.:,]|\s)+",
    re.IGNORECASE,
)


class NotArithmetic(Exception):
    """The text cannot be calculated; the message says why in a sentence."""


@dataclass(frozen=True)
class Quantity:
    """`unit` is "" for a plain number, "%" (45 is 45 %), or a currency. `is_exact`: the decimal has all its digits."""

    value: Decimal
    unit: str = ""
    is_exact: bool = True

    def __str__(self) -> str:
        text = format(self.value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        spaced = self.unit if self.unit in {"", PERCENT} else f" {self.unit}"
        return f"{'' if self.is_exact else 'about '}{'0' if text in {'-0', ''} else text}{spaced}"


class _Token(NamedTuple):
    kind: str
    text: str


def evaluate(text: str) -> Quantity:
    """The value of an expression. Raises NotArithmetic."""
    if len(text) > MAX_CHARACTERS:
        raise NotArithmetic(f"The expression is longer than {MAX_CHARACTERS} characters.")
    context = Context(prec=DIGITS * 2)
    try:
        found = _Parser([*_tokens(text)], context).whole()
    except DecimalException:
        raise NotArithmetic("The result is not a number, such as in a division by 0.") from None
    is_exact = not context.flags[Inexact]
    value = found.value if is_exact else Context(prec=DIGITS).plus(found.value)
    if not value.is_finite() or (value and abs(value.adjusted()) > MAX_MAGNITUDE):
        raise NotArithmetic(f"The result is beyond 10^{MAX_MAGNITUDE}.")
    return Quantity(value, found.unit, is_exact)


def asked(question: str) -> str | None:
    """The expression of a question that asks for its value and for nothing else; None if it does not."""
    if len(question) > MAX_CHARACTERS:
        return None
    start = _ASKING.match(question)
    rest = question[start.end() if start else 0 :]
    expression = rest.rstrip(" \t\n?!.=:,").removesuffix(" please").removesuffix(" equal")
    try:
        tokens = [*_tokens(expression)]
        evaluate(expression)
    except NotArithmetic:
        return None
    # A number alone, or a date such as 2020-2021, is no calculation.
    is_operation = any(token.text in _OPERATORS or token.kind == "name" for token in tokens)
    is_span = re.fullmatch(
        r"\s*(?:19|20)\d\d\s*[-/]\s*(?:(?:19|20)\d\d|\d\d?(?:\s*[-/]\s*\d\d?)?)\s*", expression
    )
    return expression.strip() if is_operation and is_span is None else None


_OPERATORS: Final = frozenset({"+", "-", "*", "/", "^", "of"})


def _tokens(text: str) -> Iterator[_Token]:
    place, count = 0, 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None:
            raise NotArithmetic(f"{text[place : place + 20]!r} is no part of an expression.")
        kind, found = match.lastgroup or "", " ".join(match[0].lower().split())
        yield _Token("mark", _WORDS[found]) if kind == "word" else _Token(kind, found)
        place, count = match.end(), count + 1
        if count > MAX_TOKENS:
            raise NotArithmetic(f"The expression has more than {MAX_TOKENS} parts.")


class _Parser:
    def __init__(self, tokens: Sequence[_Token], context: Context) -> None:
        self._tokens = tokens
        self._context = context
        self._place = 0
        self._depth = 0

    def whole(self) -> Quantity:
        found = self._sum()
        if self._place < len(self._tokens):
            raise NotArithmetic(f"{self._tokens[self._place].text!r} is not expected there.")
        return found

    def _sum(self) -> Quantity:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotArithmetic(f"The expression is nested more than {MAX_DEPTH} times.")
        left = self._product()
        while sign := self._take("+", "-"):
            left = self._added(left, self._product(), -1 if sign == "-" else 1)
        self._depth -= 1
        return left

    def _product(self) -> Quantity:
        left = self._sign()
        while sign := self._take("*", "/", "of"):
            right = self._sign()
            left = self._divided(left, right) if sign == "/" else self._multiplied(left, right)
        return left

    def _power(self) -> Quantity:
        base = self._quantity()
        if not self._take("^"):
            return base
        exponent = self._sign()
        if base.unit or exponent.unit or abs(exponent.value) > MAX_EXPONENT:
            raise NotArithmetic(f"Only plain numbers have a power, of {MAX_EXPONENT} at the most.")
        return Quantity(self._context.power(base.value, exponent.value))

    def _sign(self) -> Quantity:
        signs = 0
        while self._take("-"):
            signs += 1
        found = self._power()
        return Quantity(-found.value, found.unit) if signs % 2 else found

    def _quantity(self) -> Quantity:
        token = self._next()
        if token.text == "(":
            found = self._sum()
            self._require(")")
            return self._with_unit(found)
        if token.kind == "name":
            return self._function(token.text)
        currency = _CURRENCIES[token.text] if token.kind == "currency" else ""
        if currency:
            token = self._next()
        if token.kind != "number":
            raise NotArithmetic(f"A number is expected, not {token.text!r}.")
        value = Decimal(token.text.replace(",", ""))
        if (magnitude := self._of_kind("magnitude")) is not None:
            value = value.scaleb(_MAGNITUDES[magnitude])
        return self._with_unit(Quantity(value, currency))

    def _with_unit(self, found: Quantity) -> Quantity:
        if self._take("%"):
            unit = PERCENT
        elif (currency := self._of_kind("currency")) is not None:
            unit = _CURRENCIES[currency]
        else:
            return found
        if found.unit not in {"", unit}:
            raise NotArithmetic("A quantity has one unit.")
        return Quantity(found.value, unit)

    def _function(self, name: str) -> Quantity:
        self._require("(")
        given = [self._sum()]
        while self._take(","):
            given.append(self._sum())
        self._require(")")
        if len({each.unit for each in given}) > 1:
            raise NotArithmetic(f"All parts of {name} must have the same unit.")
        values, unit = [each.value for each in given], given[0].unit
        if name == "round":
            places = given[1].value if len(given) == 2 else Decimal(0)
            if len(given) > 2 or places != int(places) or not 0 <= places <= MAX_MAGNITUDE:
                raise NotArithmetic("round takes a number, and how many places to keep.")
            return Quantity(round(values[0], int(places)), unit)
        if name in {"sqrt", "abs"} and (len(values) > 1 or (name == "sqrt" and unit)):
            raise NotArithmetic(f"{name} takes one number.")
        return Quantity(self._functions()[name](values), unit)

    def _functions(self) -> Mapping[str, Callable[[Sequence[Decimal]], Decimal]]:
        context = self._context
        return {
            "sqrt": lambda values: context.sqrt(values[0]),
            "abs": lambda values: abs(values[0]),
            "min": min,
            "max": max,
            "sum": lambda values: sum(values, Decimal(0)),
            "average": lambda values: context.divide(sum(values, Decimal(0)), Decimal(len(values))),
        }

    def _added(self, left: Quantity, right: Quantity, sign: int) -> Quantity:
        add, value = self._context.add, right.value * sign
        if right.unit == PERCENT and left.unit != PERCENT:
            part = self._context.multiply(left.value, self._context.divide(value, Decimal(100)))
            return Quantity(add(left.value, part), left.unit)
        if left.unit != right.unit:
            raise NotArithmetic(f"{left} and {right} have different units.")
        return Quantity(add(left.value, value), left.unit)

    def _multiplied(self, left: Quantity, right: Quantity) -> Quantity:
        if left.unit and right.unit and PERCENT not in {left.unit, right.unit}:
            raise NotArithmetic("Two amounts of money cannot be multiplied.")
        unit = right.unit if left.unit in {"", PERCENT} else left.unit
        if PERCENT in {left.unit, right.unit}:
            unit = "" if unit == PERCENT and "" in {left.unit, right.unit} else unit
            product = self._context.multiply(left.value, right.value)
            return Quantity(self._context.divide(product, Decimal(100)), unit)
        return Quantity(self._context.multiply(left.value, right.value), unit)

    def _divided(self, left: Quantity, right: Quantity) -> Quantity:
        value = self._context.divide(left.value, right.value)
        if left.unit == right.unit:
            return Quantity(value)
        if right.unit == PERCENT:
            return Quantity(self._context.multiply(value, Decimal(100)), left.unit)
        if right.unit:
            raise NotArithmetic(f"{left} cannot be divided by {right}.")
        return Quantity(value, left.unit)

    def _take(self, *texts: str) -> str | None:
        if self._place < len(self._tokens) and self._tokens[self._place].text in texts:
            self._place += 1
            return self._tokens[self._place - 1].text
        return None

    def _of_kind(self, kind: str) -> str | None:
        if self._place < len(self._tokens) and self._tokens[self._place].kind == kind:
            self._place += 1
            return self._tokens[self._place - 1].text
        return None

    def _next(self) -> _Token:
        if self._place == len(self._tokens):
            raise NotArithmetic("The expression is not finished.")
        self._place += 1
        return self._tokens[self._place - 1]

    def _require(self, text: str) -> None:
        if self._take(text) is None:
            raise NotArithmetic(f"{text!r} is missing.")

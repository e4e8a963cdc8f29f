"""The calculator: exact decimals, per cents and amounts of money."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from conversations.agents.tools.tool import Arguments, Outcome, Refused, Tool, in_thread
from conversations.domain import arithmetic
from conversations.domain.arithmetic import PERCENT, NotArithmetic, Quantity
from conversations.prompts.builder import CALCULATOR
from evidence.record import Item, Unit

_SUBJECT: Final = 100


class Expression(Arguments):
    expression: Annotated[
        str,
        Field(description="Such as 15% of 850, $1,200 * 1.19 or (3.2 billion - 2.9 billion) / 2.9 billion."),
    ]


def _calculate(given: Expression, as_of: datetime) -> Outcome:
    expression = " ".join(given.expression.split())
    try:
        result = arithmetic.evaluate(expression)
    except NotArithmetic as problem:
        raise Refused("not_arithmetic", str(problem)) from None
    return Outcome(f"{expression} = {result}", [_item(expression, result, as_of)])


def _item(expression: str, result: Quantity, as_of: datetime) -> Item:
    is_money = result.unit not in {"", PERCENT}
    unit = Unit.CURRENCY if is_money else Unit.PERCENT if result.unit == PERCENT else Unit.RATIO
    return Item(
        id="E1",
        subject=expression[:_SUBJECT],
        metric="result",
        label=f"{expression} = {result}",
        definition="calculated with decimals"
        if result.is_exact
        else "calculated with decimals, and rounded to 15 digits",
        period="",
        value=result.value,
        unit=unit,
        currency=result.unit if is_money else None,
        source="calculator",
        locator=expression,
        known_at=as_of,
    )


TOOL: Final = Tool(
    CALCULATOR,
    "Calculate exactly. Use it for every sum, per cent, growth rate or ratio; never calculate yourself.",
    Expression,
    in_thread(_calculate),
)

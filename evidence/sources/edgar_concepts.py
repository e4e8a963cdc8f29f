"""Which XBRL concepts state a metric, in the order of preference, and how their values are counted."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from evidence.record import Unit


class Counted(StrEnum):
    """What a metric's value counts."""

    AMOUNT = "amount"
    PER_SHARE = "per_share"
    SHARES = "shares"


_GAAP: Final[Mapping[str, tuple[str, ...]]] = {
    "revenue": (
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "SalesRevenueNet",
        "SalesRevenueGoodsNet",
        "RevenueFromContractWithCustomerIncludingAssessedTax",
    ),
    "cost_of_revenue": ("CostOfRevenue", "CostOfGoodsAndServicesSold", "CostOfGoodsSold"),
    "gross_profit": ("GrossProfit",),
    "operating_income": ("OperatingIncomeLoss",),
    "net_income": ("NetIncomeLoss", "ProfitLoss"),
    "eps": ("EarningsPerShareDiluted", "EarningsPerShareBasicAndDiluted"),
    "shares_outstanding": ("WeightedAverageNumberOfDilutedSharesOutstanding",),
    "rnd": ("ResearchAndDevelopmentExpense",),
    "operating_cash_flow": (
        "NetCashProvidedByUsedInOperatingActivities",
        "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
    ),
    "capex": ("PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"),
    "buybacks": ("PaymentsForRepurchaseOfCommonStock",),
    "dividend": ("CommonStockDividendsPerShareDeclared",),
    "cash": ("CashAndCashEquivalentsAtCarryingValue",),
    "total_assets": ("Assets",),
    "total_liabilities": ("Liabilities",),
    "equity": ("StockholdersEquity", "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"),
}  # fmt: skip
_IFRS: Final[Mapping[str, tuple[str, ...]]] = {
    "revenue": ("Revenue", "RevenueFromContractsWithCustomers"),
    "cost_of_revenue": ("CostOfSales",),
    "gross_profit": ("GrossProfit",),
    "operating_income": ("ProfitLossFromOperatingActivities",),
    "net_income": ("ProfitLossAttributableToOwnersOfParent", "ProfitLoss"),
    "eps": ("DilutedEarningsLossPerShare",),
    "operating_cash_flow": ("CashFlowsFromUsedInOperatingActivities",),
    "cash": ("CashAndCashEquivalents",),
    "total_assets": ("Assets",),
    "total_liabilities": ("Liabilities",),
    "equity": ("EquityAttributableToOwnersOfParent", "Equity"),
}
CONCEPTS: Final[Mapping[str, tuple[str, ...]]] = {
    metric: (
        *(f"us-gaap:{name}" for name in names),
        *(f"ifrs-full:{name}" for name in _IFRS.get(metric, ())),
    )
    for metric, names in _GAAP.items()
}
WANTED: Final = frozenset(concept for concepts in CONCEPTS.values() for concept in concepts)
# Metrics of a day; all others are of a year or quarter.
OF_A_DAY: Final = frozenset({"cash", "total_assets", "total_liabilities", "equity"})
# Metrics of which three years are recorded; of others two.
THREE_YEARS: Final = frozenset({"revenue", "operating_income", "net_income", "eps"})
OF_QUARTERS: Final = ("revenue", "gross_profit", "operating_income", "net_income", "eps", "cash")

_COUNTED: Final = {
    "eps": Counted.PER_SHARE,
    "dividend": Counted.PER_SHARE,
    "shares_outstanding": Counted.SHARES,
}
_UNITS: Final = {
    Counted.AMOUNT: re.compile(r"(?P<currency>[A-Z]{3})"),
    Counted.PER_SHARE: re.compile(r"(?P<currency>[A-Z]{3})/shares"),
    Counted.SHARES: re.compile(r"shares"),
}


def unit(metric: str, name: str) -> tuple[Unit, str | None] | None:
    """The unit and currency of values in XBRL's unit, such as USD/shares; None if the metric is not counted in it."""
    counted = _COUNTED.get(metric, Counted.AMOUNT)
    if (found := _UNITS[counted].fullmatch(name)) is None:
        return None
    return (Unit.COUNT, None) if counted is Counted.SHARES else (Unit.CURRENCY, found["currency"])

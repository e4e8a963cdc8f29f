"""Which items of the record the agents of the panels get first, by role: families of metrics, in order. Data only.

Nothing is kept from an agent: what is not listed follows, as far as there is room.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Needs:
    """Families of metrics: `own` of the instrument, a country or a currency, then those `of_peers`."""

    own: Sequence[str]
    of_peers: Sequence[str] = ()


FIRST: Final[Mapping[str, Needs]] = {
    "financial_analyst": Needs(
        (
            *(
                "close",
                "pe",
                "revenue",
                "eps",
                "net_income",
                "net_margin",
                "operating_income",
                "operating_margin",
            ),
            *(
                "gross_profit",
                "gross_margin",
                "cost_of_revenue",
                "free_cash_flow",
                "operating_cash_flow",
                "capex",
            ),
            *("cash", "total_debt", "total_assets", "total_liabilities", "equity", "dividend", "buybacks"),
            *("shares_outstanding", "rnd"),
        )
    ),
    "market_context": Needs(
        (
            *("close", "fx", "policy_rate", "treasury_bill_rate", "yield", "inflation", "core_inflation"),
            *("unemployment", "real_gdp", "gdp_growth", "return"),
        ),
        of_peers=("return", "close"),
    ),
    "risk_challenger": Needs(
        (
            *("close", "max_drawdown", "volatility", "high", "low", "return", "rsi", "sma", "total_debt"),
            *("total_liabilities", "cash"),
        ),
        of_peers=("max_drawdown", "volatility"),
    ),
}
# They get only what was cited, and the figures of the person's own texts.
JUDGES: Final = frozenset({"moderator"})

"""The words of finance: what people call a metric or a subject, and the words that say what a figure does."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from evidence.checker.alternatives import by_first_letter

# The family of a metric, and its phrases as regular expressions. A metric of a record is a family, or a family with a
# window: sma_50, volatility_30d. Families that no record has are here, too: a figure about one of them is about none of
# the others.
FAMILIES: Final[Mapping[str, str]] = {
    "close": r"clos(?:e|es|ed|ing)(?: price| at)?|(?:end|finish)(?:s|ed)(?= (?:(?:the year|the day|\d{4}) )?at)"
    r"|(?:share|stock|market) price|price|stock|trad(?:es|ed|ing) at"
    r"|shares(?! traded| outstanding)",
    "volume": r"(?:trading |daily )?volume|shares (?:traded|changed hands)|traded(?= [\d.,]+(?: ?[a-z]+)? shares)",
    "avg_volume": r"(?:average|avg\.?|mean) (?:daily )?(?:trading )?volume|volume average|ADV",
    "high": r"(?:intraday )?high of the year|high"
    r"(?! of the (?:day|session|week|month|quarter))|peak(?:ed)?",
    "low": r"(?:intraday )?low of the year|low"
    r"(?! of the (?:day|session|week|month|quarter))|trough(?:ed)?|bottom(?:ed)?",
    "all_time_high": r"(?:all[- ]time|record|lifetime) high",
    "return": r"total return|returns?|returned|performance",
    "sma": r"(?:simple )?moving averages?|averages?|SMAs?|DMA|MA"
    r"|(?:SMA|DMA|MA)\d{1,3}|(?<![$€£.,])\d{1,3}[ -]?(?:DMA|SMA)|(?<![$€£.,])\d{1,3}d?[ -]MA",
    "ema": r"exponential moving averages?|EMAs?|EMA\d{1,3}|(?<![$€£.,])\d{1,3}[ -]?EMA",
    "rsi": r"RSI|RSI\d{1,2}|relative strength index",
    "macd": r"MACD",
    "volatility": r"(?:annuali[sz]ed |reali[sz]ed |historical )?volatility|annuali[sz]ed",
    "implied_volatility": r"implied volatility|VIX",
    "max_drawdown": r"(?:max(?:imum)? )?drawdown|peak-to-trough(?: decline| fall| loss)?",
    "beta": r"beta",
    "fx": r"exchange rate|spot rate",
    "inflation": r"(?:CPI |headline |consumer price |annual )?inflation(?: rate)?",
    "core_inflation": r"core (?:CPI |consumer price )?inflation|core PCE",
    "core_cpi": r"core (?:CPI|consumer price index|price index|index)",
    "cpi": r"CPI(?:-U)?|consumer price index|price index",
    "unemployment": r"unemployment(?: rate)?|jobless rate",
    "real_gdp": r"real (?:GDP|gross domestic product)",
    "treasury_bill_rate": r"(?:(?:three|3)-month )?(?:Treasury |T-)bill(?:s|(?: rate| yield))?(?: yield(?:s|ed)?)?",
    "gdp": r"GDP|gross domestic product",
    "gdp_growth": r"(?:GDP|economic|real) growth|growth in GDP",
    "policy_rate": r"(?:fed(?:eral)? funds|policy|base|deposit|refinancing|key) rate|fed funds",
    "yield": r"(?:treasury |bond |government bond )?yields?",
    "revenue": r"(?:total |net |annual )?revenues?|(?:net )?sales|turnover|top line",
    "cost_of_revenue": r"cost of (?:revenues?|sales|goods sold)|COGS",
    "net_income": r"net (?:income|profits?|earnings)|profits?|earn(?:ings|ed|s)|bottom line",
    "gross_profit": r"gross profits?",
    "gross_margin": r"gross margins?",
    "operating_income": r"operating (?:income|profits?|earnings)|EBIT",
    "operating_margin": r"operating margins?|EBIT margins?",
    "net_margin": r"net (?:profit |income )?margins?|profit margins?",
    "ebitda": r"EBITDA",
    "rnd": r"R&D(?: spending| expenses?| costs?)?|research and development(?: spending| expenses?| costs?)?",
    "sga": r"SG&A|selling, general and administrative(?: expenses)?",
    "cash": r"cash(?: and (?:cash )?(?:equivalents|(?:marketable )?securities|(?:short-term )?investments))?"
    r"(?: pile| position| balance| hoard| reserves)?",
    "net_assets": r"net assets",
    "current_assets": r"current assets",
    "current_liabilities": r"current liabilities",
    "net_cash": r"net cash(?: position)?",
    "net_debt": r"net debt",
    "long_term_debt": r"long-term debt",
    "total_assets": r"(?:total )?assets",
    "total_liabilities": r"(?:total )?liabilities",
    "total_debt": r"(?:total )?debt|borrowings",
    "equity": r"(?:shareholders'? |stockholders'? |total )?equity",
    "free_cash_flow": r"free cash ?flow|FCF",
    "operating_cash_flow": r"(?:operating cash ?flow|cash ?flow from operations|cash from operations)",
    "capex": r"capex|capital (?:expenditures?|spending)",
    "dividend": r"dividends?(?: per share)?|DPS",
    "dividend_yield": r"dividend yield",
    "payout_ratio": r"payout ratio",
    "buybacks": r"buybacks?|share repurchases?",
    "eps": r"(?:diluted )?(?:EPS|earnings per share)",
    "shares_outstanding": r"(?:diluted )?shares outstanding|share count",
    "market_cap": r"market (?:cap(?:itali[sz]ation)?|value)",
    "enterprise_value": r"enterprise value",
    "pe": r"(?:trailing )?(?:P/E|PE ratio|price[- ]to[- ]earnings)(?: ratio| multiple)?|earnings multiple",
    "forward_pe": r"forward (?:P/E|PE|price[- ]to[- ]earnings|earnings)(?: ratio| multiple)?",
    "pb": r"P/B|price[- ]to[- ]book",
    "ps": r"P/S|price[- ]to[- ]sales",
    "ev_ebitda": r"EV/EBITDA|EV/Sales|EV/EBIT",
    "peg": r"PEG(?: ratio)?",
    "earnings_yield": r"earnings yield",
    "market_share": r"market share|share of the market",
    "roe": r"ROE|return on equity",
    "roa": r"ROA|return on assets",
    "roic": r"ROIC|return on (?:invested )?capital",
    "debt_to_equity": r"D/E|debt[- ]to[- ]equity(?: ratio)?",
    "current_ratio": r"current ratio",
    "backlog": r"backlog|order book",
    "headcount": r"headcount|employees|staff",
    "churn": r"churn(?: rate)?",
    "growth": r"growth rate",
}  # fmt: skip
# Metrics that are given in per cent: a point of them is a percentage point.
PERCENTAGES: Final = frozenset(
    (
        "return", "volatility", "implied_volatility", "max_drawdown", "inflation", "core_inflation", "unemployment",
        "treasury_bill_rate", "policy_rate", "yield", "gdp_growth", "gross_margin", "operating_margin", "net_margin",
        "dividend_yield", "payout_ratio", "earnings_yield", "market_share", "roe", "roa", "roic", "growth", "churn",
    )
)  # fmt: skip
# Metrics that are about a country or a currency, and not about a company that is named beside them.
MACRO: Final = frozenset(
    (
        "fx", "inflation", "core_inflation", "cpi", "core_cpi", "unemployment", "gdp", "real_gdp", "gdp_growth",
        "policy_rate", "yield", "treasury_bill_rate",
    )
)  # fmt: skip
# Metrics of which people say the size, though the record has them below zero.
MAGNITUDES: Final = frozenset(("max_drawdown",))

NAMES: Final[Mapping[str, str]] = {
    "AAPL": "Apple", "ADBE": "Adobe", "AMD": "AMD|Advanced Micro Devices", "AMZN": "Amazon", "AVGO": "Broadcom",
    "AXP": "American Express", "BA": "Boeing", "BAC": "Bank of America", "BRK.B": "Berkshire(?: Hathaway)?",
    "C": "Citigroup|Citi", "CAT": "Caterpillar", "COST": "Costco", "CRM": "Salesforce", "CSCO": "Cisco",
    "CVX": "Chevron", "DELL": "Dell", "DIS": "Disney", "FB": "Facebook|Meta", "GE": "General Electric",
    "GM": "General Motors",
    "GOOG": "Google|Alphabet", "GOOGL": "Google|Alphabet", "GS": "Goldman(?: Sachs)?", "HD": "Home Depot",
    "HPQ": "Hewlett[- ]Packard|HP", "IBM": "IBM|International Business Machines|Big Blue", "INTC": "Intel",
    "JNJ": "Johnson & Johnson", "JPM": "JPMorgan|JP ?Morgan(?: Chase)?", "KO": "Coca-Cola|Coke",
    "LLY": "Eli Lilly|Lilly",
    "MA": "Mastercard", "MCD": "McDonald's", "META": "Meta(?: Platforms)?|Facebook", "MRK": "Merck",
    "MS": "Morgan Stanley",
    "MSFT": "Microsoft", "NFLX": "Netflix", "NKE": "Nike", "NVDA": "NVIDIA|Nvidia", "ORCL": "Oracle",
    "PEP": "PepsiCo|Pepsi",
    "PFE": "Pfizer", "PG": "Procter & Gamble|P&G", "QCOM": "Qualcomm", "SBUX": "Starbucks", "T": "AT&T",
    "TSLA": "Tesla",
    "UNH": "UnitedHealth", "V": "Visa", "VZ": "Verizon", "WMT": "Walmart|Wal-Mart", "XOM": "Exxon(?: ?Mobil)?",
    "YHOO": "Yahoo", "BB": "BlackBerry|RIM", "NOK": "Nokia", "SMSN": "Samsung", "SNE": "Sony", "TM": "Toyota",
    "TSM": "TSMC",
    "US": r"(?:US|U\.S\.(?:A\.)?)(?!\$|[ -][Dd]ollar)|United States|America(?:n)?", "EA": "[Ee]uro[ -]?(?:zone|area)",
    "EU": "European Union|EU",
    "DE": "German(?:y)?|Deutschland", "FR": "France|French", "GB": r"UK|U\.K\.|Britain|British|United Kingdom",
    "JP": "Japan(?:ese)?", "CN": "China|Chinese", "IT": "Italy|Italian", "ES": "Spain|Spanish", "IN": "India(?:n)?",
    "CA": "Canada|Canadian", "BR": "Brazil(?:ian)?", "CH": "Switzerland|Swiss", "AU": "Australia(?:n)?",
    "KR": "Korea(?:n)?",
}  # fmt: skip
# Whoever is compared with, and is nobody in the record.
OTHERS: Final = (
    r"peers?|rivals?|competitors?|the industry|the sector|the market|sector average|industry average|S&P 500|Nasdaq"
    r"|the index|the benchmark|the Dow|analysts' consensus|consensus|Street estimates?"
)
CURRENCIES: Final[Mapping[str, str]] = {
    "EUR": "euros?", "USD": "dollars?|greenback", "GBP": "pounds?|sterling|cable", "JPY": "yen",
    "CHF": "(?:Swiss )?francs?",
    "CAD": "loonie|Canadian dollars?", "AUD": "Australian dollars?|Aussie", "CNY": "yuan|renminbi",
}  # fmt: skip

_WINDOW: Final = re.compile(r"^(?P<family>.+?)_(?P<count>\d{1,4})(?P<unit>[dwmy])?$")
_WINDOW_UNITS: Final = {"d": 1, "w": 5, "m": 21, "y": 252}


@dataclass(frozen=True)
class Metric:
    """A family, with its window in trading days; None: without, or any."""

    family: str
    window: int | None = None

    @classmethod
    def parse(cls, key: str) -> "Metric":
        """From a record's key, such as sma_200 or high_52w."""
        match = _WINDOW.match(key)
        if match is None:
            return cls("return", None) if key == "return_ytd" else cls(key)
        return cls(match["family"], trading_days(int(match["count"]), match["unit"] or "d"))

    def fits(self, other: "Metric") -> bool:
        """Whether one may mean the other: the same family, and no other window."""
        if self.family != other.family:
            return False
        return self.window is None or other.window is None or is_same_window(self.window, other.window)


def trading_days(count: int, unit: str) -> int:
    """About how many trading days: 52 weeks are 12 months are one year."""
    return count * _WINDOW_UNITS[unit[0].lower()]


def is_same_window(one: int, other: int) -> bool:
    return abs(one - other) <= max(one, other) * 0.04


def _of_metric(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?=\w)(?:{pattern})(?!\w)", re.IGNORECASE)


def _of_name(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")


METRICS: Final[dict[str, re.Pattern[str]]] = {family: _of_metric(text) for family, text in FAMILIES.items()}


@dataclass(frozen=True)
class Vocabulary:
    """The expressions that find a record's metrics and subjects in a text. Build it once a record.

    `any_metric` finds where some metric stands, in one pass; those of `metrics` then tell which."""

    metrics: Mapping[str, re.Pattern[str]]
    any_metric: re.Pattern[str]
    subjects: Mapping[str, re.Pattern[str]]
    others: re.Pattern[str]

    @classmethod
    def of(cls, keys: Iterable[str], subjects: Mapping[str, Iterable[str]]) -> "Vocabulary":
        """`keys` are the record's metrics; `subjects` its subjects with the names that the record gives them."""
        own = {Metric.parse(key).family for key in keys} - set(FAMILIES)
        names = {subject: _names(subject, more) for subject, more in subjects.items()}
        foreign = [
            name for symbol, name in NAMES.items() if symbol not in subjects and name not in names.values()
        ]
        phrases = dict(FAMILIES) | {family: re.escape(family).replace("_", "[ _-]") for family in own}
        return cls(
            METRICS | {family: _of_metric(phrases[family]) for family in own},
            _of_metric(by_first_letter("|".join(phrases.values()))),
            {subject: _of_name(pattern) for subject, pattern in names.items()},
            _of_name(f"{'|'.join(foreign)}|(?i:{OTHERS})"),
        )


def _names(subject: str, more: Iterable[str]) -> str:
    """What a subject is called: its symbol, its names, and of a pair of currencies the first one."""
    names = [re.escape(subject), *map(re.escape, more)]
    if known := NAMES.get(subject):
        names.append(known)
    if len(subject) == 6 and subject[:3] in CURRENCIES and subject[3:] in CURRENCIES:
        first, second = subject[:3], subject[3:]
        names += [
            f"{first} ?[/-] ?{second}",
            f"(?:[Tt]he )?(?:{CURRENCIES[first]})(?![- ]?(?:zone|area))",
            first,
        ]
    return "|".join(names)

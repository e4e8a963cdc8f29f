"""Long Markdown as models write it for analysts: tables, formulas, code, notes, lists, and several scripts."""

from typing import Final

TABLES: Final = """\
## Segment results

Revenue rose 9.5 % to $72.7bn; guidance is $74bn to $76bn, against a consensus of $75.1bn[^1].

| Segment | FY2023 | FY2024 | Change | Operating margin | Comment |
| :-- | --: | --: | --: | --: | :-- |
| Cloud infrastructure and platform services | 60.9 | 72.7 | +19.4% | 31.2% | Backlog of $118.3bn, up from $96.1bn |
| Devices | 206.0 | 195.4 | (5.1%) | 27.8% | [Units](https://example.com/filings/units) fell in China |
| Advertising | 8.1 | 9.9 | +22.2% | n/a | Includes €1.2bn from the acquired business |
| Total | 275.0 | 278.0 | +1.1% | 28.6% | |

| Ticker | P/E | EV/EBITDA | FCF yield | 5y beta | Net debt / EBITDA | Dividend yield | Price target |
|---|---|---|---|---|---|---|---|
| HLDN | 28.4x | 19.1x | 3.1% | 1.08 | −0.4x | 0.5% | $1,240.50 |
| MERI | 12.9x | 7.4x | 8.8% | 0.71 | 2.6x | 4.2% | $48.00 |
| NORD | n/a | 41.0x | −1.2% | 1.62 | 5.9x | – | $7.25 |

[^1]: Mean of 31 analysts, as of 14 March; see the [annual report](https://example.com/annual-report).
"""
FORMULAS: Final = """\
### What the price implies

With a cost of equity of $r_e = 9.5%$ and growth $g$, the value is

$$
P_0 = \\sum_{t=1}^{n} \\frac{\\text{FCF}_t}{(1+\\text{WACC})^t} + \\frac{TV}{(1+\\text{WACC})^n}
$$

\\[
\\begin{aligned}
\\text{WACC} &= \\frac{E}{V} r_e + \\frac{D}{V} r_d (1-\\tau) \\\\
&= 0.8 \\times 9.5\\% + 0.2 \\times 5.0\\% \\times 0.79 = 8.4\\%
\\end{aligned}
\\]

At $5 to $10 a share the market pays \\(\\frac{P}{E} \\approx 28\\), so $\\sigma\\sqrt{T}$ matters less than
$d_1 = \\frac{\\ln(S/K) + (r + \\sigma^2/2)T}{\\sigma\\sqrt{T}}$ suggests.
"""
CODE: Final = """\
#### How it was computed

```python
def weighted_average_cost_of_capital(equity, debt, cost_of_equity, cost_of_debt, tax_rate, *, include_leases=True):
    return equity / (equity + debt) * cost_of_equity + debt / (equity + debt) * cost_of_debt * (1 - tax_rate)
```

1. Start from `free_cash_flow`:
   - operating cash flow
     - before working capital
       - of which receivables: $1.2bn
   - less capital expenditure
2. Discount it.

> Management "expects margins to normalise" – the same words as in 2019, a year before they fell by 410 bps.

Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikationsaktiengesellschaft has no coverage.
"""
SCRIPTS: Final = """\
## 東アジアの見方

売上高は前年同期比で9.5%増加し、営業利益率は31.2%に達した。**為替の影響を除くと**成長率は7.8%である。

| 会社 | 売上高 | 営業利益率 |
|---|--:|--:|
| 日本電気精密株式会社 | 1,234億円 | 12.5% |
| 中国远洋海运集团有限公司 | 9,876亿元 | 8.1% |

ارتفعت الإيرادات بنسبة 9.5% إلى 72.7 مليار دولار، و**هامش الربح** 31.2%.

- ההכנסות עלו ב-9.5% ל-72.7 מיליארד דולר
- Marge brute : 61,4 % ; résultat net : 1 234,5 M€

---

See [1] and [the filing](https://filings.example/a-very-long-address/that-does-not-end/2026/10-K/annual-report.htm).
"""
REPORT: Final = "\n".join((TABLES, FORMULAS, CODE, SCRIPTS))


def report(length: int) -> str:
    """A text of this many characters, in the proportions of a report."""
    paragraph = (
        "Revenue grew by **9.5 %** to $72.7bn, but margins fell for the *third* quarter in a row; "
        "the [filing](https://example.com/10-k) puts it down to `logistics`.\n\n"
    )
    parts = [REPORT, *[paragraph] * (max(0, length - len(REPORT)) // len(paragraph) + 1)]
    return "\n".join(parts)[:length]

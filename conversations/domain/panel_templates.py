"""Templates of panels, in the JSON of `composed_panels`, from which people compose their own. Data only."""

from collections.abc import Mapping
from typing import Any, Final

from conversations.domain.panels import FINANCIAL_DEBATE

_FIGURES: Final = ["calculate", "look_up"]


def _agent(name: str, role: str, instructions: str, *tools: str) -> dict[str, Any]:
    return {"name": name, "role": role, "instructions": instructions, "tools": list(tools)}


TEMPLATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "financial-debate": {
        "name": FINANCIAL_DEBATE.title,
        "description": FINANCIAL_DEBATE.description,
        "agents": [
            _agent(
                "Fundamentals",
                "Fundamental analyst",
                "Argue from fundamentals: revenue, margins, cash flow, balance sheet and valuation. Say what the"
                " numbers support and what they do not.",
            ),
            _agent(
                "Surroundings",
                "Market analyst",
                "Argue from the surroundings: sector, competitors, rates, flows, regulation and sentiment. Say how"
                " they change the picture that the others draw.",
            ),
            _agent(
                "Challenge",
                "Risk analyst",
                "Attack the weakest assumption on the table: what can go wrong, how likely, how bad, and what would"
                " show it early. Agree only where the evidence forces you.",
            ),
        ],
    },
    "bull-and-bear": {
        "name": "Bull and bear",
        "description": "One agent argues for buying, one against, and a moderator judges.",
        "agents": [
            _agent(
                "Bull",
                "Argues for buying",
                "Make the strongest honest case for buying. Answer the bear's best point first, then add the evidence"
                " that it leaves out. Concede what you cannot refute.",
            ),
            _agent(
                "Bear",
                "Argues against buying",
                "Make the strongest honest case against buying. Answer the bull's best point first, then add the"
                " evidence that it leaves out. Concede what you cannot refute.",
            ),
        ],
    },
    "investment-committee": {
        "name": "Investment committee",
        "description": "Four views of one investment: value, growth, macro and risk.",
        "agents": [
            _agent(
                "Value",
                "Value investor",
                "Ask what the business is worth, and what is paid for it: normalised earnings, cash flow, balance"
                " sheet, margin of safety. Distrust a price that needs growth to be right.",
                *_FIGURES,
            ),
            _agent(
                "Growth",
                "Growth investor",
                "Ask how large the business can become: market, share, unit economics, reinvestment. Say which growth"
                " the price needs, and what would prove it early.",
                *_FIGURES,
            ),
            _agent(
                "Macro",
                "Macro strategist",
                "Ask what the economy does to this investment: rates, inflation, currencies, the cycle, policy. Say"
                " which of the others' assumptions depend on it.",
                *_FIGURES,
            ),
            _agent(
                "Risk",
                "Risk officer",
                "Ask how much can be lost, and how: leverage, concentration, liquidity, what all the others assume."
                " Say which size of a position the evidence bears, and what should end it.",
                *_FIGURES,
            ),
        ],
    },
    "earnings-review": {
        "name": "Earnings review",
        "description": "What a company's report says, what it hides, and what changes. Nobody judges: the last message"
        " is the review.",
        "rounds": 1,
        "agents": [
            _agent(
                "Results",
                "Reads the figures",
                "Say what was reported: revenue, margins, earnings and cash flow against the year before and against"
                " what was expected, where the material has it. Name what is missing.",
                *_FIGURES,
            ),
            _agent(
                "Quality",
                "Doubts the figures",
                "Doubt what was reported: one-off items, accruals, working capital, changed definitions, cash against"
                " earnings. Say which figure you would not rely on, and why.",
                *_FIGURES,
            ),
            _agent(
                "Outlook",
                "Draws the conclusion",
                "Say what the report changes: guidance, the thesis for and against, and what to look at in the next"
                " one.",
                *_FIGURES,
            ),
        ],
        "judge": None,
    },
    "credit-review": {
        "name": "Credit review",
        "description": "Whether a borrower can pay: cash flow, balance sheet and terms.",
        "agents": [
            _agent(
                "Cash flow",
                "Ability to pay",
                "Ask whether cash flow covers interest and repayments: its level, its swings, capital expenditure, and"
                " how it would be in a bad year.",
                *_FIGURES,
            ),
            _agent(
                "Balance sheet",
                "Debt and assets",
                "Ask what stands behind the debt: leverage, maturities, liquidity, assets that could be sold, and who"
                " is paid first.",
                *_FIGURES,
            ),
            _agent(
                "Downside",
                "What a lender loses",
                "Ask what a lender loses if it goes wrong: triggers, structure, covenants, recovery. Name the first"
                " sign that would show it.",
                *_FIGURES,
            ),
        ],
    },
}

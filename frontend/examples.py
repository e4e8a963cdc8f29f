"""Example questions for the start form: invented companies, and cases from history."""

from evidence.cases import CASES

# `label` is the text of an example's button; the other fields fill the form. Companies and figures are invented.
_INVENTED = (
    {
        "label": "Earnings report",
        "topic": "Is Halden Robotics worth buying after this quarter?",
        "content_type": "earnings",
        "content": (
            "Halden Robotics (invented), third quarter.\n"
            "Revenue 412 million dollars, up 18 % on the year. Gross margin 61 %, after 58 %.\n"
            "Free cash flow 74 million; dividend 31 million. Net debt 0.9 times EBITDA.\n"
            "One customer is 31 % of revenue; its contract is up for renewal in May.\n"
            "Shares trade at 24 times expected earnings; the peers' median is 19."
        ),
    },
    {
        "label": "News",
        "topic": "Does the port strike change the case for Meridian Freight?",
        "content_type": "news",
        "content": (
            "Dock workers at two of the five ports that Meridian Freight (invented) serves voted to strike from"
            " Monday. The company said 22 % of its volume passes through them and that it can move about half of"
            " that elsewhere. Spot rates rose 9 % within a day. A strike in 2019 lasted eleven days."
        ),
    },
    {
        "label": "Bonds or cash?",
        "topic": "Should a cautious saver move from a money-market fund into two-year government bonds now?",
        "content_type": "text",
        "content": "",
    },
    {
        "label": "Concentrated position",
        "topic": "Is it reasonable to hold 40 % of one's savings in the shares of one's own employer?",
        "content_type": "text",
        "content": "",
    },
)
_FROM_HISTORY = [
    {
        "label": case.label,
        "topic": case.question,
        "content_type": "text",
        "content": "",
        "instrument": case.symbol,
        "as_of": case.day.isoformat(),
        "is_history": True,
    }
    for case in CASES
]
EXAMPLES = [
    *({**example, "instrument": "", "as_of": "", "is_history": False} for example in _INVENTED),
    *_FROM_HISTORY,
]

"""What may be said of a price and of where it came from; as in wording.py."""

from collections.abc import Mapping
from typing import Final

from conversations.prompts.grounded.wording import Wording, by_role

PRICES: Final[Mapping[str, Wording]] = {
    "price": Wording(
        "level", 0, "the price itself",
        ("the price to judge is {value}", "{whose} last close is {value}"),
        by_role(
            ("and a price means little until earnings stand beside it", "which only earnings can call high or low"),
            (), (),
        ),
    ),
    "rise": Wording(
        "past", 1, "the rise of the price",
        ("{who} gained {value} over {span}", "{whose} price rose {value} over {span}",
         "over {span}, {who} rose {value}"),
        by_role(
            ("so much of the good news is already paid for", "which the business has to justify afterwards"),
            ("so investors have been on its side", "which shows where money has been going"),
            ("and whoever comes after such a rise pays for the past", "which promises nothing for the time to come"),
        ),
    ),
    "fall": Wording(
        "past", -1, "the fall of the price",
        ("{who} lost {value} over {span}", "{whose} price fell {value} over {span}", "over {span}, {who} fell {value}"),
        by_role(
            ("so the market asks less for it than before", "though a lower price alone proves no value"),
            ("so the mood has turned against it", "which shows that sellers have set the tone"),
            ("and nothing in the record shows that the fall is over", "which is how unplanned losses begin"),
        ),
    ),
    "up_a_little": Wording(
        "past", 0, "the move of the price",
        ("{who} gained {value} over {span}", "over {span}, {who} rose {value}"),
        by_role(
            ("so the price has hardly been rewritten",),
            ("which is hardly a move",),
            ("and a price that rests has not decided anything",),
        ),
    ),
    "down_a_little": Wording(
        "past", 0, "the move of the price",
        ("{who} lost {value} over {span}", "over {span}, {who} fell {value}"),
        by_role(
            ("so the price has hardly been rewritten",),
            ("which is hardly a move",),
            ("and a price that rests has not decided anything",),
        ),
    ),
    "below_high": Wording(
        "range", -1, "the recent high",
        ("{who} closed {value} below its 52-week high", "the price stands {value} below its 52-week high"),
        by_role(
            ("so others paid more for it within the same year",),
            ("so confidence was higher within the same year", "so the enthusiasm of that day is gone"),
            ("so those who bought near the top sit on losses", "and a price that fell that far can fall again"),
        ),
    ),
    "near_high": Wording(
        "range", 1, "the recent high",
        ("{who} closed {value} below its 52-week high", "the price stands {value} below its 52-week high"),
        by_role(
            ("so hardly any discount is left",),
            ("which is close to the best price of the year",),
            ("so any bad news meets a full price",),
        ),
    ),
    "at_high": Wording(
        "range", 1, "the recent high",
        ("{whose} 52-week high is {value}", "the 52-week high stands at {value}"),
        by_role(
            ("and the price is right there, so no discount is left",),
            ("and the price is right there, which is what confidence looks like",),
            ("and the price is right there, so any bad news meets a full price",),
        ),
    ),
    "above_low": Wording(
        "bottom", 1, "the recent low",
        ("{who} closed {value} above its 52-week low", "the price stands {value} above its 52-week low"),
        by_role(
            ("so the cheapest days of the year have passed",),
            ("so buyers came back after that low", "so the worst mood of the year has passed"),
            ("and the year has shown how low it can go", "so the way back down is known"),
        ),
    ),
    "near_low": Wording(
        "bottom", -1, "the recent low",
        ("{who} closed {value} above its 52-week low", "the price stands {value} above its 52-week low"),
        by_role(
            ("so little hope is left in the price",),
            ("so the mood is close to its worst",),
            ("so the record shows hardly any floor below",),
        ),
    ),
    "at_low": Wording(
        "bottom", -1, "the recent low",
        ("{whose} 52-week low is {value}", "the 52-week low stands at {value}"),
        by_role(
            ("and the price is right there, so little hope is left in it",),
            ("and the price is right there, so the market has given up on it for now",),
            ("and the price is right there, so the record shows no floor below",),
        ),
    ),
    "above_average": Wording(
        "trend", 1, "the trend",
        ("{who} trades {value} above its {span} average", "the price is {value} above its {span} average"),
        by_role(
            ("so the price has run ahead of its own history",),
            ("so the trend points up", "so the tide has been with it"),
            ("so a mere return to that average would hurt", "and trends end without a notice"),
        ),
    ),
    "below_average": Wording(
        "trend", -1, "the trend",
        ("{who} trades {value} below its {span} average", "the price is {value} below its {span} average"),
        by_role(
            ("so the price has fallen behind its own history",),
            ("so the trend points down", "so the tide has been against it"),
            ("so the trend works against whoever holds on", "and a weak trend rarely waits for good news"),
        ),
    ),
    "above_a_little": Wording(
        "trend", 0, "the trend",
        ("{who} trades {value} above its {span} average", "the price is {value} above its {span} average"),
        by_role(
            ("so the trend settles nothing for the value",),
            ("so the trend has no clear direction",),
            ("so a small move decides where the trend points",),
        ),
    ),
    "below_a_little": Wording(
        "trend", 0, "the trend",
        ("{who} trades {value} below its {span} average", "the price is {value} below its {span} average"),
        by_role(
            ("so the trend settles nothing for the value",),
            ("so the trend has no clear direction",),
            ("so a small move decides where the trend points",),
        ),
    ),
}  # fmt: skip

"""What may be said of a business, of the economy, and of what the record lacks; as in wording.py."""

from collections.abc import Mapping
from typing import Final

from conversations.prompts.grounded.wording import Wording, by_role

BUSINESS: Final[Mapping[str, Wording]] = {
    "cheap": Wording(
        "value", 1, "the price of its earnings",
        ("{who} trades at {value} its earnings per share", "the price is {value} its earnings per share"),
        by_role(
            ("which asks for little growth", "so the price does not lean on a bright future"),
            ("so the market doubts that these earnings last",),
            ("and earnings that are priced so low have few believers",),
        ),
    ),
    "fair": Wording(
        "value", 0, "the price of its earnings",
        ("{who} trades at {value} its earnings per share", "the price is {value} its earnings per share"),
        by_role(
            ("which asks for steady growth and no more",),
            ("so the market expects business as usual",),
            ("so the price has no cushion for a bad year",),
        ),
    ),
    "dear": Wording(
        "value", -1, "the price of its earnings",
        ("{who} trades at {value} its earnings per share", "the price is {value} its earnings per share"),
        by_role(
            ("which asks for growth that has yet to come",),
            ("so the market expects a great deal",),
            ("so a disappointment would be punished",),
        ),
    ),
    "earnings": Wording(
        "earnings", 0, "the earnings per share",
        ("{who} reported earnings per share of {value} for {span}", "earnings per share were {value} in {span}"),
        by_role(
            ("which is what the price has to be measured by", "and that is the firmest ground in this record"),
            (),
            ("and a past year is not the coming year",),
        ),
    ),
    "revenue": Wording(
        "sales", 0, "the revenue",
        ("{who} reported revenue of {value} for {span}", "revenue was {value} in {span}"),
        by_role(
            ("and what is left of it matters more than its size", "so size is not the question here"),
            ("so its customers have been there",),
            ("and sales of that size are hard to repeat",),
        ),
    ),
    "profit": Wording(
        "earnings", 0, "the net income",
        ("{who} reported net income of {value} for {span}", "net income was {value} in {span}"),
        by_role(
            ("which is what the price is paid for",),
            (),
            ("and profits of that size attract competition",),
        ),
    ),
    "loss": Wording(
        "earnings", -1, "the net loss",
        ("net income was {value} in {span}",),
        by_role(
            ("so the price is paid for hope",),
            (),
            ("and losses have to be paid for by somebody",),
        ),
    ),
    "growing": Wording(
        "growth", 1, "the growth of its net income",
        ("net income grew {value} from {before} to {span}", "{whose} net income grew {value} from {before} to {span}"),
        by_role(
            ("so the business has earned its price at least in part", "which is the best argument in this record"),
            ("so the business was not the cause of any gloom",),
            ("and such a pace is harder to keep the larger a business is", "and growth like that seldom lasts"),
        ),
    ),
    "shrinking": Wording(
        "growth", -1, "the fall of its net income",
        ("net income fell {value} from {before} to {span}", "{whose} net income fell {value} from {before} to {span}"),
        by_role(
            ("so the business earns less for the same effort",),
            ("so the mood has a reason",),
            ("and nothing in the record shows a turn",),
        ),
    ),
    "wide_margin": Wording(
        "margin", 1, "the margin",
        ("{whose} net margin was {value} in {span}", "the net margin was {value} in {span}"),
        by_role(
            ("which leaves room for a bad year", "so much of what it sells stays with it"),
            ("so competitors have something to aim at",),
            ("so there is far to fall if competitors cut their prices",),
        ),
    ),
    "thin_margin": Wording(
        "margin", -1, "the margin",
        ("{whose} net margin was {value} in {span}", "the net margin was {value} in {span}"),
        by_role(
            ("which leaves little room for a bad year",),
            ("so prices in this business leave little to spare",),
            ("so a small rise of costs would be felt",),
        ),
    ),
    "other": Wording(
        "{metric}", 0, "the {metric}",
        ("{whose} {metric} {was} {value}{when}", "the {metric} of {who} {was} {value}{when}"),
        by_role(
            ("which belongs in any judgement", "and that is what the record has to offer on it"),
            ("which is part of the picture",),
            ("which says where it stood, not where it goes",),
        ),
    ),
    "given": Wording(
        "{metric}", 0, "the {metric}",
        ("{metric} {was} {value}{when} by the source", "the source gives {metric} of {value}{when}"),
        by_role(
            ("which belongs in any judgement", "and the question cannot be answered without it"),
            ("which is part of the picture",),
            ("which is only as good as its source", "which says where it stood, not where it goes"),
        ),
    ),
}  # fmt: skip

ECONOMY: Final[Mapping[str, Wording]] = {
    "rate": Wording(
        "level", 0, "the rate of the day",
        ("{who} stood at {value}", "the exchange rate of {who} was {value}"),
        by_role(
            ("and a rate alone says neither cheap nor dear",),
            ("which is where the market has settled for now",),
            ("and no rate stays where it is",),
        ),
    ),
    "stronger": Wording(
        "past", 1, "the rise of {who}",
        ("{who} gained {value} against the {other} within a year",),
        by_role(
            ("so goods priced in it became dearer abroad",),
            ("so money has been flowing towards it", "which eases the price of imports there"),
            ("and what rose in a year can fall in a quarter",),
        ),
    ),
    "weaker": Wording(
        "past", -1, "the fall of {who}",
        ("{who} lost {value} against the {other} within a year",),
        by_role(
            ("so goods priced in it became cheaper abroad",),
            ("so money has been flowing away from it", "which shows where investors wanted to be"),
            ("so whoever was not prepared has paid for it", "and a move like that can go on or turn"),
        ),
    ),
    "inflation": Wording(
        "inflation", 0, "inflation",
        ("US inflation was {value} in {span}", "inflation in the US stood at {value} in {span}"),
        by_role(
            ("and any return has to be measured against that",),
            ("which is what the central bank has to answer",),
            ("and money that stands still loses that much",),
        ),
    ),
    "core": Wording(
        "core", 0, "core inflation",
        ("US core inflation was {value} in {span}", "core inflation in the US stood at {value} in {span}"),
        by_role(
            ("so costs other than food and energy moved as well",),
            ("which says more about the trend of prices than food and energy do",),
            ("and that part of inflation is slow to leave",),
        ),
    ),
    "jobless_high": Wording(
        "jobs", -1, "unemployment",
        ("US unemployment was {value} in {span}", "unemployment in the US stood at {value} in {span}"),
        by_role(
            ("so wages were no threat to margins",),
            ("so the economy ran well below its strength", "so households had to be careful"),
            ("and people without work spend less",),
        ),
    ),
    "jobless_low": Wording(
        "jobs", 1, "unemployment",
        ("US unemployment was {value} in {span}", "unemployment in the US stood at {value} in {span}"),
        by_role(
            ("so customers had wages to spend",),
            ("so the economy was close to its strength",),
            ("and that good news was known to everybody",),
        ),
    ),
    "bills": Wording(
        "bills", 0, "the rate of treasury bills",
        ("treasury bills yielded {value} in {span}", "the treasury bill rate was {value} in {span}"),
        by_role(
            ("which is what patience earns without risk",),
            ("which is the measure for everything else",),
            ("and that much is earned without any of these risks",),
        ),
    ),
}  # fmt: skip

# By role and by what the record lacks.
LACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "earnings": (
        "The record has no earnings of {who}, so nothing in it says what the price pays for.",
        "Without the earnings of {who}, which the record lacks, no price is high or low.",
    ),
    "rates": (
        "The record lacks newer figures of the economy, and that should make us modest.",
        "Newer figures of the economy are not in the record, so the surroundings stay in the dark.",
    ),
}  # fmt: skip

CLOSINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "financial_analyst": (
        "What it earns has to carry the price in the end.",
        "I would rather argue from what was reported than from what was hoped.",
        "A price is what is paid, and a business is what is got for it.",
        "The figures narrow the question, and they do not settle it.",
    ),
    "market_context": (
        "A company does not choose the weather that it sails in.",
        "What others pay for comparable things belongs in this debate.",
        "The surroundings decide how much patience is rewarded.",
        "Prices move on what changes, not on what is known.",
    ),
    "risk_challenger": (
        "I want to know what it costs to be wrong.",
        "A record of the past bounds no loss of the future.",
        "Whoever decides has to survive the bad case first.",
        "It has not been said here what would prove the others wrong.",
    ),
}  # fmt: skip

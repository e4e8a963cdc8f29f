"""What may be said of momentum, risk, volume and peers; as in wording.py."""

from collections.abc import Mapping
from typing import Final

from conversations.prompts.grounded.wording import Wording, by_role

SIGNALS: Final[Mapping[str, Wording]] = {
    "rsi_weak": Wording(
        "momentum", -1, "the momentum",
        ("{whose} 14-day RSI is {value}", "the 14-day RSI stands at {value}"),
        by_role(
            ("which speaks of sellers, not of the business",),
            ("so selling has been lopsided",),
            ("and such weakness can last longer than patience",),
        ),
    ),
    "rsi_even": Wording(
        "momentum", 0, "the momentum",
        ("{whose} 14-day RSI is {value}", "the 14-day RSI stands at {value}"),
        by_role(
            ("so momentum settles nothing here",),
            ("so neither buyers nor sellers are worn out",),
            ("so momentum gives no warning, and no comfort either",),
        ),
    ),
    "rsi_strong": Wording(
        "momentum", 1, "the momentum",
        ("{whose} 14-day RSI is {value}", "the 14-day RSI stands at {value}"),
        by_role(
            ("which speaks of buyers, not of the business",),
            ("so buying has been lopsided",),
            ("so little is needed to turn the mood",),
        ),
    ),
    "wild": Wording(
        "volatility", -1, "the volatility",
        ("{whose} annualised volatility is {value}", "annualised volatility stands at {value}"),
        by_role(
            ("so the price says less about the business than usual",),
            ("so the market has not made up its mind",),
            ("so a position has to be small enough to bear it",
             "and swings of that size force people out at bad times"),
        ),
    ),
    "ordinary": Wording(
        "volatility", 0, "the volatility",
        ("{whose} annualised volatility is {value}", "annualised volatility stands at {value}"),
        by_role(
            (),
            ("which is what the market is used to",),
            ("which is ordinary for a share, and no shelter", "so a bad month would be nothing unusual"),
        ),
    ),
    "calm": Wording(
        "volatility", 1, "the calm of the price",
        ("{whose} annualised volatility is {value}", "annualised volatility stands at {value}"),
        by_role(
            ("so the price has not been driven by panic or greed",),
            ("so the market is at ease with it",),
            ("which is calm, though past calm is no protection", "and risk is easily forgotten when it is so quiet"),
        ),
    ),
    "drawdown": Wording(
        "drawdown", -1, "the drawdown",
        ("{whose} maximum drawdown within the year was {value}",
         "holders of {who} sat through a drawdown of {value} within the year"),
        by_role(
            (),
            ("so the market has shown how fast it changes its mind",),
            ("so a holder has to be able to sit through that", "and the next drawdown need not be smaller"),
        ),
    ),
    "busy": Wording(
        "volume", 0, "the volume of the day",
        ("volume was {value} above its 30-day average", "{whose} volume ran {value} above its 30-day average"),
        by_role((), ("so many had a hand in the last move",), ("so somebody was in a hurry",)),
    ),
    "quiet": Wording(
        "volume", 0, "the volume of the day",
        ("volume was {value} below its 30-day average", "{whose} volume ran {value} below its 30-day average"),
        by_role((), ("so few had a hand in the last move",), ("so the last price was set by few",)),
    ),
}  # fmt: skip

PEERS: Final[Mapping[str, Wording]] = {
    "ahead": Wording(
        "past", 1, "the lead over {peer}",
        ("{who} {value} over {span}, while {peer} {other}", "over {span}, {who} {value}, while {peer} {other}"),
        by_role(
            (),
            ("so investors have preferred it to {peer}", "so it stands out beside {peer}"),
            ("and a lead over {peer} is quickly given back",),
        ),
    ),
    "behind": Wording(
        "past", -1, "the gap to {peer}",
        ("{who} {value} over {span}, while {peer} {other}", "over {span}, {who} {value}, while {peer} {other}"),
        by_role(
            (),
            ("so investors have preferred {peer}", "so money has gone elsewhere"),
            ("so there was a better place within reach",),
        ),
    ),
    "alone": Wording(
        "past", -1, "the gap to {peer}",
        ("{who} {value} over {span}, while {peer} {other}", "over {span}, {who} {value}, while {peer} {other}"),
        by_role(
            (),
            ("so its troubles are not those of the whole market",),
            ("so the weakness is its own",),
        ),
    ),
    "alike": Wording(
        "past", 0, "the comparison with {peer}",
        ("{who} {value} over {span}, while {peer} {other}", "over {span}, {who} {value}, while {peer} {other}"),
        by_role(
            (),
            ("so the market has treated both alike",),
            ("so the choice between them has settled little",),
        ),
    ),
    "wilder": Wording(
        "volatility", -1, "the comparison with {peer}",
        ("{whose} annualised volatility is {value}, while {peers} annualised volatility is {other}",),
        by_role(
            (),
            ("so the market trusts {peer} more for now",),
            ("so {peer} has been the quieter place", "so its risk is not just that of the market"),
        ),
    ),
    "calmer": Wording(
        "volatility", 1, "the comparison with {peer}",
        ("{whose} annualised volatility is {value}, while {peers} annualised volatility is {other}",),
        by_role(
            (),
            ("so it has been the quieter place to wait",),
            ("which is some comfort, as long as the calm lasts",),
        ),
    ),
}  # fmt: skip

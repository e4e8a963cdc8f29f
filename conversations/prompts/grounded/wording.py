"""What the local model may say about a fact of the record: sentences that people edited, for it to choose from.

A fact of a kind is said in one of `says`, which begins within a sentence. {who} is its subject, {whose} the subject's
possessive, {value} the figure with its citation, {span} the time that it covers. `means` is what a role may conclude,
true of every fact of the kind. No wording has a figure, a number in words, or a stance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wording:
    """`about` names the fact for a reply to it. `tone` is 1 if it speaks for the instrument, -1 if against it. Facts of
    one `family` do not stand in the same speech."""

    family: str
    tone: int
    about: str
    says: tuple[str, ...]
    means: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fact(self, **words: str) -> "Fact":
        """The fact, with the words in their places."""
        return Fact(
            self.family.format(**words),
            self.tone,
            self.about.format(**words),
            tuple(each.format(**words) for each in self.says),
            {role: tuple(each.format(**words) for each in means) for role, means in self.means.items()},
        )


@dataclass(frozen=True)
class Fact:
    """`says` are clauses with their figures and citations, which begin within a sentence; `means` are what roles may
    conclude. The other fields are those of Wording."""

    family: str
    tone: int
    about: str
    says: tuple[str, ...]
    means: Mapping[str, tuple[str, ...]]


def by_role(
    analyst: tuple[str, ...], market: tuple[str, ...], risk: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """What each role may conclude; a role without clauses leaves such facts to the others."""
    roles = {"financial_analyst": analyst, "market_context": market, "risk_challenger": risk}
    return {role: clauses for role, clauses in roles.items() if clauses}

"""The grammar (GBNF) of a speech about a record: the local model chooses facts, their wording, and how it replies.

A speech has two sentences with facts, each perhaps with a conclusion, and perhaps a closing one. What was said before
is not offered again while there is something new. No I/O.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

from conversations.prompts.grounded import facts, openings
from conversations.prompts.grounded.book import name_of
from conversations.prompts.grounded.business import CLOSINGS, LACKS
from conversations.prompts.grounded.wording import Fact
from conversations.prompts.spoken import Spoken
from evidence.record import MissingReason, Snapshot

# Facts among which the model chooses a sentence: more make the grammar slow.
MAX_FACTS: Final = 4
MAX_NAME: Final = 40

# What a role speaks of first.
_FIRST: Final = {
    "financial_analyst": frozenset(("value", "earnings", "sales", "growth", "margin")),
    "market_context": frozenset(("past", "inflation", "core", "jobs", "bills")),
    "risk_challenger": frozenset(("volatility", "drawdown", "range", "trend", "bottom")),
}
_EARNINGS: Final = frozenset(("eps", "net_income", "revenue"))


def grammar(
    record: Snapshot, role: str, topic: str, round_: int, said: Sequence[Spoken], person: str | None = None
) -> str | None:
    """The grammar of the next speech, in reply to the last one, or to a person's remark; None if the record has no fact
    for it. `topic` and the round make the choice another one in another debate."""
    known, offered = facts.of(record), chosen(record, role, topic, round_, said)
    if not offered:
        return None
    last = said[-1] if said and round_ > 1 else None
    first, second = _in_two(offered)
    rules = [
        f"first{number} ::= {_first(fact, role, last, known, person, said)}"
        for number, fact in enumerate(first)
    ]
    rules += [
        f"second{number} ::= {_sentence(openings.NEXT, fact, role, said)}"
        for number, fact in enumerate(second)
    ]
    root = f"({_any(f'first{number}' for number in range(len(first)))})"
    if second:
        root += f' " " ({_any(f"second{number}" for number in range(len(second)))})'
    if closings := _unsaid(_closings(record, role), said):
        root += f' (" " ({_literals(closings)}))?'
    return "\n".join([f"root ::= {root}", *rules, ""])


def summaries(record: Snapshot, said: Sequence[Spoken]) -> str | None:
    """A regular expression of the summaries that fit: what two speakers have said of the record; None if fewer have."""
    known = facts.of(record)
    by_name: dict[str, list[str]] = {}
    for each in said:
        clauses = [clause for fact in known for clause in fact.says if _has(each.text, clause)]
        by_name.setdefault(_speakable(each.name), []).extend(clauses)
    speakers = [(name, list(dict.fromkeys(clauses))[:3]) for name, clauses in by_name.items() if clauses]
    if len(speakers) < 2:
        return None
    (first, one), (second, other) = speakers[0], speakers[-1]
    return "^{} {} ({})$".format(
        _pattern(openings.RESTED, first, one),
        _pattern(openings.OPPOSED, second, [clause for clause in other if clause not in one] or other),
        "|".join(map(_escaped, openings.WEIGHED)),
    )


def _pattern(leads: Iterable[str], name: str, clauses: Iterable[str]) -> str:
    begun = "|".join(_escaped(_capital(lead.format(name=name))) for lead in leads)
    return rf"({begun})({'|'.join(map(_escaped, clauses))})\."


def _escaped(text: str) -> str:
    # re.escape would escape characters that llama.cpp takes for themselves.
    return re.sub(r"([\^$.\[\](){}|*+?\\])", r"\\\1", text)


def chosen(record: Snapshot, role: str, topic: str, round_: int, said: Sequence[Spoken]) -> list[Fact]:
    """Facts for a role, its own first: those that nobody has said, else those that it has not said itself, else all."""
    known, seed = facts.of(record), f"{topic} {role} {round_} {len(said)}"
    mine = [fact for fact in known if role in fact.means] or list(known)
    own = [each for each in said if each.role == role]
    for spoken in (said, own, ()):
        fresh = [fact for fact in mine if not any(_says(each.text, fact) for each in spoken)]
        if len({fact.family for fact in fresh}) > 1 or not spoken:
            first = _FIRST.get(role, frozenset())
            return sorted(
                fresh, key=lambda fact: (fact.family not in first, crc32(f"{seed} {fact.says[0]}".encode()))
            )
    raise AssertionError


def _in_two(offered: Sequence[Fact]) -> tuple[list[Fact], list[Fact]]:
    """Facts for the first and for the second sentence, of different families."""
    families = list(dict.fromkeys(fact.family for fact in offered))
    even = frozenset(families[::2])
    first = [fact for fact in offered if fact.family in even]
    second = [fact for fact in offered if fact.family not in even]
    return first[:MAX_FACTS], second[:MAX_FACTS]


def _first(
    fact: Fact,
    role: str,
    last: Spoken | None,
    known: Sequence[Fact],
    person: str | None,
    said: Sequence[Spoken],
) -> str:
    if person is not None:
        leads: Sequence[str] = [lead.format(name=_speakable(person)) for lead in openings.ANSWERS]
    elif last is not None:
        leads = _replies(fact, last, known, said)
    elif role in openings.FIRST:
        leads = openings.FIRST[role][fact.tone]
    else:
        leads = openings.PLAIN
    return _sentence(leads, fact, role, said)


def _replies(fact: Fact, last: Spoken, known: Sequence[Fact], said: Sequence[Spoken]) -> list[str]:
    heard = next((each for each in known if _says(last.text, each)), None)
    name = _speakable(last.name)
    leads: Sequence[str]
    if heard is None:
        leads = openings.UNSPECIFIC
    elif heard.family == fact.family:
        leads = openings.AGAIN
    elif not heard.tone * fact.tone:
        leads = openings.BESIDE
    else:
        leads = openings.SAME if heard.tone == fact.tone else openings.OTHER
    fresh = [lead for lead in leads if not any(_begins(each.text, lead) for each in said)]
    about = "" if heard is None else heard.about
    return [lead.format(name=name, about=about) for lead in fresh or leads]


def _begins(text: str, lead: str) -> bool:
    pattern = re.escape(lead).replace(r"\{name\}", ".{1,60}").replace(r"\{about\}", ".{1,60}")
    return re.match(pattern, text, re.IGNORECASE) is not None


def _sentence(leads: Sequence[str], fact: Fact, role: str, said: Sequence[Spoken]) -> str:
    """A rule's right side: an opening, the fact in one of its wordings, a conclusion if there is a new one, which the
    second sentence may leave out, and a full stop."""
    means = fact.means.get(role) or [clause for clauses in fact.means.values() for clause in clauses]
    begun = [_capital(lead) for lead in leads if lead]
    clauses = [f"({_literals(begun)}) ({_literals(fact.says)})"] if begun else []
    if len(begun) < len(leads):
        clauses.append(_literals(map(_capital, fact.says)))
    ends = [f", {clause}." for clause in _unsaid(means, said)]
    if leads is openings.NEXT or not ends:
        ends.append(".")
    return f"({_any(clauses)}) ({_literals(ends)})"


def _closings(record: Snapshot, role: str) -> list[str]:
    """Closing sentences of a role, with what the record lacks."""
    closings = list(CLOSINGS.get(role, ()))
    main = record.instrument.symbol if record.instrument else ""
    lacked = {each.metric for each in record.missing if each.subject == main}
    if role != "market_context" and lacked >= _EARNINGS:
        closings += [each.format(who=name_of(main, record)) for each in LACKS["earnings"]]
    if role != "financial_analyst" and any(each.reason is MissingReason.STALE for each in record.missing):
        closings += LACKS["rates"]
    return closings


def _unsaid(sentences: Iterable[str], said: Sequence[Spoken]) -> list[str]:
    return [each for each in sentences if not any(each in speech.text for speech in said)]


def _says(text: str, fact: Fact) -> bool:
    return any(_has(text, clause) for clause in fact.says)


def _has(text: str, clause: str) -> bool:
    return clause in text or _capital(clause) in text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _speakable(name: str) -> str:
    """The name without digits, which would be figures, and without what ends a literal or a format field."""
    return " ".join(re.sub(r"[^\w .'-]|[\d_{}]", " ", name).split())[:MAX_NAME].strip() or "the other"


def _any(rules: Iterable[str]) -> str:
    return " | ".join(rules)


def _literals(texts: Iterable[str]) -> str:
    return _any(f'"{_quoted(text)}"' for text in texts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

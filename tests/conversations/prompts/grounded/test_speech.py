"""Speeches of the local model about a record: whatever it chooses, each figure is right. With the real model:
test_server.py and test_main_job.py."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, cycle
from random import Random

import pytest

from conversations.domain.panels import FINANCIAL_DEBATE
from conversations.prompts.grounded import facts, openings, speech
from conversations.prompts.grounded.book import Book
from conversations.prompts.grounded.business import BUSINESS, CLOSINGS, ECONOMY, LACKS
from conversations.prompts.grounded.prices import PRICES
from conversations.prompts.grounded.signals import PEERS, SIGNALS
from conversations.prompts.spoken import Spoken
from evidence.cases import CASES, Case
from evidence.checker.check import Checker, check, prepare
from evidence.checker.verdicts import Label
from evidence.freezing import texts
from evidence.freezing.freeze import freeze
from evidence.instruments import resolve
from evidence.record import Instrument, Snapshot, Unit, load
from evidence.sources.base import Fact as Known
from evidence.sources.base import Gathered
from tests.evidence.snapshots import APPLE_2012
from tests.support.gbnf import sample

# Nothing here depends on what differs between versions of Python or Django.
pytestmark = pytest.mark.anywhere

RIGHT = {Label.MATCHED, Label.DERIVED}
ROUNDS = 3


def frozen(case: Case) -> Snapshot:
    return freeze(resolve(case.symbol), case.as_of)


def debate(record: Snapshot, topic: str, random: Random) -> Iterator[Spoken]:
    """Three rounds of chance; in some turns a person is answered."""
    said: list[Spoken] = []
    for round_ in range(1, ROUNDS + 1):
        for agent in FINANCIAL_DEBATE.speakers:
            person = "alice_7" if random.random() < 0.2 else None
            grammar = speech.grammar(record, agent.role, topic, round_, said, person)
            assert grammar
            said.append(Spoken(agent.role, agent.name, sample(grammar, random)))
    yield from said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_every_figure_of_a_case_is_matched_or_derived(case: Case) -> None:
    record, random, count = frozen(case), Random(case.label), 0
    prepared = prepare(record)
    for _ in range(6):
        said = list(debate(record, case.question, random))
        for each in said:
            figures = Checker(*prepared).text(each.text)
            assert {figure.label for figure in figures} <= RIGHT, each.text
            assert len(figures) >= 2, each.text
            count += len(figures)
        pattern = speech.summaries(record, said)
        assert pattern
        for summary in alternatives(pattern):
            assert {figure.label for figure in check(summary, record)} <= RIGHT, summary
    assert count > 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_no_opening_or_conclusion_changes_what_a_figure_is(case: Case) -> None:
    record = frozen(case)
    known, prepared, others = facts.of(record), prepare(record), cycle(facts.of(record))
    texts = [f"{clause}." for fact in known for clause in fact.says]
    texts += [
        f"{fact.says[0]}, {conclusion}."
        for fact in known
        for conclusions in fact.means.values()
        for conclusion in conclusions
    ]
    leads = {
        lead.format(name="Market Context", about=fact.about) for lead in every_opening() for fact in known
    }
    texts += [f"{lead}{next(others).says[-1]}." for lead in sorted(leads)]
    for text in texts:
        figures = Checker(*prepared).text(text[:1].upper() + text[1:])
        assert figures, text
        assert {figure.label for figure in figures} <= RIGHT, text


def test_conclusions_that_no_case_draws_leave_a_figure_right() -> None:
    prepared = prepare(frozen(APPLE_2012))
    for table in (PRICES, SIGNALS, PEERS, BUSINESS, ECONOMY):
        for conclusion in chain.from_iterable(
            chain.from_iterable(wording.means.values()) for wording in table.values()
        ):
            text = f"Apple closed at $532.17, {conclusion.format(who='Apple', peer='IBM', other='dollar')}."
            assert [figure.label for figure in Checker(*prepared).text(text)] == [Label.MATCHED], text


def test_no_sentence_of_a_case_is_left_out() -> None:
    for record in map(frozen, CASES):
        said = {clause for fact in facts.of(record) for clause in fact.says}
        assert {clause for fact in Book(record).facts() for clause in fact.says} == said


def every_opening() -> Iterator[str]:
    yield from chain.from_iterable(chain.from_iterable(tones.values()) for tones in openings.FIRST.values())
    for leads in (
        openings.PLAIN, openings.SAME, openings.OTHER, openings.BESIDE, openings.AGAIN, openings.UNSPECIFIC,
        openings.ANSWERS, openings.NEXT, openings.RESTED, openings.OPPOSED,
    ):  # fmt: skip
        yield from leads


def alternatives(pattern: str) -> Iterator[str]:
    """A text for each place of an alternative in a summary's expression, each of which it matches."""
    groups = [
        [re.sub(r"\\(.)", r"\1", text) for text in re.split(r"(?<!\\)\|", group)]
        for group in re.findall(r"(?<!\\)\(((?:[^()\\]|\\.)*)\)", pattern)
    ]
    for place in range(max(map(len, groups))):
        lead, one, answer, other, end = (group[place % len(group)] for group in groups)
        text = f"{lead}{one}. {answer}{other}. {end}"
        assert re.fullmatch(pattern, text), text
        yield text


def test_speeches_of_a_debate_differ() -> None:
    said = [each.text for each in debate(frozen(APPLE_2012), APPLE_2012.question, Random(1))]
    sentences = [sentence for text in said for sentence in re.split(r"(?<=\.) ", text)]
    assert len(set(sentences)) == len(sentences)


def test_a_reply_names_the_last_fact_and_says_another() -> None:
    record = frozen(APPLE_2012)
    last = Spoken("market_context", "Market Context", "Apple gained 31.4% [E7] over twelve months.")
    grammar = speech.grammar(record, "risk_challenger", APPLE_2012.question, 2, [last])
    assert grammar
    assert '"Market Context makes much of the rise of the price, but "' in grammar
    assert 'Apple gained 31.4% [E7] over twelve months"' not in grammar


def test_an_opening_is_not_offered_again_while_there_are_others() -> None:
    said = [
        Spoken(
            "risk_challenger", "Risk Challenger", "Market Context makes much of the trend, but it is weak."
        ),
        Spoken("market_context", "Market Context", "Apple gained 31.4% [E7] over twelve months."),
    ]
    grammar = speech.grammar(frozen(APPLE_2012), "risk_challenger", APPLE_2012.question, 2, said)
    assert grammar
    assert "makes much of" not in grammar
    assert '"Market Context points to the rise of the price, and yet "' in grammar


def test_each_role_speaks_first_of_what_is_its_own() -> None:
    record = frozen(APPLE_2012)
    firsts = {
        agent.role: (speech.grammar(record, agent.role, "Buy?", 1, []) or "").split("first1 ::=")[0]
        for agent in FINANCIAL_DEBATE.speakers
    }
    assert re.search("FY2012|earnings", firsts["financial_analyst"])
    assert re.search("over|US|treasury", firsts["market_context"])
    assert re.search("volatility|drawdown|52-week|average", firsts["risk_challenger"])


def test_no_wording_says_a_stance_or_a_figure() -> None:
    words = [*CLOSINGS.values(), *LACKS.values()]
    for table in (PRICES, SIGNALS, PEERS, BUSINESS, ECONOMY):
        words += [
            clauses for wording in table.values() for clauses in (wording.says, *wording.means.values())
        ]
    prepared = prepare(frozen(APPLE_2012))
    for clause in (clause for clauses in words for clause in clauses):
        assert not re.search(r"\b(buy|sell|hold|avoid|recommend)\b", clause, re.IGNORECASE), clause
        assert not Checker(*prepared).text(f"{clause[:1].upper()}{clause[1:]}."), clause


def test_figures_of_a_persons_source_are_said_with_their_citation() -> None:
    content = "Revenue was $35.1 billion in FY2024. Gross margin was 74.6% in FY2024."
    record = freeze(None, datetime(2025, 1, 1, tzinfo=UTC), texts.found("report.pdf", content))
    grammar = speech.grammar(record, "financial_analyst", "Is it worth it?", 1, [])
    assert grammar
    for _ in range(20):
        figures = check(sample(grammar, Random(1)), record)
        assert [figure.label for figure in figures] == [Label.MATCHED, Label.MATCHED]


def test_figures_of_other_sources_are_said_of_what_they_are_about() -> None:
    known = datetime(2013, 2, 1, tzinfo=UTC)
    stated = [
        ("NFLX", "revenue", "FY2012", "3609282000", Unit.CURRENCY, "USD"),
        ("NFLX", "rnd", "FY2012", "329008000", Unit.CURRENCY, "USD"),
        ("NFLX", "total_assets", "2012-12-31", "3967890000", Unit.CURRENCY, "USD"),
        ("NFLX", "shares_outstanding", "FY2012", "58904000", Unit.COUNT, None),
        ("EA", "inflation", "2013-05", "1.4", Unit.PERCENT, None),
        ("US", "inflation", "2013-05", "1.36", Unit.PERCENT, None),
        ("EA", "policy_rate", "2013-06-28", "0.5", Unit.PERCENT, None),
        ("US", "yield_10y", "2013-06-28", "2.52", Unit.PERCENT, None),
    ]
    given = tuple(Known(*each[:3], Decimal(each[3]), *each[4:], "a source", "", "", known) for each in stated)
    netflix = Instrument(symbol="NFLX", name="Netflix", currency="USD")
    record = freeze(netflix, datetime(2013, 6, 30, tzinfo=UTC), (), Gathered(given))
    said = [clause for fact in facts.of(record) for clause in fact.says]
    assert any("R&D spending was $329.0 million" in clause for clause in said)
    assert any("total assets were" in clause for clause in said)
    for clause in said:
        assert {figure.label for figure in check(f"{clause[:1].upper()}{clause[1:]}.", record)} <= RIGHT, (
            clause
        )
    assert [clause for clause in said if "inflation" in clause and "US" not in clause] == []


def test_names_and_metrics_cannot_leave_their_literals() -> None:
    items = [
        {"id": "E1", "subject": "X", "metric": 'a" | [^x]*', "period": "2012", "value": "1.5", "unit": "ratio"},
        {"id": "E2", "subject": "X", "metric": "revenue", "period": 'FY2012"\n', "value": "120.5", "unit": "count",
         "source": "X", "quality": "user"},
    ]  # fmt: skip
    record = load(items)
    last = Spoken("market_context", 'Eve 9" | [^x]*\nSystem', "Buy.")
    grammar = speech.grammar(record, "risk_challenger", "?", 2, [last])
    assert grammar
    text = sample(grammar, Random(1))
    assert "Eve x System" in text
    assert [figure.label for figure in check(text, record)] == [Label.MATCHED]
    assert not any("[^x]" in clause for fact in facts.of(record) for clause in fact.says)


def test_a_record_without_facts_has_no_grammar() -> None:
    item = {
        "id": "E1",
        "subject": "X",
        "metric": "cpi",
        "period": "2012-11",
        "value": "230.2",
        "unit": "index",
    }
    assert speech.grammar(load([item]), "market_context", "?", 1, []) is None

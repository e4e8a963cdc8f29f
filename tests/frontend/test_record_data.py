"""What the page of a debate shows of its record beside the log."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.models import Conversation
from evidence import cases
from evidence.freezing.prices import WIKI
from tests.frontend.pages import page_data, text

pytestmark = pytest.mark.django_db

END_OF_2012 = datetime(2012, 12, 31, 23, 59, 59, tzinfo=UTC)


def apple(owner: User, **values: object) -> Conversation:
    given = {"topic": "Buy?", "instrument": "AAPL", "as_of": END_OF_2012, **values}
    return Conversation.objects.create(owner=owner, **given)


def test_prices_are_those_that_were_known_for_who_may_watch(client: Client, alice: User, bob: User) -> None:
    debate = apple(alice)
    client.force_login(alice)
    address = page_data(text(client.get(debate.get_absolute_url())), "debate")["pricesUrl"]
    found = client.get(address).json()
    assert found["source"] == WIKI
    assert (found["points"][0][0], found["points"][-1]) == ("2010-12-31", ["2012-12-31", 532.1729])
    client.force_login(bob)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("instrument", ["", "NVDA"])
def test_debate_whose_prices_the_library_lacks_has_no_chart(
    client: Client, alice: User, instrument: str
) -> None:
    debate = apple(alice, instrument=instrument)
    client.force_login(alice)
    page = page_data(text(client.get(debate.get_absolute_url())), "debate")
    assert (page["pricesUrl"], page["outcome"]) == (None, None)
    assert client.get(f"{debate.get_absolute_url()}prices/").status_code == 404


def test_case_from_history_tells_what_came_after_and_what_that_proves(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = page_data(text(client.get(apple(alice).get_absolute_url())), "debate")
    assert page["outcome"] == {
        "from": "2012-12-31",
        "to": "2013-03-01",
        "change": "-19.1",
        "note": cases.NOTE,
    }
    other_day = apple(alice, as_of=datetime(2012, 12, 28, 12, tzinfo=UTC))
    assert page_data(text(client.get(other_day.get_absolute_url())), "debate")["outcome"] is None


def test_every_case_has_an_outcome_but_the_newest() -> None:
    assert [case.label for case in cases.CASES if cases.outcome(case) is None] == ["The euro, October 2026"]
    assert all(cases.find(case.symbol, case.as_of) is case for case in cases.CASES)

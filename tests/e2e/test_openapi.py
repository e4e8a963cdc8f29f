"""The HTTP API, asked by what its own document says, rightly and wrongly: nothing of it breaks the server."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import Phase

from tests.e2e.programs import key_of
from tests.e2e.site import Site, running

if TYPE_CHECKING:
    from tests.e2e.described import Described

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its debates are demos that are over in a moment; nobody asks too often."""
    rates = ("OUTCRY_START_RATE", "OUTCRY_CONTROL_RATE", "OUTCRY_ESTIMATE_RATE", "OUTCRY_READ_RATE")
    often = dict.fromkeys(rates, "1000000/minute")
    quick = {"OUTCRY_PROVIDERS": "demo", "OUTCRY_DEMO_TOKENS_PER_SECOND": "5000"}
    with running(tmp_path_factory.mktemp("openapi"), {**quick, **often}) as site:
        yield site


@pytest.fixture(scope="module")
def key(site: Site) -> str:
    """A key that may do everything."""
    return key_of(site, "watch", "start", "control")


@pytest.fixture(scope="module")
def finished(site: Site, key: str) -> str:
    """The id of a debate that is over."""
    with httpx.stream(
        "POST",
        f"{site.url}/api/conversations/stream",
        json={"topic": "Buy?", "rounds": 1},
        headers={"Authorization": f"Bearer {key}"},
    ) as answer:
        answer.read()
    return answer.headers["x-outcry-conversation"]


@pytest.fixture(scope="module")
def described(site: Site, key: str) -> "Described":
    # Imported here: schemathesis takes a second, and every process of pytest imports this file.
    from tests.e2e.described import Described

    return Described(site, key)


def test_no_request_breaks_the_server(described: "Described", subtests: pytest.Subtests) -> None:
    trials = 0
    for operation, trial in described.trials(Phase.explicit, Phase.generate):
        with subtests.test(operation):
            trial()
        trials += 1
    assert trials > 20


def test_no_request_about_a_debate_breaks_the_server(
    described: "Described", finished: str, subtests: pytest.Subtests
) -> None:
    trials = 0
    for operation, trial in described.trials(
        Phase.generate, within="conversations/{conversation}", conversation=finished
    ):
        with subtests.test(operation):
            trial()
        trials += 1
    assert trials > 5


RUN = {"threadId": "t", "runId": "r", "state": {}, "tools": [], "context": []}
CHAT = {"model": "outcry-financial-debate", "messages": [{"role": "user", "content": "Buy?"}]}
ANSWERED = [
    ("/api/conversations/stream", "POST", {"topic": "Buy?", "rounds": 1}),
    ("/api/v1/chat/completions", "POST", CHAT),
    ("/api/v1/chat/completions", "POST", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
    ("/ag-ui/", "POST", {**RUN, "messages": [{"id": "u", "role": "user", "content": "Buy?"}]}),
]


@pytest.mark.parametrize(("address", "method", "body"), ANSWERED)
def test_a_debates_every_event_is_as_the_document_says(
    described: "Described", address: str, method: str, body: Any
) -> None:
    described.ask(address, method, body)

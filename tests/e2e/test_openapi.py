"""The HTTP API, asked by what its own document says, rightly and wrongly: nothing of it breaks the server."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from ninja.responses import NinjaJSONEncoder
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from config.api import api
from tests.e2e.programs import key_of
from tests.e2e.site import Site, running

pytestmark = pytest.mark.e2e

document = schemathesis.openapi.from_dict(
    json.loads(json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder))
)


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


def is_described(context: Any, response: Any, case: Any) -> bool | None:
    """The status is in the document, and so is the type of what is answered; of the doors, which are our own words."""
    if case.operation.definition.raw["operationId"].startswith("doors_"):
        checks.status_code_conformance(context, response, case)
        checks.content_type_conformance(context, response, case)
    return None


@document.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_server(case: Any, site: Site, key: str) -> None:
    case.call_and_validate(
        base_url=site.url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
        checks=[not_a_server_error, checks.response_schema_conformance, is_described],
    )


@document.include(path_regex="conversations/{conversation}").parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_about_a_debate_breaks_the_server(case: Any, site: Site, key: str, finished: str) -> None:
    case.path_parameters["conversation"] = finished
    case.call_and_validate(
        base_url=site.url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
        checks=[not_a_server_error, checks.response_schema_conformance, is_described],
    )


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
    site: Site, key: str, address: str, method: str, body: Any
) -> None:
    case = document[address][method].Case(body=body, media_type="application/json")
    answer = case.call(base_url=site.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert answer.status_code == 200
    case.validate_response(answer, checks=[checks.response_schema_conformance, is_described])

"""The HTTP API, asked by what its own document says, rightly and wrongly: nothing of it breaks the server."""

import http.cookiejar
import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from ninja.responses import NinjaJSONEncoder
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from config.api import api
from tests.e2e.programs import signed_in
from tests.e2e.site import Site, running

pytestmark = pytest.mark.e2e

document = schemathesis.openapi.from_dict(
    json.loads(json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder))
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its debates are demos that are over in a moment; nobody asks too often."""
    often = {"OUTCRY_START_RATE": "100000/minute", "OUTCRY_CONTROL_RATE": "100000/minute"}
    quick = {"OUTCRY_PROVIDERS": "demo", "OUTCRY_DEMO_TOKENS_PER_SECOND": "5000"}
    with running(tmp_path_factory.mktemp("openapi"), {**quick, **often}) as site:
        yield site


@pytest.fixture(scope="module")
def key(site: Site) -> str:
    """A key that may do everything."""
    cookies = signed_in(site)
    token = re.search(r"csrftoken=([^;]+)", cookies)
    assert token is not None
    body = {"name": "schemathesis", "scopes": ["watch", "start", "control"]}
    request = urllib.request.Request(
        f"{site.url}/api/keys/",
        json.dumps(body).encode(),
        {"Cookie": cookies, "X-CSRFToken": token[1], "Origin": site.url, "Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open(
        request
    ) as answer:
        made: str = json.load(answer)["key"]
    return made


@document.parametrize()
@settings(
    max_examples=8,
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
        checks=[not_a_server_error, checks.response_schema_conformance],
    )

"""Requests made from the API's own document, by schemathesis."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from ninja.responses import NinjaJSONEncoder
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi import checks

from config.api import api
from tests.e2e.site import Site

TIMEOUT_SECONDS = 30
# For each operation, evenly from all that schemathesis makes: over 1,000 for a long body.
MAX_CASES = 20
# Where hypothesis keeps the cases that are not drawn.
EXPLICIT = "hypothesis_explicit_examples"


class Described:
    """What the document describes, asked of a site."""

    def __init__(self, site: Site, key: str) -> None:
        self._schema = schemathesis.openapi.from_dict(
            json.loads(json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder))
        )
        self._to: dict[str, Any] = {
            "base_url": site.url,
            "headers": {"Authorization": f"Bearer {key}"},
            "timeout": TIMEOUT_SECONDS,
        }

    def trials(
        self, *phases: Phase, within: str = "", **path: str
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        """For each operation whose address contains `within`: its name, and a function that tries right and wrong
        requests. `path` are parameters of the address."""

        @settings(
            max_examples=5,
            deadline=None,
            derandomize=True,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        )
        def is_answered(case: Any) -> None:
            case.path_parameters.update(path)
            case.call_and_validate(
                **self._to, checks=[not_a_server_error, checks.response_schema_conformance, is_described]
            )

        for found in self._schema.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]  # or it fails here
            if within in operation.path:
                trial = build_operation_test(
                    config=self._schema.config,
                    operation=operation,
                    test_func=is_answered,
                    given_kwargs={},
                    feedback=FeedbackSources(),
                )
                cases = getattr(trial, EXPLICIT, [])
                setattr(trial, EXPLICIT, cases[:: len(cases) // MAX_CASES + 1])
                yield operation.label, trial

    def ask(self, address: str, method: str, body: Any) -> None:
        """Send this body, and check that the answer is as the document says."""
        case = self._schema[address][method].Case(body=body, media_type="application/json")
        answer = case.call(**self._to)
        assert answer.status_code == 200
        case.validate_response(answer, checks=[checks.response_schema_conformance, is_described])


def is_described(context: Any, response: Any, case: Any) -> bool | None:
    """The status is in the document, and so is the type of what is answered; of the doors, which are our own words."""
    if case.operation.definition.raw["operationId"].startswith("doors_"):
        checks.status_code_conformance(context, response, case)
        checks.content_type_conformance(context, response, case)
    return None

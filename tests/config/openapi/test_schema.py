"""The OpenAPI document has every streaming endpoint that is on, at its address, by the models that it parses."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ag_ui.core import RunAgentInput
from ninja.responses import NinjaJSONEncoder
from pytest_django import Settings

from config.api import api
from config.env.transports import TRANSPORTS
from config.openapi.schema import DESCRIBED_ELSEWHERE
from config.openapi.streaming_endpoints import OPERATIONS
from conversations.domain.requests import NewConversation
from streaming import routing
from streaming.transports.openai import request
from streaming.transports.openai.request import ChatRequest, CompletionRequest
from tests.support.chat_parameters import IGNORED, REFUSED


def document() -> Any:
    return json.loads(json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder))


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    if isinstance(part, list):
        for value in part:
            yield from references(value)


def addresses() -> list[str]:
    return [
        route.path_format
        for route in routing.endpoint_routes()
        if type(route.endpoint).__name__ not in DESCRIBED_ELSEWHERE
    ]


def test_document_has_every_endpoint_with_its_methods() -> None:
    endpoints: list[tuple[str, Any]] = [
        (route.path_format, route.endpoint) for route in routing.endpoint_routes()
    ]
    names = {type(endpoint).__name__ for _, endpoint in endpoints}
    assert names == OPERATIONS.keys() | DESCRIBED_ELSEWHERE.keys()
    paths = document()["paths"]
    for path, endpoint in endpoints:
        if type(endpoint).__name__ not in DESCRIBED_ELSEWHERE:
            assert paths[path].keys() == {method.lower() for method in {*endpoint.methods} - {"HEAD"}}


def test_endpoints_have_their_documented_addresses() -> None:
    assert addresses() == [
        "/api/conversations/stream",
        "/api/conversations/{conversation}/stream",
        "/api/v1/chat/completions",
        "/api/v1/models",
        "/api/v1/models/{model}",
        "/ag-ui/",
        "/.well-known/agent-card.json",
    ]


def test_moved_endpoint_is_described_at_its_new_address(settings: Settings) -> None:
    settings.OUTCRY_OPENAI_PATH = "open-ai/v1.0/"
    settings.OUTCRY_CORS_ORIGINS = ["https://app.example"]
    paths = document()["paths"]
    assert "/open-ai/v1.0/chat/completions" in paths
    assert "/api/v1/chat/completions" not in paths


@pytest.mark.parametrize("off", [name for name in TRANSPORTS if name != "websocket"])
def test_endpoints_of_a_transport_that_is_off_are_left_out(settings: Settings, off: str) -> None:
    before = addresses()
    settings.OUTCRY_TRANSPORTS = [name for name in TRANSPORTS if name != off]
    gone = set(before) - set(addresses())
    assert gone
    assert gone.isdisjoint(document()["paths"])


def test_references_resolve_and_operation_ids_are_unique() -> None:
    told = document()
    known = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert set(references(told)) <= known
    names = [operation["operationId"] for path in told["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_bodies_are_described_by_the_models_that_parse_them() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["NewConversation"]["properties"].keys() == NewConversation.model_fields.keys()
    aliases = {field.alias or name for name, field in RunAgentInput.model_fields.items()}
    assert schemas["AgUiRunAgentInput"]["properties"].keys() == aliases
    asked = schemas["ChatRequest"]
    assert asked["properties"].keys() == ChatRequest.model_fields.keys()
    assert asked["required"] == ["model", "messages"]


def test_request_with_every_documented_parameter_is_parsed() -> None:
    asked = {
        "model": next(iter(request.MODELS)),
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Buy?"}]}],
        "metadata": {"rounds": "1", "content_type": "news", "cancel_on_disconnect": "true", "mine": "x"},
        "stream": True,
        "stream_options": {"include_usage": True},
        **dict.fromkeys(IGNORED, 1),
        **{name: values[0] for name, values in REFUSED.items() if values},
    }
    completion = request.parse(asked)
    assert isinstance(completion, CompletionRequest)
    assert completion.new.topic == "Buy?"


def test_every_endpoint_but_the_card_needs_a_key_or_session() -> None:
    told = document()
    schemes: list[dict[str, list[str]]] = [{name: []} for name in told["components"]["securitySchemes"]]
    assert [list(scheme) for scheme in schemes] == [["BearerKey"], ["HeaderKey"], ["Session"]]
    security = {address: next(iter(told["paths"][address].values()))["security"] for address in addresses()}
    assert security.pop("/.well-known/agent-card.json") == []
    assert all(needed == schemes for needed in security.values())

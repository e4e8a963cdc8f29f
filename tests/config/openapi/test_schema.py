"""The OpenAPI document tells of every door that is on, where it is, in the types that the door reads by."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ag_ui.core import RunAgentInput
from ninja.responses import NinjaJSONEncoder
from pytest_django import Settings

from config.api import api
from config.env.transports import TRANSPORTS
from config.openapi import chat_schema
from config.openapi.schema import ELSEWHERE, template_of
from config.openapi.streaming_endpoints import DESCRIBED
from conversations.domain.requests import NewConversation
from streaming import routing
from streaming.transports.openai import request
from streaming.transports.openai.request import HONOURED, IGNORED, REFUSED


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
    return [template_of(address) for address, door in routing.doors() if type(door).__name__ not in ELSEWHERE]


def test_every_door_is_in_the_document_with_its_methods() -> None:
    assert {type(door).__name__ for _, door in routing.doors()} == DESCRIBED.keys() | ELSEWHERE.keys()
    paths = document()["paths"]
    for address, door in routing.doors():
        if type(door).__name__ not in ELSEWHERE:
            methods = {method.lower() for method in door.methods - {"HEAD"}}
            assert paths[template_of(address)].keys() == methods


def test_the_doors_are_where_clients_look_for_them() -> None:
    assert addresses() == [
        "/api/conversations/stream",
        "/api/conversations/{conversation}/stream",
        "/api/v1/chat/completions",
        "/api/v1/models",
        "/api/v1/models/{model}",
        "/ag-ui/",
        "/.well-known/agent-card.json",
    ]


def test_a_door_that_was_moved_is_told_where_it_is(settings: Settings) -> None:
    settings.OUTCRY_OPENAI_PATH = "open-ai/v1.0/"
    settings.OUTCRY_CORS_ORIGINS = ["https://app.example"]
    paths = document()["paths"]
    assert "/open-ai/v1.0/chat/completions" in paths
    assert "/api/v1/chat/completions" not in paths


@pytest.mark.parametrize("off", [name for name in TRANSPORTS if name != "websocket"])
def test_a_door_that_is_off_is_not_in_it(settings: Settings, off: str) -> None:
    before = addresses()
    settings.OUTCRY_TRANSPORTS = [name for name in TRANSPORTS if name != off]
    gone = set(before) - set(addresses())
    assert gone
    assert gone.isdisjoint(document()["paths"])


def test_every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() -> None:
    told = document()
    known = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert set(references(told)) <= known
    names = [operation["operationId"] for path in told["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_bodies_are_of_the_types_that_the_doors_read() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["NewConversation"]["properties"].keys() == NewConversation.model_fields.keys()
    aliases = {field.alias or name for name, field in RunAgentInput.model_fields.items()}
    assert schemas["AgUiRunAgentInput"]["properties"].keys() == aliases
    asked = schemas["ChatRequest"]
    assert asked["properties"].keys() == HONOURED | IGNORED | REFUSED.keys()
    assert asked["required"] == ["model", "messages"]


def test_a_request_by_the_document_is_taken_by_the_door() -> None:
    asked = {
        "model": next(iter(request.MODELS)),
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Buy?"}]}],
        "metadata": {"rounds": "1", "content_type": "news", "cancel_on_disconnect": "true", "mine": "x"},
        "stream": True,
        "stream_options": {"include_usage": True},
        **dict.fromkeys(IGNORED, 1),
        **{name: values[0] for name, values in REFUSED.items() if values},
    }
    chat_schema.ChatRequest.model_validate(asked)
    assert request.read(asked).new.topic == "Buy?"


def test_keys_and_sessions_open_what_is_not_for_everybody() -> None:
    told = document()
    schemes: list[dict[str, list[str]]] = [{name: []} for name in told["components"]["securitySchemes"]]
    assert [list(scheme) for scheme in schemes] == [["BearerKey"], ["HeaderKey"], ["Session"]]
    security = {address: next(iter(told["paths"][address].values()))["security"] for address in addresses()}
    assert security.pop("/.well-known/agent-card.json") == []
    assert all(needed == schemes for needed in security.values())

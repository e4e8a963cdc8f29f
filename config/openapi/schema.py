"""The OpenAPI document: what django-ninja describes, and the streaming endpoints that are on, at their addresses.

An endpoint's address and methods are read from its route, its bodies from the models that it parses and builds. A2A's
methods are left to the protocol's own specification.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

# By class name, so that A2A's types are not loaded while it is disabled.
DESCRIBED_ELSEWHERE: Final[Mapping[str, str]] = {
    "CallRpc": "JSON-RPC has one address for all methods, which A2A's specification describes.",
    "NoResponses": "It is always answered with 404, and the address to use instead.",
    "CallRest": "A2A's specification describes its addresses; the agent's card says where they are.",
}


class DescribedAPI(NinjaAPI):
    """A NinjaAPI whose document also has the streaming endpoints."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        # Imported here so that management commands do not load the transports.
        from config.openapi import streaming_endpoints
        from streaming import routing

        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        components = document["components"]
        # A model that both documents have is the same, so Django's is kept.
        components["schemas"] = streaming_endpoints.schemas() | components["schemas"]
        secured: list[dict[str, list[str]]] = [{name: []} for name in components["securitySchemes"]]
        for route in routing.endpoint_routes():
            endpoint: Any = route.endpoint
            name = type(endpoint).__name__
            if name in DESCRIBED_ELSEWHERE:
                continue
            operation = {"parameters": [], "security": secured, **streaming_endpoints.OPERATIONS[name]}
            operation["parameters"] = _path_parameters(route.path_format) + operation["parameters"]
            # OpenAPI describes HEAD only if it differs from GET.
            for method in {*endpoint.methods} - {"HEAD"}:
                document["paths"].setdefault(route.path_format, {})[method.lower()] = operation
        return document


def _path_parameters(path: str) -> list[dict[str, Any]]:
    kinds = {"conversation": {"type": "string", "format": "uuid"}}
    return [
        {"in": "path", "name": name, "required": True, "schema": kinds.get(name, {"type": "string"})}
        for name in re.findall(r"{(\w+)}", path)
    ]

"""The OpenAPI document: what django-ninja answers, and the doors beside it, as they are switched on and addressed.

Where a door is and what methods it takes is the door's own word; what it reads is described by the types and tables it
reads by. A2A's calls are left to the protocol's own specification.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from config.openapi.streaming_endpoints import DESCRIBED
from streaming import routing

# By the names of their classes, for A2A's types are not to be loaded where it is off.
ELSEWHERE: Final[Mapping[str, str]] = {
    "Rpc": "JSON-RPC has one address for all calls, which A2A's specification describes.",
    "Rest": "A2A's specification describes its addresses; the agent's card says where they are.",
}


class DescribedAPI(NinjaAPI):
    """An API whose document tells of the doors, too."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        add_doors(document)
        return document


def add_doors(document: dict[str, Any]) -> None:
    """Add every door that is on, with the schemas it speaks of."""
    schemas = document["components"]["schemas"]
    secured: list[dict[str, list[str]]] = [{name: []} for name in document["components"]["securitySchemes"]]
    for address, door in routing.doors():
        name = type(door).__name__
        if name in ELSEWHERE:
            continue
        operation = DESCRIBED[name](schemas)
        if "security" not in operation:
            operation["security"] = secured
        template = template_of(address)
        operation["parameters"] = [*_path_parameters(template), *operation.get("parameters", ())]
        # A HEAD is a GET without a body.
        for method in sorted(door.methods - {"HEAD"}):
            at = document["paths"].setdefault(template, {})
            at[method.lower()] = {"operationId": f"doors_{name.lower()}", **operation}


def template_of(address: str) -> str:
    """The door's address, a regular expression, as OpenAPI writes one."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", address))


def _path_parameters(template: str) -> list[dict[str, Any]]:
    kinds = {"conversation": {"type": "string", "format": "uuid"}}
    return [
        {"in": "path", "name": name, "required": True, "schema": kinds.get(name, {"type": "string"})}
        for name in re.findall(r"{(\w+)}", template)
    ]

"""The JSON API of panels that people compose."""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.http import JsonResponse
from ninja import Router, Schema
from ninja import Status as ApiStatus
from pydantic import Field

from conversations.access import rate_limits
from conversations.api.authentication import AuthenticatedRequest, needs
from conversations.api.errors import Invalid, Refusal
from conversations.domain.composed_panels import ComposedPanel
from conversations.domain.errors import InvalidInput
from conversations.infrastructure import database
from conversations.services import panels

router = Router(tags=["panels"])


class AgentSummary(Schema):
    """`color` is null by its place, `model` for the site's order of preference."""

    name: str
    color: int | None
    role: str
    model: str | None


class PanelSummary(Schema):
    """`version` is the newest one."""

    id: UUID
    name: str
    description: str
    version: int
    rounds: int
    agents: list[AgentSummary]
    has_judge: bool
    created_at: datetime
    changed_at: datetime


class VersionOut(Schema):
    version: int
    created_at: datetime


class PanelOut(Schema):
    """`panel` is what `version` has; there is a newer one if `newest_version` is higher. `versions` are all, newest
    first."""

    id: UUID
    version: int
    newest_version: int
    created_at: datetime
    changed_at: datetime
    panel: ComposedPanel
    versions: list[VersionOut]


class Template(Schema):
    slug: str
    panel: ComposedPanel


class ToolOut(Schema):
    name: str
    description: str


class Options(Schema):
    """`models` are the labels that an agent may name; one that names none speaks with the `default_model`, as long as
    that answers."""

    models: list[str]
    default_model: str
    tools: list[ToolOut]
    limits: dict[str, int]


# The body is validated as a whole, with what only the site and the person know, so that all errors come at once.
_BODY: Final[Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ComposedPanel"}}},
    }
}
_CHANGED: Final[Any] = {403: Refusal, 422: Invalid, 429: Refusal}


@router.get(
    "/",
    auth=needs("watch"),
    response={200: list[PanelSummary], 403: Refusal, 429: Refusal},
    summary="Your panels",
)
async def list_own(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    return await database.call(panels.listed, request.auth)


@router.post(
    "/",
    auth=needs("start"),
    response={201: PanelOut, **_CHANGED},
    summary="Compose or import a panel",
    openapi_extra=_BODY,
)
async def create(request: AuthenticatedRequest) -> ApiStatus[dict[str, Any]]:
    """An exported panel is imported as it is. Every broken rule is named in `errors`; `field` is a path, such as
    `agents.0.name`."""
    await rate_limits.control(str(request.auth.pk))
    created = await database.call(_create, request.auth, _json(request), timeout=database.REQUEST_SECONDS)
    return ApiStatus(201, created)


@router.post(
    "/check",
    auth=needs("start"),
    response={204: None, **_CHANGED},
    summary="Check a panel without storing it",
    openapi_extra=_BODY,
)
async def check(request: AuthenticatedRequest) -> ApiStatus[None]:
    await rate_limits.query(str(request.auth.pk))
    await database.call(panels.check, request.auth, _json(request))
    return ApiStatus(204, None)


@router.get(
    "/options/",
    auth=needs("watch"),
    response={200: Options, 403: Refusal, 429: Refusal},
    summary="Models, tools and limits of panels",
)
async def options(request: AuthenticatedRequest) -> dict[str, Any]:
    return panels.options()


@router.get(
    "/templates/",
    auth=needs("watch"),
    response={200: list[Template], 403: Refusal, 429: Refusal},
    summary="Panels to begin with",
)
async def templates(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    return panels.templates()


FOUND: Any = {200: PanelOut, 403: Refusal, 404: Refusal, 429: Refusal}


@router.get("/{uuid:panel}/", auth=needs("watch"), response=FOUND, summary="The newest version of a panel")
async def detail(request: AuthenticatedRequest, panel: UUID) -> dict[str, Any]:
    return await database.call(_detail, request.auth, panel)


@router.get(
    "/{uuid:panel}/versions/{int:version}/",
    auth=needs("watch"),
    response=FOUND,
    summary="A version of a panel",
)
async def version(request: AuthenticatedRequest, panel: UUID, version: int) -> dict[str, Any]:
    return await database.call(_detail, request.auth, panel, version)


@router.put(
    "/{uuid:panel}/",
    auth=needs("start"),
    response={200: PanelOut, 404: Refusal, 409: Refusal, **_CHANGED},
    summary="Change a panel, as a new version",
    openapi_extra=_BODY,
)
async def change(
    request: AuthenticatedRequest,
    panel: UUID,
    version: Annotated[int | None, Field(ge=1, description="The version that was edited.")] = None,
) -> dict[str, Any]:
    """Debates that were started before go on with the version that they have. With `version`, the change is refused
    with the code `outdated` (409) if there is a newer one. If nothing has changed, there is no new version."""
    await rate_limits.control(str(request.auth.pk))
    body = _json(request)
    return await database.call(_change, request.auth, panel, body, version, timeout=database.REQUEST_SECONDS)


@router.delete(
    "/{uuid:panel}/",
    auth=needs("start"),
    response={204: None, 403: Refusal, 404: Refusal, 409: Refusal, 429: Refusal},
    summary="Delete a panel",
    description="Debates keep the versions that they were started with.",
)
async def delete(request: AuthenticatedRequest, panel: UUID) -> ApiStatus[None]:
    await rate_limits.control(str(request.auth.pk))
    await database.call(panels.delete, request.auth, panel, timeout=database.REQUEST_SECONDS)
    return ApiStatus(204, None)


@router.get(
    "/{uuid:panel}/export",
    auth=needs("watch"),
    response={200: ComposedPanel, 403: Refusal, 404: Refusal, 429: Refusal},
    summary="A panel as a file, to be imported elsewhere",
)
async def export(request: AuthenticatedRequest, panel: UUID) -> Any:
    found = await database.call(panels.owned, request.auth, panel)
    answer = JsonResponse(found.content, json_dumps_params={"ensure_ascii": False, "indent": 2})
    name = re.sub(r"[^A-Za-z0-9]+", "-", found.content["name"]).strip("-").lower() or "panel"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.outcry-panel.json"'
    return answer


def _json(request: AuthenticatedRequest) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidInput.of("body", "json", "The body must be one JSON object.") from None


def _create(user: AbstractUser, values: Any) -> dict[str, Any]:
    return panels.detail(panels.create(user, values))


def _change(user: AbstractUser, panel: UUID, values: Any, edited: int | None) -> dict[str, Any]:
    return panels.detail(panels.change(user, panel, values, edited))


def _detail(user: AbstractUser, panel: UUID, number: int | None = None) -> dict[str, Any]:
    return panels.detail(panels.owned(user, panel, number))

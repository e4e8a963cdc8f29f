"""The HTTP API of API keys. A key does not reach it: whoever finds one cannot make themselves another."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Schema
from ninja import Status as Answer

from conversations.access import api_keys as keys
from conversations.access import rate_limits
from conversations.api.authentication import SignedIn, session_only
from conversations.api.debates import Invalid, Refusal
from conversations.domain.requests import NewKey
from conversations.infrastructure import database
from conversations.models import ApiKey

router = Router(tags=["keys"], auth=session_only())


class KeyOut(Schema):
    """`prefix` is how the key begins; `last_used_at` is exact to the minute, and null before its first use."""

    id: UUID
    prefix: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Keys(Schema):
    keys: list[KeyOut]


class NewKeyOut(KeyOut):
    """`key` is told this once."""

    key: str


MADE: Any = {201: NewKeyOut, 403: Refusal, 422: Invalid, 429: Refusal}
ROTATED: Any = {201: NewKeyOut, 403: Refusal, 404: Refusal, 409: Refusal, 429: Refusal}
REVOKED: Any = {204: None, 403: Refusal, 404: Refusal}


@router.get("/", response={200: Keys, 403: Refusal}, summary="List your API keys, newest first")
async def list_own(request: SignedIn) -> dict[str, Any]:
    return {"keys": await database.call(lambda: [shown(key) for key in keys.listed(request.auth)])}


@router.post("/", response=MADE, summary="Make an API key")
async def create(request: SignedIn, new: NewKey, response: HttpResponse) -> Answer[dict[str, Any]]:
    await rate_limits.control(str(request.auth.pk))
    return _told_once(response, *await database.call(keys.create, request.auth, new))


@router.post("/{uuid:key}/rotate", response=ROTATED, summary="Give an API key a new secret")
async def rotate(request: SignedIn, key: UUID, response: HttpResponse) -> Answer[dict[str, Any]]:
    """The old secret opens nothing from now on."""
    await rate_limits.control(str(request.auth.pk))
    return _told_once(response, *await database.call(keys.rotate, request.auth, key))


@router.delete("/{uuid:key}/", response=REVOKED, summary="Revoke an API key")
async def revoke(request: SignedIn, key: UUID) -> Answer[None]:
    """Whatever was opened with it is closed within five seconds."""
    await database.call(keys.revoke, request.auth, key)
    return Answer(204, None)


def shown(key: ApiKey) -> dict[str, Any]:
    """Everything about a key but the key."""
    return {name: getattr(key, name) for name in KeyOut.model_fields}


def _told_once(response: HttpResponse, key: ApiKey, text: str) -> Answer[dict[str, Any]]:
    response.headers["Cache-Control"] = "no-store"
    return Answer(201, {**shown(key), "key": text})

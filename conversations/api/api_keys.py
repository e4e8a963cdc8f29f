"""The JSON API of API keys. It takes a session only, so that a stolen key cannot be used to make another one; and a
session makes a secret only after its user has confirmed who they are, so that a stolen session cannot do it either."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections
from django.http import HttpResponse
from ninja import Router, Schema, Status

from conversations.access import api_keys as keys
from conversations.access import rate_limits, reauthentication
from conversations.api.authentication import AuthenticatedRequest, session_only
from conversations.api.errors import Invalid, Refusal
from conversations.domain.requests import NewKey
from conversations.infrastructure import database
from conversations.models import ApiKey

router = Router(tags=["keys"], auth=session_only())


class KeyOut(Schema):
    """`prefix` is the beginning of the key; `last_used_at` is exact to the minute, and null before its first use."""

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
    """`key` is the key itself, which only this response has."""

    key: str


CREATED: Any = {201: NewKeyOut, 403: Refusal, 422: Invalid, 429: Refusal}
ROTATED: Any = {201: NewKeyOut, 403: Refusal, 404: Refusal, 409: Refusal, 429: Refusal}
REVOKED: Any = {204: None, 403: Refusal, 404: Refusal}


@router.get("/", response={200: Keys, 403: Refusal, 429: Refusal}, summary="List your API keys, newest first")
async def list_own(request: AuthenticatedRequest) -> dict[str, Any]:
    return {"keys": await database.call(lambda: [shown(key) for key in keys.listed(request.auth)])}


@router.post("/", response=CREATED, summary="Create an API key")
async def create(
    request: AuthenticatedRequest, new: NewKey, response: HttpResponse
) -> Status[dict[str, Any]]:
    await rate_limits.control(str(request.auth.pk))
    await database.call(reauthentication.require_for_program, request)
    return await _with_secret(response, *await database.call(keys.create, request.auth, new))


@router.post("/{uuid:key}/rotate", response=ROTATED, summary="Give an API key a new secret")
async def rotate(request: AuthenticatedRequest, key: UUID, response: HttpResponse) -> Status[dict[str, Any]]:
    """The old secret is invalid from now on."""
    await rate_limits.control(str(request.auth.pk))
    await database.call(reauthentication.require_for_program, request)
    return await _with_secret(response, *await database.call(keys.rotate, request.auth, key))


@router.delete("/{uuid:key}/", response=REVOKED, summary="Revoke an API key")
async def revoke(request: AuthenticatedRequest, key: UUID) -> Status[None]:
    """Connections that it opened are closed within five seconds."""
    await database.call(keys.revoke, request.auth, key)
    return Status(204, None)


def shown(key: ApiKey) -> dict[str, Any]:
    """The key's fields, without its secret."""
    fields = {name: getattr(key, name) for name in KeyOut.model_fields}
    return {**fields, "expires_at": key.ends_at}


async def _with_secret(response: HttpResponse, key: ApiKey, text: str) -> Status[dict[str, Any]]:
    await asyncio.to_thread(_announce, key)
    response.headers["Cache-Control"] = "no-store"
    return Status(201, {**shown(key), "key": text})


def _announce(key: ApiKey) -> None:
    try:
        keys.announce(key)
    finally:
        # Of the thread, which does something else next.
        connections.close_all()

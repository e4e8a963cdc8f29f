"""Panels that people compose: made, changed as new versions, deleted, and chosen for a debate. In a thread."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from conversations.access.permissions import AnyUser
from conversations.domain import composed_panels
from conversations.domain.composed_panels import Known
from conversations.domain.errors import InvalidInput, LimitReached, NotFound, Outdated
from conversations.domain.panel_templates import TEMPLATES
from conversations.domain.panels import TOOLS
from conversations.domain.requests import MAX_ROUNDS
from conversations.infrastructure import database
from conversations.models import ComposedPanel, Conversation, PanelVersion, Preferences
from conversations.models.panels import PanelQuerySet
from conversations.privacy import deletion, holds
from conversations.providers import catalog

# Of a person.
MAX_PANELS: Final = 50
# Of a panel.
MAX_VERSIONS: Final = 500
NO_SUCH_PANEL: Final = "There is no such panel."

Row = dict[str, Any]


def options() -> Row:
    """What a panel may name, and its limits."""
    return {
        "models": _models(),
        "default_model": catalog.configured()[0].label,
        "tools": [{"name": name, "description": sentence} for name, sentence in TOOLS.items()],
        "limits": {
            "panels": MAX_PANELS,
            "agents": composed_panels.MAX_AGENTS,
            "rounds": MAX_ROUNDS,
            "name": composed_panels.MAX_NAME,
            "description": composed_panels.MAX_DESCRIPTION,
            "agent_name": composed_panels.MAX_AGENT_NAME,
            "role": composed_panels.MAX_ROLE,
            "instructions": composed_panels.MAX_INSTRUCTIONS,
            "temperature": composed_panels.MAX_TEMPERATURE,
            "colors": composed_panels.COLORS,
        },
    }


def templates() -> list[Row]:
    """Panels to begin with, each with all of its fields."""
    known = Known(models=(), people=())
    return [
        {"slug": slug, "panel": composed_panels.parse(values, known).model_dump(mode="json")}
        for slug, values in TEMPLATES.items()
    ]


def listed(owner: AnyUser) -> list[Row]:
    """The owner's panels, the one that was changed last first, without what their agents are told."""
    found = PanelVersion.objects.select_related("panel").filter(
        panel__in=_own(owner), number=F("panel__version")
    )
    return [summary(version) for version in found.order_by("-panel__changed_at", "-panel_id")]


def owned(owner: AnyUser, panel: UUID, number: int | None = None) -> PanelVersion:
    """A version of the owner's panel; None: the newest. Raises NotFound."""
    found = _own(owner).filter(pk=panel).first()
    version = None if found is None else found.versions.filter(number=number or found.version).first()
    if version is None:
        raise NotFound(NO_SUCH_PANEL)
    return version


def detail(version: PanelVersion) -> Row:
    """A version, and which others there are, newest first."""
    panel = version.panel
    return {
        "id": panel.pk,
        "version": version.number,
        "newest_version": panel.version,
        "created_at": panel.created_at,
        "changed_at": panel.changed_at,
        "panel": version.content,
        "versions": [
            {"version": number, "created_at": created_at}
            for number, created_at in panel.versions.values_list("number", "created_at")
        ],
    }


def check(owner: AbstractUser, values: Any) -> Row:
    """The panel in its stored form. Raises InvalidInput with all broken rules."""
    chosen = Preferences.objects.filter(person=owner.pk).values_list("display_name", flat=True)
    people = [name for name in (owner.get_username(), owner.get_full_name(), *chosen) if name]
    known = Known(models=_models(), people=people)
    return composed_panels.parse(values, known).model_dump(mode="json")


def create(owner: AbstractUser, values: Any) -> PanelVersion:
    """Store a panel as version 1. Raises InvalidInput and LimitReached."""
    content = check(owner, values)
    with database.writing(), transaction.atomic():
        # One after the other, so that the limit holds.
        list(get_user_model().objects.select_for_update(no_key=True).filter(pk=owner.pk).values_list("pk"))
        if _own(owner).count() >= MAX_PANELS:
            raise LimitReached(f"You have {MAX_PANELS} panels (the maximum). Delete one first.")
        panel = ComposedPanel.objects.create(owner_id=owner.pk, name=content["name"])
        return PanelVersion.objects.create(panel=panel, number=1, content=content)


def change(owner: AbstractUser, panel: UUID, values: Any, edited: int | None) -> PanelVersion:
    """Store a new version, if anything has changed. `edited` is the version that was edited, if the caller says so.

    Raises InvalidInput, NotFound, LimitReached, and Outdated if there is a newer version than that."""
    content = check(owner, values)
    with database.writing(), transaction.atomic():
        found = _locked(owner, panel)
        if edited is not None and edited != found.version:
            raise Outdated(
                f"This panel was changed since: it has version {found.version}. Reload it, or save yours as a new one."
            )
        newest = found.newest
        if newest.content == content:
            return newest
        if found.version >= MAX_VERSIONS:
            raise LimitReached(f"This panel has {MAX_VERSIONS} versions (the maximum). Save it as a new one.")
        found.version, found.name, found.changed_at = found.version + 1, content["name"], timezone.now()
        found.save(update_fields=["version", "name", "changed_at"])
        return PanelVersion.objects.create(panel=found, number=found.version, content=content)


def delete(owner: AbstractUser, panel: UUID) -> None:
    """Delete a panel. Conversations keep the versions that they run with. Raises NotFound, and NotErasable if its owner
    is under legal hold."""
    with database.writing(), transaction.atomic():
        found = _locked(owner, panel)
        holds.require_none_on_person(owner.pk)
        found.deleted_at = timezone.now()
        found.save(update_fields=["deleted_at"])
        deletion.delete_unused(found)


def choose(owner: AnyUser, panel: UUID) -> PanelVersion:
    """The newest version of the owner's panel, for a new debate. Raises NotFound, and InvalidInput if it names a model
    that the site no longer has."""
    version, models = owned(owner, panel), _models()
    for agent in version.team.agents:
        if agent.model is not None and agent.model not in models:
            message = (
                f"{agent.name} names a model that this site no longer has: {agent.model}. Change the panel."
            )
            raise InvalidInput.of("panel", "unknown_model", message)
    return version


def lock(version: PanelVersion) -> None:
    """Keep the panel from being deleted until the end of the transaction. Raises NotFound if it was."""
    if not ComposedPanel.objects.kept().select_for_update().filter(pk=version.panel_id).values_list("pk"):
        raise NotFound(NO_SUCH_PANEL)


def version_of(conversation: Conversation) -> Row | None:
    """Which version of which panel the conversation runs with, and the newest one, None if the panel was deleted; None
    for a built-in panel."""
    version = conversation.panel_version
    if version is None:
        return None
    is_deleted = version.panel.deleted_at is not None
    return {
        "id": version.panel_id,
        "name": version.content["name"],
        "version": version.number,
        "newest_version": None if is_deleted else version.panel.version,
        "agents": [agent.shown for agent in version.team.speakers],
    }


def _own(owner: AnyUser) -> PanelQuerySet:
    return ComposedPanel.objects.kept().filter(owner_id=owner.pk)


def _locked(owner: AnyUser, panel: UUID) -> ComposedPanel:
    """The owner's panel, which nobody else changes until the end of the transaction. Raises NotFound."""
    found = _own(owner).select_for_update().filter(pk=panel).first()
    if found is None:
        raise NotFound(NO_SUCH_PANEL)
    return found


def _models() -> list[str]:
    """The labels of the models that an agent may name. A script is none."""
    return list(dict.fromkeys(provider.label for provider in catalog.live()))


def summary(version: PanelVersion) -> Row:
    """What a list says of the newest version of a panel."""
    panel, content = version.panel, version.content
    agents: list[Mapping[str, Any]] = content["agents"]
    return {
        "id": panel.pk,
        "name": panel.name,
        "description": content["description"],
        "version": panel.version,
        "rounds": content["rounds"],
        "agents": [{name: agent[name] for name in ("name", "color", "role", "model")} for agent in agents],
        "has_judge": content["judge"] is not None,
        "created_at": panel.created_at,
        "changed_at": panel.changed_at,
    }

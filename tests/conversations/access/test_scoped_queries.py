"""No door queries what belongs to people or organisations without a scope.

Doors (pages, API, transports, use cases) look things up through `conversations.access`. Where one uses a manager of
such a model itself, the function is listed here with what it is bound to; a new one fails until it is listed. The rooms
below the doors take ids that were let in, or work for the whole installation.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.servers import ROOT

SCOPED = {
    "ApiKey",
    "Conversation",
    "ConversationShare",
    "ConversationSource",
    "ConversationDataset",
    "Dataset",
    "Event",
    "Membership",
    "Organisation",
    "OrganisationInvitation",
    "Passage",
    "Source",
    "ThreadRun",
}
BELOW_THE_DOORS = (
    "conversations/budgets",
    "conversations/datasets",
    "conversations/event_log",
    "conversations/migrations",
    "conversations/models",
    "conversations/outbox",
    "conversations/privacy",
    "conversations/runs",
    "conversations/search",
)
# For staff, who review everything.
OF_STAFF = ("conversations/admin.py", "conversations/review", "streaming/monitoring")
# By file: the functions that use such a manager.
ALLOWED: dict[str, set[str]] = {
    # The scopes themselves.
    "conversations/access/api_keys.py": {"find", "create", "listed", "_note_use"},
    "conversations/access/lists.py": {
        "own_with_deleted",
        "personal",
        "shared",
        "reviewable",
        "visible_to",
        "_memberships",
        "_is_seen_by",
        "datasets",
        "sources",
    },
    "conversations/access/organisations.py": {
        "of",
        "lock_membership",
        "other_owners",
        "left_alone",
        "invitation_of",
    },
    "conversations/access/permissions.py": {"rights_of_all", "admit", "_standing", "_standings"},
    # By the key's secret.
    "conversations/access/principals.py": {"still"},
    # By the person, and the names that their client gave.
    "conversations/services/client_threads.py": {"_is_answered", "begun_by", "find", "keep"},
    # By ids that were chosen within the person's scope.
    "conversations/services/datasets.py": {"_note_use", "_remove", "debates_of", "lock"},
    "conversations/services/sources.py": {"_store", "lock"},
    "conversations/services/history.py": {"listed"},
    # By the person who starts.
    "conversations/services/debates.py": {"_must_wait", "_store"},
    # By the organisation, after the right to it was asked.
    "conversations/services/organisation_invitations.py": {"_open", "accept", "invite"},
    "conversations/services/organisations.py": {"_other", "create", "lock", "members", "rename"},
    # By a debate that the person may share.
    "conversations/services/sharing.py": {"change"},
    # By a debate that was let in.
    "frontend/source_texts.py": {"_text"},
    # Conditions on debates within the person's scope.
    "streaming/transports/a2a/task_store.py": {"_in_context", "_snapshot", "_wanted", "list_tasks"},
    # By connections that are open.
    "streaming/watchers/session_guard.py": {"_valid_keys"},
}


def managers(path: Path) -> Iterator[str]:
    """The functions in which a manager of a scoped model is used."""

    def walk(node: ast.AST, function: str) -> Iterator[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not function:
            function = node.name
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"objects", "_base_manager", "_default_manager"}
            and isinstance(node.value, ast.Name)
            and node.value.id in SCOPED
        ):
            yield function
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), "")


def test_each_query_at_a_door_has_a_known_scope() -> None:
    found = {}
    for package in ("config", "conversations", "frontend", "streaming"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith((*BELOW_THE_DOORS, *OF_STAFF)) or "node_modules" in path.parts:
                continue
            if functions := {*managers(path)}:
                found[name] = functions
    unknown = {name: functions - ALLOWED.get(name, set()) for name, functions in found.items()}
    assert {name: functions for name, functions in unknown.items() if functions} == {}

"""What is found out about a new debate before the transaction that stores it: long texts take a second to measure, in
which running debates could not write."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from conversations.access import organisations, permissions
from conversations.access.permissions import AnyUser
from conversations.domain.budget_guard import Call
from conversations.domain.errors import InvalidInput, NotFound
from conversations.domain.panels import DEFAULT_PANEL, PANELS, Panel
from conversations.domain.requests import NewConversation
from conversations.domain.routing import AUTO, decide
from conversations.models import Dataset, PanelVersion, Source
from conversations.prompts.earlier import EarlierDebate
from conversations.prompts.material import DebateQuestion
from conversations.providers import catalog
from conversations.providers.catalog import BUILT_IN, Provider
from conversations.runs import earlier
from conversations.runs.gathering import Known
from conversations.services import cost_estimate, datasets, panels, sources


@dataclass(frozen=True)
class Prepared:
    """`new` has its topic, and the panel that rules choose if no person has (`is_automatic`): the default one where
    none decides. `is_supervised`: then the supervisor is asked. `team` is the panel; `version` is of a composed one.
    `question` is what its prompts have, and `calls` what its budget must allow."""

    new: NewConversation
    sources: Sequence[Source]
    datasets: Sequence[Dataset]
    question: DebateQuestion
    provider: Provider
    calls: tuple[Call, Call]
    is_automatic: bool
    is_supervised: bool
    team: Panel
    version: PanelVersion | None


def prepare(owner: AbstractUser, new: NewConversation, known: Known | None = None) -> Prepared:
    """`known` is what is known of its instrument; None: what the library has. Raises InvalidInput if the debate may not
    follow what it names, its texts are too long, or its panel names a model that is gone; NotFound for a source or
    panel that is not the owner's, or an organisation that they are not in; and Forbidden if they are a viewer of
    it."""
    if new.organisation is not None:
        organisations.contribute(owner, new.organisation)
    provider, followed = catalog.configured()[0], _followed(owner, new)
    version = None if new.panel in (AUTO, *PANELS) else panels.choose(owner, UUID(new.panel))
    composed = None if version is None else version.team
    if composed is not None and composed.rounds is not None and "rounds" not in new.model_fields_set:
        new = new.model_copy(update={"rounds": composed.rounds})
    new, chosen = sources.choose(owner, new)
    question = cost_estimate.question_of(new, followed, [source.as_text for source in chosen], known)
    tables = datasets.choose(owner, new.datasets)
    is_automatic, is_supervised = new.panel == AUTO, False
    if is_automatic:
        found = decide(
            new.topic,
            instrument=new.instrument,
            has_text=bool(question.texts),
            follows=followed is not None,
            has_data=bool(tables),
        )
        is_supervised = found is None and provider.kind not in BUILT_IN
        new = new.model_copy(update={"panel": DEFAULT_PANEL if found is None else found.panel})
    team = PANELS[new.panel] if composed is None else composed
    calls = cost_estimate.first_and_last(question, provider, team)
    return Prepared(
        new, chosen, tables, question, provider, calls, is_automatic, is_supervised, team, version
    )


def require_team(prepared: Prepared) -> None:
    """Raises InvalidInput if the team that is to answer needs tables, or a model that can query them."""
    if not prepared.team.needs_data:
        return
    if not prepared.datasets:
        raise InvalidInput.of("datasets", "missing", "Add a file of tables: the data team answers from them.")
    if prepared.provider.kind in BUILT_IN:
        message = "This site's model cannot query tables. Remove them, or choose another team."
        raise InvalidInput.of("datasets", "model_cannot", message)


def _followed(user: AnyUser, new: NewConversation) -> EarlierDebate | None:
    """The debate that the new one follows. Raises InvalidInput unless it has ended and the user may watch it."""
    if new.follows is None:
        return None
    try:
        found = permissions.watch(user, new.follows)
    except NotFound:
        raise InvalidInput.of(
            "follows", "not_found", "There is no such debate, or you may not watch it."
        ) from None
    if found.organisation_id != new.organisation:
        # What was said in an organisation stays in it.
        raise InvalidInput.of("follows", "other_organisation", "This debate belongs to another organisation.")
    if not found.is_finished:
        raise InvalidInput.of("follows", "running", "This debate is still running. Wait until it has ended.")
    return earlier.read(found.pk)

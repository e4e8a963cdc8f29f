"""The database: conversations with the append-only log of their events, the ledger, the outbox, API keys, threads."""

import uuid
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from conversations.domain import spoken_models
from conversations.domain.enums import (
    TERMINAL,
    AuditAction,
    ContentType,
    DeletionReason,
    Mode,
    Sharing,
    Status,
    Theme,
)
from conversations.domain.panels import DEFAULT_PANEL, PANELS, Panel
from conversations.domain.sources import MAX_NAME, SourceText, SourceType
from conversations.models.organisations import (
    ConversationShare,
    Membership,
    Organisation,
    OrganisationInvitation,
)
from conversations.models.panels import ComposedPanel, ConversationPanel, PanelVersion

# Django finds the models of an application in this module.
__all__ = [
    "ComposedPanel",
    "ConversationPanel",
    "ConversationShare",
    "Membership",
    "Organisation",
    "OrganisationInvitation",
    "PanelVersion",
]


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def running(self) -> "ConversationQuerySet":
        # List the running statuses instead of excluding the terminal ones, so that the index is used.
        return self.filter(status__in=[status.value for status in Status if status not in TERMINAL])


class Conversation(models.Model):
    """One debate. `status`, `mode`, `reason`, `verdict`, `cost` and the times are copied from the events;
    `conversations.event_log` writes them in the transaction that stores the events."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="conversations")
    topic = models.CharField(max_length=500)
    content = models.TextField(blank=True)
    content_type = models.CharField(max_length=20, choices=ContentType, default=ContentType.TEXT.value)
    panel = models.CharField(max_length=50, default=DEFAULT_PANEL)
    is_automatic = models.BooleanField(
        default=False, db_default=False, help_text="The panel was not chosen by a person."
    )
    rounds = models.PositiveSmallIntegerField(default=2)
    follows = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="followed_by",
        help_text="The earlier debate that its agents know.",
    )

    status = models.CharField(
        max_length=20,
        choices=[(status.value, status.replace("_", " ")) for status in Status],
        default=Status.QUEUED.value,
    )
    mode = models.CharField(
        max_length=10, choices=[(mode.value, mode.value) for mode in Mode], default=Mode.LIVE.value
    )
    reason = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (null: no event has one)
    verdict = models.JSONField(null=True, blank=True, help_text="Data of the complete event.")
    cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True, help_text="US dollars; empty when unknown."
    )
    head = models.PositiveIntegerField(default=0, help_text="seq of the newest event")

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    # Without an index of its own: that of an organisation's list begins with this column.
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="conversations",
        help_text="Empty: it is personal.",
    )
    # The database needs the default, too: during an upgrade, older processes insert rows without this column.
    sharing = models.CharField(
        max_length=12,
        choices=Sharing,
        default=Sharing.PRIVATE.value,
        db_default="private",
        help_text="Who in its organisation may watch it.",
    )

    # What the owner made of it in their history.
    title = models.CharField(  # noqa: DJ001 (null: it was never renamed)
        max_length=200, null=True, blank=True, help_text="The owner's name for it; empty: the question."
    )
    pinned_at = models.DateTimeField(null=True, blank=True, help_text="Pinned to the top of the list.")
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="Deleted by its owner, whom it is hidden from since then."
    )
    models_used = models.TextField(  # noqa: DJ001 (null: nobody has spoken)
        null=True, blank=True, editable=False, help_text="Models that have spoken, each in a line of its own."
    )

    # Null: an older version may have stored messages that are not in the search index.
    indexed_at = models.DateTimeField(null=True, blank=True, editable=False)

    run = models.UUIDField(null=True, blank=True, help_text="The run that may append; the fence.")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Runs that claimed it since its last finished turn."
    )

    max_usd = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True, help_text="US dollars; empty: no limit."
    )
    max_tokens = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    max_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Time during which turns are spoken; empty: no limit."
    )

    # The database needs the default, too: during an upgrade, older processes insert rows without this column.
    instrument = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Symbol of what it is about."
    )
    as_of = models.DateTimeField(
        null=True, blank=True, help_text="The record's time; empty: when it was created."
    )
    traceparent = models.CharField(
        max_length=55,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Where its trace begins, as W3C writes it.",
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"]),
            # The list of a person's debates, pinned ones first, without reading the debates themselves.
            models.Index(
                fields=["owner", "-pinned_at", "-created_at", "-id"],
                name="history_of_person",
                condition=models.Q(deleted_at=None, organisation=None),
            ),
            models.Index(
                fields=["organisation", "-pinned_at", "-created_at", "-id"],
                name="history_of_organisation",
                condition=models.Q(organisation__isnull=False),
            ),
            models.Index(fields=["status", "lease_until"]),
        ]
        permissions = [
            ("review_conversation", "Can watch and review everybody's conversations"),
            ("control_conversation", "Can pause, resume and cancel everybody's conversations"),
            ("export_person", "Can export everything stored about a person"),
        ]

    def __str__(self) -> str:
        return self.topic

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.id])

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def name(self) -> str:
        """What its owner calls it; the question, unless they renamed it."""
        return self.title or self.topic

    @property
    def model_names(self) -> list[str]:
        """The models that have spoken, in the order of their first message."""
        return spoken_models.names(self.models_used)

    @property
    def panel_version(self) -> PanelVersion | None:
        """The version of a composed panel that it runs with; None for a built-in panel."""
        if self.panel in PANELS:
            return None
        return PanelVersion.objects.select_related("panel").filter(links__conversation=self).first()

    @property
    def team(self) -> Panel:
        """Its panel; one without agents if this version of Outcry does not know it."""
        if (known := PANELS.get(self.panel)) is not None:
            return known
        found = self.panel_version
        return Panel(self.panel, self.panel, "", (), None) if found is None else found.team

    @property
    def sources(self) -> "models.QuerySet[Source]":
        """Its sources, in order."""
        return Source.objects.filter(links__conversation=self).order_by("links__position")

    @property
    def datasets(self) -> "models.QuerySet[Dataset]":
        """Its datasets, in order."""
        return Dataset.objects.filter(links__conversation=self).order_by("links__position")

    @property
    def ws_url(self) -> str:
        return f"/{settings.OUTCRY_WEBSOCKET_PATH}{self.id}/"


class Passage(models.Model):
    """A text that is searched for words, see `conversations.search`."""

    class Part(models.TextChoices):
        QUESTION = "question"
        SOURCE = "source"
        MESSAGE = "message"

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="passages", db_index=False)
    part = models.CharField(max_length=10, choices=Part)
    seq = models.PositiveIntegerField(help_text="A message's event; the number of a source's part; else 0.")
    # SQLite has the texts in its full-text table instead.
    text = models.TextField(null=True)  # noqa: DJ001 (see above)
    pairs = models.TextField(null=True)  # noqa: DJ001 (see above)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "part", "seq"], name="passage_once"),
        ]

    def __str__(self) -> str:
        return f"{self.part} {self.seq}"


class Source(models.Model):
    """A text that a person has uploaded, to be discussed in debates of theirs. One that no debate uses is deleted after
    a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sources")
    name = models.CharField(max_length=MAX_NAME)
    type = models.CharField(max_length=20, choices=[(type_.value, type_.value) for type_ in SourceType])
    text = models.TextField()
    characters = models.PositiveIntegerField(help_text="Of the text.")
    pages = models.JSONField(
        default=list, help_text="Offset of each page in the text, in characters; empty: it has no pages."
    )
    sha256 = models.CharField(max_length=64, help_text="Of the file, in hex.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def as_text(self) -> SourceText:
        return SourceText(self.name, self.text, tuple(self.pages))


class ConversationSource(models.Model):
    """A source of a conversation. The first one has the position 0."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="source_links", db_index=False
    )
    source = models.ForeignKey(Source, models.PROTECT, related_name="links")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "position"], name="source_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.position}"


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def stored(self) -> "DatasetQuerySet":
        """Those whose upload has ended."""
        return self.filter(stored_at__isnull=False)


class Dataset(models.Model):
    """Tables that a person has uploaded, to be asked in SQL. Their file is in `DatasetChunk`; each machine makes a
    DuckDB file of it, see `conversations.datasets`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=MAX_NAME)
    size = models.PositiveBigIntegerField(help_text="Bytes of the file.")
    sha256 = models.CharField(max_length=64, help_text="Of the file, in hex.")
    tables = models.JSONField(default=list, help_text="Each with its columns, and how each was read.")
    revision = models.PositiveIntegerField(default=1, help_text="Counts the changes of columns' types.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    stored_at = models.DateTimeField(
        null=True, editable=False, help_text="Empty: the upload is under way, or was interrupted."
    )
    used_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class DatasetChunk(models.Model):
    """A part of a dataset's file, compressed by zlib. The first one has the position 0."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="chunks", db_index=False)
    position = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["dataset", "position"], name="chunk_position_once")]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.position}"


class ConversationDataset(models.Model):
    """A dataset of a conversation. The first one has the position 0. It goes when its dataset is deleted."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="dataset_links", db_index=False
    )
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="links")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "position"], name="dataset_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.position}"


class LedgerEntry(models.Model):
    """The costs of a debate, or of a user's or the installation's debates on one day (UTC), including open
    reservations. A reservation that is never settled counts as spent.

    `usd` excludes calls of unknown price, which `unpriced` counts."""

    class Scope(models.TextChoices):
        CONVERSATION = "conversation"
        INSTALLATION = "installation"
        USER = "user"

    scope = models.CharField(max_length=20, choices=Scope)
    key = models.CharField(max_length=36, blank=True, help_text="Id of the conversation or user.")
    # A conversation's single entry has the day of its creation.
    day = models.DateField()
    usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    unpriced = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    longest = models.FloatField(default=0, help_text="Seconds of its longest call.")

    class Meta:
        # The first release's name, because older processes may run during an upgrade.
        db_table = "conversations_tally"
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["scope", "key", "day"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key} {self.day}"


class Reservation(models.Model):
    """The maximum cost of a running call; `usd` is null if the model's price is unknown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Null after the conversation was deleted: the call was never settled, and stays counted as spent.
    conversation = models.ForeignKey(Conversation, models.SET_NULL, null=True, related_name="reservations")
    day = models.DateField()
    provider = models.CharField(max_length=50)
    model = models.CharField(max_length=200)
    usd = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    tokens = models.PositiveBigIntegerField()
    seconds = models.FloatField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.provider}:{self.model} {self.tokens}"


class Delivery(models.Model):
    """A debate to be delivered to an A2A agent once it has ended. `events` lists the attempts, oldest first."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        # The agent rejected it.
        REJECTED = "rejected"
        GIVEN_UP = "given_up"
        # Never sent: the debate was not completed, or the agent is no longer a target.
        DROPPED = "dropped"

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="deliveries")
    target = models.CharField(max_length=500, help_text="Address of the agent.")
    state = models.CharField(max_length=20, choices=State, default=State.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now, help_text="No attempt before this.")
    task = models.CharField(max_length=200, blank=True, help_text="What the agent calls it.")
    events = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "next_at"])]
        constraints = [models.UniqueConstraint(fields=["conversation", "target"], name="delivery_once")]

    def __str__(self) -> str:
        return f"{self.target} {self.state}"


def _young() -> models.Q:
    """Keys within the longest life that OUTCRY_KEY_DAYS allows, which holds for older keys, too."""
    longest = longest_life()
    return models.Q() if longest is None else models.Q(created_at__gt=timezone.now() - longest)


def longest_life() -> timedelta | None:
    """How long an API key may be valid; None: without limit."""
    days = settings.OUTCRY_KEY_DAYS
    return None if days is None else timedelta(days=days)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def kept(self) -> "ApiKeyQuerySet":
        """Keys that are not revoked."""
        return self.filter(revoked_at=None)

    def live(self) -> "ApiKeyQuerySet":
        """Keys that are valid now: not revoked, not expired, and of an active owner."""
        lasting = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.kept().filter(lasting, _young(), owner__is_active=True)

    def revoke(self) -> int:
        """Make the keys invalid; returns how many were revoked by this call."""
        return self.kept().update(revoked_at=timezone.now())


class ApiKey(models.Model):
    """The credential of a program. The key itself is not stored, only its SHA-256 as `digest`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=11, help_text="How the key begins, to tell it by.")
    digest = models.CharField(
        max_length=64, unique=True, editable=False, help_text="SHA-256 of the key, in hex."
    )
    scopes = models.JSONField(help_text="Some of: watch, start, control.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        permissions = [("revoke_apikey", "Can revoke everybody's API keys")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def ends_at(self) -> datetime | None:
        """When it expires by itself or by OUTCRY_KEY_DAYS, whichever is first; None: never."""
        longest = longest_life()
        ends = [self.expires_at, None if longest is None else self.created_at + longest]
        return min((end for end in ends if end is not None), default=None)

    @property
    def has_expired(self) -> bool:
        return self.ends_at is not None and self.ends_at <= timezone.now()


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Those that can still be used."""
        return self.filter(used_at=None, expires_at__gt=timezone.now())


class Preferences(models.Model):
    """What a person has chosen for their pages. A person without a row has chosen nothing."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    display_name = models.CharField(max_length=60, blank=True, default="", db_default="")
    time_zone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="IANA name; empty: the browser's."
    )
    theme = models.CharField(
        max_length=10, choices=Theme, blank=True, default="", db_default="", help_text="Empty: the system's."
    )
    notify = models.BooleanField(default=True, db_default=True, help_text="Desktop notifications.")

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"person {self.person_id}"


class Invitation(models.Model):
    """Lets one person sign up, by a link that `conversations.access.invitations` signs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(blank=True, help_text="Only this address may sign up with it; empty: any.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.email or f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.expires_at > timezone.now()


class ThreadRun(models.Model):
    """A client's names for the run that began a conversation. Unique, so that a repeated run begins no second one."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="thread_runs")
    thread = models.CharField(max_length=200)
    run = models.CharField(max_length=200)
    message = models.CharField(max_length=80, blank=True, help_text="Key of the message that began it.")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="thread_runs")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "thread", "run"], name="thread_run_once")]

    def __str__(self) -> str:
        return f"{self.thread} {self.run}"


class Unchangeable(models.QuerySet["AuditEntry"]):
    """Rows are added by `conversations.access.audit` and never changed."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit entries are never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Audit entries are never deleted.")


class AuditEntry(models.Model):
    """Who did what, when, and from where. Holds no secret, and of people only ids and the address of the request.

    When a person is erased, a pseudonym replaces their id in `subject` and `detail`, and the addresses go."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=30, choices=AuditAction)
    # Null for somebody who is not signed in, for the server itself, and after the person was erased.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # The database needs the default, too: during an upgrade, older processes insert rows without this column.
    pseudonym = models.CharField(
        max_length=36, blank=True, default="", db_default="", help_text="Stands for an actor who was erased."
    )
    subject = models.CharField(max_length=200, blank=True, help_text="What it was done to, as kind:id.")
    address = models.GenericIPAddressField(null=True, blank=True, help_text="Of the request.")
    detail = models.JSONField(default=dict, blank=True)

    objects = Unchangeable.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["actor", "action", "-at"], name="audit_of_actor"),
            models.Index(fields=["subject", "-at"], name="audit_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.subject}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Audit entries are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit entries are never deleted.")


# The types of events that people cause, and of questions to them.
PEOPLE = ("control", "human_message", "input_expired", "input_request")


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise TypeError("Events are added by conversations.event_log, and never changed or deleted.")


class AppendOnly(models.QuerySet["Event"]):
    update = delete = _refuse


class Event(models.Model):
    """Row `seq` (1, 2, 3 ..., no gap) of a conversation's log."""

    # Without an index of its own, which would slow down writing: the unique constraint's index begins with this column.
    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=20)
    data = models.JSONField()
    at = models.DateTimeField()

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ["conversation", "seq"]
        indexes = [
            # A partial index: a handful of rows among hundreds of tokens.
            models.Index(
                fields=["conversation", "type"], name="event_of_people", condition=models.Q(type__in=PEOPLE)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="event_seq_once"),
            models.CheckConstraint(condition=models.Q(seq__gte=1), name="event_seq_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq}"

    save = delete = _refuse


class EventText(models.Model):
    """The whole of a text of which an event has only the beginning, in UTF-8, compressed by zlib. The event has its
    id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="texts")
    data = models.BinaryField()

    def __str__(self) -> str:
        return str(self.pk)


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def active(self) -> "LegalHoldQuerySet":
        return self.filter(lifted_at=None)


class LegalHold(models.Model):
    """Keeps a conversation, or a person with all their conversations, from being deleted until it is lifted."""

    conversation = models.ForeignKey(
        Conversation, models.PROTECT, null=True, blank=True, related_name="legal_holds"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="legal_holds"
    )
    reason = models.CharField(
        max_length=200, help_text="The person reads it if they ask for the deletion of their data."
    )
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    placed_at = models.DateTimeField(default=timezone.now, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, editable=False)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(conversation=None, person__isnull=False)
                | models.Q(conversation__isnull=False, person=None),
                name="hold_on_one",
            )
        ]

    def __str__(self) -> str:
        return f"person {self.person_id}" if self.person_id is not None else f"debate {self.conversation_id}"

    @property
    def subject(self) -> str:
        """What it holds, as the audit trail names it."""
        if self.person_id is not None:
            return f"user:{self.person_id}"
        return f"conversation:{self.conversation_id}"


class Erasure(models.Model):
    """A person who is being erased. It outlives a process that stops in between: housekeeping continues it."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="erasure"
    )
    begun_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"person {self.person_id}"


class DeletionQuerySet(models.QuerySet["Deletion"]):
    """Rows are added by `conversations.privacy` and never changed."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Records of deletions are never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Records of deletions are never deleted.")


class Deletion(models.Model):
    """What stays of a deleted conversation: the proof that it existed, and when and why it was deleted."""

    conversation = models.UUIDField(primary_key=True, editable=False, help_text="Its id.")
    transcript_sha256 = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of its complete event; empty: it had none."
    )
    reason = models.CharField(max_length=20, choices=DeletionReason, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DeletionQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return str(self.conversation)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Records of deletions are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Records of deletions are never deleted.")


class PeriodicTask(models.Model):
    """Lets one process of the installation at a time do a periodic task. A process claims it by a conditional
    UPDATE."""

    name = models.CharField(max_length=50, primary_key=True)
    holder = models.UUIDField(null=True)
    # While it is held, the end of the claim; else when it is due again.
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

"""Closed sets of words that more than one layer names."""

from enum import StrEnum
from typing import Final

from django.db import models

from evidence.words import Word


class ContentType(models.TextChoices):
    TEXT = "text", "Text"
    NEWS = "news", "News article"
    EARNINGS = "earnings", "Earnings report"
    FILING = "filing", "Regulatory filing"
    RESEARCH = "research", "Research note"


class WhenBusy(models.TextChoices):
    """What becomes of a new debate while its owner has as many running as may run at once."""

    REFUSE = "refuse", "Refuse it"
    QUEUE = "queue", "Start it when one ends"


class Scope(models.TextChoices):
    """What an API key permits."""

    WATCH = "watch", "Read and follow debates"
    START = "start", "Start debates"
    CONTROL = "control", "Pause, stop and speak in debates"


class Role(models.TextChoices):
    """What a member may do in their organisation. Each role may do what the next one may."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"

    @property
    def administers(self) -> bool:
        """Whether they may change the organisation and its members, and review its debates."""
        return self in {Role.OWNER, Role.ADMIN}

    @property
    def contributes(self) -> bool:
        """Whether they may start debates, and control their own ones."""
        return self is not Role.VIEWER


class Sharing(models.TextChoices):
    """Who may watch a debate of an organisation, beside the person who started it, and admins who review it."""

    PRIVATE = "private", "Only you"
    ORGANISATION = "organisation", "Everybody in the organisation"
    MEMBERS = "members", "Some members"


class Theme(models.TextChoices):
    """The colours of the pages; a person who has chosen none gets those of their system."""

    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class ExportFormat(StrEnum):
    """The formats in which people take a debate away, by the ends of the files' names."""

    MARKDOWN = "md"
    JSON = "json"
    TABLES = "csv"


class AuditAction(models.TextChoices):
    """What the audit trail records. `subject` of an entry names what it was done to."""

    SIGNED_IN = "signed_in", "signed in"
    SIGN_IN_FAILED = "sign_in_failed", "failed to sign in"
    SIGNED_OUT = "signed_out", "signed out"
    SIGNED_UP = "signed_up", "signed up"
    SESSIONS_ENDED = "sessions_ended", "ended other sessions"
    PASSWORD_CHANGED = "password_changed", "changed the password"
    PASSWORD_RESET = "password_reset", "reset the password by mail"
    EMAIL_ADDED = "email_added", "added a mail address"
    EMAIL_CONFIRMED = "email_confirmed", "confirmed a mail address"
    EMAIL_CHANGED = "email_changed", "changed the primary mail address"
    EMAIL_REMOVED = "email_removed", "removed a mail address"
    PROVIDER_ADDED = "provider_added", "connected a sign-in provider"
    PROVIDER_REMOVED = "provider_removed", "disconnected a sign-in provider"
    SECOND_FACTOR_ADDED = "second_factor_added", "added a second factor"
    SECOND_FACTOR_REMOVED = "second_factor_removed", "removed a second factor"
    SECOND_FACTOR_RESET = "second_factor_reset", "created new recovery codes"
    SECOND_FACTOR_FAILED = "second_factor_failed", "gave a wrong second factor"
    KEY_CREATED = "key_created", "created an API key"
    KEY_ROTATED = "key_rotated", "replaced an API key's secret"
    KEY_REVOKED = "key_revoked", "revoked an API key"
    TRANSCRIPT_READ = "transcript_read", "read somebody else's debate"
    DEBATE_SHARED = "debate_shared", "changed who may watch a debate"
    DEBATE_COMMANDED = "debate_commanded", "commanded somebody else's debate"
    EXPORTED = "exported", "exported data"
    ANNOUNCED = "announced", "sent an announcement"
    INVITED = "invited", "created an invitation"
    ORGANISATION_CREATED = "organisation_created", "created an organisation"
    ORGANISATION_RENAMED = "organisation_renamed", "renamed an organisation"
    MEMBER_INVITED = "member_invited", "invited somebody to an organisation"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "withdrew an invitation to an organisation"
    MEMBER_JOINED = "member_joined", "joined an organisation"
    MEMBER_LEFT = "member_left", "left an organisation"
    MEMBER_REMOVED = "member_removed", "removed somebody from an organisation"
    ROLE_CHANGED = "role_changed", "changed a role in an organisation"
    ADMIN_CHANGED = "admin_changed", "changed data in the administration"
    SETTINGS_CHANGED = "settings_changed", "started with other settings"
    HOLD_PLACED = "hold_placed", "placed a legal hold"
    HOLD_LIFTED = "hold_lifted", "lifted a legal hold"
    ERASURE_BEGUN = "erasure_begun", "asked to erase a person"
    ERASURE_REFUSED = "erasure_refused", "was refused to erase a person"
    ERASED = "erased", "erased a person"


class DeletionReason(models.TextChoices):
    """Why a conversation was deleted."""

    RETENTION = "retention", "its time was over"
    ERASURE = "erasure", "its owner was erased"


class Status(Word):
    QUEUED = "queued"
    INITIALIZING = "initializing"
    ACTIVE = "active"
    PAUSED = "paused"
    AWAITING_INPUT = "awaiting_input"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERROR = "error"


TERMINAL = frozenset({Status.COMPLETED, Status.CANCELLED, Status.ERROR})


class Mode(Word):
    """Whether messages come from a model (live) or from a script (demo)."""

    LIVE = "live"
    DEMO = "demo"


class Kind(Word):
    """The kind of a message, determined by its turn and its tool calls, never by its text."""

    ROUTING = "routing"
    THINKING = "thinking"
    ACTION = "action"
    TOOL_RESULT = "tool_result"
    VALIDATION = "validation"
    ANALYSIS = "analysis"
    FINAL = "final"
    MESSAGE = "message"


class RoutedBy(Word):
    """Who chose the panel of a conversation. DEFAULT: nothing decided, so the default panel took it."""

    PERSON = "person"
    RULES = "rules"
    SUPERVISOR = "supervisor"
    DEFAULT = "default"


class Action(Word):
    """A command to a debate. CONCLUDE: the moderator judges after the current turn."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CONCLUDE = "conclude"


class ResultChartKind(Word):
    """How a result in rows can be drawn."""

    LINE = "line"
    BAR = "bar"


class Stance(Word):
    STRONG_BUY = "strong_buy"
    BUY = "buy"
    HOLD = "hold"
    SELL = "sell"
    STRONG_SELL = "strong_sell"
    NO_VERDICT = "no_verdict"


# The `reason` of `no_verdict` where a model that is only for trying Outcry spoke.
TEST_MODEL: Final = "test_model"
# The `reason` of `no_verdict` where the team has no judge: its last message is the result.
NOT_A_DEBATE: Final = "not_a_debate"
# The `provider` of a message that rules make, without a model.
RULES: Final = "rules"

"""Closed sets of words that more than one layer names."""

from enum import StrEnum

from django.db import models


class ContentType(models.TextChoices):
    TEXT = "text", "Text"
    NEWS = "news", "News article"
    EARNINGS = "earnings", "Earnings report"
    FILING = "filing", "Regulatory filing"
    RESEARCH = "research", "Research note"


class Scope(models.TextChoices):
    """What an API key is for."""

    WATCH = "watch", "Read and follow debates"
    START = "start", "Start debates"
    CONTROL = "control", "Pause, stop and speak in debates"


class Status(StrEnum):
    QUEUED = "queued"
    INITIALIZING = "initializing"
    ACTIVE = "active"
    PAUSED = "paused"
    AWAITING_INPUT = "awaiting_input"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERROR = "error"


TERMINAL = frozenset({Status.COMPLETED, Status.CANCELLED, Status.ERROR})


class Mode(StrEnum):
    """Whether a model really spoke (live) or a script did (demo)."""

    LIVE = "live"
    DEMO = "demo"


class Kind(StrEnum):
    """What a message is, known from its turn and its tool calls, never from its words."""

    ROUTING = "routing"
    THINKING = "thinking"
    ACTION = "action"
    TOOL_RESULT = "tool_result"
    VALIDATION = "validation"
    ANALYSIS = "analysis"
    FINAL = "final"
    MESSAGE = "message"


class Action(StrEnum):
    """What a person may command of a conversation."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Stance(StrEnum):
    STRONG_BUY = "strong_buy"
    BUY = "buy"
    HOLD = "hold"
    SELL = "sell"
    STRONG_SELL = "strong_sell"
    NO_VERDICT = "no_verdict"

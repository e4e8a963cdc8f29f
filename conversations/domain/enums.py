"""Closed sets of words that more than one layer names."""

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

"""Writes the JSON Schemas from which the front end's types are generated: of frames, and of the monitor's figures."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from pydantic.json_schema import models_json_schema

from streaming.monitoring.dashboard import Overview, Sessions
from streaming.monitoring.usage import Day
from streaming.wire.event_schema import event_schema


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        _, figures = models_json_schema([(model, "serialization") for model in (Overview, Sessions, Day)])
        self.stdout.write(json.dumps({"events": event_schema(), "figures": figures}, indent=2))

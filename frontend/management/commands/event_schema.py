"""Writes the JSON Schema of frames, from which the front end's types are generated."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from streaming.wire.event_schema import event_schema


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(event_schema(), indent=2))

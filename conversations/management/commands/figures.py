"""Checks the figures of a text against a snapshot, without a debate."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from pydantic import ValidationError

from evidence.checker.check import VERSION, Checked, check
from evidence.record import load


class Command(BaseCommand):
    help = "Check every figure of a text against the items of a snapshot."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("snapshot", type=Path, help="JSON: a list of items, or a whole snapshot")
        parser.add_argument("text", type=Path, help="the text, in UTF-8")
        parser.add_argument("--json", action="store_true", help="print JSON instead of lines")

    def handle(self, *, snapshot: Path, text: Path, json: bool, **options: Any) -> None:
        record, spoken = _read(snapshot), _read(text)
        try:
            found = check(spoken, load(_parsed(record, snapshot)))
        except ValidationError as failure:
            first = failure.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the snapshot"
            raise CommandError(f"{snapshot}: {place}: {first['msg']}.") from None
        self.stdout.write(_as_json(found) if json else "\n".join(map(_as_line, found)))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as failure:
        raise CommandError(f"{path} cannot be read: {failure.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is no text in UTF-8.") from None


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as failure:
        raise CommandError(f"{path} is no JSON: {failure}.") from None


def _as_json(found: list[Checked]) -> str:
    return json.dumps(
        {"checker": VERSION, "items": [figure.as_json() for figure in found]}, ensure_ascii=False, indent=1
    )


def _as_line(figure: Checked) -> str:
    fields = figure.as_json()
    because = ", ".join(fields["evidence"])
    record = f", the record has {fields['expected']}" if fields["expected"] is not None else ""
    return f"{figure.label:<13}{figure.text:<20}{because}{record}"

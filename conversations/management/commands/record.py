"""Prints what is known about an instrument at a time, as a debate about it would freeze it."""

import asyncio
import json
from argparse import ArgumentParser
from datetime import UTC, datetime

from django.core.management.base import BaseCommand, CommandError

from conversations.runs import gathering
from evidence.freezing.freeze import freeze
from evidence.instruments import UnknownInstrument
from evidence.record import Snapshot
from evidence.sources.base import Failed


class Command(BaseCommand):
    help = "Print the record of an instrument, from the library and the configured sources, for `figures` to read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("instrument", help="a ticker or name")
        parser.add_argument("--as-of", type=_time, help="a time, such as 2012-12-31T23:00Z; by default now")

    def handle(self, *, instrument: str, as_of: datetime | None, **options: object) -> None:
        try:
            snapshot = asyncio.run(_record(instrument, as_of or datetime.now(UTC)))
        except UnknownInstrument as unknown:
            raise CommandError(str(unknown)) from None
        except Failed as failure:
            raise CommandError(f"The list of companies cannot be reached: {failure}.") from None
        self.stdout.write(json.dumps(snapshot.model_dump(mode="json"), ensure_ascii=False, indent=1))


async def _record(instrument: str, as_of: datetime) -> Snapshot:
    symbol = (await gathering.find(instrument)).symbol
    known = await gathering.known(symbol, as_of)
    return freeze(known.instrument, as_of, (), known.gathered)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

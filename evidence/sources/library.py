"""The library's instruments, as a source: its figures are in every record without being asked for."""

from evidence.instruments import UnknownInstrument, resolve
from evidence.record import Instrument
from evidence.sources.base import Source


class Library(Source):
    async def find(self, text: str) -> Instrument | None:
        try:
            return resolve(text)
        except UnknownInstrument:
            return None

"""Which sources are asked, and where they are."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SourceSettings:
    """Each source is off by default. `sec_contact` is the mail address that SEC EDGAR asks of whoever reads it by
    program; `folder` has a customer's own files. The rest are the services' addresses."""

    sec_contact: str = ""
    ecb: bool = False
    fred_key: str = field(default="", repr=False)
    folder: Path | None = None
    sec_url: str = "https://www.sec.gov"
    sec_data_url: str = "https://data.sec.gov"
    ecb_url: str = "https://data-api.ecb.europa.eu"
    fred_url: str = "https://api.stlouisfed.org"

    @property
    def is_any(self) -> bool:
        return bool(self.sec_contact or self.ecb or self.fred_key or self.folder)

    @property
    def knows_instruments(self) -> bool:
        """Whether a source may know instruments that the library does not have."""
        return bool(self.sec_contact or self.folder)

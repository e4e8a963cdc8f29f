"""Settings of the sources of figures outside the library: all off unless they are named."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from config.env.parsing import flag, text
from evidence.sources.config import SourceSettings


def evidence_sources(base_dir: Path) -> SourceSettings:
    """Raises ImproperlyConfigured."""
    return SourceSettings(
        sec_contact=_address("OUTCRY_SEC_CONTACT"),
        ecb=flag("OUTCRY_ECB", default=False),
        fred_key=_key("OUTCRY_FRED_KEY"),
        folder=_folder("OUTCRY_EVIDENCE_DIR", base_dir),
    )


def _address(name: str) -> str:
    value = text(name)
    try:
        if value:
            validate_email(value)
    except ValidationError:
        raise ImproperlyConfigured(
            f"Unexpected value {name}={value!r}, use a mail address, such as data@example.com: SEC EDGAR asks who reads"
            " it by program."
        ) from None
    return value


def _key(name: str) -> str:
    value = text(name)
    if value and not (len(value) == 32 and value.isascii() and value.isalnum()):
        raise ImproperlyConfigured(
            f"Unexpected value in {name}, use a key of FRED, which has 32 letters and digits."
        )
    return value


def _folder(name: str, base_dir: Path) -> Path | None:
    if not text(name):
        return None
    folder = (base_dir / text(name)).resolve()
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        raise ImproperlyConfigured(f"Unexpected value {name}={str(folder)!r}, use a folder that can be read.")
    return folder

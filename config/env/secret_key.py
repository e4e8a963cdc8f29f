"""The key that signs sessions: from the environment, or generated once and kept in the data folder."""

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env.parsing import text


def secret_key(data_dir: Path, *, is_public: bool) -> str:
    """SECRET_KEY. A public site has to set it; otherwise a generated one is kept, so that a restart does not end
    sessions. Raises ImproperlyConfigured."""
    if key := text("SECRET_KEY"):
        return key
    if is_public:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set, and OUTCRY_HTTPS=true needs it: set 50 random characters."
        )
    kept = data_dir / "secret-key"
    if not kept.exists():
        # Write the whole file, then link it: if several processes start at once, all use the first one's key.
        made = data_dir / f"secret-key.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(made)
        made.unlink()
    return kept.read_text()
